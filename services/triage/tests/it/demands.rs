//! What outside bodies, contractors and courts demand, as assignment tells it (domain.md section 10).

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use redress_events::Event;
use redress_model::name::CaseName;
use redress_model::words::{
    CaseStatus, ClockKind, ClockState, DutyRole, SignalBasis, SignalKind, Word as _,
};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::event::v1 as event;
use redress_proto::event::v1::DeliverOutcome;
use redress_proto::triage::v1 as wire;
use redress_proto::triage::v1::clock_service_server::ClockService as _;
use redress_proto::words::Signal;
use uuid::Uuid;

use crate::world::{World, by, ids, last, time};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

struct Demand {
    id: Uuid,
    kind: ClockKind,
    start: Timestamp,
    due: Option<Timestamp>,
    granted: Option<Timestamp>,
}

impl Demand {
    fn told(&self, world: &World, case: &CaseName, state: event::DemandState) -> Event {
        let met = state == event::DemandState::Met;
        let payload = event::DemandChanged {
            case: case.to_string(),
            demand: self.id.to_string(),
            kind: to_wire(self.kind),
            state: state.into(),
            start_time: Some(to_timestamp(self.start)),
            due_time: self.due.map(to_timestamp),
            met_time: met.then(|| to_timestamp(world.now())),
            party: "12345".to_owned(),
            outside_number: "GD-1".to_owned(),
            grant_time: self.granted.map(to_timestamp),
            recorded_by: String::new(),
        };
        let subject = case.to_string();
        world.event(
            "assignment",
            "redress.demand.changed.v1",
            &subject,
            &payload,
        )
    }
}

fn transfer(world: &World) -> Demand {
    Demand {
        id: Uuid::now_v7(),
        kind: ClockKind::OutsideDeadline,
        start: world.now(),
        due: Some(world.now() + HOUR * 100),
        granted: None,
    }
}

fn begun(world: &World, case: &CaseName, stage: Uuid) -> Event {
    let payload = event::DisputeBegun {
        case: case.to_string(),
        stage: stage.to_string(),
        begin_time: Some(to_timestamp(world.now())),
        actor: "counsel".to_owned(),
    };
    let subject = case.to_string();
    world.event("assignment", "redress.dispute.begun.v1", &subject, &payload)
}

#[tokio::test]
async fn a_transfers_deadline_runs_moves_when_the_body_grants_it_and_is_met_by_the_answer() {
    let world = World::new().await;
    let case = world.case().await;
    let mut demand = transfer(&world);
    let clock = async || world.clocks(&case).await[&ClockKind::OutsideDeadline].clone();
    world
        .tell(&[demand.told(&world, &case, event::DemandState::Open)])
        .await;
    let first = clock().await;
    assert_eq!(first.state, to_wire(ClockState::Running));
    assert_eq!(Some(time(&first.due_time)), demand.due);
    assert_eq!(
        (first.party.as_str(), first.outside_number.as_str()),
        ("12345", "GD-1")
    );

    // It warns at 50 %, and not before.
    let warned = async || {
        let told: Vec<event::ClockChanged> = world.said("redress.clock.changed.v1").await;
        told.iter()
            .any(|c| c.kind == to_wire(ClockKind::OutsideDeadline) && c.transition != 1)
    };
    world
        .advance(HOUR * 50 - SignedDuration::from_secs(1))
        .await;
    assert!(!warned().await);
    world.advance(SignedDuration::from_secs(1)).await;
    assert!(warned().await);

    demand.due = demand.due.map(|due| due + HOUR * 24);
    world
        .tell(&[demand.told(&world, &case, event::DemandState::Open)])
        .await;
    assert_eq!(Some(time(&clock().await.due_time)), demand.due);
    world
        .tell(&[demand.told(&world, &case, event::DemandState::Met)])
        .await;
    assert_eq!(clock().await.state, to_wire(ClockState::Met));
}

#[tokio::test]
async fn time_that_a_body_gives_after_its_deadline_has_passed_is_watched_like_the_first() {
    let world = World::new().await;
    let case = world.case().await;
    let mut demand = transfer(&world);
    let breaches = async || world.paged("OUTSIDE_DEADLINE", "BREACHED").await;
    world
        .tell(&[demand.told(&world, &case, event::DemandState::Open)])
        .await;
    world.advance(HOUR * 101).await;
    assert_eq!(breaches().await, 1);
    demand.due = Some(world.now() + HOUR * 24);
    let granted = demand.told(&world, &case, event::DemandState::Open);
    world.tell(&[granted.clone(), granted]).await;
    let clock = world.clocks(&case).await[&ClockKind::OutsideDeadline].clone();
    assert_eq!(clock.state, to_wire(ClockState::Running));
    assert_eq!(Some(time(&clock.due_time)), demand.due);
    world.advance(HOUR * 23).await;
    assert_eq!(breaches().await, 1);
    world.advance(HOUR * 2).await;
    assert_eq!(breaches().await, 2);
}

#[tokio::test]
async fn time_that_a_body_gave_before_its_deadline_passed_is_no_breach_however_late_it_is_recorded()
{
    let world = World::new().await;
    let case = world.case().await;
    let mut demand = transfer(&world);
    let breaches = async || world.paged("OUTSIDE_DEADLINE", "BREACHED").await;
    let clock = async || world.clocks(&case).await[&ClockKind::OutsideDeadline].clone();
    world
        .tell(&[demand.told(&world, &case, event::DemandState::Open)])
        .await;
    world.advance(HOUR * 101).await;
    assert_eq!(clock().await.state, to_wire(ClockState::Breached));
    demand.granted = Some(world.now() - HOUR * 2);
    demand.due = Some(world.now() + HOUR * 24);
    let granted = demand.told(&world, &case, event::DemandState::Open);
    world.tell(&[granted.clone(), granted]).await;
    let extended = clock().await;
    assert_eq!(time(&extended.start_time), demand.start, "the same promise");
    assert_eq!(extended.state, to_wire(ClockState::Running));
    assert_eq!(Some(time(&extended.due_time)), demand.due);
    world.advance(HOUR * 23).await;
    assert_eq!(breaches().await, 1);
    // It is watched like the first.
    world.advance(HOUR * 2).await;
    assert_eq!(breaches().await, 2);
    world
        .tell(&[demand.told(&world, &case, event::DemandState::Met)])
        .await;
    assert_eq!(clock().await.state, to_wire(ClockState::Met));
}

