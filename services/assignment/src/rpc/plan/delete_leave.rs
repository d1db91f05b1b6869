//! Removes leave: what was planned counts again.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::LeaveName;
use redress_proto::assignment::v1::{DeleteLeaveRequest, DeleteLeaveResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::Shared;
use crate::store::plan;

pub(super) async fn run(
    shared: &Shared,
    request: Request<DeleteLeaveRequest>,
) -> Result<DeleteLeaveResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let name: LeaveName = parse_field("name", &request.get_ref().name)?;
    caller.require_site(&name.site)?;
    let operation = Delete {
        name,
        actor: caller.subject.clone(),
        now: shared.clock.now(),
    };
    let scope = redress_runtime::scope(&caller);
    shared.db.run(&scope, &operation).await?;
    Ok(DeleteLeaveResponse {})
}

struct Delete {
    name: LeaveName,
    actor: String,
    now: Timestamp,
}

impl Operation for Delete {
    const NAME: &'static str = "assignment.delete_leave";
    type Output = ();

    async fn run(&self, tx: &mut Tx) -> Result<(), Fault> {
        let site = &self.name.site;
        // Looked at first: where there is nothing in scope, no row of the roster may be made either.
        if !plan::delete_leave(tx, site, self.name.id).await? {
            return Err(Fault::not_found("Leave", &self.name));
        }
        plan::lock(tx, site, self.now).await?;
        plan::announce(tx, site, &self.actor, self.now).await
    }
}
