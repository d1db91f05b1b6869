//! Policies of three levels: what holds where, who may change it, and that nothing reaches back.

use jiff::{SignedDuration, Timestamp};
use redress_model::words::{CaseStatus, ClockKind, DutyRole, SiteKind};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::event::v1 as event;
use redress_proto::triage::v1 as wire;
use redress_proto::triage::v1::clock_service_server::ClockService as _;
use redress_proto::triage::v1::policy_service_server::PolicyService;
use redress_proto::words::Signal;
use redress_rpc::Caller;
use redress_store::{Operation, Scope, Tx};
use redress_triage::domain::policies::PolicyScope;
use redress_triage::jobs::{CalendarKeeper, PolicyKeeper};
use redress_triage::store::policies::{self, Revision};
use tonic::{Code, Status};

use crate::world::{World, at, by, site, time};

const ORGANIZATION: &str = "organizations/demo";
const REGION: &str = "organizations/demo/regions/north";
const SITE: &str = "sites/lakeside";

/// Acts for the whole organization, for a region of it, or for nothing.
fn head_office(world: &World) -> Caller {
    let mut caller = world.manager();
    caller.sites.clear();
    caller.organizations = vec!["demo".parse().expect("a slug")];
    caller
}

fn of_region(world: &World, name: &str) -> Caller {
    let mut caller = world.manager();
    caller.sites.clear();
    caller.regions = vec![name.parse().expect("a region")];
    caller
}

fn asked(parent: &str, document: &str) -> wire::ApplyPolicyRequest {
    wire::ApplyPolicyRequest {
        parent: parent.to_owned(),
        document: document.to_owned(),
        reason: "agreed in the board".to_owned(),
        ..Default::default()
    }
}

async fn send(
    world: &World,
    caller: Caller,
    request: wire::ApplyPolicyRequest,
) -> Result<wire::PolicyRevision, Status> {
    let answer = world.rpc.apply_policy(by(caller, request)).await?;
    Ok(answer.into_inner().revision.expect("a revision"))
}

/// Applies from now on.
async fn apply(world: &World, parent: &str, document: &str) -> wire::PolicyRevision {
    let answer = send(world, all(world), asked(parent, document)).await;
    answer.expect("applied")
}

/// Acts for the organization and for the site.
fn all(world: &World) -> Caller {
    Caller {
        organizations: vec!["demo".parse().expect("a slug")],
        ..world.manager()
    }
}

async fn get(world: &World, at: Option<Timestamp>) -> wire::Policy {
    let request = wire::GetPolicyRequest {
        name: format!("{SITE}/policy"),
        as_of_time: at.map(to_timestamp),
    };
    let answer = world.rpc.get_policy(by(world.manager(), request)).await;
    answer
        .expect("a policy")
        .into_inner()
        .policy
        .expect("a policy")
}

fn value(policy: &wire::Policy, field: &str) -> (String, String) {
    let value = policy
        .values
        .iter()
        .find(|v| v.field == field)
        .expect(field);
    let origin = value.origin.as_ref().expect("an origin");
    let by = match origin.level() {
        wire::PolicyLevel::Profile => format!("profile {}", origin.scope),
        _ => format!("{} {}", origin.scope, origin.revision),
    };
    (value.value.clone(), by)
}

async fn list(world: &World, caller: Caller, parent: &str) -> Vec<wire::PolicyRevision> {
    try_list(world, caller, parent).await.expect("listed")
}

async fn try_list(
    world: &World,
    caller: Caller,
    parent: &str,
) -> Result<Vec<wire::PolicyRevision>, Status> {
    let request = wire::ListPolicyRevisionsRequest {
        parent: parent.to_owned(),
        ..Default::default()
    };
    let answer = world.rpc.list_policy_revisions(by(caller, request)).await?;
    Ok(answer.into_inner().revisions)
}

async fn preview(world: &World, parent: &str, document: &str) -> wire::PreviewPolicyResponse {
    preview_from(world, parent, document, world.now()).await
}

/// What a document would do that holds from an instant on.
async fn preview_from(
    world: &World,
    parent: &str,
    document: &str,
    from: Timestamp,
) -> wire::PreviewPolicyResponse {
    let request = wire::PreviewPolicyRequest {
        parent: parent.to_owned(),
        document: document.to_owned(),
        effective_time: Some(to_timestamp(from)),
        ..Default::default()
    };
    let answer = world.rpc.preview_policy(by(all(world), request)).await;
    answer.expect("previewed").into_inner()
}

async fn take_effect(world: &World) -> u32 {
    let keeper = PolicyKeeper::new(world.rpc.0.desk.clone());
    keeper.take_effect().await.expect("effective")
}

/// A case of so many people together.
async fn crowd(world: &World, headcount: i32) -> redress_model::name::CaseName {
    let case = world.new_case();
    let facts = event::CaseFacts {
        headcount,
        ..world.facts(&case)
    };
    world.tell(&[world.received(facts)]).await;
    case
}

