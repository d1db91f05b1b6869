//! What an outside body, a partner or a court demands of a case, as assignment records it: each demand has a clock of its
//! own, which starts, moves and stops with it.

use jiff::Timestamp;
use redress_clock::{Event, Term};
use redress_model::Fault;
use redress_model::words::{CaseStatus, ClockKind, SignalBasis, SignalKind};
use uuid::Uuid;

use super::Work;
use super::firing;
use super::promises::{self, Start};
use super::status::{ENDED, is_stopped_by_end};
use crate::store::cases::Case;
use crate::store::clocks::{self, Clock};
use crate::store::signals;

/// A demand as it stands now.
#[derive(Debug, Clone)]
pub struct Demand {
    /// Its id.
    pub id: Uuid,
    /// The case that it is about; the head of a merge owes it too.
    pub case: Uuid,
    /// Which promise.
    pub kind: ClockKind,
    /// Where it stands.
    pub state: DemandState,
    /// From when on.
    pub start: Timestamp,
    /// The deadline; none where the policy says how long.
    pub due: Option<Timestamp>,
    /// When the party gave that deadline; none where it is the first one.
    pub granted: Option<Timestamp>,
    /// Who demands or owes it.
    pub party: String,
    /// That party's own number.
    pub outside_number: String,
    /// Who recorded it: a token subject; empty where nobody said.
    pub recorded_by: String,
}

/// Where a demand stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DemandState {
    /// It runs.
    Open,
    /// It was done then.
    Met(Timestamp),
    /// Nobody needs it any more.
    Cancelled,
}

/// Lets the demand's clock follow it. One that is heard of late is started first, so that the end is the same whenever the
/// case ended or was reopened meanwhile (I3).
pub async fn demand(work: &mut Work<'_>, case: &Case, demand: Demand) -> Result<(), Fault> {
    let (slot, name) = match demand.kind {
        // Receipt starts the store's one report too: they are the same promise.
        ClockKind::StoreReport => (String::new(), None),
        // A defence may have been started by a signal alone, before anybody named the lawsuit.
        ClockKind::Defence => (String::new(), Some(demand.id)),
        _ => (demand.id.to_string(), Some(demand.id)),
    };
    let urgency = promises::urgency(work, case).await?;
    let policy = promises::length(work.site, case, urgency, demand.kind).map(Term::Length);
    let Some(term) = demand.due.map(Term::Until).or(policy) else {
        return Ok(());
    };
    let all = clocks::lock_of_case(work.tx, &work.site.id, case.id).await?;
    let found = match all.iter().find(|c| c.is_for(demand.kind, &slot, name)) {
        Some(clock) => Some(clock.clone()),
        None => unnamed(work, case, &all, &demand).await?,
    };
    let mut clock = match found {
        Some(mut clock) => {
            if let Some(at) = begins_anew(work, &clock, &demand) {
                let terms = promises::terms(work.site, demand.kind, term);
                let event = Event::Restarted { at, terms };
                let by = demand.recorded_by.clone();
                promises::apply_by(work, case, &mut clock, event, ("demanded", by)).await?;
            }
            clock
        }
        None => {
            let new = Start {
                kind: demand.kind,
                slot,
                demand: name,
                at: demand.start,
                term,
                told: false,
                party: demand.party.clone(),
                outside_number: demand.outside_number.clone(),
                cause: "demanded",
                by: demand.recorded_by.clone(),
            };
            promises::start(work, case, urgency, new).await?
        }
    };
    let at = work.now;
    let (event, cause) = match demand.state {
        DemandState::Met(at) => {
            let at = at.max(clock.start);
            (Event::Met { at }, "done")
        }
        DemandState::Cancelled => (Event::Cancelled { at }, "no longer needed"),
        DemandState::Open => {
            if let Some(due) = demand.due {
                let at = demand.granted.map_or(work.now, |at| at.min(work.now));
                extend(work, case, &mut clock, due, (demand.start, at)).await?;
            }
            if !case.is_ended() || outlives_rejection(case, &demand) {
                return Ok(());
            }
            // It goes on should the case be reopened.
            (Event::Cancelled { at }, ENDED)
        }
    };
    promises::apply(work, case, &mut clock, event, cause)
        .await
        .map(drop)
}

/// Whether it was asked for since the case was rejected. Nothing inside is but that the complainant's appeal is decided, and that
/// is owed though the case has ended (section 5).
fn outlives_rejection(case: &Case, demand: &Demand) -> bool {
    let ended = case.resolved_since;
    case.status == CaseStatus::Rejected
        && demand.kind == ClockKind::Support
        && ended.is_some_and(|ended| ended <= demand.start)
}

