//! Who is on duty, as assignment's roster says.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_model::words::DutyRole;
use redress_store::{StoreResultExt as _, Tx};

/// One stretch of duty.
#[derive(Debug, Clone)]
pub struct Slot {
    /// Which duty.
    pub role: DutyRole,
    /// `sites/{site}/staff/{staff}`.
    pub staff: String,
    /// 0 for the holder, 1 for the first deputy.
    pub rank: i32,
    /// From when.
    pub start: Timestamp,
    /// Until before; none where open.
    pub end: Option<Timestamp>,
}

/// Replaces the site's roster, unless a newer one is known.
pub async fn replace(
    tx: &mut Tx,
    site: &SiteId,
    revision: i64,
    slots: &[Slot],
) -> Result<(), Fault> {
    let newer = sqlx::query!(
        "-- triage::store::duties::replace
        INSERT INTO duty_roster AS r (site, revision) VALUES ($1, $2)
        ON CONFLICT (site) DO UPDATE SET revision = $2 WHERE r.revision < $2",
        site.as_str(),
        revision,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?
    .rows_affected();
    if newer == 0 {
        return Ok(());
    }
    sqlx::query!(
        "-- triage::store::duties::replace
        DELETE FROM duty_slot WHERE site = $1",
        site.as_str(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    for slot in slots {
        sqlx::query!(
            "-- triage::store::duties::replace
            INSERT INTO duty_slot (site, role, staff, rank, start_time, end_time)
            VALUES ($1, $2, $3, $4, $5, $6)",
            site.as_str(),
            slot.role.word(),
            slot.staff,
            slot.rank,
            slot.start.to_sqlx(),
            slot.end.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        )
        .execute(&mut **tx)
        .await
        .or_fault()?;
    }
    Ok(())
}

/// Keeps whether a person still works here.
pub async fn put_staff(
    tx: &mut Tx,
    site: &SiteId,
    staff: &str,
    retired: bool,
    revision: i64,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- triage::store::duties::put_staff
        INSERT INTO staff_retired AS s (site, staff, revision, retired) VALUES ($1, $2, $3, $4)
        ON CONFLICT (site, staff) DO UPDATE SET revision = $3, retired = $4 WHERE s.revision < $3",
        site.as_str(),
        staff,
        revision,
        retired,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// The person who holds this duty now, and since when: the holder, else the first deputy there is. Never somebody
/// whom the case excludes or who left.
pub async fn on_duty_since(
    tx: &mut Tx,
    site: &SiteId,
    role: DutyRole,
    now: Timestamp,
    excluded: &[String],
) -> Result<Option<(String, Timestamp)>, Fault> {
    let row = sqlx::query!(
        "-- triage::store::duties::on_duty_since
        SELECT d.staff, d.start_time FROM duty_slot d
        WHERE d.site = $1 AND d.role = $2 AND d.start_time <= $3 AND (d.end_time IS NULL OR d.end_time > $3)
          AND NOT d.staff = ANY ($4)
          AND NOT EXISTS (SELECT FROM staff_retired s WHERE s.site = d.site AND s.staff = d.staff AND s.retired)
        ORDER BY d.rank, d.start_time DESC, d.staff LIMIT 1",
        site.as_str(),
        role.word(),
        now.to_sqlx(),
        excluded,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    Ok(row.map(|r| (r.staff, r.start_time.to_jiff())))
}

/// The person who holds this duty now.
pub async fn on_duty(
    tx: &mut Tx,
    site: &SiteId,
    role: DutyRole,
    now: Timestamp,
    excluded: &[String],
) -> Result<Option<String>, Fault> {
    let holder = on_duty_since(tx, site, role, now, excluded).await?;
    Ok(holder.map(|(staff, _)| staff))
}

/// Whether the roster knows this person and has no duty of theirs now. Who is in no roster is nobody we could
/// call off duty.
pub async fn is_off_duty(
    tx: &mut Tx,
    site: &SiteId,
    staff: &str,
    now: Timestamp,
) -> Result<bool, Fault> {
    sqlx::query_scalar!(
        "-- triage::store::duties::is_off_duty
        SELECT coalesce(NOT bool_or(start_time <= $3 AND (end_time IS NULL OR end_time > $3)), false) AS \"off!\"
        FROM duty_slot WHERE site = $1 AND staff = $2",
        site.as_str(),
        staff,
        now.to_sqlx(),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}

/// When somebody next comes on one of these duties, as far as the roster is known. Never somebody whom the
/// case excludes or who left.
pub async fn next_start(
    tx: &mut Tx,
    site: &SiteId,
    roles: &[DutyRole],
    now: Timestamp,
    excluded: &[String],
) -> Result<Option<Timestamp>, Fault> {
    let roles: Vec<String> = roles.iter().map(|r| r.word().to_owned()).collect();
    let next = sqlx::query_scalar!(
        "-- triage::store::duties::next_start
        SELECT min(d.start_time) FROM duty_slot d
        WHERE d.site = $1 AND d.role = ANY ($2) AND d.start_time > $3 AND NOT d.staff = ANY ($4)
          AND NOT EXISTS (SELECT FROM staff_retired s WHERE s.site = d.site AND s.staff = d.staff AND s.retired)",
        site.as_str(),
        &roles,
        now.to_sqlx(),
        excluded,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    Ok(next.map(jiff_sqlx::Timestamp::to_jiff))
}
