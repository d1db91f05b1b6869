//! `redress settlement`: one set of terms for a group, and who signed (M10).

use clap::Subcommand;
use redress_proto::assignment::v1::{
    ApproveSettlementRequest, CloseSettlementRequest, CreateSettlementRequest,
    GetSettlementRequest, HouseholdAnswer, HouseholdEntry, ListSettlementsRequest,
    RecordHouseholdsRequest, Settlement,
};

use super::practice::history;
use super::{choice, spelled};
use crate::args::Paging;
use crate::connect::{Platform, all_pages, parent, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, heading, line, show_table, table, when};

/// Subcommands of `settlement`.
#[derive(Debug, Subcommand)]
pub(crate) enum SettlementCommand {
    /// Write down the terms and the roll.
    #[command(
        after_help = "Example:\n  redress settlement create --site lakeside --title 'roof of building 3' --terms 'repair and CNY 2,000 each' --needed 67 --unit 3-1201 --unit 3-1202"
    )]
    Create {
        /// The site.
        #[arg(long)]
        site: String,
        /// A short title; name nobody.
        #[arg(long)]
        title: String,
        /// The terms, the same for every household.
        #[arg(long)]
        terms: String,
        /// From how many percent of the households on it holds.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i32).range(1..=100))]
        needed: i32,
        /// The matter, `sites/{site}/clusters/{cluster}`.
        #[arg(long, default_value = "")]
        cluster: String,
        /// A unit on the roll; may be given several times.
        #[arg(long = "unit", value_name = "UNIT")]
        units: Vec<String>,
    },
    /// Approve the terms that somebody else wrote, as they were shown; households sign once that is done.
    #[command(
        after_help = "Example:\n  redress settlement approve sites/lakeside/settlements/ID --etag 1"
    )]
    Approve {
        /// The settlement.
        name: String,
        /// The etag that `show` named.
        #[arg(long)]
        etag: String,
    },
    /// Record what households said; units that are not on the roll yet join it.
    #[command(
        after_help = "Example:\n  redress settlement record sites/lakeside/settlements/ID --answer SIGNED --unit 3-1201 --unit 3-1202"
    )]
    Record {
        /// The settlement.
        name: String,
        /// WAITING, SIGNED or REFUSED.
        #[arg(long)]
        answer: String,
        /// A unit that says so; may be given several times.
        #[arg(long = "unit", value_name = "UNIT", required = true)]
        units: Vec<String>,
    },
    /// Close the roll.
    #[command(
        after_help = "Example:\n  redress settlement close sites/lakeside/settlements/ID --reason 'all signed'"
    )]
    Close {
        /// The settlement.
        name: String,
        /// Why; name nobody.
        #[arg(long)]
        reason: String,
    },
    /// Show a settlement with its roll.
    #[command(after_help = "Example:\n  redress settlement show sites/lakeside/settlements/ID")]
    Show {
        /// The settlement.
        name: String,
    },
    /// List settlements, newest first.
    #[command(after_help = "Example:\n  redress settlement list --site lakeside")]
    List {
        /// Site; all of the token's sites otherwise.
        #[arg(long)]
        site: Option<String>,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
}

