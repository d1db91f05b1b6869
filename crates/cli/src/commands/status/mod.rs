//! `redress status`: one screen that says whether the platform runs as it should. It reads what metrics export,
//! service by service, and judges by the same limits as the alerts (deploy/observability/alerts). Metrics need no
//! database, so each service is made to read its own as well. Promises to customers that people broke are named beside
//! it: they are no fault of the platform, and none of its business to call it well either. Every replica of a service is
//! asked, and the worst of what they say counts.

mod replicas;
mod sections;

use futures::future::{join_all, try_join_all};
use redress_proto::event::v1::ListParkedEventsRequest;
use redress_proto::event::v1::event_admin_service_client::EventAdminServiceClient;
use redress_proto::operations::v1::status_service_client::StatusServiceClient;
use redress_proto::operations::v1::{GetStatusRequest, GetStatusResponse};
use tonic::{Code, Status};

use crate::args::ServiceArg;
use crate::connect::{Authenticated, Platform, is_broken, request};
use crate::failure::Failure;
use crate::output::{Output, counted};
use replicas::{Replicas, Reply, together};
use sections::{as_json, show};

/// Seconds: an event may be on its way for so long.
const EVENT_AGE_MAX: f64 = 60.0;
/// Seconds: a promise may fire so late, a message may wait so long for a sender.
const LATE_MAX: f64 = 10.0;
/// How broken promises are listed.
const LIST_BROKEN: &str = "`redress clock list --state BREACHED`";
/// Share of the connections or of the memory that may be in use.
const FULL: f64 = 0.9;

/// Something that keeps the platform from running as it should, and the runbook's section about it.
#[derive(Debug, PartialEq, Eq)]
struct Trouble {
    service: &'static str,
    what: String,
    runbook: &'static str,
}

/// The code of an answer that did not come: a connection that broke has none of the service's own.
fn code_of_away(error: &Status) -> Code {
    if is_broken(error) {
        Code::Unavailable
    } else {
        error.code()
    }
}

/// What one service answered.
struct Answer {
    service: &'static str,
    status: Result<GetStatusResponse, Status>,
    /// Whether a call that reads its database succeeded.
    read: Result<(), Status>,
    /// For how many replicas it speaks.
    replicas: Replicas,
}

impl Answer {
    /// Why the call that reads the database failed; nothing is known where the caller may not make it.
    fn failed_read(&self) -> Option<&Status> {
        self.read
            .as_ref()
            .err()
            .filter(|_| is_failed_read(&self.read))
    }
}

fn is_failed_read(read: &Result<(), Status>) -> bool {
    let known = |s: &Status| !matches!(s.code(), Code::PermissionDenied | Code::Unauthenticated);
    read.as_ref().is_err_and(known)
}

/// Whether the connection broke between the question how it is and this one.
fn is_cut_off(read: &Result<(), Status>) -> bool {
    read.as_ref().is_err_and(is_broken)
}

/// Asks every service, prints, and fails when the platform does not run as it should.
pub(crate) async fn run(platform: &Platform, out: Output) -> Result<(), Failure> {
    let answers = try_join_all(ServiceArg::ALL.map(|service| async move {
        let replicas = platform.replicas(service).await?;
        let replies = join_all(replicas.asked.into_iter().map(ask)).await;
        Ok::<_, Failure>(together(service.name(), replies, replicas.found))
    }))
    .await?;
    // Whoever may not ask learns so, instead of that everything is down.
    if let Some(refusal) = refused(&answers) {
        return Err(refusal.into());
    }
    let troubles: Vec<Trouble> = answers.iter().flat_map(troubles).collect();
    out.one(
        || as_json(&answers, &troubles),
        || show(&answers, &troubles),
    );
    if troubles.is_empty() {
        Ok(())
    } else {
        Err(Failure::Trouble {
            count: troubles.len(),
        })
    }
}

/// Asks one replica.
async fn ask(channel: Authenticated) -> Reply {
    let asked = StatusServiceClient::new(channel.clone())
        .get_status(request(GetStatusRequest {}))
        .await;
    let read = EventAdminServiceClient::new(channel)
        .list_parked_events(request(ListParkedEventsRequest {
            page_size: 1,
            ..Default::default()
        }))
        .await;
    Reply {
        status: asked.map(tonic::Response::into_inner),
        read: read.map(drop),
    }
}

