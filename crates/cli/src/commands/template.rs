//! `redress template`: what is said to people, and what each level changes of it.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use redress_proto::notification::v1::{
    ApplyTemplateRequest, GetTemplateRequest, ListTemplateRevisionsRequest, ListTemplatesRequest,
    PreviewTemplateRequest, Template, TemplateRevision,
};

use super::policy::{ScopeArgs, required, time};
use super::wording::show_hits;
use crate::connect::{Platform, all_pages, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, heading, line, when};

/// Subcommands of `template`.
#[derive(Debug, Subcommand)]
pub(crate) enum TemplateCommand {
    /// List the texts that hold at a site, and whose each is.
    #[command(
        after_help = "Examples:\n  redress template list --site lakeside\n  redress template list --site lakeside --json | jq -r .variables[].name"
    )]
    List {
        /// Site.
        #[arg(long)]
        site: String,
    },
    /// Show a text as it holds at a site, with everything that it may use.
    #[command(
        after_help = "Example:\n  redress template show case.received --site lakeside --language zh-CN > received.txt"
    )]
    Show {
        /// Which text.
        #[command(flatten)]
        which: Which,
    },
    /// Write a text from sample data: the one that holds, or a file.
    #[command(
        after_help = "Examples:\n  redress template preview case.received --site lakeside\n  redress template preview case.received --site lakeside --file received.txt"
    )]
    Preview {
        /// Which text.
        #[command(flatten)]
        which: Which,
        /// The draft: the subject in the first line, then the body; `-` reads standard input.
        #[arg(long)]
        file: Option<PathBuf>,
    },
    /// Put a text in the place of the one above, for an organization, a region or a site.
    #[command(
        visible_alias = "edit",
        after_help = "Examples:\n  redress template apply case.received received.txt --site lakeside --reason 'our own greeting'\n  redress template apply case.received received.txt --organization demo --from 2026-12-01T00:00 --reason 'new year'\n  redress template apply case.received --inherit --site lakeside --reason 'as the region says it'"
    )]
    Apply {
        /// Key of the template, for example case.received.
        template: String,
        /// The subject in the first line, then the body; `-` reads standard input.
        #[arg(required_unless_present = "inherit")]
        file: Option<PathBuf>,
        /// Let the level above hold again.
        #[arg(long, conflicts_with = "file")]
        inherit: bool,
        /// zh-CN or en.
        #[arg(long, default_value = "zh-CN")]
        language: String,
        #[command(flatten)]
        scope: ScopeArgs,
        /// From when on it holds, for example 2026-12-01T00:00; now otherwise.
        #[arg(long, value_name = "TIME")]
        from: Option<String>,
        /// Why.
        #[arg(long)]
        reason: String,
        /// Only if this is still the newest revision, as `history` shows it; r0 where there is none.
        #[arg(long, default_value = "")]
        etag: String,
        /// Why it may say what the wording check finds.
        #[arg(long, value_name = "REASON", default_value = "")]
        override_wording: String,
    },
    /// List the revisions of a level's text, newest first.
    #[command(
        after_help = "Example:\n  redress template history case.received --organization demo --language en"
    )]
    History {
        /// Key of the template, for example case.received.
        template: String,
        /// zh-CN or en.
        #[arg(long, default_value = "zh-CN")]
        language: String,
        #[command(flatten)]
        scope: ScopeArgs,
        /// Print at most so many rows; all otherwise.
        #[arg(long, value_name = "N", value_parser = crate::args::parse_count)]
        limit: Option<usize>,
    },
}

/// A text of a site.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// Key of the template, for example case.received.
    template: String,
    /// Site.
    #[arg(long)]
    site: String,
    /// zh-CN or en.
    #[arg(long, default_value = "zh-CN")]
    language: String,
}

impl Which {
    fn name(&self) -> String {
        format!("sites/{}/templates/{}", self.site, self.template)
    }
}

