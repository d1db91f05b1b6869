//! M11: what must not be said is data of an organization, a region and a site, here as where messages are sent; a person
//! with authority lets a text through with a reason, which stands in the history.

use jiff::SignedDuration;
use redress_assignment::domain::validity::Validity;
use redress_model::name::CaseName;
use redress_model::words::Channel;
use redress_proto::assignment::v1 as wire;
use redress_proto::assignment::v1::settlement_service_server::SettlementService;
use redress_proto::assignment::v1::solution_service_server::SolutionService;
use redress_proto::assignment::v1::validity_service_server::ValidityService;
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::event::v1::WordingChanged;
use redress_rpc::Caller;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::world::{NowPlus as _, World, by};

const OURS: &str = "[[rule]]\nid = 'old-owner'\nphrases = ['前任开发商']\nwhy = { zh-CN = '推诿', en = 'shifts the blame' }\nbetter = { zh-CN = '我们来处理', en = 'we look into it' }";

pub(crate) fn fields(refused: &Status) -> Vec<String> {
    let details = refused.get_error_details();
    let violations = details.bad_request().map(|b| b.field_violations.clone());
    let fields = violations.unwrap_or_default().into_iter();
    fields.map(|violation| violation.field).collect()
}

impl World {
    /// Rules of a level that hold from now on, or later.
    async fn rules(&self, scope: &str, revision: i32, document: &str, later: SignedDuration) {
        let payload = WordingChanged {
            scope: scope.to_owned(),
            revision,
            effective_time: Some(to_timestamp(self.clock.now_plus(later))),
            document: document.to_owned(),
        };
        let (source, kind) = ("notification", "redress.wording.changed.v1");
        let told = self.event(source, kind, "sites/lakeside", &payload);
        self.tell(&[told]).await;
    }

    async fn propose_saying(
        &self,
        caller: Caller,
        case: &CaseName,
        summary: &str,
        override_reason: &str,
    ) -> Result<wire::Solution, Status> {
        let mut terms = self.terms(1_000);
        terms.summary = summary.to_owned();
        let request = wire::ProposeSolutionRequest {
            parent: Self::name_of(case),
            terms: Some(terms),
            etag: self.etag_of(case).await,
            wording_override_reason: override_reason.to_owned(),
            ..Default::default()
        };
        let answer = self.solutions.propose_solution(by(caller, request)).await?;
        Ok(answer.into_inner().solution.expect("a solution"))
    }

    async fn newest_step(&self, case: &CaseName) -> String {
        let shown = self.try_get(self.manager(), case).await.expect("there");
        shown.steps[0].text.clone()
    }
}

#[tokio::test]
async fn m11_the_rules_of_the_site_and_of_those_above_it_hold_once_they_are_in_force() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let said = "由前任开发商负责，我们修好门";
    let propose = |text: &'static str| {
        let handler = world.handler("eng-one");
        world.propose_saying(handler, &case, text, "")
    };
    let hour = SignedDuration::from_hours(1);
    world.rules("organizations/demo", 1, OURS, hour).await;
    propose(said).await.expect("not in force yet");
    world.rules("organizations/demo", 2, OURS, -hour).await;
    let refused = propose(said).await.expect_err("a rule of the organization");
    assert_eq!(fields(&refused), ["terms.summary"]);

    let settlement = wire::CreateSettlementRequest {
        parent: "sites/lakeside".to_owned(),
        title: "roof of building 3".to_owned(),
        terms: "由前任开发商负责".to_owned(),
        needed_percent: 67,
        ..Default::default()
    };
    let settle = || {
        world
            .settlements
            .create_settlement(by(world.manager(), settlement.clone()))
    };
    assert_eq!(fields(&settle().await.expect_err("a rule")), ["terms"]);
    let kept = "SELECT count(*) FROM assignment.matter WHERE kind = 'SETTLEMENT'";
    assert_eq!(world.count(kept).await, 0, "nothing is kept of it");

    // The site's own lie over those of the organization.
    let off = "disable = ['old-owner']";
    world.rules("sites/lakeside", 1, off, -hour).await;
    propose(said).await.expect("switched off at the site");
    settle().await.expect("switched off at the site");
}

#[tokio::test]
async fn m11_what_a_rule_finds_is_let_through_by_a_person_with_authority_and_the_history_says_why()
{
    let world = World::staffed().await;
    let case = world.investigated().await;
    let rude = "一分钱一分货，修好门";
    let why = "quotes the customer";
    let handler = world.handler("eng-one");
    let refused = world.propose_saying(handler, &case, rude, why).await;
    assert_eq!(
        refused.expect_err("not theirs to let through").code(),
        Code::PermissionDenied
    );
    let manager = || world.manager();
    let proposed = world.propose_saying(manager(), &case, rude, why).await;
    let solution = proposed.expect("let through");
    let step = world.newest_step(&case).await;
    assert!(
        step.contains("you-get-what-you-pay-for") && step.contains(why),
        "{step}"
    );

    // Each change of the terms is looked at anew.
    let revise = |reason: &str| {
        let mut terms = world.terms(900);
        terms.summary = rude.to_owned();
        let request = wire::ReviseSolutionRequest {
            name: solution.name.clone(),
            terms: Some(terms),
            etag: solution.etag.clone(),
            wording_override_reason: reason.to_owned(),
            ..Default::default()
        };
        world
            .solutions
            .revise_solution(by(world.manager(), request))
    };
    for unsaid in ["", "\u{200b}"] {
        let refused = revise(unsaid).await.expect_err("no reason");
        assert_eq!(fields(&refused), ["terms.summary"]);
    }
    revise(why).await.expect("let through");
    // A reason where nothing is found says nothing.
    let plain = world.propose_saying(manager(), &case, "修好门", why).await;
    plain.expect("plain words");
    assert!(!world.newest_step(&case).await.contains(why));
}

#[tokio::test]
async fn m11_m10_an_answer_is_let_through_with_a_reason_but_never_with_money() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let decide = wire::DecideValidityRequest {
        name: World::name_of(&case),
        validity: to_wire(Validity::Unfounded),
        reason: "the stain is older than the home".to_owned(),
        evidence: vec![world.piece(&case).await],
        ..Default::default()
    };
    let decided = world.validity.decide_validity(by(world.manager(), decide));
    decided.await.expect("decided");
    let reject = |answer: &str, reason: &str| {
        let request = wire::RejectWorkRequest {
            name: World::name_of(&case),
            answer: answer.to_owned(),
            channel: to_wire(Channel::Hotline),
            wording_override_reason: reason.to_owned(),
            ..Default::default()
        };
        world.validity.reject_work(by(world.manager(), request))
    };
    let why = "the words of the court";
    let refused = reject("不属实,但我们同意补偿您1500元", why).await;
    assert_eq!(fields(&refused.expect_err("money")), ["answer"]);
    let refused = reject("您的投诉属于恶意投诉", why).await;
    let refused = refused.expect_err("section 5: it never leaves the house");
    assert_eq!(fields(&refused)[0], "answer");
    let rude = "一分钱一分货";
    let refused = reject(rude, "").await.expect_err("said");
    assert_eq!(fields(&refused), ["answer"]);
    reject(rude, why).await.expect("let through");
    let step = world.newest_step(&case).await;
    assert!(step.starts_with(rude) && step.contains(why), "{step}");
}
