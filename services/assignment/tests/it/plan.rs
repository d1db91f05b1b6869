//! Rosters by rules: set, expanded, changed by leave and swaps, told to others, and imported.

use jiff::Timestamp;
use redress_model::words::{Category, DutyRole};
use redress_proto::assignment::v1 as wire;
use redress_proto::assignment::v1::roster_plan_service_server::RosterPlanService;
use redress_proto::assignment::v1::roster_service_server::RosterService;
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::event::v1::DutyChanged;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::world::{World, by, last};

const DUTY: &str = "redress.duty.changed.v1";

fn name(staff: &str) -> String {
    format!("sites/lakeside/staff/{staff}")
}

fn stamp(text: &str) -> Option<prost_types::Timestamp> {
    Some(to_timestamp(text.parse::<Timestamp>().expect("an instant")))
}

fn shift(id: &str, start: &str, end: &str) -> wire::Shift {
    wire::Shift {
        id: id.to_owned(),
        start_time: start.to_owned(),
        end_time: end.to_owned(),
        ..Default::default()
    }
}

fn rotation(id: &str, role: DutyRole, shift: &str, crews: &[&[&str]]) -> wire::Rotation {
    wire::Rotation {
        id: id.to_owned(),
        role: to_wire(role),
        shifts: vec![shift.to_owned()],
        crews: crews
            .iter()
            .map(|crew| wire::Crew {
                staff: crew.iter().map(|s| name(s)).collect(),
            })
            .collect(),
        days_each: 7,
        start_date: "2026-05-25".to_owned(),
        ..Default::default()
    }
}

/// The two engineers by day in weekly turns, one duty lead at night with a deputy.
fn plan() -> wire::RosterPlan {
    wire::RosterPlan {
        shifts: vec![
            shift("day", "08:00", "20:00"),
            shift("night", "20:00", "08:00"),
        ],
        rotations: vec![
            rotation(
                "engineers",
                DutyRole::Handler,
                "day",
                &[&["eng-one"], &["eng-two"]],
            ),
            rotation(
                "leads",
                DutyRole::DutyLead,
                "night",
                &[&["lead-duty", "lead-top"]],
            ),
        ],
        ..Default::default()
    }
}

async fn planned() -> World {
    let world = World::staffed().await;
    world.duties(&[]).await.expect("no fixed duties");
    set(&world, plan(), "").await.expect("set");
    world
}

async fn set(
    world: &World,
    plan: wire::RosterPlan,
    etag: &str,
) -> Result<wire::RosterPlan, Status> {
    let request = wire::SetRosterPlanRequest {
        parent: "sites/lakeside".to_owned(),
        plan: Some(plan),
        etag: etag.to_owned(),
    };
    let answer = world
        .plan
        .set_roster_plan(by(world.manager(), request))
        .await?;
    Ok(answer.into_inner().plan.expect("a plan"))
}

/// Who is on duty, as `DUTY rank person`.
async fn who(world: &World, at: &str) -> Vec<String> {
    let request = wire::ListDutySlotsRequest {
        parent: "sites/lakeside".to_owned(),
        start_time: stamp(at),
        ..Default::default()
    };
    let answer = world
        .plan
        .list_duty_slots(by(world.manager(), request))
        .await;
    let slots = answer.expect("listed").into_inner().slots;
    let mut who: Vec<String> = slots
        .iter()
        .map(|s| format!("{} {} {}", s.role, s.rank, last(&s.staff)))
        .collect();
    who.sort();
    who
}

async fn leave(
    world: &World,
    staff: &str,
    from: &str,
    until: &str,
    id: &str,
) -> Result<wire::Leave, Status> {
    let request = wire::CreateLeaveRequest {
        parent: "sites/lakeside".to_owned(),
        leave: Some(wire::Leave {
            staff: name(staff),
            start_time: stamp(from),
            end_time: stamp(until),
            ..Default::default()
        }),
        request_id: id.to_owned(),
    };
    let answer = world
        .plan
        .create_leave(by(world.manager(), request))
        .await?;
    Ok(answer.into_inner().leave.expect("leave"))
}

fn fields(status: &Status) -> Vec<String> {
    let details = status.get_error_details();
    let violations = &details.bad_request().expect("told").field_violations;
    violations.iter().map(|v| v.field.clone()).collect()
}