/// Runs a subcommand.
pub(crate) async fn run(
    platform: &Platform,
    command: TemplateCommand,
    out: Output,
) -> Result<(), Failure> {
    let mut client = platform.templates();
    match command {
        TemplateCommand::List { site } => {
            let list = ListTemplatesRequest {
                parent: format!("sites/{site}"),
            };
            let answer = client.list_templates(request(list)).await?.into_inner();
            out.rows(
                &["Template", "Language", "Subject", "Whose", "Outward"],
                &answer.templates,
                |t| {
                    let key = t.name.rsplit('/').next().unwrap_or_default();
                    vec![
                        key.to_owned(),
                        t.language.clone(),
                        t.subject.clone(),
                        whose(t),
                        if t.outward { "yes" } else { "" }.to_owned(),
                    ]
                },
                |t| json::of("notification.v1.Template", t),
            );
        }
        TemplateCommand::Show { which } => {
            let get = GetTemplateRequest {
                name: which.name(),
                language: which.language,
            };
            let answer = client.get_template(request(get)).await?.into_inner();
            let template = answer.template.unwrap_or_default();
            out.one(
                || json::of("notification.v1.Template", &template),
                || {
                    heading(&format!("{} ({})", template.name, template.language));
                    line("whose", whose(&template));
                    for variable in &template.variables {
                        line(&variable.name, &variable.description_en);
                    }
                    heading(&template.subject);
                    crate::output::say!("{}", template.body);
                },
            );
        }
        TemplateCommand::Preview { which, file } => {
            let (subject, body) = match file {
                Some(file) => split(&read(&file)?),
                None => Default::default(),
            };
            let preview = PreviewTemplateRequest {
                name: which.name(),
                language: which.language,
                subject,
                body,
            };
            let seen = client
                .preview_template(request(preview))
                .await?
                .into_inner();
            out.one(
                || json::of("notification.v1.PreviewTemplateResponse", &seen),
                || {
                    heading(&seen.subject);
                    crate::output::say!("{}", seen.body);
                    show_hits(&seen.hits);
                },
            );
        }
        TemplateCommand::Apply {
            template,
            file,
            inherit: _,
            language,
            scope,
            from,
            reason,
            etag,
            override_wording,
        } => {
            let (subject, body) = match file {
                Some(file) => split(&read(&file)?),
                None => Default::default(),
            };
            let apply = ApplyTemplateRequest {
                parent: required(&scope)?,
                template,
                language,
                subject,
                body,
                effective_time: from.map(|text| time("from", &text)).transpose()?,
                reason,
                etag,
                request_id: request_id(),
                override_reason: override_wording,
            };
            let answer = client.apply_template(request(apply)).await?.into_inner();
            show_revisions(answer.revision.as_slice(), out);
        }
        TemplateCommand::History {
            template,
            language,
            scope,
            limit,
        } => {
            let list = ListTemplateRevisionsRequest {
                parent: required(&scope)?,
                template,
                language,
                ..Default::default()
            };
            let revisions = all_pages(limit, |page_size, page_token| {
                let mut client = client.clone();
                let list = ListTemplateRevisionsRequest {
                    page_size,
                    page_token,
                    ..list.clone()
                };
                async move {
                    let answer = client.list_template_revisions(request(list)).await?;
                    let answer = answer.into_inner();
                    Ok((answer.revisions, answer.next_page_token))
                }
            })
            .await?;
            show_revisions(&revisions, out);
        }
    }
    Ok(())
}

fn show_revisions(revisions: &[TemplateRevision], out: Output) {
    out.rows(
        &["Revision", "Holds from", "Subject", "Who", "When", "Why"],
        revisions,
        |r| {
            let subject = if r.subject.is_empty() {
                "(as the level above)".to_owned()
            } else {
                r.subject.clone()
            };
            vec![
                r.etag.clone(),
                when(r.effective_time.as_ref()),
                subject,
                r.author.clone(),
                when(r.create_time.as_ref()),
                r.reason.clone(),
            ]
        },
        |r| json::of("notification.v1.TemplateRevision", r),
    );
}

fn whose(template: &Template) -> String {
    if template.origin.is_empty() {
        "built-in".to_owned()
    } else {
        format!("{}@{}", template.origin, template.revision)
    }
}

/// The subject in the first line, the body after it.
fn split(text: &str) -> (String, String) {
    let (subject, body) = text.split_once('\n').unwrap_or((text, ""));
    (subject.trim().to_owned(), body.trim().to_owned())
}

/// A file, or standard input.
pub(super) fn read(file: &Path) -> Result<String, Failure> {
    let read = if file.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(file)
    };
    read.map_err(|source| Failure::File {
        what: "cannot read",
        path: file.display().to_string(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_holds_the_subject_in_its_first_line() {
        assert_eq!(
            split("On record\n\nDear {{ reader }}\n"),
            ("On record".to_owned(), "Dear {{ reader }}".to_owned())
        );
        assert_eq!(split("x"), ("x".to_owned(), String::new()));
    }
}
