//! The clocks of a case (domain.md section 6): which are promised at a decision, and what every change of
//! one of them does to its row.
//!
//! A clock's events are the truth; the row is what their fold gives, kept so that what is due can be
//! found. What has been told stands in the row alone and never goes back within a round but where
//! more time was given, so nothing fires twice.

use jiff::{SignedDuration, Timestamp};
use redress_clock::{
    Calendars as _, Event, Length, Promise, Revisions, Shares, Step, Term, Terms, deadlines_of,
    fold,
};
use redress_events::{NewEvent, publish, publish_many};
use redress_model::name::{ClockName, SiteId};
use redress_model::words::{
    Channel, ClockKind, ClockState, ClockTransition, SignalBasis, SignalKind, Urgency,
};
use redress_model::{Fault, Grade, ids};
use redress_policy::{LengthKey, Policy};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::event::v1::ClockChanged;
use redress_rpc::trace_context::traceparent;
use uuid::Uuid;

use super::known::{Known, known};
use super::status::is_set_outside;
use super::{Work, age, contact, holds, ladder, law, merging};
use crate::domain::Signal;
use crate::domain::decision::AT_ONCE;
use crate::domain::paging::{PageState, Paging};
use crate::store::cases::Case;
use crate::store::clocks::{self, Clock, History, Note};
use crate::store::decisions;
use crate::store::policies;
use crate::store::signals::SignalRow;
use crate::store::sites::{self, Site};

/// What is promised from receipt on, where the policy promises it.
const FROM_RECEIPT: [ClockKind; 5] = [
    ClockKind::Acknowledge,
    ClockKind::StartInvestigation,
    ClockKind::Answer,
    ClockKind::Resolve,
    ClockKind::StoreReport,
];

/// What starts a defence.
const SUED: [SignalKind; 1] = [SignalKind::Litigation];

/// What starts a clarification.
pub(super) const EXPOSED: [SignalKind; 2] = [SignalKind::MediaExposure, SignalKind::OnlinePost];

/// What is promised to a person; what a monitor found has nobody to speak to.
pub(super) fn needs_somebody(kind: ClockKind) -> bool {
    matches!(
        kind,
        ClockKind::Acknowledge
            | ClockKind::Answer
            | ClockKind::InterimUpdate
            | ClockKind::ConfirmClosing
            | ClockKind::FollowUpVisit
    )
}

/// A promise that is to be made.
#[derive(Debug, Clone)]
pub(super) struct Start {
    /// Which.
    pub(super) kind: ClockKind,
    /// Which of its kind.
    pub(super) slot: String,
    /// The demand that it keeps, as assignment names it.
    pub(super) demand: Option<Uuid>,
    /// From when on.
    pub(super) at: Timestamp,
    /// How much time it gives.
    pub(super) term: Term,
    /// The customer is told the deadline.
    pub(super) told: bool,
    /// Who demands it or owes it.
    pub(super) party: String,
    /// That party's own number.
    pub(super) outside_number: String,
    /// Why.
    pub(super) cause: &'static str,
    /// On whose word, a token subject; empty where on nobody's.
    pub(super) by: String,
}

impl Start {
    /// The promise of this kind that the policy makes.
    pub(super) fn of(kind: ClockKind, at: Timestamp, length: Length, cause: &'static str) -> Self {
        Self {
            kind,
            slot: String::new(),
            demand: None,
            at,
            term: length.into(),
            // The receipt names it.
            told: kind == ClockKind::Acknowledge,
            party: String::new(),
            outside_number: String::new(),
            cause,
            by: String::new(),
        }
    }
}

/// What this clock gives the case as it is graded now; none where the policy does not promise it.
pub(super) fn length(
    site: &Site,
    case: &Case,
    urgency: Urgency,
    kind: ClockKind,
) -> Option<Length> {
    let by = (case.grade?, urgency);
    length_by(site.profile(), by, case.facts.channel, kind)
}

/// What this clock gives whoever asks by this channel, at the urgency that it has.
pub(super) fn length_asked(
    site: &Site,
    case: &Case,
    clock: &Clock,
    channel: Channel,
) -> Option<Length> {
    let by = (case.grade?, clock.urgency);
    length_by(site.profile(), by, channel, clock.kind)
}

/// The same by any policy, grade and urgency.
pub(super) fn length_by(
    policy: &Policy,
    (grade, urgency): (Grade, Urgency),
    channel: Channel,
    kind: ClockKind,
) -> Option<Length> {
    let key = LengthKey {
        grade,
        urgency,
        channel,
    };
    policy.length(kind, key)
}

/// How urgent the case is, as last decided.
pub(super) async fn urgency(work: &mut Work<'_>, case: &Case) -> Result<Urgency, Fault> {
    let last = decisions::get(work.tx, &work.site.id, case.id, None).await?;
    Ok(last.map_or(Urgency::WithinADay, |last| last.ruling.urgency))
}

/// When a clock of this kind warns and climbs.
pub(super) fn shares(site: &Site, kind: ClockKind) -> Shares {
    shares_by(site.profile(), kind)
}

