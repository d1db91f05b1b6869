//! Gets a settlement with its roll and history.

use redress_model::Fault;
use redress_proto::assignment::v1::{GetSettlementRequest, GetSettlementResponse};
use redress_rpc::Caller;
use tonic::Request;

use super::super::Shared;
use super::{matter, render};
use crate::domain::practice::settlement::Settlement;

pub(super) async fn run(
    shared: &Shared,
    request: Request<GetSettlementRequest>,
) -> Result<GetSettlementResponse, Fault> {
    let caller = Caller::of(&request)?;
    let (kept, steps) = matter::read::<Settlement>(shared, caller, &request.get_ref().name).await?;
    Ok(GetSettlementResponse {
        settlement: Some(render::settlement(kept, true, steps)),
    })
}
