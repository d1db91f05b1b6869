//! What `redress status` prints, section by section.

use jiff::Timestamp;
use redress_proto::operations::v1::GetStatusResponse;
use serde_json::json;

use super::{
    Answer, LIST_BROKEN, Trouble, broken_promises, code_of_away, counts_age, headline, max,
    pool_share, sum, values,
};
use crate::output::{counted, distance, heading, instant, line, show_table, table};
use crate::paint::Paint as _;

/// The screen for people: first how it is, then each service, then what each counts, then what needs somebody.
pub(super) fn show(answers: &[Answer], troubles: &[Trouble]) {
    let broken = broken_promises(answers);
    let of = |service: &str| {
        answers
            .iter()
            .find(|a| a.service == service)
            .and_then(|a| a.status.as_ref().ok())
    };
    let counted_ago = of("triage").and_then(as_of);
    let (first, second) = headline(troubles.len(), broken, counted_ago.as_deref());
    if troubles.is_empty() {
        crate::output::say!("{}", first.green().bold());
    } else {
        crate::output::say!("{}", first.red().bold());
    }
    if let Some(second) = second {
        crate::output::say!("{}", second.yellow().bold());
    }
    // Processes start by the machine's clock, in a rehearsal too.
    let now = jiff::Timestamp::now();
    let mut services = table(&[
        "Service",
        "State",
        "Version",
        "Since",
        "Pool",
        "Redis",
        "Events wait",
        "Parked",
        "Timers late",
    ]);
    for answer in answers {
        services.add_row(match &answer.status {
            Err(_) => {
                let state = format!("away{}", answer.replicas.counted());
                let mut cells = vec![answer.service.to_owned(), state.red().to_string()];
                cells.resize(9, "–".to_owned());
                cells
            }
            Ok(status) => service_row(answer, status, now),
        });
    }
    show_table(services);
    if let Some(triage) = of("triage") {
        heading(&counted_heading("Cases and promises", triage));
        show_cases(triage);
    } else {
        unknown("Cases and promises", "triage");
    }
    if let Some(notification) = of("notification") {
        heading("Messages");
        line(
            "overdue",
            sum(notification, "redress.notification.overdue", None),
        );
        line(
            "for a person",
            sum(notification, "redress.notification.dead_letters", None),
        );
    } else {
        unknown("Messages", "notification");
    }
    if let Some(crisis) = of("crisis") {
        heading(&counted_heading("Incidents", crisis));
        let open = "redress.crisis.incidents.open";
        line(
            "open",
            format!(
                "{} ({} public)",
                sum(crisis, open, None),
                sum(crisis, open, Some(("redress.incident.mode", "PUBLIC")))
            ),
        );
        let outcome = |word| {
            sum(
                crisis,
                "redress.crisis.promises",
                Some(("redress.outcome", word)),
            )
        };
        line(
            "promises",
            format!(
                "{} running, {} breached; of the last day {} kept, {} late",
                outcome("running"),
                outcome("breached"),
                outcome("kept"),
                outcome("late")
            ),
        );
    } else {
        unknown("Incidents", "crisis");
    }
    let broken = broken.filter(|broken| *broken > 0.0);
    if !troubles.is_empty() || broken.is_some() {
        heading("What needs somebody");
        let mut list = table(&["Service", "What", "Where to look"]);
        for trouble in troubles {
            list.add_row(vec![
                trouble.service.to_owned(),
                trouble.what.clone(),
                format!("docs/runbook.md#{}", trouble.runbook),
            ]);
        }
        if let Some(broken) = broken {
            list.add_row(vec![
                "triage".to_owned(),
                format!(
                    "{} broken",
                    counted(
                        &broken,
                        "promise to a customer is",
                        "promises to customers are"
                    )
                ),
                LIST_BROKEN.to_owned(),
            ]);
        }
        show_table(list);
    }
}

/// What only a service that is away can tell: nobody shall take its absence for zero.
fn unknown(title: &str, service: &str) {
    heading(title);
    line("unknown", format!("{service} does not answer"));
}

/// The heading of figures that are counted from time to time: what happened since is in none of them.
pub(super) fn counted_heading(what: &str, status: &GetStatusResponse) -> String {
    as_of(status).map_or_else(
        || what.to_owned(),
        |ago| format!("{what}, as counted {ago}"),
    )
}

