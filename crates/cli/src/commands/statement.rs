//! `redress statement`: what may leave as the company's word on an incident.

use std::path::Path;

use clap::Subcommand;
use redress_crisis::domain::feed::{Form, Said, hash};
use redress_crisis::domain::words::{Audience as SaidTo, StatementKind as SaidAs};
use redress_crisis::rpc::FEED_TYPE;
use redress_model::name::{SiteId, StatementName};
use redress_model::words::Word as _;
use redress_proto::convert::from_timestamp;
use redress_proto::crisis::v1::{
    Audience, CreateStatementRequest, DropStatementRequest, FeedEntry, GetStatementRequest,
    IncidentStage, ListFeedRequest, ListStatementsRequest, PublishStatementRequest,
    ReviewStatementRequest, ReviewStep, Statement, StatementFact, StatementKind, StatementState,
    UpdateStatementRequest, Verdict,
};
use redress_rpc::auth::{JwkSet, attested};

use super::incident::find;
use super::{choice, spelled};
use crate::args::{OfSite, Paging};
use crate::connect::{Home, Platform, all_pages, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, counted, excerpt, heading, line, show_table, table, when};

/// Subcommands of `statement`.
#[derive(Debug, Subcommand)]
pub(crate) enum StatementCommand {
    /// List the statements of an incident, newest first.
    #[command(after_help = "Example:\n  redress statement list lakeside/I20261121-01")]
    List {
        /// The incident, `sites/{site}/incidents/{incident}`, or its number with its site.
        incident: String,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
    /// Show a statement: its words, facts, and everything that was said of it.
    #[command(after_help = "Example:\n  redress statement show sites/lakeside/statements/ID")]
    Show {
        /// The statement, `sites/{site}/statements/{statement}`.
        name: String,
    },
    /// Write a draft. Whoever writes never approves.
    #[command(
        after_help = "Example:\n  redress statement draft lakeside/I20261121-01 --kind HOLDING --audience PUBLIC --text '我们已到现场,正在核实。'\n  redress statement draft lakeside/I20261121-01 --kind UPDATE --audience MEDIA --text '2人受伤。' --fact injured=2@hospital"
    )]
    Draft {
        /// The incident, `sites/{site}/incidents/{incident}`, or its number with its site.
        incident: String,
        /// HOLDING, UPDATE, ANSWER, CLARIFICATION or CLOSING.
        #[arg(long)]
        kind: String,
        /// AFFECTED, PUBLIC, MEDIA, AUTHORITIES or STAFF.
        #[arg(long)]
        audience: String,
        /// Language of the text.
        #[arg(long, default_value = "zh-CN")]
        language: String,
        /// The words.
        #[arg(long)]
        text: String,
        /// A fact with its source; every figure of the text needs one. May be given several times.
        #[arg(long = "fact", value_name = "KEY=VALUE@SOURCE")]
        facts: Vec<String>,
        /// The published statement whose place it takes.
        #[arg(long, default_value = "")]
        supersedes: String,
        /// Why it may and may not.
        #[command(flatten)]
        excuses: Excuses,
    },
    /// Change the words of a draft: what was approved before counts no more.
    #[command(
        after_help = "Example:\n  redress statement edit sites/lakeside/statements/ID --text '我们正在现场。'"
    )]
    Edit {
        /// The statement, `sites/{site}/statements/{statement}`.
        name: String,
        /// The words.
        #[arg(long)]
        text: String,
        /// A fact with its source, all of them anew; the known ones stay where none is given.
        #[arg(long = "fact", value_name = "KEY=VALUE@SOURCE")]
        facts: Vec<String>,
        /// Why it may and may not; what is not given stays.
        #[command(flatten)]
        excuses: Excuses,
    },
    /// Give a verdict on the statement as it stands now.
    #[command(
        after_help = "Examples:\n  redress statement review sites/lakeside/statements/ID --step FACT_CHECK\n  redress statement review sites/lakeside/statements/ID --step LEGAL_REVIEW --verdict OBJECT --reason 'admits liability'"
    )]
    Review {
        /// The statement, `sites/{site}/statements/{statement}`.
        name: String,
        /// FACT_CHECK, LEGAL_REVIEW or APPROVAL.
        #[arg(long)]
        step: String,
        /// APPROVE, OBJECT, LIFT or OVERRULE.
        #[arg(long, default_value = "APPROVE")]
        verdict: String,
        /// Why; required for anything but an approval.
        #[arg(long, default_value = "")]
        reason: String,
        /// The digest of what was read; the one of now where none is given.
        #[arg(long)]
        digest: Option<String>,
    },
    /// Publish the statement as it stands now: it never changes after that.
    #[command(after_help = "Example:\n  redress statement publish sites/lakeside/statements/ID")]
    Publish {
        /// The statement, `sites/{site}/statements/{statement}`.
        name: String,
        /// The digest of what is to leave; the one of now where none is given.
        #[arg(long)]
        digest: Option<String>,
    },
    /// Drop a draft.
    #[command(
        after_help = "Example:\n  redress statement drop sites/lakeside/statements/ID --reason 'overtaken by events'"
    )]
    Drop {
        /// The statement, `sites/{site}/statements/{statement}`.
        name: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Verify what a site published: the chain of hashes, and the platform's signature of each entry. Ends with an error
    /// where one does not hold.
    #[command(
        after_help = "Examples:\n  redress statement verify lakeside\n  redress statement verify lakeside --jwks platform-jwks.json --json"
    )]
    Verify {
        /// The site.
        #[command(flatten)]
        of: OfSite,
        /// Public keys of the platform's issuer; those of the platform on this machine where none is given.
        #[arg(long)]
        jwks: Option<std::path::PathBuf>,
    },
    /// List what a site published, oldest first: a signed chain.
    #[command(after_help = "Example:\n  redress statement feed lakeside --json")]
    Feed {
        /// The site.
        #[command(flatten)]
        of: OfSite,
    },
}

