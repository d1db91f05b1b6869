//! Promises over time: warned, breached, climbed, met, renewed.

use std::sync::Arc;
use std::time::Duration;

use redress_model::words::{ClockKind, ClockTransition, DutyRole, Word as _};
use redress_proto::crisis::v1 as wire;
use redress_proto::crisis::v1::incident_service_server::IncidentService;
use redress_proto::crisis::v1::{IncidentMode, UpdateAudience};
use redress_proto::words::ClockState;
use redress_testkit::eventually;
use redress_timers::{Fired, Timers, Truth};
use tokio_util::sync::CancellationToken;

use crate::statements::words;
use crate::world::*;

async fn opened(criterion: &str, duties: Duties<'_>) -> World {
    let world = World::new().await;
    world
        .take([site_changed("lake"), duty_changed("lake", duties, 1)])
        .await;
    world
        .take([graded(&case("lake", 1), &cluster("lake", 1), 1, &[criterion]).event()])
        .await;
    world
}

/// What was told about a kind of clock: transition, rung, whom.
async fn told(world: &World, kind: ClockKind) -> Vec<(ClockTransition, i32, Vec<String>)> {
    let events = world.clock_events("lake", kind).await;
    let told = events.into_iter().map(|e| {
        let transition = redress_proto::convert::from_wire(e.transition).expect("known");
        let short = e
            .notify
            .iter()
            .map(|n| n.rsplit('/').next().expect("a name").to_owned());
        (transition, e.level, short.collect())
    });
    told.collect()
}

#[tokio::test]
async fn a_promise_warns_breaches_and_climbs_the_ladder_once_each() {
    use ClockTransition::{Breached, Climbed, Started, Warned};
    let world = opened("G1.1", FULL).await;
    let mut expected = vec![(Started, 0, vec![])];
    for (minutes, step) in [
        (44, None),
        (1, Some((Warned, 0, vec!["voice".to_owned()]))),
        (14, None),
        (
            1,
            Some((Breached, 1, vec!["onsite".to_owned(), "voice".to_owned()])),
        ),
        (30, Some((Climbed, 2, vec!["duty".to_owned()]))),
        (30, Some((Climbed, 3, vec!["top".to_owned()]))),
    ] {
        world.advance(minutes);
        world.fire_due().await;
        world.fire_due().await;
        expected.extend(step);
        assert_eq!(
            told(&world, ClockKind::HoldingStatement).await,
            expected,
            "after {minutes} more minutes"
        );
    }
    let clock = clock(&world.the_open("lake").await, ClockKind::HoldingStatement);
    assert_eq!(
        (clock.state, clock.level, clock.next_time),
        (ClockState::Breached.into(), 3, None)
    );
}

/// Everything that was told about clocks, in an order of its own.
async fn all_told(world: &World) -> Vec<(i32, i32, i32, Vec<String>)> {
    let told: Vec<redress_proto::event::v1::ClockChanged> =
        world.published("redress.clock.changed.v1", "lake").await;
    let told = told
        .into_iter()
        .map(|c| (c.kind, c.transition, c.level, c.notify));
    let mut told: Vec<_> = told.collect();
    told.sort();
    told
}

