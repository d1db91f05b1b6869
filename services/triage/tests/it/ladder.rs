//! A broken promise is told to whoever is on duty at that instant, until somebody acknowledges (decision 16).

use jiff::{SignedDuration, Timestamp};
use redress_events::Event;
use redress_model::name::CaseName;
use redress_model::words::{
    CaseStatus, Channel, ClockKind, ClockState, ClockTransition, DutyRole, HoldReason, SignalBasis,
    SignalKind, Word as _,
};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::event::v1 as event;
use redress_proto::triage::v1 as wire;
use redress_proto::triage::v1::clock_service_server::ClockService as _;
use redress_proto::words::Signal;
use redress_timers::{Fired, Truth as _};
use redress_triage::jobs::ClockTruth;
use std::sync::Arc;

use crate::world::{WITH_REGION, World, at, by, last, time};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// What was told of one clock: when, what, on which rung, to whom.
type Told = (Timestamp, String, i32, Vec<String>);

async fn told(world: &World, kind: ClockKind) -> Vec<Told> {
    let all: Vec<event::ClockChanged> = world.said("redress.clock.changed.v1").await;
    all.into_iter()
        .filter(|c| c.kind == to_wire(kind))
        .filter_map(|c| {
            let what = ClockTransition::from_number(c.transition)?;
            let pages = matches!(
                what,
                ClockTransition::Warned
                    | ClockTransition::Breached
                    | ClockTransition::Climbed
                    | ClockTransition::PagedAgain
            );
            let who = c.notify.iter().map(|n| last(n).to_owned()).collect();
            pages.then(|| {
                (
                    time(&c.transition_time),
                    what.word().to_owned(),
                    c.level,
                    who,
                )
            })
        })
        .collect()
}

fn page(at: Timestamp, what: &str, rung: i32, who: &str) -> Told {
    (at, what.to_owned(), rung, vec![who.to_owned()])
}

/// Somebody acknowledges what a clock told last.
async fn acknowledged(world: &World, case: &CaseName, kind: ClockKind) -> Event {
    let all: Vec<event::ClockChanged> = world.said("redress.clock.changed.v1").await;
    let told = all
        .into_iter()
        .rev()
        .find(|c| c.kind == to_wire(kind) && c.case == case.to_string() && !c.notify.is_empty())
        .expect("somebody was told");
    world.acknowledged(&told)
}

const ACK: ClockKind = ClockKind::Acknowledge;

async fn clock(world: &World, case: &CaseName) -> wire::CaseClock {
    world.clocks(case).await.remove(&ACK).expect("promised")
}

/// Monday 09:00, four working hours over lunch: due at 14:00, +50 % at 16:00, +100 % at 18:00.
fn due() -> Timestamp {
    at("2026-03-02T14:00:00+08:00")
}

#[tokio::test]
async fn who_does_not_acknowledge_is_paged_again_and_then_the_next_rung_is_ahead_of_time() {
    let world = World::new().await;
    let case = world.case().await;
    world.advance(HOUR * 48).await;
    let expected = [
        page(due() - HOUR * 2, "WARNED", 0, "clerk"),
        page(due(), "BREACHED", 1, "lead-site"),
        page(due() + HOUR, "PAGED_AGAIN", 1, "lead-site"),
        // The same instant as +50 %: told once.
        page(due() + HOUR * 2, "CLIMBED", 2, "lead-duty"),
        page(due() + HOUR * 3, "PAGED_AGAIN", 2, "lead-duty"),
        page(due() + HOUR * 4, "CLIMBED", 3, "lead-top"),
        page(due() + HOUR * 5, "PAGED_AGAIN", 3, "lead-top"),
    ];
    assert_eq!(told(&world, ACK).await, expected);
    let clock = clock(&world, &case).await;
    let page = clock.page.expect("a page");
    assert_eq!(
        (last(&page.staff), page.level, page.page_count),
        ("lead-top", 3, 2)
    );
    assert!(clock.next_time.is_none() && page.answer_time.is_none());
    assert_eq!(
        world
            .count("SELECT count(*) FROM triage.clock WHERE page_state = 'UNANSWERED' AND kind = 'ACKNOWLEDGE'")
            .await,
        1,
        "visible to who watches"
    );
}

#[tokio::test]
async fn an_acknowledgement_ends_paging_and_the_steps_by_time_still_come() {
    let world = World::new().await;
    let case = world.case().await;
    world.advance(HOUR * 5 + MINUTE * 30).await;
    let ack = acknowledged(&world, &case, ACK).await;
    world.tell(&[ack.clone(), ack]).await;
    let shown = clock(&world, &case).await;
    assert_eq!(time(&shown.next_time), due() + HOUR * 2, "+50 %");
    let page_shown = shown.page.expect("a page");
    assert_eq!(time(&page_shown.acknowledge_time), due() + MINUTE * 30);

    world.advance(HOUR * 2).await;
    world.tell(&[acknowledged(&world, &case, ACK).await]).await;
    world.advance(HOUR).await;
    let pages = told(&world, ACK).await;
    assert_eq!(
        pages[1..],
        [
            page(due(), "BREACHED", 1, "lead-site"),
            page(due() + HOUR * 2, "CLIMBED", 2, "lead-duty"),
        ]
    );
}

#[tokio::test]
async fn an_answer_to_the_first_page_that_comes_after_the_second_counts() {
    let world = World::new().await;
    let case = world.case().await;
    world.advance(HOUR * 5).await;
    let first = acknowledged(&world, &case, ACK).await;
    world.advance(HOUR + MINUTE).await;
    assert_eq!(told(&world, ACK).await.len(), 3, "paged again");
    world.tell(&[first]).await;
    let shown = clock(&world, &case).await;
    assert!(shown.page.expect("a page").acknowledge_time.is_some());
    assert_eq!(time(&shown.next_time), due() + HOUR * 2);
}

