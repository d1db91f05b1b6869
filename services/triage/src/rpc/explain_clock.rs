//! Explains a clock from its events: what its time was spent on, and why its deadline is where it is. What promises nothing
//! has none, and is explained from what it waits for.

use jiff::{SignedDuration, Timestamp};
use redress_clock::{Explanation, Stretch, explain};
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{CaseName, ClockName};
use redress_model::words::ClockKind;
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::triage::v1::{
    ClockBasis, ClockChange, ClockLength, ExplainClockRequest, ExplainClockResponse, HoldBudget,
};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, clock_view, render, require_visible, shown_clock};
use crate::casework::{self, Ageing, Ending, Work};
use crate::store::clocks::{self, Clock};
use crate::store::holds::{self, Hold};
use crate::store::pages::{self, PageRow};
use crate::store::sites::{self, Site};

pub(super) async fn run(
    shared: &Shared,
    request: Request<ExplainClockRequest>,
) -> Result<ExplainClockResponse, Fault> {
    let caller = Caller::of(&request)?;
    let now = shared.desk.now();
    let ask = Ask {
        name: parse_field("name", &request.get_ref().name)?,
        caller,
        now,
    };
    let scope = redress_runtime::scope(caller);
    let (clock, page, why, legal_source, time_zone) = shared.desk.db.read(&scope, &ask).await?;
    Ok(ExplainClockResponse {
        clock: Some(render::paged(&ask.name.site, clock, page.as_ref())),
        basis: why.basis,
        stretches: why.stretches.iter().map(clock_view::stretch).collect(),
        changes: why.changes,
        used: Some(clock_view::duration(used(&why.stretches, now))),
        explain_time: Some(to_timestamp(now)),
        time_zone,
        legal_source,
        age: why.age,
        hold_reason: why.hold_reason,
        hold_budget: why.hold_budget,
    })
}

/// Why a deadline is where it is; nothing where there is nothing to say.
#[derive(Debug, Default)]
struct Why {
    basis: i32,
    stretches: Vec<Stretch>,
    changes: Vec<ClockChange>,
    age: Option<ClockLength>,
    hold_reason: i32,
    hold_budget: Option<HoldBudget>,
}

impl Why {
    /// Of a promise: each of its changes goes with the cause of the same place.
    fn of_promise(explained: Explanation, causes: Vec<String>, holds: &[Hold]) -> Self {
        let changes = explained.changes.iter().zip(causes);
        Self {
            basis: clock_view::basis(explained.promise.basis),
            changes: changes
                .map(|(change, cause)| clock_view::change(change, cause, holds))
                .collect(),
            stretches: explained.stretches,
            ..Self::default()
        }
    }

    fn of_age(ageing: Ageing) -> Self {
        Self {
            basis: ClockBasis::Age.into(),
            stretches: ageing.stretches,
            age: ageing.age.map(|age| clock_view::term(age.into())),
            ..Self::default()
        }
    }

    fn of_hold(site: &Site, ending: Ending) -> Self {
        let reason = ending.hold.reason;
        let budget = ending.budget;
        Self {
            basis: ClockBasis::HoldEnd.into(),
            stretches: ending.stretches,
            hold_reason: to_wire(reason),
            hold_budget: budget.and_then(|b| clock_view::hold_budget(site, reason, b)),
            ..Self::default()
        }
    }
}

/// How much time is used by now: where now lies within a stretch that counts, a part of it.
fn used(stretches: &[Stretch], now: Timestamp) -> SignedDuration {
    use redress_clock::StretchKind::{Elapsed, Working};
    let Some(last) = stretches.iter().rfind(|s| s.from <= now) else {
        return SignedDuration::ZERO;
    };
    let ahead = match last.kind {
        Elapsed | Working if now < last.to => now.duration_until(last.to),
        _ => SignedDuration::ZERO,
    };
    last.used - ahead
}

struct Ask<'a> {
    name: ClockName,
    caller: &'a Caller,
    now: Timestamp,
}

impl Operation for Ask<'_> {
    const NAME: &'static str = "triage.explain_clock";
    type Output = (Clock, Option<PageRow>, Why, String, String);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let id = &self.name.site;
        let missing = || Fault::not_found("Clock", &self.name);
        let clock = shown_clock(tx, &self.name, self.now)
            .await?
            .ok_or_else(missing)?;
        let case = CaseName::new(id.clone(), clock.case);
        require_visible(tx, self.caller, &case)
            .await
            .map_err(|fault| match fault {
                Fault::NotFound { .. } => missing(),
                other => other,
            })?;
        let site = sites::get(tx, id, self.now).await?.ok_or_else(missing)?;
        let mut work = Work::new(tx, &site, self.now);
        let why = match clock.kind {
            ClockKind::AgeCheck => Why::of_age(casework::ageing(&mut work, &clock).await?),
            ClockKind::HoldEnd => {
                let ending = casework::ending(&mut work, &clock).await?;
                ending
                    .map(|ending| Why::of_hold(&site, ending))
                    .unwrap_or_default()
            }
            _ => {
                let events = clocks::events(work.tx, id, clock.id).await?;
                let causes = clocks::causes(work.tx, id, clock.id).await?;
                let calendars = casework::calendars(&mut work, &events).await?;
                let holds = holds::of_case(work.tx, id, clock.case).await?;
                let explained = explain(&events, &calendars, self.now);
                explained
                    .map(|explained| Why::of_promise(explained, causes, &holds))
                    .unwrap_or_default()
            }
        };
        let source = casework::legal_source(&mut work, &clock).await?;
        let page = pages::last(work.tx, id, clock.id, clock.round).await?;
        Ok((clock, page, why, source, site.zone_name.clone()))
    }
}
