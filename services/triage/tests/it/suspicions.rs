//! Suspected signals (domain.md section 4): put to the duty lead for 15 minutes, then to the top lead, then
//! they count provisionally.

use jiff::SignedDuration;
use redress_events::Event;
use redress_model::name::CaseName;
use redress_model::words::Word as _;
use redress_model::words::{
    CaseMode, CaseStatus, ClockKind, ClockState, DutyRole, SignalBasis, SignalKind,
};
use redress_proto::convert::to_wire;
use redress_proto::event::v1 as event;
use redress_proto::event::v1::{ContactDirection, DeliverOutcome};
use redress_proto::triage::v1 as wire;
use redress_proto::triage::v1::clock_service_server::ClockService as _;
use redress_proto::triage::v1::triage_service_server::TriageService;
use redress_proto::words::Signal;
use tonic::{Code, Status};

use crate::grading::{lower, reason, signal};
use crate::world::{World, by, ids, time};

async fn suspect(world: &World, case: &CaseName, kind: SignalKind) -> wire::CaseSignal {
    let suspected = signal(kind, SignalBasis::Suspected);
    let answer = world
        .record(world.manager(), case, suspected, "")
        .await
        .expect("recorded");
    answer.signal.expect("a signal")
}

async fn confirm(world: &World, name: &str) -> Result<wire::Decision, Status> {
    let request = wire::ConfirmSignalRequest {
        name: name.to_owned(),
        ..Default::default()
    };
    let answer = world
        .rpc
        .confirm_signal(by(world.manager(), request))
        .await?;
    Ok(answer.into_inner().decision.expect("a decision"))
}

async fn dismiss(world: &World, name: &str) -> Result<wire::DismissSignalResponse, Status> {
    let request = wire::DismissSignalRequest {
        name: name.to_owned(),
        reason: "called back: it was a figure of speech".to_owned(),
        ..Default::default()
    };
    let answer = world
        .rpc
        .dismiss_signal(by(world.manager(), request))
        .await?;
    Ok(answer.into_inner())
}

/// Who was asked, in order.
async fn asked(world: &World) -> Vec<String> {
    let pages = world.pages().await;
    pages
        .into_iter()
        .filter(|(kind, what, ..)| kind == "CONFIRM_SIGNAL" && what == "CLIMBED")
        .flat_map(|(.., who)| who)
        .collect()
}

async fn question(world: &World, case: &CaseName) -> wire::CaseClock {
    world.clocks(case).await[&ClockKind::ConfirmSignal].clone()
}

const QUARTER: SignedDuration = SignedDuration::from_mins(15);
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

#[tokio::test]
async fn silence_climbs_from_the_duty_lead_to_the_top_lead_and_then_it_counts_provisionally_g1_8() {
    let world = World::new().await;
    let case = world.case().await;
    suspect(&world, &case, SignalKind::Injury).await;
    assert_eq!(asked(&world).await, ["lead-duty"]);
    assert_eq!(world.decision(&case).await.grade, 4);
    world.advance(QUARTER - MINUTE).await;
    assert_eq!(asked(&world).await.len(), 1);
    world.advance(MINUTE).await;
    assert_eq!(asked(&world).await, ["lead-duty", "lead-top"]);
    assert_eq!(world.decision(&case).await.grade, 4);
    world.advance(QUARTER - MINUTE).await;
    assert_eq!(world.decision(&case).await.grade, 4);
    world.advance(MINUTE).await;
    let decision = world.decision(&case).await;
    assert_eq!((decision.grade, ids(&decision)), (1, vec!["G1.8"]));
    assert!(decision.provisional);
    assert_eq!(decision.cause, "unanswered");
    assert_eq!((decision.computed_grade, decision.proposed_grade), (4, 0));
    let said: Vec<event::CaseGraded> = world.said("redress.case.graded.v1").await;
    let last = said.last().expect("told");
    assert!(last.provisional && last.grade == 1);
    assert_eq!(
        question(&world, &case).await.state,
        ClockState::Breached.number()
    );
    // Nothing more comes of it by itself.
    world.advance(QUARTER * 8).await;
    assert_eq!(asked(&world).await.len(), 2);
}