#[tokio::test]
async fn a_late_answer_from_below_does_not_end_the_paging_of_the_next_rung() {
    let world = World::new().await;
    let case = world.case().await;
    world.advance(HOUR * 5).await;
    let below = acknowledged(&world, &case, ACK).await;
    world.advance(HOUR * 2).await;
    world.tell(&[below]).await;
    let page = clock(&world, &case).await.page.expect("a page");
    assert_eq!((page.level, page.acknowledge_time), (2, None));
    world.advance(HOUR).await;
    let pages = told(&world, ACK).await;
    assert_eq!(
        pages.last(),
        Some(&page_again(due() + HOUR * 3, 2, "lead-duty"))
    );
}

fn page_again(at: Timestamp, rung: i32, who: &str) -> Told {
    page(at, "PAGED_AGAIN", rung, who)
}

#[tokio::test]
async fn grade_1_has_a_quarter_of_an_hour_to_acknowledge() {
    let world = World::new().await;
    let case = world.case().await;
    world
        .record(world.manager(), &case, injury(), "")
        .await
        .expect("recorded");
    // 15 minutes round the clock: due at 09:15, +50 % at 09:22:30, +100 % at 09:30.
    world.advance(MINUTE * 16).await;
    world.tell(&[acknowledged(&world, &case, ACK).await]).await;
    world.advance(HOUR).await;
    let start = at("2026-03-02T09:00:00+08:00");
    let pages = told(&world, ACK).await;
    assert_eq!(
        pages[pages.len() - 4..],
        [
            page(start + MINUTE * 15, "BREACHED", 1, "lead-site"),
            page(
                start + SignedDuration::from_secs(1350),
                "CLIMBED",
                2,
                "lead-duty"
            ),
            page(start + MINUTE * 30, "CLIMBED", 3, "lead-top"),
            page(start + MINUTE * 45, "PAGED_AGAIN", 3, "lead-top"),
        ]
    );
}

#[tokio::test]
async fn a_case_that_rises_to_grade_1_shortens_the_time_to_acknowledge_what_was_paged_before() {
    let world = World::new().await;
    let case = world.case().await;
    // The time that somebody else gave does not depend on the grade, who hears of it in time does.
    let outside = wire::StartClockRequest {
        parent: case.to_string(),
        kind: to_wire(ClockKind::OutsideDeadline),
        term: Some(wire::start_clock_request::Term::DueTime(
            to_timestamp(due()),
        )),
        party: "12345".to_owned(),
        ..Default::default()
    };
    let started = world.rpc.start_clock(by(world.manager(), outside)).await;
    started.expect("started");
    world
        .advance(due().duration_since(world.now()) + MINUTE * 10)
        .await;
    world
        .record(world.manager(), &case, injury(), "")
        .await
        .expect("recorded");
    world.advance(HOUR).await;
    let again = page_again(due() + MINUTE * 25, 1, "lead-site");
    assert!(
        told(&world, ClockKind::OutsideDeadline)
            .await
            .contains(&again)
    );
    let pages = told(&world, ACK).await;
    assert_eq!(
        pages[1..4],
        [
            page(due(), "BREACHED", 1, "lead-site"),
            page_again(due() + MINUTE * 25, 1, "lead-site"),
            page(due() + MINUTE * 40, "CLIMBED", 2, "lead-duty"),
        ]
    );
}

#[tokio::test]
async fn p07_who_went_off_duty_is_not_paged_again_but_who_came_on_duty() {
    let world = World::without_roster().await;
    world
        .shifts(&[
            (
                DutyRole::OnSiteLead,
                "day",
                "2026-03-02T08:00:00+08:00",
                "2026-03-02T14:30:00+08:00",
            ),
            (
                DutyRole::OnSiteLead,
                "night",
                "2026-03-02T14:30:00+08:00",
                "2026-03-03T08:00:00+08:00",
            ),
        ])
        .await;
    let case = world.case().await;
    world.advance(HOUR * 6 + MINUTE).await;
    let pages = told(&world, ACK).await;
    assert_eq!(
        pages[1..],
        [
            page(due(), "BREACHED", 1, "day"),
            page_again(due() + HOUR, 1, "night"),
        ]
    );
    // The one who came has two pages like anybody; that nobody is above does not end them.
    world.advance(HOUR).await;
    let pages = told(&world, ACK).await;
    assert_eq!(
        pages.last(),
        Some(&page_again(due() + HOUR * 2, 1, "night"))
    );
    assert!(!clock(&world, &case).await.waiting_for_duty);
    // The step that time reached is kept behind the answer.
    world.tell(&[acknowledged(&world, &case, ACK).await]).await;
    assert!(clock(&world, &case).await.waiting_for_duty);
}

#[tokio::test]
async fn p07_an_owner_whose_next_turn_is_weeks_away_is_off_duty_and_one_on_no_roster_is_not() {
    let lead = (
        DutyRole::OnSiteLead,
        "lead",
        "2026-03-01T00:00:00Z",
        "2026-04-30T00:00:00Z",
    );
    // No roster names anybody but the lead in an event of a release that tells stretches alone.
    for (members, reminded) in [(&["clerk"][..], "lead"), (&[], "clerk")] {
        let world = World::without_roster().await;
        world.rostered(&[lead], members).await;
        world.case().await;
        world.advance(HOUR * 3 + MINUTE).await;
        let warned = page(due() - HOUR * 2, "WARNED", 0, reminded);
        assert_eq!(told(&world, ACK).await, [warned]);
    }
}

