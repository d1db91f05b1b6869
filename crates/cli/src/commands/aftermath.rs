//! What follows an incident, and its room: `redress incident stand-down`, `review`, `export`, `verify`, `room`.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use redress_crisis::domain::export::verify;
use redress_crisis::rpc::EXPORT_TYPE;
use redress_model::words::ClockKind;
use redress_proto::convert::to_timestamp;
use redress_proto::crisis::v1::{
    AddReviewActionRequest, CheckStandDownRequest, CloseReviewRequest, ExportFormat,
    ExportIncidentRequest, ExportIncidentResponse, GetReviewRequest, Review, ReviewAction,
    ReviewActionState, ReviewState, SettleReviewActionRequest, StandDownRequest,
    WriteReviewRequest,
};
use redress_rpc::auth::{JwkSet, attested};

use super::clock::instant;
use super::incident::{find, one, waiver};
use super::lesson::LessonCommand;
use super::people::person;
use super::{lesson, room, spelled, word};
use crate::connect::{Home, Platform, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::{
    Output, counted, heading, instants, line, short, show_table, table, until, when,
};

/// Largest document that is taken.
const DOCUMENT_BYTES_MAX: usize = 256 * 1024 * 1024;

/// More subcommands of `incident`.
#[derive(Debug, Subcommand)]
pub(crate) enum AftermathCommand {
    /// Show an incident live: roles, stage, clocks counting down, statements, briefings, commitments. Ctrl-C ends it.
    #[command(after_help = "Example:\n  redress incident room lakeside/I20261121-01")]
    Room {
        /// The incident, `sites/{site}/incidents/{incident}`, or its number with its site.
        name: String,
    },
    /// Stand an incident down, or look whether it could be.
    #[command(
        group = clap::ArgGroup::new("how").required(true).args(["check", "reason"]),
        after_help = "Examples:\n  redress incident stand-down lakeside/I20261121-01 --check\n  redress incident stand-down lakeside/I20261121-01 --reason 'every household accepted'\n  redress incident stand-down lakeside/I20261121-01 --reason 'calm' --waive 'audience/STAFF=they were all there'"
    )]
    StandDown {
        /// The incident, `sites/{site}/incidents/{incident}`, or its number with its site.
        name: String,
        /// Only say which conditions hold.
        #[arg(long)]
        check: bool,
        /// Why now.
        #[arg(long)]
        reason: Option<String>,
        /// A gap that the last stage may be left with, as the refusal names it, and why. May be repeated.
        #[arg(long, value_name = "GAP=REASON")]
        waive: Vec<String>,
    },
    /// The review of an incident that was stood down.
    #[command(subcommand)]
    Review(ReviewCommand),
    /// What reviews teach the playbooks.
    #[command(subcommand)]
    Lesson(LessonCommand),
    /// Write the whole incident into one document that can be verified.
    #[command(
        after_help = "Examples:\n  redress incident export lakeside/I20261121-01 --out incident.md\n  redress incident export lakeside/I20261121-01 --html --out incident.html"
    )]
    Export {
        /// The incident, `sites/{site}/incidents/{incident}`, or its number with its site.
        name: String,
        /// HTML instead of Markdown.
        #[arg(long)]
        html: bool,
        /// The file; printed where none is given.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Verify an exported incident, without a platform: the chain of its entries and the platform's signature. Ends with
    /// an error where one does not hold.
    #[command(
        after_help = "Examples:\n  redress incident verify incident.md --jwks platform-jwks.json\n  redress incident verify incident.html --chain-only"
    )]
    Verify {
        /// The file.
        file: PathBuf,
        /// Public keys of the platform's issuer; those of the platform on this machine where none is given.
        #[arg(long)]
        jwks: Option<PathBuf>,
        /// Do not check the signature: somebody who wrote the whole document anew is not found.
        #[arg(long, conflicts_with = "jwks")]
        chain_only: bool,
    },
}

