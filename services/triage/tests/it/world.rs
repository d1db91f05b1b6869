//! One site with its roster, and short words to tell it what happened.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use prost::Message;
use redress_events::{Event, Inbox, InboxServer};
use redress_model::Fault;
use redress_model::ids::new_id;
use redress_model::name::{CaseName, SiteId};
use redress_model::time::Clock as _;
use redress_model::words::{
    CaseMode, CaseStatus, Channel, ClockKind, DutyRole, QualityImpact, Wants,
};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::event::v1 as event;
use redress_proto::event::v1::inbox_service_server::InboxService;
use redress_proto::event::v1::{DeliverOutcome, DeliverRequest};
use redress_proto::triage::v1 as wire;
use redress_proto::triage::v1::clock_service_server::ClockService;
use redress_proto::triage::v1::triage_service_server::TriageService;
use redress_rpc::roles::Roles;
use redress_rpc::{Caller, Fingerprints};
use redress_runtime::Service;
use redress_testkit::{ManualClock, TestDatabase};
use redress_timers::Timers;
use redress_triage::TriageService as Triage;
use redress_triage::desk::{CaseText, Desk};
use redress_triage::jobs::{ClockTruth, TextSource};
use redress_triage::rpc::{Shared, TriageRpc};
use tonic::{Request, Status};
use uuid::Uuid;

/// What intake would answer: texts by case, notes by contact.
#[derive(Debug, Clone, Default)]
pub struct Texts(
    pub Arc<Mutex<HashMap<String, CaseText>>>,
    pub Arc<Mutex<HashMap<String, String>>>,
);

impl TextSource for Texts {
    async fn text(&self, case: &CaseName) -> Result<CaseText, Fault> {
        let texts = self.0.lock().expect("not poisoned");
        Ok(texts.get(&case.to_string()).cloned().unwrap_or_default())
    }

    async fn note(&self, case: &CaseName, contact: Uuid) -> Result<String, Fault> {
        let notes = self.1.lock().expect("not poisoned");
        let name = format!("{case}/contacts/{contact}");
        let note = notes.get(&name).cloned();
        note.ok_or_else(|| Fault::unavailable("intake"))
    }
}

pub struct World {
    pub database: TestDatabase,
    pub clock: Arc<ManualClock>,
    pub rpc: TriageRpc,
    pub timers: Timers,
    pub texts: Texts,
    inbox: InboxServer,
    pub sweeper: Arc<Inbox>,
    pub site: SiteId,
    cases: AtomicI64,
}

pub fn site(id: &str) -> SiteId {
    id.parse().expect("a slug")
}

pub fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

/// Monday 2 March 2026, 09:00 in Shanghai: an ordinary working day.
pub const START: &str = "2026-03-02T09:00:00+08:00";

/// A lead on every rung, and the region above them.
pub const WITH_REGION: [(DutyRole, &str); 4] = [
    (DutyRole::OnSiteLead, "lead-site"),
    (DutyRole::DutyLead, "lead-duty"),
    (DutyRole::TopLead, "lead-top"),
    (DutyRole::RegionContact, "region"),
];

impl World {
    /// A residential site with its three leads on duty.
    pub async fn new() -> Self {
        let world = Self::without_roster().await;
        world
            .roster(&[
                (DutyRole::OnSiteLead, "lead-site"),
                (DutyRole::DutyLead, "lead-duty"),
                (DutyRole::TopLead, "lead-top"),
            ])
            .await;
        world
    }

    pub async fn without_roster() -> Self {
        Self::with_redis(None).await
    }

