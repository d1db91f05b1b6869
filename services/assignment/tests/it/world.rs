//! One site with its people, and short words to tell it what happened.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use prost::Message;
use redress_assignment::AssignmentService;
use redress_assignment::rpc::{
    AgencyRpc, ContractorRpc, DisputeRpc, HandlingRpc, LedgerRpc, LibraryRpc, PowerRpc, PromiseRpc,
    RegisterRpc, ReportRpc, RosterPlanRpc, RosterRpc, SettlementRpc, Shared, SolutionRpc,
    StaffingRpc, TransferRpc, ValidityRpc, WarrantyRpc, WorkRpc,
};
use redress_events::{Event, InboxServer};
use redress_model::ids::new_id;
use redress_model::name::{CaseName, SiteId};
use redress_model::words::{CaseMode, CaseStatus, Category, Channel, DutyRole};
use redress_policy::{Handling, Policy};
use redress_proto::assignment::v1 as wire;
use redress_proto::assignment::v1::roster_service_server::RosterService;
use redress_proto::assignment::v1::work_service_server::WorkService;
use redress_proto::convert::{to_timestamp, to_wire, to_wire_opt};
use redress_proto::event::v1 as event;
use redress_proto::event::v1::inbox_service_server::InboxService;
use redress_proto::event::v1::{DeliverOutcome, DeliverRequest};
use redress_rpc::roles::Roles;
use redress_rpc::{Caller, Fingerprints};
use redress_runtime::Service;
use redress_store::Keyring;
use redress_testkit::{ManualClock, TestDatabase};
use redress_vault::{Vault, generate_key_file};
use secrecy::ExposeSecret;
use tonic::{Request, Status};
use uuid::Uuid;

pub struct World {
    pub database: TestDatabase,
    pub clock: Arc<ManualClock>,
    pub roster: RosterRpc,
    pub plan: RosterPlanRpc,
    pub staffing: StaffingRpc,
    pub work: WorkRpc,
    pub warranties: WarrantyRpc,
    pub contractors: ContractorRpc,
    pub transfers: TransferRpc,
    pub disputes: DisputeRpc,
    pub settlements: SettlementRpc,
    pub register: RegisterRpc,
    pub reports: ReportRpc,
    pub ledger: LedgerRpc,
    pub agency: AgencyRpc,
    pub powers: PowerRpc,
    pub promises: PromiseRpc,
    pub library: LibraryRpc,
    pub handling: HandlingRpc,
    pub solutions: SolutionRpc,
    pub validity: ValidityRpc,
    inbox: InboxServer,
    pub site: SiteId,
    cases: AtomicI64,
}

pub fn site(id: &str) -> SiteId {
    id.parse().expect("a slug")
}

/// Who has which duty at a staffed site.
const DUTIES: [(DutyRole, &str); 7] = [
    (DutyRole::Handler, "eng-one"),
    (DutyRole::Handler, "eng-two"),
    (DutyRole::Handler, "seller"),
    (DutyRole::FrontOffice, "desk"),
    (DutyRole::OnSiteLead, "lead-site"),
    (DutyRole::DutyLead, "lead-duty"),
    (DutyRole::TopLead, "lead-top"),
];

impl World {
    /// A site that assignment has heard of, without anybody.
    pub async fn empty() -> Self {
        let database =
            redress_testkit::database("assignment", &AssignmentService::migrators()).await;
        let start: Timestamp = "2026-05-28T01:00:00Z".parse().expect("an instant");
        let clock = ManualClock::new(start);
        let vault = Vault::parse(generate_key_file("k1").expose_secret()).expect("a key file");
        let shared = Shared {
            db: database.db.clone(),
            clock: clock.clone(),
            keyring: Arc::new(Keyring::new(Arc::new(vault), "id")),
            fingerprints: Fingerprints::new(b"test"),
        };
        let meter = opentelemetry::global::meter("test");
        let inbox = redress_assignment::inbox(database.db.clone(), clock.clone(), &meter);
        let world = Self {
            roster: RosterRpc(shared.clone()),
            plan: RosterPlanRpc(shared.clone()),
            warranties: WarrantyRpc(shared.clone()),
            contractors: ContractorRpc(shared.clone()),
            transfers: TransferRpc(shared.clone()),
            disputes: DisputeRpc(shared.clone()),
            settlements: SettlementRpc(shared.clone()),
            register: RegisterRpc(shared.clone()),
            staffing: StaffingRpc(shared.clone()),
            library: LibraryRpc(shared.clone()),
            work: WorkRpc(shared.clone()),
            reports: ReportRpc(shared.clone()),
            ledger: LedgerRpc(shared.clone()),
            agency: AgencyRpc(shared.clone()),
            powers: PowerRpc(shared.clone()),
            promises: PromiseRpc(shared.clone()),
            handling: HandlingRpc(shared.clone()),
            solutions: SolutionRpc(shared.clone()),
            validity: ValidityRpc(shared),
            inbox: InboxServer::new(Arc::new(inbox)),
            site: site("lakeside"),
            database,
            clock,
            cases: AtomicI64::new(0),
        };
        world.learn(&world.site).await;
        world
    }

