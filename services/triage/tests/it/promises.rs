//! The other promises of a case: what starts each, what meets it (domain.md sections 6 and 10).

use jiff::{SignedDuration, Timestamp};
use redress_model::name::CaseName;
use redress_model::words::{
    CaseStatus, Channel, ClockKind, ClockState, SignalBasis, SignalKind, Word as _,
};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::event::v1 as event;
use redress_proto::triage::v1 as wire;
use redress_proto::triage::v1::clock_service_server::ClockService;
use redress_proto::words::Signal;
use tonic::Code;

use crate::world::{World, at, by, time};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// A contact as its recorder may shape it.
struct Said {
    inbound: bool,
    substantive: bool,
    visit: bool,
    promised: Option<Timestamp>,
}

const WORD: Said = Said {
    inbound: false,
    substantive: false,
    visit: false,
    promised: None,
};

async fn say(world: &World, case: &CaseName, said: Said) {
    let direction = if said.inbound {
        event::ContactDirection::Inbound
    } else {
        event::ContactDirection::Outbound
    };
    let payload = event::ContactRecorded {
        case: case.to_string(),
        contact_id: uuid::Uuid::now_v7().to_string(),
        direction: direction.into(),
        channel: to_wire(Channel::Hotline),
        by_person: true,
        substantive: said.substantive,
        visit: said.visit,
        contact_time: Some(to_timestamp(world.now())),
        promised_next_time: said.promised.map(to_timestamp),
        staff: "sites/lakeside/staff/handler".to_owned(),
        ..Default::default()
    };
    let kind = "redress.contact.recorded.v1";
    let event = world.event("intake", kind, &case.to_string(), &payload);
    world.tell(&[event]).await;
}

/// A talk with a person of ours, in which the next word may have been promised, as whoever enters it tells of it.
fn entered(
    world: &World,
    case: &CaseName,
    inbound: bool,
    at: Timestamp,
    promised: Option<Timestamp>,
) -> redress_events::Event {
    let direction = if inbound {
        event::ContactDirection::Inbound
    } else {
        event::ContactDirection::Outbound
    };
    let payload = event::ContactRecorded {
        case: case.to_string(),
        contact_id: uuid::Uuid::now_v7().to_string(),
        direction: direction.into(),
        channel: to_wire(Channel::Hotline),
        by_person: true,
        contact_time: Some(to_timestamp(at)),
        promised_next_time: promised.map(to_timestamp),
        staff: "sites/lakeside/staff/handler".to_owned(),
        ..Default::default()
    };
    let kind = "redress.contact.recorded.v1";
    world.event("intake", kind, &case.to_string(), &payload)
}

async fn state(world: &World, case: &CaseName, kind: ClockKind) -> Option<ClockState> {
    let clocks = world.clocks(case).await;
    clocks
        .get(&kind)
        .and_then(|c| ClockState::from_number(c.state))
}

async fn signal(world: &World, case: &CaseName, kind: SignalKind) {
    let signal = Signal {
        kind: to_wire(kind),
        basis: to_wire(SignalBasis::Reported),
        ..Default::default()
    };
    let recorded = world.record(world.manager(), case, signal, "").await;
    recorded.expect("recorded");
}

async fn start(
    world: &World,
    case: &CaseName,
    kind: ClockKind,
    request: wire::StartClockRequest,
) -> Result<wire::CaseClock, tonic::Status> {
    let request = wire::StartClockRequest {
        parent: case.to_string(),
        kind: to_wire(kind),
        ..request
    };
    let answer = world.rpc.start_clock(by(world.manager(), request)).await?;
    Ok(answer.into_inner().clock.expect("a clock"))
}

#[tokio::test]
async fn work_that_enters_investigating_meets_the_start_of_the_investigation() {
    let world = World::new().await;
    let case = world.case().await;
    let kind = ClockKind::StartInvestigation;
    world
        .tell(&[world.moved("assignment", &case, CaseStatus::Accepted, 1)])
        .await;
    assert_eq!(state(&world, &case, kind).await, Some(ClockState::Running));
    world
        .tell(&[world.moved("assignment", &case, CaseStatus::Investigating, 1)])
        .await;
    assert_eq!(state(&world, &case, kind).await, Some(ClockState::Met));
}

#[tokio::test]
async fn an_immediate_case_wants_somebody_on_site_and_a_visit_meets_it() {
    let world = World::new().await;
    let case = world.case().await;
    assert_eq!(state(&world, &case, ClockKind::OnSite).await, None);
    world.advance(HOUR).await;
    signal(&world, &case, SignalKind::OngoingDamage).await;
    let clock = world.clocks(&case).await[&ClockKind::OnSite].clone();
    assert_eq!(time(&clock.due_time), at("2026-03-02T12:00:00+08:00"));
    say(&world, &case, WORD).await;
    // Nor is anybody there because the customer came to us.
    let came = Said {
        inbound: true,
        visit: true,
        ..WORD
    };
    say(&world, &case, came).await;
    let on_site = state(&world, &case, ClockKind::OnSite).await;
    assert_eq!(on_site, Some(ClockState::Running));
    say(
        &world,
        &case,
        Said {
            visit: true,
            ..WORD
        },
    )
    .await;
    let on_site = state(&world, &case, ClockKind::OnSite).await;
    assert_eq!(on_site, Some(ClockState::Met));
}

#[tokio::test]
async fn p01_an_update_clock_that_is_shorter_than_the_answer_clock_hides_it_not_nor_the_reverse() {
    let world = World::new().await;
    let case = world.case().await;
    let soon = world.now() + HOUR;
    say(
        &world,
        &case,
        Said {
            promised: Some(soon),
            ..WORD
        },
    )
    .await;
    world.advance(HOUR * 30).await;
    let pages = world.pages().await;
    let broken = |kind: &str| pages.iter().any(|p| p.0 == kind && p.1 == "BREACHED");
    assert!(broken("INTERIM_UPDATE") && broken("ANSWER"), "{pages:?}");
}

#[tokio::test]
async fn p01_an_update_clock_that_is_longer_than_the_answer_clock_hides_it_not_nor_the_reverse() {
    let world = World::new().await;
    let case = world.case().await;
    // An answer is due on Tuesday, what was promised on Friday.
    let later = world.now() + HOUR * 96;
    say(
        &world,
        &case,
        Said {
            promised: Some(later),
            ..WORD
        },
    )
    .await;
    let broken = async || -> Vec<String> {
        let pages = world.pages().await.into_iter();
        pages
            .filter(|p| p.1 == "BREACHED" && ["ANSWER", "INTERIM_UPDATE"].contains(&p.0.as_str()))
            .map(|p| p.0)
            .collect()
    };
    world.advance(HOUR * 95).await;
    assert_eq!(broken().await, ["ANSWER"], "the nearer one, in its time");
    world.advance(HOUR * 2).await;
    assert_eq!(
        broken().await,
        ["ANSWER", "INTERIM_UPDATE"],
        "and the other"
    );
}

