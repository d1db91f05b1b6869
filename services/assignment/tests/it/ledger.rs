//! The accountability ledger (M17, M02) and corrective actions (M16), told as what happens at a store.

use std::time::Duration;

use jiff::SignedDuration;
use redress_assignment::domain::validity::Validity;
use redress_assignment::jobs::count_cases::count_changed;
use redress_assignment::jobs::tell_late_entries::tell_late;
use redress_events::Event;
use redress_model::name::CaseName;
use redress_model::time::SharedClock;
use redress_model::words::{Category, SiteKind};
use redress_proto::assignment::v1 as wire;
use redress_proto::assignment::v1::ledger_service_server::LedgerService;
use redress_proto::assignment::v1::report_service_server::ReportService;
use redress_proto::assignment::v1::validity_service_server::ValidityService;
use redress_proto::assignment::v1::{
    LedgerCause as Cause, LedgerKind as Kind, LedgerState as State, PromiseKind,
};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::event::v1::{self as event, WorkNews};
use redress_rpc::Caller;
use redress_testkit::{ManualClock, eventually};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::world::{NowPlus as _, World, by, last, site};

impl World {
    /// The site is an agency store.
    pub async fn is_store(&self) {
        self.store_at("lakeside").await;
    }

    /// An agency store of the region.
    async fn store_at(&self, id: &str) {
        let name = format!("sites/{id}");
        let payload = event::SiteChanged {
            site: name.clone(),
            organization: "organizations/demo".to_owned(),
            region: "organizations/demo/regions/north".to_owned(),
            kind: to_wire(SiteKind::AgencyStore),
            time_zone: "Asia/Shanghai".to_owned(),
            display_name: format!("{id} store"),
            revision: 2,
            language: "zh-CN".to_owned(),
            display_name_en: String::new(),
        };
        let event = self.event("intake", "redress.site.changed.v1", &name, &payload);
        self.tell(&[Event {
            site: site(id),
            ..event
        }])
        .await;
    }

    /// A complaint that was upheld.
    pub async fn upheld(&self) -> CaseName {
        let case = self.offered(Category::EngineeringQuality).await;
        let offered_to = self.get(&case).await.offered_to;
        let handler = || self.handler(last(&offered_to));
        self.accept(handler(), &case, "").await.expect("offered");
        self.progress(handler(), &case, "looked at it")
            .await
            .expect("theirs");
        let request = wire::DecideValidityRequest {
            name: Self::name_of(&case),
            validity: to_wire(Validity::ValidB),
            reason: "the record shows it".to_owned(),
            ..Default::default()
        };
        let caller = self.caller("lakeside", "manager", Some("lead-duty"));
        let decided = self.validity.decide_validity(by(caller, request)).await;
        decided.expect("decided");
        case
    }

    pub(crate) async fn book(
        &self,
        kind: Kind,
        cause: Cause,
        staff: &[&str],
    ) -> Vec<wire::LedgerEntry> {
        let upheld = (kind, cause) == (Kind::Penalty, Cause::UpheldComplaint);
        let case = if upheld {
            self.upheld().await
        } else {
            self.offered(Category::EngineeringQuality).await
        };
        if upheld && staff.is_empty() {
            // The policy booked it with the decision.
            return self.costs(&case).await;
        }
        let request = wire::AddLedgerEntriesRequest {
            parent: "sites/lakeside".to_owned(),
            kind: kind.into(),
            cause: cause.into(),
            reason: "a promise was not kept".to_owned(),
            case: case.to_string(),
            staff: staff
                .iter()
                .map(|id| format!("sites/lakeside/staff/{id}"))
                .collect(),
            ..Default::default()
        };
        let answer = self.ledger.add_ledger_entries(by(self.manager(), request));
        answer.await.expect("booked").into_inner().entries
    }

    /// What was booked for a case, the newest first.
    async fn costs(&self, case: &CaseName) -> Vec<wire::LedgerEntry> {
        let list = wire::ListLedgerEntriesRequest {
            parent: "sites/lakeside".to_owned(),
            ..Default::default()
        };
        let listed = self
            .ledger
            .list_ledger_entries(by(self.manager(), list))
            .await;
        let mut entries = listed.expect("listed").into_inner().entries;
        entries.retain(|entry| entry.case == case.to_string());
        entries
    }

    /// Decides again whether a complaint is valid.
    async fn decide_again(&self, case: &CaseName, validity: Validity, request_id: &str) {
        let evidence = if validity.is_valid() {
            Vec::new()
        } else {
            vec![self.piece(case).await]
        };
        let request = wire::DecideValidityRequest {
            name: Self::name_of(case),
            validity: to_wire(validity),
            reason: "a second look".to_owned(),
            evidence,
            request_id: request_id.to_owned(),
            ..Default::default()
        };
        let caller = self.caller("lakeside", "manager", Some("lead-duty"));
        let decided = self.validity.decide_validity(by(caller, request)).await;
        decided.expect("decided");
    }

    /// Books at any store of the region, and says that it was paid.
    async fn book_at(&self, store: &str, kind: Kind, cause: Cause, yuan: i64, paid: bool) {
        let case = CaseName::new(site(store), uuid::Uuid::now_v7());
        let received = Event {
            site: site(store),
            ..self.received(self.facts(&case))
        };
        self.tell(&[received]).await;
        let request = wire::AddLedgerEntriesRequest {
            parent: format!("sites/{store}"),
            kind: kind.into(),
            cause: cause.into(),
            reason: "as the record shows".to_owned(),
            case: case.to_string(),
            amount: Some(redress_proto::Money {
                currency_code: "CNY".to_owned(),
                units: yuan,
                nanos: 0,
            }),
            ..Default::default()
        };
        let region = || self.above("region");
        let booked = self.ledger.add_ledger_entries(by(region(), request)).await;
        let entry = booked.expect("booked").into_inner().entries.remove(0);
        if paid {
            let request = wire::SettleLedgerEntryRequest {
                name: entry.name,
                ..Default::default()
            };
            let settled = self.ledger.settle_ledger_entry(by(region(), request)).await;
            settled.expect("paid");
        }
        // Entries of one instant are the parts of one joint entry.
        self.clock.advance(SignedDuration::from_secs(1));
    }

    async fn appeal(&self, caller: Caller, name: &str) -> Result<wire::LedgerEntry, Status> {
        let request = wire::AppealLedgerEntryRequest {
            name: name.to_owned(),
            reason: "the customer took it back".to_owned(),
            ..Default::default()
        };
        let answer = self.ledger.appeal_ledger_entry(by(caller, request)).await?;
        Ok(answer.into_inner().entry.expect("an entry"))
    }

    async fn decide(
        &self,
        caller: Caller,
        name: &str,
        stands: bool,
    ) -> Result<wire::LedgerEntry, Status> {
        let request = wire::DecideLedgerAppealRequest {
            name: name.to_owned(),
            stands,
            reason: "the record shows it".to_owned(),
            ..Default::default()
        };
        let answer = self
            .ledger
            .decide_ledger_appeal(by(caller, request))
            .await?;
        Ok(answer.into_inner().entry.expect("an entry"))
    }

