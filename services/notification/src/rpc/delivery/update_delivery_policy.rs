//! UpdateDeliveryPolicy: a site decides when its customers are left alone, and how many messages readers get.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::{SiteId, SiteName};
use redress_proto::notification::v1 as proto;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;

use super::Delivery;
use crate::domain::timing::{Quiet, Rate};
use crate::store::matters;
use crate::store::timing::{self, DeliveryPolicy};

const METHOD: &str = "redress.notification.v1.DeliveryService/UpdateDeliveryPolicy";

struct UpdateDeliveryPolicy<'a> {
    site: &'a SiteId,
    policy: DeliveryPolicy,
    etag: &'a str,
    receipt: ReceiptKey,
    now: Timestamp,
}

impl Operation for UpdateDeliveryPolicy<'_> {
    const NAME: &'static str = "notification.update_delivery_policy";
    type Output = DeliveryPolicy;

    async fn run(&self, tx: &mut Tx) -> Result<DeliveryPolicy, Fault> {
        matters::site(tx, self.site)
            .await?
            .ok_or_else(|| Fault::not_found("Site", SiteName(self.site.clone())))?;
        let claim = receipt::claim(tx, &self.receipt, self.now).await?;
        let current = timing::policy(tx, self.site).await?;
        if matches!(claim, Claim::Seen { .. }) {
            return Ok(current);
        }
        let name = super::policy_name(self.site);
        etag::check(self.etag, current.revision, &name)?;
        let policy = DeliveryPolicy {
            revision: current.revision + 1,
            ..self.policy
        };
        if !timing::keep_policy(tx, self.site, &policy).await? {
            let current_etag = etag::of(timing::policy(tx, self.site).await?.revision);
            return Err(Fault::Conflict { name, current_etag });
        }
        receipt::complete(tx, &self.receipt, &name, &etag::of(policy.revision)).await?;
        Ok(policy)
    }
}

pub(super) async fn handle(
    service: &Delivery,
    request: Request<proto::UpdateDeliveryPolicyRequest>,
) -> Result<proto::UpdateDeliveryPolicyResponse, Fault> {
    let caller = Caller::of(&request)?;
    let asked = request.get_ref();
    let wanted = asked
        .delivery_policy
        .as_ref()
        .ok_or_else(|| Fault::invalid("delivery_policy", "must be given"))?;
    let site = super::policy_site("delivery_policy.name", &wanted.name)?;
    caller.require_site(&site)?;
    let quiet = Quiet::parse(&wanted.quiet_start, &wanted.quiet_end)
        .map_err(|_| Fault::invalid("delivery_policy.quiet_start", "must look like 21:00"))?;
    let unnumbered = proto::UpdateDeliveryPolicyRequest {
        request_id: String::new(),
        ..asked.clone()
    };
    let operation = UpdateDeliveryPolicy {
        site: &site,
        policy: DeliveryPolicy {
            quiet,
            customer: Rate {
                burst: wanted.customer_burst,
                per_hour: wanted.customer_per_hour,
            },
            staff: Rate {
                burst: wanted.staff_burst,
                per_hour: wanted.staff_per_hour,
            },
            revision: 0,
        },
        etag: &wanted.etag,
        receipt: ReceiptKey {
            caller: caller.key(),
            method: METHOD,
            request_id: asked.request_id.clone(),
            site: site.to_string(),
            fingerprint: service.fingerprints.of(METHOD, &unnumbered).to_vec(),
        },
        now: service.clock.now(),
    };
    let policy = redress_runtime::sight(caller)
        .run(&service.db, &operation)
        .await?;
    Ok(proto::UpdateDeliveryPolicyResponse {
        delivery_policy: Some(super::policy_wire(&site, &policy)),
    })
}
