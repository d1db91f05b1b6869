//! Powers of whoever supervises a case (M13): evidence that is asked for, and handling that is ordered.

use jiff::SignedDuration;
use redress_model::name::CaseName;
use redress_model::words::{ClockKind, ClockState, ClockTransition};
use redress_proto::assignment::v1 as wire;
use redress_proto::assignment::v1::power_service_server::PowerService;
use redress_proto::assignment::v1::promise_service_server::PromiseService;
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::event::v1::{self as event, DemandState, WorkNews};
use redress_rpc::Caller;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use uuid::Uuid;

use crate::world::{NowPlus as _, World, by, last};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

impl World {
    pub(crate) async fn ask_evidence(
        &self,
        caller: Caller,
        case: &CaseName,
        staff: &str,
        department: &str,
    ) -> Result<wire::EvidenceRequest, Status> {
        let named = |kind: &str, id: &str| match id {
            "" => String::new(),
            id => format!("sites/lakeside/{kind}/{id}"),
        };
        let request = wire::RequestEvidenceRequest {
            name: Self::name_of(case),
            what: "the acceptance record".to_owned(),
            staff: named("staff", staff),
            department: named("departments", department),
            due_time: Some(to_timestamp(self.clock.now_plus(HOUR * 24))),
            request_id: String::new(),
        };
        let answer = self.powers.request_evidence(by(caller, request)).await?;
        Ok(answer.into_inner().evidence_request.expect("a request"))
    }

    async fn end_evidence(
        &self,
        caller: Caller,
        request: &wire::EvidenceRequest,
        evidence: &str,
        reason: &str,
    ) -> Result<wire::EvidenceRequest, Status> {
        let request = wire::EndEvidenceRequestRequest {
            name: request.name.clone(),
            evidence: evidence.to_owned(),
            reason: reason.to_owned(),
            request_id: String::new(),
        };
        let answer = self
            .powers
            .end_evidence_request(by(caller, request))
            .await?;
        Ok(answer.into_inner().evidence_request.expect("a request"))
    }

    async fn order_handling(
        &self,
        caller: Caller,
        case: &CaseName,
        report_hours: i32,
    ) -> Result<wire::HandlingOrder, Status> {
        let request = wire::OrderHandlingRequest {
            name: Self::name_of(case),
            reason: "nobody called back".to_owned(),
            due_time: Some(to_timestamp(self.clock.now_plus(HOUR * 48))),
            report_hours,
            request_id: String::new(),
        };
        let answer = self.powers.order_handling(by(caller, request)).await?;
        Ok(answer.into_inner().order.expect("an order"))
    }

    async fn lift(
        &self,
        caller: Caller,
        order: &wire::HandlingOrder,
    ) -> Result<wire::HandlingOrder, Status> {
        let request = wire::LiftHandlingOrderRequest {
            name: order.name.clone(),
            reason: "the owner asked for time".to_owned(),
            request_id: String::new(),
        };
        let answer = self.powers.lift_handling_order(by(caller, request)).await?;
        Ok(answer.into_inner().order.expect("an order"))
    }

    /// What was said of the clock of a promise.
    async fn demanded(&self, id: &str) -> Vec<DemandState> {
        let said: Vec<event::DemandChanged> = self.said("redress.demand.changed.v1").await;
        let of = said.iter().filter(|d| d.demand == id);
        of.map(event::DemandChanged::state).collect()
    }

    /// A clock of what somebody owes on the case is over.
    fn support_breached(&self, case: &CaseName) -> redress_events::Event {
        self.support_breached_in(case, SignedDuration::ZERO)
    }

    /// The same by the clock of triage, which is so far ahead of the one here.
    fn support_breached_in(&self, case: &CaseName, ahead: SignedDuration) -> redress_events::Event {
        let now = to_timestamp(self.clock.now_plus(ahead));
        let payload = event::ClockChanged {
            clock: format!("sites/lakeside/clocks/{}", Uuid::now_v7()),
            case: case.to_string(),
            kind: to_wire(ClockKind::Support),
            state: to_wire(ClockState::Breached),
            transition: to_wire(ClockTransition::Breached),
            due_time: Some(now),
            transition_time: Some(now),
            generation: 2,
            ..Default::default()
        };
        let subject = case.to_string();
        self.event("triage", "redress.clock.changed.v1", &subject, &payload)
    }

