//! A stored clock equals the one computed from its events (I5), whatever happened to the case: regrades,
//! holds, hand-overs, merges, clusters, reopenings, new policies, new calendars, in a zone whose clocks change.
//! One that has none, since it promises nothing, equals the one computed from what it waits for.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use futures::StreamExt as _;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use redress_clock::{Basis, Deadlines, Shares, Step, Term, explain, fold};
use redress_events::Event;
use redress_model::Fault;
use redress_model::name::{CaseName, SiteId};
use redress_model::words::{
    CaseStatus, Channel, ClockKind, ClockState, HoldReason, SignalBasis, SignalKind,
};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::event::v1 as event;
use redress_proto::triage::v1 as wire;
use redress_proto::triage::v1::calendar_service_server::CalendarService as _;
use redress_proto::triage::v1::clock_service_server::ClockService as _;
use redress_proto::triage::v1::cluster_service_server::ClusterService as _;
use redress_proto::triage::v1::policy_service_server::PolicyService as _;
use redress_proto::words::Signal;
use redress_store::{Operation, Scope, Tx};
use redress_triage::domain::Age;
use redress_triage::jobs::CalendarKeeper;
use redress_triage::store::{cases, clocks, holds, policies, sites};

use crate::world::{World, by};

/// Actions of one history.
const ACTIONS: u32 = 45;

/// Histories that are rolled every time.
const KNOWN: [u64; 3] = [3, 17, 2_026];

/// Histories at once: while one waits for Postgres the other goes on.
const AT_ONCE: usize = 2;

/// What the histories are rolled from: those that are known and a fresh one, or as many fresh ones as
/// `REDRESS_HISTORIES` says. `REDRESS_HISTORY` is the seed of one that failed, which is then rolled alone.
fn seeds() -> Vec<u64> {
    if let Ok(seed) = std::env::var("REDRESS_HISTORY") {
        return vec![seed.parse().expect("a seed")];
    }
    let fresh = std::env::var("REDRESS_HISTORIES");
    let fresh = fresh.map_or(1, |text| text.parse().expect("a number of histories"));
    let roll = || RandomState::new().build_hasher().finish();
    let fresh = std::iter::repeat_with(roll).take(fresh);
    KNOWN.into_iter().chain(fresh).collect()
}

/// Random enough, and the same at every run: splitmix64.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % sides
    }

    fn coin(&mut self) -> bool {
        self.roll(2) == 0
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        let sides = u64::try_from(of.len()).expect("few");
        of[usize::try_from(self.roll(sides)).expect("small")]
    }
}

/// Computes every clock of a case from scratch and says what differs.
struct Refold {
    site: SiteId,
    case: uuid::Uuid,
    now: Timestamp,
}

