//! GetCase: one case with its personal part.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::CaseName;
use redress_proto::intake::v1 as pb;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::render;
use crate::intake::Intake;
use crate::store::case;

/// Answers GetCase.
pub(super) async fn get(
    intake: &Intake,
    request: Request<pb::GetCaseRequest>,
) -> Result<pb::Case, Fault> {
    let caller = Caller::of(&request)?;
    let name: CaseName = parse_field("name", &request.get_ref().name)?;
    let operation = Get { intake, name };
    intake.read(caller, &operation).await
}

struct Get<'a> {
    intake: &'a Intake,
    name: CaseName,
}

impl Operation for Get<'_> {
    const NAME: &'static str = "intake.get_case";
    type Output = pb::Case;

    async fn run(&self, tx: &mut Tx) -> Result<pb::Case, Fault> {
        let case = case::get(tx, &self.name).await?;
        render::full(tx, &self.intake.keyring, &case).await
    }
}
