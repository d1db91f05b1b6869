//! Promises start, are met, move and climb.

use jiff::SignedDuration;
use redress_model::name::CaseName;
use redress_model::words::{CaseStatus, ClockKind, DutyRole, SignalBasis, SignalKind};
use redress_proto::convert::to_timestamp;
use redress_proto::convert::to_wire;
use redress_proto::event::v1 as event;
use redress_proto::triage::v1 as wire;
use redress_proto::triage::v1::clock_service_server::ClockService as _;
use redress_proto::words::Signal;
use tonic::Code;

use crate::world::{World, at, by, time};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const RUNNING: i32 = 1;
const BREACHED: i32 = 2;
const MET: i32 = 3;
const CANCELLED: i32 = 4;

/// What was said of one promise from warnings on: transition, level and who was told.
async fn pages_of(world: &World, kind: &str) -> Vec<(String, i32, Vec<String>)> {
    let all = world.pages().await;
    all.into_iter()
        .filter(|page| page.0 == kind)
        .map(|page| (page.1, page.2, page.3))
        .collect()
}

#[tokio::test]
async fn four_promises_start_at_receipt_by_the_grade() {
    let world = World::new().await;
    let case = world.case().await;
    let clocks = world.clocks(&case).await;
    let due = |kind| time(&clocks[&kind].due_time);
    // Monday 09:00, grade 4: four working hours over lunch, one working day, five working days.
    assert_eq!(due(ClockKind::Acknowledge), at("2026-03-02T14:00:00+08:00"));
    assert_eq!(due(ClockKind::Answer), at("2026-03-03T09:00:00+08:00"));
    assert_eq!(due(ClockKind::Resolve), at("2026-03-09T09:00:00+08:00"));
    assert_eq!(
        due(ClockKind::StartInvestigation),
        at("2026-03-02T11:00:00+08:00")
    );
    assert_eq!(clocks.len(), 4);
    let said: Vec<event::ClockChanged> = world.said("redress.clock.changed.v1").await;
    assert_eq!(said.len(), 4);
}

#[tokio::test]
async fn a_clock_warns_breaches_and_climbs_the_ladder_once_each() {
    let world = World::new().await;
    let case = world.case().await;
    world.tell(&[world.owned(&case, "handler", 1)]).await;
    world.tell(&[world.contact(&case, false, true, true)]).await;
    world.advance(HOUR * 24 * 60).await;
    let pages = pages_of(&world, "RESOLVE").await;
    let page = |what: &str, level, who: &str| (what.to_owned(), level, vec![who.to_owned()]);
    assert_eq!(
        pages,
        [
            page("WARNED", 0, "handler"),
            page("BREACHED", 1, "lead-site"),
            page("CLIMBED", 2, "lead-duty"),
            page("CLIMBED", 3, "lead-top"),
        ]
    );
    assert_eq!(
        world.clocks(&case).await[&ClockKind::Resolve].state,
        BREACHED
    );
}

#[tokio::test]
async fn nobody_on_duty_means_the_next_rung_now_p14() {
    let world = World::without_roster().await;
    world.roster(&[(DutyRole::TopLead, "lead-top")]).await;
    let case = world.case().await;
    world.tell(&[world.contact(&case, false, true, true)]).await;
    world.advance(HOUR * 24 * 8).await;
    let pages = pages_of(&world, "RESOLVE").await;
    assert_eq!(pages.len(), 2, "{pages:?}");
    assert_eq!(
        pages[1],
        ("BREACHED".to_owned(), 3, vec!["lead-top".to_owned()])
    );
    world.advance(HOUR * 24 * 60).await;
    assert_eq!(
        pages_of(&world, "RESOLVE").await.len(),
        2,
        "the top lead is not told twice"
    );
}

#[tokio::test]
async fn nobody_at_all_keeps_the_clock_going() {
    let world = World::without_roster().await;
    world.case().await;
    world.advance(HOUR * 6).await;
    let last = pages_of(&world, "ACKNOWLEDGE").await;
    let last = last.last().expect("a page");
    assert_eq!((last.0.as_str(), last.2.len()), ("BREACHED", 0));
    world.roster(&[(DutyRole::DutyLead, "lead-duty")]).await;
    world.advance(HOUR * 24).await;
    let pages = world.pages().await;
    assert!(
        pages
            .iter()
            .any(|p| p.0 == "ACKNOWLEDGE" && p.1 == "CLIMBED" && p.3 == ["lead-duty"])
    );
}

