//! Visits that several make together (M18), for which severe cases ask.

use jiff::SignedDuration;
use redress_assignment::domain::handling::VisitPurpose;
use redress_model::name::CaseName;
use redress_model::words::{CaseMode, Category};
use redress_proto::assignment::v1 as wire;
use redress_proto::assignment::v1::handling_service_server::HandlingService;
use redress_proto::convert::to_wire;
use redress_proto::event::v1 as event;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::world::{World, by, last};

impl World {
    async fn visit_with(
        &self,
        case: &CaseName,
        participants: &[&str],
        request_id: &str,
    ) -> Result<wire::Visit, Status> {
        let request = wire::RecordVisitRequest {
            name: Self::name_of(case),
            purpose: to_wire(VisitPurpose::Inspection),
            findings: "the balcony is loose".to_owned(),
            participants: participants
                .iter()
                .map(|id| format!("sites/lakeside/staff/{id}"))
                .collect(),
            request_id: request_id.to_owned(),
            ..Default::default()
        };
        let caller = self.handler("eng-one");
        let answer = self.handling.record_visit(by(caller, request)).await?;
        Ok(answer.into_inner().visit.expect("a visit"))
    }

    async fn asks_for_joint_visit(&self, case: &CaseName) -> bool {
        let got = self.try_get(self.manager(), case).await;
        got.expect("there").joint_visit_wanted
    }
}

#[tokio::test]
async fn m18_a_severe_case_asks_for_a_joint_visit_until_one_was_made() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    assert!(!world.asks_for_joint_visit(&case).await, "grade 3");
    let payload = event::CaseGraded {
        case: case.to_string(),
        grade: 1,
        category: to_wire(Category::EngineeringQuality),
        revision: 2,
        epoch: 1,
        mode: to_wire(CaseMode::Live),
        ..Default::default()
    };
    let subject = case.to_string();
    let graver = world.event("triage", "redress.case.graded.v1", &subject, &payload);
    world.tell(&[graver]).await;
    assert!(world.asks_for_joint_visit(&case).await);
    world.visit_with(&case, &[], "").await.expect("alone");
    assert!(world.asks_for_joint_visit(&case).await, "one person went");

    world.clock.advance(SignedDuration::from_hours(1));
    let both = ["lead-duty", "lead-top"];
    let made = world.visit_with(&case, &both, "r1").await.expect("made");
    assert_eq!(last(&made.staff), "eng-one");
    let took_part: Vec<&str> = made.participants.iter().map(|name| last(name)).collect();
    assert_eq!(took_part, both);
    assert!(!world.asks_for_joint_visit(&case).await);
    // The same request again is the same visit (I2).
    let again = world.visit_with(&case, &both, "r1").await.expect("known");
    assert_eq!(again, made);
    let visits = world.visits(&case).await;
    assert_eq!(visits.len(), 2);
    assert_eq!(visits[0], made);
    assert!(visits[1].participants.is_empty());
}

#[tokio::test]
async fn m18_only_others_who_may_handle_the_case_take_part() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let facts = event::CaseFacts {
        staff_complained_about: vec!["sites/lakeside/staff/seller".to_owned()],
        revision: 2,
        ..world.facts(&case)
    };
    world.tell(&[world.updated(facts)]).await;
    for wrong in ["seller", "nobody", "eng-one"] {
        let refused = world.visit_with(&case, &[wrong], "").await;
        let refused = refused.expect_err("not a participant");
        assert_eq!(refused.code(), Code::InvalidArgument, "{wrong}");
    }
    assert!(world.visits(&case).await.is_empty());
}

#[tokio::test]
async fn m18_a_visit_that_was_made_keeps_who_took_part_and_says_so() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let made = world.visit_with(&case, &["lead-duty"], "").await;
    let made = made.expect("made");
    let again = async |participants: &[&str]| {
        let request = wire::RecordVisitRequest {
            name: World::name_of(&case),
            visit_id: made.visit_id.clone(),
            findings: "the balcony is loose".to_owned(),
            participants: participants
                .iter()
                .map(|id| format!("sites/lakeside/staff/{id}"))
                .collect(),
            ..Default::default()
        };
        let caller = world.handler("eng-one");
        let answer = world.handling.record_visit(by(caller, request)).await;
        answer.map(|answer| answer.into_inner().visit.expect("a visit"))
    };
    let wrong: [&[&str]; 3] = [&["lead-top"], &["lead-duty", "lead-top"], &[]];
    for others in wrong {
        let refused = again(others).await.expect_err("they would be dropped");
        assert_eq!(refused.code(), Code::InvalidArgument, "{others:?}");
        let details = refused.get_error_details();
        let violations = &details.bad_request().expect("told").field_violations;
        assert_eq!(violations[0].field, "participants");
    }
    assert_eq!(again(&["lead-duty"]).await.expect("the same"), made);
    assert_eq!(world.visits(&case).await, [made]);
}
