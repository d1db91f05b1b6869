//! Turns an invalid complaint down: answered with reasons all the same, and in time (M18).

use redress_model::Fault;
use redress_model::words::Channel;
use redress_proto::assignment::v1::{RejectWorkRequest, RejectWorkResponse};
use redress_proto::convert::required;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::require_borne;
use crate::domain::bench::Bench;
use crate::domain::outward::Kind;
use crate::domain::transition::{Action, transition};
use crate::domain::work::Work;
use crate::rpc::asked::{Asked, require_responsible};
use crate::rpc::outward::{Outward, require_no_money};
use crate::rpc::{Shared, illegal, parse, render};
use crate::store::outbox::{self, Spoken};
use crate::store::{appeals, validity, work};

const METHOD: &str = "redress.assignment.v1.ValidityService/RejectWork";

pub(super) async fn run(
    shared: &Shared,
    request: Request<RejectWorkRequest>,
) -> Result<RejectWorkResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let case = parse::case_of_work(&request.name)?;
    let request_id = std::mem::take(&mut request.request_id);
    let asked = shared.asked(&caller, METHOD, case, request_id, &request, &request.etag)?;
    require_no_money("answer", &request.answer)?;
    let operation = Reject {
        answer: request.answer,
        override_reason: request.wording_override_reason,
        channel: required("channel", request.channel)?,
        asked,
    };
    let work = shared
        .db
        .run(&redress_runtime::scope(&caller), &operation)
        .await?;
    Ok(RejectWorkResponse {
        work: Some(render::work(work)),
    })
}

struct Reject<'a> {
    asked: Asked<'a>,
    answer: String,
    override_reason: String,
    channel: Channel,
}

impl Operation for Reject<'_> {
    const NAME: &'static str = "assignment.reject_work";
    type Output = Work;

    async fn run(&self, tx: &mut Tx) -> Result<Work, Fault> {
        let begun = self.asked.begin(tx).await?;
        if begun.done.is_some() {
            return Ok(begun.work);
        }
        let (before, case) = (&begun.work, &self.asked.case);
        let (caller, now) = (self.asked.caller, self.asked.now);
        let outward = Outward {
            site: &case.site,
            kind: Kind::Answer,
            texts: vec![("answer".to_owned(), self.answer.as_str())],
            override_reason: &self.override_reason,
            caller,
            now,
        };
        let in_spite_of = outward.run(tx).await?;
        let action = Action::Reject(format!("{}{in_spite_of}", self.answer));
        let outcome =
            transition(before, action, &Bench::default(), now).map_err(|e| illegal(&e, case))?;
        let decisions = validity::of_case(tx, case).await?;
        let Some(stands) = decisions.first().filter(|d| d.turns_down()) else {
            return Err(Fault::illegal(
                "NOT_INVALID",
                "no decision says with evidence that the complaint is invalid; legal now: decide its validity, or handle it",
                parse::work_name(case),
            ));
        };
        require_borne(tx, case, stands.validity).await?;
        require_responsible(caller, before)?;
        // The answer comes first: what has ended meets no promise any more.
        let spoken = Spoken {
            channel: self.channel,
            substantive: true,
            visit: false,
            follow_up: false,
            promised: None,
            staff: caller.staff.as_ref(),
            at: now,
        };
        outbox::contact_recorded(tx, case, &spoken).await?;
        work::save(tx, Some(before), &outcome, &caller.subject, now).await?;
        // An appeal that was not heard before the case was opened again is heard now.
        let appeal = validity::appeal(tx, case).await?;
        if let Some(appeal) = appeal.filter(|appeal| appeal.decided.is_none()) {
            let (work, actor) = (&outcome.work, &caller.subject);
            appeals::owe(tx, work, stands, &appeal.against, actor, now).await?;
        }
        self.asked.keep(tx, &outcome.work).await?;
        Ok(outcome.work)
    }
}
