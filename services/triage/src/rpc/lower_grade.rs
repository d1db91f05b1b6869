//! Lowers the grade of a case by a person's word.

use redress_model::Fault;
use redress_proto::triage::v1::{LowerGradeRequest, LowerGradeResponse};
use redress_rpc::Caller;
use tonic::Request;

use super::overrule::{self, Asked};
use super::{Shared, render};
use crate::domain::standing::Direction;

const METHOD: &str = "redress.triage.v1.TriageService/LowerGrade";

pub(super) async fn run(
    shared: &Shared,
    request: Request<LowerGradeRequest>,
) -> Result<LowerGradeResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let (case, grade) = overrule::read(&caller, &request.case, request.grade)?;
    let site = case.site.clone();
    let request_id = std::mem::take(&mut request.request_id);
    let asked = Asked {
        receipt: shared.receipt(&caller, METHOD, &site, request_id, &request),
        caller: &caller,
        case,
        direction: Direction::Lowered,
        grade,
        reason: overrule::reason(request.reason)?,
        etag: request.etag,
    };
    let row = overrule::run(shared, asked).await?;
    Ok(LowerGradeResponse {
        decision: Some(render::decision(&site, row)),
    })
}