    async fn told_of(&self, news: WorkNews) -> Vec<Vec<String>> {
        let notices = self.notices(news).await;
        let people = |n: &event::WorkNoticed| n.staff.iter().map(|s| last(s).to_owned()).collect();
        notices.iter().map(people).collect()
    }
}

fn reason(status: &Status) -> String {
    let details = status.get_details_error_info();
    details.expect("a refusal by state").reason
}

#[tokio::test]
async fn m13_evidence_is_asked_of_a_department_and_met_by_a_piece_that_the_case_has() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let owner = || world.handler("eng-one");
    let request = world.ask_evidence(owner(), &case, "", "sales").await;
    let request = request.expect("asked");
    assert_eq!(last(&request.staff), "seller", "whoever of it is at work");
    let id = last(&request.name);
    assert_eq!(world.demanded(id).await, [DemandState::Open]);
    assert_eq!(world.told_of(WorkNews::EvidenceAsked).await, [["seller"]]);

    // It stands on the list of whoever was asked, not of whoever is responsible.
    let list = wire::ListOpenPromisesRequest {
        parent: "sites/lakeside".to_owned(),
        staff: "sites/lakeside/staff/seller".to_owned(),
        ..Default::default()
    };
    let list = world
        .promises
        .list_open_promises(by(world.manager(), list))
        .await;
    let owed = list.expect("listed").into_inner().promises;
    let of_it = owed.iter().find(|p| p.resource == request.name);
    let of_it = of_it.expect("owed");
    assert_eq!(of_it.kind(), wire::PromiseKind::EvidenceRequest);
    assert_eq!(of_it.due_time, request.due_time);

    let seller = || world.handler("seller");
    let piece = format!("{case}/evidence/{}", Uuid::now_v7());
    let unknown = world.end_evidence(seller(), &request, &piece, "").await;
    let unknown = unknown.expect_err("the case has no such piece");
    assert_eq!(unknown.code(), Code::InvalidArgument);
    let added = event::EvidenceAdded {
        case: case.to_string(),
        evidence: piece.clone(),
    };
    let subject = case.to_string();
    let added = world.event("intake", "redress.evidence.added.v1", &subject, &added);
    world.tell(&[added]).await;
    let stranger = world.end_evidence(world.handler("desk"), &request, &piece, "");
    let stranger = stranger.await.expect_err("neither asked nor asking");
    assert_eq!(stranger.code(), Code::PermissionDenied);
    let brought = world.end_evidence(seller(), &request, &piece, "").await;
    let brought = brought.expect("brought");
    assert_eq!(brought.state(), wire::EvidenceRequestState::Brought);
    assert_eq!(brought.evidence, piece);
    assert_eq!(
        world.demanded(id).await,
        [DemandState::Open, DemandState::Met]
    );

    let shown = world.try_get(world.manager(), &case).await.expect("there");
    assert_eq!(shown.evidence_requests, [brought]);
    let kinds = shown.steps.iter().map(|s| s.kind());
    let asked = kinds.filter(|k| *k == wire::WorkStepKind::EvidenceAsked);
    assert_eq!(asked.count(), 2, "asked and brought, in the chain");
    let again = world.end_evidence(owner(), &request, "", "enough").await;
    assert_eq!(reason(&again.expect_err("ended")), "EVIDENCE_REQUEST_ENDED");
}

#[tokio::test]
async fn m13_evidence_is_not_asked_of_a_department_by_somebody_of_another() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let ask = |staff, department| {
        let owner = world.handler("eng-one");
        world.ask_evidence(owner, &case, staff, department)
    };
    let refused = ask("seller", "engineering").await;
    let refused = refused.expect_err("the seller is of the sales department");
    assert_eq!(refused.code(), Code::InvalidArgument);
    let named = refused.get_details_bad_request().expect("names the field");
    assert_eq!(named.field_violations[0].field, "staff");
    let shown = world.try_get(world.manager(), &case).await.expect("there");
    assert!(shown.evidence_requests.is_empty());
    assert!(world.told_of(WorkNews::EvidenceAsked).await.is_empty());
    let asked = ask("seller", "sales").await.expect("of the department");
    assert_eq!(last(&asked.staff), "seller");
}