#[tokio::test]
async fn p14_a_warning_that_no_owner_may_hear_of_goes_to_who_is_on_duty_on_the_ladder() {
    let staff = |id: &str| format!("sites/lakeside/staff/{id}");
    let clerk = staff("clerk");
    let leads = [
        (DutyRole::OnSiteLead, "lead-site"),
        (DutyRole::TopLead, "lead-top"),
        (DutyRole::RegionContact, "region"),
    ];
    for (owner, accused, told_to) in [
        // The owner is complained about, then who would hear next as well, then every lead; or nobody owns it yet.
        (clerk.as_str(), &["clerk"][..], "lead-site"),
        (&clerk, &["clerk", "lead-site"], "lead-top"),
        (&clerk, &["clerk", "lead-site", "lead-top"], "region"),
        ("", &[], "lead-site"),
    ] {
        let world = World::without_roster().await;
        world.roster(&leads).await;
        let case = world.new_case();
        let facts = event::CaseFacts {
            first_contact_owner: owner.to_owned(),
            staff_complained_about: accused.iter().map(|id| staff(id)).collect(),
            ..world.facts(&case)
        };
        world.tell(&[world.received(facts)]).await;
        world.advance(HOUR * 3 + MINUTE).await;
        let warned = page(due() - HOUR * 2, "WARNED", 0, told_to);
        assert_eq!(told(&world, ACK).await, [warned]);
    }
}

#[tokio::test]
async fn p07_an_owner_off_duty_is_not_reminded_but_the_lead_on_duty_on_a_day_when_clocks_change() {
    let world = World::without_roster().await;
    // Berlin, the night of 29 March 2026: at 02:00 it is 03:00. The site's day is Shanghai's, its people's is not.
    let dusk = "2026-03-28T22:00:00+01:00[Europe/Berlin]";
    let (night, dawn) = (
        "2026-03-29T01:30:00+01:00[Europe/Berlin]",
        "2026-03-29T06:00:00+02:00[Europe/Berlin]",
    );
    let instant = |zoned: &str| {
        zoned
            .parse::<jiff::Zoned>()
            .expect("a time")
            .timestamp()
            .to_string()
    };
    let (dusk, night, dawn) = (instant(dusk), instant(night), instant(dawn));
    let far = "2026-04-30T00:00:00Z";
    world
        .shifts(&[
            (
                DutyRole::FrontOffice,
                "clerk",
                "2026-03-01T00:00:00Z",
                &night,
            ),
            (DutyRole::FrontOffice, "clerk", &dawn, far),
            (DutyRole::OnSiteLead, "late", &dusk, &night),
            (DutyRole::OnSiteLead, "early", &night, far),
        ])
        .await;
    // 01:15 in Berlin: on duty is who goes at 01:30, three quarters of an hour before it is 03:00.
    world.clock.set(at("2026-03-29T00:15:00Z"));
    let case = world.case().await;
    world
        .record(world.manager(), &case, injury(), "")
        .await
        .expect("recorded");
    // Warns after eleven minutes and a quarter, at 01:26 and before the gap: the clerk is there.
    world.advance(MINUTE * 12).await;
    assert_eq!(told(&world, ACK).await[0].3, ["clerk"]);

    world.clock.set(at("2026-03-29T00:50:00Z"));
    let second = world.case().await;
    world
        .record(world.manager(), &second, injury(), "")
        .await
        .expect("recorded");
    world.advance(MINUTE * 12).await;
    let warned: Vec<Told> = told(&world, ACK)
        .await
        .into_iter()
        .filter(|t| t.1 == "WARNED")
        .collect();
    assert_eq!(warned.last().expect("warned").3, ["early"], "{warned:?}");
    world.advance(HOUR * 24).await;
    let all: Vec<String> = told(&world, ACK)
        .await
        .into_iter()
        .flat_map(|t| t.3)
        .collect();
    assert!(!all.contains(&"late".to_owned()), "{all:?}");
}

fn injury() -> Signal {
    Signal {
        kind: to_wire(SignalKind::Injury),
        basis: to_wire(SignalBasis::Reported),
        ..Default::default()
    }
}

#[tokio::test]
async fn p14_a_rung_without_anybody_on_duty_is_passed_over_now() {
    let world = World::without_roster().await;
    world.roster(&[(DutyRole::TopLead, "lead-top")]).await;
    world.case().await;
    world.advance(HOUR * 8).await;
    let pages = told(&world, ACK).await;
    assert_eq!(pages[1], page(due(), "BREACHED", 3, "lead-top"));
    assert_eq!(pages[2], page_again(due() + HOUR, 3, "lead-top"));
    assert_eq!(pages.len(), 3, "{pages:?}");
}

/// A complaint that is entered later than it was made.
async fn entered(world: &World, received: Timestamp, signals: Vec<Signal>) -> CaseName {
    let case = world.new_case();
    let facts = event::CaseFacts {
        received_time: Some(to_timestamp(received)),
        signals,
        ..world.facts(&case)
    };
    world.tell(&[world.received(facts)]).await;
    world.advance(SignedDuration::ZERO).await;
    case
}

/// A rung that was due before the complaint was entered.
fn passed(at: Timestamp, what: &str) -> Told {
    (at, what.to_owned(), 0, Vec::new())
}

