//! Starts a clock by hand: what an outside body or the law demands, what a partner owes us, what a court allows.

use jiff::Timestamp;
use redress_clock::Term;
use redress_model::fault::parse_field;
use redress_model::name::{CaseName, ClockName};
use redress_model::words::{ClockKind, LegalDeadline};
use redress_model::{Fault, ids};
use redress_proto::convert::required;
use redress_proto::triage::v1::{StartClockRequest, StartClockResponse, start_clock_request};
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use redress_timers::Entry;
use tonic::Request;

use super::{Shared, clock_view, parse, render, require_visible};
use crate::casework::{self, ByHand, Work};
use crate::store::clocks::{self, Clock};
use crate::store::{cases, sites};

const METHOD: &str = "redress.triage.v1.ClockService/StartClock";

pub(super) async fn run(
    shared: &Shared,
    request: Request<StartClockRequest>,
) -> Result<StartClockResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let case: CaseName = parse_field("parent", &request.parent)?;
    caller.require_site(&case.site)?;
    let now = shared.desk.now();
    let request_id = std::mem::take(&mut request.request_id);
    let start = Start {
        receipt: shared.receipt(&caller, METHOD, &case.site, request_id, &request),
        new: by_hand(request, &caller, now)?,
        case,
        caller: &caller,
        now,
    };
    let scope = redress_runtime::scope(&caller);
    let (clock, entries) = shared.desk.db.run(&scope, &start).await?;
    shared.desk.schedule(entries);
    Ok(StartClockResponse {
        clock: Some(render::clock(&start.case.site, clock)),
    })
}

fn by_hand(request: StartClockRequest, caller: &Caller, now: Timestamp) -> Result<ByHand, Fault> {
    let law: Option<LegalDeadline> = match request.law {
        0 => None,
        number => Some(required("law", number)?),
    };
    let kind = match law {
        Some(_) if request.kind == 0 => ClockKind::OutsideDeadline,
        _ => required("kind", request.kind)?,
    };
    if law.is_some() && kind != ClockKind::OutsideDeadline {
        let rule = "must be OUTSIDE_DEADLINE, or be left out, where law is given";
        return Err(Fault::invalid("kind", rule));
    }
    if !casework::may_start(kind) {
        return Err(Fault::invalid(
            "kind",
            "must be one that a person may start",
        ));
    }
    let term = match &request.term {
        None => None,
        Some(_) if law.is_some() => {
            let rule = "must be left out, like due_time: the law says how much time it gives";
            return Err(Fault::invalid("length", rule));
        }
        Some(start_clock_request::Term::Length(length)) => {
            Some(Term::Length(clock_view::length("length", length)?))
        }
        Some(start_clock_request::Term::DueTime(due)) => {
            Some(Term::Until(parse::ahead("due_time", due, now)?))
        }
    };
    let party = request.party.trim().to_owned();
    let named = matches!(kind, ClockKind::OutsideDeadline | ClockKind::Support);
    if named && law.is_none() && party.is_empty() {
        return Err(Fault::invalid("party", "must say who"));
    }
    Ok(ByHand {
        kind,
        law,
        at: parse::past("start_time", request.start_time.as_ref(), now)?,
        term,
        // What is promised to the customer is told by its nature.
        told: request.told_to_customer || kind == ClockKind::InterimUpdate,
        party,
        outside_number: request.outside_number.trim().to_owned(),
        by: caller.subject.clone(),
    })
}

struct Start<'a> {
    receipt: ReceiptKey,
    case: CaseName,
    new: ByHand,
    caller: &'a Caller,
    now: Timestamp,
}

impl Operation for Start<'_> {
    const NAME: &'static str = "triage.start_clock";
    type Output = (Clock, Vec<Entry>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        require_visible(tx, self.caller, &self.case).await?;
        let id = &self.case.site;
        if let Claim::Seen { resource, .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            let name: ClockName = resource.parse().map_err(Fault::internal)?;
            let clock = clocks::get(tx, id, name.id).await?;
            let clock = clock.ok_or_else(|| Fault::not_found("Clock", &name))?;
            return Ok((clock, Vec::new()));
        }
        let missing = || Fault::not_found("Case", &self.case);
        let site = sites::get(tx, id, self.now).await?.ok_or_else(missing)?;
        let case = cases::lock(tx, id, self.case.id)
            .await?
            .ok_or_else(missing)?;
        if case.is_ended() || case.facts.historical || case.grade.is_none() {
            return Err(Fault::illegal(
                "CASE_NOT_OPEN",
                "nothing is promised on a case that has ended or is not decided yet",
                self.case.to_string(),
            ));
        }
        let mut work = Work::new(tx, &site, self.now);
        let slot = ids::new_id(self.now);
        let clock = casework::start(&mut work, &case, self.new.clone(), slot)
            .await?
            .ok_or_else(|| {
                Fault::invalid(
                    "length",
                    "must be given, or due_time: the policy of this site promises no such clock",
                )
            })?;
        if clock.deadlines.due <= self.now {
            return Err(Fault::invalid(
                "start_time",
                "must leave the deadline ahead: a promise is not broken when it is made",
            ));
        }
        let entries = work.entries;
        let name = ClockName::new(id.clone(), clock.id).to_string();
        receipt::complete(tx, &self.receipt, &name, &etag::of(clock.generation)).await?;
        Ok((clock, entries))
    }
}
