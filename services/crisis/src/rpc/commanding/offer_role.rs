//! OfferRole: the role stays with its holder until the other accepts. FAILED_PRECONDITION `NOT_ON_ROSTER`,
//! `HOLDS_ROLE`. A repeat changes nothing and succeeds.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{IncidentName, StaffId, StaffName};
use redress_model::words::DutyRole;
use redress_proto::convert::required;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use tonic::Request;

use super::super::command::{self, Command, Order};
use super::super::statements;
use super::Commanding;
use super::view::read;
use crate::domain::statement::Person;
use crate::flow::{Transition, Turn};

const METHOD: &str = "redress.crisis.v1.CommandService/OfferRole";

pub(super) async fn handle(
    api: &Commanding,
    request: &Request<wire::OfferRoleRequest>,
) -> Result<wire::OfferRoleResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let incident: IncidentName = parse_field("name", &r.name)?;
    let staff: StaffName = parse_field("staff", &r.staff)?;
    if staff.site != incident.site {
        let text = "must belong to the incident's site";
        return Err(Fault::invalid("staff", text));
    }
    let unidentified = wire::OfferRoleRequest {
        request_id: String::new(),
        ..r.clone()
    };
    let order = Order {
        method: METHOD,
        field: "name",
        name: &r.name,
        etag: &r.etag,
        request_id: &r.request_id,
        fingerprint: api.incidents.fingerprints.of(METHOD, &unidentified),
    };
    let offer = Offer {
        role: required("role", r.role)?,
        to: staff.id,
        reason: &r.reason,
        by: statements::person(caller),
    };
    command::run(&api.incidents, caller, order, offer).await?;
    let command = read(api, caller, &r.name).await?;
    Ok(wire::OfferRoleResponse {
        command: Some(command),
    })
}

struct Offer<'a> {
    role: DutyRole,
    to: StaffId,
    reason: &'a str,
    by: Person,
}

impl Command for Offer<'_> {
    const NAME: &'static str = "crisis.offer_role";

    async fn act(&self, turn: &mut Turn<'_>) -> Result<Option<Transition>, Fault> {
        let offered = turn
            .offer_role(self.role, &self.to, self.reason, &self.by)
            .await?;
        Ok(offered.then_some(Transition::Changed))
    }
}