/// Whoever is asked next has a time of their own, and everybody reads that one.
#[tokio::test]
async fn the_time_of_a_question_is_that_of_whoever_is_asked_now() {
    let world = World::new().await;
    let case = world.case().await;
    let suspected = suspect(&world, &case, SignalKind::Injury).await;
    let start = world.now();
    let shown = async || {
        let listed = question(&world, &case).await;
        let request = wire::GetClockRequest {
            name: listed.name.clone(),
        };
        let one = world.rpc.get_clock(by(world.manager(), request)).await;
        let one = one.expect("a clock").into_inner().clock.expect("a clock");
        assert_eq!(one.due_time, listed.due_time);
        let request = wire::ExplainClockRequest { name: listed.name };
        let told = world.rpc.explain_clock(by(world.manager(), request)).await;
        let told = told.expect("explained").into_inner().clock;
        assert_eq!(told.expect("a clock").due_time, listed.due_time);
        time(&listed.due_time)
    };
    assert_eq!(shown().await, start + QUARTER);
    world.advance(QUARTER).await;
    assert_eq!(shown().await, start + QUARTER * 2);
    world.advance(MINUTE).await;
    confirm(&world, &suspected.name).await.expect("confirmed");
    assert_eq!(shown().await, start + QUARTER * 2, "as it was answered");
    // Another case, and nobody answers.
    let case = world.case().await;
    suspect(&world, &case, SignalKind::Injury).await;
    let start = world.now();
    world.advance(QUARTER * 3).await;
    let clock = question(&world, &case).await;
    assert_eq!(clock.state, ClockState::Breached.number());
    assert_eq!(time(&clock.due_time), start + QUARTER * 2);
    let said: Vec<event::ClockChanged> = world.said("redress.clock.changed.v1").await;
    let told = said.iter().filter(|c| c.clock == clock.name);
    // Made, put to the duty lead, put to the top lead, unanswered.
    let quarters = [1, 1, 2, 2].map(|n| start + QUARTER * n);
    let due: Vec<_> = told.map(|c| time(&c.due_time)).collect();
    assert_eq!(due, quarters);
}

#[tokio::test]
async fn where_every_lead_is_complained_about_the_region_is_asked_and_then_it_counts_provisionally()
{
    let world = World::without_roster().await;
    let case = world.case_about_every_lead().await;
    suspect(&world, &case, SignalKind::Injury).await;
    assert_eq!(asked(&world).await, ["region"]);
    world.advance(QUARTER - MINUTE).await;
    assert_eq!(world.decision(&case).await.grade, 4);
    world.advance(MINUTE).await;
    let decision = world.decision(&case).await;
    assert_eq!((decision.grade, decision.provisional), (1, true));
    assert_eq!(asked(&world).await, ["region"], "there is nobody above");
}

#[tokio::test]
async fn an_answer_stops_the_question_and_a_confirmed_signal_counts() {
    let world = World::new().await;
    let case = world.case().await;
    let suspected = suspect(&world, &case, SignalKind::Demonstration).await;
    world.advance(MINUTE * 5).await;
    let decision = confirm(&world, &suspected.name).await.expect("confirmed");
    assert_eq!((decision.grade, decision.provisional), (1, false));
    assert_eq!(
        question(&world, &case).await.state,
        ClockState::Met.number()
    );
    world.advance(QUARTER * 4).await;
    assert_eq!(asked(&world).await, ["lead-duty"]);
}

#[tokio::test]
async fn a_dismissed_signal_stops_the_question_and_does_not_count() {
    let world = World::new().await;
    let case = world.case().await;
    let suspected = suspect(&world, &case, SignalKind::Injury).await;
    let answer = dismiss(&world, &suspected.name).await.expect("dismissed");
    let told = answer.signal.expect("a signal");
    assert_eq!(told.dismisser, "manager");
    assert_eq!(
        told.dismiss_reason,
        "called back: it was a figure of speech"
    );
    assert!(told.dismiss_time.is_some());
    // A repeat changes nothing.
    let again = dismiss(&world, &suspected.name).await.expect("harmless");
    assert_eq!(again.signal.expect("a signal").etag, told.etag);
    assert_eq!(
        question(&world, &case).await.state,
        ClockState::Met.number()
    );
    world.advance(QUARTER * 4).await;
    let decision = world.decision(&case).await;
    assert_eq!((decision.grade, decision.suspected_signals), (4, vec![]));
    assert_eq!(asked(&world).await, ["lead-duty"]);
    let refused = confirm(&world, &suspected.name)
        .await
        .expect_err("dismissed");
    assert_eq!(reason(&refused), "SIGNAL_DISMISSED");
}

