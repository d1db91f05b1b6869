//! Gets the work on a case with its history.

use redress_model::Fault;
use redress_model::name::CaseName;
use redress_proto::assignment::v1::{GetWorkRequest, GetWorkResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, parse, render, visible_work};
use crate::domain::work::Work;
use crate::store::work::{self, StoredStep};

pub(super) async fn run(
    shared: &Shared,
    request: Request<GetWorkRequest>,
) -> Result<GetWorkResponse, Fault> {
    let caller = Caller::of(&request)?;
    let operation = Get {
        case: parse::case_of_work(&request.get_ref().name)?,
        caller,
    };
    let scope = redress_runtime::scope(caller);
    let (work, steps) = shared.db.read(&scope, &operation).await?;
    Ok(GetWorkResponse {
        steps: steps
            .into_iter()
            .map(|s| render::step(&work.case.site, s))
            .collect(),
        work: Some(render::work(work)),
    })
}

struct Get<'a> {
    case: CaseName,
    caller: &'a Caller,
}

impl Operation for Get<'_> {
    const NAME: &'static str = "assignment.get_work";
    type Output = (Work, Vec<StoredStep>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let work = visible_work(tx, self.caller, &self.case).await?;
        let steps = work::steps(tx, &self.case).await?;
        Ok((work, steps))
    }
}