#[tokio::test]
async fn what_was_promised_to_the_customer_is_a_clock_of_its_own_that_the_next_word_keeps() {
    let world = World::new().await;
    let case = world.case().await;
    // Saturday night: whoever promised it meant it.
    let due = at("2026-03-07T23:00:00+08:00");
    say(
        &world,
        &case,
        Said {
            promised: Some(due),
            ..WORD
        },
    )
    .await;
    let clock = world.clocks(&case).await[&ClockKind::InterimUpdate].clone();
    assert_eq!(time(&clock.due_time), due);
    assert!(clock.told_to_customer);
    world.advance(HOUR * 24).await;
    say(&world, &case, WORD).await;
    let kind = ClockKind::InterimUpdate;
    assert_eq!(state(&world, &case, kind).await, Some(ClockState::Met));
    // Before its age makes it graver.
    world.advance(HOUR * 24 * 6).await;
    assert!(
        world
            .pages()
            .await
            .iter()
            .all(|p| p.0 != "INTERIM_UPDATE" || p.1 == "WARNED")
    );
}

#[tokio::test]
async fn m16_what_was_promised_to_whoever_called_is_owed_until_a_word_of_ours() {
    let world = World::new().await;
    let case = world.case().await;
    let kind = ClockKind::InterimUpdate;
    let due = world.now() + HOUR * 3;
    let asked = Said {
        inbound: true,
        promised: Some(due),
        ..WORD
    };
    say(&world, &case, asked).await;
    let clock = world.clocks(&case).await[&kind].clone();
    assert_eq!(time(&clock.due_time), due);
    assert!(clock.told_to_customer);
    world.advance(HOUR).await;
    let again = Said {
        inbound: true,
        ..WORD
    };
    say(&world, &case, again).await;
    assert_eq!(state(&world, &case, kind).await, Some(ClockState::Running));
    say(&world, &case, WORD).await;
    assert_eq!(state(&world, &case, kind).await, Some(ClockState::Met));
}

#[tokio::test]
async fn m16_of_two_promises_to_whoever_calls_the_earlier_is_owed_in_whichever_order_i3() {
    let world = World::new().await;
    let kind = ClockKind::InterimUpdate;
    // Promised one after the other, for so many hours after the first, and entered as they were or the other way round.
    for (first, second, entered_late) in [(9, 3, false), (9, 3, true), (3, 9, false), (3, 9, true)]
    {
        let what = format!("{first} {second} {entered_late}");
        let case = world.case().await;
        let begun = world.now();
        let promise = |said: SignedDuration, due: i32| {
            entered(&world, &case, true, begun + said, Some(begun + HOUR * due))
        };
        let older = promise(SignedDuration::ZERO, first);
        let newer = promise(HOUR, second);
        world.clock.advance(HOUR);
        let both = if entered_late {
            [newer, older]
        } else {
            [older, newer]
        };
        world.tell(&both).await;
        let clock = world.clocks(&case).await[&kind].clone();
        assert_eq!(clock.state, to_wire(ClockState::Running), "{what}");
        assert_eq!(time(&clock.due_time), begun + HOUR * 3, "{what}");
        // One word keeps both.
        say(&world, &case, WORD).await;
        assert_eq!(
            state(&world, &case, kind).await,
            Some(ClockState::Met),
            "{what}"
        );
    }
}

#[tokio::test]
async fn m16_a_word_keeps_what_was_promised_before_it_and_not_after_it_in_whichever_order_i3() {
    let kind = ClockKind::InterimUpdate;
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let world = World::new().await;
        let begun = world.now();
        let (case, kept) = (world.case().await, world.case().await);
        world.clock.advance(HOUR * 2);
        // Due after three hours, promised at once; due after six, promised after one; and a word of ours in between.
        let said = |case: &CaseName| {
            let half = SignedDuration::from_mins(30);
            let all = [
                entered(&world, case, true, begun, Some(begun + HOUR * 3)),
                entered(&world, case, true, begun + HOUR, Some(begun + HOUR * 6)),
                entered(&world, case, false, begun + half, None),
            ];
            order.map(|n: usize| all[n].clone())
        };
        world.tell(&said(&case)).await;
        let clock = world.clocks(&case).await[&kind].clone();
        assert_eq!(clock.state, to_wire(ClockState::Running), "{order:?}");
        let times = (time(&clock.start_time), time(&clock.due_time));
        assert_eq!(times, (begun + HOUR, begun + HOUR * 6), "{order:?}");
        // One after them all keeps them all, whether it is known last or first.
        let last = |case: &CaseName| entered(&world, case, false, begun + HOUR * 2, None);
        world.tell(&[last(&case), last(&kept)]).await;
        world.tell(&said(&kept)).await;
        for case in [&case, &kept] {
            let met = Some(ClockState::Met);
            assert_eq!(state(&world, case, kind).await, met, "{order:?}");
        }
    }
}

#[tokio::test]
async fn m16_a_case_that_has_ended_owes_no_promise_that_waited_behind_another() {
    let world = World::new().await;
    let begun = world.now();
    let case = world.case().await;
    world.clock.advance(HOUR * 2);
    let half = SignedDuration::from_mins(30);
    let said = [
        entered(&world, &case, true, begun, Some(begun + HOUR * 3)),
        entered(&world, &case, true, begun + HOUR, Some(begun + HOUR * 6)),
        world.moved("intake", &case, CaseStatus::Withdrawn, 2),
        entered(&world, &case, false, begun + half, None),
    ];
    world.tell(&said).await;
    let ended = Some(ClockState::Cancelled);
    let kind = ClockKind::InterimUpdate;
    assert_eq!(state(&world, &case, kind).await, ended);
}

#[tokio::test]
async fn who_is_spoken_with_when_they_come_is_acknowledged_and_owed_no_update() {
    let world = World::new().await;
    let case = world.new_case();
    let grave = event::CaseFacts {
        headcount: 3,
        ..world.facts(&case)
    };
    world.tell(&[world.received(grave)]).await;
    // What they left without speaking with anybody acknowledges nothing.
    world
        .tell(&[world.contact(&case, true, false, false)])
        .await;
    let acknowledge = ClockKind::Acknowledge;
    assert_eq!(
        state(&world, &case, acknowledge).await,
        Some(ClockState::Running)
    );
    // Nor does what a former release takes for a talk, by nobody, on the word of a portal.
    let nobody = event::ContactRecorded {
        case: case.to_string(),
        contact_id: uuid::Uuid::now_v7().to_string(),
        direction: event::ContactDirection::Inbound.into(),
        channel: to_wire(Channel::App),
        by_person: true,
        contact_time: Some(to_timestamp(world.now())),
        promised_next_time: Some(to_timestamp(world.now() + HOUR)),
        ..Default::default()
    };
    let kind = "redress.contact.recorded.v1";
    let nobody = world.event("intake", kind, &case.to_string(), &nobody);
    world.tell(&[nobody]).await;
    assert_eq!(
        state(&world, &case, acknowledge).await,
        Some(ClockState::Running)
    );
    world.tell(&[world.contact(&case, true, true, false)]).await;
    assert_eq!(
        state(&world, &case, acknowledge).await,
        Some(ClockState::Met)
    );
    let answer = state(&world, &case, ClockKind::Answer).await;
    assert_eq!(answer, Some(ClockState::Running));
    assert_eq!(state(&world, &case, ClockKind::InterimUpdate).await, None);
}

