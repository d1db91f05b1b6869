//! Says what is wrong with a document, alone and together with the levels around it.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_policy::{Clash, Overlay};
use redress_proto::triage::v1::{CheckPolicyRequest, CheckPolicyResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::Shared;
use super::policy_service::{clashes, problems, require_inside};
use crate::casework;
use crate::domain::policies::PolicyScope;

pub(super) async fn run(
    shared: &Shared,
    request: Request<CheckPolicyRequest>,
) -> Result<CheckPolicyResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let request = request.into_inner();
    let alone = request.parent.is_empty();
    let read = if alone {
        Overlay::check(&request.document)
    } else {
        Overlay::parse(&request.document)
    };
    let found = match read {
        Err(of) => problems(&of),
        Ok(_) if alone => Vec::new(),
        Ok(overlay) => {
            let check = Check {
                scope: parse_field("parent", &request.parent)?,
                overlay,
                caller: &caller,
                now: shared.desk.now(),
            };
            let scope = redress_runtime::scope(&caller);
            let found = shared.desk.db.read(&scope, &check).await?;
            clashes(&found, &check.scope, &check.overlay)
        }
    };
    Ok(CheckPolicyResponse { problems: found })
}

struct Check<'a> {
    scope: PolicyScope,
    overlay: Overlay,
    caller: &'a Caller,
    now: Timestamp,
}

impl Operation for Check<'_> {
    const NAME: &'static str = "triage.check_policy";
    type Output = Vec<Clash>;

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        require_inside(tx, self.caller, &self.scope).await?;
        casework::policy_clashes(tx, &self.scope, &self.overlay, self.now).await
    }
}
