//! What the law itself gives a time for: leaks, accidents, changed plans (domain.md sections 6 and 10, decision 60).

use jiff::SignedDuration;
use redress_events::Event;
use redress_model::name::CaseName;
use redress_model::words::{
    CaseMode, CaseStatus, ClockKind, ClockState, LegalDeadline, SignalBasis, SignalKind,
};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::event::v1 as event;
use redress_proto::triage::v1 as wire;
use redress_proto::triage::v1::calendar_service_server::CalendarService;
use redress_proto::triage::v1::clock_service_server::ClockService;
use redress_proto::triage::v1::policy_service_server::PolicyService;
use redress_proto::triage::v1::triage_service_server::TriageService;
use redress_proto::words::Signal;
use redress_triage::jobs::CalendarKeeper;
use tonic::{Code, Status};

use crate::world::{World, by, time};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// What a leak starts by itself.
const OF_A_LEAK: [LegalDeadline; 2] = [
    LegalDeadline::DataLeakTold,
    LegalDeadline::NetworkIncidentReport,
];

/// The deadlines of the law on a case, in the order of their names.
async fn by_law(world: &World, case: &CaseName) -> Vec<wire::CaseClock> {
    let request = wire::ListClocksRequest {
        parent: format!("sites/{}", case.site),
        case: case.to_string(),
        kinds: vec![to_wire(ClockKind::OutsideDeadline)],
        ..Default::default()
    };
    let answer = world.rpc.list_clocks(by(world.manager(), request)).await;
    let mut clocks = answer.expect("listed").into_inner().clocks;
    clocks.retain(|clock| clock.law != 0);
    clocks.sort_by_key(|clock| (clock.law, clock.name.clone()));
    clocks
}

/// Which of them a case has, and where each stands.
async fn stand(world: &World, case: &CaseName) -> Vec<(i32, i32)> {
    let clocks = by_law(world, case).await;
    clocks.into_iter().map(|c| (c.law, c.state)).collect()
}

/// What a leak starts, all of it in this state.
fn of_a_leak(state: ClockState) -> Vec<(i32, i32)> {
    OF_A_LEAK.map(|law| (to_wire(law), to_wire(state))).to_vec()
}

async fn known(world: &World, case: &CaseName, kind: SignalKind, basis: SignalBasis) {
    let signal = Signal {
        kind: to_wire(kind),
        basis: to_wire(basis),
        ..Default::default()
    };
    let answer = world.record(world.manager(), case, signal, "").await;
    answer.expect("recorded");
}

async fn leak(world: &World, case: &CaseName) {
    known(world, case, SignalKind::DataLeak, SignalBasis::Reported).await;
}

/// The newest signal of a case.
async fn newest(world: &World, case: &CaseName) -> wire::CaseSignal {
    let request = wire::ListSignalsRequest {
        parent: case.to_string(),
        ..Default::default()
    };
    let answer = world.rpc.list_signals(by(world.manager(), request)).await;
    answer.expect("listed").into_inner().signals.remove(0)
}

/// A person says that the newest signal of a case is so.
async fn confirm(world: &World, case: &CaseName) {
    confirm_one(world, newest(world, case).await).await;
}

async fn confirm_one(world: &World, signal: wire::CaseSignal) {
    let request = wire::ConfirmSignalRequest {
        name: signal.name,
        etag: signal.etag,
        ..Default::default()
    };
    let answer = world.rpc.confirm_signal(by(world.manager(), request)).await;
    answer.expect("confirmed");
}

/// A person says that the newest signal of a case is not so.
async fn dismiss(world: &World, case: &CaseName) {
    let signal = newest(world, case).await;
    let request = wire::DismissSignalRequest {
        name: signal.name,
        etag: signal.etag,
        reason: "a list of house numbers, no names".to_owned(),
        ..Default::default()
    };
    let answer = world.rpc.dismiss_signal(by(world.manager(), request)).await;
    answer.expect("dismissed");
}

