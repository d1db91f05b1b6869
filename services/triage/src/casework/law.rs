//! Deadlines that the law itself sets (domain.md section 10, decision 60): whom a leak concerns is told, an accident is reported
//! upward, a change of plan is told to its buyers. How long each is, and where the law says so, is data of the policy.
//!
//! Each is an outside deadline that bears its name. One that the facts start has the name for its slot, so that a case has it
//! once; one that a person starts has an id behind it, since a plan may change twice.

use jiff::Timestamp;
use redress_clock::Event;
use redress_model::Fault;
use redress_model::words::{ClockKind, LegalDeadline, SignalBasis, Urgency};
use redress_policy::LegalRule;
use uuid::Uuid;

use super::known::Known;
use super::promises::{self, Start};
use super::{Work, merging};
use crate::store::cases::Case;
use crate::store::clocks::{Clock, Legal};
use crate::store::signals::SignalRow;

/// Why one stopped: the signal that had started it was dismissed.
pub(super) const DISMISSED: &str = "signal dismissed";

/// The slot of one that a person starts.
pub(super) fn by_name(name: LegalDeadline, id: Uuid) -> String {
    format!("{name}/{id}")
}

/// The slot of one on the head that its case was merged into; none where a person started it, which nothing takes back.
fn slot_on_head(kept: &Legal) -> Option<String> {
    kept.by_facts.then(|| by_name(kept.name, kept.clock))
}

/// Starts what the facts start by themselves, and takes back what nothing speaks for any more.
pub(super) async fn follow(
    work: &mut Work<'_>,
    case: &Case,
    known: &Known,
    urgency: Urgency,
    all: &mut [Clock],
) -> Result<(), Fault> {
    const KIND: ClockKind = ClockKind::OutsideDeadline;
    take_back(work, case, known, all).await?;
    let site = work.site;
    let kept: Vec<Legal> = all
        .iter()
        .filter_map(Clock::legal)
        .chain(
            known
                .legal
                .iter()
                .filter(|k| !is_taken_back(k, all))
                .cloned(),
        )
        .collect();
    for (&name, rule) in &site.profile().law {
        let Some((at, by)) = news(work.now, case, known, (name, rule), &kept) else {
            continue;
        };
        let new = Start {
            kind: KIND,
            slot: name.word().to_owned(),
            demand: None,
            at: promises::from_now_where_past(site, KIND, at, rule.length, work.now),
            term: rule.length.into(),
            told: false,
            party: rule.party.clone(),
            outside_number: String::new(),
            cause: "by law",
            by,
        };
        let clock = all
            .iter_mut()
            .find(|clock| clock.is_for(KIND, name.word(), None));
        promises::again(work, case, urgency, clock, new).await?;
    }
    Ok(())
}

/// Since when something is known that asks for this deadline, and that none of these clocks is or was for; and on whose word.
fn news(
    now: Timestamp,
    case: &Case,
    known: &Known,
    (name, rule): (LegalDeadline, &LegalRule),
    kept: &[Legal],
) -> Option<(Timestamp, String)> {
    let is_kept = |row: &SignalRow, at: Timestamp| {
        kept.iter()
            // A case that was merged brings its own clocks for what is known of it; those of the case itself are for all.
            .filter(|k| k.name == name && (k.case == row.case || k.case == case.id))
            // What its head handed back is none of the head's, and what was dismissed was none.
            .filter(|k| ![merging::UNMERGED, DISMISSED].contains(&k.stop_cause.as_str()))
            .any(|k| k.until.is_none_or(|until| at <= until))
    };
    known
        .signals
        .iter()
        .filter(|row| starts(rule, row) && !row.before_law)
        .map(|row| (row, row.known.min(now)))
        .filter(|&(row, at)| !is_kept(row, at))
        .min_by_key(|&(_, at)| at)
        .map(|(row, at)| (at, row.word_of().to_owned()))
}

/// Whether a signal starts it. Nobody outside is told on a suspicion.
fn starts(rule: &LegalRule, row: &SignalRow) -> bool {
    rule.signals.contains(&row.signal.kind) && row.signal.basis != SignalBasis::Suspected
}

/// Whether the head stopped what a merged case had brought it, since nothing spoke for it any more: then the merged case's own
/// takes care of nothing either, unless it was made anew since.
fn is_taken_back(kept: &Legal, all: &[Clock]) -> bool {
    let slot = slot_on_head(kept);
    let ended = |clock: &Clock| clock.stop_cause == DISMISSED && clock.stopped >= kept.until;
    slot.is_some_and(|slot| all.iter().any(|clock| clock.slot == slot && ended(clock)))
}

/// Nobody is told of what turned out not to be so.
async fn take_back(
    work: &mut Work<'_>,
    case: &Case,
    known: &Known,
    all: &mut [Clock],
) -> Result<(), Fault> {
    for clock in all.iter_mut().filter(|clock| clock.stopped.is_none()) {
        let Some(about) = about(clock, known) else {
            continue;
        };
        let Some(rule) = rule(work, clock).await? else {
            continue;
        };
        // A policy by which no signal starts it any more takes back nothing.
        let mut signals = known.signals.iter();
        let is_so = signals.any(|row| about.holds(row) && starts(&rule, row));
        if !is_so && !rule.signals.is_empty() {
            let event = Event::Cancelled { at: work.now };
            promises::apply(work, case, clock, event, DISMISSED).await?;
        }
    }
    Ok(())
}

/// Which signals speak for a clock that facts started.
enum About {
    /// Those of the case and of all that were merged into it.
    All,
    /// Those of this one, which brought the clock when it was merged.
    Merged(Uuid),
}

impl About {
    fn holds(&self, row: &SignalRow) -> bool {
        match self {
            Self::All => true,
            Self::Merged(case) => row.case == *case,
        }
    }
}

/// Which signals speak for this clock; none where no facts started it.
fn about(clock: &Clock, known: &Known) -> Option<About> {
    let name = clock.law()?;
    if clock.slot == name.word() {
        return Some(About::All);
    }
    let is_it = |kept: &&Legal| slot_on_head(kept).as_deref() == Some(clock.slot.as_str());
    let brought = known.legal.iter().find(is_it)?;
    Some(About::Merged(brought.case))
}

/// What the policy that it pins says of a deadline of the law; none for any other clock.
async fn rule(work: &mut Work<'_>, clock: &Clock) -> Result<Option<LegalRule>, Fault> {
    match clock.law() {
        Some(name) => {
            promises::by_pinned(work, clock, |policy| policy.law.get(&name).cloned()).await
        }
        None => Ok(None),
    }
}

/// Where the law says it; empty for a clock that keeps no deadline of the law.
pub async fn legal_source(work: &mut Work<'_>, clock: &Clock) -> Result<String, Fault> {
    let rule = rule(work, clock).await?;
    Ok(rule.map(|rule| rule.source).unwrap_or_default())
}
