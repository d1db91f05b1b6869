//! Ways around the limits, the reviews and the one responsible person, and that each is closed.

use redress_assignment::domain::authority::Level;
use redress_assignment::domain::handling::Satisfaction;
use redress_assignment::domain::solution::{Answer, RemedyKind, State};
use redress_assignment::domain::validity::Validity;
use redress_assignment::jobs::reassess_solutions::reassess_marked;
use redress_model::name::CaseName;
use redress_model::time::SharedClock;
use redress_model::words::{CaseStatus, Category, Channel};
use redress_proto::Money;
use redress_proto::assignment::v1 as wire;
use redress_proto::assignment::v1::contractor_service_server::ContractorService;
use redress_proto::assignment::v1::dispute_service_server::DisputeService;
use redress_proto::assignment::v1::handling_service_server::HandlingService;
use redress_proto::assignment::v1::library_service_server::LibraryService;
use redress_proto::assignment::v1::record_order_step_request::Step as OrderStep;
use redress_proto::assignment::v1::solution_service_server::SolutionService;
use redress_proto::assignment::v1::staffing_service_server::StaffingService;
use redress_proto::assignment::v1::validity_service_server::ValidityService;
use redress_proto::assignment::v1::work_service_server::WorkService;
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::event::v1 as event;
use redress_rpc::Caller;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::lifecycle::reason;
use crate::world::{NowPlus as _, World, by, last};

fn field(refused: &Status) -> String {
    let details = refused.get_error_details();
    let told = details.bad_request().expect("names the field");
    told.field_violations[0].field.clone()
}

impl World {
    /// Another token of the same member of staff.
    pub(crate) fn second_token(&self, staff: &str) -> Caller {
        let mut caller = self.caller("lakeside", "manager", Some(staff));
        caller.subject = format!("{staff}-second");
        caller
    }

    async fn regrade(&self, case: &CaseName, grade: i32, revision: i64, epoch: i64) {
        let payload = event::CaseGraded {
            case: case.to_string(),
            grade,
            revision,
            epoch,
            mode: 1,
            category: to_wire(Category::EngineeringQuality),
            ..Default::default()
        };
        let subject = case.to_string();
        let graded = self.event("triage", "redress.case.graded.v1", &subject, &payload);
        self.tell(&[graded]).await;
    }

    pub(crate) async fn propose_terms(
        &self,
        case: &CaseName,
        terms: wire::SolutionTerms,
    ) -> Result<wire::Solution, Status> {
        let request = wire::ProposeSolutionRequest {
            parent: Self::name_of(case),
            terms: Some(terms),
            etag: self.etag_of(case).await,
            ..Default::default()
        };
        let caller = self.handler("eng-one");
        let answer = self.solutions.propose_solution(by(caller, request)).await?;
        Ok(answer.into_inner().solution.expect("a solution"))
    }

    async fn resolve_saying(&self, case: &CaseName, summary: &str) -> Result<(), Status> {
        let request = wire::ResolveWorkRequest {
            name: Self::name_of(case),
            summary: summary.to_owned(),
            root_cause: "a loose joint".to_owned(),
            ..Default::default()
        };
        let caller = self.handler("eng-one");
        self.work
            .resolve_work(by(caller, request))
            .await
            .map(|_| ())
    }
}

#[tokio::test]
async fn m10_money_in_words_takes_the_level_that_the_sum_takes() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let mut bare = world.terms(0);
    bare.remedies[0].kind = to_wire(RemedyKind::Compensation);
    bare.remedies[0].text = "赔偿50000元".to_owned();
    let refused = world.propose_terms(&case, bare).await;
    assert_eq!(
        field(&refused.expect_err("no sum")),
        "terms.remedies[0].amount"
    );
    let mut worded = world.terms(0);
    worded.summary = "赔偿业主50000元现金".to_owned();
    let solution = world.propose_terms(&case, worded).await.expect("proposed");
    assert_eq!(solution.required_level, to_wire(Level::Region));
    let refused = world.review(world.manager(), &solution, true).await;
    assert_eq!(reason(&refused.expect_err("a site")), "ABOVE_LIMIT");
}

