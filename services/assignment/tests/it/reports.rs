//! What analysis counts, and that the counts follow the events whatever comes again or late.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use redress_assignment::jobs::count_cases::count_changed;
use redress_events::Event;
use redress_model::name::CaseName;
use redress_model::words::{CaseMode, CaseStatus, Category, Channel, ClockKind, ClockState};
use redress_proto::assignment::v1 as wire;
use redress_proto::assignment::v1::report_service_server::ReportService;
use redress_proto::assignment::v1::{CauseTrend, ReportDimension as By};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::event::v1 as event;
use redress_rpc::Caller;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::world::{NowPlus as _, World, by, site};

/// A promise of a case as triage tells it.
struct Told {
    clock: Uuid,
    kind: ClockKind,
    state: ClockState,
    generation: i64,
    /// Hours after now.
    due: i64,
    at: i64,
}

impl World {
    fn promise(&self, case: &CaseName, told: &Told) -> Event {
        let hours = |h| {
            Some(to_timestamp(
                self.clock.now_plus(SignedDuration::from_hours(h)),
            ))
        };
        let payload = event::ClockChanged {
            clock: format!("sites/{}/clocks/{}", case.site, told.clock),
            case: case.to_string(),
            kind: to_wire(told.kind),
            state: to_wire(told.state),
            start_time: hours(0),
            due_time: hours(told.due),
            transition_time: hours(told.at),
            generation: told.generation,
            ..Default::default()
        };
        self.event(
            "triage",
            "redress.clock.changed.v1",
            &case.to_string(),
            &payload,
        )
    }

    async fn count_up(&self) -> u64 {
        count_changed(&self.database.db).await.expect("counted")
    }

    async fn report(
        &self,
        caller: Caller,
        request: wire::QueryReportRequest,
    ) -> Result<wire::QueryReportResponse, Status> {
        let answer = self.reports.query_report(by(caller, request)).await?;
        Ok(answer.into_inner())
    }

    /// Each group's values with its cases.
    async fn cases_by(&self, dimensions: &[By]) -> Vec<(Vec<String>, i64)> {
        let request = ask("sites/lakeside", dimensions);
        let answer = self
            .report(self.manager(), request)
            .await
            .expect("answered");
        assert_eq!(answer.pending, 0);
        answer
            .rows
            .into_iter()
            .map(|row| (row.values, row.measures.expect("measured").cases))
            .collect()
    }

    /// A case received at this instant, with its first decision.
    async fn accepted(&self, received: &str) -> CaseName {
        let case = self.new_case();
        let mut facts = self.facts(&case);
        let received: Timestamp = received.parse().expect("an instant");
        facts.received_time = Some(to_timestamp(received));
        let graded = self.graded(&case, 1, 1, Some(Category::EngineeringQuality));
        self.tell(&[self.received(facts), graded]).await;
        case
    }

    /// The second decision on a case of [`accepted`](Self::accepted).
    fn decided_again(&self, case: &CaseName, cause: &str, category: Category, grade: i32) -> Event {
        let payload = event::CaseGraded {
            case: case.to_string(),
            grade,
            previous_grade: 3,
            category: to_wire(category),
            revision: 2,
            epoch: 1,
            cause: cause.to_owned(),
            mode: to_wire(CaseMode::Live),
            ..Default::default()
        };
        self.event(
            "triage",
            "redress.case.graded.v1",
            &case.to_string(),
            &payload,
        )
    }

    async fn monthly(&self) -> wire::GetMonthlyReportResponse {
        self.count_up().await;
        let request = wire::GetMonthlyReportRequest {
            parent: "sites/lakeside".to_owned(),
            month: "2026-05".to_owned(),
            language: "en".to_owned(),
        };
        self.reports
            .get_monthly_report(by(self.manager(), request))
            .await
            .expect("answered")
            .into_inner()
    }

    /// The desk's counts of the month and of the month before.
    async fn desk(&self) -> [wire::DeskMeasures; 2] {
        let report = self.monthly().await.report.expect("as data");
        let desk = report.desk.expect("the desk");
        [desk.current, desk.previous].map(|of| of.expect("measured"))
    }

    /// Everything in the counts, for comparison.
    async fn tally(&self) -> Vec<String> {
        sqlx::query_scalar(
            "SELECT t::text FROM assignment.tally t
             WHERE cases > 0 OR on_time > 0 OR late > 0 ORDER BY 1",
        )
        .fetch_all(&self.database.admin)
        .await
        .expect("read")
    }

    /// The counts as the facts alone give them.
    async fn tally_anew(&self) -> Vec<String> {
        for sql in [
            "TRUNCATE assignment.tally, assignment.site_tally, assignment.region_tally",
            "UPDATE assignment.case_fact SET counted_month = NULL, counted_desk = NULL, dirty = true",
            "UPDATE assignment.clock_fact SET counted = 0",
        ] {
            sqlx::query(sql)
                .execute(&self.database.admin)
                .await
                .expect("reset");
        }
        self.count_up().await;
        self.tally().await
    }
}

