//! Whatever people and events do, in whatever order and two at a time: a matter has one open incident (I6), which owes nobody a
//! leader's word but the complainants of its own cases (M01), and what left as the company's word had been approved exactly as
//! it stands, and stays as it left (I7).
//!
//! The walk is random. What it is held against is read from the rows, by other means than the code that it tests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use redress_crisis::domain::statement::{Content, Fact, Scene, digest};
use redress_crisis::domain::words::Stage;
use redress_model::words::{CaseStatus, DutyRole};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::crisis::v1 as wire;
use redress_proto::crisis::v1::aftermath_service_server::AftermathService as _;
use redress_proto::crisis::v1::command_service_server::CommandService as _;
use redress_proto::crisis::v1::incident_service_server::IncidentService as _;
use redress_proto::crisis::v1::statement_service_server::StatementService as _;
use redress_proto::crisis::v1::{
    Audience, IncidentMode, IncidentStage, ReviewStep, SplitGoal, StatementKind, Verdict,
};
use redress_proto::event::v1::DeliverOutcome;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::statements::words;
use crate::world::*;

/// Who acts: those of the chain, and those who are not.
const PEOPLE: [&str; 7] = [
    "author", "clerk", "counsel", "voice", "top", "onsite", "duty",
];
/// Who gives which step in [`Act::Approve`].
const CHAIN: [&str; 3] = ["clerk", "counsel", "voice"];
const CLUSTERS: u128 = 3;
const CASES: u128 = 5;

/// One thing that somebody does.
#[derive(Debug, Clone)]
enum Act {
    Grade {
        case: u128,
        cluster: u128,
        gravest: bool,
        public: bool,
    },
    Withdraw(u128),
    Merge(u128, u128),
    OpenByHand(u128),
    Switch(Index, bool),
    Move(Index, usize),
    StandDown(Index),
    /// A case leaves for an incident of its own, another or none.
    Split(Index, u128, usize, Index),
    /// So many of the spokesperson's chain have to approve from now on.
    Quorum(Index, u8),
    /// Audience, and whether in English.
    Draft(Index, bool, Audience, bool),
    /// Another figure is to be told than one that left: over that one, as a correction of it, or as if nothing were.
    Retell(Index, usize, bool),
    Edit(Index, u8, Index),
    /// Somebody of the chain writes a version, everybody who is due approves it, and it is to leave.
    Slip(Index, usize),
    Review(Index, usize, usize, Index),
    /// Two have to approve it, the spokesperson has a deputy, everybody who is due approves it, and it is to leave.
    Together(Index, Index),
    /// Everybody who is due approves it, the stage moves on and falls back, and it is to leave.
    Return(Index),
    /// Whoever is due to approves it.
    Approve(Index),
    Publish(Index, Index),
    Leave(Index),
    Drop(Index),
    Deputize(Index, bool, Index),
    Wait(i64),
}

fn acts() -> impl Strategy<Value = Act> {
    let to = prop::sample::select(vec![
        Audience::Affected,
        Audience::Public,
        Audience::Media,
        Audience::Staff,
    ]);
    prop_oneof![
        4 => (0..CASES, 0..CLUSTERS, any::<bool>(), any::<bool>()).prop_map(
            |(case, cluster, gravest, public)| Act::Grade { case, cluster, gravest, public }
        ),
        1 => (0..CASES).prop_map(Act::Withdraw),
        1 => (0..CLUSTERS, 0..CLUSTERS).prop_map(|(from, into)| Act::Merge(from, into)),
        1 => (0..CASES).prop_map(Act::OpenByHand),
        1 => (any::<Index>(), any::<bool>()).prop_map(|(i, public)| Act::Switch(i, public)),
        1 => (any::<Index>(), 0_usize..4).prop_map(|(i, stage)| Act::Move(i, stage)),
        1 => any::<Index>().prop_map(Act::StandDown),
        1 => (any::<Index>(), 0..CASES, 0_usize..3, any::<Index>())
            .prop_map(|(i, case, goal, other)| Act::Split(i, case, goal, other)),
        1 => (any::<Index>(), prop::sample::select(vec![1, 1, 2])).prop_map(|(i, quorum)| Act::Quorum(i, quorum)),
        4 => (any::<Index>(), any::<bool>(), to, any::<bool>())
            .prop_map(|(i, holding, to, english)| Act::Draft(i, holding, to, english)),
        3 => (any::<Index>(), 0_usize..3, any::<bool>()).prop_map(|(s, how, more)| Act::Retell(s, how, more)),
        2 => (any::<Index>(), any::<Index>()).prop_map(|(s, who)| Act::Together(s, who)),
        2 => (any::<Index>(), 0_u8..3, any::<Index>()).prop_map(|(s, text, by)| Act::Edit(s, text, by)),
        4 => (any::<Index>(), 0..CHAIN.len()).prop_map(|(s, by)| Act::Slip(s, by)),
        2 => any::<Index>().prop_map(Act::Return),
        4 => (any::<Index>(), 0_usize..3, 0_usize..4, any::<Index>())
            .prop_map(|(s, step, verdict, by)| Act::Review(s, step, verdict, by)),
        14 => any::<Index>().prop_map(Act::Approve),
        3 => (any::<Index>(), any::<Index>()).prop_map(|(s, by)| Act::Publish(s, by)),
        5 => any::<Index>().prop_map(Act::Leave),
        1 => any::<Index>().prop_map(Act::Drop),
        1 => (any::<Index>(), any::<bool>(), any::<Index>()).prop_map(|(i, legal, who)| Act::Deputize(i, legal, who)),
        1 => (1_i64..300).prop_map(Act::Wait),
    ]
}

