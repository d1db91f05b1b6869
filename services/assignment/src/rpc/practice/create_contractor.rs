//! Registers a contractor with what was retained of its pay.

use redress_model::Fault;
use redress_proto::assignment::v1::{CreateContractorRequest, CreateContractorResponse};
use redress_proto::convert::from_wire;
use redress_rpc::Caller;
use rust_decimal::Decimal;
use tonic::Request;

use super::super::{Shared, parse as names};
use super::matter::Record;
use super::{parse, place, render};
use crate::domain::practice::contractor::{Contractor, ContractorStep};

const METHOD: &str = "redress.assignment.v1.ContractorService/CreateContractor";

pub(super) async fn run(
    shared: &Shared,
    request: Request<CreateContractorRequest>,
) -> Result<CreateContractorResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let site = names::site(&request.parent)?;
    caller.require_site(&site)?;
    let (policy, _) = place::of(shared, &caller, &site).await?;
    let request_id = std::mem::take(&mut request.request_id);
    let record = Record {
        receipt: shared.receipt(&caller, METHOD, &site, request_id, &request),
        site,
        case: None,
        matter: Contractor {
            classes: request
                .defect_classes
                .iter()
                .filter_map(|n| from_wire(*n))
                .collect(),
            contract_sum: parse::money("contract_sum", request.contract_sum.as_ref())?,
            retention: parse::money("retention", request.retention.as_ref())?,
            used: Decimal::ZERO,
            accepted: parse::day("acceptance_date", &request.acceptance_date)?,
            liability_months: u16::try_from(request.liability_months)
                .map_err(|_| Fault::invalid("liability_months", "must be 1 or more"))?,
            display_name: request.display_name,
        },
        step: ContractorStep::registered(&policy.practice()),
        caller: &caller,
        now: shared.clock.now(),
    };
    let scope = redress_runtime::scope(&caller);
    let kept = shared.db.run(&scope, &record).await?;
    Ok(CreateContractorResponse {
        contractor: Some(render::contractor(kept)),
    })
}