#[tokio::test]
async fn clocks_that_are_due_together_fire_in_one_turn_and_say_what_they_say_alone() {
    let mut told = Vec::new();
    let mut revisions = Vec::new();
    for together in [false, true] {
        let world = opened("G1.1", FULL).await;
        let second = graded(&case("lake", 2), &cluster("lake", 2), 1, &["G1.6"]);
        world.take([second.event()]).await;
        let before = world.open("lake").await.len();
        world.advance(600);
        if together {
            let first = world
                .truth()
                .due(None, world.now(), 100)
                .await
                .expect("postgres");
            assert!(first.len() > 4, "several are due: {first:?}");
            // One that moved on meanwhile is nobody else's trouble.
            let gone = redress_timers::Entry::new(first[0].id, 7, world.now());
            let with_gone: Vec<_> = first.iter().copied().chain([gone]).collect();
            let answers = world.truth().fire_many(&with_gone, &[], world.now()).await;
            let answers = answers.expect("postgres");
            assert_eq!(answers.last(), Some(&Some(Fired::Stale)));
            let fired = &answers[..first.len()];
            let done = |a: &Option<Fired>| matches!(a, Some(Fired::Done | Fired::Armed(_)));
            assert!(fired.iter().all(done), "{fired:?}");
            assert_eq!(
                world
                    .truth()
                    .fire_many(&first, &[], world.now())
                    .await
                    .expect("postgres"),
                vec![Some(Fired::Stale); first.len()],
                "once"
            );
        }
        world.fire_due().await;
        assert_eq!(world.open("lake").await.len(), before);
        told.push(all_told(&world).await);
        let revision: i64 = sqlx::query_scalar("SELECT sum(revision)::bigint FROM crisis.incident")
            .fetch_one(&world.database.admin)
            .await
            .expect("postgres answers");
        revisions.push(revision);
    }
    assert_eq!(told[0], told[1]);
    assert!(revisions[1] < revisions[0], "in fewer turns: {revisions:?}");
}

#[tokio::test]
async fn nobody_on_a_rung_passes_on_at_once_p14() {
    let world = opened("G1.1", &[(DutyRole::TopLead, "top", 0)]).await;
    world.advance(60);
    world.fire_due().await;
    let levels: Vec<i32> = told(&world, ClockKind::HoldingStatement)
        .await
        .into_iter()
        .map(|t| t.1)
        .collect();
    assert_eq!(levels, [0, 1, 2, 3]);
}

#[tokio::test]
async fn a_breach_of_which_nobody_heard_is_told_when_the_roster_arrives() {
    let world = opened("G1.1", &[]).await;
    world.advance(60);
    world.fire_due().await;
    assert!(
        told(&world, ClockKind::HoldingStatement)
            .await
            .iter()
            .all(|t| t.2.is_empty())
    );
    world.take([duty_changed("lake", FULL, 2)]).await;
    let told = told(&world, ClockKind::HoldingStatement).await;
    assert_eq!(told.last().expect("told").2, ["onsite", "voice"]);
}

#[tokio::test]
async fn a_clock_that_was_met_or_moved_on_does_not_fire_i4() {
    let world = opened("G1.1", FULL).await;
    world.advance(45);
    let due = world
        .truth()
        .due(None, world.now(), 10)
        .await
        .expect("postgres answers");
    let own = clock(&world.the_open("lake").await, ClockKind::HoldingStatement);
    let entry = due
        .into_iter()
        .find(|e| own.name.ends_with(&e.id.to_string()));
    let entry = entry.expect("warns");
    assert!(matches!(
        world
            .truth()
            .fire(&entry, &[], world.now())
            .await
            .expect("fires"),
        Fired::Armed(_)
    ));
    assert_eq!(
        world
            .truth()
            .fire(&entry, &[], world.now())
            .await
            .expect("fires"),
        Fired::Stale,
        "a second worker"
    );
    let armed = world
        .truth()
        .armed(None, 100)
        .await
        .expect("postgres answers");
    let incident = world.the_open("lake").await;
    let tasks = world.plan(&incident.name).await.tasks;
    assert_eq!(incident.clocks.len(), 4);
    assert_eq!(armed.len(), incident.clocks.len() + tasks.len());
    let next = armed
        .iter()
        .find(|e| e.id == entry.id)
        .expect("armed again");
    assert!(
        matches!(world.truth().fire(next, &[], world.now()).await.expect("asks"), Fired::Again(e) if e == *next),
        "early"
    );
    ready(&world).await;
    assert_eq!(
        world
            .truth()
            .fire(next, &[], world.now())
            .await
            .expect("fires"),
        Fired::Stale,
        "met"
    );
}

/// A holding statement is written and passes all its reviews.
async fn ready(world: &World) -> wire::Incident {
    let incident = world.the_open("lake").await;
    let words = words(wire::StatementKind::Holding, "我们正在核实。");
    let draft = world.draft(&incident.name, words, "author").await;
    world.approve_all(&draft).await;
    world.the_open("lake").await
}