#[tokio::test]
async fn m10_two_sums_of_one_text_are_decided_together() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let twice = "补偿1900元,另补贴1900元";
    let mut worded = world.terms(1_900);
    worded.remedies[0].text = twice.to_owned();
    let refused = world.propose_terms(&case, worded).await;
    let refused = refused.expect_err("3,800 is promised");
    assert_eq!(field(&refused), "terms.remedies[0].amount");
    let mut summed = world.terms(1_900);
    summed.summary = twice.to_owned();
    let solution = world.propose_terms(&case, summed).await.expect("proposed");
    assert_eq!(solution.required_level, to_wire(Level::SiteManager));
    let mut restated = world.terms(1_900);
    restated.remedies[0].text = "补偿1900元(人民币壹仟玖佰元整)".to_owned();
    let solution = world.propose_terms(&case, restated).await;
    let solution = solution.expect("its own sum");
    assert_eq!(solution.required_level, to_wire(Level::DepartmentManager));
}

/// Sets what a department's manager and that of the site may decide from now on.
async fn set_limits(world: &World, department: i64, site: i64) {
    let limit = |level: Level, units: i64| wire::AuthorityLimit {
        level: to_wire(level),
        amount: Some(Money {
            currency_code: "CNY".to_owned(),
            units,
            nanos: 0,
        }),
    };
    let request = wire::SetAuthorityLimitsRequest {
        name: "sites/lakeside".to_owned(),
        limits: vec![
            limit(Level::DepartmentManager, department),
            limit(Level::SiteManager, site),
        ],
    };
    let set = by(world.above("organization"), request);
    let set = world.solutions.set_authority_limits(set).await;
    set.expect("above both");
}

/// What is done by itself after limits changed. Returns how many cases were looked at.
async fn look_again(world: &World) -> u64 {
    let clock: SharedClock = world.clock.clone();
    let never = CancellationToken::new();
    let looked = reassess_marked(&world.database.db, &clock, &never).await;
    looked.expect("looked")
}

#[tokio::test]
async fn m10_what_was_approved_and_not_told_asks_a_higher_level_once_a_limit_is_lowered() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let solution = world.propose(&case, 1_900).await.expect("proposed");
    let approved = world.review(world.manager(), &solution, true).await;
    let approved = approved.expect("within the limit");
    assert_eq!(approved.state(), wire::SolutionState::Approved);
    set_limits(&world, 500, 1_000).await;
    let early = world.tell_solution(&solution).await;
    let early = early.expect_err("the limits of now");
    assert_eq!(reason(&early), "NOT_APPROVED", "whoever looked at it");
    assert_eq!(look_again(&world).await, 1);
    let asked = world.solution(&solution.name).await;
    assert_eq!(asked.state(), wire::SolutionState::AwaitingApproval);
    assert_eq!(asked.required_level, to_wire(Level::Region));
    assert_eq!(look_again(&world).await, 0, "once");
    set_limits(&world, 500, 1_000).await;
    assert_eq!(look_again(&world).await, 0, "nothing changed");
    set_limits(&world, 500, 1_001).await;
    assert_eq!(look_again(&world).await, 1);
    assert_eq!(world.solution(&solution.name).await, asked, "no news");
    let refused = world.review(world.manager(), &asked, true).await;
    assert_eq!(reason(&refused.expect_err("a site")), "ABOVE_LIMIT");
    let approved = world.review(world.above("region"), &asked, true).await;
    approved.expect("the region");
    world.tell_solution(&asked).await.expect("approved");
    set_limits(&world, 500, 900).await;
    assert_eq!(look_again(&world).await, 0, "told");
}

