//! People trapped in a lift: rescuers within 30 minutes (domain.md sections 6 and 10, decision 17).

use jiff::SignedDuration;
use redress_model::name::CaseName;
use redress_model::words::{CaseMode, CaseStatus, ClockKind, ClockState, SignalBasis, SignalKind};
use redress_proto::convert::to_wire;
use redress_proto::event::v1 as event;
use redress_proto::triage::v1 as wire;
use redress_proto::triage::v1::triage_service_server::TriageService;
use redress_proto::words::Signal;

use crate::world::{World, by, time};

const TRAPPED: &str = "我和两个邻居被困在3号楼的电梯里，请马上来人";

async fn trapped(world: &World) -> CaseName {
    let case = world.new_case();
    world.say(&case, TRAPPED);
    world.tell(&[world.received(world.facts(&case))]).await;
    case
}

async fn rescue(world: &World, case: &CaseName) -> Option<wire::CaseClock> {
    world.clocks(case).await.remove(&ClockKind::Rescue)
}

async fn signals(world: &World, case: &CaseName) -> Vec<wire::CaseSignal> {
    let request = wire::ListSignalsRequest {
        parent: case.to_string(),
        ..Default::default()
    };
    let answer = world.rpc.list_signals(by(world.manager(), request)).await;
    answer.expect("listed").into_inner().signals
}

fn danger(basis: SignalBasis) -> Signal {
    Signal {
        kind: to_wire(SignalKind::DangerToPersons),
        basis: to_wire(basis),
        ..Default::default()
    }
}

async fn visit(world: &World, case: &CaseName) {
    let contact = event::ContactRecorded {
        case: case.to_string(),
        contact_id: uuid::Uuid::now_v7().to_string(),
        direction: event::ContactDirection::Outbound.into(),
        channel: 3,
        by_person: true,
        visit: true,
        contact_time: Some(redress_proto::convert::to_timestamp(world.now())),
        ..Default::default()
    };
    let subject = case.to_string();
    let visit = world.event("intake", "redress.contact.recorded.v1", &subject, &contact);
    world.tell(&[visit]).await;
}

/// The customer says in a later message that they are trapped.
async fn says(world: &World, case: &CaseName) {
    let inbound = event::ContactDirection::Inbound;
    world.tell(&[world.message(case, inbound, TRAPPED)]).await;
}

/// Intake says that one case was merged into another.
async fn merge(world: &World, other: &CaseName, head: &CaseName) {
    let mut merged = event::CaseFacts {
        revision: 2,
        epoch: 2,
        ..world.facts(other)
    };
    merged.status = to_wire(CaseStatus::Merged);
    merged.merged_into = head.to_string();
    world.tell(&[world.updated(merged)]).await;
}

const DANGERS: &str = "SELECT count(*) FROM triage.signal WHERE kind = 'DANGER_TO_PERSONS'";

async fn dismiss(world: &World, signal: wire::CaseSignal) {
    let request = wire::DismissSignalRequest {
        name: signal.name,
        etag: signal.etag,
        reason: "the lift was empty".to_owned(),
        ..Default::default()
    };
    let answer = world.rpc.dismiss_signal(by(world.manager(), request)).await;
    answer.expect("dismissed");
}

#[tokio::test]
async fn a_text_that_says_people_are_trapped_starts_the_rescue_and_asks_whether_it_is_so() {
    let world = World::new().await;
    let case = trapped(&world).await;
    let clock = rescue(&world, &case).await.expect("promised");
    let start = world.now();
    assert_eq!(time(&clock.start_time), start);
    assert_eq!(time(&clock.due_time), start + SignedDuration::from_mins(30));
    let signals = signals(&world, &case).await;
    let signal = signals[0].signal.as_ref().expect("a signal");
    let expected = danger(SignalBasis::Suspected);
    assert_eq!((signal.kind, signal.basis), (expected.kind, expected.basis));
    assert_eq!(signals[0].recorder, "triage");
    // It counts only once somebody confirms it; the duty lead is asked (G1.8).
    assert_eq!(world.decision(&case).await.grade, 4);
    assert!(
        world
            .clocks(&case)
            .await
            .contains_key(&ClockKind::ConfirmSignal)
    );
    // An hour later nobody has been there: the rescue is overdue, and told.
    world.advance(SignedDuration::from_mins(31)).await;
    let clock = rescue(&world, &case).await.expect("promised");
    assert_eq!(clock.state, to_wire(ClockState::Breached));
    let told = world.pages().await;
    assert!(
        told.iter().any(|p| p.0 == "RESCUE" && p.1 == "BREACHED"),
        "{told:?}"
    );
}

#[tokio::test]
async fn m15_nobody_has_to_come_at_once_for_what_was_dismissed_until_it_is_so_after_all() {
    let world = World::new().await;
    let case = world.case().await;
    let on_site = async || world.clocks(&case).await.remove(&ClockKind::OnSite);
    assert!(on_site().await.is_none());
    let record = async || {
        let danger = danger(SignalBasis::Reported);
        let answer = world.record(world.manager(), &case, danger, "").await;
        answer.expect("recorded");
    };
    record().await;
    let state = async || on_site().await.expect("promised").state;
    assert_eq!(state().await, to_wire(ClockState::Running));
    let stated = signals(&world, &case).await.remove(0);
    dismiss(&world, stated).await;
    assert_eq!(state().await, to_wire(ClockState::Cancelled));
    world.advance(SignedDuration::from_hours(6)).await;
    let told = world.pages().await;
    assert!(told.iter().all(|p| p.0 != "ON_SITE"), "{told:?}");
    record().await;
    assert_eq!(state().await, to_wire(ClockState::Running));
}