/// Id, incident, kind, version, stage, digest, published by.
type Row = (Uuid, Uuid, String, i64, String, Vec<u8>, String);
/// Number, audience, language, text, facts, author, and why it says what it should not.
type Version = (
    i64,
    String,
    String,
    String,
    serde_json::Value,
    String,
    String,
    String,
);

/// What left, as its row says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Left {
    version: i64,
    stage: String,
    digest: Vec<u8>,
    by: String,
    audience: String,
    text: String,
}

struct Walk {
    world: World,
    revision: AtomicI64,
    epochs: Mutex<BTreeMap<u128, i64>>,
    statements: Mutex<Vec<String>>,
    /// Everybody who was ever appointed for a role, whether or not the time is over.
    deputies: Mutex<BTreeSet<(DutyRole, &'static str)>>,
    merged: Mutex<Vec<(u128, u128)>>,
    gone: Mutex<BTreeSet<u128>>,
    left: BTreeMap<Uuid, Left>,
    feed: Vec<(i64, Uuid, Vec<u8>, Vec<u8>)>,
    /// Every incident and case of it that were ever seen.
    had: BTreeSet<(Uuid, Uuid)>,
}

impl Walk {
    async fn begin() -> Self {
        let world = World::new().await;
        world
            .take([site_changed("lake"), duty_changed("lake", FULL, 1)])
            .await;
        world
            .take([graded(&case("lake", 0), &cluster("lake", 0), 1, &["G1.4"]).event()])
            .await;
        Self {
            world,
            revision: AtomicI64::new(2),
            epochs: Mutex::default(),
            statements: Mutex::default(),
            deputies: Mutex::default(),
            merged: Mutex::default(),
            gone: Mutex::default(),
            left: BTreeMap::new(),
            feed: Vec::new(),
            had: BTreeSet::new(),
        }
    }

    fn epoch(&self, case: u128) -> i64 {
        let epochs = self.epochs.lock().expect("no walk panics with it");
        epochs.get(&case).copied().unwrap_or(1)
    }

    fn statement(&self, index: Index) -> Option<String> {
        let all = self.statements.lock().expect("no walk panics with it");
        (!all.is_empty()).then(|| index.get(&all).clone())
    }

    async fn incident(&self, index: Index) -> Option<String> {
        let request = wire::ListIncidentsRequest {
            parent: "sites/-".into(),
            ..Default::default()
        };
        let listed = self.world.api.list_incidents(as_caller(request, &["lake"]));
        let all = listed.await.expect("listed").into_inner().incidents;
        (!all.is_empty()).then(|| index.get(&all).name.clone())
    }

    /// What was merged is merged no more, as triage does it.
    fn may_merge(&self, from: u128, into: u128) -> bool {
        let mut gone = self.gone.lock().expect("no walk panics with it");
        from != into && !gone.contains(&into) && gone.insert(from)
    }

    /// Delivers an event as its sender does: again, where it is not taken now.
    async fn deliver(&self, event: redress_events::Event) -> DeliverOutcome {
        for _ in 0..20 {
            let taken = self.world.inbox.receive(vec![event.clone()]).await;
            let outcome = taken.map_or(DeliverOutcome::Retry, |taken| taken[0].outcome());
            assert_ne!(outcome, DeliverOutcome::Rejected);
            if outcome != DeliverOutcome::Retry {
                return outcome;
            }
        }
        DeliverOutcome::Retry
    }