#[tokio::test]
async fn a_statement_that_is_ready_meets_its_clock_once() {
    let world = opened("G1.1", FULL).await;
    let incident = ready(&world).await;
    assert_eq!(
        clock(&incident, ClockKind::HoldingStatement).state,
        ClockState::Met as i32
    );
    assert!(!running(&incident).contains(&"HOLDING_STATEMENT"));
    // Neither a further case nor a switch there and back asks for it again.
    world
        .take([graded(&case("lake", 2), &cluster("lake", 1), 1, &["G1.2"]).event()])
        .await;
    assert!(!running(&world.the_open("lake").await).contains(&"HOLDING_STATEMENT"));
}

async fn update(world: &World, audience: UpdateAudience) -> Result<wire::Incident, tonic::Status> {
    let request = wire::RecordUpdateRequest {
        name: world.the_open("lake").await.name,
        audience: audience.into(),
        reference: "update".into(),
        // News go out as a statement.
        nothing_new: audience == UpdateAudience::Outward,
        ..Default::default()
    };
    let answer = world
        .api
        .record_update(as_caller(request, &["lake"]))
        .await?;
    Ok(answer.into_inner().incident.expect("filled"))
}

#[tokio::test]
async fn an_update_meets_its_cadence_and_starts_the_next_period_p17() {
    let world = opened("G1.1", FULL).await;
    world.advance(5 * 60);
    world.fire_due().await;
    assert_eq!(
        clock(&world.the_open("lake").await, ClockKind::InsideReport).state,
        ClockState::Breached as i32
    );
    let incident = update(&world, UpdateAudience::Inside)
        .await
        .expect("recorded");
    let inside: Vec<_> = incident
        .clocks
        .iter()
        .filter(|c| c.kind == redress_proto::convert::to_wire(ClockKind::InsideReport))
        .collect();
    assert_eq!(inside.len(), 2);
    assert_eq!(inside[0].state, ClockState::Running as i32);
    assert_eq!(inside[1].state, ClockState::Met as i32);
    let four_hours =
        inside[0].due_time.expect("set").seconds - inside[0].start_time.expect("set").seconds;
    assert_eq!(four_hours, 4 * 3600);
    update(&world, UpdateAudience::Outward)
        .await
        .expect("recorded in public mode");
}

#[tokio::test]
async fn nothing_leaves_in_private_mode() {
    let world = opened("G1.5", FULL).await;
    let refused = update(&world, UpdateAudience::Outward)
        .await
        .expect_err("refused");
    assert_eq!(refused.code(), tonic::Code::FailedPrecondition);
    assert_eq!(reason(&refused), "NOTHING_LEAVES_IN_PRIVATE_MODE");
    update(&world, UpdateAudience::Inside)
        .await
        .expect("inside is legal");
}

#[tokio::test]
async fn a_briefing_meets_its_clock_and_the_next_is_a_week_later() {
    let world = opened("G1.5", FULL).await;
    let first = clock(&world.the_open("lake").await, ClockKind::WeeklyBriefing)
        .due_time
        .expect("set");
    world.advance(2 * 24 * 60);
    let request = wire::RecordBriefingRequest {
        name: world.the_open("lake").await.name,
        attendance: 12,
        reference: "minutes".into(),
        ..Default::default()
    };
    let answer = world
        .api
        .record_briefing(as_caller(request, &["lake"]))
        .await
        .expect("recorded");
    let next = clock(
        &answer.into_inner().incident.expect("filled"),
        ClockKind::WeeklyBriefing,
    )
    .due_time
    .expect("set");
    assert_eq!(next.seconds - first.seconds, 7 * 24 * 3600);
}

