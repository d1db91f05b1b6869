//! Adds a revision of an organization's, a region's or a site's policy.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_policy::Overlay;
use redress_proto::triage::v1::{ApplyPolicyRequest, ApplyPolicyResponse, PolicyRevision};
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;

use super::Shared;
use super::policy_service::{clashes, effective, problems, require_whole, revision, wrong};
use crate::casework;
use crate::domain::policies::PolicyScope;
use crate::store::policies::{self, Revision};

const METHOD: &str = "redress.triage.v1.PolicyService/ApplyPolicy";

pub(super) async fn run(
    shared: &Shared,
    request: Request<ApplyPolicyRequest>,
) -> Result<ApplyPolicyResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let scope: PolicyScope = parse_field("parent", &request.parent)?;
    let now = shared.desk.now();
    let overlay = Overlay::parse(&request.document).map_err(|of| wrong(problems(&of)))?;
    if request.reason.contains('\0') {
        return Err(Fault::invalid(
            "reason",
            "must not hold the character U+0000",
        ));
    }
    let request_id = std::mem::take(&mut request.request_id);
    let site = match &scope {
        PolicyScope::Site(id) => id.to_string(),
        PolicyScope::Organization(_) | PolicyScope::Region(_) => String::new(),
    };
    let apply = Apply {
        receipt: ReceiptKey {
            caller: caller.key(),
            method: METHOD,
            request_id,
            site,
            fingerprint: shared.fingerprints.of(METHOD, &request).to_vec(),
        },
        // A retry may come after the instant that it names.
        effective: effective(request.effective_time.as_ref(), now),
        scope,
        overlay,
        document: request.document,
        reason: request.reason,
        etag: request.etag,
        caller: &caller,
        now,
    };
    let within = redress_runtime::scope(&caller);
    let revision = shared.desk.db.run(&within, &apply).await?;
    Ok(ApplyPolicyResponse {
        revision: Some(revision),
    })
}

struct Apply<'a> {
    receipt: ReceiptKey,
    scope: PolicyScope,
    overlay: Overlay,
    document: String,
    effective: Result<Timestamp, Fault>,
    reason: String,
    etag: String,
    caller: &'a Caller,
    now: Timestamp,
}

impl Operation for Apply<'_> {
    const NAME: &'static str = "triage.apply_policy";
    type Output = PolicyRevision;

    async fn run(&self, tx: &mut Tx) -> Result<PolicyRevision, Fault> {
        require_whole(tx, self.caller, &self.scope).await?;
        let claimed = receipt::claim(tx, &self.receipt, self.now).await?;
        let row = match claimed {
            Claim::Seen { resource, .. } => self.seen(tx, &resource).await?,
            Claim::New => {
                let row = self.add(tx).await?;
                let resource = format!("{}/policyRevisions/{}", self.scope, row.revision);
                let now = etag::of(i64::from(row.revision));
                receipt::complete(tx, &self.receipt, &resource, &now).await?;
                row
            }
        };
        let heads = policies::heads(tx, std::slice::from_ref(&self.scope)).await?;
        Ok(revision(&row, &heads, self.now))
    }
}

impl Apply<'_> {
    async fn add(&self, tx: &mut Tx) -> Result<Revision, Fault> {
        let effective = match &self.effective {
            Ok(effective) => *effective,
            Err(fault) => return Err(Fault::invalid("effective_time", text_of(fault))),
        };
        let organization = casework::organization_of(tx, &self.scope).await?;
        policies::lock(tx, &organization).await?;
        let newest = policies::newest(tx, &self.scope).await?;
        let known = newest.as_ref().map_or(0, |row| row.revision);
        let name = format!("{}/policyRevisions/{known}", self.scope);
        etag::check(&self.etag, i64::from(known), name)?;
        let (scope, overlay) = (&self.scope, &self.overlay);
        let found = casework::policy_clashes(tx, scope, overlay, effective).await?;
        if !found.is_empty() {
            return Err(wrong(clashes(&found, scope, overlay)));
        }
        let mut row = Revision {
            scope: self.scope.clone(),
            revision: known + 1,
            effective,
            document: self.document.clone(),
            author: self.caller.subject.clone(),
            reason: self.reason.clone(),
            created: self.now,
            hash: Vec::new(),
        };
        row.hash = row.hash_after(newest.as_ref().map_or(&[], |newest| &newest.hash));
        policies::insert(tx, &row).await?;
        tx.wake();
        tracing::info!(
            scope = %self.scope,
            revision = row.revision,
            effective = %row.effective,
            "policy applied"
        );
        Ok(row)
    }

    async fn seen(&self, tx: &mut Tx, resource: &str) -> Result<Revision, Fault> {
        let number: u32 = resource
            .rsplit('/')
            .next()
            .and_then(|number| number.parse().ok())
            .ok_or_else(|| Fault::internal("a receipt without a revision"))?;
        policies::list(tx, &self.scope, Some(number + 1), 1)
            .await?
            .pop()
            .ok_or_else(|| Fault::internal("a receipt of a revision that is not there"))
    }
}

fn text_of(fault: &Fault) -> String {
    match fault {
        Fault::Invalid { violations, .. } => violations
            .first()
            .map_or_else(String::new, |v| v.description.clone()),
        other => other.to_string(),
    }
}