/// How many sums of sites or regions are not what the counts come to.
const SUMS_APART: &str = "
    WITH site AS (
      SELECT t.site, t.pair, t.month / m * m * 16 + m AS span, t.historical, t.a, t.b, sum(t.cases) AS cases,
             sum(t.resolved) AS resolved, sum(t.on_time) AS on_time, sum(t.late) AS late, sum(t.surveys) AS surveys,
             sum(t.score) AS score
      FROM assignment.tally t CROSS JOIN unnest(ARRAY[1, 3, 12]) AS m GROUP BY 1, 2, 3, 4, 5, 6),
    region AS (
      SELECT p.organization, p.region, t.pair, t.month, t.historical, t.a, t.b, sum(t.cases) AS cases,
             sum(t.resolved) AS resolved, sum(t.on_time) AS on_time, sum(t.late) AS late, sum(t.surveys) AS surveys,
             sum(t.score) AS score
      FROM assignment.tally t JOIN assignment.scope_site p ON p.site = t.site GROUP BY 1, 2, 3, 4, 5, 6, 7),
    apart AS (
      SELECT to_jsonb(s) AS sums FROM site s FULL JOIN assignment.site_tally k USING (site, pair, span, historical, a, b)
      WHERE (coalesce(s.cases, 0), coalesce(s.resolved, 0), coalesce(s.on_time, 0), coalesce(s.late, 0),
             coalesce(s.surveys, 0), coalesce(s.score, 0))
         <> (coalesce(k.cases, 0), coalesce(k.resolved, 0), coalesce(k.on_time, 0), coalesce(k.late, 0),
             coalesce(k.surveys, 0), coalesce(k.score, 0))
      UNION ALL
      SELECT to_jsonb(r) FROM region r
      FULL JOIN assignment.region_tally k USING (organization, region, pair, month, historical, a, b)
      WHERE (coalesce(r.cases, 0), coalesce(r.resolved, 0), coalesce(r.on_time, 0), coalesce(r.late, 0),
             coalesce(r.surveys, 0), coalesce(r.score, 0))
         <> (coalesce(k.cases, 0), coalesce(k.resolved, 0), coalesce(k.on_time, 0), coalesce(k.late, 0),
             coalesce(k.surveys, 0), coalesce(k.score, 0)))
    SELECT count(*) FROM apart";

/// Cases of two sites over two years, of any kind.
const RANDOM_FACTS: [&str; 2] = [
    "INSERT INTO assignment.case_fact (site, case_id, facts_revision, received_time, channel, historical, merged,
       decision_revision, category, grade, department, resolve_time, root_cause, source, answer_time, survey_score, rerouted,
       regraded, dirty)
     SELECT (ARRAY['lakeside', 'riverside'])[1 + n % 2], gen_random_uuid(), 1, t,
       (ARRAY['HOTLINE', 'APP', 'LETTER'])[1 + floor(3 * random())::int], random() < 0.1, random() < 0.1, 1,
       (ARRAY['ENGINEERING_QUALITY', 'REPAIR_SERVICE', 'SALES_MANAGEMENT'])[1 + floor(3 * random())::int],
       1 + floor(4 * random())::int, (ARRAY['engineering', 'sales'])[1 + floor(2 * random())::int],
       CASE WHEN random() < 0.8 THEN t + random() * interval '40 days' END, 'cause ' || floor(3 * random())::int, '',
       CASE WHEN random() < 0.8 THEN t + random() * interval '3 days' END,
       CASE WHEN random() < 0.3 THEN 1 + floor(5 * random())::int END, random() < 0.1, random() < 0.1, true
     FROM (SELECT n, timestamptz '2024-07-01 00:00+08' + random() * interval '690 days' AS t
           FROM generate_series(1, 300) AS n) AS s",
    "INSERT INTO assignment.clock_fact (site, case_id, clock, kind, generation, met, late)
     SELECT site, case_id, gen_random_uuid(), kind, 1, random() < 0.9, random() < 0.2
     FROM assignment.case_fact CROSS JOIN unnest(ARRAY['ACKNOWLEDGE', 'RESOLVE']) AS kind",
];

/// Half of them corrected: of another category and cause, merged or no longer, open again, received another day.
const RANDOM_CORRECTIONS: [&str; 2] = [
    "UPDATE assignment.clock_fact SET late = true WHERE random() < 0.3",
    "UPDATE assignment.case_fact
     SET category = CASE WHEN random() < 0.5 THEN 'SERVICE_CONDUCT' ELSE category END, merged = random() < 0.3,
         resolve_time = CASE WHEN random() < 0.5 THEN resolve_time END, cause = 'cause ' || floor(4 * random())::int,
         received_time = received_time - floor(3 * random())::int * interval '50 days', dirty = true",
];

