//! What happens when a promise is about to be missed, and is: its owner is warned, then the breach climbs
//! the lead ladder to whoever is on duty at that instant, and is paged until somebody acknowledges (domain.md
//! section 6, decision 16).
//!
//! One timer a clock: it fires at the next step or when paging goes on, whichever comes first. Who was told
//! is no part of the fold (I5); it stands in the clock's row and in its pages.

use jiff::Timestamp;
use redress_clock::{Shares, Step, deadlines};
use redress_model::words::{ClockState, ClockTransition};
use redress_model::{Fault, Grade};
use uuid::Uuid;

use super::Work;
use super::promises::{self, tell};
use crate::domain::paging::{self, LAST_RUNG, Next, OnDuty, Page, PageState, Paging, Sent};
use crate::store::cases::{self, Case};
use crate::store::clocks::{self, Clock, History};
use crate::store::duties;
use crate::store::pages::{self, PageRow};

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
    let (promise, _) = promises::computed(work, clock).await?;
    clock.generation += 1;
    while let Some((step, at)) = promise.next_step(clock.told, until) {
        if at > until {
            break;
        }
        clock.told = Some(step);
        match rung_of(step) {
            0 => warn(work, case, clock).await?,
            rung => reach(work, case, clock, rung, step).await?,
        }
    }
    if clock.paging.until.is_some_and(|until| until <= work.now) {
        go_on(work, case, clock).await?;
    }
    clock.arm(promise.next_step(clock.told, work.now).map(|(_, at)| at));
    clocks::update(work.tx, &work.site.id, clock).await
}

/// Rung of the lead ladder that a step reaches; 0 for a warning.
fn rung_of(step: Step) -> u8 {
    step.level()
}

/// The step that reaches a rung.
fn step_of(rung: u8) -> Option<Step> {
    Step::ALL
        .into_iter()
        .find(|s| rung > 0 && s.level() == rung)
}

