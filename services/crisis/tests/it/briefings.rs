//! Weekly briefings (M01): planned, held, promised at, released, and nothing of them forgotten.

use redress_events::Event;
use redress_model::words::{ClockKind, ClockTransition, SiteKind};
use redress_policy::{Briefing, Handling, Policy};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::crisis::v1 as wire;
use redress_proto::crisis::v1::briefing_service_server::BriefingService as _;
use redress_proto::crisis::v1::incident_service_server::IncidentService as _;
use redress_proto::crisis::v1::{
    BriefingForm, BriefingState, Commitment, CommitmentState, IncidentStage, NewCommitment,
    NewQuestion,
};
use redress_proto::event::v1 as events;
use redress_proto::words::ClockState;
use tonic::{Code, Status};

use crate::api::ask;
use crate::statements::{VOICE, words};
use crate::world::*;

/// An incident about so many people, in a zone.
pub(crate) async fn opened(people: i32, zone: &str) -> (World, String) {
    let world = World::new().await;
    let site = events::SiteChanged {
        site: "sites/lake".into(),
        organization: "organizations/demo".into(),
        region: "organizations/demo/regions/north".into(),
        kind: 1,
        time_zone: zone.into(),
        revision: 1,
        ..Default::default()
    };
    let site = event(
        "intake",
        "redress.site.changed.v1",
        "lake",
        "sites/lake".into(),
        &site,
    );
    world.take([site, duty_changed("lake", FULL, 1)]).await;
    let mut graded = graded(&case("lake", 1), &cluster("lake", 1), 1, &["G1.5"]);
    graded.payload.cluster_complainants = people;
    world.take([graded.event()]).await;
    let incident = world.the_open("lake").await.name;
    (world, incident)
}

impl World {
    pub(crate) async fn briefings_of(&self, incident: &str) -> Vec<wire::Briefing> {
        let request = wire::ListBriefingsRequest {
            parent: incident.into(),
            ..Default::default()
        };
        let listed = self
            .briefings
            .list_briefings(as_caller(request, &["lake"]))
            .await;
        listed.expect("listed").into_inner().briefings
    }

    pub(crate) async fn the_planned(&self, incident: &str) -> wire::Briefing {
        let mut all = self.briefings_of(incident).await;
        all.retain(|b| b.state() == BriefingState::Planned);
        assert_eq!(all.len(), 1, "{all:#?}");
        self.briefing(&all[0].name).await
    }

    async fn briefing(&self, name: &str) -> wire::Briefing {
        let request = wire::GetBriefingRequest { name: name.into() };
        let got = self
            .briefings
            .get_briefing(as_caller(request, &["lake"]))
            .await;
        got.expect("there is one")
            .into_inner()
            .briefing
            .expect("filled")
    }

    async fn hold(&self, request: wire::HoldBriefingRequest) -> Result<wire::Briefing, Status> {
        let answer = self
            .briefings
            .hold_briefing(as_caller(request, &["lake"]))
            .await?;
        Ok(answer.into_inner().briefing.expect("filled"))
    }

    async fn release_notes(&self, name: &str) -> Result<wire::Briefing, Status> {
        let request = wire::ReleaseBriefingRequest {
            name: name.into(),
            ..Default::default()
        };
        let answer = self
            .briefings
            .release_briefing(as_caller(request, &["lake"]))
            .await?;
        Ok(answer.into_inner().briefing.expect("filled"))
    }

    async fn answer_question(&self, name: &str, number: i32) -> Result<wire::Briefing, Status> {
        let request = wire::AnswerBriefingQuestionRequest {
            name: name.into(),
            question_number: number,
            answer: "in May".into(),
            ..Default::default()
        };
        let answer = self
            .briefings
            .answer_briefing_question(as_caller(request, &["lake"]))
            .await?;
        Ok(answer.into_inner().briefing.expect("filled"))
    }

    pub(crate) async fn commitments_of(&self, incident: &str) -> Vec<Commitment> {
        let request = wire::ListCommitmentsRequest {
            parent: incident.into(),
            ..Default::default()
        };
        let listed = self
            .briefings
            .list_commitments(as_caller(request, &["lake"]))
            .await;
        listed.expect("listed").into_inner().commitments
    }

    async fn keep(&self, name: &str, by: &str) -> Result<Commitment, Status> {
        let request = wire::KeepCommitmentRequest {
            name: name.into(),
            outcome: "sealed and tested".into(),
            ..Default::default()
        };
        let answer = self
            .briefings
            .keep_commitment(as_person(request, "lake", by))
            .await?;
        Ok(answer.into_inner().commitment.expect("filled"))
    }

    async fn waive(&self, name: &str, by: &str) -> Result<Commitment, Status> {
        let request = wire::WaiveCommitmentRequest {
            name: name.into(),
            reason: "the owners chose a refund".into(),
            ..Default::default()
        };
        let answer = self
            .briefings
            .waive_commitment(as_person(request, "lake", by))
            .await?;
        Ok(answer.into_inner().commitment.expect("filled"))
    }

    fn promise(&self, owner: &str, hours: i64) -> NewCommitment {
        let due = self.now() + jiff::SignedDuration::from_hours(hours);
        NewCommitment {
            text: "the roof is tight".into(),
            owner: staff("lake", owner),
            due_time: Some(to_timestamp(due)),
        }
    }
}

fn held(name: &str) -> wire::HoldBriefingRequest {
    wire::HoldBriefingRequest {
        name: name.into(),
        attendance: 32,
        staff: vec![staff("lake", "liaison")],
        cases: vec![case("lake", 1).to_string()],
        ..Default::default()
    }
}

#[tokio::test]
async fn nobody_attends_a_briefing_who_never_worked_at_the_site_m01() {
    use tonic_types::StatusExt as _;
    let (world, incident) = opened(3, "Asia/Shanghai").await;
    let planned = world.the_planned(&incident).await;
    let with = |staff: Vec<String>| wire::HoldBriefingRequest {
        staff,
        ..held(&planned.name)
    };
    let ghost = vec![staff("lake", "liaison"), staff("lake", "ghost-person")];
    let refused = world.hold(with(ghost)).await.expect_err("no such person");
    assert_eq!(refused.code(), Code::InvalidArgument);
    let bad = refused.get_details_bad_request().expect("names it");
    assert_eq!(bad.field_violations[0].field, "staff[1]");
    // Who left since, or has no duty, was there all the same.
    let left = events::StaffChanged {
        staff: staff("lake", "gone"),
        retired: true,
        revision: 1,
        ..Default::default()
    };
    let kind = "redress.staff.changed.v1";
    let left = event("assignment", kind, "lake", left.staff.clone(), &left);
    world.take([left]).await;
    let gone = vec![staff("lake", "gone"), staff("lake", "liaison")];
    world.hold(with(gone)).await.expect("were there");
}

