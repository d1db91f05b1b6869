//! AddEvidence: metadata and digest of what proves a fact.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::CaseName;
use redress_model::words::CaseStatus;
use redress_proto::intake::v1 as pb;
use redress_proto::intake::v1::TimelineKind;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;

use crate::domain::check::Check;
use crate::domain::evidence::{EVIDENCE_MAX, NewEvidence, kind_word};
use crate::domain::timeline::facts;
use crate::intake::Intake;
use crate::store::timeline::Happened;
use crate::store::{announce, case, evidence, timeline};

const METHOD: &str = "redress.intake.v1.CaseService/AddEvidence";

/// Answers AddEvidence.
pub(super) async fn add(
    intake: &Intake,
    request: Request<pb::AddEvidenceRequest>,
) -> Result<pb::Evidence, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let request_id = std::mem::take(&mut request.request_id);
    let name: CaseName = parse_field("parent", &request.parent)?;
    let now = intake.now();
    let mut check = Check::new();
    let wire = request.evidence.clone().unwrap_or_default();
    let new = NewEvidence::parse(&mut check, "evidence", &wire, now);
    check.finish()?;
    let receipt = intake.receipt(&caller, METHOD, Some(&name.site), &request_id, &request);
    let operation = Add {
        caller: &caller,
        name,
        new,
        receipt,
        now,
    };
    intake.run(&caller, &operation).await
}

struct Add<'a> {
    caller: &'a Caller,
    name: CaseName,
    new: NewEvidence,
    receipt: ReceiptKey,
    now: Timestamp,
}

impl Operation for Add<'_> {
    const NAME: &'static str = "intake.add_evidence";
    type Output = pb::Evidence;

    async fn run(&self, tx: &mut Tx) -> Result<pb::Evidence, Fault> {
        let mut case = case::lock(tx, &self.name).await?;
        if let Claim::Seen { resource, .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            return find(tx, &self.name, &resource).await;
        }
        let kept = evidence::count(tx, &self.name).await?;
        if case.status == CaseStatus::Merged || case.erased || kept >= EVIDENCE_MAX {
            return Err(Fault::illegal(
                "ILLEGAL_EVIDENCE",
                format!(
                    "evidence is added to a case that is neither merged nor erased and holds fewer than {EVIDENCE_MAX} pieces"
                ),
                &self.name,
            ));
        }
        let adder = &self.caller.subject;
        let id = evidence::add(tx, &self.name, &self.new, adder, self.now).await?;
        let name = format!("{}/evidence/{id}", self.name);
        let happened = Happened {
            kind: TimelineKind::Evidence,
            at: self.now,
            actor: adder,
            facts: facts([
                ("evidence", id.to_string()),
                ("kind", kind_word(self.new.kind).to_owned()),
                ("sha256", self.new.sha256.clone()),
                ("size_bytes", self.new.size_bytes.to_string()),
            ]),
            note: "",
        };
        timeline::append(tx, &mut case, happened, self.now).await?;
        case::save(tx, &mut case, self.now).await?;
        announce::evidence(tx, &case, &name).await?;
        receipt::complete(tx, &self.receipt, &name, &etag::of(case.revision)).await?;
        find(tx, &self.name, &name).await
    }
}

async fn find(tx: &mut Tx, case: &CaseName, name: &str) -> Result<pb::Evidence, Fault> {
    evidence::of_case(tx, case)
        .await?
        .into_iter()
        .find(|e| e.name == name)
        .ok_or_else(|| Fault::not_found("Evidence", name))
}
