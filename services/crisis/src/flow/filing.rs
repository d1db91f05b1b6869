//! What intake tells of a case, and what its end does to an incident: the incident stays, since a person
//! decides, but nobody is paged for a case that ended (P06).

use redress_model::Fault;
use redress_store::Tx;
use redress_timers::Entry;

use super::keeping::Starts;
use super::{Desk, Transition, Turn};
use crate::domain::words::{LogKind, State};
use crate::store::cases::Filing;
use crate::store::{cases, incidents};

/// Takes in what intake tells.
///
/// # Errors
/// When Postgres is away.
pub async fn filed(tx: &mut Tx, desk: &Desk, filing: &Filing) -> Result<Vec<Entry>, Fault> {
    let site = &filing.case.site;
    let before = cases::lock(tx, site, filing.case.id).await?;
    let case = cases::file(tx, filing).await?;
    if before.is_none_or(|b| b.ended == case.ended) {
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
    let what = if case.ended {
        "was ended"
    } else {
        "was reopened"
    };
    let text = format!("case {} {what} by intake; the incident stays", case.number);
    turn.note(LogKind::CaseChanged, "", &text, "").await?;
    turn.reconcile(now, &Starts::new()).await?;
    Ok(turn.finish(Transition::Noted).await?.1)
}
