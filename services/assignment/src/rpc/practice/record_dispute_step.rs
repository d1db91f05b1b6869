//! Records what became of a dispute: a rung entered or ended, a defence, a decision, an appeal, a violation.

use redress_model::Fault;
use redress_policy::Practice;
use redress_proto::assignment::v1::record_dispute_step_request::Step as Given;
use redress_proto::assignment::v1::{RecordDisputeStepRequest, RecordDisputeStepResponse};
use redress_proto::convert::required;
use redress_rpc::Caller;
use tonic::Request;

use super::super::Shared;
use super::matter::{self, Step as Change};
use super::{parse, place, render};
use crate::domain::practice::dispute::{Dispute, Step};

const METHOD: &str = "redress.assignment.v1.DisputeService/RecordDisputeStep";

pub(super) async fn run(
    shared: &Shared,
    request: Request<RecordDisputeStepRequest>,
) -> Result<RecordDisputeStepResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let (site, id) = matter::parse::<Dispute>("name", &request.name)?;
    caller.require_site(&site)?;
    let (policy, _) = place::of(shared, &caller, &site).await?;
    let request_id = std::mem::take(&mut request.request_id);
    let change = Change::<Dispute> {
        receipt: shared.receipt(&caller, METHOD, &site, request_id, &request),
        site,
        id,
        etag: request.etag,
        step: step(request.step, &request.text, &policy.practice())?,
        text: request.text,
        caller: &caller,
        now: shared.clock.now(),
    };
    let scope = redress_runtime::scope(&caller);
    let kept = shared.db.run(&scope, &change).await?;
    Ok(RecordDisputeStepResponse {
        dispute: Some(render::dispute(kept, Vec::new())),
    })
}

fn step(given: Option<Given>, said: &str, practice: &Practice) -> Result<Step, Fault> {
    Ok(match given {
        None => return Err(Fault::invalid("step", "must be given")),
        Some(Given::RungEntered(s)) => Step::Entered {
            rung: required("rung_entered.rung", s.rung)?,
            body: parse::text("rung_entered.body", s.body, 200)?,
            outside_number: parse::text("rung_entered.outside_number", s.outside_number, 100)?,
            side: required("rung_entered.brought_by", s.brought_by)?,
            counsel: parse::text("rung_entered.counsel", s.counsel, 200)?,
            start: parse::time("rung_entered.start_time", s.start_time.as_ref())?,
        },
        Some(Given::RungEnded(s)) => Step::Left {
            outcome: required("rung_ended.outcome", s.outcome)?,
            end: parse::time("rung_ended.end_time", s.end_time.as_ref())?,
            result: said.to_owned(),
        },
        Some(Given::DefenceFiled(s)) => Step::Defended(parse::time(
            "defence_filed.file_time",
            s.file_time.as_ref(),
        )?),
        Some(Given::CourtDecided(s)) => Step::Decided {
            ruling: s.ruling,
            served: parse::time("court_decided.serve_time", s.serve_time.as_ref())?,
        },
        Some(Given::AppealDecided(s)) => Step::Answered {
            appealed: s.appealed,
            when: parse::time("appeal_decided.decide_time", s.decide_time.as_ref())?,
        },
        Some(Given::ViolationFound(s)) => Step::Violation {
            found: parse::time("violation_found.find_time", s.find_time.as_ref())?,
            hours: practice.police_report_hours,
        },
        Some(Given::PoliceReported(s)) => Step::Reported {
            number: parse::text("police_reported.outside_number", s.outside_number, 100)?,
            when: parse::time("police_reported.report_time", s.report_time.as_ref())?,
        },
    })
}