#[tokio::test]
async fn m10_a_limit_that_was_lowered_by_mistake_and_is_set_back_takes_no_approval_away() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let proposed = world.propose(&case, 1_900).await.expect("proposed");
    let mistaken = async |meanwhile: Option<bool>| {
        set_limits(&world, 1, 100).await;
        look_again(&world).await;
        let asked = world.solution(&proposed.name).await;
        let awaiting = wire::SolutionState::AwaitingApproval;
        assert_eq!(asked.state(), awaiting);
        assert_eq!(asked.required_level, to_wire(Level::Region));
        if let Some(approve) = meanwhile {
            let said = world.review(world.above("region"), &asked, approve).await;
            let said = said.expect("the region");
            let revise = wire::ReviseSolutionRequest {
                name: said.name,
                terms: Some(world.terms(1_900)),
                etag: said.etag,
                ..Default::default()
            };
            let handler = world.handler("eng-one");
            let revised = world.solutions.revise_solution(by(handler, revise)).await;
            revised.expect("not told yet");
        }
        set_limits(&world, 2_000, 10_000).await;
        look_again(&world).await;
        world.solution(&proposed.name).await
    };
    let stands = |s: &wire::Solution| (s.state(), s.required_level);
    let asked = async || world.notices(event::WorkNews::SolutionAwaits).await.len();
    assert_eq!(asked().await, 1);
    // Neither from those who are to approve it nor from those who have; and whoever proposed it hears that it is back.
    let waiting = mistaken(None).await;
    assert_eq!(stands(&waiting), stands(&proposed));
    assert_eq!(asked().await, 3, "the region, and who is enough again");
    let approved = world.review(world.manager(), &waiting, true).await;
    let approved = approved.expect("within the limit");
    let heard = async || world.notices(event::WorkNews::SolutionApproved).await.len();
    assert_eq!(heard().await, 1);
    assert_eq!(stands(&mistaken(None).await), stands(&approved));
    assert_eq!(heard().await, 2);
    // A no of the higher level stands, and so does that what is proposed again is another question, though it reads the same.
    for meanwhile in [false, true] {
        let again = mistaken(Some(meanwhile)).await;
        assert_eq!(again.digest, approved.digest);
        assert_eq!(stands(&again), stands(&proposed));
        let early = world.tell_solution(&again).await;
        assert_eq!(reason(&early.expect_err("a no")), "NOT_APPROVED");
        let approved = world.review(world.manager(), &again, true).await;
        approved.expect("within the limit");
    }
    world.tell_solution(&approved).await.expect("approved");
}

#[tokio::test]
async fn p16_a_case_that_cannot_be_looked_at_by_new_limits_holds_up_no_other_and_is_looked_at_later()
 {
    let world = World::staffed().await;
    let mut solutions = Vec::new();
    for who in ["eng-one", "eng-two"] {
        let handler = || world.handler(who);
        let case = world.offered(Category::EngineeringQuality).await;
        world.accept(handler(), &case, "").await.expect("offered");
        let looked = world.progress(handler(), &case, "looked").await;
        looked.expect("accepted");
        let propose = wire::ProposeSolutionRequest {
            parent: World::name_of(&case),
            terms: Some(world.terms(1_900)),
            etag: world.etag_of(&case).await,
            ..Default::default()
        };
        let proposed = world.solutions.propose_solution(by(handler(), propose));
        let proposed = proposed.await.expect("proposed").into_inner().solution;
        solutions.push(proposed.expect("a solution").name);
    }
    let broken = async |count: i32| {
        let sql = "UPDATE assignment.solution SET former_reviews = $1 WHERE id = $2::uuid";
        let change = sqlx::query(sql).bind(count).bind(last(&solutions[0]));
        let change = change.execute(&world.database.admin).await;
        assert_eq!(change.expect("changed").rows_affected(), 1);
    };
    broken(-1).await;
    set_limits(&world, 500, 1_000).await;
    let (clock, never): (SharedClock, _) = (world.clock.clone(), CancellationToken::new());
    let failed = reassess_marked(&world.database.db, &clock, &never).await;
    assert_eq!(failed.expect_err("one is broken").reason(), "INTERNAL");
    let region = to_wire(Level::Region);
    assert_eq!(world.solution(&solutions[1]).await.required_level, region);
    broken(0).await;
    assert_eq!(look_again(&world).await, 1, "the one that is left");
    assert_eq!(world.solution(&solutions[0]).await.required_level, region);
}

#[tokio::test]
async fn m18_what_was_told_is_carried_out_though_the_site_asks_for_more_since() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let solution = world.propose(&case, 1_900).await.expect("proposed");
    let approved = world.review(world.manager(), &solution, true).await;
    approved.expect("within the limit");
    world.tell_solution(&solution).await.expect("approved");
    set_limits(&world, 500, 1_000).await;
    let agreed = world.confirm(&solution, Answer::Agreed).await;
    agreed.expect("approved by the limits of that day");
    let done = world.complete(&solution).await.expect("agreed to");
    assert_eq!(done.required_level, to_wire(Level::DepartmentManager));
}

#[tokio::test]
async fn m10_m18_grade_one_and_money_are_not_settled_on_the_spot() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let refused = world
        .resolve_saying(&case, "当场答应赔偿业主三万元并已付现金")
        .await;
    assert_eq!(reason(&refused.expect_err("paid")), "NOT_ON_THE_SPOT");
    world.regrade(&case, 1, 2, 1).await;
    let refused = world.resolve_saying(&case, "当场修好").await;
    assert_eq!(reason(&refused.expect_err("grade 1")), "NOT_ON_THE_SPOT");
}

