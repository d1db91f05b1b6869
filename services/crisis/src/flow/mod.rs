//! What happens to an incident within one transaction. Requests, events and timers all end here, so that
//! an incident changes in one way only: take its [`Turn`], do something, finish it.
//!
//! Lock order: the site's lock (where membership, matter or command may change), then the case, then the
//! incident.

mod briefing;
mod calling;
mod exporting;
mod filing;
mod gates;
mod keeping;
mod matter;
mod media;
mod reviewing;
mod roster;
mod saying;
mod standing_down;
mod telling;
mod turn;

pub use briefing::{Notes, Pledge, Told as BriefingTold};
pub use calling::Because;
pub use exporting::whole_story;
pub use filing::filed;
pub use matter::{Cause, decide, merge_matters, open_by_hand};
pub use media::Stood;
pub use reviewing::Findings;
pub use roster::{contacted, staff_up};
pub use saying::Case as StatementCase;
pub use telling::situation;
pub use turn::{Desk, Transition, Turn};
