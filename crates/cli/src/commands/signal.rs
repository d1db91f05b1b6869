//! `redress signal`: what happened that can raise a grade, and whether it is so.

use clap::Subcommand;
use redress_model::words::{SignalBasis, SignalKind, Word as _};
use redress_proto::triage::v1::{
    CaseSignal, ConfirmSignalRequest, Decision, DismissSignalRequest, ListSignalsRequest,
    RecordSignalRequest,
};
use redress_proto::words::Signal;

use super::case::name_of;
use super::{number, word};
use crate::args::Paging;
use crate::connect::{Platform, all_pages, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, grade, line, when};

/// Subcommands of `signal`.
#[derive(Debug, Subcommand)]
pub(crate) enum SignalCommand {
    /// List the signals of a case, newest first.
    #[command(after_help = "Example:\n  redress signal list LS-20261121-0001")]
    List {
        /// The case, `sites/{site}/cases/{case}`, or its number.
        case: String,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
    /// Record what happened; the case is graded again.
    #[command(
        after_help = "Examples:\n  redress signal record LS-20261121-0001 --kind MEDIA_EXPOSURE\n  redress signal record LS-20261121-0001 --kind ONLINE_POST --reach 12000 --basis CONFIRMED"
    )]
    Record {
        /// The case, `sites/{site}/cases/{case}`, or its number.
        case: String,
        /// What happened, for example INJURY or THREATENS_MEDIA.
        #[arg(long)]
        kind: String,
        /// How it is known: REPORTED, CONFIRMED or SUSPECTED.
        #[arg(long, default_value = "REPORTED")]
        basis: String,
        /// Readers of an online post.
        #[arg(long, default_value_t = 0)]
        reach: i64,
    },
    /// Say that a signal is so: it counts from now on.
    #[command(after_help = "Example:\n  redress signal confirm sites/lakeside/signals/ID")]
    Confirm {
        /// The signal, `sites/{site}/signals/{signal}`.
        name: String,
    },
    /// Say that a signal is not so: it counts no more.
    #[command(
        after_help = "Example:\n  redress signal dismiss sites/lakeside/signals/ID --reason 'called back: nobody is hurt'"
    )]
    Dismiss {
        /// The signal, `sites/{site}/signals/{signal}`.
        name: String,
        /// Why, without names of people.
        #[arg(long)]
        reason: String,
    },
}

/// Runs a subcommand.
pub(crate) async fn run(
    platform: &Platform,
    command: SignalCommand,
    out: Output,
) -> Result<(), Failure> {
    let mut triage = platform.triage();
    let request_id = request_id();
    let (signal, decision) = match command {
        SignalCommand::List { case, paging } => {
            let case = name_of(platform, &case).await?;
            return list(platform, &case, paging.limit, out).await;
        }
        SignalCommand::Record {
            case,
            kind,
            basis,
            reach,
        } => {
            let call = RecordSignalRequest {
                parent: name_of(platform, &case).await?,
                signal: Some(Signal {
                    kind: number::<SignalKind>("kind", &kind)?,
                    basis: number::<SignalBasis>("basis", &basis)?,
                    reach,
                    ..Default::default()
                }),
                request_id,
            };
            let answer = triage.record_signal(request(call)).await?.into_inner();
            (answer.signal, answer.decision)
        }
        SignalCommand::Confirm { name } => {
            let call = ConfirmSignalRequest {
                name,
                request_id,
                ..Default::default()
            };
            let answer = triage.confirm_signal(request(call)).await?.into_inner();
            (answer.signal, answer.decision)
        }
        SignalCommand::Dismiss { name, reason } => {
            let call = DismissSignalRequest {
                name,
                reason,
                request_id,
                ..Default::default()
            };
            let answer = triage.dismiss_signal(request(call)).await?.into_inner();
            (answer.signal, answer.decision)
        }
    };
    told(
        &signal.unwrap_or_default(),
        &decision.unwrap_or_default(),
        out,
    );
    Ok(())
}

/// Those of a case that wait for somebody to confirm or dismiss them; none where the caller may not see them.
pub(super) async fn waiting(platform: &Platform, case: &str) -> Vec<CaseSignal> {
    let mut found = all(platform, case, None).await.unwrap_or_default();
    found.retain(|s| {
        s.dismisser.is_empty()
            && s.signal
                .as_ref()
                .is_some_and(|s| s.basis == SignalBasis::Suspected.number())
    });
    found
}

/// What a suspicion is and what answers it.
pub(super) fn question(signal: &CaseSignal) -> String {
    format!(
        "{}, {}; whoever may confirm it says whether it is so: redress signal confirm {name}, or redress signal dismiss {name} --reason WHY",
        kind(signal),
        stands(signal),
        name = signal.name
    )
}

async fn all(
    platform: &Platform,
    case: &str,
    limit: Option<usize>,
) -> Result<Vec<CaseSignal>, Failure> {
    let client = platform.triage();
    all_pages(limit, |page_size, page_token| {
        let mut client = client.clone();
        let parent = case.to_owned();
        async move {
            let list = ListSignalsRequest {
                parent,
                page_size,
                page_token,
            };
            let answer = client.list_signals(request(list)).await?.into_inner();
            Ok((answer.signals, answer.next_page_token))
        }
    })
    .await
}

async fn list(
    platform: &Platform,
    case: &str,
    limit: Option<usize>,
    out: Output,
) -> Result<(), Failure> {
    let signals = all(platform, case, limit).await?;
    out.rows(
        &["Signal", "Kind", "Stands", "Recorded", "By", "Why not"],
        &signals,
        |s| {
            vec![
                s.name.clone(),
                kind(s),
                stands(s),
                when(s.create_time.as_ref()),
                s.recorder.clone(),
                s.dismiss_reason.clone(),
            ]
        },
        |s| json::of("triage.v1.CaseSignal", s),
    );
    Ok(())
}

fn kind(signal: &CaseSignal) -> String {
    let (kind, reach) = signal.signal.as_ref().map_or((0, 0), |s| (s.kind, s.reach));
    let kind = word::<SignalKind>(kind);
    if reach > 0 {
        format!("{kind} ({reach} readers)")
    } else {
        kind
    }
}

/// How a signal is known, and whether it counts.
fn stands(signal: &CaseSignal) -> String {
    if !signal.dismisser.is_empty() {
        return "dismissed".to_owned();
    }
    if signal.provisional {
        return "suspected, counts provisionally".to_owned();
    }
    let basis = signal.signal.as_ref().map_or(0, |s| s.basis);
    word::<SignalBasis>(basis).to_lowercase()
}

fn told(signal: &CaseSignal, decision: &Decision, out: Output) {
    out.one(
        || json::of("triage.v1.CaseSignal", signal),
        || {
            line("signal", &signal.name);
            line("kind", kind(signal));
            line("stands", stands(signal));
            let criteria: Vec<&str> = decision
                .criteria
                .iter()
                .map(|c| c.criterion_id.as_str())
                .collect();
            line(
                "grade now",
                format!("{}  {}", grade(decision.grade), criteria.join(" ")),
            );
        },
    );
}
