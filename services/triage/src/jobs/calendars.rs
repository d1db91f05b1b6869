//! Keeps calendars and clocks together: sites follow what the product ships and what their policy says,
//! and running clocks follow their site's calendar, case by case. Whatever is cut short is found again:
//! a clock that is behind says so in its row.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_store::{Operation, Scope, Tx};
use redress_timers::Entry;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::casework::{self, Work};
use crate::desk::Desk;
use crate::store::{calendars, cases, sites};

/// How often clocks that are behind are looked for.
const LOOK_PERIOD: Duration = Duration::from_secs(15);
/// Every how many looks all sites are asked whether their calendar has to follow: within the hour.
const LOOKS_A_ROUND: u32 = 240;
/// Rows of one look.
const BATCH: i64 = 200;

/// Keeps calendars and clocks together.
#[derive(Debug, Clone)]
pub struct CalendarKeeper(Arc<Desk>);

impl CalendarKeeper {
    /// A keeper.
    pub fn new(desk: Arc<Desk>) -> Self {
        Self(desk)
    }

    /// Until shutdown. Replicas may do so at once: each case is moved once.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut looks = 0_u32;
        loop {
            if looks.is_multiple_of(LOOKS_A_ROUND)
                && let Err(fault) = self.follow_all().await
            {
                tracing::warn!(
                    reason = fault.reason(),
                    fault = %fault.chain(),
                    "calendars stay as they are for now"
                );
            }
            looks = looks.wrapping_add(1);
            if let Err(fault) = self.catch_up().await {
                tracing::warn!(
                    reason = fault.reason(),
                    fault = %fault.chain(),
                    "clocks stay behind their calendar for now"
                );
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(LOOK_PERIOD) => {}
            }
        }
    }

    /// Lets the calendar of every site follow the product, its policy and its zone. Gives how many did.
    pub async fn follow_all(&self) -> Result<u32, Fault> {
        let (mut after, mut changed) = (String::new(), 0);
        loop {
            let sites = calendars::sites(&self.0.db, &after, BATCH).await?;
            let Some(last) = sites.last() else {
                return Ok(changed);
            };
            after = last.to_string();
            for site in sites {
                let follow = Follow {
                    site: site.clone(),
                    now: self.0.now(),
                };
                match self.0.db.run(&Scope::site(site), &follow).await {
                    Ok(true) => changed += 1,
                    Ok(false) => {}
                    Err(fault) => {
                        tracing::warn!(
                            reason = fault.reason(),
                            fault = %fault.chain(),
                            "a calendar stays as it is for now"
                        );
                    }
                }
            }
        }
    }

    /// Moves the clocks of every case that is behind its site's calendar. Gives how many cases.
    pub async fn catch_up(&self) -> Result<u32, Fault> {
        let (mut after, mut moved) = (None, 0);
        loop {
            let behind = calendars::behind(&self.0.db, after.as_ref(), BATCH).await?;
            let Some(last) = behind.last() else {
                return Ok(moved);
            };
            after = Some(last.clone());
            for (site, case) in behind {
                let recalendar = Recalendar {
                    site: site.clone(),
                    case,
                    now: self.0.now(),
                };
                match self.0.db.run(&Scope::site(site), &recalendar).await {
                    Ok(entries) => {
                        moved += 1;
                        self.0.schedule(entries);
                    }
                    Err(fault) => {
                        tracing::warn!(
                            reason = fault.reason(),
                            fault = %fault.chain(),
                            "a case stays behind its calendar for now"
                        );
                    }
                }
            }
        }
    }
}

struct Follow {
    site: SiteId,
    now: Timestamp,
}

impl Operation for Follow {
    const NAME: &'static str = "triage.follow_calendar";
    type Output = bool;

    async fn run(&self, tx: &mut Tx) -> Result<bool, Fault> {
        let Some(site) = sites::get(tx, &self.site, self.now).await? else {
            return Ok(false);
        };
        let (_, changed) = casework::follow_calendar(tx, site, self.now).await?;
        Ok(changed)
    }
}

struct Recalendar {
    site: SiteId,
    case: Uuid,
    now: Timestamp,
}

impl Operation for Recalendar {
    const NAME: &'static str = "triage.recalendar";
    type Output = Vec<Entry>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Entry>, Fault> {
        let Some(site) = sites::get(tx, &self.site, self.now).await? else {
            return Ok(Vec::new());
        };
        let Some(case) = cases::lock(tx, &site.id, self.case).await? else {
            return Ok(Vec::new());
        };
        let mut work = Work::new(tx, &site, self.now);
        casework::recalendar(&mut work, &case).await?;
        Ok(work.entries)
    }
}