#[tokio::test]
async fn g1_5_a_lawsuit_is_one_confirmed_signal_and_its_defence_counts_from_service() {
    let world = World::new().await;
    let case = world.case().await;
    let stage = Uuid::now_v7();
    // A Wednesday, so that the deadline falls on a working day.
    let served = world.now() - HOUR * 120;
    let defence = Demand {
        id: stage,
        kind: ClockKind::Defence,
        start: served,
        due: None,
        granted: None,
    };
    world
        .tell(&[
            defence.told(&world, &case, event::DemandState::Open),
            begun(&world, &case, stage),
            // Told again by another event: still one fact.
            begun(&world, &case, stage),
        ])
        .await;
    let decision = world.decision(&case).await;
    assert_eq!(decision.grade, 1);
    assert!(ids(&decision).contains(&"G1.5"), "{:?}", ids(&decision));
    assert_eq!(world.count("SELECT count(*) FROM triage.signal WHERE kind = 'LITIGATION' AND basis = 'CONFIRMED'").await, 1);
    assert_eq!(
        world
            .count("SELECT count(*) FROM triage.clock WHERE kind = 'DEFENCE'")
            .await,
        1
    );
    let clock = world.clocks(&case).await[&ClockKind::Defence].clone();
    // 15 days from service.
    assert_eq!(time(&clock.due_time), served + HOUR * 24 * 15);
    world
        .tell(&[defence.told(&world, &case, event::DemandState::Met)])
        .await;
    assert_eq!(
        world.clocks(&case).await[&ClockKind::Defence].state,
        to_wire(ClockState::Met)
    );
}

#[tokio::test]
async fn whoever_sues_has_no_defence_to_file() {
    let world = World::new().await;
    let case = world.case().await;
    let stage = Uuid::now_v7();
    let defence = Demand {
        id: stage,
        kind: ClockKind::Defence,
        start: world.now(),
        due: None,
        granted: None,
    };
    let told = defence.told(&world, &case, event::DemandState::Cancelled);
    world.tell(&[told, begun(&world, &case, stage)]).await;
    let clock = world.clocks(&case).await[&ClockKind::Defence].clone();
    assert_eq!(clock.state, to_wire(ClockState::Cancelled));
}

#[tokio::test]
async fn a_judgment_gives_fifteen_days_to_appeal_and_a_ruling_ten() {
    let world = World::new().await;
    let case = world.case().await;
    for (kind, days) in [
        (ClockKind::AppealJudgment, 15),
        (ClockKind::AppealRuling, 10),
    ] {
        let appeal = Demand {
            id: Uuid::now_v7(),
            kind,
            start: world.now(),
            due: None,
            granted: None,
        };
        world
            .tell(&[appeal.told(&world, &case, event::DemandState::Open)])
            .await;
        let clock = world.clocks(&case).await[&kind].clone();
        assert_eq!(time(&clock.due_time), world.now() + HOUR * 24 * days);
    }
}

/// Every interleaving of two sequences.
fn interleavings<T: Clone>(a: &[T], b: &[T]) -> Vec<Vec<T>> {
    match (a.split_first(), b.split_first()) {
        (None, _) => vec![b.to_vec()],
        (_, None) => vec![a.to_vec()],
        (Some((x, rest_a)), Some((y, rest_b))) => {
            let mut all = vec![];
            for (first, rest) in [(x, interleavings(rest_a, b)), (y, interleavings(a, rest_b))] {
                all.extend(rest.into_iter().map(|mut tail| {
                    tail.insert(0, first.clone());
                    tail
                }));
            }
            all
        }
    }
}

#[tokio::test]
async fn i3_demands_and_the_end_and_reopening_of_a_case_interleave_in_any_way() {
    let world = World::new().await;
    let mut ends = std::collections::BTreeSet::new();
    let events = |case: &CaseName, id: Uuid| {
        let (mut open, mut extended) = (transfer(&world), transfer(&world));
        (open.id, extended.id) = (id, id);
        extended.due = extended.due.map(|due| due + HOUR);
        let met = Demand {
            id: Uuid::from_u128(id.as_u128() ^ 1),
            ..transfer(&world)
        };
        let intake = vec![
            world.received(world.facts(case)),
            world.moved("intake", case, CaseStatus::Withdrawn, 2),
            world.moved("intake", case, CaseStatus::Reopened, 3),
        ];
        let assignment = vec![
            open.told(&world, case, event::DemandState::Open),
            extended.told(&world, case, event::DemandState::Open),
            met.told(&world, case, event::DemandState::Open),
            met.told(&world, case, event::DemandState::Met),
            begun(&world, case, id),
        ];
        (intake, assignment)
    };
    let (a, b) = events(&world.new_case(), Uuid::now_v7());
    let orders = interleavings(
        &(0..a.len()).collect::<Vec<_>>(),
        &(10..10 + b.len()).collect::<Vec<_>>(),
    );
    assert_eq!(orders.len(), 56);
    for order in orders {
        let case = world.new_case();
        let (intake, assignment) = events(&case, Uuid::now_v7());
        for n in &order {
            let event = if *n < 10 {
                &intake[*n]
            } else {
                &assignment[n - 10]
            };
            for _ in 0..2 {
                let outcome = world.deliver(event).await;
                assert!(matches!(
                    outcome,
                    DeliverOutcome::Applied | DeliverOutcome::Waiting
                ));
            }
        }
        let clocks: Vec<(String, String, i64)> = sqlx::query_as(
            "SELECT kind, state, extract(epoch FROM due_time)::bigint FROM triage.clock
             WHERE case_id = $1 AND kind IN ('OUTSIDE_DEADLINE', 'DEFENCE') ORDER BY kind, state",
        )
        .bind(case.id)
        .fetch_all(&world.database.admin)
        .await
        .expect("read");
        ends.insert(format!(
            "{:?} {}",
            clocks,
            world.decision(&case).await.grade
        ));
    }
    assert_eq!(ends.len(), 1, "{ends:#?}");
    let only = ends.first().expect("one");
    assert!(
        only.contains("\"MET\"") && only.contains("\"RUNNING\"") && only.ends_with('1'),
        "{only}"
    );
}

