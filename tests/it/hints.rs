//! Hints on how to speak with a complainant (M14), from the switch in triage's policy to assignment: off, on, and off again.

use redress_model::words::CaseStatus;
use redress_proto::assignment::v1 as work;
use redress_proto::triage::v1::ApplyPolicyRequest;
use redress_proto::triage::v1::policy_service_client::PolicyServiceClient;
use redress_testkit::eventually;
use redress_tests::{Platform, SITE};
use tonic::{Code, Status};

use crate::PATIENCE;
use crate::handling::{complain, of, stands};

/// Revises the policy of the site.
async fn switch(platform: &Platform, on: bool) {
    let request = ApplyPolicyRequest {
        parent: format!("sites/{SITE}"),
        document: format!("hints: {{ enabled: {on} }}"),
        reason: "agreed with the data protection officer".to_owned(),
        ..Default::default()
    };
    PolicyServiceClient::new(platform.callers().channel("triage"))
        .apply_policy(request)
        .await
        .expect("the policy is sound");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m14_a_policy_switches_hints_on_for_the_responsible_person_and_off_again_with_what_was_kept()
 {
    let platform = Platform::start().await;
    let case = complain(&platform, "卫生间漏水,天花板起皮").await.name;
    let offered = stands(&platform, &case, CaseStatus::Assigned, 1).await;
    let callers = || platform.callers().at(&[SITE], "handler");
    let responsible = || callers().staff(&offered.offered_to);
    let name = of(&case);
    let accept = work::AcceptAssignmentRequest {
        name: name.clone(),
        ..Default::default()
    };
    let accepted = responsible().work().accept_assignment(accept).await;
    accepted.expect("it is theirs");

    let set = async || {
        let request = work::SetHintsRequest {
            name: name.clone(),
            motive: work::Motive::Venting.into(),
            ..Default::default()
        };
        let answer = responsible().handling().set_hints(request).await?;
        Ok::<_, Status>(answer.into_inner())
    };
    let read = async || {
        let request = work::GetHintsRequest { name: name.clone() };
        let answer = responsible().handling().get_hints(request).await?;
        Ok::<_, Status>(answer.into_inner().hints.unwrap_or_default().motive())
    };
    let refused = set().await.expect_err("off as shipped");
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused}");

    switch(&platform, true).await;
    eventually(PATIENCE, async || {
        set().await.map(drop).map_err(|status| status.to_string())
    })
    .await;
    let motive = read().await.expect("on");
    assert_eq!(motive, work::Motive::Venting);
    let manager = platform.callers().at(&[SITE], "manager");
    let request = work::GetHintsRequest { name: name.clone() };
    let hidden = manager.handling().get_hints(request).await;
    let hidden = hidden.expect_err("not responsible");
    assert_eq!(hidden.code(), Code::PermissionDenied, "{hidden}");

    switch(&platform, false).await;
    eventually(PATIENCE, async || match read().await {
        Err(status) if status.code() == Code::FailedPrecondition => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    switch(&platform, true).await;
    eventually(PATIENCE, async || match read().await {
        Ok(work::Motive::Unspecified) => Ok(()),
        other => Err(format!("what was kept is deleted: {other:?}")),
    })
    .await;
}
