//! ApplyPlaybook: another revision of an organization's playbook. Open incidents keep theirs.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::{Violation, parse_field};
use redress_model::name::OrganizationName;
use redress_policy::Playbook;
use redress_proto::crisis::v1 as wire;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;

use super::Playbooks;
use super::view;
use crate::store::playbooks::{self, Known, Revision};

const METHOD: &str = "redress.crisis.v1.PlaybookService/ApplyPlaybook";

pub(super) async fn handle(
    api: &Playbooks,
    request: &Request<wire::ApplyPlaybookRequest>,
) -> Result<wire::ApplyPlaybookResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let organization: OrganizationName = parse_field("parent", &r.parent)?;
    // Row security says the same; this says it before anything is written.
    if !caller.organizations.contains(&organization.0) {
        return Err(Fault::not_found("Organization", &organization));
    }
    let playbook = read(&r.document)?;
    let unidentified = wire::ApplyPlaybookRequest {
        request_id: String::new(),
        ..r.clone()
    };
    let incidents = &api.incidents;
    let apply = Apply {
        receipt: ReceiptKey {
            caller: caller.key(),
            method: METHOD,
            request_id: r.request_id.clone(),
            site: String::new(),
            fingerprint: incidents.fingerprints.of(METHOD, &unidentified).to_vec(),
        },
        organization: &organization,
        playbook,
        request: r,
        author: &caller.subject,
        now: incidents.desk.clock.now(),
    };
    let known = redress_runtime::sight(caller)
        .run(&incidents.db, &apply)
        .await?;
    Ok(wire::ApplyPlaybookResponse {
        playbook: Some(view::playbook(&organization.to_string(), &known)),
    })
}

/// The playbook of a document.
fn read(document: &str) -> Result<Playbook, Fault> {
    Playbook::parse(document).map_err(|problems| Fault::Invalid {
        reason: "INVALID_PLAYBOOK",
        violations: problems
            .0
            .iter()
            .map(|problem| Violation {
                field: "document".to_owned(),
                description: problem.to_string(),
            })
            .collect(),
    })
}

struct Apply<'a> {
    receipt: ReceiptKey,
    organization: &'a OrganizationName,
    playbook: Playbook,
    request: &'a wire::ApplyPlaybookRequest,
    author: &'a str,
    now: Timestamp,
}

impl Operation for Apply<'_> {
    const NAME: &'static str = "crisis.apply_playbook";
    type Output = Known;

    async fn run(&self, tx: &mut Tx) -> Result<Known, Fault> {
        let OrganizationName(organization) = self.organization;
        let name = &self.playbook.name;
        let full = format!("{}/playbooks/{name}", self.organization);
        if receipt::claim(tx, &self.receipt, self.now).await? == Claim::New {
            let newest = playbooks::lock(tx, organization, name).await?;
            etag::check(&self.request.etag, i64::from(newest), &full)?;
            let new = Revision {
                organization,
                name,
                revision: newest + 1,
                document: &self.request.document,
                author: self.author,
                reason: &self.request.reason,
                created: self.now,
            };
            playbooks::insert(tx, &new).await?;
            receipt::complete(tx, &self.receipt, &full, &etag::of(i64::from(new.revision))).await?;
        }
        let known = playbooks::get(tx, organization, name).await?;
        known.ok_or_else(|| Fault::internal("an applied playbook is missing"))
    }
}
