//! The change table that watchers read, and its purge.

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{CaseName, SiteId};
use redress_rpc::watch::Position;
use redress_store::{Database, Operation, StoreResultExt as _, Tx};
use uuid::Uuid;

use super::stored;

/// How long a resume token is good.
pub const RETENTION: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Rows that one purge statement deletes at most.
const PURGE_ROWS_MAX: i64 = 5_000;

/// The position right below everything that may still commit.
///
/// # Errors
/// When Postgres is away.
pub async fn head(tx: &mut Tx) -> Result<Position, Fault> {
    Ok(Position {
        xid: tx.horizon().await?,
        id: i64::MAX,
    })
}

/// The last position that was purged.
///
/// # Errors
/// When Postgres is away.
pub async fn purged(tx: &mut Tx) -> Result<Position, Fault> {
    let row = sqlx::query!(
        r#"-- intake::change_feed::purged
        SELECT xid::text::bigint AS "xid!", id FROM case_change_floor"#
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    Ok(Position {
        xid: row.xid.unsigned_abs(),
        id: row.id,
    })
}

/// Changes after a position that nothing can slip in before any more.
///
/// # Errors
/// When Postgres is away.
pub async fn read(
    tx: &mut Tx,
    after: Position,
    site: Option<&SiteId>,
    case: Option<Uuid>,
    limit: i64,
) -> Result<Vec<(Position, CaseName)>, Fault> {
    let rows = sqlx::query!(
        r#"-- intake::change_feed::read
        SELECT xid::text::bigint AS "xid!", id, site, case_id FROM case_change
        WHERE (xid, id) > ($1::bigint::text::xid8, $2)
          AND xid < pg_snapshot_xmin(pg_current_snapshot())
          AND ($3::text IS NULL OR site = $3)
          AND ($4::uuid IS NULL OR case_id = $4)
        ORDER BY xid, id LIMIT $5"#,
        i64::try_from(after.xid).unwrap_or(i64::MAX),
        after.id,
        site.map(SiteId::as_str),
        case,
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|r| {
            let position = Position {
                xid: r.xid.unsigned_abs(),
                id: r.id,
            };
            Ok((position, CaseName::new(stored(&r.site)?, r.case_id)))
        })
        .collect()
}

/// Deletes changes older than [`RETENTION`] in batches and remembers where. Returns how many.
///
/// # Errors
/// When Postgres is away.
pub async fn purge(db: &Database, now: Timestamp) -> Result<u64, Fault> {
    let before = now.saturating_sub(RETENTION).unwrap_or(Timestamp::MIN);
    db.work_off(&PurgeBatch { before }, PURGE_ROWS_MAX).await
}

struct PurgeBatch {
    before: Timestamp,
}

impl Operation for PurgeBatch {
    const NAME: &'static str = "intake.purge_changes";
    type Output = u64;

    async fn run(&self, tx: &mut Tx) -> Result<u64, Fault> {
        let rows = sqlx::query!(
            "-- intake::change_feed::purge
            WITH gone AS (
              DELETE FROM case_change WHERE ctid = ANY (ARRAY(
                SELECT ctid FROM case_change WHERE change_time < $1 ORDER BY xid, id LIMIT $2))
              RETURNING xid, id),
            last AS (SELECT xid, id FROM gone ORDER BY xid DESC, id DESC LIMIT 1),
            floor AS (
              UPDATE case_change_floor f SET xid = last.xid, id = last.id FROM last
              WHERE (f.xid, f.id) < (last.xid, last.id) RETURNING 1)
            SELECT xid::text FROM gone",
            self.before.to_sqlx() as _,
            PURGE_ROWS_MAX,
        )
        .fetch_all(&mut **tx)
        .await
        .or_fault()?;
        Ok(u64::try_from(rows.len()).unwrap_or(u64::MAX))
    }
}
