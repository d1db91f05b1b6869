//! Logs progress. The first after acceptance moves the case to INVESTIGATING.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::CaseName;
use redress_proto::assignment::v1::{LogProgressRequest, LogProgressResponse};
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;

use super::asked::require_part;
use super::{Shared, illegal, parse, render, visible_work};
use crate::domain::bench::Bench;
use crate::domain::transition::{Action, transition};
use crate::domain::work::Work;
use crate::store::{bench, work};

const METHOD: &str = "redress.assignment.v1.WorkService/LogProgress";

pub(super) async fn run(
    shared: &Shared,
    request: Request<LogProgressRequest>,
) -> Result<LogProgressResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let case = parse::case_of_work(&request.name)?;
    caller.require_site(&case.site)?;
    let request_id = std::mem::take(&mut request.request_id);
    let operation = Log {
        receipt: shared.receipt(&caller, METHOD, &case.site, request_id, &request),
        case,
        text: request.text,
        etag: request.etag,
        caller: &caller,
        now: shared.clock.now(),
    };
    let scope = redress_runtime::scope(&caller);
    let work = shared.db.run(&scope, &operation).await?;
    Ok(LogProgressResponse {
        work: Some(render::work(work)),
    })
}

struct Log<'a> {
    receipt: ReceiptKey,
    case: CaseName,
    text: String,
    etag: String,
    caller: &'a Caller,
    now: Timestamp,
}

impl Operation for Log<'_> {
    const NAME: &'static str = "assignment.log_progress";
    type Output = Work;

    async fn run(&self, tx: &mut Tx) -> Result<Work, Fault> {
        bench::lock(tx, &self.case.site).await?;
        let before = visible_work(tx, self.caller, &self.case).await?;
        if let Claim::Seen { .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            return Ok(before);
        }
        let name = parse::work_name(&self.case);
        etag::check(&self.etag, before.revision, &name)?;
        let action = Action::Progress(self.text.clone());
        let outcome = transition(&before, action, &Bench::default(), self.now)
            .map_err(|e| illegal(&e, &self.case))?;
        require_part(tx, self.caller, &before, self.now).await?;
        work::save(tx, Some(&before), &outcome, &self.caller.subject, self.now).await?;
        let etag = etag::of(outcome.work.revision);
        receipt::complete(tx, &self.receipt, &name.to_string(), &etag).await?;
        Ok(outcome.work)
    }
}
