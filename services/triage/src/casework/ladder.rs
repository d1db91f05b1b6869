//! What happens when a promise is about to be missed, and is: its owner is warned, then the breach climbs
//! the lead ladder to whoever is on duty at that instant, and is paged until somebody acknowledges (domain.md
//! section 6, decision 16).
//!
//! One timer a clock: it fires at the next step or when paging goes on, whichever comes first. Who was told
//! is no part of the fold (I5); it stands in the clock's row and in its pages.

use std::collections::HashMap;

use jiff::Timestamp;
use redress_clock::{Promise, Shares, Step, deadlines};
use redress_events::{NewEvent, publish_many};
use redress_model::words::{ClockKind, ClockState, ClockTransition};
use redress_model::{Fault, Grade};
use redress_proto::event::v1::ClockChanged;
use redress_rpc::trace_context::traceparent;
use uuid::Uuid;

use super::Work;
use super::promises;
use crate::domain::paging::{self, LAST_RUNG, Next, OnDuty, Page, PageState, Paging, Sent};
use crate::store::cases::{self, Case};
use crate::store::clocks::{self, Clock, History, Note};
use crate::store::duties::{self, ABOVE, Roster};
use crate::store::pages::{self, PageRow};
use crate::store::sites::Site;

/// Tells every step that is due, and goes on paging. After a long sleep several steps are due: each takes
/// effect once, in order.
pub(super) async fn climb(
    work: &mut Work<'_>,
    case: &Case,
    clock: &mut Clock,
) -> Result<(), Fault> {
    climb_to(work, case, clock, work.now).await
}

/// The same for the steps that were due by an instant that has passed.
pub(super) async fn climb_to(
    work: &mut Work<'_>,
    case: &Case,
    clock: &mut Clock,
    until: Timestamp,
) -> Result<(), Fault> {
    let trace = traceparent().unwrap_or_default();
    climb_all(work, vec![(case, clock, &trace)], until).await
}

/// The same for several clocks, in this order, in as many queries as for one. Each comes with the trace of its
/// complaint. Their cases and rows must be locked.
pub(super) async fn climb_all(
    work: &mut Work<'_>,
    clocks: Vec<(&Case, &mut Clock, &str)>,
    until: Timestamp,
) -> Result<(), Fault> {
    let site = &work.site.id;
    let ids: Vec<Uuid> = clocks.iter().map(|(_, clock, _)| clock.id).collect();
    let roster = duties::roster(work.tx, site).await?;
    let mut events = clocks::events_of(work.tx, site, &ids).await?;
    let mut pages = pages::of_rounds(work.tx, site, &ids).await?;
    let mut ladders = Vec::with_capacity(clocks.len());
    for (case, clock, trace) in clocks {
        let events = events.remove(&clock.id).unwrap_or_default();
        let (promise, _) = promises::folded(work, &events).await?;
        let mut ladder = Ladder {
            site: work.site,
            now: work.now,
            roster: &roster,
            known: pages.get(&clock.id).map_or(0, Vec::len),
            pages: pages.remove(&clock.id).unwrap_or_default(),
            said: Vec::new(),
            case,
            clock,
        };
        ladder.climb(&promise, until);
        ladders.push((ladder, trace));
    }
    keep(work, &ladders).await
}

