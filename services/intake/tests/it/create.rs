//! CreateCase: kept before it is answered, once for a request, numbered, linked, owned.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use redress_model::words::{
    CaseMode, CaseStatus, Channel as Way, DutyRole, QualityImpact, SignalBasis, SignalKind,
    SiteKind,
};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::event::v1 as events;
use redress_proto::intake::v1 as pb;
use redress_proto::words::Signal;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::world::{
    World, at_site, caller, create, create_with, get, leak, may, of_organization, person, reason,
    site_request, staff, start, update,
};

#[tokio::test(flavor = "multi_thread")]
async fn i1_an_answered_complaint_is_kept_with_its_event_and_asks_nobody_else() {
    let world = World::new().await;
    let case = world.create(leak()).await;
    assert_eq!(case.number, "LX-20261121-0001");
    assert_eq!(case.status, to_wire(CaseStatus::Received));
    assert_eq!(case.complainants[0].phone, "13800138000");
    assert_eq!(case.complainant_count, 1);
    assert_eq!(world.get(&case.name).await, case);

    let said: Vec<events::CaseReceived> = world.said("redress.case.received.v1").await;
    let facts = said[0].facts.clone().expect("facts");
    assert_eq!(facts.case, case.name);
    assert_eq!(facts.person_tokens.len(), 1);
    assert_eq!(facts.headcount, 1);
    assert_eq!(facts.mode, to_wire(CaseMode::Live));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_grave_by_what_was_stated_is_told_ahead_of_others() {
    type State = fn(&mut pb::Case, Signal, i32);
    let world = World::new().await;
    let mut urgent = world.intake.db.urgent_events();
    let danger = signal(SignalKind::DangerToPersons, SignalBasis::Reported);
    let affects_use = to_wire(QualityImpact::AffectsUse);
    let stated: [(&str, State, bool); 5] = [
        ("nothing", |_, _, _| {}, false),
        ("a crowd", |case, _, _| case.headcount = 10, true),
        (
            "a danger",
            |case, signal, _| case.signals = vec![signal],
            true,
        ),
        (
            "a defect",
            |case, _, impact| case.quality_impact = impact,
            true,
        ),
        ("money", |case, _, _| case.claim = Some(yuan(10_000)), true),
    ];
    for (what, state, is_urgent) in stated {
        let mut case = leak();
        state(&mut case, danger.clone(), affects_use);
        let case = world.create(case).await;
        let told = urgent.try_recv().ok().map(|event| event.subject);
        assert_eq!(told, is_urgent.then_some(case.name), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn m17_one_store_complains_about_another_by_who_may_act_for_both() {
    let world = World::new().await;
    for (organization, region, store, prefix) in [
        ("demo", "east", "north-store", "NS"),
        ("demo", "east", "south-store", "SS"),
        ("other", "west", "strange-store", "ST"),
    ] {
        let mut request = site_request(organization, region, store, prefix);
        let site = request.site.as_mut().expect("a site");
        site.kind = to_wire(SiteKind::AgencyStore);
        let mut directory = world.directory(of_organization("root", organization));
        directory.create_site(request).await.expect("a store");
    }
    let by_store = |store: &str| pb::Case {
        channel: to_wire(Way::Store),
        complaining_store: format!("sites/{store}"),
        ..leak()
    };
    let about = "sites/north-store";
    let mut desk = world.cases(of_organization("desk", "demo"));
    let taken = create_with(&mut desk, about, by_store("south-store"), "r1").await;
    let taken = taken.expect("the company acts for both");
    assert_eq!(taken.complaining_store, "sites/south-store");
    let said: Vec<events::CaseReceived> = world.said("redress.case.received.v1").await;
    let facts = said[0].facts.clone().expect("facts");
    assert_eq!(facts.complaining_store, "sites/south-store");

    let mut own = world.cases(at_site("agent", "north-store"));
    let lake = create_with(&mut desk, "sites/lake", by_store("south-store"), "").await;
    let itself = create_with(&mut desk, about, by_store("north-store"), "").await;
    let project = create_with(&mut desk, about, by_store("lake"), "").await;
    let strange = create_with(&mut desk, about, by_store("strange-store"), "").await;
    let unseen = create_with(&mut own, about, by_store("south-store"), "").await;
    for (what, refused) in [
        ("not about a store", lake),
        ("itself", itself),
        ("no store", project),
        ("another organization's", strange),
        ("a token of one store", unseen),
    ] {
        let status = refused.expect_err(what);
        let wrong = status.get_details_bad_request().expect(what);
        let field = &wrong.field_violations[0].field;
        assert_eq!(field, "case.complaining_store", "{what}");
    }
    let portal = redress_rpc::Caller {
        permissions: may(&["cases.create", "cases.get"]).permissions,
        ..of_organization("portal", "demo")
    };
    let mut portal = world.cases(portal);
    let refused = create_with(&mut portal, about, by_store("south-store"), "").await;
    let status = refused.expect_err("a portal is no desk of the company");
    assert_eq!(status.code(), Code::PermissionDenied, "{status:?}");
    let text = status.message();
    let says = |word: &str| text.contains(word);
    assert!(
        says("case.complaining_store") && says("cases.answer"),
        "{text}"
    );
    let said: Vec<events::CaseReceived> = world.said("redress.case.received.v1").await;
    assert_eq!(said.len(), 1, "nothing is kept of what was refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn m16_who_writes_without_a_way_back_is_told_too_in_the_language_of_the_complaint() {
    let world = World::new().await;
    let told = async |channel: Way, complainant: pb::Complainant, text: &str| {
        let case = pb::Case {
            channel: to_wire(channel),
            complainants: vec![complainant],
            text: text.to_owned(),
            ..leak()
        };
        let case = world.create(case).await;
        let said: Vec<events::CaseReceived> = world.said("redress.case.received.v1").await;
        let mut all = said.into_iter().filter_map(|s| s.facts);
        let facts = all.find(|f| f.case == case.name).expect("said");
        (facts.person_tokens, facts.language)
    };
    let named = pb::Complainant {
        display_name: "李四".to_owned(),
        ..Default::default()
    };
    let text = "厨房天花板漏水，多次报修无人处理";
    let (by_name, language) = told(Way::Letter, named.clone(), text).await;
    assert_eq!((by_name.len(), language.as_str()), (1, "zh-CN"));
    let (again, _) = told(Way::Letter, named.clone(), text).await;
    assert_ne!(by_name, again, "a name finds nobody again");
    let (spoken, _) = told(Way::Hotline, named.clone(), text).await;
    assert!(spoken.is_empty(), "who spoke was told then and there");
    let (nobody, _) = told(Way::Letter, pb::Complainant::default(), text).await;
    assert!(nobody.is_empty(), "nobody can be told who gave no name");

    let at_home = pb::Complainant {
        postal_address: "湖滨路1号 3栋1202".to_owned(),
        ..named
    };
    let (first, _) = told(Way::Letter, at_home.clone(), text).await;
    let english = "The kitchen ceiling leaks, and nobody comes to repair it.";
    let (second, language) = told(Way::Letter, at_home, english).await;
    assert_eq!(first, second, "the same person at the same address");
    assert_eq!(language, "en");
}

#[tokio::test(flavor = "multi_thread")]
async fn i2_fifty_concurrent_retries_of_a_request_make_one_case() {
    let world = World::new().await;
    let mut tasks = Vec::new();
    for _ in 0..50 {
        let mut cases = world.cases(caller("clerk"));
        tasks.push(tokio::spawn(async move {
            create_with(&mut cases, "sites/lake", leak(), "one-request").await
        }));
    }
    let mut names = BTreeSet::new();
    for task in tasks {
        names.insert(task.await.expect("no panic").expect("a case").name);
    }
    assert_eq!(names.len(), 1);
    let said: Vec<events::CaseReceived> = world.said("redress.case.received.v1").await;
    assert_eq!(said.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn i2_a_request_id_stands_for_one_request_of_one_caller() {
    let world = World::new().await;
    let mut clerk = world.cases(caller("clerk"));
    let first = create_with(&mut clerk, "sites/lake", leak(), "r1")
        .await
        .expect("a case");
    let other = pb::Case {
        headcount: 2,
        ..leak()
    };
    let refused = create_with(&mut clerk, "sites/lake", other, "r1").await;
    assert_eq!(reason(refused, Code::InvalidArgument), "REQUEST_ID_REUSED");
    let mut colleague = world.cases(caller("colleague"));
    let second = create_with(&mut colleague, "sites/lake", leak(), "r1")
        .await
        .expect("a case");
    assert_ne!(first.name, second.name);
}

#[tokio::test(flavor = "multi_thread")]
async fn i2_a_letter_that_became_too_old_meanwhile_is_still_the_same_request() {
    let world = World::new().await;
    let mut clerk = world.cases(caller("clerk"));
    let letter = pb::Case {
        channel: to_wire(Way::Letter),
        received_time: Some(to_timestamp(start() - SignedDuration::from_hours(7 * 24))),
        ..leak()
    };
    let first = create_with(&mut clerk, "sites/lake", letter.clone(), "r1")
        .await
        .expect("a case");
    world.clock.advance(SignedDuration::from_hours(1));
    let again = create_with(&mut clerk, "sites/lake", letter.clone(), "r1")
        .await
        .expect("a case");
    assert_eq!(first.name, again.name);
    let late = create_with(&mut clerk, "sites/lake", letter, "r2").await;
    assert_eq!(reason(late, Code::InvalidArgument), "INVALID_FIELD");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_is_entered_up_to_seven_days_late_and_never_ahead() {
    let world = World::new().await;
    let mut clerk = world.cases(caller("clerk"));
    let day = SignedDuration::from_hours(24);
    for (back, right) in [
        (day * 7, true),
        (day * 7 + SignedDuration::from_secs(1), false),
        (-SignedDuration::from_secs(1), false),
    ] {
        let letter = pb::Case {
            received_time: Some(to_timestamp(start() - back)),
            ..leak()
        };
        assert_eq!(create(&mut clerk, letter).await.is_ok(), right, "{back}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_field_of_a_case_is_named_at_once() {
    let world = World::new().await;
    let wrong = pb::Case {
        // Rules that the contract states …
        channel: 99,
        headcount: -1,
        text: "长".repeat(10_001),
        evidence: vec![pb::Evidence::default()],
        complainants: vec![pb::Complainant {
            display_name: "\u{200b}".to_owned(),
            ..Default::default()
        }],
        // … and rules that it cannot.
        received_time: Some(to_timestamp(start() + SignedDuration::from_hours(1))),
        first_contact_owner: "sites/river/staff/wang".to_owned(),
        ..leak()
    };
    let refused = create(&mut world.cases(caller("clerk")), wrong).await;
    let status = refused.expect_err("wrong");
    assert_eq!(status.code(), Code::InvalidArgument);
    for field in [
        "case.channel",
        "case.headcount",
        "case.text",
        "case.evidence[0].kind",
        "case.complainants[0].display_name",
        "case.received_time",
        "case.first_contact_owner",
    ] {
        assert!(status.message().contains(field), "{field}: {status:?}");
    }
    let nothing = world
        .cases(caller("clerk"))
        .create_case(pb::CreateCaseRequest {
            parent: "sites/lake".to_owned(),
            ..Default::default()
        })
        .await;
    assert_eq!(reason(nothing, Code::InvalidArgument), "INVALID_FIELD");
}

fn yuan(units: i64) -> redress_proto::Money {
    redress_proto::Money {
        currency_code: "CNY".to_owned(),
        units,
        nanos: 0,
    }
}

fn signal(kind: SignalKind, basis: SignalBasis) -> Signal {
    Signal {
        kind: to_wire(kind),
        basis: to_wire(basis),
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_staff_say_at_receipt_that_staff_confirmed_a_signal_or_received_the_case() {
    let world = World::new().await;
    let portal = || may(&["cases.create", "cases.get"]);
    let hurt = |basis| pb::Case {
        signals: vec![
            signal(SignalKind::ThreatensMedia, SignalBasis::Reported),
            signal(SignalKind::Injury, basis),
        ],
        ..leak()
    };
    let owned = pb::Case {
        first_contact_owner: "sites/lake/staff/top-lead".to_owned(),
        ..leak()
    };
    for (said, field, permission) in [
        (
            hurt(SignalBasis::Confirmed),
            "case.signals[1].basis",
            "signals.record",
        ),
        (owned.clone(), "case.first_contact_owner", "cases.answer"),
    ] {
        for validate_only in [true, false] {
            let asked = pb::CreateCaseRequest {
                parent: "sites/lake".to_owned(),
                case: Some(said.clone()),
                request_id: String::new(),
                validate_only,
            };
            let refused = world.cases(portal()).create_case(asked).await;
            let status = refused.expect_err("a portal is no staff");
            assert_eq!(status.code(), Code::PermissionDenied, "{status:?}");
            let text = status.message();
            assert!(text.contains(field) && text.contains(permission), "{text}");
        }
        let mut staff = world.cases(may(&["cases.create", permission]));
        create(&mut staff, said).await.expect("staff say so");
    }
    let said: Vec<events::CaseReceived> = world.said("redress.case.received.v1").await;
    assert_eq!(said.len(), 2, "nothing is kept of what was refused");

    for basis in [SignalBasis::Reported, SignalBasis::Suspected] {
        let handed_on = create(&mut world.cases(portal()), hurt(basis)).await;
        assert_eq!(handed_on.expect("a complaint").signals.len(), 2);
    }
    let oneself = redress_rpc::Caller {
        staff: Some("sites/lake/staff/top-lead".parse().expect("a staff name")),
        ..portal()
    };
    let taken = create(&mut world.cases(oneself), owned.clone()).await;
    assert_eq!(taken.expect("a complaint").owner, owned.first_contact_owner);
}

#[tokio::test(flavor = "multi_thread")]
async fn validate_only_keeps_nothing() {
    let world = World::new().await;
    let mut clerk = world.cases(caller("clerk"));
    let answer = clerk
        .create_case(pb::CreateCaseRequest {
            parent: "sites/lake".to_owned(),
            case: Some(leak()),
            request_id: "r".to_owned(),
            validate_only: true,
        })
        .await
        .expect("right")
        .into_inner();
    assert_eq!(answer.case.expect("a case").number, "");
    assert_eq!(crate::world::dump(&world.data, "complaint").await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn validate_only_says_back_only_what_a_caller_may_say() {
    let world = World::new().await;
    let mut clerk = world.cases(caller("clerk"));
    let evidence = pb::Evidence {
        kind: pb::EvidenceKind::Object.into(),
        kept_at: "shelf 3".to_owned(),
        ..Default::default()
    };
    let said = pb::Case {
        headcount: 3,
        evidence: vec![evidence.clone()],
        ..leak()
    };
    let sent = pb::Case {
        name: "sites/lake/cases/x".to_owned(),
        number: "LX-1".to_owned(),
        creator: "somebody else".to_owned(),
        grade: 1,
        owner: "sites/lake/staff/wang".to_owned(),
        erased: true,
        etag: "e".to_owned(),
        evidence: vec![pb::Evidence {
            adder: "somebody else".to_owned(),
            ..evidence
        }],
        ..said.clone()
    };
    let answer = clerk
        .create_case(pb::CreateCaseRequest {
            parent: "sites/lake".to_owned(),
            case: Some(sent),
            request_id: String::new(),
            validate_only: true,
        })
        .await
        .expect("right")
        .into_inner();
    assert_eq!(answer.case, Some(said));
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_unique_across_replicas_and_requests() {
    let world = World::new().await;
    let (other, _db) = world.replica().await;
    let scope = redress_store::Scope::site("lake".parse().expect("a slug"));
    let site: redress_model::name::SiteId = "lake".parse().expect("a slug");
    let day = jiff::civil::date(2026, 11, 21);
    let mut tasks = Vec::new();
    for i in 0..200 {
        let intake = if i % 2 == 0 {
            world.intake.clone()
        } else {
            other.clone()
        };
        let (scope, site) = (scope.clone(), site.clone());
        tasks.push(tokio::spawn(async move {
            intake
                .numbers
                .next(&intake.db, &scope, &site, day)
                .await
                .expect("a number")
        }));
    }
    let mut numbers = BTreeSet::new();
    for task in tasks {
        assert!(
            numbers.insert(task.await.expect("no panic")),
            "a number came twice"
        );
    }
    assert!(numbers.last().is_some_and(|n| *n <= 240), "gaps stay small");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_monitor_found_needs_no_complainant() {
    let world = World::new().await;
    let mut clerk = world.cases(caller("clerk"));
    let found = pb::Case {
        channel: to_wire(Way::MediaMonitor),
        complainants: Vec::new(),
        ..leak()
    };
    let case = create(&mut clerk, found).await.expect("a case");
    assert_eq!(case.complainant_count, 0);
    let nobody = pb::Case {
        complainants: Vec::new(),
        ..leak()
    };
    assert_eq!(
        reason(create(&mut clerk, nobody).await, Code::InvalidArgument),
        "INVALID_FIELD"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn g3_3_a_person_who_complains_again_is_recognised_and_triage_says_whether_of_the_same_matter()
 {
    let world = World::new().await;
    let first = world.create(leak()).await;
    world.clock.advance(SignedDuration::from_mins(1));
    let second = world
        .create(pb::Case {
            complainants: vec![person("+86 138-0013-8000")],
            ..leak()
        })
        .await;
    assert!(!second.repeat, "nobody stated it");
    assert_eq!(second.earlier_cases, std::slice::from_ref(&first.name));

    let resolved = events::CaseMoved {
        case: first.name.clone(),
        status: to_wire(CaseStatus::Resolved),
        epoch: 1,
        move_time: Some(to_timestamp(start())),
        ..Default::default()
    };
    world
        .deliver(
            "assignment",
            "redress.case.moved.v1",
            &first.name,
            &resolved,
        )
        .await;
    world.clock.advance(SignedDuration::from_hours(1));
    let third = world
        .create(pb::Case {
            complainants: vec![person("１３８００１３８０００")],
            ..leak()
        })
        .await;
    assert!(!third.repeat, "the first one may be about anything");
    assert_eq!(third.earlier_cases, [second.name, first.name]);
    let stated = world
        .create(pb::Case {
            repeat: true,
            ..leak()
        })
        .await;
    assert!(stated.repeat, "whoever entered it knows");
    let stranger = world
        .create(pb::Case {
            complainants: vec![person("13900000000")],
            ..leak()
        })
        .await;
    assert!(!stranger.repeat && stranger.earlier_cases.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_contact_owner_is_named_or_the_caller_or_on_duty() {
    let world = World::new().await;
    let slot = |role, who: &str, rank, from: i64, to: i64| events::DutySlot {
        role: to_wire(role),
        staff: format!("sites/lake/staff/{who}"),
        rank,
        start_time: Some(to_timestamp(start() + SignedDuration::from_hours(from))),
        end_time: Some(to_timestamp(start() + SignedDuration::from_hours(to))),
    };
    let roster = events::DutyChanged {
        site: "sites/lake".to_owned(),
        slots: vec![
            slot(DutyRole::OnSiteLead, "lead", 0, -5, 100),
            slot(DutyRole::FrontOffice, "deputy", 1, -1, 1),
            slot(DutyRole::FrontOffice, "front", 0, -1, 1),
        ],
        revision: 2,
        ..Default::default()
    };
    world
        .deliver(
            "assignment",
            "redress.duty.changed.v1",
            "sites/lake",
            &roster,
        )
        .await;
    let stale = events::DutyChanged {
        slots: Vec::new(),
        revision: 1,
        ..roster
    };
    world
        .deliver(
            "assignment",
            "redress.duty.changed.v1",
            "sites/lake",
            &stale,
        )
        .await;

    let app = pb::Case {
        channel: to_wire(Way::App),
        ..leak()
    };
    let mut wang = world.cases(staff("w", "sites/lake/staff/wang"));
    let owner = |case: pb::Case| case.owner;
    assert_eq!(
        owner(create(&mut wang, app.clone()).await.expect("a case")),
        "sites/lake/staff/front"
    );
    assert_eq!(
        owner(create(&mut wang, leak()).await.expect("a case")),
        "sites/lake/staff/wang"
    );
    assert_eq!(owner(world.create(leak()).await), "sites/lake/staff/front");
    let named = pb::Case {
        first_contact_owner: "sites/lake/staff/zhao".to_owned(),
        ..leak()
    };
    assert_eq!(
        owner(create(&mut wang, named).await.expect("a case")),
        "sites/lake/staff/zhao"
    );
    let about_front = pb::Case {
        staff_complained_about: vec!["sites/lake/staff/front".to_owned()],
        ..app.clone()
    };
    assert_eq!(
        owner(world.create(about_front).await),
        "sites/lake/staff/deputy"
    );
    world.clock.advance(SignedDuration::from_hours(2));
    assert_eq!(owner(world.create(app).await), "sites/lake/staff/lead");
}

/// Section 7: somebody is responsible at every moment, and nobody is by a name that no one bears.
#[tokio::test(flavor = "multi_thread")]
async fn a_first_contact_owner_whom_the_site_does_not_know_is_refused_by_its_field() {
    let world = World::new().await;
    let name = "sites/lake/staff/zhao".to_owned();
    let known = events::StaffChanged {
        staff: name.clone(),
        account: "zhao-login".to_owned(),
        revision: 1,
        ..Default::default()
    };
    world
        .deliver("assignment", "redress.staff.changed.v1", &name, &known)
        .await;
    let owned = |who: &str| pb::Case {
        first_contact_owner: format!("sites/lake/staff/{who}"),
        ..leak()
    };
    for validate_only in [true, false] {
        let asked = pb::CreateCaseRequest {
            parent: "sites/lake".to_owned(),
            case: Some(owned("zhoa")),
            request_id: String::new(),
            validate_only,
        };
        let refused = world.cases(caller("clerk")).create_case(asked).await;
        let status = refused.expect_err("nobody is called that");
        assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
        let text = status.message();
        assert!(text.contains("case.first_contact_owner"), "{text}");
    }
    let said: Vec<events::CaseReceived> = world.said("redress.case.received.v1").await;
    assert!(said.is_empty(), "nothing is kept of what was refused");

    let case = create(&mut world.cases(caller("clerk")), owned("zhao")).await;
    assert_eq!(case.expect("a case").owner, name);
    // Somebody new, of whom intake was not told yet: the token says who that is.
    let mut new = world.cases(staff("n", "sites/lake/staff/new"));
    let case = create(&mut new, owned("new")).await;
    assert_eq!(case.expect("a case").owner, "sites/lake/staff/new");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_who_join_later_are_counted_and_a_change_without_effect_leaves_the_etag() {
    let world = World::new().await;
    let case = world.create(leak()).await;
    let mut clerk = world.cases(caller("clerk"));
    let joined = pb::Case {
        complainants: vec![
            person("13800138000"),
            person("13900000001"),
            person("+8613800138000"),
        ],
        headcount: 9,
        ..case.clone()
    };
    let updated = update(&mut clerk, joined, &["complainants", "headcount"])
        .await
        .expect("updated");
    assert_eq!(updated.complainant_count, 9);
    assert_ne!(updated.etag, case.etag);
    let said: Vec<events::CaseUpdated> = world.said("redress.case.updated.v1").await;
    assert_eq!(
        said[0].facts.as_ref().expect("facts").person_tokens.len(),
        2
    );
    assert!(said[0].same_place);

    let same = update(&mut clerk, updated.clone(), &["complainants", "headcount"])
        .await
        .expect("the same");
    assert_eq!(same.etag, updated.etag);
    let said: Vec<events::CaseUpdated> = world.said("redress.case.updated.v1").await;
    assert_eq!(said.len(), 1);
    assert_eq!(get(&mut clerk, &case.name).await.expect("a case"), same);

    let elsewhere = pb::Case {
        place: Some(pb::Place {
            building: "9".to_owned(),
            unit: "909".to_owned(),
            ..Default::default()
        }),
        ..same
    };
    update(&mut clerk, elsewhere, &["place"])
        .await
        .expect("moved");
    let said: Vec<events::CaseUpdated> = world.said("redress.case.updated.v1").await;
    assert!(!said[1].same_place);
}
