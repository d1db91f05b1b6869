//! Gets a dispute with its history.

use redress_model::Fault;
use redress_proto::assignment::v1::{GetDisputeRequest, GetDisputeResponse};
use redress_rpc::Caller;
use tonic::Request;

use super::super::Shared;
use super::{matter, render};
use crate::domain::practice::dispute::Dispute;

pub(super) async fn run(
    shared: &Shared,
    request: Request<GetDisputeRequest>,
) -> Result<GetDisputeResponse, Fault> {
    let caller = Caller::of(&request)?;
    let (kept, steps) = matter::read::<Dispute>(shared, caller, &request.get_ref().name).await?;
    Ok(GetDisputeResponse {
        dispute: Some(render::dispute(kept, steps)),
    })
}