#[tokio::test]
async fn one_briefing_is_held_ahead_of_its_time_and_takes_no_other_week_m01() {
    let (world, incident) = opened(3, "Asia/Shanghai").await;
    let first = world.the_planned(&incident).await;
    let week = |b: &wire::Briefing| b.plan_time.expect("set").seconds;
    let friday = jiff::Timestamp::from_second(week(&first)).expect("in range");
    // On Tuesday, for the week until Friday 16:00.
    let ahead = friday - jiff::SignedDuration::from_hours(72);
    world.clock.set(ahead);
    world.hold(held(&first.name)).await.expect("held early");
    let next = world.the_planned(&incident).await;
    assert_eq!(week(&next), friday.as_second() + 7 * 24 * 3600);
    let refused = async || {
        let refused = world.hold(held(&next.name)).await.expect_err("the same");
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert_eq!(reason(&refused), "BRIEFING_TOO_EARLY");
        let when = "16:00 +08:00";
        assert!(refused.message().contains(when), "{}", refused.message());
        let record = wire::RecordBriefingRequest {
            name: incident.clone(),
            attendance: 1,
            ..Default::default()
        };
        let record = as_caller(record, &["lake"]);
        let refused = world.api.record_briefing(record).await;
        let refused = refused.expect_err("in short neither");
        assert_eq!(reason(&refused), "BRIEFING_TOO_EARLY");
        let now = world.the_planned(&incident).await;
        assert_eq!((now.name, now.etag), (next.name.clone(), next.etag.clone()));
    };
    refused().await;
    // What is held besides before its turn comes is one more, and the next week keeps its own.
    world
        .clock
        .set(friday - jiff::SignedDuration::from_hours(24));
    let besides = world.hold(held(&next.name)).await.expect("one more");
    assert_eq!(besides.plan_time, besides.hold_time);
    let next = world.the_planned(&incident).await;
    assert_eq!(
        (next.number, week(&next)),
        (3, friday.as_second() + 7 * 24 * 3600)
    );
    // It may be early for its own week, and each week has one.
    world
        .clock
        .set(ahead + jiff::SignedDuration::from_hours(7 * 24));
    world.hold(held(&next.name)).await.expect("its turn");
    let third = world.the_planned(&incident).await;
    assert_eq!(week(&third), week(&next) + 7 * 24 * 3600);
}

#[tokio::test]
async fn a_week_whose_day_was_moved_is_held_for_once_m01() {
    let (world, incident) = opened(3, "Asia/Shanghai").await;
    let first = world.the_planned(&incident).await;
    let friday = first.plan_time.expect("set").seconds;
    let friday = jiff::Timestamp::from_second(friday).expect("in range");
    world
        .clock
        .set(friday - jiff::SignedDuration::from_hours(72));
    // From the next briefing on it is on Saturdays: that of this week is held already.
    let saturday = [("briefing_weekday", "SATURDAY")];
    world.change(&incident, "", &saturday).await.expect("top");
    world.hold(held(&first.name)).await.expect("held early");
    let next = world.the_planned(&incident).await;
    let days = (next.plan_time.expect("set").seconds - friday.as_second()) / (24 * 3600);
    assert_eq!(days, 1, "the first of the new day");
    world
        .clock
        .set(friday - jiff::SignedDuration::from_hours(48));
    let refused = world.hold(held(&next.name)).await.expect_err("held for");
    assert_eq!(reason(&refused), "BRIEFING_TOO_EARLY");
    let text = refused.message();
    assert!(
        text.contains("for the week until 2026-03-06 16:00 +08:00"),
        "{text}"
    );
    world.clock.set(friday);
    world.hold(held(&next.name)).await.expect("its turn");
}

#[tokio::test]
async fn one_that_is_held_long_before_its_week_ends_is_one_more_and_takes_nothing_from_it_m01() {
    let (world, incident) = opened(3, "Asia/Shanghai").await;
    let promised = async || {
        let found = world.incident(&incident).await;
        let clocks = found.clocks.into_iter();
        let mut running: Vec<_> = clocks
            .filter(|c| {
                c.kind == to_wire(ClockKind::WeeklyBriefing) && c.state() == ClockState::Running
            })
            .map(|c| (c.name, c.due_time))
            .collect();
        assert_eq!(running.len(), 1, "{running:?}");
        running.remove(0)
    };
    let (before, first) = (promised().await, world.the_planned(&incident).await);
    let friday = first.plan_time.expect("set").seconds;
    let friday = jiff::Timestamp::from_second(friday).expect("in range");
    // More than three days ahead, twice, and neither recorded again as another.
    let early = friday - jiff::SignedDuration::from_secs(74 * 3_600 + 1);
    world.clock.set(early);
    let extra = world.hold(held(&first.name)).await.expect("one more");
    assert_eq!(extra.state(), wire::BriefingState::Held);
    assert_eq!(extra.plan_time, extra.hold_time, "for its own moment");
    let next = world.the_planned(&incident).await;
    assert_eq!((next.number, next.plan_time), (2, first.plan_time));
    assert_eq!(promised().await, before, "the week's own is owed as before");
    let twice = world.hold(held(&next.name)).await.expect_err("the same");
    assert_eq!(reason(&twice), "BRIEFING_TOO_EARLY");
    world.clock.set(early + jiff::SignedDuration::from_hours(1));
    let again = world.hold(held(&next.name)).await.expect("another");
    assert_eq!(again.plan_time, again.hold_time);
    let released = world.release_notes(&extra.name).await.expect("released");
    assert!(released.reproducible && !released.notes.is_empty());
    // The week's own, three days ahead and not a second more, meets the promise; the one after it is of the next week.
    let own = world.the_planned(&incident).await;
    assert_eq!((own.number, own.plan_time), (3, first.plan_time));
    world
        .clock
        .set(friday - jiff::SignedDuration::from_hours(72));
    let extra_again = wire::HoldBriefingRequest {
        hold_time: again.hold_time.map(|at| prost_types::Timestamp {
            seconds: at.seconds + 14 * 60,
            ..at
        }),
        ..held(&own.name)
    };
    let twice = world.hold(extra_again).await.expect_err("the same");
    assert_eq!(reason(&twice), "BRIEFING_TOO_EARLY");
    world.hold(held(&own.name)).await.expect("of its week");
    let after = promised().await;
    assert_ne!(after.0, before.0);
    let week = |t: Option<prost_types::Timestamp>| t.expect("set").seconds;
    assert_eq!(week(after.1), friday.as_second() + 7 * 24 * 3_600);
}