    /// Proposes that these bear a penalty together.
    async fn propose_penalty(
        &self,
        caller: Caller,
        staff: &[&str],
        yuan: i64,
    ) -> Result<Vec<wire::LedgerEntry>, Status> {
        let request = wire::ProposePenaltyRequest {
            parent: "sites/lakeside".to_owned(),
            cause: Cause::Other.into(),
            reason: "two appointments were not kept".to_owned(),
            staff: staff
                .iter()
                .map(|id| format!("sites/lakeside/staff/{id}"))
                .collect(),
            amount: Some(redress_proto::Money {
                currency_code: "CNY".to_owned(),
                units: yuan,
                nanos: 0,
            }),
            ..Default::default()
        };
        let answer = self.ledger.propose_penalty(by(caller, request)).await?;
        Ok(answer.into_inner().entries)
    }

    /// Proposes that these bear by name what an upheld complaint costs.
    async fn propose_by_name(
        &self,
        case: &CaseName,
        staff: &[&str],
    ) -> Result<Vec<wire::LedgerEntry>, Status> {
        let request = wire::ProposePenaltyRequest {
            parent: "sites/lakeside".to_owned(),
            cause: Cause::UpheldComplaint.into(),
            reason: "the agent promised it, and the head knew".to_owned(),
            case: case.to_string(),
            staff: staff
                .iter()
                .map(|id| format!("sites/lakeside/staff/{id}"))
                .collect(),
            ..Default::default()
        };
        let caller = self.handler("centre-one");
        let answer = self.ledger.propose_penalty(by(caller, request)).await?;
        Ok(answer.into_inner().entries)
    }

    async fn decide_penalty(
        &self,
        caller: Caller,
        name: &str,
        stands: bool,
    ) -> Result<wire::LedgerEntry, Status> {
        let request = wire::DecidePenaltyRequest {
            name: name.to_owned(),
            stands,
            reason: "as the log shows".to_owned(),
            ..Default::default()
        };
        let answer = self.ledger.decide_penalty(by(caller, request)).await?;
        Ok(answer.into_inner().entry.expect("an entry"))
    }

    /// How many penalties wait for this caller, and how many debts they see.
    async fn waiting(&self, caller: Caller) -> (usize, usize) {
        let open = self.open_promises(caller, "", 50).await;
        let count = |kind| open.iter().filter(|p| p.kind() == kind).count();
        let proposals = count(PromiseKind::LedgerProposal);
        (proposals, count(PromiseKind::LedgerEntry))
    }

    /// Who was told of each entry of which this is the news. No case is ever named.
    async fn ledger_news(&self, news: WorkNews) -> Vec<(String, Vec<String>)> {
        let told = self.notices(news).await;
        assert!(
            told.iter()
                .all(|n| n.case.is_empty() && n.number.is_empty())
        );
        let people = |names: &[String]| names.iter().map(|n| last(n).to_owned()).collect();
        told.iter()
            .map(|n| (n.resource.clone(), people(&n.staff)))
            .collect()
    }

    async fn settle(&self, name: &str) -> Result<wire::LedgerEntry, Status> {
        let request = wire::SettleLedgerEntryRequest {
            name: name.to_owned(),
            ..Default::default()
        };
        let answer = self
            .ledger
            .settle_ledger_entry(by(self.manager(), request))
            .await?;
        Ok(answer.into_inner().entry.expect("an entry"))
    }

    async fn ranking(&self, caller: Caller) -> Vec<wire::RankedSite> {
        let request = wire::GetLedgerRankingRequest {
            year: 2026,
            kind: to_wire(SiteKind::AgencyStore),
        };
        let answer = self.ledger.get_ledger_ranking(by(caller, request)).await;
        answer.expect("ranked").into_inner().sites
    }

    pub(crate) fn survey(&self, id: &str, case: &str, score: i32, praised: &[&str]) -> Event {
        let payload = event::SurveyAnswered {
            case: case.to_owned(),
            survey: format!("sites/lakeside/surveys/{id}"),
            kind: event::SurveyKind::Complaint.into(),
            score,
            solved: true,
            praised_staff: praised
                .iter()
                .map(|s| format!("sites/lakeside/staff/{s}"))
                .collect(),
            answer_time: Some(to_timestamp(self.clock.now_plus(SignedDuration::ZERO))),
        };
        let subject = if case.is_empty() {
            "sites/lakeside"
        } else {
            case
        };
        self.event(
            "notification",
            "redress.survey.answered.v1",
            subject,
            &payload,
        )
    }
}

/// The field that is wrong.
fn field(status: &Status) -> String {
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let details = status.get_details_bad_request().expect("with its field");
    details.field_violations[0].field.clone()
}

fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    details
        .error_info()
        .map(|info| info.reason.clone())
        .unwrap_or_default()
}

fn yuan(entry: &wire::LedgerEntry) -> i64 {
    entry.amount.as_ref().expect("an amount").units
}

#[tokio::test]
async fn m17_an_upheld_complaint_costs_the_store_and_an_appeal_is_heard_by_somebody_else() {
    let world = World::staffed().await;
    world.is_store().await;
    let entry = world
        .book(Kind::Penalty, Cause::UpheldComplaint, &[])
        .await
        .remove(0);
    assert_eq!((yuan(&entry), entry.state()), (500, State::Open));
    let due = world.clock.now_plus(SignedDuration::from_hours(72));
    assert_eq!(entry.due_time, Some(to_timestamp(due)));

    let agent = world.caller("lakeside", "manager", Some("seller"));
    let appealed = world
        .appeal(agent.clone(), &entry.name)
        .await
        .expect("in time");
    assert_eq!(appealed.state(), State::Appealed);
    let refused = world
        .settle(&entry.name)
        .await
        .expect_err("not while it is appealed");
    assert_eq!(reason(&refused), "LEDGER_STATE");
    assert!(
        refused.message().ends_with("legal now: CONFIRMED, WAIVED"),
        "{refused}"
    );
    let decider = world.caller("lakeside", "manager", Some("lead-duty"));
    let second = |staff: &str| world.second_token(staff);
    for party in [agent, decider, second("seller"), second("lead-duty")] {
        let refused = world
            .decide(party, &entry.name, false)
            .await
            .expect_err("a party");
        assert_eq!(reason(&refused), "LEDGER_SAME_PERSON");
    }
    let head = world.caller("lakeside", "manager", Some("lead-top"));
    let decided = world
        .decide(head, &entry.name, true)
        .await
        .expect("nobody's party");
    assert_eq!(decided.state(), State::Confirmed);
    let again = world
        .appeal(world.manager(), &entry.name)
        .await
        .expect_err("once");
    assert_eq!(reason(&again), "LEDGER_APPEAL_PAST");
    let settled = world.settle(&entry.name).await.expect("confirmed");
    assert_eq!(settled.state(), State::Settled);

    let get = wire::GetLedgerEntryRequest { name: entry.name };
    let answer = world
        .ledger
        .get_ledger_entry(by(world.manager(), get))
        .await;
    let states: Vec<State> = answer
        .expect("there")
        .into_inner()
        .acts
        .iter()
        .map(wire::LedgerAct::state)
        .collect();
    assert_eq!(
        states,
        [
            State::Open,
            State::Appealed,
            State::Confirmed,
            State::Settled
        ]
    );
}

