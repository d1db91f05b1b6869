//! `redress clock late`: the receipts of clocks that fired late. Triage keeps those of cases, crisis those of incidents.
//! What one has is shown while the other is away, and the command fails by the name of the one that is.

use std::cmp::Reverse;

use jiff::SignedDuration;
use redress_model::words::ClockKind;
use redress_proto::crisis::v1 as crisis;
use redress_proto::triage::v1::{self as triage, LateCause};

use crate::args::{Paging, ServiceArg};
use crate::commands::case::Numbers;
use crate::commands::incident::site_of;
use crate::commands::{choice, word};
use crate::connect::{Platform, all_pages, is_transient, parent, request};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, when};

/// Before every name of a cause on the wire.
const PREFIX: &str = "LATE_CAUSE_";

/// One receipt.
enum Late {
    /// Of a clock of a case.
    Case(triage::LateFiring),
    /// Of a clock of an incident.
    Incident(crisis::LateFiring),
}

/// Lists late firings of both.
pub(super) async fn run(
    platform: &Platform,
    site: Option<&str>,
    (min_lag, cause): (Option<SignedDuration>, Option<String>),
    paging: Paging,
    out: Output,
) -> Result<(), Failure> {
    let min_lag = min_lag.map(|lag| prost_types::Duration {
        seconds: lag.as_secs(),
        nanos: lag.subsec_nanos(),
    });
    let causes: Vec<i32> = cause
        .as_deref()
        .map(number)
        .transpose()?
        .into_iter()
        .collect();
    let client = platform.clocks();
    let of_cases = all_pages(paging.limit, |page_size, page_token| {
        let mut client = client.clone();
        let filter = triage::ListLateFiringsRequest {
            parent: parent(site),
            page_size,
            page_token,
            min_lag,
            causes: causes.clone(),
        };
        async move {
            let answer = client
                .list_late_firings(request(filter))
                .await?
                .into_inner();
            Ok((answer.late_firings, answer.next_page_token))
        }
    })
    .await;
    let client = platform.incidents();
    let of_incidents = all_pages(paging.limit, |page_size, page_token| {
        let mut client = client.clone();
        let filter = crisis::ListLateFiringsRequest {
            parent: parent(site),
            page_size,
            page_token,
            min_lag,
            causes: causes.clone(),
        };
        async move {
            let answer = client
                .list_late_firings(request(filter))
                .await?
                .into_inner();
            Ok((answer.late_firings, answer.next_page_token))
        }
    })
    .await;
    let (of_cases, of_incidents, lacking) = what_came(of_cases, of_incidents)?;
    let late = together(of_cases, of_incidents, paging.limit);
    let cases = late.iter().filter_map(|late| match late {
        Late::Case(l) => Some(l.case.as_str()),
        Late::Incident(_) => None,
    });
    let numbers = Numbers::look_up(platform, cases, out).await;
    out.rows(
        &["Promise", "About", "Due", "Fired", "Late by", "Because"],
        &late,
        |late| row(late, &numbers),
        |late| match late {
            Late::Case(l) => json::of("triage.v1.LateFiring", l),
            Late::Incident(l) => json::of("crisis.v1.LateFiring", l),
        },
    );
    lacking.map_or(Ok(()), Err)
}

/// What triage gave, what crisis gave, and the failure that says which one gave nothing.
type Came<C, I> = (Vec<C>, Vec<I>, Option<Failure>);

/// What either service gave. Nothing to show where both did not answer or one refused.
fn what_came<C, I>(
    of_cases: Result<Vec<C>, Failure>,
    of_incidents: Result<Vec<I>, Failure>,
) -> Result<Came<C, I>, Failure> {
    match (of_cases, of_incidents) {
        (Ok(of_cases), Ok(of_incidents)) => Ok((of_cases, of_incidents, None)),
        (Err(Failure::Call(status)), Ok(of_incidents)) if is_transient(&status) => {
            let lacking = Failure::partial(ServiceArg::Triage, "clocks of cases", &status);
            Ok((Vec::new(), of_incidents, Some(lacking)))
        }
        (Ok(of_cases), Err(Failure::Call(status))) if is_transient(&status) => {
            let lacking = Failure::partial(ServiceArg::Crisis, "clocks of incidents", &status);
            Ok((of_cases, Vec::new(), Some(lacking)))
        }
        (Err(failure), _) | (Ok(_), Err(failure)) => Err(failure),
    }
}

