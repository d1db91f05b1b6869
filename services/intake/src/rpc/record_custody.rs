//! RecordCustody: who holds a piece of evidence from when on.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::CaseName;
use redress_model::words::CaseStatus;
use redress_proto::convert::from_wire;
use redress_proto::intake::v1 as pb;
use redress_proto::intake::v1::TimelineKind;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use crate::domain::check::Check;
use crate::domain::custody::{CustodyAct, NewCustody};
use crate::domain::timeline::facts;
use crate::intake::Intake;
use crate::store::timeline::Happened;
use crate::store::{case, custody, evidence, timeline};

const METHOD: &str = "redress.intake.v1.CaseService/RecordCustody";

/// Most acts on one piece.
const ACTS_MAX: usize = 200;

/// Answers RecordCustody.
pub(super) async fn record(
    intake: &Intake,
    request: Request<pb::RecordCustodyRequest>,
) -> Result<pb::Evidence, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let request_id = std::mem::take(&mut request.request_id);
    let (case, id) = parsed(&request.name)?;
    let receipt = intake.receipt(&caller, METHOD, Some(&case.site), &request_id, &request);
    let operation = Record {
        caller: &caller,
        name: request.name,
        case,
        id,
        entry: request.entry.unwrap_or_default(),
        receipt,
        now: intake.now(),
    };
    intake.run(&caller, &operation).await
}

/// The case and the id behind the name of a piece of evidence.
fn parsed(name: &str) -> Result<(CaseName, Uuid), Fault> {
    name.rsplit_once("/evidence/")
        .and_then(|(case, id)| Some((case.parse().ok()?, id.parse().ok()?)))
        .ok_or_else(|| {
            Fault::invalid(
                "name",
                "must be sites/{site}/cases/{case}/evidence/{evidence}",
            )
        })
}

struct Record<'a> {
    caller: &'a Caller,
    name: String,
    case: CaseName,
    id: Uuid,
    entry: pb::CustodyEntry,
    receipt: ReceiptKey,
    now: Timestamp,
}

impl Record<'_> {
    async fn piece(&self, tx: &mut Tx) -> Result<pb::Evidence, Fault> {
        evidence::of_case(tx, &self.case)
            .await?
            .into_iter()
            .find(|e| e.name == self.name)
            .ok_or_else(|| Fault::not_found("Evidence", &self.name))
    }
}

impl Operation for Record<'_> {
    const NAME: &'static str = "intake.record_custody";
    type Output = pb::Evidence;

    async fn run(&self, tx: &mut Tx) -> Result<pb::Evidence, Fault> {
        let mut case = case::lock(tx, &self.case).await?;
        let piece = self.piece(tx).await?;
        if let Claim::Seen { .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            return Ok(piece);
        }
        let mut check = Check::new();
        let site = &self.case.site;
        let new = NewCustody::parse(&mut check, &self.entry, site, &piece.sha256, self.now);
        check.finish()?;
        let last: Option<CustodyAct> = piece.custody.last().and_then(|c| from_wire(c.act));
        let legal = CustodyAct::legal_after(last);
        let is_open = case.status != CaseStatus::Merged && !case.erased;
        let act = new
            .act
            .filter(|act| is_open && piece.custody.len() < ACTS_MAX && legal.contains(act));
        let Some(act) = act else {
            let words: Vec<&str> = legal.iter().map(|a| a.word()).collect();
            return Err(Fault::illegal(
                "ILLEGAL_CUSTODY",
                format!(
                    "the piece of a case that is neither merged nor erased takes, now and up to {ACTS_MAX} times: {}",
                    words.join(", ")
                ),
                &self.name,
            ));
        };
        let recorder = &self.caller.subject;
        let sequence =
            custody::add(tx, &self.case, self.id, (act, &new), recorder, self.now).await?;
        let happened = Happened {
            kind: TimelineKind::Evidence,
            at: new.at,
            actor: recorder,
            facts: facts([
                ("evidence", self.id.to_string()),
                ("custody", act.word().to_owned()),
                ("sequence", sequence.to_string()),
                (
                    "holder",
                    new.holder
                        .as_ref()
                        .map(ToString::to_string)
                        .unwrap_or_default(),
                ),
                ("outside_body", new.outside_body.clone()),
                ("sha256", new.sha256.clone()),
            ]),
            note: "",
        };
        timeline::append(tx, &mut case, happened, self.now).await?;
        case::save(tx, &mut case, self.now).await?;
        let etag = etag::of(case.revision);
        receipt::complete(tx, &self.receipt, &self.name, &etag).await?;
        self.piece(tx).await
    }
}
