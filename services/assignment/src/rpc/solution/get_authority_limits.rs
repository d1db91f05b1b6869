//! Gets what each level may decide at a site.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{SiteId, SiteName};
use redress_proto::assignment::v1::{GetAuthorityLimitsRequest, GetAuthorityLimitsResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use crate::domain::authority::Limits;
use crate::rpc::{Shared, render};
use crate::store::{limits, sites};

pub(super) async fn run(
    shared: &Shared,
    request: Request<GetAuthorityLimitsRequest>,
) -> Result<GetAuthorityLimitsResponse, Fault> {
    let caller = Caller::of(&request)?;
    let site: SiteName = parse_field("name", &request.get_ref().name)?;
    let operation = Get { site: site.0 };
    let limits = shared
        .db
        .read(&redress_runtime::scope(caller), &operation)
        .await?;
    Ok(GetAuthorityLimitsResponse {
        limits: render::limits(&limits),
    })
}

struct Get {
    site: SiteId,
}

impl Operation for Get {
    const NAME: &'static str = "assignment.get_authority_limits";
    type Output = Limits;

    async fn run(&self, tx: &mut Tx) -> Result<Limits, Fault> {
        sites::require(tx, &self.site).await?;
        limits::of_site(tx, &self.site).await
    }
}