/// The party gave more time then. What it gave before its deadline passed is no breach, however late we hear of it. Once the
/// deadline has passed it is another promise: the breach stays in the history. Either way the new deadline is warned of and
/// watched like the first. A clock that a reopening began anew since the time was given counts from its first start again: the
/// deadline that passed while the case had ended was none any more.
async fn extend(
    work: &mut Work<'_>,
    case: &Case,
    clock: &mut Clock,
    due: Timestamp,
    (first, given): (Timestamp, Timestamp),
) -> Result<(), Fault> {
    const CAUSE: &str = "extended by the party";
    let at = work.now;
    let running = clock.stopped.is_none() && clock.held.is_none();
    let before = given < clock.start && due > clock.deadlines.due;
    let anew = before || clock.deadlines.due <= given;
    if !(running && anew && due > at) {
        let event = Event::Extended { at: given, due };
        return promises::apply(work, case, clock, event, CAUSE)
            .await
            .map(drop);
    }
    if !before {
        firing::catch_up(work, case, clock, at).await?;
    }
    promises::apply(work, case, clock, Event::Cancelled { at }, CAUSE).await?;
    let terms = promises::terms(work.site, clock.kind, Term::Until(due));
    let at = if before { first.min(given) } else { at };
    let event = Event::Restarted { at, terms };
    promises::apply(work, case, clock, event, CAUSE)
        .await
        .map(drop)
}

/// From when a stopped clock begins anew: the end of the case alone had stopped it.
fn begins_anew(work: &Work<'_>, clock: &Clock, demand: &Demand) -> Option<Timestamp> {
    if !is_stopped_by_end(clock) {
        return None;
    }
    // A deadline that was given stands as it was given, its warning and climbs too; and what was done is judged by it.
    let met = matches!(demand.state, DemandState::Met(_));
    let stands = met || demand.due.is_some_and(|due| due > work.now);
    Some(if stands { clock.start } else { work.now })
}

/// The defence that nobody has named yet, where it is this demand's: a signal started it, or a release that gave a case one
/// defence whatever the number of its lawsuits. It is the demand's from now on, so the next lawsuit finds it taken.
async fn unnamed(
    work: &mut Work<'_>,
    case: &Case,
    all: &[Clock],
    demand: &Demand,
) -> Result<Option<Clock>, Fault> {
    let is_its = |c: &&Clock| c.is_for(ClockKind::Defence, "", None) && may_be_its(c, demand);
    let found = all.iter().find(is_its).cloned();
    let Some(mut clock) = found.filter(|_| demand.kind == ClockKind::Defence) else {
        return Ok(None);
    };
    if defends_its_own(work, case, all, demand).await? {
        return Ok(None);
    }
    clock.demand = Some(demand.id);
    clock.party.clone_from(&demand.party);
    clock.outside_number.clone_from(&demand.outside_number);
    clock.generation += 1;
    clocks::update(work.tx, &work.site.id, &clock).await?;
    work.entries.extend(clock.entry());
    Ok(Some(clock))
}

/// Whether an unnamed defence may be this demand's: it began with it, or no other body is known to ask for it, and it was not
/// over before this lawsuit began.
fn may_be_its(clock: &Clock, demand: &Demand) -> bool {
    let asks = (clock.party.as_str(), clock.outside_number.as_str());
    let by = (demand.party.as_str(), demand.outside_number.as_str());
    let over = clock.stopped.is_some() && !is_stopped_by_end(clock);
    let is_of_it = clock.start == demand.start || asks == ("", "") || asks == by;
    is_of_it && !(over && demand.start > clock.start)
}

/// Whether the head of a merge defends itself against a lawsuit of its own that nobody has named: that is not the one which a
/// case that was merged into it brings.
async fn defends_its_own(
    work: &mut Work<'_>,
    case: &Case,
    all: &[Clock],
    demand: &Demand,
) -> Result<bool, Fault> {
    if demand.case == case.id {
        return Ok(false);
    }
    let own = signals::of_cases(work.tx, &work.site.id, &[case.id]).await?;
    Ok(own.iter().any(|row| {
        row.signal.kind == SignalKind::Litigation
            && row.signal.basis != SignalBasis::Suspected
            && all.iter().all(|c| c.demand != Some(row.id))
    }))
}