#[tokio::test]
async fn each_word_starts_the_time_until_the_next_one_by_the_grade() {
    let world = World::new().await;
    let case = world.new_case();
    let grave = event::CaseFacts {
        headcount: 3,
        ..world.facts(&case)
    };
    world.tell(&[world.received(grave)]).await;
    let kind = ClockKind::InterimUpdate;
    assert_eq!(
        state(&world, &case, kind).await,
        None,
        "nobody has spoken yet"
    );
    say(&world, &case, WORD).await;
    let due = |clocks: &std::collections::BTreeMap<ClockKind, wire::CaseClock>| {
        time(&clocks[&kind].due_time)
    };
    assert_eq!(
        due(&world.clocks(&case).await),
        at("2026-03-05T09:00:00+08:00")
    );
    world.advance(HOUR * 24).await;
    say(&world, &case, WORD).await;
    assert_eq!(
        due(&world.clocks(&case).await),
        at("2026-03-06T09:00:00+08:00")
    );
    // An automatic receipt is no update.
    world.advance(HOUR).await;
    world
        .tell(&[world.contact(&case, false, false, false)])
        .await;
    assert_eq!(
        due(&world.clocks(&case).await),
        at("2026-03-06T09:00:00+08:00")
    );
}

#[tokio::test]
async fn a_proposal_told_waits_three_working_days_for_a_reply_then_somebody_visits_m03() {
    let world = World::new().await;
    for told_first in [true, false] {
        let case = world.case().await;
        let proposed = world.moved("assignment", &case, CaseStatus::Proposed, 1);
        let told = world.contact(&case, false, true, true);
        let both = if told_first {
            [told, proposed]
        } else {
            [proposed, told]
        };
        world.tell(&both).await;
        let confirm = world.clocks(&case).await[&ClockKind::ConfirmClosing].clone();
        let three_days = at("2026-03-05T09:00:00+08:00");
        assert_eq!(time(&confirm.due_time), three_days, "{told_first}");
    }
    let case = world.case().await;
    world
        .tell(&[
            world.moved("assignment", &case, CaseStatus::Proposed, 1),
            world.contact(&case, false, true, true),
        ])
        .await;
    world.advance(HOUR * 24 * 3).await;
    let clocks = world.clocks(&case).await;
    assert_eq!(clocks[&ClockKind::ConfirmClosing].stop_cause, "no reply");
    assert_eq!(
        time(&clocks[&ClockKind::FollowUpVisit].due_time),
        at("2026-03-10T09:00:00+08:00")
    );
    let pages = world.pages().await;
    assert!(
        pages
            .iter()
            .all(|p| p.0 != "CONFIRM_CLOSING" || p.1 == "WARNED"),
        "silence of the customer breaks no promise of ours: {pages:?}"
    );
}

#[tokio::test]
async fn the_customers_reply_meets_the_confirmation() {
    let world = World::new().await;
    let case = world.case().await;
    world
        .tell(&[
            world.moved("assignment", &case, CaseStatus::Proposed, 1),
            world.contact(&case, false, true, true),
        ])
        .await;
    world.advance(HOUR).await;
    say(
        &world,
        &case,
        Said {
            inbound: true,
            ..WORD
        },
    )
    .await;
    let kind = ClockKind::ConfirmClosing;
    assert_eq!(state(&world, &case, kind).await, Some(ClockState::Met));
}

#[tokio::test]
async fn work_that_leaves_a_told_proposal_tells_the_reply() {
    let world = World::new().await;
    let kind = ClockKind::ConfirmClosing;
    for next in [CaseStatus::Resolving, CaseStatus::Investigating] {
        let case = world.case().await;
        world
            .tell(&[
                world.moved("assignment", &case, CaseStatus::Proposed, 1),
                world.contact(&case, false, true, true),
            ])
            .await;
        assert_eq!(state(&world, &case, kind).await, Some(ClockState::Running));
        world.advance(HOUR).await;
        world
            .tell(&[world.moved("assignment", &case, next, 1)])
            .await;
        assert_eq!(
            state(&world, &case, kind).await,
            Some(ClockState::Met),
            "{next}"
        );
        // Another proposal asks anew.
        world.advance(HOUR).await;
        world
            .tell(&[
                world.moved("assignment", &case, CaseStatus::Proposed, 1),
                world.contact(&case, false, true, true),
            ])
            .await;
        assert_eq!(
            state(&world, &case, kind).await,
            Some(ClockState::Running),
            "{next}"
        );
    }
}

#[tokio::test]
async fn m16_the_follow_up_is_met_by_a_visit_a_call_or_an_answered_survey() {
    let world = World::new().await;
    let kind = ClockKind::FollowUpVisit;
    let contact = |case: &CaseName, visit: bool, follow_up: bool| {
        let payload = event::ContactRecorded {
            case: case.to_string(),
            contact_id: uuid::Uuid::now_v7().to_string(),
            direction: event::ContactDirection::Outbound.into(),
            channel: to_wire(Channel::Hotline),
            by_person: true,
            visit,
            follow_up,
            contact_time: Some(to_timestamp(world.now())),
            ..Default::default()
        };
        let subject = case.to_string();
        world.event(
            "assignment",
            "redress.contact.recorded.v1",
            &subject,
            &payload,
        )
    };
    let survey = |case: &CaseName| {
        let payload = event::SurveyAnswered {
            case: case.to_string(),
            survey: "sites/lakeside/surveys/s1".to_owned(),
            kind: event::SurveyKind::Complaint.into(),
            score: 1,
            answer_time: Some(to_timestamp(world.now())),
            ..Default::default()
        };
        let subject = case.to_string();
        world.event(
            "notification",
            "redress.survey.answered.v1",
            &subject,
            &payload,
        )
    };
    for (what, met) in [
        ("any word", false),
        ("a visit", true),
        ("a call", true),
        ("a survey", true),
    ] {
        let case = world.case().await;
        world
            .tell(&[world.moved("assignment", &case, CaseStatus::Resolved, 1)])
            .await;
        let said = match what {
            "any word" => contact(&case, false, false),
            "a visit" => contact(&case, true, false),
            "a call" => contact(&case, false, true),
            _ => survey(&case),
        };
        world.tell(&[said]).await;
        let expected = if met {
            ClockState::Met
        } else {
            ClockState::Running
        };
        assert_eq!(state(&world, &case, kind).await, Some(expected), "{what}");
    }
}