    /// Does it, or hears why not; only our own mistakes end the walk.
    async fn act(&self, act: &Act) {
        if let Err(status) = self.tried(act).await {
            let refused = matches!(
                status.code(),
                Code::FailedPrecondition
                    | Code::Aborted
                    | Code::InvalidArgument
                    | Code::PermissionDenied
                    | Code::NotFound
                    | Code::AlreadyExists
            );
            assert!(refused, "{act:?}: {status}");
        }
    }

    async fn tried(&self, act: &Act) -> Result<(), Status> {
        let world = &self.world;
        match act {
            Act::Grade {
                case: n,
                cluster: c,
                gravest,
                public,
            } => {
                let criterion = match (gravest, public) {
                    (true, true) => "G1.4",
                    (true, false) => "G1.6",
                    (false, _) => "G2.2",
                };
                let grade = if *gravest { 1 } else { 2 };
                let revision = self.revision.fetch_add(1, Ordering::Relaxed);
                let graded = graded(&case("lake", *n), &cluster("lake", *c), grade, &[criterion])
                    .revision(revision, 2)
                    .epoch(self.epoch(*n))
                    .at(world.now());
                self.deliver(graded.event()).await;
            }
            Act::Withdraw(n) => {
                let epoch = self.epoch(*n) + 1;
                self.deliver(moved(&case("lake", *n), CaseStatus::Withdrawn, epoch))
                    .await;
            }
            Act::Merge(from, into) => {
                if !self.may_merge(*from, *into) {
                    return Ok(());
                }
                let [a, b] = [from, into].map(|c| cluster("lake", *c));
                let merged = cluster_merged(&case("lake", *from), &a, &b);
                if self.deliver(merged).await == DeliverOutcome::Applied {
                    let mut merged = self.merged.lock().expect("no walk panics with it");
                    merged.push((*from, *into));
                }
            }
            Act::OpenByHand(n) => {
                let request = wire::OpenIncidentRequest {
                    parent: "sites/lake".into(),
                    case: case("lake", *n).to_string(),
                    reason: "a hunch".into(),
                    ..Default::default()
                };
                world
                    .api
                    .open_incident(as_person(request, "lake", "top"))
                    .await?;
            }
            Act::Switch(incident, public) => {
                let Some(name) = self.incident(*incident).await else {
                    return Ok(());
                };
                let mode = if *public {
                    IncidentMode::Public
                } else {
                    IncidentMode::Private
                };
                let request = wire::SwitchModeRequest {
                    name,
                    mode: mode.into(),
                    reason: "a word".into(),
                    ..Default::default()
                };
                world
                    .api
                    .switch_mode(as_person(request, "lake", "top"))
                    .await?;
            }
            Act::Move(incident, stage) => {
                if let Some(name) = self.incident(*incident).await {
                    self.move_past_gaps(&name, *stage).await?;
                }
            }
            Act::StandDown(incident) => {
                let Some(name) = self.incident(*incident).await else {
                    return Ok(());
                };
                let request = wire::StandDownRequest {
                    name,
                    reason: "enough".into(),
                    ..Default::default()
                };
                let request = as_person(request, "lake", "top");
                world.aftermath.stand_down(request).await?;
            }
            Act::Split(incident, n, goal, other) => {
                let Some(name) = self.incident(*incident).await else {
                    return Ok(());
                };
                let goal = [SplitGoal::Own, SplitGoal::Other, SplitGoal::None][*goal];
                let other = match goal {
                    SplitGoal::Other => self.incident(*other).await.unwrap_or_default(),
                    _ => String::new(),
                };
                let request = wire::SplitCaseRequest {
                    name,
                    case: case("lake", *n).to_string(),
                    goal: goal.into(),
                    other,
                    reason: "another matter".into(),
                    ..Default::default()
                };
                let request = as_person(request, "lake", "top");
                world.commanding.split_case(request).await?;
            }
            Act::Quorum(incident, quorum) => {
                if let Some(name) = self.incident(*incident).await {
                    self.ask_for(&name, *quorum).await?;
                }
            }
            Act::Draft(incident, holding, audience, english) => {
                let Some(name) = self.incident(*incident).await else {
                    return Ok(());
                };
                let kind = if *holding {
                    StatementKind::Holding
                } else {
                    StatementKind::Update
                };
                let mut statement = words(kind, "我们已到现场。");
                statement.audience = (*audience).into();
                if *english {
                    statement.language = "en".into();
                    statement.text = "We are on site.".into();
                }
                self.draft(&name, statement).await?;
            }
            Act::Retell(statement, how, more) => {
                let left: Vec<Uuid> = self.left.keys().copied().collect();
                if left.is_empty() {
                    return Ok(());
                }
                let name = format!("sites/lake/statements/{}", statement.get(&left));
                let old = world.read(&name).await;
                let homes = if *more { 13 } else { 12 };
                let (text, value) = match old.language.as_str() {
                    "en" => (format!("{homes} homes."), format!("{homes} homes")),
                    _ => (format!("涉及{homes}户。"), format!("{homes}户")),
                };
                let retold = wire::Statement {
                    audience: old.audience,
                    language: old.language,
                    facts: vec![wire::StatementFact {
                        key: "homes".into(),
                        value,
                        source: "the register".into(),
                    }],
                    supersedes: if *how == 0 { old.name } else { String::new() },
                    correction_reason: ["", "counted again", ""][*how].into(),
                    ..words(StatementKind::Update, &text)
                };
                self.draft(&old.incident, retold).await?;
            }
            Act::Edit(statement, text, by) => {
                if let Some(name) = self.statement(*statement) {
                    let text =
                        format!("我们正在{}。", ["核实", "处理", "登记"][usize::from(*text)]);
                    let read = world.read(&name).await;
                    world.edit(&read, &text, by.get::<&str>(&PEOPLE)).await?;
                }
            }
            Act::Review(statement, step, verdict, by) => {
                let steps = [
                    ReviewStep::FactCheck,
                    ReviewStep::LegalReview,
                    ReviewStep::Approval,
                ];
                let verdicts = [
                    Verdict::Approve,
                    Verdict::Object,
                    Verdict::Lift,
                    Verdict::Overrule,
                ];
                if let Some(name) = self.statement(*statement) {
                    let read = world.read(&name).await;
                    let by = by.get::<&str>(&PEOPLE);
                    world
                        .say(&read, steps[*step], verdicts[*verdict], by)
                        .await?;
                }
            }
            Act::Slip(statement, by) => {
                if let Some(name) = self.statement(*statement) {
                    let read = world.read(&name).await;
                    world.edit(&read, "我们正在登记。", CHAIN[*by]).await?;
                    for _ in CHAIN {
                        self.approve(&name).await?;
                    }
                    let read = world.read(&name).await;
                    world.release(&read, "voice").await?;
                }
            }
            Act::Together(statement, who) => {
                if let Some(name) = self.statement(*statement) {
                    let incident = world.read(&name).await.incident;
                    self.ask_for(&incident, 2).await?;
                    let together = async {
                        self.appoint(&incident, DutyRole::Spokesperson, who.get::<&str>(&PEOPLE))
                            .await?;
                        // One more than the chain has steps.
                        for _ in 0..=CHAIN.len() {
                            self.approve(&name).await?;
                        }
                        let read = world.read(&name).await;
                        world.release(&read, "voice").await
                    };
                    let done = together.await;
                    self.ask_for(&incident, 1).await?;
                    done?;
                }
            }
            Act::Return(statement) => {
                if let Some(name) = self.statement(*statement) {
                    let incident = world.read(&name).await.incident;
                    for _ in CHAIN {
                        self.approve(&name).await?;
                    }
                    // On to HANDLING, back to OUTBREAK.
                    for stage in [2, 1] {
                        self.move_past_gaps(&incident, stage).await?;
                    }
                    let read = world.read(&name).await;
                    world.release(&read, "voice").await?;
                }
            }
            Act::Approve(statement) => {
                if let Some(name) = self.statement(*statement) {
                    self.approve(&name).await?;
                }
            }
            Act::Publish(statement, by) => {
                if let Some(name) = self.statement(*statement) {
                    let read = world.read(&name).await;
                    world.release(&read, by.get::<&str>(&PEOPLE)).await?;
                }
            }
            Act::Leave(statement) => {
                if let Some(name) = self.statement(*statement) {
                    let read = world.read(&name).await;
                    world.release(&read, "voice").await?;
                }
            }
            Act::Drop(statement) => {
                if let Some(name) = self.statement(*statement) {
                    let request = wire::DropStatementRequest {
                        name,
                        reason: "overtaken".into(),
                        ..Default::default()
                    };
                    let request = as_person(request, "lake", "voice");
                    world.statements.drop_statement(request).await?;
                }
            }
            Act::Deputize(incident, legal, who) => {
                let Some(name) = self.incident(*incident).await else {
                    return Ok(());
                };
                let role = if *legal {
                    DutyRole::LegalCounsel
                } else {
                    DutyRole::Spokesperson
                };
                self.appoint(&name, role, who.get::<&str>(&PEOPLE)).await?;
            }
            Act::Wait(minutes) => world.advance(*minutes),
        }
        Ok(())
    }

