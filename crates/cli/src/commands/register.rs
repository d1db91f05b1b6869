//! `redress register`: adverse facts and sales promises of a site (M10).

use clap::Subcommand;
use redress_model::words::Category;
use redress_proto::assignment::v1::{
    CreateRegisterEntryRequest, EndRegisterEntryRequest, ListRegisterEntriesRequest, RegisterEntry,
    RegisterKind,
};

use super::case::name_if_given;
use super::{choice, number, spelled, word};
use crate::args::Paging;
use crate::connect::{Platform, all_pages, parent, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::Output;

/// Subcommands of `register`.
#[derive(Debug, Subcommand)]
pub(crate) enum RegisterCommand {
    /// Add an adverse fact or a sales promise.
    #[command(
        after_help = "Example:\n  redress register add --site lakeside --kind SALES_PROMISE --text 'a school by 2027' --source 'brochure 2024, page 3' --from 2024-01-01 --category SALES_MANAGEMENT\n  redress register add --site lakeside --kind SALES_PROMISE --show-flat --text 'oak floors in all rooms' --source 'show flat A, photographs of 2024-01-02' --from 2024-01-01"
    )]
    Add {
        /// The site.
        #[arg(long)]
        site: String,
        /// ADVERSE_FACT or SALES_PROMISE.
        #[arg(long)]
        kind: String,
        /// The fact or the promise; name nobody.
        #[arg(long)]
        text: String,
        /// Where it stands.
        #[arg(long)]
        source: String,
        /// Since when it holds.
        #[arg(long, value_name = "DATE")]
        from: String,
        /// Until when, that day included.
        #[arg(long, value_name = "DATE", default_value = "")]
        to: String,
        /// It is what a show flat shows: it binds unless stated otherwise.
        #[arg(long)]
        show_flat: bool,
        /// Where it is stated that a home may differ from the show flat, which then does not bind.
        #[arg(
            long,
            value_name = "SOURCE",
            default_value = "",
            requires = "show_flat"
        )]
        stated_otherwise: String,
        /// A category of complaints that it touches; may be given several times. Any otherwise; of a show flat sales and quality.
        #[arg(long = "category", value_name = "CATEGORY")]
        categories: Vec<String>,
        /// A unit that it touches; may be given several times. The whole site otherwise.
        #[arg(long = "unit", value_name = "UNIT")]
        units: Vec<String>,
    },
    /// Say until when an entry holds.
    #[command(
        after_help = "Example:\n  redress register end sites/lakeside/registerEntries/ID --to 2026-05-28 --reason 'the school opened'"
    )]
    End {
        /// The entry.
        name: String,
        /// The last day on which it holds.
        #[arg(long, value_name = "DATE")]
        to: String,
        /// Why; name nobody.
        #[arg(long)]
        reason: String,
    },
    /// List entries, newest first; with a case, those that touch its category.
    #[command(
        after_help = "Examples:\n  redress register list --site lakeside --query school\n  redress register list --site lakeside --case LS-20261121-0001 --unit 3-1201 --on 2026-05-28"
    )]
    List {
        /// Site; all of the token's sites otherwise.
        #[arg(long)]
        site: Option<String>,
        /// Only ADVERSE_FACT or SALES_PROMISE.
        #[arg(long)]
        kind: Option<String>,
        /// Only what touches this case, by name or number; needs --site.
        #[arg(long, default_value = "", requires = "site")]
        case: String,
        /// Only what touches this category.
        #[arg(long)]
        category: Option<String>,
        /// Only what touches this unit.
        #[arg(long, default_value = "")]
        unit: String,
        /// Only what holds on this day.
        #[arg(long, value_name = "DATE", default_value = "")]
        on: String,
        /// Only where text or source has these words.
        #[arg(long, default_value = "")]
        query: String,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
}

