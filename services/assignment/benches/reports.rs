//! How fast analysis answers over a year of a million cases, and how fast cases are counted. Prints a table and writes
//! target/bench/reports.json.
//!
//! The facts of the cases are written straight into the tables; the counts are made from them by the job that makes them in
//! the service, and the questions are asked of the RPCs, as a caller of the whole organization, under row security.
//! `REPORTS_CASES` and `REPORTS_SITES` make it smaller or larger.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::print_stdout
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use redress_assignment::AssignmentService;
use redress_assignment::jobs::count_cases::count_changed;
use redress_assignment::rpc::{ReportRpc, Shared};
use redress_proto::assignment::v1::report_service_server::ReportService;
use redress_proto::assignment::v1::{
    GetMonthlyReportRequest, ListRecurringCausesRequest, QueryReportRequest, ReportDimension as By,
    ReportFilter,
};
use redress_rpc::roles::Roles;
use redress_rpc::{Caller, Fingerprints};
use redress_runtime::Service as _;
use redress_store::Keyring;
use redress_testkit::{ManualClock, PostgresOptions, TestDatabase};
use redress_vault::{Vault, generate_key_file};
use secrecy::ExposeSecret;
use serde_json::json;
use tonic::Request;

/// What p99 may be.
const REQUIRED: Duration = Duration::from_millis(200);

/// How many cases a second have to be counted.
const COUNTED_A_SECOND: f64 = 500.0;

/// How often each question is asked; there are some 130.
const ROUNDS: usize = 100;

fn number(variable: &str, or: i64) -> i64 {
    std::env::var(variable)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(or)
}

#[tokio::main]
async fn main() {
    let (cases, sites) = (
        number("REPORTS_CASES", 1_000_000),
        number("REPORTS_SITES", 100),
    );
    // Half of production's cache.
    redress_testkit::postgres_with(PostgresOptions {
        shared_buffers: "512MB".to_owned(),
        ..PostgresOptions::for_tests()
    })
    .await;
    let database = redress_testkit::database("assignment", &AssignmentService::migrators()).await;
    let begun = Instant::now();
    fill(&database, cases, sites).await;
    println!(
        "{cases} cases at {sites} sites written in {:.0?}",
        begun.elapsed()
    );

    let begun = Instant::now();
    let counted = count_changed(&database.db).await.unwrap();
    let counting = begun.elapsed();
    assert_eq!(counted, u64::try_from(cases).unwrap());
    let a_second = counted as f64 / counting.as_secs_f64();
    println!("counted in {counting:.0?}: {a_second:.0} cases a second");
    sqlx::query("VACUUM ANALYZE assignment.tally, assignment.site_tally, assignment.region_tally, assignment.case_fact")
        .execute(&database.admin)
        .await
        .unwrap();
    let groups: i64 = sqlx::query_scalar("SELECT count(*) FROM assignment.tally")
        .fetch_one(&database.admin)
        .await
        .unwrap();
    let summed: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM assignment.site_tally) + (SELECT count(*) FROM assignment.region_tally)",
    )
    .fetch_one(&database.admin)
    .await
    .unwrap();
    println!("{groups} groups, {summed} sums of them");
    let again = count_again(&database).await;
    println!("changed cases counted again: {again:.0} a second\n");
    let rpc = rpc(&database);
    let mut figures = BTreeMap::new();
    let mut worst = Duration::ZERO;
    println!(
        "{:<56} {:>9} {:>9} {:>6}",
        "question", "p50 ms", "p99 ms", "rows"
    );
    for (name, question) in questions(sites) {
        let mut times = Histogram::<u64>::new_with_bounds(1, 60_000_000, 3).unwrap();
        let mut rows = 0;
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            rows = question.ask(&rpc).await;
            times.saturating_record(u64::try_from(begun.elapsed().as_micros()).unwrap());
        }
        let of = |quantile| Duration::from_micros(times.value_at_quantile(quantile));
        let (half, most) = (of(0.5), of(0.99));
        worst = worst.max(most);
        let ms = |d: Duration| d.as_secs_f64() * 1000.0;
        println!("{name:<56} {:>9.1} {:>9.1} {rows:>6}", ms(half), ms(most));
        figures.insert(
            name,
            json!({"p50_ms": ms(half), "p99_ms": ms(most), "rows": rows}),
        );
    }
    let figures = json!({
        "cases": cases, "sites": sites, "groups": groups, "sums": summed,
        "counted_a_second": a_second, "counted_again_a_second": again,
        "questions": figures,
    });
    let path =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/bench/reports.json");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, serde_json::to_string_pretty(&figures).unwrap()).unwrap();
    println!("\nworst p99 {:.1?}, required {REQUIRED:.1?}", worst);
    assert!(
        a_second.min(again) >= COUNTED_A_SECOND,
        "counting falls behind"
    );
    assert!(worst <= REQUIRED, "too slow");
}