#[tokio::test]
async fn m03_what_was_settled_on_the_spot_is_not_published_before_somebody_read_it() {
    let world = World::staffed().await;
    let minor = world.investigated().await;
    world
        .resolve_saying(&minor, "当场修好")
        .await
        .expect("minor");
    world
        .follow_up(&minor, Satisfaction::Satisfied)
        .await
        .expect("asked");
    world
        .close(world.manager(), &minor)
        .await
        .expect("reviewed");
    let list = wire::ListLibraryEntriesRequest {
        parent: "sites/lakeside".to_owned(),
        ..Default::default()
    };
    let entries = world
        .library
        .list_library_entries(by(world.manager(), list));
    let entries = entries.await.expect("listed").into_inner().entries;
    assert_eq!(entries[0].state(), wire::LibraryState::Withheld);
}

#[tokio::test]
async fn m03_the_text_that_was_approved_is_what_the_library_publishes() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let solution = world.propose(&case, 1_000).await.expect("proposed");
    world
        .review(world.manager(), &solution, true)
        .await
        .expect("within the limit");
    let told = world.tell_solution(&solution).await.expect("approved");
    world.confirm(&told, Answer::Agreed).await.expect("agreed");
    world.complete(&told).await.expect("done");
    let refused = world.resolve_saying(&case, "另付了8000元").await;
    assert_eq!(
        reason(&refused.expect_err("more than approved")),
        "NOT_ON_THE_SPOT"
    );
    world
        .resolve_saying(&case, "如约付了1000元")
        .await
        .expect("as approved");
    world
        .follow_up(&case, Satisfaction::Satisfied)
        .await
        .expect("asked");
    world.close(world.manager(), &case).await.expect("reviewed");
    let list = wire::ListLibraryEntriesRequest {
        parent: "sites/lakeside".to_owned(),
        ..Default::default()
    };
    let entries = world
        .library
        .list_library_entries(by(world.manager(), list));
    let entries = entries.await.expect("listed").into_inner().entries;
    assert_eq!(entries[0].state(), wire::LibraryState::Published);
    assert_eq!(entries[0].summary, world.terms(1_000).summary);
}

#[tokio::test]
async fn m11_every_text_that_goes_out_is_checked() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let reject = wire::RejectWorkRequest {
        name: World::name_of(&case),
        answer: "不可能,是您错了,一分钱一分货,不是我们部门的事".to_owned(),
        channel: to_wire(Channel::Hotline),
        ..Default::default()
    };
    let caller = world.handler("eng-one");
    let refused = world.validity.reject_work(by(caller, reject)).await;
    assert_eq!(field(&refused.expect_err("M11")), "answer");
    let decide = wire::DecideAppealRequest {
        name: World::name_of(&case),
        reason: "一分钱一分货".to_owned(),
        channel: to_wire(Channel::Hotline),
        evidence: vec![world.piece(&case).await],
        ..Default::default()
    };
    let refused = world
        .validity
        .decide_appeal(by(world.manager(), decide))
        .await;
    assert_eq!(field(&refused.expect_err("M11")), "reason");
    let mut last_offer = world.terms(1_000);
    last_offer.final_offer = Some(wire::FinalOffer {
        ceiling: Some(Money {
            currency_code: "CNY".to_owned(),
            units: 1_000,
            nanos: 0,
        }),
        expire_time: Some(to_timestamp(
            world.clock.now_plus(jiff::SignedDuration::from_hours(48)),
        )),
        text: "不归我管,就这么多".to_owned(),
    });
    let refused = world.propose_terms(&case, last_offer).await;
    assert_eq!(field(&refused.expect_err("M11")), "terms.final_offer.text");
}

#[tokio::test]
async fn section_5_a_lower_rank_does_not_overturn_a_decision_on_validity() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let evidence = vec![world.piece(&case).await];
    let decide = |caller: Caller, validity: Validity| {
        let request = wire::DecideValidityRequest {
            name: World::name_of(&case),
            validity: to_wire(validity),
            reason: "looked at it".to_owned(),
            evidence: evidence.clone(),
            ..Default::default()
        };
        world.validity.decide_validity(by(caller, request))
    };
    decide(world.handler("eng-one"), Validity::ValidB)
        .await
        .expect("the first");
    decide(world.manager(), Validity::Unfounded)
        .await
        .expect("a higher rank");
    let refused = decide(world.handler("eng-one"), Validity::ValidA).await;
    assert_eq!(reason(&refused.expect_err("a lower rank")), "DECIDED_ABOVE");
}