impl Operation for Refold {
    const NAME: &'static str = "test.refold";
    type Output = (usize, Vec<String>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let site = sites::get(tx, &self.site, self.now).await?.expect("known");
        let all = clocks::lock_of_case(tx, &self.site, self.case).await?;
        let mut wrong = Vec::new();
        // Whatever was extended, held or resolved before: an open case is to be resolved by an instant.
        let case = cases::lock(tx, &self.site, self.case)
            .await?
            .expect("known");
        let resolves = |clock: &&clocks::Clock| clock.kind == ClockKind::Resolve;
        let resolve = all.iter().find(resolves).expect("promised");
        if case.is_open() != resolve.stopped.is_none() {
            wrong.push(format!("{}: RESOLVE {:?}", case.status, resolve.stopped));
        }
        let holds = holds::lasting(tx, &self.site, self.case).await?;
        let held = all.iter().find(|clock| clock.held.is_some());
        if let Some(held) = held.filter(|_| holds.is_empty()) {
            wrong.push(format!("{} is held, the case is not", held.kind));
        }
        // What promises nothing has no events: it follows from what it waits for.
        let age = age_of(tx, &site, &case).await?;
        let check = age.next_check(&site.profile().grading, self.now);
        let end = holds.iter().map(|hold| hold.until).min();
        for (kind, due, counts) in [
            (
                ClockKind::AgeCheck,
                check.filter(|_| case.is_open()),
                age.held_since.is_none(),
            ),
            (ClockKind::HoldEnd, end, true),
        ] {
            let clock = all.iter().find(|clock| clock.kind == kind);
            let waits = clock.filter(|c| c.stopped.is_none() || c.next.is_some());
            let stored = waits.map(|c| (c.deadlines, c.next));
            let computed = due.map(|due| (Deadlines::at(due), Some(due).filter(|_| counts)));
            if stored != computed {
                wrong.push(format!("{kind}: {stored:?} {computed:?}"));
            }
        }
        for clock in all.iter().filter(|clock| !clock.is_silent()) {
            let events = clocks::events(tx, &self.site, clock.id).await?;
            let calendars = site.calendars_of(tx, &events).await?;
            let promise = fold(&events, &calendars).expect("started");
            let stored = (
                (clock.start, clock.term, clock.deadlines, clock.stopped),
                (
                    clock.held,
                    clock.round,
                    clock.told_customer,
                    clock.calendar_revision,
                ),
            );
            let computed = (
                (
                    promise.start,
                    promise.term,
                    promise.deadlines,
                    promise.stopped,
                ),
                (
                    promise.held.map(|h| h.1),
                    promise.round,
                    promise.told,
                    promise.calendar,
                ),
            );
            if stored != computed || clock.state != promise.state(self.now) {
                wrong.push(format!(
                    "{} {}: {stored:?} {computed:?} {events:?}",
                    clock.kind, clock.slot
                ));
            }
            if clock.channel != promise.channel {
                wrong.push(format!("{}: by {:?}", clock.kind, clock.channel));
            }
            // Broken is what had passed when it stopped, when it was held or by now; what fired told it.
            let held_since = promise.held.map(|(since, _)| since);
            let until = clock.stopped.or(held_since).unwrap_or(self.now);
            let broken = clock.deadlines.due <= until;
            let untold = clock.state == ClockState::Breached
                && clock.next.is_none_or(|next| next > self.now)
                && clock.held.is_none()
                && clock.told < Some(Step::Breach);
            if broken != promise.is_breached(self.now) || untold {
                wrong.push(format!(
                    "{}: broken {broken}, told {:?}",
                    clock.kind, clock.told
                ));
            }
            // Why its deadline is where it is goes with what the row says that it gives.
            let fits = match promise.basis {
                Basis::FromStart | Basis::FromRegrade => matches!(clock.term, Term::Length(_)),
                Basis::Named | Basis::Extended => matches!(clock.term, Term::Until(_)),
                Basis::KeptAsTold => clock.told_customer,
                Basis::Breached => broken,
                Basis::KeptByRise => true,
            };
            if !fits {
                let basis = promise.basis;
                wrong.push(format!("{}: {basis:?} of {:?}", clock.kind, clock.term));
            }
            // It warns and climbs by the policy that its row pins.
            let (profile, revision) = (&clock.policy_profile, clock.policy_revision);
            let revision = u32::try_from(revision).expect("a number");
            let pinned = policies::pinned(tx, &self.site, profile, revision).await?;
            let pinned = pinned.expect("kept");
            let shares = &pinned.policy().shares;
            let by_policy = Shares {
                warn_early: shares.warn_early.get(&clock.kind).copied(),
                warn: shares.warn,
                climb_duty: shares.climb_duty,
                climb_top: shares.climb_top,
            };
            if promise.shares != by_policy && clock.kind != ClockKind::ConfirmSignal {
                wrong.push(format!(
                    "{}: {:?} {by_policy:?}",
                    clock.kind, promise.shares
                ));
            }
            // The explanation is of one piece and reaches the deadline or the end.
            let explained = explain(&events, &calendars, self.now).expect("started");
            let gaps = explained.stretches.windows(2).any(|w| w[0].to != w[1].from);
            if gaps || explained.promise != promise {
                wrong.push(format!("{}: explained otherwise", clock.kind));
            }
        }
        Ok((all.len(), wrong))
    }
}

/// How old a case is by its facts and its holds: what waits for our own spokesperson alone stops no age (decision 42).
async fn age_of(tx: &mut Tx, site: &sites::Site, case: &cases::Case) -> Result<Age, Fault> {
    let own = case.facts.received;
    let first = cases::first_merged(tx, &site.id, case.id).await?;
    let mut outside = holds::of_case(tx, &site.id, case.id).await?;
    outside.retain(|hold| hold.reason != HoldReason::SingleVoice);
    let lasting = outside.iter().filter(|hold| hold.end.is_none());
    let held_since = lasting.map(|hold| hold.start).min();
    // While it is held, its row knows of no hold that has ended since: each adds what those before it did not, oldest first.
    let mut held = case.held;
    let mut counted = case.held_since.unwrap_or(Timestamp::MAX);
    for hold in &outside {
        let ended = hold.end.into_iter().chain(held_since).min();
        let (from, to) = (hold.start.max(counted), ended.unwrap_or(counted));
        if from < to {
            held += from.duration_until(to);
            counted = to;
        }
    }
    Ok(Age {
        received: first.map_or(own, |first| first.min(own)),
        zone: site.zone.clone(),
        held,
        held_since,
        resolved: case.resolved_since.is_some(),
    })
}

