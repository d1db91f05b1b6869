//! `redress dispute`: the ladder of agreement, mediation, arbitration or litigation (M04).

use clap::Subcommand;
use jiff::Timestamp;
use redress_proto::assignment::v1::record_dispute_step_request::Step;
use redress_proto::assignment::v1::{
    AppealDecided, CourtDecided, DefenceFiled, Dispute, DisputeRung, DisputeSide,
    GetDisputeRequest, ListDisputesRequest, OpenDisputeRequest, PoliceReported,
    RecordDisputeStepRequest, RungEnded, RungEntered, RungOutcome, ViolationFound,
};

use super::case::{Numbers, name_if_given, name_of};
use super::practice::{history, or_now};
use super::{choice, spelled};
use crate::args::Paging;
use crate::connect::{Platform, all_pages, parent, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, heading, line, show_table, table, when};

/// Subcommands of `dispute`.
#[derive(Debug, Subcommand)]
pub(crate) enum DisputeCommand {
    /// Open a dispute about a case.
    #[command(
        after_help = "Example:\n  redress dispute open sites/lakeside/cases/ID --subject 'the roof leaks on'"
    )]
    Open {
        /// The case.
        case: String,
        /// What it is about; name nobody.
        #[arg(long)]
        subject: String,
    },
    /// Say that it goes to a rung. Before a court or an arbitration body, that is signal LITIGATION.
    #[command(
        after_help = "Examples:\n  redress dispute enter sites/lakeside/disputes/ID --rung MEDIATION --body 'district mediation committee'\n  redress dispute enter sites/lakeside/disputes/ID --rung LITIGATION --by COMPLAINANT --body 'district court' --number 2026-1 --since 2026-05-20T09:00:00+08:00"
    )]
    Enter {
        /// The dispute.
        name: String,
        /// AGREEMENT, MEDIATION, ARBITRATION or LITIGATION.
        #[arg(long)]
        rung: String,
        /// Who brought it there: OURS or COMPLAINANT.
        #[arg(long = "by", default_value = "OURS")]
        side: String,
        /// Before whom.
        #[arg(long, default_value = "")]
        body: String,
        /// That body's own number.
        #[arg(long, default_value = "")]
        number: String,
        /// Our counsel, a firm.
        #[arg(long, default_value = "")]
        counsel: String,
        /// When it began; for a court, when the claim was served. Now otherwise.
        #[arg(long)]
        since: Option<Timestamp>,
    },
    /// Say how a rung ended.
    #[command(
        after_help = "Example:\n  redress dispute leave sites/lakeside/disputes/ID --outcome SETTLED --result 'repaired and CNY 2,000'"
    )]
    Leave {
        /// The dispute.
        name: String,
        /// SETTLED, FAILED, DECIDED or WITHDRAWN.
        #[arg(long)]
        outcome: String,
        /// The result in words; name nobody.
        #[arg(long, default_value = "")]
        result: String,
        /// When; now otherwise.
        #[arg(long)]
        at: Option<Timestamp>,
    },
    /// Say that our defence is filed.
    #[command(after_help = "Example:\n  redress dispute defend sites/lakeside/disputes/ID")]
    Defend {
        /// The dispute.
        name: String,
        /// When; now otherwise.
        #[arg(long)]
        at: Option<Timestamp>,
    },
    /// Say that the court decided: 15 days to appeal a judgment, 10 a ruling.
    #[command(
        after_help = "Example:\n  redress dispute decision sites/lakeside/disputes/ID --ruling"
    )]
    Decision {
        /// The dispute.
        name: String,
        /// A ruling rather than a judgment.
        #[arg(long)]
        ruling: bool,
        /// When it was served; now otherwise.
        #[arg(long)]
        at: Option<Timestamp>,
    },
    /// Say that we appeal, or accept the decision.
    #[command(
        after_help = "Examples:\n  redress dispute appeal sites/lakeside/disputes/ID\n  redress dispute appeal sites/lakeside/disputes/ID --accept"
    )]
    Appeal {
        /// The dispute.
        name: String,
        /// We accept the decision.
        #[arg(long)]
        accept: bool,
        /// When; now otherwise.
        #[arg(long)]
        at: Option<Timestamp>,
    },
    /// Record a grave violation: it has to be reported to the police.
    #[command(
        after_help = "Example:\n  redress dispute violation sites/lakeside/disputes/ID --text 'a forged seal'"
    )]
    Violation {
        /// The dispute.
        name: String,
        /// What was found; name nobody.
        #[arg(long)]
        text: String,
        /// When; now otherwise.
        #[arg(long)]
        at: Option<Timestamp>,
    },
    /// Say that it was reported to the police.
    #[command(
        after_help = "Example:\n  redress dispute reported sites/lakeside/disputes/ID --number A-1"
    )]
    Reported {
        /// The dispute.
        name: String,
        /// The police's own number.
        #[arg(long)]
        number: String,
        /// When; now otherwise.
        #[arg(long)]
        at: Option<Timestamp>,
    },
    /// Show a dispute: its rungs and its history.
    #[command(after_help = "Example:\n  redress dispute show sites/lakeside/disputes/ID")]
    Show {
        /// The dispute.
        name: String,
    },
    /// List disputes, newest first.
    #[command(after_help = "Example:\n  redress dispute list --site lakeside --open")]
    List {
        /// Site; all of the token's sites otherwise.
        #[arg(long)]
        site: Option<String>,
        /// Only of this case; needs --site.
        #[arg(long, default_value = "", requires = "site")]
        case: String,
        /// Only those that have not ended.
        #[arg(long)]
        open: bool,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
}