#[tokio::test]
async fn rules_make_the_roster_and_others_are_told_fourteen_days_of_it_with_who_is_at_work() {
    let world = planned().await;
    // Thursday of the first week, 09:00 there.
    assert_eq!(who(&world, "2026-05-28T01:00:00Z").await, ["9 0 eng-one"]);
    assert_eq!(who(&world, "2026-06-01T01:00:00Z").await, ["9 0 eng-two"]);
    let night = ["3 0 lead-duty", "3 1 lead-top"];
    assert_eq!(
        who(&world, "2026-05-28T19:00:00Z").await,
        night,
        "past midnight there"
    );

    let told: Vec<DutyChanged> = world.said(DUTY).await;
    let slots = &told.last().expect("told").slots;
    assert!(
        slots.iter().any(|s| s.role == to_wire(DutyRole::Handler)),
        "P07"
    );
    let nights = slots.iter().filter(|s| s.rank == 1).count();
    assert_eq!(nights, 14);
    let before = told.len();
    set(&world, plan(), "").await.expect("the same");
    assert_eq!(
        world.said::<DutyChanged>(DUTY).await.len(),
        before,
        "a repeat tells nobody"
    );
}

#[tokio::test]
async fn p07_who_has_no_turn_within_fourteen_days_is_told_as_on_the_roster() {
    let world = planned().await;
    let mut monthly = plan();
    monthly.rotations[0].days_each = 30;
    set(&world, monthly, "").await.expect("set");
    let told: Vec<DutyChanged> = world.said(DUTY).await;
    let told = told.last().expect("told");
    assert!(told.slots.iter().all(|s| last(&s.staff) != "eng-two"));
    let members: Vec<(&str, &[i32])> = told
        .members
        .iter()
        .map(|m| (last(&m.staff), m.roles.as_slice()))
        .collect();
    let (handler, lead) = (to_wire(DutyRole::Handler), to_wire(DutyRole::DutyLead));
    let expected: [(&str, &[i32]); 4] = [
        ("eng-one", &[handler]),
        ("eng-two", &[handler]),
        ("lead-duty", &[lead]),
        ("lead-top", &[lead]),
    ];
    assert_eq!(members, expected);
}

#[tokio::test]
async fn cases_go_to_who_is_at_work_by_the_rules() {
    let world = planned().await;
    let case = world.offered(Category::EngineeringQuality).await;
    assert_eq!(last(&world.get(&case).await.offered_to), "eng-one");
}

#[tokio::test]
async fn p14_leave_removes_a_swap_replaces_and_both_can_be_taken_back() {
    let world = planned().await;
    let (from, until) = ("2026-05-28T12:00:00Z", "2026-05-29T00:00:00Z");
    let night = "2026-05-28T15:00:00Z";
    let away = leave(&world, "lead-duty", from, until, "once")
        .await
        .expect("added");
    assert_eq!(
        who(&world, night).await,
        ["3 1 lead-top"],
        "the deputy moves up"
    );
    let again = leave(&world, "lead-duty", from, until, "once")
        .await
        .expect("I2");
    assert_eq!(again.name, away.name);

    let request = wire::CreateSwapRequest {
        parent: "sites/lakeside".to_owned(),
        swap: Some(wire::Swap {
            staff: name("lead-duty"),
            substitute: name("lead-site"),
            start_time: stamp(from),
            end_time: stamp(until),
            ..Default::default()
        }),
        request_id: String::new(),
    };
    let swap = world.plan.create_swap(by(world.manager(), request)).await;
    let swap = swap.expect("added").into_inner().swap.expect("a swap");
    assert_eq!(who(&world, night).await, ["3 0 lead-site", "3 1 lead-top"]);

    let told: Vec<DutyChanged> = world.said(DUTY).await;
    let slots = &told.last().expect("told").slots;
    assert!(slots.iter().any(|s| last(&s.staff) == "lead-site"));

    let gone = wire::DeleteSwapRequest { name: swap.name };
    world
        .plan
        .delete_swap(by(world.manager(), gone.clone()))
        .await
        .expect("gone");
    let refused = world.plan.delete_swap(by(world.manager(), gone)).await;
    assert_eq!(refused.expect_err("gone").code(), Code::NotFound);
    let gone = wire::DeleteLeaveRequest { name: away.name };
    world
        .plan
        .delete_leave(by(world.manager(), gone))
        .await
        .expect("gone");
    assert_eq!(who(&world, night).await, ["3 0 lead-duty", "3 1 lead-top"]);
}