#[tokio::test]
async fn somebody_complained_about_is_told_nothing() {
    let world = World::new().await;
    let case = world.new_case();
    let facts = event::CaseFacts {
        staff_complained_about: vec![
            "sites/lakeside/staff/lead-site".to_owned(),
            "sites/lakeside/staff/clerk".to_owned(),
        ],
        ..world.facts(&case)
    };
    world.tell(&[world.received(facts)]).await;
    world.advance(HOUR * 24 * 60).await;
    let told: Vec<String> = world.pages().await.into_iter().flat_map(|p| p.3).collect();
    assert!(!told.is_empty());
    assert!(
        told.iter()
            .all(|who| who == "lead-duty" || who == "lead-top"),
        "{told:?}"
    );
}

#[tokio::test]
async fn where_all_leads_of_a_site_are_complained_about_the_region_is_told() {
    let world = World::without_roster().await;
    world.case_about_every_lead().await;
    world.case().await;
    world.advance(HOUR * 24 * 8).await;
    let told: Vec<String> = world.pages().await.into_iter().flat_map(|p| p.3).collect();
    assert!(told.iter().any(|who| who == "region"), "{told:?}");
    // Of the other case, which accuses nobody, the leads hear and the region does not.
    let pages = pages_of(&world, "ACKNOWLEDGE").await;
    let breaches: Vec<_> = pages.iter().filter(|p| p.0 == "BREACHED").collect();
    let of = |rung, who: &str| ("BREACHED".to_owned(), rung, vec![who.to_owned()]);
    assert_eq!(breaches.len(), 2, "{pages:?}");
    assert!(breaches.contains(&&of(3, "region")), "{pages:?}");
    assert!(breaches.contains(&&of(1, "lead-site")), "{pages:?}");
}

#[tokio::test]
async fn an_automatic_receipt_meets_nothing_and_a_persons_word_acknowledges() {
    let world = World::new().await;
    let case = world.case().await;
    let states = async || {
        let clocks = world.clocks(&case).await;
        (
            clocks[&ClockKind::Acknowledge].state,
            clocks[&ClockKind::Answer].state,
        )
    };
    world
        .tell(&[world.contact(&case, false, false, true)])
        .await;
    assert_eq!(states().await, (RUNNING, RUNNING));
    world
        .tell(&[world.contact(&case, false, true, false)])
        .await;
    assert_eq!(states().await, (MET, RUNNING));
    world.tell(&[world.contact(&case, false, true, true)]).await;
    assert_eq!(states().await, (MET, MET));
}

#[tokio::test]
async fn an_answer_given_cannot_escalate_and_a_further_message_asks_again_p02_p03() {
    let world = World::new().await;
    let case = world.case().await;
    world.advance(HOUR).await;
    world.tell(&[world.contact(&case, false, true, true)]).await;
    world.advance(HOUR * 24 * 3).await;
    assert!(world.pages().await.iter().all(|p| p.0 != "ANSWER"));
    // Thursday 10:00: one working day again.
    world.tell(&[world.contact(&case, true, true, false)]).await;
    let answer = &world.clocks(&case).await[&ClockKind::Answer];
    assert_eq!(
        (answer.state, time(&answer.due_time)),
        (RUNNING, at("2026-03-06T10:00:00+08:00"))
    );
    // Asking again buys no time.
    world.advance(HOUR).await;
    world.tell(&[world.contact(&case, true, true, false)]).await;
    let answer = &world.clocks(&case).await[&ClockKind::Answer];
    assert_eq!(time(&answer.due_time), at("2026-03-06T10:00:00+08:00"));
    world.advance(HOUR * 24).await;
    assert!(
        world
            .pages()
            .await
            .iter()
            .any(|p| p.0 == "ANSWER" && p.1 == "BREACHED")
    );
}

