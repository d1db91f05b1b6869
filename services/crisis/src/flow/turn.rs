//! One incident, held by one transaction.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use redress_events::NewEvent;
use redress_model::Fault;
use redress_model::name::{CaseName, ClusterName, IncidentName, OrganizationId, SiteId, StaffName};
use redress_model::time::SharedClock;
use redress_model::words::DutyRole;
use redress_proto::convert::to_timestamp;
use redress_proto::event::v1 as events;
use redress_store::Tx;
use redress_timers::Entry;
use redress_vault::chain::Head;
use uuid::Uuid;

use crate::Settings;
use crate::domain::cadence::Policy;
use crate::domain::command::Roster;
use crate::domain::terms::Terms;
use crate::domain::words::{LogKind, Mode, State};
use crate::store::cases::Contact;
use crate::store::incidents::Incident;
use crate::store::log::Note;
use crate::store::stages::Visit;
use crate::store::{cases, changes, deputies, duty, incidents, log, roles, sites, stages, terms};

/// Cases that an event names at most.
pub(super) const CASES_MAX: i64 = 10_000;

/// What every turn needs and no transaction changes.
#[derive(Debug)]
pub struct Desk {
    /// Lengths and times of promises, for incidents that froze none.
    pub policy: Policy,
    /// What it comes from; an incident that opens keeps a copy.
    pub settings: Settings,
    /// Zone of a site that is not known yet.
    pub zone: TimeZone,
    /// Where "now" comes from.
    pub clock: SharedClock,
}

/// What others are told that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// Opened.
    Opened,
    /// A case joined.
    Joined,
    /// Mode, command or matter changed.
    Changed,
    /// Went into another.
    Merged,
    /// Something that only those who watch the incident see: a clock, a log entry.
    Noted,
}

/// One incident, locked, with what decisions about it hang on.
#[derive(Debug)]
pub struct Turn<'t> {
    pub(super) tx: &'t mut Tx,
    pub(super) desk: &'t Desk,
    pub(super) now: Timestamp,
    pub(super) zone: TimeZone,
    pub(super) roster: Roster,
    /// What it is run by.
    pub(super) terms: Terms,
    /// The visit of its stage; none once it ended.
    pub(super) visit: Option<Visit>,
    /// The incident as it is at this moment of the transaction.
    pub incident: Incident,
    armed: Vec<Entry>,
    /// Where the log ends; none until something is noted.
    log: Option<Head>,
}

impl<'t> Turn<'t> {
    /// Takes an incident whose row this transaction holds.
    ///
    /// # Errors
    /// When Postgres is away.
    pub async fn take(
        tx: &'t mut Tx,
        desk: &'t Desk,
        now: Timestamp,
        incident: Incident,
    ) -> Result<Self, Fault> {
        let zone = sites::zone(tx, &incident.name.site).await?;
        let mut roster = duty::roster(tx, &incident.name.site).await?;
        let IncidentName { site, id } = &incident.name;
        for name in cases::complained_about(tx, site, *id).await? {
            // Somebody of another site, or no person's name, has no role here anyway.
            let named = name.parse().ok().filter(|n: &StaffName| n.site == *site);
            roster.barred.extend(named.map(|n| n.id));
        }
        let terms = desk.terms(terms::newest(tx, &desk.settings, site, *id).await?)?;
        let visit = stages::visit(tx, site, *id).await?;
        Ok(Self {
            terms,
            visit,
            zone: zone.unwrap_or_else(|| desk.zone.clone()),
            tx,
            desk,
            now,
            roster,
            incident,
            armed: Vec::new(),
            log: None,
        })
    }

    /// Nothing leaves while the incident hangs on a suspicion (section 4).
    ///
    /// # Errors
    /// FAILED_PRECONDITION `NOTHING_LEAVES_WHILE_PROVISIONAL`.
    pub fn require_confirmed(&self) -> Result<(), Fault> {
        if !self.incident.provisional {
            return Ok(());
        }
        let text = "the incident hangs on a suspicion that nobody confirmed; inside reports are legal, or confirm the \
                    signal first";
        let name = &self.incident.name;
        Err(Fault::illegal(
            "NOTHING_LEAVES_WHILE_PROVISIONAL",
            text,
            name,
        ))
    }

    /// Takes an incident by name, which has to be open.
    ///
    /// # Errors
    /// NOT_FOUND; FAILED_PRECONDITION when it is not open.
    pub async fn take_open(
        tx: &'t mut Tx,
        desk: &'t Desk,
        now: Timestamp,
        name: &IncidentName,
    ) -> Result<Self, Fault> {
        let turn = Self::take_unmerged(tx, desk, now, name).await?;
        if turn.incident.state == State::Open {
            return Ok(turn);
        }
        let text = "it was stood down; only its review is written";
        Err(Fault::illegal("INCIDENT_NOT_OPEN", text, name))
    }

    /// Takes an incident by name, open or stood down.
    ///
    /// # Errors
    /// NOT_FOUND; FAILED_PRECONDITION when it was merged into another.
    pub async fn take_unmerged(
        tx: &'t mut Tx,
        desk: &'t Desk,
        now: Timestamp,
        name: &IncidentName,
    ) -> Result<Self, Fault> {
        let found = incidents::lock(tx, &name.site, name.id).await?;
        let incident = found.ok_or_else(|| Fault::not_found("Incident", name))?;
        let turn = Self::take(tx, desk, now, incident).await?;
        let Some(into) = turn.incident.merged_into else {
            return Ok(turn);
        };
        let into = IncidentName::new(name.site.clone(), into);
        let text = format!("it was merged into {into}; write to that one");
        Err(Fault::illegal("INCIDENT_NOT_OPEN", text, name))
    }

