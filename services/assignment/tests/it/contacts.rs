//! Contact points: sealed, opened for services only, every opening kept.

use redress_proto::assignment::v1 as wire;
use redress_proto::assignment::v1::roster_service_server::RosterService;
use redress_proto::event::v1::StaffChanged;
use tonic::Code;
use tonic_types::StatusExt;

use crate::world::{World, by};

const PHONE: &str = "+86 138-0013-8000";
const MAIL: &str = "Wang.Fang@example.com";

fn contact(kind: wire::ContactKind, value: &str) -> wire::ContactPoint {
    wire::ContactPoint {
        kind: kind.into(),
        value: value.to_owned(),
    }
}

#[tokio::test]
async fn an_account_is_one_persons() {
    let world = world_with_wang().await;
    let mut second = world.new_staff("wang-second", "sales");
    second.staff.as_mut().expect("set").account = "wang@corp".to_owned();
    let refused = world.roster.create_staff(by(world.manager(), second)).await;
    let refused = refused.expect_err("wang-fang's account");
    assert_eq!(refused.code(), Code::AlreadyExists);
    let told = refused.get_details_error_info().expect("with its reason");
    assert_eq!(told.reason, "ALREADY_EXISTS");
    assert!(!refused.message().contains("wang@corp"), "names no account");

    let taken_over = wire::UpdateStaffRequest {
        staff: Some(wire::Staff {
            name: "sites/lakeside/staff/seller".to_owned(),
            account: "wang@corp".to_owned(),
            ..Default::default()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["account".to_owned()],
        }),
        ..Default::default()
    };
    let refused = world.roster.update_staff(by(world.manager(), taken_over));
    let refused = refused.await.expect_err("wang-fang's account");
    assert_eq!(refused.code(), Code::AlreadyExists);
    assert_eq!(world.get_staff("seller").await.account, "");
}

async fn world_with_wang() -> World {
    let world = World::staffed().await;
    let mut request = world.new_staff("wang-fang", "sales");
    let staff = request.staff.as_mut().expect("set");
    staff.languages = vec!["en".to_owned(), "zh-CN".to_owned()];
    staff.account = "wang@corp".to_owned();
    staff.contact_points = vec![
        contact(wire::ContactKind::Phone, PHONE),
        contact(wire::ContactKind::Email, MAIL),
    ];
    let answer = world
        .roster
        .create_staff(by(world.manager(), request))
        .await
        .expect("added");
    let staff = answer.into_inner().staff.expect("a person");
    assert!(staff.contact_points.is_empty(), "answers carry none");
    assert_eq!(
        staff.contact_kinds().collect::<Vec<_>>(),
        [wire::ContactKind::Phone, wire::ContactKind::Email]
    );
    world
}

fn read() -> wire::ReadStaffContactPointsRequest {
    wire::ReadStaffContactPointsRequest {
        name: "sites/lakeside/staff/wang-fang".to_owned(),
        purpose: "callout".to_owned(),
    }
}

#[tokio::test]
async fn a_service_opens_contact_points_in_order_and_every_opening_is_kept() {
    let world = world_with_wang().await;
    let answer = world
        .roster
        .read_staff_contact_points(by(world.service("notification"), read()))
        .await
        .expect("a service")
        .into_inner();
    let values: Vec<&str> = answer
        .contact_points
        .iter()
        .map(|p| p.value.as_str())
        .collect();
    assert_eq!(values, ["13800138000", "wang.fang@example.com"]);
    assert_eq!(answer.language, "en");
    let told: Vec<StaffChanged> = world.said("redress.staff.changed.v1").await;
    let newest = told.last().expect("told");
    assert_eq!(newest.revision, answer.revision);
    assert_eq!(
        (newest.account.as_str(), newest.language.as_str()),
        ("wang@corp", "en")
    );
    let kept = "SELECT count(*) FROM assignment.contact_access WHERE service = 'notification' AND purpose = 'callout'";
    assert_eq!(world.count(kept).await, 1);
}

