//! The change table that watches read, in commit order.

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{IncidentName, SiteId};
use redress_rpc::watch::Position;
use redress_store::{Database, Operation, StoreResultExt as _, Tx};
use uuid::Uuid;

/// How long a watch can be away and still go on where it was.
pub const RETENTION: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Rows that one purge statement deletes at most.
const PURGE_ROWS_MAX: i64 = 1_000;

/// Says that an incident changed.
///
/// # Errors
/// When Postgres is away.
pub async fn add(tx: &mut Tx, site: &SiteId, incident: Uuid, at: Timestamp) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::changes::add
        INSERT INTO incident_change (site, incident, change_time) VALUES ($1, $2, $3)",
        site.as_str(),
        incident,
        at.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Where a watch that begins now starts.
///
/// # Errors
/// When Postgres is away.
pub async fn head(tx: &mut Tx) -> Result<Position, Fault> {
    Ok(Position {
        xid: tx.horizon().await?,
        id: i64::MAX,
    })
}

/// Everything up to here is gone.
///
/// # Errors
/// When Postgres is away.
pub async fn floor(tx: &mut Tx) -> Result<Position, Fault> {
    let row = sqlx::query!(
        r#"-- crisis::store::changes::floor
        SELECT xid::text AS "xid!", id FROM incident_change_floor"#,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    Ok(Position {
        xid: xid(&row.xid)?,
        id: row.id,
    })
}

/// The last change of an incident after a position, below every transaction that is still open. Those in
/// between are overtaken: a watch shows the incident as it is.
///
/// # Errors
/// When Postgres is away.
pub async fn last_after(
    tx: &mut Tx,
    incident: &IncidentName,
    after: Position,
) -> Result<Option<Position>, Fault> {
    let row = sqlx::query!(
        r#"-- crisis::store::changes::last_after
        SELECT xid::text AS "xid!", id FROM incident_change
        WHERE site = $1 AND incident = $2 AND (xid, id) > ($3::text::xid8, $4)
          AND xid < pg_snapshot_xmin(pg_current_snapshot())
        ORDER BY xid DESC, id DESC LIMIT 1"#,
        incident.site.as_str(),
        incident.id,
        after.xid.to_string(),
        after.id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    row.map(|r| {
        Ok(Position {
            xid: xid(&r.xid)?,
            id: r.id,
        })
    })
    .transpose()
}

fn xid(text: &str) -> Result<u64, Fault> {
    text.parse().map_err(Fault::internal)
}

/// Deletes what is older than [`RETENTION`] and remembers up to where.
#[derive(Debug)]
pub struct Purge {
    /// Now.
    pub now: Timestamp,
}

impl Operation for Purge {
    const NAME: &'static str = "crisis.purge_changes";
    type Output = u64;

    async fn run(&self, tx: &mut Tx) -> Result<u64, Fault> {
        let before = self.now.saturating_sub(RETENTION).unwrap_or(Timestamp::MIN);
        let row = sqlx::query!(
            r#"-- crisis::store::changes::Purge
            WITH old AS (
              DELETE FROM incident_change WHERE (site, id) IN (
                SELECT site, id FROM incident_change WHERE change_time < $1 ORDER BY change_time LIMIT $2)
              RETURNING xid, id
            ), last AS (
              SELECT xid, id FROM old ORDER BY xid DESC, id DESC LIMIT 1
            ), moved AS (
              UPDATE incident_change_floor f SET xid = last.xid, id = last.id FROM last WHERE (f.xid, f.id) < (last.xid, last.id)
              RETURNING 1
            )
            SELECT (SELECT count(*) FROM old) AS "purged!", (SELECT count(*) FROM moved) AS "moved!""#,
            before.to_sqlx(),
            PURGE_ROWS_MAX,
        )
        .fetch_one(&mut **tx)
        .await
        .or_fault()?;
        u64::try_from(row.purged).map_err(Fault::internal)
    }
}

/// Purges until nothing old is left.
///
/// # Errors
/// When Postgres is away.
pub async fn purge(db: &Database, now: Timestamp) -> Result<u64, Fault> {
    db.work_off(&Purge { now }, PURGE_ROWS_MAX).await
}
