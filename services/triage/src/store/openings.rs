//! Opening-day windows of sales centres. Every change is a whole new set.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_store::{Database, StoreResultExt as _, Tx};

/// One window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// From when.
    pub start: Timestamp,
    /// Until before.
    pub end: Timestamp,
    /// What for.
    pub reason: String,
}

/// All windows of a site.
#[derive(Debug, Clone, Default)]
pub struct Windows {
    /// Rises with every change; 0 before the first.
    pub revision: i64,
    /// In the order of their start.
    pub windows: Vec<Window>,
    /// Who set them last.
    pub author: String,
    /// When.
    pub created: Option<Timestamp>,
}

impl Windows {
    /// Whether one is open at an instant.
    pub fn is_open(&self, at: Timestamp) -> bool {
        self.windows.iter().any(|w| w.start <= at && at < w.end)
    }
}

/// Keeps every change of a site's windows apart until the transaction ends.
pub async fn lock(tx: &mut Tx, site: &SiteId) -> Result<(), Fault> {
    sqlx::query!(
        "-- triage::store::openings::lock
        SELECT pg_advisory_xact_lock(hashtextextended('triage.openings/' || $1, 0)) AS locked",
        site.as_str(),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// The windows as they are set now.
pub async fn get(tx: &mut Tx, site: &SiteId) -> Result<Windows, Fault> {
    let set = sqlx::query!(
        "-- triage::store::openings::get
        SELECT revision, author, create_time FROM opening_set WHERE site = $1 ORDER BY revision DESC LIMIT 1",
        site.as_str(),
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    let Some(set) = set else {
        return Ok(Windows::default());
    };
    let rows = sqlx::query!(
        "-- triage::store::openings::get
        SELECT start_time, end_time, reason FROM opening_window
        WHERE site = $1 AND revision = $2 ORDER BY start_time",
        site.as_str(),
        set.revision,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    Ok(Windows {
        revision: set.revision,
        windows: rows
            .into_iter()
            .map(|row| Window {
                start: jiff_sqlx::Timestamp::to_jiff(row.start_time),
                end: jiff_sqlx::Timestamp::to_jiff(row.end_time),
                reason: row.reason,
            })
            .collect(),
        author: set.author,
        created: Some(jiff_sqlx::Timestamp::to_jiff(set.create_time)),
    })
}

/// Adds a set after the one of this revision.
pub async fn set(
    tx: &mut Tx,
    site: &SiteId,
    after: i64,
    windows: &[Window],
    author: &str,
    now: Timestamp,
) -> Result<(), Fault> {
    let revision = after + 1;
    sqlx::query!(
        "-- triage::store::openings::set
        INSERT INTO opening_set (site, revision, author, create_time) VALUES ($1, $2, $3, $4)",
        site.as_str(),
        revision,
        author,
        now.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    for window in windows {
        sqlx::query!(
            "-- triage::store::openings::set
            INSERT INTO opening_window (site, revision, start_time, end_time, reason) VALUES ($1, $2, $3, $4, $5)",
            site.as_str(),
            revision,
            window.start.to_sqlx(),
            window.end.to_sqlx(),
            window.reason,
        )
        .execute(&mut **tx)
        .await
        .or_fault()?;
    }
    Ok(())
}

/// Whether a window is open at an instant, by the set that was known then.
pub async fn is_open(tx: &mut Tx, site: &SiteId, at: Timestamp) -> Result<bool, Fault> {
    sqlx::query_scalar!(
        "-- triage::store::openings::is_open
        SELECT EXISTS (
          SELECT FROM opening_window w
          WHERE w.site = $1 AND w.start_time <= $2 AND w.end_time > $2
            AND w.revision = (SELECT max(o.revision) FROM opening_set o WHERE o.site = $1 AND o.create_time <= $2)
        ) AS \"open!\"",
        site.as_str(),
        at.to_sqlx(),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}

/// Sites where a window has opened or closed since others were told last.
pub async fn turned(db: &Database, now: Timestamp) -> Result<Vec<SiteId>, Fault> {
    let names = sqlx::query_scalar!(
        "-- triage::store::openings::turned
        SELECT s.site FROM (SELECT site, max(revision) AS revision FROM opening_set GROUP BY site) s
        LEFT JOIN opening_told t ON t.site = s.site
        WHERE coalesce(t.open, false) <> EXISTS (
          SELECT FROM opening_window w
          WHERE w.site = s.site AND w.revision = s.revision AND w.start_time <= $1 AND w.end_time > $1)
        ORDER BY s.site",
        now.to_sqlx(),
    )
    .fetch_all(db.worker())
    .await
    .or_fault()?;
    names
        .iter()
        .map(|name| name.parse().map_err(Fault::internal))
        .collect()
}

/// Notes whether others are told that a window is open; false where they were told so before. Take the lock first.
pub async fn told(tx: &mut Tx, site: &SiteId, open: bool) -> Result<bool, Fault> {
    let news = sqlx::query!(
        "-- triage::store::openings::told
        INSERT INTO opening_told AS t (site, open) VALUES ($1, $2)
        ON CONFLICT ON CONSTRAINT opening_told_key DO UPDATE SET open = $2 WHERE t.open <> $2",
        site.as_str(),
        open,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(news.rows_affected() == 1)
}
