//! Suspected signals (domain.md section 4): one that would make a case grade 1 is put to the duty lead,
//! who has 15 minutes to confirm or dismiss it. Silence climbs to the top lead; after that lead's 15 minutes
//! it counts provisionally, for what happens inside alone. A case is asked about by one clock, whatever
//! the number of its signals.

use redress_clock::Event;
use redress_model::words::{ClockKind, ClockState, ClockTransition, Urgency};
use redress_model::{Fault, Grade};
use uuid::Uuid;

use super::known::{Known, known};
use super::promises::{self, Start};
use super::{Work, decide};
use crate::domain::Cause;
use crate::store::cases::Case;
use crate::store::clocks::{self, Clock, History};
use crate::store::signals::SignalRow;
use crate::store::{duties, signals};

/// The clock of a question.
const KIND: ClockKind = ClockKind::ConfirmSignal;
/// The rung that is asked first: the duty lead.
const FIRST_RUNG: u8 = 2;
/// The rung that is asked last: the top lead.
const LAST_RUNG: u8 = 3;

/// Asks where something suspected would make the case grade 1, and stops asking once everything is
/// answered.
pub(super) async fn follow(
    work: &mut Work<'_>,
    case: &Case,
    known: &Known,
    urgency: Urgency,
) -> Result<(), Fault> {
    let waiting = !case.is_ended() && would_be_major(work, case, known);
    let answered = !known.signals.iter().any(|row| row.signal.provisional);
    let found = find(work, case).await?;
    match found {
        None if !waiting => Ok(()),
        None => {
            let within = work.site.profile().signals.confirm_within;
            let new = Start::of(KIND, work.now, within, "suspected");
            let mut clock = promises::start(work, case, urgency, new).await?;
            ask(work, case, &mut clock, FIRST_RUNG).await
        }
        Some(mut clock) if waiting && (clock.stopped.is_some() || clock.next.is_none()) => {
            let at = work.now;
            if clock.stopped.is_none() {
                // The question before was never answered, and there is a new one.
                let over = Event::Cancelled { at };
                promises::apply(work, case, &mut clock, over, "asked anew").await?;
            }
            let within = work.site.profile().signals.confirm_within;
            let terms = promises::terms(work.site, KIND, within);
            let again = Event::Restarted { at, terms };
            promises::apply(work, case, &mut clock, again, "suspected").await?;
            ask(work, case, &mut clock, FIRST_RUNG).await
        }
        Some(mut clock) if waiting && clock.level == 0 => {
            ask(work, case, &mut clock, FIRST_RUNG).await
        }
        Some(mut clock) if !waiting && answered && clock.stopped.is_none() => {
            let met = Event::Met { at: work.now };
            promises::apply(work, case, &mut clock, met, "answered").await?;
            Ok(())
        }
        Some(_) => Ok(()),
    }
}

/// Whether something suspected, if it were so, would make grade 1 what is not yet.
fn would_be_major(work: &Work<'_>, case: &Case, known: &Known) -> bool {
    let firm = known.stand(work, &known.facts.firm()).firm;
    debug_assert!(
        case.grade.is_some(),
        "a case is decided before it is asked about"
    );
    firm != Grade::ONE && known.suspected_grade(work) == Some(Grade::ONE)
}

async fn find(work: &mut Work<'_>, case: &Case) -> Result<Option<Clock>, Fault> {
    let all = clocks::lock_of_case(work.tx, &work.site.id, case.id).await?;
    Ok(all.into_iter().find(|clock| clock.kind == KIND))
}

/// Asks whoever is on duty on this rung. Where nobody is, the next rung is asked now, and where nobody is
/// left nobody is waited for (P14).
async fn ask(work: &mut Work<'_>, case: &Case, clock: &mut Clock, from: u8) -> Result<(), Fault> {
    let site = work.site;
    let within = site.profile().signals.confirm_within;
    clock.level = LAST_RUNG;
    clock.next = Some(work.now);
    // It waits in no backlog.
    clock.grade = Grade::ONE;
    let mut notify = Vec::new();
    if let Some((rung, person)) = on_duty(work, case, from).await? {
        notify.push(person);
        clock.level = rung;
        clock.next = Some(promises::due(within, work.now));
    }
    if notify.is_empty() {
        tracing::warn!(case = %case.id, "nobody is on duty to say whether a suspected signal is so");
    }
    clock.generation += 1;
    clocks::update(work.tx, &site.id, clock).await?;
    tell(work, case, clock, ClockTransition::Climbed, &notify).await
}

/// Whoever is on duty on the first rung from this one on that has somebody; the region's contact where no lead may.
async fn on_duty(
    work: &mut Work<'_>,
    case: &Case,
    from: u8,
) -> Result<Option<(u8, String)>, Fault> {
    let site = work.site;
    let rungs =
        (from..=LAST_RUNG).map(|rung| (rung, site.profile().ladder.rungs[usize::from(rung) - 1]));
    for (rung, role) in rungs.chain([(LAST_RUNG, duties::ABOVE)]) {
        let excluded = &case.facts.excluded;
        let person = duties::on_duty(work.tx, &site.id, role, work.now, excluded).await?;
        if let Some(person) = person {
            return Ok(Some((rung, person)));
        }
    }
    Ok(None)
}

/// Nobody answered in time: the next rung is asked, and after the last one what was suspected for as long as one
/// rung is waited for counts provisionally.
pub(super) async fn fire(
    work: &mut Work<'_>,
    case: &mut Case,
    clock: &mut Clock,
) -> Result<(), Fault> {
    if clock.level < LAST_RUNG {
        let next = (clock.level + 1).max(FIRST_RUNG);
        ask(work, case, clock, next).await?;
        work.entries.extend(clock.entry());
        return Ok(());
    }
    clock.state = ClockState::Breached;
    clock.next = None;
    clock.generation += 1;
    clocks::update(work.tx, &work.site.id, clock).await?;
    tell(work, case, clock, ClockTransition::Breached, &[]).await?;
    // What came up too late for that is asked about anew, where anybody is on duty to answer.
    let anybody = on_duty(work, case, FIRST_RUNG).await?.is_some();
    let within = work.site.profile().signals.confirm_within;
    let now = work.now;
    let had_its_time = |row: &SignalRow| promises::due(within, row.created) <= now;
    let known = known(work, case).await?;
    let pending: Vec<Uuid> = known
        .signals
        .iter()
        .filter(|row| row.signal.is_pending() && (had_its_time(row) || !anybody))
        .map(|row| row.id)
        .collect();
    signals::presume(work.tx, &work.site.id, &pending, work.now).await?;
    decide(work, case, Cause::Unanswered).await
}

async fn tell(
    work: &mut Work<'_>,
    case: &Case,
    clock: &Clock,
    transition: ClockTransition,
    notify: &[String],
) -> Result<(), Fault> {
    let entry = History {
        transition,
        at: work.now,
        due: clock.deadlines.due,
        cause: "suspected".to_owned(),
    };
    clocks::note(work.tx, &work.site.id, clock, None, &entry).await?;
    promises::tell(work, case, clock, &entry, notify).await?;
    if transition == ClockTransition::Climbed {
        work.entries.extend(clock.entry());
    }
    Ok(())
}
