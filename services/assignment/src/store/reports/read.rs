//! What is read of the counts. Row security narrows every read to the caller's sites, by the index's first column, and sums of
//! regions to those that the caller sees whole.

use redress_model::Fault;
use redress_model::name::{OrganizationId, RegionName, SiteId};
use redress_store::{StoreResultExt as _, Tx};

use super::super::parse;
use crate::domain::monthly::Booked;
use crate::domain::report::{Month, Pair, Span};

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

/// Whose counts are summed: the sites of a parent among those that the caller sees.
#[derive(Debug, Clone, Default)]
pub struct Sites {
    /// Only these; none: all that the caller sees.
    pub only: Option<Vec<String>>,
    /// The regions that together have the same sites; none where they have others too, or where the caller does not see the
    /// whole of them.
    pub regions: Option<Regions>,
}

/// Regions that the caller sees whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regions {
    /// Only those of this organization.
    pub organization: Option<String>,
    /// Only this one.
    pub region: Option<String>,
}

/// Lets each statement of a read be planned for what it asks, and group in memory what a year has. A plan for any question takes
/// no index that it could only use for some. Without an index, row security reads the list of the caller's sites anew for each
/// row. Groups on disk take longer than their counts.
///
/// # Errors
/// When Postgres is away.
pub async fn prepare(tx: &mut Tx) -> Result<(), Fault> {
    sqlx::query!(
        r#"-- assignment::store::reports::read::prepare
        SELECT set_config('plan_cache_mode', 'force_custom_plan', true) AS planned,
               set_config('enable_seqscan', 'off', true) AS scanned, set_config('work_mem', '64MB', true) AS room,
               set_config('jit', 'off', true) AS compiled"#
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// The sites of a parent.
///
/// # Errors
/// NOT_FOUND for a site that the caller does not see, and for an organization or region without sites.
pub async fn sites(tx: &mut Tx, parent: &Parent) -> Result<Sites, Fault> {
    let (organization, region) = match parent {
        Parent::Any => (None, None),
        Parent::Site(site) => {
            super::super::sites::require(tx, site).await?;
            return Ok(Sites {
                only: Some(vec![site.to_string()]),
                regions: None,
            });
        }
        Parent::Organization(organization) => (Some(organization.as_str()), None),
        Parent::Region(name) => (Some(name.organization.as_str()), Some(name.region.as_str())),
    };
    let seen = sqlx::query!(
        r#"-- assignment::store::reports::read::sites
        SELECT site, ($1::text IS NULL OR organization = $1) AND ($2::text IS NULL OR region = $2) AS "asked!",
               coalesce(region_in_scope(organization, region), false) AS "whole!"
        FROM scope_site"#,
        organization,
        region,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let is_all = seen.iter().all(|site| site.asked);
    let asked: Vec<_> = seen.into_iter().filter(|site| site.asked).collect();
    if asked.is_empty() {
        return match parent {
            Parent::Region(name) => Err(Fault::not_found("Region", name)),
            Parent::Organization(organization) => Err(Fault::not_found(
                "Organization",
                format!("organizations/{organization}"),
            )),
            Parent::Any | Parent::Site(_) => Ok(Sites::default()),
        };
    }
    let is_whole = asked.iter().all(|site| site.whole);
    Ok(Sites {
        // Row security narrows to what the caller sees: where that is asked for, a list of sites would only be compared again.
        only: (!is_all).then(|| asked.into_iter().map(|site| site.site).collect()),
        regions: is_whole.then(|| Regions {
            organization: organization.map(str::to_owned),
            region: region.map(str::to_owned),
        }),
    })
}

/// A question to one pair.
#[derive(Debug, Clone)]
pub struct Question {
    /// The pair.
    pub pair: Pair,
    /// Whose counts.
    pub sites: Sites,
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

/// Which sums answer a question.
#[derive(Debug, PartialEq, Eq)]
enum Sums<'a> {
    /// Those of these regions by month, where nothing is asked of single sites: as many times fewer as a region has sites.
    Regions(&'a Regions),
    /// Those of sites by these spans.
    Sites(Vec<Span>),
}

impl Question {
    /// The fewest sums that have all that is asked.
    fn sums(&self) -> Sums<'_> {
        let [by_site, by_month, ..] = self.by;
        match &self.sites.regions {
            Some(regions) if !by_site => Sums::Regions(regions),
            _ if by_month => Sums::Sites(
                (self.from.0..=self.to.0)
                    .map(|month| Span::of(Month(month)))
                    .collect(),
            ),
            _ => Sums::Sites(Span::covering(self.from, self.to)),
        }
    }
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
/// Cost: as many rows as the pair has groups in the months of each region; else in each span of each site, whose rows lie
/// together.
///
/// # Errors
/// When Postgres is away.
pub async fn groups(tx: &mut Tx, question: &Question) -> Result<Vec<Group>, Fault> {
    let sums = question.sums();
    let (regions, spans) = match &sums {
        Sums::Regions(regions) => (Some(*regions), Vec::new()),
        Sums::Sites(spans) => (None, spans.iter().map(|span| span.0).collect::<Vec<i32>>()),
    };
    // Of the two halves one is none, which the plan of these parameters leaves out.
    let rows = sqlx::query!(
        r#"-- assignment::store::reports::read::groups
        SELECT CASE WHEN $1 THEN site ELSE '' END AS "site!", CASE WHEN $2 THEN month END AS month,
               CASE WHEN $3 THEN a ELSE '' END AS "a!", CASE WHEN $4 THEN b ELSE '' END AS "b!",
               sum(cases::integer) AS "cases!", sum(resolved::integer) AS "resolved!", sum(on_time::integer) AS "on_time!",
               sum(late::integer) AS "late!", sum(surveys::integer) AS "surveys!", sum(score::integer) AS "score!"
        FROM (
          SELECT site, span / 16 AS month, historical, a, b, cases, resolved, on_time, late, surveys, score
          FROM site_tally
          WHERE NOT $5 AND pair = $6 AND span = ANY ($7::integer[]) AND ($8::text[] IS NULL OR site = ANY ($8))
          UNION ALL
          SELECT '', month, historical, a, b, cases, resolved, on_time, late, surveys, score
          FROM region_tally
          WHERE $5 AND pair = $6 AND month BETWEEN $9 AND $10
            AND ($11::text IS NULL OR organization = $11) AND ($12::text IS NULL OR region = $12)) AS c
        WHERE (NOT historical OR $13)
          AND ($14::text[] IS NULL OR a = ANY ($14)) AND ($15::text[] IS NULL OR b = ANY ($15))
        GROUP BY 1, 2, 3, 4
        HAVING sum(cases::integer) > 0 OR sum(on_time::integer) > 0 OR sum(late::integer) > 0
        ORDER BY 2, sum(cases::integer) DESC, 1, 3, 4
        LIMIT $16"#,
        question.by[0],
        question.by[1],
        question.by[2],
        question.by[3],
        regions.is_some(),
        question.pair.0,
        &spans,
        question.sites.only.as_deref(),
        question.from.0,
        question.to.0,
        regions.and_then(|r| r.organization.as_deref()),
        regions.and_then(|r| r.region.as_deref()),
        question.historical,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m06_what_is_asked_of_no_single_site_is_read_of_regions_and_a_year_of_sites_in_six_spans() {
        let regions = Regions {
            organization: Some("demo".to_owned()),
            region: None,
        };
        let above = Question {
            pair: Pair(17),
            sites: Sites {
                only: None,
                regions: Some(regions.clone()),
            },
            from: Month(24_301),
            to: Month(24_312),
            historical: false,
            by: [false, true, true, true],
            only_a: None,
            only_b: None,
            limit: 1,
        };
        assert_eq!(above.sums(), Sums::Regions(&regions));
        let by_site = Question {
            by: [true, false, true, true],
            ..above.clone()
        };
        let spans = Span::covering(by_site.from, by_site.to);
        assert_eq!((spans.len(), by_site.sums()), (6, Sums::Sites(spans)));
        let some_sites = Question {
            sites: Sites::default(),
            ..above
        };
        let months = (24_301..=24_312).map(|month| Span::of(Month(month)));
        assert_eq!(some_sites.sums(), Sums::Sites(months.collect()));
    }
}
