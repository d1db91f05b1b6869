//! Submits the store's written report on a case (M17), which meets the clock that waits for it.

use redress_model::Fault;
use redress_model::ids::new_id;
use redress_model::words::ClockKind;
use redress_proto::assignment::v1::{SubmitStoreReportRequest, SubmitStoreReportResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{render, report_name};
use crate::domain::practice::{Demand, DemandState, Effect};
use crate::domain::transition::Action;
use crate::rpc::asked::{Asked, require_responsible};
use crate::rpc::{Shared, parse};
use crate::store::outbox;
use crate::store::store_reports::{self, StoreReport};

const METHOD: &str = "redress.assignment.v1.AgencyService/SubmitStoreReport";

pub(super) async fn run(
    shared: &Shared,
    request: Request<SubmitStoreReportRequest>,
) -> Result<SubmitStoreReportResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let case = parse::case_of("parent", &request.parent)?;
    let request_id = std::mem::take(&mut request.request_id);
    let asked = shared.asked(&caller, METHOD, case, request_id, &request, "")?;
    let operation = Submit {
        report: StoreReport {
            id: new_id(asked.now),
            text: parse::text("text", request.text)?,
            author: caller.subject.clone(),
            at: asked.now,
        },
        asked,
    };
    let scope = redress_runtime::scope(&caller);
    let report = shared.db.run(&scope, &operation).await?;
    Ok(SubmitStoreReportResponse {
        report: Some(render(&operation.asked.case, report)),
    })
}

struct Submit<'a> {
    asked: Asked<'a>,
    report: StoreReport,
}

impl Operation for Submit<'_> {
    const NAME: &'static str = "assignment.submit_store_report";
    type Output = StoreReport;

    async fn run(&self, tx: &mut Tx) -> Result<StoreReport, Fault> {
        let begun = self.asked.begin(tx).await?;
        let (case, work) = (&self.asked.case, &begun.work);
        let before = store_reports::of_case(tx, case).await?;
        if let Some(done) = begun.done {
            let is_it = |r: &StoreReport| report_name(case, r.id) == done;
            let found = before.into_iter().find(is_it);
            return found.ok_or_else(|| Fault::not_found("StoreReport", done));
        }
        // Whoever had it before the centre took it over reports, too.
        if work.taken_over_at.is_none() || self.asked.person().is_none() {
            require_responsible(self.asked.caller, work)?;
        }
        store_reports::add(tx, case, &self.report).await?;
        if before.is_empty() {
            let met = Demand {
                id: self.report.id,
                kind: ClockKind::StoreReport,
                state: DemandState::Met(self.report.at),
                start: work.facts.received_at,
                due: None,
                granted: None,
                party: String::new(),
                outside_number: String::new(),
            };
            outbox::practice(tx, case, &Effect::Demand(met), &self.asked.caller.subject).await?;
        }
        let name = report_name(case, self.report.id);
        let after = self
            .asked
            .change(tx, work, Action::Report(name.clone()))
            .await?;
        self.asked.keep_as(tx, &name, after.revision).await?;
        Ok(self.report.clone())
    }
}
