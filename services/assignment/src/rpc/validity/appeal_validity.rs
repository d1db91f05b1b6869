//! Takes in the complainant's one appeal against a rejection.

use redress_model::Fault;
use redress_proto::assignment::v1::{AppealValidityRequest, AppealValidityResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use crate::domain::transition::Action;
use crate::domain::validity::Appeal;
use crate::rpc::asked::Asked;
use crate::rpc::{Shared, parse, render};
use crate::store::{appeals, validity};

const METHOD: &str = "redress.assignment.v1.ValidityService/AppealValidity";

pub(super) async fn run(
    shared: &Shared,
    request: Request<AppealValidityRequest>,
) -> Result<AppealValidityResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let case = parse::case_of_work(&request.name)?;
    let request_id = std::mem::take(&mut request.request_id);
    let asked = shared.asked(&caller, METHOD, case, request_id, &request, "")?;
    let operation = Hear {
        reason: request.reason,
        asked,
    };
    let appeal = shared
        .db
        .run(&redress_runtime::scope(&caller), &operation)
        .await?;
    Ok(AppealValidityResponse {
        appeal: Some(render::appeal(appeal)),
    })
}

struct Hear<'a> {
    asked: Asked<'a>,
    reason: String,
}

impl Operation for Hear<'_> {
    const NAME: &'static str = "assignment.appeal_validity";
    type Output = Appeal;

    async fn run(&self, tx: &mut Tx) -> Result<Appeal, Fault> {
        let begun = self.asked.begin(tx).await?;
        let case = &self.asked.case;
        let known = validity::appeal(tx, case).await?;
        if begun.done.is_some() {
            return known.ok_or_else(|| Fault::not_found("Appeal", parse::work_name(case)));
        }
        let action = Action::Appeal("appealed".to_owned());
        let after = self.asked.change(tx, &begun.work, action).await?;
        if known.is_some() {
            return Err(Fault::illegal(
                "APPEALED_BEFORE",
                "a complaint is appealed once; legal now: nothing but a new complaint",
                parse::work_name(case),
            ));
        }
        let decisions = validity::of_case(tx, case).await?;
        // Nothing is rejected without a decision.
        let stands = decisions.first();
        let stands = stands.ok_or_else(|| Fault::internal("a rejected case without a decision"))?;
        let appeal = Appeal {
            reason: self.reason.clone(),
            at: self.asked.now,
            against: stands.decider.clone(),
            decided: None,
            evidence: Vec::new(),
        };
        validity::add_appeal(tx, case, &appeal).await?;
        let actor = &self.asked.caller.subject;
        let against = &appeal.against;
        appeals::owe(tx, &after, stands, against, actor, self.asked.now).await?;
        self.asked.keep(tx, &after).await?;
        Ok(appeal)
    }
}
