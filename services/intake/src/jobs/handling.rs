//! What is said of the handling of a case: contacts that the work itself is, and that a case is to be opened again.

use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_model::time::SharedClock;
use redress_model::words::{CaseStatus, Channel};
use redress_proto::convert::required;
use redress_proto::event::v1 as events;
use redress_proto::intake::v1::TimelineKind;
use redress_store::Tx;

use super::case_view::{keep, open};
use crate::domain::status::{Move, is_open};
use crate::domain::timeline::facts;
use crate::store::announce::{self, instant};

/// `redress.contact.recorded.v1` from assignment: a visit, a solution told, a follow-up, a rejection with its reasons.
#[derive(Debug)]
pub struct ContactRecorded(pub SharedClock);

impl Handler for ContactRecorded {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let recorded: events::ContactRecorded = event.decode()?;
        let channel: Channel = required("channel", recorded.channel)?;
        let at = instant("contact_time", recorded.contact_time.as_ref())?;
        let promised = match &recorded.promised_next_time {
            Some(time) => instant("promised_next_time", Some(time))?.to_string(),
            None => String::new(),
        };
        let direction = recorded.direction().as_str_name();
        let direction = direction
            .strip_prefix("CONTACT_DIRECTION_")
            .unwrap_or(direction);
        let mut case = open(tx, event, &recorded.case).await?;
        let facts = facts([
            ("direction", direction.to_owned()),
            ("channel", channel.word().to_owned()),
            ("by_person", recorded.by_person.to_string()),
            ("substantive", recorded.substantive.to_string()),
            ("visit", recorded.visit.to_string()),
            ("follow_up", recorded.follow_up.to_string()),
            ("promised_next_time", promised),
            ("staff", recorded.staff),
        ]);
        let kind = TimelineKind::Contact;
        keep(tx, &mut case, event, kind, at, facts, self.0.now()).await
    }
}

/// Asked by triage: one of its people came with another case of the same matter (G3.3).
const COMPLAINED_AGAIN: &str = "complained_again";

/// `redress.reopening.asked.v1`: the customer is dissatisfied after the resolution, or won the appeal, as assignment says; or
/// complained again, as triage does (decision 69). The move is ours: it bumps the epoch, so that of two answers one opens the case.
#[derive(Debug)]
pub struct ReopeningAsked(pub SharedClock);

impl Handler for ReopeningAsked {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let asked: events::ReopeningAsked = event.decode()?;
        let at = instant("ask_time", asked.ask_time.as_ref())?;
        let now = self.0.now();
        let mut case = open(tx, event, &asked.case).await?;
        let from = case.status;
        let came_back = asked.reason == COMPLAINED_AGAIN;
        // Triage was told of the resolution before us.
        if came_back && asked.epoch == case.epoch && is_open(from) {
            return Ok(Applied::Wait);
        }
        // What was closed since has been asked about: a person opens that again.
        let opens = asked.epoch == case.epoch
            && (!came_back || from == CaseStatus::Resolved)
            && Move::Reopen.is_legal(from, case.mode, case.erased);
        // Complained again after handling (G3.3); an appeal says that there was none yet.
        let complained = came_back || asked.reason == "dissatisfied";
        if opens {
            case.repeat |= complained;
            case.move_to(CaseStatus::Reopened, now);
        }
        let facts = facts([
            ("from", from.word().to_owned()),
            ("to", CaseStatus::Reopened.word().to_owned()),
            ("epoch", case.epoch.to_string()),
            ("reason", asked.reason),
        ]);
        let kind = if opens {
            TimelineKind::Moved
        } else {
            TimelineKind::StaleMove
        };
        let applied = keep(tx, &mut case, event, kind, at, facts, now).await?;
        if opens {
            announce::updated(tx, &case, true).await?;
            announce::reopened(tx, &case, &event.source, complained).await?;
        }
        Ok(applied)
    }
}