#[tokio::test]
async fn a_resolution_is_followed_by_a_visit_or_an_answered_survey() {
    let world = World::new().await;
    let case = world.case().await;
    world
        .tell(&[world.moved("assignment", &case, CaseStatus::Resolved, 1)])
        .await;
    let clocks = world.clocks(&case).await;
    let visit = &clocks[&ClockKind::FollowUpVisit];
    assert_eq!(time(&visit.due_time), at("2026-03-05T09:00:00+08:00"));
    let investigation = &clocks[&ClockKind::StartInvestigation];
    assert_eq!(investigation.state, to_wire(ClockState::Met));
    let survey = wire::MeetClockRequest {
        name: visit.name.clone(),
        etag: visit.etag.clone(),
        ..Default::default()
    };
    let met = world.rpc.meet_clock(by(world.manager(), survey)).await;
    let met = met.expect("met").into_inner().clock.expect("a clock");
    assert_eq!(met.state, to_wire(ClockState::Met));
    // Reopened: the solution failed, and the next resolution asks anew.
    world
        .tell(&[world.moved("intake", &case, CaseStatus::Reopened, 2)])
        .await;
    world.advance(HOUR * 24).await;
    world
        .tell(&[world.moved("assignment", &case, CaseStatus::Resolved, 2)])
        .await;
    let visit = world.clocks(&case).await[&ClockKind::FollowUpVisit].clone();
    assert_eq!(time(&visit.due_time), at("2026-03-06T09:00:00+08:00"));
}

#[tokio::test]
async fn litigation_starts_the_defence_of_fifteen_days() {
    let world = World::new().await;
    let case = world.case().await;
    signal(&world, &case, SignalKind::Litigation).await;
    let defence = world.clocks(&case).await[&ClockKind::Defence].clone();
    assert_eq!(time(&defence.due_time), at("2026-03-17T09:00:00+08:00"));
}

#[tokio::test]
async fn g1_5_a_lawsuit_after_the_resolution_has_its_defence_and_starts_nothing_else() {
    let world = World::new().await;
    let (resolved, closed) = (world.case().await, world.case().await);
    for case in [&resolved, &closed] {
        let done = world.moved("assignment", case, CaseStatus::Resolved, 1);
        world.tell(&[done]).await;
    }
    let over = world.moved("assignment", &closed, CaseStatus::Closed, 1);
    world.tell(&[over]).await;
    let before = world.clocks(&resolved).await;
    for case in [&resolved, &closed] {
        signal(&world, case, SignalKind::Litigation).await;
    }
    assert_eq!(world.decision(&resolved).await.grade, 1);
    let mut after = world.clocks(&resolved).await;
    let defence = after.remove(&ClockKind::Defence).expect("a defence");
    assert_eq!(time(&defence.due_time), at("2026-03-17T09:00:00+08:00"));
    assert!(after.keys().eq(before.keys()), "{after:?}");
    // The acknowledgement is owed still, and as soon as grade 1 asks; what the resolution met or asks stands.
    let quarter = SignedDuration::from_mins(15);
    for (kind, was) in &before {
        let expected = match kind {
            ClockKind::Acknowledge => world.now() + quarter,
            ClockKind::Answer => time(&was.start_time) + HOUR * 24,
            _ => time(&was.due_time),
        };
        assert_eq!(time(&after[kind].due_time), expected, "{kind}");
        assert!(after[kind].state == was.state, "{kind}");
    }
    // A case that has ended is decided no more.
    assert_eq!(state(&world, &closed, ClockKind::Defence).await, None);
    // Met, and another lawsuit: anew.
    let request = wire::MeetClockRequest {
        name: defence.name,
        etag: defence.etag,
        ..Default::default()
    };
    let met = world.rpc.meet_clock(by(world.manager(), request)).await;
    met.expect("met");
    world.advance(HOUR).await;
    signal(&world, &resolved, SignalKind::Litigation).await;
    let anew = world.clocks(&resolved).await[&ClockKind::Defence].clone();
    assert_eq!(anew.state, to_wire(ClockState::Running));
    assert_eq!(time(&anew.start_time), world.now());
}

#[tokio::test]
async fn the_defence_counts_from_when_the_lawsuit_became_known_whenever_it_is_entered() {
    let world = World::new().await;
    let day = HOUR * 24;
    for (known, counts_from) in [(day * 4, day * 4), (day * 40, SignedDuration::ZERO)] {
        let case = world.case().await;
        let signal = Signal {
            kind: to_wire(SignalKind::Litigation),
            basis: to_wire(SignalBasis::Reported),
            known_time: Some(to_timestamp(world.now() - known)),
            ..Default::default()
        };
        let recorded = world.record(world.manager(), &case, signal, "").await;
        recorded.expect("recorded");
        let defence = world.clocks(&case).await[&ClockKind::Defence].clone();
        // What would be over already counts from now (P11).
        assert_eq!(time(&defence.start_time), world.now() - counts_from);
        assert_eq!(defence.state, to_wire(ClockState::Running));
    }
}

#[tokio::test]
async fn m17_an_exposure_of_a_store_is_to_be_clarified_and_another_one_anew() {
    let world = World::new().await;
    let kind = ClockKind::MediaClarification;
    let elsewhere = world.case().await;
    signal(&world, &elsewhere, SignalKind::MediaExposure).await;
    assert_eq!(state(&world, &elsewhere, kind).await, None);
    world.is_agency_store().await;
    let case = world.case().await;
    // What is only suspected starts nothing that leaves the house, counted provisionally or not.
    let suspected = Signal {
        kind: to_wire(SignalKind::MediaExposure),
        basis: to_wire(SignalBasis::Suspected),
        ..Default::default()
    };
    let recorded = world.record(world.manager(), &case, suspected, "").await;
    recorded.expect("recorded");
    world.advance(HOUR).await;
    assert!(world.decision(&case).await.provisional);
    assert_eq!(state(&world, &case, kind).await, None);
    signal(&world, &case, SignalKind::MediaExposure).await;
    let first = world.clocks(&case).await[&kind].clone();
    assert_eq!(time(&first.start_time), world.now());
    let five_days = wire::ClockLength {
        amount: 5,
        unit: wire::ClockUnit::Days.into(),
    };
    assert_eq!(first.length, Some(five_days));
    world.advance(HOUR).await;
    let done = wire::MeetClockRequest {
        name: first.name.clone(),
        etag: first.etag.clone(),
        ..Default::default()
    };
    let met = world.rpc.meet_clock(by(world.manager(), done)).await;
    met.expect("met");
    world.advance(HOUR).await;
    // What was known already starts nothing.
    signal(&world, &case, SignalKind::ThreatensMedia).await;
    assert_eq!(state(&world, &case, kind).await, Some(ClockState::Met));
    signal(&world, &case, SignalKind::OnlinePost).await;
    let second = world.clocks(&case).await[&kind].clone();
    assert_eq!(second.state, to_wire(ClockState::Running));
    assert_eq!(time(&second.start_time), world.now());
}

/// The media desk of the incident of these cases has said of every report what is true of it.
fn assessed(world: &World, cases: &[&CaseName], at: Timestamp) -> redress_events::Event {
    let incident = format!("sites/lakeside/incidents/{}", uuid::Uuid::now_v7());
    let payload = event::ExposuresAssessed {
        incident: incident.clone(),
        cases: cases.iter().map(ToString::to_string).collect(),
        assess_time: Some(to_timestamp(at)),
    };
    let kind = "redress.exposures.assessed.v1";
    world.event("crisis", kind, &incident, &payload)
}