#[tokio::test]
async fn leave_is_listed_by_pages_what_ends_last_first() {
    let world = planned().await;
    for day in 1..=3 {
        let (from, until) = (
            format!("2026-06-0{day}T00:00:00Z"),
            format!("2026-06-0{day}T10:00:00Z"),
        );
        leave(&world, "eng-one", &from, &until, "")
            .await
            .expect("added");
    }
    let mut list = wire::ListLeavesRequest {
        parent: "sites/lakeside".to_owned(),
        page_size: 2,
        after_time: stamp("2026-06-01T12:00:00Z"),
        ..Default::default()
    };
    let first = world
        .plan
        .list_leaves(by(world.manager(), list.clone()))
        .await
        .expect("listed")
        .into_inner();
    let ends: Vec<_> = first.leaves.iter().map(|l| l.end_time).collect();
    assert_eq!(
        ends,
        [stamp("2026-06-03T10:00:00Z"), stamp("2026-06-02T10:00:00Z")]
    );
    assert!(
        first.next_page_token.is_empty(),
        "the first of June is over"
    );
    list.after_time = None;
    let first = world
        .plan
        .list_leaves(by(world.manager(), list.clone()))
        .await
        .expect("listed")
        .into_inner();
    list.page_token = first.next_page_token;
    let second = world
        .plan
        .list_leaves(by(world.manager(), list))
        .await
        .expect("listed")
        .into_inner();
    assert_eq!(second.leaves.len(), 1);
}

#[tokio::test]
async fn what_does_not_fit_is_named_by_field_and_a_stale_etag_refused() {
    let world = planned().await;
    let mut wrong = plan();
    wrong.rotations[0].shifts = vec!["dawn".to_owned()];
    wrong.rotations[1].crews[0].staff[1] = name("nobody");
    let refused = set(&world, wrong, "").await.expect_err("wrong");
    let expected = [
        "plan.rotations[0].shifts[0]",
        "plan.rotations[1].crews[0].staff[1]",
    ];
    assert_eq!(fields(&refused), expected);
    let mut wrong = plan();
    wrong.rotations[0].start_date = "2026-02-30".to_owned();
    let refused = set(&world, wrong, "").await.expect_err("wrong");
    assert_eq!(fields(&refused), ["plan.rotations[0].start_date"]);
    let refused = set(&world, plan(), "r99").await.expect_err("stale");
    assert_eq!(refused.code(), Code::Aborted);

    let backwards = leave(
        &world,
        "eng-one",
        "2026-06-02T00:00:00Z",
        "2026-06-01T00:00:00Z",
        "",
    );
    assert_eq!(
        fields(&backwards.await.expect_err("wrong")),
        ["leave.end_time"]
    );
    let unknown = leave(
        &world,
        "nobody",
        "2026-06-01T00:00:00Z",
        "2026-06-02T00:00:00Z",
        "",
    );
    assert_eq!(fields(&unknown.await.expect_err("wrong")), ["leave.staff"]);
}

const FILE: &str = "role,staff,start,end\n\
    FRONT_OFFICE,desk,2026-06-01 22:00,2026-06-02 06:00\n\
    FRONT_OFFICE,desk,2026-06-02 22:00,2026-06-03 06:00\n";

/// The nights of `FILE`, as a calendar an hour ahead of the site's exports them.
const CALENDAR: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nSUMMARY:desk\r\nCATEGORIES:Front Office\r\n\
    DTSTART;TZID=Asia/Tokyo:20260601T230000\r\nDTEND;TZID=Asia/Tokyo:20260602T070000\r\n\
    RRULE:FREQ=DAILY;COUNT=2\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

async fn import(
    world: &World,
    content: &str,
    validate_only: bool,
) -> Result<wire::ImportRosterResponse, Status> {
    import_as(world, wire::RosterFormat::Csv, content, validate_only).await
}

async fn import_as(
    world: &World,
    format: wire::RosterFormat,
    content: &str,
    validate_only: bool,
) -> Result<wire::ImportRosterResponse, Status> {
    let request = wire::ImportRosterRequest {
        parent: "sites/lakeside".to_owned(),
        format: format.into(),
        content: content.to_owned(),
        validate_only,
        ..Default::default()
    };
    send(world, request).await
}

async fn send(
    world: &World,
    request: wire::ImportRosterRequest,
) -> Result<wire::ImportRosterResponse, Status> {
    let answer = world
        .plan
        .import_roster(by(world.manager(), request))
        .await?;
    Ok(answer.into_inner())
}

/// An import by whoever saw the fixed duties at this etag.
async fn import_seen(
    world: &World,
    content: &str,
    etag: &str,
) -> Result<wire::ImportRosterResponse, Status> {
    let request = wire::ImportRosterRequest {
        parent: "sites/lakeside".to_owned(),
        format: wire::RosterFormat::Csv.into(),
        content: content.to_owned(),
        etag: etag.to_owned(),
        ..Default::default()
    };
    send(world, request).await
}