/// Tells the owner that time runs out. One who is off duty is left in peace: the on-site lead on duty is told
/// instead, or the next one up (P07).
async fn warn(work: &mut Work<'_>, case: &Case, clock: &mut Clock) -> Result<(), Fault> {
    let site = &work.site.id;
    let mut notify = Vec::new();
    if let Some(owner) = owner(case) {
        if duties::is_off_duty(work.tx, site, &owner, work.now).await? {
            let people = on_duty(work, case).await?;
            notify.extend(people.0.into_iter().flatten().next());
        } else {
            notify.push(owner);
        }
    }
    say(work, case, clock, ClockTransition::Warned, &notify).await
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

/// Time has reached a rung. One that was paged ahead of its time has heard already.
async fn reach(
    work: &mut Work<'_>,
    case: &Case,
    clock: &mut Clock,
    rung: u8,
    step: Step,
) -> Result<(), Fault> {
    clock.state = ClockState::Breached;
    let transition = if step == Step::Breach {
        ClockTransition::Breached
    } else {
        ClockTransition::Climbed
    };
    if clock.level >= rung {
        return Ok(());
    }
    let people = on_duty(work, case).await?;
    match paging::reach(rung, clock.level, &people) {
        Next::Send(page) => send(work, case, clock, page, transition).await,
        Next::Wait | Next::GiveUp => {
            // Somebody below is still to acknowledge: that goes on, and the step is kept behind it.
            if clock.paging.state != PageState::Open {
                wait(work, case, clock).await?;
            }
            say(work, case, clock, transition, &[]).await
        }
    }
}

/// The time to acknowledge has run out, or somebody may have come on duty.
async fn go_on(work: &mut Work<'_>, case: &Case, clock: &mut Clock) -> Result<(), Fault> {
    match next_of(work, case, clock).await? {
        Next::Send(page) => {
            let transition = if page.rung > clock.level.max(1) {
                ClockTransition::Climbed
            } else {
                ClockTransition::PagedAgain
            };
            send(work, case, clock, page, transition).await
        }
        Next::Wait if clock.paging.state != PageState::Unanswered => wait(work, case, clock).await,
        Next::Wait | Next::GiveUp => {
            tracing::warn!(case = %case.id, clock = %clock.id, "nobody acknowledged a broken promise");
            clock.paging = Paging {
                state: PageState::Unanswered,
                until: next_duty(work, case).await?,
            };
            Ok(())
        }
    }
}

async fn next_of(work: &mut Work<'_>, case: &Case, clock: &Clock) -> Result<Next, Fault> {
    let site = &work.site.id;
    let (people, since) = on_duty_since(work, case).await?;
    let heard = pages::last_by_staff(work.tx, site, clock.id, clock.round).await?;
    let mut came = people.clone();
    for (person, start) in came.0.iter_mut().zip(since) {
        let told = person.as_ref().and_then(|p| heard.get(p));
        if told.is_some_and(|told| start.is_some_and(|start| *told >= start)) {
            *person = None;
        }
    }
    let pages_max = work.site.profile().ladder.pages;
    let last = pages::last(work.tx, site, clock.id, clock.round).await?;
    // Who has acknowledged is not paged again; only the step behind it is still to be told.
    let last = last
        .filter(|row| row.acknowledged.is_none())
        .map(|row| Sent {
            rung: row.rung,
            staff: row.staff,
            page: row.page,
        });
    Ok(match (clock.paging.state, &last) {
        (PageState::Open, Some(last)) => {
            paging::unanswered(clock.level, last, pages_max, &people, &came)
        }
        _ => {
            let due = clock.told.map_or(0, rung_of);
            paging::awaited(due, clock.level, last.as_ref(), pages_max, &people, &came)
        }
    })
}

/// Pages somebody. A rung that is reached ahead of its time is not told again when that comes.
async fn send(
    work: &mut Work<'_>,
    case: &Case,
    clock: &mut Clock,
    page: Page,
    transition: ClockTransition,
) -> Result<(), Fault> {
    clock.level = clock.level.max(page.rung);
    clock.told = clock.told.max(step_of(page.rung));
    let grade = case.grade.unwrap_or(Grade::FOUR);
    let within = work.site.profile().acknowledge_within(grade);
    let calendar = work.site.calendar();
    let answer = deadlines(work.now, within, Shares::default(), &calendar).due;
    let row = PageRow {
        clock: clock.id,
        generation: clock.generation,
        rung: page.rung,
        round: clock.round,
        staff: page.staff,
        page: page.page,
        sent: work.now,
        answer,
        acknowledged: None,
    };
    pages::insert(work.tx, &work.site.id, &row).await?;
    clock.paging = Paging {
        state: PageState::Open,
        until: Some(answer),
    };
    say(work, case, clock, transition, &[row.staff]).await
}

/// Keeps the step until somebody comes on duty, as far as the roster is known; a new roster is asked again.
async fn wait(work: &mut Work<'_>, case: &Case, clock: &mut Clock) -> Result<(), Fault> {
    tracing::warn!(case = %case.id, clock = %clock.id, "nobody is on duty to be told");
    clock.paging = Paging {
        state: PageState::Waiting,
        until: next_duty(work, case).await?,
    };
    Ok(())
}

/// When the next duty of a rung begins.
async fn next_duty(work: &mut Work<'_>, case: &Case) -> Result<Option<Timestamp>, Fault> {
    let roles = work.site.profile().ladder.rungs;
    let excluded = &case.facts.excluded;
    duties::next_start(work.tx, &work.site.id, &roles, work.now, excluded).await
}

async fn on_duty(work: &mut Work<'_>, case: &Case) -> Result<OnDuty, Fault> {
    Ok(on_duty_since(work, case).await?.0)
}

/// Who is on duty, and since when each of them is.
async fn on_duty_since(
    work: &mut Work<'_>,
    case: &Case,
) -> Result<(OnDuty, [Option<Timestamp>; LAST_RUNG as usize]), Fault> {
    let site = work.site;
    let mut people = OnDuty::default();
    let mut since = [None; LAST_RUNG as usize];
    for (rung, role) in site.profile().ladder.rungs.into_iter().enumerate() {
        let excluded = &case.facts.excluded;
        let holder = duties::on_duty_since(work.tx, &site.id, role, work.now, excluded).await?;
        (people.0[rung], since[rung]) = holder.unzip();
    }
    Ok((people, since))
}

async fn say(
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
        cause: "time".to_owned(),
    };
    clocks::note(work.tx, &work.site.id, clock, None, &entry).await?;
    tell(work, case, clock, &entry, notify).await
}

/// Somebody acknowledged what this change of a clock told: paging ends, the steps by time go on. What was told before the
/// clock was made anew, or to a rung below the one paged now, ends nothing. One from above does, though somebody below who came
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
    let Some(case) = cases::lock(work.tx, site, seen.case).await? else {
        return Ok(());
    };
    let all = clocks::lock_of_case(work.tx, site, case.id).await?;
    let Some(mut clock) = all.into_iter().find(|c| c.id == clock) else {
        return Ok(());
    };
    let Some(page) = pages::find(work.tx, site, clock.id, generation, staff).await? else {
        // A warning, or a question, which has an answer of its own.
        return Ok(());
    };
    pages::acknowledge(work.tx, site, &page, at).await?;
    let last = pages::last(work.tx, site, clock.id, clock.round).await?;
    let ends = last.is_some_and(|last| last.acknowledged.is_some() || last.rung < page.rung)
        && matches!(clock.paging.state, PageState::Open | PageState::Unanswered);
    if !ends {
        return Ok(());
    }
    if clock.told.map_or(0, rung_of) > clock.level {
        wait(work, &case, &mut clock).await?;
    } else {
        clock.paging = Paging {
            state: PageState::Acknowledged,
            until: None,
        };
    }
    let (promise, _) = promises::computed(work, &clock).await?;
    clock.arm(promise.next_step(clock.told, work.now).map(|(_, at)| at));
    clock.generation += 1;
    clocks::update(work.tx, site, &clock).await?;
    work.entries.extend(clock.entry());
    Ok(())
}
