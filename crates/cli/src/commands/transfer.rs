//! `redress transfer`: cases that hotlines, regulators and petition offices transfer to us.

use clap::Subcommand;
use jiff::Timestamp;
use redress_proto::assignment::v1::record_transfer_step_request::Step;
use redress_proto::assignment::v1::{
    CalledBack, ExtensionGranted, ExtensionRefused, ExtensionRequested, GetTransferRequest,
    ListTransfersRequest, PetitionVisit, RecordTransferRequest, RecordTransferStepRequest,
    Transfer, TransferAnswered, TransferBody,
};

use super::case::{Numbers, name_if_given, name_of};
use super::practice::{at, history, or_now};
use super::{choice, spelled};
use crate::args::Paging;
use crate::connect::{Platform, all_pages, parent, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, heading, line, until, when};

/// Subcommands of `transfer`.
#[derive(Debug, Subcommand)]
pub(crate) enum TransferCommand {
    /// Record that a body transferred a case; its deadline runs as a clock of the case.
    #[command(
        after_help = "Example:\n  redress transfer record LS-20261121-0001 --body HOTLINE_12345 --office '12345 of the city' --number GD-2026-1 --due 2026-06-02T10:00:00+08:00\n  redress transfer record LS-20261121-0001 --body PETITION_OFFICE --office 'petition office' --number XF-7    # no deadline given"
    )]
    Record {
        /// The case.
        case: String,
        /// HOTLINE_12345, HOTLINE_12315, HOUSING_AUTHORITY, PETITION_OFFICE or OTHER.
        #[arg(long)]
        body: String,
        /// The office, for people.
        #[arg(long)]
        office: String,
        /// The body's own number.
        #[arg(long)]
        number: String,
        /// The deadline as given: an instant, a local time, or so long from now (5d). Without it, the days that the policy of the
        /// site gives this body (`practice.transfer_days` of `redress policy show`), from when it came to us.
        #[arg(long, value_name = "WHEN", value_parser = crate::args::parse_when)]
        due: Option<Timestamp>,
        /// When it came to us; now otherwise.
        #[arg(long)]
        received: Option<Timestamp>,
        /// In which form the answer goes back.
        #[arg(long, default_value = "")]
        form: String,
    },
    /// Say that more time is asked for.
    #[command(
        after_help = "Example:\n  redress transfer ask sites/lakeside/transfers/ID --until 2026-06-10T10:00:00+08:00"
    )]
    Ask {
        /// The transfer.
        name: String,
        /// The deadline that is wished for.
        #[arg(long, value_name = "WHEN", value_parser = crate::args::parse_when)]
        until: Timestamp,
    },
    /// Say that the body granted more time: the clock moves.
    #[command(
        after_help = "Example:\n  redress transfer grant sites/lakeside/transfers/ID --due 2026-06-10T10:00:00+08:00 --at 2026-06-01T16:00:00+08:00"
    )]
    Grant {
        /// The transfer.
        name: String,
        /// The deadline from now on.
        #[arg(long, value_name = "WHEN", value_parser = crate::args::parse_when)]
        due: Timestamp,
        /// When the body granted it; now otherwise. Before the old deadline, no breach is left.
        #[arg(long)]
        at: Option<Timestamp>,
    },
    /// Say that the body granted no more time.
    #[command(after_help = "Example:\n  redress transfer refuse sites/lakeside/transfers/ID")]
    Refuse {
        /// The transfer.
        name: String,
    },
    /// Say that the answer went back: the clock is met.
    #[command(after_help = "Example:\n  redress transfer answer sites/lakeside/transfers/ID")]
    Answer {
        /// The transfer.
        name: String,
        /// When; now otherwise.
        #[arg(long)]
        at: Option<Timestamp>,
    },
    /// Record what the complainant scored when the body called back.
    #[command(after_help = "Example:\n  redress transfer score sites/lakeside/transfers/ID 5")]
    Score {
        /// The transfer.
        name: String,
        /// 1 to 5.
        #[arg(value_parser = clap::value_parser!(i32).range(1..=5))]
        score: i32,
    },
    /// Record a visit of representatives: at most 5 may come.
    #[command(
        after_help = "Example:\n  redress transfer visit sites/lakeside/transfers/ID --representatives 5"
    )]
    Visit {
        /// The transfer.
        name: String,
        /// How many came.
        #[arg(long)]
        representatives: i32,
    },
    /// Show a transfer with its history.
    #[command(after_help = "Example:\n  redress transfer show sites/lakeside/transfers/ID")]
    Show {
        /// The transfer.
        name: String,
    },
    /// List transfers, newest first.
    #[command(after_help = "Example:\n  redress transfer list --site lakeside --unanswered")]
    List {
        /// Site; all of the token's sites otherwise.
        #[arg(long)]
        site: Option<String>,
        /// Only of this case; needs --site.
        #[arg(long, default_value = "", requires = "site")]
        case: String,
        /// Only those that are not answered.
        #[arg(long)]
        unanswered: bool,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
}