#[tokio::test]
async fn one_that_was_held_in_time_is_kept_when_it_is_recorded_within_two_hours_and_missed_after_m01()
 {
    let kind = ClockKind::WeeklyBriefing;
    for (minutes, notes_between, kept) in
        [(119, false, true), (121, false, false), (60, true, true)]
    {
        let (world, incident) = opened(3, "Asia/Shanghai").await;
        let first = world.the_planned(&incident).await;
        let due = first.plan_time.expect("set");
        let friday = jiff::Timestamp::from_second(due.seconds).expect("in range");
        if notes_between {
            // One more was held on the first day; its notes are released when the week's own is over and not recorded, and tell nothing of it.
            world.hold(held(&first.name)).await.expect("one more");
        }
        let own = world.the_planned(&incident).await;
        world
            .clock
            .set(friday + jiff::SignedDuration::from_mins(minutes));
        world.fire_due().await;
        if notes_between {
            world.release_notes(&first.name).await.expect("released");
        }
        let recorded = wire::HoldBriefingRequest {
            hold_time: Some(due),
            ..held(&own.name)
        };
        world.hold(recorded).await.expect("was held");
        let transitions = world.clock_events("lake", kind).await.into_iter();
        let breaches = transitions.filter(|c| c.transition == to_wire(ClockTransition::Breached));
        assert_eq!(breaches.count(), usize::from(minutes > 120), "{minutes}");
        let clocks = world.incident(&incident).await.clocks.into_iter();
        let met: Vec<_> = clocks
            .filter(|c| c.kind == to_wire(kind) && c.state() == ClockState::Met)
            .collect();
        let [met] = &met[..] else { panic!("{met:#?}") };
        assert_eq!(
            (met.due_time, met.stop_time == Some(due)),
            (Some(due), kept),
            "{minutes}"
        );
        let next = world.the_planned(&incident).await;
        let week = next.plan_time.expect("set").seconds - due.seconds;
        assert_eq!(week, 7 * 24 * 3_600);
        let broken = |b: &wire::Briefing| {
            let topics = b.agenda.iter();
            topics
                .filter(|i| {
                    i.topic() == wire::AgendaTopic::BrokenPromise && i.text == "WEEKLY_BRIEFING"
                })
                .count()
        };
        // What notes told stays so, and they can be written again.
        let before = world.briefing(&first.name).await;
        assert!(before.reproducible, "{minutes}");
        assert_eq!(broken(&next), usize::from(!kept), "{minutes}");
    }
}

#[tokio::test]
async fn a_meeting_that_nobody_came_to_and_nobody_held_was_none_m01() {
    let (world, incident) = opened(3, "Asia/Shanghai").await;
    let planned = world.the_planned(&incident).await;
    let empty = wire::HoldBriefingRequest {
        attendance: 0,
        staff: Vec::new(),
        ..held(&planned.name)
    };
    let refused = world.hold(empty.clone()).await.expect_err("nobody");
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(
        refused.message().contains("attendance"),
        "{}",
        refused.message()
    );
    assert_eq!(world.the_planned(&incident).await.name, planned.name);
    let ours = wire::HoldBriefingRequest {
        staff: vec![staff("lake", "onsite")],
        ..empty
    };
    world.hold(ours).await.expect("nobody came, and ours did");
}

#[tokio::test]
async fn what_is_recorded_late_is_of_the_week_in_which_it_was_held_m01() {
    let (world, incident) = opened(3, "Asia/Shanghai").await;
    let week = |b: &wire::Briefing| {
        let at = b.plan_time.expect("set").seconds;
        jiff::Timestamp::from_second(at).expect("in range")
    };
    let weeks = |n: i64| jiff::SignedDuration::from_hours(7 * 24 * n);
    let first = world.the_planned(&incident).await;
    let friday = week(&first);
    let at = |name: &str, held_at: jiff::Timestamp| wire::HoldBriefingRequest {
        hold_time: Some(to_timestamp(held_at)),
        ..held(name)
    };
    // Nobody recorded anything before Monday of the third week: the second is planned for the Friday that is ahead.
    let monday = friday + weeks(1) + jiff::SignedDuration::from_hours(66);
    world.clock.set(monday);
    world.hold(at(&first.name, friday)).await.expect("was held");
    let second = world.the_planned(&incident).await;
    assert_eq!(week(&second), friday + weeks(2));
    // It was held a week before that, and began late.
    let late = friday + weeks(1) + jiff::SignedDuration::from_mins(5);
    let recorded = world.hold(at(&second.name, late)).await;
    recorded.expect("was held");
    // So the third week has none yet, and may have its own ahead of its time.
    let third = world.the_planned(&incident).await;
    assert_eq!(week(&third), friday + weeks(2));
    world
        .clock
        .set(friday + weeks(2) - jiff::SignedDuration::from_mins(30));
    world.hold(held(&third.name)).await.expect("its turn");
    let fourth = world.the_planned(&incident).await;
    let refused = world.hold(held(&fourth.name)).await;
    let refused = refused.expect_err("that week has had one");
    assert_eq!(reason(&refused), "BRIEFING_TOO_EARLY");
    let text = refused.message();
    assert!(text.contains("15:30 +08:00"), "{text}");
}

#[tokio::test]
async fn one_that_is_recorded_the_day_before_the_next_puts_that_one_off_by_no_week_m01() {
    let (world, incident) = opened(3, "Asia/Shanghai").await;
    let first = world.the_planned(&incident).await;
    let friday = first.plan_time.expect("set").seconds;
    let friday = jiff::Timestamp::from_second(friday).expect("in range");
    let hours = jiff::SignedDuration::from_hours;
    world.clock.set(friday + hours(7 * 24 - 20));
    let recorded = wire::HoldBriefingRequest {
        hold_time: Some(to_timestamp(friday)),
        ..held(&first.name)
    };
    world.hold(recorded).await.expect("was held");
    let next = world.the_planned(&incident).await;
    let planned = next.plan_time.expect("set").seconds;
    assert_eq!(planned, (friday + hours(7 * 24)).as_second());
}

fn local(t: Option<prost_types::Timestamp>, zone: &str) -> String {
    let t = redress_proto::convert::from_timestamp("t", &t.expect("set")).expect("in range");
    let zoned = t.in_tz(zone).expect("in the database of zones");
    zoned.strftime("%a %Y-%m-%d %H:%M %z").to_string()
}

fn texts(briefing: &wire::Briefing) -> Vec<&str> {
    briefing.agenda.iter().map(|i| i.text.as_str()).collect()
}

#[tokio::test]
async fn the_next_briefing_is_always_planned_at_the_sites_time_when_clocks_change_too_m01() {
    let (world, incident) = opened(3, "Europe/Berlin").await;
    let mut seen = Vec::new();
    for week in 1..=5 {
        let planned = world.the_planned(&incident).await;
        assert_eq!(planned.number, week);
        seen.push(local(planned.plan_time, "Europe/Berlin"));
        let at = planned.plan_time.expect("set").seconds;
        world
            .clock
            .set(jiff::Timestamp::from_second(at).expect("in range"));
        world.hold(held(&planned.name)).await.expect("held");
    }
    // Summer time begins on 29 March 2026.
    assert_eq!(
        seen,
        [
            "Fri 2026-03-06 16:00 +0100",
            "Fri 2026-03-13 16:00 +0100",
            "Fri 2026-03-20 16:00 +0100",
            "Fri 2026-03-27 16:00 +0100",
            "Fri 2026-04-03 16:00 +0200",
        ]
    );
}

