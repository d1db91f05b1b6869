//! Ends a hold of a case before its time.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::CaseName;
use redress_model::words::HoldReason;
use redress_proto::convert::required;
use redress_proto::triage::v1::{ResumeCaseRequest, ResumeCaseResponse};
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use redress_timers::Entry;
use tonic::Request;
use uuid::Uuid;

use super::{Shared, clock_view, require_visible};
use crate::casework::{self, Work};
use crate::domain::Cause;
use crate::store::cases;
use crate::store::clocks::{self, Clock};
use crate::store::holds::{self, Hold};
use crate::store::sites;

const METHOD: &str = "redress.triage.v1.ClockService/ResumeCase";

pub(super) async fn run(
    shared: &Shared,
    request: Request<ResumeCaseRequest>,
) -> Result<ResumeCaseResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let case: CaseName = parse_field("parent", &request.parent)?;
    caller.require_site(&case.site)?;
    let request_id = std::mem::take(&mut request.request_id);
    let resume = Resume {
        receipt: shared.receipt(&caller, METHOD, &case.site, request_id, &request),
        reason: required("reason", request.reason)?,
        case,
        caller: &caller,
        now: shared.desk.now(),
    };
    let scope = redress_runtime::scope(&caller);
    let (hold, all, entries) = shared.desk.db.run(&scope, &resume).await?;
    shared.desk.schedule(entries);
    Ok(ResumeCaseResponse {
        hold: Some(clock_view::hold(&resume.case.site, hold)),
        clocks: clock_view::clocks(&resume.case.site, all),
    })
}

struct Resume<'a> {
    receipt: ReceiptKey,
    case: CaseName,
    reason: HoldReason,
    caller: &'a Caller,
    now: Timestamp,
}

impl Resume<'_> {
    async fn shown(&self, tx: &mut Tx, id: Uuid) -> Result<(Hold, Vec<Clock>), Fault> {
        let site = &self.case.site;
        let all = holds::of_case(tx, site, self.case.id).await?;
        let hold = all.into_iter().find(|h| h.id == id);
        let hold = hold.ok_or_else(|| Fault::internal("a hold that was there is gone"))?;
        Ok((hold, clocks::lock_of_case(tx, site, self.case.id).await?))
    }
}

impl Operation for Resume<'_> {
    const NAME: &'static str = "triage.resume_case";
    type Output = (Hold, Vec<Clock>, Vec<Entry>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        require_visible(tx, self.caller, &self.case).await?;
        let id = &self.case.site;
        if let Claim::Seen { resource, .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            let hold = resource.parse().map_err(Fault::internal)?;
            let (hold, clocks) = self.shown(tx, hold).await?;
            return Ok((hold, clocks, Vec::new()));
        }
        let missing = || Fault::not_found("Case", &self.case);
        let site = sites::get(tx, id, self.now).await?.ok_or_else(missing)?;
        let mut case = cases::lock(tx, id, self.case.id)
            .await?
            .ok_or_else(missing)?;
        if self.reason == HoldReason::SingleVoice {
            return Err(Fault::illegal(
                "HOLD_NOT_ALLOWED",
                format!(
                    "{} is ended by the platform once the message that waits for the spokesperson is decided",
                    self.reason
                ),
                self.case.to_string(),
            ));
        }
        let lasting = holds::lasting(tx, id, case.id).await?;
        let Some(hold) = lasting.into_iter().find(|h| h.reason == self.reason) else {
            return Err(Fault::illegal(
                "NOT_HELD",
                format!("it is not held for {}", self.reason),
                self.case.to_string(),
            ));
        };
        let mut work = Work::new(tx, &site, self.now);
        casework::release(&mut work, &mut case, self.reason, "person").await?;
        casework::decide(&mut work, &mut case, Cause::Age).await?;
        let entries = work.entries;
        receipt::complete(tx, &self.receipt, &hold.id.to_string(), &etag::of(2)).await?;
        let (hold, clocks) = self.shown(tx, hold.id).await?;
        Ok((hold, clocks, entries))
    }
}
