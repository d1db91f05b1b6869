//! A new revision of the site's calendar moves running clocks, visibly and never into the past
//! (domain.md section 6); a policy's new hours do not (P26).

use redress_clock::Event;
use redress_model::Fault;
use redress_model::words::ClockTransition;

use super::{Work, promises};
use crate::store::cases::Case;
use crate::store::clocks::{self, History, Note};

/// Why a deadline moved.
const CAUSE: &str = "calendar";

/// Lets the running clocks of a case count by the site's calendar as it is now. Time used and time held
/// stay as they are. Returns how many deadlines moved. The case must be locked.
pub async fn recalendar(work: &mut Work<'_>, case: &Case) -> Result<u32, Fault> {
    let calendar = work.site.calendars.newest_moving();
    let mut moved = 0;
    // What a promise is made under is kept with it; it follows what a person, the product or the zone changed.
    for mut clock in clocks::lock_of_case(work.tx, &work.site.id, case.id).await? {
        if clock.stopped.is_some() || clock.calendar_revision >= calendar {
            continue;
        }
        let due = clock.deadlines.due;
        let event = Event::Recalendared {
            at: work.now,
            calendar,
        };
        if clock.is_waited_for() {
            // It counts by no calendar; it only is not behind any more.
            clock.calendar_revision = calendar;
            clocks::update(work.tx, &work.site.id, &clock).await?;
            if !clock.is_silent() {
                let entry = History {
                    transition: ClockTransition::Moved,
                    at: work.now,
                    due,
                    cause: CAUSE.to_owned(),
                };
                let note = Note {
                    clock: clock.id,
                    event: Some(&event),
                    entry: &entry,
                };
                clocks::note(work.tx, &work.site.id, &[note]).await?;
            }
            continue;
        }
        promises::apply(work, case, &mut clock, event, CAUSE).await?;
        moved += u32::from(clock.deadlines.due != due);
    }
    Ok(moved)
}