#[tokio::test]
async fn a_complaint_entered_late_pages_the_rung_that_is_due_now_and_keeps_those_before_as_passed()
{
    let world = World::new().await;
    let received = world.now();
    world.advance(HOUR * 7 + MINUTE * 30).await;
    let case = entered(&world, received, Vec::new()).await;
    let now = due() + HOUR * 2 + MINUTE * 30;
    let expected = [
        passed(now, "BREACHED"),
        page(now, "CLIMBED", 2, "lead-duty"),
    ];
    assert_eq!(told(&world, ACK).await, expected);
    // That it is late is in plain sight.
    let shown = clock(&world, &case).await;
    assert_eq!((time(&shown.due_time), shown.level), (due(), 2));
    assert_eq!(shown.state, to_wire(ClockState::Breached));
    let request = wire::GetClockRequest { name: shown.name };
    let answer = world.rpc.get_clock(by(world.manager(), request)).await;
    let history = answer.expect("a clock").into_inner().history;
    let late = |h: &&wire::ClockHistoryEntry| h.cause == "entered late";
    let late: Vec<_> = history.iter().filter(late).collect();
    assert_eq!(late.len(), 1);
    assert_eq!(late[0].transition, to_wire(ClockTransition::Breached));
    // What each change told is told apart by its generation.
    let all: Vec<event::ClockChanged> = world.said("redress.clock.changed.v1").await;
    let told_of = all.iter().filter(|c| c.kind == to_wire(ACK));
    let generations: Vec<i64> = told_of.map(|c| c.generation).collect();
    assert!(generations.is_sorted_by(|a, b| a < b), "{generations:?}");
    // What lies ahead comes in its time.
    world.advance(HOUR + MINUTE * 30).await;
    let expected = [
        page_again(now + HOUR, 2, "lead-duty"),
        page(due() + HOUR * 4, "CLIMBED", 3, "lead-top"),
    ];
    assert_eq!(told(&world, ACK).await[2..], expected);
    // A day late: one page, to whom it has come by now.
    world.advance(HOUR * 15).await;
    let before = told(&world, ACK).await.len();
    entered(&world, received, Vec::new()).await;
    let now = at("2026-03-03T09:00:00+08:00");
    let expected = [
        passed(now, "BREACHED"),
        passed(now, "CLIMBED"),
        page(now, "CLIMBED", 3, "lead-top"),
    ];
    assert_eq!(told(&world, ACK).await[before..], expected);
}

#[tokio::test]
async fn p23_what_triage_read_late_was_not_entered_late_and_pages_every_rung() {
    let world = World::new().await;
    let case = world.case().await;
    world.tell(&[world.contact(&case, false, true, true)]).await;
    world.advance(MINUTE).await;
    let complaint = world.received(event::CaseFacts {
        received_time: Some(to_timestamp(world.now())),
        ..world.facts(&world.new_case())
    });
    let asked = world.contact(&case, true, true, false);
    world.advance(HOUR * 72).await;
    world.tell(&[complaint, asked]).await;
    world.advance(SignedDuration::ZERO).await;
    let now = world.now();
    let every_rung = [
        page(now, "BREACHED", 1, "lead-site"),
        page(now, "CLIMBED", 2, "lead-duty"),
        page(now, "CLIMBED", 3, "lead-top"),
    ];
    assert_eq!(told(&world, ACK).await, every_rung);
    // The new complaint's answer, and the one to the further message.
    let of_both = [every_rung.clone(), every_rung].concat();
    assert_eq!(told(&world, ClockKind::Answer).await, of_both);
}

#[tokio::test]
async fn p23_a_reopening_that_triage_read_late_pages_every_rung_of_what_it_promised_anew() {
    for by_facts in [false, true] {
        let world = World::new().await;
        let case = world.case().await;
        world
            .tell(&[world.moved("assignment", &case, CaseStatus::Resolved, 1)])
            .await;
        world.advance(MINUTE).await;
        let reopened = if by_facts {
            world.updated(event::CaseFacts {
                status: to_wire(CaseStatus::Reopened),
                epoch: 2,
                revision: 2,
                ..world.facts(&case)
            })
        } else {
            world.moved("intake", &case, CaseStatus::Reopened, 2)
        };
        world.advance(HOUR * (24 * 14 + 1)).await;
        world.tell(&[reopened]).await;
        world.advance(SignedDuration::ZERO).await;
        let now = world.now();
        let every_rung = [
            page(now, "BREACHED", 1, "lead-site"),
            page(now, "CLIMBED", 2, "lead-duty"),
            page(now, "CLIMBED", 3, "lead-top"),
        ];
        assert_eq!(told(&world, ClockKind::Resolve).await, every_rung);
    }
}

#[tokio::test]
async fn p23_a_visit_that_a_late_timer_starts_pages_every_rung_unless_the_word_before_it_was_late()
{
    for entered_late in [false, true] {
        let world = World::new().await;
        let case = world.case().await;
        let proposed = world.moved("assignment", &case, CaseStatus::Proposed, 1);
        world.tell(&[proposed]).await;
        let word = event::ContactRecorded {
            case: case.to_string(),
            contact_id: uuid::Uuid::now_v7().to_string(),
            direction: event::ContactDirection::Outbound.into(),
            channel: to_wire(Channel::Hotline),
            by_person: true,
            substantive: true,
            contact_time: Some(to_timestamp(world.now())),
            ..Default::default()
        };
        let kind = "redress.contact.recorded.v1";
        let said = || world.event("intake", kind, &case.to_string(), &word);
        if !entered_late {
            world.tell(&[said()]).await;
        }
        // Nothing fires meanwhile: neither the end of the three working days that the customer had to reply, nor that of the
        // three of the visit.
        world.clock.advance(HOUR * 24 * 12);
        if entered_late {
            world.tell(&[said()]).await;
        }
        world.advance(SignedDuration::ZERO).await;
        let now = world.now();
        let top = page(now, "CLIMBED", 3, "lead-top");
        let expected = if entered_late {
            [passed(now, "BREACHED"), passed(now, "CLIMBED"), top]
        } else {
            let first = page(now, "BREACHED", 1, "lead-site");
            [first, page(now, "CLIMBED", 2, "lead-duty"), top]
        };
        let visit = told(&world, ClockKind::FollowUpVisit).await;
        assert_eq!(visit, expected, "{entered_late}");
    }
}

