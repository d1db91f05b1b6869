//! GetPreference: how a customer wants to be reached.

use redress_model::Fault;
use redress_model::name::{SiteId, SiteName};
use redress_proto::notification::v1 as proto;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::Delivery;
use crate::domain::preference::Preference;
use crate::store::{matters, preferences};

struct GetPreference<'a> {
    site: &'a SiteId,
    person: &'a str,
}

impl Operation for GetPreference<'_> {
    const NAME: &'static str = "notification.get_preference";
    type Output = Preference;

    async fn run(&self, tx: &mut Tx) -> Result<Preference, Fault> {
        matters::site(tx, self.site)
            .await?
            .ok_or_else(|| Fault::not_found("Site", SiteName(self.site.clone())))?;
        preferences::get(tx, self.site, self.person).await
    }
}

pub(super) async fn handle(
    service: &Delivery,
    request: Request<proto::GetPreferenceRequest>,
) -> Result<proto::GetPreferenceResponse, Fault> {
    let caller = Caller::of(&request)?;
    let (site, person) = super::preference_person("name", &request.get_ref().name)?;
    caller.require_site(&site)?;
    let operation = GetPreference {
        site: &site,
        person: &person,
    };
    let preference = redress_runtime::sight(caller)
        .read(&service.db, &operation)
        .await?;
    Ok(proto::GetPreferenceResponse {
        preference: Some(super::preference_wire(&site, &person, &preference)),
    })
}
