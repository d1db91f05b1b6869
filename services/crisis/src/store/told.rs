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

/// Whom it reached, as it is stored.
#[derive(Debug, Default)]
struct Stored {
    /// The cases that it speaks to.
    cases: Vec<Uuid>,
    /// How many complained in each.
    sizes: Vec<i32>,
    /// So many alone.
    people: Option<i32>,
}

impl Stored {
    fn of(reach: &Reach) -> Self {
        let count = |people: u64| i32::try_from(people).unwrap_or(i32::MAX);
        let people = match reach {
            Reach::Everybody => None,
            // Of nobody's cases: not of everybody's.
            Reach::Cases(cases) => cases.is_empty().then_some(0),
            Reach::OneOf(_) => Some(1),
            Reach::Attended(people) => Some(count(*people)),
        };
        let (cases, sizes) = match reach {
            Reach::Cases(cases) => cases.iter().map(|(c, n)| (*c, count(*n))).unzip(),
            Reach::OneOf(case) => (vec![*case], Vec::new()),
            Reach::Everybody | Reach::Attended(_) => Default::default(),
        };
        Self {
            cases,
            sizes,
            people,
        }
    }

    fn read(self, means: TellMeans) -> Reach {
        let count = |people: i32| u64::try_from(people).unwrap_or(0);
        match (self.people, self.cases.first()) {
            (None, None) => Reach::Everybody,
            (None, Some(_)) => {
                let sizes = self.sizes.into_iter().map(count);
                Reach::Cases(self.cases.into_iter().zip(sizes).collect())
            }
            (Some(_), Some(case)) => Reach::OneOf(*case),
            (Some(people), None) if means == TellMeans::Briefing => Reach::Attended(count(people)),
            (Some(_), None) => Reach::Cases(BTreeMap::new()),
        }
    }
}

/// Who was not reached by the statement that was told.
fn miss(told: &mut Told, missed: &BTreeMap<(Uuid, Uuid), u64>) {
    if let (Reach::Cases(cases), Ok(statement)) =
        (&mut told.reach, told.reference.parse::<StatementName>())
    {
        for (case, people) in cases {
            let missed = missed.get(&(statement.id, *case)).copied();
            *people = people.saturating_sub(missed.unwrap_or(0));
        }
    }
}

/// Adds what was told.
///
/// # Errors
/// When Postgres is away.
pub async fn add(tx: &mut Tx, site: &SiteId, incident: Uuid, told: &Told) -> Result<(), Fault> {
    let reached = Stored::of(&told.reach);
    sqlx::query!(
        "-- crisis::store::told::add
        INSERT INTO incident_told (site, incident, audience, stage, means, reference, told_time, reached_cases, reached_sizes, reached_people)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        site.as_str(),
        incident,
        told.audience.word(),
        told.stage.word(),
        told.means.word(),
        told.reference,
        told.at.to_sqlx(),
        &reached.cases,
        &reached.sizes,
        reached.people,
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
        SELECT audience, stage, means, reference, told_time, reached_cases, reached_sizes, reached_people FROM incident_told
        WHERE site = $1 AND incident IN (SELECT $2::uuid UNION ALL SELECT merged_of($1, $2))
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
            let reached = Stored {
                cases: r.reached_cases,
                sizes: r.reached_sizes,
                people: r.reached_people,
            };
            let mut told = Told {
                audience: read(&r.audience)?,
                stage: read(&r.stage)?,
                means,
                reference: r.reference,
                reach: reached.read(means),
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
            (TellMeans::Statement, Reach::Cases(BTreeMap::new())),
            (
                TellMeans::Statement,
                Reach::Cases([(one, 3), (other, 0)].into()),
            ),
            (TellMeans::Briefing, Reach::Cases([(one, 2)].into())),
            (TellMeans::Contact, Reach::OneOf(one)),
            (TellMeans::Briefing, Reach::Attended(0)),
            (TellMeans::Briefing, Reach::Attended(36)),
        ] {
            assert_eq!(Stored::of(&written).read(means), written);
        }
    }
}