/// Both lists as one, the latest firing first, at most so many.
fn together(
    of_cases: Vec<triage::LateFiring>,
    of_incidents: Vec<crisis::LateFiring>,
    limit: Option<usize>,
) -> Vec<Late> {
    let of_cases = of_cases.into_iter().map(Late::Case);
    let mut late: Vec<Late> = of_cases
        .chain(of_incidents.into_iter().map(Late::Incident))
        .collect();
    late.sort_by_key(|late| {
        let fired = match late {
            Late::Case(l) => l.fire_time.as_ref(),
            Late::Incident(l) => l.fire_time.as_ref(),
        };
        Reverse(fired.map(|t| (t.seconds, t.nanos)))
    });
    late.truncate(limit.unwrap_or(usize::MAX));
    late
}

fn row(late: &Late, numbers: &Numbers) -> Vec<String> {
    let (kind, about, due, fired, late_by, cause) = match late {
        Late::Case(l) => (
            l.kind,
            numbers.of(&l.case),
            l.due_time.as_ref(),
            l.fire_time.as_ref(),
            l.lag.as_ref(),
            l.cause(),
        ),
        // As `redress incident show` takes it.
        Late::Incident(l) => (
            l.kind,
            format!("{}/{}", site_of(&l.incident), l.incident_number),
            l.due_time.as_ref(),
            l.fire_time.as_ref(),
            l.lag.as_ref(),
            l.cause(),
        ),
    };
    vec![
        word::<ClockKind>(kind),
        about,
        when(due),
        when(fired),
        lag(late_by),
        because(cause).to_owned(),
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
    fn late_clocks_of_cases_and_incidents_are_one_list_the_latest_first() {
        let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        let case = |seconds| triage::LateFiring {
            fire_time: at(seconds),
            ..Default::default()
        };
        let incident = |seconds| crisis::LateFiring {
            incident: "sites/lake/incidents/1".to_owned(),
            incident_number: "I20260302-01".to_owned(),
            fire_time: at(seconds),
            ..Default::default()
        };
        let late = together(
            vec![case(9), case(5)],
            vec![incident(7), incident(1)],
            Some(3),
        );
        let of_incidents: Vec<bool> = late
            .iter()
            .map(|late| matches!(late, Late::Incident(_)))
            .collect();
        assert_eq!(of_incidents, [false, true, false]);
        let shown = row(&late[1], &Numbers::default());
        assert_eq!(shown[1], "lake/I20260302-01");
    }

    #[test]
    fn what_one_service_has_is_shown_while_the_other_is_away_and_the_failure_names_it() {
        let away = || -> Failure { tonic::Status::unavailable("starts").into() };
        let refused = || -> Failure { tonic::Status::permission_denied("not yours").into() };
        for (of_cases, of_incidents, service, cases) in [
            (Err(away()), Ok(vec![7]), "triage", vec![]),
            (Ok(vec![9]), Err(away()), "crisis", vec![9]),
        ] {
            let (shown, others, lacking) =
                what_came(of_cases, of_incidents).expect("one of them answered");
            assert_eq!(shown, cases);
            assert_eq!(others.len(), 1 - cases.len());
            let told = lacking.expect("a list that lacks some").to_string();
            assert!(told.starts_with(service), "{told}");
            assert!(told.contains("starts"), "{told}");
        }
        let whole = what_came(Ok(vec![9]), Ok(vec![7])).expect("both answered");
        assert!(whole.2.is_none());
        assert!(what_came::<i32, i32>(Err(away()), Err(away())).is_err());
        assert!(what_came::<i32, _>(Err(refused()), Ok(vec![7])).is_err());
    }

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
