//! Gets a solution.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::SolutionName;
use redress_proto::assignment::v1::{GetSolutionRequest, GetSolutionResponse, LikeCases};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{like, visible};
use crate::domain::solution::Solution;
use crate::rpc::{Shared, render};

pub(super) async fn run(
    shared: &Shared,
    request: Request<GetSolutionRequest>,
) -> Result<GetSolutionResponse, Fault> {
    let caller = Caller::of(&request)?;
    let operation = Get {
        name: parse_field("name", &request.get_ref().name)?,
        caller,
    };
    let (solution, like) = shared
        .db
        .read(&redress_runtime::scope(caller), &operation)
        .await?;
    Ok(GetSolutionResponse {
        solution: Some(render::solution(solution)),
        like_cases: Some(like),
    })
}

struct Get<'a> {
    name: SolutionName,
    caller: &'a Caller,
}

impl Operation for Get<'_> {
    const NAME: &'static str = "assignment.get_solution";
    type Output = (Solution, LikeCases);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let (work, solution) = visible(tx, self.caller, &self.name).await?;
        let like = like::cases(tx, self.caller, &work).await?;
        Ok((solution, like))
    }
}