/// Runs a subcommand.
pub(crate) async fn run(
    platform: &Platform,
    command: SettlementCommand,
    out: Output,
) -> Result<(), Failure> {
    let mut client = platform.settlements();
    let request_id = request_id();
    let settlement = match command {
        SettlementCommand::Create {
            site,
            title,
            terms,
            needed,
            cluster,
            units,
        } => {
            let create = CreateSettlementRequest {
                parent: parent(Some(&site)),
                cluster,
                title,
                terms,
                needed_percent: needed,
                households: entries(&units, HouseholdAnswer::Waiting.into()),
                request_id,
            };
            client
                .create_settlement(request(create))
                .await?
                .into_inner()
                .settlement
        }
        SettlementCommand::Approve { name, etag } => {
            let approve = ApproveSettlementRequest {
                name,
                etag,
                request_id,
            };
            client
                .approve_settlement(request(approve))
                .await?
                .into_inner()
                .settlement
        }
        SettlementCommand::Record {
            name,
            answer,
            units,
        } => {
            let answer = choice(
                "answer",
                "HOUSEHOLD_ANSWER_",
                &answer,
                HouseholdAnswer::as_str_name,
            )?;
            let record = RecordHouseholdsRequest {
                etag: get(platform, &name).await?.etag,
                name,
                households: entries(&units, answer),
                request_id,
            };
            client
                .record_households(request(record))
                .await?
                .into_inner()
                .settlement
        }
        SettlementCommand::Close { name, reason } => {
            let close = CloseSettlementRequest {
                etag: get(platform, &name).await?.etag,
                name,
                reason,
                request_id,
            };
            client
                .close_settlement(request(close))
                .await?
                .into_inner()
                .settlement
        }
        SettlementCommand::Show { name } => Some(get(platform, &name).await?),
        SettlementCommand::List { site, paging } => {
            let rows = all_pages(paging.limit, |page_size, page_token| {
                let mut client = client.clone();
                let list = ListSettlementsRequest {
                    parent: parent(site.as_deref()),
                    page_size,
                    page_token,
                };
                async move {
                    let answer = client.list_settlements(request(list)).await?.into_inner();
                    Ok((answer.settlements, answer.next_page_token))
                }
            })
            .await?;
            show_all(&rows, out);
            return Ok(());
        }
    };
    show(&settlement.unwrap_or_default(), out);
    Ok(())
}

fn entries(units: &[String], answer: i32) -> Vec<HouseholdEntry> {
    units
        .iter()
        .map(|unit| HouseholdEntry {
            unit: unit.clone(),
            person_token: String::new(),
            answer,
        })
        .collect()
}

/// The settlement as it is now; a change names its etag.
async fn get(platform: &Platform, name: &str) -> Result<Settlement, Failure> {
    let get = GetSettlementRequest {
        name: name.to_owned(),
    };
    let answer = platform.settlements().get_settlement(request(get)).await?;
    Ok(answer.into_inner().settlement.unwrap_or_default())
}

fn counts(s: &Settlement) -> [String; 4] {
    [
        s.signed.to_string(),
        s.refused.to_string(),
        s.waiting.to_string(),
        format!("{} % of {} %", s.share_percent, s.needed_percent),
    ]
}

fn show_all(rows: &[Settlement], out: Output) {
    out.rows(
        &[
            "Settlement",
            "Title",
            "Signed",
            "Refused",
            "Waiting",
            "Share",
            "Reached",
            "Closed",
        ],
        rows,
        |s| {
            let [signed, refused, waiting, share] = counts(s);
            vec![
                s.name.clone(),
                s.title.clone(),
                signed,
                refused,
                waiting,
                share,
                when(s.reach_time.as_ref()),
                if s.closed { "yes" } else { "no" }.to_owned(),
            ]
        },
        |s| json::of("assignment.v1.Settlement", s),
    );
}

fn show(s: &Settlement, out: Output) {
    out.one(
        || json::of("assignment.v1.Settlement", s),
        || {
            let [signed, refused, waiting, share] = counts(s);
            heading("Settlement");
            line("name", &s.name);
            line("title", &s.title);
            line("terms", &s.terms);
            line("signed", signed);
            line("refused", refused);
            line("waiting", waiting);
            line("share", share);
            line("approved", when(s.approve_time.as_ref()));
            line("reached", when(s.reach_time.as_ref()));
            line("closed", if s.closed { "yes" } else { "no" });
            line("etag", &s.etag);
            heading("Households");
            let mut roll = table(&["Unit", "Answer", "When"]);
            for h in &s.households {
                roll.add_row(vec![
                    h.unit.clone(),
                    spelled(h.answer().as_str_name(), "HOUSEHOLD_ANSWER_"),
                    when(h.answer_time.as_ref()),
                ]);
            }
            show_table(roll);
            history(&s.steps);
        },
    );
}