    async fn draft(&self, incident: &str, statement: wire::Statement) -> Result<(), Status> {
        let drafted = self.world.try_draft(incident, statement, "author").await?;
        let mut all = self.statements.lock().expect("no walk panics with it");
        all.push(drafted.name);
        Ok(())
    }

    /// Asks for so many approvals of the spokesperson's chain.
    async fn ask_for(&self, incident: &str, quorum: u8) -> Result<(), Status> {
        let quorum = quorum.to_string();
        let setting = [("statement_quorum", quorum.as_str())];
        self.world.change(incident, "", &setting).await?;
        Ok(())
    }

    async fn appoint(
        &self,
        incident: &str,
        role: DutyRole,
        who: &'static str,
    ) -> Result<(), Status> {
        let until = self.world.now() + jiff::SignedDuration::from_hours(2);
        let request = wire::AppointDeputyRequest {
            name: incident.into(),
            role: to_wire(role),
            staff: staff("lake", who),
            end_time: Some(to_timestamp(until)),
            reason: "on a plane".into(),
            ..Default::default()
        };
        // Before the answer: the other of the two may act on it already.
        let deputies = self.deputies.lock();
        deputies
            .expect("no walk panics with it")
            .insert((role, who));
        let request = as_person(request, "lake", "top");
        self.world.statements.appoint_deputy(request).await?;
        Ok(())
    }

