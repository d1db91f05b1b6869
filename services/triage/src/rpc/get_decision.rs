//! Gets a decision on a case.

use redress_model::Fault;
use redress_model::name::CaseName;
use redress_proto::triage::v1::{GetDecisionRequest, GetDecisionResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, parse, render, require_visible};
use crate::store::decisions::{self, DecisionRow};

pub(super) async fn run(
    shared: &Shared,
    request: Request<GetDecisionRequest>,
) -> Result<GetDecisionResponse, Fault> {
    let caller = Caller::of(&request)?;
    let (case, revision) = parse::decision(&request.get_ref().name)?;
    let get = Get {
        case,
        revision,
        caller,
    };
    let row = shared
        .desk
        .db
        .read(&redress_runtime::scope(caller), &get)
        .await?;
    Ok(GetDecisionResponse {
        decision: Some(render::decision(&get.case.site, row)),
    })
}

struct Get<'a> {
    case: CaseName,
    revision: Option<i64>,
    caller: &'a Caller,
}

impl Operation for Get<'_> {
    const NAME: &'static str = "triage.get_decision";
    type Output = DecisionRow;

    async fn run(&self, tx: &mut Tx) -> Result<DecisionRow, Fault> {
        require_visible(tx, self.caller, &self.case).await?;
        decisions::get(tx, &self.case.site, self.case.id, self.revision)
            .await?
            .ok_or_else(|| Fault::not_found("Decision", &self.case))
    }
}
