//! GetExposure: with everything that was said of it.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::ExposureName;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use tonic::Request;

use super::super::subject::Read;
use super::Media;
use crate::store::media::Exposure;

pub(super) async fn handle(
    api: &Media,
    request: &Request<wire::GetExposureRequest>,
) -> Result<wire::GetExposureResponse, Fault> {
    let caller = Caller::of(request)?;
    let name: ExposureName = parse_field("name", &request.get_ref().name)?;
    caller.require_site(&name.site)?;
    let read = Read::<Exposure> {
        desk: &api.incidents.desk,
        name,
    };
    let db = &api.incidents.db;
    let exposure = redress_runtime::sight(caller).read(db, &read).await?;
    Ok(wire::GetExposureResponse {
        exposure: Some(exposure),
    })
}