#[tokio::test]
async fn p02_an_answer_after_the_breach_ends_its_climb_and_its_pages() {
    let world = World::new().await;
    let case = world.case().await;
    let told = async || world.pages_about(ClockKind::Answer).await.len();
    // To be answered by Tuesday 09:00: the first lead has just been told.
    world
        .advance(HOUR * 24 + SignedDuration::from_mins(1))
        .await;
    assert_eq!(told().await, 1);
    world.tell(&[world.contact(&case, false, true, true)]).await;
    world.advance(HOUR * 24 * 7).await;
    assert_eq!(told().await, 1, "nobody above hears of what was answered");
    let answer = &world.clocks(&case).await[&ClockKind::Answer];
    assert!(answer.next_time.is_none(), "{answer:?}");
}

#[tokio::test]
async fn a_rise_shortens_the_promises_from_the_same_start() {
    let world = World::new().await;
    let case = world.case().await;
    world.advance(SignedDuration::from_mins(30)).await;
    let injury = Signal {
        kind: to_wire(SignalKind::Injury),
        basis: to_wire(SignalBasis::Reported),
        ..Default::default()
    };
    world
        .record(world.manager(), &case, injury, "")
        .await
        .expect("recorded");
    let clocks = world.clocks(&case).await;
    let due = |kind| time(&clocks[&kind].due_time);
    // 15 minutes from 09:00 are past: they count from the regrade.
    assert_eq!(due(ClockKind::Acknowledge), at("2026-03-02T09:45:00+08:00"));
    // One working day and one day are the same instant here; a month never moves five working days later.
    assert_eq!(due(ClockKind::Answer), at("2026-03-03T09:00:00+08:00"));
    assert_eq!(due(ClockKind::Resolve), at("2026-03-09T09:00:00+08:00"));
    assert_eq!(clocks[&ClockKind::Resolve].grade, 1);
}

#[tokio::test]
async fn the_day_of_a_grave_complaint_is_a_calendar_day_that_ends_where_the_site_is_open() {
    let world = World::new().await;
    for (received, due, warned) in [
        // In the lunch break, then on a Friday: 24 hours later the site is closed.
        (
            "2026-03-02T12:30:00+08:00",
            "2026-03-03T13:00:00+08:00",
            "2026-03-03T06:52:30+08:00",
        ),
        (
            "2026-03-06T17:00:00+08:00",
            "2026-03-09T09:00:00+08:00",
            "2026-03-08T17:00:00+08:00",
        ),
    ] {
        world.clock.set(at(received));
        let case = world.new_case();
        let facts = event::CaseFacts {
            headcount: 3,
            ..world.facts(&case)
        };
        world.tell(&[world.received(facts)]).await;
        let answer = &world.clocks(&case).await[&ClockKind::Answer];
        assert_eq!(answer.grade, 2);
        assert_eq!(time(&answer.due_time), at(due), "{received}");
        // Three quarters of the time, round the clock.
        assert_eq!(time(&answer.warn_time), at(warned), "{received}");
    }
}

async fn injury(world: &World, case: &CaseName, basis: SignalBasis) {
    let injury = Signal {
        kind: to_wire(SignalKind::Injury),
        basis: to_wire(basis),
        ..Default::default()
    };
    let recorded = world.record(world.manager(), case, injury, "").await;
    recorded.expect("recorded");
}

#[tokio::test]
async fn an_explanation_names_the_rise_that_kept_a_deadline() {
    let world = World::new().await;
    let case = world.case().await;
    injury(&world, &case, SignalBasis::Reported).await;
    let name = world.clocks(&case).await[&ClockKind::Resolve].name.clone();
    let request = wire::ExplainClockRequest { name };
    let told = world.rpc.explain_clock(by(world.manager(), request)).await;
    let told = told.expect("explained").into_inner();
    assert_eq!(told.basis(), wire::ClockBasis::KeptByRise);
    let events: Vec<&str> = told.changes.iter().map(|c| c.event.as_str()).collect();
    assert_eq!(events, ["started", "regraded"]);
    // It is nobody's news.
    let said: Vec<event::ClockChanged> = world.said("redress.clock.changed.v1").await;
    let of_resolve = |c: &&event::ClockChanged| c.kind == to_wire(ClockKind::Resolve);
    assert_eq!(said.iter().filter(of_resolve).count(), 1);
}

