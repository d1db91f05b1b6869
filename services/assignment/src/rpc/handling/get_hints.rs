//! Opens the hints on how to speak with a complainant for whoever is responsible for the case, and keeps who did (M14).

use std::sync::Arc;

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::CaseName;
use redress_proto::assignment::v1::{GetHintsRequest, GetHintsResponse};
use redress_rpc::Caller;
use redress_store::{Keyring, Operation, Tx};
use tonic::Request;

use super::hints::{require_kept, require_own, shown};
use crate::domain::hints::Hints;
use crate::rpc::{Shared, parse, visible_work};
use crate::store::hints;

pub(super) async fn run(
    shared: &Shared,
    request: Request<GetHintsRequest>,
) -> Result<GetHintsResponse, Fault> {
    let caller = Caller::of(&request)?;
    let operation = Get {
        keyring: Arc::clone(&shared.keyring),
        case: parse::case_of_work(&request.get_ref().name)?,
        caller,
        now: shared.clock.now(),
    };
    let scope = redress_runtime::scope(caller);
    let hints = shared.db.run(&scope, &operation).await?;
    Ok(GetHintsResponse {
        hints: Some(shown(&operation.case, hints)),
    })
}

struct Get<'a> {
    keyring: Arc<Keyring>,
    case: CaseName,
    caller: &'a Caller,
    now: Timestamp,
}

impl Operation for Get<'_> {
    const NAME: &'static str = "assignment.get_hints";
    type Output = Option<Hints>;

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let work = visible_work(tx, self.caller, &self.case).await?;
        let reader = require_own(self.caller, &work)?;
        require_kept(tx, &work).await?;
        let hints = hints::open(tx, &self.keyring, &self.case).await?;
        if hints.is_some() {
            let subject = &self.caller.subject;
            hints::record_access(tx, &self.case, subject, reader, self.now).await?;
        }
        Ok(hints)
    }
}
