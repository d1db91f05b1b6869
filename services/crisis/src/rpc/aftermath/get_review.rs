//! GetReview: with the timeline and how promises were kept. NOT_FOUND when there is no such incident in the caller's sites.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::IncidentName;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use tonic::Request;

use super::super::Incidents;
use super::super::subject::Read;
use crate::store::reviews::Review;

pub(super) async fn handle(
    api: &Incidents,
    request: &Request<wire::GetReviewRequest>,
) -> Result<wire::GetReviewResponse, Fault> {
    let caller = Caller::of(request)?;
    let name: IncidentName = parse_field("name", &request.get_ref().name)?;
    caller.require_site(&name.site)?;
    let read: Read<'_, Review> = Read {
        desk: &api.desk,
        name,
    };
    let review = redress_runtime::sight(caller).read(&api.db, &read).await?;
    Ok(wire::GetReviewResponse {
        review: Some(review),
    })
}
