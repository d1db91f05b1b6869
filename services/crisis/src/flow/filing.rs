//! What intake tells of a case, and what its end does to an incident: the incident stays, since a person
//! decides, but nobody is paged for a case that ended (P06). Whoever it complains about leaves the command, also of an
//! incident that it has left: such a person finds that one no more.

use redress_model::Fault;
use redress_store::Tx;
use redress_timers::Entry;
use uuid::Uuid;

use super::keeping::Carried;
use super::{Because, Desk, Transition, Turn};
use crate::domain::words::{LogKind, State};
use crate::store::cases::{CaseFile, Filing};
use crate::store::incidents::Incident;
use crate::store::{cases, incidents, lock_site};

/// Takes in what intake tells.
///
/// # Errors
/// When Postgres is away.
pub async fn filed(tx: &mut Tx, desk: &Desk, filing: &Filing) -> Result<Vec<Entry>, Fault> {
    let site = &filing.case.site;
    // Naming somebody, or taking a name back, may change the command, and that of incidents which the case has left.
    let known = cases::get(tx, site, filing.case.id).await?;
    if !filing.complained_about.is_empty() || known.is_some_and(|c| !c.complained_about.is_empty())
    {
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
    let mut concerned: Vec<Uuid> = case.incident.into_iter().collect();
    if named {
        concerned.extend(cases::open_past(tx, site, case.id).await?);
        concerned.sort_unstable();
        concerned.dedup();
    }
    let mut armed = Vec::new();
    for id in concerned {
        let found = incidents::lock(tx, site, id).await?;
        if let Some(incident) = found.filter(|i| i.state == State::Open) {
            let news = News {
                named,
                moved: moved && case.incident == Some(id),
            };
            armed.extend(hear(tx, desk, incident, &case, news).await?);
        }
    }
    Ok(armed)
}

/// What is new about a case.
#[derive(Clone, Copy)]
struct News {
    /// It complains about others.
    named: bool,
    /// It ended, or was reopened.
    moved: bool,
}

async fn hear(
    tx: &mut Tx,
    desk: &Desk,
    incident: Incident,
    case: &CaseFile,
    News { named, moved }: News,
) -> Result<Vec<Entry>, Fault> {
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