/// Cases, resolved cases, promises kept and broken of each group, of two values that stand last.
fn sums_of(answer: wire::QueryReportResponse) -> BTreeMap<Vec<String>, [i64; 4]> {
    assert!(!answer.truncated);
    let mut sums: BTreeMap<Vec<String>, [i64; 4]> = BTreeMap::new();
    for mut row in answer.rows {
        let m = row.measures.expect("measured");
        let values = row.values.split_off(row.values.len() - 2);
        let of = sums.entry(values).or_default();
        for (sum, n) in of.iter_mut().zip([m.cases, m.resolved, m.on_time, m.late]) {
            *sum += n;
        }
    }
    sums
}

fn ask(parent: &str, dimensions: &[By]) -> wire::QueryReportRequest {
    wire::QueryReportRequest {
        parent: parent.to_owned(),
        dimensions: dimensions.iter().map(|d| i32::from(*d)).collect(),
        ..Default::default()
    }
}

fn row(values: &[&str], cases: i64) -> (Vec<String>, i64) {
    (values.iter().map(|v| (*v).to_owned()).collect(), cases)
}

fn met(kind: ClockKind, due: i64, at: i64) -> Told {
    Told {
        clock: Uuid::now_v7(),
        kind,
        state: ClockState::Met,
        generation: 2,
        due,
        at,
    }
}

#[tokio::test]
async fn m06_cases_are_counted_by_what_they_are_about_and_who_handles_them() {
    let world = World::staffed().await;
    for category in [
        Category::EngineeringQuality,
        Category::EngineeringQuality,
        Category::SalesManagement,
    ] {
        world.offered(category).await;
    }
    assert_eq!(world.count_up().await, 3);
    assert_eq!(world.count_up().await, 0, "nothing is left to count");
    let expected = [
        row(&["ENGINEERING_QUALITY"], 2),
        row(&["SALES_MANAGEMENT"], 1),
    ];
    assert_eq!(world.cases_by(&[By::Category]).await, expected);
    let expected = [
        row(&["sites/lakeside", "2026-05", "engineering", "3"], 2),
        row(&["sites/lakeside", "2026-05", "sales", "3"], 1),
    ];
    let by = [By::Site, By::Month, By::Department, By::Grade];
    assert_eq!(world.cases_by(&by).await, expected);

    let mut filtered = ask("sites/lakeside", &[By::Category]);
    filtered.filters = vec![wire::ReportFilter {
        dimension: By::Department.into(),
        values: vec!["sales".to_owned()],
    }];
    let answer = world.report(world.manager(), filtered).await.expect("two");
    assert_eq!(answer.rows.len(), 1);
    assert_eq!(answer.rows[0].values, ["SALES_MANAGEMENT"]);
}

#[tokio::test]
async fn m06_a_month_is_the_sites_own() {
    let world = World::staffed().await;
    for (received, month) in [
        ("2026-05-31T15:59:59Z", "2026-05"),
        ("2026-05-31T16:00:00Z", "2026-06"),
    ] {
        let case = world.new_case();
        let mut facts = world.facts(&case);
        let received: Timestamp = received.parse().expect("an instant");
        facts.received_time = Some(to_timestamp(received));
        world.tell(&[world.received(facts)]).await;
        world.count_up().await;
        let mut request = ask("sites/lakeside", &[By::Month]);
        request.to_month = "2026-06".to_owned();
        let answer = world.report(world.manager(), request).await.expect("one");
        let newest = answer.rows.last().expect("a month");
        assert_eq!(newest.values, [month]);
    }
}