struct Story {
    world: World,
    dice: Dice,
    case: CaseName,
    other: CaseName,
    epoch: i64,
    policies: u32,
}

impl Story {
    async fn new(seed: u64) -> Self {
        let world = World::new().await;
        // A zone whose clocks change, a day before they do.
        let site = event::SiteChanged {
            site: "sites/lakeside".to_owned(),
            organization: "organizations/demo".to_owned(),
            region: "organizations/demo/regions/north".to_owned(),
            kind: 1,
            time_zone: "Europe/Berlin".to_owned(),
            display_name: "Lakeside".to_owned(),
            revision: 2,
            language: "en".to_owned(),
            display_name_en: String::new(),
        };
        let kind = "redress.site.changed.v1";
        let site = world.event("intake", kind, "sites/lakeside", &site);
        world.tell(&[site]).await;
        world.advance(SignedDuration::from_hours(24 * 25)).await;
        let (case, other) = (world.case().await, world.case().await);
        Self {
            world,
            dice: Dice(seed),
            case,
            other,
            epoch: 1,
            policies: 0,
        }
    }

    async fn act(&mut self) {
        match self.dice.roll(16) {
            0..=2 => self.contact().await,
            3 | 4 => self.assignment_moves().await,
            5 => self.intake_moves().await,
            6 => self.signal().await,
            7 | 8 => self.hold().await,
            9 => self.resume().await,
            10 => self.by_hand().await,
            11 => self.calendar().await,
            12 => self.policy().await,
            13 => self.merge_clusters().await,
            14 => self.split_cluster().await,
            _ => self.hand_over().await,
        }
    }

    async fn contact(&mut self) {
        let (inbound, substantive) = (self.dice.coin(), self.dice.coin());
        let direction = if inbound {
            event::ContactDirection::Inbound
        } else {
            event::ContactDirection::Outbound
        };
        let ahead = SignedDuration::from_hours(i64::try_from(self.dice.roll(200)).expect("small"));
        let promised = self
            .dice
            .coin()
            .then(|| to_timestamp(self.world.now() + ahead));
        let payload = event::ContactRecorded {
            case: self.case.to_string(),
            contact_id: uuid::Uuid::now_v7().to_string(),
            direction: direction.into(),
            channel: to_wire(self.dice.pick(Channel::ALL)),
            by_person: self.dice.roll(4) > 0,
            substantive,
            visit: self.dice.roll(4) == 0,
            contact_time: Some(to_timestamp(self.world.now())),
            promised_next_time: promised,
            staff: "sites/lakeside/staff/handler".to_owned(),
            ..Default::default()
        };
        let kind = "redress.contact.recorded.v1";
        let event = self
            .world
            .event("intake", kind, &self.case.to_string(), &payload);
        self.world.tell(&[event]).await;
    }

    async fn assignment_moves(&mut self) {
        let status = self.dice.pick(&[
            CaseStatus::Assigned,
            CaseStatus::Investigating,
            CaseStatus::Proposed,
            CaseStatus::Resolving,
            CaseStatus::Resolved,
            CaseStatus::Closed,
        ]);
        let moved = self
            .world
            .moved("assignment", &self.case, status, self.epoch);
        self.world.tell(&[moved]).await;
    }

    async fn intake_moves(&mut self) {
        let status = self.dice.pick(&[
            CaseStatus::Reopened,
            CaseStatus::Reopened,
            CaseStatus::Merged,
            CaseStatus::Withdrawn,
        ]);
        self.epoch += 1;
        let event = self.by_intake(status, self.epoch);
        self.world.tell(&[event]).await;
    }

