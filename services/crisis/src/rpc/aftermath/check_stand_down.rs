//! CheckStandDown: what a stand-down would find now. NOT_FOUND when there is no such incident in the caller's sites.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::IncidentName;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::super::Incidents;
use crate::domain::aftermath::Condition;
use crate::flow::{Desk, Turn};
use crate::store::incidents;

pub(super) async fn handle(
    api: &Incidents,
    request: &Request<wire::CheckStandDownRequest>,
) -> Result<wire::CheckStandDownResponse, Fault> {
    let caller = Caller::of(request)?;
    let name: IncidentName = parse_field("name", &request.get_ref().name)?;
    caller.require_site(&name.site)?;
    let check = Check {
        desk: &api.desk,
        name,
    };
    let conditions = redress_runtime::sight(caller).read(&api.db, &check).await?;
    let shown = conditions.into_iter().map(|c| wire::StandDownCondition {
        name: c.name.to_owned(),
        text: c.text.to_owned(),
        holds: c.holds(),
        missing: c.missing,
    });
    Ok(wire::CheckStandDownResponse {
        conditions: shown.collect(),
    })
}

struct Check<'a> {
    desk: &'a Desk,
    name: IncidentName,
}

impl Operation for Check<'_> {
    const NAME: &'static str = "crisis.check_stand_down";
    type Output = Vec<Condition>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Condition>, Fault> {
        let found = incidents::get(tx, &self.name.site, self.name.id).await?;
        let incident = found.ok_or_else(|| Fault::not_found("Incident", &self.name))?;
        let mut turn = Turn::take(tx, self.desk, self.desk.clock.now(), incident).await?;
        turn.stand_down_conditions(&[]).await
    }
}
