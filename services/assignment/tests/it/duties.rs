//! The roster: set whole, listed, told, and told again.

use jiff::SignedDuration;
use redress_assignment::jobs::retell_duties::tell_due;
use redress_model::time::SharedClock;
use redress_model::words::DutyRole;
use redress_proto::assignment::v1 as wire;
use redress_proto::assignment::v1::roster_service_server::RosterService;
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::event::v1::DutyChanged;
use tonic::Code;
use tonic_types::StatusExt;

use crate::world::{NowPlus, World, by, last};

const DUTY: &str = "redress.duty.changed.v1";

fn duty(world: &World, role: DutyRole, staff: &str, from: i64, until: i64) -> wire::Duty {
    let at = |hours| {
        Some(to_timestamp(
            world.clock.now_plus(SignedDuration::from_hours(hours)),
        ))
    };
    wire::Duty {
        role: to_wire(role),
        staff: format!("sites/lakeside/staff/{staff}"),
        rank: 0,
        start_time: at(from),
        end_time: at(until),
    }
}

async fn set(
    world: &World,
    duties: Vec<wire::Duty>,
    etag: &str,
) -> Result<wire::SetDutiesResponse, tonic::Status> {
    let request = wire::SetDutiesRequest {
        parent: "sites/lakeside".to_owned(),
        duties,
        etag: etag.to_owned(),
    };
    let answer = world
        .roster
        .set_duties(by(world.manager(), request))
        .await?;
    Ok(answer.into_inner())
}

#[tokio::test]
async fn p07_the_whole_roster_of_the_next_fourteen_days_is_told_with_who_is_at_work() {
    let world = World::staffed().await;
    let before = world.said::<DutyChanged>(DUTY).await.len();
    let duties = vec![
        duty(&world, DutyRole::TopLead, "lead-top", 0, 24 * 90),
        duty(&world, DutyRole::DutyLead, "lead-duty", 24 * 20, 24 * 21),
        duty(&world, DutyRole::OnSiteLead, "lead-site", -9, -1),
        duty(&world, DutyRole::Handler, "eng-one", 0, 8),
    ];
    let answer = set(&world, duties.clone(), "").await.expect("set");
    assert_eq!(answer.duty_count, 4);
    let told: Vec<DutyChanged> = world.said(DUTY).await;
    assert_eq!(told.len(), before + 1);
    let newest = told.last().expect("told");
    assert!(told.windows(2).all(|w| w[0].revision < w[1].revision));
    let roles: Vec<i32> = newest.slots.iter().map(|s| s.role).collect();
    assert_eq!(roles, [DutyRole::TopLead, DutyRole::Handler].map(to_wire));

    let again = set(&world, duties, "").await.expect("the same");
    assert_eq!(again.etag, answer.etag);
    assert_eq!(
        world.said::<DutyChanged>(DUTY).await.len(),
        before + 1,
        "a repeat tells nobody"
    );
}

#[tokio::test]
async fn p16_p17_a_roster_is_told_again_once_a_day_whatever_restarts_and_by_one_replica() {
    let world = World::staffed().await;
    let clock: SharedClock = world.clock.clone();
    let replica = world.database.connect("assignment");
    let soon = vec![duty(
        &world,
        DutyRole::DutyLead,
        "lead-duty",
        24 * 14 + 1,
        24 * 15,
    )];
    set(&world, soon, "").await.expect("set");
    assert!(
        world
            .said::<DutyChanged>(DUTY)
            .await
            .last()
            .expect("told")
            .slots
            .is_empty()
    );

    // Looked at every hour, as by a process that restarts all the time.
    for _ in 0..23 {
        world.clock.advance(SignedDuration::from_hours(1));
        assert_eq!(
            tell_due(&world.database.db, &clock).await.expect("looked"),
            0
        );
    }
    let before = world.said::<DutyChanged>(DUTY).await.len();
    world.clock.advance(SignedDuration::from_hours(1));
    let (one, two) = tokio::join!(
        tell_due(&world.database.db, &clock),
        tell_due(&replica, &clock)
    );
    assert_eq!(one.expect("looked") + two.expect("looked"), 1);
    let told: Vec<DutyChanged> = world.said(DUTY).await;
    assert_eq!(told.len(), before + 1);
    assert_eq!(
        told.last().expect("told").slots.len(),
        1,
        "the horizon has moved"
    );
}