#[tokio::test]
async fn m13_only_who_asked_withdraws_a_request_for_evidence() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let owner = || world.handler("eng-one");
    let request = world.ask_evidence(owner(), &case, "seller", "").await;
    let request = request.expect("asked");
    let refused = world.end_evidence(world.handler("seller"), &request, "", "no time");
    let refused = refused.await.expect_err("who was asked owes it");
    assert_eq!(refused.code(), Code::PermissionDenied);
    for unsaid in ["", "\u{200b}"] {
        let refused = world.end_evidence(owner(), &request, "", unsaid).await;
        let refused = refused.expect_err("it does not say why");
        assert_eq!(refused.code(), Code::InvalidArgument);
    }
    let ended = world.end_evidence(owner(), &request, "", "found it").await;
    assert_eq!(
        ended.expect("withdrawn").state(),
        wire::EvidenceRequestState::Withdrawn
    );
    assert_eq!(
        world.demanded(last(&request.name)).await,
        [DemandState::Open, DemandState::Cancelled]
    );
    let stranger = world.ask_evidence(world.handler("desk"), &case, "seller", "");
    let stranger = stranger.await.expect_err("no part in the case");
    assert_eq!(stranger.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn m13_nobody_brings_evidence_for_a_case_that_accuses_them() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let request = world.ask_evidence(world.handler("eng-one"), &case, "", "engineering");
    let request = request.await.expect("asked");
    let asked = last(&request.staff).to_owned();
    let mut facts = world.facts(&case);
    facts.staff_complained_about = vec![request.staff.clone()];
    facts.revision = 2;
    world.tell(&[world.updated(facts)]).await;
    let shown = world.try_get(world.manager(), &case).await.expect("there");
    let now = &shown.evidence_requests[0];
    assert_ne!(last(&now.staff), asked);
    assert_eq!(now.state(), wire::EvidenceRequestState::Asked);
    assert_eq!(
        world.told_of(WorkNews::EvidenceAsked).await.last(),
        Some(&vec![last(&now.staff).to_owned()])
    );
    let hidden = world.end_evidence(world.handler(&asked), &request, "", "mine");
    assert_eq!(hidden.await.expect_err("hidden").code(), Code::NotFound);
}

#[tokio::test]
async fn m13_the_region_orders_handling_and_the_resolution_meets_it() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    for caller in [world.manager(), world.handler("eng-one")] {
        let refused = world.order_handling(caller, &case, 0).await;
        let refused = refused.expect_err("neither centre, region nor head office");
        assert_eq!(refused.code(), Code::PermissionDenied);
    }
    let order = world.order_handling(world.above("region"), &case, 12).await;
    let order = order.expect("ordered");
    assert_eq!(
        world.told_of(WorkNews::HandlingOrdered).await,
        [["eng-one", "lead-site"]]
    );
    assert_eq!(
        order.report_due_time,
        Some(to_timestamp(world.clock.now_plus(HOUR * 12)))
    );

    world.clock.advance(HOUR);
    let progress = world.progress(world.handler("eng-one"), &case, "opened the wall");
    progress.await.expect("logged");
    let shown = world.try_get(world.manager(), &case).await.expect("there");
    assert_eq!(
        shown.handling_orders[0].report_due_time,
        Some(to_timestamp(world.clock.now_plus(HOUR * 12))),
        "the next report, from this one on"
    );

    let resolved = world.resolve(world.handler("eng-one"), &case).await;
    resolved.expect("resolved");
    let shown = world.try_get(world.manager(), &case).await.expect("there");
    assert_eq!(
        shown.handling_orders[0].state(),
        wire::HandlingOrderState::Met
    );
    assert_eq!(
        world.demanded(last(&order.name)).await,
        [DemandState::Open, DemandState::Met]
    );
    let said: Vec<event::DemandChanged> = world.said("redress.demand.changed.v1").await;
    let mut open = std::collections::BTreeSet::new();
    for demand in &said {
        match demand.state() {
            DemandState::Open => open.insert(demand.demand.clone()),
            _ => open.remove(&demand.demand),
        };
    }
    assert!(
        open.is_empty(),
        "no report is waited for any more: {open:?}"
    );
    let late = world.order_handling(world.above("region"), &case, 0).await;
    assert_eq!(reason(&late.expect_err("it is resolved")), "NOT_ORDERABLE");
}