#[tokio::test]
async fn section_7_only_who_has_a_part_in_a_case_acts_on_it() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let name = || World::name_of(&case);
    for outsider in ["seller", "eng-two"] {
        let ask = || world.handler(outsider);
        let mut codes = Vec::new();
        let answer = world.progress(ask(), &case, "x").await;
        codes.push(("progress", answer.map(|_| ()).map_err(|s| s.code())));
        let request = wire::RestateWorkRequest {
            name: name(),
            text: "x".to_owned(),
            ..Default::default()
        };
        let answer = world.handling.restate_work(by(ask(), request)).await;
        codes.push(("restate", answer.map(|_| ()).map_err(|s| s.code())));
        let request = wire::PlanVisitRequest {
            name: name(),
            purpose: wire::VisitPurpose::Inspection.into(),
            plan_time: Some(to_timestamp(
                world.clock.now_plus(jiff::SignedDuration::from_hours(4)),
            )),
            ..Default::default()
        };
        let answer = world.handling.plan_visit(by(ask(), request)).await;
        codes.push(("plan", answer.map(|_| ()).map_err(|s| s.code())));
        let request = wire::RecordVisitRequest {
            name: name(),
            purpose: wire::VisitPurpose::Inspection.into(),
            findings: "x".to_owned(),
            ..Default::default()
        };
        let answer = world.handling.record_visit(by(ask(), request)).await;
        codes.push(("visit", answer.map(|_| ()).map_err(|s| s.code())));
        let request = wire::CalmComplainantRequest {
            name: name(),
            r#move: wire::CalmingMove::Place.into(),
            reason: "x".to_owned(),
            channel: to_wire(Channel::FrontDesk),
            ..Default::default()
        };
        let answer = world.handling.calm_complainant(by(ask(), request)).await;
        codes.push(("calm", answer.map(|_| ()).map_err(|s| s.code())));
        let request = wire::DecideValidityRequest {
            name: name(),
            validity: to_wire(Validity::Unfounded),
            reason: "x".to_owned(),
            evidence: vec![world.piece(&case).await],
            ..Default::default()
        };
        let answer = world.validity.decide_validity(by(ask(), request)).await;
        codes.push(("validity", answer.map(|_| ()).map_err(|s| s.code())));
        for (what, code) in codes {
            assert_eq!(code, Err(Code::PermissionDenied), "{outsider}: {what}");
        }
    }
    // Whoever leads, or helps when asked to, has a part in it.
    let lead = world.progress(world.handler("lead-site"), &case, "saw it");
    lead.await.expect("on the ladder");
    let request = wire::RequestSupportRequest {
        name: name(),
        support: Some(wire::Support {
            department: "sites/lakeside/departments/sales".to_owned(),
            staff: "sites/lakeside/staff/seller".to_owned(),
            task: "find the contract".to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let asked = world
        .staffing
        .request_support(by(world.manager(), request))
        .await;
    asked.expect("asked for help");
    let helps = world.progress(world.handler("seller"), &case, "found it");
    helps.await.expect("helps");
}

#[tokio::test]
async fn section_7_only_who_has_a_part_in_a_case_disputes_orders_and_asks_for_help() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let contractor = world.contractor(0).await.expect("a contractor").name;
    let order = world.order(&case, &contractor, "").await.expect("placed");
    let open = |caller: Caller| {
        let request = wire::OpenDisputeRequest {
            case: case.to_string(),
            subject: "the roof leaks on".to_owned(),
            ..Default::default()
        };
        world.disputes.open_dispute(by(caller, request))
    };
    for outsider in ["seller", "eng-two"] {
        let refused = open(world.handler(outsider)).await;
        let code = refused.expect_err("no part in it").code();
        assert_eq!(code, Code::PermissionDenied, "{outsider}");
    }
    let opened = open(world.handler("eng-one")).await.expect("responsible");
    let dispute = opened.into_inner().dispute.expect("a dispute").name;

    let sue = |caller: Caller| {
        let court = wire::DisputeRung::Litigation;
        let request = wire::RecordDisputeStepRequest {
            name: dispute.clone(),
            step: Some(world.enter(court, wire::DisputeSide::Complainant)),
            ..Default::default()
        };
        world.disputes.record_dispute_step(by(caller, request))
    };
    let place = |caller: Caller| {
        let due = world.clock.now_plus(jiff::SignedDuration::from_hours(72));
        let request = wire::PlaceOrderRequest {
            case: case.to_string(),
            contractor: contractor.clone(),
            scope: "seal the roof".to_owned(),
            due_time: Some(to_timestamp(due)),
            ..Default::default()
        };
        world.contractors.place_order(by(caller, request))
    };
    let cancel = |caller: Caller| {
        let request = wire::RecordOrderStepRequest {
            name: order.name.clone(),
            step: Some(OrderStep::Cancelled(wire::OrderCancelled {})),
            text: "not needed".to_owned(),
            ..Default::default()
        };
        world.contractors.record_order_step(by(caller, request))
    };
    let help = |caller: Caller| {
        let request = wire::RequestSupportRequest {
            name: World::name_of(&case),
            support: Some(wire::Support {
                department: "sites/lakeside/departments/sales".to_owned(),
                task: "find the contract".to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        };
        world.staffing.request_support(by(caller, request))
    };
    for outsider in ["seller", "eng-two"] {
        let ask = || world.handler(outsider);
        let codes = [
            ("sue", sue(ask()).await.map(drop).map_err(|s| s.code())),
            ("order", place(ask()).await.map(drop).map_err(|s| s.code())),
            (
                "cancel",
                cancel(ask()).await.map(drop).map_err(|s| s.code()),
            ),
            ("help", help(ask()).await.map(drop).map_err(|s| s.code())),
        ];
        for (what, code) in codes {
            assert_eq!(code, Err(Code::PermissionDenied), "{outsider}: {what}");
        }
    }
    let begun = async || {
        let said = world.said::<event::DisputeBegun>("redress.dispute.begun.v1");
        said.await.len()
    };
    assert_eq!(begun().await, 0, "nobody sued");

    // Whoever is responsible, and whoever leads, do.
    help(world.handler("eng-one")).await.expect("responsible");
    place(world.handler("lead-site")).await.expect("leads");
    cancel(world.handler("lead-site")).await.expect("leads");
    sue(world.handler("lead-duty")).await.expect("leads");
    assert_eq!(begun().await, 1);
}

#[tokio::test]
async fn section_7_who_handed_a_case_over_acts_on_it_no_more() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let request = wire::CalmComplainantRequest {
        name: World::name_of(&case),
        r#move: wire::CalmingMove::Person.into(),
        staff: "sites/lakeside/staff/lead-site".to_owned(),
        reason: "the talk became loud".to_owned(),
        channel: to_wire(Channel::FrontDesk),
        ..Default::default()
    };
    let caller = world.handler("eng-one");
    let calmed = world.handling.calm_complainant(by(caller, request)).await;
    calmed.expect("handed up");
    let refused = world.progress(world.handler("eng-one"), &case, "x").await;
    assert_eq!(
        refused.expect_err("gave it up").code(),
        Code::PermissionDenied
    );
}

#[tokio::test]
async fn m10_a_grade_that_is_lowered_for_a_moment_lowers_nobodys_limit() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    world.regrade(&case, 1, 2, 1).await;
    world.regrade(&case, 4, 3, 1).await;
    let solution = world.propose(&case, 1_000).await.expect("proposed");
    assert_eq!(solution.required_level, to_wire(Level::Region));
    let refused = world.review(world.manager(), &solution, true).await;
    assert_eq!(reason(&refused.expect_err("a site")), "ABOVE_LIMIT");
    let refused = world.resolve_saying(&case, "误报").await;
    assert!(refused.is_err(), "nor is it settled on the spot");
}

#[tokio::test]
async fn m10_the_sums_of_a_case_add_over_reopenings() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let first = world.propose(&case, 9_000).await.expect("proposed");
    assert_eq!(first.required_level, to_wire(Level::SiteManager));
    let approved = world.review(world.manager(), &first, true).await;
    approved.expect("within the limit");
    world.tell_solution(&first).await.expect("approved");
    world
        .tell(&[world.moved(&case, CaseStatus::Reopened, 2)])
        .await;
    world.regrade(&case, 3, 2, 2).await;
    let accepted = world.accept(world.handler("eng-one"), &case, "").await;
    assert_eq!(last(&accepted.expect("offered").responsible), "eng-one");
    world
        .progress(world.handler("eng-one"), &case, "again")
        .await
        .expect("accepted");
    let second = world.propose(&case, 9_000).await.expect("proposed");
    assert_eq!(second.required_level, to_wire(Level::Region));
    let refused = world.review(world.manager(), &second, true).await;
    assert_eq!(reason(&refused.expect_err("a slice")), "ABOVE_LIMIT");
}