#[tokio::test]
async fn a_leads_contact_meets_the_promise_and_others_do_not() {
    let world = opened("G1.5", FULL).await;
    world.advance(10);
    world
        .take([contact(&case("lake", 1), "voice", world.now())])
        .await;
    assert!(running(&world.the_open("lake").await).contains(&"LEADER_CONTACT"));
    world
        .take([contact(&case("lake", 1), "duty", world.now())])
        .await;
    let incident = world.the_open("lake").await;
    assert_eq!(
        clock(&incident, ClockKind::LeaderContact).state,
        ClockState::Met as i32
    );
    // The next case of the matter has a complainant of its own.
    world
        .take([graded(&case("lake", 2), &cluster("lake", 1), 1, &["G1.5"])
            .at(world.now())
            .event()])
        .await;
    let again = clock(&world.the_open("lake").await, ClockKind::LeaderContact);
    assert_eq!(
        (again.state, again.case),
        (ClockState::Running.into(), case("lake", 2).to_string())
    );
}

#[tokio::test]
async fn a_leader_may_tell_us_of_the_contact_directly() {
    let world = opened("G1.5", FULL).await;
    let tell = async |site: &str, n: u128| {
        let request = wire::RecordLeaderContactRequest {
            name: world.the_open("lake").await.name,
            case: case(site, n).to_string(),
            ..Default::default()
        };
        world
            .api
            .record_leader_contact(as_caller(request, &["lake"]))
            .await
    };
    assert_eq!(
        reason(&tell("lake", 7).await.expect_err("no such case")),
        "NO_SUCH_PROMISE"
    );
    assert_eq!(
        reason(&tell("river", 1).await.expect_err("foreign")),
        "INVALID_FIELD"
    );
    let incident = tell("lake", 1)
        .await
        .expect("awaited")
        .into_inner()
        .incident
        .expect("filled");
    assert_eq!(running(&incident), ["INSIDE_REPORT", "WEEKLY_BRIEFING"]);
    assert_eq!(
        reason(&tell("lake", 1).await.expect_err("met")),
        "NO_SUCH_PROMISE"
    );
    // There and back does not ask for it again.
    for mode in [IncidentMode::Public, IncidentMode::Private] {
        switch(&world, mode).await;
    }
    assert_eq!(
        running(&world.the_open("lake").await),
        ["INSIDE_REPORT", "WEEKLY_BRIEFING"]
    );
}

async fn switch(world: &World, mode: IncidentMode) -> wire::Incident {
    let request = wire::SwitchModeRequest {
        name: world.the_open("lake").await.name,
        mode: mode.into(),
        reason: "the commander's word".into(),
        ..Default::default()
    };
    let answer = world
        .api
        .switch_mode(as_person(request, "lake", "top"))
        .await
        .expect("switched");
    answer.into_inner().incident.expect("filled")
}

#[tokio::test]
async fn the_commanders_word_holds_until_something_new_is_public() {
    let world = opened("G1.4", FULL).await;
    let incident = switch(&world, IncidentMode::Private).await;
    assert_eq!(incident.mode(), IncidentMode::Private);
    assert!(
        incident
            .log_entries
            .iter()
            .any(|e| e.actor == "account-top" && e.text.contains("the commander's word"))
    );
    assert_eq!(
        running(&incident),
        ["INSIDE_REPORT", "LEADER_CONTACT", "WEEKLY_BRIEFING"]
    );
    let again = graded(&case("lake", 1), &cluster("lake", 1), 1, &["G1.4"]);
    world.take([again.revision(2, 1).event()]).await;
    assert_eq!(world.the_open("lake").await.mode(), IncidentMode::Private);
    let exposed = graded(&case("lake", 1), &cluster("lake", 1), 1, &["G1.2", "G1.4"]);
    world.take([exposed.revision(3, 1).event()]).await;
    assert_eq!(world.the_open("lake").await.mode(), IncidentMode::Public);
}

