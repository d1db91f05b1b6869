//! People and their duties as assignment tells them.

use std::collections::BTreeSet;

use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{SiteId, StaffId};
use redress_store::{StoreResultExt as _, Tx};

use super::{read, read_all, texts};
use crate::domain::command::{Roster, Slot};

/// Takes a person in unless something newer is known.
///
/// # Errors
/// When Postgres is away.
pub async fn take_person(
    tx: &mut Tx,
    site: &SiteId,
    staff: &StaffId,
    retired: bool,
    revision: i64,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::duty::take_person
        INSERT INTO staff AS s (site, id, retired, revision) VALUES ($1, $2, $3, $4)
        ON CONFLICT (site, id) DO UPDATE SET retired = $3, revision = $4 WHERE s.revision < $4",
        site.as_str(),
        staff.as_str(),
        retired,
        revision,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Replaces the roster of a site unless a newer one is known. Says whether it did.
///
/// # Errors
/// When Postgres is away.
pub async fn take_roster(
    tx: &mut Tx,
    site: &SiteId,
    slots: &[Slot],
    revision: i64,
) -> Result<bool, Fault> {
    let newer = sqlx::query!(
        "-- crisis::store::duty::take_roster
        INSERT INTO duty_roster AS d (site, revision) VALUES ($1, $2)
        ON CONFLICT (site) DO UPDATE SET revision = $2 WHERE d.revision < $2",
        site.as_str(),
        revision,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?
    .rows_affected();
    if newer == 0 {
        return Ok(false);
    }
    sqlx::query!(
        "-- crisis::store::duty::take_roster
        DELETE FROM duty_slot WHERE site = $1",
        site.as_str(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    let roles: Vec<String> = slots.iter().map(|s| s.role.word().to_owned()).collect();
    let staff = texts(slots.iter().map(|s| &s.staff));
    let ranks: Vec<i32> = slots.iter().map(|s| s.rank).collect();
    let starts: Vec<jiff_sqlx::Timestamp> = slots.iter().map(|s| s.start.to_sqlx()).collect();
    let ends: Vec<Option<jiff_sqlx::Timestamp>> =
        slots.iter().map(|s| s.end.map(|e| e.to_sqlx())).collect();
    sqlx::query!(
        "-- crisis::store::duty::take_roster
        INSERT INTO duty_slot (site, role, staff, rank, start_time, end_time)
        SELECT $1, s.* FROM unnest($2::text[], $3::text[], $4::int[], $5::timestamptz[], $6::timestamptz[]) AS s",
        site.as_str(),
        &roles,
        &staff,
        &ranks,
        &starts as &[jiff_sqlx::Timestamp],
        &ends as &[Option<jiff_sqlx::Timestamp>],
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(true)
}

/// Those of these people whom the site knows, also who left since.
///
/// # Errors
/// When Postgres is away.
pub async fn known(
    tx: &mut Tx,
    site: &SiteId,
    people: &[StaffId],
) -> Result<BTreeSet<StaffId>, Fault> {
    let known = sqlx::query_scalar!(
        r#"-- crisis::store::duty::known
        SELECT id AS "id!" FROM staff WHERE site = $1 AND id = ANY($2)
        UNION SELECT staff FROM duty_slot WHERE site = $1 AND staff = ANY($2)"#,
        site.as_str(),
        &texts(people),
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    read_all(&known)
}

/// The roster of a site; an empty one while none is known.
///
/// # Errors
/// When Postgres is away.
pub async fn roster(tx: &mut Tx, site: &SiteId) -> Result<Roster, Fault> {
    let rows = sqlx::query!(
        "-- crisis::store::duty::roster
        SELECT role, staff, rank, start_time, end_time FROM duty_slot WHERE site = $1",
        site.as_str(),
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let slots = rows
        .into_iter()
        .map(|r| {
            Ok(Slot {
                role: read(&r.role)?,
                staff: read(&r.staff)?,
                rank: r.rank,
                start: r.start_time.to_jiff(),
                end: r.end_time.map(|t| t.to_jiff()),
            })
        })
        .collect::<Result<_, Fault>>()?;
    let retired = sqlx::query_scalar!(
        "-- crisis::store::duty::roster
        SELECT id FROM staff WHERE site = $1 AND retired",
        site.as_str(),
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    Ok(Roster {
        slots,
        barred: read_all::<StaffId, _>(&retired)?,
    })
}
