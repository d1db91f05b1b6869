//! Standing an incident down (section 9): only when nothing is left open, and by the commander. Another condition is
//! another line in [`Turn::stand_down_conditions`].

use redress_model::Fault;
use redress_model::name::IncidentName;
use redress_model::words::{ClockKind, ClockState, DutyRole};

use super::Turn;
use super::keeping::Carried;
use crate::domain::aftermath::{Condition, failing};
use crate::domain::briefing::{BriefingState, CommitmentState};
use crate::domain::gate::Waiver;
use crate::domain::statement::Person;
use crate::domain::words::{InquiryState, LogKind, Stage, State};
use crate::store::{
    briefings, cases, clocks, commitments, deputies, incidents, links, media, reviews, roles,
};

impl Turn<'_> {
    /// What has to hold before the incident is stood down, with what is missing now. Of its stage a gap may be waived.
    ///
    /// # Errors
    /// When Postgres is away.
    pub async fn stand_down_conditions(
        &mut self,
        waivers: &[Waiver],
    ) -> Result<Vec<Condition>, Fault> {
        Ok(vec![
            self.in_aftermath(),
            self.stage_done(waivers).await?,
            self.commitments_settled().await?,
            self.reports_assessed().await?,
            self.clarifications_done().await?,
            self.inquiries_decided().await?,
            self.last_briefing_held().await?,
        ])
    }

    /// Stands the incident down, and begins its review.
    ///
    /// # Errors
    /// PERMISSION_DENIED when the person does not command it; FAILED_PRECONDITION naming each condition that fails.
    pub async fn stand_down(
        &mut self,
        reason: &str,
        waivers: &[Waiver],
        by: &Person,
    ) -> Result<(), Fault> {
        self.require_commander(by).await?;
        if let Some(failing) = failing(&self.stand_down_conditions(waivers).await?) {
            let name = &self.incident.name;
            return Err(Fault::illegal("NOT_READY_TO_STAND_DOWN", failing, name));
        }
        self.pass_gates(waivers, &by.subject).await?;
        self.skip_tasks(|_| true, reason, waivers, &by.subject)
            .await?;
        self.incident.state = State::StoodDown;
        let site = self.site();
        cases::keep_members(self.tx, &site, self.incident.name.id).await?;
        let text = format!("stood down: {reason}");
        self.note(LogKind::StoodDown, &by.subject, &text, "")
            .await?;
        self.reconcile(self.now, &Carried::new()).await?;
        reviews::begin(self.tx, &self.incident.name, self.now).await
    }

    /// Whoever commands it now: the holder, who stands in while nobody holds it, or an appointed deputy.
    ///
    /// # Errors
    /// PERMISSION_DENIED.
    pub async fn require_commander(&mut self, by: &Person) -> Result<(), Fault> {
        let site = self.site();
        let held = roles::of_incident(self.tx, &site, self.incident.name.id).await?;
        let commander = held.iter().find(|r| r.role == DutyRole::TopLead);
        let commander = commander.and_then(|r| r.held.person());
        if commander.is_some() && commander == by.at(&site) {
            return Ok(());
        }
        self.require_chain(&[DutyRole::TopLead], by).await
    }

    /// Whoever decides on the mode now: the commander as above; where nobody commands, stands in or acts for the commander,
    /// a duty lead of the site who is on duty, else the region's contact. Says as what these decide.
    ///
    /// # Errors
    /// PERMISSION_DENIED.
    pub async fn require_mode_decider(&mut self, by: &Person) -> Result<Option<DutyRole>, Fault> {
        if self.is_commanded().await? {
            self.require_commander(by).await?;
            return Ok(None);
        }
        let here = by.at(&self.incident.name.site);
        match self.roster.without_command(self.now) {
            Some((role, able)) if here.is_some_and(|staff| able.contains(staff)) => Ok(Some(role)),
            _ => Err(Fault::only(
                "a duty lead of the site who is on duty (where there is none, the region's contact), while nobody commands,",
            )),
        }
    }

    /// Whether somebody commands it, here or in the incident that leads it. Of a head that the caller may not see nobody
    /// knows here that it has no commander.
    async fn is_commanded(&mut self) -> Result<bool, Fault> {
        let own = self.incident.name.clone();
        if self.has_commander(&own).await? {
            return Ok(true);
        }
        for link in links::of_incident(self.tx, &own).await? {
            let head = &link.other;
            if link.leads {
                continue;
            }
            let state = incidents::state(self.tx, &head.site, head.id).await?;
            if state.is_none() || (state == Some(State::Open) && self.has_commander(head).await?) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether an incident has somebody who holds its command, stands in, or acts for a time.
    async fn has_commander(&mut self, incident: &IncidentName) -> Result<bool, Fault> {
        let IncidentName { site, id } = incident;
        let held = roles::of_incident(self.tx, site, *id).await?;
        let mut top = held.iter().filter(|r| r.role == DutyRole::TopLead);
        if top.any(|r| r.held.person().is_some()) {
            return Ok(true);
        }
        let own = *incident == self.incident.name;
        let acting = deputies::acting(self.tx, site, *id, self.now).await?;
        let mut acting = acting.iter().filter(|d| d.role == DutyRole::TopLead);
        Ok(acting.any(|d| !own || !self.roster.barred.contains(&d.staff)))
    }

    fn in_aftermath(&self) -> Condition {
        let mut missing = Vec::new();
        if self.incident.stage != Stage::Aftermath {
            missing.push(format!("it is in {}", self.incident.stage));
        }
        Condition::new("stage", "the incident is in AFTERMATH", missing)
    }

    /// What keeps it in its stage: tasks, exit conditions, promises.
    async fn stage_done(&mut self, waivers: &[Waiver]) -> Result<Condition, Fault> {
        let gaps = self.gaps().await?;
        let missing = gaps
            .iter()
            .filter(|gap| waivers.iter().all(|w| w.gap != gap.name))
            .map(|gap| format!("{} ({})", gap.name, gap.text));
        Ok(Condition::new(
            "gates",
            "nothing keeps it in its stage",
            missing.collect(),
        ))
    }

    async fn commitments_settled(&mut self) -> Result<Condition, Fault> {
        let site = self.site();
        let open = Some(CommitmentState::Open);
        let id = self.incident.name.id;
        let open = commitments::list(self.tx, &site, id, open, None, i64::MAX).await?;
        let missing = open.iter().map(|c| format!("{} ({})", c.text, c.owner));
        Ok(Condition::new(
            "commitments",
            "no commitment is open",
            missing.collect(),
        ))
    }

    /// One that nobody assessed starts no promise, and nobody assesses it once the incident has ended (M17).
    async fn reports_assessed(&mut self) -> Result<Condition, Fault> {
        let site = self.site();
        let id = self.incident.name.id;
        let all = media::exposures(self.tx, &site, id, None, None, i64::MAX).await?;
        let unassessed = all.iter().filter(|e| e.truth.is_none());
        let missing = unassessed.map(|e| format!("what {} reported is not assessed", e.outlet));
        Ok(Condition::new(
            "reports",
            "every report of the press is assessed",
            missing.collect(),
        ))
    }

    async fn clarifications_done(&mut self) -> Result<Condition, Fault> {
        let site = self.site();
        let running = clocks::open(self.tx, &site, self.incident.name.id).await?;
        let missing = running
            .iter()
            // One that is overdue has had its consequence: the report is taken as true (M17).
            .filter(|c| (c.kind, c.state) == (ClockKind::MediaClarification, ClockState::Running))
            .map(|c| format!("one is due at {}", c.deadlines.due));
        Ok(Condition::new(
            "clarifications",
            "no clarification of a false report runs",
            missing.collect(),
        ))
    }

    async fn inquiries_decided(&mut self) -> Result<Condition, Fault> {
        let site = self.site();
        let open = Some(InquiryState::Open);
        let id = self.incident.name.id;
        let open = media::inquiries(self.tx, &site, id, open, None, i64::MAX).await?;
        let missing = open
            .iter()
            .map(|i| format!("{} waits until {}", i.outlet, i.due));
        Ok(Condition::new(
            "inquiries",
            "no inquiry of the press is unanswered",
            missing.collect(),
        ))
    }

    /// The last one took place since it became calm, none is overdue, and what was said is fixed.
    async fn last_briefing_held(&mut self) -> Result<Condition, Fault> {
        let site = self.site();
        let id = self.incident.name.id;
        let since = reviews::stage_since(self.tx, &self.incident.name).await?;
        let since = since.unwrap_or(self.incident.opened);
        let all = briefings::list(self.tx, &site, id, None, None, i64::MAX).await?;
        let mut missing = Vec::new();
        let held = |at: jiff::Timestamp| at >= since;
        // While all hangs on a suspicion nobody outside is told, and no briefing is held.
        if !self.incident.provisional
            && !all
                .iter()
                .any(|b| b.held.as_ref().is_some_and(|h| held(h.at)))
        {
            missing.push("none was held since the stage began".to_owned());
        }
        for briefing in &all {
            let number = briefing.number;
            match briefing.state {
                BriefingState::Planned if briefing.planned <= self.now => {
                    missing.push(format!("briefing {number} is overdue"));
                }
                BriefingState::Held => {
                    missing.push(format!("the notes of briefing {number} are not released"));
                }
                BriefingState::Planned | BriefingState::Released | BriefingState::Cancelled => {}
            }
        }
        Ok(Condition::new(
            "briefing",
            "the last briefing was held",
            missing,
        ))
    }
}