#[tokio::test]
async fn what_counted_provisionally_is_taken_back_when_it_is_dismissed_and_the_call_stays() {
    let world = World::new().await;
    let case = world.case().await;
    let suspected = suspect(&world, &case, SignalKind::Injury).await;
    world.advance(QUARTER * 2).await;
    assert!(world.decision(&case).await.provisional);
    let answer = dismiss(&world, &suspected.name).await.expect("dismissed");
    let decision = answer.decision.expect("a decision");
    assert_eq!((decision.grade, decision.provisional), (4, false));
    assert_eq!(
        (decision.cause.as_str(), decision.proposed_grade),
        ("dismissed", 0)
    );
    assert_eq!(
        question(&world, &case).await.state,
        ClockState::Met.number()
    );
    assert_eq!(asked(&world).await, ["lead-duty", "lead-top"]);
}

#[tokio::test]
async fn a_provisional_grade_that_is_confirmed_holds_and_is_told_again() {
    let world = World::new().await;
    let case = world.case().await;
    let suspected = suspect(&world, &case, SignalKind::Injury).await;
    world.advance(QUARTER * 2).await;
    let decision = confirm(&world, &suspected.name).await.expect("confirmed");
    assert_eq!((decision.grade, decision.provisional), (1, false));
    let said: Vec<event::CaseGraded> = world.said("redress.case.graded.v1").await;
    let grades: Vec<(i32, bool)> = said.iter().map(|g| (g.grade, g.provisional)).collect();
    assert_eq!(&grades[grades.len() - 2..], [(1, true), (1, false)]);
}

#[tokio::test]
async fn a_reported_signal_that_is_dismissed_leaves_the_grade_and_proposes_the_lower_one() {
    let world = World::new().await;
    let case = world.case().await;
    let reported = signal(SignalKind::Litigation, SignalBasis::Reported);
    let answer = world
        .record(world.manager(), &case, reported, "")
        .await
        .expect("recorded");
    let name = answer.signal.expect("a signal").name;
    let answer = dismiss(&world, &name).await.expect("dismissed");
    let decision = answer.decision.expect("a decision");
    assert_eq!((decision.grade, decision.proposed_grade), (1, 4));
    assert_eq!(ids(&decision), ["G1.5", "G4"]);
}

#[tokio::test]
async fn nobody_on_duty_asks_the_next_at_once_and_waits_for_nobody_p14() {
    let world = World::without_roster().await;
    world.roster(&[(DutyRole::TopLead, "lead-top")]).await;
    let case = world.case().await;
    suspect(&world, &case, SignalKind::Injury).await;
    assert_eq!(asked(&world).await, ["lead-top"]);
    world.advance(QUARTER).await;
    assert!(world.decision(&case).await.provisional);
    let alone = World::without_roster().await;
    let case = alone.case().await;
    suspect(&alone, &case, SignalKind::Injury).await;
    alone.advance(SignedDuration::ZERO).await;
    assert!(alone.decision(&case).await.provisional);
}

#[tokio::test]
async fn a_suspicion_that_would_not_make_grade_1_asks_nobody() {
    let world = World::new().await;
    let case = world.case().await;
    suspect(&world, &case, SignalKind::DataLeak).await;
    assert!(asked(&world).await.is_empty());
    assert_eq!(world.decision(&case).await.suspected_signals.len(), 1);
    // Nor one about a case that is grade 1 beyond suspicion.
    let sure = signal(SignalKind::Litigation, SignalBasis::Confirmed);
    world
        .record(world.manager(), &case, sure, "")
        .await
        .expect("recorded");
    suspect(&world, &case, SignalKind::Injury).await;
    assert!(asked(&world).await.is_empty());
}

#[tokio::test]
async fn a_suspicion_read_in_the_text_at_receipt_is_asked_about_too() {
    let world = World::new().await;
    let case = world.new_case();
    let facts = event::CaseFacts {
        signals: vec![signal(SignalKind::Injury, SignalBasis::Suspected)],
        ..world.facts(&case)
    };
    world.tell(&[world.received(facts)]).await;
    assert_eq!(asked(&world).await, ["lead-duty"]);
    let clock = question(&world, &case).await;
    assert_eq!(time(&clock.next_time), world.now() + QUARTER);
    assert_eq!(clock.level, 2);
}

