//! What an exposure costs by the policy of its site (M17): one that nobody clarified in time, and one that the media desk of an
//! incident finds true. Once a report, whoever says so and in whatever order that is heard; waived where it was not so after all.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::ids::new_id;
use redress_model::name::SiteId;
use redress_policy::Accountability;
use redress_store::Tx;
use uuid::Uuid;

use super::ledger::{self, Entry, Report, new_entry};
use super::{bench, policy};
use crate::domain::ledger::{EntryCause, EntryKind, due};
use crate::domain::person::Person;

/// Books a report, unless an entry stands for it already: its own, that of another who missed the same one, or one by hand.
///
/// # Errors
/// When Postgres is away.
pub async fn book(
    tx: &mut Tx,
    site: &SiteId,
    report: &Report,
    (actor, reason): (&str, &str),
    now: Timestamp,
) -> Result<(), Fault> {
    let policy = policy::of_site(tx, site).await?;
    let rules = policy.accountability();
    let amount_fen = Accountability::fen(rules.exposure);
    if amount_fen == 0 {
        return Ok(());
    }
    // Of two that say the same report at once, the one sees what the other booked.
    bench::lock(tx, site).await?;
    let counted = ledger::lock_missed(tx, site, report.clock).await?.is_some();
    if counted || ledger::share(tx, site, report).await? {
        return Ok(());
    }
    let what = (EntryKind::Penalty, EntryCause::Exposure);
    let due = due(i64::from(rules.due_days), now);
    let id = new_id(now);
    let entry = Entry {
        reason: reason.to_owned(),
        // Of several that an incident is about, the one that opened it.
        case: report.cases.first().copied(),
        amount_fen,
        ..new_entry(site.clone(), id, what, actor, due, now, &policy)
    };
    if ledger::book(tx, &entry, None, Some(&report.origin)).await? {
        ledger::name_report(tx, site, id, report).await?;
    }
    Ok(())
}

/// Lets what was booked for a report fall, unless it stands for another or by the hand of somebody, or was booked before `since`.
///
/// # Errors
/// When Postgres is away.
pub async fn waive(
    tx: &mut Tx,
    site: &SiteId,
    (clock, since): (Uuid, Option<Timestamp>),
    (actor, reason): (&str, &str),
    now: Timestamp,
) -> Result<(), Fault> {
    bench::lock(tx, site).await?;
    let Some(mut entry) = ledger::lock_missed(tx, site, clock).await? else {
        return Ok(());
    };
    if since.is_some_and(|since| entry.created_at < since) {
        return Ok(());
    }
    let stands = ledger::let_go(tx, site, entry.id, clock).await?;
    if stands || !entry.standing.waive() {
        return Ok(());
    }
    entry.revision += 1;
    entry.updated_at = now;
    ledger::save(tx, &entry, &Person::service(actor), reason).await
}