    pub async fn with_redis(redis: Option<redress_timers::Redis>) -> Self {
        let database = redress_testkit::database("triage", &Triage::migrators()).await;
        let clock = ManualClock::new(at(START));
        let meter = opentelemetry::global::meter("test");
        let timers = redress_triage::timers(&database.db, redis, clock.clone(), &meter);
        let fingerprints = Fingerprints::new(b"test");
        let desk = Desk::new(
            database.db.clone(),
            clock.clone(),
            timers.clone(),
            fingerprints.clone(),
        );
        let texts = Texts::default();
        let inbox = Arc::new(redress_triage::inbox(&desk, texts.clone(), &meter));
        let world = Self {
            rpc: TriageRpc(Shared { desk, fingerprints }),
            inbox: InboxServer::new(Arc::clone(&inbox)),
            sweeper: inbox,
            site: site("lakeside"),
            timers,
            texts,
            database,
            clock,
            cases: AtomicI64::new(0),
        };
        world.learn(&world.site).await;
        world
    }

    pub fn site_changed(&self, site: &SiteId) -> Event {
        let payload = event::SiteChanged {
            site: format!("sites/{site}"),
            organization: "organizations/demo".to_owned(),
            region: "organizations/demo/regions/north".to_owned(),
            kind: 1,
            time_zone: "Asia/Shanghai".to_owned(),
            display_name: "Lakeside".to_owned(),
            revision: 1,
            language: "zh-CN".to_owned(),
            display_name_en: String::new(),
        };
        let subject = format!("sites/{site}");
        self.event_at(
            site,
            "intake",
            "redress.site.changed.v1",
            &subject,
            &payload,
        )
    }

    /// A site of another organization.
    pub async fn learn_of(&self, site: &SiteId, organization: &str) {
        let payload = event::SiteChanged {
            site: format!("sites/{site}"),
            organization: organization.to_owned(),
            region: format!("{organization}/regions/south"),
            kind: 1,
            time_zone: "Asia/Shanghai".to_owned(),
            display_name: "Elsewhere".to_owned(),
            revision: 1,
            language: "zh-CN".to_owned(),
            display_name_en: String::new(),
        };
        let subject = format!("sites/{site}");
        let event = self.event_at(
            site,
            "intake",
            "redress.site.changed.v1",
            &subject,
            &payload,
        );
        assert_eq!(self.deliver(&event).await, DeliverOutcome::Applied);
    }

    pub async fn learn(&self, site: &SiteId) {
        assert_eq!(
            self.deliver(&self.site_changed(site)).await,
            DeliverOutcome::Applied
        );
    }

    pub async fn roster(&self, duties: &[(DutyRole, &str)]) {
        let slots = duties.iter().map(|(role, staff)| event::DutySlot {
            role: to_wire(*role),
            staff: format!("sites/lakeside/staff/{staff}"),
            rank: 0,
            start_time: Some(to_timestamp(Timestamp::UNIX_EPOCH)),
            end_time: None,
        });
        self.put_roster(slots.collect(), Vec::new()).await;
    }

    /// The site's roster: who, on which rung, from when until when.
    pub async fn shifts(&self, shifts: &[(DutyRole, &str, &str, &str)]) {
        self.rostered(shifts, &[]).await;
    }

    /// The same, with everybody who is on it.
    pub async fn rostered(&self, shifts: &[(DutyRole, &str, &str, &str)], members: &[&str]) {
        let slots = shifts
            .iter()
            .map(|(role, staff, from, until)| event::DutySlot {
                role: to_wire(*role),
                staff: format!("sites/lakeside/staff/{staff}"),
                rank: 0,
                start_time: Some(to_timestamp(at(from))),
                end_time: Some(to_timestamp(at(until))),
            });
        let members = members.iter().map(|staff| event::RosterMember {
            staff: format!("sites/lakeside/staff/{staff}"),
            roles: vec![to_wire(DutyRole::FrontOffice)],
        });
        self.put_roster(slots.collect(), members.collect()).await;
    }

