//! Gets a decision on a case.

use redress_model::Fault;
use redress_model::name::CaseName;
use redress_model::words::Category;
use redress_proto::convert::to_wire_opt;
use redress_proto::triage::v1::{CategoryBasis, GetDecisionRequest, GetDecisionResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, parse, render, require_visible};
use crate::store::decisions::{self, DecisionRow};
use crate::store::lessons;

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
    let (row, learned) = shared
        .desk
        .db
        .read(&redress_runtime::scope(caller), &get)
        .await?;
    let mut decision = render::decision(&get.case.site, row);
    if let Some(rule) = learned.filter(|_| decision.category_basis() == CategoryBasis::Suggested) {
        decision.set_category_basis(CategoryBasis::Learned);
        decision.rule_category = to_wire_opt(rule);
    }
    Ok(GetDecisionResponse {
        decision: Some(decision),
    })
}

struct Get<'a> {
    case: CaseName,
    revision: Option<i64>,
    caller: &'a Caller,
}

impl Operation for Get<'_> {
    const NAME: &'static str = "triage.get_decision";
    /// The decision; and where its category was learned, what the rules gave.
    type Output = (DecisionRow, Option<Option<Category>>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        require_visible(tx, self.caller, &self.case).await?;
        let CaseName { site, id, .. } = &self.case;
        let row = decisions::get(tx, site, *id, self.revision)
            .await?
            .ok_or_else(|| Fault::not_found("Decision", &self.case))?;
        Ok((row, lessons::learned(tx, site, *id).await?))
    }
}