/// The same by any policy.
pub(super) fn shares_by(policy: &Policy, kind: ClockKind) -> Shares {
    let shares = &policy.shares;
    Shares {
        warn_early: shares.warn_early.get(&kind).copied(),
        warn: shares.warn,
        climb_duty: shares.climb_duty,
        climb_top: shares.climb_top,
    }
}

/// The term that leads from here to the deadline as it stands: a hold, more time, another grade or calendar may have moved it.
pub(super) fn term_to_due(site: &Site, clock: &Clock, start: Timestamp) -> Term {
    let due = clock.deadlines.due;
    let terms = terms_of(site, clock.kind, &clock.slot, clock.term);
    let plain = deadlines_of(start, &terms, &site.calendar());
    if plain.due == due {
        clock.term
    } else {
        Term::Until(due)
    }
}

/// Terms of a promise of this kind that is made at this site now.
pub(super) fn terms(site: &Site, kind: ClockKind, term: impl Into<Term>) -> Terms {
    Terms {
        term: term.into(),
        shares: shares(site, kind),
        calendar: site.calendar_revision(),
        told: kind == ClockKind::Acknowledge,
        by_law: is_timed_by_law(kind),
        channel: None,
    }
}

/// The same of the promise in this slot, which may bear the name of a deadline of the law.
fn terms_of(site: &Site, kind: ClockKind, slot: &str, term: impl Into<Term>) -> Terms {
    let mut terms = terms(site, kind, term);
    terms.by_law |= clocks::law_of(kind, slot).is_some();
    terms
}

/// Whether the law gives the time of every promise of this kind (domain.md section 10).
fn is_timed_by_law(kind: ClockKind) -> bool {
    matches!(
        kind,
        ClockKind::Rescue
            | ClockKind::Defence
            | ClockKind::AppealJudgment
            | ClockKind::AppealRuling
    )
}

/// Lets the promises follow a decision: starts those that are missing, gives the others the length of
/// the new grade, and arms the next age check; for a case that is resolved it starts those of the law alone, and lets what runs
/// follow a rise. Where a policy that took
/// effect moved the grade beyond what the facts give, promises made before it move as far as those alone (P26). Never for a
/// historical case.
pub(super) async fn follow(
    work: &mut Work<'_>,
    case: &mut Case,
    known: &Known,
    urgency: Urgency,
    by_facts: Grade,
    first: bool,
) -> Result<(), Fault> {
    let facts = &known.facts;
    let Some(grade) = case.grade else {
        return Ok(());
    };
    let site = work.site;
    let mut all = clocks::lock_of_case(work.tx, &site.id, case.id).await?;
    for clock in all.iter_mut().filter(|clock| is_never_regraded(clock)) {
        take_turn(work, clock, grade).await?;
    }
    if case.is_ended() {
        return Ok(());
    }
    let begun = if first { case.facts.received } else { work.now };
    let then = held_then(work, begun).await?;
    // A resolution ends no duty of law, and lets none wait: a defence neither.
    let from = (&then, begun, first);
    by_policy(work, case, known, (urgency, by_facts), from, &mut all).await?;
    if case.is_open() {
        take_back(work, case, known, urgency, &mut all).await?;
    }
    let mut past = Work::new(&mut *work.tx, &then, work.now);
    past.entered = work.entered;
    law::follow(&mut past, case, known, urgency, &mut all).await?;
    let entries = past.entries;
    work.entries.extend(entries);
    if !case.is_open() {
        return Ok(());
    }
    age::arm(work, case, &mut all, &facts.age, grade).await
}

