//! Gets a transfer with its history.

use redress_model::Fault;
use redress_proto::assignment::v1::{GetTransferRequest, GetTransferResponse};
use redress_rpc::Caller;
use tonic::Request;

use super::super::Shared;
use super::{matter, render};
use crate::domain::practice::transfer::Transfer;

pub(super) async fn run(
    shared: &Shared,
    request: Request<GetTransferRequest>,
) -> Result<GetTransferResponse, Fault> {
    let caller = Caller::of(&request)?;
    let (kept, steps) = matter::read::<Transfer>(shared, caller, &request.get_ref().name).await?;
    Ok(GetTransferResponse {
        transfer: Some(render::transfer(kept, steps)),
    })
}
