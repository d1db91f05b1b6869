//! Suspected signals (domain.md section 4): one that would make a case grade 1 is put to the duty lead,
//! who has 15 minutes to confirm or dismiss it. Silence climbs to the top lead; after that lead's 15 minutes
//! it counts provisionally, for what happens inside alone. A case is asked about by one clock, whatever
//! the number of its signals. Whoever takes the duty over while the question waits is asked too, in the time that is left.

use jiff::Timestamp;
use redress_clock::Event;
use redress_model::words::{ClockKind, ClockState, ClockTransition, DutyRole, Urgency};
use redress_model::{Fault, Grade};
use uuid::Uuid;

use super::known::{Known, known};
use super::promises::{self, Start};
use super::{Work, decide};
use crate::domain::Cause;
use crate::domain::paging::{PageState, Paging};
use crate::store::cases::Case;
use crate::store::clocks::{self, Clock, History, Note};
use crate::store::duties::{self, Roster};
use crate::store::pages::{self, PageRow};
use crate::store::signals::{self, SignalRow};

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
    debug_assert!(
        case.is_ended() || case.grade.is_some(),
        "a case is decided before it is asked about"
    );
    let grading = &work.site.profile().grading;
    let waiting = !case.is_ended() && known.would_be_major(grading);
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
        // What was asked before the resolution is asked again only should the case be reopened.
        Some(clock) if waiting && !case.is_open() && !is_news(known, &clock) => Ok(()),
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
        // Who was asked may stand accused by now.
        Some(mut clock) if waiting => follow_duty(work, case, &mut clock).await,
        Some(_) => Ok(()),
    }
}

/// Whether something came up that is to be asked about since the question stopped.
fn is_news(known: &Known, clock: &Clock) -> bool {
    let pending = |row: &SignalRow| row.signal.is_pending();
    clock.stopped.is_none_or(|stopped| {
        let mut signals = known.signals.iter();
        signals.any(|row| pending(row) && row.created > stopped)
    })
}

async fn find(work: &mut Work<'_>, case: &Case) -> Result<Option<Clock>, Fault> {
    let all = clocks::lock_of_case(work.tx, &work.site.id, case.id).await?;
    Ok(all.into_iter().find(|clock| clock.kind == KIND))
}

/// Asks whoever is on duty on this rung. Where nobody is, the next rung is asked now, and where nobody is
/// left nobody is waited for (P14).
async fn ask(work: &mut Work<'_>, case: &Case, clock: &mut Clock, from: u8) -> Result<(), Fault> {
    let roster = duties::roster(work.tx, &work.site.id).await?;
    let Some((rung, person)) = on_duty(work, &roster, case, from) else {
        tracing::warn!(case = %case.id, "nobody is on duty to say whether a suspected signal is so");
        clock.level = LAST_RUNG;
        clock.paging = Paging::default();
        return put(work, case, clock, work.now, None).await;
    };
    let within = work.site.profile().signals.confirm_within;
    let until = promises::due(within, work.now);
    clock.level = rung;
    clock.paging = Paging {
        state: PageState::Open,
        until: Some(until),
    };
    let next = turn(work, &roster, rung, until);
    put(work, case, clock, next, Some((person, until))).await
}

/// Asks whoever holds the duty now, where that is another than was asked: in the time that is left, since the case does not
/// wait for our shifts. Where nobody of the rung is left the next one is asked now (P14); where nobody is left at all, who
/// was asked has the whole time.
async fn follow_duty(work: &mut Work<'_>, case: &Case, clock: &mut Clock) -> Result<(), Fault> {
    let site = work.site;
    let Some(until) = clock.paging.until else {
        return Ok(());
    };
    let roster = duties::roster(work.tx, &site.id).await?;
    let last = pages::last(work.tx, &site.id, clock.id, clock.round).await?;
    let rung = clock.level.max(FIRST_RUNG);
    match on_duty(work, &roster, case, rung) {
        Some((next, _)) if next > rung => ask(work, case, clock, next).await,
        Some((_, person)) if last.is_none_or(|last| last.staff != person) => {
            let next = turn(work, &roster, rung, until);
            put(work, case, clock, next, Some((person, until))).await
        }
        _ => {
            let next = Some(turn(work, &roster, rung, until));
            if clock.next == next {
                return Ok(());
            }
            clock.next = next;
            clock.generation += 1;
            clocks::update(work.tx, &site.id, clock).await?;
            work.entries.extend(clock.entry());
            Ok(())
        }
    }
}

