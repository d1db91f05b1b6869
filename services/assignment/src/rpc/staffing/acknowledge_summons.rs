//! Says that somebody who was summoned knows.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::SummonsName;
use redress_proto::assignment::v1::{AcknowledgeSummonsRequest, AcknowledgeSummonsResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, render, require_one_of, visible};
use crate::store::summonses::{self, Summons};

pub(super) async fn run(
    shared: &Shared,
    request: Request<AcknowledgeSummonsRequest>,
) -> Result<AcknowledgeSummonsResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let name: SummonsName = parse_field("name", &request.get_ref().name)?;
    caller.require_site(&name.site)?;
    let operation = Acknowledge {
        name,
        caller: &caller,
        now: shared.clock.now(),
    };
    let scope = redress_runtime::scope(&caller);
    let summons = shared.db.run(&scope, &operation).await?;
    Ok(AcknowledgeSummonsResponse {
        summons: Some(render::summons(summons)),
    })
}

struct Acknowledge<'a> {
    name: SummonsName,
    caller: &'a Caller,
    now: Timestamp,
}

impl Operation for Acknowledge<'_> {
    const NAME: &'static str = "assignment.acknowledge_summons";
    type Output = Summons;

    async fn run(&self, tx: &mut Tx) -> Result<Summons, Fault> {
        let missing = || Fault::not_found("Summons", &self.name);
        let known = summonses::find(tx, &self.name).await?.ok_or_else(missing)?;
        visible(tx, self.caller, &known.case, missing).await?;
        require_one_of(self.caller, &known.case, &[Some(&known.staff)])?;
        summonses::acknowledge(tx, &self.name, self.now).await?;
        summonses::find(tx, &self.name).await?.ok_or_else(missing)
    }
}