/// A year of cases with three promises each, spread over sites, months, categories, channels, grades and causes as
/// complaints are: few of most kinds.
async fn fill(database: &TestDatabase, cases: i64, sites: i64) {
    let names = "SELECT 'site-' || n AS site FROM generate_series(1, $1::bigint) n";
    for sql in [
        format!(
            "INSERT INTO assignment.scope_site (site, organization, region)
                 SELECT site, 'demo', 'north' FROM ({names}) s"
        ),
        format!(
            "INSERT INTO assignment.site (site, language, revision) SELECT site, 'zh-CN', 1 FROM ({names}) s"
        ),
        format!(
            "INSERT INTO assignment.place (site, kind, time_zone, revision)
                 SELECT site, 'RESIDENTIAL', 'Asia/Shanghai', 1 FROM ({names}) s"
        ),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(sites)
            .execute(&database.admin)
            .await
            .unwrap();
    }
    for sql in [
        "INSERT INTO assignment.case_fact (site, case_id, facts_revision, received_time, channel, historical, merged,
           decision_revision, category, grade, department, resolve_time, root_cause, source, answer_time, survey_score,
           rerouted, regraded, dirty)
         SELECT 'site-' || 1 + n % $2, gen_random_uuid(), 1, t,
           (ARRAY['HOTLINE','APP','WECHAT','FRONT_DESK','WEB','EMAIL','VISIT','REGULATOR','DESK_ONSITE','LETTER','STORE',
                  'MEDIA_MONITOR'])[1 + floor(12 * power(random(), 2))::int],
           false, false, 1, category, 4 - floor(4 * power(random(), 3))::int, lower(category),
           CASE WHEN random() < 0.9 THEN t + random() * interval '40 days' END,
           CASE WHEN random() < 0.6 THEN 'cause ' || floor(30 * power(random(), 2))::int ELSE '' END,
           CASE WHEN random() < 0.3 THEN 'OBJECTIVE_DEFECT' ELSE '' END,
           CASE WHEN random() < 0.95 THEN t + random() * interval '3 days' END,
           CASE WHEN random() < 0.2 THEN 1 + floor(5 * random())::int END, random() < 0.1, random() < 0.1, true
         FROM (
           SELECT n, timestamptz '2026-01-01 00:00+08' + random() * interval '365 days' AS t,
             (ARRAY['REPAIR_SERVICE','ENGINEERING_QUALITY','PROPERTY_MANAGEMENT','SALES_MANAGEMENT','SERVICE_CONDUCT',
                    'EXTERNAL_ENVIRONMENT','PLANNING_DESIGN','COMMERCIAL_LEASING'])[1 + floor(8 * power(random(), 2))::int]
               AS category
           FROM generate_series(1, $1::bigint) n) s",
        "INSERT INTO assignment.clock_fact (site, case_id, clock, kind, generation, met, late)
         SELECT site, case_id, gen_random_uuid(), kind, 1, random() < 0.9, random() < 0.15
         FROM assignment.case_fact
         CROSS JOIN unnest(ARRAY['ACKNOWLEDGE', 'ANSWER', 'RESOLVE']) AS kind
         WHERE $1::bigint > 0 AND $2::bigint > 0",
    ] {
        sqlx::query(sql).bind(cases).bind(sites).execute(&database.admin).await.unwrap();
    }
    sqlx::query("ANALYZE assignment.case_fact, assignment.clock_fact")
        .execute(&database.admin)
        .await
        .unwrap();
}

