//! What is read of the counts. Row security narrows every read to the caller's sites, by the index's first column, and sums of
//! regions to those that the caller sees whole.

use redress_model::Fault;
use redress_model::name::{OrganizationId, RegionName, SiteId};
use redress_store::{StoreResultExt as _, Tx};

use super::super::parse;
use crate::domain::monthly::Booked;
use crate::domain::report::{Covering, Month, Pair, Span};

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
    Sites(Covering),
}

impl Sums<'_> {
    /// As a statement takes them: regions, all spans, and of these what is taken off.
    fn parts(&self) -> (Option<&Regions>, Vec<i32>, Vec<i32>) {
        let numbers = |spans: &[Span]| -> Vec<i32> { spans.iter().map(|span| span.0).collect() };
        match self {
            Self::Regions(regions) => (Some(regions), Vec::new(), Vec::new()),
            Self::Sites(Covering { more, less }) => {
                let all = [more.as_slice(), less.as_slice()].concat();
                (None, numbers(&all), numbers(less))
            }
        }
    }
}

impl Question {
    /// The fewest sums that have all that is asked.
    fn sums(&self) -> Sums<'_> {
        let [by_site, by_month, ..] = self.by;
        match &self.sites.regions {
            Some(regions) if !by_site => Sums::Regions(regions),
            _ if by_month => Sums::Sites(Covering {
                more: (self.from.0..=self.to.0)
                    .map(|month| Span::of(Month(month)))
                    .collect(),
                less: Vec::new(),
            }),
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
    let (regions, spans, less) = sums.parts();
    // Of the two halves one is none, which the plan of these parameters leaves out.
    let rows = sqlx::query!(
        r#"-- assignment::store::reports::read::groups
        SELECT CASE WHEN $1 THEN site ELSE '' END AS "site!", CASE WHEN $2 THEN month END AS month,
               CASE WHEN $3 THEN a ELSE '' END AS "a!", CASE WHEN $4 THEN b ELSE '' END AS "b!",
               sum(sign * cases::integer) AS "cases!", sum(sign * resolved::integer) AS "resolved!",
               sum(sign * on_time::integer) AS "on_time!", sum(sign * late::integer) AS "late!",
               sum(sign * surveys::integer) AS "surveys!", sum(sign * score::integer) AS "score!"
        FROM (
          SELECT site, span / 16 AS month, historical, a, b, cases, resolved, on_time, late, surveys, score,
                 CASE WHEN span = ANY ($17::integer[]) THEN -1 ELSE 1 END AS sign
          FROM site_tally
          WHERE NOT $5 AND pair = $6 AND span = ANY ($7::integer[]) AND ($8::text[] IS NULL OR site = ANY ($8))
          UNION ALL
          SELECT '', month, historical, a, b, cases, resolved, on_time, late, surveys, score, 1
          FROM region_tally
          WHERE $5 AND pair = $6 AND month BETWEEN $9 AND $10
            AND ($11::text IS NULL OR organization = $11) AND ($12::text IS NULL OR region = $12)) AS c
        WHERE (NOT historical OR $13)
          AND ($14::text[] IS NULL OR a = ANY ($14)) AND ($15::text[] IS NULL OR b = ANY ($15))
        GROUP BY 1, 2, 3, 4
        HAVING sum(sign * cases::integer) > 0 OR sum(sign * on_time::integer) > 0 OR sum(sign * late::integer) > 0
        ORDER BY 2, sum(sign * cases::integer) DESC, 1, 3, 4
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
        &less,
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

/// The second values of a group, counted apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    /// The site.
    pub site: String,
    /// The month.
    pub month: Option<Month>,
    /// First value.
    pub a: String,
    /// Each second value once, in no order.
    pub counts: Vec<Count>,
}

/// What was counted of a second value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// The value.
    pub b: String,
    /// Cases.
    pub cases: i64,
    /// Promises kept.
    pub on_time: i64,
    /// Promises broken.
    pub late: i64,
}

/// As [`groups`], of all second values of each first one, without a limit and in no order. `of` are the sites and first values
/// of which it is asked; none: of all. A row for each group takes a third of the time that a row for each second value takes.
///
/// # Errors
/// When Postgres is away.
pub async fn details(
    tx: &mut Tx,
    question: &Question,
    of: Option<(Vec<String>, Vec<String>)>,
) -> Result<Vec<Detail>, Fault> {
    let sums = question.sums();
    let (regions, spans, less) = sums.parts();
    let (sites, values) = of.unzip();
    let rows = sqlx::query!(
        r#"-- assignment::store::reports::read::details
        SELECT site AS "site!", month, a AS "a!", array_agg(b) AS "values!", array_agg(cases) AS "cases!",
               array_agg(on_time) AS "on_time!", array_agg(late) AS "late!"
        FROM (
          SELECT CASE WHEN $1 THEN site ELSE '' END AS site, CASE WHEN $2 THEN month END AS month,
                 CASE WHEN $3 THEN a ELSE '' END AS a, b,
                 sum(sign * cases::integer) AS cases, sum(sign * on_time::integer) AS on_time, sum(sign * late::integer) AS late
          FROM (
            SELECT site, span / 16 AS month, historical, a, b, cases, on_time, late,
                   CASE WHEN span = ANY ($16::integer[]) THEN -1 ELSE 1 END AS sign
            FROM site_tally
            WHERE NOT $4 AND pair = $5 AND span = ANY ($6::integer[]) AND ($7::text[] IS NULL OR site = ANY ($7))
            UNION ALL
            SELECT '', month, historical, a, b, cases, on_time, late, 1
            FROM region_tally
            WHERE $4 AND pair = $5 AND month BETWEEN $8 AND $9
              AND ($10::text IS NULL OR organization = $10) AND ($11::text IS NULL OR region = $11)) AS c
          WHERE (NOT historical OR $12) AND ($13::text[] IS NULL OR a = ANY ($13))
            AND ($14::text[] IS NULL OR (site, a) IN (SELECT * FROM unnest($14, $15::text[])))
          GROUP BY 1, 2, 3, 4) AS d
        GROUP BY 1, 2, 3"#,
        question.by[0],
        question.by[1],
        question.by[2],
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
        sites.as_deref(),
        values.as_deref(),
        &less,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let kept = row.on_time.into_iter().zip(row.late);
            let counts = row.values.into_iter().zip(row.cases).zip(kept);
            Detail {
                site: row.site,
                month: row.month.map(Month),
                a: row.a,
                counts: counts
                    .map(|((b, cases), (on_time, late))| Count {
                        b,
                        cases,
                        on_time,
                        late,
                    })
                    .collect(),
            }
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
    fn m06_what_is_asked_of_no_single_site_is_read_of_regions_and_a_year_of_sites_in_few_spans() {
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
        let covering = Span::covering(by_site.from, by_site.to);
        assert_eq!((covering.more.len(), covering.less.len()), (2, 1));
        assert_eq!(by_site.sums(), Sums::Sites(covering));
        let some_sites = Question {
            sites: Sites::default(),
            ..above
        };
        let months = (24_301..=24_312).map(|month| Span::of(Month(month)));
        let covering = Covering {
            more: months.collect(),
            less: Vec::new(),
        };
        assert_eq!(some_sites.sums(), Sums::Sites(covering));
    }
}
