//! What happens when a promise is about to be missed, and is: its owner is warned, then the breach climbs
//! the lead ladder to whoever is on duty (domain.md section 6).

use redress_clock::{Step, fold};
use redress_model::Fault;
use redress_model::words::{ClockState, ClockTransition, DutyRole};

use super::Work;
use super::promises::tell;
use crate::store::cases::Case;
use crate::store::clocks::{self, Clock, History};
use crate::store::duties;

/// Rungs of the lead ladder, lowest first.
const LADDER: [DutyRole; 3] = [DutyRole::OnSiteLead, DutyRole::DutyLead, DutyRole::TopLead];

/// Tells every step that is due. After a long sleep several are: each takes effect once, in order.
pub(super) async fn climb(
    work: &mut Work<'_>,
    case: &Case,
    clock: &mut Clock,
) -> Result<(), Fault> {
    let calendar = work.site.calendar();
    let events = clocks::events(work.tx, &work.site.id, clock.id).await?;
    let promise = fold(&events, &calendar)
        .ok_or_else(|| Fault::internal("a stored clock has to begin with its start"))?;
    clock.generation += 1;
    while let Some((step, at)) = promise.next_step(clock.told, work.now) {
        if at > work.now {
            break;
        }
        let (transition, notify) = match step {
            Step::Warn => {
                clock.told = Some(step);
                (ClockTransition::Warned, owner(case))
            }
            Step::Breach | Step::ClimbDuty | Step::ClimbTop => {
                let (reached, notify) = rung(work, case, step).await?;
                clock.told = Some(reached);
                clock.level = reached.level();
                clock.state = ClockState::Breached;
                let transition = if step == Step::Breach {
                    ClockTransition::Breached
                } else {
                    ClockTransition::Climbed
                };
                (transition, notify)
            }
        };
        let entry = History {
            transition,
            at: work.now,
            due: clock.deadlines.due,
            cause: "time".to_owned(),
        };
        clocks::note(work.tx, &work.site.id, clock, None, &entry).await?;
        clock.next = promise.next_step(clock.told, work.now).map(|(_, at)| at);
        tell(work, case, clock, &entry, &notify).await?;
    }
    clock.next = promise.next_step(clock.told, work.now).map(|(_, at)| at);
    clocks::update(work.tx, &work.site.id, clock).await
}

fn owner(case: &Case) -> Vec<String> {
    let owner = case
        .responsible
        .as_ref()
        .or(case.facts.first_contact.as_ref());
    owner
        .filter(|owner| !case.facts.excluded.contains(owner))
        .cloned()
        .into_iter()
        .collect()
}

/// Who is told at this step. Where nobody is on duty on that rung the next one is told now, not after
/// the wait (P14); where nobody is on duty at all, the step is kept and the next one still comes.
async fn rung(work: &mut Work<'_>, case: &Case, step: Step) -> Result<(Step, Vec<String>), Fault> {
    for reached in Step::ALL.into_iter().filter(|s| *s >= step) {
        let role = LADDER[usize::from(reached.level()) - 1];
        let excluded = &case.facts.excluded;
        let person = duties::on_duty(work.tx, &work.site.id, role, work.now, excluded).await?;
        if let Some(person) = person {
            return Ok((reached, vec![person]));
        }
    }
    tracing::warn!(case = %case.id, ?step, "nobody is on duty to be told");
    Ok((step, Vec::new()))
}
