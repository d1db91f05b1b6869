//! Explains a clock from its events: what its time was spent on, and why its deadline is where it is.

use jiff::{SignedDuration, Timestamp};
use redress_clock::{Explanation, explain};
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{CaseName, ClockName};
use redress_proto::convert::to_timestamp;
use redress_proto::triage::v1::{ExplainClockRequest, ExplainClockResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, clock_view, render, require_visible};
use crate::casework::{self, Work};
use crate::store::clocks::{self, Clock};
use crate::store::pages::{self, PageRow};
use crate::store::sites;

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
    let (clock, page, explained, legal_source, time_zone) =
        shared.desk.db.read(&scope, &ask).await?;
    // Age checks and the ends of holds have no events: nothing is promised.
    let (basis, stretches, changes, used) = match explained {
        Some(explained) => (
            clock_view::basis(explained.promise.basis),
            explained
                .stretches
                .iter()
                .map(clock_view::stretch)
                .collect(),
            explained.changes.iter().map(clock_view::change).collect(),
            used(&explained, now),
        ),
        None => Default::default(),
    };
    Ok(ExplainClockResponse {
        clock: Some(render::paged(&ask.name.site, clock, page.as_ref())),
        basis,
        stretches,
        changes,
        used: Some(clock_view::duration(used)),
        explain_time: Some(to_timestamp(now)),
        time_zone,
        legal_source,
    })
}

/// How much time is used by now: where now lies within a stretch that counts, a part of it.
fn used(explained: &Explanation, now: Timestamp) -> SignedDuration {
    use redress_clock::StretchKind::{Elapsed, Working};
    let Some(last) = explained.stretches.iter().rfind(|s| s.from <= now) else {
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
    type Output = (Clock, Option<PageRow>, Option<Explanation>, String, String);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let id = &self.name.site;
        let missing = || Fault::not_found("Clock", &self.name);
        let clock = clocks::get(tx, id, self.name.id)
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
        let events = clocks::events(tx, id, clock.id).await?;
        let mut work = Work::new(tx, &site, self.now);
        let calendars = casework::calendars(&mut work, &events).await?;
        let explained = explain(&events, &calendars, self.now);
        let source = casework::legal_source(&mut work, &clock).await?;
        let page = pages::last(work.tx, id, clock.id, clock.round).await?;
        Ok((clock, page, explained, source, site.zone_name.clone()))
    }
}