/// Runs a subcommand.
pub(crate) async fn run(
    platform: &Platform,
    command: TransferCommand,
    out: Output,
) -> Result<(), Failure> {
    let mut client = platform.transfers();
    let (name, step) = match command {
        TransferCommand::Record {
            case,
            body,
            office,
            number,
            due,
            received,
            form,
        } => {
            let case = name_of(platform, &case).await?;
            let record = RecordTransferRequest {
                case,
                body: choice("body", "TRANSFER_BODY_", &body, TransferBody::as_str_name)?,
                office,
                outside_number: number,
                receive_time: or_now(received),
                due_time: due.and_then(at),
                return_form: form,
                request_id: request_id(),
            };
            let answer = client.record_transfer(request(record)).await?.into_inner();
            show(&answer.transfer.unwrap_or_default(), out);
            return Ok(());
        }
        TransferCommand::Show { name } => {
            show(&get(platform, &name).await?, out);
            return Ok(());
        }
        TransferCommand::List {
            site,
            case,
            unanswered,
            paging,
        } => {
            let case = name_if_given(platform, &case).await?;
            let rows = all_pages(paging.limit, |page_size, page_token| {
                let mut client = client.clone();
                let list = ListTransfersRequest {
                    parent: parent(site.as_deref()),
                    page_size,
                    page_token,
                    case: case.clone(),
                    unanswered,
                };
                async move {
                    let answer = client.list_transfers(request(list)).await?.into_inner();
                    Ok((answer.transfers, answer.next_page_token))
                }
            })
            .await?;
            show_all(platform, &rows, out).await;
            return Ok(());
        }
        TransferCommand::Ask { name, until } => {
            let wished_due_time = at(until);
            (
                name,
                Step::ExtensionRequested(ExtensionRequested { wished_due_time }),
            )
        }
        TransferCommand::Grant {
            name,
            due,
            at: granted,
        } => {
            let (due_time, grant_time) = (at(due), or_now(granted));
            let granted = ExtensionGranted {
                due_time,
                grant_time,
            };
            (name, Step::ExtensionGranted(granted))
        }
        TransferCommand::Refuse { name } => (name, Step::ExtensionRefused(ExtensionRefused {})),
        TransferCommand::Answer { name, at } => {
            let answer_time = or_now(at);
            (name, Step::Answered(TransferAnswered { answer_time }))
        }
        TransferCommand::Score { name, score } => (name, Step::CalledBack(CalledBack { score })),
        TransferCommand::Visit {
            name,
            representatives,
        } => (name, Step::Visited(PetitionVisit { representatives })),
    };
    let record = RecordTransferStepRequest {
        etag: get(platform, &name).await?.etag,
        name,
        step: Some(step),
        text: String::new(),
        request_id: request_id(),
    };
    let answer = client
        .record_transfer_step(request(record))
        .await?
        .into_inner();
    show(&answer.transfer.unwrap_or_default(), out);
    Ok(())
}

/// The transfer as it is now; a change names its etag.
async fn get(platform: &Platform, name: &str) -> Result<Transfer, Failure> {
    let get = GetTransferRequest {
        name: name.to_owned(),
    };
    let answer = platform.transfers().get_transfer(request(get)).await?;
    Ok(answer.into_inner().transfer.unwrap_or_default())
}

async fn show_all(platform: &Platform, rows: &[Transfer], out: Output) {
    let cases = rows.iter().map(|t| t.case.as_str());
    let numbers = Numbers::look_up(platform, cases, out).await;
    out.rows(
        &[
            "Transfer",
            "Case",
            "Body",
            "Number",
            "Due",
            "Left",
            "More time",
            "Answered",
            "Score",
        ],
        rows,
        |t| {
            vec![
                t.name.clone(),
                numbers.of(&t.case),
                spelled(t.body().as_str_name(), "TRANSFER_BODY_"),
                t.outside_number.clone(),
                when(t.due_time.as_ref()),
                match t.answer_time {
                    Some(_) => "–".to_owned(),
                    None => until(t.due_time.as_ref(), crate::now::now()),
                },
                spelled(t.extension().as_str_name(), "EXTENSION_STATE_"),
                when(t.answer_time.as_ref()),
                t.call_back_score.to_string(),
            ]
        },
        |t| json::of("assignment.v1.Transfer", t),
    );
}

fn show(t: &Transfer, out: Output) {
    out.one(
        || json::of("assignment.v1.Transfer", t),
        || {
            heading("Transfer");
            line("name", &t.name);
            line("case", &t.case);
            line("body", spelled(t.body().as_str_name(), "TRANSFER_BODY_"));
            line("office", &t.office);
            line("number", &t.outside_number);
            line("received", when(t.receive_time.as_ref()));
            line("due", when(t.due_time.as_ref()));
            line("given", &t.due_source);
            line(
                "more time",
                spelled(t.extension().as_str_name(), "EXTENSION_STATE_"),
            );
            line("return form", &t.return_form);
            line("answered", when(t.answer_time.as_ref()));
            if t.call_back_score > 0 {
                line("score", t.call_back_score);
            }
            history(&t.steps);
        },
    );
}
