//! A crisis service without its network: its inbox, its API, its clocks, on virtual time.

use std::sync::Arc;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use prost::Message;
use redress_crisis::flow::Desk;
use redress_crisis::jobs::timers::IncidentClocks;
use redress_crisis::jobs::{Shop, inbox, shifts};
use redress_crisis::rpc::matrix::Matrices;
use redress_crisis::rpc::media::Media;
use redress_crisis::rpc::{
    Aftermath, Briefings, Commanding, Incidents, Lessons, Playbooks, Statements,
};
use redress_crisis::{CrisisService, Settings};
use redress_events::{Event, Inbox};
use redress_model::ids::new_id;
use redress_model::name::{CaseName, ClusterName, SiteId, StaffName};
use redress_model::time::Clock as _;
use redress_model::words::{CaseMode, CaseStatus, ClockKind, DutyRole, Word as _};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::crisis::v1 as wire;
use redress_proto::crisis::v1::incident_service_server::IncidentService;
use redress_proto::crisis::v1::playbook_service_server::PlaybookService;
use redress_proto::event::v1 as events;
use redress_proto::event::v1::DeliverOutcome;
use redress_rpc::roles::Roles;
use redress_rpc::watch::Bell;
use redress_rpc::{Caller, Fingerprints};
use redress_runtime::Service;
use redress_store::{Database, Keyring};
use redress_testkit::{ManualClock, TestDatabase, database};
use redress_timers::{Fired, Timers, Truth};
use secrecy::ExposeSecret as _;
use tonic::{Request, Status};
use uuid::Uuid;

/// Monday, 2 March 2026, 10:00 in Shanghai.
pub(crate) const START: &str = "2026-03-02T10:00:00+08:00";

/// One service over one database.
pub(crate) struct World {
    pub(crate) database: Arc<TestDatabase>,
    pub(crate) db: Database,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) api: Arc<Incidents>,
    pub(crate) statements: Statements,
    pub(crate) briefings: Briefings,
    pub(crate) aftermath: Aftermath,
    pub(crate) matrices: Matrices,
    pub(crate) media: Media,
    pub(crate) playbooks: Playbooks,
    pub(crate) commanding: Commanding,
    pub(crate) lessons: Lessons,
    pub(crate) shop: Shop,
    truth: Arc<IncidentClocks>,
}

pub(crate) fn settings() -> Settings {
    settings_with(&[])
}

fn settings_with(otherwise: &[(&str, toml::Value)]) -> Settings {
    let mut file: toml::Table = CrisisService::DEFAULT_CONFIG.parse().expect("toml");
    let service = file["service"].as_table_mut().expect("a section");
    for (key, value) in otherwise {
        service.insert((*key).to_owned(), value.clone());
    }
    file["service"]
        .clone()
        .try_into()
        .expect("every key is known")
}

impl World {
    pub(crate) async fn new() -> Self {
        let database = database("crisis", &CrisisService::migrators()).await;
        Self::over(
            Arc::new(database),
            ManualClock::new(START.parse().expect("an instant")),
            settings(),
        )
    }

    /// Another replica over the same rows.
    pub(crate) fn replica(&self) -> Self {
        Self::over(
            Arc::clone(&self.database),
            Arc::clone(&self.clock),
            settings(),
        )
    }

    /// Another replica over the same rows, which is configured otherwise.
    pub(crate) fn replica_with(&self, otherwise: &[(&str, toml::Value)]) -> Self {
        Self::over(
            Arc::clone(&self.database),
            Arc::clone(&self.clock),
            settings_with(otherwise),
        )
    }

