//! Lets the company centre take a case over (M17): the work, the fee and the news of it in one step, once a case.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::ids::new_id;
use redress_model::name::CaseName;
use redress_policy::{Accountability, TakeOver};
use redress_store::Tx;

use super::ledger::{self, Entry, new_entry};
use super::{bench, notices, past_office, policy, validity, work};
use crate::domain::bench::Bench;
use crate::domain::ledger::{EntryCause, EntryKind, due};
use crate::domain::person::Person;
use crate::domain::transition::{Action, transition};
use crate::domain::work::Work;

/// What the fee of a case is booked under: once, whatever makes it due again.
pub fn fee_origin(case: &CaseName) -> String {
    format!("take-over:{}", case.id)
}

/// Lets the centre take the case over where the policy of its site wants that for this cause, or its complainant had gone past
/// the office (M18), and nobody did before, or its complainant consented since that the office has it again. A fee is the
/// policy's alone, and booked once. The site's lock is held. Returns the work as it is then.
///
/// # Errors
/// When Postgres is away.
pub async fn take_over(
    tx: &mut Tx,
    before: &Work,
    cause: TakeOver,
    by: &Person,
    now: Timestamp,
) -> Result<Work, Fault> {
    let case = &before.case;
    let policy = policy::of_site(tx, &case.site).await?;
    let wanted = policy.accountability().take_over_on.contains(&cause);
    let mark = past_office::of_case(tx, case).await?;
    let went_past = mark.is_some();
    // Whoever consented that the office has it again is not left there because the centre had it once.
    let handed_back = mark.is_some_and(|mark| mark.consent.is_some());
    if before.taken_over_at.is_some() && !handed_back {
        return Ok(before.clone());
    }
    if !wanted && !went_past {
        return Ok(before.clone());
    }
    let mut why = match cause {
        TakeOver::ResolveBreached => "not resolved in time",
        TakeOver::Dissatisfied => "the complainant is dissatisfied",
    }
    .to_owned();
    if went_past {
        why.push_str(", having gone past the office before");
        // What they consented to came to nothing.
        past_office::forget_consent(tx, case).await?;
    }
    let bench = bench::load(tx, &case.site, now).await?;
    let work = give_to_centre(tx, before, &why, &bench, &by.subject, now).await?;

    let rules = policy.accountability();
    let decided = validity::of_case(tx, case).await?;
    let is_faultless = decided.first().is_some_and(|d| !d.validity.is_valid());
    let fee = Accountability::fen(rules.take_over);
    if wanted && fee > 0 && (rules.faultless_pays || !is_faultless) {
        let what = (EntryKind::Fee, EntryCause::TakeOver);
        let due = due(i64::from(rules.due_days), now);
        let entry = Entry {
            reason: format!("the company centre took the case over: {why}"),
            case: Some(case.id),
            amount_fen: fee,
            ..new_entry(
                case.site.clone(),
                new_id(now),
                what,
                &by.subject,
                due,
                now,
                &policy,
            )
        };
        let staff = by.staff.as_ref();
        ledger::book(tx, &entry, staff, Some(&fee_origin(case))).await?;
    }
    Ok(work)
}

/// Keeps a case that went past the office (M18) above it, where it came back to the office by itself: it was routed anew, an offer
/// was declined, or whoever had it may not handle it any more. The centre has it then, without a fee. Whoever stands in during a
/// leave is left alone, and so is a case that nobody above the office is there for. `work` is what became of `before`, and is
/// saved. The site's lock is held. Returns the work as it is then.
///
/// # Errors
/// When Postgres is away.
pub async fn keep_above(
    tx: &mut Tx,
    before: &Work,
    work: Work,
    actor: &str,
    now: Timestamp,
) -> Result<Work, Fault> {
    let same = (&before.responsible, &before.offered_to) == (&work.responsible, &work.offered_to);
    if same || work.taken_over_at.is_some() {
        return Ok(work);
    }
    let Some(mark) = past_office::of_case(tx, &work.case).await? else {
        return Ok(work);
    };
    let bench = bench::load(tx, &work.case.site, now).await?;
    if !mark.came_back(before, &work, &bench, now) {
        return Ok(work);
    }
    let why = "the complainant went past the office and did not consent that it has the case";
    give_to_centre(tx, &work, why, &bench, actor, now).await
}

/// The centre has the case from here on, and whoever had it, or was offered it, hears of it.
async fn give_to_centre(
    tx: &mut Tx,
    before: &Work,
    why: &str,
    bench: &Bench,
    actor: &str,
    now: Timestamp,
) -> Result<Work, Fault> {
    let action = Action::TakeOver(why.to_owned());
    let known = Work {
        taken_over_at: None,
        ..before.clone()
    };
    let outcome = transition(&known, action, bench, now).map_err(Fault::internal)?;
    work::save(tx, Some(before), &outcome, actor, now).await?;
    notices::taken_over(tx, before, &outcome.work, bench, now).await?;
    Ok(outcome.work)
}

/// Waives the fee of a case in which the site turned out to be without fault, unless its policy lets it pay all the same.
///
/// # Errors
/// When Postgres is away.
pub async fn without_fault(
    tx: &mut Tx,
    case: &CaseName,
    by: &Person,
    now: Timestamp,
) -> Result<(), Fault> {
    let policy = policy::of_site(tx, &case.site).await?;
    if policy.accountability().faultless_pays {
        return Ok(());
    }
    let Some(mut entry) = ledger::lock_origin(tx, &case.site, &fee_origin(case)).await? else {
        return Ok(());
    };
    if !entry.standing.waive() {
        return Ok(());
    }
    entry.revision += 1;
    entry.updated_at = now;
    ledger::save(
        tx,
        &entry,
        by,
        "the complaint is not valid: the site is without fault",
    )
    .await
}