#[tokio::test]
async fn there_and_back_gives_no_new_hour_for_the_holding_statement_m01() {
    let world = opened("G1.4", FULL).await;
    let kind = ClockKind::HoldingStatement;
    let first = clock(&world.the_open("lake").await, kind);
    let back = async || {
        switch(&world, IncidentMode::Private).await;
        let incident = switch(&world, IncidentMode::Public).await;
        let mut clocks = incident.clocks.into_iter();
        let runs = clocks.find(|c| c.kind == kind.number() && c.stop_time.is_none());
        runs.expect("promised still")
    };
    world.advance(30);
    let second = back().await;
    assert_eq!(
        (second.start_time, second.due_time),
        (first.start_time, first.due_time)
    );
    world.advance(31);
    world.fire_due().await;
    let heard = told(&world, kind).await;
    let breaches = |told: &[(ClockTransition, i32, Vec<String>)]| {
        let breached = told.iter().filter(|t| t.0 == ClockTransition::Breached);
        breached.count()
    };
    assert_eq!(breaches(&heard), 1);
    let third = back().await;
    assert_eq!(third.due_time, first.due_time);
    assert_eq!(third.state(), ClockState::Breached);
    world.fire_due().await;
    assert_eq!(breaches(&told(&world, kind).await), 1, "nobody twice");
}

/// The promise of a kind that an incident has now.
fn promised(incident: &wire::Incident, kind: ClockKind) -> wire::IncidentClock {
    let mut clocks = incident.clocks.iter();
    let runs = clocks.find(|c| c.kind == kind.number() && c.stop_time.is_none());
    runs.expect("promised").clone()
}

#[tokio::test]
async fn there_and_back_forgets_no_missed_update_and_no_missed_contact_m01_i4() {
    use IncidentMode::{Private, Public};
    for (criterion, kind, minutes, there_and_back) in [
        ("G1.4", ClockKind::OutwardUpdate, 8 * 60, [Private, Public]),
        ("G1.5", ClockKind::LeaderContact, 2 * 60, [Public, Private]),
    ] {
        let world = opened(criterion, FULL).await;
        let notices = async |transition: ClockTransition| {
            let told = told(&world, kind).await.into_iter();
            told.filter(|t| t.0 == transition).count()
        };
        let first = promised(&world.the_open("lake").await, kind);
        world.advance(minutes + 1);
        world.fire_due().await;
        assert_eq!(notices(ClockTransition::Breached).await, 1, "{kind}");
        for mode in there_and_back {
            switch(&world, mode).await;
        }
        let incident = world.the_open("lake").await;
        let again = promised(&incident, kind);
        assert_eq!(
            (again.start_time, again.due_time),
            (first.start_time, first.due_time),
            "{kind}"
        );
        assert_eq!((again.state(), again.level), (ClockState::Breached, 1));
        let gaps = world.plan(&incident.name).await.gaps;
        let gap = format!("promise/{kind}");
        assert!(gaps.iter().any(|g| g.name.starts_with(&gap)), "{gaps:?}");
        world.fire_due().await;
        assert_eq!(notices(ClockTransition::Breached).await, 1, "nobody twice");
        assert_eq!(notices(ClockTransition::Climbed).await, 0, "{kind}");
        world.advance(minutes / 2);
        world.fire_due().await;
        assert_eq!(notices(ClockTransition::Climbed).await, 1, "{kind}");
        assert_eq!(notices(ClockTransition::Breached).await, 1, "{kind}");
        let climbed = promised(&world.the_open("lake").await, kind);
        assert_eq!((climbed.state(), climbed.level), (ClockState::Breached, 2));
    }
}

#[tokio::test]
async fn there_and_back_counts_an_update_from_the_stage_that_was_entered_meanwhile_m01() {
    let world = opened("G1.4", FULL).await;
    let kind = ClockKind::OutwardUpdate;
    world.advance(60);
    let incident = switch(&world, IncidentMode::Private).await;
    let entered = world.now().as_second();
    let stage = wire::IncidentStage::Handling;
    let moved = world.to_stage(&incident.name, stage, |_| true).await;
    moved.expect("decided");
    world.advance(60);
    let update = promised(&switch(&world, IncidentMode::Public).await, kind);
    let after = |time: Option<prost_types::Timestamp>| time.expect("set").seconds - entered;
    let times = (after(update.start_time), after(update.due_time));
    assert_eq!(times, (0, 24 * 3600));
    assert_eq!(update.state(), ClockState::Running);
}