#[tokio::test]
async fn m03_help_that_was_promised_stands_when_the_case_is_resolved_first() {
    let world = World::new().await;
    let case = world.case().await;
    let help = Demand {
        kind: ClockKind::Support,
        ..transfer(&world)
    };
    world
        .tell(&[help.told(&world, &case, event::DemandState::Open)])
        .await;
    let state = async || world.clocks(&case).await[&ClockKind::Support].state;
    world
        .tell(&[world.moved("assignment", &case, CaseStatus::Resolved, 1)])
        .await;
    assert_eq!(state().await, to_wire(ClockState::Running));
    world
        .tell(&[help.told(&world, &case, event::DemandState::Met)])
        .await;
    assert_eq!(state().await, to_wire(ClockState::Met));
}

#[tokio::test]
async fn m17_the_stores_report_meets_the_one_clock_that_receipt_started() {
    let world = World::new().await;
    world.is_agency_store().await;
    let case = world.case().await;
    let state = async || world.clocks(&case).await[&ClockKind::StoreReport].state;
    assert_eq!(state().await, to_wire(ClockState::Running));
    let report = Demand {
        kind: ClockKind::StoreReport,
        due: None,
        ..transfer(&world)
    };
    world
        .tell(&[report.told(&world, &case, event::DemandState::Met)])
        .await;
    assert_eq!(state().await, to_wire(ClockState::Met));
    let clocks = world
        .count("SELECT count(*) FROM triage.clock WHERE kind = 'STORE_REPORT'")
        .await;
    assert_eq!(clocks, 1);
}

fn merged(world: &World, case: &CaseName, head: &CaseName) -> Event {
    merged_in(world, case, head, 2)
}

fn merged_in(world: &World, case: &CaseName, head: &CaseName, epoch: i64) -> Event {
    let payload = event::CaseMoved {
        case: case.to_string(),
        status: to_wire(CaseStatus::Merged),
        epoch,
        move_time: Some(to_timestamp(world.now())),
        merged_into: head.to_string(),
        ..Default::default()
    };
    let subject = case.to_string();
    world.event("intake", "redress.case.moved.v1", &subject, &payload)
}

async fn outside(world: &World, case: &CaseName) -> Option<ClockState> {
    let clock = world
        .clocks(case)
        .await
        .remove(&ClockKind::OutsideDeadline)?;
    ClockState::from_number(clock.state)
}

#[tokio::test]
async fn a_body_waits_for_the_head_of_a_case_that_is_merged_and_for_the_case_again_when_it_is_not()
{
    let world = World::new().await;
    let (case, head) = (world.case().await, world.case().await);
    let demand = transfer(&world);
    let told = |state| demand.told(&world, &case, state);
    world.tell(&[told(event::DemandState::Open)]).await;
    world.advance(HOUR).await;
    world.tell(&[merged(&world, &case, &head)]).await;
    assert_eq!(outside(&world, &case).await, Some(ClockState::Cancelled));
    let clock = world.clocks(&head).await[&ClockKind::OutsideDeadline].clone();
    assert_eq!(clock.state, to_wire(ClockState::Running));
    assert_eq!(Some(time(&clock.due_time)), demand.due);
    let named = (clock.party.as_str(), clock.outside_number.as_str());
    assert_eq!(named, ("12345", "GD-1"));
    // Taken apart: on the case again, and there alone.
    let apart = world.moved("intake", &case, CaseStatus::Received, 3);
    world.tell(&[apart]).await;
    assert_eq!(outside(&world, &case).await, Some(ClockState::Running));
    assert_eq!(outside(&world, &head).await, Some(ClockState::Cancelled));
}

#[tokio::test]
async fn a_breach_that_the_head_told_of_is_not_told_again_when_the_merge_is_undone_p11() {
    let world = World::new().await;
    let (case, head) = (world.case().await, world.case().await);
    let demand = transfer(&world);
    let due = demand.due.expect("an instant");
    let open = demand.told(&world, &case, event::DemandState::Open);
    world.tell(&[open, merged(&world, &case, &head)]).await;
    world.advance(world.now().duration_until(due) + HOUR).await;
    let breached = async || world.paged("OUTSIDE_DEADLINE", "BREACHED").await;
    assert_eq!(breached().await, 1);
    let apart = world.moved("intake", &case, CaseStatus::Received, 3);
    world.tell(&[apart]).await;
    world.advance(HOUR).await;
    assert_eq!(outside(&world, &case).await, Some(ClockState::Breached));
    assert_eq!(breached().await, 1);
}

#[tokio::test]
async fn what_a_body_grants_or_takes_back_while_a_case_is_merged_reaches_its_head() {
    let world = World::new().await;
    let (case, head) = (world.case().await, world.case().await);
    let mut demand = transfer(&world);
    world
        .tell(&[
            demand.told(&world, &case, event::DemandState::Open),
            merged(&world, &case, &head),
        ])
        .await;
    demand.due = demand.due.map(|due| due + HOUR * 24);
    world
        .tell(&[demand.told(&world, &case, event::DemandState::Open)])
        .await;
    let clock = world.clocks(&head).await[&ClockKind::OutsideDeadline].clone();
    assert_eq!(Some(time(&clock.due_time)), demand.due);
    world
        .tell(&[demand.told(&world, &case, event::DemandState::Met)])
        .await;
    assert_eq!(outside(&world, &head).await, Some(ClockState::Met));
    // Taken apart, it is done there too.
    let apart = world.moved("intake", &case, CaseStatus::Received, 3);
    world.tell(&[apart]).await;
    assert_eq!(outside(&world, &case).await, Some(ClockState::Met));
}

/// We speak with the customer, and promise the next word by then.
fn promised(world: &World, case: &CaseName, due: Timestamp) -> Event {
    let payload = event::ContactRecorded {
        case: case.to_string(),
        contact_id: Uuid::now_v7().to_string(),
        direction: event::ContactDirection::Outbound.into(),
        channel: to_wire(redress_model::words::Channel::Hotline),
        by_person: true,
        contact_time: Some(to_timestamp(world.now())),
        promised_next_time: Some(to_timestamp(due)),
        ..Default::default()
    };
    let subject = case.to_string();
    world.event("intake", "redress.contact.recorded.v1", &subject, &payload)
}

#[tokio::test]
async fn m16_a_word_that_was_promised_on_a_merged_case_is_owed_by_its_head() {
    let world = World::new().await;
    let (case, head) = (world.case().await, world.case().await);
    let due = world.now() + HOUR * 8;
    let word = promised(&world, &case, due);
    world.tell(&[word, merged(&world, &case, &head)]).await;
    let clock = world.clocks(&head).await[&ClockKind::InterimUpdate].clone();
    assert_eq!(time(&clock.due_time), due);
    assert!(clock.told_to_customer);
    world
        .tell(&[world.contact(&head, false, true, false)])
        .await;
    let state = world.clocks(&head).await[&ClockKind::InterimUpdate].state;
    assert_eq!(state, to_wire(ClockState::Met));
}

