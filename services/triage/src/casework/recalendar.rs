//! A new revision of the site's calendar moves running clocks, visibly and never into the past
//! (domain.md section 6).

use redress_clock::Event;
use redress_model::Fault;

use super::{Work, promises};
use crate::store::cases::Case;
use crate::store::clocks;

/// Lets the running clocks of a case count by the site's calendar as it is now. Time used and time held
/// stay as they are. Returns how many deadlines moved. The case must be locked.
pub async fn recalendar(work: &mut Work<'_>, case: &Case) -> Result<u32, Fault> {
    let calendar = work.site.calendar_revision();
    let mut moved = 0;
    for mut clock in clocks::lock_of_case(work.tx, &work.site.id, case.id).await? {
        if clock.stopped.is_some() || clock.calendar_revision >= calendar {
            continue;
        }
        if clock.is_silent() {
            // It promises nothing and counts by no calendar; it only is not behind any more.
            clock.calendar_revision = calendar;
            clocks::update(work.tx, &work.site.id, &clock).await?;
            continue;
        }
        let due = clock.deadlines.due;
        let event = Event::Recalendared {
            at: work.now,
            calendar,
        };
        promises::apply(work, case, &mut clock, event, "calendar").await?;
        moved += u32::from(clock.deadlines.due != due);
    }
    Ok(moved)
}
