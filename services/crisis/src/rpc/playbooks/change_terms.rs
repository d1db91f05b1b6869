//! ChangeTerms: what an open incident is run by, changed visibly by the commander. A repeat that changes nothing succeeds.

use redress_model::Fault;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use tonic::Request;

use super::super::command::{self, Command, Order};
use super::super::statements;
use super::Playbooks;
use super::get_incident_plan::read;
use crate::flow::{Transition, Turn, Wanted};

const METHOD: &str = "redress.crisis.v1.PlaybookService/ChangeTerms";

pub(super) async fn handle(
    api: &Playbooks,
    request: &Request<wire::ChangeTermsRequest>,
) -> Result<wire::ChangeTermsResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    if r.playbook.is_empty() && r.settings.is_empty() {
        return Err(Fault::invalid(
            "settings",
            "must name what changes, or give playbook",
        ));
    }
    let unidentified = wire::ChangeTermsRequest {
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
    let settings = r.settings.iter();
    let wanted = Wanted {
        playbook: (!r.playbook.is_empty()).then(|| r.playbook.clone()),
        settings: settings
            .map(|s| (s.field.clone(), s.value.clone()))
            .collect(),
        reason: r.reason.clone(),
        by: statements::person(caller),
    };
    let change = ChangeTerms { wanted };
    command::run(&api.incidents, caller, order, change).await?;
    let plan = read(api, caller, "name", &r.name).await?;
    Ok(wire::ChangeTermsResponse { plan: Some(plan) })
}

struct ChangeTerms {
    wanted: Wanted,
}

impl Command for ChangeTerms {
    const NAME: &'static str = "crisis.change_terms";

    async fn act(&self, turn: &mut Turn<'_>) -> Result<Option<Transition>, Fault> {
        turn.require_commander(&self.wanted.by).await?;
        turn.change_terms(&self.wanted).await
    }
}