    /// Whoever is due to approves it; of the spokesperson's chain the first who has not and may.
    async fn approve(&self, name: &str) -> Result<(), Status> {
        let read = self.world.read(name).await;
        let step = read.due_step();
        let by = match step {
            ReviewStep::FactCheck => vec![CHAIN[0]],
            ReviewStep::LegalReview => vec![CHAIN[1]],
            ReviewStep::Approval => {
                let deputies = self.deputies.lock().expect("no walk panics with it");
                let spokesperson = |(role, who): &(DutyRole, &'static str)| {
                    (*role == DutyRole::Spokesperson).then_some(*who)
                };
                let mut all = vec![CHAIN[2]];
                all.extend(deputies.iter().filter_map(spokesperson));
                all
            }
            ReviewStep::Unspecified => return Ok(()),
        };
        let given = |who: &str| {
            let reviewer = format!("account-{who}");
            let mut counting = read.reviews.iter().filter(|r| r.counts);
            counting.any(|r| r.step() == step && r.reviewer == reviewer)
        };
        let mut answer = Ok(());
        for who in by.into_iter().filter(|who| !given(who)) {
            let said = self.world.say(&read, step, Verdict::Approve, who).await;
            answer = said.map(|_| ());
            if answer.is_ok() {
                break;
            }
        }
        answer
    }

    /// Moves the stage, and waives whatever a first refusal names.
    async fn move_past_gaps(&self, incident: &str, stage: usize) -> Result<(), Status> {
        let stages = [
            IncidentStage::Latent,
            IncidentStage::Outbreak,
            IncidentStage::Handling,
            IncidentStage::Aftermath,
        ];
        let try_it = async |waivers: Vec<wire::GateWaiver>| {
            let request = wire::MoveStageRequest {
                name: incident.into(),
                stage: stages[stage].into(),
                reason: "as decided".into(),
                waivers,
                ..Default::default()
            };
            let request = as_person(request, "lake", "top");
            self.world.api.move_stage(request).await.map(|_| ())
        };
        let Err(refused) = try_it(Vec::new()).await else {
            return Ok(());
        };
        if reason(&refused) != "STAGE_NOT_READY" {
            return Err(refused);
        }
        let named = refused.message().trim_start_matches("missing: ");
        let waiver = |text: &str| wire::GateWaiver {
            gap: text.split(" (").next().unwrap_or_default().to_owned(),
            reason: "as decided".into(),
        };
        try_it(named.split("; ").map(waiver).collect()).await
    }

    /// After both have done what they did: triage hears of a withdrawal.
    fn done(&self, act: &Act) {
        if let Act::Withdraw(n) = act {
            let epoch = self.epoch(*n) + 1;
            let mut epochs = self.epochs.lock().expect("no walk panics with it");
            epochs.insert(*n, epoch);
        }
    }

    /// The matter of a cluster, by the merges that were told.
    fn matter(&self, cluster: Uuid) -> u128 {
        let merged = self.merged.lock().expect("no walk panics with it");
        let mut matters: Vec<u128> = (0..CLUSTERS).collect();
        for _ in 0..CLUSTERS {
            for (a, b) in merged.iter() {
                let [a, b] = [a, b].map(|n| usize::try_from(*n).expect("small"));
                let least = matters[a].min(matters[b]);
                (matters[a], matters[b]) = (least, least);
            }
        }
        let known = (0..CLUSTERS).find(|n| crate::world::cluster("lake", *n).id == cluster);
        matters[usize::try_from(known.expect("one of ours")).expect("small")]
    }

