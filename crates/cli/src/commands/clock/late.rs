//! `redress clock late`: the receipts of clocks that fired late.

use jiff::SignedDuration;
use redress_model::words::ClockKind;
use redress_proto::triage::v1::{LateCause, LateFiring, ListLateFiringsRequest};

use crate::args::Paging;
use crate::commands::case::Numbers;
use crate::commands::{choice, word};
use crate::connect::{Platform, all_pages, parent, request};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, when};

/// Before every name of a cause on the wire.
const PREFIX: &str = "LATE_CAUSE_";

/// Lists late firings.
pub(super) async fn run(
    platform: &Platform,
    site: Option<&str>,
    (min_lag, cause): (Option<SignedDuration>, Option<String>),
    paging: Paging,
    out: Output,
) -> Result<(), Failure> {
    let filter = ListLateFiringsRequest {
        parent: parent(site),
        min_lag: min_lag.map(|lag| prost_types::Duration {
            seconds: lag.as_secs(),
            nanos: lag.subsec_nanos(),
        }),
        causes: cause
            .as_deref()
            .map(number)
            .transpose()?
            .into_iter()
            .collect(),
        ..Default::default()
    };
    let client = platform.clocks();
    let late = all_pages(paging.limit, |page_size, page_token| {
        let mut client = client.clone();
        let filter = ListLateFiringsRequest {
            page_size,
            page_token,
            ..filter.clone()
        };
        async move {
            let answer = client
                .list_late_firings(request(filter))
                .await?
                .into_inner();
            Ok((answer.late_firings, answer.next_page_token))
        }
    })
    .await?;
    let numbers = Numbers::look_up(platform, late.iter().map(|l| l.case.as_str()), out).await;
    out.rows(
        &["Promise", "Case", "Due", "Fired", "Late by", "Because"],
        &late,
        |l| row(l, &numbers),
        |l| json::of("triage.v1.LateFiring", l),
    );
    Ok(())
}

fn row(l: &LateFiring, numbers: &Numbers) -> Vec<String> {
    vec![
        word::<ClockKind>(l.kind),
        numbers.of(&l.case),
        when(l.due_time.as_ref()),
        when(l.fire_time.as_ref()),
        lag(l.lag.as_ref()),
        because(l.cause()).to_owned(),
    ]
}

fn number(cause: &str) -> Result<i32, Failure> {
    choice("cause", PREFIX, cause, LateCause::as_str_name)
}

/// To the tenth of a second where that says anything.
fn lag(d: Option<&prost_types::Duration>) -> String {
    let d = d.copied().unwrap_or_default();
    let (minutes, seconds) = (d.seconds / 60, d.seconds % 60);
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{seconds}.{}s", d.nanos / 100_000_000),
        (0, m) => format!("{m}m {seconds:02}s"),
        (h, m) => format!("{h}h {m:02}m"),
    }
}

fn because(cause: LateCause) -> &'static str {
    match cause {
        LateCause::Backlog => "more was due than hands were free",
        LateCause::RedisAway => "Redis was away",
        LateCause::IndexLost => "the index was emptied and rebuilt",
        LateCause::IndexRepaired => "the index lacked it until it was repaired",
        LateCause::WorkerLost => "the worker that had it was lost",
        LateCause::Restart => "due while nothing ran",
        LateCause::Failed => "firing it failed before",
        LateCause::ClockStepped => "the wall clock was set forward",
        LateCause::ArmedLate => "past due already when it was armed",
        LateCause::Unspecified => "–",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lags_and_causes_read_like_words() {
        let d = |seconds, nanos| prost_types::Duration { seconds, nanos };
        assert_eq!(lag(Some(&d(2, 340_000_000))), "2.3s");
        assert_eq!(lag(Some(&d(125, 0))), "2m 05s");
        assert_eq!(lag(Some(&d(7_320, 0))), "2h 02m");
        assert_eq!(number("redis_away").ok(), Some(LateCause::RedisAway.into()));
        assert!(number("bad luck").is_err());
        assert!(number("unspecified").is_err());
    }
}
