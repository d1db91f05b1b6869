//! `redress wording`: phrases that must not leave the house.

use std::path::PathBuf;

use clap::Subcommand;
use redress_proto::notification::v1::{
    ApplyWordingRulesRequest, CheckWordingRequest, CheckWordingResponse, GetWordingRulesRequest,
    ListWordingOverridesRequest, ListWordingRevisionsRequest, WordingAudience, WordingHit,
    WordingRevision,
};

use super::policy::{ScopeArgs, required, time};
use super::template::read;
use crate::connect::{Platform, all_pages, parent, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, heading, short, when};

/// Subcommands of `wording`.
#[derive(Debug, Subcommand)]
pub(crate) enum WordingCommand {
    /// Check a text that is to leave the house. The exit code says whether anything was found.
    #[command(
        after_help = "Examples:\n  redress wording check --site lakeside --text '这点小事不归我管'\n  redress wording check --site lakeside --file statement.txt --media"
    )]
    Check {
        /// Site whose rules hold.
        #[arg(long)]
        site: String,
        /// The text.
        #[arg(long, required_unless_present = "file", conflicts_with = "file")]
        text: Option<String>,
        /// A file with the text; `-` reads standard input.
        #[arg(long)]
        file: Option<PathBuf>,
        /// For the press and the public instead of a complainant.
        #[arg(long)]
        media: bool,
    },
    /// Show the rules that hold at a site, and whose each is.
    #[command(after_help = "Example:\n  redress wording rules --site lakeside")]
    Rules {
        /// Site.
        #[arg(long)]
        site: String,
    },
    /// Replace what an organization, a region or a site says of the rules by a file.
    ///
    /// The file is all that the level says: a rule or a switch of the level's former file that it does not repeat holds no more.
    /// Its rules are added to those of the levels above or take their place by id; `disable` switches off rules of the levels
    /// above, and an id that none of them has is refused.
    #[command(
        after_help = "Example:\n  redress wording apply rules.toml --organization demo --reason 'words of the house'\n\nA file:\n  disable = [\"you-get-what-you-pay-for\"]\n  [[rule]]\n  id = \"house-word\"\n  phrases = [\"老赖\"]\n  why = { zh-CN = \"不称呼业主\", en = \"No names\" }\n  better = { zh-CN = \"业主\", en = \"owner\" }"
    )]
    Apply {
        /// TOML; `-` reads standard input.
        file: PathBuf,
        #[command(flatten)]
        scope: ScopeArgs,
        /// From when on they hold; now otherwise.
        #[arg(long, value_name = "TIME")]
        from: Option<String>,
        /// Why.
        #[arg(long)]
        reason: String,
        /// Only if this is still the newest revision, as `history` shows it; r0 where there is none.
        #[arg(long, default_value = "")]
        etag: String,
    },
    /// List the revisions of a level's rules, newest first.
    #[command(after_help = "Example:\n  redress wording history --organization demo")]
    History {
        #[command(flatten)]
        scope: ScopeArgs,
        /// Print at most so many rows; all otherwise.
        #[arg(long, value_name = "N", value_parser = crate::args::parse_count)]
        limit: Option<usize>,
    },
    /// List the messages that somebody sent though the check had found something, and why.
    ///
    /// Messages alone. What else was said all the same stands with what it is: answers, decisions of appeals and solutions in the
    /// history of `redress work show`, statements in `redress statement show` and the incident's log, notices in `redress notice
    /// show`, templates in `redress template history --json`.
    #[command(after_help = "Example:\n  redress wording overrides --site lakeside")]
    Overrides {
        /// Site; all of the token's sites otherwise.
        #[arg(long)]
        site: Option<String>,
        /// Print at most so many rows; all otherwise.
        #[arg(long, value_name = "N", value_parser = crate::args::parse_count)]
        limit: Option<usize>,
    },
}

