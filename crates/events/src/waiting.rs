//! Events that wait in the inbox, and the sweeper that tries them again.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use jiff_sqlx::{Timestamp, ToSqlx as _};
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_store::{Database, Operation, Scope, StoreResultExt as _, Tx};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::Event;
use crate::inbox::{Inbox, Received, Step, Turn};
use crate::lanes::Lane;
use crate::relay::wait;

/// Pause before the sweeper's first try; doubles with each.
const FIRST_PAUSE_SECONDS: f64 = 1.0;
/// Longest pause between the sweeper's tries.
const PAUSE_SECONDS_MAX: f64 = 300.0;
/// How often the sweeper looks when nothing wakes it.
const SWEEP: Duration = Duration::from_secs(1);
/// Subjects that one sweep takes up at most.
const SUBJECTS_MAX: i64 = 100;
/// How often the notes of old events are deleted.
const PURGE: Duration = Duration::from_secs(3600);
/// How long it is known that an event was seen. Far longer than a sender keeps events, so that one which
/// slept for weeks and repeats itself is still recognised.
const SEEN_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// Rows that one purge statement deletes at most.
const PURGE_ROWS_MAX: i64 = 1_000;

/// Keeps an event until what it builds on is known.
pub(crate) async fn keep(tx: &mut Tx, event: &Event) -> Result<(), Fault> {
    sqlx::query!(
        "-- events::waiting::keep
        INSERT INTO inbox_waiting (source, event_id, type, site, subject, historical, traceparent, time, payload,
                                   next_attempt_time)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, clock_timestamp() + $10 * interval '1 second')",
        event.source,
        event.id,
        event.event_type,
        event.site.as_str(),
        event.subject,
        event.historical,
        event.traceparent,
        event.time.to_sqlx(),
        event.data.as_ref(),
        FIRST_PAUSE_SECONDS,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Makes everything that waits at a site due now.
pub(crate) async fn hurry_site(db: &Database, site: &SiteId) -> Result<(), Fault> {
    struct HurrySite<'a>(&'a SiteId);

    impl Operation for HurrySite<'_> {
        const NAME: &'static str = "events.hurry_site";
        type Output = ();

        async fn run(&self, tx: &mut Tx) -> Result<(), Fault> {
            sqlx::query!(
                "-- events::waiting::hurry_site
                UPDATE inbox_waiting SET next_attempt_time = clock_timestamp() WHERE site = $1",
                self.0.as_str(),
            )
            .execute(&mut **tx)
            .await
            .or_fault()?;
            Ok(())
        }
    }

    db.run(&Scope::site(site.clone()), &HurrySite(site)).await
}

/// The first waiting event of each source about a subject.
struct Heads<'a>(&'a str);

impl Operation for Heads<'_> {
    const NAME: &'static str = "events.list_waiting";
    type Output = Vec<(i64, Event)>;

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        struct Row {
            id: i64,
            source: String,
            event_id: Uuid,
            r#type: String,
            site: String,
            subject: String,
            historical: bool,
            traceparent: String,
            time: Timestamp,
            payload: Vec<u8>,
        }
        let rows = sqlx::query_as!(
            Row,
            "-- events::waiting::heads
            SELECT DISTINCT ON (source) id, source, event_id, type, site, subject, historical, traceparent, time, payload
            FROM inbox_waiting WHERE subject = $1 ORDER BY source, id",
            self.0,
        )
        .fetch_all(&mut **tx)
        .await
        .or_fault()?;
        rows.into_iter()
            .map(|row| {
                let event = Event {
                    id: row.event_id,
                    source: row.source,
                    event_type: row.r#type,
                    site: row.site.parse().map_err(Fault::internal)?,
                    subject: row.subject,
                    historical: row.historical,
                    time: row.time.to_jiff(),
                    traceparent: row.traceparent,
                    data: row.payload.into(),
                };
                Ok((row.id, event))
            })
            .collect()
    }
}

/// Another try of a waiting event.
struct Again {
    id: i64,
}

impl Step for Again {
    fn before<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Turn, Fault>> {
        async move {
            // The same lock as a first delivery takes, then the row: another replica may have been faster.
            let row = sqlx::query!(
                "-- events::waiting::lock
                SELECT redress_lock_subject('inbox', subject) IS NOT NULL AS \"locked!\"
                FROM inbox_waiting WHERE id = $1",
                self.id,
            )
            .fetch_optional(&mut **tx)
            .await
            .or_fault()?;
            if row.is_none() {
                return Ok(Turn::Seen);
            }
            let still = sqlx::query!(
                "-- events::waiting::still
                SELECT id FROM inbox_waiting WHERE id = $1 FOR UPDATE",
                self.id,
            )
            .fetch_optional(&mut **tx)
            .await
            .or_fault()?;
            Ok(still.map_or(Turn::Seen, |_| Turn::Now { frees: true }))
        }
        .boxed()
    }