fn refused(answers: &[Answer]) -> Option<Status> {
    answers.iter().find_map(|answer| match &answer.status {
        Err(status)
            if matches!(
                status.code(),
                Code::Unauthenticated | Code::PermissionDenied
            ) =>
        {
            Some(status.clone())
        }
        _ => None,
    })
}

/// Sum of a metric over whatever labels it has, of those that match; 0 of none, where `sum` would say -0.
fn sum(status: &GetStatusResponse, metric: &str, label: Option<(&str, &str)>) -> f64 {
    values(status, metric, label).fold(0.0, |all, one| all + one)
}

/// Largest value of a metric; 0 where there is none.
fn max(status: &GetStatusResponse, metric: &str) -> f64 {
    values(status, metric, None).fold(0.0, f64::max)
}

fn values<'a>(
    status: &'a GetStatusResponse,
    metric: &'a str,
    label: Option<(&'a str, &'a str)>,
) -> impl Iterator<Item = f64> + 'a {
    status
        .readings
        .iter()
        .filter(move |r| r.metric == metric)
        .filter(move |r| {
            label.is_none_or(|(key, value)| r.labels.get(key).is_some_and(|v| v == value))
        })
        .map(|r| r.value)
}

/// How long ago a service made the oldest of its counts, in seconds; unknown where it makes none, made none yet or is of a
/// release that does not say it.
fn counts_age(status: &GetStatusResponse) -> Option<f64> {
    values(status, "redress.counts.age", None).reduce(f64::max)
}

/// Promises to customers that were broken and are not kept yet, as triage counts them: what [`LIST_BROKEN`] lists. Unknown
/// while it is away.
fn broken_promises(answers: &[Answer]) -> Option<f64> {
    let of = |answer: &Answer| {
        let status = answer.status.as_ref().ok()?;
        let label = Some(("redress.clock.state", "breached"));
        Some(sum(status, "redress.triage.clocks.open", label))
    };
    answers.iter().find(|a| a.service == "triage").and_then(of)
}

/// The first lines: how the platform runs, and what people still owe customers, as it was counted so long ago.
fn headline(
    troubles: usize,
    broken: Option<f64>,
    counted_ago: Option<&str>,
) -> (String, Option<String>) {
    let first = match troubles {
        0 => "The platform runs as it should.".to_owned(),
        count => format!(
            "{} somebody.",
            counted(&count, "thing needs", "things need")
        ),
    };
    let second = broken.filter(|broken| *broken > 0.0).map(|broken| {
        let what = counted(
            &broken,
            "promise to a customer is",
            "promises to customers are",
        );
        let ago = counted_ago.map_or_else(String::new, |ago| format!(" (counted {ago})"));
        format!("{what} broken{ago}: {LIST_BROKEN}")
    });
    (first, second)
}

