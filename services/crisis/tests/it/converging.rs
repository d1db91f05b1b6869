//! Any interleaving of producers, duplicates and crashes end the same (I3, I6).

use std::collections::BTreeSet;

use redress_events::Event;
use redress_model::words::{CaseStatus, Word as _};
use redress_proto::crisis::v1::{IncidentMode, IncidentState};
use redress_proto::event::v1::DeliverOutcome;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::world::*;

/// What has to be equal in the end.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct End {
    cluster: String,
    public: bool,
    cases: Vec<String>,
    promises: Vec<String>,
    roles: Vec<(i32, String, String)>,
}

/// Whether a case that ended was heard of before its end or after decides only whether it is a member: nobody is called
/// about it from then on.
async fn end(world: &World, site: &str) -> BTreeSet<End> {
    let plain = |name: &str| name.replace(site, "SITE");
    let open = world.open(site).await;
    let query = "SELECT id FROM crisis.case_file WHERE site = $1 AND ended";
    let ended: Vec<Uuid> = sqlx::query_scalar(query)
        .bind(site)
        .fetch_all(&world.database.admin)
        .await
        .expect("postgres answers");
    let is_live = |case: &str| ended.iter().all(|id| !case.ends_with(&id.to_string()));
    let ends = open.into_iter().map(|i| {
        let live = i.cases.iter().filter(|c| is_live(&c.case));
        let mut cases: Vec<String> = live.map(|c| plain(&c.case)).collect();
        cases.sort();
        let running = i.clocks.iter().filter(|c| c.stop_time.is_none());
        let mut promises: Vec<String> = running
            .map(|c| {
                let kind = redress_model::words::ClockKind::from_number(c.kind).expect("known");
                format!("{kind} {}", plain(&c.case))
            })
            .collect();
        promises.sort();
        End {
            cluster: plain(&i.cluster),
            public: i.mode() == IncidentMode::Public,
            cases,
            promises,
            roles: i
                .roles
                .iter()
                .map(|r| (r.role, plain(&r.staff), plain(&r.stand_in)))
                .collect(),
        }
    });
    ends.collect()
}

/// A small generator, so that a failing order can be named by its number.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % sides as u64).expect("small")
    }
}

/// Delivers streams of events in a random interleaving that keeps the order within each stream, some of
/// them twice.
async fn interleave(world: &World, mut streams: Vec<Vec<Event>>, dice: &mut Dice) {
    for stream in &mut streams {
        stream.reverse();
    }
    while !streams.is_empty() {
        let chosen = dice.roll(streams.len());
        let event = streams[chosen].pop().expect("empty streams are dropped");
        if streams[chosen].is_empty() {
            streams.swap_remove(chosen);
        }
        let times = 1 + usize::from(dice.roll(3) == 0);
        for _ in 0..times {
            let outcome = world.deliver(event.clone()).await;
            assert!(
                matches!(outcome, DeliverOutcome::Applied | DeliverOutcome::Waiting),
                "{outcome:?}"
            );
        }
    }
}

/// One history, as streams of one producer and subject each.
fn history(site: &str) -> Vec<Vec<Event>> {
    let [a, b, c, d] = [1, 2, 3, 4].map(|n| case(site, n));
    let [x, y] = [1, 2].map(|n| cluster(site, n));
    vec![
        vec![site_changed(site)],
        vec![
            duty_changed(site, &FULL[..3], 1),
            duty_changed(site, FULL, 2),
        ],
        vec![
            received(&a),
            contact(&a, "duty", START.parse().expect("an instant")),
        ],
        vec![received(&b), moved(&b, CaseStatus::Withdrawn, 2)],
        vec![received(&c)],
        vec![
            graded(&a, &x, 2, &["G2.2"]).event(),
            graded(&a, &x, 1, &["G1.5"]).revision(2, 2).event(),
        ],
        // Decided before the withdrawal.
        vec![
            graded(&b, &y, 1, &["G1.6"]).event(),
            cluster_merged(&b, &y, &x),
        ],
        vec![
            graded(&c, &y, 1, &["G1.6"]).event(),
            cluster_merged(&c, &y, &x),
        ],
        // Known to triage alone, and history.
        vec![graded(&d, &x, 1, &["G1.4"]).historical().event()],
    ]
}

#[tokio::test]
async fn any_interleaving_with_duplicates_ends_the_same_i3() {
    let world = World::new().await;
    let mut expected = None;
    for n in 0..40 {
        let site = format!("s{n}");
        interleave(&world, history(&site), &mut Dice(n)).await;
        let end = end(&world, &site).await;
        assert_eq!(end.len(), 1, "order {n}");
        match &expected {
            None => {
                let only = end.first().expect("one");
                assert_eq!(only.cases.len(), 2, "what still stands: {only:?}");
                assert!(!only.public);
                assert_eq!(
                    only.promises.len(),
                    3,
                    "report, briefing and the one contact that is still owed: {only:?}"
                );
                expected = Some(end);
            }
            Some(expected) => assert_eq!(&end, expected, "order {n}"),
        }
    }
}

