//! `redress library`: what solved cases before, found by likeness and compared by what it cost.

use clap::Subcommand;
use redress_model::words::Category;
use redress_proto::assignment::v1::{
    CompareRemediesRequest, DefectClass, EditLibraryEntryRequest, LibraryEntry,
    ListLibraryEntriesRequest, RetireLibraryEntryRequest, SolutionSuggestion,
    SuggestSolutionsRequest,
};

use super::case::name_of;
use super::practice::{amount, yuan};
use super::{choice, number, spelled, word};
use crate::args::Paging;
use crate::connect::{Platform, all_pages, parent, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, heading, line, show_table, table};

/// Subcommands of `library`.
#[derive(Debug, Subcommand)]
pub(crate) enum LibraryCommand {
    /// Suggest what solved cases like this one, the likest first.
    #[command(
        after_help = "Example:\n  redress library search LS-20261121-0001 --query '外墙渗漏' --class LEAK"
    )]
    Search {
        /// The case, by name or number.
        case: String,
        /// The matter in your own words; names nobody.
        #[arg(long, default_value = "")]
        query: String,
        /// What kind of defect.
        #[arg(long)]
        class: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(i32).range(1..=50))]
        limit: i32,
    },
    /// Say what like cases got.
    #[command(after_help = "Example:\n  redress library compare LS-20261121-0001 --class LEAK")]
    Compare {
        /// The case, by name or number.
        case: String,
        /// What kind of defect.
        #[arg(long)]
        class: Option<String>,
    },
    /// List entries, newest first.
    #[command(
        after_help = "Example:\n  redress library list --site lakeside --category REPAIR_SERVICE"
    )]
    List {
        /// Site; all of the token's sites otherwise.
        #[arg(long)]
        site: Option<String>,
        /// Only of this category.
        #[arg(long)]
        category: Option<String>,
        /// Retired ones too.
        #[arg(long)]
        retired: bool,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
    /// Edit an entry; what is left out stays.
    #[command(
        after_help = "Example:\n  redress library edit sites/lakeside/libraryEntries/ID --summary '接缝重新打胶' --class LEAK"
    )]
    Edit {
        /// The entry.
        name: String,
        /// What was done; names nobody.
        #[arg(long, default_value = "")]
        summary: String,
        /// Why it happened; names nobody.
        #[arg(long, default_value = "")]
        cause: String,
        /// What kind of defect.
        #[arg(long)]
        class: Option<String>,
        /// What it cost, in yuan.
        #[arg(long)]
        amount: Option<String>,
    },
    /// Retire an entry: it is suggested no more.
    #[command(
        after_help = "Example:\n  redress library retire sites/lakeside/libraryEntries/ID --reason 'the sealant failed'"
    )]
    Retire {
        /// The entry.
        name: String,
        /// Why; names nobody.
        #[arg(long)]
        reason: String,
    },
}