#[tokio::test]
async fn a_visit_meets_the_rescue_and_a_dismissal_ends_it() {
    let world = World::new().await;
    let (visited, empty) = (trapped(&world).await, trapped(&world).await);
    visit(&world, &visited).await;
    let clock = rescue(&world, &visited).await.expect("promised");
    assert_eq!(clock.state, to_wire(ClockState::Met));

    let asked = signals(&world, &empty).await.remove(0);
    dismiss(&world, asked).await;
    let clock = rescue(&world, &empty).await.expect("promised");
    assert_eq!(clock.state, to_wire(ClockState::Cancelled));
    world.advance(SignedDuration::from_hours(2)).await;
    let told = world.pages().await;
    assert!(told.iter().all(|p| p.0 != "RESCUE"), "{told:?}");
    // Somebody is in there after all.
    let again = world
        .record(world.manager(), &empty, danger(SignalBasis::Confirmed), "")
        .await;
    again.expect("recorded");
    let clock = rescue(&world, &empty).await.expect("promised");
    assert_eq!(clock.state, to_wire(ClockState::Running));
    assert_eq!(time(&clock.start_time), world.now());
}

#[tokio::test]
async fn a_later_message_of_people_who_are_trapped_starts_their_rescue_whatever_was_dismissed_before()
 {
    let world = World::new().await;
    let case = world.case().await;
    world.advance(SignedDuration::from_hours(1)).await;
    says(&world, &case).await;
    let runs = async || {
        let clock = rescue(&world, &case).await.expect("promised");
        let from = (clock.state, time(&clock.start_time));
        assert_eq!(from, (to_wire(ClockState::Running), world.now()));
    };
    runs().await;
    let asked = signals(&world, &case).await.remove(0);
    let told = asked.signal.as_ref().expect("a signal");
    assert_eq!(told.kind, to_wire(SignalKind::DangerToPersons));
    dismiss(&world, asked).await;
    let clock = rescue(&world, &case).await.expect("promised");
    assert_eq!(clock.state, to_wire(ClockState::Cancelled));
    world.advance(SignedDuration::from_mins(5)).await;
    says(&world, &case).await;
    runs().await;
    // Said again, it is one danger.
    says(&world, &case).await;
    assert_eq!(world.count(DANGERS).await, 2);
}

#[tokio::test]
async fn people_who_are_trapped_again_after_a_visit_are_rescued_again() {
    let world = World::new().await;
    let case = trapped(&world).await;
    let state = async || {
        let clock = rescue(&world, &case).await.expect("promised");
        (clock.state, time(&clock.start_time))
    };
    let met = async || {
        world.advance(SignedDuration::from_mins(10)).await;
        visit(&world, &case).await;
        assert_eq!(state().await.0, to_wire(ClockState::Met));
    };
    met().await;
    // Nobody dismissed the danger, and somebody is in there again.
    world.advance(SignedDuration::from_hours(1)).await;
    says(&world, &case).await;
    let runs = (to_wire(ClockState::Running), world.now());
    assert_eq!(state().await, runs);
    assert_eq!(world.count(DANGERS).await, 2);
    says(&world, &case).await;
    assert_eq!(world.count(DANGERS).await, 2, "said again, it is one");
    met().await;
    // Not every danger that staff record is a lift.
    let danger = danger(SignalBasis::Reported);
    let recorded = world.record(world.manager(), &case, danger, "").await;
    recorded.expect("recorded");
    assert_eq!(state().await.0, to_wire(ClockState::Met));
}

#[tokio::test]
async fn what_a_merged_report_says_later_is_looked_for_once_with_its_head() {
    let world = World::new().await;
    let (head, other) = (trapped(&world).await, world.case().await);
    merge(&world, &other, &head).await;
    world.advance(SignedDuration::from_mins(5)).await;
    says(&world, &other).await;
    assert_eq!(world.count(DANGERS).await, 1, "its head is asked already");
    visit(&world, &head).await;
    world.advance(SignedDuration::from_hours(1)).await;
    says(&world, &other).await;
    assert_eq!(world.count(DANGERS).await, 2);
    let clock = rescue(&world, &head).await.expect("promised");
    let from = (clock.state, time(&clock.start_time));
    assert_eq!(from, (to_wire(ClockState::Running), world.now()));
}

#[tokio::test]
async fn a_merged_report_leaves_the_rescue_to_its_head_and_history_starts_none() {
    let world = World::new().await;
    let head = world.case().await;
    assert!(rescue(&world, &head).await.is_none());
    let other = trapped(&world).await;
    merge(&world, &other, &head).await;
    let gone = rescue(&world, &other).await.expect("promised");
    assert_eq!(gone.state, to_wire(ClockState::Cancelled));
    let clock = rescue(&world, &head).await.expect("the head has it now");
    assert_eq!(clock.state, to_wire(ClockState::Running));

    let old = world.new_case();
    world.say(&old, TRAPPED);
    let facts = event::CaseFacts {
        mode: to_wire(CaseMode::Historical),
        status: to_wire(CaseStatus::Archived),
        ..world.facts(&old)
    };
    world.tell(&[world.received(facts)]).await;
    assert!(world.clocks(&old).await.is_empty());
    assert!(signals(&world, &old).await.is_empty());
}
