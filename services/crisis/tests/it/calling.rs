//! Calling people out: deputies, stand-ins, answers.

use redress_model::words::DutyRole;
use redress_proto::crisis::v1::incident_service_server::IncidentService as _;
use redress_proto::crisis::v1::{CallOutState, IncidentMode, SwitchModeRequest};
use tonic::Code;

use crate::world::*;

async fn opened(duties: Duties<'_>) -> World {
    let world = World::new().await;
    world
        .take([site_changed("lake"), duty_changed("lake", duties, 1)])
        .await;
    world
        .take([graded(&case("lake", 1), &cluster("lake", 1), 1, &["G1.1"]).event()])
        .await;
    world
}

#[tokio::test]
async fn a_call_out_is_sent_answered_and_shown() {
    let world = opened(FULL).await;
    let voice = world
        .call_outs("lake")
        .await
        .into_iter()
        .find(|c| c.staff == staff("lake", "voice"))
        .expect("called");
    assert_eq!(
        voice.role,
        redress_proto::convert::to_wire(DutyRole::Spokesperson)
    );
    for (state, shown) in [
        ("SENT", CallOutState::Sent),
        ("ACKNOWLEDGED", CallOutState::Acknowledged),
        ("FAILED", CallOutState::Acknowledged),
    ] {
        world.take([message_changed(&voice, state)]).await;
        let role = role(&world.the_open("lake").await, DutyRole::Spokesperson);
        assert_eq!(role.call_out_state(), shown, "after {state}");
    }
}

#[tokio::test]
async fn whoever_is_not_reached_is_followed_by_the_deputy_then_by_the_next_lead() {
    let world = opened(FULL).await;
    let called = async |person: &str| {
        let all = world.call_outs("lake").await;
        all.into_iter()
            .find(|c| c.staff == staff("lake", person))
            .expect("called")
    };
    world
        .take([message_changed(&called("voice").await, "FAILED")])
        .await;
    let now = role(&world.the_open("lake").await, DutyRole::Spokesperson);
    assert_eq!(now.staff, staff("lake", "second-voice"));
    assert_eq!(now.call_out_state(), CallOutState::Requested);

    world
        .take([message_changed(&called("second-voice").await, "FAILED")])
        .await;
    let now = role(&world.the_open("lake").await, DutyRole::Spokesperson);
    assert_eq!(
        (now.staff.as_str(), now.stand_in),
        ("", staff("lake", "onsite"))
    );
    assert_eq!(
        world.call_outs("lake").await.len(),
        8,
        "the on-site lead was called already"
    );

    for lead in ["onsite", "duty", "top"] {
        world
            .take([message_changed(&called(lead).await, "FAILED")])
            .await;
    }
    let incident = world.the_open("lake").await;
    let now = role(&incident, DutyRole::Spokesperson);
    assert!(now.staff.is_empty() && now.stand_in.is_empty());
    assert_eq!(now.call_out_state(), CallOutState::Failed, "visible");
    assert!(
        incident
            .log_entries
            .iter()
            .any(|e| e.text == "SPOKESPERSON is unfilled and nobody is left to page")
    );
}

#[tokio::test]
async fn where_nobody_commands_the_duty_lead_switches_the_mode_visibly_else_the_region() {
    let duties: Duties<'_> = &[
        (DutyRole::OnSiteLead, "onsite", 0),
        (DutyRole::DutyLead, "duty", 0),
        (DutyRole::RegionContact, "region", 0),
    ];
    let world = opened(duties).await;
    let name = world.the_open("lake").await.name;
    let switch = async |by: &str, mode: IncidentMode| {
        let request = SwitchModeRequest {
            name: name.clone(),
            mode: mode.into(),
            reason: "the square is empty".into(),
            ..Default::default()
        };
        world.api.switch_mode(as_person(request, "lake", by)).await
    };
    // The duty lead stands in, so the region has no say; then nobody is reached.
    let refused = switch("region", IncidentMode::Private).await;
    assert_eq!(
        refused.expect_err("commanded").code(),
        Code::PermissionDenied
    );
    let mut tried = 0;
    loop {
        let calls = world.call_outs("lake").await;
        let Some(call) = calls.get(tried) else { break };
        world.take([message_changed(call, "FAILED")]).await;
        tried += 1;
    }
    let top = role(&world.the_open("lake").await, DutyRole::TopLead);
    assert!(top.staff.is_empty() && top.stand_in.is_empty(), "{top:?}");
    for nobody in ["onsite", "region", "clerk"] {
        let refused = switch(nobody, IncidentMode::Private).await;
        let code = refused.expect_err("is no duty lead").code();
        assert_eq!(code, Code::PermissionDenied, "{nobody}");
    }
    switch("duty", IncidentMode::Private)
        .await
        .expect("decides");
    let incident = world.the_open("lake").await;
    assert_eq!(incident.mode(), IncidentMode::Private);
    let told = |text: &str| incident.log_entries.iter().any(|e| e.text.contains(text));
    assert!(
        told("nobody commands or stands in: DUTY_LEAD on duty decided")
            && told("the square is empty")
    );
    // Where no duty lead is on duty, the region is asked.
    let only = [complains_about(&case("lake", 1), "duty", 2)];
    world.take(only).await;
    let refused = switch("duty", IncidentMode::Public).await;
    refused.expect_err("is complained about");
    switch("region", IncidentMode::Public)
        .await
        .expect("decides");
}

