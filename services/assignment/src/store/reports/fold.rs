//! From facts to counts. A batch locks the rows of its cases, then takes what they contributed last out of the counts and
//! puts in what they contribute now: run twice, it changes nothing the second time.
//!
//! Triggers of the counts keep the sums that are read (0097), in the same transaction: those of the site, and those of its region,
//! where whoever counts at another site of it waits until this batch is committed.
//!
//! Cost: about 55 groups a case, and as many for each of four sums, summed in Postgres before any count is touched.

use redress_model::Fault;
use redress_model::name::SiteId;
use redress_store::{StoreResultExt as _, Tx};
use sqlx::PgPool;

use crate::domain::report::{desk_pair, kept_pairs, promise_slot};

/// First half of the advisory lock's key: `tall` in ASCII.
const LOCK_CLASS: i32 = 0x7461_6c6c;

/// The next site, in order of its id, that has something to count.
///
/// # Errors
/// When Postgres is away.
pub async fn next_site(worker: &PgPool, after: &str) -> Result<Option<SiteId>, Fault> {
    let site = sqlx::query_scalar!(
        "-- assignment::store::reports::fold::next_site
        SELECT site FROM case_fact WHERE dirty AND site > $1 ORDER BY site LIMIT 1",
        after,
    )
    .fetch_optional(worker)
    .await
    .or_fault()?;
    site.map(|id| super::super::parse("case_fact.site", &id))
        .transpose()
}