async fn meet(world: &World, clock: &wire::CaseClock) {
    let request = wire::MeetClockRequest {
        name: clock.name.clone(),
        etag: clock.etag.clone(),
        ..Default::default()
    };
    let answer = world.rpc.meet_clock(by(world.manager(), request)).await;
    answer.expect("met");
}

async fn start(
    world: &World,
    case: &CaseName,
    request: wire::StartClockRequest,
) -> Result<wire::CaseClock, Status> {
    let request = wire::StartClockRequest {
        parent: case.to_string(),
        ..request
    };
    let answer = world.rpc.start_clock(by(world.manager(), request)).await?;
    Ok(answer.into_inner().clock.expect("a clock"))
}

fn by_name(law: LegalDeadline) -> wire::StartClockRequest {
    wire::StartClockRequest {
        law: to_wire(law),
        ..Default::default()
    }
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

#[tokio::test]
async fn pipl_57_a_leak_is_told_to_those_concerned_and_upward_once_and_not_on_a_suspicion() {
    let world = World::new().await;
    let case = world.case().await;
    known(&world, &case, SignalKind::DataLeak, SignalBasis::Suspected).await;
    assert!(by_law(&world, &case).await.is_empty());
    world.advance(MINUTE).await;
    leak(&world, &case).await;
    let since = world.now();
    // Told again, and graver for another reason: the same two.
    world.advance(MINUTE).await;
    leak(&world, &case).await;
    known(&world, &case, SignalKind::Injury, SignalBasis::Confirmed).await;
    assert_eq!(world.decision(&case).await.grade, 1);
    assert_eq!(stand(&world, &case).await, of_a_leak(ClockState::Running));
    for clock in by_law(&world, &case).await {
        assert_eq!(time(&clock.start_time), since);
        assert_eq!(time(&clock.due_time), since + HOUR * 4);
        assert!(!clock.party.is_empty());
    }
}

#[tokio::test]
async fn a_deadline_of_the_law_warns_climbs_and_says_where_it_is_written() {
    let world = World::new().await;
    let case = world.case().await;
    leak(&world, &case).await;
    // At 50 % too, as every outside deadline.
    world.advance(HOUR * 2).await;
    assert_eq!(world.paged("OUTSIDE_DEADLINE", "WARNED").await, 2);
    world.advance(HOUR * 2).await;
    assert_eq!(world.paged("OUTSIDE_DEADLINE", "BREACHED").await, 2);
    let clocks = by_law(&world, &case).await;
    let (told, report) = (&clocks[0], &clocks[1]);
    let request = wire::ExplainClockRequest {
        name: told.name.clone(),
    };
    let answer = world.rpc.explain_clock(by(world.manager(), request)).await;
    let explained = answer.expect("explained").into_inner();
    assert_eq!(explained.legal_source, "个人信息保护法第五十七条");
    // Who was told is told; of the other the duty lead hears.
    meet(&world, told).await;
    world.advance(HOUR * 3).await;
    let said: Vec<event::ClockChanged> = world.said("redress.clock.changed.v1").await;
    let mut climbed = said
        .iter()
        .filter(|c| c.kind == told.kind && c.transition == 4)
        .peekable();
    assert!(climbed.peek().is_some());
    assert!(climbed.all(|c| c.clock == report.name), "{said:?}");
}

#[tokio::test]
async fn another_leak_is_told_anew_and_one_that_was_told_is_not() {
    let world = World::new().await;
    let case = world.case().await;
    leak(&world, &case).await;
    world.advance(MINUTE).await;
    for clock in by_law(&world, &case).await {
        meet(&world, &clock).await;
    }
    known(&world, &case, SignalKind::Injury, SignalBasis::Confirmed).await;
    assert_eq!(stand(&world, &case).await, of_a_leak(ClockState::Met));
    world.advance(MINUTE).await;
    leak(&world, &case).await;
    assert_eq!(stand(&world, &case).await, of_a_leak(ClockState::Running));
    let clocks = by_law(&world, &case).await;
    assert_eq!(time(&clocks[0].start_time), world.now());
}

#[tokio::test]
async fn a_leak_that_was_none_takes_back_what_it_started_and_nothing_that_a_person_did() {
    let world = World::new().await;
    let case = world.case().await;
    leak(&world, &case).await;
    let accident = by_name(LegalDeadline::ProductionAccidentReport);
    start(&world, &case, accident).await.expect("started");
    dismiss(&world, &case).await;
    let accident = (
        to_wire(LegalDeadline::ProductionAccidentReport),
        to_wire(ClockState::Running),
    );
    let mut expected = of_a_leak(ClockState::Cancelled);
    expected.push(accident);
    assert_eq!(stand(&world, &case).await, expected);
    // It is one after all.
    leak(&world, &case).await;
    let mut expected = of_a_leak(ClockState::Running);
    expected.push(accident);
    assert_eq!(stand(&world, &case).await, expected);
}

#[tokio::test]
async fn what_the_law_asks_of_a_merged_case_its_head_does_once_and_the_case_again_when_it_is_not() {
    let world = World::new().await;
    let (case, head) = (world.case().await, world.case().await);
    leak(&world, &case).await;
    let since = world.now();
    world.advance(HOUR).await;
    world.tell(&[merged(&world, &case, &head)]).await;
    assert_eq!(stand(&world, &case).await, of_a_leak(ClockState::Cancelled));
    // Graded again with the facts of both: no third.
    known(&world, &head, SignalKind::Injury, SignalBasis::Confirmed).await;
    assert_eq!(stand(&world, &head).await, of_a_leak(ClockState::Running));
    for clock in by_law(&world, &head).await {
        assert_eq!(time(&clock.due_time), since + HOUR * 4);
    }
    let apart = world.moved("intake", &case, CaseStatus::Received, 3);
    world.tell(&[apart]).await;
    assert_eq!(stand(&world, &case).await, of_a_leak(ClockState::Running));
    assert_eq!(stand(&world, &head).await, of_a_leak(ClockState::Cancelled));
}

async fn cancel(world: &World, clock: &wire::CaseClock) -> Result<(), Status> {
    let request = wire::CancelClockRequest {
        name: clock.name.clone(),
        reason: "nobody needs it".to_owned(),
        etag: clock.etag.clone(),
        ..Default::default()
    };
    let answer = world.rpc.cancel_clock(by(world.manager(), request)).await;
    answer.map(drop)
}

#[tokio::test]
async fn what_the_facts_ask_for_by_law_no_person_cancels_on_the_head_of_a_merge_neither() {
    let world = World::new().await;
    let (case, head) = (world.case().await, world.case().await);
    leak(&world, &case).await;
    world.advance(MINUTE).await;
    for clock in by_law(&world, &case).await {
        let refused = cancel(&world, &clock).await.expect_err("the law asks");
        assert_eq!(refused.code(), Code::FailedPrecondition);
    }
    world.tell(&[merged(&world, &case, &head)]).await;
    assert_eq!(stand(&world, &head).await, of_a_leak(ClockState::Running));
    for clock in by_law(&world, &head).await {
        let refused = cancel(&world, &clock).await.expect_err("it asks still");
        assert_eq!(refused.code(), Code::FailedPrecondition);
    }
    assert_eq!(stand(&world, &head).await, of_a_leak(ClockState::Running));
    // Whoever started one by its name may say that it was none.
    let accident = by_name(LegalDeadline::ProductionAccidentReport);
    let accident = start(&world, &head, accident).await.expect("started");
    cancel(&world, &accident).await.expect("a person's own");
}

#[tokio::test]
async fn what_was_told_before_a_merge_is_not_told_again_and_what_is_known_after_it_is_the_heads() {
    let world = World::new().await;
    let (case, head) = (world.case().await, world.case().await);
    leak(&world, &case).await;
    world.advance(MINUTE).await;
    for clock in by_law(&world, &case).await {
        meet(&world, &clock).await;
    }
    world.tell(&[merged(&world, &case, &head)]).await;
    known(&world, &head, SignalKind::Injury, SignalBasis::Confirmed).await;
    assert!(by_law(&world, &head).await.is_empty());
    world.advance(MINUTE).await;
    leak(&world, &case).await;
    assert_eq!(stand(&world, &case).await, of_a_leak(ClockState::Met));
    assert_eq!(stand(&world, &head).await, of_a_leak(ClockState::Running));
}

#[tokio::test]
async fn g2_7_pipl_57_a_resolution_neither_ends_what_the_law_asks_nor_keeps_it_from_starting_or_ending()
 {
    let world = World::new().await;
    let (none, so, closed) = (world.case().await, world.case().await, world.case().await);
    leak(&world, &none).await;
    for case in [&so, &closed] {
        known(&world, case, SignalKind::DataLeak, SignalBasis::Suspected).await;
    }
    for case in [&none, &so, &closed] {
        let resolved = world.moved("assignment", case, CaseStatus::Resolved, 1);
        world.tell(&[resolved]).await;
    }
    let over = world.moved("assignment", &closed, CaseStatus::Closed, 1);
    world.tell(&[over]).await;
    assert_eq!(stand(&world, &none).await, of_a_leak(ClockState::Running));
    dismiss(&world, &none).await;
    confirm(&world, &so).await;
    confirm(&world, &closed).await;
    assert_eq!(stand(&world, &none).await, of_a_leak(ClockState::Cancelled));
    assert_eq!(stand(&world, &so).await, of_a_leak(ClockState::Running));
    // A case that has ended is decided no more.
    assert!(by_law(&world, &closed).await.is_empty());
    world.advance(HOUR * 8).await;
    assert_eq!(world.paged("OUTSIDE_DEADLINE", "BREACHED").await, 2);
}

#[tokio::test]
async fn g2_7_what_a_merged_case_brought_its_head_ends_when_it_was_no_leak_and_the_heads_own_does_not()
 {
    let world = World::new().await;
    let (case, head) = (world.case().await, world.case().await);
    leak(&world, &case).await;
    let since = world.now();
    world.advance(MINUTE).await;
    world.tell(&[merged(&world, &case, &head)]).await;
    assert_eq!(stand(&world, &head).await, of_a_leak(ClockState::Running));
    dismiss(&world, &case).await;
    assert_eq!(stand(&world, &head).await, of_a_leak(ClockState::Cancelled));
    world.advance(HOUR * 8).await;
    assert_eq!(world.paged("OUTSIDE_DEADLINE", "BREACHED").await, 0);
    // It is one after all, and was known before the merge.
    let signal = Signal {
        kind: to_wire(SignalKind::DataLeak),
        basis: to_wire(SignalBasis::Reported),
        known_time: Some(to_timestamp(since)),
        ..Default::default()
    };
    let answer = world.record(world.manager(), &case, signal, "").await;
    answer.expect("recorded");
    let of_both: Vec<(i32, i32)> = OF_A_LEAK
        .iter()
        .flat_map(|law| {
            [ClockState::Cancelled, ClockState::Running].map(|s| (to_wire(*law), to_wire(s)))
        })
        .collect();
    assert_eq!(stand(&world, &head).await, of_both);
    // A leak of the head's own stays.
    let (case, head) = (world.case().await, world.case().await);
    leak(&world, &head).await;
    leak(&world, &case).await;
    world.tell(&[merged(&world, &case, &head)]).await;
    dismiss(&world, &case).await;
    let mut seen = stand(&world, &head).await;
    seen.sort_unstable();
    let mut expected = of_both;
    expected.sort_unstable();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn g2_7_a_leak_that_became_known_while_a_case_was_merged_is_the_cases_own_once_it_is_not() {
    let world = World::new().await;
    let (case, head) = (world.case().await, world.case().await);
    leak(&world, &case).await;
    world.advance(MINUTE).await;
    world.tell(&[merged(&world, &case, &head)]).await;
    // That one was none, another one is.
    dismiss(&world, &case).await;
    world.advance(HOUR * 3).await;
    leak(&world, &case).await;
    let since = world.now();
    // By now the first would have been over.
    world.advance(HOUR * 2).await;
    let apart = world.moved("intake", &case, CaseStatus::Received, 3);
    world.tell(&[apart]).await;
    assert_eq!(stand(&world, &case).await, of_a_leak(ClockState::Running));
    for clock in by_law(&world, &case).await {
        assert_eq!(time(&clock.due_time), since + HOUR * 4);
    }
    let ended = to_wire(ClockState::Cancelled);
    let of_head = stand(&world, &head).await;
    assert!(
        of_head.iter().all(|(_, state)| *state == ended),
        "{of_head:?}"
    );
}

#[tokio::test]
async fn g2_7_a_leak_after_the_head_told_of_the_first_is_the_cases_own_once_the_merge_is_undone() {
    let world = World::new().await;
    // Before the deadline of the first leak, and long after those of both.
    for (hours, due) in [(1, 4), (8, 8 + 4)] {
        let (case, head) = (world.case().await, world.case().await);
        leak(&world, &case).await;
        world.advance(MINUTE).await;
        world.tell(&[merged(&world, &case, &head)]).await;
        for clock in by_law(&world, &head).await {
            meet(&world, &clock).await;
        }
        world.advance(MINUTE).await;
        leak(&world, &case).await;
        let since = world.now();
        world.advance(HOUR * hours).await;
        let apart = world.moved("intake", &case, CaseStatus::Received, 3);
        world.tell(&[apart]).await;
        assert_eq!(stand(&world, &case).await, of_a_leak(ClockState::Running));
        for clock in by_law(&world, &case).await {
            assert_eq!(time(&clock.due_time), since + HOUR * due);
        }
        let running = to_wire(ClockState::Running);
        let breached = to_wire(ClockState::Breached);
        let of_head = stand(&world, &head).await;
        let open = |(_, state): &(i32, i32)| [running, breached].contains(state);
        assert!(!of_head.iter().any(open), "{of_head:?}");
    }
}

#[tokio::test]
async fn g2_7_another_leak_after_a_merge_was_undone_is_the_heads_once_when_it_is_merged_again() {
    let world = World::new().await;
    for was_told in [true, false] {
        let (case, head) = (world.case().await, world.case().await);
        leak(&world, &case).await;
        world.advance(MINUTE).await;
        world.tell(&[merged(&world, &case, &head)]).await;
        if was_told {
            for clock in by_law(&world, &head).await {
                meet(&world, &clock).await;
            }
        } else {
            dismiss(&world, &case).await;
        }
        world.advance(MINUTE).await;
        let apart = world.moved("intake", &case, CaseStatus::Received, 3);
        world.tell(&[apart]).await;
        world.advance(MINUTE).await;
        leak(&world, &case).await;
        let since = world.now();
        assert_eq!(stand(&world, &case).await, of_a_leak(ClockState::Running));
        world.advance(MINUTE).await;
        // Told twice it is one merge (I2).
        for _ in 0..2 {
            let again = merged_in(&world, &case, &head, 4);
            world.tell(&[again]).await;
        }
        assert_eq!(stand(&world, &case).await, of_a_leak(ClockState::Cancelled));
        assert_eq!(stand(&world, &head).await, of_a_leak(ClockState::Running));
        for clock in by_law(&world, &head).await {
            assert_eq!(time(&clock.due_time), since + HOUR * 4);
        }
    }
    world.advance(HOUR * 5).await;
    assert_eq!(world.paged("OUTSIDE_DEADLINE", "BREACHED").await, 4);
}

#[tokio::test]
async fn what_was_certain_before_the_law_had_clocks_starts_none_and_what_is_since_does() {
    let world = World::new().await;
    let (old, doubted) = (world.case().await, world.case().await);
    for case in [&old, &doubted] {
        known(&world, case, SignalKind::DataLeak, SignalBasis::Suspected).await;
    }
    // As an upgrade finds them: one was certain, of the other nobody had said whether it is so.
    for (case, basis) in [(&old, "REPORTED"), (&doubted, "SUSPECTED")] {
        sqlx::query("UPDATE triage.signal SET before_law = true, basis = $2 WHERE case_id = $1")
            .bind(case.id)
            .bind(basis)
            .execute(&world.database.admin)
            .await
            .expect("as before");
    }
    world.advance(HOUR).await;
    for case in [&old, &doubted] {
        known(&world, case, SignalKind::Injury, SignalBasis::Confirmed).await;
        assert_eq!(world.decision(case).await.grade, 1);
        assert!(by_law(&world, case).await.is_empty());
    }
    world.advance(HOUR * 8).await;
    assert_eq!(world.paged("OUTSIDE_DEADLINE", "BREACHED").await, 0);
    leak(&world, &old).await;
    assert_eq!(stand(&world, &old).await, of_a_leak(ClockState::Running));
    // Certain only now.
    let request = wire::ListSignalsRequest {
        parent: doubted.to_string(),
        ..Default::default()
    };
    let answer = world.rpc.list_signals(by(world.manager(), request)).await;
    let oldest = answer.expect("listed").into_inner().signals.pop();
    confirm_one(&world, oldest.expect("a signal")).await;
    let clocks = by_law(&world, &doubted).await;
    assert_eq!(clocks.len(), OF_A_LEAK.len());
    assert!(
        clocks
            .iter()
            .all(|c| time(&c.due_time) == world.now() + HOUR * 4)
    );
}

#[tokio::test]
async fn an_upgrade_marks_the_signals_that_there_are_and_none_of_an_older_release_beside_it() {
    let world = World::new().await;
    let mut connection = world.database.admin.acquire().await.expect("connected");
    for sql in [
        "CREATE TEMPORARY TABLE signal (id integer); INSERT INTO signal VALUES (1)",
        include_str!("../../migrations/0083_known_before_the_law.sql"),
        "INSERT INTO signal (id) VALUES (2)",
    ] {
        sqlx::raw_sql(sql)
            .execute(&mut *connection)
            .await
            .expect("runs");
    }
    let marked: Vec<(i32, bool)> = sqlx::query_as("SELECT id, before_law FROM signal ORDER BY id")
        .fetch_all(&mut *connection)
        .await
        .expect("read");
    assert_eq!(marked, [(1, true), (2, false)]);
}

#[tokio::test]
async fn history_asks_nothing_of_anybody_by_law() {
    let world = World::new().await;
    let case = world.new_case();
    let facts = event::CaseFacts {
        mode: to_wire(CaseMode::Historical),
        status: to_wire(CaseStatus::Archived),
        ..world.facts(&case)
    };
    world.tell(&[world.received(facts)]).await;
    leak(&world, &case).await;
    let accident = by_name(LegalDeadline::ProductionAccidentReport);
    let refused = start(&world, &case, accident)
        .await
        .expect_err("it has ended");
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(by_law(&world, &case).await.is_empty());
}

#[tokio::test]
async fn an_accident_is_reported_within_the_hour_from_when_it_became_known_once_a_person_names_it()
{
    let world = World::new().await;
    let case = world.case().await;
    // Whether an injury is one, its signal does not tell.
    known(&world, &case, SignalKind::Injury, SignalBasis::Confirmed).await;
    assert!(by_law(&world, &case).await.is_empty());
    let since = world.now() - MINUTE * 20;
    let accident = wire::StartClockRequest {
        start_time: Some(to_timestamp(since)),
        request_id: "accident".to_owned(),
        ..by_name(LegalDeadline::ProductionAccidentReport)
    };
    let clock = start(&world, &case, accident.clone())
        .await
        .expect("started");
    assert_eq!(clock.kind, to_wire(ClockKind::OutsideDeadline));
    assert_eq!(time(&clock.due_time), since + HOUR);
    assert_eq!(clock.party, "应急管理部门");
    // Sent twice it is one (I2).
    let again = start(&world, &case, accident).await.expect("the same");
    assert_eq!(again.name, clock.name);
    assert_eq!(by_law(&world, &case).await.len(), 1);
}

#[tokio::test]
async fn i10_a_name_that_the_law_does_not_know_and_a_length_of_ones_own_are_refused_with_the_field()
{
    let world = World::new().await;
    let case = world.case().await;
    let accident = by_name(LegalDeadline::ProductionAccidentReport);
    let unknown = wire::StartClockRequest {
        law: 99,
        ..Default::default()
    };
    let length = wire::StartClockRequest {
        term: Some(wire::start_clock_request::Term::Length(wire::ClockLength {
            amount: 2,
            unit: wire::ClockUnit::Days.into(),
        })),
        ..accident.clone()
    };
    let kind = wire::StartClockRequest {
        kind: to_wire(ClockKind::Support),
        ..accident.clone()
    };
    let past = wire::StartClockRequest {
        start_time: Some(to_timestamp(world.now() - HOUR * 2)),
        ..accident
    };
    let neither = wire::StartClockRequest::default();
    for (field, request) in [
        ("law", unknown),
        ("length", length),
        ("kind", kind),
        ("start_time", past),
        ("kind", neither),
    ] {
        let refused = start(&world, &case, request).await.expect_err(field);
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(refused.message().contains(field), "{refused}");
    }
    assert!(by_law(&world, &case).await.is_empty());
}

#[tokio::test]
async fn a_changed_plan_is_told_in_ten_days_and_each_buyer_answers_in_fifteen() {
    let world = World::new().await;
    let case = world.case().await;
    let notice = by_name(LegalDeadline::PlanChangeNotice);
    let notice = start(&world, &case, notice).await.expect("started");
    assert_eq!(time(&notice.due_time), world.now() + HOUR * 24 * 10);
    meet(&world, &notice).await;
    for buyer in ["3-1-502", "3-1-503"] {
        let answer = wire::StartClockRequest {
            party: buyer.to_owned(),
            ..by_name(LegalDeadline::PlanChangeAnswer)
        };
        let clock = start(&world, &case, answer).await.expect("started");
        assert_eq!(clock.party, buyer);
        assert_eq!(time(&clock.due_time), world.now() + HOUR * 24 * 15);
    }
    assert_eq!(by_law(&world, &case).await.len(), 3);
}

#[tokio::test]
async fn what_the_law_gives_in_days_no_shorter_hours_of_the_site_make_longer() {
    let world = World::new().await;
    let case = world.case().await;
    let notice = by_name(LegalDeadline::PlanChangeNotice);
    let notice = start(&world, &case, notice).await.expect("started");
    let defence = wire::StartClockRequest {
        law: 0,
        kind: to_wire(ClockKind::Defence),
        ..by_name(LegalDeadline::PlanChangeNotice)
    };
    let defence = start(&world, &case, defence).await.expect("started");
    // Afternoons alone are worked from tomorrow on; both would end in a morning, and move to noon.
    let afternoon = Some(wire::DayHours {
        intervals: vec!["13:00-18:00".to_owned()],
    });
    let shorter = wire::ImportCalendarRequest {
        name: "sites/lakeside/calendar".to_owned(),
        hours: Some(wire::WeeklyHours {
            monday: afternoon.clone(),
            tuesday: afternoon.clone(),
            wednesday: afternoon.clone(),
            thursday: afternoon.clone(),
            friday: afternoon,
            ..Default::default()
        }),
        ..Default::default()
    };
    let import = async |validate_only| {
        let request = wire::ImportCalendarRequest {
            validate_only,
            ..shorter.clone()
        };
        let answer = world
            .rpc
            .import_calendar(by(world.manager(), request))
            .await;
        answer.expect("such hours").into_inner()
    };
    let moved: Vec<String> = import(true)
        .await
        .moves
        .into_iter()
        .map(|m| m.clock)
        .collect();
    assert!(!moved.is_empty(), "what the house promises moves");
    for clock in [&notice, &defence] {
        assert!(!moved.contains(&clock.name), "{clock:?}");
    }
    import(false).await;
    let keeper = CalendarKeeper::new(world.rpc.0.desk.clone());
    assert_eq!(keeper.catch_up().await.expect("moved"), 1);
    let kept = by_law(&world, &case).await;
    assert_eq!(kept[0].due_time, notice.due_time);
    let kept = world.clocks(&case).await;
    assert_eq!(kept[&ClockKind::Defence].due_time, defence.due_time);
    // One that is made under these hours gets no more either.
    let answer = by_name(LegalDeadline::PlanChangeAnswer);
    let answer = start(&world, &case, answer).await.expect("started");
    assert_eq!(time(&answer.due_time), world.now() + HOUR * 24 * 15);
}

#[tokio::test]
async fn a_site_may_give_less_time_than_the_law_and_let_its_injuries_start_the_report() {
    let world = World::new().await;
    let request = wire::ApplyPolicyRequest {
        parent: "sites/lakeside".to_owned(),
        document: "law: { PRODUCTION_ACCIDENT_REPORT: { length: 30 minutes, signals: [INJURY] } }"
            .to_owned(),
        reason: "a building site".to_owned(),
        ..Default::default()
    };
    let answer = world.rpc.apply_policy(by(world.manager(), request)).await;
    answer.expect("applied");
    world.advance(MINUTE).await;
    let case = world.case().await;
    known(&world, &case, SignalKind::Injury, SignalBasis::Confirmed).await;
    let clocks = by_law(&world, &case).await;
    assert_eq!(clocks.len(), 1);
    assert_eq!(time(&clocks[0].due_time), world.now() + MINUTE * 30);
}

/// Nobody's own words pass an incident's single voice by a deadline that their writer made: whoever sends has to know on whose word
/// each runs, and since when.
#[tokio::test]
async fn i7_a_deadline_says_on_whose_word_it_starts_and_when_that_was_entered() {
    let world = World::new().await;
    let case = world.case().await;
    let told = async || {
        let said: Vec<event::ClockChanged> = world.said("redress.clock.changed.v1").await;
        said.into_iter()
            .filter(|news| news.kind == to_wire(ClockKind::OutsideDeadline))
            .map(|news| (news.started_by, news.create_time))
            .collect::<Vec<_>>()
    };
    let manager = world.manager().subject.clone();
    let request = wire::StartClockRequest {
        parent: case.to_string(),
        kind: to_wire(ClockKind::OutsideDeadline),
        term: Some(wire::start_clock_request::Term::DueTime(to_timestamp(
            world.now() + HOUR * 72,
        ))),
        // It counts from earlier than it was entered.
        start_time: Some(to_timestamp(world.now() - HOUR)),
        party: "12345".to_owned(),
        ..Default::default()
    };
    let started = world.rpc.start_clock(by(world.manager(), request)).await;
    let clock = started.expect("started").into_inner().clock;
    let entered = Some(to_timestamp(world.now()));
    assert_eq!(told().await, [(manager.clone(), entered)]);
    // What is said of it later names nobody, and the same instant.
    world.clock.advance(MINUTE);
    meet(&world, &clock.expect("given")).await;
    assert_eq!(told().await[1], (String::new(), entered));

    let demand = event::DemandChanged {
        case: case.to_string(),
        demand: uuid::Uuid::now_v7().to_string(),
        kind: to_wire(ClockKind::OutsideDeadline),
        state: event::DemandState::Open.into(),
        start_time: Some(to_timestamp(world.now())),
        due_time: Some(to_timestamp(world.now() + HOUR * 48)),
        party: "12345".to_owned(),
        recorded_by: "desk@example".to_owned(),
        ..Default::default()
    };
    let subject = case.to_string();
    let news = world.event("assignment", "redress.demand.changed.v1", &subject, &demand);
    world.tell(&[news]).await;
    assert_eq!(told().await[2].0, "desk@example");

    leak(&world, &case).await;
    let by_facts: Vec<String> = told().await.split_off(3).into_iter().map(|t| t.0).collect();
    assert_eq!(by_facts, [manager.as_str(); 2]);
}