#[tokio::test]
async fn p23_what_a_person_promised_takes_its_turn_by_the_grade_of_the_case() {
    let world = World::new().await;
    let case = world.case().await;
    let request = wire::StartClockRequest {
        parent: case.to_string(),
        kind: to_wire(ClockKind::OutsideDeadline),
        term: Some(wire::start_clock_request::Term::DueTime(to_timestamp(
            world.now() + HOUR * 48,
        ))),
        party: "12345".to_owned(),
        ..Default::default()
    };
    let started = world.rpc.start_clock(by(world.manager(), request)).await;
    started.expect("started");
    world
        .tell(&[
            world.moved("assignment", &case, CaseStatus::Proposed, 1),
            world.contact(&case, false, true, true),
        ])
        .await;
    injury(&world, &case, SignalBasis::Reported).await;
    let clocks = world.clocks(&case).await;
    for kind in [ClockKind::OutsideDeadline, ClockKind::ConfirmClosing] {
        assert_eq!(clocks[&kind].grade, 1, "{kind}");
    }
    let due = time(&clocks[&ClockKind::OutsideDeadline].due_time);
    assert_eq!(due, world.now() + HOUR * 48);
}

#[tokio::test]
async fn a_question_an_age_check_and_the_end_of_a_hold_are_extended_by_nobody() {
    let world = World::new().await;
    let case = world.case().await;
    injury(&world, &case, SignalBasis::Suspected).await;
    world
        .tell(&[
            world.moved("assignment", &case, CaseStatus::Proposed, 1),
            world.contact(&case, false, true, true),
        ])
        .await;
    let held = wire::HoldCaseRequest {
        parent: case.to_string(),
        reason: 1,
        until_time: Some(to_timestamp(world.now() + HOUR * 48)),
        note: "keys".to_owned(),
        request_id: String::new(),
    };
    let held = world.rpc.hold_case(by(world.manager(), held)).await;
    held.expect("held");
    for kind in ["CONFIRM_SIGNAL", "CONFIRM_CLOSING", "AGE_CHECK", "HOLD_END"] {
        let id: uuid::Uuid = sqlx::query_scalar("SELECT id FROM triage.clock WHERE kind = $1")
            .bind(kind)
            .fetch_one(&world.database.admin)
            .await
            .expect(kind);
        let request = wire::ExtendClockRequest {
            name: format!("sites/lakeside/clocks/{id}"),
            due_time: Some(to_timestamp(world.now() + HOUR * 24 * 365)),
            reason: "let it wait".to_owned(),
            ..Default::default()
        };
        let refused = world.rpc.extend_clock(by(world.manager(), request)).await;
        let code = refused.expect_err(kind).code();
        assert_eq!(code, Code::FailedPrecondition, "{kind}");
    }
    // So silence counts all the same.
    world.advance(HOUR).await;
    assert_eq!(world.decision(&case).await.grade, 1);
}

#[tokio::test]
async fn p03_a_further_message_by_any_channel_restarts_the_answer_clock() {
    use redress_model::words::Channel;
    let world = World::new().await;
    for channel in Channel::ALL {
        let case = world.case().await;
        world.tell(&[world.contact(&case, false, true, true)]).await;
        assert_eq!(world.clocks(&case).await[&ClockKind::Answer].state, MET);
        world.clock.advance(SignedDuration::from_mins(1));
        let payload = event::ContactRecorded {
            case: case.to_string(),
            contact_id: uuid::Uuid::now_v7().to_string(),
            direction: event::ContactDirection::Inbound.into(),
            channel: to_wire(*channel),
            by_person: true,
            contact_time: Some(to_timestamp(world.now())),
            ..Default::default()
        };
        let kind = "redress.contact.recorded.v1";
        let message = world.event("intake", kind, &case.to_string(), &payload);
        world.tell(&[message]).await;
        let answer = &world.clocks(&case).await[&ClockKind::Answer];
        assert_eq!(answer.state, RUNNING, "{channel}");
        assert_eq!(time(&answer.start_time), world.now(), "{channel}");
    }
}