#[tokio::test]
async fn p23_a_rung_that_nobody_is_on_and_a_page_sent_again_at_once_are_two_changes() {
    let world = World::without_roster().await;
    world.roster(&[(DutyRole::OnSiteLead, "lead-site")]).await;
    world.case().await;
    world.advance(HOUR * 5).await;
    // Nothing fires meanwhile: by then the page is unanswered and the next rung is due.
    world.clock.advance(HOUR * 2 + MINUTE * 30);
    world.advance(SignedDuration::ZERO).await;
    let now = due() + HOUR * 2 + MINUTE * 30;
    let pages = told(&world, ACK).await;
    assert_eq!(pages.last(), Some(&page_again(now, 1, "lead-site")));
    let all: Vec<event::ClockChanged> = world.said("redress.clock.changed.v1").await;
    let told_of = all.iter().filter(|c| c.kind == to_wire(ACK));
    let generations: Vec<i64> = told_of.map(|c| c.generation).collect();
    assert!(generations.is_sorted_by(|a, b| a < b), "{generations:?}");
}

#[tokio::test]
async fn p14_a_complaint_entered_late_reaches_somebody_below_where_nobody_above_is_on_duty() {
    let world = World::without_roster().await;
    world.roster(&[(DutyRole::OnSiteLead, "lead-site")]).await;
    let received = world.now();
    world.advance(HOUR * 10).await;
    entered(&world, received, Vec::new()).await;
    let now = due() + HOUR * 5;
    let expected = [
        passed(now, "BREACHED"),
        passed(now, "CLIMBED"),
        page(now, "CLIMBED", 1, "lead-site"),
    ];
    assert_eq!(told(&world, ACK).await, expected);
}

#[tokio::test]
async fn p03_a_message_entered_late_pages_the_rung_that_its_answer_has_come_to() {
    let world = World::new().await;
    let case = world.case().await;
    world.tell(&[world.contact(&case, false, true, true)]).await;
    // Asked on Monday at 10:00, to be answered in a working day, entered on Thursday.
    let asked = event::ContactRecorded {
        case: case.to_string(),
        contact_id: uuid::Uuid::now_v7().to_string(),
        direction: event::ContactDirection::Inbound.into(),
        channel: to_wire(Channel::Hotline),
        by_person: true,
        contact_time: Some(to_timestamp(world.now() + HOUR)),
        ..Default::default()
    };
    world.advance(HOUR * 72).await;
    let kind = "redress.contact.recorded.v1";
    let asked = world.event("intake", kind, &case.to_string(), &asked);
    world.tell(&[asked]).await;
    world.advance(SignedDuration::ZERO).await;
    let now = world.now();
    let expected = [
        passed(now, "BREACHED"),
        passed(now, "CLIMBED"),
        page(now, "CLIMBED", 3, "lead-top"),
    ];
    assert_eq!(told(&world, ClockKind::Answer).await, expected);
}

#[tokio::test]
async fn p22_everybody_hears_of_a_complaint_of_grade_1_however_late_it_is_entered() {
    let world = World::new().await;
    let received = world.now();
    world.advance(HOUR).await;
    entered(&world, received, vec![injury()]).await;
    let now = received + HOUR;
    let expected = [
        page(now, "BREACHED", 1, "lead-site"),
        page(now, "CLIMBED", 2, "lead-duty"),
        page(now, "CLIMBED", 3, "lead-top"),
    ];
    assert_eq!(told(&world, ACK).await, expected);
}

#[tokio::test]
async fn a_step_for_which_nobody_is_on_duty_is_kept_until_somebody_comes() {
    let world = World::without_roster().await;
    let morning = "2026-03-03T08:00:00+08:00";
    world
        .shifts(&[(
            DutyRole::DutyLead,
            "lead-duty",
            morning,
            "2026-03-03T20:00:00+08:00",
        )])
        .await;
    let case = world.case().await;
    world.advance(HOUR * 10).await;
    let nobody: Vec<_> = told(&world, ACK)
        .await
        .into_iter()
        .skip(1)
        .map(|t| (t.1, t.3))
        .collect();
    let said = |what: &str| (what.to_owned(), Vec::new());
    assert_eq!(nobody, [said("BREACHED"), said("CLIMBED"), said("CLIMBED")]);
    let shown = clock(&world, &case).await;
    assert!(shown.waiting_for_duty && shown.page.is_none() && shown.level == 0);
    assert_eq!(time(&shown.next_time), at(morning), "when somebody comes");
    world.advance(HOUR * 13 + MINUTE).await;
    let pages = told(&world, ACK).await;
    assert_eq!(pages[4], page(at(morning), "CLIMBED", 2, "lead-duty"));
    assert!(!clock(&world, &case).await.waiting_for_duty);
    // Paged twice in vain, and there is no top lead: it waits for one.
    world.advance(HOUR * 3).await;
    assert_eq!(told(&world, ACK).await.len(), 6);
    assert!(clock(&world, &case).await.waiting_for_duty);
}

