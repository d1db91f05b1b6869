//! ValidityService, one file per RPC.

mod appeal_validity;
mod decide_appeal;
mod decide_validity;
mod get_validity;
mod judge_demands;
mod reject_work;

use redress_model::Fault;
use redress_model::name::CaseName;
use redress_proto::assignment::v1::validity_service_server::ValidityService;
use redress_proto::assignment::v1::{
    AppealValidityRequest, AppealValidityResponse, DecideAppealRequest, DecideAppealResponse,
    DecideValidityRequest, DecideValidityResponse, GetValidityRequest, GetValidityResponse,
    JudgeDemandsRequest, JudgeDemandsResponse, RejectWorkRequest, RejectWorkResponse,
};
use redress_rpc::status;
use redress_store::Tx;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Shared, parse};
use crate::domain::validity::{DecidedAbove, Validity};
use crate::store::{evidence, judgements};

/// A decision that this caller does not overturn.
fn decided_above(why: &DecidedAbove, case: &CaseName) -> Fault {
    Fault::illegal("DECIDED_ABOVE", why.to_string(), parse::work_name(case))
}

/// The ids of the pieces of evidence that are named, in their order. What turns a complaint down, now or on appeal, names one
/// at least.
fn pieces(case: &CaseName, names: &[String], turns_down: bool) -> Result<Vec<Uuid>, Fault> {
    if turns_down && names.is_empty() {
        let wrong = "must name what proves it: nothing is turned down without evidence";
        return Err(Fault::invalid("evidence", wrong));
    }
    let prefix = format!("{case}/evidence/");
    let mut pieces = Vec::new();
    for (i, name) in names.iter().enumerate() {
        let id = name.strip_prefix(&prefix).map(str::parse::<Uuid>);
        let Some(Ok(id)) = id else {
            let field = format!("evidence[{i}]");
            let wrong = format!("must be {prefix}{{evidence}}");
            return Err(Fault::invalid(field, wrong));
        };
        pieces.push(id);
    }
    Ok(pieces)
}

/// What a decision rests on has to exist.
async fn require_known(tx: &mut Tx, case: &CaseName, pieces: &[Uuid]) -> Result<(), Fault> {
    let known = evidence::known(tx, case, pieces).await?;
    match pieces.iter().position(|piece| !known.contains(piece)) {
        None => Ok(()),
        Some(i) => Err(Fault::invalid(
            format!("evidence[{i}]"),
            "must be a piece that was recorded with the case; a new one is known within seconds",
        )),
    }
}

/// Refuses to turn down as this what holds a demand that stands judged lawful and reasonable (M02).
async fn require_borne(tx: &mut Tx, case: &CaseName, validity: Validity) -> Result<(), Fault> {
    let judged = judgements::of_case(tx, case).await?;
    if judged.first().is_none_or(|judged| judged.bears(validity)) {
        return Ok(());
    }
    Err(Fault::illegal(
        "DEMAND_JUSTIFIED",
        "a demand stands judged lawful and reasonable; legal now: meet it, or judge the demands again with a reason",
        parse::work_name(case),
    ))
}

/// Whether complaints are justified.
#[derive(Debug, Clone)]
pub struct ValidityRpc(pub Shared);

#[tonic::async_trait]
impl ValidityService for ValidityRpc {
    async fn judge_demands(
        &self,
        request: Request<JudgeDemandsRequest>,
    ) -> Result<Response<JudgeDemandsResponse>, Status> {
        answer!(&self.0, request, judge_demands)
    }

    async fn decide_validity(
        &self,
        request: Request<DecideValidityRequest>,
    ) -> Result<Response<DecideValidityResponse>, Status> {
        answer!(&self.0, request, decide_validity)
    }

    async fn get_validity(
        &self,
        request: Request<GetValidityRequest>,
    ) -> Result<Response<GetValidityResponse>, Status> {
        answer!(&self.0, request, get_validity)
    }

    async fn reject_work(
        &self,
        request: Request<RejectWorkRequest>,
    ) -> Result<Response<RejectWorkResponse>, Status> {
        answer!(&self.0, request, reject_work)
    }

    async fn appeal_validity(
        &self,
        request: Request<AppealValidityRequest>,
    ) -> Result<Response<AppealValidityResponse>, Status> {
        answer!(&self.0, request, appeal_validity)
    }

    async fn decide_appeal(
        &self,
        request: Request<DecideAppealRequest>,
    ) -> Result<Response<DecideAppealResponse>, Status> {
        answer!(&self.0, request, decide_appeal)
    }
}
