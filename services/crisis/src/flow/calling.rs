//! Filling the command and calling people out (M01, M10).

use redress_model::Fault;
use redress_model::ids::new_id;
use redress_model::name::{CaseName, StaffId, StaffName};
use redress_model::words::DutyRole;
use redress_proto::convert::to_wire;
use redress_proto::event::v1 as events;
use uuid::Uuid;

use super::Turn;
use crate::domain::command::{ROLES, appoint};
use crate::domain::words::{CallOutState, LogKind, Mode};
use crate::store::callouts::{self, CallOut};
use crate::store::roles::{self, Role};

/// Why roles are filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    /// The incident opened, or somebody may have come on duty by the roster that is known.
    TimePassed,
    /// The roster is new.
    NewRoster,
}

impl Turn<'_> {
    /// Gives every role a row and fills those that nobody fills, as far as the roster allows. People in
    /// place stay unless they left the company or are complained about: a change of shift does not change the command by itself.
    /// Says whether anything changed.
    ///
    /// # Errors
    /// When Postgres is away.
    pub async fn fill_roles(&mut self, because: Because) -> Result<bool, Fault> {
        let site = self.site();
        let known = roles::of_incident(self.tx, &site, self.incident.name.id).await?;
        let mut changed = false;
        for role in ROLES {
            changed |= match known.iter().find(|k| k.role == role) {
                Some(known) => self.refill(known.clone(), because).await?,
                None => self.place(Role::new(role), true).await?,
            };
        }
        Ok(changed)
    }

    /// Looks again for somebody for an unfilled role. Whoever was called in vain is called again only
    /// when nobody is left and the roster is new.
    async fn refill(&mut self, mut role: Role, because: Because) -> Result<bool, Fault> {
        let person = role.held.person().cloned();
        let stays = person
            .as_ref()
            .is_some_and(|p| !self.roster.barred.contains(p));
        if stays && role.held.staff.is_some() {
            let known = role.held.deputies.len();
            let barred = &self.roster.barred;
            role.held.deputies.retain(|d| !barred.contains(d));
            if role.held.deputies.len() == known {
                return Ok(false);
            }
            let site = self.site();
            roles::put(self.tx, &site, self.incident.name.id, &role).await?;
            return Ok(true);
        }
        if person.is_none() && because == Because::NewRoster {
            role.tried.clear();
        }
        let next = appoint(role.role, &self.roster, self.now, &role.tried);
        if next == role.held || (stays && next.staff.is_none()) {
            return Ok(false);
        }
        if let Some(person) = person.filter(|_| !stays) {
            let text = format!("{person} can be {} no longer", role.role);
            self.note(LogKind::RoleChanged, "", &text, "").await?;
            role.callout = None;
        }
        self.place(role, false).await
    }

    /// Appoints whoever comes next for a role, and calls that person out.
    async fn place(&mut self, mut role: Role, first: bool) -> Result<bool, Fault> {
        role.held = appoint(role.role, &self.roster, self.now, &role.tried);
        role.givers.clear();
        if let Some(person) = role.held.person().cloned() {
            role.callout = Some(self.call_out(role.role, &person).await?);
        }
        let text = told(&role);
        let site = self.site();
        roles::put(self.tx, &site, self.incident.name.id, &role).await?;
        if role.held.staff.is_some() {
            self.role_is_filled(role.role).await?;
        }
        if !first || role.held.staff.is_none() {
            self.note(LogKind::RoleChanged, "", &text, "").await?;
        }
        Ok(true)
    }

    /// Calls a person out, once for an incident whatever the number of roles.
    pub(super) async fn call_out(
        &mut self,
        role: DutyRole,
        person: &StaffId,
    ) -> Result<Uuid, Fault> {
        let site = self.site();
        let incident = self.incident.name.id;
        if let Some(standing) = callouts::standing(self.tx, &site, incident, person).await? {
            return Ok(standing.id);
        }
        let callout = CallOut {
            id: new_id(self.now),
            incident,
            staff: person.clone(),
            state: CallOutState::Requested,
            changed: self.now,
        };
        callouts::insert(self.tx, &site, &callout).await?;
        let text = format!("{person} is called out as {role}");
        self.note(LogKind::CalledOut, "", &text, "").await?;
        self.request_call(callout.id, role, person).await?;
        Ok(callout.id)
    }

    /// Tells a person that a role is offered. Whoever was called out before, and may have answered, hears of the offer all the
    /// same: under an id of its own, which is no call-out that a role hangs on.
    pub(super) async fn call_for_offer(
        &mut self,
        role: DutyRole,
        person: &StaffId,
    ) -> Result<(), Fault> {
        let site = self.site();
        let incident = self.incident.name.id;
        let standing = callouts::standing(self.tx, &site, incident, person).await?;
        if standing.is_some() {
            let id = new_id(self.now);
            return self.request_call(id, role, person).await;
        }
        self.call_out(role, person).await.map(drop)
    }

    /// Has a person paged for a role.
    async fn request_call(
        &mut self,
        id: Uuid,
        role: DutyRole,
        person: &StaffId,
    ) -> Result<(), Fault> {
        let site = self.site();
        let payload = events::CallOutRequested {
            callout_id: id.to_string(),
            incident: self.incident.name.to_string(),
            case: CaseName::new(site.clone(), self.incident.opened_case).to_string(),
            role: to_wire(role),
            staff: StaffName::new(site, person.clone()).to_string(),
            number: self.case_number().await?,
            public_mode: self.incident.mode == Mode::Public,
            provisional: self.incident.provisional,
        };
        self.publish("redress.callout.requested.v1", &payload).await
    }

    /// Takes in what became of a call-out. Says whether it changed anything.
    ///
    /// # Errors
    /// When Postgres is away.
    pub async fn call_out_moved(
        &mut self,
        callout: &CallOut,
        state: CallOutState,
    ) -> Result<bool, Fault> {
        if !callout.state.moves_to(state) {
            return Ok(false);
        }
        let site = self.site();
        callouts::set_state(self.tx, &site, callout.id, state, self.now).await?;
        let person = &callout.staff;
        match state {
            CallOutState::Requested | CallOutState::Sent => {}
            CallOutState::Acknowledged => {
                let text = format!("{person} answers the call-out");
                self.note(LogKind::CalledOut, "", &text, "").await?;
            }
            CallOutState::Failed => {
                let text = format!("{person} is not reached");
                self.note(LogKind::CalledOut, "", &text, "").await?;
                self.pass_on(callout).await?;
            }
        }
        Ok(true)
    }

    /// Every role that hung on a failed call-out goes to the next deputy, else to the next lead.
    async fn pass_on(&mut self, failed: &CallOut) -> Result<(), Fault> {
        let site = self.site();
        let held = roles::of_incident(self.tx, &site, self.incident.name.id).await?;
        for mut role in held.into_iter().filter(|r| r.callout == Some(failed.id)) {
            role.tried.insert(failed.staff.clone());
            self.place(role, false).await?;
        }
        Ok(())
    }

    /// Fills this incident's unfilled roles with the people of one that goes into it. Answers to its
    /// call-outs stay; whoever has not answered is called anew, since calls about an incident that ended
    /// are silenced.
    ///
    /// # Errors
    /// When Postgres is away.
    pub(super) async fn adopt_roles(&mut self, from: Uuid) -> Result<(), Fault> {
        let site = self.site();
        let incident = self.incident.name.id;
        let theirs = roles::of_incident(self.tx, &site, from).await?;
        let ours = roles::of_incident(self.tx, &site, incident).await?;
        callouts::move_answered(self.tx, &site, from, incident).await?;
        for mut role in ours.into_iter().filter(|r| r.held.staff.is_none()) {
            let their = theirs.iter().find(|t| t.role == role.role);
            let Some((staff, their)) = their.and_then(|t| Some((t.held.staff.clone()?, t.clone())))
            else {
                continue;
            };
            if self.roster.barred.contains(&staff) {
                continue;
            }
            role.held = their.held;
            role.givers = their.givers;
            role.callout = Some(self.call_out(role.role, &staff).await?);
            roles::put(self.tx, &site, incident, &role).await?;
            self.role_is_filled(role.role).await?;
            let text = told(&role);
            self.note(LogKind::RoleChanged, "", &text, "").await?;
        }
        Ok(())
    }
}

fn told(role: &Role) -> String {
    match (&role.held.staff, &role.held.stand_in) {
        (Some(staff), _) => format!("{} is {staff}", role.role),
        (None, Some(lead)) => format!("{} is unfilled; {lead} is paged instead", role.role),
        (None, None) => format!("{} is unfilled and nobody is left to page", role.role),
    }
}
