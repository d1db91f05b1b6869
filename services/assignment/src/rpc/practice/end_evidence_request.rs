//! Ends a request for evidence: a piece was brought, or it is not needed any more.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_model::text::is_blank;
use redress_proto::assignment::v1::{EndEvidenceRequestRequest, EndEvidenceRequestResponse};
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::super::asked::{require_override, require_part};
use super::super::{Shared, is_staff, parse as names};
use super::{matter, power};
use crate::domain::practice::power::{EvidenceRequest, EvidenceStep};
use crate::domain::work::{StepKind, Work};
use crate::store::matters::Kept;
use crate::store::{bench, evidence};

const METHOD: &str = "redress.assignment.v1.PowerService/EndEvidenceRequest";

pub(super) async fn run(
    shared: &Shared,
    request: Request<EndEvidenceRequestRequest>,
) -> Result<EndEvidenceRequestResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let (site, id) = matter::parse::<EvidenceRequest>("name", &request.name)?;
    caller.require_site(&site)?;
    let request_id = std::mem::take(&mut request.request_id);
    let receipt = shared.receipt(&caller, METHOD, &site, request_id, &request);
    if request.evidence.is_empty() && is_blank(&request.reason) {
        return Err(Fault::invalid(
            "evidence",
            "must name the piece, or reason must say why it is not needed any more",
        ));
    }
    let operation = End {
        receipt,
        site,
        id,
        evidence: request.evidence,
        reason: names::text("reason", request.reason)?,
        caller: &caller,
        now: shared.clock.now(),
    };
    let scope = redress_runtime::scope(&caller);
    let kept = shared.db.run(&scope, &operation).await?;
    Ok(EndEvidenceRequestResponse {
        evidence_request: Some(power::evidence_request(kept)),
    })
}

struct End<'a> {
    receipt: ReceiptKey,
    site: SiteId,
    id: Uuid,
    /// The name of the piece; empty: it is withdrawn.
    evidence: String,
    reason: String,
    caller: &'a Caller,
    now: Timestamp,
}

impl Operation for End<'_> {
    const NAME: &'static str = "assignment.end_evidence_request";
    type Output = Kept<EvidenceRequest>;

    async fn run(&self, tx: &mut Tx) -> Result<Kept<EvidenceRequest>, Fault> {
        bench::lock(tx, &self.site).await?;
        let before =
            matter::get::<EvidenceRequest>(tx, self.caller, &self.site, self.id, true).await?;
        if let Claim::Seen { .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            return Ok(before);
        }
        let work = power::work_of(tx, self.caller, &before).await?;
        let is_askers = self.caller.subject == before.matter.asker;
        let (step, said) = if self.evidence.is_empty() {
            if !is_askers {
                require_override(self.caller, format!("{} asked", before.matter.asker))?;
            }
            (EvidenceStep::Withdrawn, "not needed any more")
        } else {
            let is_asked = is_staff(self.caller, &work.case, &before.matter.staff);
            if !is_askers && !is_asked {
                require_part(tx, self.caller, &work, self.now).await?;
            }
            (
                EvidenceStep::Brought(self.piece(tx, &work).await?),
                "brought",
            )
        };
        let note = (StepKind::EvidenceAsked, said.to_owned());
        let (reason, caller, now) = (&self.reason, self.caller, self.now);
        let kept = power::end(tx, (before, &work), &step, reason, note, caller, now).await?;
        receipt::complete(tx, &self.receipt, &kept.name(), &etag::of(kept.revision)).await?;
        Ok(kept)
    }
}

impl End<'_> {
    /// The piece that was brought, which the case has.
    async fn piece(&self, tx: &mut Tx, work: &Work) -> Result<Uuid, Fault> {
        let prefix = format!("{}/evidence/", work.case);
        let piece = self.evidence.strip_prefix(&prefix).map(str::parse::<Uuid>);
        let Some(Ok(piece)) = piece else {
            let wrong = format!("must be {prefix}{{evidence}}");
            return Err(Fault::invalid("evidence", wrong));
        };
        if evidence::known(tx, &work.case, &[piece]).await?.is_empty() {
            return Err(Fault::invalid("evidence", "the case has no such piece"));
        }
        Ok(piece)
    }
}
