//! Waits until every fed row has its final values.
//!
//! A row has settled when triage decided it and, if that came out as grade 1 for a live case, crisis
//! holds an incident for it. One row may still change another through their cluster, so the values
//! count once two full readings, a moment apart, are equal.

use std::time::{Duration, Instant};

use futures::{StreamExt as _, stream};
use indicatif::ProgressBar;
use redress_model::words::{CaseMode, Category, Nature, Urgency, Word};
use redress_proto::intake::v1::{Case, GetCaseRequest};
use tonic::{Code, Status};

use super::feed::Fed;
use super::{Incident, Outcome};
use crate::connect::{Platform, request};
use crate::failure::Failure;

/// Between two readings.
const PAUSE: Duration = Duration::from_millis(300);

/// Readings of cases that run at a time.
const IN_FLIGHT: usize = 16;

/// The final values of every row, in the order given.
pub(crate) async fn all(
    platform: &Platform,
    fed: Vec<Fed>,
    patience: Duration,
    progress: &ProgressBar,
) -> Result<Vec<Outcome>, Failure> {
    progress.set_message("settling");
    progress.set_position(0);
    let until = Instant::now() + patience;
    let mut before: Option<Vec<Outcome>> = None;
    loop {
        let now = read(platform, &fed).await?;
        let settled = now.iter().filter(|(_, settled)| *settled).count();
        progress.set_position(u64::try_from(settled).unwrap_or(u64::MAX));
        let all_settled = settled == now.len();
        let outcomes: Vec<Outcome> = now.into_iter().map(|(o, _)| o).collect();
        let stable = before.as_ref().is_some_and(|b| same(b, &outcomes));
        if all_settled && stable {
            return Ok(outcomes);
        }
        if Instant::now() >= until {
            return Ok(give_up(outcomes));
        }
        before = all_settled.then_some(outcomes);
        tokio::time::sleep(PAUSE).await;
    }
}

fn same(a: &[Outcome], b: &[Outcome]) -> bool {
    a.iter().map(Outcome::json).eq(b.iter().map(Outcome::json))
}

fn give_up(outcomes: Vec<Outcome>) -> Vec<Outcome> {
    outcomes
        .into_iter()
        .map(|mut o| {
            if o.error.is_none() && o.grade == 0 {
                o.error = Some("did not settle in time".to_owned());
            }
            o
        })
        .collect()
}

/// Every row as it is now, and whether it has settled.
async fn read(platform: &Platform, fed: &[Fed]) -> Result<Vec<(Outcome, bool)>, Failure> {
    let rows: Vec<Result<(Outcome, bool), Status>> =
        stream::iter(fed.iter().map(|(id, result)| {
            let mut client = platform.cases();
            async move {
                let name = match result {
                    Err(reason) => return Ok((Outcome::failed(id, reason), true)),
                    Ok(name) => name.clone(),
                };
                match client.get_case(request(GetCaseRequest { name })).await {
                    Ok(answer) => Ok(outcome(id, &answer.into_inner().case.unwrap_or_default())),
                    Err(status) if status.code() == Code::Unavailable => {
                        Ok((Outcome::failed(id, status.message()), false))
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