/// Keeps what was told, and tells it.
async fn keep(work: &mut Work<'_>, ladders: &[(Ladder<'_>, &str)]) -> Result<(), Fault> {
    let site = &work.site.id;
    let clocks: Vec<&Clock> = ladders.iter().map(|(of, _)| &*of.clock).collect();
    let sent: Vec<PageRow> = ladders
        .iter()
        .flat_map(|(of, _)| of.pages[of.known..].iter().cloned())
        .collect();
    let said = || {
        ladders
            .iter()
            .flat_map(|(of, trace)| of.said.iter().map(move |said| (of, said, *trace)))
    };
    let notes: Vec<Note<'_>> = said()
        .map(|(of, (entry, _), _)| Note {
            clock: of.clock.id,
            event: None,
            entry,
        })
        .collect();
    let news: Vec<(NewEvent<'_, ClockChanged>, &str)> = said()
        .map(|(_, (_, payload), trace)| (promises::news(site, payload), trace))
        .collect();
    clocks::update_told(work.tx, site, &clocks).await?;
    pages::insert(work.tx, site, &sent).await?;
    clocks::note(work.tx, site, &notes).await?;
    publish_many(work.tx, &news).await
}

/// Rung of the lead ladder that a step reaches; 0 for a warning.
fn rung_of(step: Step) -> u8 {
    step.level()
}

/// What is said of a step that reaches a rung.
fn transition_to(step: Step) -> ClockTransition {
    if step == Step::Breach {
        ClockTransition::Breached
    } else {
        ClockTransition::Climbed
    }
}

/// The step that reaches a rung.
fn step_of(rung: u8) -> Option<Step> {
    Step::ALL
        .into_iter()
        .find(|s| rung > 0 && s.level() == rung)
}

/// A clock on the ladder: what telling its steps reads, and what comes of it. No I/O, so that thousands can be told
/// together.
struct Ladder<'a> {
    site: &'a Site,
    now: Timestamp,
    roster: &'a Roster,
    case: &'a Case,
    clock: &'a mut Clock,
    /// Its pages in this round, oldest first.
    pages: Vec<PageRow>,
    /// How many of them were sent before.
    known: usize,
    /// What is said, in order.
    said: Vec<(History, ClockChanged)>,
}