/// When a site is briefed, as triage tells it.
fn briefed(weekday: Option<&str>, time: Option<&str>, revision: i64) -> Event {
    let handling = Handling {
        briefing: Briefing {
            weekday: weekday.map(str::to_owned),
            time: time.map(|t| t.parse().expect("a time")),
        },
        ..Policy::for_site(SiteKind::Residential, false).handling()
    };
    let payload = events::PolicyChanged {
        site: "sites/lake".into(),
        profile: "residential".into(),
        revision,
        document: serde_json::to_string(&handling).expect("written"),
    };
    event(
        "triage",
        "redress.policy.changed.v1",
        "lake",
        "sites/lake".into(),
        &payload,
    )
}

impl World {
    /// Opens another incident, of this number, and gives its name and when its briefing is in a zone.
    async fn another(&self, n: u128, zone: &str) -> (String, String) {
        let before = self.open("lake").await;
        let graded = graded(&case("lake", n), &cluster("lake", n), 1, &["G1.5"]);
        self.take([graded.event()]).await;
        let mut open = self.open("lake").await;
        open.retain(|i| before.iter().all(|b| b.name != i.name));
        assert_eq!(open.len(), 1, "{open:#?}");
        let name = open.remove(0).name;
        let planned = self.the_planned(&name).await;
        (name, local(planned.plan_time, zone))
    }
}

#[tokio::test]
async fn m01_a_site_is_briefed_at_its_own_time_and_an_open_incident_keeps_its_own_p26() {
    const ZONE: &str = "Europe/Berlin";
    let (world, first) = opened(3, ZONE).await;
    let own = briefed(Some("SUNDAY"), Some("17:30"), 2);
    world.take([own]).await;
    let (second, planned) = world.another(2, ZONE).await;
    assert_eq!(planned, "Sun 2026-03-08 17:30 +0100");
    let settings = world.plan(&second).await.settings;
    let frozen = |field: &str| {
        let found = settings.iter().find(|s| s.field == field);
        found.expect("listed").value.clone()
    };
    assert_eq!(frozen("briefing_weekday"), "SUNDAY");
    assert_eq!(frozen("briefing_time"), "17:30:00");

    // What was open keeps the configuration's Friday, and the next one of it too.
    let planned = world.the_planned(&first).await;
    let friday = "Fri 2026-03-06 16:00 +0100";
    assert_eq!(local(planned.plan_time, ZONE), friday);
    // On Wednesday.
    world.advance(2 * 24 * 60);
    world.hold(held(&planned.name)).await.expect("held");
    let next = world.the_planned(&first).await;
    assert_eq!(local(next.plan_time, ZONE), "Fri 2026-03-13 16:00 +0100");

    // An older word that comes late changes nothing (I3); a newer one may say only the day, or take all back.
    let late = briefed(Some("MONDAY"), Some("09:00"), 1);
    world.take([late]).await;
    assert_eq!(world.another(3, ZONE).await.1, "Sun 2026-03-08 17:30 +0100");
    world.take([briefed(Some("SUNDAY"), None, 3)]).await;
    assert_eq!(world.another(4, ZONE).await.1, "Sun 2026-03-08 16:00 +0100");
    world.take([briefed(None, None, 4)]).await;
    assert_eq!(world.another(5, ZONE).await.1, friday);
}

#[tokio::test]
async fn m01_a_day_of_briefings_that_is_none_is_refused_and_the_configuration_holds() {
    use redress_proto::event::v1::DeliverOutcome;
    let (world, _) = opened(3, "Asia/Shanghai").await;
    let wrong = briefed(Some("SOMEDAY"), None, 2);
    assert_eq!(world.deliver(wrong).await, DeliverOutcome::Rejected);
    let (_, planned) = world.another(2, "Asia/Shanghai").await;
    assert_eq!(planned, "Fri 2026-03-06 16:00 +0800");
}

#[tokio::test]
async fn the_next_briefing_tells_what_was_superseded_and_corrected_since_the_last_m01() {
    let (world, incident) = opened(3, "Asia/Shanghai").await;
    let said = async |text: &str, value: &str, supersedes: &str, correction: &str| {
        let statement = wire::Statement {
            audience: wire::Audience::Affected.into(),
            facts: vec![wire::StatementFact {
                key: "injured".into(),
                value: value.into(),
                source: "hospital".into(),
            }],
            supersedes: supersedes.into(),
            correction_reason: correction.into(),
            ..words(wire::StatementKind::Update, text)
        };
        let draft = world.draft(&incident, statement, "author").await;
        world.approve_all(&draft).await;
        world.release(&draft, VOICE).await.expect("released");
        draft.name
    };
    let first = said("两人受伤。", "2", "", "").await;
    let planned = world.the_planned(&incident).await;
    world.hold(held(&planned.name)).await.expect("held");
    let before = world.release_notes(&planned.name).await.expect("released");
    said("三人受伤。", "3", &first, "").await;
    said("四人受伤。", "4", "", "the hospital counted again").await;
    let next = world.the_planned(&incident).await;
    let told = texts(&next);
    let tells = |text: &str| told.iter().any(|t| t.contains(text));
    assert!(
        tells("superseded: a statement to AFFECTED: injured: 2 → 3"),
        "{told:?}"
    );
    assert!(
        tells("corrected: a statement to AFFECTED: injured was published as \"3\"")
            && tells("the hospital counted again"),
        "{told:?}"
    );
    let before = world.briefing(&before.name).await;
    assert!(before.reproducible && !before.notes.contains("superseded"));
}

#[tokio::test]
async fn a_missed_briefing_climbs_and_is_not_doubled_by_another_replica_p17() {
    let (world, incident) = opened(3, "Asia/Shanghai").await;
    let planned = world.the_planned(&incident).await;
    let replica = world.replica();
    let mut levels = Vec::new();
    for hours in [80, 25, 60, 60] {
        world.advance(hours * 60);
        replica.fire_due().await;
        world.fire_due().await;
        let told = world.clock_events("lake", ClockKind::WeeklyBriefing).await;
        levels = told.iter().map(|e| e.level).collect();
    }
    assert_eq!(levels, [0, 0, 1, 2, 3], "started, warned, and three rungs");
    assert_eq!(world.the_planned(&incident).await.name, planned.name);
    world.hold(held(&planned.name)).await.expect("held late");
    let next = world.the_planned(&incident).await;
    assert_eq!(
        local(next.plan_time, "Asia/Shanghai"),
        "Fri 2026-03-13 16:00 +0800"
    );
    assert!(
        texts(&next)
            .iter()
            .any(|t| *t == "INSIDE_REPORT" || *t == "WEEKLY_BRIEFING"),
        "{:#?}",
        next.agenda
    );
}