/// When the question is looked at next: its time on this rung is over, or the duty may change hands.
fn turn(work: &Work<'_>, roster: &Roster, rung: u8, until: Timestamp) -> Timestamp {
    let change = roster.next_change(&[role(work, rung), duties::ABOVE], work.now);
    change.map_or(until, |change| change.min(until))
}

fn role(work: &Work<'_>, rung: u8) -> DutyRole {
    work.site.profile().ladder.rungs[usize::from(rung) - 1]
}

/// Puts the question to a person, who has until then, and looks at it again at `next`.
async fn put(
    work: &mut Work<'_>,
    case: &Case,
    clock: &mut Clock,
    next: Timestamp,
    to: Option<(String, Timestamp)>,
) -> Result<(), Fault> {
    let site = work.site;
    clock.next = Some(next);
    // It waits in no backlog.
    clock.grade = Grade::ONE;
    clock.generation += 1;
    clocks::update(work.tx, &site.id, clock).await?;
    let asked = to.map(|(staff, answer)| PageRow {
        clock: clock.id,
        generation: clock.generation,
        rung: clock.level,
        round: clock.round,
        staff,
        page: 1,
        sent: work.now,
        answer,
        acknowledged: None,
    });
    let due = asked.as_ref().map_or(next, |page| page.answer);
    let notify: Vec<String> = asked.iter().map(|page| page.staff.clone()).collect();
    pages::insert(work.tx, &site.id, asked.as_slice()).await?;
    tell(work, case, clock, (ClockTransition::Climbed, due), &notify).await
}

/// The duty to which a question about the case is put first, with whoever would be asked and since when they have it: on the
/// rungs above where it has nobody.
pub(super) fn first<'a>(
    work: &Work<'_>,
    roster: &'a Roster,
    case: &Case,
) -> (DutyRole, Option<(&'a str, Timestamp)>) {
    let rungs = (FIRST_RUNG..=LAST_RUNG).map(|rung| role(work, rung));
    let person = rungs
        .chain([duties::ABOVE])
        .find_map(|role| roster.on_duty_since(role, work.now, &case.facts.excluded));
    (role(work, FIRST_RUNG), person)
}

/// Whoever is on duty on the first rung from this one on that has somebody; the region's contact where no lead may.
fn on_duty(work: &Work<'_>, roster: &Roster, case: &Case, from: u8) -> Option<(u8, String)> {
    let rungs = (from..=LAST_RUNG).map(|rung| (rung, role(work, rung)));
    rungs
        .chain([(LAST_RUNG, duties::ABOVE)])
        .find_map(|(rung, role)| {
            let excluded = &case.facts.excluded;
            let (person, _) = roster.on_duty_since(role, work.now, excluded)?;
            Some((rung, person.to_owned()))
        })
}

/// The duty may have changed hands, or nobody answered in time: then the next rung is asked, and after the last one what was
/// suspected for as long as one rung is waited for counts provisionally.
pub(super) async fn fire(
    work: &mut Work<'_>,
    case: &mut Case,
    clock: &mut Clock,
) -> Result<(), Fault> {
    if clock.paging.until.is_some_and(|until| until > work.now) {
        return follow_duty(work, case, clock).await;
    }
    if clock.level < LAST_RUNG {
        let next = (clock.level + 1).max(FIRST_RUNG);
        ask(work, case, clock, next).await?;
        work.entries.extend(clock.entry());
        return Ok(());
    }
    let due = clock.paging.until.unwrap_or(work.now);
    clock.state = ClockState::Breached;
    clock.next = None;
    clock.paging = Paging::default();
    clock.generation += 1;
    clocks::update(work.tx, &work.site.id, clock).await?;
    tell(work, case, clock, (ClockTransition::Breached, due), &[]).await?;
    // What came up too late for that is asked about anew, where anybody is on duty to answer.
    let roster = duties::roster(work.tx, &work.site.id).await?;
    let anybody = on_duty(work, &roster, case, FIRST_RUNG).is_some();
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

/// Says what became of the question, and until when it is to be answered.
async fn tell(
    work: &mut Work<'_>,
    case: &Case,
    clock: &Clock,
    (transition, due): (ClockTransition, Timestamp),
    notify: &[String],
) -> Result<(), Fault> {
    let entry = History {
        transition,
        at: work.now,
        due,
        cause: "suspected".to_owned(),
    };
    let note = Note {
        clock: clock.id,
        event: None,
        entry: &entry,
    };
    clocks::note(work.tx, &work.site.id, &[note]).await?;
    promises::tell(work, case, clock, &entry, notify).await?;
    if transition == ClockTransition::Climbed {
        work.entries.extend(clock.entry());
    }
    Ok(())
}