#[tokio::test]
async fn m10_what_was_told_before_a_case_became_graver_is_approved_again() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let solution = world.propose(&case, 1_000).await.expect("proposed");
    let approved = world.review(world.manager(), &solution, true).await;
    approved.expect("within the limit");
    let told = world.tell_solution(&solution).await.expect("approved");
    let promised = async || {
        let said: Vec<event::SolutionChanged> = world.said("redress.solution.changed.v1").await;
        said.last().expect("told").may_be_promised
    };
    assert!(promised().await);
    world.name_region_contact().await;
    world.regrade(&case, 1, 2, 1).await;
    assert!(!promised().await, "no further than it was told");
    let asked = world.notices(event::WorkNews::SolutionAwaits).await;
    let asked = asked.last().expect("the region is asked");
    assert_eq!(asked.resource, solution.name);
    assert!(
        asked
            .staff
            .contains(&"sites/lakeside/staff/region".to_owned())
    );
    let refused = world.confirm(&told, Answer::Agreed).await;
    assert_eq!(
        reason(&refused.expect_err("a region's word")),
        "NOT_APPROVED"
    );
    let again = world.review(world.above("region"), &told, true).await;
    assert_eq!(again.expect("again").state, to_wire(State::Told));
    assert!(promised().await);
    world.confirm(&told, Answer::Agreed).await.expect("agreed");
    world.complete(&told).await.expect("done");
    world
        .resolve_saying(&case, "修好")
        .await
        .expect("carried out");
}