#[tokio::test]
async fn m17_a_booking_its_appeal_and_the_decision_are_told_and_the_appeal_waits_for_who_may_decide()
 {
    let world = World::staffed().await;
    world.is_store().await;
    for staff in ["lead-duty", "seller"] {
        world.account(staff).await;
    }
    let entry = world
        .book(Kind::Penalty, Cause::UpheldComplaint, &[])
        .await
        .remove(0);
    let one = |staff: &[&str]| {
        let staff = staff.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        vec![(entry.name.clone(), staff)]
    };
    let leads = ["lead-duty", "lead-site", "lead-top"];
    assert_eq!(
        world.ledger_news(WorkNews::LedgerBooked).await,
        one(&leads),
        "the site bears it"
    );

    world.clock.advance(SignedDuration::from_hours(1));
    let appellant = || world.caller("lakeside", "manager", Some("seller"));
    world.appeal(appellant(), &entry.name).await.expect("once");
    assert_eq!(
        world.ledger_news(WorkNews::LedgerAppealAwaits).await,
        one(&["lead-top"]),
        "whoever stands for the manager booked it"
    );
    let due = to_timestamp(world.clock.now_plus(SignedDuration::from_hours(72)));
    let appeals = async |caller: Caller| {
        let mut open = world.open_promises(caller, "", 50).await;
        open.retain(|promise| promise.kind() == PromiseKind::LedgerAppeal);
        let seen = |p: wire::OpenPromise| (p.resource, p.due_time);
        open.into_iter().map(seen).collect::<Vec<_>>()
    };
    let head = || world.caller("lakeside", "manager", Some("lead-top"));
    assert_eq!(appeals(head()).await, [(entry.name.clone(), Some(due))]);
    let decider = world.caller("lakeside", "manager", Some("lead-duty"));
    let second = |staff: &str| world.second_token(staff);
    for other in [
        appellant(),
        decider,
        second("seller"),
        second("lead-duty"),
        world.handler("eng-one"),
    ] {
        assert!(
            appeals(other).await.is_empty(),
            "a party, or nobody's judge"
        );
    }

    let decided = world.decide(head(), &entry.name, true).await;
    decided.expect("nobody's party");
    let mut heard = leads.to_vec();
    heard.push("seller");
    assert_eq!(
        world.ledger_news(WorkNews::LedgerDecided).await,
        one(&heard)
    );
    assert!(appeals(head()).await.is_empty());
    world.settle(&entry.name).await.expect("stands");
    assert_eq!(world.ledger_news(WorkNews::LedgerDecided).await.len(), 1);
}

#[tokio::test]
async fn m17_who_booked_an_entry_is_not_asked_for_its_appeal_though_the_roster_has_no_account_of_theirs()
 {
    let world = World::staffed().await;
    world.is_store().await;
    let booked = world.book(Kind::Penalty, Cause::UpheldComplaint, &[]).await;
    let name = booked[0].name.clone();
    let agent = world.caller("lakeside", "manager", Some("seller"));
    world.appeal(agent, &name).await.expect("in time");
    let asked = world.ledger_news(WorkNews::LedgerAppealAwaits).await;
    assert_eq!(asked, [(name, vec!["lead-top".to_owned()])]);
}

#[tokio::test]
async fn m17_an_appeal_that_nobody_decides_and_a_debt_that_nobody_settles_are_told_to_the_leads_once()
 {
    let world = World::staffed().await;
    world.is_store().await;
    let booked = world.book(Kind::Penalty, Cause::UpheldComplaint, &[]).await;
    let name = booked[0].name.clone();
    let clock: SharedClock = world.clock.clone();
    // Looks twice, as workers do.
    let late = async || {
        for _ in 0..2 {
            let looked = tell_late(&world.database.db, &clock).await;
            looked.expect("looked");
        }
        world.ledger_news(WorkNews::LedgerOverdue).await
    };
    let leads = ["lead-duty", "lead-site", "lead-top"].map(ToOwned::to_owned);
    let once = (name.clone(), leads.to_vec());
    let (second, limit) = (SignedDuration::from_secs(1), SignedDuration::from_hours(72));

    let agent = world.caller("lakeside", "manager", Some("seller"));
    world.appeal(agent, &name).await.expect("in time");
    world.clock.advance(limit - second);
    assert!(late().await.is_empty(), "never early");
    world.clock.advance(second);
    assert_eq!(late().await, std::slice::from_ref(&once));

    let head = world.caller("lakeside", "manager", Some("lead-top"));
    world.decide(head, &name, true).await.expect("stands");
    world.clock.advance(limit - second);
    assert_eq!(late().await.len(), 1, "it has the whole time to be paid");
    world.clock.advance(second);
    assert_eq!(late().await, [once.clone(), once]);
    world.settle(&name).await.expect("paid");
    world.clock.advance(limit);
    assert_eq!(late().await.len(), 2);
}