/// Subcommands of `incident review`.
#[derive(Debug, Subcommand)]
pub(crate) enum ReviewCommand {
    /// Show a review: findings, actions, how promises were kept.
    #[command(after_help = "Example:\n  redress incident review show lakeside/I20261121-01")]
    Show {
        /// The incident, `sites/{site}/incidents/{incident}`, or its number with its site.
        name: String,
    },
    /// Write the findings, whole.
    #[command(
        after_help = "Example:\n  redress incident review write lakeside/I20261121-01 --cause 'no notice of the plan change' --worked 'one voice' --lacking 'the plan was not at hand'"
    )]
    Write {
        /// The incident, `sites/{site}/incidents/{incident}`, or its number with its site.
        name: String,
        /// Why it came to this; may be given several times.
        #[arg(long = "cause", value_name = "TEXT")]
        causes: Vec<String>,
        /// What worked; may be given several times.
        #[arg(long, value_name = "TEXT")]
        worked: Vec<String>,
        /// What was lacking; may be given several times.
        #[arg(long, value_name = "TEXT")]
        lacking: Vec<String>,
    },
    /// Ask somebody to do something by a time.
    #[command(
        after_help = "Example:\n  redress incident review ask lakeside/I20261121-01 --owner duty --due 2026-12-20T18:00:00+08:00 'a notice of every plan change'"
    )]
    Ask {
        /// The incident, `sites/{site}/incidents/{incident}`, or its number with its site.
        name: String,
        /// What.
        text: String,
        /// Who, by id or name.
        #[arg(long, value_name = "STAFF")]
        owner: String,
        /// By when.
        #[arg(long, value_name = "TIME")]
        due: String,
    },
    /// Record that an action was done, or that it is not to be.
    #[command(
        after_help = "Examples:\n  redress incident review settle sites/lakeside/reviewActions/ID 'in the procedure'\n  redress incident review settle sites/lakeside/reviewActions/ID --drop 'the law does it'"
    )]
    Settle {
        /// The action, `sites/{site}/reviewActions/{action}`.
        name: String,
        /// What came of it, or why it is dropped.
        outcome: String,
        /// It is not to be done.
        #[arg(long)]
        drop: bool,
    },
    /// Close a review that is whole.
    #[command(after_help = "Example:\n  redress incident review close lakeside/I20261121-01")]
    Close {
        /// The incident, `sites/{site}/incidents/{incident}`, or its number with its site.
        name: String,
    },
}

/// Runs a subcommand. The platform is asked for only by those that need it.
pub(crate) async fn run(
    home: &Home,
    platform: impl FnOnce() -> Result<Platform, Failure>,
    command: AftermathCommand,
    out: Output,
) -> Result<(), Failure> {
    match command {
        AftermathCommand::Verify {
            file,
            jwks,
            chain_only,
        } => check(home, &file, jwks.as_deref(), chain_only, out),
        AftermathCommand::Room { name } => {
            let platform = platform()?;
            let name = find(&platform, name).await?;
            room::run(&platform, name, out).await
        }
        AftermathCommand::StandDown {
            name,
            reason,
            waive,
            ..
        } => {
            let platform = platform()?;
            let name = find(&platform, name).await?;
            stand_down(&platform, name, reason, &waive, out).await
        }
        AftermathCommand::Lesson(command) => lesson::run(&platform()?, command, out).await,
        AftermathCommand::Review(command) => review(&platform()?, command, out).await,
        AftermathCommand::Export {
            name,
            html,
            out: file,
        } => {
            let platform = platform()?;
            let name = find(&platform, name).await?;
            export(&platform, name, html, file.as_deref(), out).await
        }
    }
}

async fn stand_down(
    platform: &Platform,
    name: String,
    reason: Option<String>,
    waive: &[String],
    out: Output,
) -> Result<(), Failure> {
    let mut client = platform.aftermath();
    let Some(reason) = reason else {
        let check = CheckStandDownRequest { name };
        let answer = client.check_stand_down(request(check)).await?.into_inner();
        out.rows(
            &["Condition", "Holds", "Missing"],
            &answer.conditions,
            |c| {
                let holds = if c.holds { "yes" } else { "no" };
                vec![
                    c.text.clone(),
                    holds.to_owned(),
                    instants(&c.missing.join("; ")),
                ]
            },
            |c| json::of("crisis.v1.StandDownCondition", c),
        );
        return Ok(());
    };
    let stand_down = StandDownRequest {
        name,
        reason,
        etag: String::new(),
        request_id: request_id(),
        waivers: waive.iter().map(|w| waiver(w)).collect::<Result<_, _>>()?,
    };
    let answer = client.stand_down(request(stand_down)).await?.into_inner();
    one(&answer.incident.unwrap_or_default(), out);
    Ok(())
}