/// Starts what is promised to an open case and missing, by the policy that held then, and gives the others the length of its
/// grade, those of an older policy that of the grade by its facts; on a case that is resolved it starts its defence alone, and
/// what is owed still follows a rise and no fall.
async fn by_policy(
    work: &mut Work<'_>,
    case: &Case,
    known: &Known,
    (urgency, by_facts): (Urgency, Grade),
    (then, begun, first): (&Site, Timestamp, bool),
    all: &mut [Clock],
) -> Result<(), Fault> {
    let Some(grade) = case.grade else {
        return Ok(());
    };
    let site = work.site;
    let defended = defended_until(all);
    let mut receipt = None;
    let mut missing = Vec::new();
    for (kind, at) in promised(case, known, urgency, (begun, work.now), all) {
        if known.facts.complainants == 0 && needs_somebody(kind) {
            continue;
        }
        let is_it = |clock: &&mut Clock| clock.is_for(kind, "", None);
        let starts = case.is_open() || kind == ClockKind::Defence;
        match all.iter_mut().find(is_it) {
            Some(clock) if clock.stopped.is_some() && !starts => {}
            None if !starts => {}
            None => {
                let Some(length) = length(then, case, urgency, kind) else {
                    continue;
                };
                let by = (by_facts, urgency);
                if !first && !was_promised(work, case, by, kind, &mut receipt).await? {
                    continue;
                }
                let at = from_now_where_past(then, kind, at, length, work.now);
                let cause = if first { "received" } else { "graded" };
                let mut new = Start::of(kind, at, length, cause);
                new.by = sued_by(known, kind);
                missing.push(new);
            }
            Some(clock) if clock.stopped.is_none() => {
                let is_new = is_of_policy_now(site, clock);
                let to = if is_new { grade } else { by_facts };
                if !case.is_open() && !is_rise((clock.grade, clock.urgency), (to, urgency)) {
                    continue;
                }
                regrade(work, case, clock, to, urgency).await?;
                if to != grade && !is_never_regraded(clock) {
                    learn_grade(work, clock, (grade, urgency)).await?;
                }
            }
            Some(clock) => {
                let length = length(site, case, urgency, kind);
                let news = if kind == ClockKind::InterimUpdate {
                    // The last word met it under a grade that owed no next one.
                    (clock.state == ClockState::Met).then_some(work.now)
                } else {
                    known_since(known, urgency, clock, defended, work.now)
                };
                if let Some((at, length)) = news.zip(length) {
                    // Who is asked to come now has all of the time.
                    let at = if kind == ClockKind::Rescue {
                        work.now
                    } else {
                        from_now_where_past(site, kind, at, length, work.now)
                    };
                    let mut new = Start::of(kind, at, length, "graded");
                    new.by = sued_by(known, kind);
                    again(work, case, urgency, Some(clock), new).await?;
                }
            }
        }
    }
    let mut past = Work::new(&mut *work.tx, then, work.now);
    past.entered = work.entered;
    start_all(&mut past, case, urgency, missing).await?;
    let entries = past.entries;
    work.entries.extend(entries);
    Ok(())
}

/// Whether what held when the case came in promises this to a case of that grade, where it is promised from receipt on: a newer
/// policy promises it to cases that come in from then on and gives none of it to those of before (P10), while a grade whose
/// promises are more has them as soon as the case rises to it. Read once.
async fn was_promised(
    work: &mut Work<'_>,
    case: &Case,
    by: (Grade, Urgency),
    kind: ClockKind,
    receipt: &mut Option<Site>,
) -> Result<bool, Fault> {
    if !FROM_RECEIPT.contains(&kind) {
        return Ok(true);
    }
    let held = match receipt.take() {
        Some(held) => held,
        None => held_then(work, case.facts.received).await?,
    };
    let length = length_by(held.profile(), by, case.facts.channel, kind);
    *receipt = Some(held);
    Ok(length.is_some())
}

/// Once somebody says that nobody is in danger, nobody has to be rescued and nobody has to come at once; and again, where
/// that was wrong. What the desk of an incident watches nobody else has to.
async fn take_back(
    work: &mut Work<'_>,
    case: &Case,
    known: &Known,
    urgency: Urgency,
    all: &mut [Clock],
) -> Result<(), Fault> {
    const CAUSE: &str = "dismissed";
    for clock in all.iter_mut().filter(|clock| clock.slot.is_empty()) {
        let owed = match clock.kind {
            ClockKind::Rescue if known.trapped => known.is_rescue(),
            ClockKind::OnSite => urgency == Urgency::Immediate,
            ClockKind::MediaClarification => {
                hand_to_the_desk(work, case, known, urgency, clock).await?;
                continue;
            }
            _ => continue,
        };
        if owed {
            let length = length(work.site, case, urgency, clock.kind);
            if let Some(length) = length.filter(|_| clock.stop_cause == CAUSE) {
                let new = Start::of(clock.kind, work.now, length, "graded");
                again(work, case, urgency, Some(clock), new).await?;
            }
        } else if clock.stopped.is_none() {
            let event = Event::Cancelled { at: work.now };
            apply(work, case, clock, event, CAUSE).await?;
        }
    }
    Ok(())
}

/// The site with the policy that held at an instant: what came in before another one took effect is promised
/// by the older (P10).
async fn held_then(work: &mut Work<'_>, at: Timestamp) -> Result<Site, Fault> {
    let mut then = work.site.clone();
    if at < work.now {
        then.policy = sites::policy(work.tx, &then.id, then.kind, at).await?;
    }
    Ok(then)
}

/// What is promised to a case of these facts, and from when on.
fn promised(
    case: &Case,
    known: &Known,
    urgency: Urgency,
    (begun, now): (Timestamp, Timestamp),
    all: &[Clock],
) -> Vec<(ClockKind, Timestamp)> {
    let has = |kind| all.iter().any(|c| c.kind == kind && c.slot.is_empty());
    // Known for certain: what only counts inside starts nothing before a court or in the media. Their time runs from when
    // it became known, whenever somebody entered it.
    let since = |kinds: &[SignalKind], after: Option<Timestamp>| {
        known
            .signals
            .iter()
            .filter(|s| kinds.contains(&s.signal.kind) && s.signal.basis != SignalBasis::Suspected)
            .filter(|s| !known.demanded.contains(&s.id))
            .map(|s| s.known.min(now))
            .filter(|at| Some(*at) > after)
            .min()
    };
    let mut promised: Vec<_> = FROM_RECEIPT.into_iter().map(|kind| (kind, begun)).collect();
    if urgency == Urgency::Immediate || has(ClockKind::OnSite) {
        promised.push((ClockKind::OnSite, begun));
    }
    if known.is_rescue() {
        promised.push((ClockKind::Rescue, begun));
    }
    promised.extend(since(&SUED, defended_until(all)).map(|at| (ClockKind::Defence, at)));
    promised.extend(since(&EXPOSED, known.assessed).map(|at| (ClockKind::MediaClarification, at)));
    // A grade that asks for updates asks from now on, once somebody has spoken with the customer. Of a case of before the words
    // were kept its acknowledgement tells.
    let acknowledged = |c: &Clock| {
        c.kind == ClockKind::Acknowledge
            && c.state == ClockState::Met
            && c.stop_cause != contact::INBOUND
    };
    let spoken = case.last_outward.is_some() || all.iter().any(acknowledged);
    if has(ClockKind::InterimUpdate) || spoken {
        promised.push((ClockKind::InterimUpdate, now));
    }
    promised
}