#[tokio::test]
async fn a_group_meets_and_fewer_are_told_in_person_with_nobody_left_out() {
    let (world, incident) = opened(3, "Asia/Shanghai").await;
    assert_eq!(
        world.the_planned(&incident).await.form(),
        BriefingForm::Meeting
    );
    let (world, incident) = opened(2, "Asia/Shanghai").await;
    let planned = world.the_planned(&incident).await;
    assert_eq!(planned.form(), BriefingForm::Notice);
    let mut nobody = held(&planned.name);
    nobody.cases.clear();
    let refused = world.hold(nobody.clone()).await.expect_err("left out");
    assert_eq!(reason(&refused), "NOT_EVERYBODY_TOLD");
    nobody.cases = vec![case("lake", 9).to_string()];
    let refused = world.hold(nobody).await.expect_err("another matter");
    assert_eq!(reason(&refused), "INVALID_FIELD");
    let told = world.hold(held(&planned.name)).await.expect("everybody");
    assert_eq!(told.form(), BriefingForm::Notice);
}

#[tokio::test]
async fn a_commitment_pages_its_owner_climbs_and_ends_when_it_is_kept() {
    use ClockTransition::{Breached, Climbed, Met, Started, Warned};
    let (world, incident) = opened(3, "Asia/Shanghai").await;
    let planned = world.the_planned(&incident).await;
    let mut request = held(&planned.name);
    request.commitments = vec![world.promise("negotiator", 4), world.promise("counsel", 10)];
    world.hold(request).await.expect("held");
    world.advance(3 * 60);
    world.fire_due().await;
    world.advance(60);
    world.fire_due().await;
    world.advance(2 * 60);
    world.fire_due().await;
    let [first, second] = world
        .commitments_of(&incident)
        .await
        .try_into()
        .expect("two");
    assert_eq!(first.owner, staff("lake", "negotiator"));
    let kept = world.keep(&first.name, "negotiator").await.expect("kept");
    assert_eq!(kept.state(), CommitmentState::Kept);
    let again = world
        .keep(&first.name, "negotiator")
        .await
        .expect_err("settled");
    assert_eq!(reason(&again), "COMMITMENT_SETTLED");
    let told = world.clock_events("lake", ClockKind::Commitment).await;
    let short = |e: &events::ClockChanged| {
        let transition: ClockTransition =
            redress_proto::convert::from_wire(e.transition).expect("known");
        let who: Vec<String> = e
            .notify
            .iter()
            .map(|n| n.rsplit('/').next().expect("a name").to_owned())
            .collect();
        (transition, e.level, who.join(","))
    };
    let told: Vec<_> = told.iter().map(short).collect();
    assert_eq!(
        told,
        [
            (Started, 0, String::new()),
            (Started, 0, String::new()),
            (Warned, 0, "negotiator".into()),
            (Breached, 1, "onsite,negotiator".into()),
            (Climbed, 2, "duty".into()),
            (Met, 2, String::new()),
        ]
    );
    world.waive(&second.name, "top").await.expect("waived");
    let waived = world.commitments_of(&incident).await.remove(1);
    assert_eq!(waived.state(), CommitmentState::Waived);
    assert_eq!(waived.clock_state(), ClockState::Cancelled);
}

#[tokio::test]
async fn a_commitment_is_kept_by_its_owner_and_waived_by_who_commands_m01() {
    let (world, incident) = opened(3, "Asia/Shanghai").await;
    let planned = world.the_planned(&incident).await;
    let mut request = held(&planned.name);
    request.commitments = vec![world.promise("negotiator", 4), world.promise("counsel", 10)];
    world.hold(request).await.expect("held");
    let [first, second] = world
        .commitments_of(&incident)
        .await
        .try_into()
        .expect("two");
    // Neither who holds another role, nor the owner, decides that it is not kept; and nobody says it of another's.
    for nobody in ["counsel", "voice", "duty"] {
        let refused = world.keep(&first.name, nobody).await.expect_err(nobody);
        assert_eq!(refused.code(), Code::PermissionDenied, "{nobody}");
    }
    for nobody in ["counsel", "voice", "duty"] {
        let refused = world.waive(&second.name, nobody).await.expect_err(nobody);
        assert_eq!(refused.code(), Code::PermissionDenied, "{nobody}");
    }
    assert!(
        world
            .commitments_of(&incident)
            .await
            .iter()
            .all(|c| c.clock_state() == ClockState::Running)
    );
    world.keep(&first.name, "top").await.expect("commands");
    world.waive(&second.name, "top").await.expect("commands");
}

#[tokio::test]
async fn who_promised_and_is_complained_about_since_is_paged_no_more_but_the_role_is() {
    let (world, incident) = opened(3, "Asia/Shanghai").await;
    let planned = world.the_planned(&incident).await;
    let mut request = held(&planned.name);
    request.commitments = vec![world.promise("negotiator", 4)];
    world.hold(request).await.expect("held");
    world
        .take([complains_about(&case("lake", 1), "negotiator", 2)])
        .await;
    for hours in [3, 1] {
        world.advance(hours * 60);
        world.fire_due().await;
    }
    let told = world.clock_events("lake", ClockKind::Commitment).await;
    let told: Vec<_> = told.into_iter().map(|e| (e.level, e.notify)).collect();
    let onsite = vec![staff("lake", "onsite")];
    assert_eq!(told, [(0, vec![]), (0, onsite.clone()), (1, onsite)]);
}

#[tokio::test]
async fn whoever_promises_has_a_place_here_and_a_time_that_can_be() {
    let (world, incident) = opened(3, "Asia/Shanghai").await;
    world
        .take([complains_about(&case("lake", 1), "negotiator", 2)])
        .await;
    let planned = world.the_planned(&incident).await;
    for (owner, hours, expected) in [
        ("nobody", 4, "NOT_ON_ROSTER"),
        ("negotiator", 4, "NOT_ON_ROSTER"),
        ("counsel", 0, "INVALID_FIELD"),
        ("counsel", 24 * 400, "INVALID_FIELD"),
    ] {
        let mut request = held(&planned.name);
        request.commitments = vec![world.promise(owner, hours)];
        let refused = world.hold(request).await.expect_err(owner);
        assert_eq!(reason(&refused), expected, "{owner} {hours}");
    }
    assert_eq!(world.the_planned(&incident).await.name, planned.name);
}

