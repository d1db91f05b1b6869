//! What ConfirmSignal and DismissSignal have in common: a person says whether a signal is so, and its case is
//! decided again. A repeat changes nothing.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::{CaseName, SignalName};
use redress_model::words::SignalBasis;
use redress_proto::triage::v1 as pb;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use redress_timers::Entry;

use super::{Shared, render, require_visible};
use crate::casework::{self, Work};
use crate::domain::Cause;
use crate::store::decisions::{self, DecisionRow};
use crate::store::signals::{self, Dismissal, SignalRow};
use crate::store::{cases, sites};

/// What the person says.
pub(super) enum Judgement {
    /// It is so.
    Confirm,
    /// It is not so, for this reason.
    Dismiss(String),
}

/// A person's judgement as it came in.
pub(super) struct Asked<'a> {
    /// Who.
    pub(super) caller: &'a Caller,
    /// The receipt.
    pub(super) receipt: ReceiptKey,
    /// The signal.
    pub(super) name: SignalName,
    /// What is said of it.
    pub(super) judgement: Judgement,
    /// The signal that the person saw.
    pub(super) etag: String,
}

/// Keeps the judgement and returns the signal and the decision that stands now.
pub(super) async fn run(
    shared: &Shared,
    asked: Asked<'_>,
) -> Result<(pb::CaseSignal, Option<pb::Decision>), Fault> {
    let scope = redress_runtime::scope(asked.caller);
    let now = shared.desk.now();
    let judge = Judge { asked, now };
    let (row, decision, entries) = shared.desk.db.run(&scope, &judge).await?;
    shared.desk.schedule(entries);
    let site = &judge.asked.name.site;
    Ok((
        render::signal(site, row),
        decision.map(|row| render::decision(site, row)),
    ))
}

struct Judge<'a> {
    asked: Asked<'a>,
    now: Timestamp,
}

impl Operation for Judge<'_> {
    const NAME: &'static str = "triage.judge_signal";
    type Output = (SignalRow, Option<DecisionRow>, Vec<Entry>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let asked = &self.asked;
        let name = &asked.name;
        let id = &name.site;
        let missing = || Fault::not_found("Signal", name);
        let seen = visible_signal(tx, asked.caller, name).await?;
        let claim = receipt::claim(tx, &asked.receipt, self.now).await?;
        let site = sites::get(tx, id, self.now).await?.ok_or_else(missing)?;
        // The case first, as everyone does.
        let mut case = cases::lock(tx, id, seen.case).await?.ok_or_else(missing)?;
        let mut row = signals::lock(tx, id, name.id).await?.ok_or_else(missing)?;
        let mut entries = Vec::new();
        if !matches!(claim, Claim::Seen { .. }) {
            if let Some(cause) = self.keep(tx, &row).await? {
                let mut work = Work::new(tx, &site, self.now);
                casework::decide(&mut work, &mut case, cause).await?;
                entries = work.entries;
                row = signals::get(tx, id, row.id).await?.ok_or_else(missing)?;
            }
            let resource = name.to_string();
            receipt::complete(tx, &asked.receipt, &resource, &etag::of(row.revision)).await?;
        }
        let decision = decisions::get(tx, id, seen.case, None).await?;
        Ok((row, decision, entries))
    }
}

impl Judge<'_> {
    /// Keeps what is said, where it is news; the case is then to be decided for this cause.
    async fn keep(&self, tx: &mut Tx, row: &SignalRow) -> Result<Option<Cause>, Fault> {
        let asked = &self.asked;
        let (site, by) = (&asked.name.site, &asked.caller.subject);
        let check = || etag::check(&asked.etag, row.revision, &asked.name);
        match &asked.judgement {
            Judgement::Confirm if row.dismissed.is_some() => {
                let text = "it was dismissed; record it anew if it is so after all";
                Err(Fault::illegal("SIGNAL_DISMISSED", text, &asked.name))
            }
            Judgement::Confirm if row.signal.basis == SignalBasis::Confirmed => Ok(None),
            Judgement::Confirm => {
                check()?;
                signals::confirm(tx, site, row.id, by, self.now).await?;
                Ok(Some(Cause::Signal))
            }
            Judgement::Dismiss(_) if row.dismissed.is_some() => Ok(None),
            Judgement::Dismiss(reason) => {
                check()?;
                let dismissal = Dismissal {
                    by: by.clone(),
                    at: self.now,
                    reason: reason.clone(),
                };
                signals::dismiss(tx, site, row.id, &dismissal).await?;
                Ok(Some(Cause::Dismissed))
            }
        }
    }
}

/// A signal of a case that the caller may know of; any other is like one that is not there.
async fn visible_signal(
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
