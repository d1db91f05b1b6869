//! Waits until every fed row has its final values.
//!
//! A row has settled when triage decided it and, if that came out as grade 1 for a live case, crisis
//! holds an incident for it. One row may still change another through their cluster, so the values
//! count once every full reading has been the same for a while.

use std::time::{Duration, Instant};

use futures::{StreamExt as _, stream};
use indicatif::ProgressBar;
use redress_model::words::{CaseMode, Category, Nature, Urgency, Word};
use redress_proto::intake::v1::{Case, GetCaseRequest};
use tonic::Status;

use super::feed::Fed;
use super::patience::Patience;
use super::{Incident, Outcome};
use crate::connect::{Platform, is_transient, request};
use crate::failure::{Failure, in_short};

/// How long nothing may have changed: longer than a relay waits (2 s) where nobody wakes it.
const QUIET: Duration = Duration::from_secs(3);

/// Between two readings.
const PAUSE: Duration = Duration::from_millis(300);

/// Readings of cases that run at a time.
const IN_FLIGHT: usize = 8;

/// The final values of every row, in the order given.
pub(crate) async fn all(
    platform: &Platform,
    fed: Vec<Fed>,
    patience: &Patience<'_>,
    progress: &ProgressBar,
) -> Result<Vec<Outcome>, Failure> {
    progress.set_message("settling");
    progress.set_position(0);
    let until = Instant::now() + patience.limit();
    let mut latest: Vec<(Outcome, bool)> = fed
        .iter()
        .map(|(id, _)| {
            (
                Outcome {
                    id: id.clone(),
                    ..Outcome::default()
                },
                false,
            )
        })
        .collect();
    let mut before: Option<(Vec<Outcome>, Instant)> = None;
    loop {
        // Only what is still open is asked for; once all have settled, everything is read whole.
        let whole = latest.iter().all(|(_, settled)| *settled);
        let wanted: Vec<usize> = (0..fed.len()).filter(|i| whole || !latest[*i].1).collect();
        for (i, row) in read(platform, &fed, &wanted, patience).await? {
            latest[i] = row;
        }
        let settled = latest.iter().filter(|(_, settled)| *settled).count();
        progress.set_position(u64::try_from(settled).unwrap_or(u64::MAX));
        let outcomes = || latest.iter().map(|(o, _)| o.clone()).collect::<Vec<_>>();
        if whole && settled == latest.len() {
            let now = outcomes();
            match &before {
                Some((b, since)) if same(b, &now) => {
                    if since.elapsed() >= QUIET {
                        return Ok(now);
                    }
                }
                _ => before = Some((now, Instant::now())),
            }
        }
        if Instant::now() >= until || patience.is_over() {
            return Ok(give_up(latest));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn same(a: &[Outcome], b: &[Outcome]) -> bool {
    a.iter().map(Outcome::json).eq(b.iter().map(Outcome::json))
}

fn give_up(rows: Vec<(Outcome, bool)>) -> Vec<Outcome> {
    rows.into_iter()
        .map(|(mut outcome, settled)| {
            if !settled {
                let error = match outcome.error.take() {
                    Some(why) => format!(
                        "the platform did not answer ({why}): `redress status` names the service that is away"
                    ),
                    None => "did not settle in time".to_owned(),
                };
                outcome.error = Some(error);
            }
            outcome
        })
        .collect()
}

/// Which row, what it is now, and whether that is final.
type Seen = (usize, (Outcome, bool));

/// The wanted rows as they are now, and whether each has settled.
async fn read(
    platform: &Platform,
    fed: &[Fed],
    wanted: &[usize],
    patience: &Patience<'_>,
) -> Result<Vec<Seen>, Failure> {
    let rows: Vec<Result<Seen, Status>> = stream::iter(wanted.iter().map(|&i| {
        let mut client = platform.cases();
        let (id, result) = &fed[i];
        async move {
            let name = match result {
                Err(reason) => return Ok((i, (Outcome::failed(id, reason), true))),
                Ok(name) => name.clone(),
            };
            let asked = request(GetCaseRequest { name });
            let call = || async move { client.get_case(asked).await };
            match patience.once(call).await {
                Ok(answer) => {
                    let case = answer.into_inner().case.unwrap_or_default();
                    Ok((i, outcome(id, &case)))
                }
                Err(status) if is_transient(&status) => {
                    Ok((i, (Outcome::failed(id, in_short(&status)), false)))
                }
                Err(status) => Err(status),
            }
        }
    }))
    .buffered(IN_FLIGHT)
    .collect()
    .await;
    rows.into_iter()
        .collect::<Result<Vec<_>, _>>()
        .map_err(Failure::from)
}

fn outcome(id: &str, case: &Case) -> (Outcome, bool) {
    let word = |w: Option<&'static str>| w.map(str::to_owned);
    let historical = CaseMode::from_number(case.mode) == Some(CaseMode::Historical);
    let needs_incident = case.grade == 1 && !historical;
    let settled = case.grade != 0
        && !case.cluster.is_empty()
        && (!needs_incident || !case.incident.is_empty());
    let outcome = Outcome {
        id: id.to_owned(),
        line: None,
        case: Some(case.name.clone()),
        cluster: Some(case.cluster.clone()).filter(|c| !c.is_empty()),
        category: word(Category::from_number(case.category).map(Category::word)),
        grade: case.grade,
        criteria: case.criterion_ids.clone(),
        nature: word(Nature::from_number(case.nature).map(Nature::word)),
        urgency: word(Urgency::from_number(case.urgency).map(Urgency::word)),
        incident: if case.incident.is_empty() {
            Incident::None
        } else {
            Incident::Open(case.incident.clone())
        },
        error: None,
        differences: Vec::new(),
    };
    (outcome, settled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_patience_ended_for_says_what_is_away() {
        let away = Outcome::failed("V01", "connection refused");
        let refused = Outcome::failed("V02", "headcount must be positive");
        let slow = Outcome::default();
        let rows = give_up(vec![(away, false), (refused, true), (slow, false)]);
        let told: Vec<&str> = rows.iter().filter_map(|o| o.error.as_deref()).collect();
        assert!(
            told[0].starts_with("the platform did not answer (connection refused)"),
            "{told:?}"
        );
        assert_eq!(
            told[1..],
            ["headcount must be positive", "did not settle in time"]
        );
    }
}