/// Runs a subcommand.
pub(crate) async fn run(
    platform: &Platform,
    command: LibraryCommand,
    out: Output,
) -> Result<(), Failure> {
    let mut client = platform.library();
    let class_of = |class: Option<String>| {
        class.map_or(Ok(0), |c| {
            choice("class", "DEFECT_CLASS_", &c, DefectClass::as_str_name)
        })
    };
    let entry = match command {
        LibraryCommand::Search {
            case,
            query,
            class,
            limit,
        } => {
            let suggest = SuggestSolutionsRequest {
                case: name_of(platform, &case).await?,
                query,
                defect_class: class_of(class)?,
                limit,
            };
            let answer = client
                .suggest_solutions(request(suggest))
                .await?
                .into_inner();
            show_suggestions(&answer.suggestions, out);
            return Ok(());
        }
        LibraryCommand::Compare { case, class } => {
            let compare = CompareRemediesRequest {
                case: name_of(platform, &case).await?,
                defect_class: class_of(class)?,
            };
            let answer = client
                .compare_remedies(request(compare))
                .await?
                .into_inner();
            out.one(
                || json::of("assignment.v1.CompareRemediesResponse", &answer),
                || {
                    heading("Like cases");
                    line("closed", answer.count);
                    line("paid", answer.paid);
                    line("least", amount(answer.min.as_ref()));
                    line("middle", amount(answer.median.as_ref()));
                    line("most", amount(answer.max.as_ref()));
                    let mut rows = table(&HEADS);
                    for e in &answer.entries {
                        rows.add_row(cells(e));
                    }
                    show_table(rows);
                },
            );
            return Ok(());
        }
        LibraryCommand::List {
            site,
            category,
            retired,
            paging,
        } => {
            let filter = ListLibraryEntriesRequest {
                parent: parent(site.as_deref()),
                category: category
                    .as_deref()
                    .map(|c| number::<Category>("category", c))
                    .transpose()?
                    .unwrap_or(0),
                show_retired: retired,
                ..Default::default()
            };
            let rows = all_pages(paging.limit, |page_size, page_token| {
                let mut client = client.clone();
                let list = ListLibraryEntriesRequest {
                    page_size,
                    page_token,
                    ..filter.clone()
                };
                async move {
                    let answer = client
                        .list_library_entries(request(list))
                        .await?
                        .into_inner();
                    Ok((answer.entries, answer.next_page_token))
                }
            })
            .await?;
            show_all(&rows, out);
            return Ok(());
        }
        LibraryCommand::Edit {
            name,
            summary,
            cause,
            class,
            amount,
        } => {
            let edit = EditLibraryEntryRequest {
                name,
                summary,
                root_cause: cause,
                defect_class: class_of(class)?,
                amount: amount.map_or(Ok(None), |a| yuan("amount", &a))?,
                etag: String::new(),
                request_id: request_id(),
            };
            client
                .edit_library_entry(request(edit))
                .await?
                .into_inner()
                .entry
        }
        LibraryCommand::Retire { name, reason } => {
            let retire = RetireLibraryEntryRequest {
                name,
                reason,
                etag: String::new(),
                request_id: request_id(),
            };
            client
                .retire_library_entry(request(retire))
                .await?
                .into_inner()
                .entry
        }
    };
    show_all(&Vec::from_iter(entry), out);
    Ok(())
}

const HEADS: [&str; 8] = [
    "Entry",
    "Category",
    "Defect",
    "State",
    "Cost",
    "Satisfied",
    "What was done",
    "Why it happened",
];

fn cells(e: &LibraryEntry) -> Vec<String> {
    vec![
        e.name.clone(),
        word::<Category>(e.category),
        spelled(e.defect_class().as_str_name(), "DEFECT_CLASS_"),
        spelled(e.state().as_str_name(), "LIBRARY_STATE_"),
        amount(e.amount.as_ref()),
        format!("{} of {}", e.satisfied, e.satisfied + e.dissatisfied),
        e.summary.clone(),
        e.root_cause.clone(),
    ]
}

fn show_all(rows: &[LibraryEntry], out: Output) {
    out.rows(&HEADS, rows, cells, |e| {
        json::of("assignment.v1.LibraryEntry", e)
    });
}

const SUGGESTED: [&str; 6] = [
    "Likeness",
    "Why",
    "Satisfied",
    "Cost",
    "What was done",
    "From",
];

fn suggestion(s: &SolutionSuggestion) -> Vec<String> {
    let e = s.entry.clone().unwrap_or_default();
    vec![
        format!("{:.2}", s.likeness),
        s.reasons.join("; "),
        format!("{} of {}", e.satisfied, e.satisfied + e.dissatisfied),
        amount(e.amount.as_ref()),
        e.summary,
        e.case,
    ]
}

fn show_suggestions(rows: &[SolutionSuggestion], out: Output) {
    out.rows(&SUGGESTED, rows, suggestion, |s| {
        json::of("assignment.v1.SolutionSuggestion", s)
    });
}

/// Suggestions as they are shown with a case.
pub(super) fn suggested(rows: &[SolutionSuggestion]) -> comfy_table::Table {
    let mut shown = table(&SUGGESTED);
    for row in rows {
        shown.add_row(suggestion(row));
    }
    shown
}
