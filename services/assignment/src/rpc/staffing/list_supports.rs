//! Lists the help on a case.

use redress_model::Fault;
use redress_model::name::CaseName;
use redress_proto::assignment::v1::{ListSupportsRequest, ListSupportsResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, render};
use crate::rpc::{parse, visible_work};
use crate::store::supports::{self, Support};

pub(super) async fn run(
    shared: &Shared,
    request: Request<ListSupportsRequest>,
) -> Result<ListSupportsResponse, Fault> {
    let caller = Caller::of(&request)?;
    let operation = List {
        case: parse::case_of_work(&request.get_ref().name)?,
        caller,
    };
    let scope = redress_runtime::scope(caller);
    let supports = shared.db.read(&scope, &operation).await?;
    Ok(ListSupportsResponse {
        supports: supports.into_iter().map(render::support).collect(),
    })
}

struct List<'a> {
    case: CaseName,
    caller: &'a Caller,
}

impl Operation for List<'_> {
    const NAME: &'static str = "assignment.list_supports";
    type Output = Vec<Support>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Support>, Fault> {
        visible_work(tx, self.caller, &self.case).await?;
        supports::of_case(tx, &self.case).await
    }
}