    /// Two engineers and a seller at work, a front office, and the three leads.
    pub async fn staffed() -> Self {
        let world = Self::empty().await;
        for department in ["engineering", "sales", "customer-service"] {
            world.department(department, &[]).await.expect("made");
        }
        for (id, department) in [
            ("eng-one", "engineering"),
            ("eng-two", "engineering"),
            ("seller", "sales"),
            ("desk", "customer-service"),
            ("lead-site", ""),
            ("lead-duty", ""),
            ("lead-top", ""),
        ] {
            world.staff(id, department).await.expect("added");
        }
        world.duties(&DUTIES).await.expect("set");
        world
    }

    /// The same with somebody whom the region names.
    pub async fn name_region_contact(&self) {
        self.staff("region", "").await.expect("added");
        let mut duties = DUTIES.to_vec();
        duties.push((DutyRole::RegionContact, "region"));
        self.duties(&duties).await.expect("set");
    }

    /// Facts that complain about every lead of the site.
    pub fn accusing(&self, case: &CaseName) -> event::CaseFacts {
        let leads = ["lead-site", "lead-duty", "lead-top"];
        event::CaseFacts {
            staff_complained_about: leads
                .map(|id| format!("sites/lakeside/staff/{id}"))
                .to_vec(),
            ..self.facts(case)
        }
    }

    pub async fn learn(&self, site: &SiteId) {
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
        let event = self.event_at(
            site,
            "intake",
            "redress.site.changed.v1",
            &format!("sites/{site}"),
            &payload,
        );
        assert_eq!(self.deliver(&event).await, DeliverOutcome::Applied);
    }

    // People and roster