#[tokio::test]
async fn released_notes_never_change_and_can_be_written_again() {
    let (world, incident) = opened(3, "Asia/Shanghai").await;
    let planned = world.the_planned(&incident).await;
    assert!(texts(&planned)[0].starts_with("opened in private mode"));
    let early = world
        .release_notes(&planned.name)
        .await
        .expect_err("not held");
    assert_eq!(reason(&early), "BRIEFING_STATE");
    let mut request = held(&planned.name);
    request.questions = vec![NewQuestion {
        text: "when is the roof tight?".into(),
        answer: String::new(),
    }];
    request.commitments = vec![world.promise("onsite", 48)];
    world.hold(request).await.expect("held");
    let released = world.release_notes(&planned.name).await.expect("released");
    assert!(released.notes.contains("attendance: 32"));
    assert!(
        released
            .notes
            .contains("- when is the roof tight?: 待答 open")
    );
    assert_eq!(released.digest.len(), 64);
    assert!(released.reproducible && released.difference.is_empty());
    let again = world.release_notes(&planned.name).await;
    assert_eq!(again.expect("a repeat"), released);

    // What happens later belongs to the next one.
    let name = &world.commitments_of(&incident).await[0].name;
    world.keep(name, "onsite").await.expect("kept");
    let answered = world
        .answer_question(&planned.name, 1)
        .await
        .expect("answered");
    assert_eq!(answered.questions[0].answer, "in May");
    assert_eq!(answered.notes, released.notes);
    assert!(answered.reproducible);
    let again = world
        .answer_question(&planned.name, 1)
        .await
        .expect_err("answered");
    assert_eq!(reason(&again), "QUESTION_ANSWERED");
    assert_eq!(
        world
            .answer_question(&planned.name, 7)
            .await
            .expect_err("none")
            .code(),
        Code::NotFound
    );
    let stage = wire::MoveStageRequest {
        name: incident.clone(),
        stage: IncidentStage::Handling.into(),
        reason: "calm".into(),
        ..Default::default()
    };
    let moved = world.api.move_stage(as_caller(stage, &["lake"])).await;
    let moved = moved.map(|_| ());
    let next = world.the_planned(&incident).await;
    let told = texts(&next);
    assert!(
        told.contains(&"kept: the roof is tight (onsite): sealed and tested"),
        "{told:#?}"
    );
    assert!(
        told.contains(&"answered: when is the roof tight?: in May"),
        "{told:#?}"
    );
    assert_eq!(
        moved.is_ok(),
        told.iter().any(|t| t.starts_with("OUTBREAK → HANDLING")),
        "{told:#?}"
    );
    assert!(!told.iter().any(|t| t.starts_with("opened")), "{told:#?}");
    world.advance(7 * 24 * 60);
    world.hold(held(&next.name)).await.expect("held");
    let second = world.release_notes(&next.name).await.expect("released");
    assert!(
        second.difference.contains("-briefing: 1\n+briefing: 2\n"),
        "{}",
        second.difference
    );

    // Not even our own mistake changes them, and a changed past shows.
    let change = "UPDATE crisis.briefing SET notes = 'x' WHERE state = 'RELEASED'";
    let refused = sqlx::query(change).execute(&world.database.admin).await;
    assert!(refused.is_err(), "a trigger keeps them");
    let change = "UPDATE crisis.incident_log SET text = 'nothing was' WHERE kind = 'OPENED'";
    sqlx::query(change)
        .execute(&world.database.admin)
        .await
        .expect("an administrator can");
    assert!(!world.briefing(&planned.name).await.reproducible);
    assert!(world.briefing(&next.name).await.reproducible);
}

#[tokio::test]
async fn what_happens_after_people_went_home_is_told_at_the_next_briefing_m01() {
    let (world, incident) = opened(3, "Asia/Shanghai").await;
    let planned = world.the_planned(&incident).await;
    world.advance(60);
    let mut request = held(&planned.name);
    request.questions = vec![NewQuestion {
        text: "who pays?".into(),
        answer: String::new(),
    }];
    world.hold(request).await.expect("held");
    world.advance(30);
    let second = graded(&case("lake", 2), &cluster("lake", 1), 1, &["G1.5"]);
    world.take([second.at(world.now()).event()]).await;
    let joined = |b: &wire::Briefing| texts(b).iter().any(|t| t.contains("joins"));
    world
        .answer_question(&planned.name, 1)
        .await
        .expect("asked");
    let add = wire::AddBriefingNotesRequest {
        name: planned.name.clone(),
        commitments: vec![world.promise("onsite", 48)],
        ..Default::default()
    };
    let add = as_caller(add, &["lake"]);
    world.briefings.add_briefing_notes(add).await.expect("held");
    world.advance(30);
    let released = world.release_notes(&planned.name).await.expect("released");
    assert!(!joined(&released), "{:#?}", texts(&released));
    for noted in ["- who pays?: in May", "the roof is tight (onsite"] {
        assert!(released.notes.contains(noted), "{}", released.notes);
    }
    let release = released.release_time.expect("set");
    assert_eq!(release, to_timestamp(world.now()));
    world.advance(60);
    let next = world.the_planned(&incident).await;
    assert!(joined(&next), "{:#?}", texts(&next));
    let answered = texts(&next).iter().any(|t| t.starts_with("answered"));
    assert!(!answered, "it stands in the notes: {:#?}", texts(&next));
    assert!(world.briefing(&planned.name).await.reproducible);
    world.hold(held(&next.name)).await.expect("held");
    let second = world.release_notes(&next.name).await.expect("released");
    assert!(joined(&second) && second.reproducible);
}

#[tokio::test]
async fn what_was_recorded_wrongly_is_set_right_until_the_release_and_whom_it_told_is_counted_anew()
{
    use redress_proto::crisis::v1::{Audience, IncidentStage};
    let (world, incident) = opened(40, "Asia/Shanghai").await;
    let planned = world.the_planned(&incident).await;
    let told = async || {
        let (audience, stage) = (Audience::Affected, IncidentStage::Outbreak);
        let cell = world.cell(&incident, audience, stage).await;
        (cell.count, cell.reached_count)
    };
    let mut grows = graded(&case("lake", 1), &cluster("lake", 1), 1, &["G1.5"]).revision(2, 1);
    grows.payload.complainants = 40;
    world.take([grows.at(world.now()).event()]).await;
    let wrong = wire::HoldBriefingRequest {
        attendance: 3,
        ..held(&planned.name)
    };
    world.hold(wrong).await.expect("held");
    assert_eq!(told().await, (1, 3));
    let add = async |attendance, present: &[&str]| {
        let add = wire::AddBriefingNotesRequest {
            name: planned.name.clone(),
            attendance,
            staff: present.iter().map(|id| staff("lake", id)).collect(),
            reference: "minutes/7".into(),
            ..Default::default()
        };
        let added = as_caller(add, &["lake"]);
        let added = world.briefings.add_briefing_notes(added).await;
        added.map(|a| a.into_inner().briefing.expect("filled"))
    };
    for right in [30, 12] {
        let added = add(Some(right), &["onsite"]).await.expect("held");
        assert_eq!(added.attendance, right);
        assert_eq!(told().await, (1, right));
    }
    let kept = add(None, &[]).await.expect("held");
    assert_eq!((kept.attendance, kept.staff.len()), (12, 1), "as recorded");
    assert_eq!(kept.reference, "minutes/7");
    let nobody = add(Some(5), &["stranger"]).await.expect_err("no place");
    assert_eq!(nobody.code(), Code::InvalidArgument);
    let log = world.incident(&incident).await.log_entries;
    let right = log.iter().filter(|e| e.text.contains("is set right"));
    assert_eq!(right.count(), 2, "{log:#?}");
    let released = world.release_notes(&planned.name).await.expect("released");
    assert!(released.notes.contains("attendance: 12"));
    let late = add(Some(1), &[]).await.expect_err("released");
    assert_eq!(reason(&late), "BRIEFING_STATE");
    assert_eq!(told().await, (1, 12));
}