    fn over(database: Arc<TestDatabase>, clock: Arc<ManualClock>, settings: Settings) -> Self {
        let db = database.connect("crisis");
        let meter = redress_testkit_meter();
        let desk = Arc::new(Desk {
            policy: settings.policy().expect("right"),
            zone: settings.zone().expect("right"),
            settings,
            clock: clock.clone(),
        });
        let truth = Arc::new(IncidentClocks {
            db: db.clone(),
            desk: Arc::clone(&desk),
        });
        let timers = Timers::new("crisis", None, truth.clone(), clock.clone(), &meter);
        let shop = Shop {
            desk: Arc::clone(&desk),
            timers: timers.clone(),
        };
        let api = Arc::new(Incidents {
            db: db.clone(),
            desk: Arc::clone(&desk),
            timers,
            fingerprints: Fingerprints::new(b"test"),
            bell: Bell::new(),
        });
        let statements = Statements {
            incidents: Arc::clone(&api),
            sign: Arc::new(|site, number, hash| Ok(format!("{site}/{number}/{hash}"))),
        };
        let aftermath = Aftermath {
            incidents: Arc::clone(&api),
            sign: Arc::new(|incident, hash| Ok(format!("{incident}/{hash}"))),
        };
        let vault =
            redress_vault::Vault::parse(redress_vault::generate_key_file("k1").expose_secret());
        let media = Media {
            incidents: Arc::clone(&api),
            keys: Arc::new(Keyring::new(
                Arc::new(vault.expect("a generated file parses")),
                "key_id",
            )),
        };
        let matrices = Matrices {
            incidents: Arc::clone(&api),
        };
        let briefings = Briefings {
            incidents: Arc::clone(&api),
        };
        let commanding = Commanding {
            incidents: Arc::clone(&api),
        };
        let lessons = Lessons {
            incidents: Arc::clone(&api),
        };
        let playbooks = Playbooks {
            incidents: Arc::clone(&api),
        };
        let inbox = Arc::new(inbox(db.clone(), &meter, &shop));
        Self {
            database,
            db,
            clock,
            desk,
            inbox,
            api,
            statements,
            briefings,
            aftermath,
            matrices,
            media,
            playbooks,
            commanding,
            lessons,
            truth,
            shop,
        }
    }

    /// Delivers one event and says what became of it.
    pub(crate) async fn deliver(&self, event: Event) -> DeliverOutcome {
        let results = self
            .inbox
            .receive(vec![event])
            .await
            .expect("postgres answers");
        results[0].outcome()
    }

