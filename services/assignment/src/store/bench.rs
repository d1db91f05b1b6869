//! Who could take a case now, read under the site's lock.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{SiteId, StaffId};
use redress_store::{StoreResultExt as _, Tx};

use super::{demands, parse, parse_opt, plan, policy};
use crate::domain::bench::{ABOVE, Bench, Department, Person};
use crate::domain::demand::PositionKind;

/// First half of the advisory lock's key: `work` in ASCII.
const LOCK_CLASS: i32 = 0x776f_726b;

/// Fairness looks at the offers of so many days.
const FAIR_DAYS: i64 = 7;

/// Lets one transaction at a time change who holds what at a site. Held until it ends.
///
/// # Errors
/// When Postgres is away.
pub async fn lock(tx: &mut Tx, site: &SiteId) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::bench::lock
        SELECT pg_advisory_xact_lock($1, hashtext($2)) IS NULL AS taken",
        LOCK_CLASS,
        site.as_str(),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Everybody of the site with what they have on their hands, the duties that cover the instant, and the departments.
///
/// Cost: index ranges of the site, as many rows as it has people, and the expansion of a few days of its rules.
///
/// # Errors
/// When Postgres is away.
pub async fn load(tx: &mut Tx, site: &SiteId, at: Timestamp) -> Result<Bench, Fault> {
    let mut bench = Bench::default();
    let lately = at
        .saturating_sub(SignedDuration::from_hours(24 * FAIR_DAYS))
        .unwrap_or(Timestamp::MIN);
    let people = sqlx::query!(
        r#"-- assignment::store::bench::load
        SELECT s.id, coalesce(b.department, s.department) AS department, s.skills, s.languages, s.max_open_cases, s.retired,
               coalesce(l.open_cases, 0) AS "open_cases!", l.offered_time AS "offered_time?",
               coalesce(r.offers, 0) AS "recent!"
        FROM staff s
        -- Once for all of them: each would read the offers of the whole site.
        LEFT JOIN (SELECT offered_to, count(*) AS offers FROM work_step
                   WHERE site = $1 AND kind = 'OFFERED' AND step_time > $3 GROUP BY offered_to) r ON r.offered_to = s.id
        LEFT JOIN staff_load l ON l.site = s.site AND l.staff = s.id
        LEFT JOIN LATERAL (SELECT department FROM loan
                           WHERE site = s.site AND staff = s.id AND start_time <= $2 AND end_time > $2
                           ORDER BY id DESC LIMIT 1) b ON true
        WHERE s.site = $1"#,
        site.as_str(),
        at.to_sqlx(),
        lately.to_sqlx(),
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    for row in people {
        let person = Person {
            department: parse_opt("staff.department", row.department.as_deref())?,
            skills: row.skills,
            languages: row.languages,
            max_open: row.max_open_cases.and_then(|n| u32::try_from(n).ok()),
            open: u32::try_from(row.open_cases).unwrap_or(0),
            recent: u32::try_from(row.recent).unwrap_or(u32::MAX),
            last_offered: row.offered_time.map(jiff_sqlx::Timestamp::to_jiff),
            retired: row.retired,
        };
        bench
            .people
            .insert(parse::<StaffId>("staff.id", &row.id)?, person);
    }
    (bench.demands, _) = demands::get(tx, site).await?;
    let roster = plan::roster(tx, site, at).await?;
    bench.away = roster.away(at);
    bench.stretches = roster.at(at);
    let policy = policy::of_site(tx, site).await?;
    bench.routing = policy.routing();
    let policy = policy.handling;
    let stand_ins = [
        (
            PositionKind::DepartmentManager,
            policy.positions.department_manager,
        ),
        (PositionKind::VicePresident, policy.positions.vice_president),
        (PositionKind::CompanyHead, policy.positions.company_head),
    ];
    let gone = bench.leave_out_away();
    for (kind, role) in stand_ins {
        bench.stand_in(kind, role, at);
    }
    bench.demands.region = bench.on_duty(ABOVE, at, &BTreeSet::new()).cloned();
    bench.let_back(gone);
    let departments = sqlx::query!(
        r#"-- assignment::store::bench::load
        SELECT d.id, array_remove(array_agg(c.category), NULL) AS "categories!"
        FROM department d LEFT JOIN department_category c ON c.site = d.site AND c.department = d.id
        WHERE d.site = $1 GROUP BY d.id"#,
        site.as_str(),
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    for row in departments {
        let categories: Result<BTreeSet<_>, Fault> = row
            .categories
            .iter()
            .map(|c| parse("department_category.category", c))
            .collect();
        bench.departments.push(Department {
            id: parse("department.id", &row.id)?,
            categories: categories?,
        });
    }
    let centre = policy.accountability.centre;
    let of_centre = |d: &&Department| d.id.as_str() == centre;
    bench.centre = bench
        .departments
        .iter()
        .find(of_centre)
        .map(|d| d.id.clone());
    Ok(bench)
}