    fn waits<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<(), Fault>> {
        postpone(tx, self.id).boxed()
    }

    fn done<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<(), Fault>> {
        async move {
            sqlx::query!(
                "-- events::waiting::done
                DELETE FROM inbox_waiting WHERE id = $1",
                self.id,
            )
            .execute(&mut **tx)
            .await
            .or_fault()?;
            Ok(())
        }
        .boxed()
    }
}

async fn postpone(tx: &mut Tx, id: i64) -> Result<(), Fault> {
    sqlx::query!(
        "-- events::waiting::postpone
        UPDATE inbox_waiting SET attempts = attempts + 1,
          next_attempt_time = clock_timestamp()
            + least($2 * 2 ^ least(attempts, 20), $3) * (0.5 + random() / 2) * interval '1 second'
        WHERE id = $1",
        id,
        FIRST_PAUSE_SECONDS,
        PAUSE_SECONDS_MAX,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// After a handler that failed: the event keeps its place and is tried later, for as long as it takes.
/// Its sender counts it as delivered, so it is never given up here.
struct Postpone(i64);

impl Operation for Postpone {
    const NAME: &'static str = "events.postpone_waiting";
    type Output = ();

    async fn run(&self, tx: &mut Tx) -> Result<(), Fault> {
        postpone(tx, self.0).await
    }
}

impl Inbox {
    /// Tries what waits on a subject until nothing more gets free.
    pub(crate) async fn retry_waiting(
        &self,
        site: &SiteId,
        subject: &str,
        lane: Lane,
    ) -> Result<(), Fault> {
        let scope = Scope::site(site.clone());
        loop {
            let mut progress = false;
            for (id, event) in self.db.read(&scope, &Heads(subject)).await? {
                match self.apply(&event, &Again { id }, lane).await {
                    Ok(Received::Applied { .. }) => progress = true,
                    Ok(Received::Seen | Received::Waiting) => {}
                    Err(_) => self.db.run(&scope, &Postpone(id)).await?,
                }
            }
            if !progress {
                return Ok(());
            }
        }
    }

    /// The sweeper: tries waiting events whose turn has come, whatever woke or did not wake them, and
    /// deletes old notes of seen events. Runs until `shutdown`.
    pub async fn run(&self, shutdown: CancellationToken) {
        let mut purge_at = tokio::time::Instant::now() + PURGE;
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(SWEEP) => {}
                () = self.sweep.notified() => {}
            }
            if let Err(fault) = self.sweep_once(&shutdown).await {
                tracing::warn!(%fault, "waiting events cannot be looked at");
                if wait(&shutdown, SWEEP).await {
                    return;
                }
            }
            if tokio::time::Instant::now() >= purge_at {
                purge_at += PURGE;
                match purge_seen(&self.db, SEEN_KEPT).await {
                    Ok(rows) => tracing::debug!(rows, "notes of old events were deleted"),
                    Err(fault) => {
                        tracing::warn!(%fault, "notes of old events could not be deleted")
                    }
                }
            }
        }
    }

    async fn sweep_once(&self, shutdown: &CancellationToken) -> Result<(), Fault> {
        let due = sqlx::query!(
            "-- events::waiting::due
            SELECT site, subject FROM inbox_waiting WHERE next_attempt_time <= clock_timestamp()
            ORDER BY next_attempt_time LIMIT $1",
            SUBJECTS_MAX,
        )
        .fetch_all(self.db.worker())
        .await
        .or_fault()?;
        let due: BTreeSet<(String, String)> =
            due.into_iter().map(|r| (r.site, r.subject)).collect();
        for (site, subject) in due {
            if shutdown.is_cancelled() {
                break;
            }
            let site = site.parse().map_err(Fault::internal)?;
            self.retry_waiting(&site, &subject, Lane::Ordinary).await?;
        }
        Ok(())
    }
}

/// Deletes notes of events that were seen longer ago than `keep`. Returns how many.
pub(crate) async fn purge_seen(db: &Database, keep: Duration) -> Result<u64, Fault> {
    let mut purged = 0;
    loop {
        let rows = sqlx::query!(
            "-- events::waiting::purge_seen
            DELETE FROM inbox_seen WHERE ctid = ANY (ARRAY(
              SELECT ctid FROM inbox_seen WHERE receive_time < clock_timestamp() - $1 * interval '1 second'
              ORDER BY receive_time LIMIT $2))",
            keep.as_secs_f64(),
            PURGE_ROWS_MAX,
        )
        .execute(db.worker())
        .await
        .or_fault()?
        .rows_affected();
        purged += rows;
        if rows < PURGE_ROWS_MAX.unsigned_abs() {
            return Ok(purged);
        }
    }
}