/// A report that became known so long ago and is entered now.
async fn exposed(world: &World, case: &CaseName, ago: SignedDuration) {
    let signal = Signal {
        kind: to_wire(SignalKind::MediaExposure),
        basis: to_wire(SignalBasis::Reported),
        known_time: Some(to_timestamp(world.now() - ago)),
        ..Default::default()
    };
    let recorded = world.record(world.manager(), case, signal, "").await;
    recorded.expect("recorded");
}

#[tokio::test]
async fn m17_what_the_desk_of_an_incident_has_assessed_its_case_does_not_owe_beside_it() {
    let world = World::new().await;
    world.is_agency_store().await;
    let kind = ClockKind::MediaClarification;
    let case = world.case().await;
    let waits = assessed(&world, &[&case, &world.new_case()], world.now());
    let outcome = world.deliver(&waits).await;
    assert_eq!(outcome, event::DeliverOutcome::Waiting);
    exposed(&world, &case, SignedDuration::ZERO).await;
    assert_eq!(state(&world, &case, kind).await, Some(ClockState::Running));
    world.advance(HOUR * 20).await;
    let told = assessed(&world, &[&case], world.now());
    world.tell(&[told.clone(), told]).await;
    let cancelled = Some(ClockState::Cancelled);
    assert_eq!(state(&world, &case, kind).await, cancelled);
    world.advance(HOUR * 24 * 6).await;
    assert!(
        world.pages_about(kind).await.is_empty(),
        "nobody is held to it"
    );
    // What becomes known after that is another report, until the desk knows of it too.
    signal(&world, &case, SignalKind::OnlinePost).await;
    let second = world.clocks(&case).await[&kind].clone();
    assert_eq!(second.state, to_wire(ClockState::Running));
    assert_eq!(time(&second.start_time), world.now());
    world.tell(&[assessed(&world, &[&case], world.now())]).await;
    assert_eq!(state(&world, &case, kind).await, cancelled);
}

#[tokio::test]
async fn m17_a_report_and_its_assessment_end_the_same_whichever_is_heard_first_i3() {
    let world = World::new().await;
    world.is_agency_store().await;
    let kind = ClockKind::MediaClarification;
    for report_first in [true, false] {
        let case = world.case().await;
        world.advance(HOUR * 2).await;
        let told = assessed(&world, &[&case], world.now() - HOUR);
        if report_first {
            exposed(&world, &case, HOUR * 2).await;
            world.tell(std::slice::from_ref(&told)).await;
        } else {
            world.tell(std::slice::from_ref(&told)).await;
            exposed(&world, &case, HOUR * 2).await;
        }
        assert_ne!(state(&world, &case, kind).await, Some(ClockState::Running));
        // An older word of a desk changes nothing.
        let older = assessed(&world, &[&case], world.now() - HOUR * 3);
        world.tell(&[older]).await;
        assert_ne!(state(&world, &case, kind).await, Some(ClockState::Running));

        // Another one came out since, of which the desk does not know.
        let case = world.case().await;
        world.advance(HOUR * 2).await;
        let told = assessed(&world, &[&case], world.now() - HOUR);
        if !report_first {
            world.tell(std::slice::from_ref(&told)).await;
        }
        exposed(&world, &case, HOUR * 2).await;
        exposed(&world, &case, HOUR / 2).await;
        world.tell(&[told]).await;
        let clock = world.clocks(&case).await[&kind].clone();
        assert_eq!(clock.state, to_wire(ClockState::Running), "{report_first}");
        assert_eq!(time(&clock.start_time), world.now() - HOUR / 2);
    }
}

#[tokio::test]
async fn m17_what_was_assessed_in_time_is_told_as_of_then_though_it_is_heard_after_the_deadline() {
    let world = World::new().await;
    world.is_agency_store().await;
    let kind = ClockKind::MediaClarification;
    let case = world.case().await;
    exposed(&world, &case, SignedDuration::ZERO).await;
    world.advance(HOUR).await;
    let (at, told) = (world.now(), assessed(&world, &[&case], world.now()));
    world.advance(HOUR * 24 * 8).await;
    assert_eq!(state(&world, &case, kind).await, Some(ClockState::Breached));
    world.tell(&[told]).await;
    let all: Vec<event::ClockChanged> = world.said("redress.clock.changed.v1").await;
    let last = all.iter().rfind(|c| c.kind == to_wire(kind));
    let last = last.expect("told");
    assert_eq!(last.state, to_wire(ClockState::Cancelled));
    assert_eq!(
        time(&last.transition_time),
        at,
        "so nothing is booked of it"
    );
}

#[tokio::test]
async fn p11_a_clock_is_not_broken_when_it_is_started_and_a_broken_one_that_is_held_is_not_extended()
 {
    let world = World::new().await;
    let case = world.case().await;
    let request = wire::StartClockRequest {
        start_time: Some(to_timestamp(at("2020-01-01T00:00:00Z"))),
        term: Some(wire::start_clock_request::Term::Length(wire::ClockLength {
            amount: 1,
            unit: wire::ClockUnit::Days.into(),
        })),
        party: "12345".to_owned(),
        ..Default::default()
    };
    let kind = ClockKind::OutsideDeadline;
    let refused = start(&world, &case, kind, request.clone()).await;
    let status = refused.expect_err("in the past");
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().contains("start_time"), "{status}");
    assert!(world.pages().await.is_empty());
    let long = wire::StartClockRequest {
        start_time: None,
        term: Some(wire::start_clock_request::Term::Length(wire::ClockLength {
            amount: 121,
            unit: wire::ClockUnit::Months.into(),
        })),
        ..request
    };
    let status = start(&world, &case, kind, long)
        .await
        .expect_err("too long");
    assert!(status.message().contains("ten years"), "{status}");

    world.advance(HOUR * 24 * 10).await;
    let hold = wire::HoldCaseRequest {
        parent: case.to_string(),
        reason: to_wire(redress_model::words::HoldReason::Customer),
        until_time: Some(to_timestamp(world.now() + HOUR)),
        note: "keys".to_owned(),
        ..Default::default()
    };
    let held = world.rpc.hold_case(by(world.manager(), hold)).await;
    held.expect("held");
    let resolve = world.clocks(&case).await[&ClockKind::Resolve].clone();
    let extend = wire::ExtendClockRequest {
        name: resolve.name,
        due_time: Some(to_timestamp(world.now() + HOUR * 99)),
        reason: "more time".to_owned(),
        etag: resolve.etag,
        ..Default::default()
    };
    let answer = world.rpc.extend_clock(by(world.manager(), extend)).await;
    let status = answer.expect_err("a breach stays a breach");
    assert_eq!(status.code(), Code::FailedPrecondition);
}