#[tokio::test]
async fn what_is_entered_later_with_a_deadline_of_then_changes_no_released_notes_m01() {
    use redress_proto::crisis::v1::media_service_server::MediaService as _;
    let (world, incident) = opened(3, "Asia/Shanghai").await;
    let planned = world.the_planned(&incident).await;
    // The inside report of the first hours is broken by then.
    world.advance(10 * 60);
    world.fire_due().await;
    world.hold(held(&planned.name)).await.expect("held");
    let released = world.release_notes(&planned.name).await.expect("released");
    assert!(
        released.notes.contains("INSIDE_REPORT"),
        "{}",
        released.notes
    );
    world.advance(10);
    let ago = |hours| to_timestamp(world.now() - jiff::SignedDuration::from_hours(hours));
    let request = wire::RecordInquiryRequest {
        parent: incident,
        inquiry: Some(wire::Inquiry {
            outlet: "City Daily".into(),
            rank: wire::OutletRank::City.into(),
            question: "How many homes?".into(),
            receive_time: Some(ago(5)),
            due_time: Some(ago(1)),
            ..Default::default()
        }),
        request_id: "late".into(),
    };
    let recorded = world
        .media
        .record_inquiry(as_person(request, "lake", "clerk"));
    recorded.await.expect("entered late");
    world.fire_due().await;
    let now = world.briefing(&planned.name).await;
    assert_eq!(now.notes, released.notes);
    assert!(now.reproducible);
}

#[tokio::test]
async fn writes_are_repeatable_fenced_and_confined_to_the_site_i2_i8_i11() {
    let (world, incident) = opened(3, "Asia/Shanghai").await;
    let planned = world.the_planned(&incident).await;
    let mut request = held(&planned.name);
    request.request_id = "once".into();
    request.etag = planned.etag.clone();
    request.commitments = vec![world.promise("onsite", 48)];
    let first = world.hold(request.clone()).await.expect("held");
    let again = world.hold(request.clone()).await;
    assert_eq!(again.expect("a repeat"), first);
    assert_eq!(world.commitments_of(&incident).await.len(), 1);
    request.request_id = String::new();
    let stale = world.hold(request.clone()).await.expect_err("stale");
    assert_eq!(stale.code(), Code::Aborted);
    request.etag = String::new();
    let twice = world.hold(request).await.expect_err("held");
    assert_eq!(reason(&twice), "BRIEFING_STATE");
    let add = wire::AddBriefingNotesRequest {
        name: planned.name.clone(),
        questions: vec![NewQuestion {
            text: "who pays?".into(),
            answer: "we do".into(),
        }],
        ..Default::default()
    };
    let added = world
        .briefings
        .add_briefing_notes(as_caller(add, &["lake"]))
        .await
        .expect("held");
    let added = added.into_inner().briefing.expect("filled");
    assert_eq!(added.questions[0].answer, "we do");
    let get = wire::GetBriefingRequest { name: planned.name };
    let foreign = world
        .briefings
        .get_briefing(as_caller(get.clone(), &["river"]))
        .await;
    assert!(matches!(
        foreign.expect_err("foreign").code(),
        Code::NotFound | Code::PermissionDenied
    ));
    // Whoever the case complains about sees none of it.
    world
        .take([complains_about(&case("lake", 1), "onsite", 2)])
        .await;
    let hidden = world
        .briefings
        .get_briefing(as_staff(get, "lake", "onsite"))
        .await;
    assert_eq!(hidden.expect_err("hidden").code(), Code::NotFound);
}

#[tokio::test]
async fn what_was_promised_goes_on_in_the_incident_that_stays_when_two_are_merged() {
    let (world, stays) = opened(3, "Asia/Shanghai").await;
    world.advance(1);
    let mut other = graded(&case("lake", 2), &cluster("lake", 2), 1, &["G1.5"]).at(world.now());
    other.payload.cluster_complainants = 3;
    world.take([other.event()]).await;
    let ends = world.open("lake").await;
    let ends = ends.iter().find(|i| i.name != stays).expect("two");
    let planned = world.the_planned(&ends.name).await;
    let mut request = held(&planned.name);
    request.cases = vec![case("lake", 2).to_string()];
    request.commitments = vec![world.promise("onsite", 48)];
    world.hold(request).await.expect("held");
    let released = world.release_notes(&planned.name).await.expect("released");
    world
        .take([cluster_merged(
            &case("lake", 2),
            &cluster("lake", 2),
            &cluster("lake", 1),
        )])
        .await;
    let incident = world.the_open("lake").await;
    assert_eq!(incident.name, stays);
    let went = world.commitments_of(&stays).await.remove(0);
    assert_eq!(went.clock_state(), ClockState::Running);
    let told = world.the_planned(&stays).await;
    assert!(
        texts(&told).contains(&"open: the roof is tight (onsite)"),
        "{:#?}",
        told.agenda
    );
    let name = &world.commitments_of(&stays).await[0].name;
    world.keep(name, "onsite").await.expect("kept there");
    let then = world.briefing(&released.name).await;
    assert!(then.reproducible, "{}", then.notes);
    let cancelled = world.briefings_of(&ends.name).await;
    assert_eq!(cancelled[0].state(), BriefingState::Cancelled);
}

