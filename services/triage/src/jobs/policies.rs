//! Lets policies take effect, and opening-day windows: once a revision holds, others are told what it says to them, and the open cases below it
//! are graded again, site by site and in batches. Deadlines stay (P26). Whoever is killed on the way leaves a lease that runs out,
//! and whoever comes next begins anew, which changes nothing about cases that are done.

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
use crate::store::{openings, policies, sites};

/// How often revisions that have taken effect are looked for, beyond being woken.
const LOOK_PERIOD: Duration = Duration::from_secs(15);

/// Lets policies take effect.
#[derive(Debug, Clone)]
pub struct PolicyKeeper(Arc<Desk>);

impl PolicyKeeper {
    /// A keeper.
    pub fn new(desk: Arc<Desk>) -> Self {
        Self(desk)
    }

    /// Until shutdown. Replicas share the work: each revision is leased.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut wakes = self.0.db.wakes();
        loop {
            if let Err(fault) = self.turn_windows().await {
                tracing::warn!(
                    reason = fault.reason(),
                    fault = %fault.chain(),
                    "an opening-day window waits to be told"
                );
            }
            if let Err(fault) = self.take_effect().await {
                tracing::warn!(
                    reason = fault.reason(),
                    fault = %fault.chain(),
                    "a policy waits to take effect on open cases"
                );
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(LOOK_PERIOD) => {}
                Ok(()) = wakes.changed() => {}
            }
        }
    }

    /// Tells others by which profile a sales centre works from now on, once a window has opened or closed (M15). A window that
    /// opened and closed between two looks is told as what holds now.
    pub async fn turn_windows(&self) -> Result<u32, Fault> {
        let mut told = 0;
        for site in openings::turned(&self.0.db, self.0.now()).await? {
            let turn = Turn {
                site: site.clone(),
                now: self.0.now(),
            };
            self.0.db.run(&Scope::site(site), &turn).await?;
            told += 1;
        }
        Ok(told)
    }

    /// Grades again below every revision that has taken effect since. Gives how many revisions.
    pub async fn take_effect(&self) -> Result<u32, Fault> {
        let mut done = 0;
        while let Some(leased) = policies::lease(&self.0.db, self.0.now()).await? {
            for site in policies::sites_below(&self.0.db, &leased).await? {
                self.site(&site).await?;
                policies::renew(&self.0.db, &leased, self.0.now()).await?;
            }
            policies::spread(&self.0.db, &leased, self.0.now()).await?;
            done += 1;
        }
        Ok(done)
    }

    async fn site(&self, site: &SiteId) -> Result<(), Fault> {
        let tell = Tell {
            site: site.clone(),
            now: self.0.now(),
        };
        self.0.db.run(&Scope::site(site.clone()), &tell).await?;
        let mut after = Some(Uuid::nil());
        while let Some(from) = after {
            let regrade = Regrade {
                site: site.clone(),
                after: from,
                now: self.0.now(),
            };
            let scope = Scope::site(site.clone());
            let (next, entries) = self.0.db.run(&scope, &regrade).await?;
            self.0.schedule(entries);
            after = next;
        }
        Ok(())
    }
}

struct Tell {
    site: SiteId,
    now: Timestamp,
}

impl Operation for Tell {
    const NAME: &'static str = "triage.tell_policy";
    type Output = ();

    async fn run(&self, tx: &mut Tx) -> Result<(), Fault> {
        match sites::get(tx, &self.site, self.now).await? {
            Some(site) => casework::tell_policy(tx, &site).await,
            None => Ok(()),
        }
    }
}

struct Turn {
    site: SiteId,
    now: Timestamp,
}

impl Operation for Turn {
    const NAME: &'static str = "triage.turn_window";
    type Output = ();

    async fn run(&self, tx: &mut Tx) -> Result<(), Fault> {
        openings::lock(tx, &self.site).await?;
        let open = openings::get(tx, &self.site).await?.is_open(self.now);
        if openings::told(tx, &self.site, open).await?
            && let Some(site) = sites::get(tx, &self.site, self.now).await?
        {
            casework::tell_policy(tx, &site).await?;
        }
        Ok(())
    }
}

struct Regrade {
    site: SiteId,
    after: Uuid,
    now: Timestamp,
}

impl Operation for Regrade {
    const NAME: &'static str = "triage.regrade_by_policy";
    type Output = (Option<Uuid>, Vec<Entry>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let Some(site) = sites::get(tx, &self.site, self.now).await? else {
            return Ok((None, Vec::new()));
        };
        let mut work = Work::new(tx, &site, self.now);
        let next = casework::regrade_by_policy(&mut work, self.after).await?;
        Ok((next, work.entries))
    }
}
