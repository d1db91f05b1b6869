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
mod handover;
mod keeping;
mod learning;
mod linking;
mod matter;
mod media;
mod playbook;
mod reviewing;
mod roster;
mod saying;
mod split;
mod standing_down;
mod telling;
mod terms;
mod turn;
mod verifying;

pub use briefing::{Correction, Notes, Pledge, Told as BriefingTold};
pub use calling::Because;
pub use exporting::whole_story;
pub use filing::filed;
pub use keeping::Carried;
pub use linking::{Linking, link, unlink};
pub use matter::{Cause, Decided, decide, merge_matters, open_by_hand};
pub use media::Stood;
pub use playbook::Ending;
pub use reviewing::Findings;
pub use roster::{contacted, staff_up};
pub use saying::Case as StatementCase;
pub use split::{Goal, Splitting, split};
pub use telling::Account;
pub use terms::{Wanted, in_force};
pub use turn::{Desk, Transition, Turn};
pub use verifying::{Verified, verified};
