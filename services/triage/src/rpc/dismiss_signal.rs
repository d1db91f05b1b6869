//! Dismisses a signal, so that it does not count any more, and decides again. A repeat changes nothing.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::SignalName;
use redress_proto::triage::v1::{DismissSignalRequest, DismissSignalResponse};
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use redress_timers::Entry;
use tonic::Request;

use super::confirm_signal::visible_signal;
use super::{Shared, overrule, render};
use crate::casework::{self, Work};
use crate::domain::Cause;
use crate::store::decisions::{self, DecisionRow};
use crate::store::signals::{self, Dismissal, SignalRow};
use crate::store::{cases, sites};

const METHOD: &str = "redress.triage.v1.TriageService/DismissSignal";

pub(super) async fn run(
    shared: &Shared,
    request: Request<DismissSignalRequest>,
) -> Result<DismissSignalResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let name: SignalName = parse_field("name", &request.name)?;
    caller.require_site(&name.site)?;
    let request_id = std::mem::take(&mut request.request_id);
    let dismiss = Dismiss {
        receipt: shared.receipt(&caller, METHOD, &name.site, request_id, &request),
        name,
        reason: overrule::reason(request.reason)?,
        etag: request.etag,
        caller: &caller,
        now: shared.desk.now(),
    };
    let scope = redress_runtime::scope(&caller);
    let (row, decision, entries) = shared.desk.db.run(&scope, &dismiss).await?;
    shared.desk.schedule(entries);
    Ok(DismissSignalResponse {
        signal: Some(render::signal(&dismiss.name.site, row)),
        decision: decision.map(|row| render::decision(&dismiss.name.site, row)),
    })
}

struct Dismiss<'a> {
    receipt: ReceiptKey,
    name: SignalName,
    reason: String,
    etag: String,
    caller: &'a Caller,
    now: Timestamp,
}

impl Operation for Dismiss<'_> {
    const NAME: &'static str = "triage.dismiss_signal";
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
        if !repeated && row.dismissed.is_none() {
            etag::check(&self.etag, row.revision, &self.name)?;
            let dismissal = Dismissal {
                by: self.caller.subject.clone(),
                at: self.now,
                reason: self.reason.clone(),
            };
            signals::dismiss(tx, id, row.id, &dismissal).await?;
            let mut work = Work::new(tx, &site, self.now);
            casework::decide(&mut work, &mut case, Cause::Dismissed).await?;
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