    /// A move of the case by intake; the other one is the head of its merges.
    fn by_intake(&self, status: CaseStatus, epoch: i64) -> Event {
        let merged_into = if status == CaseStatus::Merged {
            self.other.to_string()
        } else {
            String::new()
        };
        let payload = event::CaseMoved {
            case: self.case.to_string(),
            status: to_wire(status),
            epoch,
            move_time: Some(to_timestamp(self.world.now())),
            merged_into,
            ..Default::default()
        };
        let kind = "redress.case.moved.v1";
        self.world
            .event("intake", kind, &self.case.to_string(), &payload)
    }

    async fn signal(&mut self) {
        let kind = self.dice.pick(&[
            SignalKind::ThreatensMedia,
            SignalKind::OngoingDamage,
            SignalKind::Litigation,
            SignalKind::Injury,
        ]);
        let signal = Signal {
            kind: to_wire(kind),
            basis: to_wire(SignalBasis::Reported),
            ..Default::default()
        };
        let recorded = self
            .world
            .record(self.world.manager(), &self.case, signal, "")
            .await;
        recorded.expect("recorded");
    }

    async fn hold(&mut self) {
        let hours = i64::try_from(1 + self.dice.roll(150)).expect("small");
        let until = self.world.now() + SignedDuration::from_hours(hours);
        let request = wire::HoldCaseRequest {
            parent: self.case.to_string(),
            reason: to_wire(self.dice.pick(HoldReason::ALL)),
            until_time: Some(to_timestamp(until)),
            note: "waiting".to_owned(),
            request_id: String::new(),
        };
        // Refused where the case has ended or is held for it.
        let _ = self
            .world
            .rpc
            .hold_case(by(self.world.manager(), request))
            .await;
    }

    async fn resume(&mut self) {
        let request = wire::ResumeCaseRequest {
            parent: self.case.to_string(),
            reason: to_wire(self.dice.pick(HoldReason::ALL)),
            request_id: String::new(),
        };
        let _ = self
            .world
            .rpc
            .resume_case(by(self.world.manager(), request))
            .await;
    }

    /// Starts an outside deadline, or extends what runs.
    async fn by_hand(&mut self) {
        let now = self.world.now();
        let hours = i64::try_from(1 + self.dice.roll(500)).expect("small");
        let due = Some(to_timestamp(now + SignedDuration::from_hours(hours)));
        if self.dice.coin() {
            let request = wire::StartClockRequest {
                parent: self.case.to_string(),
                kind: 15,
                term: due.map(wire::start_clock_request::Term::DueTime),
                party: "12345".to_owned(),
                ..Default::default()
            };
            let _ = self
                .world
                .rpc
                .start_clock(by(self.world.manager(), request))
                .await;
            return;
        }
        for clock in self.world.clocks(&self.case).await.into_values() {
            let request = wire::ExtendClockRequest {
                name: clock.name,
                due_time: due,
                reason: "more is to be done".to_owned(),
                etag: clock.etag,
                request_id: String::new(),
            };
            let _ = self
                .world
                .rpc
                .extend_clock(by(self.world.manager(), request))
                .await;
        }
    }

    /// A day soon becomes a holiday.
    async fn calendar(&mut self) {
        let days = i64::try_from(2 + self.dice.roll(5)).expect("small");
        let day = (self.world.now() + SignedDuration::from_hours(24 * days)).strftime("%Y%m%d");
        let icalendar = format!(
            "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:{day}\nSUMMARY:盘点 (休)\nEND:VEVENT\nEND:VCALENDAR\n"
        );
        let request = wire::ImportCalendarRequest {
            name: "sites/lakeside/calendar".to_owned(),
            icalendar,
            ..Default::default()
        };
        let _ = self
            .world
            .rpc
            .import_calendar(by(self.world.manager(), request))
            .await;
        let keeper = CalendarKeeper::new(self.world.rpc.0.desk.clone());
        keeper.follow_all().await.expect("followed");
        keeper.catch_up().await.expect("moved");
    }

    async fn policy(&mut self) {
        self.policies += 1;
        let days = 2 + self.dice.roll(9);
        let request = wire::ApplyPolicyRequest {
            parent: "sites/lakeside".to_owned(),
            document: format!("clocks: {{ RESOLVE: [ {{ length: {days} working days }} ] }}"),
            reason: format!("agreed {}", self.policies),
            ..Default::default()
        };
        let _ = self
            .world
            .rpc
            .apply_policy(by(self.world.manager(), request))
            .await;
    }