async fn export(
    platform: &Platform,
    name: String,
    html: bool,
    file: Option<&Path>,
    out: Output,
) -> Result<(), Failure> {
    let format = if html {
        ExportFormat::Html
    } else {
        ExportFormat::Markdown
    };
    let export = ExportIncidentRequest {
        name,
        format: format.into(),
    };
    let mut client = platform
        .aftermath()
        .max_decoding_message_size(DOCUMENT_BYTES_MAX);
    let answer = client.export_incident(request(export)).await?.into_inner();
    // What is kept of a log that does not stand is kept all the same, and nobody overlooks it.
    let stands = if answer.broken.is_none() {
        Ok(())
    } else {
        Err(Failure::Tampered)
    };
    let Some(file) = file else {
        out.one(
            || printed(format, &answer),
            || anstream::print!("{}", answer.document),
        );
        return stands;
    };
    std::fs::write(file, &answer.document).map_err(|source| Failure::File {
        what: "cannot write",
        path: file.display().to_string(),
        source,
    })?;
    out.one(
        || {
            serde_json::json!({
                "file": file.display().to_string(),
                "entries": answer.entry_count,
                "hash": answer.hash,
                "broken_log": broken_log(&answer),
            })
        },
        || {
            line("file", file.display());
            line("entries", answer.entry_count);
            line("hash", &answer.hash);
            if let Some(broken) = &answer.broken {
                line(
                    "log",
                    format!(
                        "of {} does not stand from entry {} on: {}",
                        broken.name, broken.first_bad_number, broken.finding
                    ),
                );
            }
        },
    );
    stands
}

/// A document that goes into no file, as one object.
fn printed(format: ExportFormat, answer: &ExportIncidentResponse) -> serde_json::Value {
    serde_json::json!({
        "format": spelled(format.as_str_name(), "EXPORT_FORMAT_"),
        "entries": answer.entry_count,
        "hash": answer.hash,
        "document": answer.document,
        "broken_log": broken_log(answer),
    })
}

