//! What follows when people, their duties or their contacts become known.

use redress_model::Fault;
use redress_model::name::SiteId;
use redress_model::words::ClockKind;
use redress_store::Tx;
use redress_timers::Entry;

use super::{Because, Desk, Transition, Turn};
use crate::domain::words::{LogKind, State};
use crate::store::cases::Contact;
use crate::store::{cases, incidents};

/// Who is on duty may be others now: unfilled roles of open incidents are filled, breaches of which nobody
/// heard are told, and contacts of people who turn out to be leads count. The caller holds the site's
/// lock.
///
/// # Errors
/// When Postgres is away.
pub async fn staff_up(
    tx: &mut Tx,
    desk: &Desk,
    site: &SiteId,
    because: Because,
) -> Result<Vec<Entry>, Fault> {
    let mut armed = Vec::new();
    for id in incidents::open_ids(tx, site).await? {
        let Some(incident) = incidents::lock(tx, site, id).await? else {
            continue;
        };
        let mut turn = Turn::take(tx, desk, desk.clock.now(), incident).await?;
        let settled = turn.settle_contacts().await?;
        let filled = turn.fill_roles(because).await?;
        let told = turn.tell_unheard().await?;
        if settled || filled || told {
            let transition = if filled {
                Transition::Changed
            } else {
                Transition::Noted
            };
            armed.extend(turn.finish(transition).await?.1);
        }
    }
    Ok(armed)
}

/// An outward contact by a person. By a lead it meets LEADER_CONTACT of the case, when it took place
/// after the case joined; who is a lead says the roster of that time, now or when it becomes known.
///
/// # Errors
/// When Postgres is away.
pub async fn contacted(tx: &mut Tx, desk: &Desk, contact: &Contact) -> Result<Vec<Entry>, Fault> {
    let site = &contact.case.site;
    cases::contacted(tx, contact).await?;
    let file = cases::lock(tx, site, contact.case.id).await?;
    let incident = match file.and_then(|f| f.incident) {
        Some(id) => incidents::lock(tx, site, id).await?,
        None => None,
    };
    let Some(incident) = incident.filter(|i| i.state == State::Open) else {
        return Ok(Vec::new());
    };
    let mut turn = Turn::take(tx, desk, desk.clock.now(), incident).await?;
    if turn.settle_contacts().await? {
        Ok(turn.finish(Transition::Noted).await?.1)
    } else {
        Ok(Vec::new())
    }
}

impl Turn<'_> {
    /// Finds contacts that were a lead's by what the roster tells now. Says whether there were any: somebody was told.
    pub(super) async fn settle_contacts(&mut self) -> Result<bool, Fault> {
        let site = self.site();
        let mut any = false;
        for mut contact in cases::contacts_in_doubt(self.tx, &site, self.incident.name.id).await? {
            let staff = contact.staff.parse();
            if !staff.is_ok_and(|staff| self.roster.is_lead(&staff, contact.at)) {
                continue;
            }
            contact.lead = true;
            cases::contacted(self.tx, &contact).await?;
            let case = Some(contact.case.id);
            any = true;
            if self.meet(ClockKind::LeaderContact, case).await? {
                let text = format!("{} spoke with the complainant", contact.staff);
                self.note(LogKind::LeaderContact, "", &text, "").await?;
            }
        }
        Ok(any)
    }
}