impl Ladder<'_> {
    fn climb(&mut self, promise: &Promise, until: Timestamp) {
        self.clock.generation += 1;
        while let Some((step, at)) = promise.next_step(self.clock.told, until) {
            if at > until {
                break;
            }
            if !self.said.is_empty() {
                // News of its own, which follows the one before for whoever reads both.
                self.clock.generation += 1;
            }
            self.clock.told = Some(step);
            match rung_of(step) {
                0 => self.warn(),
                _ if self.had_passed(promise, step, until) => self.pass(step),
                rung => self.reach(rung, step),
            }
        }
        let goes_on = |until: Timestamp| until <= self.now;
        if self.clock.paging.until.is_some_and(goes_on) {
            if !self.said.is_empty() {
                self.clock.generation += 1;
            }
            self.go_on();
        }
        let next = promise.next_step(self.clock.told, self.now);
        self.clock.arm(next.map(|(_, at)| at));
    }

    /// Tells the owner that time runs out. Where there is none who may hear of it, and where they are off duty and left in
    /// peace (P07), the on-site lead on duty is told instead, or the next one up (P14).
    fn warn(&mut self) {
        let owner = owner(self.case).filter(|owner| !self.roster.is_off_duty(owner, self.now));
        let notify = owner.or_else(|| self.on_duty().0.into_iter().flatten().next());
        self.say(ClockTransition::Warned, notify);
    }

    /// Whether the next rung was due too when the promise was made, of a complaint or a message that was entered late: whoever is
    /// on duty on that one is paged, and not everybody below for what is past. Of grade 1 and of people trapped everybody hears.
    fn had_passed(&self, promise: &Promise, step: Step, until: Timestamp) -> bool {
        let grave = self.case.grade == Some(Grade::ONE) || self.clock.kind == ClockKind::Rescue;
        let entered = self.clock.made.min(until);
        let next = promise.next_step(Some(step), self.now);
        !grave && next.is_some_and(|(_, at)| at <= entered)
    }

    /// Keeps and says that a rung was due, and pages nobody about it.
    fn pass(&mut self, step: Step) {
        self.clock.state = ClockState::Breached;
        self.say_why(transition_to(step), None, "entered late");
    }

    /// Time has reached a rung. One that was paged ahead of its time has heard already.
    fn reach(&mut self, rung: u8, step: Step) {
        self.clock.state = ClockState::Breached;
        let transition = transition_to(step);
        if self.clock.level >= rung {
            return;
        }
        match paging::reach(rung, self.clock.level, &self.on_duty()) {
            Next::Send(page) => self.send(page, transition),
            Next::Wait | Next::GiveUp => {
                // Somebody below is still to acknowledge: that goes on, and the step is kept behind it.
                if self.clock.paging.state != PageState::Open {
                    self.wait();
                }
                self.say(transition, None);
            }
        }
    }

    /// The time to acknowledge has run out, or somebody may have come on duty.
    fn go_on(&mut self) {
        match self.next() {
            Next::Send(page) => {
                let transition = if page.rung > self.clock.level.max(1) {
                    ClockTransition::Climbed
                } else {
                    ClockTransition::PagedAgain
                };
                self.send(page, transition);
            }
            Next::Wait if self.clock.paging.state != PageState::Unanswered => self.wait(),
            Next::Wait | Next::GiveUp => {
                tracing::warn!(case = %self.case.id, clock = %self.clock.id, "nobody acknowledged a broken promise");
                self.clock.paging = Paging {
                    state: PageState::Unanswered,
                    until: next_duty(self.site, self.roster, self.case, self.now),
                };
            }
        }
    }

    fn next(&self) -> Next {
        let (people, since) = self.on_duty_since();
        let mut heard: HashMap<&str, Timestamp> = HashMap::new();
        for page in &self.pages {
            let last = heard.entry(&page.staff).or_insert(page.sent);
            *last = page.sent.max(*last);
        }
        let mut came = people.clone();
        for (person, start) in came.0.iter_mut().zip(since) {
            let told = person.as_deref().and_then(|p| heard.get(p));
            if told.is_some_and(|told| start.is_some_and(|start| *told >= start)) {
                *person = None;
            }
        }
        let pages_max = self.site.profile().ladder.pages;
        // Who has acknowledged is not paged again; only the step behind it is still to be told.
        let last = self
            .pages
            .last()
            .filter(|row| row.acknowledged.is_none())
            .map(|row| Sent {
                rung: row.rung,
                staff: row.staff.clone(),
                page: row.page,
            });
        let level = self.clock.level;
        match (self.clock.paging.state, &last) {
            (PageState::Open, Some(last)) => {
                paging::unanswered(level, last, pages_max, &people, &came)
            }
            _ => {
                let due = self.clock.told.map_or(0, rung_of);
                paging::awaited(due, level, last.as_ref(), pages_max, &people, &came)
            }
        }
    }

    /// Pages somebody. A rung that is reached ahead of its time is not told again when that comes.
    fn send(&mut self, page: Page, transition: ClockTransition) {
        self.clock.level = self.clock.level.max(page.rung);
        self.clock.told = self.clock.told.max(step_of(page.rung));
        let grade = self.case.grade.unwrap_or(Grade::FOUR);
        let within = self.site.profile().acknowledge_within(grade);
        let calendar = self.site.calendar();
        let answer = deadlines(self.now, within, Shares::default(), &calendar).due;
        let staff = page.staff.clone();
        self.pages.push(PageRow {
            clock: self.clock.id,
            generation: self.clock.generation,
            rung: page.rung,
            round: self.clock.round,
            staff: page.staff,
            page: page.page,
            sent: self.now,
            answer,
            acknowledged: None,
        });
        self.clock.paging = Paging {
            state: PageState::Open,
            until: Some(answer),
        };
        self.say(transition, Some(staff));
    }

    /// Keeps the step until somebody comes on duty, as far as the roster is known; a new roster is asked again.
    fn wait(&mut self) {
        tracing::warn!(case = %self.case.id, clock = %self.clock.id, "nobody is on duty to be told");
        self.clock.paging = Paging {
            state: PageState::Waiting,
            until: next_duty(self.site, self.roster, self.case, self.now),
        };
    }

    fn on_duty(&self) -> OnDuty {
        self.on_duty_since().0
    }

    /// Who is on duty, and since when each of them is.
    fn on_duty_since(&self) -> (OnDuty, [Option<Timestamp>; LAST_RUNG as usize]) {
        let mut people = OnDuty::default();
        let mut since = [None; LAST_RUNG as usize];
        let excluded = &self.case.facts.excluded;
        let rungs = self.site.profile().ladder.rungs;
        for (rung, role) in rungs.into_iter().enumerate() {
            let holder = self.roster.on_duty_since(role, self.now, excluded);
            let holder = holder.map(|(staff, since)| (staff.to_owned(), since));
            (people.0[rung], since[rung]) = holder.unzip();
        }
        let top = usize::from(LAST_RUNG) - 1;
        let nobody = people.0.iter().all(Option::is_none);
        if nobody || self.roster.is_accused(&rungs, self.now, excluded) {
            // The ladder is short of a lead: it ends with the region, in the place of the top lead.
            let region = self.roster.on_duty_since(ABOVE, self.now, excluded);
            if let Some((region, start)) = region
                && self.is_regions(people.0[top].as_deref(), region)
            {
                (people.0[top], since[top]) = (Some(region.to_owned()), Some(start));
            }
        }
        (people, since)
    }

    /// Whether the last rung is the region's: nobody of the site is on it, or who is was paged as often as the policy asks. A
    /// region that was paged as often keeps it only against those who were paged before.
    fn is_regions(&self, top: Option<&str>, region: &str) -> bool {
        let Some(top) = top else {
            return true;
        };
        let pages_max = self.site.profile().ladder.pages;
        let is_silent = |staff: &str| {
            let mut pages = self.pages.iter();
            pages.any(|p| p.rung == LAST_RUNG && p.staff == staff && p.page >= pages_max)
        };
        let was_last = || self.pages.last().is_some_and(|p| p.staff == region);
        is_silent(top) && (!is_silent(region) || was_last())
    }

    fn say(&mut self, transition: ClockTransition, notify: Option<String>) {
        self.say_why(transition, notify, "time");
    }

    fn say_why(&mut self, transition: ClockTransition, notify: Option<String>, cause: &str) {
        let entry = History {
            transition,
            at: self.now,
            due: self.clock.deadlines.due,
            cause: cause.to_owned(),
        };
        let notify = Vec::from_iter(notify);
        let payload = promises::changed(&self.site.id, self.case, self.clock, &entry, notify);
        self.said.push((entry, payload));
    }
}