/// Changes every twentieth case, as a day's events do, and counts them. Returns how many a second.
async fn count_again(database: &TestDatabase) -> f64 {
    let changed = sqlx::query(
        "UPDATE assignment.case_fact SET resolve_time = received_time + interval '9 days', cause = 'cause 3', dirty = true
         WHERE get_byte(uuid_send(case_id), 15) < 13",
    )
    .execute(&database.admin)
    .await
    .unwrap()
    .rows_affected();
    let begun = Instant::now();
    assert_eq!(count_changed(&database.db).await.unwrap(), changed);
    changed as f64 / begun.elapsed().as_secs_f64()
}

fn rpc(database: &TestDatabase) -> ReportRpc {
    let vault = Vault::parse(generate_key_file("k1").expose_secret()).unwrap();
    ReportRpc(Shared {
        db: database.db.clone(),
        clock: ManualClock::new("2026-12-31T12:00:00Z".parse().unwrap()),
        keyring: Arc::new(Keyring::new(Arc::new(vault), "id")),
        fingerprints: Fingerprints::new(b"bench"),
    })
}

/// Who asks: an analyst of the organization, or of each site by name, who sees no region whole.
#[derive(Clone, Copy)]
enum Asker {
    Organization,
    /// Of so many sites.
    Sites(i64),
}

fn by<T>(asker: Asker, message: T) -> Request<T> {
    let (organizations, sites) = match asker {
        Asker::Organization => (vec!["demo".parse().unwrap()], Vec::new()),
        Asker::Sites(sites) => (
            Vec::new(),
            (1..=sites)
                .map(|n| format!("site-{n}").parse().unwrap())
                .collect(),
        ),
    };
    let roles = Roles::new(BTreeMap::from([(
        "analyst".to_owned(),
        vec!["*".to_owned()],
    )]));
    let mut request = Request::new(message);
    request.extensions_mut().insert(Arc::new(Caller {
        subject: "analyst".to_owned(),
        issuer: "bench".to_owned(),
        organizations,
        regions: Vec::new(),
        sites,
        roles: vec!["analyst".to_owned()],
        permissions: roles.permissions(["analyst"]),
        staff: None,
        service: None,
        purpose: None,
        expires: jiff::Timestamp::MAX,
    }));
    request
}

enum Question {
    Report(Asker, QueryReportRequest),
    Causes,
    Monthly,
}

impl Question {
    async fn ask(&self, rpc: &ReportRpc) -> usize {
        let parent = "organizations/demo".to_owned();
        match self {
            Self::Report(asker, query) => {
                let request = by(*asker, query.clone());
                let answer = rpc.query_report(request).await.unwrap();
                answer.into_inner().rows.len()
            }
            Self::Causes => {
                let list = ListRecurringCausesRequest {
                    parent,
                    ..Default::default()
                };
                let answer = rpc
                    .list_recurring_causes(by(Asker::Organization, list))
                    .await
                    .unwrap();
                answer.into_inner().causes.len()
            }
            Self::Monthly => {
                let get = GetMonthlyReportRequest {
                    parent,
                    month: "2026-11".to_owned(),
                    language: "en".to_owned(),
                };
                let answer = rpc
                    .get_monthly_report(by(Asker::Organization, get))
                    .await
                    .unwrap();
                answer.into_inner().report.unwrap().sections.len()
            }
        }
    }
}

