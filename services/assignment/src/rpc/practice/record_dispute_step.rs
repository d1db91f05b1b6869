//! Records what became of a dispute: a rung entered or ended, a defence, a decision, an appeal, a violation. Money that it is
//! settled on is recorded by whoever may decide the sum (section 7).

use redress_model::Fault;
use redress_model::name::CaseName;
use redress_policy::Practice;
use redress_proto::assignment::v1::record_dispute_step_request::Step as Given;
use redress_proto::assignment::v1::{RecordDisputeStepRequest, RecordDisputeStepResponse};
use redress_proto::convert::required;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use redress_wording::money;
use tonic::Request;

use super::super::solution::level::level_of;
use super::super::{Shared, visible_work};
use super::matter::{self, Step as Change};
use super::{parse, place, render};
use crate::domain::practice::dispute::{Dispute, Outcome, Step};
use crate::store::limits;
use crate::store::matters::Kept;

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
    let kept = shared.db.run(&scope, &Act(change)).await?;
    Ok(RecordDisputeStepResponse {
        dispute: Some(render::dispute(kept, Vec::new())),
    })
}

struct Act<'a>(Change<'a, Dispute>);

impl Operation for Act<'_> {
    const NAME: &'static str = "assignment.record_dispute_step";
    type Output = Kept<Dispute>;

    async fn run(&self, tx: &mut Tx) -> Result<Kept<Dispute>, Fault> {
        let Self(change) = self;
        let kept = change.run(tx).await?;
        // A repeat was held against the limits of its time.
        if kept.updated == change.now
            && let Step::Left {
                outcome: Outcome::Settled,
                result,
                ..
            } = &change.step
        {
            require_level(tx, change.caller, &kept, result).await?;
        }
        Ok(kept)
    }
}

/// Refuses callers who may not decide the money that a dispute is settled on.
async fn require_level(
    tx: &mut Tx,
    caller: &Caller,
    kept: &Kept<Dispute>,
    result: &str,
) -> Result<(), Fault> {
    if money::sums(result).iter().any(|sum| sum.yuan.is_none()) {
        let rule = "must name every sum: who may settle on it is decided by that";
        return Err(Fault::invalid("text", rule));
    }
    let (Some(sum), Some(case)) = (money::total(result), kept.case) else {
        return Ok(());
    };
    let work = visible_work(tx, caller, &CaseName::new(kept.site.clone(), case)).await?;
    let limits = limits::of_site(tx, &kept.site).await?;
    let required = limits.required(sum, work.gravest);
    let level = level_of(tx, caller, &kept.site).await?;
    if level < required {
        let text = format!(
            "settling on it takes {required}, and this caller is {level}; legal now: {required} or above records it"
        );
        return Err(Fault::illegal("ABOVE_LIMIT", text, kept.name()));
    }
    Ok(())
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