    async fn put_roster(&self, slots: Vec<event::DutySlot>, members: Vec<event::RosterMember>) {
        let payload = event::DutyChanged {
            site: format!("sites/{}", self.site),
            slots,
            revision: self.cases.fetch_add(1, Ordering::Relaxed) + 1,
            members,
        };
        let event = self.event(
            "assignment",
            "redress.duty.changed.v1",
            "sites/lakeside",
            &payload,
        );
        self.tell(&[event]).await;
    }

    /// Somebody acknowledges what a clock told.
    pub fn acknowledged(&self, told: &event::ClockChanged) -> Event {
        let payload = event::MessageChanged {
            message: "sites/lakeside/messages/01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
            template: "clock.breached".to_owned(),
            case: told.case.clone(),
            state: "ACKNOWLEDGED".to_owned(),
            change_time: Some(to_timestamp(self.now())),
            clock: told.clock.clone(),
            clock_generation: told.generation,
            staff: told.notify[0].clone(),
            ..Default::default()
        };
        let kind = "redress.message.changed.v1";
        self.event("notification", kind, &told.case, &payload)
    }

    // Callers

    pub fn caller(&self, site: &str, role: &str, staff: Option<&str>) -> Caller {
        let granted = |permissions: &[&str]| permissions.iter().map(|p| (*p).to_owned()).collect();
        let roles = Roles::new(BTreeMap::from([
            ("manager".to_owned(), granted(&["*"])),
            (
                "handler".to_owned(),
                granted(&["clocks.*", "decisions.get", "signals.record"]),
            ),
            ("service".to_owned(), granted(&["events.deliver"])),
        ]));
        Caller {
            subject: staff.unwrap_or(role).to_owned(),
            issuer: "test".to_owned(),
            organizations: Vec::new(),
            regions: Vec::new(),
            sites: vec![self::site(site)],
            roles: vec![role.to_owned()],
            permissions: roles.permissions([role]),
            staff: staff.map(|s| format!("sites/{site}/staff/{s}").parse().expect("a name")),
            service: None,
            purpose: None,
            expires: Timestamp::MAX,
        }
    }

    pub fn manager(&self) -> Caller {
        self.caller("lakeside", "manager", None)
    }

    fn service(&self, name: &str) -> Caller {
        let mut caller = self.caller("lakeside", "service", None);
        caller.service = Some(name.to_owned());
        caller
    }

    // Cases