/// Runs a subcommand.
pub(crate) async fn run(
    platform: &Platform,
    command: RegisterCommand,
    out: Output,
) -> Result<(), Failure> {
    let mut client = platform.register();
    let request_id = request_id();
    let kind_of = |kind: &str| choice("kind", "REGISTER_KIND_", kind, RegisterKind::as_str_name);
    let entries = match command {
        RegisterCommand::Add {
            site,
            kind,
            text,
            source,
            from,
            to,
            show_flat,
            stated_otherwise,
            categories,
            units,
        } => {
            let categories: Result<Vec<i32>, Failure> = categories
                .iter()
                .map(|c| number::<Category>("category", c))
                .collect();
            let create = CreateRegisterEntryRequest {
                parent: parent(Some(&site)),
                kind: kind_of(&kind)?,
                text,
                source,
                valid_from: from,
                valid_to: to,
                categories: categories?,
                units,
                request_id,
                show_flat,
                stated_otherwise,
            };
            let answer = client.create_register_entry(request(create)).await?;
            Vec::from_iter(answer.into_inner().entry)
        }
        RegisterCommand::End { name, to, reason } => {
            let end = EndRegisterEntryRequest {
                name,
                valid_to: to,
                reason,
                etag: String::new(),
                request_id,
            };
            let answer = client.end_register_entry(request(end)).await?;
            Vec::from_iter(answer.into_inner().entry)
        }
        RegisterCommand::List {
            site,
            kind,
            case,
            category,
            unit,
            on,
            query,
            paging,
        } => {
            let filter = ListRegisterEntriesRequest {
                parent: parent(site.as_deref()),
                kind: kind.as_deref().map(kind_of).transpose()?.unwrap_or(0),
                case: name_if_given(platform, &case).await?,
                category: category
                    .as_deref()
                    .map(|c| number::<Category>("category", c))
                    .transpose()?
                    .unwrap_or(0),
                unit,
                on_date: on,
                query,
                ..Default::default()
            };
            all_pages(paging.limit, |page_size, page_token| {
                let mut client = client.clone();
                let list = ListRegisterEntriesRequest {
                    page_size,
                    page_token,
                    ..filter.clone()
                };
                async move {
                    let answer = client
                        .list_register_entries(request(list))
                        .await?
                        .into_inner();
                    Ok((answer.entries, answer.next_page_token))
                }
            })
            .await?
        }
    };
    show_all(&entries, out);
    Ok(())
}

/// What an entry is, for people; of a show flat, whether it binds (section 10).
pub(crate) fn kind(entry: &RegisterEntry) -> String {
    let kind = spelled(entry.kind().as_str_name(), "REGISTER_KIND_");
    match (entry.show_flat, entry.stated_otherwise.as_str()) {
        (false, _) => kind,
        (true, "") => format!("{kind}, a show flat that binds"),
        (true, stated) => format!("{kind}, a show flat that does not bind: {stated}"),
    }
}

fn show_all(entries: &[RegisterEntry], out: Output) {
    let any = |list: Vec<String>| {
        if list.is_empty() {
            "any".to_owned()
        } else {
            list.join(", ")
        }
    };
    out.rows(
        &[
            "Entry",
            "Kind",
            "From",
            "To",
            "Categories",
            "Units",
            "Text",
            "Source",
        ],
        entries,
        |e| {
            vec![
                e.name.clone(),
                kind(e),
                e.valid_from.clone(),
                e.valid_to.clone(),
                any(e.categories.iter().map(|c| word::<Category>(*c)).collect()),
                any(e.units.clone()),
                e.text.clone(),
                e.source.clone(),
            ]
        },
        |e| json::of("assignment.v1.RegisterEntry", e),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn section_10_an_entry_says_whether_a_show_flat_binds() {
        let mut entry = RegisterEntry {
            kind: RegisterKind::SalesPromise.into(),
            ..Default::default()
        };
        assert_eq!(kind(&entry), "SALES_PROMISE");
        entry.show_flat = true;
        assert_eq!(kind(&entry), "SALES_PROMISE, a show flat that binds");
        entry.stated_otherwise = "contract, annex 3".to_owned();
        assert_eq!(
            kind(&entry),
            "SALES_PROMISE, a show flat that does not bind: contract, annex 3"
        );
    }
}
