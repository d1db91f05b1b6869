//! Makes the messages of approved notices, batch by batch (M19). A batch is one transaction: its messages and the place
//! where the next one begins. Whatever dies in between, the next worker goes on there, and the message's cause lets
//! nobody be told twice.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use redress_model::name::{MessageName, SiteId};
use redress_model::time::SharedClock;
use redress_model::words::DutyRole;
use redress_model::{Fault, ids};
use redress_store::{Database, Operation, Scope, Tx};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::domain::causes;
use crate::domain::owner_notice::NoticeState;
use crate::store::owner_notices::{self, LIST_KEPT, Notice};
use crate::store::texts::{self, Override};
use crate::store::{duty, messages};

/// Owners a batch. A batch holds the notice's row, so that taking a notice back waits for one batch at most.
pub const BATCH_MAX: i64 = 200;
/// How often a replica looks. Nobody waits for a second, and a wake at every commit of the service would be one too many.
const POLL: Duration = Duration::from_secs(1);
/// Notices that one look takes up.
const NOTICES_MAX: i64 = 50;

/// Works through approved notices.
#[derive(Debug)]
pub struct NoticeWorker {
    /// The database.
    pub db: Database,
    /// Time.
    pub clock: SharedClock,
}

impl NoticeWorker {
    /// Until shutdown.
    pub async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            let more = self.work().await;
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = std::future::ready(()), if more => {}
                () = tokio::time::sleep(POLL), if !more => {}
            }
        }
    }

    /// Makes one batch of each notice that is due. Says whether anything moved.
    async fn work(&self) -> bool {
        let due = match owner_notices::due(&self.db, self.clock.now(), NOTICES_MAX).await {
            Ok(due) => due,
            Err(fault) => {
                tracing::warn!(reason = fault.reason(), fault = %fault.chain(), "due notices cannot be read");
                return false;
            }
        };
        let mut moved = false;
        for (site, id) in due {
            match self.step(&site, id).await {
                Ok(stepped) => moved |= stepped,
                Err(fault) => {
                    tracing::warn!(site = %site, reason = fault.reason(), fault = %fault.chain(), "a batch of a notice could not be made");
                }
            }
        }
        moved
    }

    /// Makes the next batch of one notice. Says whether there was one.
    pub async fn step(&self, site: &SiteId, id: Uuid) -> Result<bool, Fault> {
        let batch = MakeBatch {
            site,
            id,
            now: self.clock.now(),
        };
        self.db.run(&Scope::site(site.clone()), &batch).await
    }
}

struct MakeBatch<'a> {
    site: &'a SiteId,
    id: Uuid,
    now: Timestamp,
}

impl Operation for MakeBatch<'_> {
    const NAME: &'static str = "notification.make_notice_batch";
    type Output = bool;

    async fn run(&self, tx: &mut Tx) -> Result<bool, Fault> {
        let Some(mut notice) = owner_notices::lock(tx, self.site, self.id).await? else {
            return Ok(false);
        };
        // Another replica was here.
        if notice.due_time.is_none_or(|due| due > self.now) {
            return Ok(false);
        }
        if notice.state == NoticeState::Approved {
            self.make(tx, &mut notice).await?;
        } else {
            owner_notices::forget_list(tx, &notice).await?;
            notice.due_time = None;
        }
        owner_notices::settle(tx, &mut notice).await?;
        Ok(true)
    }
}

impl MakeBatch<'_> {
    async fn make(&self, tx: &mut Tx, notice: &mut Notice) -> Result<(), Fault> {
        let people = owner_notices::next_recipients(tx, notice, BATCH_MAX).await?;
        let template = notice.content.template();
        for person in &people {
            let id = ids::new_id(self.now);
            let draft = causes::notice(notice.id, template, person, self.now);
            if messages::insert(tx, self.site, id, &draft, None, self.now).await?
                && !notice.overridden.is_empty()
            {
                let kept = Override {
                    site: self.site.clone(),
                    id: ids::new_id(self.now),
                    message: MessageName::new(self.site.clone(), id),
                    rules: notice.overridden.clone(),
                    reason: notice.override_reason.clone(),
                    author: notice.overridden_by.clone(),
                    create_time: self.now,
                };
                texts::keep_override(tx, &kept).await?;
            }
        }
        tx.wake();
        if i64::try_from(people.len()).is_ok_and(|made| made < BATCH_MAX) {
            notice.state = NoticeState::Released;
            notice.release_time = Some(self.now);
            notice.due_time = self.now.checked_add(LIST_KEPT).ok();
        }
        if let Some(last) = people.last() {
            notice.cursor.clone_from(last);
        }
        Ok(())
    }
}

/// Tells the first of these duties that somebody holds now that a notice waits.
pub(crate) async fn tell_lead(
    tx: &mut Tx,
    notice: &Notice,
    for_approval: bool,
    roles: [DutyRole; 2],
    now: Timestamp,
) -> Result<(), Fault> {
    // A notice is about a defect of the site and names no case.
    if let Some(staff) = duty::holder(tx, &notice.site, &roles, &[], now).await? {
        let draft = causes::notice_waits(notice.id, notice.revision, for_approval, &staff, now);
        messages::queue(tx, &notice.site, &[draft], now).await?;
    }
    Ok(())
}
