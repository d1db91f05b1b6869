//! Our timers over rows in a Postgres that writes as carefully as in production.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx as _;
use redress_local::{Postgres, PostgresOptions, Redis};
use redress_model::Fault;
use redress_store::StoreResultExt as _;
use redress_timers::{Entry, Fired, Overdue, Receipt, Truth};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::ours::{known, timers, until};

const TABLES: &str = "
    CREATE TABLE timer (
        id uuid PRIMARY KEY,
        generation bigint NOT NULL,
        due timestamptz NOT NULL,
        armed boolean NOT NULL DEFAULT true
    );
    CREATE INDEX timer_due ON timer (due) WHERE armed;
    CREATE TABLE effect (
        timer_id uuid NOT NULL,
        generation bigint NOT NULL,
        due timestamptz NOT NULL,
        happened timestamptz NOT NULL,
        PRIMARY KEY (timer_id, generation)
    )";
const BATCH_MAX: usize = 500;

pub(crate) struct Rows {
    pool: PgPool,
    _server: Postgres,
}

struct Table {
    pool: PgPool,
    handled: AtomicUsize,
}

#[derive(sqlx::FromRow)]
struct Armed {
    id: Uuid,
    generation: i64,
    due: jiff_sqlx::Timestamp,
}

/// What one row of counts holds: five classes, and the oldest.
type Counts = (i64, i64, i64, i64, i64, Option<jiff_sqlx::Timestamp>);

#[async_trait]
impl Truth for Table {
    async fn due(
        &self,
        since: Option<Timestamp>,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<Entry>, Fault> {
        let rows: Vec<Armed> = sqlx::query_as(
            "SELECT id, generation, due FROM timer
             WHERE armed AND due <= $1 AND due >= coalesce($3, '-infinity'::timestamptz) ORDER BY due LIMIT $2",
        )
        .bind(now.to_sqlx())
        .bind(limit)
        .bind(since.map(|at| at.to_sqlx()))
        .fetch_all(&self.pool)
        .await
        .or_fault()?;
        Ok(rows.into_iter().map(entry).collect())
    }

    async fn overdue(&self, since: Option<Timestamp>, now: Timestamp) -> Result<Overdue, Fault> {
        let [second, ten, minute, long] = Overdue::instants(now).map(|at| at.to_sqlx());
        let (under_1s, under_10s, under_1m, under_10m, over_10m, oldest): Counts = sqlx::query_as(
            "SELECT count(*) FILTER (WHERE due > $2),
                    count(*) FILTER (WHERE due <= $2 AND due > $3),
                    count(*) FILTER (WHERE due <= $3 AND due > $4),
                    count(*) FILTER (WHERE due <= $4 AND due > $5),
                    count(*) FILTER (WHERE due <= $5),
                    min(due)
             FROM timer WHERE armed AND due <= $1 AND due >= coalesce($6, '-infinity'::timestamptz)",
        )
        .bind(now.to_sqlx())
        .bind(second)
        .bind(ten)
        .bind(minute)
        .bind(long)
        .bind(since.map(|at| at.to_sqlx()))
        .fetch_one(&self.pool)
        .await
        .or_fault()?;
        let counts = [under_1s, under_10s, under_1m, under_10m, over_10m];
        Ok(Overdue {
            counts: counts.map(i64::unsigned_abs),
            oldest: oldest.map(|at| at.to_jiff()),
        })
    }

    async fn armed(&self, after: Option<Uuid>, limit: i64) -> Result<Vec<Entry>, Fault> {
        let rows: Vec<Armed> = sqlx::query_as(
            "SELECT id, generation, due FROM timer WHERE armed AND id > $1 ORDER BY id LIMIT $2",
        )
        .bind(after.unwrap_or(Uuid::nil()))
        .bind(limit)
        .fetch_all(&self.pool)
        .await
        .or_fault()?;
        Ok(rows.into_iter().map(entry).collect())
    }

    async fn fire(&self, entry: &Entry, late: &[Receipt], now: Timestamp) -> Result<Fired, Fault> {
        let one = std::slice::from_ref(entry);
        let fired = self.fire_many(one, late, now).await?;
        Ok(fired.into_iter().next().flatten().unwrap_or(Fired::Stale))
    }

    fn batch_max(&self) -> usize {
        BATCH_MAX
    }

    /// The row is locked, fenced by its generation, checked to be due, and its effect is written: one statement, one
    /// transaction.
    async fn fire_many(
        &self,
        entries: &[Entry],
        _: &[Receipt],
        now: Timestamp,
    ) -> Result<Vec<Option<Fired>>, Fault> {
        let ids: Vec<Uuid> = entries.iter().map(|entry| entry.id).collect();
        let generations: Vec<i64> = entries.iter().map(|entry| entry.generation).collect();
        let fired: Vec<Uuid> = sqlx::query_scalar(
            "WITH fired AS (
               UPDATE timer SET armed = false, generation = timer.generation + 1
               FROM unnest($1, $2) AS asked(id, generation)
               WHERE timer.id = asked.id AND timer.generation = asked.generation AND timer.armed AND timer.due <= $3
               RETURNING timer.id, asked.generation, timer.due
             )
             INSERT INTO effect (timer_id, generation, due, happened)
             SELECT id, generation, due, $3 FROM fired RETURNING timer_id",
        )
        .bind(ids)
        .bind(generations)
        .bind(now.to_sqlx())
        .fetch_all(&self.pool)
        .await
        .or_fault()?;
        self.handled.fetch_add(fired.len(), Ordering::SeqCst);
        let fired: std::collections::HashSet<Uuid> = fired.into_iter().collect();
        let answer = |entry: &Entry| match fired.contains(&entry.id) {
            true => Some(Fired::Done),
            false => Some(Fired::Stale),
        };
        Ok(entries.iter().map(answer).collect())
    }
}