/// On whose word a defence starts that no court demands by name: of who said last that a lawsuit is certain. Empty for every other
/// promise.
fn sued_by(known: &Known, kind: ClockKind) -> String {
    if kind != ClockKind::Defence {
        return String::new();
    }
    let sued = known
        .signals
        .iter()
        .filter(|s| SUED.contains(&s.signal.kind) && s.signal.basis != SignalBasis::Suspected);
    let last = sued.max_by_key(|s| s.known);
    last.map_or_else(String::new, |s| s.word_of().to_owned())
}

/// Until when a lawsuit that only a signal tells of is taken for one whose defence a court demands by name: for good while one
/// of those runs, else until the last of them stopped. What the head of a merge handed back is none of its own.
fn defended_until(all: &[Clock]) -> Option<Timestamp> {
    all.iter()
        .filter(|c| c.kind == ClockKind::Defence && c.demand.is_some())
        .filter(|c| c.stop_cause != merging::UNMERGED)
        .map(|c| c.stopped.unwrap_or(Timestamp::MAX))
        .max()
}

/// When another signal became known that starts a promise of this kind, since it stopped: another lawsuit, post or danger is
/// promised anew.
fn known_since(
    known: &Known,
    urgency: Urgency,
    clock: &Clock,
    defended: Option<Timestamp>,
    now: Timestamp,
) -> Option<Timestamp> {
    let mut stopped = clock.stopped?;
    let elsewhere = match clock.kind {
        ClockKind::Defence => defended,
        ClockKind::MediaClarification => known.assessed,
        _ => None,
    };
    stopped = elsewhere.map_or(stopped, |until| until.max(stopped));
    let starts = |signal: &Signal| match clock.kind {
        ClockKind::Defence => SUED.contains(&signal.kind),
        ClockKind::MediaClarification => EXPOSED.contains(&signal.kind),
        ClockKind::OnSite => urgency == Urgency::Immediate && AT_ONCE.contains(&signal.kind),
        _ => false,
    };
    // A suspicion is enough to go and look, and only what was read counts: danger that staff record may be another (decision 17).
    let trapped_again = |s: &&SignalRow| {
        clock.kind == ClockKind::Rescue
            && s.signal.kind == SignalKind::DangerToPersons
            && s.recorder == "triage"
    };
    let is_certain = |s: &&SignalRow| s.signal.basis != SignalBasis::Suspected;
    known
        .signals
        .iter()
        .filter(|s| trapped_again(s) || (starts(&s.signal) && is_certain(s)))
        .filter(|s| !known.demanded.contains(&s.id))
        .map(|s| s.known.min(now))
        .filter(|at| *at > stopped)
        .min()
}

/// The media desk of the case's incident has said of every report what is true of it. It watches what has to be clarified of
/// them by a clock of its own, so that nobody is held to two for one report (M17); what became known since is promised anew.
async fn hand_to_the_desk(
    work: &mut Work<'_>,
    case: &Case,
    known: &Known,
    urgency: Urgency,
    clock: &mut Clock,
) -> Result<(), Fault> {
    let Some(until) = known.assessed.filter(|_| clock.stopped.is_none()) else {
        return Ok(());
    };
    let news = known
        .signals
        .iter()
        .filter(|s| EXPOSED.contains(&s.signal.kind))
        .filter(|s| s.signal.basis != SignalBasis::Suspected)
        .map(|s| s.known.min(work.now))
        .filter(|at| *at > until)
        .min();
    if clock.start > until && news.is_some() {
        return Ok(());
    }
    // As of then: one that was assessed in time was not missed, however late that is heard here.
    let at = until.max(clock.start);
    apply(work, case, clock, Event::Cancelled { at }, "assessed").await?;
    let length = length(work.site, case, urgency, clock.kind);
    let Some((at, length)) = news.zip(length).filter(|_| case.is_open()) else {
        return Ok(());
    };
    let at = from_now_where_past(work.site, clock.kind, at, length, work.now);
    let new = Start::of(clock.kind, at, length, "graded");
    again(work, case, urgency, Some(clock), new).await
}