#[tokio::test]
async fn who_is_on_duty_at_an_instant_is_listed() {
    let world = World::staffed().await;
    let duties = vec![
        duty(&world, DutyRole::TopLead, "lead-top", 0, 12),
        duty(&world, DutyRole::TopLead, "lead-duty", 12, 24),
        duty(&world, DutyRole::OnSiteLead, "lead-site", 0, 24),
    ];
    let etag = set(&world, duties, "").await.expect("set").etag;
    let list = async |hours: i64, role: Option<DutyRole>| {
        let request = wire::ListDutiesRequest {
            parent: "sites/lakeside".to_owned(),
            at_time: Some(to_timestamp(
                world.clock.now_plus(SignedDuration::from_hours(hours)),
            )),
            role: role.map_or(0, to_wire),
            ..Default::default()
        };
        let answer = world
            .roster
            .list_duties(by(world.manager(), request))
            .await
            .expect("listed")
            .into_inner();
        assert_eq!(answer.etag, etag);
        let staff: Vec<String> = answer
            .duties
            .iter()
            .map(|d| last(&d.staff).to_owned())
            .collect();
        staff
    };
    assert_eq!(list(11, Some(DutyRole::TopLead)).await, ["lead-top"]);
    assert_eq!(list(12, Some(DutyRole::TopLead)).await, ["lead-duty"]);
    assert_eq!(list(12, None).await, ["lead-duty", "lead-site"]);
    assert!(list(24, None).await.is_empty());
}

#[tokio::test]
async fn every_wrong_duty_is_named_at_once_and_a_stale_etag_refused() {
    let world = World::staffed().await;
    let mut backwards = duty(&world, DutyRole::TopLead, "lead-top", 5, 4);
    backwards.rank = 1;
    let wrong = vec![
        duty(&world, DutyRole::TopLead, "lead-top", 0, 4),
        backwards,
        wire::Duty {
            staff: "sites/riverside/staff/x".to_owned(),
            ..duty(&world, DutyRole::TopLead, "lead-top", 0, 4)
        },
    ];
    let refused = set(&world, wrong, "").await.expect_err("wrong");
    assert_eq!(refused.code(), Code::InvalidArgument);
    let details = refused.get_error_details();
    let fields: Vec<&str> = details
        .bad_request()
        .expect("told")
        .field_violations
        .iter()
        .map(|v| v.field.as_str())
        .collect();
    assert_eq!(fields, ["duties[1].end_time", "duties[2].staff"]);

    let nobody = vec![duty(&world, DutyRole::TopLead, "nobody", 0, 4)];
    let refused = set(&world, nobody, "").await.expect_err("unknown");
    assert_eq!(refused.code(), Code::InvalidArgument);

    let fine = vec![duty(&world, DutyRole::TopLead, "lead-top", 0, 4)];
    let refused = set(&world, fine, "r99").await.expect_err("stale");
    assert_eq!(refused.code(), Code::Aborted);
}

#[tokio::test]
async fn a_site_that_intake_has_not_announced_has_no_roster() {
    let world = World::staffed().await;
    let request = wire::SetDutiesRequest {
        parent: "sites/nowhere".to_owned(),
        ..Default::default()
    };
    let manager = world.caller("nowhere", "manager", None);
    let refused = world
        .roster
        .set_duties(by(manager, request))
        .await
        .expect_err("unknown");
    assert_eq!(refused.code(), Code::NotFound);
}
