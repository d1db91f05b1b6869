//! What follows when people, their duties or their contacts become known.

use redress_model::Fault;
use redress_model::name::SiteId;
use redress_model::words::ClockKind;
use redress_store::Tx;
use redress_timers::Entry;
use uuid::Uuid;

use super::{Desk, Transition, Turn};
use crate::domain::command::Roster;
use crate::domain::words::{LogKind, State};
use crate::store::cases::Contact;
use crate::store::{cases, duty, incidents};

/// A new roster: unfilled roles of open incidents are filled, breaches of which nobody heard are told,
/// and contacts of people who turn out to be leads count. The caller holds the site's lock.
///
/// # Errors
/// When Postgres is away.
pub async fn roster_changed(tx: &mut Tx, desk: &Desk, site: &SiteId) -> Result<Vec<Entry>, Fault> {
    let mut armed = Vec::new();
    for id in incidents::open_ids(tx, site).await? {
        let Some(incident) = incidents::lock(tx, site, id).await? else {
            continue;
        };
        let mut turn = Turn::take(tx, desk, desk.clock.now(), incident).await?;
        let filled = turn.fill_roles().await?;
        let told = turn.tell_unheard().await?;
        if filled || told {
            let transition = if filled {
                Transition::Changed
            } else {
                Transition::Noted
            };
            armed.extend(turn.finish(transition).await?.1);
        }
    }
    let roster = duty::roster(tx, site).await?;
    for (mut contact, incident) in cases::contacts_in_doubt(tx, site).await? {
        contact.lead = is_lead(&roster, &contact);
        if contact.lead {
            cases::contacted(tx, &contact).await?;
            armed.extend(led(tx, desk, incident, &contact).await?);
        }
    }
    Ok(armed)
}

/// An outward contact by a person. By a lead it meets LEADER_CONTACT of the case, when it took place
/// after the case joined; who is a lead says the roster of that time, now or when it becomes known.
///
/// # Errors
/// When Postgres is away.
pub async fn contacted(
    tx: &mut Tx,
    desk: &Desk,
    mut contact: Contact,
) -> Result<Vec<Entry>, Fault> {
    let site = contact.case.site.clone();
    contact.lead = is_lead(&duty::roster(tx, &site).await?, &contact);
    cases::contacted(tx, &contact).await?;
    let file = cases::lock(tx, &site, contact.case.id).await?;
    let joined = file.and_then(|f| Some((f.incident?, f.join_time?)));
    match joined {
        Some((incident, joined)) if contact.lead && contact.at >= joined => {
            led(tx, desk, incident, &contact).await
        }
        _ => Ok(Vec::new()),
    }
}

fn is_lead(roster: &Roster, contact: &Contact) -> bool {
    let staff = contact.staff.parse();
    staff.is_ok_and(|staff| roster.is_lead(&staff, contact.at))
}

async fn led(
    tx: &mut Tx,
    desk: &Desk,
    incident: Uuid,
    contact: &Contact,
) -> Result<Vec<Entry>, Fault> {
    let found = incidents::lock(tx, &contact.case.site, incident).await?;
    let Some(incident) = found.filter(|i| i.state == State::Open) else {
        return Ok(Vec::new());
    };
    let mut turn = Turn::take(tx, desk, desk.clock.now(), incident).await?;
    let case = Some(contact.case.id);
    if !turn.meet(ClockKind::LeaderContact, case).await? {
        return Ok(Vec::new());
    }
    let text = format!("{} spoke with the complainant", contact.staff);
    turn.note(LogKind::LeaderContact, "", &text, "").await?;
    Ok(turn.finish(Transition::Noted).await?.1)
}