fn owner(case: &Case) -> Option<String> {
    let owner = case
        .responsible
        .as_ref()
        .or(case.facts.first_contact.as_ref());
    owner
        .filter(|owner| !case.facts.excluded.contains(owner))
        .cloned()
}

/// A graver case leaves less time to acknowledge what was paged before.
pub(super) fn hurry(site: &Site, clock: &mut Clock, grade: Grade, now: Timestamp) {
    let open = clock.paging.state == PageState::Open;
    let Some(until) = clock.paging.until.filter(|_| open) else {
        return;
    };
    let within = site.profile().acknowledge_within(grade);
    let answer = deadlines(now, within, Shares::default(), &site.calendar()).due;
    if answer < until {
        clock.paging.until = Some(answer);
        clock.generation += 1;
        if clock.held.is_none() {
            clock.next = clock.next.map(|next| next.min(answer));
        }
    }
}

/// The case accuses these people since: what they were paged about goes on to the next one at once, and so does what nobody
/// heard, since the ladder may end elsewhere now. Questions about signals follow by themselves.
pub(super) async fn pass_on(
    work: &mut Work<'_>,
    case: &Case,
    accused: &[&String],
) -> Result<(), Fault> {
    let site = &work.site.id;
    for mut clock in clocks::lock_of_case(work.tx, site, case.id).await? {
        let state = clock.paging.state;
        if clock.stopped.is_some() || clock.kind == ClockKind::ConfirmSignal {
            continue;
        }
        let asked = match state {
            PageState::Open => pages::last(work.tx, site, clock.id, clock.round).await?,
            _ => None,
        };
        let left = asked.is_some_and(|page| accused.contains(&&page.staff));
        if !left && !clock.paging.waits() {
            continue;
        }
        clock.paging.until = Some(work.now);
        if clock.held.is_none() {
            clock.next = Some(work.now);
        }
        clock.generation += 1;
        clocks::update(work.tx, site, &clock).await?;
        work.entries.extend(clock.entry());
    }
    Ok(())
}

