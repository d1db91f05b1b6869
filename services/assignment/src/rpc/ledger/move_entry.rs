//! What appeal, decision, settlement and the word on a proposal have in common: one entry, one move, one transaction.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::{CaseName, LedgerEntryName, StaffId};
use redress_policy::Accountability;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};

use super::grounds::{Booking, by_policy};
use super::{bears, visible_entry};
use crate::domain::ledger::{Move, Refused, step};
use crate::rpc::asked::person_of;
use crate::store::ledger::{self, Entry};
use crate::store::{bench, policy, upheld};

pub(super) struct MoveEntry<'a> {
    pub(super) receipt: ReceiptKey,
    pub(super) name: LedgerEntryName,
    pub(super) etag: String,
    pub(super) to: Move,
    pub(super) reason: String,
    pub(super) caller: &'a Caller,
    pub(super) now: Timestamp,
}

impl Operation for MoveEntry<'_> {
    const NAME: &'static str = "assignment.move_ledger_entry";
    type Output = Entry;

    async fn run(&self, tx: &mut Tx) -> Result<Entry, Fault> {
        let missing = || Fault::not_found("LedgerEntry", &self.name);
        if matches!(self.to, Move::Confirm { .. }) {
            // What is confirmed is booked: of two for one case the second sees the first.
            bench::lock(tx, &self.name.site).await?;
        }
        let mut entry = ledger::lock(tx, &self.name.site, self.name.id)
            .await?
            .ok_or_else(missing)?;
        entry = visible_entry(tx, self.caller, entry)
            .await?
            .ok_or_else(missing)?;
        if let Claim::Seen { .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            return Ok(entry);
        }
        etag::check(&self.etag, entry.revision, &self.name)?;
        let by = person_of(self.caller);
        let policy = policy::of_site(tx, &self.name.site).await?;
        let due_days = i64::from(policy.accountability().due_days);
        let (state, due) = step(&entry.standing, self.to, &by.subject, due_days, self.now)
            .map_err(|refused| self.illegal(&refused))?;
        let is_party = match self.to {
            // Whoever proposed, confirmed or appealed had a hand in it, under whatever token.
            Move::Decide { .. } | Move::Confirm { .. } => {
                bears(self.caller, &entry) || ledger::acted(tx, &entry, &by).await?
            }
            Move::Appeal | Move::Settle => false,
        };
        if is_party {
            return Err(self.illegal(&Refused::SamePerson));
        }
        if self.to == (Move::Confirm { stands: true }) {
            let what = (entry.standing.kind, entry.cause);
            if let Some(id) = entry.case
                && upheld::gives_way(what, entry.staff.as_slice())
            {
                let case = CaseName::new(entry.site.clone(), id);
                // It locks what the site is to pay: an appeal or a settlement on its way is waited for and counts below.
                upheld::give_way(tx, &case, &by, self.now).await?;
            }
            self.require_ground(tx, &entry, policy.accountability())
                .await?;
        }
        entry.standing.state = state;
        entry.standing.due = due;
        if self.to == Move::Appeal {
            entry.standing.appellant = Some(by.subject.clone());
        }
        entry.revision += 1;
        entry.updated_at = self.now;
        ledger::save(tx, &entry, &by, &self.reason).await?;
        let resource = self.name.to_string();
        receipt::complete(tx, &self.receipt, &resource, &etag::of(entry.revision)).await?;
        Ok(entry)
    }
}

impl MoveEntry<'_> {
    /// What held when it was proposed has to hold still, and the whole of it is within the authority of who confirms it.
    async fn require_ground(
        &self,
        tx: &mut Tx,
        entry: &Entry,
        rules: &Accountability,
    ) -> Result<(), Fault> {
        let staff: Vec<StaffId> = entry.staff.iter().cloned().collect();
        let booking = Booking {
            site: &entry.site,
            kind: entry.standing.kind,
            cause: entry.cause,
            case: entry.case,
            staff: &staff,
            sum_fen: ledger::sum_of_booking(tx, entry).await?,
            policy_fen: by_policy(entry.standing.kind, entry.cause, rules),
            // Only penalties are proposed.
            prize_booked: false,
            proposed: false,
            proposed_at: Some(entry.created_at),
        };
        booking.require(tx, self.caller).await
    }

    fn illegal(&self, refused: &Refused) -> Fault {
        let text = refused.to_string();
        match refused {
            Refused::State { .. } => Fault::illegal("LEDGER_STATE", text, &self.name),
            Refused::TooLate => Fault::illegal("LEDGER_APPEAL_PAST", text, &self.name),
            Refused::SamePerson => Fault::illegal("LEDGER_SAME_PERSON", text, &self.name),
        }
    }
}