/// What lets a statement pass that would be held back; its reviewers read both.
#[derive(Debug, clap::Args)]
pub(crate) struct Excuses {
    /// Why it may say what the wording check finds; takes the permission wording.override.
    #[arg(long, value_name = "REASON")]
    override_wording: Option<String>,
    /// Why it may say otherwise than what was published.
    #[arg(long, value_name = "REASON")]
    corrects: Option<String>,
}

/// Runs a subcommand.
pub(crate) async fn run(
    home: &Home,
    platform: &Platform,
    command: StatementCommand,
    out: Output,
) -> Result<(), Failure> {
    let mut client = platform.statements();
    let statement = match command {
        StatementCommand::List { incident, paging } => {
            let parent = find(platform, incident).await?;
            show_all(&list(platform, parent, paging.limit).await?, out);
            return Ok(());
        }
        StatementCommand::Feed { of } => {
            show_feed(&read_feed(platform, &of.id()).await?, out);
            return Ok(());
        }
        StatementCommand::Verify { of, jwks } => {
            let site = of.id();
            let keys = keys(home, jwks.as_deref())?;
            return verify(&site, &read_feed(platform, &site).await?, &keys, out);
        }
        StatementCommand::Show { name } => Some(get(platform, name).await?),
        StatementCommand::Draft {
            incident,
            kind,
            audience,
            language,
            text,
            facts,
            supersedes,
            excuses,
        } => {
            let create = CreateStatementRequest {
                parent: find(platform, incident).await?,
                statement: Some(Statement {
                    kind: kind_number(&kind)?,
                    audience: audience_number(&audience)?,
                    language,
                    text,
                    facts: facts.iter().map(|f| fact(f)).collect::<Result<_, _>>()?,
                    supersedes,
                    wording_override_reason: excuses.override_wording.unwrap_or_default(),
                    correction_reason: excuses.corrects.unwrap_or_default(),
                    ..Default::default()
                }),
                request_id: request_id(),
            };
            let answer = client.create_statement(request(create)).await?;
            answer.into_inner().statement
        }
        StatementCommand::Edit {
            name,
            text,
            facts,
            excuses,
        } => {
            let known = get(platform, name).await?;
            let mut paths = vec!["text".to_owned()];
            let mut statement = Statement {
                text,
                ..known.clone()
            };
            if !facts.is_empty() {
                statement.facts = facts.iter().map(|f| fact(f)).collect::<Result<_, _>>()?;
                paths.push("facts".to_owned());
            }
            if let Some(reason) = excuses.override_wording {
                statement.wording_override_reason = reason;
                paths.push("wording_override_reason".to_owned());
            }
            if let Some(reason) = excuses.corrects {
                statement.correction_reason = reason;
                paths.push("correction_reason".to_owned());
            }
            let update = UpdateStatementRequest {
                statement: Some(statement),
                update_mask: Some(prost_types::FieldMask { paths }),
                etag: known.etag,
                request_id: request_id(),
            };
            let answer = client.update_statement(request(update)).await?;
            answer.into_inner().statement
        }
        StatementCommand::Review {
            name,
            step,
            verdict,
            reason,
            digest,
        } => {
            let review = ReviewStatementRequest {
                digest: read(platform, &name, digest).await?,
                name,
                step: step_number(&step)?,
                verdict: verdict_number(&verdict)?,
                reason,
                etag: String::new(),
                request_id: request_id(),
            };
            let answer = client.review_statement(request(review)).await?;
            answer.into_inner().statement
        }
        StatementCommand::Publish { name, digest } => {
            let publish = PublishStatementRequest {
                digest: read(platform, &name, digest).await?,
                name,
                etag: String::new(),
                request_id: request_id(),
            };
            let answer = client.publish_statement(request(publish)).await?;
            answer.into_inner().statement
        }
        StatementCommand::Drop { name, reason } => {
            let dropping = DropStatementRequest {
                name,
                reason,
                etag: String::new(),
                request_id: request_id(),
            };
            let answer = client.drop_statement(request(dropping)).await?;
            answer.into_inner().statement
        }
    };
    let statement = statement.unwrap_or_default();
    out.one(
        || json::of("crisis.v1.Statement", &statement),
        || show(&statement),
    );
    Ok(())
}