/// What keeps this service from running as it should.
fn troubles(answer: &Answer) -> Vec<Trouble> {
    let mut found = Vec::new();
    let mut tell = |what: String, runbook: &'static str| {
        found.push(Trouble {
            service: answer.service,
            what,
            runbook,
        });
    };
    let status = match &answer.status {
        Ok(status) => status,
        Err(error) => {
            let code = code_of_away(error);
            tell(format!("does not answer ({code:?})"), "a-service-is-gone");
            return found;
        }
    };
    let replicas = &answer.replicas;
    if let Some(code) = replicas.away.first() {
        let (count, asked) = (replicas.away.len(), replicas.asked);
        let do_not = if count == 1 { "does not" } else { "do not" };
        tell(
            format!("{count} of {asked} replicas {do_not} answer ({code:?})"),
            "a-service-is-gone",
        );
    }
    if replicas.cut_off > 0 {
        let how_many = replicas.of_all(replicas.cut_off);
        tell(
            format!("does not answer any more (Unavailable){how_many}"),
            "a-service-is-gone",
        );
    }
    let mut postgres_is_gone = false;
    if let Some(error) = answer.failed_read().filter(|error| !is_broken(error)) {
        let code = error.code();
        let how_many = replicas.of_all(replicas.failing);
        if [Code::Unavailable, Code::DeadlineExceeded].contains(&code) {
            let told = replicas.asked - replicas.away.len() - replicas.cut_off;
            postgres_is_gone = replicas.failing == told;
            tell(
                format!("Postgres does not answer it ({code:?}){how_many}"),
                "postgres-is-gone",
            );
        } else if code == Code::ResourceExhausted {
            tell(
                format!(
                    "its calls or its connections to Postgres are all taken (ResourceExhausted){how_many}"
                ),
                "capacity",
            );
        } else {
            tell(
                format!("calls that read its database fail ({code:?}){how_many}"),
                "calls-fail",
            );
        }
    }
    let age = max(status, "redress.events.outbox.age");
    if age > EVENT_AGE_MAX {
        tell(
            format!("an event has been on its way for {age:.0} s"),
            "events-are-late",
        );
    }
    let parked = sum(status, "redress.events.parked", None);
    if parked > 0.0 {
        tell(
            format!("{} parked", counted(&parked, "event is", "events are")),
            "parked-events",
        );
    }
    let late = max(status, "redress.timers.overdue.age");
    if late > LATE_MAX {
        let count = sum(status, "redress.timers.overdue", None);
        tell(
            format!(
                "{} due and not fired, the oldest for {late:.0} s",
                counted(&count, "timer is", "timers are")
            ),
            "late-timers",
        );
    }
    if values(status, "redress.timers.index.ready", None).any(|ready| ready < 1.0)
        || values(status, "redress.redis.up", None).any(|up| up < 1.0)
    {
        tell(
            "Redis does not answer, or its index of timers is not ready".to_owned(),
            "redis-is-gone",
        );
    }
    if share(
        sum(status, "redress.redis.memory.used", None),
        sum(status, "redress.redis.memory.limit", None),
    ) > FULL
    {
        tell("Redis is nearly full".to_owned(), "redis-is-gone");
    }
    for pool in ["app", "worker"] {
        // Connections that are being made count, too: without Postgres, more capacity is no help.
        if !postgres_is_gone && pool_share(status, pool) > FULL {
            tell(
                format!("nearly all connections of the {pool} pool are at work"),
                "capacity",
            );
        }
    }
    let unanswered = sum(
        status,
        "redress.triage.clocks.unheard",
        Some(("redress.page.state", "UNANSWERED")),
    );
    if unanswered > 0.0 {
        tell(
            format!(
                "{} that nobody on duty acknowledged",
                counted(&unanswered, "broken promise", "broken promises")
            ),
            "nobody-hears-of-a-broken-promise",
        );
    }
    let waits = max(status, "redress.notification.overdue.age");
    if waits > LATE_MAX {
        tell(
            format!("a message has waited {waits:.0} s for a sender"),
            "messages-are-late",
        );
    }
    let dead = sum(status, "redress.notification.dead_letters", None);
    if dead > 0.0 {
        tell(
            format!(
                "{} for a person",
                counted(
                    &dead,
                    "message failed for good and waits",
                    "messages failed for good and wait"
                )
            ),
            "call-outs-fail",
        );
    }
    for (provider, _) in open_breakers(status) {
        tell(
            format!("the provider {provider} is given a rest after failures"),
            "messages-are-late",
        );
    }
    let breached = sum(
        status,
        "redress.crisis.promises",
        Some(("redress.outcome", "breached")),
    );
    if breached > 0.0 {
        tell(
            format!(
                "{} breached",
                counted(
                    &breached,
                    "promise of open incidents is",
                    "promises of open incidents are"
                )
            ),
            "an-incident-breaks-its-promises",
        );
    }
    found
}

fn open_breakers(status: &GetStatusResponse) -> impl Iterator<Item = (String, f64)> + '_ {
    status
        .readings
        .iter()
        .filter(|r| r.metric == "redress.notification.breaker" && r.value >= 2.0)
        .map(|r| {
            let provider = r.labels.get("redress.message.provider");
            (provider.cloned().unwrap_or_default(), r.value)
        })
}

fn pool_share(status: &GetStatusResponse, pool: &str) -> f64 {
    let of = |metric: &str, state: Option<&str>| {
        status
            .readings
            .iter()
            .filter(|r| {
                let is = |key: &str, value: &str| r.labels.get(key).is_some_and(|v| v == value);
                r.metric == metric
                    && is("db.client.connection.pool.name", pool)
                    && state.is_none_or(|state| is("db.client.connection.state", state))
            })
            .map(|r| r.value)
            .sum::<f64>()
    };
    share(
        of("db.client.connection.count", Some("used")),
        of("db.client.connection.max", None),
    )
}