/// The desk of its incident was heard: what the case owed until then is the desk's.
pub async fn assessed(work: &mut Work<'_>, case: &Case) -> Result<(), Fault> {
    let mut all = clocks::lock_of_case(work.tx, &work.site.id, case.id).await?;
    let kind = ClockKind::MediaClarification;
    let Some(clock) = all.iter_mut().find(|clock| clock.is_for(kind, "", None)) else {
        return Ok(());
    };
    let known = known(work, case).await?;
    let urgency = urgency(work, case).await?;
    hand_to_the_desk(work, case, &known, urgency, clock).await
}

/// From when on a promise counts that a signal starts: what became known so long ago that its time would be over
/// counts from now, as on a regrade. Nobody is paged about a promise at the moment in which it is made.
pub(super) fn from_now_where_past(
    site: &Site,
    kind: ClockKind,
    at: Timestamp,
    length: Length,
    now: Timestamp,
) -> Timestamp {
    let by_signal = matches!(
        kind,
        ClockKind::Defence | ClockKind::MediaClarification | ClockKind::OutsideDeadline
    );
    // No other outside deadline than one of the law has a length that a signal starts.
    let mut terms = terms(site, kind, length);
    terms.by_law |= kind == ClockKind::OutsideDeadline;
    let due = || deadlines_of(at, &terms, &site.calendar()).due;
    if by_signal && due() <= now { now } else { at }
}

async fn regrade(
    work: &mut Work<'_>,
    case: &Case,
    clock: &mut Clock,
    grade: Grade,
    urgency: Urgency,
) -> Result<(), Fault> {
    let was = (clock.grade, clock.urgency);
    if was == (grade, urgency) || is_never_regraded(clock) {
        return Ok(());
    }
    let [before, after] = pinned_lengths(work, case, clock, [was, (grade, urgency)]).await?;
    let Some(length) = after else {
        return take_turn(work, clock, grade).await;
    };
    ladder::hurry(work.site, clock, grade, work.now);
    let rise = is_rise(was, (grade, urgency));
    (clock.grade, clock.urgency) = (grade, urgency);
    let event = Event::Regraded {
        at: work.now,
        term: length.into(),
        rise,
    };
    // One that gives as much time as before takes nothing back that a person or a court gave.
    let gives_another = before != after;
    if !gives_another || !apply(work, case, clock, event, "regraded").await? {
        clocks::update(work.tx, &work.site.id, clock).await?;
        work.entries.extend(clock.entry());
    }
    Ok(())
}

/// Whether this is graver, or as grave and more urgent. Urgencies are declared from the most urgent on.
fn is_rise(was: (Grade, Urgency), is: (Grade, Urgency)) -> bool {
    is.0.is_graver_than(was.0) || (is.0 == was.0 && is.1 < was.1)
}

/// Whether its time does not depend on the grade, or not any more: it was named, given once, or is set by a court.
fn is_never_regraded(clock: &Clock) -> bool {
    let once = matches!(
        clock.kind,
        ClockKind::FollowUpVisit | ClockKind::ConfirmClosing
    );
    !clock.is_silent() && (once || is_set_outside(clock.kind) || !clock.slot.is_empty())
}

/// The deadline stays, the turn in a backlog follows the grade (P23).
async fn take_turn(work: &mut Work<'_>, clock: &mut Clock, grade: Grade) -> Result<(), Fault> {
    if clock.stopped.is_some() || clock.grade == grade {
        return Ok(());
    }
    ladder::hurry(work.site, clock, grade, work.now);
    clock.grade = grade;
    clocks::update(work.tx, &work.site.id, clock).await?;
    work.entries.extend(clock.entry());
    Ok(())
}

/// The clock knows how its case is graded now, by which it takes its turn and pages climb; its deadline stays. Whoever was paged
/// has no more time to acknowledge than that grade gives.
pub(super) async fn learn_grade(
    work: &mut Work<'_>,
    clock: &mut Clock,
    (grade, urgency): (Grade, Urgency),
) -> Result<(), Fault> {
    ladder::hurry(work.site, clock, grade, work.now);
    (clock.grade, clock.urgency) = (grade, urgency);
    clocks::update(work.tx, &work.site.id, clock).await?;
    work.entries.extend(clock.entry());
    Ok(())
}

/// Whether the policy that a clock pins is the one that holds now.
fn is_of_policy_now(site: &Site, clock: &Clock) -> bool {
    let now = site.profile();
    let revision = u32::try_from(clock.policy_revision).unwrap_or_default();
    (clock.policy_profile.as_str(), revision) == (now.name.as_str(), now.revision)
}

/// What the policy that a clock pins gives the case by these grades and urgencies. A newer policy is for promises that
/// are made from then on (P26).
async fn pinned_lengths<const N: usize>(
    work: &mut Work<'_>,
    case: &Case,
    clock: &Clock,
    by: [(Grade, Urgency); N],
) -> Result<[Option<Length>; N], Fault> {
    // A release that keeps no channel makes a promise anew and leaves in its row the one of the promise before.
    let (promise, _) = computed(work, clock).await?;
    let channel = promise.channel.unwrap_or(case.facts.channel);
    by_pinned(work, clock, |policy| {
        by.map(|by| length_by(policy, by, channel, clock.kind))
    })
    .await
}