#[tokio::test]
async fn m16_another_word_after_a_merge_was_undone_is_owed_by_the_head_once_it_is_merged_again() {
    let world = World::new().await;
    let (case, head) = (world.case().await, world.case().await);
    let first = promised(&world, &case, world.now() + HOUR * 8);
    world.tell(&[first, merged(&world, &case, &head)]).await;
    world.advance(MINUTE).await;
    // The head keeps the first.
    let kept = world.contact(&head, false, true, false);
    world.tell(&[kept]).await;
    world.advance(MINUTE).await;
    let apart = world.moved("intake", &case, CaseStatus::Received, 3);
    world.tell(&[apart]).await;
    world.advance(MINUTE).await;
    let due = world.now() + HOUR * 4;
    let second = promised(&world, &case, due);
    world.tell(&[second]).await;
    world.advance(MINUTE).await;
    world.tell(&[merged_in(&world, &case, &head, 4)]).await;
    let clock = world.clocks(&head).await[&ClockKind::InterimUpdate].clone();
    assert_eq!(clock.state, to_wire(ClockState::Running));
    assert_eq!(time(&clock.due_time), due);
}

#[tokio::test]
async fn a_body_waits_still_where_the_head_ended_before_the_merge_was_undone_m03() {
    let world = World::new().await;
    let (case, head) = (world.case().await, world.case().await);
    let demand = transfer(&world);
    let open = demand.told(&world, &case, event::DemandState::Open);
    world
        .tell(&[
            open,
            merged(&world, &case, &head),
            world.moved("intake", &head, CaseStatus::Rejected, 2),
        ])
        .await;
    assert_eq!(outside(&world, &head).await, Some(ClockState::Cancelled));
    let apart = world.moved("intake", &case, CaseStatus::Received, 3);
    world.tell(&[apart]).await;
    let clock = world.clocks(&case).await[&ClockKind::OutsideDeadline].clone();
    assert_eq!(clock.state, to_wire(ClockState::Running));
    assert_eq!(Some(time(&clock.due_time)), demand.due);
    // The head has nothing to do with it any more, reopened or not.
    let reopened = world.moved("intake", &head, CaseStatus::Reopened, 3);
    world.tell(&[reopened]).await;
    assert_eq!(outside(&world, &head).await, Some(ClockState::Cancelled));
    assert_eq!(outside(&world, &case).await, Some(ClockState::Running));
}

#[tokio::test]
async fn a_head_owes_what_was_merged_into_it_in_whatever_order_its_end_is_heard_i3() {
    let world = World::new().await;
    for ends_first in [false, true] {
        let (case, head) = (world.case().await, world.case().await);
        let demand = transfer(&world);
        let open = demand.told(&world, &case, event::DemandState::Open);
        let mut heard = vec![
            merged(&world, &case, &head),
            world.moved("intake", &head, CaseStatus::Rejected, 2),
        ];
        if ends_first {
            heard.reverse();
        }
        world.tell(&[open]).await;
        world.tell(&heard).await;
        let reopened = world.moved("intake", &head, CaseStatus::Reopened, 3);
        world.tell(&[reopened]).await;
        let clock = world.clocks(&head).await[&ClockKind::OutsideDeadline].clone();
        assert_eq!(clock.state, to_wire(ClockState::Running), "{ends_first}");
        assert_eq!(Some(time(&clock.due_time)), demand.due, "{ends_first}");
    }
}

#[tokio::test]
async fn m18_an_appeal_is_owed_though_the_case_was_rejected_and_its_lateness_climbs() {
    let world = World::new().await;
    let case = world.case().await;
    let support = |world: &World| Demand {
        kind: ClockKind::Support,
        due: Some(world.now() + HOUR * 72),
        ..transfer(world)
    };
    // Help that was asked for before ends with the case; the newest is what is owed.
    let help = support(&world);
    world
        .tell(&[help.told(&world, &case, event::DemandState::Open)])
        .await;
    world.advance(MINUTE).await;
    let rejected = world.moved("assignment", &case, CaseStatus::Rejected, 1);
    world.tell(&[rejected]).await;
    let states = async || -> Vec<String> {
        sqlx::query_scalar(
            "SELECT state FROM triage.clock WHERE case_id = $1 AND kind = 'SUPPORT' ORDER BY start_time",
        )
        .bind(case.id)
        .fetch_all(&world.database.admin)
        .await
        .expect("read")
    };
    assert_eq!(states().await, ["CANCELLED"]);
    // The same is heard again once it is over.
    world
        .tell(&[help.told(&world, &case, event::DemandState::Open)])
        .await;
    assert_eq!(states().await, ["CANCELLED"]);

    world.advance(MINUTE).await;
    let appeal = support(&world);
    world
        .tell(&[appeal.told(&world, &case, event::DemandState::Open)])
        .await;
    assert_eq!(states().await, ["CANCELLED", "RUNNING"]);
    world.advance(HOUR * 72).await;
    assert_eq!(states().await, ["CANCELLED", "BREACHED"]);
    assert!(!world.pages_about(ClockKind::Support).await.is_empty());
    world
        .tell(&[appeal.told(&world, &case, event::DemandState::Met)])
        .await;
    assert_eq!(states().await, ["CANCELLED", "MET"]);
}

#[tokio::test]
async fn time_that_a_court_gave_to_defend_is_not_taken_back_by_a_graver_grade_p04() {
    let world = World::new().await;
    let case = world.case().await;
    let mut defence = lawsuit(&world);
    let open = defence.told(&world, &case, event::DemandState::Open);
    world.tell(&[open]).await;
    defence.due = Some(world.now() + HOUR * 24 * 40);
    let granted = defence.told(&world, &case, event::DemandState::Open);
    // The signal makes it grade 1.
    let stage = begun(&world, &case, defence.id);
    world.tell(&[granted, stage]).await;
    assert_eq!(world.decision(&case).await.grade, 1);
    let clock = world.clocks(&case).await[&ClockKind::Defence].clone();
    assert_eq!(Some(time(&clock.due_time)), defence.due);
}