#[tokio::test]
async fn a_promise_in_a_word_that_is_entered_late_was_kept_by_a_later_one_i3() {
    let world = World::new().await;
    // A plain complaint, on which no word is owed but what is promised.
    let case = world.case().await;
    assert_eq!(state(&world, &case, ClockKind::InterimUpdate).await, None);
    say(&world, &case, WORD).await;
    world.advance(HOUR).await;
    let older = world.now();
    world.advance(HOUR).await;
    say(&world, &case, WORD).await;
    let payload = event::ContactRecorded {
        case: case.to_string(),
        contact_id: uuid::Uuid::now_v7().to_string(),
        direction: event::ContactDirection::Outbound.into(),
        channel: to_wire(Channel::Hotline),
        by_person: true,
        contact_time: Some(to_timestamp(older)),
        promised_next_time: Some(to_timestamp(older + HOUR * 3)),
        ..Default::default()
    };
    let kind = "redress.contact.recorded.v1";
    let late = world.event("assignment", kind, &case.to_string(), &payload);
    world.tell(&[late]).await;
    world.advance(HOUR * 24).await;
    let kind = ClockKind::InterimUpdate;
    assert_eq!(state(&world, &case, kind).await, Some(ClockState::Met));
    assert!(world.pages().await.iter().all(|p| p.0 != "INTERIM_UPDATE"));
}

#[tokio::test]
async fn p02_an_answered_case_does_not_escalate_for_a_question_that_is_entered_late() {
    let world = World::new().await;
    let case = world.case().await;
    let answer = Said {
        substantive: true,
        ..WORD
    };
    say(&world, &case, answer).await;
    world.advance(HOUR).await;
    let mut question = world.contact(&case, true, true, false);
    world.advance(HOUR).await;
    let answer = Said {
        substantive: true,
        ..WORD
    };
    say(&world, &case, answer).await;
    question.id = uuid::Uuid::now_v7();
    world.tell(&[question]).await;
    world.advance(HOUR * 24 * 3).await;
    let kind = ClockKind::Answer;
    assert_eq!(state(&world, &case, kind).await, Some(ClockState::Met));
    assert!(world.pages().await.iter().all(|p| p.0 != "ANSWER"));
}

#[tokio::test]
async fn appeals_have_fifteen_days_against_a_judgment_and_ten_against_a_ruling() {
    let world = World::new().await;
    let case = world.case().await;
    for (kind, due) in [
        (ClockKind::AppealJudgment, "2026-03-17T09:00:00+08:00"),
        (ClockKind::AppealRuling, "2026-03-12T09:00:00+08:00"),
        (ClockKind::Rescue, "2026-03-02T09:30:00+08:00"),
    ] {
        let clock = start(&world, &case, kind, Default::default()).await;
        assert_eq!(time(&clock.expect("started").due_time), at(due), "{kind}");
    }
}

#[tokio::test]
async fn an_outside_deadline_stands_as_given_warns_at_half_and_is_extended_by_a_person() {
    let world = World::new().await;
    let case = world.case().await;
    // A Sunday: it moves to no opening.
    let due = at("2026-03-08T09:00:00+08:00");
    let request = wire::StartClockRequest {
        term: Some(wire::start_clock_request::Term::DueTime(to_timestamp(due))),
        party: "12345".to_owned(),
        outside_number: "HZ-2026-77".to_owned(),
        request_id: "once".to_owned(),
        ..Default::default()
    };
    let kind = ClockKind::OutsideDeadline;
    let clock = start(&world, &case, kind, request.clone())
        .await
        .expect("started");
    let again = start(&world, &case, kind, request).await.expect("the same");
    assert_eq!(clock.name, again.name, "I2");
    assert_eq!(time(&clock.due_time), due);
    let half = at("2026-03-05T09:00:00+08:00");
    assert_eq!(time(&clock.warn_early_time), half);
    assert_eq!(
        (clock.party.as_str(), clock.outside_number.as_str()),
        ("12345", "HZ-2026-77")
    );
    world.advance(HOUR * 24 * 5).await;
    let warned = |pages: &[(String, String, i32, Vec<String>)]| {
        pages.iter().filter(|p| p.0 == "OUTSIDE_DEADLINE").count()
    };
    assert_eq!(warned(&world.pages().await), 2, "at 50 and at 75 percent");
    let name = clock.name.clone();
    let extend = async |etag: &str, due: Timestamp| {
        let request = wire::ExtendClockRequest {
            name: name.clone(),
            due_time: Some(to_timestamp(due)),
            reason: "granted by the body".to_owned(),
            etag: etag.to_owned(),
            request_id: String::new(),
        };
        world.rpc.extend_clock(by(world.manager(), request)).await
    };
    let later = at("2026-03-20T09:00:00+08:00");
    let stale = extend(&clock.etag, later).await.expect_err("warned since");
    assert_eq!(stale.code(), Code::Aborted);
    let now = world
        .rpc
        .get_clock(by(
            world.manager(),
            wire::GetClockRequest { name: name.clone() },
        ))
        .await;
    let etag = now
        .expect("a clock")
        .into_inner()
        .clock
        .expect("a clock")
        .etag;
    let earlier = extend(&etag, half + HOUR * 24 * 2)
        .await
        .expect_err("not later");
    assert_eq!(earlier.code(), Code::InvalidArgument);
    let moved = extend(&etag, later).await.expect("extended").into_inner();
    let moved = moved.clock.expect("a clock");
    assert_eq!(time(&moved.due_time), later);
    world.advance(HOUR * 24 * 30).await;
    let late = extend(&moved.etag, later + HOUR * 24 * 60)
        .await
        .expect_err("broken");
    assert!(matches!(
        late.code(),
        Code::FailedPrecondition | Code::Aborted
    ));
}

#[tokio::test]
async fn a_contractors_clock_is_started_met_and_cancelled_by_hand() {
    let world = World::new().await;
    let case = world.case().await;
    let request = wire::StartClockRequest {
        term: Some(wire::start_clock_request::Term::Length(wire::ClockLength {
            amount: 2,
            unit: wire::ClockUnit::WorkingDays.into(),
        })),
        party: "Waterproofing contractor".to_owned(),
        ..Default::default()
    };
    let kind = ClockKind::Support;
    let nobody = wire::StartClockRequest {
        party: String::new(),
        ..request.clone()
    };
    let nobody = start(&world, &case, kind, nobody)
        .await
        .expect_err("whose?");
    assert_eq!(nobody.code(), Code::InvalidArgument);
    let one = start(&world, &case, kind, request.clone())
        .await
        .expect("started");
    let two = start(&world, &case, kind, request)
        .await
        .expect("another one");
    assert_ne!(one.name, two.name);
    assert_eq!(time(&one.due_time), at("2026-03-04T09:00:00+08:00"));
    let cancel = wire::CancelClockRequest {
        name: one.name.clone(),
        reason: "another contractor".to_owned(),
        etag: one.etag.clone(),
        ..Default::default()
    };
    let cancelled = world
        .rpc
        .cancel_clock(by(world.manager(), cancel.clone()))
        .await;
    let cancelled = cancelled
        .expect("cancelled")
        .into_inner()
        .clock
        .expect("a clock");
    assert_eq!(cancelled.state, to_wire(ClockState::Cancelled));
    let again = wire::CancelClockRequest {
        etag: cancelled.etag,
        ..cancel
    };
    let again = world
        .rpc
        .cancel_clock(by(world.manager(), again))
        .await
        .expect_err("stopped");
    assert_eq!(again.code(), Code::FailedPrecondition);
    // What follows from what happens is not met by hand.
    let resolve = world.clocks(&case).await[&ClockKind::Resolve].clone();
    let by_hand = wire::MeetClockRequest {
        name: resolve.name,
        etag: resolve.etag,
        ..Default::default()
    };
    let refused = world
        .rpc
        .meet_clock(by(world.manager(), by_hand))
        .await
        .expect_err("refused");
    assert_eq!(refused.code(), Code::FailedPrecondition);
}