async fn get(platform: &Platform, name: String) -> Result<Statement, Failure> {
    let get = GetStatementRequest { name };
    let answer = platform.statements().get_statement(request(get)).await?;
    Ok(answer.into_inner().statement.unwrap_or_default())
}

/// The digest that the caller read, or the one of now.
async fn read(platform: &Platform, name: &str, digest: Option<String>) -> Result<String, Failure> {
    match digest {
        Some(digest) => Ok(digest),
        None => Ok(get(platform, name.to_owned()).await?.digest),
    }
}

async fn list(
    platform: &Platform,
    parent: String,
    limit: Option<usize>,
) -> Result<Vec<Statement>, Failure> {
    let client = platform.statements();
    all_pages(limit, |page_size, page_token| {
        let mut client = client.clone();
        let list = ListStatementsRequest {
            parent: parent.clone(),
            page_size: page_size.min(200),
            page_token,
            ..Default::default()
        };
        async move {
            let answer = client.list_statements(request(list)).await?.into_inner();
            Ok((answer.statements, answer.next_page_token))
        }
    })
    .await
}

async fn read_feed(platform: &Platform, site: &str) -> Result<Vec<FeedEntry>, Failure> {
    let mut client = platform.statements();
    let mut all: Vec<FeedEntry> = Vec::new();
    loop {
        let list = ListFeedRequest {
            parent: format!("sites/{site}"),
            page_size: 200,
            after_number: all.last().map_or(0, |e| e.number),
        };
        let page = client.list_feed(request(list)).await?.into_inner().entries;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

/// The public keys of the platform's issuer.
fn keys(home: &Home, jwks: Option<&Path>) -> Result<JwkSet, Failure> {
    let Some(path) = jwks else {
        return super::token::issuer(home).map(|issuer| issuer.jwks());
    };
    let bytes = std::fs::read(path).map_err(|source| Failure::File {
        what: "cannot read",
        path: path.display().to_string(),
        source,
    })?;
    serde_json::from_slice(&bytes).map_err(|e| Failure::platform("these are no keys", e))
}

/// What an entry's signature says.
#[derive(serde::Deserialize)]
struct Signed {
    site: String,
    number: i64,
    hash: String,
    form: Option<u8>,
}

/// What the hash of an entry covers, or what is wrong with the entry.
fn hold(
    site: &SiteId,
    before: Option<&FeedEntry>,
    e: &FeedEntry,
    keys: &JwkSet,
) -> Result<Form, String> {
    let (number, previous) = before.map_or((0, ""), |b| (b.number, b.hash.as_str()));
    if e.number != number + 1 {
        return Err(format!("entry {} is missing", number + 1));
    }
    if e.previous_hash != previous {
        return Err("it does not follow the entry before".to_owned());
    }
    // What the hash covers is the signature's word, not the entry's.
    let signed =
        attested::<Signed>(keys, FEED_TYPE, &e.signature).map_err(|error| error.to_string())?;
    if signed.site != site.as_str() || signed.number != e.number || signed.hash != e.hash {
        return Err("its signature is another entry's".to_owned());
    }
    let form = Form::of(signed.form)
        .ok_or("a newer release signed it than this program is of; take that one's")?;
    match computed(site, e, form) {
        Some(hash) if hash == e.hash => Ok(form),
        _ => Err("it is not what was published".to_owned()),
    }
}

/// The hash that the entry has to have; none where it is none of ours.
fn computed(site: &SiteId, e: &FeedEntry, form: Form) -> Option<String> {
    let statement: StatementName = e.statement.parse().ok()?;
    let published = from_timestamp("publish_time", e.publish_time.as_ref()?).ok()?;
    let previous = hex::decode(&e.previous_hash).ok()?;
    let digest = hex::decode(&e.digest).ok()?;
    let said = Said {
        site,
        number: e.number,
        previous: &previous,
        digest: &digest,
        statement: &statement,
        kind: SaidAs::from_number(e.kind)?,
        audience: SaidTo::from_number(e.audience)?,
        language: &e.language,
        text: &e.text,
        supersedes_number: e.supersedes_number,
        published,
    };
    Some(hex::encode(hash(form, &said)))
}

/// What a whole feed holds.
#[derive(Debug, Default)]
struct Held {
    /// Entries of an earlier form, that sign their words and neither their kind, nor their audience and time.
    words_only: usize,
    /// The first that does not hold, and why.
    broken: Option<(i64, String)>,
}

fn hold_all(site: &SiteId, entries: &[FeedEntry], keys: &JwkSet) -> Held {
    let mut held = Held::default();
    let mut before = None;
    for e in entries {
        match hold(site, before, e, keys) {
            Ok(Form::Words) => held.words_only += 1,
            Ok(Form::Whole) => {}
            Err(what) => {
                held.broken = Some((e.number, what));
                break;
            }
        }
        before = Some(e);
    }
    held
}

fn verify(site: &str, entries: &[FeedEntry], keys: &JwkSet, out: Output) -> Result<(), Failure> {
    let id: SiteId =
        site.parse()
            .map_err(|e: redress_model::name::NameError| Failure::Argument {
                argument: "site",
                reason: e.to_string(),
            })?;
    let Held { words_only, broken } = hold_all(&id, entries, keys);
    out.one(
        || {
            serde_json::json!({
                "site": site,
                "entries": entries.len(),
                "words_only": words_only,
                "holds": broken.is_none(),
                "broken_number": broken.as_ref().map(|b| b.0),
                "broken": broken.as_ref().map(|b| b.1.as_str()),
            })
        },
        || {
            match &broken {
                None => line(
                    "feed",
                    format!(
                        "{}, each signed",
                        counted(&entries.len(), "entry holds", "entries hold")
                    ),
                ),
                Some((number, what)) => {
                    line("feed", format!("entry {number} does not hold: {what}"));
                }
            }
            if words_only > 0 {
                line(
                    "older",
                    format!("{words_only} sign their words, but neither kind, audience nor time"),
                );
            }
        },
    );
    match broken {
        None => Ok(()),
        Some(_) => Err(Failure::Tampered),
    }
}

fn fact(text: &str) -> Result<StatementFact, Failure> {
    let parts = text
        .split_once('=')
        .and_then(|(key, rest)| Some((key, rest.rsplit_once('@')?)));
    let Some((key, (value, source))) = parts else {
        return Err(Failure::Argument {
            argument: "fact",
            reason: "must look like KEY=VALUE@SOURCE, for example \
                     injured='3 people'@'hospital, 14:00'"
                .to_owned(),
        });
    };
    Ok(StatementFact {
        key: key.to_owned(),
        value: value.to_owned(),
        source: source.to_owned(),
    })
}

fn kind_number(text: &str) -> Result<i32, Failure> {
    choice("kind", "STATEMENT_KIND_", text, StatementKind::as_str_name)
}

fn audience_number(text: &str) -> Result<i32, Failure> {
    choice("audience", "AUDIENCE_", text, Audience::as_str_name)
}

fn step_number(text: &str) -> Result<i32, Failure> {
    choice("step", "REVIEW_STEP_", text, ReviewStep::as_str_name)
}

fn verdict_number(text: &str) -> Result<i32, Failure> {
    choice("verdict", "VERDICT_", text, Verdict::as_str_name)
}

fn state(s: &Statement) -> String {
    spelled(s.state().as_str_name(), "STATEMENT_STATE_")
}

/// That a step to come has nobody who may give it, and what mends it.
fn nobody_for(s: &Statement, step: ReviewStep) -> String {
    let role = match step {
        ReviewStep::LegalReview => "LEGAL_COUNSEL",
        _ => "SPOKESPERSON",
    };
    format!(
        "{}: too few have the role {role} who wrote none of it and were named by no author; somebody who wrote none of it offers the role: \
         redress incident offer {of} {role} STAFF --reason REASON; or its holder, or whoever commands, names a deputy: redress incident \
         deputy {of} --role {role} --staff STAFF --until TIME",
        spelled(step.as_str_name(), "REVIEW_STEP_"),
        of = s.incident
    )
}

/// What it waits for.
fn waits(s: &Statement) -> String {
    if s.state() != StatementState::Draft {
        return "–".to_owned();
    }
    if s.objection_count > 0 {
        return match s.objection_count {
            1 => "an objection".to_owned(),
            many => format!("{many} objections"),
        };
    }
    match s.due_step() {
        ReviewStep::Unspecified => "release".to_owned(),
        ReviewStep::Approval if s.approvals_needed > 1 => {
            let given = s.reviews.iter().filter(|r| {
                let approval = (r.step(), r.verdict()) == (ReviewStep::Approval, Verdict::Approve);
                r.counts && approval
            });
            format!("APPROVAL ({} of {})", given.count(), s.approvals_needed)
        }
        step => spelled(step.as_str_name(), "REVIEW_STEP_"),
    }
}

fn show_all(statements: &[Statement], out: Output) {
    out.rows(
        &[
            "Statement",
            "Kind",
            "To",
            "Language",
            "State",
            "Waits for",
            "Says",
        ],
        statements,
        row,
        |s| json::of("crisis.v1.Statement", s),
    );
}

/// A statement in a list, by the name that the other commands take.
fn row(s: &Statement) -> Vec<String> {
    vec![
        s.name.clone(),
        spelled(s.kind().as_str_name(), "STATEMENT_KIND_"),
        spelled(s.audience().as_str_name(), "AUDIENCE_"),
        s.language.clone(),
        state(s),
        waits(s),
        excerpt(&s.text, 40),
    ]
}

fn show(s: &Statement) {
    heading(&format!(
        "{} to {}",
        spelled(s.kind().as_str_name(), "STATEMENT_KIND_"),
        spelled(s.audience().as_str_name(), "AUDIENCE_")
    ));
    line("name", &s.name);
    line("incident", &s.incident);
    line("state", state(s));
    line("waits for", waits(s));
    line(
        "stage",
        spelled(
            IncidentStage::try_from(s.stage).map_or("", |v| v.as_str_name()),
            "INCIDENT_STAGE_",
        ),
    );
    line("digest", &s.digest);
    line("written by", s.authors.join(", "));
    if s.publish_time.is_some() {
        line(
            "published",
            format!("{} by {}", when(s.publish_time.as_ref()), s.published_by),
        );
    }
    if !s.wording_hits.is_empty() {
        line("must not be said", s.wording_hits.join(", "));
    }
    if !s.wording_override_reason.is_empty() {
        line("said all the same", &s.wording_override_reason);
    }
    if !s.contradiction.is_empty() {
        line("contradicts", &s.contradiction);
    }
    if !s.unsourced_figures.is_empty() {
        line(
            "without source",
            format!(
                "{}: the fact check will be refused; redress statement edit {} --text TEXT, with --fact KEY=VALUE@SOURCE for each",
                s.unsourced_figures.join(", "),
                s.name
            ),
        );
    }
    for step in s.steps_without_reviewer() {
        line("nobody for", nobody_for(s, step));
    }
    if !s.correction_reason.is_empty() {
        line("corrects", &s.correction_reason);
    }
    heading("Words");
    crate::output::say!("{}", s.text);
    if !s.facts.is_empty() {
        heading("Facts");
        let mut facts = table(&["Key", "Value", "Source"]);
        for f in &s.facts {
            facts.add_row(vec![&f.key, &f.value, &f.source]);
        }
        show_table(facts);
    }
    if !s.reviews.is_empty() {
        heading("Reviews");
        let mut reviews = table(&["When", "Who", "Step", "Verdict", "Counts", "Why"]);
        for r in &s.reviews {
            reviews.add_row(vec![
                when(r.review_time.as_ref()),
                r.reviewer.clone(),
                spelled(r.step().as_str_name(), "REVIEW_STEP_"),
                spelled(r.verdict().as_str_name(), "VERDICT_"),
                if r.counts { "yes" } else { "–" }.to_owned(),
                r.reason.clone(),
            ]);
        }
        show_table(reviews);
    }
}

fn show_feed(entries: &[FeedEntry], out: Output) {
    out.rows(
        &["No", "When", "Kind", "To", "Instead of", "Hash", "Says"],
        entries,
        |e| {
            vec![
                e.number.to_string(),
                when(e.publish_time.as_ref()),
                spelled(e.kind().as_str_name(), "STATEMENT_KIND_"),
                spelled(e.audience().as_str_name(), "AUDIENCE_"),
                match e.supersedes_number {
                    0 => "–".to_owned(),
                    old => old.to_string(),
                },
                e.hash.chars().take(12).collect(),
                excerpt(&e.text, 40),
            ]
        },
        |e| json::of("crisis.v1.FeedEntry", e),
    );
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use redress_model::time::SystemClock;
    use redress_rpc::auth::Issuer;

    use super::*;

    fn issuer() -> Issuer {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("key.pem");
        Issuer::generate_key_file(&path).expect("a key");
        Issuer::from_file(&path, "https://issuer.example", Arc::new(SystemClock)).expect("read")
    }

    fn site() -> SiteId {
        "lake".parse().expect("a slug")
    }

    /// The entry, following the one before, signed as a release of this form does.
    fn sign(
        issuer: &Issuer,
        form: Form,
        before: Option<&FeedEntry>,
        mut e: FeedEntry,
    ) -> FeedEntry {
        let (number, previous) = before.map_or((0, String::new()), |b| (b.number, b.hash.clone()));
        e.number = number + 1;
        e.previous_hash = previous;
        e.hash = computed(&site(), &e, form).expect("ours");
        let mut signed = serde_json::json!({ "site": "lake", "number": e.number, "hash": e.hash });
        if form != Form::Words {
            signed["form"] = form.number().into();
        }
        e.signature = issuer.attest(FEED_TYPE, &signed).expect("signed");
        e
    }

    fn words() -> FeedEntry {
        FeedEntry {
            statement: "sites/lake/statements/00000000-0000-0000-0000-000000000007".into(),
            kind: StatementKind::Holding.into(),
            audience: Audience::Public.into(),
            language: "zh-CN".into(),
            text: "我们已到现场。".into(),
            publish_time: Some(prost_types::Timestamp {
                seconds: 1_772_430_000,
                nanos: 1_000,
            }),
            digest: "02".repeat(32),
            ..Default::default()
        }
    }

    #[test]
    fn a_listed_statement_has_the_name_that_show_takes() {
        let name = "sites/lake/statements/00000000-0000-0000-0000-000000000007";
        let statement = Statement {
            name: name.to_owned(),
            ..Default::default()
        };
        assert_eq!(row(&statement)[0], name);
    }

    #[test]
    fn i7_a_feed_with_entries_of_both_forms_holds_and_says_which_sign_their_words_alone() {
        let issuer = issuer();
        let old = sign(&issuer, Form::Words, None, words());
        let new = sign(&issuer, Form::Whole, Some(&old), words());
        let held = hold_all(&site(), &[old, new], &issuer.jwks());
        assert_eq!((held.words_only, held.broken), (1, None));
    }

    #[test]
    fn i7_an_entry_with_another_kind_audience_or_time_does_not_hold() {
        let issuer = issuer();
        let entry = sign(&issuer, Form::Whole, None, words());
        let broken = |tamper: &dyn Fn(&mut FeedEntry)| {
            let mut tampered = entry.clone();
            tamper(&mut tampered);
            hold(&site(), None, &tampered, &issuer.jwks()).err()
        };
        assert_eq!(broken(&|_| {}), None, "as it was published");
        let changed = Some("it is not what was published".to_owned());
        let kind = StatementKind::Closing.into();
        assert_eq!(broken(&|e| e.kind = kind), changed);
        let audience = Audience::Media.into();
        assert_eq!(broken(&|e| e.audience = audience), changed);
        let earlier = prost_types::Timestamp {
            seconds: 1_772_429_999,
            nanos: 1_000,
        };
        assert_eq!(broken(&|e| e.publish_time = Some(earlier)), changed);
        assert_eq!(broken(&|e| e.publish_time = None), changed);
        assert_eq!(broken(&|e| e.language = "en".into()), changed);
        assert_eq!(broken(&|e| e.text.push('!')), changed);
        assert_eq!(broken(&|e| e.supersedes_number = 1), changed);
    }

    #[test]
    fn i7_an_entry_is_not_passed_off_as_one_whose_words_alone_are_signed() {
        let issuer = issuer();
        let mut entry = sign(&issuer, Form::Whole, None, words());
        entry.kind = StatementKind::Closing.into();
        entry.hash = computed(&site(), &entry, Form::Words).expect("ours");
        let found = hold(&site(), None, &entry, &issuer.jwks());
        assert_eq!(found, Err("its signature is another entry's".to_owned()));
    }
}
