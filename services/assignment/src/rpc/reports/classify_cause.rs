//! Classifies the cause of a case, so that it counts with others alike (M15).

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::CaseName;
use redress_model::words::Word as _;
use redress_proto::assignment::v1::{ClassifyCauseRequest, ClassifyCauseResponse};
use redress_proto::convert::{from_wire, to_wire_opt};
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;

use super::super::{Shared, parse, visible_work};
use crate::domain::report::{CauseSource, cause_of};
use crate::store::bench;
use crate::store::reports::facts;

const METHOD: &str = "redress.assignment.v1.ReportService/ClassifyCause";

pub(super) async fn run(
    shared: &Shared,
    request: Request<ClassifyCauseRequest>,
) -> Result<ClassifyCauseResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let case = parse::case_of_work(&request.name)?;
    caller.require_site(&case.site)?;
    let request_id = std::mem::take(&mut request.request_id);
    let operation = Classify {
        receipt: shared.receipt(&caller, METHOD, &case.site, request_id, &request),
        case,
        cause: cause_of(&parse::text("cause", request.cause)?),
        source: from_wire(request.source),
        caller: &caller,
        now: shared.clock.now(),
    };
    let scope = redress_runtime::scope(&caller);
    let (cause, source) = shared.db.run(&scope, &operation).await?;
    Ok(ClassifyCauseResponse {
        cause,
        source: to_wire_opt(CauseSource::parse(&source).ok()),
    })
}

struct Classify<'a> {
    receipt: ReceiptKey,
    case: CaseName,
    cause: String,
    source: Option<CauseSource>,
    caller: &'a Caller,
    now: Timestamp,
}

impl Operation for Classify<'_> {
    const NAME: &'static str = "assignment.classify_cause";
    type Output = (String, String);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        bench::lock(tx, &self.case.site).await?;
        let work = visible_work(tx, self.caller, &self.case).await?;
        if let Claim::Seen { .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            return facts::cause(tx, &self.case).await;
        }
        facts::classified(tx, &self.case, &self.cause, self.source).await?;
        let resource = parse::work_name(&self.case).to_string();
        receipt::complete(tx, &self.receipt, &resource, &etag::of(work.revision)).await?;
        facts::cause(tx, &self.case).await
    }
}