/// Section 7: staff complained about cannot see the case; M17: whoever bears an entry appeals it.
#[tokio::test]
async fn the_accused_find_of_the_case_what_they_bear_and_nothing_else() {
    let world = World::staffed().await;
    let case = world.offered(Category::EngineeringQuality).await;
    let mut facts = world.facts(&case);
    facts.revision = 2;
    facts.staff_complained_about = vec!["sites/lakeside/staff/seller".to_owned()];
    world.tell(&[world.updated(facts)]).await;
    let accused = || world.caller("lakeside", "manager", Some("seller"));
    let of = |staff: &str| wire::AddLedgerEntriesRequest {
        parent: "sites/lakeside".to_owned(),
        kind: Kind::Penalty.into(),
        cause: Cause::Other.into(),
        reason: "rude at the desk".to_owned(),
        amount: Some(redress_proto::Money {
            currency_code: "CNY".to_owned(),
            units: 100,
            nanos: 0,
        }),
        case: case.to_string(),
        staff: vec![format!("sites/lakeside/staff/{staff}")],
        ..Default::default()
    };
    let mut entries = Vec::new();
    for staff in ["eng-two", "seller"] {
        let answer = world
            .ledger
            .add_ledger_entries(by(world.manager(), of(staff)))
            .await;
        entries.push(answer.expect("booked").into_inner().entries.remove(0));
    }
    let (others, own) = (&entries[0], &entries[1]);
    // Each hears of what they bear, and not of the case.
    let told = world.ledger_news(WorkNews::LedgerBooked).await;
    let bears =
        |entry: &wire::LedgerEntry, staff: &str| (entry.name.clone(), vec![staff.to_owned()]);
    assert_eq!(told, [bears(others, "eng-two"), bears(own, "seller")]);
    let refused = world
        .ledger
        .add_ledger_entries(by(accused(), of("eng-two")))
        .await;
    assert_eq!(refused.expect_err("hidden").code(), Code::NotFound);

    let list = wire::ListLedgerEntriesRequest {
        parent: "sites/lakeside".to_owned(),
        ..Default::default()
    };
    let listed = world.ledger.list_ledger_entries(by(accused(), list)).await;
    let listed = listed.expect("listed").into_inner().entries;
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!((&listed[0].name, listed[0].case.as_str()), (&own.name, ""));
    let get = |name: &str| {
        let request = wire::GetLedgerEntryRequest {
            name: name.to_owned(),
        };
        world.ledger.get_ledger_entry(by(accused(), request))
    };
    assert_eq!(
        get(&others.name).await.expect_err("hidden").code(),
        Code::NotFound
    );
    let shown = get(&own.name).await.expect("theirs").into_inner().entry;
    assert_eq!(shown.expect("an entry").case, "");

    // They appeal what they bear, and decide neither that nor anything else of the case.
    let head = || world.caller("lakeside", "manager", Some("lead-top"));
    world.appeal(head(), &own.name).await.expect("in time");
    let refused = world.decide(accused(), &own.name, false).await;
    assert_eq!(reason(&refused.expect_err("theirs")), "LEDGER_SAME_PERSON");
    world.appeal(head(), &others.name).await.expect("in time");
    let refused = world.decide(accused(), &others.name, false).await;
    assert_eq!(refused.expect_err("hidden").code(), Code::NotFound);

    // Nor do they remove the cause of the complaint, or hear of who does.
    let due = world.clock.now_plus(SignedDuration::from_hours(72));
    let action = |owner: &str| wire::CreateCorrectiveActionRequest {
        parent: "sites/lakeside".to_owned(),
        title: "train the desk".to_owned(),
        cause: "manners".to_owned(),
        case: case.to_string(),
        owner: format!("sites/lakeside/staff/{owner}"),
        due_time: Some(to_timestamp(due)),
        ..Default::default()
    };
    let refused = world
        .ledger
        .create_corrective_action(by(world.manager(), action("seller")))
        .await
        .expect_err("accused");
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().contains("owner"), "{refused}");
    let refused = world
        .ledger
        .create_corrective_action(by(accused(), action("eng-two")))
        .await;
    assert_eq!(refused.expect_err("hidden").code(), Code::NotFound);
    let made = world
        .ledger
        .create_corrective_action(by(world.manager(), action("eng-two")))
        .await
        .expect("made")
        .into_inner()
        .action
        .expect("an action");
    let list = || wire::ListCorrectiveActionsRequest {
        parent: "sites/lakeside".to_owned(),
        ..Default::default()
    };
    for (caller, count) in [(accused(), 0), (world.manager(), 1)] {
        let listed = world
            .ledger
            .list_corrective_actions(by(caller, list()))
            .await;
        assert_eq!(listed.expect("listed").into_inner().actions.len(), count);
    }
    let done = wire::CompleteCorrectiveActionRequest {
        name: made.name,
        note: "done".to_owned(),
        ..Default::default()
    };
    let refused = world
        .ledger
        .complete_corrective_action(by(accused(), done))
        .await;
    assert_eq!(refused.expect_err("hidden").code(), Code::NotFound);
}

#[tokio::test]
async fn m17_nothing_is_booked_without_a_ground_twice_or_for_oneself() {
    let world = World::staffed().await;
    world.is_store().await;
    let open = world.offered(Category::EngineeringQuality).await;
    let upheld = world.upheld().await;
    let add = async |caller: Caller, kind: Kind, cause: Cause, case: &str, yuan: Option<i64>| {
        let request = wire::AddLedgerEntriesRequest {
            parent: "sites/lakeside".to_owned(),
            kind: kind.into(),
            cause: cause.into(),
            reason: "as the record shows".to_owned(),
            case: case.to_owned(),
            staff: vec!["sites/lakeside/staff/seller".to_owned()],
            amount: yuan.map(|units| redress_proto::Money {
                currency_code: "CNY".to_owned(),
                units,
                nanos: 0,
            }),
            ..Default::default()
        };
        world
            .ledger
            .add_ledger_entries(by(caller, request))
            .await
            .map(drop)
    };
    let (open, upheld) = (open.to_string(), upheld.to_string());
    use Cause::{Exposure, Other, Praise, Ranking, TakeOver, UpheldComplaint};
    let refused = [
        (Kind::Penalty, UpheldComplaint, "", None, "INVALID_FIELD"),
        (Kind::Penalty, Exposure, "", None, "INVALID_FIELD"),
        (
            Kind::Penalty,
            UpheldComplaint,
            &open,
            None,
            "LEDGER_NO_GROUND",
        ),
        (Kind::Fee, TakeOver, &upheld, None, "LEDGER_NO_GROUND"),
        (
            Kind::Penalty,
            UpheldComplaint,
            &upheld,
            Some(100_000_000),
            "INVALID_FIELD",
        ),
        (
            Kind::Penalty,
            UpheldComplaint,
            &upheld,
            Some(0),
            "INVALID_FIELD",
        ),
        (Kind::Penalty, Other, "", Some(0), "INVALID_FIELD"),
        (
            Kind::Penalty,
            Other,
            "",
            Some(10_001),
            "LEDGER_ABOVE_AUTHORITY",
        ),
        (Kind::Prize, Ranking, "", Some(50_000), "INVALID_FIELD"),
        (Kind::Prize, Praise, "", Some(1), "INVALID_FIELD"),
    ];
    for (kind, cause, case, yuan, expected) in refused {
        let status = add(world.manager(), kind, cause, case, yuan).await;
        let status = status.expect_err(expected);
        assert_eq!(reason(&status), expected, "{kind:?} {cause:?}: {status}");
    }
    let unknown = world.new_case().to_string();
    for cause in [Exposure, Other] {
        let status = add(world.manager(), Kind::Penalty, cause, &unknown, Some(100)).await;
        let status = status.expect_err("no such case");
        assert_eq!(status.code(), Code::NotFound, "{cause:?}");
        assert!(status.message().contains(&unknown), "{status}");
    }
    let own = world.caller("lakeside", "manager", Some("seller"));
    let status = add(own, Kind::Prize, Ranking, "", Some(1)).await;
    assert_eq!(reason(&status.expect_err("theirs")), "LEDGER_SAME_PERSON");
    assert_eq!(
        world
            .count("SELECT count(*) FROM assignment.ledger_entry")
            .await,
        1,
        "what the policy booked with the decision alone"
    );
    let book = || {
        add(
            world.manager(),
            Kind::Penalty,
            UpheldComplaint,
            &upheld,
            None,
        )
    };
    book().await.expect("upheld");
    assert_eq!(reason(&book().await.expect_err("twice")), "LEDGER_BOOKED");
}

