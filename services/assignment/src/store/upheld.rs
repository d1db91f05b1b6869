//! What an upheld complaint costs by the policy of its site (M17): booked in the same step as the decision that it is valid, and
//! waived with the one that it is not. The site's lock is held.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::ids::new_id;
use redress_model::name::{CaseName, StaffId};
use redress_policy::Accountability;
use redress_store::Tx;

use super::ledger::{self, Entry, new_entry};
use super::policy;
use crate::domain::ledger::{EntryCause, EntryKind, EntryState, due};
use crate::domain::person::Person;
use crate::domain::validity::Decision;

/// What an upheld complaint is booked as.
const WHAT: (EntryKind, EntryCause) = (EntryKind::Penalty, EntryCause::UpheldComplaint);

/// A decision took the place of `before`. Where the complaint is upheld by it and was not, the site owes what its policy says, if
/// anything, unless somebody booked it by hand; where it was and is not any more, what was booked for it falls. What was paid is
/// settled by people.
///
/// # Errors
/// When Postgres is away.
pub async fn decided(
    tx: &mut Tx,
    case: &CaseName,
    before: Option<&Decision>,
    now: &Decision,
) -> Result<(), Fault> {
    let was = before.is_some_and(|d| d.validity.is_valid());
    match (was, now.validity.is_valid()) {
        (false, true) => book(tx, case, now).await,
        (true, false) => {
            let reason = "the complaint is not valid after all";
            for entry in ledger::lock_of_case(tx, case, WHAT).await? {
                waive(tx, entry, &now.decider, reason, now.at).await?;
            }
            Ok(())
        }
        (true, true) | (false, false) => Ok(()),
    }
}

async fn book(tx: &mut Tx, case: &CaseName, decision: &Decision) -> Result<(), Fault> {
    let policy = policy::of_site(tx, &case.site).await?;
    let rules = policy.accountability();
    let amount_fen = Accountability::fen(rules.upheld_complaint);
    if amount_fen == 0 || ledger::stands(tx, case, WHAT, None, false).await? {
        return Ok(());
    }
    let at = decision.at;
    let due = due(i64::from(rules.due_days), at);
    let decider = &decision.decider;
    let author = &decider.subject;
    let entry = Entry {
        reason: "the complaint was upheld".to_owned(),
        case: Some(case.id),
        amount_fen,
        ..new_entry(
            case.site.clone(),
            new_id(at),
            WHAT,
            author,
            due,
            at,
            &policy,
        )
    };
    let origin = format!("upheld:{}:{}", case.id, decision.sequence);
    let staff = decider.staff.as_ref();
    ledger::book(tx, &entry, staff, Some(&origin))
        .await
        .map(drop)
}

/// Whether what the site is to pay for an upheld complaint gives way to this: a penalty for it that names who bears it.
pub fn gives_way(what: (EntryKind, EntryCause), staff: &[StaffId]) -> bool {
    what == WHAT && !staff.is_empty()
}

/// What the site was to pay is borne by people by name instead, as long as nobody appealed or paid.
///
/// # Errors
/// When Postgres is away.
pub async fn give_way(
    tx: &mut Tx,
    case: &CaseName,
    by: &Person,
    at: Timestamp,
) -> Result<(), Fault> {
    for entry in ledger::lock_of_case(tx, case, WHAT).await? {
        if entry.staff.is_none() && entry.standing.state == EntryState::Open {
            waive(tx, entry, by, "borne by name instead", at).await?;
        }
    }
    Ok(())
}

async fn waive(
    tx: &mut Tx,
    mut entry: Entry,
    by: &Person,
    reason: &str,
    at: Timestamp,
) -> Result<(), Fault> {
    if !entry.standing.waive() {
        return Ok(());
    }
    entry.revision += 1;
    entry.updated_at = at;
    ledger::save(tx, &entry, by, reason).await
}