#[tokio::test]
async fn what_a_text_tells_and_nobody_stated_is_put_to_the_duty_lead_for_15_minutes() {
    let world = World::new().await;
    let told = async |mode: CaseMode, stated: Vec<Signal>| {
        let case = world.new_case();
        world.say(&case, "业主拉横幅堵了售楼处大门,有人摔伤送医院");
        let facts = event::CaseFacts {
            mode: to_wire(mode),
            signals: stated,
            ..world.facts(&case)
        };
        world.tell(&[world.received(facts)]).await;
        case
    };
    let case = told(CaseMode::Live, Vec::new()).await;
    let decision = world.decision(&case).await;
    let both = [SignalKind::Demonstration, SignalKind::Injury].map(to_wire);
    assert_eq!(
        (decision.grade, decision.suspected_signals),
        (4, both.to_vec())
    );
    assert_eq!(asked(&world).await, ["lead-duty"]);
    let clock = question(&world, &case).await;
    assert_eq!(time(&clock.next_time), world.now() + QUARTER);
    // Silence climbs, and then it counts inside (section 4).
    world.advance(QUARTER * 2).await;
    let decision = world.decision(&case).await;
    assert_eq!((decision.grade, decision.provisional), (1, true));
    // What was stated needs no suspicion, and history asks nobody.
    let stated = signal(SignalKind::Injury, SignalBasis::Confirmed);
    let case = told(CaseMode::Live, vec![stated]).await;
    let suspected = world.decision(&case).await.suspected_signals;
    assert_eq!(suspected, [to_wire(SignalKind::Demonstration)]);
    let old = told(CaseMode::Historical, Vec::new()).await;
    assert!(world.decision(&old).await.suspected_signals.is_empty());
}

/// The customer says more.
async fn says(world: &World, case: &CaseName, text: &str) {
    let message = world.message(case, ContactDirection::Inbound, text);
    world.tell(&[message]).await;
}

const HURT: &str = "有人摔伤送医院";
const CROWD: &str = "业主拉横幅堵了售楼处大门";

#[tokio::test]
async fn what_a_later_message_tells_is_put_to_the_duty_lead_for_15_minutes_g1_8() {
    let world = World::new().await;
    let case = world.case().await;
    world.advance(MINUTE * 40).await;
    says(&world, &case, HURT).await;
    let decision = world.decision(&case).await;
    assert_eq!(
        (decision.grade, decision.suspected_signals),
        (4, vec![to_wire(SignalKind::Injury)])
    );
    assert_eq!(decision.cause, "contact");
    assert_eq!(asked(&world).await, ["lead-duty"]);
    let clock = question(&world, &case).await;
    assert_eq!(time(&clock.next_time), world.now() + QUARTER);
    let request = wire::ListSignalsRequest {
        parent: case.to_string(),
        ..Default::default()
    };
    let listed = world.rpc.list_signals(by(world.manager(), request)).await;
    let signals = listed.expect("listed").into_inner().signals;
    assert_eq!((signals.len(), signals[0].recorder.as_str()), (1, "triage"));
    // Silence climbs, and then it counts inside.
    world.advance(QUARTER * 2).await;
    assert_eq!(asked(&world).await, ["lead-duty", "lead-top"]);
    let decision = world.decision(&case).await;
    assert_eq!((decision.grade, decision.provisional), (1, true));
}