    async fn one_incident_of_a_matter(&self) {
        let open: Vec<Uuid> =
            sqlx::query_scalar("SELECT cluster FROM crisis.incident WHERE state = 'OPEN'")
                .fetch_all(&self.world.database.admin)
                .await
                .expect("postgres answers");
        let matters: BTreeSet<u128> = open.iter().map(|c| self.matter(*c)).collect();
        assert_eq!(matters.len(), open.len(), "I6: {open:?}");
    }

    /// A leader's word is owed in the incident of the case, and what an incident ever had is not forgotten.
    async fn members_are_whose_they_are(&mut self) {
        let admin = &self.world.database.admin;
        let elsewhere: Vec<(Uuid, Uuid)> = sqlx::query_as(
            "SELECT k.incident, k.case_id FROM crisis.incident_clock k
             WHERE k.kind = 'LEADER_CONTACT' AND k.state IN ('RUNNING', 'BREACHED')
               AND NOT EXISTS (SELECT FROM crisis.case_file c WHERE c.site = k.site AND c.id = k.case_id AND c.incident = k.incident)",
        )
        .fetch_all(admin)
        .await
        .expect("postgres answers");
        assert!(elsewhere.is_empty(), "M01: owed elsewhere: {elsewhere:?}");
        let pairs = async |of: &'static str| -> BTreeSet<(Uuid, Uuid)> {
            let rows: Vec<(Uuid, Uuid)> = sqlx::query_as(of)
                .fetch_all(admin)
                .await
                .expect("postgres answers");
            rows.into_iter().collect()
        };
        let now = pairs(
            "SELECT c.incident, c.id FROM crisis.case_file c
             JOIN crisis.incident i ON i.site = c.site AND i.id = c.incident WHERE i.state = 'OPEN'",
        )
        .await;
        let kept = pairs(
            "SELECT m.incident, m.case_id FROM crisis.incident_case m
             JOIN crisis.incident i ON i.site = m.site AND i.id = m.incident WHERE i.state <> 'STOOD_DOWN' AND m.leave_time IS NULL",
        )
        .await;
        assert_eq!(kept, now, "one account of who belongs where");
        self.had.extend(now);
        let ever = pairs("SELECT incident, case_id FROM crisis.incident_case").await;
        assert!(self.had.is_subset(&ever), "forgotten");
    }