#[tokio::test]
async fn m06_promises_are_on_time_late_or_not_yet_counted_by_every_dimension() {
    let world = World::staffed().await;
    let case = world.offered(Category::EngineeringQuality).await;
    let breached = Told {
        state: ClockState::Breached,
        ..met(ClockKind::Resolve, 5, 5)
    };
    let late_met = Told {
        clock: breached.clock,
        generation: 3,
        ..met(ClockKind::Resolve, 50, 9)
    };
    let running = Told {
        state: ClockState::Running,
        ..met(ClockKind::InterimUpdate, 5, 0)
    };
    world
        .tell(&[
            world.promise(&case, &met(ClockKind::Answer, 24, 3)),
            world.promise(&case, &breached),
            // Given more time and met within it: the breach stays.
            world.promise(&case, &late_met),
            world.promise(&case, &running),
            world.promise(&case, &met(ClockKind::AgeCheck, 1, 9)),
        ])
        .await;
    let classify = wire::ClassifyCauseRequest {
        name: World::name_of(&case),
        cause: "a loose joint".to_owned(),
        source: wire::CauseSource::ObjectiveDefect.into(),
        ..Default::default()
    };
    let classified = world
        .reports
        .classify_cause(by(world.manager(), classify))
        .await;
    classified.expect("work is there");
    world.count_up().await;
    for (dimension, value) in [
        (By::Site, "sites/lakeside"),
        (By::Month, "2026-05"),
        (By::Category, "ENGINEERING_QUALITY"),
        (By::Cause, "a loose joint"),
        (By::Source, "OBJECTIVE_DEFECT"),
        (By::Grade, "3"),
        (By::Channel, "WEB"),
        (By::Department, "engineering"),
    ] {
        let alone = ask("sites/lakeside", &[dimension]);
        let mut asked = vec![(alone, vec![value])];
        if !matches!(dimension, By::Site | By::Month) {
            let site = "sites/lakeside";
            asked.push((ask(site, &[By::Site, dimension]), vec![site, value]));
            let mut narrowed = ask(site, &[By::Site]);
            narrowed.filters = vec![wire::ReportFilter {
                dimension: dimension.into(),
                values: vec![value.to_owned()],
            }];
            asked.push((narrowed, vec![site]));
        }
        for (mut request, values) in asked {
            request.in_detail = true;
            let answer = world.report(world.manager(), request).await.expect("one");
            assert_eq!(answer.rows.len(), 1, "{dimension:?}");
            assert_eq!(answer.rows[0].values, values, "{dimension:?}");
            let measures = answer.rows[0].measures.clone().expect("measured");
            let counts = (measures.cases, measures.on_time, measures.late);
            assert_eq!(counts, (1, 1, 1), "{dimension:?}");
            assert_eq!(measures.on_time_rate, Some(0.5), "{dimension:?}");
            let kinds: Vec<(i32, i64, i64)> = measures
                .promises
                .iter()
                .map(|p| (p.kind, p.on_time, p.late))
                .collect();
            assert_eq!(
                kinds,
                [
                    (to_wire(ClockKind::Answer), 1, 0),
                    (to_wire(ClockKind::Resolve), 0, 1)
                ],
                "{dimension:?}"
            );
            // Answered after three hours: within the step from two to four.
            let answered = measures.answer_p50.expect("answered");
            assert_eq!(answered.seconds, 3 * 3600, "{dimension:?}");
            assert_eq!(measures.resolve_p50, None, "{dimension:?}");
        }
    }
}

#[tokio::test]
async fn history_is_counted_apart_and_a_merged_case_with_its_head() {
    let world = World::staffed().await;
    let (old, merged) = (world.new_case(), world.new_case());
    let mut facts = world.facts(&old);
    facts.mode = to_wire(CaseMode::Historical);
    world.tell(&[world.received(facts)]).await;
    world.tell(&[world.received(world.facts(&merged))]).await;
    world.count_up().await;
    assert_eq!(world.cases_by(&[]).await, [row(&[], 1)]);

    let mut facts = world.facts(&merged);
    facts.status = to_wire(CaseStatus::Merged);
    (facts.epoch, facts.revision) = (2, 2);
    world.tell(&[world.updated(facts)]).await;
    world.count_up().await;
    assert_eq!(world.cases_by(&[]).await, []);
    let mut request = ask("sites/lakeside", &[By::Channel]);
    request.include_historical = true;
    let answer = world.report(world.manager(), request).await.expect("one");
    assert_eq!(answer.rows[0].values, ["WEB"]);
    assert_eq!(answer.rows[0].measures.clone().expect("measured").cases, 1);
}

