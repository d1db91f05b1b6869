//! What happens to a case in one transaction: it is received and joins a cluster, it is decided, its
//! promises start, move and stop. Event handlers, RPCs and timers come here, so that whatever the
//! occasion, the same things follow.
//!
//! Locks are taken in one order: the site's clusters (only where a cluster may change), the case, the one
//! that it is merged into, their clocks. Whoever breaks it is rolled back by Postgres and runs again.

mod age;
mod ask;
mod byhand;
mod calendar;
mod came_back;
mod cluster;
mod contact;
mod decide;
mod defect;
mod demand;
mod firing;
mod holds;
mod known;
mod ladder;
mod law;
mod merging;
mod overrule;
mod policies;
mod promises;
mod recalendar;
mod receive;
mod status;
mod survey;
mod teaching;
mod waiting;

pub use byhand::{Act, ByHand, act, find, may_cancel, may_extend, may_meet, may_start, start};
pub use calendar::{
    CalendarChange, content, first_day, follow_calendar, reread, revision, with_first,
};
pub use cluster::{
    Likeness, cluster_facts, facts_without, join, merge, recount, regrade, split, spread,
};
pub use contact::{Contact, contact};
pub use decide::decide;
pub use defect::{propose as propose_defect, review_defect};
pub use demand::{Demand, DemandState, demand};
pub use firing::{Telling, fire, fire_many, only_tells};
pub use holds::{Budget, DECIDED, NewHold, budget, hold, release, stills, wait_for_voice};
pub use ladder::acknowledge;
pub use law::legal_source;
pub use overrule::{Overrule, overrule};
pub use policies::{
    ClockEffect as PolicyClock, Effect as PolicyEffect, LadderEffect as PolicyLadder,
    Listing as PolicyListing, Pages as PolicyPages, Preview as PolicyPreview, Rank as PolicyRank,
    clashes as policy_clashes, organization_of, preview as preview_policy,
    regrade as regrade_by_policy, tell as tell_policy,
};
pub use promises::assessed;
pub(crate) use promises::calendars;
pub use recalendar::recalendar;
pub use receive::{Heard, Reading, Receipt, hear, receive, update};
pub(crate) use status::complains;
pub use status::{Move, Mover, complained_again, ended_statuses, stand};
pub use survey::surveyed;
pub use waiting::{Ageing, Ending, ageing, ending};

use jiff::Timestamp;
use redress_store::Tx;
use redress_timers::Entry;

use crate::store::sites::Site;

/// One transaction's work at one site.
#[derive(Debug)]
pub struct Work<'a> {
    /// The transaction.
    pub tx: &'a mut Tx,
    /// The site.
    pub site: &'a Site,
    /// Now.
    pub now: Timestamp,
    /// When what it is about was entered, where somebody else recorded it: triage may read of it later.
    pub entered: Timestamp,
    /// On whose word the promise is made anew that is being made; empty where on nobody's.
    by: String,
    /// What the timers are told once the transaction has committed.
    pub entries: Vec<Entry>,
}

impl<'a> Work<'a> {
    /// Work that begins.
    pub fn new(tx: &'a mut Tx, site: &'a Site, now: Timestamp) -> Self {
        Self {
            tx,
            site,
            now,
            entered: now,
            by: String::new(),
            entries: Vec::new(),
        }
    }
}
