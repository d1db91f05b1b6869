//! What was told to whom; only ever added to.

use std::collections::BTreeMap;

use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{SiteId, StatementName};
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

use super::{deliveries, read};
use crate::domain::matrix::{Reach, Told};
use crate::domain::words::TellMeans;

/// Whom it reached, as it is stored: cases, and people.
fn stored(reach: &Reach) -> (Vec<Uuid>, Option<i32>) {
    match reach {
        Reach::Everybody => (Vec::new(), None),
        // Of nobody's cases: not of everybody's.
        Reach::Cases(cases) if cases.is_empty() => (Vec::new(), Some(0)),
        Reach::Cases(cases) => (cases.keys().copied().collect(), None),
        Reach::OneOf(case) => (vec![*case], Some(1)),
        Reach::Attended(people) => {
            let people = i32::try_from(*people).unwrap_or(i32::MAX);
            (Vec::new(), Some(people))
        }
    }
}

fn reach(means: TellMeans, cases: Vec<Uuid>, people: Option<i32>) -> Reach {
    match (people, cases.first().copied()) {
        (None, None) => Reach::Everybody,
        (None, Some(_)) => Reach::cases(cases),
        (Some(_), Some(case)) => Reach::OneOf(case),
        (Some(people), None) if means == TellMeans::Briefing => {
            Reach::Attended(u64::try_from(people).unwrap_or(0))
        }
        (Some(_), None) => Reach::cases([]),
    }
}

/// Who was not reached by the statement that was told.
fn miss(told: &mut Told, missed: &BTreeMap<(Uuid, Uuid), u64>) {
    if let (Reach::Cases(cases), Ok(statement)) =
        (&mut told.reach, told.reference.parse::<StatementName>())
    {
        for (case, people) in cases {
            *people = missed.get(&(statement.id, *case)).copied().unwrap_or(0);
        }
    }
}

/// Adds what was told.
///
/// # Errors
/// When Postgres is away.
pub async fn add(tx: &mut Tx, site: &SiteId, incident: Uuid, told: &Told) -> Result<(), Fault> {
    let (cases, people) = stored(&told.reach);
    sqlx::query!(
        "-- crisis::store::told::add
        INSERT INTO incident_told (site, incident, audience, stage, means, reference, told_time, reached_cases, reached_people)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        site.as_str(),
        incident,
        told.audience.word(),
        told.stage.word(),
        told.means.word(),
        told.reference,
        told.at.to_sqlx(),
        &cases,
        people,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Everything that was told on an incident, and on those that were merged into it, oldest first.
///
/// # Errors
/// When Postgres is away.
pub async fn of_incident(tx: &mut Tx, site: &SiteId, incident: Uuid) -> Result<Vec<Told>, Fault> {
    let rows = sqlx::query!(
        "-- crisis::store::told::of_incident
        SELECT audience, stage, means, reference, told_time, reached_cases, reached_people FROM incident_told
        WHERE site = $1 AND (incident = $2
          OR incident IN (SELECT i.id FROM incident i WHERE i.site = $1 AND i.merged_into = $2))
        ORDER BY id",
        site.as_str(),
        incident,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let missed = deliveries::missed(tx, site, incident).await?;
    rows.into_iter()
        .map(|r| {
            let means = read(&r.means)?;
            let mut told = Told {
                audience: read(&r.audience)?,
                stage: read(&r.stage)?,
                means,
                reference: r.reference,
                reach: reach(means, r.reached_cases, r.reached_people),
                at: r.told_time.to_jiff(),
            };
            miss(&mut told, &missed);
            Ok(told)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_something_reached_reads_back_as_it_was_written() {
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        for (means, written) in [
            (TellMeans::Update, Reach::Everybody),
            (TellMeans::Update, Reach::cases([])),
            (TellMeans::Statement, Reach::cases([])),
            (TellMeans::Statement, Reach::cases([one, other])),
            (TellMeans::Briefing, Reach::cases([one])),
            (TellMeans::Contact, Reach::OneOf(one)),
            (TellMeans::Briefing, Reach::Attended(0)),
            (TellMeans::Briefing, Reach::Attended(36)),
        ] {
            let (cases, people) = stored(&written);
            assert_eq!(reach(means, cases, people), written);
        }
    }
}
