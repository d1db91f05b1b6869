//! Lists the visits of a case.

use std::collections::{BTreeMap, BTreeSet};

use redress_model::Fault;
use redress_model::name::{CaseName, StaffId};
use redress_proto::assignment::v1::{ListVisitsRequest, ListVisitsResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use crate::domain::handling::Visit;
use crate::rpc::{Shared, parse, render, visible_work};
use crate::store::{joint_visits, visits};

pub(super) async fn run(
    shared: &Shared,
    request: Request<ListVisitsRequest>,
) -> Result<ListVisitsResponse, Fault> {
    let caller = Caller::of(&request)?;
    let operation = List {
        case: parse::case_of("parent", &request.get_ref().parent)?,
        caller,
    };
    let (visits, mut joint) = shared
        .db
        .read(&redress_runtime::scope(caller), &operation)
        .await?;
    let site = &operation.case.site;
    Ok(ListVisitsResponse {
        visits: visits
            .into_iter()
            .map(|v| {
                let participants = joint.remove(&v.id).unwrap_or_default();
                render::visit(site, v, &participants)
            })
            .collect(),
    })
}

struct List<'a> {
    case: CaseName,
    caller: &'a Caller,
}

impl Operation for List<'_> {
    const NAME: &'static str = "assignment.list_visits";
    type Output = (Vec<Visit>, BTreeMap<Uuid, BTreeSet<StaffId>>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        visible_work(tx, self.caller, &self.case).await?;
        let visits = visits::of_case(tx, &self.case).await?;
        Ok((visits, joint_visits::of_case(tx, &self.case).await?))
    }
}
