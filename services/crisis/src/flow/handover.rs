//! A role goes from one to another when the other accepts, and not before: no moment has nobody who answers (M12).

use jiff::SignedDuration;
use redress_model::Fault;
use redress_model::ids::new_id;
use redress_model::name::StaffId;
use redress_model::words::DutyRole;

use super::Turn;
use crate::domain::words::{CallOutState, HandoverState, LogKind};
use crate::store::callouts::{self, CallOut};
use crate::store::handovers::{self, Handover};
use crate::store::roles;

/// How long an offer stands (own).
const OFFER_STANDS: SignedDuration = SignedDuration::from_hours(2);

impl Turn<'_> {
    /// Offers a role to somebody, who is called out. An earlier offer of the role is replaced. Says whether anything
    /// changed.
    ///
    /// # Errors
    /// FAILED_PRECONDITION when the person may hold no role here, or holds it.
    pub async fn offer_role(
        &mut self,
        role: DutyRole,
        to: &StaffId,
        reason: &str,
        actor: &str,
    ) -> Result<bool, Fault> {
        let (site, id, now) = (self.site(), self.incident.name.id, self.now);
        let known = self.roster.slots.iter().any(|s| s.staff == *to);
        if !known || self.roster.barred.contains(to) {
            let text =
                "the person has no duty at the site, left, or is complained about in this incident";
            return Err(Fault::illegal("NOT_ON_ROSTER", text, &self.incident.name));
        }
        let held = roles::of_incident(self.tx, &site, id).await?;
        let held = held.into_iter().find(|r| r.role == role);
        let held = held.ok_or_else(|| Fault::not_found("Role", role))?;
        if held.held.staff.as_ref() == Some(to) {
            let text = "the person holds the role already; offer it to somebody else";
            return Err(Fault::illegal("HOLDS_ROLE", text, &self.incident.name));
        }
        if let Some(standing) = self.standing_offer(role).await? {
            if standing.to == *to {
                return Ok(false);
            }
            self.close_offer(standing, HandoverState::Replaced, "another was offered")
                .await?;
        }
        let offer = Handover {
            number: 0,
            role,
            from: held.held.staff.clone(),
            to: to.clone(),
            reason: reason.to_owned(),
            state: HandoverState::Offered,
            offered_by: actor.to_owned(),
            offered: now,
            expires: now.saturating_add(OFFER_STANDS).unwrap_or(now),
            answered: None,
            answer: String::new(),
        };
        handovers::offer(self.tx, &site, id, &offer).await?;
        let text = format!("{role} is offered to {to}: {reason}");
        self.note(LogKind::RoleChanged, actor, &text, "").await?;
        self.call_for_offer(role, to).await?;
        Ok(true)
    }

    /// The person to whom a role is offered takes it, or does not.
    ///
    /// # Errors
    /// PERMISSION_DENIED to anybody else; FAILED_PRECONDITION when no offer stands.
    pub async fn answer_offer(
        &mut self,
        role: DutyRole,
        by: Option<&StaffId>,
        accept: bool,
        reason: &str,
        actor: &str,
    ) -> Result<(), Fault> {
        let Some(offer) = self.standing_offer(role).await? else {
            let text =
                "no offer of this role stands; it was answered or replaced, or its time is over";
            return Err(Fault::illegal("NO_OFFER", text, &self.incident.name));
        };
        if by != Some(&offer.to) {
            return Err(Fault::only("the person to whom the role is offered"));
        }
        let to = offer.to.clone();
        if accept {
            self.hand_over(role, &offer, actor).await?;
            self.close_offer(offer, HandoverState::Accepted, reason)
                .await
        } else {
            let text = format!("{to} does not take {role}: {reason}");
            self.note(LogKind::RoleChanged, actor, &text, "").await?;
            self.close_offer(offer, HandoverState::Declined, reason)
                .await
        }
    }

    async fn hand_over(
        &mut self,
        role: DutyRole,
        offer: &Handover,
        actor: &str,
    ) -> Result<(), Fault> {
        let (site, id) = (self.site(), self.incident.name.id);
        if self.roster.barred.contains(&offer.to) {
            let text = "the person left, or is complained about in this incident since";
            return Err(Fault::illegal("NOT_ON_ROSTER", text, &self.incident.name));
        }
        let held = roles::of_incident(self.tx, &site, id).await?;
        let held = held.into_iter().find(|r| r.role == role);
        let mut held = held.ok_or_else(|| Fault::not_found("Role", role))?;
        let from = held.held.staff.replace(offer.to.clone());
        held.held.stand_in = None;
        held.held.deputies.retain(|d| *d != offer.to);
        held.tried.remove(&offer.to);
        held.callout = Some(self.answered(&offer.to).await?);
        roles::put(self.tx, &site, id, &held).await?;
        let before = from.map_or_else(|| "nobody".to_owned(), |f| f.to_string());
        let text = format!(
            "{role} goes from {before} to {}: {}",
            offer.to, offer.reason
        );
        self.note(LogKind::RoleChanged, actor, &text, "").await
    }

    /// Whoever accepts has answered: the call-out of that person, answered.
    async fn answered(&mut self, staff: &StaffId) -> Result<uuid::Uuid, Fault> {
        let (site, id) = (self.site(), self.incident.name.id);
        if let Some(standing) = callouts::standing(self.tx, &site, id, staff).await? {
            self.call_out_moved(&standing, CallOutState::Acknowledged)
                .await?;
            return Ok(standing.id);
        }
        let callout = CallOut {
            id: new_id(self.now),
            incident: id,
            staff: staff.clone(),
            state: CallOutState::Acknowledged,
            changed: self.now,
        };
        callouts::insert(self.tx, &site, &callout).await?;
        Ok(callout.id)
    }

    /// The offer of a role that stands and whose time is not over.
    async fn standing_offer(&mut self, role: DutyRole) -> Result<Option<Handover>, Fault> {
        let (site, id) = (self.site(), self.incident.name.id);
        let offer = handovers::unanswered(self.tx, &site, id, role).await?;
        match offer {
            Some(offer) if offer.expires <= self.now => {
                self.close_offer(offer, HandoverState::Replaced, "its time was over")
                    .await?;
                Ok(None)
            }
            offer => Ok(offer),
        }
    }

    async fn close_offer(
        &mut self,
        mut offer: Handover,
        state: HandoverState,
        answer: &str,
    ) -> Result<(), Fault> {
        offer.state = state;
        offer.answered = Some(self.now);
        answer.clone_into(&mut offer.answer);
        let site = self.site();
        handovers::answer(self.tx, &site, self.incident.name.id, &offer).await
    }
}
