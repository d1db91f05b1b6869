//! I8: nobody reads or changes what belongs to another site.

use redress_model::words::Category;
use redress_proto::assignment::v1 as wire;
use redress_proto::assignment::v1::roster_plan_service_server::RosterPlanService;
use redress_proto::assignment::v1::roster_service_server::RosterService;
use redress_proto::assignment::v1::work_service_server::WorkService;
use redress_rpc::Caller;
use tonic::{Code, Response, Status};

use crate::world::{World, by, site};

fn refused<T>(answer: Result<Response<T>, Status>) -> Code {
    answer.err().map_or(Code::Ok, |status| status.code())
}

/// Callers who may do everything, elsewhere: at another site, in another region, and nowhere at all.
fn strangers(world: &World) -> Vec<Caller> {
    let neighbour = world.caller("riverside", "manager", None);
    let mut south = neighbour.clone();
    south.sites.clear();
    south.regions = vec![
        "organizations/demo/regions/south"
            .parse()
            .expect("a region"),
    ];
    let mut nowhere = neighbour.clone();
    nowhere.sites.clear();
    vec![neighbour, south, nowhere]
}

#[tokio::test]
async fn i8_another_site_sees_and_changes_nothing() {
    let world = World::staffed().await;
    world.learn(&site("riverside")).await;
    let case = world.offered(Category::EngineeringQuality).await;
    let before = world.get(&case).await;
    let name = World::name_of(&case);
    let parent = "sites/lakeside".to_owned();
    let person = "sites/lakeside/staff/eng-one".to_owned();
    let request = wire::CreateLeaveRequest {
        parent: parent.clone(),
        leave: Some(wire::Leave {
            staff: person.clone(),
            start_time: Some(prost_types::Timestamp::default()),
            end_time: Some(prost_types::Timestamp {
                seconds: 1,
                nanos: 0,
            }),
            ..Default::default()
        }),
        ..Default::default()
    };
    let leave = world.plan.create_leave(by(world.manager(), request)).await;
    let leave = leave
        .expect("added")
        .into_inner()
        .leave
        .expect("leave")
        .name;
    for caller in strangers(&world) {
        let (roster, plan, work) = (&world.roster, &world.plan, &world.work);
        let ask = || caller.clone();
        macro_rules! hidden {
            ($service:ident.$method:ident($request:expr)) => {
                assert_eq!(
                    refused($service.$method(by(ask(), $request)).await),
                    Code::NotFound,
                    stringify!($method)
                );
            };
        }
        hidden!(work.get_work(wire::GetWorkRequest {
            name: name.clone(),
            ..Default::default()
        }));
        hidden!(work.accept_assignment(wire::AcceptAssignmentRequest {
            name: name.clone(),
            ..Default::default()
        }));
        hidden!(work.log_progress(wire::LogProgressRequest {
            name: name.clone(),
            text: "x".to_owned(),
            request_id: "r".to_owned(),
            ..Default::default()
        }));
        hidden!(work.resolve_work(wire::ResolveWorkRequest {
            name: name.clone(),
            summary: "x".to_owned(),
            root_cause: "x".to_owned(),
            ..Default::default()
        }));
        hidden!(roster.get_department(wire::GetDepartmentRequest {
            name: "sites/lakeside/departments/sales".to_owned()
        }));
        hidden!(roster.get_staff(wire::GetStaffRequest {
            name: person.clone()
        }));
        hidden!(roster.create_department(wire::CreateDepartmentRequest {
            parent: parent.clone(),
            department_id: "intruder".to_owned(),
            department: Some(wire::Department {
                display_name: "x".to_owned(),
                ..Default::default()
            }),
            request_id: "r".to_owned(),
        }));
        hidden!(roster.update_department(wire::UpdateDepartmentRequest {
            department: Some(wire::Department {
                name: "sites/lakeside/departments/sales".to_owned(),
                display_name: "x".to_owned(),
                ..Default::default()
            }),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["display_name".to_owned()]
            }),
            ..Default::default()
        }));
        hidden!(roster.create_staff(world.new_staff("intruder", "")));
        hidden!(roster.update_staff(wire::UpdateStaffRequest {
            staff: Some(wire::Staff {
                name: person.clone(),
                retired: true,
                ..Default::default()
            }),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["retired".to_owned()]
            }),
            ..Default::default()
        }));
        hidden!(roster.set_duties(wire::SetDutiesRequest {
            parent: parent.clone(),
            ..Default::default()
        }));
        hidden!(roster.list_duties(wire::ListDutiesRequest {
            parent: parent.clone(),
            ..Default::default()
        }));
        hidden!(plan.get_roster_plan(wire::GetRosterPlanRequest {
            name: "sites/lakeside/rosterPlan".to_owned()
        }));
        hidden!(plan.set_roster_plan(wire::SetRosterPlanRequest {
            parent: parent.clone(),
            plan: Some(wire::RosterPlan::default()),
            ..Default::default()
        }));
        hidden!(plan.list_duty_slots(wire::ListDutySlotsRequest {
            parent: parent.clone(),
            start_time: Some(prost_types::Timestamp::default()),
            ..Default::default()
        }));
        hidden!(plan.create_leave(wire::CreateLeaveRequest {
            parent: parent.clone(),
            leave: Some(wire::Leave {
                staff: person.clone(),
                start_time: Some(prost_types::Timestamp::default()),
                end_time: Some(prost_types::Timestamp {
                    seconds: 1,
                    nanos: 0
                }),
                ..Default::default()
            }),
            ..Default::default()
        }));
        hidden!(plan.delete_leave(wire::DeleteLeaveRequest {
            name: leave.clone()
        }));
        hidden!(plan.import_roster(wire::ImportRosterRequest {
            parent: parent.clone(),
            format: 1,
            content: "role,staff,start,end\n".to_owned(),
            ..Default::default()
        }));

        let mut service = ask();
        service.service = Some("notification".to_owned());
        let request = wire::ReadStaffContactPointsRequest {
            name: person.clone(),
            purpose: "x".to_owned(),
        };
        assert_eq!(
            refused(roster.read_staff_contact_points(by(service, request)).await),
            Code::NotFound
        );

        hidden!(plan.list_leaves(wire::ListLeavesRequest {
            parent: parent.clone(),
            ..Default::default()
        }));
        hidden!(plan.list_swaps(wire::ListSwapsRequest {
            parent: parent.clone(),
            ..Default::default()
        }));

        // A site that is none of theirs looks as one that does not exist, and all of theirs hold nothing of it.
        for (parent, expected) in [
            ("sites/lakeside", Code::NotFound),
            ("sites/nowhere", Code::NotFound),
            ("sites/-", Code::Ok),
        ] {
            macro_rules! nothing {
                ($service:ident.$method:ident($request:ident).$rows:ident) => {
                    let list = wire::$request {
                        parent: parent.to_owned(),
                        ..Default::default()
                    };
                    let answer = $service.$method(by(ask(), list)).await;
                    let rows = answer.as_ref().map_or(0, |a| a.get_ref().$rows.len());
                    let what = stringify!($method);
                    assert_eq!((refused(answer), rows), (expected, 0), "{what} of {parent}");
                };
            }
            nothing!(work.list_work(ListWorkRequest).work);
            nothing!(roster.list_staff(ListStaffRequest).staff);
            nothing!(roster.list_departments(ListDepartmentsRequest).departments);
        }
    }
    assert_eq!(world.get(&case).await, before);
    assert_eq!(
        world
            .count("SELECT count(*) FROM assignment.staff WHERE retired OR id = 'intruder'")
            .await,
        0
    );
    assert_eq!(world.count("SELECT count(*) FROM assignment.duty").await, 7);
    assert_eq!(
        world.count("SELECT count(*) FROM assignment.leave").await,
        1
    );
    assert_eq!(
        world
            .count("SELECT count(*) FROM assignment.roster_plan")
            .await,
        0
    );
}