#[tokio::test]
async fn a_file_is_tried_first_then_replaces_the_days_that_it_has() {
    let world = planned().await;
    let night = "2026-06-01T16:00:00Z";
    let tried = import(&world, FILE, true).await.expect("right");
    assert_eq!((tried.added_count, tried.removed_count), (2, 0));
    assert_eq!(tried.end_date, "2026-06-02");
    assert!(
        !who(&world, night).await.contains(&"1 0 desk".to_owned()),
        "only tried"
    );

    let done = import(&world, FILE, false).await.expect("right");
    assert_ne!(done.etag, tried.etag);
    assert!(who(&world, night).await.contains(&"1 0 desk".to_owned()));
    let again = import(&world, FILE, false).await.expect("a repeat");
    assert_eq!((again.added_count, again.kept_count), (0, 2));
    assert_eq!(again.etag, done.etag, "changes nothing");

    let other = "role,staff,start,end\nFRONT_OFFICE,seller,2026-06-02 22:00,2026-06-03 06:00\n";
    let tried = import(&world, other, true).await.expect("right");
    let done = import_seen(&world, other, &tried.etag).await;
    let done = done.expect("right");
    assert_eq!((done.added_count, done.removed_count), (1, 1));
    assert!(
        who(&world, night).await.contains(&"1 0 desk".to_owned()),
        "another day"
    );
}

#[tokio::test]
async fn p28_an_import_removes_no_duty_that_its_sender_did_not_see() {
    let world = planned().await;
    let added = import(&world, FILE, false).await;
    let first = added.expect("only adds: no etag is asked for");
    let other = "role,staff,start,end\nFRONT_OFFICE,seller,2026-06-02 22:00,2026-06-03 06:00\n";
    let tried = import(&world, other, true).await.expect("only asks");
    assert_eq!((tried.removed_count, &tried.etag), (1, &first.etag));
    let unseen = import(&world, other, false).await.expect_err("unseen");
    assert_eq!(unseen.code(), Code::InvalidArgument);
    assert_eq!(fields(&unseen), ["etag"]);

    let third = "role,staff,start,end\nFRONT_OFFICE,seller,2026-06-05 22:00,2026-06-06 06:00\n";
    let meanwhile = import(&world, third, false).await.expect("another day");
    let lost = import_seen(&world, other, &tried.etag).await;
    let lost = lost.expect_err("somebody was faster");
    assert_eq!(lost.code(), Code::Aborted);
    assert!(lost.message().contains(&meanwhile.etag), "{lost}");
    let done = import_seen(&world, other, &meanwhile.etag).await;
    assert_eq!(done.expect("seen").removed_count, 1);
}

#[tokio::test]
async fn a_calendar_makes_each_night_of_a_shift_that_recurs_by_the_clock_of_its_zone() {
    let world = planned().await;
    let ics = wire::RosterFormat::Icalendar;
    let tried = import_as(&world, ics, CALENDAR, true).await.expect("right");
    assert_eq!((tried.added_count, tried.removed_count), (2, 0));
    let done = import_as(&world, ics, CALENDAR, false)
        .await
        .expect("right");
    assert_eq!(done.added_count, 2);
    assert_eq!(
        (done.start_date.as_str(), done.end_date.as_str()),
        ("2026-06-01", "2026-06-02")
    );
    for (at, on_duty) in [
        ("2026-06-01T13:59:59Z", false),
        ("2026-06-01T14:00:00Z", true),
        ("2026-06-01T21:59:59Z", true),
        ("2026-06-01T22:00:00Z", false),
        ("2026-06-02T16:00:00Z", true),
        ("2026-06-03T16:00:00Z", false),
    ] {
        let who = who(&world, at).await;
        assert_eq!(who.contains(&"1 0 desk".to_owned()), on_duty, "{at}");
    }
    let same = import(&world, FILE, false).await.expect("right");
    assert_eq!((same.added_count, same.kept_count), (0, 2));
    assert_eq!(same.etag, done.etag, "the same shifts, however written");

    let wrong = CALENDAR.replace("SUMMARY:desk", "SUMMARY:nobody");
    let refused = import_as(&world, ics, &wrong, false).await;
    assert_eq!(
        fields(&refused.expect_err("wrong")),
        ["content.line[4].staff"]
    );
}

#[tokio::test]
async fn a_file_with_one_wrong_line_changes_nothing_and_names_it() {
    let world = planned().await;
    let wrong = format!("{FILE}FRONT_OFFICE,nobody,2026-06-03 22:00,2026-06-03 06:00\n");
    for validate_only in [true, false] {
        let refused = import(&world, &wrong, validate_only)
            .await
            .expect_err("wrong");
        assert_eq!(
            fields(&refused),
            ["content.line[4].staff", "content.line[4].end"]
        );
    }
    assert_eq!(world.count("SELECT count(*) FROM assignment.duty").await, 0);
    let list = wire::ListDutiesRequest {
        parent: "sites/lakeside".to_owned(),
        ..Default::default()
    };
    let fixed = world.roster.list_duties(by(world.manager(), list)).await;
    assert!(fixed.expect("listed").into_inner().duties.is_empty());
}
