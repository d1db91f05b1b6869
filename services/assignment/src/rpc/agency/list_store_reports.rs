//! Lists the written reports of a store on a case.

use redress_model::Fault;
use redress_model::name::CaseName;
use redress_proto::assignment::v1::{ListStoreReportsRequest, ListStoreReportsResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::render;
use crate::rpc::{Shared, parse, visible_work};
use crate::store::store_reports::{self, StoreReport};

pub(super) async fn run(
    shared: &Shared,
    request: Request<ListStoreReportsRequest>,
) -> Result<ListStoreReportsResponse, Fault> {
    let caller = Caller::of(&request)?;
    let operation = List {
        case: parse::case_of("parent", &request.get_ref().parent)?,
        caller,
    };
    let scope = redress_runtime::scope(caller);
    let reports = shared.db.read(&scope, &operation).await?;
    let case = &operation.case;
    Ok(ListStoreReportsResponse {
        reports: reports.into_iter().map(|r| render(case, r)).collect(),
    })
}

struct List<'a> {
    case: CaseName,
    caller: &'a Caller,
}

impl Operation for List<'_> {
    const NAME: &'static str = "assignment.list_store_reports";
    type Output = Vec<StoreReport>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<StoreReport>, Fault> {
        visible_work(tx, self.caller, &self.case).await?;
        store_reports::of_case(tx, &self.case).await
    }
}
