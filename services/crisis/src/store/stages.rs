//! The visits of an incident to its stages, and what people say of a stage's exit conditions.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

use super::read;
use crate::domain::words::Stage;

/// The visit that lasts.
#[derive(Debug, Clone, Copy)]
pub struct Visit {
    /// From 1 within the incident.
    pub number: i64,
    /// Since when.
    pub entered: Timestamp,
}

/// Where an incident is; none for one that ended before visits were kept.
///
/// # Errors
/// When Postgres is away.
pub async fn visit(tx: &mut Tx, site: &SiteId, incident: Uuid) -> Result<Option<Visit>, Fault> {
    let row = sqlx::query!(
        "-- crisis::store::stages::visit
        SELECT number, enter_time FROM incident_stage WHERE site = $1 AND incident = $2 AND leave_time IS NULL",
        site.as_str(),
        incident,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    Ok(row.map(|r| Visit {
        number: r.number,
        entered: r.enter_time.to_jiff(),
    }))
}

/// Leaves the stage that an incident is in, if any, and enters another. The caller holds the incident's row.
///
/// # Errors
/// When Postgres is away.
pub async fn enter(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
    stage: Stage,
    reason: &str,
    at: Timestamp,
) -> Result<Visit, Fault> {
    leave(tx, site, incident, at).await?;
    let number = sqlx::query_scalar!(
        "-- crisis::store::stages::enter
        INSERT INTO incident_stage (site, incident, number, stage, reason, enter_time)
        SELECT $1, $2, 1 + coalesce(max(number), 0), $3, $4, $5 FROM incident_stage WHERE site = $1 AND incident = $2
        RETURNING number",
        site.as_str(),
        incident,
        stage.word(),
        reason,
        at.to_sqlx(),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    Ok(Visit {
        number,
        entered: at,
    })
}

/// Leaves the stage that an incident is in, if any.
///
/// # Errors
/// When Postgres is away.
pub async fn leave(tx: &mut Tx, site: &SiteId, incident: Uuid, at: Timestamp) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::stages::leave
        UPDATE incident_stage SET leave_time = $3 WHERE site = $1 AND incident = $2 AND leave_time IS NULL",
        site.as_str(),
        incident,
        at.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// A visit as it is told later.
#[derive(Debug, Clone)]
pub struct Past {
    /// From 1 within the incident.
    pub number: i64,
    /// The stage.
    pub stage: Stage,
    /// Why it was entered.
    pub reason: String,
    /// When.
    pub entered: Timestamp,
    /// When it was left; none for the one that lasts.
    pub left: Option<Timestamp>,
}

/// Every visit of an incident, in order.
///
/// # Errors
/// When Postgres is away.
pub async fn visits(tx: &mut Tx, site: &SiteId, incident: Uuid) -> Result<Vec<Past>, Fault> {
    let rows = sqlx::query!(
        r#"-- crisis::store::stages::visits
        SELECT number, stage, reason, enter_time, leave_time AS "leave_time: jiff_sqlx::Timestamp"
        FROM incident_stage WHERE site = $1 AND incident = $2 ORDER BY number"#,
        site.as_str(),
        incident,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|r| {
            Ok(Past {
                number: r.number,
                stage: read(&r.stage)?,
                reason: r.reason,
                entered: r.enter_time.to_jiff(),
                left: r.leave_time.map(|t| t.to_jiff()),
            })
        })
        .collect()
}

/// What a person says of an exit condition.
#[derive(Debug, Clone)]
pub struct Word {
    /// The condition.
    pub key: String,
    /// Whether it holds.
    pub holds: bool,
    /// Who says so.
    pub actor: String,
    /// On what grounds.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// The last word on each condition in a visit.
///
/// # Errors
/// When Postgres is away.
pub async fn words(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
    visit: i64,
) -> Result<Vec<Word>, Fault> {
    let rows = sqlx::query!(
        "-- crisis::store::stages::words
        SELECT DISTINCT ON (key) key, holds, actor, reason, say_time FROM incident_condition
        WHERE site = $1 AND incident = $2 AND visit = $3 ORDER BY key, number DESC",
        site.as_str(),
        incident,
        visit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let words = rows.into_iter().map(|r| Word {
        key: r.key,
        holds: r.holds,
        actor: r.actor,
        reason: r.reason,
        at: r.say_time.to_jiff(),
    });
    Ok(words.collect())
}

/// Every word on the conditions of a visit, in order.
///
/// # Errors
/// When Postgres is away.
pub async fn said(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
    visit: i64,
) -> Result<Vec<Word>, Fault> {
    let rows = sqlx::query!(
        "-- crisis::store::stages::said
        SELECT key, holds, actor, reason, say_time FROM incident_condition
        WHERE site = $1 AND incident = $2 AND visit = $3 ORDER BY number",
        site.as_str(),
        incident,
        visit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let words = rows.into_iter().map(|r| Word {
        key: r.key,
        holds: r.holds,
        actor: r.actor,
        reason: r.reason,
        at: r.say_time.to_jiff(),
    });
    Ok(words.collect())
}

/// Adds a word. The caller holds the incident's row.
///
/// # Errors
/// When Postgres is away.
pub async fn say(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
    visit: i64,
    word: &Word,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::stages::say
        INSERT INTO incident_condition (site, incident, number, visit, key, holds, actor, reason, say_time)
        SELECT $1, $2, 1 + coalesce(max(number), 0), $3, $4, $5, $6, $7, $8
        FROM incident_condition WHERE site = $1 AND incident = $2",
        site.as_str(),
        incident,
        visit,
        word.key,
        word.holds,
        word.actor,
        word.reason,
        word.at.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}