    /// The cases are about one matter after all.
    async fn merge_clusters(&mut self) {
        let request = wire::MergeClustersRequest {
            name: self.world.decision(&self.case).await.cluster,
            source: self.world.decision(&self.other).await.cluster,
            ..Default::default()
        };
        // Refused where they are already.
        let _ = self
            .world
            .rpc
            .merge_clusters(by(self.world.manager(), request))
            .await;
    }

    /// They are not.
    async fn split_cluster(&mut self) {
        let request = wire::SplitClusterRequest {
            name: self.world.decision(&self.case).await.cluster,
            cases: vec![self.other.to_string()],
            reason: "another matter".to_owned(),
            ..Default::default()
        };
        let _ = self
            .world
            .rpc
            .split_cluster(by(self.world.manager(), request))
            .await;
    }

    async fn hand_over(&mut self) {
        let revision = i64::try_from(self.dice.roll(1_000)).expect("small");
        let owned = self.world.owned(&self.case, "another", revision);
        self.world.tell(&[owned]).await;
    }

    /// How many clocks were looked at.
    async fn check(&self, seed: u64, step: u32) -> usize {
        let mut seen = 0;
        for case in [&self.case, &self.other] {
            let refold = Refold {
                site: self.world.site.clone(),
                case: case.id,
                now: self.world.now(),
            };
            let scope = Scope::site(self.world.site.clone());
            let (count, wrong) = self
                .world
                .database
                .db
                .run(&scope, &refold)
                .await
                .expect("read");
            assert!(wrong.is_empty(), "seed {seed}, step {step}: {wrong:#?}");
            seen += count;
        }
        seen
    }
}

#[tokio::test]
async fn a_stored_clock_equals_the_one_computed_from_its_events_after_random_histories_i5() {
    let seeds = seeds();
    let alone = seeds.len() == 1;
    let happened: BTreeSet<String> = futures::stream::iter(seeds)
        .map(history)
        .buffer_unordered(AT_ONCE)
        .flat_map(futures::stream::iter)
        .collect()
        .await;
    // One history alone may lack one of them.
    let missing: Vec<&str> = EVENTS
        .into_iter()
        .filter(|kind| !happened.contains(*kind))
        .collect();
    assert!(missing.is_empty() || alone, "never happened: {missing:?}");
}

/// What a clock may go through, as its events are stored.
const EVENTS: [&str; 9] = [
    "started",
    "restarted",
    "met",
    "cancelled",
    "regraded",
    "held",
    "resumed",
    "extended",
    "recalendared",
];

/// Rolls a history and checks every clock after each step. Gives which events there were in it.
#[allow(clippy::print_stderr)]
async fn history(seed: u64) -> BTreeSet<String> {
    // Shown where the test fails.
    eprintln!("REDRESS_HISTORY={seed} rolls this one alone");
    let mut story = Story::new(seed).await;
    let began = story.world.now();
    for step in 0..ACTIONS {
        story.act().await;
        let minutes = i64::try_from(story.dice.roll(60 * 20)).expect("small");
        story
            .world
            .advance(SignedDuration::from_mins(minutes))
            .await;
        let seen = story.check(seed, step).await;
        // What each case is promised when it comes in, at least.
        assert!(seen >= 8, "seed {seed}, step {step}: {seen} clocks");
    }
    // The clocks of its zone changed on the way.
    let zone = TimeZone::get("Europe/Berlin").expect("a zone");
    let offsets = [began, story.world.now()].map(|at| zone.to_offset(at));
    assert_ne!(offsets[0], offsets[1], "seed {seed}: no day of a change");
    let kinds = "SELECT DISTINCT event ->> 'type' FROM triage.clock_event WHERE event IS NOT NULL";
    let kinds: Vec<String> = sqlx::query_scalar(kinds)
        .fetch_all(&story.world.database.admin)
        .await
        .expect("read");
    kinds.into_iter().collect()
}

#[tokio::test]
async fn a_stored_clock_equals_the_computed_one_after_an_extension_a_resolution_and_a_reopening_i5()
{
    for days in [3, 40] {
        let mut story = Story::new(days).await;
        let resolve = story.world.clocks(&story.case).await[&ClockKind::Resolve].clone();
        let request = wire::ExtendClockRequest {
            name: resolve.name,
            due_time: Some(to_timestamp(
                story.world.now() + SignedDuration::from_hours(24 * 20),
            )),
            reason: "more is to be done".to_owned(),
            etag: resolve.etag,
            request_id: String::new(),
        };
        let manager = story.world.manager();
        let extended = story.world.rpc.extend_clock(by(manager, request)).await;
        extended.expect("extended");
        for (mover, status) in [
            ("assignment", CaseStatus::Resolved),
            ("intake", CaseStatus::Reopened),
        ] {
            story.epoch += i64::from(mover == "intake");
            let moved = story.world.moved(mover, &story.case, status, story.epoch);
            story.world.tell(&[moved]).await;
            story.check(days, 0).await;
            let away = SignedDuration::from_hours(24 * i64::try_from(days).expect("few"));
            story.world.advance(away).await;
            story.check(days, 1).await;
        }
    }
}