#[tokio::test]
async fn an_unfilled_role_pages_the_next_lead() {
    let world = opened(&[(DutyRole::DutyLead, "duty", 0)]).await;
    let incident = world.the_open("lake").await;
    for unfilled in [
        DutyRole::TopLead,
        DutyRole::OnSiteLead,
        DutyRole::LegalCounsel,
    ] {
        assert_eq!(
            role(&incident, unfilled).stand_in,
            staff("lake", "duty"),
            "{unfilled}"
        );
    }
    assert_eq!(
        world.call_outs("lake").await.len(),
        1,
        "one person is called once, whatever the number of roles"
    );
}

#[tokio::test]
async fn a_new_roster_fills_what_is_unfilled_and_leaves_people_in_place() {
    let world = opened(&[(DutyRole::DutyLead, "duty", 0)]).await;
    world
        .take([duty_changed(
            "lake",
            &[
                (DutyRole::DutyLead, "other", 0),
                (DutyRole::Spokesperson, "voice", 0),
            ],
            2,
        )])
        .await;
    let incident = world.the_open("lake").await;
    assert_eq!(
        role(&incident, DutyRole::DutyLead).staff,
        staff("lake", "duty")
    );
    assert_eq!(
        role(&incident, DutyRole::Spokesperson).staff,
        staff("lake", "voice")
    );
    // An older roster that arrives late changes nothing.
    world.take([duty_changed("lake", FULL, 1)]).await;
    assert!(
        role(&world.the_open("lake").await, DutyRole::Negotiator)
            .staff
            .is_empty()
    );
}

#[tokio::test]
async fn news_of_an_unknown_call_out_changes_nothing() {
    let world = opened(FULL).await;
    let before = world.the_open("lake").await.etag;
    let mut unknown = world.call_outs("lake").await.remove(0);
    unknown.callout_id = uuid::Uuid::from_u128(1).to_string();
    world
        .take([message_changed(&unknown, "ACKNOWLEDGED")])
        .await;
    assert_eq!(world.the_open("lake").await.etag, before);
}

#[tokio::test]
async fn whoever_leaves_the_company_is_followed_by_the_deputy() {
    let world = opened(FULL).await;
    let payload = redress_proto::event::v1::StaffChanged {
        staff: staff("lake", "voice"),
        retired: true,
        revision: 2,
        ..Default::default()
    };
    let left = event(
        "assignment",
        "redress.staff.changed.v1",
        "lake",
        "sites/lake".into(),
        &payload,
    );
    world.take([left]).await;
    let now = role(&world.the_open("lake").await, DutyRole::Spokesperson);
    assert_eq!(now.staff, staff("lake", "second-voice"));
}

#[tokio::test]
async fn whoever_comes_on_duty_later_fills_the_role_without_any_event() {
    let world = World::new().await;
    let payload = redress_proto::event::v1::DutyChanged {
        site: "sites/lake".into(),
        slots: vec![redress_proto::event::v1::DutySlot {
            role: redress_proto::convert::to_wire(DutyRole::TopLead),
            staff: staff("lake", "top"),
            rank: 0,
            start_time: Some(redress_proto::convert::to_timestamp(
                "2026-03-02T11:00:00+08:00".parse().expect("an instant"),
            )),
            end_time: None,
        }],
        revision: 1,
        ..Default::default()
    };
    world
        .take([event(
            "assignment",
            "redress.duty.changed.v1",
            "lake",
            "sites/lake".into(),
            &payload,
        )])
        .await;
    world
        .take([graded(&case("lake", 1), &cluster("lake", 1), 1, &["G1.5"]).event()])
        .await;
    let look = async || {
        world.look_at_shifts().await;
        role(&world.the_open("lake").await, DutyRole::TopLead).staff
    };
    assert_eq!(look().await, "");
    world.advance(60);
    assert_eq!(look().await, staff("lake", "top"));
    assert_eq!(world.call_outs("lake").await.len(), 1);
    let before = world.the_open("lake").await.etag;
    look().await;
    assert_eq!(
        world.the_open("lake").await.etag,
        before,
        "nothing changes while nothing changes"
    );
}

#[tokio::test]
async fn time_alone_does_not_call_again_whoever_was_not_reached() {
    let world = opened(&[(DutyRole::TopLead, "top", 0)]).await;
    world
        .take([message_changed(&world.call_outs("lake").await[0], "FAILED")])
        .await;
    world.look_at_shifts().await;
    world.advance(60);
    world.fire_due().await;
    assert_eq!(world.call_outs("lake").await.len(), 1);
    world
        .take([duty_changed("lake", &[(DutyRole::TopLead, "top", 0)], 2)])
        .await;
    assert_eq!(world.call_outs("lake").await.len(), 2, "a new roster does");
}