#[tokio::test]
async fn p14_a_step_that_was_kept_behind_a_page_is_told_to_who_is_on_duty_when_that_is_acknowledged()
 {
    let world = World::without_roster().await;
    let (monday, came) = ("2026-03-02T08:00:00+08:00", "2026-03-02T09:25:00+08:00");
    let far = "2026-04-30T00:00:00Z";
    world
        .shifts(&[
            (DutyRole::OnSiteLead, "lead-site", monday, far),
            (DutyRole::DutyLead, "lead-duty", came, far),
        ])
        .await;
    let case = world.case().await;
    world
        .record(world.manager(), &case, injury(), "")
        .await
        .expect("recorded");
    // Broken at 09:15, on to the duty lead at 09:22:30, when nobody is; the page is open until 09:30.
    world.advance(MINUTE * 26).await;
    world.tell(&[acknowledged(&world, &case, ACK).await]).await;
    world.advance(SignedDuration::from_secs(1)).await;
    let pages = told(&world, ACK).await;
    let now = at("2026-03-02T09:26:00+08:00");
    assert_eq!(pages.last(), Some(&page(now, "CLIMBED", 2, "lead-duty")));
}

#[tokio::test]
async fn a_new_roster_wakes_what_waits_for_somebody() {
    let world = World::without_roster().await;
    let case = world.case().await;
    world.advance(HOUR * 6).await;
    let shown = clock(&world, &case).await;
    assert!(shown.waiting_for_duty && shown.page.is_none());
    world.roster(&[(DutyRole::OnSiteLead, "lead-site")]).await;
    world.advance(SignedDuration::from_secs(1)).await;
    let pages = told(&world, ACK).await;
    assert_eq!(
        pages.last(),
        Some(&page_again(due() + HOUR, 1, "lead-site"))
    );
    let shown = clock(&world, &case).await;
    assert_eq!((shown.waiting_for_duty, shown.level), (false, 1));
    // A roster that brings nobody new changes nothing.
    let before = told(&world, ACK).await.len();
    world.roster(&[(DutyRole::OnSiteLead, "lead-site")]).await;
    world.advance(SignedDuration::from_secs(1)).await;
    assert_eq!(told(&world, ACK).await.len(), before);
}

#[tokio::test]
async fn what_nobody_acknowledged_is_paged_to_who_comes_on_duty() {
    let world = World::without_roster().await;
    let (top, night, day) = (
        DutyRole::TopLead,
        DutyRole::OnSiteLead,
        DutyRole::OnSiteLead,
    );
    let (monday, morning) = ("2026-03-02T08:00:00+08:00", "2026-03-03T08:00:00+08:00");
    let far = "2026-04-30T00:00:00Z";
    let known = [
        (top, "top", monday, far),
        (night, "night", monday, morning),
        (day, "day", morning, far),
    ];
    world.shifts(&known).await;
    let case = world.case().await;
    world.advance(HOUR * 20).await;
    let page = clock(&world, &case).await.page.expect("a page");
    assert!(page.answer_time.is_none() && page.acknowledge_time.is_none());
    let unheard = "SELECT count(*) FROM triage.clock WHERE page_state = 'UNANSWERED' AND kind = 'ACKNOWLEDGE'";
    assert_eq!(world.count(unheard).await, 1);
    let shown = clock(&world, &case).await;
    assert_eq!(time(&shown.next_time), at(morning), "when somebody comes");

    let night_long = told(&world, ACK).await.len();
    world.advance(HOUR * 7).await;
    let pages = told(&world, ACK).await;
    // Each has two pages; who slept through theirs is not called again for it.
    assert_eq!(
        pages[night_long..],
        [
            page_again(at(morning), 3, "day"),
            page_again(at(morning) + HOUR, 3, "day"),
        ]
    );
    assert_eq!(world.count(unheard).await, 1);

    // A roster that brings somebody wakes it; the answer of one above ends it, late as it is.
    let events: Vec<event::ClockChanged> = world.said("redress.clock.changed.v1").await;
    let by_top = events
        .iter()
        .rfind(|c| c.kind == to_wire(ACK) && c.notify.iter().any(|n| last(n) == "top"));
    let by_top = world.acknowledged(by_top.expect("paged"));
    let noon = world.now().to_string();
    let mut more = known.to_vec();
    more.push((DutyRole::DutyLead, "duty", &noon, far));
    world.shifts(&more).await;
    world.advance(SignedDuration::from_secs(1)).await;
    let pages = told(&world, ACK).await;
    assert_eq!(pages[night_long + 2..], [page_again(at(&noon), 3, "duty")]);
    world.tell(&[by_top]).await;
    world.advance(HOUR * 24).await;
    assert_eq!(told(&world, ACK).await.len(), night_long + 3);
}

/// Facts of a case that complain about these leads.
fn accusing(world: &World, case: &CaseName, accused: &[&str]) -> event::CaseFacts {
    let accused = accused
        .iter()
        .map(|id| format!("sites/lakeside/staff/{id}"));
    event::CaseFacts {
        staff_complained_about: accused.collect(),
        ..world.facts(case)
    }
}