/// Runs a subcommand.
pub(crate) async fn run(
    platform: &Platform,
    command: DisputeCommand,
    out: Output,
) -> Result<(), Failure> {
    let mut client = platform.disputes();
    let mut said = String::new();
    let (name, step) = match command {
        DisputeCommand::Open { case, subject } => {
            let case = name_of(platform, &case).await?;
            let open = OpenDisputeRequest {
                case,
                subject,
                request_id: request_id(),
            };
            let answer = client.open_dispute(request(open)).await?.into_inner();
            show(&answer.dispute.unwrap_or_default(), out);
            return Ok(());
        }
        DisputeCommand::Show { name } => {
            show(&get(platform, &name).await?, out);
            return Ok(());
        }
        DisputeCommand::List {
            site,
            case,
            open,
            paging,
        } => {
            let case = name_if_given(platform, &case).await?;
            let rows = all_pages(paging.limit, |page_size, page_token| {
                let mut client = client.clone();
                let list = ListDisputesRequest {
                    parent: parent(site.as_deref()),
                    page_size,
                    page_token,
                    case: case.clone(),
                    open,
                };
                async move {
                    let answer = client.list_disputes(request(list)).await?.into_inner();
                    Ok((answer.disputes, answer.next_page_token))
                }
            })
            .await?;
            show_all(platform, &rows, out).await;
            return Ok(());
        }
        DisputeCommand::Enter {
            name,
            rung,
            side,
            body,
            number,
            counsel,
            since,
        } => {
            let entered = RungEntered {
                rung: choice("rung", "DISPUTE_RUNG_", &rung, DisputeRung::as_str_name)?,
                body,
                outside_number: number,
                brought_by: choice("by", "DISPUTE_SIDE_", &side, DisputeSide::as_str_name)?,
                counsel,
                start_time: or_now(since),
            };
            (name, Step::RungEntered(entered))
        }
        DisputeCommand::Leave {
            name,
            outcome,
            result,
            at,
        } => {
            said = result;
            let ended = RungEnded {
                outcome: choice(
                    "outcome",
                    "RUNG_OUTCOME_",
                    &outcome,
                    RungOutcome::as_str_name,
                )?,
                end_time: or_now(at),
            };
            (name, Step::RungEnded(ended))
        }
        DisputeCommand::Defend { name, at } => {
            let file_time = or_now(at);
            (name, Step::DefenceFiled(DefenceFiled { file_time }))
        }
        DisputeCommand::Decision { name, ruling, at } => {
            let serve_time = or_now(at);
            (
                name,
                Step::CourtDecided(CourtDecided { ruling, serve_time }),
            )
        }
        DisputeCommand::Appeal { name, accept, at } => {
            let decided = AppealDecided {
                appealed: !accept,
                decide_time: or_now(at),
            };
            (name, Step::AppealDecided(decided))
        }
        DisputeCommand::Violation { name, text, at } => {
            said = text;
            let find_time = or_now(at);
            (name, Step::ViolationFound(ViolationFound { find_time }))
        }
        DisputeCommand::Reported { name, number, at } => {
            let reported = PoliceReported {
                outside_number: number,
                report_time: or_now(at),
            };
            (name, Step::PoliceReported(reported))
        }
    };
    let record = RecordDisputeStepRequest {
        etag: get(platform, &name).await?.etag,
        name,
        step: Some(step),
        text: said,
        request_id: request_id(),
    };
    let answer = client
        .record_dispute_step(request(record))
        .await?
        .into_inner();
    show(&answer.dispute.unwrap_or_default(), out);
    Ok(())
}