#[tokio::test]
async fn m08_m15_causes_that_come_up_again_are_listed_with_their_trend() {
    let world = World::staffed().await;
    for month in ["2026-03", "2026-04", "2026-05", "2026-05", "2026-05"] {
        let case = world.new_case();
        let mut facts = world.facts(&case);
        let received: Timestamp = format!("{month}-10T04:00:00Z").parse().expect("an instant");
        facts.received_time = Some(to_timestamp(received));
        let graded = world.graded(&case, 1, 1, Some(Category::EngineeringQuality));
        world.tell(&[world.received(facts), graded]).await;
        let person = world.get(&case).await.offered_to;
        let handler = || world.handler(crate::world::last(&person));
        world.accept(handler(), &case, "").await.expect("offered");
        world
            .progress(handler(), &case, "looked")
            .await
            .expect("accepted");
        world.resolve(handler(), &case).await.expect("resolved");
    }
    let other = world.offered(Category::EngineeringQuality).await;
    let classify = wire::ClassifyCauseRequest {
        name: World::name_of(&other),
        cause: " a loose  joint ".to_owned(),
        source: wire::CauseSource::ObjectiveDefect.into(),
        request_id: "once".to_owned(),
    };
    let answer = world
        .reports
        .classify_cause(by(world.manager(), classify))
        .await
        .expect("work is there")
        .into_inner();
    assert_eq!(answer.cause, "a loose joint");
    world.count_up().await;

    let request = wire::ListRecurringCausesRequest {
        parent: "sites/lakeside".to_owned(),
        ..Default::default()
    };
    let causes = world
        .reports
        .list_recurring_causes(by(world.manager(), request.clone()))
        .await
        .expect("answered")
        .into_inner()
        .causes;
    assert_eq!(causes.len(), 1);
    assert_eq!((causes[0].cases, causes[0].months_seen), (6, 3));
    assert_eq!(causes[0].category, "ENGINEERING_QUALITY");
    assert_eq!(causes[0].trend(), CauseTrend::Rising);
    assert_eq!(causes[0].months[5].cases, 4);
    let rare = wire::ListRecurringCausesRequest {
        min_cases: 7,
        ..request
    };
    let answer = world
        .reports
        .list_recurring_causes(by(world.manager(), rare))
        .await;
    assert!(answer.expect("answered").into_inner().causes.is_empty());
    let expected = [row(&[""], 5), row(&["OBJECTIVE_DEFECT"], 1)];
    assert_eq!(world.cases_by(&[By::Source]).await, expected);
}

#[tokio::test]
async fn m06_the_monthly_report_shows_the_month_before_beside_it() {
    let world = World::staffed().await;
    for month in ["2026-04", "2026-05", "2026-05"] {
        let case = world.new_case();
        let mut facts = world.facts(&case);
        let received: Timestamp = format!("{month}-10T04:00:00Z").parse().expect("an instant");
        facts.received_time = Some(to_timestamp(received));
        let graded = world.graded(&case, 1, 1, Some(Category::RepairService));
        world.tell(&[world.received(facts), graded]).await;
    }
    world.count_up().await;
    let request = wire::GetMonthlyReportRequest {
        parent: "organizations/demo/regions/north".to_owned(),
        month: "2026-05".to_owned(),
        language: "en".to_owned(),
    };
    let answer = world
        .reports
        .get_monthly_report(by(world.above("region"), request))
        .await
        .expect("answered")
        .into_inner();
    let report = answer.report.expect("as data");
    let total = report.total.expect("a total");
    assert_eq!(total.current.expect("measured").cases, 2);
    assert_eq!(total.previous.expect("measured").cases, 1);
    assert!(
        answer.markdown.contains("| repair service | 2 | 1 | +1 |"),
        "{}",
        answer.markdown
    );
    assert!(
        answer.csv.contains("Site,sites/lakeside,2026-04,1,"),
        "{}",
        answer.csv
    );
}

#[tokio::test]
async fn m06_the_desk_is_audited_with_the_month_before_beside_it() {
    let world = World::staffed().await;
    world.accepted("2026-04-10T04:00:00Z").await;
    let may = "2026-05-10T04:00:00Z";
    let (rerouted, regraded) = (world.accepted(may).await, world.accepted(may).await);
    let (both, older) = (world.accepted(may).await, world.accepted(may).await);
    let (quality, sales) = (Category::EngineeringQuality, Category::SalesManagement);
    world
        .tell(&[
            world.promise(&rerouted, &met(ClockKind::Acknowledge, 4, 3)),
            world.promise(&regraded, &met(ClockKind::Acknowledge, 4, 5)),
            world.promise(&both, &met(ClockKind::Answer, 4, 3)),
            world.decided_again(&rerouted, "updated", sales, 3),
            world.decided_again(&regraded, "signal", quality, 2),
            world.decided_again(&both, "raised", sales, 2),
            // What only time told is no fault of the desk's.
            world.decided_again(&older, "age", quality, 2),
        ])
        .await;
    let [current, previous] = world.desk().await;
    let expected = wire::DeskMeasures {
        accepted: 4,
        acknowledged_on_time: 1,
        acknowledged_late: 1,
        followed: 4,
        rerouted: 2,
        regraded: 2,
    };
    assert_eq!(current, expected);
    let expected = wire::DeskMeasures {
        accepted: 1,
        followed: 1,
        ..Default::default()
    };
    assert_eq!(previous, expected);
    let answer = world.monthly().await;
    assert!(
        answer
            .markdown
            .contains("| Of them re-routed later | 2 (50.0 %) | 0 (0.0 %) |"),
        "{}",
        answer.markdown
    );
    assert!(
        answer.csv.contains("2026-05,4,1,1,4,2,2\r\n"),
        "{}",
        answer.csv
    );
}