#[tokio::test]
async fn any_interleaving_of_public_and_private_cases_ends_public_i3() {
    let world = World::new().await;
    let mut ends = BTreeSet::new();
    for n in 0..12 {
        let site = format!("s{n}");
        let [a, b] = [1, 2].map(|n| case(&site, n));
        let [x, y] = [1, 2].map(|n| cluster(&site, n));
        let streams = vec![
            vec![graded(&a, &x, 1, &["G1.5"]).event()],
            vec![
                graded(&b, &y, 1, &["G1.1"]).event(),
                cluster_merged(&b, &y, &x),
            ],
            vec![duty_changed(&site, FULL, 1)],
        ];
        interleave(&world, streams, &mut Dice(n)).await;
        ends.extend(end(&world, &site).await);
    }
    assert_eq!(ends.len(), 1, "{ends:#?}");
    assert!(ends.first().expect("one").public);
}

#[tokio::test]
async fn a_withdrawn_case_calls_nobody_once_that_is_known_and_opens_when_reopened_in_any_order_i3_p06()
 {
    let world = World::new().await;
    let mut ends = BTreeSet::new();
    for n in 0..24 {
        let site = format!("s{n}");
        let (case, matter) = (case(&site, 1), cluster(&site, 1));
        world.take([duty_changed(&site, FULL, 1)]).await;
        let graded = graded(&case, &matter, 1, &["G1.4"]);
        let intake = vec![received(&case), moved(&case, CaseStatus::Withdrawn, 2)];
        let mut dice = Dice(n);
        let streams = vec![intake, vec![graded.event()]];
        interleave(&world, streams, &mut dice).await;
        // Opened before the end was known, or not at all; a person decides about what was opened.
        assert!(world.open(&site).await.len() <= 1, "order {n}");
        let called = world.call_outs(&site).await.len();
        assert!(called == 0 || called == 7, "order {n}: {called}");
        let reopened = vec![moved(&case, CaseStatus::Reopened, 3)];
        let again = vec![graded.revision(2, 1).epoch(3).event()];
        interleave(&world, vec![reopened, again], &mut dice).await;
        ends.extend(end(&world, &site).await);
        assert_eq!(world.call_outs(&site).await.len(), 7, "order {n}");
    }
    assert_eq!(ends.len(), 1, "{ends:#?}");
}

#[tokio::test]
async fn a_move_that_triage_saw_first_is_waited_for_i3() {
    let world = World::new().await;
    let (case, matter) = (case("lake", 1), cluster("lake", 1));
    world.take([received(&case)]).await;
    let graded = graded(&case, &matter, 1, &["G1.6"]).epoch(2).event();
    assert_eq!(world.deliver(graded).await, DeliverOutcome::Waiting);
    assert!(world.incidents("lake").await.is_empty());
    world.take([moved(&case, CaseStatus::Reopened, 2)]).await;
    world.the_open("lake").await;
}

#[tokio::test]
async fn merging_clusters_merges_their_incidents_into_the_older_i6() {
    let world = World::new().await;
    let [a, b] = [1, 2].map(|n| case("lake", n));
    let [x, y] = [1, 2].map(|n| cluster("lake", n));
    world.take([graded(&a, &x, 1, &["G1.5"]).event()]).await;
    world.advance(30);
    world
        .take([graded(&b, &y, 1, &["G1.1"]).at(world.now()).event()])
        .await;
    let older = world.open("lake").await.pop().expect("two");
    assert_eq!(older.cluster, x.to_string());
    world.advance(10);
    // The older incident's cluster goes into the younger one's.
    world.take([cluster_merged(&a, &x, &y)]).await;

    let survivor = world.the_open("lake").await;
    assert_eq!(survivor.name, older.name);
    assert_eq!(survivor.cluster, y.to_string());
    assert_eq!(survivor.case_count, 2);
    assert_eq!(survivor.mode(), IncidentMode::Public);
    let statement = clock(&survivor, redress_model::words::ClockKind::HoldingStatement);
    let made = statement.start_time.expect("set").seconds - older.open_time.expect("set").seconds;
    assert_eq!(made, 30 * 60, "a promise keeps the time when it was made");
    let all = world.incidents("lake").await;
    let ended = all
        .iter()
        .find(|i| i.name != older.name)
        .expect("the younger");
    assert_eq!(ended.state(), IncidentState::Merged);
    assert_eq!(ended.merged_into, survivor.name);
    assert_eq!((ended.case_count, ended.cases.len()), (0, 0));
    assert!(running(ended).is_empty());
    // A case that still goes by the old cluster joins the survivor.
    world
        .take([graded(&case("lake", 3), &x, 1, &["G1.6"]).event()])
        .await;
    assert_eq!(world.the_open("lake").await.case_count, 3);
}

