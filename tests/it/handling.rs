//! A handled complaint through all services: a dissatisfied complainant has it opened again, a satisfied one has it
//! closed, whatever is killed between the steps (I1, I3, M16).

use redress_model::words::{CaseStatus, Channel, ClockKind, ClockState, Word as _};
use redress_proto::assignment::v1 as work;
use redress_proto::convert::to_wire;
use redress_proto::intake::v1::{Case, Complainant, CreateCaseRequest, GetCaseRequest};
use redress_proto::triage::v1::ListClocksRequest;
use redress_testkit::eventually;
use redress_tests::{Platform, SITE};
use uuid::Uuid;

use crate::{PATIENCE, telemetry};

pub(crate) async fn complain(platform: &Platform, matter: &str) -> Case {
    let request = CreateCaseRequest {
        parent: format!("sites/{SITE}"),
        request_id: Uuid::new_v4().to_string(),
        case: Some(Case {
            channel: to_wire(Channel::Visit),
            complainants: vec![Complainant {
                display_name: "业主".to_owned(),
                email: format!("{}@example.com", Uuid::new_v4().simple()),
                ..Default::default()
            }],
            text: matter.to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let answer = platform.callers().cases().create_case(request).await;
    let answer = answer.expect("the complaint is taken in").into_inner();
    answer.case.expect("the answer carries the case")
}

/// Waits until intake and assignment say the same of a case.
pub(crate) async fn stands(
    platform: &Platform,
    case: &str,
    status: CaseStatus,
    epoch: i64,
) -> work::Work {
    eventually(PATIENCE, async || {
        let request = GetCaseRequest {
            name: case.to_owned(),
        };
        let answer = platform.callers().cases().get_case(request).await;
        let seen = answer.map_err(|s| s.to_string())?.into_inner();
        let seen = seen.case.unwrap_or_default();
        let request = work::GetWorkRequest {
            name: of(case),
            ..Default::default()
        };
        let answer = platform.callers().work().get_work(request).await;
        let known = answer.map_err(|s| s.to_string())?.into_inner();
        let known = known.work.unwrap_or_default();
        let both = [(seen.status, seen.epoch), (known.status, known.epoch)];
        if both == [(status.number(), epoch); 2] {
            Ok(known)
        } else {
            Err(format!("intake and assignment: {both:?}"))
        }
    })
    .await
}

/// Waits until a promise of a case stands so.
async fn promise(platform: &Platform, case: &str, kind: ClockKind, state: ClockState) {
    eventually(PATIENCE, async || {
        let request = ListClocksRequest {
            parent: format!("sites/{SITE}"),
            case: case.to_owned(),
            ..Default::default()
        };
        let answer = platform.callers().clocks().list_clocks(request).await;
        let clocks = answer.map_err(|s| s.to_string())?.into_inner().clocks;
        let found = clocks.iter().find(|c| c.kind == kind.number());
        let found = found.map(|c| c.state);
        (found == Some(state.number()))
            .then_some(())
            .ok_or_else(|| format!("{kind} is {found:?}"))
    })
    .await;
}

pub(crate) fn of(case: &str) -> String {
    case.replacen("/cases/", "/work/", 1)
}

/// From the offer to the resolution, on the spot.
async fn handle(platform: &Platform, case: &str) {
    let name = of(case);
    let mut client = platform.callers().work();
    let accept = work::AcceptAssignmentRequest {
        name: name.clone(),
        ..Default::default()
    };
    client.accept_assignment(accept).await.expect("offered");
    let progress = work::LogProgressRequest {
        name: name.clone(),
        text: "looked".to_owned(),
        ..Default::default()
    };
    client.log_progress(progress).await.expect("accepted");
    let resolve = work::ResolveWorkRequest {
        name,
        summary: "sealed".to_owned(),
        root_cause: "a loose joint".to_owned(),
        ..Default::default()
    };
    client.resolve_work(resolve).await.expect("investigated");
}

async fn follow_up(platform: &Platform, case: &str, satisfaction: work::Satisfaction) {
    let request = work::FollowUpWorkRequest {
        name: of(case),
        satisfaction: satisfaction.into(),
        channel: to_wire(Channel::Hotline),
        ..Default::default()
    };
    // Somebody else than who resolved it asks.
    let asker = platform
        .callers()
        .at(&[SITE], "manager")
        .staff(&format!("sites/{SITE}/staff/top-lead"));
    asker
        .handling()
        .follow_up_work(request)
        .await
        .expect("resolved");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m16_the_dissatisfied_are_heard_again_and_the_satisfied_closed_whatever_is_killed_between()
{
    let platform = Platform::start().await;
    for (victim, matter) in [
        ("intake", "卫生间漏水,天花板起皮"),
        ("triage", "电梯按钮失灵,等了很久"),
        ("assignment", "楼道灯不亮,晚上看不清"),
        ("notification", "小区门禁坏了,一直没有修"),
    ] {
        let case = complain(&platform, matter).await.name;
        let offered = stands(&platform, &case, CaseStatus::Assigned, 1).await;
        handle(&platform, &case).await;
        stands(&platform, &case, CaseStatus::Resolved, 1).await;
        let kind = ClockKind::FollowUpVisit;
        promise(&platform, &case, kind, ClockState::Running).await;

        // Dissatisfied: assignment asks, intake moves, assignment offers it to who handled it.
        follow_up(&platform, &case, work::Satisfaction::Dissatisfied).await;
        platform.kill(victim);
        platform.restart(victim).await;
        let again = stands(&platform, &case, CaseStatus::Assigned, 2).await;
        assert_eq!(again.offered_to, offered.offered_to, "{victim}");

        // Satisfied: closed by somebody who did not resolve it.
        handle(&platform, &case).await;
        follow_up(&platform, &case, work::Satisfaction::Satisfied).await;
        platform.kill(victim);
        platform.restart(victim).await;
        promise(&platform, &case, kind, ClockState::Met).await;
        let close = work::CloseWorkRequest {
            name: of(&case),
            ..Default::default()
        };
        let reviewer = platform
            .callers()
            .at(&[SITE], "manager")
            .staff(&format!("sites/{SITE}/staff/top-lead"));
        let closed = reviewer.handling().close_work(close).await;
        let closed = closed.expect("reviewed").into_inner().work;
        let closed = closed.expect("the work");
        assert_eq!(closed.outcome(), work::Outcome::BothSatisfied, "{victim}");
        platform.kill(victim);
        platform.restart(victim).await;
        stands(&platform, &case, CaseStatus::Closed, 2).await;
    }
    platform.deliver_everything_again().await;
    telemetry::assert_documented(&platform.collector);
}