#[tokio::test]
async fn p08_a_warning_that_is_late_when_the_clock_is_made_is_told_at_once_or_left_out_never_twice()
{
    let world = World::new().await;
    let received = world.now();
    let late = async || {
        let case = world.new_case();
        let facts = event::CaseFacts {
            received_time: Some(to_timestamp(received)),
            ..world.facts(&case)
        };
        world.tell(&[world.received(facts)]).await;
        world.advance(SignedDuration::ZERO).await;
        let said: Vec<event::ClockChanged> = world.said("redress.clock.changed.v1").await;
        let mine = |c: &event::ClockChanged| {
            c.case == case.to_string()
                && c.kind == to_wire(ClockKind::Acknowledge)
                && (2..=4).contains(&c.transition)
        };
        said.into_iter()
            .filter(mine)
            .map(|c| c.level)
            .collect::<Vec<_>>()
    };
    // To be acknowledged by 14:00; three of its four working hours are used at 12:00.
    world.advance(SignedDuration::from_mins(270)).await;
    assert_eq!(late().await, [0], "13:30: warned once");
    world.advance(HOUR).await;
    assert_eq!(
        late().await,
        [1],
        "14:30: broken, and the warning is left out"
    );
}

#[tokio::test]
async fn merged_and_withdrawn_cases_never_page_anybody_p06() {
    let world = World::new().await;
    for (status, epoch) in [(CaseStatus::Merged, 2), (CaseStatus::Withdrawn, 2)] {
        let case = world.case().await;
        world
            .tell(&[world.moved("intake", &case, status, epoch)])
            .await;
        let clocks = world.clocks(&case).await;
        assert!(
            clocks
                .values()
                .all(|c| c.state == CANCELLED && c.next_time.is_none())
        );
    }
    world.advance(HOUR * 24 * 90).await;
    assert!(world.pages().await.is_empty());
}

#[tokio::test]
async fn an_unmerged_case_has_its_promises_as_they_stood() {
    let world = World::new().await;
    let case = world.case().await;
    world
        .tell(&[world.contact(&case, false, true, false)])
        .await;
    world
        .tell(&[world.moved("intake", &case, CaseStatus::Merged, 2)])
        .await;
    world.advance(HOUR).await;
    world
        .tell(&[world.moved("intake", &case, CaseStatus::Triaged, 3)])
        .await;
    let clocks = world.clocks(&case).await;
    assert_eq!(
        clocks[&ClockKind::Acknowledge].state,
        MET,
        "what was done stays done"
    );
    assert_eq!(
        time(&clocks[&ClockKind::Answer].due_time),
        at("2026-03-03T09:00:00+08:00"),
        "the hour of the merge bought no time"
    );
    assert_eq!(clocks[&ClockKind::Resolve].state, RUNNING);
}

#[tokio::test]
async fn a_resolution_meets_and_a_reopening_restarts_resolve_p27() {
    let world = World::new().await;
    let case = world.case().await;
    world
        .tell(&[world.moved("assignment", &case, CaseStatus::Resolved, 1)])
        .await;
    assert_eq!(world.clocks(&case).await[&ClockKind::Resolve].state, MET);
    world.advance(HOUR * 24 * 28).await;
    world
        .tell(&[world.moved("intake", &case, CaseStatus::Reopened, 2)])
        .await;
    let resolve = &world.clocks(&case).await[&ClockKind::Resolve];
    assert_eq!(resolve.state, RUNNING);
    // Monday 30 March 09:00, five working days; Qingming's Monday is off.
    assert_eq!(time(&resolve.due_time), at("2026-04-07T09:00:00+08:00"));
}

#[tokio::test]
async fn what_a_monitor_found_has_nobody_to_speak_to() {
    let world = World::new().await;
    let case = world.new_case();
    let facts = event::CaseFacts {
        headcount: 0,
        ..world.facts(&case)
    };
    world.tell(&[world.received(facts)]).await;
    let kinds: Vec<ClockKind> = world.clocks(&case).await.into_keys().collect();
    assert_eq!(kinds, [ClockKind::Resolve, ClockKind::StartInvestigation]);
}

