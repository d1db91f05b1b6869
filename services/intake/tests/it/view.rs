//! The case view: kept from what the other services say, whatever the order between them.

use jiff::SignedDuration;
use redress_events::Event;
use redress_model::words::{CaseStatus, ClockKind, ClockState, ClockTransition};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::event::v1 as events;
use redress_proto::intake::v1 as pb;
use uuid::Uuid;

use crate::world::{World, caller, event, leak, start};

fn graded(case: &str, revision: i64, grade: i32, epoch: i64) -> events::CaseGraded {
    events::CaseGraded {
        case: case.to_owned(),
        cluster: "sites/lake/clusters/0190a6c2-0000-7000-8000-000000000001".to_owned(),
        grade,
        criteria: vec![events::MatchedCriterion {
            criterion_id: format!("G{grade}"),
            evidence: String::new(),
        }],
        nature: 4,
        urgency: 2,
        category: 1,
        revision,
        epoch,
        decide_time: Some(to_timestamp(start())),
        ..Default::default()
    }
}

fn moved(case: &str, status: CaseStatus, epoch: i64) -> events::CaseMoved {
    events::CaseMoved {
        case: case.to_owned(),
        status: to_wire(status),
        epoch,
        move_time: Some(to_timestamp(start())),
        ..Default::default()
    }
}

fn owned(case: &str, revision: i64, owner: &str, offered: &str) -> events::OwnerChanged {
    events::OwnerChanged {
        case: case.to_owned(),
        responsible: owner.to_owned(),
        offered_to: offered.to_owned(),
        department: "sites/lake/departments/repair".to_owned(),
        revision,
        ..Default::default()
    }
}

