//! Sets the hints on how to speak with a complainant, or deletes them (M14). Nothing else of the case changes.

use std::sync::Arc;

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::CaseName;
use redress_proto::assignment::v1::{SetHintsRequest, SetHintsResponse};
use redress_proto::convert::from_wire;
use redress_rpc::Caller;
use redress_store::{Keyring, Operation, Tx};
use tonic::Request;

use super::hints::{require_kept, require_own, shown};
use crate::domain::hints::Hints;
use crate::rpc::{Shared, parse, visible_work};
use crate::store::{bench, hints};

pub(super) async fn run(
    shared: &Shared,
    request: Request<SetHintsRequest>,
) -> Result<SetHintsResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let request = request.into_inner();
    let case = parse::case_of_work(&request.name)?;
    caller.require_site(&case.site)?;
    let hints = Hints {
        motive: from_wire(request.motive),
        style: from_wire(request.style),
    };
    let operation = Set {
        keyring: Arc::clone(&shared.keyring),
        case,
        hints: Some(hints).filter(|h| h.motive.is_some() || h.style.is_some()),
        caller: &caller,
        now: shared.clock.now(),
    };
    let scope = redress_runtime::scope(&caller);
    shared.db.run(&scope, &operation).await?;
    Ok(SetHintsResponse {
        hints: Some(shown(&operation.case, operation.hints)),
    })
}

struct Set<'a> {
    keyring: Arc<Keyring>,
    case: CaseName,
    /// None deletes what is kept.
    hints: Option<Hints>,
    caller: &'a Caller,
    now: Timestamp,
}

impl Operation for Set<'_> {
    const NAME: &'static str = "assignment.set_hints";
    type Output = ();

    async fn run(&self, tx: &mut Tx) -> Result<(), Fault> {
        // Neither ends nor passes on meanwhile.
        bench::lock(tx, &self.case.site).await?;
        let work = visible_work(tx, self.caller, &self.case).await?;
        require_own(self.caller, &work)?;
        let Some(hints) = self.hints else {
            return hints::forget(tx, &self.case).await;
        };
        require_kept(tx, &work).await?;
        hints::keep(tx, &self.keyring, &self.case, hints, self.now).await
    }
}