/// Counts up to `limit` changed cases of the site. Returns how many it looked at; none where another replica counts there.
///
/// # Errors
/// When Postgres is away.
pub async fn batch(tx: &mut Tx, site: &SiteId, limit: i64) -> Result<u64, Fault> {
    // One at a time changes the counts of a site, so that none waits for another's.
    let is_free = sqlx::query_scalar!(
        r#"-- assignment::store::reports::fold::batch
        SELECT pg_try_advisory_xact_lock($1, hashtext($2)) AS "free!""#,
        LOCK_CLASS,
        site.as_str(),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    if !is_free {
        return Ok(0);
    }
    let cases = sqlx::query_scalar!(
        "-- assignment::store::reports::fold::batch
        SELECT case_id FROM case_fact WHERE site = $1 AND dirty
        ORDER BY case_id LIMIT $2 FOR UPDATE SKIP LOCKED",
        site.as_str(),
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    if cases.is_empty() {
        return Ok(0);
    }
    let (first, second): (Vec<i16>, Vec<i16>) = kept_pairs().into_iter().unzip();
    hashing(tx, true).await?;
    // Statements of their own: they have to see what was committed before the rows were locked.
    sqlx::query!(
        "-- assignment::store::reports::fold::batch
        WITH change AS (
          SELECT -1 AS sign, case_id, counted_month AS month, counted_historical AS historical, counted_values AS values,
                 counted_resolved AS resolved, counted_score AS score, counted_on_time AS on_time, counted_late AS late
          FROM case_fact WHERE site = $1 AND case_id = ANY ($2) AND counted_month IS NOT NULL
          UNION ALL
          SELECT 1, case_id, month, historical, values, resolved, score, on_time, late
          FROM case_count WHERE site = $1 AND case_id = ANY ($2)
        ), delta AS (
          SELECT p.i * 16 + p.j AS pair, c.month, c.historical, c.values[p.i] AS a, c.values[p.j] AS b, c.sign AS cases,
                 c.sign * c.resolved AS resolved, c.sign * c.on_time AS on_time, c.sign * c.late AS late,
                 c.sign * sign(c.score)::integer AS surveys, c.sign * c.score AS score
          FROM change c CROSS JOIN unnest($3::smallint[], $4::smallint[]) AS p (i, j)
          WHERE p.j < 8 OR c.values[p.j] <> ''
          UNION ALL
          SELECT i * 16 + $5::smallint, c.month, c.historical, c.values[i], k.kind, 0, 0,
                 c.sign * (k.outcome = 1)::integer, c.sign * (k.outcome = 2)::integer, 0, 0
          FROM change c
          CROSS JOIN LATERAL (
            SELECT kind, CASE WHEN c.sign < 0 THEN counted WHEN late THEN 2 WHEN met THEN 1 ELSE 0 END AS outcome
            FROM clock_fact WHERE site = $1 AND case_id = c.case_id) AS k
          CROSS JOIN generate_series(1, 7) AS i
          WHERE k.outcome > 0
          UNION ALL
          SELECT $6::smallint, counted_desk_month, false, '', counted_desk, -1, 0, 0, 0, 0, 0
          FROM case_fact WHERE site = $1 AND case_id = ANY ($2) AND counted_desk IS NOT NULL
          UNION ALL
          SELECT $6::smallint, month, false, '', desk, 1, 0, 0, 0, 0, 0
          FROM case_count WHERE site = $1 AND case_id = ANY ($2) AND desk IS NOT NULL
        )
        MERGE INTO tally t
        USING (
          SELECT pair, month, historical, a, b, sum(cases) AS cases, sum(resolved) AS resolved, sum(on_time) AS on_time,
                 sum(late) AS late, sum(surveys) AS surveys, sum(score) AS score
          FROM delta GROUP BY pair, month, historical, a, b
          HAVING sum(cases) <> 0 OR sum(resolved) <> 0 OR sum(on_time) <> 0 OR sum(late) <> 0 OR sum(surveys) <> 0
              OR sum(score) <> 0) d
        ON t.site = $1 AND t.pair = d.pair AND t.month = d.month AND t.historical = d.historical AND t.a = d.a AND t.b = d.b
        WHEN MATCHED THEN UPDATE
          SET cases = t.cases + d.cases, resolved = t.resolved + d.resolved, on_time = t.on_time + d.on_time,
              late = t.late + d.late, surveys = t.surveys + d.surveys, score = t.score + d.score
        WHEN NOT MATCHED THEN INSERT
          (site, pair, month, historical, a, b, cases, resolved, on_time, late, surveys, score)
          VALUES ($1, d.pair, d.month, d.historical, d.a, d.b, d.cases, d.resolved, d.on_time, d.late, d.surveys, d.score)",
        site.as_str(),
        &cases,
        &first,
        &second,
        promise_slot(),
        desk_pair().0,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    hashing(tx, false).await?;
    sqlx::query!(
        "-- assignment::store::reports::fold::batch
        UPDATE case_fact f
        SET counted_month = c.month, counted_historical = c.historical, counted_values = c.values,
            counted_resolved = c.resolved, counted_score = c.score, counted_on_time = c.on_time, counted_late = c.late,
            counted_desk_month = CASE WHEN c.desk IS NOT NULL THEN c.month END, counted_desk = c.desk,
            dirty = false
        FROM unnest($2::uuid[]) AS b (case_id)
        LEFT JOIN case_count c ON c.site = $1 AND c.case_id = b.case_id
        WHERE f.site = $1 AND f.case_id = b.case_id",
        site.as_str(),
        &cases,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    // What is out of the counts (merged, or not received yet) has no promise in them either.
    sqlx::query!(
        "-- assignment::store::reports::fold::batch
        UPDATE clock_fact c
        SET counted = CASE WHEN f.counted_month IS NULL THEN 0 WHEN c.late THEN 2 WHEN c.met THEN 1 ELSE 0 END
        FROM case_fact f
        WHERE c.site = $1 AND c.case_id = ANY ($2) AND f.site = c.site AND f.case_id = c.case_id",
        site.as_str(),
        &cases,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(cases.len() as u64)
}

/// Lets the rest of the transaction join and group by hashing alone, or as the planner likes. It takes the changes of a batch
/// for a hundred groups where they are ten thousand, and then compares each with every count of the site: 16 s instead of
/// 0.4 s for a thousand cases. Without loops it would sort a hundred thousand names by the rules of their languages, on disk:
/// 0.4 s instead of 0.25 s for two thousand. The cost that it gives to what is forbidden would set off the compiler for a
/// second more.
async fn hashing(tx: &mut Tx, alone: bool) -> Result<(), Fault> {
    let others = if alone { "off" } else { "on" };
    sqlx::query!(
        r#"-- assignment::store::reports::fold::hashing
        SELECT set_config('enable_nestloop', $1, true) AS nested, set_config('enable_mergejoin', $1, true) AS merged,
               set_config('enable_sort', $1, true) AS sorted, set_config('jit', $1, true) AS compiled"#,
        others,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}
