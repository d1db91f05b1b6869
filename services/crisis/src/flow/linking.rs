//! Incidents of several sites under one command: one leads, the others are led. Each side shows it, and its log tells.

use redress_model::Fault;
use redress_model::name::IncidentName;
use redress_store::Tx;
use redress_timers::Entry;

use super::{Desk, Transition, Turn};
use crate::domain::words::LogKind;
use crate::store::links::{self, Link};

/// A person's word.
#[derive(Debug, Clone, Copy)]
pub struct Linking<'a> {
    /// Which leads.
    pub lead: &'a IncidentName,
    /// Which is led.
    pub led: &'a IncidentName,
    /// Why.
    pub reason: &'a str,
    /// Who says so.
    pub actor: &'a str,
}

/// Puts one incident under the command of another. The caller holds the rows of both. Says whether anything changed.
///
/// # Errors
/// FAILED_PRECONDITION when that would make a chain, or the other is led by somebody else.
pub async fn link(
    tx: &mut Tx,
    desk: &Desk,
    linking: Linking<'_>,
) -> Result<Option<Vec<Entry>>, Fault> {
    let Linking { lead, led, .. } = linking;
    let (of_lead, of_led) = (
        links::of_incident(tx, lead).await?,
        links::of_incident(tx, led).await?,
    );
    if of_lead.iter().any(|l| l.leads && l.other == *led) {
        return Ok(None);
    }
    let illegal = |text, name: &IncidentName| Err(Fault::illegal("LINK_CHAIN", text, name));
    if of_lead.iter().any(|l| !l.leads) {
        return illegal("it is led by another itself; link to that one", lead);
    }
    if of_led.iter().any(|l| l.leads) {
        return illegal("it leads others; unlink those first", led);
    }
    if !of_led.is_empty() {
        return illegal("it is led by another; unlink it there first", led);
    }
    let armed = both(tx, desk, linking, Act::Link).await?;
    Ok(Some(armed))
}

/// Takes one out from under the command of another. The caller holds the rows of both. Says whether anything changed.
///
/// # Errors
/// When Postgres is away.
pub async fn unlink(
    tx: &mut Tx,
    desk: &Desk,
    linking: Linking<'_>,
) -> Result<Option<Vec<Entry>>, Fault> {
    let known = links::of_incident(tx, linking.lead).await?;
    if !known.iter().any(|l| l.leads && l.other == *linking.led) {
        return Ok(None);
    }
    Ok(Some(both(tx, desk, linking, Act::Unlink).await?))
}

#[derive(Clone, Copy)]
enum Act {
    Link,
    Unlink,
}

async fn both(
    tx: &mut Tx,
    desk: &Desk,
    linking: Linking<'_>,
    act: Act,
) -> Result<Vec<Entry>, Fault> {
    let now = desk.clock.now();
    let Linking { lead, led, .. } = linking;
    let mut armed = Vec::new();
    for (own, other, leads) in [(lead, led, true), (led, lead, false)] {
        let mut turn = Turn::take_open(tx, desk, now, own).await?;
        let word = match act {
            Act::Link => {
                let link = Link {
                    other: other.clone(),
                    leads,
                    reason: linking.reason.to_owned(),
                    actor: linking.actor.to_owned(),
                    linked: now,
                };
                links::add(turn.tx, own, &link).await?;
                "now"
            }
            Act::Unlink => {
                links::end(turn.tx, own, other).await?;
                "no longer"
            }
        };
        let how = if leads { "leads" } else { "is led by" };
        let text = format!("{word} {how} {other}: {}", linking.reason);
        turn.note(LogKind::Linked, linking.actor, &text, &other.to_string())
            .await?;
        armed.extend(turn.finish(Transition::Noted).await?.1);
    }
    Ok(armed)
}
