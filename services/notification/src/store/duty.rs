//! Who is on duty, as assignment tells it.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{SiteId, StaffName};
use redress_model::words::DutyRole;
use redress_store::{StoreResultExt as _, Tx};

/// One stretch of duty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Which duty.
    pub role: DutyRole,
    /// Who.
    pub staff: StaffName,
    /// 0 for the holder, then the deputies.
    pub rank: i32,
    /// From when on.
    pub start: Timestamp,
    /// Until before when; none where open.
    pub end: Option<Timestamp>,
}

/// Duties that say when somebody is at a desk; a lead's stand-by says nothing of it.
pub const AT_DESK: [DutyRole; 2] = [DutyRole::Handler, DutyRole::FrontOffice];

/// Replaces the roster of a site unless a newer one is known: its stretches, and whose hours at a desk it publishes.
pub async fn keep(
    tx: &mut Tx,
    site: &SiteId,
    slots: &[Slot],
    at_desk: &[StaffName],
    revision: i64,
) -> Result<(), Fault> {
    let at_desk: Vec<String> = at_desk.iter().map(ToString::to_string).collect();
    let newer = sqlx::query!(
        "-- notification::duty::keep
        INSERT INTO duty_roster AS d (site, revision, at_desk) VALUES ($1, $2, $3)
        ON CONFLICT ON CONSTRAINT duty_roster_pkey DO UPDATE SET revision = $2, at_desk = $3 WHERE d.revision < $2",
        site.as_str(),
        revision,
        &at_desk,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?
    .rows_affected();
    if newer == 0 {
        return Ok(());
    }
    sqlx::query!(
        "-- notification::duty::keep
        DELETE FROM duty_slot WHERE site = $1",
        site.as_str(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    let roles: Vec<String> = slots.iter().map(|s| s.role.word().to_owned()).collect();
    let staff: Vec<String> = slots.iter().map(|s| s.staff.to_string()).collect();
    let ranks: Vec<i32> = slots.iter().map(|s| s.rank).collect();
    let starts: Vec<jiff_sqlx::Timestamp> = slots.iter().map(|s| s.start.to_sqlx()).collect();
    let ends: Vec<Option<jiff_sqlx::Timestamp>> =
        slots.iter().map(|s| s.end.map(|e| e.to_sqlx())).collect();
    sqlx::query!(
        "-- notification::duty::keep
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
    Ok(())
}

/// Who holds the first of these duties that somebody holds now: the holder, else the first deputy, and nobody of `barred`, by
/// full names. None where the roster names nobody else.
pub async fn holder(
    tx: &mut Tx,
    site: &SiteId,
    roles: &[DutyRole],
    barred: &[String],
    now: Timestamp,
) -> Result<Option<StaffName>, Fault> {
    let roles: Vec<String> = roles.iter().map(|role| role.word().to_owned()).collect();
    let staff = sqlx::query_scalar!(
        "-- notification::duty::holder
        SELECT staff FROM duty_slot
        WHERE site = $1 AND role = ANY ($2) AND start_time <= $3 AND (end_time IS NULL OR end_time > $3)
          AND NOT staff = ANY ($4)
        ORDER BY array_position($2, role), rank, start_time, staff LIMIT 1",
        site.as_str(),
        &roles,
        now.to_sqlx(),
        barred,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    staff
        .map(|name| name.parse().map_err(Fault::internal))
        .transpose()
}

/// Whether somebody stands on the lead ladder now.
pub async fn is_lead(tx: &mut Tx, staff: &StaffName, now: Timestamp) -> Result<bool, Fault> {
    sqlx::query_scalar!(
        r#"-- notification::duty::is_lead
        SELECT EXISTS (SELECT FROM duty_slot
                       WHERE site = $1 AND staff = $2 AND role IN ('ON_SITE_LEAD', 'DUTY_LEAD', 'TOP_LEAD', 'REGION_CONTACT')
                         AND start_time <= $3 AND (end_time IS NULL OR end_time > $3)) AS "is_lead!""#,
        staff.site.as_str(),
        staff.to_string(),
        now.to_sqlx(),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}