#[tokio::test]
async fn m10_who_did_not_see_what_stands_approves_nothing() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let solution = world.propose(&case, 1_000).await.expect("proposed");
    let request = wire::ReviewSolutionRequest {
        name: solution.name,
        approve: true,
        ..Default::default()
    };
    let refused = world
        .solutions
        .review_solution(by(world.manager(), request));
    assert_eq!(field(&refused.await.expect_err("unseen")), "etag");
}

#[tokio::test]
async fn m03_a_second_token_is_not_somebody_else() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let solution = world.propose(&case, 1_000).await.expect("proposed");
    let second = || world.second_token("eng-one");
    let refused = world.review(second(), &solution, true).await;
    assert_eq!(reason(&refused.expect_err("the author")), "OWN_SOLUTION");
    let refusal = world.review(world.manager(), &solution, false).await;
    refusal.expect("refused");
    world
        .resolve_saying(&case, "当场修好")
        .await
        .expect("on the spot");
    let ask = |caller: Caller, said: Satisfaction| {
        let request = wire::FollowUpWorkRequest {
            name: World::name_of(&case),
            satisfaction: to_wire(said),
            channel: to_wire(Channel::Hotline),
            ..Default::default()
        };
        world.handling.follow_up_work(by(caller, request))
    };
    for caller in [world.handler("eng-one"), second()] {
        let refused = ask(caller, Satisfaction::Satisfied).await;
        assert_eq!(reason(&refused.expect_err("own work")), "OWN_WORK");
    }
    let asked = ask(world.handler("desk"), Satisfaction::Satisfied).await;
    asked.expect("somebody else");
    let refused = world.close(second(), &case).await;
    assert_eq!(reason(&refused.expect_err("own work")), "NOT_CLOSABLE");
    world.close(world.manager(), &case).await.expect("reviewed");
}

