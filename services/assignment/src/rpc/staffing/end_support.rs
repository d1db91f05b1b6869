//! Ends the help of a department: given, or not needed any more.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::SupportName;
use redress_proto::assignment::v1::{EndSupportRequest, EndSupportResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, render, visible};
use crate::store::bench;
use crate::store::supports::{self, Support, SupportState};

pub(super) async fn run(
    shared: &Shared,
    request: Request<EndSupportRequest>,
) -> Result<EndSupportResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let request = request.into_inner();
    let name: SupportName = parse_field("name", &request.name)?;
    caller.require_site(&name.site)?;
    let operation = End {
        name,
        state: if request.done {
            SupportState::Done
        } else {
            SupportState::Withdrawn
        },
        caller: &caller,
        now: shared.clock.now(),
    };
    let scope = redress_runtime::scope(&caller);
    let support = shared.db.run(&scope, &operation).await?;
    Ok(EndSupportResponse {
        support: Some(render::support(support)),
    })
}

struct End<'a> {
    name: SupportName,
    state: SupportState,
    caller: &'a Caller,
    now: Timestamp,
}

impl Operation for End<'_> {
    const NAME: &'static str = "assignment.end_support";
    type Output = Support;

    async fn run(&self, tx: &mut Tx) -> Result<Support, Fault> {
        let missing = || Fault::not_found("Support", &self.name);
        bench::lock(tx, &self.name.site).await?;
        let known = supports::find(tx, &self.name).await?.ok_or_else(missing)?;
        visible(tx, self.caller, &known.case, missing).await?;
        if known.state == self.state {
            return Ok(known);
        }
        if known.state != SupportState::Requested {
            let text = format!("the help is {} already; ask for new help", known.state);
            return Err(Fault::illegal("SUPPORT_ENDED", text, &self.name));
        }
        supports::end(tx, &self.name, self.state, self.now).await?;
        let ended = supports::find(tx, &self.name).await?.ok_or_else(missing)?;
        supports::tell(tx, &ended, &self.caller.subject).await?;
        Ok(ended)
    }
}
