//! Age checks: a case is graded again when it reaches an age that a criterion asks for (G1.7, G2.4). They
//! promise nothing to anybody, so nobody is told of them.

use redress_clock::Deadlines;
use redress_model::words::{ClockKind, ClockState};
use redress_model::{Fault, Grade, ids};

use super::Work;
use crate::domain::Age;
use crate::store::cases::Case;
use crate::store::clocks::{self, Clock};

/// Waits for the next age at which the decision may change, and stands still with the age of the case (P05). An age check
/// promises nothing to anybody, so nobody is told of it.
pub(super) async fn arm(
    work: &mut Work<'_>,
    case: &Case,
    all: &mut [Clock],
    age: &Age,
    grade: Grade,
) -> Result<(), Fault> {
    let existing = all
        .iter_mut()
        .find(|clock| clock.kind == ClockKind::AgeCheck);
    let Some(due) = age.next_check(&work.site.profile().grading, work.now) else {
        return match existing {
            Some(clock) => disarm(work, clock).await,
            None => Ok(()),
        };
    };
    let deadlines = Deadlines::at(due);
    // Why it is held is the hold's, so that the row keeps no reason: it waits, and for no instant.
    let next = Some(due).filter(|_| age.held_since.is_none());
    match existing {
        Some(clock)
            if (clock.stopped, clock.next, clock.grade) == (None, next, grade)
                && clock.deadlines == deadlines =>
        {
            Ok(())
        }
        Some(clock) => {
            clock.state = ClockState::Running;
            clock.stopped = None;
            clock.deadlines = deadlines;
            clock.next = next;
            clock.grade = grade;
            clock.generation += 1;
            clocks::update(work.tx, &work.site.id, clock).await?;
            work.entries.extend(clock.entry());
            Ok(())
        }
        None => {
            let clock = Clock {
                deadlines,
                next,
                grade,
                ..Clock::silent(
                    ids::new_id(work.now),
                    case,
                    ClockKind::AgeCheck,
                    case.facts.received,
                    work.now,
                    work.site.calendar_revision(),
                )
            };
            clocks::insert(work.tx, &work.site.id, &[&clock]).await?;
            work.entries.extend(clock.entry());
            Ok(())
        }
    }
}

/// No age matters while nobody waits for us.
pub(super) async fn disarm_of(work: &mut Work<'_>, all: &mut [Clock]) -> Result<(), Fault> {
    match all
        .iter_mut()
        .find(|clock| clock.kind == ClockKind::AgeCheck)
    {
        Some(clock) => disarm(work, clock).await,
        None => Ok(()),
    }
}

pub(super) async fn disarm(work: &mut Work<'_>, clock: &mut Clock) -> Result<(), Fault> {
    if clock.stopped.is_some() {
        return Ok(());
    }
    clock.state = ClockState::Met;
    clock.stopped = Some(work.now);
    clock.next = None;
    clock.generation += 1;
    clocks::update(work.tx, &work.site.id, clock).await
}