    pub fn caller(&self, site: &str, role: &str, staff: Option<&str>) -> Caller {
        let granted = |permissions: &[&str]| permissions.iter().map(|p| (*p).to_owned()).collect();
        let roles = Roles::new(BTreeMap::from([
            ("manager".to_owned(), granted(&["*"])),
            ("handler".to_owned(), granted(&["work.*", "solutions.*"])),
            (
                "service".to_owned(),
                granted(&["staff.read_contacts", "events.deliver"]),
            ),
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

    /// A manager of the whole region, or of the whole organization.
    pub fn above(&self, place: &str) -> Caller {
        let mut caller = self.caller("lakeside", "manager", None);
        caller.subject = place.to_owned();
        caller.sites.clear();
        match place {
            "region" => {
                let region = "organizations/demo/regions/north";
                caller.regions = vec![region.parse().expect("a region")];
            }
            _ => caller.organizations = vec!["demo".parse().expect("a slug")],
        }
        caller
    }

    pub fn handler(&self, staff: &str) -> Caller {
        self.caller("lakeside", "handler", Some(staff))
    }

    pub fn service(&self, name: &str) -> Caller {
        let mut caller = self.caller("lakeside", "service", None);
        caller.service = Some(name.to_owned());
        caller
    }

    pub async fn department(
        &self,
        id: &str,
        categories: &[Category],
    ) -> Result<wire::Department, Status> {
        let request = wire::CreateDepartmentRequest {
            parent: "sites/lakeside".to_owned(),
            department_id: id.to_owned(),
            department: Some(wire::Department {
                display_name: id.to_owned(),
                categories: categories.iter().map(|c| to_wire(*c)).collect(),
                ..Default::default()
            }),
            request_id: String::new(),
        };
        let answer = self
            .roster
            .create_department(by(self.manager(), request))
            .await?;
        Ok(answer.into_inner().department.expect("a department"))
    }

    pub fn new_staff(&self, id: &str, department: &str) -> wire::CreateStaffRequest {
        wire::CreateStaffRequest {
            parent: "sites/lakeside".to_owned(),
            staff_id: id.to_owned(),
            staff: Some(wire::Staff {
                display_name: id.to_owned(),
                department: if department.is_empty() {
                    String::new()
                } else {
                    format!("sites/lakeside/departments/{department}")
                },
                ..Default::default()
            }),
            request_id: String::new(),
        }
    }

    pub async fn staff(&self, id: &str, department: &str) -> Result<wire::Staff, Status> {
        let request = self.new_staff(id, department);
        let answer = self
            .roster
            .create_staff(by(self.manager(), request))
            .await?;
        Ok(answer.into_inner().staff.expect("a person"))
    }

    pub async fn get_staff(&self, id: &str) -> wire::Staff {
        let request = wire::GetStaffRequest {
            name: format!("sites/lakeside/staff/{id}"),
        };
        let answer = self
            .roster
            .get_staff(by(self.manager(), request))
            .await
            .expect("there");
        answer.into_inner().staff.expect("a person")
    }

    pub async fn retire(&self, id: &str) {
        let request = wire::UpdateStaffRequest {
            staff: Some(wire::Staff {
                name: format!("sites/lakeside/staff/{id}"),
                retired: true,
                ..Default::default()
            }),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["retired".to_owned()],
            }),
            ..Default::default()
        };
        self.roster
            .update_staff(by(self.manager(), request))
            .await
            .expect("retired");
    }

    pub async fn duties(
        &self,
        duties: &[(DutyRole, &str)],
    ) -> Result<wire::SetDutiesResponse, Status> {
        let request = wire::SetDutiesRequest {
            parent: "sites/lakeside".to_owned(),
            duties: duties
                .iter()
                .map(|(role, staff)| wire::Duty {
                    role: to_wire(*role),
                    staff: format!("sites/lakeside/staff/{staff}"),
                    ..Default::default()
                })
                .collect(),
            etag: String::new(),
        };
        let answer = self.roster.set_duties(by(self.manager(), request)).await?;
        Ok(answer.into_inner())
    }

    // Cases

    /// A new case name; later ones sort later.
    pub fn new_case(&self) -> CaseName {
        let n = self.cases.fetch_add(1, Ordering::Relaxed);
        let born = self.clock.now_plus(SignedDuration::from_millis(n));
        CaseName::new(self.site.clone(), new_id(born))
    }

    pub fn facts(&self, case: &CaseName) -> event::CaseFacts {
        event::CaseFacts {
            case: case.to_string(),
            number: "LS-20260528-0001".to_owned(),
            channel: to_wire(Channel::Web),
            mode: to_wire(CaseMode::Live),
            received_time: Some(to_timestamp(self.clock.now_plus(SignedDuration::ZERO))),
            create_time: Some(to_timestamp(self.clock.now_plus(SignedDuration::ZERO))),
            status: to_wire(CaseStatus::Received),
            epoch: 1,
            revision: 1,
            ..Default::default()
        }
    }

    pub fn received(&self, facts: event::CaseFacts) -> Event {
        let subject = facts.case.clone();
        let payload = event::CaseReceived { facts: Some(facts) };
        self.event("intake", "redress.case.received.v1", &subject, &payload)
    }

    pub fn updated(&self, facts: event::CaseFacts) -> Event {
        let subject = facts.case.clone();
        let payload = event::CaseUpdated {
            facts: Some(facts),
            ..Default::default()
        };
        self.event("intake", "redress.case.updated.v1", &subject, &payload)
    }

    pub fn graded(
        &self,
        case: &CaseName,
        revision: i64,
        epoch: i64,
        category: Option<Category>,
    ) -> Event {
        let payload = event::CaseGraded {
            case: case.to_string(),
            grade: 3,
            category: to_wire_opt(category),
            revision,
            epoch,
            mode: to_wire(CaseMode::Live),
            ..Default::default()
        };
        self.event(
            "triage",
            "redress.case.graded.v1",
            &case.to_string(),
            &payload,
        )
    }

    pub fn moved(&self, case: &CaseName, status: CaseStatus, epoch: i64) -> Event {
        let payload = event::CaseMoved {
            case: case.to_string(),
            status: to_wire(status),
            epoch,
            move_time: Some(to_timestamp(self.clock.now_plus(SignedDuration::ZERO))),
            ..Default::default()
        };
        self.event(
            "intake",
            "redress.case.moved.v1",
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

    fn event_at(
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
            time: self.clock.now_plus(SignedDuration::ZERO),
            traceparent: String::new(),
            data: Bytes::from(payload.encode_to_vec()),
        }
    }

    /// A new policy of the site by this profile, as triage tells it.
    pub fn policy_of(
        &self,
        profile: &str,
        revision: i64,
        change: impl FnOnce(&mut Handling),
    ) -> Event {
        let mut handling = Policy::built_in(profile).expect("shipped").handling();
        change(&mut handling);
        let payload = event::PolicyChanged {
            site: "sites/lakeside".to_owned(),
            profile: profile.to_owned(),
            revision,
            document: serde_json::to_string(&handling).expect("written"),
        };
        self.event(
            "triage",
            "redress.policy.changed.v1",
            "sites/lakeside",
            &payload,
        )
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
        if result.outcome() == DeliverOutcome::Rejected {
            panic!("{} was rejected: {}", event.event_type, result.reason);
        }
        result.outcome()
    }

    /// Delivers one event on a platform that may die of it.
    pub async fn try_deliver(&self, event: &Event) -> Option<DeliverOutcome> {
        let request = DeliverRequest {
            events: vec![event.to_cloud_event()],
            urgent: false,
        };
        let caller = self.service(&event.source);
        let answer = self.inbox.deliver(by(caller, request)).await.ok()?;
        Some(answer.into_inner().results.first()?.outcome())
    }

    /// Delivers events that take effect at once.
    pub async fn tell(&self, events: &[Event]) {
        for event in events {
            assert_eq!(
                self.deliver(event).await,
                DeliverOutcome::Applied,
                "{}",
                event.event_type
            );
        }
    }

    /// A case that was received and graded.
    pub async fn offered(&self, category: Category) -> CaseName {
        let case = self.new_case();
        self.tell(&[
            self.received(self.facts(&case)),
            self.graded(&case, 1, 1, Some(category)),
        ])
        .await;
        case
    }

    /// A piece of evidence that intake has recorded with a case.
    pub async fn piece(&self, case: &CaseName) -> String {
        let evidence = format!("{case}/evidence/{}", Uuid::now_v7());
        let added = redress_proto::event::v1::EvidenceAdded {
            case: case.to_string(),
            evidence: evidence.clone(),
        };
        let subject = case.to_string();
        self.tell(&[self.event("intake", "redress.evidence.added.v1", &subject, &added)])
            .await;
        evidence
    }

    pub fn name_of(case: &CaseName) -> String {
        format!("sites/{}/work/{}", case.site, case.id)
    }

    pub async fn get(&self, case: &CaseName) -> wire::Work {
        self.try_get(self.manager(), case)
            .await
            .expect("there")
            .work
            .expect("work")
    }

    /// The etag of the work as it is now.
    pub async fn etag_of(&self, case: &CaseName) -> String {
        self.get(case).await.etag
    }

    pub async fn try_get(
        &self,
        caller: Caller,
        case: &CaseName,
    ) -> Result<wire::GetWorkResponse, Status> {
        let request = wire::GetWorkRequest {
            name: Self::name_of(case),
            ..Default::default()
        };
        Ok(self.work.get_work(by(caller, request)).await?.into_inner())
    }

    pub async fn accept(
        &self,
        caller: Caller,
        case: &CaseName,
        etag: &str,
    ) -> Result<wire::Work, Status> {
        let request = wire::AcceptAssignmentRequest {
            name: Self::name_of(case),
            etag: etag.to_owned(),
            request_id: String::new(),
        };
        let answer = self.work.accept_assignment(by(caller, request)).await?;
        Ok(answer.into_inner().work.expect("work"))
    }

    pub async fn progress(
        &self,
        caller: Caller,
        case: &CaseName,
        text: &str,
    ) -> Result<wire::Work, Status> {
        let request = wire::LogProgressRequest {
            name: Self::name_of(case),
            text: text.to_owned(),
            ..Default::default()
        };
        let answer = self.work.log_progress(by(caller, request)).await?;
        Ok(answer.into_inner().work.expect("work"))
    }

    pub async fn resolve(&self, caller: Caller, case: &CaseName) -> Result<wire::Work, Status> {
        let request = wire::ResolveWorkRequest {
            name: Self::name_of(case),
            summary: "the joint was sealed".to_owned(),
            root_cause: "a loose joint".to_owned(),
            ..Default::default()
        };
        let answer = self.work.resolve_work(by(caller, request)).await?;
        Ok(answer.into_inner().work.expect("work"))
    }

    /// What was said of this type, in order.
    pub async fn said<M: Message + Default>(&self, event_type: &str) -> Vec<M> {
        let rows: Vec<(Vec<u8>,)> =
            sqlx::query_as("SELECT payload FROM assignment.outbox WHERE type = $1 ORDER BY id")
                .bind(event_type)
                .fetch_all(&self.database.admin)
                .await
                .expect("read");
        rows.into_iter()
            .map(|(payload,)| M::decode(payload.as_slice()).expect("the type's message"))
            .collect()
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

pub trait NowPlus {
    fn now_plus(&self, by: SignedDuration) -> Timestamp;
}

impl NowPlus for ManualClock {
    fn now_plus(&self, by: SignedDuration) -> Timestamp {
        redress_model::time::Clock::now(self) + by
    }
}
