//! A role goes from one to another when the other accepts, and not before: no moment has nobody who answers (M12).

use jiff::SignedDuration;
use redress_model::Fault;
use redress_model::ids::new_id;
use redress_model::name::StaffId;
use redress_model::time::whole_micros;
use redress_model::words::{ClockKind, ClockState, DutyRole};
use redress_proto::event::v1 as events;

use super::Turn;
use crate::domain::cadence::spread;
use crate::domain::ladder::People;
use crate::domain::statement::Person;
use crate::domain::words::{CallOutState, HandoverState, LogKind};
use crate::store::callouts::{self, CallOut};
use crate::store::clocks::{self, Clock};
use crate::store::handovers::{self, Handover};
use crate::store::roles;

/// How long an offer stands (own).
const OFFER_STANDS: SignedDuration = SignedDuration::from_hours(2);

impl Turn<'_> {
    /// Offers a role to somebody, who is called out, and whose answer a clock waits for. An earlier offer of the role is
    /// replaced. Says whether anything changed.
    ///
    /// # Errors
    /// FAILED_PRECONDITION when the person may hold no role here, holds it, or offers themselves what another holds.
    pub async fn offer_role(
        &mut self,
        role: DutyRole,
        to: &StaffId,
        reason: &str,
        by: &Person,
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
        if held.held.staff.is_some() && by.at(&site) == Some(to) {
            return Err(self.helps_themselves());
        }
        let mut instead = String::new();
        if let Some(standing) = self.standing_offer(role).await? {
            let again = standing.to == *to;
            // By another colleague's word it is another offer; their own takes the place of none.
            if again && (standing.offered_by == by.subject || by.at(&site) == Some(to)) {
                return Ok(false);
            }
            instead = match again {
                true => " anew".to_owned(),
                false => format!(" instead of {}, who did not answer yet", standing.to),
            };
            self.close_offer(standing, HandoverState::Replaced, "another was offered")
                .await?;
        }
        let givers = self.word_of(role, by).await?;
        let offer = Handover {
            givers,
            number: 0,
            role,
            from: held.held.staff.clone(),
            to: to.clone(),
            reason: reason.to_owned(),
            state: HandoverState::Offered,
            offered_by: by.subject.clone(),
            offerer: by.at(&site).cloned(),
            offered: now,
            expires: whole_micros(now.saturating_add(OFFER_STANDS).unwrap_or(now)),
            answered: None,
            answer: String::new(),
        };
        handovers::offer(self.tx, &site, id, &offer).await?;
        let text = format!("{role} is offered to {to}{instead}: {reason}");
        self.note(LogKind::RoleChanged, &by.subject, &text, "")
            .await?;
        self.call_for_offer(role, to).await?;
        self.tell_holder(
            events::WorkNews::RoleOffered,
            held.held.staff.as_ref(),
            by.at(&site),
        )
        .await?;
        self.end_offer(role, ClockState::Cancelled).await?;
        let deadlines = spread(now, offer.expires);
        self.promise(ClockKind::RoleOffer, new_id(now), role, now, deadlines)
            .await?;
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
            let who = format!("{}, to whom {role} was offered last,", offer.to);
            return Err(Fault::only(who));
        }
        let to = offer.to.clone();
        self.end_offer(role, ClockState::Met).await?;
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
        let other = held.held.staff.as_ref().is_some_and(|by| *by != offer.to);
        // Under another account, or offered while nobody held it.
        let own = offer.offered_by == actor || offer.offerer.as_ref() == Some(&offer.to);
        if other && own {
            return Err(self.helps_themselves());
        }
        let from = held.held.staff.replace(offer.to.clone());
        // Whom the roster puts first nobody picked, whoever asked.
        held.givers = match self.roster.on_duty(role, self.now).first() {
            Some(first) if *first == offer.to => Vec::new(),
            _ => offer.givers.clone(),
        };
        held.held.stand_in = None;
        held.held.deputies.retain(|d| *d != offer.to);
        held.tried.remove(&offer.to);
        held.callout = Some(self.answered(&offer.to).await?);
        roles::put(self.tx, &site, id, &held).await?;
        self.tell_holder(
            events::WorkNews::RoleTaken,
            from.as_ref(),
            offer.offerer.as_ref(),
        )
        .await?;
        let word = match (&from, &offer.offerer) {
            (Some(_), by) if from != *by => format!(", by the word of {}", offer.offered_by),
            _ => String::new(),
        };
        let before = from.map_or_else(|| "nobody".to_owned(), |f| f.to_string());
        let text = format!(
            "{role} goes from {before} to {}{word}: {}",
            offer.to, offer.reason
        );
        self.note(LogKind::RoleChanged, actor, &text, "").await
    }

    /// Nobody takes a role from another by their own word alone.
    fn helps_themselves(&self) -> Fault {
        let text = "somebody holds the role, and nobody takes it by their own word: that person, whoever commands, or another \
                    colleague offers it";
        Fault::illegal("OFFERS_THEMSELVES", text, &self.incident.name)
    }

    /// Whoever holds a role hears what becomes of it by another's word.
    async fn tell_holder(
        &mut self,
        news: events::WorkNews,
        holder: Option<&StaffId>,
        by: Option<&StaffId>,
    ) -> Result<(), Fault> {
        match holder {
            Some(holder) if by != Some(holder) => {
                let incident = self.incident.name.to_string();
                self.notice(news, vec![holder.clone()], incident).await
            }
            _ => Ok(()),
        }
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
                let text = format!(
                    "{} did not answer in time: the offer of {role} is over",
                    offer.to
                );
                self.note(LogKind::RoleChanged, "", &text, "").await?;
                self.close_offer(offer, HandoverState::Replaced, "its time was over")
                    .await?;
                Ok(None)
            }
            offer => Ok(offer),
        }
    }

    /// Whom the clock of an offer tells: while it stands, the person who is to answer; then whoever offered, else whoever has
    /// the role or stands in. The ladder hears of it where nobody has the role.
    pub(super) async fn people_of_offer(&mut self, role: DutyRole) -> Result<People, Fault> {
        let (site, id) = (self.site(), self.incident.name.id);
        let offer = handovers::unanswered(self.tx, &site, id, role).await?;
        let held = roles::of_incident(self.tx, &site, id).await?;
        let held = held.into_iter().find(|r| r.role == role).map(|r| r.held);
        let told = offer.and_then(|offer| {
            if offer.expires > self.now {
                Some(offer.to)
            } else {
                offer.offerer
            }
        });
        let may = |person: &StaffId| !self.roster.barred.contains(person);
        let holder = held.as_ref().and_then(|h| h.person().cloned());
        let told = told.filter(may).or_else(|| holder.filter(may));
        let is_held = held.is_some_and(|h| h.staff.is_some());
        Ok(People {
            responsible: told.into_iter().collect(),
            leads: if is_held {
                [None, None, None]
            } else {
                self.roster.ladder(self.now)
            },
        })
    }

    /// Nobody answered an offer in its time: it is over, visibly. Its clock climbs on only where nobody has the role.
    pub(super) async fn offer_lapsed(&mut self, clock: &Clock) -> Result<(), Fault> {
        let (ClockKind::RoleOffer, ClockState::Breached, Some(role)) =
            (clock.kind, clock.state, clock.owner)
        else {
            return Ok(());
        };
        let (site, id) = (self.site(), self.incident.name.id);
        if self.standing_offer(role).await?.is_some() {
            return Ok(());
        }
        let held = roles::of_incident(self.tx, &site, id).await?;
        if held
            .iter()
            .any(|r| r.role == role && r.held.staff.is_some())
        {
            self.end_offer(role, ClockState::Cancelled).await?;
        }
        Ok(())
    }

    /// Somebody has a role: nobody is paged any more for an offer of it whose time was over.
    pub(super) async fn role_is_filled(&mut self, role: DutyRole) -> Result<(), Fault> {
        match self.offer_clock(role).await? {
            Some(clock) if clock.state == ClockState::Breached => {
                self.stop(clock, ClockState::Cancelled).await
            }
            _ => Ok(()),
        }
    }

    /// Ends the clock of the offer of a role, if one runs.
    async fn end_offer(&mut self, role: DutyRole, state: ClockState) -> Result<(), Fault> {
        match self.offer_clock(role).await? {
            Some(clock) => self.stop(clock, state).await,
            None => Ok(()),
        }
    }

    async fn offer_clock(&mut self, role: DutyRole) -> Result<Option<Clock>, Fault> {
        let site = self.site();
        let running = clocks::open(self.tx, &site, self.incident.name.id).await?;
        let is_its = |c: &Clock| c.kind == ClockKind::RoleOffer && c.owner == Some(role);
        Ok(running.into_iter().find(is_its))
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