#[tokio::test]
async fn m06_a_merged_case_leaves_the_desks_counts_and_a_correction_keeps_its_month() {
    let world = World::staffed().await;
    let case = world.accepted("2026-04-10T04:00:00Z").await;
    assert_eq!(
        world.desk().await.map(|d| (d.followed, d.rerouted)),
        [(0, 0), (1, 0)]
    );
    let again = world.decided_again(&case, "updated", Category::SalesManagement, 3);
    world.tell(&[again]).await;
    assert_eq!(
        world.desk().await.map(|d| (d.followed, d.rerouted)),
        [(0, 0), (1, 1)]
    );
    let mut facts = world.facts(&case);
    facts.status = to_wire(CaseStatus::Merged);
    (facts.epoch, facts.revision) = (2, 2);
    world.tell(&[world.updated(facts)]).await;
    assert_eq!(
        world.desk().await.map(|d| (d.followed, d.rerouted)),
        [(0, 0), (0, 0)]
    );
}

#[tokio::test]
async fn m06_a_case_first_decided_before_the_desk_was_followed_counts_for_neither_side() {
    let world = World::staffed().await;
    let case = world.accepted("2026-05-10T04:00:00Z").await;
    // As a release before this one keeps it.
    sqlx::query(
        "UPDATE assignment.case_fact SET rerouted = NULL, regraded = NULL WHERE case_id = $1",
    )
    .bind(case.id)
    .execute(&world.database.admin)
    .await
    .expect("kept");
    let again = world.decided_again(&case, "raised", Category::SalesManagement, 2);
    world.tell(&[again]).await;
    let [current, _] = world.desk().await;
    let expected = wire::DeskMeasures {
        accepted: 1,
        ..Default::default()
    };
    assert_eq!(current, expected);
}

#[tokio::test]
async fn i8_reports_of_a_whole_organization_show_the_callers_sites_alone() {
    let world = World::staffed().await;
    world.learn(&site("riverside")).await;
    world.offered(Category::EngineeringQuality).await;
    world.count_up().await;
    let stranger = || world.caller("riverside", "manager", None);
    let refused = world
        .report(stranger(), ask("sites/lakeside", &[]))
        .await
        .expect_err("not theirs");
    assert_eq!(refused.code(), Code::NotFound);
    let all = || ask("sites/-", &[By::Site]);
    let answer = world.report(stranger(), all()).await.expect("answered");
    assert!(answer.rows.is_empty(), "{answer:?}");
    let answer = world
        .report(world.manager(), all())
        .await
        .expect("answered");
    assert_eq!(answer.rows.len(), 1);
}

#[tokio::test]
async fn i8_a_report_is_headed_by_what_its_reader_sees_whole() {
    let world = World::staffed().await;
    world.offered(Category::EngineeringQuality).await;
    world.count_up().await;
    let (demo, north) = ("organizations/demo", "organizations/demo/regions/north");
    let (south, nix) = ("organizations/demo/regions/south", "organizations/nix");
    for (place, parent, sees) in [
        ("organization", demo, true),
        ("organization", north, true),
        ("organization", south, false),
        ("organization", nix, false),
        ("region", north, true),
        ("region", demo, false),
        ("site", demo, false),
        ("site", north, false),
    ] {
        let caller = || match place {
            "site" => world.manager(),
            place => world.above(place),
        };
        let answer = world.report(caller(), ask(parent, &[By::Site])).await;
        let monthly = wire::GetMonthlyReportRequest {
            parent: parent.to_owned(),
            month: "2026-05".to_owned(),
            language: "en".to_owned(),
        };
        let report = world
            .reports
            .get_monthly_report(by(caller(), monthly))
            .await;
        if sees {
            assert_eq!(answer.expect("answered").rows.len(), 1, "{place} {parent}");
            report.expect("answered");
            continue;
        }
        for code in [
            answer.expect_err("not theirs").code(),
            report.expect_err("not theirs").code(),
        ] {
            assert_eq!(code, Code::NotFound, "{place} {parent}");
        }
    }
}

#[tokio::test]
async fn i10_a_question_of_three_dimensions_names_the_field() {
    let world = World::empty().await;
    let three = ask("sites/lakeside", &[By::Category, By::Grade, By::Channel]);
    let refused = world
        .report(world.manager(), three)
        .await
        .expect_err("three");
    assert_eq!(refused.code(), Code::InvalidArgument);
    let backwards = wire::QueryReportRequest {
        from_month: "2026-05".to_owned(),
        to_month: "2026-04".to_owned(),
        ..ask("sites/lakeside", &[])
    };
    let refused = world
        .report(world.manager(), backwards)
        .await
        .expect_err("backwards");
    assert_eq!(refused.code(), Code::InvalidArgument);
}

