//! GetCommand. NOT_FOUND when there is no such incident in the caller's sites.

use redress_model::Fault;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use tonic::Request;

use super::Commanding;
use super::view::read;

pub(super) async fn handle(
    api: &Commanding,
    request: &Request<wire::GetCommandRequest>,
) -> Result<wire::GetCommandResponse, Fault> {
    let caller = Caller::of(request)?;
    let command = read(api, caller, &request.get_ref().name).await?;
    Ok(wire::GetCommandResponse {
        command: Some(command),
    })
}