fn clock(
    case: &str,
    id: u128,
    generation: i64,
    state: ClockState,
    level: i32,
) -> events::ClockChanged {
    events::ClockChanged {
        clock: format!("sites/lake/clocks/{}", Uuid::from_u128(id)),
        case: case.to_owned(),
        kind: to_wire(ClockKind::Answer),
        state: to_wire(state),
        transition: to_wire(ClockTransition::Started),
        start_time: Some(to_timestamp(start())),
        due_time: Some(to_timestamp(start() + SignedDuration::from_hours(2))),
        transition_time: Some(to_timestamp(start())),
        level,
        generation,
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_view_shows_status_grade_owner_clocks_and_incident() {
    let world = World::new().await;
    let case = world.create(leak()).await;
    let name = case.name.as_str();
    world
        .deliver(
            "triage",
            "redress.case.graded.v1",
            name,
            &graded(name, 1, 1, 1),
        )
        .await;
    // The same decision under another event's id, as after a restored backup of the sender: no effect.
    world
        .deliver(
            "triage",
            "redress.case.graded.v1",
            name,
            &graded(name, 1, 4, 1),
        )
        .await;
    world
        .deliver(
            "triage",
            "redress.clock.changed.v1",
            name,
            &clock(name, 1, 1, ClockState::Running, 0),
        )
        .await;
    world
        .deliver(
            "triage",
            "redress.clock.changed.v1",
            name,
            &clock(name, 2, 1, ClockState::Running, 0),
        )
        .await;
    world
        .deliver(
            "triage",
            "redress.clock.changed.v1",
            name,
            &clock(name, 1, 3, ClockState::Met, 0),
        )
        .await;
    world
        .deliver(
            "triage",
            "redress.clock.changed.v1",
            name,
            &clock(name, 2, 2, ClockState::Breached, 1),
        )
        .await;
    world
        .deliver(
            "assignment",
            "redress.owner.changed.v1",
            name,
            &owned(name, 2, "sites/lake/staff/wang", ""),
        )
        .await;
    world
        .deliver(
            "assignment",
            "redress.owner.changed.v1",
            name,
            &owned(name, 1, "", "sites/lake/staff/wang"),
        )
        .await;
    let held = events::ClockChanged {
        held: true,
        ..clock(name, 3, 1, ClockState::Running, 0)
    };
    world
        .deliver("triage", "redress.clock.changed.v1", name, &held)
        .await;
    let incident = format!("sites/lake/incidents/{}", Uuid::now_v7());
    let opened = events::IncidentChanged {
        incident: incident.clone(),
        cases: vec![case.name.clone()],
        transition: events::IncidentTransition::Opened.into(),
        revision: 1,
        ..Default::default()
    };
    world
        .deliver("crisis", "redress.incident.changed.v1", &incident, &opened)
        .await;
    let sent = events::MessageChanged {
        message: format!("sites/lake/messages/{}", Uuid::now_v7()),
        template: "case.received".to_owned(),
        case: case.name.clone(),
        state: "SENT".to_owned(),
        change_time: Some(to_timestamp(start())),
        channel: "SMS".to_owned(),
        ..Default::default()
    };
    world
        .deliver("notification", "redress.message.changed.v1", name, &sent)
        .await;
    let dropped = events::MessageChanged {
        message: format!("sites/lake/messages/{}", Uuid::now_v7()),
        template: "case.message".to_owned(),
        state: "CANCELLED".to_owned(),
        reason: "DROPPED".to_owned(),
        channel: String::new(),
        ..sent
    };
    world
        .deliver("notification", "redress.message.changed.v1", name, &dropped)
        .await;

    let seen = world.get(name).await;
    assert_eq!((seen.status, seen.grade), (to_wire(CaseStatus::Triaged), 1));
    assert_eq!(seen.criterion_ids, ["G1"]);
    assert_eq!(seen.owner, "sites/lake/staff/wang");
    assert_eq!(seen.incident, incident);
    let mut clocks: Vec<_> = seen
        .clocks
        .iter()
        .map(|c| (c.state, c.level, c.held))
        .collect();
    clocks.sort_unstable();
    let breached = (to_wire(ClockState::Breached), 1, false);
    let mut expected = [breached, (to_wire(ClockState::Running), 0, true)];
    expected.sort_unstable();
    assert_eq!(clocks, expected, "a held one does not count down");
    assert_eq!(
        seen.etag, case.etag,
        "what others add leaves the etag alone"
    );
    let entries = world
        .cases(caller("clerk"))
        .list_timeline(pb::ListTimelineRequest {
            parent: case.name.clone(),
            ..Default::default()
        })
        .await
        .expect("entries")
        .into_inner()
        .entries;
    let told = |entry: &pb::TimelineEntry| {
        ["state", "channel", "reason"].map(|key| entry.facts.get(key).cloned().unwrap_or_default())
    };
    assert_eq!(told(&entries[1]), ["SENT", "SMS", ""]);
    assert_eq!(told(&entries[0]), ["CANCELLED", "", "DROPPED"]);
    let kinds: Vec<pb::TimelineKind> = entries.iter().rev().map(|e| e.kind()).collect();
    use pb::TimelineKind as K;
    assert_eq!(
        kinds,
        [
            K::Received,
            K::Graded,
            K::ClockChanged,
            K::ClockChanged,
            K::ClockChanged,
            K::ClockChanged,
            K::OwnerChanged,
            K::ClockChanged,
            K::IncidentChanged,
            K::Message,
            K::Message
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_any_interleaving_of_the_producers_leads_to_the_same_view() {
    let world = World::new().await;
    let mut views = Vec::new();
    // Each producer's own order stays; all six ways to interleave two pairs, each event delivered twice.
    for order in ["ggaa", "gaga", "gaag", "agga", "agag", "aagg"] {
        let case = world.create(leak()).await;
        let name = case.name.clone();
        let mut triage = [graded(&name, 1, 3, 1), graded(&name, 2, 2, 1)].into_iter();
        let mut assignment = [CaseStatus::Assigned, CaseStatus::Accepted].into_iter();
        for who in order.chars() {
            let event = if who == 'g' {
                event(
                    "triage",
                    "redress.case.graded.v1",
                    &name,
                    &triage.next().expect("two"),
                )
            } else {
                let status = assignment.next().expect("two");
                event(
                    "assignment",
                    "redress.case.moved.v1",
                    &name,
                    &moved(&name, status, 1),
                )
            };
            for _ in 0..2 {
                let results = world
                    .inbox
                    .receive(vec![event.clone()])
                    .await
                    .expect("received");
                assert_eq!(results[0].reason, "");
            }
        }
        let seen = world.get(&name).await;
        views.push((
            seen.status,
            seen.grade,
            seen.decision_revision,
            seen.cluster,
        ));
        let verdict = world
            .cases(caller("a"))
            .verify_timeline(pb::VerifyTimelineRequest { name })
            .await
            .expect("a verdict")
            .into_inner();
        assert_eq!(
            (verdict.valid, verdict.entry_count),
            (true, 5),
            "{order}: no effect twice"
        );
    }
    assert!(views.iter().all(|v| *v == views[0]), "{views:?}");
    assert_eq!((views[0].0, views[0].1), (to_wire(CaseStatus::Accepted), 2));
}

/// What the others say of a case in its first minutes, with one decision and one state of a clock out of date.
fn first_minutes(case: &str, n: u128) -> Vec<Event> {
    let clock = |id, generation, state| clock(case, 100 * n + id, generation, state, 0);
    let (running, met) = (ClockState::Running, ClockState::Met);
    let staff = "sites/lake/staff/wang";
    let message = events::MessageChanged {
        message: format!("sites/lake/messages/{}", Uuid::from_u128(n)),
        case: case.to_owned(),
        state: "SENT".to_owned(),
        change_time: Some(to_timestamp(start())),
        ..Default::default()
    };
    let graded = |revision, grade| {
        let payload = graded(case, revision, grade, 1);
        event("triage", "redress.case.graded.v1", case, &payload)
    };
    let clock = |id, generation, state| {
        let payload = clock(id, generation, state);
        event("triage", "redress.clock.changed.v1", case, &payload)
    };
    let moved = |status| {
        let payload = moved(case, status, 1);
        event("assignment", "redress.case.moved.v1", case, &payload)
    };
    let owned = |revision, owner, offered| {
        let payload = owned(case, revision, owner, offered);
        event("assignment", "redress.owner.changed.v1", case, &payload)
    };
    vec![
        graded(1, 3),
        clock(1, 1, running),
        clock(2, 1, running),
        owned(1, "", staff),
        graded(2, 2),
        graded(1, 4),
        moved(CaseStatus::Assigned),
        clock(1, 3, met),
        clock(1, 2, running),
        owned(2, staff, ""),
        moved(CaseStatus::Accepted),
        event("notification", "redress.message.changed.v1", case, &message),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_i12_a_view_kept_of_many_events_at_once_is_the_one_kept_of_each() {
    let world = World::new().await;
    let mut cases = Vec::new();
    let mut all = Vec::new();
    for n in 0..4 {
        let case = world.create(leak()).await;
        let told = first_minutes(&case.name, n);
        if n == 0 {
            for event in told {
                let results = world.inbox.receive(vec![event]).await.expect("received");
                assert_eq!(results[0].reason, "");
            }
        } else {
            all.push(told);
        }
        cases.push(case.name);
    }
    // Of three cases in turn.
    let all: Vec<Event> = (0..all[0].len())
        .flat_map(|i| all.iter().map(move |told| told[i].clone()))
        .collect();
    let results = world.inbox.receive(all).await.expect("received");
    assert!(results.iter().all(|r| r.reason.is_empty()), "{results:?}");
    const TRANSACTIONS: &str =
        "SELECT count(DISTINCT xmin::text) FROM intake.timeline WHERE sequence > 1";
    let transactions: i64 = sqlx::query_scalar(TRANSACTIONS)
        .fetch_one(&world.data.admin)
        .await
        .expect("a count");
    assert_eq!(transactions, 11, "ten of the first, one of the others");

    let mut views = Vec::new();
    for name in &cases {
        let seen = world.get(name).await;
        let mut clocks: Vec<(i32, i32)> = seen.clocks.iter().map(|c| (c.kind, c.state)).collect();
        clocks.sort_unstable();
        let entries = world
            .cases(caller("clerk"))
            .list_timeline(pb::ListTimelineRequest {
                parent: name.clone(),
                ..Default::default()
            })
            .await
            .expect("entries")
            .into_inner()
            .entries;
        let kinds: Vec<pb::TimelineKind> = entries.iter().map(|e| e.kind()).collect();
        let graded: Vec<_> = entries
            .iter()
            .filter(|e| e.kind() == pb::TimelineKind::Graded)
            .map(|e| (e.actor.clone(), e.facts.clone()))
            .collect();
        let request = pb::VerifyTimelineRequest { name: name.clone() };
        let verdict = world.cases(caller("a")).verify_timeline(request).await;
        let verdict = verdict.expect("a verdict").into_inner();
        assert!(verdict.valid, "{verdict:?}");
        views.push((
            (seen.status, seen.grade, seen.decision_revision),
            (seen.owner, seen.offered_to, seen.department, seen.cluster),
            clocks,
            kinds,
            graded,
        ));
    }
    assert!(views.iter().all(|v| *v == views[0]), "{views:#?}");
    assert_eq!(views[0].0, (to_wire(CaseStatus::Accepted), 2, 2));
    assert_eq!(views[0].2.len(), 1, "what was met runs no more");
    assert_eq!(views[0].3.len(), 11, "received, and ten of twelve");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_of_an_older_epoch_is_recorded_without_effect() {
    let world = World::new().await;
    let case = world.create(leak()).await;
    world
        .cases(caller("clerk"))
        .withdraw_case(pb::WithdrawCaseRequest {
            name: case.name.clone(),
            reason: "x".into(),
            ..Default::default()
        })
        .await
        .expect("withdrawn");
    world
        .deliver(
            "assignment",
            "redress.case.moved.v1",
            &case.name,
            &moved(&case.name, CaseStatus::Accepted, 1),
        )
        .await;
    world
        .deliver(
            "triage",
            "redress.case.graded.v1",
            &case.name,
            &graded(&case.name, 1, 3, 1),
        )
        .await;
    let seen = world.get(&case.name).await;
    assert_eq!(
        (seen.status, seen.grade),
        (to_wire(CaseStatus::Withdrawn), 3)
    );
    let entries = world
        .cases(caller("clerk"))
        .list_timeline(pb::ListTimelineRequest {
            parent: case.name,
            ..Default::default()
        })
        .await
        .expect("entries")
        .into_inner()
        .entries;
    assert!(
        entries
            .iter()
            .any(|e| e.kind() == pb::TimelineKind::StaleMove)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_about_a_case_that_never_was_is_refused() {
    let world = World::new().await;
    let name = format!("sites/lake/cases/{}", Uuid::now_v7());
    let wrong = [
        event(
            "triage",
            "redress.case.graded.v1",
            &name,
            &graded(&name, 1, 3, 1),
        ),
        event(
            "triage",
            "redress.case.graded.v1",
            "x",
            &graded("sites/river/cases/x", 1, 3, 1),
        ),
    ];
    for event in wrong {
        let results = world.inbox.receive(vec![event]).await.expect("received");
        assert_eq!(
            results[0].outcome(),
            events::DeliverOutcome::Rejected,
            "{results:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p01_the_view_shows_promises_and_not_what_a_lead_is_asked_inside() {
    let world = World::new().await;
    let case = world.create(leak()).await;
    let question = events::ClockChanged {
        kind: to_wire(ClockKind::ConfirmSignal),
        ..clock(&case.name, 1, 1, ClockState::Running, 0)
    };
    let promise = clock(&case.name, 2, 1, ClockState::Running, 0);
    for said in [question, promise] {
        world
            .deliver("triage", "redress.clock.changed.v1", &case.name, &said)
            .await;
    }
    let seen = world.get(&case.name).await;
    let kinds: Vec<i32> = seen.clocks.iter().map(|clock| clock.kind).collect();
    assert_eq!(kinds, [to_wire(ClockKind::Answer)]);
}
