//! GetDeliveryPolicy: when customers of a site are left alone, and how many messages readers get.

use redress_model::Fault;
use redress_model::name::{SiteId, SiteName};
use redress_proto::notification::v1 as proto;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::Delivery;
use crate::store::matters;
use crate::store::timing::{self, DeliveryPolicy};

struct GetDeliveryPolicy<'a>(&'a SiteId);

impl Operation for GetDeliveryPolicy<'_> {
    const NAME: &'static str = "notification.get_delivery_policy";
    type Output = DeliveryPolicy;

    async fn run(&self, tx: &mut Tx) -> Result<DeliveryPolicy, Fault> {
        matters::site(tx, self.0)
            .await?
            .ok_or_else(|| Fault::not_found("Site", SiteName(self.0.clone())))?;
        timing::policy(tx, self.0).await
    }
}

pub(super) async fn handle(
    service: &Delivery,
    request: Request<proto::GetDeliveryPolicyRequest>,
) -> Result<proto::GetDeliveryPolicyResponse, Fault> {
    let caller = Caller::of(&request)?;
    let site = super::policy_site("name", &request.get_ref().name)?;
    caller.require_site(&site)?;
    let policy = redress_runtime::sight(caller)
        .read(&service.db, &GetDeliveryPolicy(&site))
        .await?;
    Ok(proto::GetDeliveryPolicyResponse {
        delivery_policy: Some(super::policy_wire(&site, &policy)),
    })
}
