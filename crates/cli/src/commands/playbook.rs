//! `redress playbook`: what a company does in each stage of a crisis.

use std::path::PathBuf;

use clap::Subcommand;
use redress_policy::{Playbook as Document, playbook_schema};
use redress_proto::crisis::v1::{
    ApplyPlaybookRequest, GetPlaybookRequest, ListPlaybooksRequest, Playbook, PlaybookText,
};

use super::policy::{read, wrong};
use crate::connect::{Platform, parent, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, line};

/// Subcommands of `playbook`.
#[derive(Debug, Subcommand)]
pub(crate) enum PlaybookCommand {
    /// List the playbooks that hold at a site, by rank.
    #[command(after_help = "Example:\n  redress playbook list --site lakeside")]
    List {
        /// Site.
        #[arg(long)]
        site: String,
    },
    /// Print a playbook that holds at a site, ready to be edited and applied.
    #[command(
        after_help = "Example:\n  redress playbook show group-protest --site lakeside > group-protest.yaml"
    )]
    Show {
        /// Its name.
        name: String,
        /// Site.
        #[arg(long)]
        site: String,
    },
    /// Say what is wrong with a playbook file, with line and field. Needs no platform.
    #[command(after_help = "Example:\n  redress playbook check group-protest.yaml")]
    Check {
        /// The file; `-` reads standard input.
        file: PathBuf,
    },
    /// Add a revision of an organization's playbook. Open incidents keep what was frozen at their opening.
    #[command(
        after_help = "Example:\n  redress playbook apply group-protest.yaml --organization demo --reason 'lessons of November'"
    )]
    Apply {
        /// The file; `-` reads standard input.
        file: PathBuf,
        /// Organization.
        #[arg(long)]
        organization: String,
        /// Why.
        #[arg(long)]
        reason: String,
        /// Only if this is still the newest version, as `show --json` tells it; r0 for one that the product ships.
        #[arg(long, default_value = "")]
        etag: String,
    },
    /// Print the JSON schema of playbooks; editors complete and check by it.
    #[command(after_help = "Example:\n  redress playbook schema > playbook.schema.json")]
    Schema,
}

/// Runs a subcommand; only some of them need the platform.
pub(crate) async fn run(
    platform: impl Fn() -> Result<Platform, Failure>,
    command: PlaybookCommand,
    out: Output,
) -> Result<(), Failure> {
    match command {
        PlaybookCommand::List { site } => {
            let list = ListPlaybooksRequest {
                parent: parent(Some(&site)),
            };
            let answer = platform()?
                .playbooks()
                .list_playbooks(request(list))
                .await?;
            show_all(&answer.into_inner().playbooks, out);
        }
        PlaybookCommand::Show { name, site } => {
            let get = GetPlaybookRequest {
                name: format!("{}/playbooks/{name}", parent(Some(&site))),
            };
            let answer = platform()?.playbooks().get_playbook(request(get)).await?;
            let playbook = answer.into_inner().playbook.unwrap_or_default();
            out.one(
                || json::of("crisis.v1.Playbook", &playbook),
                || anstream::print!("{}", playbook.document),
            );
        }
        PlaybookCommand::Check { file } => {
            let text = read(&file)?;
            let found = Document::parse(&text);
            found.map_err(|problems| wrong(&file, &text, &problems, out))?;
            let file = file.display().to_string();
            out.one(
                || serde_json::json!({ "file": file, "problems": [] }),
                || crate::output::say!("{file} is right"),
            );
        }
        PlaybookCommand::Apply {
            file,
            organization,
            reason,
            etag,
        } => {
            let document = read(&file)?;
            let found = Document::parse(&document);
            found.map_err(|problems| wrong(&file, &document, &problems, out))?;
            let apply = ApplyPlaybookRequest {
                parent: format!("organizations/{organization}"),
                document,
                reason,
                etag,
                request_id: request_id(),
            };
            let answer = platform()?
                .playbooks()
                .apply_playbook(request(apply))
                .await?;
            let playbook = answer.into_inner().playbook.unwrap_or_default();
            out.one(
                || json::of("crisis.v1.Playbook", &playbook),
                || {
                    line("playbook", &playbook.name);
                    line("revision", playbook.revision);
                    line("etag", &playbook.etag);
                },
            );
        }
        PlaybookCommand::Schema => {
            let schema = playbook_schema();
            out.one(|| schema.clone(), || crate::output::say!("{schema:#}"));
        }
    }
    Ok(())
}

fn show_all(playbooks: &[Playbook], out: Output) {
    out.rows(
        &["Rank", "Playbook", "Title", "For", "Revision"],
        playbooks,
        |p| {
            let name = p.name.rsplit('/').next().unwrap_or_default();
            let revision = match p.revision {
                0 => "shipped".to_owned(),
                revision => revision.to_string(),
            };
            vec![
                p.rank.to_string(),
                name.to_owned(),
                both(p.title.as_ref()),
                p.criteria.join(" "),
                revision,
            ]
        },
        |p| json::of("crisis.v1.Playbook", p),
    );
}

/// A text in both languages.
pub(super) fn both(text: Option<&PlaybookText>) -> String {
    text.map(|t| format!("{} / {}", t.zh_cn, t.en))
        .unwrap_or_default()
}