async fn cancel(world: &World, clock: &wire::CaseClock) -> Result<wire::CaseClock, tonic::Status> {
    cancel_because(world, clock, "nobody needs it").await
}

async fn cancel_because(
    world: &World,
    clock: &wire::CaseClock,
    reason: &str,
) -> Result<wire::CaseClock, tonic::Status> {
    let request = wire::CancelClockRequest {
        name: clock.name.clone(),
        reason: reason.to_owned(),
        etag: clock.etag.clone(),
        ..Default::default()
    };
    let answer = world.rpc.cancel_clock(by(world.manager(), request)).await?;
    Ok(answer.into_inner().clock.expect("a clock"))
}

#[tokio::test]
async fn an_explanation_says_who_gave_more_time_and_why() {
    let world = World::new().await;
    let case = world.case().await;
    let resolve = world.clocks(&case).await[&ClockKind::Resolve].clone();
    let name = resolve.name;
    let request = wire::ExtendClockRequest {
        name: name.clone(),
        due_time: Some(to_timestamp(at("2026-03-20T09:00:00+08:00"))),
        reason: "the part is ordered".to_owned(),
        etag: resolve.etag,
        request_id: String::new(),
    };
    let extended = world.rpc.extend_clock(by(world.manager(), request)).await;
    extended.expect("extended");
    let request = wire::ExplainClockRequest { name };
    let told = world.rpc.explain_clock(by(world.manager(), request)).await;
    let told = told.expect("explained").into_inner();
    let changes: Vec<(&str, &str)> = told
        .changes
        .iter()
        .map(|change| (change.event.as_str(), change.cause.as_str()))
        .collect();
    let expected = [
        ("started", ""),
        ("extended", "manager: the part is ordered"),
    ];
    assert_eq!(changes, expected);
}

#[tokio::test]
async fn what_a_person_cancelled_stays_cancelled_in_whatever_words_they_said_why_p06() {
    let world = World::new().await;
    for word in ["ended", "moved", "dismissed"] {
        let case = world.case().await;
        let request = wire::StartClockRequest {
            term: Some(wire::start_clock_request::Term::Length(wire::ClockLength {
                amount: 2,
                unit: wire::ClockUnit::WorkingDays.into(),
            })),
            party: "Waterproofing contractor".to_owned(),
            ..Default::default()
        };
        let kind = ClockKind::Support;
        let clock = start(&world, &case, kind, request).await.expect("started");
        let cancelled = cancel_because(&world, &clock, word).await;
        let cancelled = cancelled.expect("cancelled");
        assert_eq!(cancelled.stop_cause, format!("manager: {word}"));
        for (status, epoch) in [(CaseStatus::Withdrawn, 2), (CaseStatus::Reopened, 3)] {
            world.advance(HOUR).await;
            world
                .tell(&[world.moved("intake", &case, status, epoch)])
                .await;
        }
        let now = state(&world, &case, kind).await;
        assert_eq!(now, Some(ClockState::Cancelled), "{word}");
    }
}

#[tokio::test]
async fn a_person_cancels_what_a_person_started_and_not_what_the_policy_or_a_promise_did() {
    let world = World::new().await;
    let case = world.case().await;
    signal(&world, &case, SignalKind::OngoingDamage).await;
    say(
        &world,
        &case,
        Said {
            promised: Some(world.now() + HOUR * 24),
            ..WORD
        },
    )
    .await;
    // By the policy, for a person may start one of the kind too; promised to the customer; by the policy alone.
    for kind in [
        ClockKind::OnSite,
        ClockKind::InterimUpdate,
        ClockKind::Resolve,
    ] {
        let clock = world.clocks(&case).await[&kind].clone();
        let refused = cancel(&world, &clock).await.expect_err("stands");
        assert_eq!(refused.code(), Code::FailedPrecondition, "{kind:?}");
        assert_eq!(
            state(&world, &case, kind).await,
            Some(ClockState::Running),
            "{kind:?}"
        );
    }
    let by_hand = start(&world, &case, ClockKind::OnSite, Default::default()).await;
    let by_hand = by_hand.expect("another one");
    let cancelled = cancel(&world, &by_hand).await.expect("a person's own");
    assert_eq!(cancelled.state, to_wire(ClockState::Cancelled));
    // What a signal alone started no dismissal takes back: a person does.
    signal(&world, &case, SignalKind::Litigation).await;
    let defence = world.clocks(&case).await[&ClockKind::Defence].clone();
    let cancelled = cancel(&world, &defence).await.expect("no lawsuit");
    assert_eq!(cancelled.state, to_wire(ClockState::Cancelled));
}

#[tokio::test]
async fn p06_an_ended_case_stops_what_was_started_by_hand_and_takes_no_new_clock() {
    let world = World::new().await;
    let case = world.case().await;
    let request = wire::StartClockRequest {
        term: Some(wire::start_clock_request::Term::DueTime(to_timestamp(
            world.now() + HOUR,
        ))),
        party: "12315".to_owned(),
        ..Default::default()
    };
    let kind = ClockKind::OutsideDeadline;
    start(&world, &case, kind, request.clone())
        .await
        .expect("started");
    world
        .tell(&[world.moved("intake", &case, CaseStatus::Withdrawn, 2)])
        .await;
    let refused = start(&world, &case, kind, request)
        .await
        .expect_err("ended");
    assert_eq!(refused.code(), Code::FailedPrecondition);
    world.advance(HOUR * 24 * 40).await;
    assert!(world.pages().await.is_empty());
}

#[tokio::test]
async fn p12_a_case_that_another_service_or_an_import_made_has_its_clocks_like_any_other() {
    let world = World::new().await;
    // Entered an hour late: it counts from its own time.
    let received = world.now() - HOUR;
    let promised =
        async |channel: Channel, owner: &str| -> Vec<(ClockKind, Timestamp, Timestamp)> {
            let case = world.new_case();
            let facts = event::CaseFacts {
                channel: to_wire(channel),
                first_contact_owner: owner.to_owned(),
                received_time: Some(to_timestamp(received)),
                ..world.facts(&case)
            };
            world.tell(&[world.received(facts)]).await;
            let clocks = world.clocks(&case).await.into_iter();
            clocks
                .map(|(kind, c)| (kind, time(&c.start_time), time(&c.due_time)))
                .collect()
        };
    let by_staff = promised(Channel::Hotline, "sites/lakeside/staff/clerk").await;
    assert_eq!(by_staff.len(), 4);
    assert!(by_staff.iter().all(|(_, start, _)| *start == received));
    for channel in [Channel::Regulator, Channel::Web, Channel::Email] {
        assert_eq!(promised(channel, "").await, by_staff, "{channel}");
    }
}

