//! What every RPC that changes the work on a case does alike: lock the site, find the work that the caller may see, tell
//! a retry, hold the etag, apply one action, keep the receipt.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::{CaseName, StaffId, StaffName};
use redress_rpc::{Caller, etag};
use redress_store::Tx;
use redress_store::receipt::{self, Claim, ReceiptKey};

use super::{OVERRIDE, illegal, is_staff, parse, visible_work};
use crate::domain::bench::Bench;
use crate::domain::person::Person;
use crate::domain::transition::{Action, Outcome, transition};
use crate::domain::work::Work;
use crate::store::{bench, parts, work};

/// A change that a caller asked for.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub(super) receipt: ReceiptKey,
    pub(super) case: CaseName,
    /// Of the work; empty where the caller holds another resource's or none.
    pub(super) etag: String,
    pub(super) caller: &'a Caller,
    pub(super) now: Timestamp,
}

/// Applies an action that depends on nobody's duty.
pub(super) async fn change(
    tx: &mut Tx,
    caller: &Caller,
    before: &Work,
    action: Action,
    now: Timestamp,
) -> Result<Work, Fault> {
    let outcome = transition(before, action, &Bench::default(), now)
        .map_err(|e| illegal(&e, &before.case))?;
    work::save(tx, Some(before), &outcome, &caller.subject, now).await?;
    Ok(outcome.work)
}

/// Refuses callers who are neither responsible nor may act in another's name.
pub(super) fn require_responsible(caller: &Caller, work: &Work) -> Result<(), Fault> {
    let is_theirs = |person: &StaffId| is_staff(caller, &work.case, person);
    if work.responsible.as_ref().is_some_and(is_theirs) {
        return Ok(());
    }
    let why = match &work.responsible {
        Some(person) => format!("{} is responsible", staff_name(work, person)),
        None => "nobody is responsible".to_owned(),
    };
    require_override(caller, why)
}

/// Refuses callers who may not act in another's name, saying in whose.
pub(super) fn require_override(caller: &Caller, why: String) -> Result<(), Fault> {
    if caller.may(OVERRIDE) {
        Ok(())
    } else {
        Err(Fault::denied_since(OVERRIDE, why))
    }
}

/// A person of the site of the work.
pub(super) fn staff_name(work: &Work, person: &StaffId) -> StaffName {
    StaffName::new(work.case.site.clone(), person.clone())
}

/// Refuses callers who have no part in the case: what is done with it is for the responsible person, for whoever helps, is
/// summoned, visits or is on the lead ladder now, and for callers who may act in another's name.
pub(super) async fn require_part(
    tx: &mut Tx,
    caller: &Caller,
    work: &Work,
    now: Timestamp,
) -> Result<(), Fault> {
    let site = &work.case.site;
    let Err(refused) = require_responsible(caller, work) else {
        return Ok(());
    };
    let Some(staff) = caller.staff.as_ref().filter(|s| s.site == *site) else {
        return Err(refused);
    };
    let has_part = parts::has(tx, &work.case, &staff.id).await?
        || bench::load(tx, site, now).await?.is_lead(&staff.id, now);
    if has_part { Ok(()) } else { Err(refused) }
}

/// The person behind a caller.
pub(super) fn person_of(caller: &Caller) -> Person {
    Person {
        subject: caller.subject.clone(),
        staff: caller.staff.clone(),
    }
}

/// What a change begins with.
pub(super) struct Begun {
    /// The work as it is.
    pub(super) work: Work,
    /// The request was done before: the name of what it made or changed.
    pub(super) done: Option<String>,
}

impl Asked<'_> {
    /// Locks the site and finds the work.
    pub(super) async fn begin(&self, tx: &mut Tx) -> Result<Begun, Fault> {
        bench::lock(tx, &self.case.site).await?;
        let work = visible_work(tx, self.caller, &self.case).await?;
        let done = match receipt::claim(tx, &self.receipt, self.now).await? {
            Claim::Seen { resource, .. } => Some(resource),
            Claim::New => {
                let name = parse::work_name(&self.case);
                etag::check(&self.etag, work.revision, &name)?;
                None
            }
        };
        Ok(Begun { work, done })
    }

    /// Refuses callers who have no part in the case.
    pub(super) async fn require_part(&self, tx: &mut Tx, work: &Work) -> Result<(), Fault> {
        require_part(tx, self.caller, work, self.now).await
    }

    /// Refuses callers who replace what stands at the work without saying what they saw (P28).
    pub(super) fn require_etag(&self, work: &Work) -> Result<(), Fault> {
        let name = parse::work_name(&self.case);
        etag::require(&self.etag, work.revision, name)
    }

    /// Applies an action that depends on nobody's duty.
    pub(super) async fn change(
        &self,
        tx: &mut Tx,
        before: &Work,
        action: Action,
    ) -> Result<Work, Fault> {
        change(tx, self.caller, before, action, self.now).await
    }

    /// Stores what came of an action, with the receipt.
    pub(super) async fn save(
        &self,
        tx: &mut Tx,
        before: &Work,
        outcome: Outcome,
    ) -> Result<Work, Fault> {
        let actor = &self.caller.subject;
        work::save(tx, Some(before), &outcome, actor, self.now).await?;
        self.keep(tx, &outcome.work).await?;
        Ok(outcome.work)
    }

    /// The caller, where they work at the site of the case.
    pub(super) fn person(&self) -> Option<StaffId> {
        let staff = self.caller.staff.as_ref();
        staff
            .filter(|s| s.site == self.case.site)
            .map(|s| s.id.clone())
    }

    /// Keeps what the request came to: the work.
    pub(super) async fn keep(&self, tx: &mut Tx, work: &Work) -> Result<(), Fault> {
        let name = parse::work_name(&self.case).to_string();
        self.keep_as(tx, &name, work.revision).await
    }

    /// Keeps what the request came to.
    pub(super) async fn keep_as(
        &self,
        tx: &mut Tx,
        resource: &str,
        revision: i64,
    ) -> Result<(), Fault> {
        receipt::complete(tx, &self.receipt, resource, &etag::of(revision)).await
    }
}
