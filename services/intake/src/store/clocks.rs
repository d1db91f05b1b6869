//! The clocks of a case as its view shows them: what triage said last of each.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{CaseName, ClockName};
use redress_model::words::{ClockKind, ClockState, ClockTransition};
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

use super::stored;

/// What triage said of a clock.
#[derive(Debug, Clone)]
pub struct Said {
    /// Its name.
    pub clock: ClockName,
    /// Which promise.
    pub kind: ClockKind,
    /// Where it stands.
    pub state: ClockState,
    /// What changed.
    pub transition: ClockTransition,
    /// When the promise was made.
    pub start: Timestamp,
    /// The deadline.
    pub due: Timestamp,
    /// When it changed.
    pub at: Timestamp,
    /// Rung of the ladder reached.
    pub level: i32,
    /// Rises with each change.
    pub generation: i64,
    /// Whether it stands still.
    pub is_held: bool,
}

/// Of each of these clocks of a site that is known, which of its changes. Their cases must be locked.
///
/// # Errors
/// When Postgres is away.
pub async fn generations(
    tx: &mut Tx,
    clocks: &[&ClockName],
) -> Result<HashMap<ClockName, i64>, Fault> {
    let Some(first) = clocks.first() else {
        return Ok(HashMap::new());
    };
    let names: Vec<String> = clocks.iter().map(ToString::to_string).collect();
    let rows = sqlx::query!(
        "-- intake::clocks::generations
        SELECT clock, generation FROM case_clock WHERE site = $1 AND clock = ANY ($2)",
        first.site.as_str(),
        &names,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| Ok((stored(&row.clock)?, row.generation)))
        .collect()
}

/// Keeps what was said last of each of these clocks of a site, whose cases are locked. What is known of a later change stays.
///
/// # Errors
/// When Postgres is away.
pub async fn keep(tx: &mut Tx, clocks: Vec<(CaseName, Said)>) -> Result<(), Fault> {
    let Some((first, _)) = clocks.first() else {
        return Ok(());
    };
    let site = first.site.clone();
    let names: Vec<String> = clocks.iter().map(|(_, s)| s.clock.to_string()).collect();
    let cases: Vec<Uuid> = clocks.iter().map(|(case, _)| case.id).collect();
    let kinds: Vec<&str> = clocks.iter().map(|(_, s)| s.kind.word()).collect();
    let states: Vec<&str> = clocks.iter().map(|(_, s)| s.state.word()).collect();
    let starts: Vec<jiff_sqlx::Timestamp> = clocks.iter().map(|(_, s)| s.start.to_sqlx()).collect();
    let dues: Vec<jiff_sqlx::Timestamp> = clocks.iter().map(|(_, s)| s.due.to_sqlx()).collect();
    let levels: Vec<i32> = clocks.iter().map(|(_, s)| s.level).collect();
    let generations: Vec<i64> = clocks.iter().map(|(_, s)| s.generation).collect();
    let held: Vec<bool> = clocks.iter().map(|(_, s)| s.is_held).collect();
    sqlx::query!(
        "-- intake::clocks::keep
        INSERT INTO case_clock AS k (site, clock, case_id, kind, state, start_time, due_time, level, generation, held)
        SELECT $1, c.* FROM unnest($2::text[], $3::uuid[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[],
                                   $8::integer[], $9::bigint[], $10::boolean[]) AS c
        ON CONFLICT ON CONSTRAINT case_clock_key DO UPDATE
        SET state = excluded.state, start_time = excluded.start_time, due_time = excluded.due_time,
            level = excluded.level, generation = excluded.generation, held = excluded.held
        WHERE k.generation < excluded.generation",
        site.as_str(),
        &names,
        &cases,
        &kinds as &[&str],
        &states as &[&str],
        &starts as &[jiff_sqlx::Timestamp],
        &dues as &[jiff_sqlx::Timestamp],
        &levels,
        &generations,
        &held,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}
