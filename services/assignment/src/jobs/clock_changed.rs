//! `redress.clock.changed.v1` from triage: how the promises on a case go, for analysis; when the time to answer a
//! proposal ran out, somebody goes and asks (M03); what was ordered and is late comes back to who ordered it (M13), and what nobody approved
//! in time is asked of the next level (M10).

use jiff::Timestamp;
use redress_events::{Applied, Event, Keeper, Kept};
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::ids::new_id;
use redress_model::name::{CaseName, ClockName};
use redress_model::time::SharedClock;
use redress_model::words::{ClockKind, ClockState, ClockTransition};
use redress_policy::TakeOver;
use redress_proto::convert::{from_timestamp, from_wire};
use redress_proto::event::v1::ClockChanged;
use redress_store::Tx;
use tracing::Instrument as _;
use uuid::Uuid;

use super::{apply, case_of};
use crate::domain::handling::{Visit, VisitPurpose};
use crate::domain::person::Person;
use crate::domain::report::{is_late, is_promise};
use crate::domain::transition::Action;
use crate::domain::work::{OPEN, StepKind};
use crate::store::ledger::{Report, clarification};
use crate::store::reports::facts::{self, Promise};
use crate::store::take_over::take_over;
use crate::store::{bench, exposures, powers, solutions, visits, work};

/// The handler.
#[derive(Debug, Clone)]
pub struct OnClockChanged(pub SharedClock);

impl Keeper for OnClockChanged {
    fn concerns(&self, event: &Event) -> bool {
        let Ok(changed) = event.decode::<ClockChanged>() else {
            return true;
        };
        // None of a newer release's kinds.
        let kind: Option<ClockKind> = from_wire(changed.kind);
        !event.historical
            && kind.is_some_and(|kind| {
                kind == ClockKind::MediaClarification
                    || (is_promise(kind) && !changed.case.is_empty())
            })
    }

    async fn keep(&self, tx: &mut Tx, events: &[Kept<'_>]) -> Result<Applied, Fault> {
        let mut counted = Vec::with_capacity(events.len());
        for Kept { event, span } in events {
            let changed: ClockChanged = event.decode()?;
            // A kind or state of a newer release says nothing here.
            let Some(news) = News::of(&changed) else {
                continue;
            };
            if news.acts() {
                let act = self.act(tx, event, &changed, &news);
                if act.instrument(span.clone()).await? == Applied::Wait {
                    return Ok(Applied::Wait);
                }
            }
            if !changed.case.is_empty() {
                let case = case_of(event, &changed.case)?;
                counted.push((case, promise(&changed, &news)?));
            }
        }
        facts::promised(tx, &counted).await?;
        Ok(Applied::Done)
    }
}

/// What is said of a clock, as far as something may follow from it.
struct News {
    kind: ClockKind,
    state: ClockState,
    breached: bool,
    /// Silence breaks no promise of ours: the clock is not breached but stops, and where it does so at its deadline, it is by
    /// silence.
    ran_out: bool,
}

impl News {
    fn of(changed: &ClockChanged) -> Option<Self> {
        let kind: ClockKind = from_wire(changed.kind)?;
        let state: ClockState = from_wire(changed.state)?;
        let transition: Option<ClockTransition> = from_wire(changed.transition);
        let ran_out = kind == ClockKind::ConfirmClosing
            && transition == Some(ClockTransition::Cancelled)
            && changed.due_time.is_some()
            && changed.transition_time == changed.due_time;
        Some(Self {
            kind,
            state,
            breached: transition == Some(ClockTransition::Breached),
            ran_out,
        })
    }