#[tokio::test]
async fn i8_a_caller_of_the_region_sees_its_sites() {
    let world = World::staffed().await;
    let case = world.offered(Category::EngineeringQuality).await;
    let mut caller = world.manager();
    caller.sites.clear();
    caller.regions = vec![
        "organizations/demo/regions/north"
            .parse()
            .expect("a region"),
    ];
    assert!(world.try_get(caller, &case).await.is_ok());
}

#[tokio::test]
async fn i8_every_table_with_a_site_is_under_forced_row_security() {
    let world = World::empty().await;
    let open = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'site'
                WHERE n.nspname = 'assignment' AND c.relkind IN ('r', 'p')
                  AND NOT (c.relrowsecurity AND c.relforcerowsecurity)";
    assert_eq!(world.count(open).await, 0);
}

#[tokio::test]
async fn history_and_audit_rows_can_only_be_added() {
    let world = World::staffed().await;
    let can_change = "SELECT count(*) FROM information_schema.role_table_grants
                      WHERE table_schema = 'assignment' AND table_name IN ('work_step', 'contact_access', 'hints_access')
                        AND grantee IN ('redress_assignment_app', 'redress_assignment_worker')
                        AND privilege_type NOT IN ('SELECT', 'INSERT')";
    assert_eq!(world.count(can_change).await, 0);
}
