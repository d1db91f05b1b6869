//! What stood in cases before others asked for it is told to them once.

use jiff::SignedDuration;
use redress_assignment::jobs::tell_what_stood::tell_due;
use redress_model::name::CaseName;
use redress_model::words::CaseStatus;
use redress_proto::assignment::v1 as wire;
use redress_proto::assignment::v1::handling_service_server::HandlingService as _;
use redress_proto::assignment::v1::staffing_service_server::StaffingService as _;
use redress_proto::convert::to_timestamp;
use redress_proto::event::v1::{PartChanged, SolutionChanged};

use crate::world::{NowPlus as _, World, by, last};

impl World {
    /// Somebody of sales helps on the case, the responsible person is to visit, and so much is approved.
    async fn stands(&self, case: &CaseName) {
        let solution = self.propose(case, 1_000).await.expect("proposed");
        self.review(self.manager(), &solution, true)
            .await
            .expect("approved");
        let ask = wire::RequestSupportRequest {
            name: Self::name_of(case),
            support: Some(wire::Support {
                department: "sites/lakeside/departments/sales".to_owned(),
                task: "explain the contract".to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        };
        let caller = self.handler("eng-one");
        let asked = self.staffing.request_support(by(caller, ask)).await;
        asked.expect("asked for");
        let plan = wire::PlanVisitRequest {
            name: Self::name_of(case),
            purpose: wire::VisitPurpose::Inspection.into(),
            plan_time: Some(to_timestamp(
                self.clock.now_plus(SignedDuration::from_hours(2)),
            )),
            ..Default::default()
        };
        let caller = self.handler("eng-one");
        let planned = self.handling.plan_visit(by(caller, plan)).await;
        planned.expect("planned");
    }

    /// As a release left it that told nobody: the migration marks the rows that there are.
    async fn forget_telling(&self) {
        for sql in [
            "DELETE FROM assignment.outbox",
            "UPDATE assignment.work SET untold = true",
        ] {
            sqlx::query(sql)
                .execute(&self.database.admin)
                .await
                .expect("changed");
        }
    }

    /// Who is said to have a part in a case, and how much may be promised.
    async fn told(&self) -> (Vec<String>, Vec<i64>) {
        let parts: Vec<PartChanged> = self.said("redress.part.changed.v1").await;
        let open = parts.iter().filter(|p| p.open);
        let mut staff: Vec<String> = open.map(|p| last(&p.staff).to_owned()).collect();
        staff.sort();
        let sums: Vec<SolutionChanged> = self.said("redress.solution.changed.v1").await;
        let may = sums.iter().filter(|s| s.may_be_promised);
        let sums = may.map(|s| s.sum.as_ref().expect("a sum").units).collect();
        (staff, sums)
    }
}

#[tokio::test]
async fn m10_m13_who_has_a_part_in_a_live_case_and_what_may_be_promised_since_before_is_told_once()
{
    let world = World::staffed().await;
    let case = world.investigated().await;
    world.stands(&case).await;
    let db = &world.database.db;
    assert_eq!(tell_due(db).await.expect("looked"), 0, "told as it came");

    world.forget_telling().await;
    assert_eq!(tell_due(db).await.expect("looked"), 1);
    let told = world.told().await;
    let staff = ["eng-one", "seller"].map(str::to_owned).to_vec();
    assert_eq!(told, (staff, vec![1_000]));
    assert_eq!(tell_due(db).await.expect("looked"), 0);
    assert_eq!(world.told().await, told, "once");
}

#[tokio::test]
async fn m10_what_stood_in_a_case_that_ended_is_told_once_it_lives_again() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    world.stands(&case).await;
    let withdrawn = world.moved(&case, CaseStatus::Withdrawn, 2);
    world.tell(&[withdrawn]).await;
    world.forget_telling().await;
    let db = &world.database.db;
    assert_eq!(tell_due(db).await.expect("looked"), 0);
    let reopened = world.moved(&case, CaseStatus::Reopened, 3);
    world.tell(&[reopened]).await;
    assert_eq!(tell_due(db).await.expect("looked"), 1);
    // The visit that eng-one was to make ended with the case (P06); the help is asked for still.
    assert_eq!(world.told().await.0, ["seller"]);
}