#[tokio::test]
async fn p14_where_some_leads_are_complained_about_and_the_others_are_silent_the_region_is_paged() {
    let at = |hours: i32| due() + HOUR * hours;
    let twice = |hours: i32, first: &str, rung, who: &str| {
        [
            page(at(hours), first, rung, who),
            page(at(hours + 1), "PAGED_AGAIN", rung, who),
        ]
    };
    let cases = [
        (
            "lead-site",
            [
                twice(0, "BREACHED", 2, "lead-duty"),
                twice(2, "CLIMBED", 3, "lead-top"),
                twice(4, "PAGED_AGAIN", 3, "region"),
            ],
        ),
        (
            "lead-duty",
            [
                twice(0, "BREACHED", 1, "lead-site"),
                twice(2, "CLIMBED", 3, "lead-top"),
                twice(4, "PAGED_AGAIN", 3, "region"),
            ],
        ),
        // In the place of the top lead, when that one's time comes.
        (
            "lead-top",
            [
                twice(0, "BREACHED", 1, "lead-site"),
                twice(2, "CLIMBED", 2, "lead-duty"),
                twice(4, "CLIMBED", 3, "region"),
            ],
        ),
        // Of a case that accuses nobody the region does not hear.
        (
            "",
            [
                twice(0, "BREACHED", 1, "lead-site"),
                twice(2, "CLIMBED", 2, "lead-duty"),
                twice(4, "CLIMBED", 3, "lead-top"),
            ],
        ),
    ];
    for (accused, expected) in cases {
        let world = World::without_roster().await;
        world.roster(&WITH_REGION).await;
        let case = world.new_case();
        let accused: Vec<&str> = Some(accused)
            .filter(|id| !id.is_empty())
            .into_iter()
            .collect();
        let received = world.received(accusing(&world, &case, &accused));
        world.tell(&[received]).await;
        world.advance(HOUR * 48).await;
        let pages = told(&world, ACK).await;
        assert_eq!(pages[1..], expected.concat(), "{accused:?} is accused");
    }
}

#[tokio::test]
async fn p14_what_a_lead_was_paged_about_who_is_complained_about_since_goes_on_at_once() {
    let world = World::without_roster().await;
    world.roster(&WITH_REGION).await;
    let case = world.case().await;
    world.advance(HOUR * 5 + MINUTE).await;
    let accuse = async |accused: &[&str], revision| {
        let facts = event::CaseFacts {
            revision,
            ..accusing(&world, &case, accused)
        };
        world.tell(&[world.updated(facts)]).await;
        world.advance(SignedDuration::from_secs(1)).await;
    };
    accuse(&["lead-site"], 2).await;
    let pages = told(&world, ACK).await;
    assert_eq!(
        pages[1..],
        [
            page(due(), "BREACHED", 1, "lead-site"),
            page(due() + MINUTE, "CLIMBED", 2, "lead-duty"),
        ]
    );
    // Somebody else named as well leaves the page with who has it.
    accuse(&["lead-site", "lead-top"], 3).await;
    assert_eq!(told(&world, ACK).await.len(), pages.len());
}

#[tokio::test]
async fn p14_what_every_lead_left_unheard_goes_to_the_region_once_one_of_them_is_complained_about()
{
    let world = World::without_roster().await;
    world.roster(&WITH_REGION).await;
    let case = world.case().await;
    world.advance(HOUR * 20).await;
    let heard = told(&world, ACK).await.len();
    let facts = event::CaseFacts {
        revision: 2,
        ..accusing(&world, &case, &["lead-site"])
    };
    let now = world.now();
    world.tell(&[world.updated(facts)]).await;
    world.advance(SignedDuration::from_secs(1)).await;
    assert_eq!(
        told(&world, ACK).await[heard..],
        [page_again(now, 3, "region")]
    );
}

#[tokio::test]
async fn p06_merged_withdrawn_and_closed_cases_are_not_paged_about_again() {
    let world = World::new().await;
    for (monday, source, status, epoch) in [
        ("2026-03-02", "intake", CaseStatus::Merged, 2),
        ("2026-05-18", "intake", CaseStatus::Withdrawn, 2),
        ("2026-08-03", "assignment", CaseStatus::Closed, 1),
    ] {
        world.clock.set(at(&format!("{monday}T09:00:00+08:00")));
        let case = world.case().await;
        world.advance(HOUR * 5 + MINUTE).await;
        let before = world.count("SELECT count(*) FROM triage.clock_page").await;
        let page = clock(&world, &case).await.page.expect("a page");
        assert!(page.answer_time.is_some(), "to be acknowledged");
        world
            .tell(&[world.moved(source, &case, status, epoch)])
            .await;
        let clocks = world.clocks(&case).await;
        assert!(clocks.values().all(|c| c.next_time.is_none()), "{clocks:?}");
        world.advance(HOUR * 24 * 60).await;
        let after = world.count("SELECT count(*) FROM triage.clock_page").await;
        assert_eq!(after, before, "{status}");
    }
}

#[tokio::test]
async fn a_page_that_fires_twice_is_sent_once() {
    let world = World::new().await;
    let case = world.case().await;
    world.advance(HOUR * 5 + MINUTE).await;
    world.clock.advance(HOUR);
    let id = clock(&world, &case).await.name;
    let truth = ClockTruth::new(world.database.db.clone(), Arc::default());
    let due = truth.due(None, world.now(), 100).await.expect("read");
    let due: Vec<_> = due
        .into_iter()
        .filter(|e| e.id.to_string() == last(&id))
        .collect();
    assert_eq!(due.len(), 1, "the end of the time to acknowledge");
    let (a, b) = tokio::join!(
        truth.fire(&due[0], &[], world.now()),
        truth.fire(&due[0], &[], world.now())
    );
    let outcomes = [a.expect("fired"), b.expect("fired")];
    let stale = outcomes.iter().filter(|f| **f == Fired::Stale).count();
    assert_eq!(stale, 1, "{outcomes:?}");
    assert_eq!(told(&world, ACK).await.len(), 3);
}

