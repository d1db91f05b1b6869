//! What extending, meeting and cancelling a clock by hand have in common: one person's act on one clock,
//! at the version that this person saw.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::{CaseName, ClockName};
use redress_model::words::ClockState;
use redress_proto::triage::v1::CaseClock;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use redress_timers::Entry;

use super::{Shared, render, require_visible};
use crate::casework::{self, Act, Work};
use crate::store::clocks::{self, Clock};
use crate::store::{cases, sites};

/// An act on a clock.
pub(super) struct Change<'a> {
    pub(super) receipt: ReceiptKey,
    pub(super) name: ClockName,
    pub(super) etag: String,
    pub(super) act: Act,
    pub(super) reason: String,
    pub(super) caller: &'a Caller,
    pub(super) now: Timestamp,
}

/// Does it, and tells the timers.
pub(super) async fn change(shared: &Shared, change: Change<'_>) -> Result<CaseClock, Fault> {
    let scope = redress_runtime::scope(change.caller);
    let (clock, entries) = shared.desk.db.run(&scope, &change).await?;
    shared.desk.schedule(entries);
    Ok(render::clock(&change.name.site, clock))
}

impl Change<'_> {
    fn missing(&self) -> Fault {
        Fault::not_found("Clock", &self.name)
    }

    fn illegal(&self, reason: &'static str, legal: &str) -> Fault {
        Fault::illegal(reason, legal.to_owned(), self.name.to_string())
    }

    /// Whether this may be done to this clock by hand.
    fn check(&self, clock: &Clock) -> Result<(), Fault> {
        if clock.is_silent() {
            return Err(self.illegal("CLOCK_NOT_BY_HAND", "it promises nothing to anybody"));
        }
        etag::check(&self.etag, clock.generation, &self.name)?;
        if clock.stopped.is_some() {
            return Err(self.illegal("CLOCK_NOT_RUNNING", "it has stopped"));
        }
        match self.act {
            Act::Meet(_) if !casework::may_meet(clock.kind) => Err(self.illegal(
                "CLOCK_NOT_BY_HAND",
                "it is met by what happens: record the contact, the visit or the move",
            )),
            Act::Meet(at) if at < clock.start => Err(Fault::invalid(
                "meet_time",
                "must not lie before the start of the clock",
            )),
            Act::Extend(_) if !casework::may_extend(clock.kind) => Err(self.illegal(
                "CLOCK_NOT_BY_HAND",
                "it is a question, not a promise: nobody gives it more time",
            )),
            Act::Extend(due) if due <= clock.deadlines.due => Err(Fault::invalid(
                "due_time",
                "must lie after the present deadline",
            )),
            Act::Extend(_)
                if clock.state == ClockState::Breached
                    || (clock.deadlines.due <= self.now && clock.held.is_none()) =>
            {
                Err(self.illegal(
                    "CLOCK_NOT_RUNNING",
                    "it is broken, and a breach stays a breach",
                ))
            }
            Act::Meet(_) | Act::Cancel | Act::Extend(_) => Ok(()),
        }
    }
}

impl Operation for Change<'_> {
    const NAME: &'static str = "triage.change_clock";
    type Output = (Clock, Vec<Entry>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let id = &self.name.site;
        let seen = clocks::get(tx, id, self.name.id)
            .await?
            .ok_or_else(|| self.missing())?;
        let case = CaseName::new(id.clone(), seen.case);
        require_visible(tx, self.caller, &case)
            .await
            .map_err(|fault| match fault {
                Fault::NotFound { .. } => self.missing(),
                other => other,
            })?;
        if let Claim::Seen { .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            return Ok((seen, Vec::new()));
        }
        let site = sites::get(tx, id, self.now)
            .await?
            .ok_or_else(|| self.missing())?;
        let case = cases::lock(tx, id, seen.case)
            .await?
            .ok_or_else(|| self.missing())?;
        let mut work = Work::new(tx, &site, self.now);
        let mut clock = casework::find(&mut work, &case, self.name.id)
            .await?
            .ok_or_else(|| self.missing())?;
        self.check(&clock)?;
        if matches!(self.act, Act::Cancel) && !casework::may_cancel(&mut work, &clock).await? {
            return Err(self.illegal(
                "CLOCK_NOT_BY_HAND",
                "no person started it: it goes with the policy, the law, the promise or the demand that it keeps",
            ));
        }
        // With who gave it, a reason is never one of the words by which a clock tells why it stopped: a promise that somebody
        // cancelled does not go on with the case (P06).
        let why = format!("{}: {}", self.caller.subject, self.reason);
        casework::act(&mut work, &case, &mut clock, self.act, &why).await?;
        let entries = work.entries;
        let name = self.name.to_string();
        receipt::complete(tx, &self.receipt, &name, &etag::of(clock.generation)).await?;
        Ok((clock, entries))
    }
}