    /// Delivers events, each of which has to take effect.
    pub(crate) async fn take(&self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            let what = event.event_type.clone();
            assert_eq!(self.deliver(event).await, DeliverOutcome::Applied, "{what}");
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn advance(&self, minutes: i64) {
        self.clock.advance(SignedDuration::from_mins(minutes));
    }

    /// Fires everything that is due now, and says how many took effect.
    pub(crate) async fn fire_due(&self) -> usize {
        let mut fired = 0;
        loop {
            let due = self
                .truth
                .due(None, self.now(), 100)
                .await
                .expect("postgres answers");
            if due.is_empty() {
                return fired;
            }
            for entry in due {
                match self
                    .truth
                    .fire(&entry, &[], self.now())
                    .await
                    .expect("postgres answers")
                {
                    Fired::Done | Fired::Again(_) | Fired::Armed(_) => fired += 1,
                    Fired::Stale | Fired::Early => {}
                }
            }
        }
    }

    /// Looks at unfilled roles once.
    pub(crate) async fn look_at_shifts(&self) {
        shifts::look(&self.db, &self.shop)
            .await
            .expect("postgres answers");
    }

    /// The clocks as the timers see them.
    pub(crate) fn truth(&self) -> &IncidentClocks {
        &self.truth
    }

    /// The incidents of a site, which need not be known, newest first.
    pub(crate) async fn incidents(&self, site: &str) -> Vec<wire::Incident> {
        let request = wire::ListIncidentsRequest {
            parent: "sites/-".into(),
            ..Default::default()
        };
        let listed = self.api.list_incidents(as_caller(request, &[site])).await;
        let mut whole = Vec::new();
        for incident in listed.expect("listed").into_inner().incidents {
            whole.push(self.incident(&incident.name).await);
        }
        whole
    }

    /// The open incidents of a site, newest first.
    pub(crate) async fn open(&self, site: &str) -> Vec<wire::Incident> {
        let mut all = self.incidents(site).await;
        all.retain(|i| i.state() == wire::IncidentState::Open);
        all
    }

    /// The only open incident of a site.
    pub(crate) async fn the_open(&self, site: &str) -> wire::Incident {
        let mut open = self.open(site).await;
        assert_eq!(open.len(), 1, "{open:#?}");
        open.remove(0)
    }

    pub(crate) async fn incident(&self, name: &str) -> wire::Incident {
        let site = site_of(name);
        let request = wire::GetIncidentRequest {
            name: name.to_owned(),
        };
        let got = self
            .api
            .get_incident(as_caller(request, &[&site]))
            .await
            .expect("there is one");
        got.into_inner().incident.expect("filled")
    }

    /// What an incident does in its stage.
    pub(crate) async fn plan(&self, name: &str) -> wire::IncidentPlan {
        let request = wire::GetIncidentPlanRequest {
            name: name.to_owned(),
        };
        let got = self
            .playbooks
            .get_incident_plan(as_caller(request, &[&site_of(name)]))
            .await
            .expect("there is one");
        got.into_inner().plan.expect("filled")
    }

    /// Does what the playbook asks of the stage, and says that its exit conditions hold.
    pub(crate) async fn play_through(&self, name: &str) {
        let site = site_of(name);
        let plan = self.plan(name).await;
        for task in plan.tasks {
            let done = wire::CompleteTaskRequest {
                name: name.to_owned(),
                task: task.key,
                ..Default::default()
            };
            if task.state == wire::TaskState::Open as i32 {
                // Somebody else than who reports.
                let done = self
                    .playbooks
                    .complete_task(as_person(done, &site, "checker"));
                done.await.expect("open");
            }
        }
        for condition in plan.conditions {
            let holds = wire::AnswerConditionRequest {
                name: name.to_owned(),
                condition: condition.key,
                holds: true,
                reason: "seen".into(),
                ..Default::default()
            };
            let said = self.playbooks.answer_condition(as_caller(holds, &[&site]));
            said.await.expect("of the stage");
        }
    }

    /// Moves the stage, waiving those of the gaps.
    pub(crate) async fn to_stage(
        &self,
        name: &str,
        stage: wire::IncidentStage,
        waive: impl Fn(&str) -> bool,
    ) -> Result<wire::Incident, Status> {
        let gaps = self.plan(name).await.gaps;
        let request = wire::MoveStageRequest {
            name: name.to_owned(),
            stage: stage.into(),
            reason: "as decided".into(),
            waivers: gaps
                .into_iter()
                .filter(|gap| waive(&gap.name))
                .map(|gap| wire::GateWaiver {
                    gap: gap.name,
                    reason: "nobody asks".into(),
                })
                .collect(),
            ..Default::default()
        };
        let asked = as_caller(request, &[&site_of(name)]);
        let answer = self.api.move_stage(asked).await?;
        Ok(answer.into_inner().incident.expect("filled"))
    }

    /// The payloads of one type that were published about a site, in order.
    pub(crate) async fn published<M: Message + Default>(
        &self,
        event_type: &str,
        site: &str,
    ) -> Vec<M> {
        let rows: Vec<Vec<u8>> = sqlx::query_scalar(
            "SELECT payload FROM crisis.outbox WHERE type = $1 AND site = $2 ORDER BY id",
        )
        .bind(event_type)
        .bind(site)
        .fetch_all(&self.database.admin)
        .await
        .expect("postgres answers");
        rows.iter()
            .map(|r| M::decode(r.as_slice()).expect("the message of its type"))
            .collect()
    }

    pub(crate) async fn clock_events(
        &self,
        site: &str,
        kind: ClockKind,
    ) -> Vec<events::ClockChanged> {
        let mut all: Vec<events::ClockChanged> =
            self.published("redress.clock.changed.v1", site).await;
        all.retain(|c| c.kind == kind.number());
        all
    }

    pub(crate) async fn call_outs(&self, site: &str) -> Vec<events::CallOutRequested> {
        self.published("redress.callout.requested.v1", site).await
    }
}

fn redress_testkit_meter() -> opentelemetry::metrics::Meter {
    opentelemetry::global::meter("crisis-test")
}

/// A request of somebody who sees these sites.
pub(crate) fn as_caller<T>(message: T, sites: &[&str]) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(Arc::new(Caller {
        subject: "li".into(),
        issuer: "test".into(),
        organizations: Vec::new(),
        regions: Vec::new(),
        sites: sites.iter().map(|s| s.parse().expect("a slug")).collect(),
        roles: Vec::new(),
        permissions: Default::default(),
        staff: None,
        service: None,
        purpose: None,
        expires: Timestamp::MAX,
    }));
    request
}