#[tokio::test]
async fn p23_after_downtime_the_backlog_drains_in_due_order_grade_1_first() {
    let world = World::new().await;
    let mut cases = Vec::new();
    for n in 0..6 {
        let case = world.case().await;
        if n == 4 {
            world
                .record(world.manager(), &case, injury(), "")
                .await
                .expect("recorded");
        }
        cases.push(case);
        world.clock.advance(MINUTE * 10);
    }
    // Nobody fires anything for two days; then one worker does, in the order that the truth gives.
    world.clock.advance(HOUR * 48);
    let truth = ClockTruth::new(world.database.db.clone(), Arc::default());
    let mut fired = Vec::new();
    loop {
        let due = truth.due(None, world.now(), 1).await.expect("read");
        let Some(next) = due.into_iter().next() else {
            break;
        };
        truth.fire(&next, &[], world.now()).await.expect("fired");
        fired.push(next);
    }
    let turn = |e: &redress_timers::Entry| (!e.first, e.due);
    assert!(fired.is_sorted_by_key(turn), "{fired:?}");
    let grave = fired.iter().filter(|e| e.first).count();
    assert!(grave >= 3 && fired.len() > grave * 3, "{fired:?}");
    let all: Vec<event::ClockChanged> = world.said("redress.clock.changed.v1").await;
    let breached = |c: &&event::ClockChanged| c.transition == to_wire(ClockTransition::Breached);
    let told: Vec<&str> = all
        .iter()
        .filter(breached)
        .map(|c| last(&c.clock))
        .collect();
    let order: Vec<String> = fired.iter().map(|e| e.id.to_string()).collect();
    let told_in_order: Vec<&String> = order
        .iter()
        .filter(|id| told.contains(&id.as_str()))
        .collect();
    assert_eq!(told, told_in_order, "people hear of them in that order");
}

#[tokio::test]
async fn p05_nobody_is_paged_while_a_promise_is_held_and_again_at_once_when_it_runs() {
    let world = World::new().await;
    let case = world.case().await;
    let due = at("2026-03-09T09:00:00+08:00");
    world
        .advance(due.duration_since(world.now()) + MINUTE * 30)
        .await;
    let request = wire::HoldCaseRequest {
        parent: case.to_string(),
        reason: to_wire(HoldReason::Customer),
        until_time: Some(to_timestamp(world.now() + HOUR * 5)),
        note: "away".to_owned(),
        request_id: String::new(),
    };
    let held = world.rpc.hold_case(by(world.manager(), request)).await;
    held.expect("held");
    world.advance(HOUR * 4).await;
    let pages = told(&world, ClockKind::Resolve).await;
    assert_eq!(pages[1..], [page(due, "BREACHED", 1, "lead-site")]);
    world.advance(HOUR + MINUTE).await;
    let pages = told(&world, ClockKind::Resolve).await;
    let resumed = due + MINUTE * 30 + HOUR * 5;
    assert_eq!(pages[2..], [page_again(resumed, 1, "lead-site")]);
}

#[tokio::test]
async fn p14_who_came_on_duty_while_a_broken_promise_stood_still_is_told_when_it_runs() {
    let world = World::without_roster().await;
    let case = world.case().await;
    let due = at("2026-03-09T09:00:00+08:00");
    world
        .advance(due.duration_since(world.now()) + MINUTE * 30)
        .await;
    let hold = wire::HoldCaseRequest {
        parent: case.to_string(),
        reason: to_wire(HoldReason::Customer),
        until_time: Some(to_timestamp(world.now() + HOUR)),
        note: "away".to_owned(),
        request_id: String::new(),
    };
    let held = world.rpc.hold_case(by(world.manager(), hold)).await;
    held.expect("held");
    world.roster(&[(DutyRole::OnSiteLead, "lead-site")]).await;
    world.advance(HOUR + MINUTE).await;
    let paged = told(&world, ClockKind::Resolve).await;
    let resumed = due + MINUTE * 30 + HOUR;
    let paged = paged.last().map(|p| (p.0, p.3.clone()));
    assert_eq!(paged, Some((resumed, vec!["lead-site".to_owned()])));
}

#[tokio::test]
async fn p06_a_case_whose_policy_promises_nothing_pages_nobody() {
    use redress_proto::triage::v1::policy_service_server::PolicyService as _;
    let world = World::new().await;
    let promised = world.case().await;
    let profile = redress_policy::Policy::built_in("residential").expect("is shipped");
    // What the law gives is promised all the same, to whom it concerns.
    let by_law = |kind: &ClockKind| {
        matches!(
            kind,
            ClockKind::Rescue
                | ClockKind::Defence
                | ClockKind::AppealJudgment
                | ClockKind::AppealRuling
        )
    };
    let nothing: Vec<String> = profile
        .clocks
        .keys()
        .filter(|kind| !by_law(kind))
        .map(|kind| format!("{kind}: []"))
        .collect();
    let policy = wire::ApplyPolicyRequest {
        parent: "sites/lakeside".to_owned(),
        document: format!("clocks: {{ {} }}", nothing.join(", ")),
        reason: "agreed".to_owned(),
        ..Default::default()
    };
    let applied = world.rpc.apply_policy(by(world.manager(), policy)).await;
    applied.expect("applied");
    let case = world.case().await;
    world.advance(HOUR * 24 * 60).await;
    // It is graded by its age all the same, and that is nobody's promise.
    assert_eq!(world.decision(&case).await.grade, 1);
    let told: Vec<event::ClockChanged> = world.said("redress.clock.changed.v1").await;
    let paged = |case: &CaseName| {
        let about = told.iter().filter(|t| t.case == case.to_string());
        about.filter(|t| !t.notify.is_empty()).count()
    };
    assert_eq!(paged(&case), 0);
    assert!(paged(&promised) > 0, "what was promised before still pages");
}