#[tokio::test]
async fn a_briefing_that_a_merged_incident_missed_stays_missed_and_is_told_once_m01_i4() {
    let kind = ClockKind::WeeklyBriefing;
    let (world, stays) = opened(3, "Asia/Shanghai").await;
    world.advance(1);
    let mut other = graded(&case("lake", 2), &cluster("lake", 2), 1, &["G1.5"]).at(world.now());
    other.payload.cluster_complainants = 3;
    world.take([other.event()]).await;
    let open = world.open("lake").await;
    let ends = open.iter().find(|i| i.name != stays).expect("two");
    // The older is briefed before its time; the younger is not, by Friday 16:00.
    let early = world.the_planned(&stays).await;
    world.advance(2 * 24 * 60);
    world.hold(held(&early.name)).await.expect("held");
    world.advance(2 * 24 * 60 + 8 * 60);
    world.fire_due().await;
    let promised = |incident: &wire::Incident| {
        let runs = |c: &&wire::IncidentClock| c.kind == to_wire(kind) && c.stop_time.is_none();
        let clock = incident.clocks.iter().find(runs).expect("promised");
        let due = clock.due_time.expect("set").seconds;
        (clock.state(), clock.level, due)
    };
    let breaches = async || {
        let told = world.clock_events("lake", kind).await.into_iter();
        told.filter(|c| c.transition == to_wire(ClockTransition::Breached))
            .count()
    };
    let (state, level, missed) = promised(&world.incident(&ends.name).await);
    assert_eq!((state, level), (ClockState::Breached, 1));
    let (state, _, next) = promised(&world.incident(&stays).await);
    assert_eq!((state, next), (ClockState::Running, missed + 7 * 24 * 3600));
    assert_eq!(breaches().await, 1);
    let (from, into) = (cluster("lake", 2), cluster("lake", 1));
    world
        .take([cluster_merged(&case("lake", 2), &from, &into)])
        .await;
    world.fire_due().await;
    let survivor = world.the_open("lake").await;
    assert_eq!(survivor.name, stays);
    assert_eq!(promised(&survivor), (ClockState::Breached, 1, missed));
    assert_eq!(breaches().await, 1, "nobody twice");
    // It is held late, and the next one in its week.
    let planned = world.the_planned(&stays).await;
    assert_eq!(planned.plan_time.expect("set").seconds, missed);
    let mut late = held(&planned.name);
    late.cases.push(case("lake", 2).to_string());
    world.hold(late).await.expect("held");
    let after = promised(&world.the_open("lake").await);
    assert_eq!(after, (ClockState::Running, 0, next));
}

#[tokio::test]
async fn notes_that_tell_of_what_came_and_went_on_with_mergers_are_written_again_m01() {
    let (world, last) = opened(3, "Asia/Shanghai").await;
    let mut names = vec![last];
    for n in [2, 3] {
        world.advance(1);
        let mut other = graded(&case("lake", n), &cluster("lake", n), 1, &["G1.5"]).at(world.now());
        other.payload.cluster_complainants = 3;
        world.take([other.event()]).await;
        let mut open = world.open("lake").await;
        open.retain(|i| !names.contains(&i.name));
        names.push(open.remove(0).name);
    }
    let (last, middle, first) = (&names[0], &names[1], &names[2]);
    let hold = async |incident: &str, n: u128, commitments: Vec<NewCommitment>| {
        let planned = world.the_planned(incident).await;
        let mut request = held(&planned.name);
        request.cases = vec![case("lake", n).to_string()];
        request.commitments = commitments;
        world.hold(request).await.expect("held");
        planned.name
    };
    let merge = async |from: u128, into: u128| {
        let (case, into) = (case("lake", from), cluster("lake", into));
        let merged = cluster_merged(&case, &cluster("lake", from), &into);
        world.take([merged]).await;
    };
    hold(first, 3, vec![world.promise("onsite", 48)]).await;
    merge(3, 2).await;
    let briefing = hold(middle, 2, Vec::new()).await;
    let released = world.release_notes(&briefing).await.expect("released");
    let open = "open: the roof is tight (onsite)";
    assert!(released.notes.contains(open), "{}", released.notes);
    merge(2, 1).await;
    let then = world.briefing(&briefing).await;
    assert!(then.reproducible, "{}", then.notes);
    // It goes on where both went, and what becomes of it there is told there.
    let told = world.the_planned(last).await;
    assert!(texts(&told).contains(&open), "{:#?}", told.agenda);
    let name = world.commitments_of(last).await.remove(0).name;
    world.keep(&name, "onsite").await.expect("kept there");
    let then = world.briefing(&briefing).await;
    assert!(then.reproducible, "{}", then.notes);
}

/// The RPCs of briefings, for whoever tries all of them.
pub(crate) const METHODS: [&str; 9] = [
    "GetBriefing",
    "ListBriefings",
    "HoldBriefing",
    "AddBriefingNotes",
    "AnswerBriefingQuestion",
    "ReleaseBriefing",
    "ListCommitments",
    "KeepCommitment",
    "WaiveCommitment",
];

/// A commitment of a briefing that was held, with a question.
pub(crate) async fn promised(world: &World, incident: &str) -> Commitment {
    let planned = world.the_planned(incident).await;
    let mut request = held(&planned.name);
    request.commitments = vec![world.promise("onsite", 48)];
    request.questions = vec![NewQuestion {
        text: "when?".into(),
        answer: String::new(),
    }];
    world.hold(request).await.expect("held");
    world.commitments_of(incident).await.remove(0)
}

/// Calls one of them as a stranger.
pub(crate) async fn intrude(
    world: &World,
    method: &str,
    caller: &str,
    promised: &Commitment,
) -> Result<(), Status> {
    let api = &world.briefings;
    let (name, etag) = (promised.briefing.clone(), String::new());
    let request_id = "r".to_owned();
    match method {
        "GetBriefing" => {
            let request = wire::GetBriefingRequest { name };
            api.get_briefing(ask(caller, request)).await.map(|_| ())
        }
        "ListBriefings" => {
            let request = wire::ListBriefingsRequest {
                parent: promised.incident.clone(),
                ..Default::default()
            };
            api.list_briefings(ask(caller, request)).await.map(|_| ())
        }
        "HoldBriefing" => {
            let mut request = held(&name);
            request.request_id = request_id;
            api.hold_briefing(ask(caller, request)).await.map(|_| ())
        }
        "AddBriefingNotes" => {
            let request = wire::AddBriefingNotesRequest {
                name,
                request_id,
                ..Default::default()
            };
            api.add_briefing_notes(ask(caller, request))
                .await
                .map(|_| ())
        }
        "AnswerBriefingQuestion" => {
            let request = wire::AnswerBriefingQuestionRequest {
                name,
                question_number: 1,
                answer: "never".into(),
                request_id,
                ..Default::default()
            };
            let answer = api.answer_briefing_question(ask(caller, request)).await;
            answer.map(|_| ())
        }
        "ReleaseBriefing" => {
            let request = wire::ReleaseBriefingRequest {
                name,
                etag,
                request_id,
            };
            api.release_briefing(ask(caller, request)).await.map(|_| ())
        }
        "ListCommitments" => {
            let request = wire::ListCommitmentsRequest {
                parent: promised.incident.clone(),
                ..Default::default()
            };
            api.list_commitments(ask(caller, request)).await.map(|_| ())
        }
        "KeepCommitment" => {
            let request = wire::KeepCommitmentRequest {
                name: promised.name.clone(),
                outcome: "x".into(),
                etag,
                request_id,
            };
            api.keep_commitment(ask(caller, request)).await.map(|_| ())
        }
        "WaiveCommitment" => {
            let request = wire::WaiveCommitmentRequest {
                name: promised.name.clone(),
                reason: "x".into(),
                etag,
                request_id,
            };
            api.waive_commitment(ask(caller, request)).await.map(|_| ())
        }
        other => panic!("{other} is not tried here"),
    }
}