#[tokio::test]
async fn m17_deciding_a_complaint_valid_books_what_the_policy_says_once_and_it_falls_with_the_decision()
 {
    let world = World::staffed().await;
    world.is_store().await;
    let case = world.upheld().await;
    let seen = |entries: &[wire::LedgerEntry]| {
        let of = |e: &wire::LedgerEntry| (yuan(e), e.state(), e.author.clone());
        entries.iter().map(of).collect::<Vec<_>>()
    };
    let entry = |state| (500_i64, state, "lead-duty".to_owned());
    let booked = world.costs(&case).await;
    assert_eq!(seen(&booked), [entry(State::Open)]);
    assert_eq!(
        (booked[0].kind(), booked[0].cause()),
        (Kind::Penalty, Cause::UpheldComplaint)
    );
    assert_eq!(
        (&booked[0].staff, &*booked[0].policy_profile),
        (&String::new(), "agency-store")
    );

    // Valid still, in another way, and the same request again: one complaint.
    for request_id in ["r1", "r1", "r2"] {
        world
            .decide_again(&case, Validity::ValidA, request_id)
            .await;
    }
    assert_eq!(world.costs(&case).await.len(), 1);

    world.clock.advance(SignedDuration::from_secs(1));
    world.decide_again(&case, Validity::Unfounded, "").await;
    assert_eq!(seen(&world.costs(&case).await), [entry(State::Waived)]);
    let fell = world.ledger_news(WorkNews::LedgerDecided).await;
    assert_eq!(fell.len(), 1, "whoever heard of it hears that it fell");
    world.clock.advance(SignedDuration::from_secs(1));
    world.decide_again(&case, Validity::ValidB, "").await;
    let booked = world.costs(&case).await;
    assert_eq!(seen(&booked), [entry(State::Open), entry(State::Waived)]);

    // Borne by name, the site bears it no more.
    world.clock.advance(SignedDuration::from_secs(1));
    let request = wire::AddLedgerEntriesRequest {
        parent: "sites/lakeside".to_owned(),
        kind: Kind::Penalty.into(),
        cause: Cause::UpheldComplaint.into(),
        reason: "the agent alone promised it".to_owned(),
        case: case.to_string(),
        staff: vec!["sites/lakeside/staff/seller".to_owned()],
        ..Default::default()
    };
    let added = world
        .ledger
        .add_ledger_entries(by(world.manager(), request));
    added.await.expect("booked");
    let states: Vec<State> = world
        .costs(&case)
        .await
        .iter()
        .map(wire::LedgerEntry::state)
        .collect();
    assert_eq!(states, [State::Open, State::Waived, State::Waived]);
}

#[tokio::test]
async fn m13_the_centre_proposes_a_penalty_and_somebody_else_with_authority_decides_it() {
    let world = World::store().await;
    let refused = world
        .propose_penalty(world.handler("eng-one"), &["seller"], 100)
        .await;
    let refused = refused.expect_err("supervises nothing");
    assert_eq!(refused.code(), Code::PermissionDenied);
    let proposed = world
        .propose_penalty(world.handler("centre-one"), &["lead-site", "seller"], 200)
        .await
        .expect("of the centre");
    let seen: Vec<_> = proposed.iter().map(|e| (yuan(e), e.state())).collect();
    assert_eq!(seen, [(100, State::Proposed), (100, State::Proposed)]);
    let told = async || world.ledger_news(WorkNews::LedgerBooked).await;
    assert!(told().await.is_empty(), "nothing is owed");
    let asked = proposed
        .iter()
        .map(|e| (e.name.clone(), vec!["lead-duty".to_owned()]));
    assert_eq!(
        world.ledger_news(WorkNews::LedgerProposalAwaits).await,
        asked.collect::<Vec<_>>(),
        "whoever stands for the manager"
    );
    let penalties = async || {
        let ranked = world.ranking(world.manager()).await.remove(0);
        ranked.penalties.map_or(0, |sum| sum.units)
    };
    assert_eq!(penalties().await, 0, "nothing is owed");

    // It waits for whoever may decide: neither who proposed it nor who would bear it.
    let manager = |staff| world.caller("lakeside", "manager", Some(staff));
    assert_eq!(world.waiting(world.manager()).await, (2, 0));
    assert_eq!(world.waiting(manager("seller")).await, (1, 0));
    assert_eq!(world.waiting(manager("centre-one")).await, (0, 0));
    let second = || world.second_token("centre-one");
    assert_eq!(world.waiting(second()).await, (0, 0), "nor another token");
    assert_eq!(world.waiting(world.handler("eng-one")).await, (0, 0));
    let name = |i: usize| proposed[i].name.as_str();
    let refused = world.appeal(manager("seller"), name(1)).await;
    assert_eq!(reason(&refused.expect_err("not owed")), "LEDGER_STATE");
    let refused = world.settle(name(0)).await;
    assert_eq!(reason(&refused.expect_err("not owed")), "LEDGER_STATE");
    for (party, i) in [("centre-one", 0), ("seller", 1)] {
        let refused = world.decide_penalty(manager(party), name(i), false).await;
        let refused = refused.expect_err("a party");
        assert_eq!(reason(&refused), "LEDGER_SAME_PERSON", "{party}");
    }
    let refused = world.decide_penalty(second(), name(0), true).await;
    let refused = refused.expect_err("proposed it under another token");
    assert_eq!(reason(&refused), "LEDGER_SAME_PERSON");

    world.clock.advance(SignedDuration::from_hours(24));
    let confirmed = world.decide_penalty(world.manager(), name(0), true).await;
    let confirmed = confirmed.expect("with authority");
    let due = world.clock.now_plus(SignedDuration::from_hours(72));
    assert_eq!(confirmed.state(), State::Open);
    assert_eq!(confirmed.due_time, Some(to_timestamp(due)));
    let refused = world.decide_penalty(world.manager(), name(1), false).await;
    assert_eq!(refused.expect("decided").state(), State::Waived);
    let owed = (name(0).to_owned(), vec!["lead-site".to_owned()]);
    assert_eq!(told().await, [owed], "of what was refused nobody heard");
    assert_eq!(penalties().await, 100);
    assert_eq!(world.waiting(world.manager()).await, (0, 1));

    // Whoever confirmed it does not hear the appeal either.
    let appealed = world.appeal(manager("lead-site"), name(0)).await;
    appealed.expect("in time");
    for party in [world.manager(), manager("centre-one")] {
        let refused = world.decide(party, name(0), true).await;
        let refused = refused.expect_err("had a hand in it");
        assert_eq!(reason(&refused), "LEDGER_SAME_PERSON");
    }
    let decided = world.decide(manager("lead-top"), name(0), false).await;
    assert_eq!(decided.expect("nobody's party").state(), State::Waived);
}