/// A request of a person on the roster, who sees the one site.
pub(crate) fn as_person<T>(message: T, site: &str, id: &str) -> Request<T> {
    let mut request = as_caller(message, &[site]);
    let caller = Caller {
        subject: format!("account-{id}"),
        staff: Some(staff(site, id).parse().expect("a name")),
        ..request
            .extensions()
            .get::<Arc<Caller>>()
            .expect("set above")
            .as_ref()
            .clone()
    };
    request.extensions_mut().insert(Arc::new(caller));
    request
}

/// The same request of somebody who may do this too.
pub(crate) fn with_permission<T>(mut request: Request<T>, permission: &str) -> Request<T> {
    let caller = request.extensions().get::<Arc<Caller>>();
    let caller = Caller {
        permissions: Roles::new([("r".to_owned(), vec![permission.to_owned()])].into())
            .permissions(["r"]),
        ..caller.expect("set before").as_ref().clone()
    };
    request.extensions_mut().insert(Arc::new(caller));
    request
}

/// The machine-readable reason of a refusal.
pub(crate) fn reason(status: &Status) -> String {
    use tonic_types::StatusExt as _;
    status
        .get_details_error_info()
        .expect("every refusal has one")
        .reason
}

pub(crate) fn site_of(name: &str) -> String {
    name.split('/').nth(1).expect("sites/{site}/…").to_owned()
}

pub(crate) fn case(site: &str, n: u128) -> CaseName {
    CaseName::new(
        site_id(site),
        Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + n),
    )
}

pub(crate) fn cluster(site: &str, n: u128) -> ClusterName {
    ClusterName::new(
        site_id(site),
        Uuid::from_u128(0x0191_0000_0000_7000_8000_0000_0000_0000 + n),
    )
}

pub(crate) fn staff(site: &str, id: &str) -> String {
    StaffName::new(site_id(site), id.parse().expect("a slug")).to_string()
}

fn site_id(site: &str) -> SiteId {
    site.parse().expect("a slug")
}

/// An event with a new id.
pub(crate) fn event<M: Message>(
    source: &str,
    event_type: &str,
    site: &str,
    subject: String,
    payload: &M,
) -> Event {
    Event {
        id: new_id(Timestamp::now()),
        source: source.to_owned(),
        event_type: event_type.to_owned(),
        site: site_id(site),
        subject,
        historical: false,
        time: START.parse().expect("an instant"),
        traceparent: String::new(),
        data: Bytes::from(payload.encode_to_vec()),
    }
}

pub(crate) fn site_changed(site: &str) -> Event {
    site_moved(site, "Asia/Shanghai", 1)
}

/// A site with its zone.
pub(crate) fn site_moved(site: &str, zone: &str, revision: i64) -> Event {
    let payload = events::SiteChanged {
        site: format!("sites/{site}"),
        organization: "organizations/demo".into(),
        region: "organizations/demo/regions/north".into(),
        kind: 1,
        time_zone: zone.into(),
        display_name: "Lake".into(),
        revision,
        language: "zh-CN".into(),
        display_name_en: String::new(),
    };
    event(
        "intake",
        "redress.site.changed.v1",
        site,
        format!("sites/{site}"),
        &payload,
    )
}