#[tokio::test]
async fn p27_a_reopened_case_does_not_escalate_for_the_time_it_was_closed() {
    let world = World::new().await;
    let case = world.case().await;
    world
        .tell(&[
            world.contact(&case, false, true, true),
            world.moved("assignment", &case, CaseStatus::Resolved, 1),
            world.moved("assignment", &case, CaseStatus::Closed, 1),
        ])
        .await;
    world.advance(HOUR * 24 * 100).await;
    world
        .tell(&[world.moved("intake", &case, CaseStatus::Reopened, 2)])
        .await;
    let before = world.pages().await.len();
    world.advance(HOUR).await;
    assert_eq!(world.pages().await.len(), before);
    let resolve = world.clocks(&case).await[&ClockKind::Resolve].clone();
    assert_eq!(resolve.state, to_wire(ClockState::Running));
}

#[tokio::test]
async fn an_explanation_shows_what_the_time_was_spent_on() {
    let world = World::new().await;
    let case = world.case().await;
    world.advance(HOUR * 4).await;
    let name = world.clocks(&case).await[&ClockKind::Acknowledge]
        .name
        .clone();
    let request = wire::ExplainClockRequest { name };
    let told = world.rpc.explain_clock(by(world.manager(), request)).await;
    let told = told.expect("explained").into_inner();
    let kinds: Vec<wire::ClockStretchKind> = told.stretches.iter().map(|s| s.kind()).collect();
    use wire::ClockStretchKind::{Closed, Working};
    // Monday 09:00 to 14:00 over lunch.
    assert_eq!(kinds, [Working, Closed, Working]);
    let used: Vec<i64> = told
        .stretches
        .iter()
        .map(|s| s.used.as_ref().map_or(0, |d| d.seconds / 3600))
        .collect();
    assert_eq!(used, [3, 3, 4]);
    assert_eq!(told.basis(), wire::ClockBasis::FromStart);
    assert_eq!(told.used.map(|d| d.seconds), Some(3 * 3600));
    assert_eq!(
        (told.changes.len(), told.changes[0].event.as_str()),
        (1, "started")
    );
    assert_eq!(told.time_zone, "Asia/Shanghai");
}

#[tokio::test]
async fn p04_an_urgency_that_gives_as_much_time_takes_nothing_back_that_a_person_gave() {
    let world = World::new().await;
    let case = world.case().await;
    let resolve = world.clocks(&case).await[&ClockKind::Resolve].clone();
    let given = at("2026-03-20T09:00:00+08:00");
    let extend = wire::ExtendClockRequest {
        name: resolve.name,
        due_time: Some(to_timestamp(given)),
        reason: "the part is on its way".to_owned(),
        etag: resolve.etag,
        request_id: String::new(),
    };
    let extended = world.rpc.extend_clock(by(world.manager(), extend)).await;
    extended.expect("extended");
    // More urgent, of the same grade: five working days as before.
    signal(&world, &case, SignalKind::OngoingDamage).await;
    assert_eq!(world.decision(&case).await.grade, 4);
    let resolve = world.clocks(&case).await[&ClockKind::Resolve].clone();
    assert_eq!(time(&resolve.due_time), given);
}

#[tokio::test]
async fn another_danger_wants_somebody_on_site_anew_once_the_first_was_seen_to_m13() {
    let world = World::new().await;
    let case = world.case().await;
    let on_site = async || world.clocks(&case).await[&ClockKind::OnSite].clone();
    signal(&world, &case, SignalKind::OngoingDamage).await;
    let first = on_site().await;
    world.advance(HOUR).await;
    let visit = Said {
        visit: true,
        ..WORD
    };
    say(&world, &case, visit).await;
    assert_eq!(on_site().await.state, to_wire(ClockState::Met));
    world.advance(HOUR).await;
    // What was known already starts nothing.
    signal(&world, &case, SignalKind::ThreatensLitigation).await;
    assert_eq!(on_site().await.state, to_wire(ClockState::Met));
    signal(&world, &case, SignalKind::OngoingDamage).await;
    let second = on_site().await;
    assert_eq!(second.state, to_wire(ClockState::Running));
    assert_eq!(time(&second.start_time), world.now());
    assert!(time(&second.due_time) > time(&first.due_time));
}

#[tokio::test]
async fn an_agreement_that_is_taken_back_is_not_asked_about_and_all_else_runs_on() {
    let world = World::new().await;
    let case = world.case().await;
    let kind = ClockKind::ConfirmClosing;
    let moved = |status| world.moved("assignment", &case, status, 1);
    world.tell(&[moved(CaseStatus::Investigating)]).await;
    let before = world.clocks(&case).await[&ClockKind::Resolve].clone();
    // The word of the proposal may be heard last.
    world
        .tell(&[
            moved(CaseStatus::Proposed),
            moved(CaseStatus::Resolving),
            world.contact(&case, false, true, true),
        ])
        .await;
    assert_eq!(state(&world, &case, kind).await, Some(ClockState::Running));
    world.advance(HOUR).await;
    world.tell(&[moved(CaseStatus::Investigating)]).await;
    let cancelled = Some(ClockState::Cancelled);
    assert_eq!(state(&world, &case, kind).await, cancelled);
    let resolve = world.clocks(&case).await[&ClockKind::Resolve].clone();
    let stands = (resolve.state, resolve.due_time);
    assert_eq!(stands, (before.state, before.due_time), "no time is bought");
    // Another proposal asks anew.
    world.advance(HOUR).await;
    world
        .tell(&[
            moved(CaseStatus::Proposed),
            world.contact(&case, false, true, true),
        ])
        .await;
    assert_eq!(state(&world, &case, kind).await, Some(ClockState::Running));
}

#[tokio::test]
async fn section_5_what_is_unfounded_is_answered_in_time_or_breaks_the_promise() {
    for (hours, late) in [(23, 0), (25, 1)] {
        let world = World::new().await;
        let case = world.case().await;
        world.advance(HOUR * hours).await;
        // A rejection is a substantive word, then the end.
        world
            .tell(&[
                world.contact(&case, false, true, true),
                world.moved("assignment", &case, CaseStatus::Rejected, 1),
            ])
            .await;
        world.advance(HOUR * 24 * 3).await;
        assert_eq!(world.paged("ANSWER", "BREACHED").await, late, "{hours} h");
        let answer = state(&world, &case, ClockKind::Answer).await;
        assert_eq!(answer, Some(ClockState::Met), "{hours} h");
    }
}
