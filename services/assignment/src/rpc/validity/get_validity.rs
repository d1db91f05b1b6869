//! Gets what was judged and decided on validity, and whether it was appealed.

use redress_model::Fault;
use redress_model::name::CaseName;
use redress_proto::assignment::v1::{GetValidityRequest, GetValidityResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use crate::domain::validity::{Appeal, Decision, Judgement};
use crate::rpc::{Shared, parse, render, visible_work};
use crate::store::{judgements, validity};

pub(super) async fn run(
    shared: &Shared,
    request: Request<GetValidityRequest>,
) -> Result<GetValidityResponse, Fault> {
    let caller = Caller::of(&request)?;
    let operation = Get {
        case: parse::case_of_work(&request.get_ref().name)?,
        caller,
    };
    let (decisions, appeal, judgement) = shared
        .db
        .read(&redress_runtime::scope(caller), &operation)
        .await?;
    Ok(GetValidityResponse {
        decisions: decisions.into_iter().map(render::validity).collect(),
        appeal: appeal.map(render::appeal),
        judgement: judgement.map(render::judgement),
    })
}

struct Get<'a> {
    case: CaseName,
    caller: &'a Caller,
}

impl Operation for Get<'_> {
    const NAME: &'static str = "assignment.get_validity";
    type Output = (Vec<Decision>, Option<Appeal>, Option<Judgement>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        visible_work(tx, self.caller, &self.case).await?;
        let decisions = validity::of_case(tx, &self.case).await?;
        let appeal = validity::appeal(tx, &self.case).await?;
        let judged = judgements::of_case(tx, &self.case).await?;
        Ok((decisions, appeal, judged.into_iter().next()))
    }
}