pub(crate) fn received(case: &CaseName) -> Event {
    let payload = events::CaseReceived {
        facts: Some(events::CaseFacts {
            case: case.to_string(),
            number: format!("C-{}", case.id.as_u128() & 0xffff),
            mode: to_wire(CaseMode::Live),
            status: to_wire(CaseStatus::Received),
            epoch: 1,
            revision: 1,
            ..Default::default()
        }),
    };
    event(
        "intake",
        "redress.case.received.v1",
        case.site.as_str(),
        case.to_string(),
        &payload,
    )
}

pub(crate) fn moved(case: &CaseName, status: CaseStatus, epoch: i64) -> Event {
    let payload = events::CaseMoved {
        case: case.to_string(),
        status: to_wire(status),
        epoch,
        move_time: Some(to_timestamp(START.parse().expect("an instant"))),
        ..Default::default()
    };
    event(
        "intake",
        "redress.case.moved.v1",
        case.site.as_str(),
        case.to_string(),
        &payload,
    )
}

/// A decision as triage says it.
#[derive(Clone)]
pub(crate) struct Graded {
    pub(crate) payload: events::CaseGraded,
}

pub(crate) fn graded(
    case: &CaseName,
    cluster: &ClusterName,
    grade: i32,
    criteria: &[&str],
) -> Graded {
    let matched = criteria.iter().map(|c| events::MatchedCriterion {
        criterion_id: (*c).to_owned(),
        evidence: "seen".into(),
    });
    Graded {
        payload: events::CaseGraded {
            case: case.to_string(),
            cluster: cluster.to_string(),
            grade,
            criteria: matched.collect(),
            revision: 1,
            cause: "received".into(),
            complainants: 1,
            cluster_complainants: 1,
            epoch: 1,
            decide_time: Some(to_timestamp(START.parse().expect("an instant"))),
            mode: to_wire(CaseMode::Live),
            number: format!("C-{}", case.id.as_u128() & 0xffff),
            ..Default::default()
        },
    }
}

impl Graded {
    pub(crate) fn revision(mut self, revision: i64, previous: i32) -> Self {
        self.payload.revision = revision;
        self.payload.previous_grade = previous;
        self
    }

    pub(crate) fn epoch(mut self, epoch: i64) -> Self {
        self.payload.epoch = epoch;
        self
    }

    pub(crate) fn at(mut self, at: Timestamp) -> Self {
        self.payload.decide_time = Some(to_timestamp(at));
        self
    }

    pub(crate) fn provisional(mut self) -> Self {
        self.payload.provisional = true;
        self
    }

    pub(crate) fn historical(mut self) -> Self {
        self.payload.mode = to_wire(CaseMode::Historical);
        self
    }

    pub(crate) fn nobody_complains(mut self) -> Self {
        self.payload.complainants = 0;
        self
    }

    pub(crate) fn event(&self) -> Event {
        let case: CaseName = self.payload.case.parse().expect("a case");
        event(
            "triage",
            "redress.case.graded.v1",
            case.site.as_str(),
            case.to_string(),
            &self.payload,
        )
    }
}

pub(crate) fn cluster_merged(case: &CaseName, from: &ClusterName, into: &ClusterName) -> Event {
    let payload = events::ClusterChanged {
        case: case.to_string(),
        cluster: into.to_string(),
        previous_cluster: from.to_string(),
        merged: true,
    };
    event(
        "triage",
        "redress.cluster.changed.v1",
        case.site.as_str(),
        case.to_string(),
        &payload,
    )
}