#[tokio::test]
async fn m13_a_proposal_is_within_the_authority_of_who_confirms_it_as_a_whole() {
    let world = World::store().await;
    let proposed = world
        .propose_penalty(
            world.handler("centre-one"),
            &["lead-site", "seller"],
            12_000,
        )
        .await
        .expect("a proposal takes no authority");
    let refused = world
        .decide_penalty(world.manager(), &proposed[0].name, true)
        .await;
    let refused = refused.expect_err("each part would do");
    assert_eq!(reason(&refused), "LEDGER_ABOVE_AUTHORITY");
    for entry in &proposed {
        let region = world.above("region");
        let confirmed = world.decide_penalty(region, &entry.name, true).await;
        assert_eq!(confirmed.expect("above").state(), State::Open);
    }
}

#[tokio::test]
async fn m13_m17_what_the_site_bears_gives_way_to_a_penalty_by_name_once_that_is_confirmed() {
    let world = World::store().await;
    let seen = async |case: &CaseName| {
        let costs = world.costs(case).await;
        let of = |e: &wire::LedgerEntry| (last(&e.staff).to_owned(), yuan(e), e.state());
        let mut seen: Vec<_> = costs.iter().map(of).collect();
        seen.sort_by_key(|(staff, ..)| staff.clone());
        seen
    };
    let entry = |staff: &str, yuan: i64, state| (staff.to_owned(), yuan, state);
    let case = world.upheld().await;
    world.clock.advance(SignedDuration::from_secs(1));
    let refused = world
        .propose_by_name(&case, &[])
        .await
        .expect_err("the site bears it");
    assert_eq!(reason(&refused), "LEDGER_BOOKED");
    let both = ["lead-site", "seller"];
    let proposed = world
        .propose_by_name(&case, &both)
        .await
        .expect("of the centre");
    let expected = [
        entry("", 500, State::Open),
        entry("lead-site", 250, State::Proposed),
        entry("seller", 250, State::Proposed),
    ];
    assert_eq!(seen(&case).await, expected, "nothing else is owed yet");
    for part in &proposed {
        let confirmed = world.decide_penalty(world.manager(), &part.name, true);
        confirmed.await.expect("with authority");
    }
    let expected = [
        entry("", 500, State::Waived),
        entry("lead-site", 250, State::Open),
        entry("seller", 250, State::Open),
    ];
    assert_eq!(seen(&case).await, expected);
    world.clock.advance(SignedDuration::from_secs(1));
    let refused = world
        .propose_by_name(&case, &["desk"])
        .await
        .expect_err("once a case");
    assert_eq!(reason(&refused), "LEDGER_BOOKED");

    // What was appealed since is heard: it does not give way.
    let other = world.upheld().await;
    world.clock.advance(SignedDuration::from_secs(1));
    let waits = world
        .propose_by_name(&other, &["seller"])
        .await
        .expect("of the centre");
    let of_site = world.costs(&other).await.remove(1);
    assert!(of_site.staff.is_empty());
    let appealed = world.appeal(world.manager(), &of_site.name).await;
    appealed.expect("in time");
    let refused = world
        .decide_penalty(world.manager(), &waits[0].name, true)
        .await;
    assert_eq!(reason(&refused.expect_err("under appeal")), "LEDGER_BOOKED");
}

#[tokio::test]
async fn m13_m17_what_the_site_appeals_while_a_penalty_by_name_is_confirmed_is_not_charged_twice() {
    const WAITING: &str = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let world = World::store().await;
    let case = world.upheld().await;
    world.clock.advance(SignedDuration::from_secs(1));
    let proposed = world.propose_by_name(&case, &["seller"]).await;
    let name = proposed.expect("of the centre").remove(0).name;
    let mut appeals = world.database.admin.begin().await.expect("begun");
    let appeal = "UPDATE assignment.ledger_entry SET state = 'APPEALED'
        WHERE case_id = $1 AND staff IS NULL AND state = 'OPEN'";
    let appealed = sqlx::query(appeal)
        .bind(case.id)
        .execute(&mut *appeals)
        .await
        .expect("appealed");
    assert_eq!(appealed.rows_affected(), 1);
    let confirms = world.decide_penalty(world.manager(), &name, true);
    let goes_on = async {
        eventually(Duration::from_secs(10), async || {
            world.count(WAITING).await == 1
        })
        .await;
        appeals.commit().await.expect("committed");
    };
    let (refused, ()) = tokio::join!(confirms, goes_on);
    assert_eq!(reason(&refused.expect_err("under appeal")), "LEDGER_BOOKED");
    let costs = world.costs(&case).await;
    let states: Vec<State> = costs.iter().map(wire::LedgerEntry::state).collect();
    assert_eq!(states, [State::Proposed, State::Appealed]);
}

#[tokio::test]
async fn m17_where_the_policy_has_no_penalty_an_upheld_complaint_costs_nothing() {
    let world = World::staffed().await;
    let case = world.upheld().await;
    assert!(world.costs(&case).await.is_empty());
}

#[tokio::test]
async fn m17_after_three_days_nobody_appeals() {
    let world = World::staffed().await;
    world.is_store().await;
    let entry = world
        .book(Kind::Penalty, Cause::Exposure, &[])
        .await
        .remove(0);
    world.clock.advance(SignedDuration::from_hours(72));
    let refused = world
        .appeal(world.manager(), &entry.name)
        .await
        .expect_err("due");
    assert_eq!(reason(&refused), "LEDGER_APPEAL_PAST");
}

#[tokio::test]
async fn m17_head_and_agent_bear_a_penalty_in_equal_parts_and_see_their_own_alone() {
    let world = World::staffed().await;
    world.is_store().await;
    let entries = world
        .book(
            Kind::Penalty,
            Cause::UpheldComplaint,
            &["lead-site", "seller"],
        )
        .await;
    assert_eq!(entries.iter().map(yuan).collect::<Vec<_>>(), [250, 250]);
    let see = |staff: &str| {
        let mut caller = world.handler(staff);
        let roles = redress_rpc::roles::Roles::new(std::collections::BTreeMap::from([(
            "handler".to_owned(),
            vec!["ledger.get".to_owned(), "ledger.appeal".to_owned()],
        )]));
        caller.permissions = roles.permissions(["handler"]);
        caller
    };
    let get = |caller, i: usize| {
        let request = wire::GetLedgerEntryRequest {
            name: entries[i].name.clone(),
        };
        world.ledger.get_ledger_entry(by(caller, request))
    };
    assert!(get(see("seller"), 1).await.is_ok());
    let refused = get(see("seller"), 0).await.expect_err("somebody else's");
    assert_eq!(refused.code(), Code::NotFound);
    let refused = world
        .appeal(see("seller"), &entries[0].name)
        .await
        .expect_err("not theirs");
    assert_eq!(refused.code(), Code::NotFound);
    assert!(world.appeal(see("seller"), &entries[1].name).await.is_ok());
    // The two parts are one upheld complaint; the appealed part costs nothing yet.
    let ranked = world.ranking(world.manager()).await.remove(0);
    assert_eq!(ranked.upheld_complaints, 1);
    assert_eq!(ranked.penalties.expect("a sum").units, 250);
}