#[tokio::test]
async fn each_level_changes_what_it_names_and_the_origin_of_every_value_is_told() {
    let world = World::new().await;
    let shipped = get(&world, None).await;
    assert_eq!(
        (shipped.profile.as_str(), shipped.revision),
        ("residential", 1)
    );
    apply(
        &world,
        ORGANIZATION,
        "grading: { group_major: 8, group: 4 }",
    )
    .await;
    apply(&world, REGION, "grading: { group: 5 }").await;
    apply(&world, SITE, "clocks: { RESOLVE: [ { length: 3 days } ] }").await;
    let policy = get(&world, None).await;
    assert_eq!(policy.revision, 4);
    let set = |field: &str| value(&policy, field);
    assert_eq!(
        set("grading.group_major"),
        ("8".to_owned(), format!("{ORGANIZATION} 1"))
    );
    assert_eq!(
        set("grading.group"),
        ("5".to_owned(), format!("{REGION} 1"))
    );
    assert_eq!(
        set("clocks.RESOLVE"),
        (r#"[{"length":"3 days"}]"#.to_owned(), format!("{SITE} 1"))
    );
    assert_eq!(set("grading.similar_cases").1, "profile residential");
    let levels: Vec<String> = policy.origins.iter().map(|o| o.scope.clone()).collect();
    assert_eq!(levels, ["residential", ORGANIZATION, REGION, SITE]);
    // And cases are graded and promised by it.
    let case = crowd(&world, 8).await;
    let decision = world.decision(&case).await;
    assert_eq!((decision.grade, decision.policy_revision), (1, 4));
    let clock = world
        .clocks(&case)
        .await
        .remove(&ClockKind::Resolve)
        .expect("promised");
    assert_eq!(clock.policy_revision, 4);
    assert_eq!(
        time(&clock.due_time),
        world.now() + SignedDuration::from_hours(72)
    );
}

#[tokio::test]
async fn p10_switching_a_policy_on_does_not_breach_older_cases() {
    let world = World::new().await;
    let old = world.case().await;
    world.advance(SignedDuration::from_hours(3)).await;
    let before = world.clocks(&old).await;
    let pages = world.pages().await.len();
    apply(
        &world,
        ORGANIZATION,
        "clocks: { RESOLVE: [ { length: 1 hour } ], ANSWER: [ { length: 1 hour } ] }",
    )
    .await;
    assert_eq!(take_effect(&world).await, 1);
    let after = world.clocks(&old).await;
    for (kind, clock) in &after {
        let was = &before[kind];
        assert_eq!(clock.due_time, was.due_time, "{kind}");
        assert_eq!(
            (clock.policy_revision, clock.state),
            (was.policy_revision, was.state),
            "{kind}"
        );
    }
    assert_eq!(world.pages().await.len(), pages);
    let new = world.case().await;
    let clock = &world.clocks(&new).await[&ClockKind::Resolve];
    assert_eq!(
        time(&clock.due_time),
        world.now() + SignedDuration::from_hours(1)
    );
    // What is asked for again is a new promise.
    let past = to_timestamp(world.now() - SignedDuration::from_mins(5));
    let request = wire::ApplyPolicyRequest {
        effective_time: Some(past),
        ..asked(ORGANIZATION, "{}")
    };
    let refused = send(&world, head_office(&world), request)
        .await
        .expect_err("the past");
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(
        refused.message().contains("must not have passed"),
        "{refused}"
    );
}

#[tokio::test]
async fn p10_what_came_in_before_a_policy_is_promised_by_the_one_that_held_then() {
    let world = World::new().await;
    let late = world.new_case();
    let facts = world.facts(&late);
    world.advance(SignedDuration::from_hours(2)).await;
    apply(&world, SITE, "clocks: { RESOLVE: [ { length: 1 hour } ] }").await;
    world.tell(&[world.received(facts)]).await;
    let clock = &world.clocks(&late).await[&ClockKind::Resolve];
    assert_eq!(clock.policy_revision, 1);
    assert_eq!(time(&clock.due_time), at("2026-03-09T09:00:00+08:00"));
    // It is graded by what holds now.
    assert_eq!(world.decision(&late).await.policy_revision, 2);
}

#[tokio::test]
async fn p10_a_policy_that_promises_more_starts_nothing_on_a_case_from_before_it() {
    let world = World::new().await;
    let less = "clocks: { ACKNOWLEDGE: [], START_INVESTIGATION: [], ANSWER: [] }";
    apply(&world, SITE, less).await;
    assert_eq!(take_effect(&world).await, 1);
    // One that somebody complains of, and one that a monitor found.
    let (case, found) = (world.case().await, crowd(&world, 0).await);
    world.tell(&[world.contact(&case, false, true, true)]).await;
    let moved = world.moved("assignment", &case, CaseStatus::Investigating, 1);
    world.tell(&[moved]).await;
    world.advance(SignedDuration::from_hours(1)).await;
    let seen = preview(&world, SITE, "{}").await;
    assert!(seen.effects.is_empty(), "{seen:?}");
    apply(&world, SITE, "{}").await;
    assert_eq!(take_effect(&world).await, 1);
    let promised = async |case| {
        let clocks = world.clocks(case).await;
        let kinds = [
            ClockKind::Acknowledge,
            ClockKind::StartInvestigation,
            ClockKind::Answer,
        ];
        kinds.map(|kind| clocks.get(&kind).map(|clock| time(&clock.start_time)))
    };
    // Whatever decides it again: a word, a fact that makes it graver, somebody who complains after all.
    world.tell(&[world.contact(&case, false, true, true)]).await;
    let hurt = Signal {
        kind: to_wire(redress_model::words::SignalKind::Injury),
        basis: to_wire(redress_model::words::SignalBasis::Reported),
        ..Default::default()
    };
    let recorded = world.record(world.manager(), &case, hurt, "").await;
    recorded.expect("recorded");
    assert_eq!(world.decision(&case).await.grade, 1);
    assert_eq!(promised(&case).await, [None; 3]);
    let complained = event::CaseFacts {
        revision: 2,
        received_time: Some(to_timestamp(world.now() - SignedDuration::from_hours(1))),
        ..world.facts(&found)
    };
    world.tell(&[world.updated(complained)]).await;
    assert_eq!(promised(&found).await, [None; 3]);
    // What holds by now promises it to whoever comes in, and to whoever complains of what came in under it.
    let found = crowd(&world, 0).await;
    let start = Some(world.now());
    assert_eq!(promised(&found).await, [None, start, None]);
    world.advance(SignedDuration::from_hours(1)).await;
    let complained = event::CaseFacts {
        revision: 2,
        ..world.facts(&found)
    };
    world.tell(&[world.updated(complained)]).await;
    let now = Some(world.now());
    assert_eq!(promised(&found).await, [now, start, now]);
}

#[tokio::test]
async fn who_is_promised_no_acknowledgement_is_kept_informed_and_asked_after_it_all_the_same_m16() {
    let world = World::new().await;
    apply(&world, SITE, "clocks: { ACKNOWLEDGE: [] }").await;
    let (case, monitored) = (world.new_case(), world.new_case());
    let found = event::CaseFacts {
        headcount: 0,
        ..world.facts(&monitored)
    };
    let received = [world.received(world.facts(&case)), world.received(found)];
    world.tell(&received).await;
    world.tell(&[world.contact(&case, false, true, true)]).await;
    let hurt = Signal {
        kind: to_wire(redress_model::words::SignalKind::Injury),
        basis: to_wire(redress_model::words::SignalBasis::Reported),
        ..Default::default()
    };
    let recorded = world.record(world.manager(), &case, hurt, "").await;
    recorded.expect("recorded");
    let clocks = world.clocks(&case).await;
    assert!(!clocks.contains_key(&ClockKind::Acknowledge));
    assert!(clocks.contains_key(&ClockKind::InterimUpdate));
    for (of, asked) in [(&case, true), (&monitored, false)] {
        let resolved = world.moved("assignment", of, CaseStatus::Resolved, 1);
        world.tell(&[resolved]).await;
        let clocks = world.clocks(of).await;
        let visit = clocks.contains_key(&ClockKind::FollowUpVisit);
        assert_eq!(visit, asked, "{of}");
    }
}

#[tokio::test]
async fn p26_applying_moves_no_deadline_and_the_preview_says_which_it_would() {
    let world = World::new().await;
    world
        .roster(&[
            (DutyRole::OnSiteLead, "lead-site"),
            (DutyRole::DutyLead, "lead-duty"),
            (DutyRole::TopLead, "lead-top"),
            (DutyRole::Spokesperson, "voice"),
        ])
        .await;
    let case = crowd(&world, 9).await;
    let calm = world.case().await;
    world.advance(SignedDuration::from_hours(26)).await;
    let document = "grading: { group_major: 9 }\nclocks: { RESOLVE: [ { length: 1 day } ] }";
    let before = world.clocks(&case).await;
    let seen = preview(&world, SITE, document).await;
    assert_eq!(
        (seen.case_count, seen.regraded_count, seen.clock_count),
        (2, 1, 2)
    );
    let effect = &seen.effects[0];
    assert_eq!(
        (effect.case.as_str(), effect.grade, effect.grade_after),
        (case.to_string().as_str(), 2, 1)
    );
    let clock = &effect.clocks[0];
    assert_eq!(clock.kind, to_wire(ClockKind::Resolve));
    assert_eq!(clock.due_time, before[&ClockKind::Resolve].due_time);
    assert_eq!(time(&clock.due_time_after), at("2026-03-03T09:00:00+08:00"));
    assert!(clock.late_after);
    assert_eq!(seen.effects[1].case, calm.to_string());
    // The incident of the case that becomes grade 1 would call out whoever is on duty, and where nobody is the next lead
    // above (section 9); the first lead would be paged about both.
    assert_eq!(seen.paged_count, 4);
    let called: Vec<(&str, i32)> = seen
        .pages
        .iter()
        .map(|p| (crate::world::last(&p.staff), p.case_count))
        .collect();
    let expected = [
        ("lead-site", 1),
        ("lead-duty", 1),
        ("lead-top", 1),
        ("voice", 1),
        ("lead-site", 1),
        ("lead-site", 1),
        ("lead-site", 1),
    ];
    assert_eq!(called, expected);
    assert_eq!(
        (seen.late_pages.len(), seen.late_pages[0].case_count),
        (1, 2)
    );
    assert_eq!(seen.late_pages[0].role, to_wire(DutyRole::OnSiteLead));
    // A preview changes nothing.
    assert_eq!(
        world
            .count("SELECT count(*) FROM triage.policy_revision")
            .await,
        0
    );
    assert_eq!(world.decision(&case).await.grade, 2);

    apply(&world, SITE, document).await;
    take_effect(&world).await;
    let decision = world.decision(&case).await;
    assert_eq!((decision.grade, decision.cause.as_str()), (1, "policy"));
    for (kind, clock) in world.clocks(&case).await {
        assert_eq!(clock.due_time, before[&kind].due_time, "{kind}");
        assert_eq!(clock.grade, 1, "{kind}");
    }
    // A later regrade takes the lengths that the clock pins, not the new ones.
    let signal = Signal {
        kind: 4,
        basis: 1,
        ..Default::default()
    };
    let before = world.clocks(&calm).await;
    world
        .record(world.manager(), &calm, signal, "")
        .await
        .expect("recorded");
    let clock = &world.clocks(&calm).await[&ClockKind::Resolve];
    assert_eq!(world.decision(&calm).await.grade, 1);
    assert_eq!(
        clock.due_time,
        before[&ClockKind::Resolve].due_time,
        "a rise never moves it later"
    );
    assert_eq!(clock.policy_revision, 1);
}

/// A policy holds from its instant on, and whatever decides a case before it is graded again decides it by that policy.
#[tokio::test]
async fn p26_a_contact_before_the_regrade_moves_no_deadline_and_what_it_promises_is_new() {
    let world = World::new().await;
    let (case, spoken) = (crowd(&world, 9).await, crowd(&world, 9).await);
    world.advance(SignedDuration::from_mins(30)).await;
    let before = world.clocks(&case).await;
    apply(&world, SITE, "grading: { group_major: 9 }").await;
    world
        .tell(&[world.contact(&case, true, false, false)])
        .await;
    let decision = world.decision(&case).await;
    assert_eq!((decision.grade, decision.cause.as_str()), (1, "contact"));
    let stands = async || {
        for (kind, clock) in world.clocks(&case).await {
            assert_eq!(clock.due_time, before[&kind].due_time, "{kind}");
            assert_eq!(clock.grade, 1, "{kind}");
        }
    };
    stands().await;
    // A promise that is made by then is the new policy's, of the grade that it gives.
    world
        .tell(&[world.contact(&spoken, false, true, false)])
        .await;
    let update = &world.clocks(&spoken).await[&ClockKind::InterimUpdate];
    assert_eq!((update.grade, update.policy_revision), (1, 2));
    let day = SignedDuration::from_hours(24);
    assert_eq!(time(&update.due_time), world.now() + day);
    // Nothing is left to say when the cases are graded again.
    assert_eq!(take_effect(&world).await, 1);
    assert_eq!(world.decision(&case).await.cause, "contact");
    stands().await;
}

#[tokio::test]
async fn p26_facts_before_the_regrade_move_deadlines_as_always_and_no_further() {
    let world = World::new().await;
    let (before, during, after) = (world.case().await, world.case().await, world.case().await);
    let due = async |case| time(&world.clocks(case).await[&ClockKind::Acknowledge].due_time);
    let routine = due(&during).await;
    let grows = async |case| {
        let facts = event::CaseFacts {
            headcount: 9,
            revision: 2,
            ..world.facts(case)
        };
        world.tell(&[world.updated(facts)]).await;
        world.decision(case).await.grade
    };
    assert_eq!(grows(&before).await, 2);
    let grave = due(&before).await;
    assert_ne!(grave, routine);
    apply(&world, SITE, "grading: { group_major: 9 }").await;
    // Nine people made it grade 2 before, too; that they make it grade 1 is the policy's alone.
    assert_eq!(grows(&during).await, 1);
    let acknowledge = &world.clocks(&during).await[&ClockKind::Acknowledge];
    assert_eq!((acknowledge.grade, time(&acknowledge.due_time)), (1, grave));
    take_effect(&world).await;
    assert_eq!(world.decision(&before).await.grade, 1);
    assert_eq!((due(&before).await, due(&during).await), (grave, grave));
    // From then on the policy is what stood when the facts changed.
    assert_eq!(due(&after).await, routine);
    assert_eq!(grows(&after).await, 1);
    let quarter = SignedDuration::from_mins(15);
    assert_eq!(due(&after).await, world.now() + quarter);
}

/// A crowd of nine, received then, that complains of the same lift as others who say this.
async fn crowd_about_a_lift(world: &World, received: Timestamp) -> redress_model::name::CaseName {
    let case = world.new_case();
    world.say(&case, "三号楼电梯又停运了,老人上下楼很困难。");
    let facts = event::CaseFacts {
        headcount: 9,
        received_time: Some(to_timestamp(received)),
        ..world.facts(&case)
    };
    world.tell(&[world.received(facts)]).await;
    case
}

/// How many people a preview would have paged about how many cases each, without repeats.
fn called(seen: &wire::PreviewPolicyResponse) -> (i32, Vec<i32>) {
    let mut cases: Vec<i32> = seen.pages.iter().map(|page| page.case_count).collect();
    cases.dedup();
    (seen.paged_count, cases)
}

#[tokio::test]
async fn a_case_that_a_policy_makes_grave_calls_nobody_where_the_incident_of_its_cluster_is_open_i6()
 {
    let world = World::new().await;
    let document = "grading: { group_major: 9 }";
    let grave = crowd_about_a_lift(&world, world.now()).await;
    let other = crowd_about_a_lift(&world, world.now()).await;
    let cluster = world.decision(&grave).await.cluster;
    assert_eq!(world.decision(&other).await.cluster, cluster);
    // Both rise: one opens the incident, the other joins it. A third case of another matter opens its own.
    let seen = preview(&world, SITE, document).await;
    assert_eq!((seen.regraded_count, called(&seen)), (2, (3, vec![1])));
    let elsewhere = crowd(&world, 9).await;
    assert_ne!(world.decision(&elsewhere).await.cluster, cluster);
    let seen = preview(&world, SITE, document).await;
    assert_eq!((seen.regraded_count, called(&seen)), (3, (3, vec![2])));

    let lawsuit = Signal {
        kind: to_wire(redress_model::words::SignalKind::Litigation),
        basis: 1,
        ..Default::default()
    };
    let recorded = world.record(world.manager(), &grave, lawsuit, "").await;
    recorded.expect("recorded");
    assert_eq!(world.decision(&grave).await.grade, 1);
    let seen = preview(&world, SITE, document).await;
    assert_eq!((seen.regraded_count, called(&seen)), (2, (3, vec![1])));
    // Its incident stays while it is resolved, and is over when it has ended.
    for (source, status, epoch, cases) in [
        ("assignment", CaseStatus::Resolved, 1, 1),
        ("intake", CaseStatus::Withdrawn, 2, 2),
    ] {
        let moved = world.moved(source, &grave, status, epoch);
        world.tell(&[moved]).await;
        let seen = preview(&world, SITE, document).await;
        let expected = (2, (3, vec![cases]));
        assert_eq!((seen.regraded_count, called(&seen)), expected, "{status}");
    }
}

#[tokio::test]
async fn a_case_that_an_age_makes_grave_by_then_opens_the_incident_that_others_join_by_a_policy_g1_7()
 {
    let world = World::new().await;
    let old = world.now() - SignedDuration::from_hours(24 * 10);
    let first = crowd_about_a_lift(&world, old).await;
    let other = crowd_about_a_lift(&world, world.now()).await;
    let cluster = world.decision(&first).await.cluster;
    assert_eq!(world.decision(&other).await.cluster, cluster);
    // A month after the first, less than one after the other.
    let from = world.now() + SignedDuration::from_hours(24 * 24);
    let document = "grading: { group_major: 9 }";
    let seen = preview_from(&world, SITE, document, from).await;
    assert_eq!((seen.regraded_count, called(&seen)), (1, (0, vec![])));
}

#[tokio::test]
async fn a_preview_names_whoever_stands_in_for_a_role_that_nobody_fills_each_once_m10() {
    let world = World::without_roster().await;
    let document = "grading: { group_major: 9 }";
    let case = world.new_case();
    let facts = event::CaseFacts {
        headcount: 9,
        staff_complained_about: vec!["sites/lakeside/staff/lead-site".to_owned()],
        ..world.facts(&case)
    };
    world.tell(&[world.received(facts)]).await;
    let on_duty = async |duties: Vec<(DutyRole, &str)>| {
        world.roster(&duties).await;
        let seen = preview(&world, SITE, document).await;
        let staff = |page: &wire::PolicyPage| crate::world::last(&page.staff).to_owned();
        let named: Vec<String> = seen.pages.iter().map(staff).collect();
        (seen.paged_count, named)
    };
    assert_eq!(on_duty(Vec::new()).await, (0, vec![String::new(); 7]));
    // The one lead on duty is accused: then the region is called, in every role, once.
    let (lead, region) = (
        (DutyRole::OnSiteLead, "lead-site"),
        (DutyRole::RegionContact, "region"),
    );
    let called = (1, vec!["region".to_owned(); 7]);
    assert_eq!(on_duty(vec![lead, region]).await, called);
    // Upward first, the region last.
    let top = (DutyRole::TopLead, "lead-top");
    let called = (1, vec!["lead-top".to_owned(); 7]);
    assert_eq!(on_duty(vec![lead, top, region]).await, called);
}

#[tokio::test]
async fn a_case_that_a_policy_makes_grave_leaves_less_time_to_acknowledge_and_the_same_deadline_p26()
 {
    let world = World::new().await;
    let case = crowd(&world, 9).await;
    let due = async || time(&world.clocks(&case).await[&ClockKind::Acknowledge].due_time);
    let before = due().await;
    let minute = SignedDuration::from_mins(1);
    // Who was paged at the deadline has an hour to acknowledge.
    world
        .advance(world.now().duration_until(before) + minute * 10)
        .await;
    apply(&world, SITE, "grading: { group_major: 9 }").await;
    take_effect(&world).await;
    assert_eq!(world.decision(&case).await.grade, 1);
    assert_eq!(due().await, before);
    world.advance(minute * 20).await;
    let pages = world.pages_about(ClockKind::Acknowledge).await;
    let told: Vec<_> = pages
        .iter()
        .map(|p| (time(&p.transition_time), p.level))
        .collect();
    assert_eq!(told, [(before, 1), (before + minute * 25, 1)]);
}

#[tokio::test]
async fn p26_a_preview_lists_what_would_move_and_counts_what_is_broken_apart() {
    let world = World::new().await;
    let broken = world.case().await;
    // Seven days end where five working days do: another length, and no deadline moves. It would warn at another time.
    let seen = preview(&world, SITE, "clocks: { RESOLVE: [ { length: 7 days } ] }").await;
    assert_eq!(
        (seen.clock_count, seen.step_count, seen.broken_count),
        (0, 1, 0)
    );
    let clock = &seen.effects[0].clocks[0];
    assert_eq!(clock.due_time, clock.due_time_after);
    assert_ne!(clock.warn_time, clock.warn_time_after);

    world.advance(SignedDuration::from_hours(24 * 9)).await;
    let resolve = &world.clocks(&broken).await[&ClockKind::Resolve];
    let breached = to_wire(redress_model::words::ClockState::Breached);
    assert_eq!(resolve.state, breached);
    let kept = world.case().await;
    let seen = preview(&world, SITE, "clocks: { RESOLVE: [ { length: 1 day } ] }").await;
    assert_eq!((seen.clock_count, seen.broken_count), (1, 1));
    let cases: Vec<&String> = seen.effects.iter().map(|e| &e.case).collect();
    assert_eq!(cases, [&kept.to_string()]);
    assert_eq!(seen.effects[0].clocks.len(), 1);
    assert!(seen.late_pages.is_empty());
}

#[tokio::test]
async fn a_preview_honours_what_was_held_p04_p26() {
    use redress_proto::triage::v1::clock_service_server::ClockService as _;
    let world = World::new().await;
    let (case, other) = (world.case().await, world.case().await);
    // Ten hours of the first day are not ours.
    let request = wire::HoldCaseRequest {
        parent: case.to_string(),
        reason: to_wire(redress_model::words::HoldReason::Customer),
        until_time: Some(to_timestamp(world.now() + SignedDuration::from_hours(10))),
        note: "away".to_owned(),
        request_id: String::new(),
    };
    let held = world.rpc.hold_case(by(world.manager(), request)).await;
    held.expect("held");
    world.advance(SignedDuration::from_hours(26)).await;
    let seen = preview(&world, SITE, "clocks: { RESOLVE: [ { length: 1 day } ] }").await;
    let of = |case: &redress_model::name::CaseName| {
        let effect = seen.effects.iter().find(|e| e.case == case.to_string());
        let clock = &effect.expect("changes").clocks[0];
        (time(&clock.due_time_after), clock.late_after)
    };
    // 19:00 is closed, so the next opening.
    assert_eq!(of(&case), (at("2026-03-04T09:00:00+08:00"), false));
    assert_eq!(of(&other), (at("2026-03-03T09:00:00+08:00"), true));
    assert_eq!((seen.case_count, seen.truncated), (2, false));
}

#[tokio::test]
async fn a_preview_names_every_case_page_by_page_and_counts_all_on_each() {
    let world = World::new().await;
    let calm = world.case().await;
    let mut grave = Vec::new();
    for _ in 0..3 {
        grave.push(crowd(&world, 9).await.to_string());
    }
    let document = "grading: { group_major: 9 }\nclocks: { RESOLVE: [ { length: 1 day } ] }";
    let ask = async |document: &str, page_size: i32, page_token: &str| {
        let request = wire::PreviewPolicyRequest {
            parent: SITE.to_owned(),
            document: document.to_owned(),
            page_size,
            page_token: page_token.to_owned(),
            ..Default::default()
        };
        world.rpc.preview_policy(by(all(&world), request)).await
    };
    let mut listed: Vec<Vec<String>> = Vec::new();
    let mut token = String::new();
    loop {
        let answer = ask(document, 2, token.as_str()).await;
        let seen = answer.expect("previewed").into_inner();
        assert_eq!(
            (seen.case_count, seen.regraded_count, seen.clock_count),
            (4, 3, 4)
        );
        assert_eq!(seen.pages.len(), 7);
        assert_eq!(seen.truncated, !seen.next_page_token.is_empty());
        listed.push(seen.effects.into_iter().map(|e| e.case).collect());
        token = seen.next_page_token;
        if token.is_empty() {
            break;
        }
        // Of another document it says nothing.
        let other = ask("grading: { group_major: 8 }", 2, token.as_str()).await;
        let refused = other.expect_err("another question");
        assert_eq!(refused.code(), Code::InvalidArgument);
    }
    // The gravest first, of those the oldest case.
    let expected = [
        grave[..2].to_vec(),
        vec![grave[2].clone(), calm.to_string()],
    ];
    assert_eq!(listed, expected);
}

/// What a preview says of the promise of this kind of its first case.
fn promise(seen: &wire::PreviewPolicyResponse, kind: ClockKind) -> &wire::ClockEffect {
    let clocks = &seen.effects[0].clocks;
    let found = clocks.iter().find(|clock| clock.kind == to_wire(kind));
    found.expect("would run otherwise")
}

#[tokio::test]
async fn p26_a_preview_of_new_hours_says_which_deadlines_would_move() {
    let world = World::new().await;
    let case = world.case().await;
    let before = world.clocks(&case).await;
    let document = "working_time: { weekdays: [ \"10:00-12:00\", \"13:00-18:00\" ] }";
    let seen = preview(&world, SITE, document).await;
    // New hours come with the next day, so what is due on this one is as before.
    assert_eq!(
        (seen.clock_count, seen.step_count, seen.broken_count),
        (2, 0, 0)
    );
    for (kind, day) in [
        (ClockKind::Answer, "2026-03-03"),
        (ClockKind::Resolve, "2026-03-09"),
    ] {
        let clock = promise(&seen, kind);
        let due = (time(&clock.due_time), time(&clock.due_time_after));
        let expected = ["09", "10"].map(|hour| at(&format!("{day}T{hour}:00:00+08:00")));
        assert_eq!(due, (expected[0], expected[1]), "{kind}");
    }
    // By when they would hold, the answer is given or broken.
    let from = at("2026-03-05T09:00:00+08:00");
    let later = preview_from(&world, SITE, document, from).await;
    assert_eq!(
        later.effective_time,
        Some(to_timestamp(from)),
        "it says as of when"
    );
    let moved: Vec<i32> = later.effects[0].clocks.iter().map(|c| c.kind).collect();
    assert_eq!(moved, [to_wire(ClockKind::Resolve)]);

    // Applying moves none of them, and what is promised on the next day counts by the new hours.
    apply(&world, SITE, document).await;
    take_effect(&world).await;
    let keeper = CalendarKeeper::new(world.rpc.0.desk.clone());
    assert_eq!(keeper.follow_all().await.expect("followed"), 1);
    assert_eq!(keeper.catch_up().await.expect("looked"), 0);
    for (kind, clock) in world.clocks(&case).await {
        assert_eq!(clock.due_time, before[&kind].due_time, "{kind}");
    }
    world.advance(SignedDuration::from_hours(24)).await;
    let new = world.case().await;
    let answer = &world.clocks(&new).await[&ClockKind::Answer];
    assert_eq!(time(&answer.due_time), at("2026-03-04T10:00:00+08:00"));
}

#[tokio::test]
async fn p26_a_preview_of_hours_that_the_site_states_itself_says_that_nothing_would_move() {
    use redress_proto::triage::v1::calendar_service_server::CalendarService as _;
    let world = World::new().await;
    let own = wire::ImportCalendarRequest {
        name: format!("{SITE}/calendar"),
        hours: Some(wire::WeeklyHours {
            monday: own_hours(),
            tuesday: own_hours(),
            wednesday: own_hours(),
            thursday: own_hours(),
            friday: own_hours(),
            make_up: own_hours(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let stated = world.rpc.import_calendar(by(world.manager(), own)).await;
    stated.expect("imported");
    world.case().await;
    let document = "working_time: { weekdays: [ \"10:00-12:00\", \"13:00-18:00\" ] }";
    let seen = preview(&world, SITE, document).await;
    assert_eq!(
        (seen.case_count, seen.clock_count, seen.step_count),
        (1, 0, 0)
    );
}

fn own_hours() -> Option<wire::DayHours> {
    Some(wire::DayHours {
        intervals: vec!["08:00-20:00".to_owned()],
    })
}

#[tokio::test]
async fn p26_a_preview_that_grades_nothing_anew_reads_the_facts_only_of_what_an_age_grades_by_then()
{
    let world = World::new().await;
    let case = world.case().await;
    let request = wire::StartClockRequest {
        parent: case.to_string(),
        kind: to_wire(ClockKind::OutsideDeadline),
        term: Some(wire::start_clock_request::Term::DueTime(to_timestamp(
            world.now() + SignedDuration::from_hours(24 * 90),
        ))),
        party: "12345".to_owned(),
        ..Default::default()
    };
    let started = world.rpc.start_clock(by(world.manager(), request)).await;
    started.expect("started");
    let document = "shares: { warn: 60 }";
    let grades = |seen: &wire::PreviewPolicyResponse| {
        let effect = &seen.effects[0];
        (effect.grade, effect.grade_without, effect.grade_after)
    };
    let soon = preview(&world, SITE, document).await;
    assert_eq!(grades(&soon), (4, 4, 4));
    // By itself it is grade 2 then, and 1 still later.
    let from = |days: i64| world.now() + SignedDuration::from_hours(24 * days);
    for (days, grade) in [(16, 2), (40, 1)] {
        let seen = preview_from(&world, SITE, document, from(days)).await;
        assert_eq!(grades(&seen), (4, grade, grade), "{days}");
    }
    // Whoever asks for no facts does not miss them.
    sqlx::query("REVOKE SELECT ON triage.signal FROM redress_triage_app")
        .execute(&world.database.admin)
        .await
        .expect("hidden");
    assert_eq!(preview(&world, SITE, document).await, soon);
    let ask = async |document: &str, from| {
        let request = wire::PreviewPolicyRequest {
            parent: SITE.to_owned(),
            document: document.to_owned(),
            effective_time: Some(to_timestamp(from)),
            ..Default::default()
        };
        world.rpc.preview_policy(by(all(&world), request)).await
    };
    assert!(ask(document, from(16)).await.is_err());
    assert!(ask("grading: { group: 4 }", world.now()).await.is_err());
}

#[tokio::test]
async fn p26_a_preview_of_new_shares_says_which_warnings_and_climbs_would_move() {
    let world = World::new().await;
    let case = world.case().await;
    let document = "shares: { warn: 50, warn_early: { OUTSIDE_DEADLINE: 25 }, climb_duty: 25 }";
    let seen = preview(&world, SITE, document).await;
    assert_eq!(
        (seen.clock_count, seen.step_count, seen.broken_count),
        (0, 4, 0)
    );
    // Four working hours over lunch: due at 14:00.
    let clock = promise(&seen, ClockKind::Acknowledge);
    let hour = |hour: u32| at(&format!("2026-03-02T{hour}:00:00+08:00"));
    for (stays, would, expected) in [
        (&clock.due_time, &clock.due_time_after, (14, 14)),
        (&clock.warn_time, &clock.warn_time_after, (12, 11)),
        (&clock.duty_lead_time, &clock.duty_lead_time_after, (16, 15)),
        (&clock.top_lead_time, &clock.top_lead_time_after, (18, 18)),
    ] {
        let expected = (hour(expected.0), hour(expected.1));
        assert_eq!((time(stays), time(would)), expected);
    }
    // At 14:30 two of them are broken, and one of those would still have climbed at another time: that mends nothing.
    world.advance(SignedDuration::from_mins(330)).await;
    let seen = preview(&world, SITE, document).await;
    assert_eq!(
        (seen.clock_count, seen.step_count, seen.broken_count),
        (0, 2, 1)
    );

    let before = world.clocks(&case).await;
    apply(&world, SITE, document).await;
    take_effect(&world).await;
    let instants = |c: &wire::CaseClock| (c.warn_time, c.due_time, c.duty_lead_time);
    for (kind, clock) in world.clocks(&case).await {
        assert_eq!(instants(&clock), instants(&before[&kind]), "{kind}");
    }
    // Half of four working hours.
    let new = world.case().await;
    let clock = &world.clocks(&new).await[&ClockKind::Acknowledge];
    assert_eq!(time(&clock.warn_time), at("2026-03-02T16:30:00+08:00"));
}

#[tokio::test]
async fn p26_a_preview_of_a_new_ladder_says_that_running_promises_page_by_it_too() {
    let world = World::new().await;
    world.case().await;
    let document = "ladder: { rungs: [ DUTY_LEAD, ON_SITE_LEAD, TOP_LEAD ], pages: 3 }";
    let seen = preview(&world, SITE, document).await;
    assert_eq!((seen.clock_count, seen.step_count), (0, 0));
    assert!(seen.effects.is_empty());
    let ladder = &seen.ladders[0];
    assert_eq!((ladder.site.as_str(), ladder.clock_count), (SITE, 4));
    let terms = |of: &Option<wire::LadderTerms>| of.clone().expect("a ladder");
    let (before, after) = (terms(&ladder.before), terms(&ladder.after));
    let roles = [DutyRole::OnSiteLead, DutyRole::DutyLead, DutyRole::TopLead].map(to_wire);
    assert_eq!(before.rungs, roles);
    assert_eq!(after.rungs, [roles[1], roles[0], roles[2]]);
    assert_eq!((before.page_count, after.page_count), (2, 3));
    assert_eq!(after.acknowledge_within, "1 hour");
    assert_eq!(after.acknowledge_within_grade_one, "15 minutes");
    // What changes neither clocks nor ladder says so.
    let other = preview(&world, SITE, "grading: { group: 4 }").await;
    assert!(other.ladders.is_empty() && other.effects.is_empty());

    // That is what happens: the promise was made before, and its breach goes to the new first rung.
    apply(&world, SITE, document).await;
    world.advance(SignedDuration::from_mins(301)).await;
    let pages = world.pages_about(ClockKind::Acknowledge).await;
    let told: Vec<&str> = pages
        .iter()
        .map(|p| crate::world::last(&p.notify[0]))
        .collect();
    assert_eq!(told, ["lead-duty"]);
}

/// Whom a preview names for the on-site lead's duty; empty for nobody.
fn on_site(pages: &[wire::PolicyPage]) -> &str {
    let role = to_wire(DutyRole::OnSiteLead);
    let page = pages.iter().find(|page| page.role == role);
    crate::world::last(&page.expect("paged").staff)
}

#[tokio::test]
async fn p26_a_preview_takes_ages_duties_and_lateness_as_of_when_the_policy_would_hold() {
    let world = World::without_roster().await;
    let lead = |staff, from, until| (DutyRole::OnSiteLead, staff, from, until);
    let turn = "2026-03-08T00:00:00+08:00";
    world
        .shifts(&[
            lead("early", "2026-03-01T00:00:00+08:00", turn),
            lead("late", turn, "2026-03-31T00:00:00+08:00"),
        ])
        .await;
    world.case().await;
    let from = |day: &str| at(&format!("2026-{day}T09:00:00+08:00"));
    let ages = "grading: { age_hotspot: 3 days, age_grave: 5 days, age_major: 9 days }";
    let seen = preview(&world, SITE, ages).await;
    assert_eq!((seen.regraded_count, seen.effects.len()), (0, 0));
    // Ten days old by then, and another person on duty.
    let seen = preview_from(&world, SITE, ages, from("03-12")).await;
    let grades = |seen: &wire::PreviewPolicyResponse| {
        let effect = &seen.effects[0];
        (effect.grade, effect.grade_without, effect.grade_after)
    };
    assert_eq!((seen.regraded_count, grades(&seen)), (1, (4, 4, 1)));
    assert_eq!(on_site(&seen.pages), "late");
    assert_eq!(seen.roster_until_time, None);
    // Sixteen days: it is grade 2 by itself, which is not the policy's doing.
    let seen = preview_from(&world, SITE, ages, from("03-18")).await;
    assert_eq!((seen.regraded_count, grades(&seen)), (1, (4, 2, 1)));
    let other = preview_from(&world, SITE, "grading: { group: 4 }", from("03-18")).await;
    assert_eq!((other.regraded_count, other.effects.len()), (0, 0));
    // The roster is known for 13 days; who is known to be on duty beyond is named.
    assert_eq!(time(&seen.roster_until_time), from("03-15"));
    assert_eq!(on_site(&seen.pages), "late");
    let seen = preview_from(&world, SITE, ages, from("04-01")).await;
    assert_eq!((on_site(&seen.pages), seen.paged_count), ("", 0));
    assert!(seen.roster_until_time.is_some());

    // A day from the start is over by Thursday, not yet now; by the week after, the promise itself is kept or broken.
    let day = "clocks: { RESOLVE: [ { length: 1 day } ] }";
    let seen = preview(&world, SITE, day).await;
    assert!(!promise(&seen, ClockKind::Resolve).late_after && seen.late_pages.is_empty());
    let seen = preview_from(&world, SITE, day, from("03-05")).await;
    assert!(promise(&seen, ClockKind::Resolve).late_after);
    assert_eq!(
        (seen.late_pages.len(), on_site(&seen.late_pages)),
        (3, "early")
    );
    let seen = preview_from(&world, SITE, day, from("03-12")).await;
    assert_eq!((seen.clock_count, seen.broken_count), (0, 1));
}

#[tokio::test]
async fn a_hold_that_ends_before_a_policy_holds_stops_no_age_and_no_promise_of_its_preview_p13() {
    use redress_proto::triage::v1::clock_service_server::ClockService as _;
    let world = World::new().await;
    let case = world.case().await;
    let request = wire::HoldCaseRequest {
        parent: case.to_string(),
        reason: to_wire(redress_model::words::HoldReason::Customer),
        until_time: Some(to_timestamp(world.now() + SignedDuration::from_hours(48))),
        note: "away".to_owned(),
        request_id: String::new(),
    };
    let held = world.rpc.hold_case(by(world.manager(), request)).await;
    held.expect("held");
    // Two days of its age are not ours.
    let ages = "grading: { age_hotspot: 3 days, age_grave: 5 days, age_major: 9 days }";
    for (from, grade) in [
        ("2026-03-04T09:00:00+08:00", None),
        ("2026-03-11T09:00:00+08:00", Some(2)),
        ("2026-03-13T09:00:00+08:00", Some(1)),
    ] {
        let seen = preview_from(&world, SITE, ages, at(from)).await;
        let after = seen.effects.first().map(|effect| effect.grade_after);
        assert_eq!(after, grade, "{from}");
    }
    let day = "clocks: { RESOLVE: [ { length: 1 day } ] }";
    let from = at("2026-03-10T09:00:00+08:00");
    let seen = preview_from(&world, SITE, day, from).await;
    let clock = promise(&seen, ClockKind::Resolve);
    assert_eq!(time(&clock.due_time_after), at("2026-03-05T09:00:00+08:00"));
    assert!(clock.late_after && time(&clock.due_time) > from);
}

#[tokio::test]
async fn a_policy_that_takes_effect_twice_decides_once_and_never_lowers_a_grade() {
    let world = World::new().await;
    let case = crowd(&world, 9).await;
    apply(&world, SITE, "grading: { group_major: 9 }").await;
    assert_eq!(take_effect(&world).await, 1);
    assert_eq!(take_effect(&world).await, 0);
    assert_eq!(world.decision(&case).await.revision, 2);
    // The same again, as after somebody was killed on the way.
    sqlx::query("UPDATE triage.policy_revision SET spread_time = NULL, lease_time = NULL")
        .execute(&world.database.admin)
        .await
        .expect("reset");
    assert_eq!(take_effect(&world).await, 1);
    assert_eq!(world.decision(&case).await.revision, 2);
    apply(&world, SITE, "{}").await;
    take_effect(&world).await;
    let decision = world.decision(&case).await;
    assert_eq!((decision.grade, decision.proposed_grade), (1, 2));
}

#[tokio::test]
async fn a_revision_holds_from_its_instant_on_and_a_newer_one_may_take_its_place_before() {
    let world = World::new().await;
    let tomorrow = world.now() + SignedDuration::from_hours(24);
    let pending = |document: &str| wire::ApplyPolicyRequest {
        effective_time: Some(to_timestamp(tomorrow)),
        ..asked(SITE, document)
    };
    send(&world, world.manager(), pending("grading: { group: 4 }"))
        .await
        .expect("applied");
    send(&world, world.manager(), pending("grading: { group: 5 }"))
        .await
        .expect("applied");
    assert_eq!(take_effect(&world).await, 0);
    assert_eq!(get(&world, None).await.revision, 1);
    assert_eq!(
        value(&get(&world, Some(tomorrow)).await, "grading.group"),
        ("5".to_owned(), format!("{SITE} 2"))
    );
    let states = async || -> Vec<wire::PolicyRevisionState> {
        list(&world, world.manager(), SITE)
            .await
            .iter()
            .map(|r| r.state())
            .collect()
    };
    use wire::PolicyRevisionState::{Effective, Past, Pending, Superseded};
    assert_eq!(states().await, [Pending, Superseded]);
    world.advance(SignedDuration::from_hours(25)).await;
    assert_eq!(take_effect(&world).await, 2);
    assert_eq!(states().await, [Effective, Superseded]);
    apply(&world, SITE, "{}").await;
    assert_eq!(states().await, [Effective, Past, Superseded]);
    // What held then can still be told.
    assert_eq!(get(&world, Some(tomorrow)).await.revision, 3);
    assert_eq!(get(&world, None).await.revision, 4);
}

#[tokio::test]
async fn a_document_is_refused_with_line_field_and_level() {
    let world = World::new().await;
    let refused = async |parent: &str, document: &str| {
        let answer = send(&world, all(&world), asked(parent, document)).await;
        answer.expect_err("wrong")
    };
    let status = refused(SITE, "grading:\n  group: three\n").await;
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(
        status
            .message()
            .contains("document.grading.group line 2: must be a whole number"),
        "{status}"
    );
    apply(&world, SITE, "grading: { group: 7 }").await;
    // A higher level that would break a lower one.
    let status = refused(ORGANIZATION, "grading: { group_major: 6 }").await;
    assert!(
        status
            .message()
            .contains("grading.group must be below grading.group_major, which is 6"),
        "{status}"
    );
    assert!(
        status
            .message()
            .contains("set by sites/lakeside revision 1"),
        "{status}"
    );
    assert_eq!(
        list(&world, head_office(&world), ORGANIZATION).await.len(),
        0
    );
    let check = async |parent: &str, document: &str| {
        let request = wire::CheckPolicyRequest {
            parent: parent.to_owned(),
            document: document.to_owned(),
        };
        let answer = world.rpc.check_policy(by(all(&world), request)).await;
        answer.expect("checked").into_inner().problems
    };
    // What only makes sense together is told with the line of who says it, too.
    let problems = check(SITE, "grading:\n  group_major: 12\n  group: 20\n").await;
    assert_eq!(
        (problems[0].line, problems[0].field.as_str()),
        (3, "grading.group")
    );
    // A length beyond all calendars ended the service of every site.
    let long = "clocks:\n  RESOLVE:\n    - { length: 5256000 months }\n";
    let status = refused(SITE, long).await;
    assert!(
        status
            .message()
            .contains("document.clocks.RESOLVE[0].length line 3: must be ten years at most"),
        "{status}"
    );
    let problems = check("", "shares:\n  warn: 0\n  wrn: 3\n").await;
    let lines: Vec<(i32, &str)> = problems
        .iter()
        .map(|p| (p.line, p.field.as_str()))
        .collect();
    assert_eq!(lines, [(2, "shares.warn"), (3, "shares.wrn")]);
    let problems = check(REGION, "grading: { group_major: 6 }").await;
    assert_eq!(
        problems[0].origin.as_ref().map(|o| o.scope.as_str()),
        Some(SITE)
    );
    assert!(
        check(REGION, "grading: { group_major: 9 }")
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn i8_an_overlay_is_read_from_below_and_written_only_by_who_acts_for_all_of_it() {
    let world = World::new().await;
    world
        .learn_of(&site("faraway"), "organizations/other")
        .await;
    apply(&world, ORGANIZATION, "grading: { group: 4 }").await;
    apply(&world, REGION, "grading: { group: 5 }").await;
    apply(&world, SITE, "grading: { group: 6 }").await;
    let north = of_region(&world, REGION);
    let south = of_region(&world, "organizations/demo/regions/south");
    let mut other = head_office(&world);
    other.organizations = vec!["other".parse().expect("a slug")];
    let foreign = world.caller("faraway", "manager", None);
    let mut nowhere = world.manager();
    nowhere.sites.clear();
    for (caller, reads) in [
        (head_office(&world), [true, true, true]),
        (north.clone(), [true, true, true]),
        (world.manager(), [true, true, true]),
        (south.clone(), [true, false, false]),
        (other.clone(), [false, false, false]),
        (foreign.clone(), [false, false, false]),
        (nowhere.clone(), [false, false, false]),
    ] {
        for (parent, may) in [ORGANIZATION, REGION, SITE].into_iter().zip(reads) {
            let listed = try_list(&world, caller.clone(), parent).await;
            assert_eq!(
                listed.map(|rows| rows.len()).map_err(|e| e.code()),
                if may { Ok(1) } else { Err(Code::NotFound) },
                "{parent}"
            );
        }
    }
    for (caller, writes) in [
        (head_office(&world), [true, true, true]),
        (north, [false, true, true]),
        (world.manager(), [false, false, true]),
        (south, [false, false, false]),
        (other.clone(), [false, false, false]),
        (foreign.clone(), [false, false, false]),
        (nowhere.clone(), [false, false, false]),
    ] {
        for (parent, may) in [ORGANIZATION, REGION, SITE].into_iter().zip(writes) {
            let answer = send(&world, caller.clone(), asked(parent, "{}")).await;
            assert_eq!(
                answer.as_ref().err().map(Status::code),
                (!may).then_some(Code::NotFound),
                "{parent}"
            );
        }
    }
    for caller in [other, foreign, nowhere] {
        let rpc = &world.rpc;
        let code = |status: Status| status.code();
        let name = format!("{SITE}/policy");
        let request = wire::GetPolicyRequest {
            name,
            as_of_time: None,
        };
        assert_eq!(
            rpc.get_policy(by(caller.clone(), request))
                .await
                .err()
                .map(code),
            Some(Code::NotFound)
        );
        for parent in [ORGANIZATION, REGION, SITE] {
            let request = wire::PreviewPolicyRequest {
                parent: parent.to_owned(),
                document: "{}".to_owned(),
                ..Default::default()
            };
            assert_eq!(
                rpc.preview_policy(by(caller.clone(), request))
                    .await
                    .err()
                    .map(code),
                Some(Code::NotFound)
            );
            let request = wire::CheckPolicyRequest {
                parent: parent.to_owned(),
                document: "{}".to_owned(),
            };
            assert_eq!(
                rpc.check_policy(by(caller.clone(), request))
                    .await
                    .err()
                    .map(code),
                Some(Code::NotFound)
            );
        }
        let request = wire::ListOpeningWindowsRequest {
            parent: SITE.to_owned(),
        };
        assert_eq!(
            rpc.list_opening_windows(by(caller.clone(), request))
                .await
                .err()
                .map(code),
            Some(Code::NotFound)
        );
        let request = wire::SetOpeningWindowsRequest {
            name: format!("{SITE}/openingWindows"),
            ..Default::default()
        };
        assert_eq!(
            rpc.set_opening_windows(by(caller.clone(), request))
                .await
                .err()
                .map(code),
            Some(Code::NotFound)
        );
    }
}

/// A row that some scope tries to add, past every check but row security.
struct Add(PolicyScope);

impl Operation for Add {
    const NAME: &'static str = "test.add_policy";
    type Output = ();

    async fn run(&self, tx: &mut Tx) -> Result<(), redress_model::Fault> {
        let row = Revision {
            scope: self.0.clone(),
            revision: 1,
            effective: Timestamp::UNIX_EPOCH,
            document: "{}".to_owned(),
            author: "nobody".to_owned(),
            reason: "none".to_owned(),
            created: Timestamp::UNIX_EPOCH,
            hash: vec![0],
        };
        policies::insert(tx, &row).await
    }
}

#[tokio::test]
async fn i8_revisions_of_a_mistyped_site_are_no_empty_list_those_of_a_site_without_any_are() {
    let world = World::new().await;
    for caller in [world.manager(), head_office(&world)] {
        let missing = try_list(&world, caller.clone(), "sites/lakesid").await;
        assert_eq!(missing.expect_err("no such site").code(), Code::NotFound);
        assert!(list(&world, caller, SITE).await.is_empty());
    }
}

#[tokio::test]
async fn i8_row_security_refuses_what_the_code_would_let_through() {
    let world = World::new().await;
    let one_site = Scope::site(world.site.clone());
    let region = Scope {
        regions: vec![REGION.parse().expect("a region")],
        ..Scope::default()
    };
    for (scope, of, may) in [
        (&one_site, ORGANIZATION, false),
        (&one_site, REGION, false),
        (&one_site, "sites/riverside", false),
        (&region, ORGANIZATION, false),
        (&region, "organizations/demo/regions/south", false),
        (&region, REGION, true),
        (&one_site, SITE, true),
    ] {
        let add = Add(of.parse().expect("a scope"));
        assert_eq!(
            world.database.db.run(scope, &add).await.is_ok(),
            may,
            "{of}"
        );
    }
}

#[tokio::test]
async fn i2_i11_a_repeat_adds_nothing_and_a_stale_etag_is_refused() {
    let world = World::new().await;
    let request = wire::ApplyPolicyRequest {
        request_id: "one".to_owned(),
        etag: "r0".to_owned(),
        ..asked(ORGANIZATION, "grading: { group: 4 }")
    };
    let first = send(&world, head_office(&world), request.clone())
        .await
        .expect("applied");
    let again = send(&world, head_office(&world), request.clone())
        .await
        .expect("the same");
    assert_eq!(first, again);
    assert_eq!(first.etag, "r1");
    let stale = wire::ApplyPolicyRequest {
        request_id: "two".to_owned(),
        ..request.clone()
    };
    let refused = send(&world, head_office(&world), stale)
        .await
        .expect_err("stale");
    assert_eq!(refused.code(), Code::Aborted);
    let reused = wire::ApplyPolicyRequest {
        document: "{}".to_owned(),
        ..request
    };
    let refused = send(&world, head_office(&world), reused)
        .await
        .expect_err("another");
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(
        world
            .count("SELECT count(*) FROM triage.policy_revision")
            .await,
        1
    );
    // I12: each hashes the one before.
    let second = apply(&world, ORGANIZATION, "grading: { group: 4 }").await;
    assert_ne!(first.hash, second.hash);
    assert_eq!((second.hash.len(), second.revision), (32, 2));
}

/// Lakeside as another kind of site, or in another region.
async fn becomes(world: &World, kind: SiteKind, region: &str, revision: i64) {
    let payload = event::SiteChanged {
        site: SITE.to_owned(),
        organization: ORGANIZATION.to_owned(),
        region: format!("{ORGANIZATION}/regions/{region}"),
        kind: to_wire(kind),
        time_zone: "Asia/Shanghai".to_owned(),
        display_name: "Lakeside".to_owned(),
        revision,
        language: "zh-CN".to_owned(),
        display_name_en: String::new(),
    };
    let event = world.event("intake", "redress.site.changed.v1", SITE, &payload);
    world.tell(&[event]).await;
}

#[tokio::test]
async fn numbers_keep_rising_when_a_site_moves_and_what_was_pinned_is_still_found() {
    let world = World::new().await;
    for (scope, group) in [(ORGANIZATION, 4), (REGION, 5), (REGION, 6)] {
        world.advance(SignedDuration::from_mins(1)).await;
        apply(&world, scope, &format!("grading: {{ group: {group} }}")).await;
    }
    assert_eq!(get(&world, None).await.revision, 4);
    becomes(&world, SiteKind::Residential, "south", 2).await;
    let moved = get(&world, None).await;
    assert!(moved.revision > 4, "{}", moved.revision);
    assert_eq!(
        value(&moved, "grading.group"),
        ("4".to_owned(), format!("{ORGANIZATION} 1"))
    );
    struct Pinned(redress_model::name::SiteId, u32);
    impl Operation for Pinned {
        const NAME: &'static str = "test.pinned";
        type Output = Option<u32>;
        async fn run(&self, tx: &mut Tx) -> Result<Option<u32>, redress_model::Fault> {
            let found = policies::pinned(tx, &self.0, "residential", self.1).await?;
            Ok(found.map(|policy| policy.policy().grading.group))
        }
    }
    // The site itself no longer sees its old region; whoever acts for the organization does.
    let scope = redress_runtime::scope(&head_office(&world));
    // What a release has pinned that came later is not read by the text of this one.
    let later = (1_000_002, None);
    for (number, group) in [
        (1, Some(3)),
        (2, Some(4)),
        (3, Some(5)),
        (4, Some(6)),
        later,
    ] {
        let pinned = Pinned(world.site.clone(), number);
        let found = world.database.db.read(&scope, &pinned).await.expect("read");
        assert_eq!(found, group, "number {number}");
    }
    let now = u32::try_from(moved.revision).expect("positive");
    let pinned = Pinned(world.site.clone(), now);
    let scope = Scope::site(world.site.clone());
    assert_eq!(
        world.database.db.read(&scope, &pinned).await.expect("read"),
        Some(4)
    );
}

fn window(world: &World, from: i64, until: i64) -> wire::OpeningWindow {
    let at = |hours: i64| {
        Some(to_timestamp(
            world.now() + SignedDuration::from_hours(hours),
        ))
    };
    wire::OpeningWindow {
        start_time: at(from),
        end_time: at(until),
        reason: "second release".to_owned(),
    }
}

async fn set(
    world: &World,
    windows: Vec<wire::OpeningWindow>,
    etag: &str,
    request_id: &str,
) -> Result<wire::OpeningWindows, Status> {
    let request = wire::SetOpeningWindowsRequest {
        name: format!("{SITE}/openingWindows"),
        windows,
        etag: etag.to_owned(),
        request_id: request_id.to_owned(),
    };
    let answer = world
        .rpc
        .set_opening_windows(by(world.manager(), request))
        .await?;
    Ok(answer.into_inner().opening_windows.expect("windows"))
}

#[tokio::test]
async fn a_sales_centre_works_by_its_opening_day_profile_inside_its_windows() {
    let world = World::new().await;
    let refused = set(&world, vec![window(&world, 1, 2)], "", "")
        .await
        .expect_err("residential");
    assert_eq!(refused.code(), Code::FailedPrecondition);
    becomes(&world, SiteKind::SalesCenter, "north", 2).await;
    apply(
        &world,
        ORGANIZATION,
        "profiles: { opening-day: { grading: { group: 4 } } }",
    )
    .await;
    let answer = set(&world, vec![window(&world, 1, 5)], "r0", "a")
        .await
        .expect("set");
    assert_eq!((answer.open, answer.etag.as_str()), (false, "r1"));
    assert_eq!(
        set(&world, vec![window(&world, 1, 5)], "r0", "a")
            .await
            .expect("the same")
            .etag,
        "r1"
    );
    assert_eq!(
        set(&world, vec![], "r0", "b")
            .await
            .expect_err("stale")
            .code(),
        Code::Aborted
    );
    let overlap = vec![window(&world, 1, 5), window(&world, 4, 6)];
    assert_eq!(
        set(&world, overlap, "", "")
            .await
            .expect_err("overlap")
            .code(),
        Code::InvalidArgument
    );

    let before = world.case().await;
    assert_eq!(world.decision(&before).await.policy_profile, "residential");
    world.advance(SignedDuration::from_hours(2)).await;
    let inside = get(&world, None).await;
    assert_eq!(inside.profile, "opening-day");
    assert_eq!(
        value(&inside, "grading.group"),
        ("4".to_owned(), format!("{ORGANIZATION} 1"))
    );
    let case = world.case().await;
    assert_eq!(world.decision(&case).await.policy_profile, "opening-day");
    let clock = &world.clocks(&case).await[&ClockKind::Resolve];
    assert_eq!(
        time(&clock.due_time),
        world.now() + SignedDuration::from_hours(24)
    );
    // What has begun may end otherwise; it cannot be taken back.
    let begun = window(&world, -1, 3);
    let refused = set(&world, vec![], "", "").await.expect_err("begun");
    assert!(
        refused.message().contains("what has passed stays"),
        "{refused}"
    );
    let shorter = wire::OpeningWindow {
        end_time: Some(to_timestamp(world.now() + SignedDuration::from_hours(1))),
        ..begun
    };
    assert!(
        set(&world, vec![shorter], "", "")
            .await
            .expect("shorter")
            .open
    );
    world.advance(SignedDuration::from_hours(2)).await;
    assert_eq!(get(&world, None).await.profile, "residential");
    let request = wire::ListOpeningWindowsRequest {
        parent: SITE.to_owned(),
    };
    let answer = world
        .rpc
        .list_opening_windows(by(world.manager(), request))
        .await
        .expect("listed");
    assert_eq!(
        answer
            .into_inner()
            .opening_windows
            .expect("windows")
            .windows
            .len(),
        1
    );
}

#[tokio::test]
async fn p26_an_opening_day_window_moves_no_deadline_of_a_promise_from_before_it() {
    let world = World::new().await;
    becomes(&world, SiteKind::SalesCenter, "north", 2).await;
    apply(
        &world,
        ORGANIZATION,
        "profiles: { opening-day: { grading: { group_major: 9 } } }",
    )
    .await;
    // No revision is left to be spread.
    assert_eq!(take_effect(&world).await, 1);
    let opens = set(&world, vec![window(&world, 1, 5)], "r0", "").await;
    opens.expect("set");
    let case = crowd(&world, 9).await;
    assert_eq!(world.decision(&case).await.grade, 2);
    let before = world.clocks(&case).await;
    world.advance(SignedDuration::from_mins(90)).await;
    for _ in 0..2 {
        world
            .tell(&[world.contact(&case, true, false, false)])
            .await;
        let decision = world.decision(&case).await;
        assert_eq!(
            (decision.grade, decision.policy_profile.as_str()),
            (1, "opening-day")
        );
        let now = world.clocks(&case).await;
        for (kind, clock) in &before {
            assert_eq!(now[kind].due_time, clock.due_time, "{kind}");
            assert_eq!(now[kind].grade, 1, "{kind}");
        }
    }
}

#[tokio::test]
async fn a_suspicion_that_a_policy_makes_grave_is_asked_about_and_its_preview_says_whom_g1_2() {
    let world = World::new().await;
    let case = world.case().await;
    let post = Signal {
        kind: to_wire(redress_model::words::SignalKind::OnlinePost),
        basis: to_wire(redress_model::words::SignalBasis::Suspected),
        reach: 600,
        ..Default::default()
    };
    let recorded = world.record(world.manager(), &case, post, "").await;
    recorded.expect("recorded");
    let asked = async || {
        let pages = world.pages().await;
        let questions = pages.into_iter().filter(|page| page.0 == "CONFIRM_SIGNAL");
        questions.flat_map(|page| page.3).collect::<Vec<String>>()
    };
    assert!(asked().await.is_empty());
    let document = "grading: { reach_major: 500 }";
    let seen = preview(&world, SITE, document).await;
    let would: Vec<(&str, i32, i32)> = seen
        .pages
        .iter()
        .map(|page| (crate::world::last(&page.staff), page.role, page.case_count))
        .collect();
    assert_eq!(would, [("lead-duty", to_wire(DutyRole::DutyLead), 1)]);
    let revision = world.decision(&case).await.revision;
    apply(&world, SITE, document).await;
    take_effect(&world).await;
    assert_eq!(asked().await, ["lead-duty"]);
    assert_eq!(
        world.decision(&case).await.revision,
        revision,
        "says no more"
    );
    // Nobody is asked by what changes nothing of it.
    let seen = preview(&world, SITE, "grading: { reach_major: 400 }").await;
    assert!(seen.pages.is_empty());
}

#[tokio::test]
async fn a_preview_hides_the_cases_about_the_caller() {
    let world = World::new().await;
    let case = world.new_case();
    let facts = event::CaseFacts {
        headcount: 9,
        staff_complained_about: vec!["sites/lakeside/staff/rude".to_owned()],
        ..world.facts(&case)
    };
    world.tell(&[world.received(facts)]).await;
    let request = wire::PreviewPolicyRequest {
        parent: SITE.to_owned(),
        document: "grading: { group_major: 9 }".to_owned(),
        ..Default::default()
    };
    let rude = world.caller("lakeside", "manager", Some("rude"));
    let seen = world
        .rpc
        .preview_policy(by(rude, request.clone()))
        .await
        .expect("previewed");
    assert!(seen.into_inner().effects.is_empty());
    let seen = world
        .rpc
        .preview_policy(by(world.manager(), request))
        .await
        .expect("previewed");
    assert_eq!(seen.into_inner().effects.len(), 1);
}

#[tokio::test]
async fn m17_what_a_policy_says_to_others_is_told_with_the_site_and_when_it_takes_effect() {
    let world = World::new().await;
    let told = async || {
        let told: Vec<event::PolicyChanged> = world.said("redress.policy.changed.v1").await;
        let newest = told.last().expect("told with the site").clone();
        let document: serde_json::Value = serde_json::from_str(&newest.document).expect("JSON");
        (
            told.len(),
            newest,
            document["accountability"]["exposure"].clone(),
        )
    };
    let (count, first, exposure) = told().await;
    assert_eq!(
        (first.site.as_str(), first.profile.as_str(), first.revision),
        (SITE, "residential", 1)
    );
    assert_eq!(exposure, "0.00");

    apply(&world, REGION, "accountability: { exposure: \"900.00\" }").await;
    assert_eq!(
        value(&get(&world, None).await, "accountability.exposure").1,
        format!("{REGION} 1")
    );
    assert_eq!(told().await.0, count, "it has not taken effect");
    take_effect(&world).await;
    let (after, newest, exposure) = told().await;
    assert_eq!(after, count + 1);
    assert_eq!(exposure, "900.00");
    assert_eq!(
        newest.revision,
        i64::from(get(&world, None).await.revision),
        "the number that decisions pin"
    );
}

#[tokio::test]
async fn m01_the_time_of_briefings_is_inherited_with_its_origin_and_told_once_a_level_says_it() {
    let world = World::new().await;
    let told = async || {
        let told: Vec<event::PolicyChanged> = world.said("redress.policy.changed.v1").await;
        let newest = told.last().expect("told with the site").clone();
        let document: serde_json::Value = serde_json::from_str(&newest.document).expect("JSON");
        document.get("briefing").cloned()
    };
    assert_eq!(
        told().await,
        None,
        "as configured, which triage knows nothing of"
    );
    apply(
        &world,
        REGION,
        "briefing: { weekday: TUESDAY, time: \"10:30\" }",
    )
    .await;
    take_effect(&world).await;
    apply(&world, SITE, "briefing: { time: \"17:30\" }").await;
    take_effect(&world).await;
    let policy = get(&world, None).await;
    assert_eq!(
        value(&policy, "briefing.weekday"),
        ("\"TUESDAY\"".to_owned(), format!("{REGION} 1"))
    );
    assert_eq!(
        value(&policy, "briefing.time"),
        ("\"17:30\"".to_owned(), format!("{SITE} 1"))
    );
    assert_eq!(
        told().await,
        Some(serde_json::json!({ "weekday": "TUESDAY", "time": "17:30:00" }))
    );
}

#[tokio::test]
async fn m15_others_are_told_when_an_opening_day_window_opens_and_closes() {
    let world = World::new().await;
    becomes(&world, SiteKind::SalesCenter, "north", 2).await;
    let keeper = PolicyKeeper::new(world.rpc.0.desk.clone());
    // With the department that takes what is about the plan.
    let profiles = async || {
        let told: Vec<event::PolicyChanged> = world.said("redress.policy.changed.v1").await;
        let read = |told: event::PolicyChanged| {
            let document: serde_json::Value = serde_json::from_str(&told.document).expect("JSON");
            let takes = document["routing"]["PLANNING_DESIGN"].as_str();
            (told.profile, takes.expect("told").to_owned())
        };
        told.into_iter().map(read).collect::<Vec<_>>()
    };
    let standing = || ("residential".to_owned(), "design".to_owned());
    let grouped = || ("opening-day".to_owned(), "engineering".to_owned());
    let before = profiles().await.len();
    let turned = async || keeper.turn_windows().await.expect("looked");
    set(&world, vec![window(&world, 1, 5)], "r0", "a")
        .await
        .expect("set");
    assert_eq!(turned().await, 0, "nothing has opened yet");
    world.advance(SignedDuration::from_hours(2)).await;
    assert_eq!((turned().await, turned().await), (1, 0), "told once");
    assert_eq!(profiles().await[before..], [grouped()]);
    world.advance(SignedDuration::from_hours(4)).await;
    assert_eq!((turned().await, turned().await), (1, 0), "told once");
    assert_eq!(profiles().await[before..], [grouped(), standing()]);
}