/// Who has which duty: role, person, rank.
pub(crate) type Duties<'a> = &'a [(DutyRole, &'a str, i32)];

/// Everybody that an incident needs.
pub(crate) const FULL: Duties<'static> = &[
    (DutyRole::TopLead, "top", 0),
    (DutyRole::DutyLead, "duty", 0),
    (DutyRole::OnSiteLead, "onsite", 0),
    (DutyRole::Spokesperson, "voice", 0),
    (DutyRole::Spokesperson, "second-voice", 1),
    (DutyRole::LegalCounsel, "counsel", 0),
    (DutyRole::CustomerLiaison, "liaison", 0),
    (DutyRole::Negotiator, "negotiator", 0),
];

pub(crate) fn duty_changed(site: &str, duties: Duties<'_>, revision: i64) -> Event {
    let slots = duties.iter().map(|(role, person, rank)| events::DutySlot {
        role: to_wire(*role),
        staff: staff(site, person),
        rank: *rank,
        start_time: Some(to_timestamp(
            "2026-01-01T00:00:00Z".parse().expect("an instant"),
        )),
        end_time: None,
    });
    let payload = events::DutyChanged {
        site: format!("sites/{site}"),
        slots: slots.collect(),
        revision,
        ..Default::default()
    };
    event(
        "assignment",
        "redress.duty.changed.v1",
        site,
        format!("sites/{site}"),
        &payload,
    )
}

pub(crate) fn contact(case: &CaseName, person: &str, at: Timestamp) -> Event {
    let payload = events::ContactRecorded {
        case: case.to_string(),
        contact_id: new_id(Timestamp::now()).to_string(),
        direction: events::ContactDirection::Outbound.into(),
        channel: 1,
        by_person: true,
        contact_time: Some(to_timestamp(at)),
        staff: staff(case.site.as_str(), person),
        ..Default::default()
    };
    event(
        "intake",
        "redress.contact.recorded.v1",
        case.site.as_str(),
        case.to_string(),
        &payload,
    )
}

pub(crate) fn message_changed(callout: &events::CallOutRequested, state: &str) -> Event {
    let site = site_of(&callout.incident);
    let payload = events::MessageChanged {
        message: format!("sites/{site}/messages/{}", Uuid::from_u128(9)),
        template: "incident.callout".into(),
        incident: callout.incident.clone(),
        callout_id: callout.callout_id.clone(),
        state: state.to_owned(),
        ..Default::default()
    };
    event(
        "notification",
        "redress.message.changed.v1",
        &site,
        callout.incident.clone(),
        &payload,
    )
}

/// The running promises of an incident by kind.
pub(crate) fn running(incident: &wire::Incident) -> Vec<&'static str> {
    let mut kinds: Vec<&str> = incident
        .clocks
        .iter()
        .filter(|c| c.stop_time.is_none())
        .map(|c| ClockKind::from_number(c.kind).expect("known").word())
        .collect();
    kinds.sort_unstable();
    kinds
}

/// The newest clock of a kind.
pub(crate) fn clock(incident: &wire::Incident, kind: ClockKind) -> wire::IncidentClock {
    let found = incident.clocks.iter().find(|c| c.kind == kind.number());
    found
        .unwrap_or_else(|| panic!("{kind:?} in {:#?}", incident.clocks))
        .clone()
}

pub(crate) fn role(incident: &wire::Incident, role: DutyRole) -> wire::IncidentRole {
    let found = incident.roles.iter().find(|r| r.role == role.number());
    found.expect("every role has an entry").clone()
}

/// Facts that complain about a person, as received or, above revision 1, as changed.
pub(crate) fn complains_about(case: &CaseName, person: &str, revision: i64) -> Event {
    let facts = Some(events::CaseFacts {
        case: case.to_string(),
        number: format!("C-{}", case.id.as_u128() & 0xffff),
        mode: to_wire(CaseMode::Live),
        status: to_wire(CaseStatus::Received),
        epoch: 1,
        revision,
        staff_complained_about: vec![staff(case.site.as_str(), person)],
        ..Default::default()
    });
    event(
        "intake",
        "redress.case.updated.v1",
        case.site.as_str(),
        case.to_string(),
        &events::CaseUpdated {
            facts,
            ..Default::default()
        },
    )
}

/// A request of this person of the staff of a site.
pub(crate) fn as_staff<T>(message: T, site: &str, id: &str) -> Request<T> {
    let mut request = as_caller(message, &[site]);
    let caller = request.extensions_mut().get_mut::<Arc<Caller>>();
    let caller = Arc::get_mut(caller.expect("set above")).expect("not shared yet");
    caller.staff = Some(StaffName::new(site_id(site), id.parse().expect("a slug")));
    request
}