#[tokio::test]
async fn time_that_a_body_gave_before_a_reopening_counts_though_it_is_recorded_after_it_i3() {
    let world = World::new().await;
    let case = world.case().await;
    let mut demand = transfer(&world);
    let open = demand.told(&world, &case, event::DemandState::Open);
    world.tell(&[open]).await;
    let withdrawn = world.moved("intake", &case, CaseStatus::Withdrawn, 2);
    world.tell(&[withdrawn]).await;
    demand.granted = Some(world.now() + HOUR * 90);
    demand.due = Some(world.now() + HOUR * 300);
    world.advance(HOUR * 101).await;
    let reopened = world.moved("intake", &case, CaseStatus::Reopened, 3);
    world.tell(&[reopened]).await;
    assert_eq!(outside(&world, &case).await, Some(ClockState::Breached));
    let granted = demand.told(&world, &case, event::DemandState::Open);
    world.tell(&[granted.clone(), granted]).await;
    let clock = world.clocks(&case).await[&ClockKind::OutsideDeadline].clone();
    assert_eq!(clock.state, to_wire(ClockState::Running));
    assert_eq!(Some(time(&clock.due_time)), demand.due);
    assert_eq!(time(&clock.start_time), demand.start);
    world.advance(HOUR * 200).await;
    assert_eq!(world.paged("OUTSIDE_DEADLINE", "BREACHED").await, 1);
}

#[tokio::test]
async fn what_was_done_in_time_is_no_breach_though_it_is_entered_after_the_case_ended_i3() {
    let world = World::new().await;
    let case = world.case().await;
    let demand = transfer(&world);
    let open = demand.told(&world, &case, event::DemandState::Open);
    world.tell(&[open]).await;
    // Done ten hours before the deadline.
    world.advance(HOUR * 90).await;
    let met = demand.told(&world, &case, event::DemandState::Met);
    let withdrawn = world.moved("intake", &case, CaseStatus::Withdrawn, 2);
    world.tell(&[withdrawn]).await;
    world.advance(HOUR * 20).await;
    world.tell(&[met]).await;
    let (state, round): (String, i32) = sqlx::query_as(
        "SELECT state, round FROM triage.clock WHERE kind = 'OUTSIDE_DEADLINE' AND due_time > stop_time",
    )
    .fetch_one(&world.database.admin)
    .await
    .expect("met before its deadline");
    assert_eq!((state.as_str(), round), ("MET", 2));
    assert_eq!(world.paged("OUTSIDE_DEADLINE", "BREACHED").await, 0);
}

#[tokio::test]
async fn more_time_that_is_given_after_the_warning_is_warned_of_again_p08() {
    let world = World::new().await;
    let case = world.case().await;
    let mut demand = transfer(&world);
    let warned = async || world.paged("OUTSIDE_DEADLINE", "WARNED").await;
    let open = demand.told(&world, &case, event::DemandState::Open);
    world.tell(&[open]).await;
    // At 50 and at 75 of 100 hours.
    world.advance(HOUR * 80).await;
    assert_eq!(warned().await, 2);
    demand.due = Some(demand.start + HOUR * 120);
    let granted = demand.told(&world, &case, event::DemandState::Open);
    world.tell(&[granted]).await;
    // Half of 120 has passed and was warned of, three quarters lie ahead.
    world.advance(HOUR * 9).await;
    assert_eq!(warned().await, 2);
    world.advance(HOUR * 2).await;
    assert_eq!(warned().await, 3);
}

#[tokio::test]
async fn who_acknowledged_a_breach_that_was_none_has_not_acknowledged_the_one_after_it_p14() {
    let world = World::new().await;
    let case = world.case().await;
    let mut demand = transfer(&world);
    let open = demand.told(&world, &case, event::DemandState::Open);
    world.tell(&[open]).await;
    let paged = async || world.pages_about(ClockKind::OutsideDeadline).await;
    world.advance(HOUR * 100).await;
    let first = paged().await.pop().expect("a page");
    // It had been given before, and is heard of only now.
    demand.granted = Some(world.now() - HOUR * 2);
    demand.due = Some(world.now() + HOUR * 24);
    let granted = demand.told(&world, &case, event::DemandState::Open);
    world.tell(&[granted]).await;
    world.advance(HOUR * 24).await;
    let before = paged().await;
    let second = before.last().expect("a page");
    assert_ne!(second.generation, first.generation);
    world.tell(&[world.acknowledged(&first)]).await;
    world.advance(HOUR).await;
    assert_eq!(paged().await.len(), before.len() + 1, "paged again");
    world.tell(&[world.acknowledged(second)]).await;
    world.advance(HOUR).await;
    assert_eq!(paged().await.len(), before.len() + 1);
}

/// A lawsuit that is served now.
fn lawsuit(world: &World) -> Demand {
    Demand {
        kind: ClockKind::Defence,
        due: None,
        ..transfer(world)
    }
}

/// A lawsuit as assignment tells it: the court's demand, then that it has begun.
async fn sued(world: &World, case: &CaseName) -> Demand {
    let suit = lawsuit(world);
    let open = suit.told(world, case, event::DemandState::Open);
    world.tell(&[open, begun(world, case, suit.id)]).await;
    suit
}

/// The defences of a case by their demands, empty for the one that nobody named.
async fn defences(world: &World, case: &CaseName) -> BTreeMap<String, wire::CaseClock> {
    let request = wire::ListClocksRequest {
        parent: format!("sites/{}", case.site),
        case: case.to_string(),
        kinds: vec![to_wire(ClockKind::Defence)],
        ..Default::default()
    };
    let listed = world.rpc.list_clocks(by(world.manager(), request)).await;
    let clocks = listed.expect("listed").into_inner().clocks;
    let count = clocks.len();
    let by_demand: BTreeMap<_, _> = clocks.into_iter().map(|c| (c.demand.clone(), c)).collect();
    assert_eq!(by_demand.len(), count, "one clock for a demand");
    by_demand
}

/// Where the defences of a case stand, in the order of these demands.
async fn stand<const N: usize>(
    world: &World,
    case: &CaseName,
    suits: [&Demand; N],
) -> [Option<ClockState>; N] {
    let defences = defences(world, case).await;
    suits.map(|suit| {
        let clock = defences.get(&suit.id.to_string())?;
        ClockState::from_number(clock.state)
    })
}