/// The dispute as it is now; a change names its etag.
async fn get(platform: &Platform, name: &str) -> Result<Dispute, Failure> {
    let get = GetDisputeRequest {
        name: name.to_owned(),
    };
    let answer = platform.disputes().get_dispute(request(get)).await?;
    Ok(answer.into_inner().dispute.unwrap_or_default())
}

async fn show_all(platform: &Platform, rows: &[Dispute], out: Output) {
    let cases = rows.iter().map(|d| d.case.as_str());
    let numbers = Numbers::look_up(platform, cases, out).await;
    out.rows(
        &["Dispute", "Case", "State", "Rung", "Body", "Subject"],
        rows,
        |d| {
            let last = d.stages.last();
            vec![
                d.name.clone(),
                numbers.of(&d.case),
                spelled(d.state().as_str_name(), "DISPUTE_STATE_"),
                last.map_or_else(
                    || "–".to_owned(),
                    |s| spelled(s.rung().as_str_name(), "DISPUTE_RUNG_"),
                ),
                last.map(|s| s.body.clone()).unwrap_or_default(),
                d.subject.clone(),
            ]
        },
        |d| json::of("assignment.v1.Dispute", d),
    );
}

fn show(d: &Dispute, out: Output) {
    out.one(
        || json::of("assignment.v1.Dispute", d),
        || {
            heading("Dispute");
            line("name", &d.name);
            line("case", &d.case);
            line("subject", &d.subject);
            line("state", spelled(d.state().as_str_name(), "DISPUTE_STATE_"));
            if d.police_report_due_time.is_some() {
                line("police by", when(d.police_report_due_time.as_ref()));
                line("reported", when(d.police_report_time.as_ref()));
            }
            heading("Rungs");
            let mut stages = table(&[
                "Rung", "By", "Body", "Number", "Counsel", "From", "To", "Outcome", "Result",
            ]);
            for s in &d.stages {
                stages.add_row(vec![
                    spelled(s.rung().as_str_name(), "DISPUTE_RUNG_"),
                    spelled(s.brought_by().as_str_name(), "DISPUTE_SIDE_"),
                    s.body.clone(),
                    s.outside_number.clone(),
                    s.counsel.clone(),
                    when(s.start_time.as_ref()),
                    when(s.end_time.as_ref()),
                    spelled(s.outcome().as_str_name(), "RUNG_OUTCOME_"),
                    s.result.clone(),
                ]);
            }
            show_table(stages);
            history(&d.steps);
        },
    );
}