#[tokio::test]
async fn there_and_back_leaves_an_update_the_time_that_it_had_m01_i4() {
    use IncidentMode::{Private, Public};
    let world = opened("G1.4", FULL).await;
    let kind = ClockKind::OutwardUpdate;
    let left = |incident: &wire::Incident| {
        let due = promised(incident, kind).due_time.expect("set");
        due.seconds - world.now().as_second()
    };
    world.advance(120);
    let before = left(&world.the_open("lake").await);
    assert_eq!(before, 6 * 3600);
    // Nothing leaves in private mode, so nobody could have given it.
    switch(&world, Private).await;
    world.advance(3 * 24 * 60);
    let back = switch(&world, Public).await;
    assert_eq!(left(&back), before);
    assert_eq!(promised(&back, kind).state(), ClockState::Running);
    world.fire_due().await;
    let told = told(&world, kind).await;
    assert!(told.iter().all(|t| t.0 != ClockTransition::Breached));
    // Nor is any time won by it.
    world.advance(60);
    for mode in [Private, Public] {
        switch(&world, mode).await;
    }
    assert_eq!(left(&world.the_open("lake").await), before - 3600);
}

#[tokio::test]
async fn a_first_word_that_was_kept_and_taken_back_has_its_own_hour_after_there_and_back_m01() {
    let world = opened("G1.4", FULL).await;
    let kind = ClockKind::HoldingStatement;
    world.advance(10);
    switch(&world, IncidentMode::Private).await;
    let incident = switch(&world, IncidentMode::Public).await;
    world.advance(10);
    let holding = words(wire::StatementKind::Holding, "我们正在核实。");
    let draft = world.draft(&incident.name, holding, "author").await;
    world.approve_all(&draft).await;
    switch(&world, IncidentMode::Private).await;
    let edited = world.edit(&draft, "我们正在逐户核实。", "author").await;
    edited.expect("a draft still");
    world.advance(400);
    let mut clocks = switch(&world, IncidentMode::Public)
        .await
        .clocks
        .into_iter();
    let runs = clocks.find(|c| c.kind == kind.number() && c.stop_time.is_none());
    let runs = runs.expect("promised anew");
    assert_eq!(runs.state(), ClockState::Running);
    let now = world.now().as_second();
    let after = |time: Option<prost_types::Timestamp>| time.expect("set").seconds - now;
    let times = (after(runs.start_time), after(runs.due_time));
    assert_eq!(times, (0, 3600));
}

#[tokio::test]
async fn a_new_public_criterion_gives_the_holding_statement_its_own_hour_m01() {
    let world = opened("G1.4", FULL).await;
    let kind = ClockKind::HoldingStatement;
    switch(&world, IncidentMode::Private).await;
    world.advance(90);
    let exposed = graded(&case("lake", 1), &cluster("lake", 1), 1, &["G1.2", "G1.4"]);
    let exposed = exposed.revision(2, 1).at(world.now());
    world.take([exposed.event()]).await;
    let mut clocks = world.the_open("lake").await.clocks.into_iter();
    let runs = clocks.find(|c| c.kind == kind.number() && c.stop_time.is_none());
    let runs = runs.expect("promised anew");
    assert_eq!(runs.state(), ClockState::Running);
    let started = runs.start_time.expect("it runs").seconds;
    assert_eq!(started, world.now().as_second());
}

#[tokio::test]
async fn clocks_fire_without_redis_p18() {
    let world = opened("G1.1", FULL).await;
    let truth = redress_crisis::jobs::timers::IncidentClocks {
        db: world.db.clone(),
        desk: Arc::clone(&world.desk),
    };
    let meter = opentelemetry::global::meter("crisis-test");
    let timers = Timers::new("crisis", None, Arc::new(truth), world.clock.clone(), &meter);
    let shutdown = CancellationToken::new();
    let run = tokio::spawn({
        let (timers, shutdown) = (timers.clone(), shutdown.clone());
        async move { timers.run(shutdown).await }
    });
    world.advance(60);
    eventually(Duration::from_secs(20), async || {
        told(&world, ClockKind::HoldingStatement)
            .await
            .iter()
            .any(|t| t.0 == ClockTransition::Breached)
    })
    .await;
    shutdown.cancel();
    run.await.expect("ends");
}