#[tokio::test]
async fn two_lawsuits_of_merged_cases_have_a_defence_each_and_each_is_met_by_its_own_answer_p01() {
    let world = World::new().await;
    let (case, head) = (world.case().await, world.case().await);
    let first = sued(&world, &case).await;
    world.advance(HOUR * 24).await;
    let second = sued(&world, &head).await;
    world.tell(&[merged(&world, &case, &head)]).await;
    let carried = defences(&world, &head).await;
    assert_eq!(carried.len(), 2, "{carried:?}");
    for suit in [&first, &second] {
        let clock = &carried[&suit.id.to_string()];
        assert_eq!(time(&clock.start_time), suit.start);
        assert_eq!(time(&clock.due_time), suit.start + HOUR * 24 * 15);
        let request = wire::ExplainClockRequest {
            name: clock.name.clone(),
        };
        let told = world.rpc.explain_clock(by(world.manager(), request)).await;
        let explained = told.expect("explained").into_inner().clock;
        assert_eq!(explained.expect("a clock").demand, suit.id.to_string());
    }
    let filed = first.told(&world, &case, event::DemandState::Met);
    world.tell(&[filed]).await;
    let (met, running) = (Some(ClockState::Met), Some(ClockState::Running));
    let both = [&first, &second];
    assert_eq!(stand(&world, &head, both).await, [met, running]);
    let filed = second.told(&world, &head, event::DemandState::Met);
    world.tell(&[filed]).await;
    assert_eq!(stand(&world, &head, both).await, [met, met]);
    // Nothing is left that could break.
    world.advance(HOUR * 24 * 40).await;
    assert_eq!(world.paged("DEFENCE", "BREACHED").await, 0);
}

#[tokio::test]
async fn a_merge_that_is_undone_gives_each_case_its_own_defence_back() {
    let world = World::new().await;
    let (case, head) = (world.case().await, world.case().await);
    let (first, second) = (sued(&world, &case).await, sued(&world, &head).await);
    world.tell(&[merged(&world, &case, &head)]).await;
    // Heard of while they are one: it is about the case all the same.
    let third = sued(&world, &case).await;
    let apart = world.moved("intake", &case, CaseStatus::Received, 3);
    world.tell(&[apart]).await;
    let all = [&first, &second, &third];
    let (running, cancelled) = (Some(ClockState::Running), Some(ClockState::Cancelled));
    assert_eq!(stand(&world, &case, all).await, [running, None, running]);
    assert_eq!(
        stand(&world, &head, all).await,
        [cancelled, running, cancelled]
    );
    for suit in [&first, &third] {
        let clock = &defences(&world, &case).await[&suit.id.to_string()];
        assert_eq!(time(&clock.due_time), suit.start + HOUR * 24 * 15);
    }
}

#[tokio::test]
async fn a_head_with_no_lawsuit_of_its_own_has_the_one_defence_that_was_merged_into_it_i3() {
    let world = World::new().await;
    for head_first in [true, false] {
        let case = world.case().await;
        let suit = sued(&world, &case).await;
        let head = world.new_case();
        let mut heard = vec![
            world.received(world.facts(&head)),
            merged(&world, &case, &head),
        ];
        if !head_first {
            heard.reverse();
        }
        world.tell(&heard).await;
        let all = defences(&world, &head).await;
        assert_eq!(all.len(), 1, "{head_first}: {all:?}");
        let running = [Some(ClockState::Running)];
        assert_eq!(stand(&world, &head, [&suit]).await, running, "{head_first}");
    }
}

#[tokio::test]
async fn a_court_names_the_defence_that_a_signal_started_and_the_next_lawsuit_has_its_own() {
    let world = World::new().await;
    let case = world.case().await;
    let record = async || {
        let signal = Signal {
            kind: to_wire(SignalKind::Litigation),
            basis: to_wire(SignalBasis::Reported),
            ..Default::default()
        };
        let recorded = world.record(world.manager(), &case, signal, "").await;
        recorded.expect("recorded");
    };
    record().await;
    let unnamed = defences(&world, &case).await[""].clone();
    let first = sued(&world, &case).await;
    let named = defences(&world, &case).await;
    assert_eq!(named.len(), 1, "the same promise: {named:?}");
    let clock = &named[&first.id.to_string()];
    assert_eq!(
        (&clock.name, &clock.due_time),
        (&unnamed.name, &unnamed.due_time)
    );
    assert_eq!(clock.outside_number, "GD-1");
    let second = sued(&world, &case).await;
    assert_eq!(defences(&world, &case).await.len(), 2);
    // Somebody else enters what is known already.
    world.advance(HOUR).await;
    record().await;
    assert_eq!(defences(&world, &case).await.len(), 2);
    for suit in [&first, &second] {
        let filed = suit.told(&world, &case, event::DemandState::Met);
        world.tell(&[filed]).await;
    }
    let met = Some(ClockState::Met);
    assert_eq!(stand(&world, &case, [&first, &second]).await, [met, met]);
    assert_eq!(defences(&world, &case).await.len(), 2);
    // After both have ended it is another one.
    world.advance(HOUR).await;
    record().await;
    let another = defences(&world, &case).await[""].clone();
    assert_eq!(another.state, to_wire(ClockState::Running));
    assert_eq!(time(&another.start_time), world.now());
}

#[tokio::test]
async fn a_defence_of_before_demands_were_named_goes_on_and_is_met_by_its_lawsuit() {
    let world = World::new().await;
    let (case, head) = (world.case().await, world.case().await);
    let first = sued(&world, &case).await;
    let before = sqlx::query("UPDATE triage.clock SET demand = NULL WHERE kind = 'DEFENCE'");
    before
        .execute(&world.database.admin)
        .await
        .expect("unnamed");
    // Its head promises it itself, as it did before.
    world.tell(&[merged(&world, &case, &head)]).await;
    let running = to_wire(ClockState::Running);
    assert_eq!(defences(&world, &head).await[""].state, running);
    let filed = first.told(&world, &case, event::DemandState::Met);
    world.tell(&[filed]).await;
    let met = [Some(ClockState::Met)];
    for of in [&case, &head] {
        assert_eq!(stand(&world, of, [&first]).await, met, "{of}");
        assert_eq!(defences(&world, of).await.len(), 1, "{of}");
    }
}

/// The last page about a body's deadline, as the case shows it.
async fn page_of(world: &World, case: &CaseName) -> wire::ClockPage {
    let mut clocks = world.clocks(case).await;
    let clock = clocks.remove(&ClockKind::OutsideDeadline);
    clock.and_then(|clock| clock.page).expect("a page")
}