/// Runs a subcommand.
pub(crate) async fn run(
    platform: &Platform,
    command: WordingCommand,
    out: Output,
) -> Result<(), Failure> {
    let mut client = platform.wording();
    match command {
        WordingCommand::Check {
            site,
            text,
            file,
            media,
        } => {
            let text = match (text, file) {
                (Some(text), _) => text,
                (None, Some(file)) => read(&file)?,
                (None, None) => String::new(),
            };
            let audience = if media {
                WordingAudience::Media
            } else {
                WordingAudience::Complainant
            };
            let check = CheckWordingRequest {
                parent: format!("sites/{site}"),
                text,
                audience: audience.into(),
                ..Default::default()
            };
            let found: CheckWordingResponse =
                client.check_wording(request(check)).await?.into_inner();
            out.one(
                || json::of("notification.v1.CheckWordingResponse", &found),
                || show_hits(&found.hits),
            );
            if !found.hits.is_empty() {
                return Err(Failure::Wording {
                    count: found.hits.len(),
                });
            }
        }
        WordingCommand::Rules { site } => {
            let get = GetWordingRulesRequest {
                parent: format!("sites/{site}"),
                ..Default::default()
            };
            let answer = client.get_wording_rules(request(get)).await?.into_inner();
            out.rows(
                &["Rule", "Whose", "Phrases", "Why", "Better"],
                &answer.rules,
                |r| {
                    vec![
                        r.rule.clone(),
                        r.origin.clone(),
                        r.phrases.len().to_string(),
                        r.why.clone(),
                        r.better.clone(),
                    ]
                },
                |r| json::of("notification.v1.WordingRule", r),
            );
        }
        WordingCommand::Apply {
            file,
            scope,
            from,
            reason,
            etag,
        } => {
            let apply = ApplyWordingRulesRequest {
                parent: required(&scope)?,
                document: read(&file)?,
                effective_time: from.map(|text| time("from", &text)).transpose()?,
                reason,
                etag,
                request_id: request_id(),
            };
            let answer = client
                .apply_wording_rules(request(apply))
                .await?
                .into_inner();
            show_revisions(answer.revision.as_slice(), out);
        }
        WordingCommand::History { scope, limit } => {
            let list = ListWordingRevisionsRequest {
                parent: required(&scope)?,
                ..Default::default()
            };
            let revisions = all_pages(limit, |page_size, page_token| {
                let mut client = client.clone();
                let list = ListWordingRevisionsRequest {
                    page_size,
                    page_token,
                    ..list.clone()
                };
                async move {
                    let answer = client.list_wording_revisions(request(list)).await?;
                    let answer = answer.into_inner();
                    Ok((answer.revisions, answer.next_page_token))
                }
            })
            .await?;
            show_revisions(&revisions, out);
        }
        WordingCommand::Overrides { site, limit } => {
            let list = ListWordingOverridesRequest {
                parent: parent(site.as_deref()),
                ..Default::default()
            };
            let overrides = all_pages(limit, |page_size, page_token| {
                let mut client = client.clone();
                let list = ListWordingOverridesRequest {
                    page_size,
                    page_token,
                    ..list.clone()
                };
                async move {
                    let answer = client.list_wording_overrides(request(list)).await?;
                    let answer = answer.into_inner();
                    Ok((answer.overrides, answer.next_page_token))
                }
            })
            .await?;
            out.rows(
                &["When", "Message", "Rules", "Who", "Why"],
                &overrides,
                |o| {
                    vec![
                        when(o.create_time.as_ref()),
                        short(&o.message),
                        o.rules.join(", "),
                        o.author.clone(),
                        o.reason.clone(),
                    ]
                },
                |o| json::of("notification.v1.WordingOverride", o),
            );
        }
    }
    Ok(())
}

fn show_revisions(revisions: &[WordingRevision], out: Output) {
    out.rows(
        &["Revision", "Holds from", "Who", "When", "Why"],
        revisions,
        |r| {
            vec![
                r.etag.clone(),
                when(r.effective_time.as_ref()),
                r.author.clone(),
                when(r.create_time.as_ref()),
                r.reason.clone(),
            ]
        },
        |r| json::of("notification.v1.WordingRevision", r),
    );
}

/// What the check found, for people.
pub(super) fn show_hits(hits: &[WordingHit]) {
    for hit in hits {
        heading(&format!("{} at {} to {}", hit.rule, hit.start, hit.end));
        crate::output::say!("  {}\n  {}", hit.why, hit.better);
    }
}
