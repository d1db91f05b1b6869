//! Incidents of several sites under one command: one leads, the others are led. Each side shows it, and its log tells.

use redress_model::Fault;
use redress_model::name::{IncidentName, StaffName};
use redress_model::words::DutyRole;
use redress_proto::event::v1 as events;
use redress_store::Tx;
use redress_timers::Entry;

use super::{Desk, Transition, Turn};
use crate::domain::words::LogKind;
use crate::store::links::{self, Link};
use crate::store::roles;

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
    /// The same on a roster, where the token names somebody.
    pub staff: Option<&'a StaffName>,
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
    // What a merger on the other side left behind.
    links::clear(tx, led).await?;
    links::end(tx, lead, led).await?;
    let armed = both(tx, desk, linking, Act::Link).await?;
    Ok(Some(armed))
}

/// Takes one out from under the command of another, also once either has ended: whoever is led by what has ended can be led
/// by another. The caller holds the rows of both. Says whether anything changed.
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
        let mut turn = match act {
            Act::Link => Turn::take_open(tx, desk, now, own).await?,
            Act::Unlink => Turn::take_unmerged(tx, desk, now, own).await?,
        };
        let word = match act {
            Act::Link => {
                let link = Link {
                    other: other.clone(),
                    leads,
                    reason: linking.reason.to_owned(),
                    actor: linking.actor.to_owned(),
                    staff: linking.staff.cloned(),
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
        let text = format!("{word} {} {other}: {}", how(leads), linking.reason);
        turn.note(LogKind::Linked, linking.actor, &text, &other.to_string())
            .await?;
        turn.tell_commander(linking.staff).await?;
        armed.extend(turn.finish(Transition::Noted).await?.1);
    }
    Ok(armed)
}

impl Turn<'_> {
    /// Whoever commands hears that another command came to it, or went, by another's word.
    async fn tell_commander(&mut self, by: Option<&StaffName>) -> Result<(), Fault> {
        let IncidentName { site, id } = self.incident.name.clone();
        let held = roles::of_incident(self.tx, &site, id).await?;
        let top = held.into_iter().find(|r| r.role == DutyRole::TopLead);
        let Some(top) = top.and_then(|r| r.held.person().cloned()) else {
            return Ok(());
        };
        if by.is_some_and(|by| by.site == site && by.id == top) {
            return Ok(());
        }
        let incident = self.incident.name.to_string();
        self.notice(events::WorkNews::IncidentLinked, vec![top], incident)
            .await
    }

    /// What another incident of the site led, or was led by, comes here with its matter. Where that would make a chain or a
    /// second head, what stood here stays, and the log says what does not come.
    pub(super) async fn take_links(
        &mut self,
        from: &IncidentName,
        taken: Vec<Link>,
    ) -> Result<(), Fault> {
        let own = self.incident.name.clone();
        for link in taken {
            links::end(self.tx, from, &link.other).await?;
            let known = links::of_incident(self.tx, &own).await?;
            let fits = if link.leads {
                known.iter().all(|l| l.leads)
            } else {
                known.is_empty()
            };
            let (how, other) = (how(link.leads), &link.other);
            if *other == own || known.iter().any(|l| l.other == *other) {
                links::end(self.tx, other, from).await?;
                continue;
            }
            let text = if fits {
                links::add(self.tx, &own, &link).await?;
                format!("now {how} {other}, as what was merged into it did")
            } else {
                links::end(self.tx, other, from).await?;
                format!(
                    "what was merged into it {how} {other}; that ends, link them anew if need be"
                )
            };
            self.note(LogKind::Linked, "", &text, &other.to_string())
                .await?;
        }
        Ok(())
    }
}

fn how(leads: bool) -> &'static str {
    if leads { "leads" } else { "is led by" }
}