/// Every event of two cases, some of them older than others.
fn history(world: &World) -> Vec<Event> {
    let mut events = Vec::new();
    for (n, category) in [
        (0, Category::EngineeringQuality),
        (1, Category::SalesManagement),
    ] {
        let case = world.new_case();
        let mut changed = world.facts(&case);
        changed.revision = 2;
        changed.channel = to_wire(Channel::Hotline);
        let answer = met(ClockKind::Answer, 24, 3);
        let began = Told {
            state: ClockState::Running,
            generation: 1,
            ..met(ClockKind::Answer, 24, 0)
        };
        let began = Told {
            clock: answer.clock,
            ..began
        };
        let late = met(ClockKind::Resolve, 2, 3 + n);
        events.extend([
            world.received(world.facts(&case)),
            world.updated(changed),
            world.graded(&case, 1, 1, Some(category)),
            world.graded(&case, 2, 1, Some(Category::RepairService)),
            world.promise(&case, &began),
            world.promise(&case, &answer),
            world.promise(&case, &late),
        ]);
    }
    events
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn i3_counts_converge_whatever_comes_again_or_late(
        // Which producer of which case speaks next: each in its own order, as the inbox keeps it.
        order in Just([0_usize, 0, 1, 1, 1, 1, 1, 2, 2, 3, 3, 3, 3, 3].to_vec()).prop_shuffle(),
        again in prop::collection::vec(0..14_usize, 0..6),
        counted_after in prop::collection::vec(any::<bool>(), 20),
    ) {
        tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
            let world = World::staffed().await;
            let events = history(&world);
            let mut next: [usize; 4] = [0, 2, 7, 9];
            let mut told = Vec::new();
            for index in order {
                told.push(next[index]);
                next[index] += 1;
            }
            told.extend(again);
            for (step, index) in told.into_iter().enumerate() {
                // Delivered anew under another id, as after a redrive.
                let event = Event { id: Uuid::now_v7(), ..events[index].clone() };
                world.deliver(&event).await;
                if counted_after[step] {
                    world.count_up().await;
                }
            }
            world.count_up().await;
            let counted = world.tally().await;
            let rows = world.cases_by(&[By::Category, By::Channel]).await;
            assert_eq!(rows, [row(&["REPAIR_SERVICE", "HOTLINE"], 2)]);
            assert_eq!(world.count(SUMS_APART).await, 0);
            assert_eq!(counted, world.tally_anew().await);
        });
    }
}

/// M06: what is read is the sum of what is counted, whatever was corrected since, and every question has one answer whichever sums
/// it is read from: those of regions, of the site by longest spans, of sites by month.
#[tokio::test]
async fn m06_every_sum_is_that_of_the_counts_whatever_was_corrected() {
    let world = World::empty().await;
    world.learn(&site("riverside")).await;
    for facts in [RANDOM_FACTS, RANDOM_CORRECTIONS] {
        for sql in facts {
            sqlx::query(sql)
                .execute(&world.database.admin)
                .await
                .expect("changed");
        }
        assert_eq!(world.count_up().await, 300);
        assert_eq!(world.count(SUMS_APART).await, 0);
    }
    let region = "organizations/demo/regions/north";
    let both = [
        By::Category,
        By::Cause,
        By::Source,
        By::Grade,
        By::Channel,
        By::Department,
    ];
    for (n, first) in both.iter().enumerate() {
        for second in &both[n + 1..] {
            for (parent, from_month) in [
                (region, "2024-08"),
                (region, "2025-01"),
                ("sites/lakeside", "2024-08"),
                ("sites/lakeside", "2025-01"),
            ] {
                let of = |dimensions: &[By]| wire::QueryReportRequest {
                    from_month: from_month.to_owned(),
                    to_month: "2026-02".to_owned(),
                    include_historical: true,
                    ..ask(parent, dimensions)
                };
                let mut sums = Vec::new();
                for dimensions in [
                    vec![*first, *second],
                    vec![By::Site, *first, *second],
                    vec![By::Month, *first, *second],
                    vec![By::Site, By::Month, *first, *second],
                ] {
                    let answer = world.report(world.above("region"), of(&dimensions)).await;
                    sums.push(sums_of(answer.expect("answered")));
                }
                assert!(!sums[0].is_empty());
                for other in &sums[1..] {
                    assert_eq!(&sums[0], other, "{parent} {first:?} {second:?}");
                }
            }
        }
    }
}