/// When the next duty of a rung begins.
fn next_duty(site: &Site, roster: &Roster, case: &Case, now: Timestamp) -> Option<Timestamp> {
    let [first, second, top] = site.profile().ladder.rungs;
    roster.next_start(&[first, second, top, ABOVE], now, &case.facts.excluded)
}

/// Somebody acknowledged what this change of a clock told: paging ends, the steps by time go on. What was told before the
/// clock was made anew or given more time, or to a rung below the one paged now, ends nothing. One from above does, though somebody below who came
/// on duty since is paged now.
pub async fn acknowledge(
    work: &mut Work<'_>,
    clock: Uuid,
    generation: i64,
    staff: &str,
    at: Timestamp,
) -> Result<(), Fault> {
    let site = &work.site.id;
    let Some(seen) = clocks::get(work.tx, site, clock).await? else {
        return Ok(());
    };
    // So that no merge hands its pages on meanwhile.
    if cases::lock(work.tx, site, seen.case).await?.is_none() {
        return Ok(());
    }
    // None for a warning.
    for page in pages::told(work.tx, site, clock, generation, staff).await? {
        heard(work, &page, at).await?;
    }
    Ok(())
}

/// The same for one of the clocks that have this page.
async fn heard(work: &mut Work<'_>, page: &PageRow, at: Timestamp) -> Result<(), Fault> {
    let site = &work.site.id;
    let Some(seen) = clocks::get(work.tx, site, page.clock).await? else {
        return Ok(());
    };
    let Some(case) = cases::lock(work.tx, site, seen.case).await? else {
        return Ok(());
    };
    let all = clocks::lock_of_case(work.tx, site, case.id).await?;
    let Some(mut clock) = all.into_iter().find(|c| c.id == page.clock) else {
        return Ok(());
    };
    if clock.kind == ClockKind::ConfirmSignal {
        // It has an answer of its own: who has read a question has not answered it.
        return Ok(());
    }
    if page.round == clock.round && page.sent < clock.deadlines.due {
        // It told of a deadline that was not the last word: more time had been given, and nobody heard yet that this is over too.
        return Ok(());
    }
    pages::acknowledge(work.tx, site, page, at).await?;
    let last = pages::last(work.tx, site, clock.id, clock.round).await?;
    let ends = page.round == clock.round
        && last.is_some_and(|last| last.acknowledged.is_some() || last.rung < page.rung)
        && matches!(clock.paging.state, PageState::Open | PageState::Unanswered);
    if !ends {
        return Ok(());
    }
    // A step was kept behind this page. Somebody may be on duty for it by now: it is asked at once.
    clock.paging = if clock.told.map_or(0, rung_of) > clock.level {
        Paging {
            state: PageState::Waiting,
            until: Some(work.now),
        }
    } else {
        Paging {
            state: PageState::Acknowledged,
            until: None,
        }
    };
    let (promise, _) = promises::computed(work, &clock).await?;
    clock.arm(promise.next_step(clock.told, work.now).map(|(_, at)| at));
    clock.generation += 1;
    clocks::update(work.tx, site, &clock).await?;
    work.entries.extend(clock.entry());
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use redress_calendar::Calendar;
    use redress_clock::{Event, Length, Terms, fold};
    use redress_policy::{PROFILES, Policy};

    use super::super::firing::only_tells;
    use super::*;

    /// Who keeps a clock, and how.
    enum Kept {
        /// On the lead ladder, of these lengths.
        OnTheLadder(Vec<Length>),
        /// It warns of its deadline, which then has an effect of its own, and breaks no promise.
        Asked(Vec<Length>),
        /// It promises nothing, or is asked rung by rung in a time of its own.
        WaitedFor,
        /// By the desk of the incident, on a ladder of its own.
        ByTheDesk,
    }

    /// How a kind is kept (sections 6 and 10). Whoever adds one says so here.
    fn kept(policy: &Policy, kind: ClockKind) -> Kept {
        let promised = || {
            let rules = policy.clocks.get(&kind).into_iter().flatten();
            rules.map(|rule| rule.length).collect()
        };
        match kind {
            ClockKind::Acknowledge
            | ClockKind::Answer
            | ClockKind::Resolve
            | ClockKind::StartInvestigation
            | ClockKind::OnSite
            | ClockKind::InterimUpdate
            | ClockKind::FollowUpVisit
            | ClockKind::Defence
            | ClockKind::AppealJudgment
            | ClockKind::AppealRuling
            | ClockKind::Rescue
            | ClockKind::StoreReport
            | ClockKind::MediaClarification => Kept::OnTheLadder(promised()),
            // As its body gave it, or by the law: a leak, an accident, a change of plan.
            ClockKind::OutsideDeadline => {
                let by_law = policy.law.values().map(|rule| rule.length);
                Kept::OnTheLadder(by_law.chain([Length::Days(30)]).collect())
            }
            // As agreed.
            ClockKind::Support => Kept::OnTheLadder(vec![Length::hours(24)]),
            ClockKind::ConfirmClosing => Kept::Asked(promised()),
            ClockKind::AgeCheck | ClockKind::HoldEnd | ClockKind::ConfirmSignal => Kept::WaitedFor,
            ClockKind::LeaderContact
            | ClockKind::HoldingStatement
            | ClockKind::InsideReport
            | ClockKind::OutwardUpdate
            | ClockKind::WeeklyBriefing
            | ClockKind::PlaybookTask
            | ClockKind::Commitment
            | ClockKind::ReviewAction
            | ClockKind::MediaAnswer
            | ClockKind::StatementReview
            | ClockKind::RoleOffer => Kept::ByTheDesk,
        }
    }

    /// What is said of a promise that nobody meets, and on which rung, by the percent of its time that is used then.
    fn said(policy: &Policy, kind: ClockKind, length: Length) -> Vec<(i64, ClockTransition, u8)> {
        let start: Timestamp = "2026-03-02T01:00:00Z".parse().expect("an instant");
        let terms = Terms {
            shares: promises::shares_by(policy, kind),
            ..Terms::new(length)
        };
        // Where it is always open, working time is time.
        let always = Calendar::always(TimeZone::UTC);
        let promise = fold(&[Event::Started { at: start, terms }], &always).expect("begun");
        let whole = start.duration_until(promise.deadlines.due).as_secs();
        let (mut told, mut now) = (None, start);
        let mut said = Vec::new();
        while let Some((step, at)) = promise.next_step(told, now) {
            let transition = match rung_of(step) {
                0 => ClockTransition::Warned,
                _ => transition_to(step),
            };
            let used = start.duration_until(at).as_secs() * 100 / whole;
            said.push((used, transition, rung_of(step)));
            (told, now) = (Some(step), at);
        }
        said
    }

    #[test]
    fn every_kind_of_clock_of_a_case_warns_breaches_and_climbs_as_sections_6_and_10_say() {
        use ClockTransition::{Breached, Climbed, Warned};
        for &kind in ClockKind::ALL {
            let mut seen = 0;
            for profile in PROFILES {
                let policy = Policy::built_in(profile).expect("shipped");
                let kept = kept(policy, kind);
                let on_the_ladder = matches!(kept, Kept::OnTheLadder(_) | Kept::ByTheDesk);
                assert_eq!(only_tells(kind), on_the_ladder, "{kind}");
                let (Kept::OnTheLadder(lengths) | Kept::Asked(lengths)) = kept else {
                    assert!(!policy.clocks.contains_key(&kind), "{profile} {kind}");
                    seen += 1;
                    continue;
                };
                let early = (kind == ClockKind::OutsideDeadline).then_some((50, Warned, 0));
                let then = [
                    (75, Warned, 0),
                    (100, Breached, 1),
                    (150, Climbed, 2),
                    (200, Climbed, 3),
                ];
                let expected: Vec<(i64, ClockTransition, u8)> =
                    early.into_iter().chain(then).collect();
                for length in lengths {
                    let said = said(policy, kind, length);
                    assert_eq!(said, expected, "{profile} {kind} {length}");
                    seen += 1;
                }
            }
            assert!(seen > 0, "no profile promises {kind}");
        }
    }
}