/// Every combination of dimensions that the API takes, of the year that ends this month, then questions of other kinds: with
/// filters, of a year that is no calendar year, of one site, of somebody who sees no region whole.
fn questions(sites: i64) -> Vec<(String, Question)> {
    let all = "organizations/demo";
    let of = |parent: &str, dimensions: &[By], in_detail| QueryReportRequest {
        parent: parent.to_owned(),
        dimensions: dimensions.iter().map(|d| i32::from(*d)).collect(),
        in_detail,
        ..Default::default()
    };
    // Of twelve months six quarters and months, where a calendar year is one.
    let astride = |query: QueryReportRequest| QueryReportRequest {
        from_month: "2026-02".to_owned(),
        to_month: "2027-01".to_owned(),
        ..query
    };
    let only = |dimension: By, value: &str, query: QueryReportRequest| QueryReportRequest {
        filters: vec![ReportFilter {
            dimension: dimension.into(),
            values: vec![value.to_owned()],
        }],
        ..query
    };
    let whole = Asker::Organization;
    let mut questions = Vec::new();
    let mut ask =
        |name: String, asker, query| questions.push((name, Question::Report(asker, query)));
    let places: [&[By]; 4] = [&[], &[By::Month], &[By::Site], &[By::Site, By::Month]];
    for by in kinds() {
        for place in places {
            let dimensions = [place, by.as_slice()].concat();
            let name = named(&dimensions);
            if by.len() < 2 {
                let query = of(all, &dimensions, true);
                ask(format!("{name}, in detail"), whole, query);
            }
            ask(name, whole, of(all, &dimensions, false));
        }
    }
    let heavy: [&[By]; 4] = [
        &[By::Cause, By::Channel],
        &[By::Site, By::Cause, By::Channel],
        &[By::Site, By::Category, By::Channel],
        &[By::Month, By::Cause, By::Channel],
    ];
    for dimensions in heavy {
        let (name, query) = (named(dimensions), of(all, dimensions, false));
        let anyones = QueryReportRequest {
            parent: "sites/-".to_owned(),
            ..query.clone()
        };
        ask(format!("{name}, astride"), whole, astride(query));
        let asker = Asker::Sites(sites);
        ask(format!("{name}, sites by name"), asker, anyones.clone());
        ask(
            format!("{name}, sites by name, astride"),
            asker,
            astride(anyones),
        );
    }
    let by_cause = of(all, &[By::Site, By::Cause], true);
    ask(
        "SITE CAUSE, in detail, astride".to_owned(),
        whole,
        astride(by_cause),
    );
    for (dimension, value) in [
        (By::Grade, "1"),
        (By::Category, "REPAIR_SERVICE"),
        (By::Channel, "HOTLINE"),
        (By::Department, "repair_service"),
        (By::Source, "OBJECTIVE_DEFECT"),
    ] {
        let query = of(all, &[By::Site, By::Cause], false);
        let name = format!("{dimension:?} {value}: SITE CAUSE");
        ask(name, whole, only(dimension, value, query));
        let query = of(all, &[By::Month], true);
        let name = format!("{dimension:?} {value}: MONTH, in detail");
        ask(name, whole, only(dimension, value, query));
    }
    let grave = only(By::Grade, "1", of(all, &[By::Site, By::Category], false));
    ask("Grade 1: SITE CATEGORY".to_owned(), whole, grave);
    let site = "sites/site-7";
    let of_site = of(site, &[By::Month, By::Cause], true);
    ask(
        "one site: MONTH CAUSE, in detail".to_owned(),
        whole,
        of_site,
    );
    let of_site = of(site, &[By::Month, By::Cause, By::Channel], false);
    ask("one site: MONTH CAUSE CHANNEL".to_owned(), whole, of_site);
    questions.push((
        "recurring causes of six months".to_owned(),
        Question::Causes,
    ));
    questions.push(("the monthly report".to_owned(), Question::Monthly));
    questions
}

/// None, one or two of the dimensions that are neither site nor month.
fn kinds() -> Vec<Vec<By>> {
    let dimensions = [
        By::Category,
        By::Cause,
        By::Source,
        By::Grade,
        By::Channel,
        By::Department,
    ];
    let mut kinds = vec![Vec::new()];
    for (n, first) in dimensions.iter().enumerate() {
        kinds.push(vec![*first]);
        kinds.extend(
            dimensions[n + 1..]
                .iter()
                .map(|second| vec![*first, *second]),
        );
    }
    kinds
}

fn named(dimensions: &[By]) -> String {
    if dimensions.is_empty() {
        return "everything".to_owned();
    }
    let names: Vec<&str> = dimensions
        .iter()
        .map(|d| d.as_str_name().trim_start_matches("REPORT_DIMENSION_"))
        .collect();
    names.join(" ")
}