#[tokio::test]
async fn a_page_about_a_merged_deadline_is_answered_for_on_its_head_and_sent_again_until_it_is() {
    let world = World::new().await;
    let (case, head) = (world.case().await, world.case().await);
    let demand = transfer(&world);
    let due = demand.due.expect("an instant");
    let open = demand.told(&world, &case, event::DemandState::Open);
    world.tell(&[open]).await;
    let paged = async || world.pages_about(ClockKind::OutsideDeadline).await;
    world.advance(HOUR * 100 + MINUTE * 10).await;
    let first = paged().await.pop().expect("a page");
    world.tell(&[merged(&world, &case, &head)]).await;
    let page = page_of(&world, &head).await;
    assert_eq!((last(&page.staff), page.page_count), ("lead-site", 1));
    assert_eq!(time(&page.answer_time), due + HOUR);
    world.advance(HOUR).await;
    let all = paged().await;
    let again = all.last().expect("a page");
    assert_eq!((all.len(), &again.case), (2, &head.to_string()));
    assert_eq!(time(&again.transition_time), due + HOUR);
    assert_eq!(last(&again.notify[0]), "lead-site");
    // It was told of the case, and is answered for wherever the deadline is by now.
    world.tell(&[world.acknowledged(&first)]).await;
    world.advance(HOUR * 3).await;
    assert_eq!(paged().await.len(), 2);
}

#[tokio::test]
async fn who_has_acknowledged_a_deadline_is_not_paged_again_by_a_merge_nor_by_its_undoing() {
    let world = World::new().await;
    let (case, head) = (world.case().await, world.case().await);
    let open = transfer(&world).told(&world, &case, event::DemandState::Open);
    world.tell(&[open]).await;
    let paged = async || world.pages_about(ClockKind::OutsideDeadline).await;
    world.advance(HOUR * 100 + MINUTE * 10).await;
    let first = paged().await.pop().expect("a page");
    let acknowledged = world.now();
    world.tell(&[world.acknowledged(&first)]).await;
    for of in [&head, &case] {
        let moved = if *of == head {
            merged(&world, &case, &head)
        } else {
            world.moved("intake", &case, CaseStatus::Received, 3)
        };
        world.tell(&[moved]).await;
        world.advance(HOUR * 3).await;
        assert_eq!(paged().await.len(), 1, "{of}");
        let page = page_of(&world, of).await;
        assert_eq!(time(&page.acknowledge_time), acknowledged, "{of}");
    }
}

#[tokio::test]
async fn a_page_of_the_head_is_answered_for_after_the_merge_is_undone() {
    let world = World::new().await;
    let (case, head) = (world.case().await, world.case().await);
    let demand = transfer(&world);
    let open = demand.told(&world, &case, event::DemandState::Open);
    world.tell(&[open, merged(&world, &case, &head)]).await;
    let paged = async || world.pages_about(ClockKind::OutsideDeadline).await;
    world.advance(HOUR * 100 + MINUTE * 10).await;
    let first = paged().await.pop().expect("a page");
    assert_eq!(first.case, head.to_string());
    let apart = world.moved("intake", &case, CaseStatus::Received, 3);
    world.tell(&[apart]).await;
    world.advance(HOUR).await;
    let all = paged().await;
    assert_eq!((all.len(), &all[1].case), (2, &case.to_string()));
    world.tell(&[world.acknowledged(&first)]).await;
    world.advance(HOUR * 3).await;
    assert_eq!(paged().await.len(), 2);
}

#[tokio::test]
async fn p14_who_comes_on_duty_hears_of_a_merged_deadline_that_nobody_heard_of() {
    let world = World::without_roster().await;
    let (case, head) = (world.case().await, world.case().await);
    let open = transfer(&world).told(&world, &case, event::DemandState::Open);
    world.tell(&[open]).await;
    world.advance(HOUR * 101).await;
    world.tell(&[merged(&world, &case, &head)]).await;
    let paged = async || world.pages_about(ClockKind::OutsideDeadline).await;
    world.advance(MINUTE).await;
    assert!(paged().await.is_empty());
    world.roster(&[(DutyRole::OnSiteLead, "lead-site")]).await;
    world.advance(MINUTE).await;
    let all = paged().await;
    let told: Vec<_> = all.iter().map(|p| (&p.case, last(&p.notify[0]))).collect();
    assert_eq!(told, [(&head.to_string(), "lead-site")]);
}

#[tokio::test]
async fn who_acknowledged_a_breach_from_above_has_not_acknowledged_the_next_one_p14() {
    let world = World::new().await;
    let case = world.case().await;
    let mut demand = transfer(&world);
    let open = demand.told(&world, &case, event::DemandState::Open);
    world.tell(&[open]).await;
    let paged = async || world.pages_about(ClockKind::OutsideDeadline).await;
    world.advance(HOUR * 105).await;
    let top = paged().await.pop().expect("a page");
    assert_eq!(top.level, 3);
    demand.due = Some(world.now() + HOUR * 24);
    let granted = demand.told(&world, &case, event::DemandState::Open);
    world.tell(&[granted]).await;
    world.advance(HOUR * 24).await;
    let before = paged().await.len();
    world.tell(&[world.acknowledged(&top)]).await;
    world.advance(HOUR).await;
    assert_eq!(paged().await.len(), before + 1, "paged again");
}

/// So much time passes, and whoever was paged last about a body's deadline acknowledges.
async fn acknowledged_after(world: &World, by: SignedDuration) {
    world.advance(by).await;
    let mut paged = world.pages_about(ClockKind::OutsideDeadline).await;
    if let Some(last) = paged.pop() {
        world.tell(&[world.acknowledged(&last)]).await;
    }
}

/// Who was paged about a body's deadline: after how many hours, and on which rung.
async fn paged_since(world: &World, start: Timestamp) -> Vec<(i64, i32)> {
    let pages = world.pages_about(ClockKind::OutsideDeadline).await;
    let hours = |page: &event::ClockChanged| {
        let at = time(&page.transition_time);
        start.duration_until(at).as_hours()
    };
    pages.iter().map(|page| (hours(page), page.level)).collect()
}