    /// A new case name; later ones sort later.
    pub fn new_case(&self) -> CaseName {
        let n = self.cases.fetch_add(1, Ordering::Relaxed);
        CaseName::new(
            self.site.clone(),
            new_id(self.now() + SignedDuration::from_millis(n)),
        )
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Routine facts of one anonymous person, received now.
    pub fn facts(&self, case: &CaseName) -> event::CaseFacts {
        event::CaseFacts {
            case: case.to_string(),
            number: "LS-20260302-0001".to_owned(),
            channel: to_wire(Channel::App),
            mode: to_wire(CaseMode::Live),
            received_time: Some(to_timestamp(self.now())),
            create_time: Some(to_timestamp(self.now())),
            headcount: 1,
            quality_impact: to_wire(QualityImpact::None),
            wants: to_wire(Wants::Remedy),
            first_contact_owner: "sites/lakeside/staff/clerk".to_owned(),
            status: to_wire(CaseStatus::Received),
            epoch: 1,
            revision: 1,
            ..Default::default()
        }
    }

    pub fn by_person(&self, case: &CaseName, person: &str) -> event::CaseFacts {
        event::CaseFacts {
            person_tokens: vec![person.to_owned()],
            ..self.facts(case)
        }
    }

    pub fn say(&self, case: &CaseName, text: &str) {
        let mut texts = self.texts.0.lock().expect("not poisoned");
        let known = texts.entry(case.to_string()).or_default();
        text.clone_into(&mut known.text);
    }

    pub fn place(&self, case: &CaseName, building: &str, unit: &str) {
        let mut texts = self.texts.0.lock().expect("not poisoned");
        let known = texts.entry(case.to_string()).or_default();
        building.clone_into(&mut known.building);
        unit.clone_into(&mut known.unit);
    }

    pub fn received(&self, facts: event::CaseFacts) -> Event {
        let subject = facts.case.clone();
        let historical = facts.mode == to_wire(CaseMode::Historical);
        let payload = event::CaseReceived { facts: Some(facts) };
        let event = self.event("intake", "redress.case.received.v1", &subject, &payload);
        Event {
            historical,
            ..event
        }
    }

    pub fn updated(&self, facts: event::CaseFacts) -> Event {
        let subject = facts.case.clone();
        let payload = event::CaseUpdated {
            facts: Some(facts),
            same_place: false,
        };
        self.event("intake", "redress.case.updated.v1", &subject, &payload)
    }

    /// The same, of a case that is about where it was.
    pub fn updated_in_place(&self, facts: event::CaseFacts) -> Event {
        let subject = facts.case.clone();
        let payload = event::CaseUpdated {
            facts: Some(facts),
            same_place: true,
        };
        self.event("intake", "redress.case.updated.v1", &subject, &payload)
    }

    /// The site becomes an agency store.
    pub async fn is_agency_store(&self) {
        let payload = event::SiteChanged {
            site: "sites/lakeside".to_owned(),
            organization: "organizations/demo".to_owned(),
            region: "organizations/demo/regions/north".to_owned(),
            kind: to_wire(redress_model::words::SiteKind::AgencyStore),
            time_zone: "Asia/Shanghai".to_owned(),
            display_name: "Lakeside store".to_owned(),
            revision: 2,
            language: "zh-CN".to_owned(),
            display_name_en: String::new(),
        };
        let changed = self.event(
            "intake",
            "redress.site.changed.v1",
            "sites/lakeside",
            &payload,
        );
        self.tell(&[changed]).await;
    }

    pub fn moved(&self, source: &str, case: &CaseName, status: CaseStatus, epoch: i64) -> Event {
        let payload = event::CaseMoved {
            case: case.to_string(),
            status: to_wire(status),
            epoch,
            move_time: Some(to_timestamp(self.now())),
            ..Default::default()
        };
        self.event(source, "redress.case.moved.v1", &case.to_string(), &payload)
    }

    pub fn contact(
        &self,
        case: &CaseName,
        inbound: bool,
        by_person: bool,
        substantive: bool,
    ) -> Event {
        let direction = if inbound {
            event::ContactDirection::Inbound
        } else {
            event::ContactDirection::Outbound
        };
        let payload = event::ContactRecorded {
            case: case.to_string(),
            contact_id: Uuid::now_v7().to_string(),
            direction: direction.into(),
            channel: to_wire(Channel::Hotline),
            by_person,
            substantive,
            contact_time: Some(to_timestamp(self.now())),
            staff: "sites/lakeside/staff/handler".to_owned(),
            ..Default::default()
        };
        self.event(
            "intake",
            "redress.contact.recorded.v1",
            &case.to_string(),
            &payload,
        )
    }

    /// A contact in which this was said, as intake tells it.
    pub fn message(
        &self,
        case: &CaseName,
        direction: event::ContactDirection,
        text: &str,
    ) -> Event {
        let contact = Uuid::now_v7();
        let name = format!("{case}/contacts/{contact}");
        let mut notes = self.texts.1.lock().expect("not poisoned");
        notes.insert(name, text.to_owned());
        let payload = event::ContactRecorded {
            case: case.to_string(),
            contact_id: contact.to_string(),
            direction: direction.into(),
            channel: to_wire(Channel::App),
            contact_time: Some(to_timestamp(self.now())),
            has_note: true,
            ..Default::default()
        };
        let kind = "redress.contact.recorded.v1";
        self.event("intake", kind, &case.to_string(), &payload)
    }

    pub fn owned(&self, case: &CaseName, staff: &str, revision: i64) -> Event {
        let payload = event::OwnerChanged {
            case: case.to_string(),
            responsible: format!("sites/lakeside/staff/{staff}"),
            revision,
            ..Default::default()
        };
        self.event(
            "assignment",
            "redress.owner.changed.v1",
            &case.to_string(),
            &payload,
        )
    }

    pub fn event(
        &self,
        source: &str,
        event_type: &str,
        subject: &str,
        payload: &impl Message,
    ) -> Event {
        self.event_at(&self.site, source, event_type, subject, payload)
    }

    pub fn event_at(
        &self,
        site: &SiteId,
        source: &str,
        event_type: &str,
        subject: &str,
        payload: &impl Message,
    ) -> Event {
        Event {
            id: Uuid::now_v7(),
            source: source.to_owned(),
            event_type: event_type.to_owned(),
            site: site.clone(),
            subject: subject.to_owned(),
            historical: false,
            time: self.now(),
            traceparent: String::new(),
            data: Bytes::from(payload.encode_to_vec()),
        }
    }

    /// Delivers one event as its source would.
    pub async fn deliver(&self, event: &Event) -> DeliverOutcome {
        let request = DeliverRequest {
            events: vec![event.to_cloud_event()],
            urgent: false,
        };
        let answer = self
            .inbox
            .deliver(by(self.service(&event.source), request))
            .await
            .expect("delivered");
        let result = answer.into_inner().results.remove(0);
        assert_ne!(
            result.outcome(),
            DeliverOutcome::Rejected,
            "{} was rejected: {}",
            event.event_type,
            result.reason
        );
        result.outcome()
    }

    /// Delivers events that take effect at once.
    pub async fn tell(&self, events: &[Event]) {
        for event in events {
            let outcome = self.deliver(event).await;
            assert_eq!(outcome, DeliverOutcome::Applied, "{}", event.event_type);
        }
    }

    /// A routine case of one person that came in.
    pub async fn case(&self) -> CaseName {
        let case = self.new_case();
        self.tell(&[self.received(self.facts(&case))]).await;
        case
    }

    /// A case about every lead of the site, each on duty as is the region's contact.
    pub async fn case_about_every_lead(&self) -> CaseName {
        self.roster(&WITH_REGION).await;
        let case = self.new_case();
        let accused = WITH_REGION[..3]
            .iter()
            .map(|(_, id)| format!("sites/lakeside/staff/{id}"));
        let facts = event::CaseFacts {
            staff_complained_about: accused.collect(),
            ..self.facts(&case)
        };
        self.tell(&[self.received(facts)]).await;
        case
    }

    // Time

    /// Lets time pass and fires whatever came due, one instant after the other.
    pub async fn advance(&self, by: SignedDuration) {
        use redress_timers::{Fired, Truth};
        let until = self.now() + by;
        let truth = ClockTruth::new(self.database.db.clone(), Arc::default());
        loop {
            let due = truth.due(None, until, 1_000).await.expect("read");
            let Some(next) = due.iter().map(|e| e.due).min() else {
                break;
            };
            self.clock.set(next.max(self.now()));
            // Together, as the timers do, and by itself what is left out.
            let ready: Vec<_> = due.into_iter().filter(|e| e.due <= self.now()).collect();
            for batch in ready.chunks(truth.batch_max()) {
                let fired = truth
                    .fire_many(batch, &[], self.now())
                    .await
                    .expect("fired");
                for (entry, fired) in batch.iter().zip(fired) {
                    let fired = match fired {
                        Some(fired) => fired,
                        None => truth.fire(entry, &[], self.now()).await.expect("fired"),
                    };
                    assert_ne!(fired, Fired::Early);
                }
            }
        }
        self.clock.set(until);
    }

    // What stands

    pub async fn decision(&self, case: &CaseName) -> wire::Decision {
        let request = wire::GetDecisionRequest {
            name: format!("{case}/decisions/latest"),
        };
        let answer = self
            .rpc
            .get_decision(by(self.manager(), request))
            .await
            .expect("decided");
        answer.into_inner().decision.expect("a decision")
    }

    pub async fn clocks(&self, case: &CaseName) -> BTreeMap<ClockKind, wire::CaseClock> {
        let request = wire::ListClocksRequest {
            parent: format!("sites/{}", case.site),
            case: case.to_string(),
            ..Default::default()
        };
        let answer = self
            .rpc
            .list_clocks(by(self.manager(), request))
            .await
            .expect("listed");
        answer
            .into_inner()
            .clocks
            .into_iter()
            .map(|c| {
                (
                    redress_proto::convert::from_wire(c.kind).expect("a kind"),
                    c,
                )
            })
            .collect()
    }

    pub async fn record(
        &self,
        caller: Caller,
        case: &CaseName,
        signal: redress_proto::words::Signal,
        request_id: &str,
    ) -> Result<wire::RecordSignalResponse, Status> {
        let request = wire::RecordSignalRequest {
            parent: case.to_string(),
            signal: Some(signal),
            request_id: request_id.to_owned(),
        };
        Ok(self
            .rpc
            .record_signal(by(caller, request))
            .await?
            .into_inner())
    }

    /// What was said of this type, in order.
    pub async fn said<M: Message + Default>(&self, event_type: &str) -> Vec<M> {
        let rows: Vec<(Vec<u8>,)> =
            sqlx::query_as("SELECT payload FROM triage.outbox WHERE type = $1 ORDER BY id")
                .bind(event_type)
                .fetch_all(&self.database.admin)
                .await
                .expect("read");
        rows.into_iter()
            .map(|(payload,)| M::decode(payload.as_slice()).expect("the type's message"))
            .collect()
    }

    /// How often a clock of this kind told this.
    pub async fn paged(&self, kind: &str, what: &str) -> usize {
        let pages = self.pages().await;
        pages.iter().filter(|p| p.0 == kind && p.1 == what).count()
    }

    /// What was said of clocks from warnings on: kind, transition, level and who was told.
    pub async fn pages(&self) -> Vec<(String, String, i32, Vec<String>)> {
        use redress_model::words::{ClockTransition, Word as _};
        let all: Vec<event::ClockChanged> = self.said("redress.clock.changed.v1").await;
        all.into_iter()
            .filter(|c| (2..=4).contains(&c.transition))
            .map(|c| {
                let kind = ClockKind::from_number(c.kind).expect("a kind").word();
                let what = ClockTransition::from_number(c.transition)
                    .expect("a word")
                    .word();
                let who = c.notify.iter().map(|n| last(n).to_owned()).collect();
                (kind.to_owned(), what.to_owned(), c.level, who)
            })
            .collect()
    }

    /// What paged somebody about a broken promise of this kind, in order.
    pub async fn pages_about(&self, kind: ClockKind) -> Vec<event::ClockChanged> {
        let mut told: Vec<event::ClockChanged> = self.said("redress.clock.changed.v1").await;
        told.retain(|t| t.kind == to_wire(kind) && t.level > 0 && !t.notify.is_empty());
        told
    }

    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql)
            .fetch_one(&self.database.admin)
            .await
            .expect("counted")
    }
}

/// The request as this caller sends it.
pub fn by<T>(caller: Caller, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(Arc::new(caller));
    request
}

/// The id at the end of a name.
pub fn last(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or_default()
}

pub fn ids(decision: &wire::Decision) -> Vec<&str> {
    decision
        .criteria
        .iter()
        .map(|c| c.criterion_id.as_str())
        .collect()
}

pub fn time(t: &Option<prost_types::Timestamp>) -> Timestamp {
    let t = t.as_ref().expect("a time");
    redress_proto::convert::from_timestamp("t", t).expect("in range")
}