/// What the policy that a clock pins says.
pub(super) async fn by_pinned<T>(
    work: &mut Work<'_>,
    clock: &Clock,
    says: impl FnOnce(&Policy) -> T + Send,
) -> Result<T, Fault> {
    let now = work.site.profile();
    if is_of_policy_now(work.site, clock) {
        return Ok(says(now));
    }
    let revision = u32::try_from(clock.policy_revision).unwrap_or_default();
    let pinned = policies::pinned(work.tx, &work.site.id, &clock.policy_profile, revision).await?;
    Ok(says(pinned.as_ref().map_or(now, |pinned| pinned.policy())))
}

/// Makes a promise. It stands still at once where a hold of the case stops its kind (P05).
pub(super) async fn start(
    work: &mut Work<'_>,
    case: &Case,
    urgency: Urgency,
    new: Start,
) -> Result<Clock, Fault> {
    let mut made = start_all(work, case, urgency, vec![new]).await?;
    made.pop()
        .ok_or_else(|| Fault::internal("a promise that was made is a clock"))
}

/// Makes promises as [`start`] does, in a few queries whatever their number: a case that comes in gets all of its own at once.
async fn start_all(
    work: &mut Work<'_>,
    case: &Case,
    urgency: Urgency,
    new: Vec<Start>,
) -> Result<Vec<Clock>, Fault> {
    let site = &work.site.id;
    let by: Vec<String> = new.iter().map(|new| new.by.clone()).collect();
    let made: Result<Vec<(Clock, Event, History)>, Fault> = new
        .into_iter()
        .map(|new| self::made(work, case, urgency, new))
        .collect();
    let made = made?;
    let clocks: Vec<&Clock> = made.iter().map(|(clock, ..)| clock).collect();
    clocks::insert(work.tx, site, &clocks).await?;
    let notes: Vec<Note<'_>> = made
        .iter()
        .map(|(clock, event, entry)| Note {
            clock: clock.id,
            event: Some(event),
            entry,
        })
        .collect();
    clocks::note(work.tx, site, &notes).await?;
    let said: Vec<ClockChanged> = made
        .iter()
        .zip(by)
        .map(|((clock, _, entry), by)| ClockChanged {
            started_by: by,
            ..changed(site, case, clock, entry, Vec::new())
        })
        .collect();
    let trace = traceparent().unwrap_or_default();
    let said: Vec<(NewEvent<'_, ClockChanged>, &str)> = said
        .iter()
        .map(|payload| (news(site, payload), trace.as_str()))
        .collect();
    publish_many(work.tx, &said).await?;
    let mut clocks = Vec::with_capacity(made.len());
    for (mut clock, ..) in made {
        work.entries.extend(clock.entry());
        holds::stop_new(work, case, &mut clock).await?;
        clocks.push(clock);
    }
    Ok(clocks)
}

/// The clock of a promise that is made now, the step of its fold that began it, and what its history says of that.
fn made(
    work: &Work<'_>,
    case: &Case,
    urgency: Urgency,
    new: Start,
) -> Result<(Clock, Event, History), Fault> {
    let mut terms = terms_of(work.site, new.kind, &new.slot, new.term);
    terms.told = new.told;
    let event = Event::Started { at: new.at, terms };
    let calendars = Revisions::new(work.site.calendar_revision(), work.site.calendar());
    let promise = fold(&[event], &calendars)
        .ok_or_else(|| Fault::internal("a clock has to begin with its start"))?;
    let profile = work.site.profile();
    let mut clock = Clock {
        policy_profile: profile.name.clone(),
        policy_revision: i32::try_from(profile.revision).unwrap_or(i32::MAX),
        grade: case.grade.unwrap_or(Grade::FOUR),
        urgency,
        party: new.party,
        outside_number: new.outside_number,
        slot: new.slot,
        demand: new.demand,
        made: work.entered,
        ..Clock::silent(
            ids::new_id(work.now),
            case,
            new.kind,
            new.at,
            work.now,
            terms.calendar,
        )
    };
    show(&mut clock, &promise, &calendars, work.now);
    let entry = History {
        transition: ClockTransition::Started,
        at: clock.start,
        due: clock.deadlines.due,
        cause: new.cause.to_owned(),
    };
    Ok((clock, event, entry))
}

/// Makes a promise anew, or for the first time; one that still runs stands.
pub(super) async fn again(
    work: &mut Work<'_>,
    case: &Case,
    urgency: Urgency,
    clock: Option<&mut Clock>,
    new: Start,
) -> Result<(), Fault> {
    match clock {
        None => start(work, case, urgency, new).await.map(drop),
        Some(clock) => {
            let mut terms = terms_of(work.site, new.kind, &new.slot, new.term);
            terms.told = new.told;
            let event = Event::Restarted { at: new.at, terms };
            let why = (new.cause, new.by);
            apply_by(work, case, clock, event, why).await.map(drop)
        }
    }
}

/// The calendars that these events ask for.
pub(crate) async fn calendars(work: &mut Work<'_>, events: &[Event]) -> Result<Revisions, Fault> {
    work.site.calendars_of(work.tx, events).await
}

/// A clock computed from scratch, with the calendars that it counts by.
pub(crate) async fn computed(
    work: &mut Work<'_>,
    clock: &Clock,
) -> Result<(Promise, Revisions), Fault> {
    computed_for(work, clock, None).await
}

/// The same, with the calendars that the next event asks for too.
async fn computed_for(
    work: &mut Work<'_>,
    clock: &Clock,
    next: Option<Event>,
) -> Result<(Promise, Revisions), Fault> {
    let mut events = clocks::events(work.tx, &work.site.id, clock.id).await?;
    let stored = events.len();
    events.extend(next);
    let calendars = calendars(work, &events).await?;
    Ok((begun(&events[..stored], &calendars)?, calendars))
}

/// Where a clock with these events stands, with the calendars that it counts by.
pub(super) async fn folded(
    work: &mut Work<'_>,
    events: &[Event],
) -> Result<(Promise, Revisions), Fault> {
    let calendars = calendars(work, events).await?;
    Ok((begun(events, &calendars)?, calendars))
}

fn begun(events: &[Event], calendars: &Revisions) -> Result<Promise, Fault> {
    fold(events, calendars)
        .ok_or_else(|| Fault::internal("a stored clock has to begin with its start"))
}

/// Lets a clock be made anew on somebody's word, a token subject, as [`apply`] does.
pub(super) async fn apply_by(
    work: &mut Work<'_>,
    case: &Case,
    clock: &mut Clock,
    event: Event,
    (cause, by): (&str, String),
) -> Result<bool, Fault> {
    work.by = by;
    let done = apply(work, case, clock, event, cause).await;
    work.by.clear();
    done
}

/// Lets something happen to a clock. Returns whether it changed anything.
pub(super) async fn apply(
    work: &mut Work<'_>,
    case: &Case,
    clock: &mut Clock,
    event: Event,
    cause: &str,
) -> Result<bool, Fault> {
    // Of later answers only what may be asked for again has to know (P02, P03).
    let again =
        matches!(event, Event::Met { .. }) && clock.stopped.is_some_and(|s| s <= event.at());
    if again && clock.kind != ClockKind::Answer {
        return Ok(false);
    }
    let (before, calendars) = computed_for(work, clock, Some(event)).await?;
    let mut after = before.clone();
    after.apply(&event, &calendars);
    if after.is_like(&before) {
        return Ok(false);
    }
    let anew = after.round > before.round;
    if anew {
        pin(work.site, case, clock);
        clock.made = work.entered;
    }
    if was_told_of_another(clock, &before, &after, work.now) {
        clock.told = None;
        clock.level = 0;
    }
    if matches!(event, Event::Extended { .. }) && clock.told <= Some(Step::Warn) {
        clock.told = warned_of(clock.told, &after, work.now);
    }
    if anew || clock.told.is_none() {
        let unheard = clock.told.is_some() && clock.paging.is_unheard();
        clock.paging = Paging::default();
        if unheard {
            // Its breach stands told, but nobody said that they know: whoever is on duty now hears of it from its rung on.
            clock.level = 0;
            clock.paging = Paging {
                state: PageState::Waiting,
                until: Some(work.now),
            };
        }
    }
    if matches!(event, Event::Resumed { .. }) && clock.paging.waits() {
        // Somebody may have come on duty while it stood still.
        clock.paging.until = Some(work.now);
    }
    show(clock, &after, &calendars, work.now);
    // A later answer, or a question from before the answer: only what is entered still later has to know.
    let unseen = !anew && after.stopped.is_some() && after.stopped == before.stopped;
    if !unseen {
        clock.stop_cause = clock.stopped.map_or_else(String::new, |_| cause.to_owned());
    }
    clock.generation += 1;
    clocks::update(work.tx, &work.site.id, clock).await?;
    let entry = History {
        transition: transition(&event, clock.state, anew),
        at: event.at(),
        due: clock.deadlines.due,
        cause: cause.to_owned(),
    };
    let note = Note {
        clock: clock.id,
        event: Some(&event),
        entry: &entry,
    };
    clocks::note(work.tx, &work.site.id, &[note]).await?;
    // A new calendar or grade that moves nothing is nobody's news; why it moved nothing is kept.
    let may_move = matches!(event, Event::Recalendared { .. } | Event::Regraded { .. });
    let quiet = unseen || (may_move && after.deadlines == before.deadlines);
    if !quiet {
        tell(work, case, clock, &entry, &[]).await?;
    }
    work.entries.extend(clock.entry());
    if anew {
        Box::pin(holds::stop_new(work, case, clock)).await?;
    }
    Ok(true)
}

/// Whether what was told of the clock was told of another promise than it is now: it was made anew, or more time was given before
/// the deadline passed, though nobody here knew of it then. A deadline that was missed and stands is told once (P11).
fn was_told_of_another(clock: &Clock, before: &Promise, after: &Promise, now: Timestamp) -> bool {
    if after.round > before.round {
        let missed = clock.told >= Some(Step::Breach) && after.is_breached(now);
        let same = after.deadlines.due == before.deadlines.due;
        // Where it goes on from its start, as after a merge that is undone, its warning stands too.
        return !(same && (missed || after.start == before.start));
    }
    after.stopped.is_none() && before.is_breached(now) && !after.is_breached(now)
}

/// What was warned of, now that the deadline is another: what lies ahead by it is warned of again.
fn warned_of(told: Option<Step>, after: &Promise, now: Timestamp) -> Option<Step> {
    let has_passed = |step: &Step| after.deadlines.instant(*step).is_some_and(|at| at <= now);
    let warned = |step: &Step| Some(*step) <= told && has_passed(step);
    Step::ALL.into_iter().rev().find(warned)
}

/// A promise that is made anew is made under the policy of that moment.
fn pin(site: &Site, case: &Case, clock: &mut Clock) {
    let profile = site.profile();
    clock.policy_profile.clone_from(&profile.name);
    clock.policy_revision = i32::try_from(profile.revision).unwrap_or(i32::MAX);
    clock.grade = case.grade.unwrap_or(clock.grade);
}

/// Writes what the fold gives into the row.
fn show(clock: &mut Clock, promise: &Promise, calendars: &Revisions, now: Timestamp) {
    let (from, to) = (promise.start, promise.deadlines.due);
    clock.state = promise.state(now);
    clock.term = promise.term;
    clock.start = promise.start;
    clock.deadlines = promise.deadlines;
    clock.stopped = promise.stopped;
    clock.held = promise.held.map(|(_, reason)| reason);
    clock.told_customer = promise.told;
    clock.round = promise.round;
    clock.channel = promise.channel;
    clock.arm(promise.next_step(clock.told, now).map(|(_, at)| at));
    clock.calendar_revision = promise.calendar;
    clock.provisional = promise.terms().asks_the_calendar()
        && calendars
            .revision(promise.calendar)
            .is_provisional(from, to);
}

fn transition(event: &Event, state: ClockState, anew: bool) -> ClockTransition {
    match (state, event) {
        (ClockState::Met, _) => ClockTransition::Met,
        (ClockState::Cancelled, _) => ClockTransition::Cancelled,
        _ if anew => ClockTransition::Started,
        (_, Event::Held { .. }) => ClockTransition::Held,
        (_, Event::Resumed { .. }) => ClockTransition::Resumed,
        (ClockState::Running | ClockState::Breached, _) => ClockTransition::Moved,
    }
}

/// The instant so much later, round the clock.
pub(super) fn due(length: Length, from: Timestamp) -> Timestamp {
    let minutes = match length {
        Length::Minutes(n) | Length::WorkingMinutes(n) => i64::from(n),
        Length::Days(n) | Length::WorkingDays(n) => i64::from(n) * 24 * 60,
        Length::Months(n) => i64::from(n) * 31 * 24 * 60,
    };
    from.saturating_add(SignedDuration::from_mins(minutes))
        .unwrap_or(Timestamp::MAX)
}

/// Says what happened to a clock.
pub(super) async fn tell(
    work: &mut Work<'_>,
    case: &Case,
    clock: &Clock,
    entry: &History,
    notify: &[String],
) -> Result<(), Fault> {
    let site = &work.site.id;
    let mut payload = changed(site, case, clock, entry, notify.to_vec());
    if entry.transition == ClockTransition::Started {
        payload.started_by.clone_from(&work.by);
    }
    publish(work.tx, &news(site, &payload)).await?;
    Ok(())
}

/// What is said of a clock.
pub(super) fn changed(
    site: &SiteId,
    case: &Case,
    clock: &Clock,
    entry: &History,
    notify: Vec<String>,
) -> ClockChanged {
    ClockChanged {
        clock: ClockName::new(site.clone(), clock.id).to_string(),
        case: case.name(site).to_string(),
        incident: String::new(),
        kind: to_wire(clock.kind),
        state: to_wire(clock.state),
        transition: to_wire(entry.transition),
        start_time: Some(to_timestamp(clock.start)),
        due_time: Some(to_timestamp(entry.due)),
        transition_time: Some(to_timestamp(entry.at)),
        level: i32::from(clock.level),
        notify,
        grade: case.grade.map_or(0, |grade| i32::from(grade.value())),
        generation: clock.generation,
        number: case.facts.number.clone(),
        cases: Vec::new(),
        publish_time: None,
        held: clock.held.is_some(),
        started_by: String::new(),
        create_time: Some(to_timestamp(clock.made)),
    }
}

/// The event about its case that says it.
pub(super) fn news<'a>(site: &'a SiteId, payload: &'a ClockChanged) -> NewEvent<'a, ClockChanged> {
    NewEvent {
        event_type: "redress.clock.changed.v1",
        site,
        subject: &payload.case,
        historical: false,
        payload,
    }
}