#[tokio::test]
async fn a_clock_fires_though_the_index_was_emptied_i4_p15_p18() {
    let server = redress_testkit::redis().await;
    let client = redis::Client::open(server.url()).expect("a URL");
    let mut connection = client
        .get_multiplexed_async_connection()
        .await
        .expect("redis answers");
    let mut keys = async || -> i64 {
        let size = redis::cmd("DBSIZE");
        size.query_async(&mut connection).await.expect("counted")
    };
    let world = World::with_redis(Some(client.into())).await;
    world.roster(&[(DutyRole::OnSiteLead, "lead-site")]).await;
    let shutdown = tokio_util::sync::CancellationToken::new();
    let timers = {
        let (timers, shutdown) = (world.timers.clone(), shutdown.clone());
        tokio::spawn(async move { timers.run(shutdown).await })
    };
    let soon = std::time::Duration::from_secs(30);
    redress_testkit::eventually(soon, async || world.timers.is_index_ready()).await;
    let empty = keys().await;
    world.case().await;
    // What is flushed has to be there first.
    redress_testkit::eventually(soon, async || keys().await > empty).await;
    server.flush().expect("flushed");
    world.clock.advance(HOUR * 6);
    redress_testkit::eventually(soon, async || {
        let pages = world.pages().await;
        pages
            .iter()
            .any(|p| p.0 == "ACKNOWLEDGE" && p.1 == "BREACHED")
    })
    .await;
    let breaches = world
        .pages()
        .await
        .iter()
        .filter(|p| p.0 == "ACKNOWLEDGE")
        .count();
    assert_eq!(breaches, 1, "once, and the late warning is left out (P08)");
    shutdown.cancel();
    timers.await.expect("ended");
}

#[tokio::test]
async fn what_a_resolved_case_still_owes_follows_a_rise_and_no_fall_p23() {
    let world = World::new().await;
    let case = world.case().await;
    world.tell(&[world.contact(&case, false, true, true)]).await;
    let resolved = world.moved("assignment", &case, CaseStatus::Resolved, 1);
    world.tell(&[resolved]).await;
    // On Friday at the end of the day the customer writes.
    world.advance(HOUR * (24 * 4 + 8)).await;
    world
        .tell(&[world.contact(&case, true, false, false)])
        .await;
    let answer = async || world.clocks(&case).await[&ClockKind::Answer].clone();
    let before = answer().await;
    assert_eq!((before.state, before.grade), (RUNNING, 4));
    assert_eq!(time(&before.due_time), at("2026-03-09T17:00:00+08:00"));
    let kinds = async || world.clocks(&case).await.into_keys().collect::<Vec<_>>();
    let had = kinds().await;
    injury(&world, &case, SignalBasis::Confirmed).await;
    // 24 hours end where the site is open next.
    let risen = answer().await;
    assert_eq!((risen.state, risen.grade), (RUNNING, 1));
    assert_eq!(time(&risen.due_time), at("2026-03-09T09:00:00+08:00"));
    assert_eq!(time(&risen.start_time), time(&before.start_time));
    assert_eq!(
        kinds().await,
        had,
        "a rise starts nothing on what is resolved"
    );
    let etag = world.decision(&case).await.etag;
    let lowered = crate::grading::lower(&world, &case, 4, &etag).await;
    lowered.expect("lowered");
    let fallen = answer().await;
    assert_eq!(fallen.grade, 1);
    assert_eq!(time(&fallen.due_time), time(&risen.due_time));
}

#[tokio::test]
async fn whoever_was_paged_about_a_resolved_case_has_the_time_of_the_grade_that_it_rises_to() {
    let world = World::new().await;
    let case = world.case().await;
    let resolved = world.moved("assignment", &case, CaseStatus::Resolved, 1);
    world.tell(&[resolved]).await;
    // Four working hours from nine are over at two.
    world.advance(HOUR * 5).await;
    let next = async || {
        let clock = world.clocks(&case).await[&ClockKind::Acknowledge].clone();
        assert_eq!(clock.state, BREACHED);
        time(&clock.next_time)
    };
    let before = next().await;
    injury(&world, &case, SignalBasis::Confirmed).await;
    assert!(next().await < before);
}

/// The site is an office of the property manager (M16).
async fn is_property_office(world: &World) {
    let payload = event::SiteChanged {
        site: "sites/lakeside".to_owned(),
        organization: "organizations/demo".to_owned(),
        region: "organizations/demo/regions/north".to_owned(),
        kind: to_wire(redress_model::words::SiteKind::PropertyOffice),
        time_zone: "Asia/Shanghai".to_owned(),
        display_name: "Lakeside office".to_owned(),
        revision: 2,
        language: "zh-CN".to_owned(),
        display_name_en: String::new(),
    };
    let kind = "redress.site.changed.v1";
    let changed = world.event("intake", kind, "sites/lakeside", &payload);
    world.tell(&[changed]).await;
}