#[tokio::test]
async fn the_defences_of_two_merged_lawsuits_equal_the_computed_ones_i5() {
    let story = Story::new(5).await;
    let world = &story.world;
    let court = |case: &CaseName, state: event::DemandState| {
        let payload = event::DemandChanged {
            case: case.to_string(),
            // Each case has the lawsuit of its own id.
            demand: case.id.to_string(),
            kind: to_wire(ClockKind::Defence),
            state: state.into(),
            start_time: Some(to_timestamp(world.now())),
            met_time: (state == event::DemandState::Met).then(|| to_timestamp(world.now())),
            party: "people's court".to_owned(),
            ..Default::default()
        };
        let kind = "redress.demand.changed.v1";
        world.event("assignment", kind, &case.to_string(), &payload)
    };
    let day = SignedDuration::from_hours(24);
    let (open, met) = (event::DemandState::Open, event::DemandState::Met);
    for case in [&story.case, &story.other] {
        world.tell(&[court(case, open)]).await;
        story.check(5, 0).await;
        world.advance(day).await;
    }
    let merged = story.by_intake(CaseStatus::Merged, 2);
    world.tell(&[merged]).await;
    story.check(5, 1).await;
    world.advance(day * 20).await;
    story.check(5, 2).await;
    world.tell(&[court(&story.other, met)]).await;
    story.check(5, 3).await;
    let apart = story.by_intake(CaseStatus::Received, 3);
    world.tell(&[apart]).await;
    story.check(5, 4).await;
    world.tell(&[court(&story.case, met)]).await;
    world.advance(day).await;
    story.check(5, 5).await;
    let filed = "SELECT count(*) FROM triage.clock WHERE kind = 'DEFENCE' AND state = 'MET'";
    assert_eq!(world.count(filed).await, 2);
}

#[tokio::test]
async fn a_deadline_that_passed_before_a_head_takes_it_over_equals_the_computed_one_i5() {
    let story = Story::new(7).await;
    let (world, head) = (&story.world, &story.other);
    let hour = SignedDuration::from_hours(1);
    let payload = event::DemandChanged {
        case: story.case.to_string(),
        demand: story.case.id.to_string(),
        kind: to_wire(ClockKind::OutsideDeadline),
        state: event::DemandState::Open.into(),
        start_time: Some(to_timestamp(world.now())),
        due_time: Some(to_timestamp(world.now() + hour * 100)),
        party: "12345".to_owned(),
        ..Default::default()
    };
    let kind = "redress.demand.changed.v1";
    let open = world.event("assignment", kind, &story.case.to_string(), &payload);
    let withdrawn = story.by_intake(CaseStatus::Withdrawn, 2);
    world.tell(&[open, withdrawn]).await;
    world.advance(hour * 120).await;
    // Merged, apart and merged again; then into a head that has ended.
    let own = [
        CaseStatus::Reopened,
        CaseStatus::Merged,
        CaseStatus::Received,
        CaseStatus::Merged,
        CaseStatus::Received,
        CaseStatus::Merged,
    ];
    for (status, epoch) in own.into_iter().zip(3..) {
        if epoch == 7 {
            let ended = world.moved("intake", head, CaseStatus::Rejected, 2);
            world.tell(&[ended]).await;
        }
        let moved = story.by_intake(status, epoch);
        world.tell(&[moved]).await;
        story.check(7, 0).await;
        world.advance(hour).await;
        story.check(7, 1).await;
    }
    let reopened = world.moved("intake", head, CaseStatus::Reopened, 3);
    world.tell(&[reopened]).await;
    story.check(7, 2).await;
    // Each climbs from when it was made anew.
    let later = "SELECT count(*) FROM triage.clock
                 WHERE kind = 'OUTSIDE_DEADLINE' AND duty_lead_time = start_time + interval '50 hours'";
    assert_eq!(world.count(later).await, 2);
}