#[tokio::test]
async fn a_later_message_asks_again_about_what_was_dismissed_and_not_what_waits_or_stands_g1_8() {
    let world = World::new().await;
    let case = world.case().await;
    let signals = async || {
        let request = wire::ListSignalsRequest {
            parent: case.to_string(),
            ..Default::default()
        };
        let listed = world.rpc.list_signals(by(world.manager(), request)).await;
        listed.expect("listed").into_inner().signals
    };
    says(&world, &case, HURT).await;
    let first = signals().await.remove(0).name;
    says(&world, &case, HURT).await;
    assert_eq!(signals().await.len(), 1, "it waits for an answer");
    dismiss(&world, &first).await.expect("dismissed");
    world.advance(MINUTE).await;
    says(&world, &case, HURT).await;
    let suspected = world.decision(&case).await.suspected_signals;
    assert_eq!(suspected, [to_wire(SignalKind::Injury)]);
    assert_eq!(asked(&world).await, ["lead-duty", "lead-duty"]);
    let mut anew = signals().await;
    anew.retain(|signal| signal.name != first);
    confirm(&world, &anew[0].name).await.expect("confirmed");
    world.advance(MINUTE).await;
    // What is new is suspected beside it.
    says(&world, &case, &format!("{CROWD},{HURT}")).await;
    let suspected = world.decision(&case).await.suspected_signals;
    assert_eq!(suspected, [to_wire(SignalKind::Demonstration)]);
    let count = "SELECT count(*) FROM triage.signal";
    assert_eq!(world.count(count).await, 3);
}

#[tokio::test]
async fn a_message_is_read_only_where_the_customer_said_something_and_waits_for_intake() {
    let world = World::new().await;
    let case = world.case().await;
    let unread = world.message(&case, ContactDirection::Inbound, HURT);
    let ours = world.message(&case, ContactDirection::Outbound, HURT);
    let without = world.contact(&case, true, true, false);
    let history = Event {
        historical: true,
        ..world.message(&case, ContactDirection::Inbound, HURT)
    };
    // Intake is away: only what it has to be asked about waits for it.
    let notes = std::mem::take(&mut *world.texts.1.lock().expect("not poisoned"));
    world.tell(&[ours, without, history]).await;
    assert!(world.decision(&case).await.suspected_signals.is_empty());
    assert_eq!(world.deliver(&unread).await, DeliverOutcome::Retry);
    *world.texts.1.lock().expect("not poisoned") = notes;
    world.tell(&[unread]).await;
    let suspected = world.decision(&case).await.suspected_signals;
    assert_eq!(suspected, [to_wire(SignalKind::Injury)]);
    // Nobody is asked about a case that is over, and what was said before is asked about once it is opened again (I3).
    let over = world.case().await;
    let before = world.message(&over, ContactDirection::Inbound, HURT);
    world.advance(SignedDuration::from_mins(1)).await;
    let withdrawn = world.moved("intake", &over, CaseStatus::Withdrawn, 2);
    world.tell(&[withdrawn]).await;
    world.advance(SignedDuration::from_mins(1)).await;
    says(&world, &over, HURT).await;
    let count = "SELECT count(*) FROM triage.signal";
    assert_eq!(world.count(count).await, 1);
    let asked_before = asked(&world).await;
    world.tell(&[before]).await;
    assert_eq!(world.count(count).await, 2);
    assert_eq!(asked(&world).await, asked_before);
    let reopened = world.moved("intake", &over, CaseStatus::Reopened, 3);
    world.tell(&[reopened]).await;
    let suspected = world.decision(&over).await.suspected_signals;
    assert_eq!(suspected, [to_wire(SignalKind::Injury)]);
    assert_eq!(asked(&world).await.len(), asked_before.len() + 1);
}

