//! The roster of a site.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_model::words::DutyRole;
use redress_store::{StoreResultExt as _, Tx};
use sqlx::PgPool;

use super::parse;
use crate::domain::bench::Stretch;
use crate::domain::horizon::next_telling;

struct Row {
    role: String,
    staff: String,
    rank: i32,
    start_time: Option<jiff_sqlx::Timestamp>,
    end_time: Option<jiff_sqlx::Timestamp>,
}

impl Row {
    fn into_stretch(self) -> Result<Stretch, Fault> {
        Ok(Stretch {
            role: parse("duty.role", &self.role)?,
            staff: parse("duty.staff", &self.staff)?,
            rank: self.rank,
            from: self.start_time.map(jiff_sqlx::Timestamp::to_jiff),
            until: self.end_time.map(jiff_sqlx::Timestamp::to_jiff),
        })
    }
}

/// The revision of a site's roster, locked until the transaction ends; 0 where it was never set.
///
/// # Errors
/// When Postgres is away.
pub async fn lock_revision(tx: &mut Tx, site: &SiteId, now: Timestamp) -> Result<i64, Fault> {
    sqlx::query!(
        "-- assignment::store::duties::lock_revision
        INSERT INTO roster (site, revision, telling, tell_due) VALUES ($1, 0, 0, $2)
        ON CONFLICT ON CONSTRAINT roster_key DO NOTHING",
        site.as_str(),
        next_telling(now).to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    sqlx::query_scalar!(
        "-- assignment::store::duties::lock_revision
        SELECT revision FROM roster WHERE site = $1 FOR UPDATE",
        site.as_str(),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}

/// Replaces the roster, whose row the transaction has locked. The order given is the order of listing.
///
/// # Errors
/// When Postgres is away.
pub async fn replace(
    tx: &mut Tx,
    site: &SiteId,
    stretches: &[Stretch],
    revision: i64,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::duties::replace
        DELETE FROM duty WHERE site = $1",
        site.as_str(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    let roles: Vec<String> = stretches.iter().map(|s| s.role.to_string()).collect();
    let staff: Vec<String> = stretches.iter().map(|s| s.staff.to_string()).collect();
    let ranks: Vec<i32> = stretches.iter().map(|s| s.rank).collect();
    let starts: Vec<Option<jiff_sqlx::Timestamp>> = stretches
        .iter()
        .map(|s| s.from.map(|t| t.to_sqlx()))
        .collect();
    let ends: Vec<Option<jiff_sqlx::Timestamp>> = stretches
        .iter()
        .map(|s| s.until.map(|t| t.to_sqlx()))
        .collect();
    sqlx::query!(
        "-- assignment::store::duties::replace
        INSERT INTO duty (site, position, role, staff, rank, start_time, end_time)
        SELECT $1, (d.n - 1)::integer, d.role, d.staff, d.rank, d.start_time, d.end_time
        FROM unnest($2::text[], $3::text[], $4::integer[], $5::timestamptz[], $6::timestamptz[])
             WITH ORDINALITY AS d (role, staff, rank, start_time, end_time, n)",
        site.as_str(),
        &roles,
        &staff,
        &ranks,
        &starts as &[Option<jiff_sqlx::Timestamp>],
        &ends as &[Option<jiff_sqlx::Timestamp>],
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    sqlx::query!(
        "-- assignment::store::duties::replace
        UPDATE roster SET revision = $2 WHERE site = $1",
        site.as_str(),
        revision,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// The revision of a site's roster; 0 where it was never set.
///
/// # Errors
/// When Postgres is away.
pub async fn revision(tx: &mut Tx, site: &SiteId) -> Result<i64, Fault> {
    let revision = sqlx::query_scalar!(
        "-- assignment::store::duties::revision
        SELECT revision FROM roster WHERE site = $1",
        site.as_str(),
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    Ok(revision.unwrap_or(0))
}

/// Duties with their positions, in the order of listing, after the given position.
///
/// # Errors
/// When Postgres is away.
pub async fn list(
    tx: &mut Tx,
    site: &SiteId,
    at: Option<Timestamp>,
    role: Option<DutyRole>,
    after: Option<i32>,
    limit: i64,
) -> Result<Vec<(i32, Stretch)>, Fault> {
    let rows = sqlx::query!(
        "-- assignment::store::duties::list
        SELECT position, role, staff, rank, start_time, end_time FROM duty
        WHERE site = $1
          AND ($2::timestamptz IS NULL OR ((start_time IS NULL OR start_time <= $2)
                                       AND (end_time IS NULL OR end_time > $2)))
          AND ($3::text IS NULL OR role = $3)
          AND ($4::integer IS NULL OR position > $4)
        ORDER BY position LIMIT $5",
        site.as_str(),
        at.map(|t| t.to_sqlx()),
        role.map(DutyRole::word),
        after,
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|r| {
            let stretch = Row {
                role: r.role,
                staff: r.staff,
                rank: r.rank,
                start_time: r.start_time,
                end_time: r.end_time,
            };
            Ok((r.position, stretch.into_stretch()?))
        })
        .collect()
}

/// Every duty, in the order of listing.
///
/// # Errors
/// When Postgres is away.
pub async fn all(tx: &mut Tx, site: &SiteId) -> Result<Vec<Stretch>, Fault> {
    let rows = sqlx::query_as!(
        Row,
        "-- assignment::store::duties::all
        SELECT role, staff, rank, start_time, end_time FROM duty WHERE site = $1 ORDER BY position",
        site.as_str(),
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter().map(Row::into_stretch).collect()
}

/// Every duty that is not over at the instant.
///
/// # Errors
/// When Postgres is away.
pub async fn ahead(tx: &mut Tx, site: &SiteId, now: Timestamp) -> Result<Vec<Stretch>, Fault> {
    let rows = sqlx::query_as!(
        Row,
        "-- assignment::store::duties::ahead
        SELECT role, staff, rank, start_time, end_time FROM duty
        WHERE site = $1 AND (end_time IS NULL OR end_time > $2) ORDER BY position",
        site.as_str(),
        now.to_sqlx(),
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter().map(Row::into_stretch).collect()
}

/// Counts a telling and sets when the next one is due. Returns its number; none when the site has no roster or, with
/// `only_due`, when it is not due: another replica was faster.
///
/// # Errors
/// When Postgres is away.
pub async fn count_telling(
    tx: &mut Tx,
    site: &SiteId,
    now: Timestamp,
    only_due: bool,
) -> Result<Option<i64>, Fault> {
    sqlx::query_scalar!(
        "-- assignment::store::duties::count_telling
        UPDATE roster SET telling = telling + 1, tell_due = $3
        WHERE site = $1 AND (NOT $4 OR tell_due <= $2) RETURNING telling",
        site.as_str(),
        now.to_sqlx(),
        next_telling(now).to_sqlx(),
        only_due,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()
}

/// Sites whose roster is to be told again, longest overdue first. For the worker role.
///
/// # Errors
/// When Postgres is away.
pub async fn due_sites(worker: &PgPool, now: Timestamp, limit: i64) -> Result<Vec<SiteId>, Fault> {
    let rows = sqlx::query_scalar!(
        "-- assignment::store::duties::due_sites
        SELECT site FROM roster WHERE tell_due <= $1 ORDER BY tell_due LIMIT $2",
        now.to_sqlx(),
        limit,
    )
    .fetch_all(worker)
    .await
    .or_fault()?;
    rows.iter().map(|s| parse("roster.site", s)).collect()
}