    async fn what_left_was_approved_and_stays(&mut self) {
        let admin = self.world.database.admin.clone();
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT id, incident, kind, version, stage, digest, published_by FROM crisis.statement WHERE publish_time IS NOT NULL",
        )
        .fetch_all(&admin)
        .await
        .expect("postgres answers");
        let mut now = BTreeMap::new();
        for (id, incident, kind, version, stage, named, by) in rows {
            let versions: Vec<Version> = sqlx::query_as(
                "SELECT number, audience, language, text, facts, author, wording_reason, correction
                 FROM crisis.statement_version WHERE statement = $1 ORDER BY number",
            )
            .bind(id)
            .fetch_all(&admin)
            .await
            .expect("postgres answers");
            let authors: BTreeSet<&String> = versions.iter().map(|v| &v.5).collect();
            let last = versions.last().expect("a version");
            assert_eq!(last.0, version, "nothing is written of what left");
            let content = Content {
                kind: read(&kind),
                audience: read(&last.1),
                language: last.2.clone(),
                text: last.3.clone(),
                facts: serde_json::from_value::<Vec<Fact>>(last.4.clone()).expect("facts"),
                wording_reason: last.6.clone(),
                correction: last.7.clone(),
            };
            // The row says in which stage it left, and its name in which visit of it.
            let scenes = self.scenes(incident, &stage).await;
            let stands = |(_, scene): &&(i64, Scene)| {
                digest(incident, *scene, &content).as_slice() == named.as_slice()
            };
            let named_visit = scenes.iter().find(stands);
            let (visit, _) = named_visit.expect("it left as it was named");
            self.approved_in(incident, *visit, id, &named).await;
            let quorum = self.quorum(incident, id, &authors).await;
            self.approved(id, &named, &authors, (kind.as_str(), by.as_str(), quorum))
                .await;
            let left = Left {
                version,
                stage,
                digest: named,
                by,
                audience: last.1.clone(),
                text: content.text,
            };
            now.insert(id, left);
        }
        for (id, left) in &self.left {
            assert_eq!(now.get(id), Some(left), "I7: what left never changes");
        }
        self.left = now;
    }

    /// What a text may be named by in a stage: each visit of it.
    async fn scenes(&self, incident: Uuid, stage: &str) -> Vec<(i64, Scene)> {
        let visits: Vec<(i64, String)> = sqlx::query_as(
            "SELECT number, stage FROM crisis.incident_stage WHERE incident = $1 ORDER BY number",
        )
        .bind(incident)
        .fetch_all(&self.world.database.admin)
        .await
        .expect("postgres answers");
        let visits: Vec<(i64, Stage)> = visits.iter().map(|(n, s)| (*n, read(s))).collect();
        let stage: Stage = read(stage);
        let all = (0..visits.len()).filter(|n| visits[*n].1 == stage);
        all.map(|n| (visits[n].0, Scene::of(stage, &visits[..=n])))
            .collect()
    }

    /// P24: the approvals of what left were given, and it left, within one visit of the stage.
    async fn approved_in(&self, incident: Uuid, visit: i64, statement: Uuid, named: &[u8]) {
        let outside: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM crisis.incident_stage v,
               (SELECT review_time AS at FROM crisis.statement_review WHERE statement = $3 AND digest = $4
                UNION ALL SELECT publish_time FROM crisis.statement WHERE id = $3) said
             WHERE v.incident = $1 AND v.number = $2 AND (said.at < v.enter_time OR said.at > v.leave_time)",
        )
        .bind(incident)
        .bind(visit)
        .bind(statement)
        .bind(named)
        .fetch_one(&self.world.database.admin)
        .await
        .expect("postgres answers");
        assert_eq!(outside, 0, "P24: {statement}");
    }

    /// How many of the spokesperson's chain had to approve a statement when it left, as the log tells it: whoever wrote it lowers
    /// nothing for it.
    async fn quorum(&self, incident: Uuid, statement: Uuid, authors: &BTreeSet<&String>) -> usize {
        let told: Vec<(String, String)> = sqlx::query_as(
            "SELECT l.text, l.actor FROM crisis.incident_log l
             WHERE l.incident = $1 AND l.kind = 'TERMS_CHANGED' AND l.text LIKE 'statement_quorum: %'
               AND l.number < (SELECT min(p.number) FROM crisis.incident_log p
                               WHERE p.incident = $1 AND p.reference = $2 AND p.text LIKE 'a statement to % was published')
             ORDER BY l.number",
        )
        .bind(incident)
        .bind(format!("sites/lake/statements/{statement}"))
        .fetch_all(&self.world.database.admin)
        .await
        .expect("postgres answers");
        let (mut others, mut last) = (1, 1);
        for (told, actor) in told {
            let numbers: Vec<usize> = told.split(' ').filter_map(|n| n.parse().ok()).collect();
            let [before, after] = numbers[..] else {
                panic!("old and new: {told}");
            };
            if !authors.contains(&&actor) {
                others = if after > before {
                    others.max(after)
                } else {
                    after
                };
            }
            last = after;
        }
        others.max(last)
    }

    /// What another one took the place of says so, has one successor, and spoke to the same people.
    async fn each_successor_has_its_place(&self) {
        let wrong: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM crisis.statement o
             LEFT JOIN crisis.statement n ON n.supersedes = o.id AND n.publish_time IS NOT NULL
             JOIN crisis.statement_version ov ON ov.statement = o.id AND ov.number = o.version
             LEFT JOIN crisis.statement_version nv ON nv.statement = n.id AND nv.number = n.version
             WHERE (o.state = 'SUPERSEDED') <> (n.id IS NOT NULL)
                OR (n.id IS NOT NULL AND (nv.audience, nv.language) <> (ov.audience, ov.language))",
        )
        .fetch_one(&self.world.database.admin)
        .await
        .expect("postgres answers");
        assert_eq!(wrong, 0, "I7: a successor without a place");
        let twice: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM (SELECT FROM crisis.statement WHERE publish_time IS NOT NULL AND supersedes IS NOT NULL
                                   GROUP BY supersedes HAVING count(*) > 1) x",
        )
        .fetch_one(&self.world.database.admin)
        .await
        .expect("postgres answers");
        assert_eq!(twice, 0, "I7: one successor");
    }

    /// Weighs the verdicts on what left as a reader of the rows would.
    async fn approved(
        &self,
        statement: Uuid,
        named: &[u8],
        authors: &BTreeSet<&String>,
        (kind, by, quorum): (&str, &str, usize),
    ) {
        let said: Vec<(String, String, Vec<u8>, String)> = sqlx::query_as(
            "SELECT step, verdict, digest, reviewer FROM crisis.statement_review WHERE statement = $1 ORDER BY number",
        )
        .bind(statement)
        .fetch_all(&self.world.database.admin)
        .await
        .expect("postgres answers");
        let (mut last, mut objecting) = (BTreeMap::new(), BTreeSet::new());
        for (step, verdict, digest, reviewer) in &said {
            last.insert(
                reviewer,
                (step.as_str(), verdict.as_str(), digest.as_slice()),
            );
            match verdict.as_str() {
                "OBJECT" => {
                    objecting.insert(reviewer);
                }
                "OVERRULE" => objecting.clear(),
                _ => {
                    objecting.remove(reviewer);
                }
            }
        }
        assert!(objecting.is_empty(), "I7: somebody objects");
        let approved = |step: &str| -> Vec<&String> {
            let counts = |verdict: &(&str, &str, &[u8])| *verdict == (step, "APPROVE", named);
            let by = last
                .iter()
                .filter(|(who, v)| counts(v) && !authors.contains(**who));
            by.map(|(who, _)| *who).collect()
        };
        let deputies = self
            .deputies
            .lock()
            .expect("no walk panics with it")
            .clone();
        let is = |role: DutyRole, holder: &str, who: &str| {
            let acts = |(r, id): &(DutyRole, &str)| *r == role && who == format!("account-{id}");
            who == format!("account-{holder}") || deputies.iter().any(acts)
        };
        for (step, role, holder) in [
            ("FACT_CHECK", None, ""),
            ("LEGAL_REVIEW", Some(DutyRole::LegalCounsel), "counsel"),
            ("APPROVAL", Some(DutyRole::Spokesperson), "voice"),
        ] {
            let given = approved(step);
            let least = if step == "APPROVAL" { quorum } else { 1 };
            assert!(given.len() >= least, "I7: {step} is missing: {said:?}");
            let chain = |who: &&&String| role.is_none_or(|role| is(role, holder, who));
            assert_eq!(
                given.iter().filter(chain).count(),
                given.len(),
                "{step}: {given:?}"
            );
        }
        let released = is(DutyRole::Spokesperson, "voice", by);
        assert!(
            released || (kind == "HOLDING" && by == "account-top"),
            "I7: {by} released it"
        );
    }

    async fn the_feed_only_grows(&mut self) {
        let feed: Vec<(i64, Uuid, Vec<u8>, Vec<u8>)> = sqlx::query_as(
            "SELECT number, statement, previous_hash, hash FROM crisis.feed_entry ORDER BY number",
        )
        .fetch_all(&self.world.database.admin)
        .await
        .expect("postgres answers");
        assert!(feed.starts_with(&self.feed), "what stood in it stands");
        assert!(feed.windows(2).all(|two| two[1].2 == two[0].3), "one chain");
        let told: BTreeSet<Uuid> = feed.iter().map(|entry| entry.1).collect();
        assert_eq!(told.len(), feed.len(), "each once");
        let for_all = |left: &Left| matches!(left.audience.as_str(), "PUBLIC" | "MEDIA");
        let left = self.left.iter().filter(|(_, left)| for_all(left));
        assert!(
            told.iter().eq(left.map(|(id, _)| id)),
            "exactly what left for all"
        );
        self.feed = feed;
    }
}

