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
use crate::store::{case, needs};

/// Who reads what was found of the complainant's needs, and what to look after: who handles cases, and no portal.
const NEEDS: &str = "cases.needs";

/// Answers GetCase.
pub(super) async fn get(
    intake: &Intake,
    request: Request<pb::GetCaseRequest>,
) -> Result<pb::Case, Fault> {
    let caller = Caller::of(&request)?;
    let name: CaseName = parse_field("name", &request.get_ref().name)?;
    let operation = Get {
        intake,
        name,
        handles: caller.may(NEEDS),
    };
    intake.read(caller, &operation).await
}

struct Get<'a> {
    intake: &'a Intake,
    name: CaseName,
    handles: bool,
}

impl Operation for Get<'_> {
    const NAME: &'static str = "intake.get_case";
    type Output = pb::Case;

    async fn run(&self, tx: &mut Tx) -> Result<pb::Case, Fault> {
        let case = case::get(tx, &self.name).await?;
        let keyring = &self.intake.keyring;
        let whole = render::full(tx, keyring, &case).await?;
        let known = needs::open(tx, keyring, &self.name).await?;
        Ok(pb::Case {
            needs: (!known.is_empty()).then(|| match self.handles {
                true => known.to_handler(),
                false => known.as_said(),
            }),
            ..whole
        })
    }
}
