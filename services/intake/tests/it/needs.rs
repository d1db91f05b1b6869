//! What a complainant says they need, what was found, and who is vulnerable (M15).

use redress_model::words::CaseStatus;
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::event::v1 as events;
use redress_proto::intake::v1 as pb;
use redress_proto::intake::v1::VulnerableGroup;
use tonic::{Code, Status};

use crate::world::{Cases, World, caller, create, dump, leak, may, reason, start};

fn said() -> pb::Needs {
    pb::Needs {
        stated: "a new ceiling".to_owned(),
        vulnerable_groups: vec![VulnerableGroup::Children.into()],
        ..Default::default()
    }
}

async fn complain(clerk: &mut Cases) -> pb::Case {
    let case = pb::Case {
        needs: Some(said()),
        ..leak()
    };
    create(clerk, case).await.expect("a case")
}

async fn needs(cases: &mut Cases, name: &str) -> Option<pb::Needs> {
    let get = pb::GetCaseRequest {
        name: name.to_owned(),
    };
    let answer = cases.get_case(get).await.expect("there").into_inner();
    answer.case.expect("a case").needs
}

async fn record(
    cases: &mut Cases,
    case: &pb::Case,
    real: &str,
    request_id: &str,
) -> Result<pb::Case, Status> {
    let request = pb::RecordNeedsRequest {
        name: case.name.clone(),
        needs: Some(pb::Needs {
            real: real.to_owned(),
            ..said()
        }),
        etag: case.etag.clone(),
        request_id: request_id.to_owned(),
    };
    let answer = cases.record_needs(request).await?;
    Ok(answer.into_inner().case.expect("a case"))
}

#[tokio::test(flavor = "multi_thread")]
async fn m15_a_case_keeps_the_stated_need_the_real_one_with_who_found_it_and_the_vulnerable() {
    let world = World::new().await;
    let mut clerk = world.cases(caller("clerk"));
    let case = complain(&mut clerk).await;
    assert!(case.grade == 0 && case.needs.is_none());
    let known = needs(&mut clerk, &case.name).await.expect("known");
    assert_eq!(known.stated, "a new ceiling");
    assert!(known.real.is_empty() && known.find_time.is_none());
    assert_eq!(known.advice.len(), 1, "a line for the children");
    assert!(known.advice[0].starts_with("children"));

    let mut handler = world.cases(caller("li-na"));
    let real = "a dry room to sleep in";
    let after = record(&mut handler, &case, real, "r1")
        .await
        .expect("found");
    let found = after.needs.clone().expect("known");
    assert_eq!(
        (found.real.as_str(), found.finder.as_str()),
        (real, "li-na")
    );
    assert_eq!(found.find_time, Some(to_timestamp(start())));
    assert_ne!(after.etag, case.etag);
    assert_eq!(needs(&mut clerk, &case.name).await, Some(found.clone()));
    // The same request again, and the same words from somebody else, change nothing (I2).
    let again = record(&mut handler, &case, real, "r1")
        .await
        .expect("known");
    assert_eq!(again, after);
    let same = record(&mut clerk, &after, real, "r2")
        .await
        .expect("the same");
    assert_eq!(same.etag, after.etag);
    assert_eq!(same.needs, Some(found));
    // Who read an older state is told (I11).
    let late = record(&mut clerk, &case, "something else", "r3").await;
    assert_eq!(late.expect_err("stale").code(), Code::Aborted);
}

#[tokio::test(flavor = "multi_thread")]
async fn m15_a_portal_reads_back_what_was_said_and_not_what_was_made_of_it() {
    let world = World::new().await;
    let mut clerk = world.cases(caller("clerk"));
    let case = complain(&mut clerk).await;
    let recorded = record(&mut clerk, &case, "a dry room", "r1").await;
    recorded.expect("found");
    let mut portal = world.cases(may(&["cases.get"]));
    assert_eq!(needs(&mut portal, &case.name).await, Some(said()));
}

#[tokio::test(flavor = "multi_thread")]
async fn m15_the_real_need_is_found_later_and_groups_are_known_words() {
    let world = World::new().await;
    let mut clerk = world.cases(caller("clerk"));
    let wrong = pb::Case {
        needs: Some(pb::Needs {
            stated: "\u{200b}".to_owned(),
            real: "a dry room".to_owned(),
            vulnerable_groups: vec![99],
            ..Default::default()
        }),
        ..leak()
    };
    let refused = create(&mut clerk, wrong)
        .await
        .expect_err("three are wrong");
    assert_eq!(refused.code(), Code::InvalidArgument);
    for field in [
        "case.needs.stated",
        "case.needs.real",
        "case.needs.vulnerable_groups[0]",
    ] {
        let details = String::from_utf8_lossy(refused.details());
        assert!(details.contains(field), "{field}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn m15_i9_needs_lie_sealed_and_go_with_the_personal_part() {
    let world = World::new().await;
    let mut clerk = world.cases(caller("clerk"));
    let case = complain(&mut clerk).await;
    let kept = dump(&world.data, "need").await;
    assert!(!kept.is_empty() && !kept.contains(&hex::encode("a new ceiling")));
    let closed = events::CaseMoved {
        case: case.name.clone(),
        status: to_wire(CaseStatus::Closed),
        epoch: 1,
        move_time: Some(to_timestamp(start())),
        ..Default::default()
    };
    world
        .deliver("assignment", "redress.case.moved.v1", &case.name, &closed)
        .await;
    let erase = pb::EraseCaseRequest {
        name: case.name.clone(),
        ..Default::default()
    };
    clerk.erase_case(erase).await.expect("erased");
    assert_eq!(dump(&world.data, "need").await, "");
    assert_eq!(needs(&mut clerk, &case.name).await, None);
    let now = pb::Case {
        etag: String::new(),
        ..case
    };
    let refused = record(&mut clerk, &now, "a dry room", "r1").await;
    assert_eq!(reason(refused, Code::FailedPrecondition), "ILLEGAL_UPDATE");
}