fn read<W: redress_model::words::Word>(word: &str) -> W {
    W::parse(word).unwrap_or_else(|_| panic!("{word} is a word of ours"))
}

#[test]
fn whatever_happens_a_matter_has_one_incident_and_nothing_leaves_unapproved_i6_i7() {
    let config = Config {
        cases: 6,
        // A walk takes a second.
        max_shrink_iters: 60,
        failure_persistence: None,
        ..Config::default()
    };
    let left = AtomicUsize::new(0);
    let pairs = prop::collection::vec((acts(), acts()), 50..90);
    let walk = |pairs: Vec<(Act, Act)>| {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut walk = Walk::begin().await;
            for (one, other) in &pairs {
                tokio::join!(walk.act(one), walk.act(other));
                walk.done(one);
                walk.done(other);
                walk.one_incident_of_a_matter().await;
                walk.members_are_whose_they_are().await;
                walk.what_left_was_approved_and_stays().await;
                walk.each_successor_has_its_place().await;
                walk.the_feed_only_grows().await;
            }
            assert!(walk.world.broken_logs("lake").await.is_empty(), "I12");
            left.fetch_add(walk.left.len(), Ordering::Relaxed);
        });
        Ok(())
    };
    // Six walks now and then get nothing out; of many somebody gets something.
    for _ in 0..10 {
        let walked = TestRunner::new(config.clone()).run(&pairs, walk);
        walked.unwrap_or_else(|failure| panic!("{failure}"));
        if left.load(Ordering::Relaxed) > 0 {
            break;
        }
    }
    assert!(left.into_inner() > 0, "no walk got anything out");
}