/// How old the counts of a section are, where that is known.
pub(super) fn as_of(status: &GetStatusResponse) -> Option<String> {
    counts_age(status).map(|age| format!("{age:.0} s ago"))
}

fn service_row(answer: &Answer, status: &GetStatusResponse, now: Timestamp) -> Vec<String> {
    let since = instant(status.start_time.as_ref())
        .map_or_else(|| "–".to_owned(), |since| distance(since, now));
    let pool = ["app", "worker"]
        .map(|pool| pool_share(status, pool))
        .into_iter()
        .fold(0.0, f64::max);
    let redis = if values(status, "redress.redis.up", None).next().is_none() {
        "none"
    } else if values(status, "redress.redis.up", None).all(|up| up >= 1.0) {
        "up"
    } else {
        "away"
    };
    let timers = status
        .readings
        .iter()
        .any(|r| r.metric == "redress.timers.overdue.age");
    vec![
        answer.service.to_owned(),
        state(answer),
        status.version.clone(),
        since,
        format!("{:.0} %", pool * 100.0),
        redis.to_owned(),
        format!("{:.0} s", max(status, "redress.events.outbox.age")),
        format!("{}", sum(status, "redress.events.parked", None)),
        if timers {
            format!("{:.0} s", max(status, "redress.timers.overdue.age"))
        } else {
            "–".to_owned()
        },
    ]
}

/// How a service is that answers: what ails some of its replicas, or how many were asked where it is more than one.
fn state(answer: &Answer) -> String {
    let replicas = &answer.replicas;
    if answer.failed_read().is_some() {
        format!("calls fail{}", replicas.counted())
            .red()
            .to_string()
    } else if !replicas.away.is_empty() {
        let away = format!("{} of {} away", replicas.away.len(), replicas.asked);
        away.red().to_string()
    } else {
        format!("serving{}", replicas.counted()).green().to_string()
    }
}

fn show_cases(triage: &GetStatusResponse) {
    let cases = "redress.triage.cases.open";
    let of_grade = |grade: &str| sum(triage, cases, Some(("redress.grade", grade)));
    line(
        "open cases",
        format!(
            "{} (grade 1: {}, 2: {}, 3: {}, 4: {})",
            sum(triage, cases, None),
            of_grade("1"),
            of_grade("2"),
            of_grade("3"),
            of_grade("4")
        ),
    );
    let clocks = |state| {
        sum(
            triage,
            "redress.triage.clocks.open",
            Some(("redress.clock.state", state)),
        )
    };
    line(
        "promises",
        format!(
            "{} running, {} held, {} warned, {} breached",
            clocks("running"),
            clocks("held"),
            clocks("warned"),
            clocks("breached")
        ),
    );
    line(
        "unheard",
        sum(triage, "redress.triage.clocks.unheard", None),
    );
}

/// The same as one object.
pub(super) fn as_json(answers: &[Answer], troubles: &[Trouble]) -> serde_json::Value {
    let services: Vec<_> = answers
        .iter()
        .map(|answer| match &answer.status {
            Err(error) => json!({
                "service": answer.service,
                "serving": false,
                "reason": format!("{:?}", code_of_away(error)),
                "replicas": answer.replicas.asked,
                "replicas_away": answer.replicas.away.len(),
            }),
            Ok(status) => json!({
                "service": answer.service,
                "serving": true,
                "replicas": answer.replicas.asked,
                "replicas_away": answer.replicas.away.len(),
                "calls_fail": answer.failed_read().map(|error| format!("{:?}", code_of_away(error))),
                "version": status.version,
                "instance": status.instance,
                "counts_age_seconds": counts_age(status),
                "readings": status.readings.iter().map(|r| json!({ "metric": r.metric, "labels": r.labels, "value": r.value })).collect::<Vec<_>>(),
            }),
        })
        .collect();
    let troubles: Vec<_> = troubles
        .iter()
        .map(|t| json!({ "service": t.service, "what": t.what, "runbook": format!("docs/runbook.md#{}", t.runbook) }))
        .collect();
    json!({
        "ok": troubles.is_empty(),
        "services": services,
        "troubles": troubles,
        "broken_promises": broken_promises(answers),
    })
}