    /// Whether more follows from it than that it is counted.
    fn acts(&self) -> bool {
        let late = matches!(self.kind, ClockKind::Resolve | ClockKind::Support) && self.breached;
        self.kind == ClockKind::MediaClarification || late || self.ran_out
    }
}

fn instant(
    field: &'static str,
    given: Option<&prost_types::Timestamp>,
) -> Result<jiff::Timestamp, Fault> {
    given
        .ok_or_else(|| Fault::invalid(field, "must be given"))
        .and_then(|time| from_timestamp(field, time))
}

/// How a promise goes, to be counted. That waits for nobody: one of a case that was not told yet is counted once it is.
fn promise(changed: &ClockChanged, news: &News) -> Result<Promise, Fault> {
    let clock: ClockName = parse_field("data.clock", &changed.clock)?;
    let at = instant("data.transition_time", changed.transition_time.as_ref())?;
    let due = instant("data.due_time", changed.due_time.as_ref())?;
    Ok(Promise {
        clock: clock.id,
        kind: news.kind,
        generation: changed.generation,
        met: news.state == ClockState::Met,
        state: news.state,
        start: changed
            .start_time
            .as_ref()
            .map(|time| from_timestamp("data.start_time", time))
            .transpose()?,
        due,
        held: match from_wire(changed.transition) {
            Some(ClockTransition::Held) => Some(true),
            Some(
                ClockTransition::Started
                | ClockTransition::Resumed
                | ClockTransition::Met
                | ClockTransition::Cancelled,
            ) => Some(false),
            _ => None,
        },
        late: is_late(news.state, due, at),
        at,
    })
}

/// The report that a breach says nobody clarified in time.
fn missed(event: &Event, changed: &ClockChanged) -> Result<Report, Fault> {
    let clock: ClockName = parse_field("data.clock", &changed.clock)?;
    let desk = changed.case.is_empty();
    let names = Some(&changed.case).filter(|_| !desk);
    let cases: Result<Vec<Uuid>, Fault> = names
        .into_iter()
        .chain(&changed.cases)
        .map(|name| Ok(case_of(event, name)?.id))
        .collect();
    let until = instant("data.transition_time", changed.transition_time.as_ref())?;
    let (field, from) = if desk {
        ("data.publish_time", changed.publish_time.as_ref())
    } else {
        ("data.start_time", changed.start_time.as_ref())
    };
    let from = from.map(|time| from_timestamp(field, time)).transpose()?;
    Ok(Report {
        origin: clarification(clock.id),
        clock: clock.id,
        desk,
        cases: cases?,
        from,
        until,
    })
}

/// An untrue exposure that nobody clarified in time counts as true (M17): it is booked, once a clock, and once a report: what its
/// case missed and the desk of its incident missed too, in whatever order that is heard, is one entry.
async fn expose(
    tx: &mut Tx,
    event: &Event,
    changed: &ClockChanged,
    now: Timestamp,
) -> Result<(), Fault> {
    let report = missed(event, changed)?;
    let reason = "an exposure was not clarified in time and counts as true";
    exposures::book(
        tx,
        &event.site,
        &report,
        (event.source.as_str(), reason),
        now,
    )
    .await
}

/// What was met or taken over by a media desk in time was not missed, though its breach was said before anybody here knew of
/// that: what was booked of it falls, unless another clock missed the same report.
async fn stopped_in_time(
    tx: &mut Tx,
    event: &Event,
    changed: &ClockChanged,
    state: ClockState,
    now: Timestamp,
) -> Result<(), Fault> {
    if !matches!(state, ClockState::Met | ClockState::Cancelled) {
        return Ok(());
    }
    let start = instant("data.start_time", changed.start_time.as_ref())?;
    let due = instant("data.due_time", changed.due_time.as_ref())?;
    let at = instant("data.transition_time", changed.transition_time.as_ref())?;
    if at > due {
        return Ok(());
    }
    let clock: ClockName = parse_field("data.clock", &changed.clock)?;
    // A clock that was made anew after it was missed leaves that as it is.
    let clock = (clock.id, Some(start));
    let reason = "it was clarified, or a media desk saw to it, in time";
    exposures::waive(tx, &event.site, clock, (event.source.as_str(), reason), now).await
}

impl OnClockChanged {
    /// Does what follows from it.
    async fn act(
        &self,
        tx: &mut Tx,
        event: &Event,
        changed: &ClockChanged,
        news: &News,
    ) -> Result<Applied, Fault> {
        if news.kind == ClockKind::MediaClarification {
            if news.breached {
                expose(tx, event, changed, self.0.now()).await?;
            } else {
                stopped_in_time(tx, event, changed, news.state, self.0.now()).await?;
            }
            return Ok(Applied::Done);
        }
        let case = case_of(event, &changed.case)?;
        match news.kind {
            ClockKind::Resolve => self.take_over(tx, event, &case).await,
            ClockKind::Support => {
                // Told once: where the clock here is behind triage's, it is late all the same.
                let passed = instant("data.transition_time", changed.transition_time.as_ref())?;
                let at = self.0.now().max(passed);
                bench::lock(tx, &event.site).await?;
                powers::overdue(tx, &case, &event.source, at).await?;
                solutions::overdue(tx, &case, at).await?;
                Ok(Applied::Done)
            }
            _ => self.ask_again(tx, event, &case, changed).await,
        }
    }

    /// Not resolved in time: where the policy says so, the company centre takes the case over (M17).
    async fn take_over(
        &self,
        tx: &mut Tx,
        event: &Event,
        case: &CaseName,
    ) -> Result<Applied, Fault> {
        bench::lock(tx, &event.site).await?;
        let Some(known) = work::find(tx, case).await? else {
            return Ok(Applied::Wait);
        };
        // Resolved or ended while the news was on its way: nothing is left to take over.
        if OPEN.contains(&known.status) {
            let (cause, by) = (TakeOver::ResolveBreached, Person::service(&event.source));
            take_over(tx, &known, cause, &by, self.0.now()).await?;
        }
        Ok(Applied::Done)
    }

    /// Nobody answered in time: somebody visits and asks.
    async fn ask_again(
        &self,
        tx: &mut Tx,
        event: &Event,
        case: &CaseName,
        changed: &ClockChanged,
    ) -> Result<Applied, Fault> {
        let asked = instant("data.start_time", changed.start_time.as_ref())?;
        bench::lock(tx, &event.site).await?;
        let Some(known) = work::find(tx, case).await? else {
            return Ok(Applied::Wait);
        };
        // Of the round that asks about this proposal: an older one ran out on another.
        let told = solutions::of_case(tx, case)
            .await?
            .into_iter()
            .find(|s| s.is_binding(known.epoch) && s.told.is_some_and(|told| told <= asked));
        let Some(before) = told else {
            return Ok(Applied::Done);
        };
        let mut solution = before.clone();
        let now = self.0.now();
        if !solution.unanswered(now) {
            return Ok(Applied::Done);
        }
        solutions::save(tx, Some(&before), &solution).await?;
        let who = known.responsible.clone();
        let visit = Visit::plan(new_id(now), VisitPurpose::FollowUp, who, now);
        visits::put(tx, case, &visit, now).await?;
        let text = "no answer within the time for it; somebody visits and asks".to_owned();
        let action = Action::Note(StepKind::SolutionAnswered, text);
        apply(tx, &known, action, &event.source, &self.0).await?;
        Ok(Applied::Done)
    }
}
