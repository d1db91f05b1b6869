//! GetInquiry: the journalist only for callers who may know.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::InquiryName;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use redress_store::{Keyring, Operation, Tx};
use tonic::Request;
use zeroize::Zeroizing;

use super::{Media, view};
use crate::store::incidents;
use crate::store::media::{self, Inquiry};

/// What a caller needs besides the method's own permission to read who asked.
const READ_JOURNALISTS: &str = "media.read_journalists";

pub(super) async fn handle(
    api: &Media,
    request: &Request<wire::GetInquiryRequest>,
) -> Result<wire::GetInquiryResponse, Fault> {
    let caller = Caller::of(request)?;
    let name: InquiryName = parse_field("name", &request.get_ref().name)?;
    caller.require_site(&name.site)?;
    let get = Get {
        name,
        keys: caller.may(READ_JOURNALISTS).then_some(&*api.keys),
    };
    let db = &api.incidents.db;
    let (inquiry, journalist) = redress_runtime::sight(caller).read(db, &get).await?;
    Ok(wire::GetInquiryResponse {
        inquiry: Some(wire::Inquiry {
            journalist: journalist.map_or_else(String::new, |named| named.to_string()),
            ..view::inquiry(&inquiry)
        }),
    })
}

struct Get<'a> {
    name: InquiryName,
    keys: Option<&'a Keyring>,
}

impl Operation for Get<'_> {
    const NAME: &'static str = "crisis.get_inquiry";
    type Output = (Inquiry, Option<Zeroizing<String>>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let missing = || Fault::not_found("Inquiry", &self.name);
        let inquiry = media::inquiry(tx, &self.name).await?.ok_or_else(missing)?;
        // Whoever may not see the incident sees nothing of its desk.
        let incident = incidents::get(tx, &self.name.site, inquiry.incident).await?;
        incident.ok_or_else(missing)?;
        let journalist = match self.keys {
            Some(keys) => media::journalist(tx, keys, &self.name).await?,
            None => None,
        };
        Ok((inquiry, journalist))
    }
}