#[tokio::test]
async fn what_an_ended_head_owes_climbs_from_its_reopening_in_whatever_order_it_is_heard_i3_p27() {
    // The demand, the merge, the end of the head.
    for order in [[0, 1, 2], [0, 2, 1], [1, 2, 0], [2, 1, 0]] {
        let world = World::new().await;
        let (case, head) = (world.case().await, world.case().await);
        let start = world.now();
        let told = [
            transfer(&world).told(&world, &case, event::DemandState::Open),
            merged(&world, &case, &head),
            world.moved("intake", &head, CaseStatus::Rejected, 2),
        ];
        for n in order {
            world.tell(std::slice::from_ref(&told[n])).await;
        }
        let owed = outside(&world, &head).await;
        assert_eq!(owed, Some(ClockState::Cancelled), "{order:?}");
        world.advance(HOUR * 201).await;
        let reopened = world.moved("intake", &head, CaseStatus::Reopened, 3);
        world.tell(&[reopened]).await;
        // The deadline was at 100 hours, and passed while nobody was to keep it.
        for hours in [0, 50, 50] {
            acknowledged_after(&world, HOUR * hours).await;
        }
        let paged = paged_since(&world, start).await;
        assert_eq!(paged, [(201, 1), (251, 2), (301, 3)], "{order:?}");
    }
}

#[tokio::test]
async fn what_a_former_release_did_not_give_an_ended_head_climbs_from_its_reopening_too_p27() {
    let world = World::new().await;
    let (case, head) = (world.case().await, world.case().await);
    let start = world.now();
    let told = [
        transfer(&world).told(&world, &case, event::DemandState::Open),
        world.moved("intake", &head, CaseStatus::Rejected, 2),
        merged(&world, &case, &head),
    ];
    world.tell(&told).await;
    for given in [
        "DELETE FROM triage.clock_event WHERE clock_id IN
           (SELECT id FROM triage.clock WHERE case_id = $1 AND kind = 'OUTSIDE_DEADLINE')",
        "DELETE FROM triage.clock WHERE case_id = $1 AND kind = 'OUTSIDE_DEADLINE'",
    ] {
        let taken = sqlx::query(given).bind(head.id);
        let taken = taken.execute(&world.database.admin).await.expect("taken");
        assert!(taken.rows_affected() > 0);
    }
    world.advance(HOUR * 201).await;
    let reopened = world.moved("intake", &head, CaseStatus::Reopened, 3);
    world.tell(&[reopened]).await;
    for hours in [0, 50] {
        acknowledged_after(&world, HOUR * hours).await;
    }
    assert_eq!(paged_since(&world, start).await, [(201, 1), (251, 2)]);
}

#[tokio::test]
async fn m16_a_reopened_head_owes_a_promised_word_that_is_still_ahead_in_either_order_i3() {
    for (ends_first, passed) in [(false, false), (false, true), (true, false), (true, true)] {
        let world = World::new().await;
        let (case, head) = (world.case().await, world.case().await);
        let due = world.now() + HOUR * 8;
        let mut heard = vec![
            merged(&world, &case, &head),
            world.moved("intake", &head, CaseStatus::Rejected, 2),
        ];
        if ends_first {
            heard.reverse();
        }
        world.tell(&[promised(&world, &case, due)]).await;
        world.tell(&heard).await;
        world.advance(HOUR * if passed { 9 } else { 2 }).await;
        let reopened = world.moved("intake", &head, CaseStatus::Reopened, 3);
        world.tell(&[reopened]).await;
        let at = world.now();
        let clock = world.clocks(&head).await[&ClockKind::InterimUpdate].clone();
        let which = (ends_first, passed);
        if passed {
            // An instant that passed is not promised anew, and nobody is paged about it.
            assert_eq!(clock.state, to_wire(ClockState::Cancelled), "{which:?}");
            world.advance(HOUR * 24).await;
            let paged = world.pages_about(ClockKind::InterimUpdate).await;
            assert!(paged.is_empty(), "{which:?}");
        } else {
            assert_eq!(clock.state, to_wire(ClockState::Running), "{which:?}");
            let times = (time(&clock.start_time), time(&clock.due_time));
            assert_eq!(times, (at, due), "{which:?}");
        }
    }
}

#[tokio::test]
async fn p23_a_merge_while_no_timer_fires_makes_nothing_late_and_every_rung_is_paged() {
    for again in [false, true] {
        let world = World::new().await;
        let (case, head) = (world.case().await, world.case().await);
        let open = transfer(&world).told(&world, &case, event::DemandState::Open);
        world.tell(&[open]).await;
        if again {
            let together = merged(&world, &case, &head);
            let apart = world.moved("intake", &case, CaseStatus::Received, 3);
            world.tell(&[together, apart]).await;
        }
        // Meanwhile the deadline passes, at 100 hours, and its first climb.
        world.clock.advance(HOUR * 160);
        let epoch = if again { 4 } else { 2 };
        let together = merged_in(&world, &case, &head, epoch);
        world.tell(&[together]).await;
        world.advance(SignedDuration::ZERO).await;
        let pages = world.pages_about(ClockKind::OutsideDeadline).await;
        let rungs: Vec<i32> = pages.iter().map(|page| page.level).collect();
        assert_eq!(rungs, [1, 2], "{again}");
    }
}

#[tokio::test]
async fn a_deadline_that_passed_before_its_clock_was_made_anew_climbs_from_then_when_merged_p11() {
    for by_merge in [false, true] {
        let world = World::new().await;
        let (case, head) = (world.case().await, world.case().await);
        let other = world.case().await;
        let start = world.now();
        let open = transfer(&world).told(&world, &case, event::DemandState::Open);
        world.tell(&[open]).await;
        world.advance(HOUR * 50).await;
        let (away, back) = if by_merge {
            (merged(&world, &case, &other), CaseStatus::Received)
        } else {
            let withdrawn = world.moved("intake", &case, CaseStatus::Withdrawn, 2);
            (withdrawn, CaseStatus::Reopened)
        };
        world.tell(&[away]).await;
        // At 100 hours only a head tells of it.
        acknowledged_after(&world, HOUR * 50).await;
        world.advance(HOUR * 20).await;
        let back = world.moved("intake", &case, back, 3);
        world.tell(&[back]).await;
        acknowledged_after(&world, SignedDuration::ZERO).await;
        world.advance(HOUR).await;
        let together = merged_in(&world, &case, &head, 4);
        world.tell(&[together]).await;
        // Half of the hundred hours and the whole after the case had come back, at 120.
        for hours in [0, 49, 50] {
            acknowledged_after(&world, HOUR * hours).await;
        }
        let first = if by_merge { 100 } else { 120 };
        let paged = paged_since(&world, start).await;
        assert_eq!(paged, [(first, 1), (170, 2), (220, 3)], "{by_merge}");
    }
}
