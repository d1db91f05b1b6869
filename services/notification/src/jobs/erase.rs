//! Erasing a case: what was told its complainants loses its words and addresses, and what waits to be told them is cancelled.
//! That something went, when, by which way and what came of it stays.
//!
//! Whoever writes such words at the same time finds the message, or the case, erased once it may write: the tables themselves
//! keep none of an erased case (migration 0083). So it does not matter what was under way, what comes later and what comes again.

use std::collections::BTreeSet;

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::{CaseName, SiteId};
use redress_store::Tx;
use uuid::Uuid;

use super::{steps, voice};
use crate::domain::words::MessageState;
use crate::store::{erasure, messages, surveys, tasks};

/// Why a message about an erased case is not sent.
pub(super) const CASE_ERASED: &str = "CASE_ERASED";

/// Locks the messages and surveys of cases that are erased. Whoever sends one has its lock before its case's: so does who erases
/// it, or each would wait for the other. For [`forget`].
pub(super) async fn lock(tx: &mut Tx, site: &SiteId, cases: &BTreeSet<Uuid>) -> Result<(), Fault> {
    if cases.is_empty() {
        return Ok(());
    }
    let cases: Vec<Uuid> = cases.iter().copied().collect();
    erasure::lock(tx, site, &cases).await
}

/// Forgets what was told the complainants of a case, and tells them nothing any more. A repeat finds nothing left. The case is
/// locked and kept as erased.
pub(super) async fn forget(tx: &mut Tx, case: &CaseName, now: Timestamp) -> Result<(), Fault> {
    for survey in surveys::end_of_erased(tx, case).await? {
        voice::survey_ended(tx, &survey, now).await?;
    }
    tasks::end_needless_surveys(tx, &case.site, Some(case.id), None, now).await?;
    for name in erasure::messages_of(tx, case).await? {
        let Some(mut message) = messages::lock(tx, &name).await? else {
            continue;
        };
        match message.fate.state {
            MessageState::Queued
            | MessageState::Sending
            | MessageState::Held
            | MessageState::Asked => {
                steps::silence(tx, &mut message, CASE_ERASED, now).await?;
            }
            // What became of it stays.
            MessageState::Sent
            | MessageState::Failed
            | MessageState::Acknowledged
            | MessageState::Cancelled
            | MessageState::Bundled => {}
        }
        tasks::end_dropped(tx, &name, now).await?;
        erasure::words_of(tx, &name).await?;
    }
    Ok(())
}