#[tokio::test]
async fn m17_the_year_is_ranked_what_was_waived_does_not_count_and_who_stands_alone_wins_nothing() {
    let world = World::staffed().await;
    world.is_store().await;
    world.offered(Category::SalesManagement).await;
    count_changed(&world.database.db).await.expect("counted");
    let upheld = world
        .book(Kind::Penalty, Cause::UpheldComplaint, &[])
        .await
        .remove(0);
    let waived = world
        .book(Kind::Penalty, Cause::Exposure, &[])
        .await
        .remove(0);
    world
        .appeal(
            world.caller("lakeside", "manager", Some("seller")),
            &waived.name,
        )
        .await
        .expect("in time");
    let head = world.caller("lakeside", "manager", Some("lead-top"));
    world
        .decide(head, &waived.name, false)
        .await
        .expect("falls");
    world.settle(&upheld.name).await.expect("paid");
    let ranked = world.ranking(world.manager()).await;
    assert_eq!(ranked.len(), 1);
    let store = &ranked[0];
    assert_eq!(
        (
            store.rank,
            store.upheld_complaints,
            store.exposures,
            store.cases
        ),
        (1, 1, 0, 1)
    );
    assert_eq!(store.penalties.clone().expect("a sum").units, 500);
    let prize = store.prize.clone().unwrap_or_default();
    assert_eq!(prize.units, 0, "the only one has won against nobody");
}

