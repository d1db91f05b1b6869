//! LinkIncident: one command for incidents of several sites. FAILED_PRECONDITION `LINK_CHAIN`. A repeat changes
//! nothing and succeeds.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{IncidentName, StaffName};
use redress_proto::crisis::v1 as wire;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use redress_timers::Entry;
use tonic::Request;

use super::Commanding;
use super::view::read;
use crate::flow::{Desk, Linking, Turn, link, unlink};
use crate::store::incidents;

const METHOD: &str = "redress.crisis.v1.CommandService/LinkIncident";

pub(super) async fn handle(
    api: &Commanding,
    request: &Request<wire::LinkIncidentRequest>,
) -> Result<wire::LinkIncidentResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let unidentified = wire::LinkIncidentRequest {
        request_id: String::new(),
        ..r.clone()
    };
    let two = Two {
        method: METHOD,
        name: &r.name,
        led: &r.led,
        reason: &r.reason,
        etag: &r.etag,
        request_id: &r.request_id,
        fingerprint: api.incidents.fingerprints.of(METHOD, &unidentified),
        link: true,
    };
    run(api, caller, two).await?;
    let command = read(api, caller, &r.name).await?;
    Ok(wire::LinkIncidentResponse {
        command: Some(command),
    })
}

/// What linking and unlinking ask alike.
pub(super) struct Two<'a> {
    pub(super) method: &'static str,
    pub(super) name: &'a str,
    pub(super) led: &'a str,
    pub(super) reason: &'a str,
    pub(super) etag: &'a str,
    pub(super) request_id: &'a str,
    pub(super) fingerprint: [u8; 32],
    /// Link, or unlink.
    pub(super) link: bool,
}

/// Links or unlinks. The caller acts for both sites.
pub(super) async fn run(api: &Commanding, caller: &Caller, two: Two<'_>) -> Result<(), Fault> {
    let lead: IncidentName = parse_field("name", two.name)?;
    let led: IncidentName = parse_field("led", two.led)?;
    if lead == led {
        return Err(Fault::invalid("led", "must be another incident than name"));
    }
    caller.require_site(&lead.site)?;
    caller.require_site(&led.site)?;
    let incidents = &api.incidents;
    let operation = Pair {
        desk: &incidents.desk,
        receipt: ReceiptKey {
            caller: caller.key(),
            method: two.method,
            request_id: two.request_id.to_owned(),
            site: lead.site.to_string(),
            fingerprint: two.fingerprint.to_vec(),
        },
        lead,
        led,
        actor: &caller.subject,
        staff: caller.staff.as_ref(),
        two,
    };
    let armed = redress_runtime::sight(caller)
        .run(&incidents.db, &operation)
        .await?;
    incidents.committed(armed);
    Ok(())
}

struct Pair<'a> {
    desk: &'a Desk,
    receipt: ReceiptKey,
    lead: IncidentName,
    led: IncidentName,
    actor: &'a str,
    staff: Option<&'a StaffName>,
    two: Two<'a>,
}

impl Operation for Pair<'_> {
    const NAME: &'static str = "crisis.link_incidents";
    type Output = Vec<Entry>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Entry>, Fault> {
        let now = self.desk.clock.now();
        // Always in the same order, so that two who link at once do not wait for each other.
        let mut order = [&self.lead, &self.led];
        order.sort();
        for name in order {
            let known = incidents::lock(tx, &name.site, name.id).await?;
            known.ok_or_else(|| Fault::not_found("Incident", name))?;
        }
        if receipt::claim(tx, &self.receipt, now).await? != Claim::New {
            return Ok(Vec::new());
        }
        let turn = if self.two.link {
            Turn::take_open(tx, self.desk, now, &self.lead).await?
        } else {
            Turn::take_unmerged(tx, self.desk, now, &self.lead).await?
        };
        let revision = turn.incident.revision;
        etag::check(self.two.etag, revision, &self.lead)?;
        let linking = Linking {
            lead: &self.lead,
            led: &self.led,
            reason: self.two.reason,
            actor: self.actor,
            staff: self.staff,
        };
        let armed = if self.two.link {
            link(tx, self.desk, linking).await?
        } else {
            unlink(tx, self.desk, linking).await?
        };
        let found = incidents::get(tx, &self.lead.site, self.lead.id).await?;
        let etag = etag::of(found.map_or(revision, |i| i.revision));
        receipt::complete(tx, &self.receipt, &self.lead.to_string(), &etag).await?;
        Ok(armed.unwrap_or_default())
    }
}
