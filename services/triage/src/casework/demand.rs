//! What an outside body, a partner or a court demands of a case, as assignment records it: each demand has a clock of its
//! own, which starts, moves and stops with it.

use jiff::Timestamp;
use redress_clock::{Event, Term};
use redress_model::Fault;
use redress_model::words::{ClockKind, ClockState};
use uuid::Uuid;

use super::Work;
use super::firing;
use super::promises::{self, Start};
use super::status::ENDED;
use crate::store::cases::Case;
use crate::store::clocks::{self, Clock};

/// A demand as it stands now.
#[derive(Debug, Clone)]
pub struct Demand {
    /// Its id.
    pub id: Uuid,
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
    // The signal of a lawsuit starts the case's one defence too, and receipt the store's one report: they are the same
    // promise.
    let slot = match demand.kind {
        ClockKind::Defence | ClockKind::StoreReport => String::new(),
        _ => demand.id.to_string(),
    };
    let urgency = promises::urgency(work, case).await?;
    let policy = promises::length(work.site, case, urgency, demand.kind).map(Term::Length);
    let Some(term) = demand.due.map(Term::Until).or(policy) else {
        return Ok(());
    };
    let all = clocks::lock_of_case(work.tx, &work.site.id, case.id).await?;
    let mut clock = match all
        .into_iter()
        .find(|c| c.kind == demand.kind && c.slot == slot)
    {
        Some(mut clock) => {
            if let Some(at) = begins_anew(work, &clock, &demand) {
                let terms = promises::terms(work.site, demand.kind, term);
                let event = Event::Restarted { at, terms };
                promises::apply(work, case, &mut clock, event, "demanded").await?;
            }
            clock
        }
        None => {
            let new = Start {
                kind: demand.kind,
                slot,
                at: demand.start,
                term,
                told: false,
                party: demand.party,
                outside_number: demand.outside_number,
                cause: "demanded",
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
            if !case.is_ended() {
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

/// From when a stopped clock begins anew: the end of the case alone had stopped it, or this is another lawsuit.
fn begins_anew(work: &Work<'_>, clock: &Clock, demand: &Demand) -> Option<Timestamp> {
    clock.stopped?;
    if clock.state == ClockState::Cancelled && clock.stop_cause == ENDED {
        // A deadline that was given stands as it was given, its warning and climbs too; and what was done is judged by it.
        let met = matches!(demand.state, DemandState::Met(_));
        let stands = met || demand.due.is_some_and(|due| due > work.now);
        return Some(if stands { clock.start } else { work.now });
    }
    let another = demand.kind == ClockKind::Defence && demand.start > clock.start;
    (another && demand.state == DemandState::Open).then_some(demand.start)
}