#[tokio::test]
async fn m13_an_order_that_is_late_comes_back_once_to_who_ordered_it() {
    let world = World::store().await;
    let case = world.worked_on().await;
    let centre = || world.handler("centre-one");
    let order = world.order_handling(centre(), &case, 0).await;
    let order = order.expect("the company centre orders");
    // Something else on the case is late first.
    world.tell(&[world.support_breached(&case)]).await;
    assert!(world.told_of(WorkNews::OrderOverdue).await.is_empty());
    world.clock.advance(HOUR * 48);
    for _ in 0..2 {
        world.tell(&[world.support_breached(&case)]).await;
    }
    assert_eq!(
        world.told_of(WorkNews::OrderOverdue).await,
        [["centre-one"]]
    );
    let shown = world.try_get(world.manager(), &case).await.expect("there");
    assert!(shown.handling_orders[0].overdue_time.is_some());
    assert_eq!(shown.steps[0].kind(), wire::WorkStepKind::HandlingOrdered);

    // A manager of the site lifts nothing that the centre ordered.
    let refused = world.lift(world.manager(), &order).await;
    assert_eq!(
        refused.expect_err("not theirs").code(),
        Code::PermissionDenied
    );
    let lifted = world.lift(centre(), &order).await.expect("theirs");
    assert_eq!(lifted.state(), wire::HandlingOrderState::Lifted);
    assert_eq!(
        world.demanded(last(&order.name)).await,
        [DemandState::Open, DemandState::Cancelled]
    );
    let again = world.lift(world.above("head"), &order).await;
    assert_eq!(reason(&again.expect_err("ended")), "HANDLING_ORDER_ENDED");
}

#[tokio::test]
async fn m13_an_order_is_late_by_the_clock_that_watched_it() {
    let world = World::store().await;
    let case = world.worked_on().await;
    let order = world.order_handling(world.handler("centre-one"), &case, 0);
    order.await.expect("ordered");
    world
        .tell(&[world.support_breached_in(&case, HOUR * 48)])
        .await;
    assert_eq!(
        world.told_of(WorkNews::OrderOverdue).await,
        [["centre-one"]]
    );
}

#[tokio::test]
async fn m13_an_order_of_nobody_of_the_site_comes_back_to_who_stands_for_the_region() {
    let world = World::staffed().await;
    world.name_region_contact().await;
    let case = world.investigated().await;
    let order = world.order_handling(world.above("region"), &case, 0).await;
    order.expect("ordered");
    world.clock.advance(HOUR * 49);
    world.tell(&[world.support_breached(&case)]).await;
    assert_eq!(
        world.told_of(WorkNews::OrderOverdue).await,
        [["lead-top", "region"]]
    );
}

#[tokio::test]
async fn m13_a_case_has_no_more_open_requests_or_orders_than_are_looked_at() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let owner = || world.handler("eng-one");
    let first = world.ask_evidence(owner(), &case, "seller", "").await;
    let first = first.expect("asked");
    for _ in 1..100 {
        let more = world.ask_evidence(owner(), &case, "seller", "").await;
        more.expect("asked");
    }
    let refused = world.ask_evidence(owner(), &case, "seller", "").await;
    let refused = refused.expect_err("the oldest would be looked at no more");
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(reason(&refused), "TOO_MANY_OPEN");
    // Orders are counted by themselves.
    let order = world.order_handling(world.above("region"), &case, 0).await;
    order.expect("ordered");
    let ended = world.end_evidence(owner(), &first, "", "found it").await;
    ended.expect("withdrawn");
    let again = world.ask_evidence(owner(), &case, "seller", "").await;
    again.expect("there is room");
}
