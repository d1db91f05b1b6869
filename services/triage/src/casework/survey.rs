//! What an answered survey does to the promises of a case: somebody asked whether it really is solved (M12).

use jiff::Timestamp;
use redress_clock::Event;
use redress_model::Fault;
use redress_model::words::ClockKind;

use super::{Work, promises};
use crate::store::cases::Case;
use crate::store::clocks;

/// Meets the follow-up that was running when the customer answered. Returns false where the resolution that the
/// answer is about is not known here yet: assignment's news may come after notification's. An answer about a
/// resolution that was overtaken by a reopening meets nothing.
pub async fn surveyed(work: &mut Work<'_>, case: &mut Case, at: Timestamp) -> Result<bool, Fault> {
    let kind = ClockKind::FollowUpVisit;
    let mut all = clocks::lock_of_case(work.tx, &work.site.id, case.id).await?;
    let asked = all.iter_mut().find(|c| {
        c.kind == kind && c.slot.is_empty() && c.start <= at && c.stopped.is_none_or(|s| s >= at)
    });
    if let Some(clock) = asked {
        promises::apply(work, case, clock, Event::Met { at }, "survey answered").await?;
        return Ok(true);
    }
    let urgency = promises::urgency(work, case).await?;
    let promised = promises::length(work.site, case, urgency, kind).is_some();
    Ok(!(case.is_open() && promised))
}