#[tokio::test]
async fn a_case_that_leaves_its_cluster_alone_stays_in_its_incident() {
    let world = World::new().await;
    let (case, x, y) = (case("lake", 1), cluster("lake", 1), cluster("lake", 2));
    world.take([graded(&case, &x, 1, &["G1.5"]).event()]).await;
    world
        .take([graded(&case, &y, 1, &["G1.5"]).revision(2, 1).event()])
        .await;
    let incident = world.the_open("lake").await;
    assert_eq!((incident.cluster, incident.case_count), (x.to_string(), 1));
}

/// How a step ends badly.
#[derive(Clone, Copy)]
enum Accident {
    /// The statement fails.
    Error,
    /// The connection is killed.
    Kill,
}

/// Makes the n-th row that is written in this database end badly, once. Counted by a sequence, which no
/// rollback turns back.
async fn arrange(world: &World, n: i64, accident: Accident) {
    let what = match accident {
        Accident::Error => "RAISE EXCEPTION 'accident'",
        Accident::Kill => "PERFORM pg_terminate_backend(pg_backend_pid())",
    };
    let mut statements = vec![
        "CREATE SEQUENCE IF NOT EXISTS crisis.step".to_owned(),
        "ALTER SEQUENCE crisis.step RESTART".to_owned(),
        format!(
            "CREATE OR REPLACE FUNCTION crisis.accident() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
             BEGIN IF nextval('crisis.step') = {n} THEN {what}; END IF; RETURN NEW; END $$"
        ),
    ];
    for table in [
        "case_file",
        "incident_case",
        "incident",
        "incident_day",
        "incident_role",
        "incident_clock",
        "incident_log",
        "incident_terms",
        "incident_stage",
        "incident_task",
        "incident_change",
        "callout",
        "outbox",
    ] {
        statements.push(format!(
            "CREATE OR REPLACE TRIGGER accident BEFORE INSERT OR UPDATE ON crisis.{table} FOR EACH ROW EXECUTE FUNCTION crisis.accident()"
        ));
    }
    for statement in statements {
        sqlx::query(AssertSqlSafe(statement))
            .execute(&world.database.admin)
            .await
            .expect("arranged");
    }
}

async fn steps(world: &World) -> i64 {
    sqlx::query_scalar("SELECT last_value FROM crisis.step")
        .fetch_one(&world.database.admin)
        .await
        .expect("counts")
}

async fn rows(world: &World, site: &str) -> i64 {
    sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM crisis.incident WHERE site = $1) + (SELECT count(*) FROM crisis.incident_role WHERE site = $1)
              + (SELECT count(*) FROM crisis.incident_clock WHERE site = $1) + (SELECT count(*) FROM crisis.callout WHERE site = $1)
              + (SELECT count(*) FROM crisis.incident_task WHERE site = $1) + (SELECT count(*) FROM crisis.incident_terms WHERE site = $1)
              + (SELECT count(*) FROM crisis.incident_stage WHERE site = $1) + (SELECT count(*) FROM crisis.incident_case WHERE site = $1)
              + (SELECT count(*) FROM crisis.outbox WHERE site = $1) + (SELECT count(*) FROM crisis.case_file WHERE site = $1)",
    )
    .bind(site)
    .fetch_one(&world.database.admin)
    .await
    .expect("counts")
}

async fn every_step_fails_once(accident: Accident) {
    let world = World::new().await;
    arrange(&world, 0, accident).await;
    let open = async |site: &str| {
        let event = graded(&case(site, 1), &cluster(site, 1), 1, &["G1.1"]).event();
        world.take([duty_changed(site, FULL, 1)]).await;
        event
    };
    let first = open("s0").await;
    arrange(&world, 0, accident).await;
    world.take([first]).await;
    let total = steps(&world).await;
    let whole = rows(&world, "s0").await;
    assert!(total > 40, "opening writes {total} rows");
    for n in 1..=total {
        let site = format!("s{n}");
        arrange(&world, 0, accident).await;
        let event = open(&site).await;
        arrange(&world, n, accident).await;
        let outcome = world.deliver(event.clone()).await;
        if outcome != DeliverOutcome::Applied {
            assert_eq!(
                rows(&world, &site).await,
                0,
                "step {n} left something behind"
            );
            world.take([event.clone()]).await;
        }
        world.take([event]).await;
        assert_eq!(rows(&world, &site).await, whole, "step {n}");
        assert!(world.broken_logs(&site).await.is_empty(), "step {n}: I12");
        assert_eq!(world.the_open(&site).await.roles.len(), 7);
    }
}

#[tokio::test]
async fn opening_that_fails_at_any_step_leaves_nothing_and_is_repeated_whole() {
    every_step_fails_once(Accident::Error).await;
}

#[tokio::test]
async fn opening_whose_connection_is_killed_at_any_step_opens_once() {
    every_step_fails_once(Accident::Kill).await;
}