fn entry(row: Armed) -> Entry {
    Entry::new(row.id, row.generation, row.due.to_jiff())
}

impl Rows {
    pub(crate) async fn start(home: &Path) -> Self {
        let options = PostgresOptions {
            ephemeral: true,
            shared_buffers: "512MB".to_owned(),
            ..PostgresOptions::default()
        };
        let home = home.to_owned();
        let server = tokio::task::spawn_blocking(move || Postgres::start(&home, &options))
            .await
            .expect("does not panic")
            .expect("PostgreSQL is installed");
        let pool = PgPool::connect(&server.admin_url())
            .await
            .expect("postgres answers");
        sqlx::raw_sql(TABLES)
            .execute(&pool)
            .await
            .expect("tables are made");
        Self {
            pool,
            _server: server,
        }
    }

    async fn arm(&self, count: usize, due: Timestamp) -> Vec<Entry> {
        for table in ["TRUNCATE timer", "TRUNCATE effect"] {
            sqlx::query(table)
                .execute(&self.pool)
                .await
                .expect("is emptied");
        }
        sqlx::query("INSERT INTO timer (id, generation, due) SELECT gen_random_uuid(), 1, $1 FROM generate_series(1, $2)")
            .bind(due.to_sqlx())
            .bind(count as i64)
            .execute(&self.pool)
            .await
            .expect("rows are added");
        for maintenance in ["VACUUM ANALYZE timer", "CHECKPOINT"] {
            sqlx::query(maintenance)
                .execute(&self.pool)
                .await
                .expect("is done");
        }
        let rows: Vec<Armed> = sqlx::query_as("SELECT id, generation, due FROM timer")
            .fetch_all(&self.pool)
            .await
            .expect("rows are read");
        rows.into_iter().map(entry).collect()
    }

    fn table(&self) -> Arc<Table> {
        Arc::new(Table {
            pool: self.pool.clone(),
            handled: AtomicUsize::new(0),
        })
    }

    /// Effects a second, from the instant at which so many are due until the last is committed.
    pub(crate) async fn effects(&self, server: &Redis, count: usize) -> f64 {
        let client = redis::Client::open(server.url()).expect("a url");
        let table = self.table();
        // Far ahead until the index knows them: arming is not what is measured.
        let entries = self
            .arm(count, Timestamp::now() + SignedDuration::from_secs(15))
            .await;
        let due = entries[0].due;
        let timers = timers(&client, table.clone());
        let shutdown = CancellationToken::new();
        let (running, token) = (timers.clone(), shutdown.clone());
        let task = tokio::spawn(async move { running.run(token).await });
        until(|| timers.is_index_ready()).await;
        timers.schedule_many(&entries).await;
        assert!(
            Timestamp::now() < due,
            "the timers were due before all were armed"
        );
        until(|| table.handled.load(Ordering::SeqCst) == count).await;
        let seconds = Timestamp::now().duration_since(due).as_secs_f64();
        let effects: i64 = sqlx::query_scalar("SELECT count(*) FROM effect WHERE happened >= due")
            .fetch_one(&self.pool)
            .await
            .expect("effects are counted");
        assert_eq!(effects as usize, count, "each once, none early");
        shutdown.cancel();
        task.await.expect("ends in order");
        count as f64 / seconds
    }

    /// Seconds from a flush until the index holds everything that is armed again.
    pub(crate) async fn rebuild(&self, server: &Redis, count: usize) -> f64 {
        let client = redis::Client::open(server.url()).expect("a url");
        let mut connection = client
            .get_multiplexed_async_connection()
            .await
            .expect("redis answers");
        self.arm(count, Timestamp::now() + SignedDuration::from_hours(24))
            .await;
        let timers = timers(&client, self.table());
        let shutdown = CancellationToken::new();
        let (running, token) = (timers.clone(), shutdown.clone());
        let task = tokio::spawn(async move { running.run(token).await });
        until(|| timers.is_index_ready()).await;
        assert_eq!(known(&mut connection).await, count);
        let started = Instant::now();
        server.flush().expect("redis answers");
        until(|| !timers.is_index_ready()).await;
        until(|| timers.is_index_ready()).await;
        let seconds = started.elapsed().as_secs_f64();
        assert_eq!(known(&mut connection).await, count, "all are back");
        shutdown.cancel();
        task.await.expect("ends in order");
        seconds
    }
}
