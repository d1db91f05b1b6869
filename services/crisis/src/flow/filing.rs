//! What intake tells of a case, and what its end does to an incident: the incident stays, since a person
//! decides, but nobody is paged for a case that ended (P06). Whoever it complains about leaves the command.

use redress_model::Fault;
use redress_store::Tx;
use redress_timers::Entry;

use super::keeping::Carried;
use super::{Because, Desk, Transition, Turn};
use crate::domain::words::{LogKind, State};
use crate::store::cases::Filing;
use crate::store::{cases, incidents, lock_site};

/// Takes in what intake tells.
///
/// # Errors
/// When Postgres is away.
pub async fn filed(tx: &mut Tx, desk: &Desk, filing: &Filing) -> Result<Vec<Entry>, Fault> {
    let site = &filing.case.site;
    // Naming somebody may change the command.
    if !filing.complained_about.is_empty() {
        lock_site(tx, site).await?;
    }
    let before = cases::lock(tx, site, filing.case.id).await?;
    let case = cases::file(tx, filing).await?;
    let Some(before) = before else {
        return Ok(Vec::new());
    };
    let named = before.complained_about != case.complained_about;
    let moved = before.ended != case.ended;
    if !named && !moved {
        return Ok(Vec::new());
    }
    let incident = match case.incident {
        Some(id) => incidents::lock(tx, site, id).await?,
        None => None,
    };
    let Some(incident) = incident.filter(|i| i.state == State::Open) else {
        return Ok(Vec::new());
    };
    let now = desk.clock.now();
    let mut turn = Turn::take(tx, desk, now, incident).await?;
    if moved {
        let what = if case.ended {
            "was ended"
        } else {
            "was reopened"
        };
        let text = format!("case {} {what} by intake; the incident stays", case.number);
        turn.note(LogKind::CaseChanged, "", &text, "").await?;
        turn.reconcile(now, &Carried::new()).await?;
    }
    let transition = if named && turn.fill_roles(Because::TimePassed).await? {
        Transition::Changed
    } else {
        Transition::Noted
    };
    Ok(turn.finish(transition).await?.1)
}