#[tokio::test]
async fn m17_three_stores_are_ranked_the_best_win_prizes_and_paid_penalties_go_to_the_others() {
    let world = World::staffed().await;
    world.is_store().await;
    world.store_at("hillside").await;
    world.store_at("riverside").await;
    // No store, and ranked with none.
    world.learn(&site("tower")).await;
    let upheld = world
        .book(Kind::Penalty, Cause::UpheldComplaint, &[])
        .await
        .remove(0);
    world.settle(&upheld.name).await.expect("paid");
    for (store, kind, cause, yuan, paid) in [
        ("hillside", Kind::Penalty, Cause::Exposure, 500, true),
        ("hillside", Kind::Penalty, Cause::Exposure, 500, true),
        // A fee is the company's: only penalties are shared out, and only those paid.
        ("hillside", Kind::Fee, Cause::Other, 300, true),
        ("riverside", Kind::Penalty, Cause::Other, 100, false),
        ("tower", Kind::Penalty, Cause::Other, 900, true),
    ] {
        world.book_at(store, kind, cause, yuan, paid).await;
    }

    let units = |sum: &Option<redress_proto::Money>| {
        let sum = sum.as_ref().expect("a sum");
        (sum.units, sum.nanos)
    };
    let ranked = world.ranking(world.above("region")).await;
    let seen: Vec<_> = ranked
        .iter()
        .map(|s| {
            (
                (s.rank, last(&s.site), s.upheld_complaints, s.exposures),
                (units(&s.penalties), units(&s.prize), units(&s.share)),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ((1, "riverside", 0, 0), ((100, 0), (3000, 0), (750, 0))),
            ((2, "lakeside", 1, 0), ((500, 0), (2000, 0), (500, 0))),
            ((3, "hillside", 0, 2), ((1300, 0), (1000, 0), (250, 0))),
        ]
    );
}

#[tokio::test]
async fn m17_a_prize_is_what_the_place_of_last_year_won_once_and_by_who_sees_the_ranking() {
    let world = World::staffed().await;
    world.is_store().await;
    for (faults, store) in (1..).zip(["hillside", "riverside", "eastside"]) {
        world.store_at(store).await;
        for _ in 0..faults {
            let (kind, cause) = (Kind::Penalty, Cause::Exposure);
            world.book_at(store, kind, cause, 500, false).await;
        }
    }
    let a_year = SignedDuration::from_hours(24 * 365);
    let prize = async |caller: Caller, store: &str, yuan: Option<i64>| {
        let request = wire::AddLedgerEntriesRequest {
            parent: format!("sites/{store}"),
            kind: Kind::Prize.into(),
            cause: Cause::Ranking.into(),
            reason: "the yearly ranking".to_owned(),
            amount: yuan.map(|units| redress_proto::Money {
                currency_code: "CNY".to_owned(),
                units,
                nanos: 0,
            }),
            ..Default::default()
        };
        let booked = world.ledger.add_ledger_entries(by(caller, request)).await;
        booked.map(|answer| self::yuan(&answer.into_inner().entries[0]))
    };
    let region = || world.above("region");
    world.clock.advance(a_year);
    for (store, yuan) in [
        ("hillside", Some(2_001)),
        ("eastside", Some(1)),
        ("eastside", None),
    ] {
        let refused = prize(region(), store, yuan).await;
        let refused = refused.expect_err("more than it won");
        assert_eq!(field(&refused), "amount", "{store} {yuan:?}");
    }
    let refused = prize(world.manager(), "lakeside", Some(3_000)).await;
    let refused = refused.expect_err("who sees one store sees no ranking");
    assert_eq!(field(&refused), "amount");
    let won = prize(region(), "hillside", None).await;
    assert_eq!(won.expect("the second"), 2_000);
    let again = prize(region(), "hillside", Some(1)).await;
    assert_eq!(reason(&again.expect_err("one a year")), "LEDGER_BOOKED");
    let won = prize(region(), "lakeside", Some(3_000)).await;
    assert_eq!(won.expect("the best"), 3_000);

    world.clock.advance(a_year);
    let won = prize(region(), "hillside", None).await;
    assert_eq!(won.expect("a new year, and nobody had a fault"), 3_000);
}

#[tokio::test]
async fn m17_what_two_cases_cost_at_one_instant_counts_twice_and_the_parts_of_one_once() {
    let world = World::staffed().await;
    world.is_store().await;
    // The clock stands still meanwhile.
    for bearers in [&["lead-site", "seller"][..], &[]] {
        let case = world.offered(Category::EngineeringQuality).await;
        let request = wire::AddLedgerEntriesRequest {
            parent: "sites/lakeside".to_owned(),
            kind: Kind::Penalty.into(),
            cause: Cause::Exposure.into(),
            reason: "the evening paper".to_owned(),
            case: case.to_string(),
            staff: bearers
                .iter()
                .map(|id| format!("sites/lakeside/staff/{id}"))
                .collect(),
            ..Default::default()
        };
        let caller = world.manager();
        let booked = world.ledger.add_ledger_entries(by(caller, request)).await;
        booked.expect("booked");
    }
    let ranked = world.ranking(world.manager()).await.remove(0);
    assert_eq!(ranked.exposures, 2);
    assert_eq!(ranked.penalties.expect("a sum").units, 1_000);
}

#[tokio::test]
async fn i2_booking_again_under_one_request_id_books_once() {
    let world = World::staffed().await;
    let request = || wire::AddLedgerEntriesRequest {
        parent: "sites/lakeside".to_owned(),
        kind: Kind::Thanks.into(),
        cause: Cause::Praise.into(),
        reason: "a letter of thanks".to_owned(),
        staff: vec![
            "sites/lakeside/staff/desk".to_owned(),
            "sites/lakeside/staff/seller".to_owned(),
        ],
        request_id: "once".to_owned(),
        ..Default::default()
    };
    let mut answers = Vec::new();
    for _ in 0..2 {
        let answer = world
            .ledger
            .add_ledger_entries(by(world.manager(), request()))
            .await;
        answers.push(answer.expect("booked").into_inner().entries);
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(
        world
            .count("SELECT count(*) FROM assignment.ledger_entry")
            .await,
        2
    );
    let wrong = wire::AddLedgerEntriesRequest {
        staff: vec!["sites/riverside/staff/desk".to_owned()],
        ..request()
    };
    let refused = world
        .ledger
        .add_ledger_entries(by(world.manager(), wrong))
        .await;
    let refused = refused.expect_err("of another site");
    assert_eq!(refused.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn m02_praise_by_name_is_recognised_once_and_its_score_is_counted() {
    let world = World::staffed().await;
    let case = world.offered(Category::EngineeringQuality).await;
    let survey = world.survey(
        "one",
        &case.to_string(),
        5,
        &["eng-one", "eng-one", "nobody"],
    );
    let again = Event {
        id: uuid::Uuid::now_v7(),
        ..survey.clone()
    };
    world.tell(&[survey, again]).await;
    let list = wire::ListLedgerEntriesRequest {
        parent: "sites/lakeside".to_owned(),
        ..Default::default()
    };
    let entries = world
        .ledger
        .list_ledger_entries(by(world.manager(), list))
        .await;
    let entries = entries.expect("listed").into_inner().entries;
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].kind(), Kind::Recognition);
    assert_eq!(entries[0].staff, "sites/lakeside/staff/eng-one");
    count_changed(&world.database.db).await.expect("counted");
    let query = wire::QueryReportRequest {
        parent: "sites/lakeside".to_owned(),
        ..Default::default()
    };
    let report = world.reports.query_report(by(world.manager(), query)).await;
    let rows = report.expect("answered").into_inner().rows;
    let measures = rows[0].measures.clone().expect("measured");
    assert_eq!((measures.surveys, measures.satisfaction), (1, Some(5.0)));
}

#[tokio::test]
async fn m16_a_corrective_action_is_checked_by_somebody_else_and_done_again_where_it_fails() {
    let world = World::staffed().await;
    let in_days = |clock: &ManualClock, days: i64| {
        Some(to_timestamp(
            clock.now_plus(SignedDuration::from_hours(24 * days)),
        ))
    };
    let create = wire::CreateCorrectiveActionRequest {
        parent: "sites/lakeside".to_owned(),
        title: "seal the joints of building 3".to_owned(),
        cause: "a loose joint".to_owned(),
        owner: "sites/lakeside/staff/eng-one".to_owned(),
        due_time: in_days(&world.clock, 7),
        ..Default::default()
    };
    let created = world
        .ledger
        .create_corrective_action(by(world.manager(), create.clone()))
        .await;
    let name = created
        .expect("made")
        .into_inner()
        .action
        .expect("an action")
        .name;
    let done = |caller| {
        let request = wire::CompleteCorrectiveActionRequest {
            name: name.clone(),
            note: "all sealed".to_owned(),
            ..Default::default()
        };
        world.ledger.complete_corrective_action(by(caller, request))
    };
    let check = |caller, effective, due_time| {
        let request = wire::CheckCorrectiveActionRequest {
            name: name.clone(),
            effective,
            note: "after two weeks of rain".to_owned(),
            due_time,
            ..Default::default()
        };
        world.ledger.check_corrective_action(by(caller, request))
    };
    // Nobody means six years.
    let mistyped = wire::CreateCorrectiveActionRequest {
        due_time: in_days(&world.clock, 6 * 366),
        ..create
    };
    let refused = world
        .ledger
        .create_corrective_action(by(world.manager(), mistyped))
        .await
        .expect_err("a mistyped year");
    assert_eq!(field(&refused), "due_time");
    let refused = check(world.manager(), false, in_days(&world.clock, 6 * 366))
        .await
        .expect_err("a mistyped year");
    assert_eq!(field(&refused), "due_time");
    let early = check(world.manager(), true, None)
        .await
        .expect_err("not done");
    assert_eq!(reason(&early), "ACTION_STATE");
    let refused = done(world.handler("eng-two"))
        .await
        .expect_err("not theirs");
    assert_eq!(refused.code(), Code::PermissionDenied);
    done(world.handler("eng-one")).await.expect("theirs");
    for token in [world.handler("eng-one"), world.second_token("eng-one")] {
        let refused = check(token, true, None).await.expect_err("their own");
        assert_eq!(reason(&refused), "ACTION_SAME_PERSON");
    }
    let refused = check(world.manager(), false, None)
        .await
        .expect_err("until when?");
    assert_eq!(refused.code(), Code::InvalidArgument);
    let again = check(world.manager(), false, in_days(&world.clock, 14)).await;
    let again = again
        .expect("checked")
        .into_inner()
        .action
        .expect("an action");
    assert_eq!(again.state(), wire::CorrectiveActionState::Open);
    assert_eq!(again.failed_checks, 1);
    world.clock.advance(SignedDuration::from_hours(24 * 14));
    let list = wire::ListCorrectiveActionsRequest {
        parent: "sites/-".to_owned(),
        state: wire::CorrectiveActionState::Open.into(),
        ..Default::default()
    };
    let actions = world
        .ledger
        .list_corrective_actions(by(world.manager(), list))
        .await;
    assert!(actions.expect("listed").into_inner().actions[0].overdue);
    done(world.handler("eng-one")).await.expect("again");
    let ended = check(world.manager(), true, None)
        .await
        .expect("it works")
        .into_inner();
    let ended = ended.action.expect("an action");
    assert_eq!(ended.state(), wire::CorrectiveActionState::Effective);
}

#[tokio::test]
async fn i8_another_sites_ledger_and_actions_are_not_there() {
    let world = World::staffed().await;
    world.is_store().await;
    let entry = world
        .book(Kind::Penalty, Cause::UpheldComplaint, &[])
        .await
        .remove(0);
    let stranger = || world.caller("riverside", "manager", None);
    assert_eq!(
        world
            .appeal(stranger(), &entry.name)
            .await
            .expect_err("hidden")
            .code(),
        Code::NotFound
    );
    let list = wire::ListLedgerEntriesRequest {
        parent: "sites/-".to_owned(),
        ..Default::default()
    };
    let answer = world.ledger.list_ledger_entries(by(stranger(), list)).await;
    assert!(answer.expect("empty").into_inner().entries.is_empty());
    let rank = wire::GetLedgerRankingRequest {
        year: 2026,
        kind: to_wire(SiteKind::AgencyStore),
    };
    let answer = world.ledger.get_ledger_ranking(by(stranger(), rank)).await;
    assert!(answer.expect("empty").into_inner().sites.is_empty());
}