/// As Postgres shows bytes.
fn hex(text: &str) -> String {
    let digit = |n: u8| char::from_digit(u32::from(n), 16).expect("a digit");
    text.bytes()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

#[tokio::test]
async fn i9_no_word_of_a_later_message_is_kept_here_or_told() {
    let world = World::new().await;
    let case = world.case().await;
    says(&world, &case, HURT).await;
    assert_eq!(asked(&world).await, ["lead-duty"]);
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT tablename::text FROM pg_tables WHERE schemaname = 'triage'")
            .fetch_all(&world.database.admin)
            .await
            .expect("read");
    assert!(tables.iter().any(|table| table == "outbox"), "{tables:?}");
    for table in tables {
        let sql = format!("SELECT COALESCE(string_agg(t::text, ' '), '') FROM triage.{table} t");
        let rows: String = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .fetch_one(&world.database.admin)
            .await
            .expect("read");
        for word in ["摔伤", "送医院"] {
            assert!(!rows.contains(word), "{word} in {table}");
            assert!(!rows.contains(&hex(word)), "{word} in {table}");
        }
    }
}

#[tokio::test]
async fn a_new_suspicion_after_an_answer_is_asked_about_anew_and_two_at_once_are_one_question() {
    let world = World::new().await;
    let case = world.case().await;
    let one = suspect(&world, &case, SignalKind::Injury).await;
    let two = suspect(&world, &case, SignalKind::Demonstration).await;
    assert_eq!(asked(&world).await, ["lead-duty"]);
    dismiss(&world, &one.name).await.expect("dismissed");
    assert_eq!(
        question(&world, &case).await.state,
        ClockState::Running.number()
    );
    dismiss(&world, &two.name).await.expect("dismissed");
    assert_eq!(
        question(&world, &case).await.state,
        ClockState::Met.number()
    );
    suspect(&world, &case, SignalKind::MediaExposure).await;
    assert_eq!(asked(&world).await, ["lead-duty", "lead-duty"]);
    world.advance(QUARTER * 2).await;
    assert!(world.decision(&case).await.provisional);
    // One that comes after silence is asked about too.
    suspect(&world, &case, SignalKind::Injury).await;
    assert_eq!(asked(&world).await.len(), 4);
}

#[tokio::test]
async fn a_case_that_ends_is_asked_about_no_more_p06() {
    let world = World::new().await;
    let case = world.case().await;
    suspect(&world, &case, SignalKind::Injury).await;
    world
        .tell(&[world.moved("intake", &case, CaseStatus::Withdrawn, 2)])
        .await;
    world.advance(QUARTER * 4).await;
    assert_eq!(asked(&world).await, ["lead-duty"]);
    assert_eq!(world.decision(&case).await.grade, 4);
}

#[tokio::test]
async fn a_lowered_grade_is_asked_about_again_when_something_new_is_suspected() {
    let world = World::new().await;
    let case = world.case().await;
    let sure = signal(SignalKind::Injury, SignalBasis::Reported);
    world
        .record(world.manager(), &case, sure, "")
        .await
        .expect("recorded");
    let etag = world.decision(&case).await.etag;
    lower(&world, &case, 4, &etag).await.expect("lowered");
    world.advance(MINUTE).await;
    suspect(&world, &case, SignalKind::DangerToPersons).await;
    assert_eq!(asked(&world).await, ["lead-duty"]);
}

#[tokio::test]
async fn who_looked_at_an_older_signal_is_told_so_and_a_reason_is_asked_for_i10_i11() {
    let world = World::new().await;
    let case = world.case().await;
    let suspected = suspect(&world, &case, SignalKind::Injury).await;
    let with = |reason: &str, etag: &str| wire::DismissSignalRequest {
        name: suspected.name.clone(),
        reason: reason.to_owned(),
        etag: etag.to_owned(),
        request_id: String::new(),
    };
    for (request, code) in [
        (with(" ", ""), Code::InvalidArgument),
        (with("no", "r9"), Code::Aborted),
    ] {
        let refused = world.rpc.dismiss_signal(by(world.manager(), request)).await;
        assert_eq!(refused.expect_err("refused").code(), code);
    }
}

#[tokio::test]
async fn a_signal_counts_provisionally_only_after_its_own_time() {
    let world = World::new().await;
    let case = world.case().await;
    suspect(&world, &case, SignalKind::Injury).await;
    world.advance(QUARTER * 2 - MINUTE).await;
    suspect(&world, &case, SignalKind::Demonstration).await;
    world.advance(MINUTE).await;
    let decision = world.decision(&case).await;
    assert_eq!((decision.grade, ids(&decision)), (1, vec!["G1.8"]));
    // The later one is asked about anew, and has all of its time.
    assert_eq!(asked(&world).await, ["lead-duty", "lead-top", "lead-duty"]);
    world.advance(QUARTER * 2 - MINUTE).await;
    assert_eq!(ids(&world.decision(&case).await), ["G1.8"]);
    world.advance(MINUTE).await;
    assert_eq!(ids(&world.decision(&case).await), ["G1.1", "G1.8"]);
    world.advance(QUARTER * 8).await;
    assert_eq!(asked(&world).await.len(), 4);
}

#[tokio::test]
async fn p07_a_question_goes_to_whoever_takes_the_duty_over_in_the_time_that_is_left() {
    let world = World::without_roster().await;
    let (early, change) = ("2026-03-02T06:00:00+08:00", "2026-03-02T09:10:00+08:00");
    let late = "2026-03-02T20:00:00+08:00";
    let duties = [
        (DutyRole::DutyLead, "early", early, change),
        (DutyRole::DutyLead, "late", change, late),
        (DutyRole::TopLead, "top", early, late),
    ];
    world.shifts(&duties).await;
    let case = world.case().await;
    let suspected = suspect(&world, &case, SignalKind::Injury).await;
    let start = world.now();
    let page = async || question(&world, &case).await.page.expect("asked");
    assert_eq!(time(&page().await.answer_time), start + QUARTER);
    world.advance(MINUTE * 9).await;
    assert_eq!(asked(&world).await, ["early"]);
    world.advance(MINUTE).await;
    assert_eq!(asked(&world).await, ["early", "late"]);
    assert_eq!(time(&page().await.answer_time), start + QUARTER, "P03");
    let due = question(&world, &case).await.due_time;
    assert_eq!(time(&due), start + QUARTER);
    // Who has read a question has not answered it.
    let read: Vec<event::ClockChanged> = world.said("redress.clock.changed.v1").await;
    let read = read.last().expect("told");
    world.tell(&[world.acknowledged(read)]).await;
    world.advance(MINUTE * 5).await;
    assert_eq!(asked(&world).await, ["early", "late", "top"]);
    confirm(&world, &suspected.name).await.expect("confirmed");
    world.advance(QUARTER * 2).await;
    assert_eq!(asked(&world).await.len(), 3);
}

#[tokio::test]
async fn p14_a_question_follows_a_new_roster_and_climbs_at_once_where_nobody_is_left_on_the_rung() {
    let world = World::without_roster().await;
    world.roster(&[(DutyRole::DutyLead, "one")]).await;
    let case = world.case().await;
    suspect(&world, &case, SignalKind::Injury).await;
    let second = SignedDuration::from_secs(1);
    // Swapped.
    world.roster(&[(DutyRole::DutyLead, "two")]).await;
    world.advance(second).await;
    assert_eq!(asked(&world).await, ["one", "two"]);
    // The same people again: nobody is asked twice.
    world.roster(&[(DutyRole::DutyLead, "two")]).await;
    world.advance(second).await;
    assert_eq!(asked(&world).await.len(), 2);
    // Nobody at all: whoever was asked has the whole time.
    world.roster(&[]).await;
    world.advance(second).await;
    assert_eq!(asked(&world).await.len(), 2);
    assert!(!world.decision(&case).await.provisional);
    // The rung is empty and the next one is not.
    world.roster(&[(DutyRole::TopLead, "top")]).await;
    let now = world.now();
    world.advance(second).await;
    assert_eq!(asked(&world).await, ["one", "two", "top"]);
    let clock = question(&world, &case).await;
    assert_eq!((clock.level, time(&clock.next_time)), (3, now + QUARTER));
}

#[tokio::test]
async fn who_stands_accused_while_the_question_waits_is_asked_no_more() {
    let world = World::new().await;
    let case = world.case().await;
    suspect(&world, &case, SignalKind::Injury).await;
    assert_eq!(asked(&world).await, ["lead-duty"]);
    let facts = event::CaseFacts {
        staff_complained_about: vec!["sites/lakeside/staff/lead-duty".to_owned()],
        revision: 2,
        ..world.facts(&case)
    };
    world.tell(&[world.updated(facts)]).await;
    assert_eq!(asked(&world).await, ["lead-duty", "lead-top"]);
}

#[tokio::test]
async fn a_resolution_asks_nobody_a_second_time_and_what_comes_up_after_it_is_asked_p06() {
    let world = World::new().await;
    let case = world.case().await;
    suspect(&world, &case, SignalKind::Injury).await;
    world.advance(MINUTE).await;
    let resolved = world.moved("assignment", &case, CaseStatus::Resolved, 1);
    world.tell(&[resolved]).await;
    assert_eq!(asked(&world).await, ["lead-duty"]);
    let state = question(&world, &case).await.state;
    assert_eq!(state, ClockState::Cancelled.number());
    world.advance(MINUTE).await;
    suspect(&world, &case, SignalKind::DangerToPersons).await;
    assert_eq!(asked(&world).await, ["lead-duty", "lead-duty"]);
}
