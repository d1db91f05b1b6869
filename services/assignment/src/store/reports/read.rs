//! What is read of the counts. Row security narrows every read to the caller's sites, by the index's first column.

use redress_model::Fault;
use redress_model::name::{OrganizationId, RegionName, SiteId};
use redress_store::{StoreResultExt as _, Tx};

use super::super::parse;
use crate::domain::monthly::Booked;
use crate::domain::report::{Month, Pair};

/// Whose counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parent {
    /// Everything that the caller sees.
    Any,
    /// One site.
    Site(SiteId),
    /// The sites of an organization.
    Organization(OrganizationId),
    /// The sites of a region.
    Region(RegionName),
}

/// The sites of a parent among those that the caller sees; none: all of them.
///
/// # Errors
/// NOT_FOUND for a site that the caller does not see, and for an organization or region without sites.
pub async fn sites(tx: &mut Tx, parent: &Parent) -> Result<Option<Vec<String>>, Fault> {
    let (organization, region) = match parent {
        Parent::Any => return Ok(None),
        Parent::Site(site) => {
            super::super::sites::require(tx, site).await?;
            return Ok(Some(vec![site.to_string()]));
        }
        Parent::Organization(organization) => (organization.as_str(), None),
        Parent::Region(name) => (name.organization.as_str(), Some(name.region.as_str())),
    };
    let sites = sqlx::query_scalar!(
        "-- assignment::store::reports::read::sites
        SELECT site FROM scope_site WHERE organization = $1 AND ($2::text IS NULL OR region = $2)",
        organization,
        region,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    if sites.is_empty() {
        return Err(match parent {
            Parent::Region(name) => Fault::not_found("Region", name),
            _ => Fault::not_found("Organization", format!("organizations/{organization}")),
        });
    }
    Ok(Some(sites))
}

/// A question to one pair.
#[derive(Debug, Clone)]
pub struct Question {
    /// The pair.
    pub pair: Pair,
    /// Only these sites; none: all in scope.
    pub sites: Option<Vec<String>>,
    /// First month.
    pub from: Month,
    /// Last month.
    pub to: Month,
    /// History too.
    pub historical: bool,
    /// Break down by site, month, first and second value.
    pub by: [bool; 4],
    /// Only these first values; none: any.
    pub only_a: Option<Vec<String>>,
    /// Only these second values; none: any.
    pub only_b: Option<Vec<String>>,
    /// At most so many groups.
    pub limit: i64,
}

/// One group; what it is not broken down by is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The site.
    pub site: String,
    /// The month.
    pub month: Option<Month>,
    /// First value.
    pub a: String,
    /// Second value.
    pub b: String,
    /// Cases.
    pub cases: i64,
    /// Of them resolved.
    pub resolved: i64,
    /// Promises kept.
    pub on_time: i64,
    /// Promises broken.
    pub late: i64,
    /// Surveys answered.
    pub surveys: i64,
    /// Sum of their scores.
    pub score: i64,
}

/// Sums the counts of one pair, by month first and then most cases first.
///
/// Cost: one index range a site in scope, as many rows as the pair has groups in these months.
///
/// # Errors
/// When Postgres is away.
pub async fn groups(tx: &mut Tx, question: &Question) -> Result<Vec<Group>, Fault> {
    let rows = sqlx::query!(
        r#"-- assignment::store::reports::read::groups
        SELECT CASE WHEN $1 THEN site ELSE '' END AS "site!", CASE WHEN $2 THEN month END AS month,
               CASE WHEN $3 THEN a ELSE '' END AS "a!", CASE WHEN $4 THEN b ELSE '' END AS "b!",
               sum(cases)::bigint AS "cases!", sum(resolved)::bigint AS "resolved!", sum(on_time)::bigint AS "on_time!",
               sum(late)::bigint AS "late!", sum(surveys)::bigint AS "surveys!", sum(score)::bigint AS "score!"
        FROM tally
        WHERE pair = $5 AND month BETWEEN $6 AND $7 AND (NOT historical OR $8)
          AND ($9::text[] IS NULL OR site = ANY ($9))
          AND ($10::text[] IS NULL OR a = ANY ($10)) AND ($11::text[] IS NULL OR b = ANY ($11))
        GROUP BY 1, 2, 3, 4
        HAVING sum(cases) > 0 OR sum(on_time) > 0 OR sum(late) > 0
        ORDER BY 2, sum(cases) DESC, 1, 3, 4
        LIMIT $12"#,
        question.by[0],
        question.by[1],
        question.by[2],
        question.by[3],
        question.pair.0,
        question.from.0,
        question.to.0,
        question.historical,
        question.sites.as_deref(),
        question.only_a.as_deref(),
        question.only_b.as_deref(),
        question.limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    Ok(rows
        .into_iter()
        .map(|row| Group {
            site: row.site,
            month: row.month.map(Month),
            a: row.a,
            b: row.b,
            cases: row.cases,
            resolved: row.resolved,
            on_time: row.on_time,
            late: row.late,
            surveys: row.surveys,
            score: row.score,
        })
        .collect())
}

/// What was booked in the ledger in a month of each site's own, and neither fell nor is under appeal or only proposed. People's parts of one
/// penalty are entries of their own.
///
/// # Errors
/// When Postgres is away.
pub async fn booked(
    tx: &mut Tx,
    sites: Option<&[String]>,
    month: Month,
) -> Result<Vec<Booked>, Fault> {
    let rows = sqlx::query!(
        r#"-- assignment::store::reports::read::booked
        SELECT e.kind, e.cause, count(*) AS "entries!", sum(e.amount_fen)::bigint AS "amount!",
               coalesce(sum(e.amount_fen) FILTER (WHERE e.state = 'SETTLED'), 0)::bigint AS "settled!"
        FROM ledger_entry e JOIN place p ON p.site = e.site
        CROSS JOIN LATERAL (SELECT e.create_time AT TIME ZONE p.time_zone) AS l (local)
        WHERE ($1::text[] IS NULL OR e.site = ANY ($1)) AND e.state NOT IN ('WAIVED', 'APPEALED', 'PROPOSED')
          -- A month is at most a day away from that of UTC; the index narrows by it.
          AND e.create_time BETWEEN make_timestamptz($2 / 12, $2 % 12 + 1, 1, 0, 0, 0, 'UTC') - interval '1 day'
                                AND make_timestamptz($2 / 12, $2 % 12 + 1, 1, 0, 0, 0, 'UTC') + interval '33 days'
          AND extract(year FROM l.local) * 12 + extract(month FROM l.local) - 1 = $2
        GROUP BY e.kind, e.cause ORDER BY sum(e.amount_fen) DESC, e.kind, e.cause"#,
        sites,
        month.0,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| {
            Ok(Booked {
                kind: parse("ledger_entry.kind", &row.kind)?,
                cause: parse("ledger_entry.cause", &row.cause)?,
                entries: row.entries,
                amount_fen: row.amount,
                settled_fen: row.settled,
            })
        })
        .collect()
}

/// How many cases in scope changed since they were counted.
///
/// # Errors
/// When Postgres is away.
pub async fn pending(tx: &mut Tx, sites: Option<&[String]>) -> Result<i64, Fault> {
    sqlx::query_scalar!(
        r#"-- assignment::store::reports::read::pending
        SELECT count(*) AS "count!" FROM case_fact WHERE dirty AND ($1::text[] IS NULL OR site = ANY ($1))"#,
        sites,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}