#[tokio::test]
async fn m03_who_revises_a_solution_does_not_make_its_first_author_somebody_else() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let first = || world.caller("lakeside", "manager", Some("lead-site"));
    let propose = wire::ProposeSolutionRequest {
        parent: World::name_of(&case),
        terms: Some(world.terms(1_000)),
        etag: world.etag_of(&case).await,
        ..Default::default()
    };
    let proposed = world.solutions.propose_solution(by(first(), propose)).await;
    let proposed = proposed.expect("proposed").into_inner().solution;
    let solution = proposed.expect("a solution");
    // The same words, but whoever was asked wrote of them now.
    let revise = wire::ReviseSolutionRequest {
        name: solution.name.clone(),
        terms: Some(world.terms(1_000)),
        etag: solution.etag.clone(),
        ..Default::default()
    };
    let handler = world.handler("eng-one");
    let revised = world.solutions.revise_solution(by(handler, revise)).await;
    revised.expect("not told yet");
    for token in [first(), world.second_token("lead-site")] {
        let refused = world.review(token, &solution, true).await;
        assert_eq!(reason(&refused.expect_err("wrote it")), "OWN_SOLUTION");
    }
    let asked = world.notices(event::WorkNews::SolutionAwaits).await;
    assert_eq!(asked.len(), 2);
    for notice in asked {
        let people: Vec<&str> = notice.staff.iter().map(|s| last(s)).collect();
        assert_eq!(people, ["lead-duty"], "never who wrote of it");
    }

    let approved = world.review(world.manager(), &solution, true).await;
    approved.expect("somebody else");
    world.tell_solution(&solution).await.expect("approved");
    let agreed = world.confirm(&solution, Answer::Agreed).await;
    agreed.expect("agreed");
    world.complete(&solution).await.expect("done");
    let resolved = world.resolve_saying(&case, "修好").await;
    resolved.expect("carried out");
    let ask = |caller: Caller| {
        let request = wire::FollowUpWorkRequest {
            name: World::name_of(&case),
            satisfaction: to_wire(Satisfaction::Satisfied),
            channel: to_wire(Channel::Hotline),
            ..Default::default()
        };
        world.handling.follow_up_work(by(caller, request))
    };
    let refused = ask(first()).await;
    assert_eq!(reason(&refused.expect_err("own work")), "OWN_WORK");
    ask(world.handler("desk")).await.expect("somebody else");
    let refused = world.close(first(), &case).await;
    assert_eq!(reason(&refused.expect_err("own work")), "NOT_CLOSABLE");
    world.close(world.manager(), &case).await.expect("reviewed");
}

#[tokio::test]
async fn i12_terms_that_were_changed_where_they_are_kept_are_neither_told_nor_done() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let solution = world.propose(&case, 1_000).await.expect("proposed");
    let approved = world.review(world.manager(), &solution, true).await;
    assert!(!approved.expect("within the limit").tampered);
    let change = |sql: &'static str| sqlx::query(sql).execute(&world.database.admin);
    let dearer = "UPDATE assignment.solution_remedy SET amount = 90000";
    change(dearer).await.expect("changed");
    assert!(
        world.solution(&solution.name).await.tampered,
        "it is told as such"
    );
    let refused = world.tell_solution(&solution).await;
    assert_eq!(reason(&refused.expect_err("changed")), "SOLUTION_TAMPERED");
    let right = "UPDATE assignment.solution_remedy SET amount = 1000";
    change(right).await.expect("changed back");
    assert!(!world.solution(&solution.name).await.tampered);
    change(dearer).await.expect("changed again");
    let revise = wire::ReviseSolutionRequest {
        name: solution.name.clone(),
        terms: Some(world.terms(1_000)),
        etag: world.solution(&solution.name).await.etag,
        ..Default::default()
    };
    let handler = world.handler("eng-one");
    let revised = world.solutions.revise_solution(by(handler, revise)).await;
    let revised = revised.expect("legal then").into_inner().solution;
    let revised = revised.expect("a solution");
    assert_eq!(revised.digest, solution.digest);
    let revised = world.solution(&solution.name).await;
    assert!(!revised.tampered, "written anew");
    let of_these = |s: &wire::Solution| s.reviews.iter().map(|r| r.of_these_terms).collect();
    let said: Vec<bool> = of_these(&revised);
    assert_eq!(said, [false], "it reads the same, and is another question");
    let approved = world.review(world.manager(), &solution, true).await;
    let said: Vec<bool> = of_these(&approved.expect("within the limit"));
    assert_eq!(said, [true, false]);
    world.tell_solution(&solution).await.expect("as approved");
    world
        .confirm(&solution, Answer::Agreed)
        .await
        .expect("agreed");
    let other = "UPDATE assignment.solution_step SET text = 'x'";
    change(other).await.expect("changed");
    let refused = world.complete(&solution).await;
    assert_eq!(reason(&refused.expect_err("changed")), "SOLUTION_TAMPERED");
    // Nothing goes on by it, so it is taken back and another follows.
    let seen = world.solution(&solution.name).await;
    let declined = world.take_back(&seen, &seen.etag, "its terms were changed");
    declined.await.expect("a no is taken at any time");
    world.propose(&case, 1_000).await.expect("another");
}