    /// When this transaction takes place.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Records a contact with one of its complainants.
    ///
    /// # Errors
    /// When Postgres is away.
    pub async fn contacted(&mut self, contact: &Contact) -> Result<(), Fault> {
        cases::contacted(self.tx, contact).await
    }

    /// The organization of its site; none while the directory has not told.
    ///
    /// # Errors
    /// When Postgres is away.
    pub async fn organization(&mut self) -> Result<Option<OrganizationId>, Fault> {
        sites::organization(self.tx, &self.incident.name.site).await
    }

    /// Its site.
    pub(super) fn site(&self) -> SiteId {
        self.incident.name.site.clone()
    }

    /// Adds to the log.
    ///
    /// # Errors
    /// When Postgres is away.
    pub async fn note(
        &mut self,
        kind: LogKind,
        actor: &str,
        text: &str,
        reference: &str,
    ) -> Result<(), Fault> {
        let note = Note {
            kind,
            actor,
            text,
            reference,
        };
        let name = &self.incident.name;
        let mut end = match self.log.take() {
            Some(end) => end,
            None => log::end(self.tx, name).await?,
        };
        log::add(self.tx, name, &mut end, self.now, note).await?;
        self.log = Some(end);
        Ok(())
    }

    /// Remembers what the timers are to know once this is committed.
    pub(super) fn arm(&mut self, entry: Option<Entry>) {
        self.armed.extend(entry);
    }

    /// Writes the incident, tells those who watch it and, unless it is only noted, the other services.
    /// Returns what to hand to the timers after the commit.
    ///
    /// # Errors
    /// When Postgres is away.
    pub async fn finish(mut self, transition: Transition) -> Result<(Incident, Vec<Entry>), Fault> {
        self.incident.revision += 1;
        self.incident.updated = self.now;
        incidents::update(self.tx, &self.incident).await?;
        let IncidentName { site, id } = self.incident.name.clone();
        changes::add(self.tx, &site, id, self.now).await?;
        // Watches in this process look at once.
        self.tx.wake();
        if transition == Transition::Joined {
            self.tell_assessed().await?;
        }
        if let Some(transition) = transition.wire() {
            let into = self.incident.merged_into;
            let payload = events::IncidentChanged {
                incident: self.incident.name.to_string(),
                cluster: ClusterName::new(site.clone(), self.incident.cluster).to_string(),
                cases: self.case_names().await?,
                public_mode: self.incident.mode == Mode::Public,
                stage: self.incident.stage.word().to_owned(),
                transition: transition.into(),
                revision: self.incident.revision,
                closed: self.incident.state == State::StoodDown,
                merged_into: into.map_or_else(String::new, |into| {
                    IncidentName::new(site.clone(), into).to_string()
                }),
                voices: self.voices().await?,
            };
            self.publish("redress.incident.changed.v1", &payload)
                .await?;
        }
        Ok((self.incident, self.armed))
    }

    /// Its cases, in the order in which they joined.
    pub(super) async fn case_names(&mut self) -> Result<Vec<String>, Fault> {
        let IncidentName { site, id } = &self.incident.name;
        let cases = cases::of_incident(self.tx, site, *id, CASES_MAX).await?;
        let name_of = |case: Uuid| CaseName::new(site.clone(), case).to_string();
        Ok(cases.into_iter().map(|c| name_of(c.id)).collect())
    }

    /// Who speaks for it: whoever holds the spokesperson's role, then those who act for it now.
    async fn voices(&mut self) -> Result<Vec<events::IncidentVoice>, Fault> {
        let IncidentName { site, id } = self.incident.name.clone();
        let held = roles::of_incident(self.tx, &site, id).await?;
        let mut held = held
            .into_iter()
            .filter(|r| r.role == DutyRole::Spokesperson);
        let holder = held.find_map(|r| r.held.staff);
        let acting = deputies::acting(self.tx, &site, id, self.now).await?;
        let acting = acting
            .into_iter()
            .filter(|d| d.role == DutyRole::Spokesperson);
        Ok(holder
            .into_iter()
            .map(|staff| (staff, None))
            .chain(acting.map(|d| (d.staff, Some(d.end))))
            .filter(|(staff, _)| !self.roster.barred.contains(staff))
            .map(|(staff, end)| events::IncidentVoice {
                staff: StaffName::new(site.clone(), staff).to_string(),
                end_time: end.map(to_timestamp),
            })
            .collect())
    }

    /// Says something about the incident to the other services.
    pub(super) async fn publish<M: prost::Message>(
        &mut self,
        event_type: &'static str,
        payload: &M,
    ) -> Result<(), Fault> {
        let event = NewEvent {
            event_type,
            site: &self.incident.name.site,
            subject: &self.incident.name.to_string(),
            historical: false,
            payload,
        };
        redress_events::publish_urgent(self.tx, &event).await?;
        Ok(())
    }

    /// Number of the case that opened it, for people.
    pub(super) async fn case_number(&mut self) -> Result<String, Fault> {
        let site = self.site();
        let case = cases::get(self.tx, &site, self.incident.opened_case).await?;
        Ok(case.map(|c| c.number).unwrap_or_default())
    }
}

impl Transition {
    fn wire(self) -> Option<events::IncidentTransition> {
        match self {
            Self::Opened => Some(events::IncidentTransition::Opened),
            Self::Joined => Some(events::IncidentTransition::Joined),
            Self::Changed => Some(events::IncidentTransition::Changed),
            Self::Merged => Some(events::IncidentTransition::Merged),
            Self::Noted => None,
        }
    }
}