/// I8: the counts of a site are summed where it lies, and nobody who sees a part of a region reads its sum.
#[tokio::test]
async fn i8_the_counts_of_a_site_move_with_it_and_sums_of_its_region_are_read_by_those_above() {
    let world = World::staffed().await;
    world.learn(&site("riverside")).await;
    world.offered(Category::EngineeringQuality).await;
    world.count_up().await;
    let south = || {
        let mut caller = world.above("region");
        let region = "organizations/demo/regions/south";
        caller.regions = vec![region.parse().expect("a region")];
        caller
    };
    let cases = async |caller: Caller| {
        let answer = world.report(caller, ask("sites/-", &[])).await;
        let rows = answer.expect("answered").rows;
        rows.into_iter()
            .map(|row| row.measures.expect("measured").cases)
            .sum::<i64>()
    };
    assert_eq!(cases(world.above("region")).await, 1);
    assert_eq!(cases(south()).await, 0);
    let moved = event::SiteChanged {
        site: "sites/lakeside".to_owned(),
        organization: "organizations/demo".to_owned(),
        region: "organizations/demo/regions/south".to_owned(),
        kind: 1,
        time_zone: "Asia/Shanghai".to_owned(),
        display_name: "Lakeside".to_owned(),
        revision: 2,
        language: "zh-CN".to_owned(),
        display_name_en: String::new(),
    };
    let moved = world.event(
        "intake",
        "redress.site.changed.v1",
        "sites/lakeside",
        &moved,
    );
    world.tell(&[moved]).await;
    assert_eq!(cases(world.above("region")).await, 0);
    assert_eq!(cases(south()).await, 1);
    assert_eq!(cases(world.above("organization")).await, 1);
    assert_eq!(world.count(SUMS_APART).await, 0);
    // As a query that forgot whom it asks for.
    for (setting, value, seen) in [
        ("redress.sites", "{lakeside}", false),
        ("redress.regions", "{demo/north}", false),
        ("redress.regions", "{demo/south}", true),
        ("redress.organizations", "{demo}", true),
    ] {
        let mut reader = world.database.admin.begin().await.expect("begun");
        let see =
            format!("SET LOCAL ROLE redress_assignment_app; SET LOCAL {setting} = '{value}';");
        sqlx::raw_sql(sqlx::AssertSqlSafe(see))
            .execute(&mut *reader)
            .await
            .expect("confined");
        let cases: Option<i64> =
            sqlx::query_scalar("SELECT sum(cases)::bigint FROM assignment.region_tally")
                .fetch_one(&mut *reader)
                .await
                .expect("read");
        assert_eq!(cases.is_some_and(|n| n > 0), seen, "{setting} {value}");
    }
}

#[tokio::test]
async fn i8_two_sites_change_places_between_regions_at_once() {
    const WAITING: &str =
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let world = World::staffed().await;
    world.learn(&site("riverside")).await;
    world.offered(Category::EngineeringQuality).await;
    world.count_up().await;
    let place = |site: &'static str, region: &'static str| {
        let admin = world.database.admin.clone();
        tokio::spawn(async move {
            let sql = "UPDATE assignment.scope_site SET region = $2 WHERE site = $1";
            sqlx::query(sql)
                .bind(site)
                .bind(region)
                .execute(&admin)
                .await
        })
    };
    let waiting = async |many: i64| {
        while world.count(WAITING).await < many {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let placed = place("riverside", "south").await.expect("ran");
    placed.expect("placed");
    // The same counts for both.
    let counts = "INSERT INTO assignment.tally
        SELECT (jsonb_populate_record(t, '{\"site\": \"riverside\"}')).* FROM assignment.tally t";
    let counted = sqlx::query(counts).execute(&world.database.admin).await;
    assert!(counted.expect("counted").rows_affected() > 0);

    // Whoever counts in the south holds up both, so that they wait in this order.
    let mut holder = world.database.admin.begin().await.expect("begun");
    sqlx::query("SELECT pg_advisory_xact_lock(1919248233, hashtext('demo/south'))")
        .execute(&mut *holder)
        .await
        .expect("held");
    let north = place("riverside", "north");
    waiting(1).await;
    let south = place("lakeside", "south");
    waiting(2).await;
    holder.commit().await.expect("committed");
    for placed in [north, south] {
        placed.await.expect("ran").expect("no deadlock");
    }
    assert_eq!(world.count(SUMS_APART).await, 0);
}

#[tokio::test]
async fn what_happens_while_it_is_counted_is_counted_next() {
    let world = World::staffed().await;
    let case = world.offered(Category::EngineeringQuality).await;
    // Somebody holds the case's row while the counting passes by.
    let mut holder = world.database.admin.begin().await.expect("begun");
    sqlx::query("SELECT 1 FROM assignment.case_fact WHERE case_id = $1 FOR UPDATE")
        .bind(case.id)
        .execute(&mut *holder)
        .await
        .expect("held");
    assert_eq!(world.count_up().await, 0);
    sqlx::query("UPDATE assignment.case_fact SET channel = 'LETTER' WHERE case_id = $1")
        .bind(case.id)
        .execute(&mut *holder)
        .await
        .expect("changed");
    holder.commit().await.expect("committed");
    let (one, two) = tokio::join!(world.count_up(), world.count_up());
    assert_eq!(one + two, 1, "of two replicas one counts it");
    assert_eq!(world.cases_by(&[By::Channel]).await, [row(&["LETTER"], 1)]);
}