#[tokio::test]
async fn who_renames_a_department_has_its_people_told_of_anew_and_nobody_is_overwritten() {
    let world = world_with_wang().await;
    let told = async || {
        world
            .said::<StaffChanged>("redress.staff.changed.v1")
            .await
            .len()
    };
    let before = told().await;
    let name = "sites/lakeside/departments/sales".to_owned();
    let get = wire::GetDepartmentRequest { name };
    let found = world.roster.get_department(by(world.manager(), get)).await;
    let seen = found.expect("there").into_inner().department.expect("one");
    let rename = |english: &str, etag: &str, request_id: &str| wire::UpdateDepartmentRequest {
        department: Some(wire::Department {
            display_name_en: english.to_owned(),
            ..seen.clone()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["display_name_en".to_owned()],
        }),
        etag: etag.to_owned(),
        request_id: request_id.to_owned(),
    };
    for _ in 0..2 {
        let request = rename("Sales Office", &seen.etag, "r1");
        let answer = world
            .roster
            .update_department(by(world.manager(), request))
            .await;
        let renamed = answer
            .expect("renamed")
            .into_inner()
            .department
            .expect("one");
        assert_eq!(
            (
                renamed.display_name.as_str(),
                renamed.display_name_en.as_str()
            ),
            (seen.display_name.as_str(), "Sales Office")
        );
        assert_ne!(renamed.etag, seen.etag);
    }
    let service = world.service("notification");
    let points = world
        .roster
        .read_staff_contact_points(by(service, read()))
        .await;
    let points = points.expect("a service").into_inner();
    assert_eq!(points.department_display_name_en, "Sales Office");
    let people = "SELECT count(*) FROM assignment.staff WHERE department = 'sales' AND NOT retired";
    let people = usize::try_from(world.count(people).await).expect("a count");
    assert_eq!(told().await, before + people, "each once");

    let stale = rename("Selling", &seen.etag, "r2");
    let refused = world
        .roster
        .update_department(by(world.manager(), stale))
        .await;
    assert_eq!(refused.expect_err("P28").code(), Code::Aborted);
    let mut other = rename("Selling", "", "r3");
    other.update_mask = Some(prost_types::FieldMask {
        paths: vec!["categories".to_owned()],
    });
    let refused = world
        .roster
        .update_department(by(world.manager(), other))
        .await;
    assert_eq!(refused.expect_err("no name").code(), Code::InvalidArgument);
}

#[tokio::test]
async fn people_never_get_contact_points_whatever_their_role() {
    let world = world_with_wang().await;
    let refused = world
        .roster
        .read_staff_contact_points(by(world.manager(), read()))
        .await
        .expect_err("a person");
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert_eq!(
        world
            .count("SELECT count(*) FROM assignment.contact_access")
            .await,
        0
    );
}

#[tokio::test]
async fn i9_contact_points_lie_sealed_and_leave_in_no_event() {
    let world = world_with_wang().await;
    for canary in ["13800138000", "wang.fang@example.com"] {
        for table in ["staff_contact", "staff", "outbox", "receipt", "data_key"] {
            let sql = format!(
                "SELECT count(*) FROM assignment.{table} t WHERE t::text LIKE $1 OR t::text LIKE $2"
            );
            let found: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
                .bind(format!("%{canary}%"))
                .bind(format!("%{}%", hex::encode(canary)))
                .fetch_one(&world.database.admin)
                .await
                .expect("searched");
            assert_eq!(found, 0, "{canary} in {table}");
        }
    }
}

#[tokio::test]
async fn a_retired_person_is_reached_no_more() {
    let world = world_with_wang().await;
    world.retire("wang-fang").await;
    let answer = world
        .roster
        .read_staff_contact_points(by(world.service("notification"), read()))
        .await
        .expect("a service")
        .into_inner();
    assert!(answer.retired);
    assert!(answer.contact_points.is_empty());
}

#[tokio::test]
async fn wrong_contact_points_are_named_without_their_value() {
    let world = World::staffed().await;
    let mut request = world.new_staff("li-na", "sales");
    request.staff.as_mut().expect("set").contact_points = vec![
        contact(wire::ContactKind::Phone, "call me"),
        contact(wire::ContactKind::Email, "nowhere"),
    ];
    let refused = world
        .roster
        .create_staff(by(world.manager(), request))
        .await
        .expect_err("wrong");
    assert_eq!(refused.code(), Code::InvalidArgument);
    let details = refused.get_error_details();
    let violations = &details.bad_request().expect("told").field_violations;
    let fields: Vec<&str> = violations.iter().map(|v| v.field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "staff.contact_points[0].value",
            "staff.contact_points[1].value"
        ]
    );
    assert!(!refused.message().contains("nowhere"));
}
