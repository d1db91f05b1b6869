//! RecordNeeds: what the complainant says they need, what was found, and who is vulnerable (M15).

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

use super::render;
use crate::domain::check::Check;
use crate::domain::needs::Needs;
use crate::domain::timeline::facts;
use crate::intake::Intake;
use crate::store::case::{self, Record};
use crate::store::timeline::Happened;
use crate::store::{needs, timeline};

const METHOD: &str = "redress.intake.v1.CaseService/RecordNeeds";

/// Answers RecordNeeds.
pub(super) async fn record(
    intake: &Intake,
    request: Request<pb::RecordNeedsRequest>,
) -> Result<pb::Case, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let request_id = std::mem::take(&mut request.request_id);
    let name: CaseName = parse_field("name", &request.name)?;
    let mut check = Check::new();
    let said = request.needs.clone().unwrap_or_default();
    let said = Needs::parse(&mut check, "needs", &said);
    check.finish()?;
    let receipt = intake.receipt(&caller, METHOD, Some(&name.site), &request_id, &request);
    let operation = RecordNeeds {
        intake,
        caller: &caller,
        name,
        needs: said,
        etag: request.etag,
        receipt,
        now: intake.now(),
    };
    intake.run(&caller, &operation).await
}

struct RecordNeeds<'a> {
    intake: &'a Intake,
    caller: &'a Caller,
    name: CaseName,
    needs: Needs,
    etag: String,
    receipt: ReceiptKey,
    now: Timestamp,
}

impl Operation for RecordNeeds<'_> {
    const NAME: &'static str = "intake.record_needs";
    type Output = pb::Case;

    async fn run(&self, tx: &mut Tx) -> Result<pb::Case, Fault> {
        let mut case = case::lock(tx, &self.name).await?;
        let keyring = &self.intake.keyring;
        let before = needs::open(tx, keyring, &self.name).await?;
        if let Claim::Seen { .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            return self.shown(tx, &case, &before).await;
        }
        etag::check(&self.etag, case.revision, &self.name)?;
        if case.status == CaseStatus::Merged || case.erased {
            return Err(Fault::illegal(
                "ILLEGAL_UPDATE",
                "a merged or erased case does not change; update the case it was merged into",
                &self.name,
            ));
        }
        let subject = &self.caller.subject;
        let after = self.needs.clone().found_by(&before, subject, self.now);
        let changed = after.changed(&before);
        if !changed.is_empty() {
            needs::put(tx, keyring, &self.name, &after, self.now).await?;
            case.revision += 1;
            let happened = Happened {
                kind: TimelineKind::Updated,
                at: self.now,
                actor: subject,
                facts: facts([
                    ("changed", changed.join(",")),
                    ("revision", case.revision.to_string()),
                ]),
                note: "",
            };
            timeline::append(tx, &mut case, happened, self.now).await?;
            case::save(tx, &mut case, self.now).await?;
        }
        let name = self.name.to_string();
        receipt::complete(tx, &self.receipt, &name, &etag::of(case.revision)).await?;
        self.shown(tx, &case, &after).await
    }
}

impl RecordNeeds<'_> {
    async fn shown(&self, tx: &mut Tx, case: &Record, needs: &Needs) -> Result<pb::Case, Fault> {
        let whole = render::full(tx, &self.intake.keyring, case).await?;
        Ok(pb::Case {
            needs: Some(needs.to_handler()),
            ..whole
        })
    }
}
