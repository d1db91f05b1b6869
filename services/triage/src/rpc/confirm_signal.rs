//! Confirms a signal, so that it counts, and decides again. A repeat changes nothing.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{CaseName, SignalName};
use redress_model::words::SignalBasis;
use redress_proto::triage::v1::{ConfirmSignalRequest, ConfirmSignalResponse};
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use redress_timers::Entry;
use tonic::Request;

use super::{Shared, render, require_visible};
use crate::casework::{self, Work};
use crate::domain::Cause;
use crate::store::decisions::{self, DecisionRow};
use crate::store::signals::{self, SignalRow};
use crate::store::{cases, sites};

const METHOD: &str = "redress.triage.v1.TriageService/ConfirmSignal";

pub(super) async fn run(
    shared: &Shared,
    request: Request<ConfirmSignalRequest>,
) -> Result<ConfirmSignalResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let name: SignalName = parse_field("name", &request.name)?;
    caller.require_site(&name.site)?;
    let request_id = std::mem::take(&mut request.request_id);
    let confirm = Confirm {
        receipt: shared.receipt(&caller, METHOD, &name.site, request_id, &request),
        name,
        etag: request.etag,
        caller: &caller,
        now: shared.desk.now(),
    };
    let scope = redress_runtime::scope(&caller);
    let (row, decision, entries) = shared.desk.db.run(&scope, &confirm).await?;
    shared.desk.schedule(entries);
    Ok(ConfirmSignalResponse {
        signal: Some(render::signal(&confirm.name.site, row)),
        decision: decision.map(|row| render::decision(&confirm.name.site, row)),
    })
}

struct Confirm<'a> {
    receipt: ReceiptKey,
    name: SignalName,
    etag: String,
    caller: &'a Caller,
    now: Timestamp,
}

impl Operation for Confirm<'_> {
    const NAME: &'static str = "triage.confirm_signal";
    type Output = (SignalRow, Option<DecisionRow>, Vec<Entry>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let id = &self.name.site;
        let missing = || Fault::not_found("Signal", &self.name);
        let seen = visible_signal(tx, self.caller, &self.name).await?;
        let repeated = matches!(
            receipt::claim(tx, &self.receipt, self.now).await?,
            Claim::Seen { .. }
        );
        let site = sites::get(tx, id, self.now).await?.ok_or_else(missing)?;
        // The case first, as everyone does.
        let mut case = cases::lock(tx, id, seen.case).await?.ok_or_else(missing)?;
        let mut row = signals::lock(tx, id, self.name.id)
            .await?
            .ok_or_else(missing)?;
        let mut entries = Vec::new();
        if !repeated && row.dismissed.is_some() {
            let text = "it was dismissed; record it anew if it is so after all";
            return Err(Fault::illegal("SIGNAL_DISMISSED", text, &self.name));
        }
        if !repeated && row.signal.basis != SignalBasis::Confirmed {
            etag::check(&self.etag, row.revision, &self.name)?;
            signals::confirm(tx, id, row.id, &self.caller.subject, self.now).await?;
            let mut work = Work::new(tx, &site, self.now);
            casework::decide(&mut work, &mut case, Cause::Signal).await?;
            entries = work.entries;
            row = signals::get(tx, id, row.id).await?.ok_or_else(missing)?;
        }
        if !repeated {
            let resource = self.name.to_string();
            receipt::complete(tx, &self.receipt, &resource, &etag::of(row.revision)).await?;
        }
        let decision = decisions::get(tx, id, seen.case, None).await?;
        Ok((row, decision, entries))
    }
}

/// A signal of a case that the caller may know of; any other is like one that is not there.
pub(super) async fn visible_signal(
    tx: &mut Tx,
    caller: &Caller,
    name: &SignalName,
) -> Result<SignalRow, Fault> {
    let missing = || Fault::not_found("Signal", name);
    let seen = signals::get(tx, &name.site, name.id)
        .await?
        .ok_or_else(missing)?;
    let case = CaseName::new(name.site.clone(), seen.case);
    match require_visible(tx, caller, &case).await {
        Ok(()) => Ok(seen),
        Err(Fault::NotFound { .. }) => Err(missing()),
        Err(other) => Err(other),
    }
}
