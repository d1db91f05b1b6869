//! The command of an incident as callers see it.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{IncidentName, SiteId, StaffName};
use redress_model::words::Word as _;
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};

use super::Commanding;
use crate::rpc::statements::view::deputy;
use crate::rpc::view::{Depth, view};
use crate::store::handovers::{self, Handover};
use crate::store::{deputies, incidents, links};

/// Offers shown at most.
const OFFERS_MAX: i64 = 100;

/// Reads the command of an incident, for a caller of its site.
pub(super) async fn read(
    api: &Commanding,
    caller: &Caller,
    name: &str,
) -> Result<wire::IncidentCommand, Fault> {
    let name: IncidentName = parse_field("name", name)?;
    caller.require_site(&name.site)?;
    let command = ReadCommand {
        name: &name,
        at: api.incidents.desk.clock.now(),
    };
    redress_runtime::sight(caller)
        .read(&api.incidents.db, &command)
        .await
}

struct ReadCommand<'a> {
    name: &'a IncidentName,
    /// Who acts for a role now.
    at: Timestamp,
}

impl Operation for ReadCommand<'_> {
    const NAME: &'static str = "crisis.get_command";
    type Output = wire::IncidentCommand;

    async fn run(&self, tx: &mut Tx) -> Result<wire::IncidentCommand, Fault> {
        let IncidentName { site, id } = self.name;
        let found = incidents::get(tx, site, *id).await?;
        let incident = found.ok_or_else(|| Fault::not_found("Incident", self.name))?;
        let offers = handovers::of_incident(tx, site, *id, OFFERS_MAX).await?;
        let mut shown_links = Vec::new();
        for link in links::of_incident(tx, self.name).await? {
            // Row security decides: a caller sees of the other what its sites allow.
            let other = incidents::get(tx, &link.other.site, link.other.id).await?;
            let shown = match other {
                Some(other) => Some(brief(view(tx, other, Depth::Listed).await?)),
                None => None,
            };
            shown_links.push(wire::IncidentLink {
                incident: link.other.to_string(),
                leads: link.leads,
                reason: link.reason,
                actor: link.actor,
                link_time: Some(to_timestamp(link.linked)),
                shown,
            });
        }
        let acting = deputies::acting(tx, site, *id, self.at).await?;
        let shown = view(tx, incident, Depth::Listed).await?;
        Ok(wire::IncidentCommand {
            deputies: acting.iter().map(|d| deputy(site, d)).collect(),
            incident: shown.name,
            roles: shown.roles,
            handovers: offers.iter().map(|o| handover(site, o)).collect(),
            links: shown_links,
            etag: shown.etag,
        })
    }
}

fn brief(incident: wire::Incident) -> wire::Incident {
    wire::Incident {
        cases: Vec::new(),
        ..incident
    }
}

pub(in crate::rpc) fn handover(site: &SiteId, of: &Handover) -> wire::Handover {
    let name = |id| StaffName::new(site.clone(), id).to_string();
    wire::Handover {
        role: to_wire(of.role),
        from: of.from.clone().map(name).unwrap_or_default(),
        to: name(of.to.clone()),
        reason: of.reason.clone(),
        state: of.state.number(),
        offered_by: of.offered_by.clone(),
        offer_time: Some(to_timestamp(of.offered)),
        expire_time: Some(to_timestamp(of.expires)),
        answer_time: of.answered.map(to_timestamp),
        answer: of.answer.clone(),
    }
}