/// Part of a whole; 0 where the whole is unknown.
fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::replicas::tests::{Told, away, reply};
    use super::sections::{as_of, counted_heading};
    use super::*;

    fn answer(readings: &[Told<'_>]) -> Answer {
        together("triage", vec![reply(readings)], 1)
    }

    fn sections() -> Vec<String> {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/runbook.md");
        let text = std::fs::read_to_string(page).expect("the runbook is part of the repository");
        text.lines()
            .filter_map(|line| line.strip_prefix("## "))
            .map(|head| head.to_lowercase().replace(' ', "-"))
            .collect()
    }

    #[test]
    fn a_healthy_service_is_no_trouble_and_each_fault_is_one_with_its_section() {
        let pool = |state| {
            [
                ("db.client.connection.pool.name", "app"),
                ("db.client.connection.state", state),
            ]
        };
        assert_eq!(
            troubles(&answer(&[
                ("redress.events.outbox.age", &[], 2.0),
                ("redress.events.parked", &[], 0.0),
                ("redress.timers.index.ready", &[], 1.0),
                ("redress.redis.up", &[], 1.0),
                ("redress.redis.memory.used", &[], 5.0),
                ("redress.redis.memory.limit", &[], 0.0),
                (
                    "redress.triage.clocks.unheard",
                    &[("redress.page.state", "WAITING")],
                    4.0
                ),
                ("db.client.connection.count", &pool("used"), 3.0),
                ("db.client.connection.max", &pool("used")[..1], 10.0),
            ])),
            []
        );
        for (readings, section) in [
            (
                answer(&[("redress.events.outbox.age", &[], 61.0)]),
                "events-are-late",
            ),
            (
                answer(&[("redress.events.parked", &[], 1.0)]),
                "parked-events",
            ),
            (
                answer(&[("redress.timers.overdue.age", &[], 11.0)]),
                "late-timers",
            ),
            (
                answer(&[("redress.timers.index.ready", &[], 0.0)]),
                "redis-is-gone",
            ),
            (answer(&[("redress.redis.up", &[], 0.0)]), "redis-is-gone"),
            (
                answer(&[(
                    "redress.triage.clocks.unheard",
                    &[("redress.page.state", "UNANSWERED")],
                    1.0,
                )]),
                "nobody-hears-of-a-broken-promise",
            ),
            (
                answer(&[
                    ("db.client.connection.count", &pool("used"), 10.0),
                    ("db.client.connection.max", &pool("used")[..1], 10.0),
                ]),
                "capacity",
            ),
            (
                answer(&[("redress.notification.overdue.age", &[], 11.0)]),
                "messages-are-late",
            ),
            (
                answer(&[("redress.notification.dead_letters", &[], 1.0)]),
                "call-outs-fail",
            ),
            (
                answer(&[(
                    "redress.notification.breaker",
                    &[("redress.message.provider", "SMS")],
                    2.0,
                )]),
                "messages-are-late",
            ),
            (
                answer(&[(
                    "redress.crisis.promises",
                    &[("redress.outcome", "breached")],
                    1.0,
                )]),
                "an-incident-breaks-its-promises",
            ),
        ] {
            let found = troubles(&readings);
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!(found[0].runbook, section);
            assert!(
                sections().iter().any(|s| s == section),
                "{section} is in the runbook"
            );
        }
        let nothing = answer(&[]);
        let nothing = nothing.status.as_ref().expect("answered");
        assert_eq!(sum(nothing, "redress.events.parked", None).to_string(), "0");
        let away = Reply {
            status: Err(Status::unavailable("gone")),
            read: Err(Status::unavailable("gone")),
        };
        let away = together("crisis", vec![away], 1);
        assert_eq!(troubles(&away).len(), 1, "it is away, and that is all");
        assert_eq!(troubles(&away)[0].runbook, "a-service-is-gone");
    }

    #[test]
    fn p04_a_breach_is_told_beside_a_platform_that_runs_and_is_no_trouble_of_its_own() {
        let clock = |state, count| {
            answer(&[(
                "redress.triage.clocks.open",
                &[("redress.clock.state", state)],
                count,
            )])
        };
        let answers = [clock("breached", 3.0), clock("running", 16.0)];
        assert!(answers.iter().all(|a| troubles(a).is_empty()));
        let (first, second) = headline(0, broken_promises(&answers), Some("11 s ago"));
        assert_eq!(first, "The platform runs as it should.");
        let told = second.expect("customers wait");
        assert!(
            told.starts_with("3 promises to customers are broken (counted 11 s ago): "),
            "{told}"
        );
        assert!(
            told.contains("redress clock list --state BREACHED"),
            "{told}"
        );
        let object = as_json(&answers, &[]);
        assert_eq!(
            (&object["ok"], &object["broken_promises"]),
            (&json!(true), &json!(3.0))
        );
        assert_eq!(object["services"][0]["replicas"], json!(1));
        let gone = together("triage", vec![away()], 1);
        assert_eq!(as_json(&[gone], &[])["broken_promises"], json!(null));

        let (first, second) = headline(2, broken_promises(&answers[1..]), None);
        assert_eq!(first, "2 things need somebody.");
        assert_eq!(second, None);
    }

    #[test]
    fn counts_say_how_old_the_oldest_of_them_is() {
        let of = |metric| [("redress.metric", metric)];
        let (cases, clocks) = (
            of("redress.triage.cases.open"),
            of("redress.triage.clocks.open"),
        );
        let counted = answer(&[
            ("redress.counts.age", &cases, 2.0),
            ("redress.counts.age", &clocks, 9.0),
        ]);
        let status = counted.status.as_ref().expect("answered");
        assert_eq!(as_of(status).as_deref(), Some("9 s ago"));
        let heading = counted_heading("Incidents", status);
        assert_eq!(heading, "Incidents, as counted 9 s ago");
        let not_yet = answer(&[]);
        let status = not_yet.status.as_ref().expect("answered");
        assert_eq!(as_of(status), None);
        let object = as_json(&[counted, not_yet], &[]);
        let ages: Vec<_> = (0..2)
            .map(|i| object["services"][i]["counts_age_seconds"].clone())
            .collect();
        assert_eq!(ages, [json!(9.0), json!(null)]);
    }

    /// Sections of what is wrong with a service whose read fails so.
    fn of_failed_read(answer: Answer, code: Code) -> Vec<&'static str> {
        let asked = Reply {
            status: answer.status,
            read: Err(Status::new(code, "")),
        };
        let asked = together("triage", vec![asked], 1);
        troubles(&asked).iter().map(|t| t.runbook).collect()
    }

    #[test]
    fn connections_that_wait_for_an_absent_postgres_are_no_want_of_capacity() {
        let pool = [
            ("db.client.connection.pool.name", "app"),
            ("db.client.connection.state", "used"),
        ];
        for (code, sections) in [
            (Code::Unavailable, vec!["postgres-is-gone"]),
            (Code::Internal, vec!["calls-fail", "capacity"]),
        ] {
            let full = answer(&[
                ("db.client.connection.count", &pool, 10.0),
                ("db.client.connection.max", &pool[..1], 10.0),
            ]);
            assert_eq!(of_failed_read(full, code), sections, "{code:?}");
        }
    }

    #[test]
    fn a_connection_that_breaks_between_the_questions_says_nothing_of_the_database() {
        for code in [Code::Unknown, Code::Cancelled] {
            let mut broken = Status::new(code, "");
            broken.set_source(Arc::new(std::io::Error::other("reset")));
            let asked = Reply {
                read: Err(broken),
                ..reply(&[])
            };
            let without_postgres = Reply {
                read: Err(Status::unavailable("postgres")),
                ..reply(&[])
            };
            let found = troubles(&together("triage", vec![asked, without_postgres], 2));
            let found: Vec<_> = found.iter().map(|t| (t.what.as_str(), t.runbook)).collect();
            let wanted = [
                (
                    "does not answer any more (Unavailable) (1 of 2 replicas)",
                    "a-service-is-gone",
                ),
                (
                    "Postgres does not answer it (Unavailable) (1 of 2 replicas)",
                    "postgres-is-gone",
                ),
            ];
            assert_eq!(found, wanted);
        }
    }

    #[test]
    fn a_service_that_cannot_read_its_database_is_a_trouble_however_well_its_metrics_look() {
        for (code, section) in [
            (Code::Unavailable, Some("postgres-is-gone")),
            (Code::ResourceExhausted, Some("capacity")),
            (Code::DeadlineExceeded, Some("postgres-is-gone")),
            (Code::Internal, Some("calls-fail")),
            (Code::Unknown, Some("calls-fail")),
            // Whoever may only ask for the status learns no more than that.
            (Code::PermissionDenied, None),
        ] {
            let well = answer(&[("redress.redis.up", &[], 1.0)]);
            let found = of_failed_read(well, code);
            assert_eq!(found, Vec::from_iter(section), "{code:?}");
            assert!(
                sections().iter().any(|s| section.is_none_or(|t| s == t)),
                "{section:?} is in the runbook"
            );
        }
    }
}