/// The first entry of the log that does not stand as it was written; null where all do.
fn broken_log(answer: &ExportIncidentResponse) -> serde_json::Value {
    answer.broken.as_ref().map_or(
        serde_json::Value::Null,
        |b| serde_json::json!({ "incident": b.name, "entry": b.first_bad_number, "finding": b.finding }),
    )
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

/// What the signature of an export says.
#[derive(serde::Deserialize)]
struct Signed {
    incident: String,
    hash: String,
}

fn check(
    home: &Home,
    file: &Path,
    jwks: Option<&Path>,
    chain_only: bool,
    out: Output,
) -> Result<(), Failure> {
    let document = std::fs::read_to_string(file).map_err(|source| Failure::File {
        what: "cannot read",
        path: file.display().to_string(),
        source,
    })?;
    let verified = verify(&document).map_err(|e| e.to_string());
    let signed = match &verified {
        Ok(v) if !chain_only => {
            let signed = attested::<Signed>(&keys(home, jwks)?, EXPORT_TYPE, &v.signature);
            match signed {
                Ok(s) if s.hash == v.hash => Ok(s.incident),
                Ok(_) => Err("the signature is another document's".to_owned()),
                Err(error) => Err(error.to_string()),
            }
        }
        Ok(_) => Ok(String::new()),
        Err(broken) => Err(broken.clone()),
    };
    let entries = verified.as_ref().map_or(0, |v| v.entries);
    out.one(
        || {
            serde_json::json!({
                "file": file.display().to_string(),
                "entries": entries,
                "hash": verified.as_ref().map(|v| v.hash.as_str()).unwrap_or_default(),
                "holds": signed.is_ok(),
                "signature_checked": !chain_only,
                "incident": signed.as_deref().unwrap_or_default(),
                "broken": signed.as_ref().err(),
            })
        },
        || match &signed {
            Err(broken) => line("document", broken),
            Ok(_) if chain_only => line(
                "document",
                format!(
                    "{}; the signature was not checked",
                    counted(&entries, "entry holds", "entries hold")
                ),
            ),
            Ok(incident) => line(
                "document",
                format!(
                    "{incident}: {}, signed",
                    counted(&entries, "entry holds", "entries hold")
                ),
            ),
        },
    );
    signed.map(|_| ()).map_err(|_| Failure::Tampered)
}

async fn review(platform: &Platform, command: ReviewCommand, out: Output) -> Result<(), Failure> {
    let mut client = platform.aftermath();
    let request_id = request_id();
    let review = match command {
        ReviewCommand::Show { name } => {
            let get = GetReviewRequest {
                name: find(platform, name).await?,
            };
            client.get_review(request(get)).await?.into_inner().review
        }
        ReviewCommand::Write {
            name,
            causes,
            worked,
            lacking,
        } => {
            let write = WriteReviewRequest {
                name: find(platform, name).await?,
                causes,
                worked,
                lacking,
                etag: String::new(),
                request_id,
            };
            client
                .write_review(request(write))
                .await?
                .into_inner()
                .review
        }
        ReviewCommand::Ask {
            name,
            text,
            owner,
            due,
        } => {
            let parent = find(platform, name).await?;
            let due = instant("due", &due, crate::now::now())?;
            let ask = AddReviewActionRequest {
                text,
                owner: person(platform, &parent, &owner).await?,
                due_time: Some(to_timestamp(due)),
                request_id,
                parent,
            };
            let answer = client.add_review_action(request(ask)).await?.into_inner();
            show_actions(&[answer.action.unwrap_or_default()], out);
            return Ok(());
        }
        ReviewCommand::Settle {
            name,
            outcome,
            drop,
        } => {
            let state = if drop {
                ReviewActionState::Dropped
            } else {
                ReviewActionState::Done
            };
            let settle = SettleReviewActionRequest {
                name,
                state: state.into(),
                outcome,
                etag: String::new(),
                request_id,
            };
            let answer = client.settle_review_action(request(settle)).await?;
            show_actions(&[answer.into_inner().action.unwrap_or_default()], out);
            return Ok(());
        }
        ReviewCommand::Close { name } => {
            let close = CloseReviewRequest {
                name: find(platform, name).await?,
                etag: String::new(),
                request_id,
            };
            client
                .close_review(request(close))
                .await?
                .into_inner()
                .review
        }
    };
    let review = review.unwrap_or_default();
    out.one(|| json::of("crisis.v1.Review", &review), || show(&review));
    Ok(())
}

fn show_actions(actions: &[ReviewAction], out: Output) {
    let now = crate::now::now();
    out.rows(
        &["Action", "What", "Owner", "State", "Due", ""],
        actions,
        |a| {
            let settled = a.state() != ReviewActionState::Open;
            vec![
                a.name.clone(),
                a.text.clone(),
                short(&a.owner),
                spelled(a.state().as_str_name(), "REVIEW_ACTION_STATE_"),
                when(a.due_time.as_ref()),
                if settled {
                    a.outcome.clone()
                } else {
                    until(a.due_time.as_ref(), now)
                },
            ]
        },
        |a| json::of("crisis.v1.ReviewAction", a),
    );
}

fn show(r: &Review) {
    heading("Review");
    line("incident", &r.incident);
    line(
        "state",
        spelled(
            ReviewState::try_from(r.state).map_or("", |s| s.as_str_name()),
            "REVIEW_STATE_",
        ),
    );
    for (title, texts) in [
        ("Causes", &r.causes),
        ("What worked", &r.worked),
        ("What was lacking", &r.lacking),
    ] {
        if !texts.is_empty() {
            heading(title);
            for text in texts {
                crate::output::say!("  {text}");
            }
        }
    }
    if !r.actions.is_empty() {
        heading("Actions");
        show_actions(&r.actions, Output { json: false });
    }
    if !r.lessons.is_empty() {
        heading("Lessons");
        lesson::show_all(&r.lessons, Output { json: false });
    }
    heading("Promises");
    let mut scores = table(&["Promise", "Made", "Broken"]);
    for s in &r.scores {
        scores.add_row(vec![
            word::<ClockKind>(s.kind),
            s.count.to_string(),
            s.broken_count.to_string(),
        ]);
    }
    show_table(scores);
    heading("Timeline");
    let mut entries = table(&["When", "What"]);
    for entry in &r.timeline {
        entries.add_row(vec![when(entry.log_time.as_ref()), instants(&entry.text)]);
    }
    show_table(entries);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_for_programs_is_one_object_in_one_line_that_keeps_its_text() {
        let answer = ExportIncidentResponse {
            document: "# Incident\n\n\"calm\"\n".to_owned(),
            entry_count: 2,
            hash: "ab".to_owned(),
            broken: None,
        };
        for (format, word) in [
            (ExportFormat::Markdown, "MARKDOWN"),
            (ExportFormat::Html, "HTML"),
        ] {
            let line = printed(format, &answer).to_string();
            assert_eq!(line.lines().count(), 1, "{line}");
            let read: serde_json::Value = serde_json::from_str(&line).expect("an object");
            assert_eq!(read["format"], word);
            assert_eq!(read["document"], answer.document.as_str());
            assert_eq!(read["entries"], 2);
            assert!(read["broken_log"].is_null());
        }
    }

    #[test]
    fn a_document_of_a_log_that_does_not_stand_says_from_where_on_i12() {
        let answer = ExportIncidentResponse {
            broken: Some(redress_proto::crisis::v1::BrokenIncident {
                first_bad_number: 7,
                finding: "the entry is missing".to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        };
        let read = printed(ExportFormat::Markdown, &answer);
        assert_eq!(read["broken_log"]["entry"], 7);
        assert_eq!(read["broken_log"]["finding"], "the entry is missing");
    }
}
