//! `redress clock`: the promises on cases.

use jiff::Timestamp;
use redress_model::words::{ClockKind, ClockState, Word as _};
use redress_proto::triage::v1::{CaseClock, ListClocksRequest};

use super::{number, word};
use crate::args::ClockCommand;
use crate::connect::{Platform, all_pages, parent, request};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, grade, short, until, when};

/// Runs a subcommand.
pub(crate) async fn run(
    platform: &Platform,
    command: ClockCommand,
    out: Output,
) -> Result<(), Failure> {
    let ClockCommand::List {
        site,
        case,
        state,
        paging,
    } = command;
    let states = state
        .map(|s| number::<ClockState>("state", &s))
        .transpose()?
        .into_iter()
        .collect();
    let clocks = list(
        platform,
        ListClocksRequest {
            parent: parent(site.as_deref()),
            case: case.unwrap_or_default(),
            states,
            ..Default::default()
        },
    )
    .await?;
    show(clocks, paging.limit, out);
    Ok(())
}

/// All clocks that a request asks for.
async fn list(platform: &Platform, filter: ListClocksRequest) -> Result<Vec<CaseClock>, Failure> {
    let client = platform.clocks();
    all_pages(None, |page_size, page_token| {
        let mut client = client.clone();
        let filter = ListClocksRequest {
            page_size,
            page_token,
            ..filter.clone()
        };
        async move {
            let answer = client.list_clocks(request(filter)).await?.into_inner();
            Ok((answer.clocks, answer.next_page_token))
        }
    })
    .await
}

/// Prints clocks, the next deadline first; the services list the newest first.
fn show(mut clocks: Vec<CaseClock>, limit: Option<usize>, out: Output) {
    let now = Timestamp::now();
    clocks.sort_by_key(|c| c.due_time.map(|t| (t.seconds, t.nanos)));
    clocks.truncate(limit.unwrap_or(usize::MAX));
    out.rows(
        &["Promise", "Case", "Grade", "State", "Due", "", "Rung"],
        &clocks,
        |c| {
            let running = [ClockState::Running, ClockState::Breached]
                .iter()
                .any(|s| s.number() == c.state);
            vec![
                word::<ClockKind>(c.kind),
                short(&c.case),
                grade(c.grade),
                word::<ClockState>(c.state),
                when(c.due_time.as_ref()),
                if running {
                    until(c.due_time.as_ref(), now)
                } else {
                    String::new()
                },
                rung(c.level),
            ]
        },
        |c| json::of("triage.v1.CaseClock", c),
    );
}

/// Who was told last.
fn rung(level: i32) -> String {
    match level {
        1 => "on-site lead",
        2 => "duty lead",
        3 => "top lead",
        _ => "–",
    }
    .to_owned()
}