/// What the customer says by this channel at that time.
fn asks(
    world: &World,
    case: &CaseName,
    channel: redress_model::words::Channel,
    at: jiff::Timestamp,
) -> redress_events::Event {
    let payload = event::ContactRecorded {
        case: case.to_string(),
        contact_id: uuid::Uuid::now_v7().to_string(),
        direction: event::ContactDirection::Inbound.into(),
        channel: to_wire(channel),
        contact_time: Some(to_timestamp(at)),
        ..Default::default()
    };
    let kind = "redress.contact.recorded.v1";
    world.event("intake", kind, &case.to_string(), &payload)
}

#[tokio::test]
async fn m16_a_further_message_is_answered_in_the_time_of_its_own_channel_and_stays_so() {
    use redress_model::words::Channel;
    let world = World::new().await;
    is_property_office(&world).await;
    let case = world.new_case();
    let facts = event::CaseFacts {
        channel: to_wire(Channel::Letter),
        ..world.facts(&case)
    };
    world.tell(&[world.received(facts)]).await;
    let due = async || {
        let clock = world.clocks(&case).await[&ClockKind::Answer].clone();
        assert_eq!(clock.state, RUNNING);
        time(&clock.due_time)
    };
    assert_eq!(due().await, at("2026-03-05T09:00:00+08:00"));
    let answers = async || {
        world.tell(&[world.contact(&case, false, true, true)]).await;
        world.advance(HOUR).await;
    };
    answers().await;
    let called = asks(&world, &case, Channel::Hotline, world.now());
    world.tell(&[called]).await;
    assert_eq!(due().await, at("2026-03-03T10:00:00+08:00"));
    // What is promised anew is what was asked for last.
    let closed = world.moved("assignment", &case, CaseStatus::Closed, 1);
    world.tell(&[closed]).await;
    world.advance(HOUR).await;
    let reopened = world.moved("intake", &case, CaseStatus::Reopened, 2);
    world.tell(&[reopened]).await;
    assert_eq!(due().await, at("2026-03-03T11:00:00+08:00"));
    answers().await;
    let wrote = asks(&world, &case, Channel::Email, world.now());
    world.tell(&[wrote]).await;
    // From the next opening after the lunch break.
    assert_eq!(due().await, at("2026-03-05T13:00:00+08:00"));
}

#[tokio::test]
async fn m16_a_rise_gives_the_time_of_the_channel_that_was_asked_by_whichever_word_is_entered_first()
 {
    use redress_model::words::Channel;
    // A release that keeps no channel made it anew and left the one of the letter.
    for (late, left) in [(false, false), (true, false), (false, true)] {
        let world = World::new().await;
        let spoken = "clocks: { ANSWER: [ { grades: [1], spoken: true, length: 3 hours }, { grades: [1], length: 20 hours },
                      { spoken: true, length: 1 working day }, { length: 3 working days } ] }";
        let request = wire::ApplyPolicyRequest {
            parent: "sites/lakeside".to_owned(),
            document: spoken.to_owned(),
            reason: "agreed in the board".to_owned(),
            ..Default::default()
        };
        use redress_proto::triage::v1::policy_service_server::PolicyService as _;
        let applied = world.rpc.apply_policy(by(world.manager(), request)).await;
        applied.expect("applied");
        let case = world.new_case();
        let facts = event::CaseFacts {
            channel: to_wire(Channel::Letter),
            ..world.facts(&case)
        };
        world.tell(&[world.received(facts)]).await;
        world.clock.advance(SignedDuration::from_mins(30));
        let answer = world.contact(&case, false, true, true);
        world.clock.advance(SignedDuration::from_mins(30));
        let called = asks(&world, &case, Channel::Hotline, world.now());
        let mut words = vec![answer, called];
        if late {
            words.reverse();
        }
        world.tell(&words).await;
        let due = async || time(&world.clocks(&case).await[&ClockKind::Answer].due_time);
        assert_eq!(due().await, at("2026-03-03T10:00:00+08:00"), "{late}");
        if left {
            sqlx::query("UPDATE triage.clock SET channel = 'LETTER' WHERE kind = 'ANSWER'")
                .execute(&world.database.admin)
                .await
                .expect("left");
        }
        injury(&world, &case, SignalBasis::Confirmed).await;
        assert_eq!(
            due().await,
            at("2026-03-02T13:00:00+08:00"),
            "{late} {left}"
        );
    }
}
