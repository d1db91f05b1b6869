//! Texts as revisions of organization, region and site; the wording check on everything outward (M05, M11, M16).

use std::sync::Arc;

use jiff::SignedDuration;
use redress_model::name::{CaseName, StaffName};
use redress_model::words::{ClockKind, ClockTransition, DutyRole};
use redress_notification::domain::words::{Language, MessageState, Template};
use redress_notification::jobs::metrics::Metrics;
use redress_notification::rpc::templates::TemplateTexts;
use redress_notification::rpc::wording::Wording;
use redress_proto::notification::v1 as proto;
use redress_proto::notification::v1::message_service_server::MessageService as _;
use redress_proto::notification::v1::template_service_server::TemplateService as _;
use redress_proto::notification::v1::wording_service_server::WordingService as _;
use redress_rpc::{Caller, Fingerprints};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::rpc::{by, caller, service};
use crate::support::{World, meter, news, site};

fn templates(world: &World) -> TemplateTexts {
    TemplateTexts {
        db: world.base.db.clone(),
        clock: world.clock.clone(),
        fingerprints: Fingerprints::new(b"a key of tests"),
        metrics: Metrics::new(&meter()),
    }
}

fn wording(world: &World) -> Wording {
    Wording {
        db: world.base.db.clone(),
        clock: world.clock.clone(),
        fingerprints: Fingerprints::new(b"a key of tests"),
        metrics: Metrics::new(&meter()),
    }
}

/// Somebody who answers for the whole organization.
fn head_office() -> Arc<Caller> {
    let mut caller = (*caller("lake", &["*"], None)).clone();
    caller.organizations = vec!["demo".parse().expect("a slug")];
    Arc::new(caller)
}

fn apply(parent: &str, subject: &str, body: &str) -> proto::ApplyTemplateRequest {
    // What every first message has to say (M16), unless the level gives its text back.
    let body = match body {
        "" => String::new(),
        body => format!(
            "{body} {{{{ owner }}}} {{{{ owner_department }}}} {{{{ owner_phone }}}} {{{{ next_time }}}}"
        ),
    };
    proto::ApplyTemplateRequest {
        parent: parent.to_owned(),
        template: "case.received".to_owned(),
        language: "en".to_owned(),
        subject: subject.to_owned(),
        body,
        reason: "agreed with customer service".to_owned(),
        ..Default::default()
    }
}

async fn held(world: &World) -> proto::Template {
    let get = proto::GetTemplateRequest {
        name: "sites/lake/templates/case.received".to_owned(),
        language: "en".to_owned(),
    };
    let answer = templates(world).get_template(by(&head_office(), get)).await;
    answer
        .expect("a template")
        .into_inner()
        .template
        .expect("given")
}

#[tokio::test]
async fn a_text_is_inherited_from_the_product_down_to_the_site_and_its_origin_is_seen() {
    let world = World::new().await;
    let service = templates(&world);
    let office = head_office();
    let built_in = held(&world).await;
    assert_eq!((built_in.origin.as_str(), built_in.revision), ("", 0));
    assert!(built_in.outward && built_in.variables.iter().any(|v| v.name == "owner_phone"));

    for (parent, origin) in [
        ("organizations/demo", "organizations/demo"),
        (
            "organizations/demo/regions/north",
            "organizations/demo/regions/north",
        ),
        ("sites/lake", "sites/lake"),
    ] {
        let body = format!("Hello {{{{ reader }}}}, from {parent}: {{{{ number }}}}");
        let applied = service
            .apply_template(by(&office, apply(parent, "On record", &body)))
            .await;
        let revision = applied
            .expect("applied")
            .into_inner()
            .revision
            .expect("given");
        assert_eq!((revision.revision, revision.etag.as_str()), (1, "r1"));
        assert_eq!(revision.author, "tester@example");
        assert_eq!(held(&world).await.origin, origin);
    }
    // The list of the site says the same of every text.
    let list = proto::ListTemplatesRequest {
        parent: "sites/lake".to_owned(),
    };
    let listed = service.list_templates(by(&office, list)).await;
    let listed = listed.expect("a list").into_inner().templates;
    assert_eq!(
        listed.len(),
        Template::ALL.len() * Language::ALL.len(),
        "each in each language"
    );
    let changed: Vec<_> = listed.into_iter().filter(|t| t.revision > 0).collect();
    assert_eq!(changed, [held(&world).await]);
    // What holds is what is sent.
    world.case("LAKE-1").await;
    world.clock.advance(SignedDuration::from_mins(2));
    world.send_due(&world.outbox_sender()).await;
    assert_eq!(
        world.text().await.body,
        "Hello Wang Fang, from sites/lake: LAKE-1\n"
    );
    // Given back, the region's holds again.
    service
        .apply_template(by(&office, apply("sites/lake", "", "")))
        .await
        .expect("given back");
    assert_eq!(
        held(&world).await.origin,
        "organizations/demo/regions/north"
    );

    let history = proto::ListTemplateRevisionsRequest {
        parent: "sites/lake".to_owned(),
        template: "case.received".to_owned(),
        language: "en".to_owned(),
        ..Default::default()
    };
    let history = service
        .list_template_revisions(by(&office, history))
        .await
        .expect("a list")
        .into_inner();
    let numbers: Vec<i32> = history.revisions.iter().map(|r| r.revision).collect();
    assert_eq!(numbers, [2, 1]);
}

#[tokio::test]
async fn a_text_holds_from_its_time_on_once_for_one_request_and_not_over_somebody_elses() {
    let world = World::new().await;
    let service = templates(&world);
    let office = head_office();
    let later = world.now() + SignedDuration::from_hours(1);
    let mut first = apply("sites/lake", "Later", "Later: {{ number }}");
    first.effective_time = Some(redress_proto::convert::to_timestamp(later));
    first.request_id = "r-1".to_owned();
    for _ in 0..2 {
        let applied = service
            .apply_template(by(&office, first.clone()))
            .await
            .expect("applied");
        assert_eq!(applied.into_inner().revision.expect("given").revision, 1);
    }
    assert_eq!(held(&world).await.revision, 0, "not yet");
    world.clock.advance(SignedDuration::from_hours(1));
    assert_eq!(held(&world).await.revision, 1);

    let mut stale = apply("sites/lake", "Mine", "Mine: {{ number }}");
    stale.etag = "r0".to_owned();
    let refused = service
        .apply_template(by(&office, stale))
        .await
        .expect_err("stale");
    assert_eq!(refused.code(), Code::Aborted);
    let mut late = apply("sites/lake", "Mine", "Mine: {{ number }}");
    late.effective_time = Some(redress_proto::convert::to_timestamp(
        later - SignedDuration::from_hours(1),
    ));
    let refused = service
        .apply_template(by(&office, late))
        .await
        .expect_err("too late");
    assert_eq!(refused.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn an_unknown_variable_is_refused_at_save_and_i8_another_level_is_not_found() {
    let world = World::new().await;
    let service = templates(&world);
    let wrong = apply("sites/lake", "On record", "{{ price }}");
    let refused = service
        .apply_template(by(&head_office(), wrong))
        .await
        .expect_err("unknown");
    assert_eq!(refused.code(), Code::InvalidArgument);
    let details = refused.get_details_bad_request().expect("names the field");
    assert_eq!(details.field_violations[0].field, "body");
    assert!(details.field_violations[0].description.contains("price"));

    let mut unsaid = apply("sites/lake", "On record", "{{ number }}");
    unsaid.body = "您好,没有编号".to_owned();
    let refused = service
        .apply_template(by(&head_office(), unsaid))
        .await
        .expect_err("says neither number nor handler");
    let details = refused.get_details_bad_request().expect("names the field");
    assert!(
        details.field_violations[0]
            .description
            .contains("next_time")
    );

    let costly = apply("sites/lake", "On record", "{{ number }}: 我们赔偿您500元");
    let refused = service.apply_template(by(&head_office(), costly)).await;
    let refused = refused.expect_err("M10: promises money to everybody");
    assert!(refused.message().contains("promise no money"));

    let of_site = caller("lake", &["*"], None);
    let foreign = caller("river", &["*"], None);
    for (who, parent) in [
        (&of_site, "organizations/demo"),
        (&of_site, "organizations/demo/regions/north"),
        (&foreign, "sites/lake"),
        (&foreign, "organizations/demo"),
    ] {
        let asked = apply(parent, "On record", "{{ number }}");
        let refused = service
            .apply_template(by(who, asked))
            .await
            .expect_err("not theirs");
        assert_eq!(refused.code(), Code::NotFound, "{parent}");
    }
    let peek = proto::GetTemplateRequest {
        name: "sites/lake/templates/case.received".to_owned(),
        language: "en".to_owned(),
    };
    let refused = service
        .get_template(by(&foreign, peek))
        .await
        .expect_err("not theirs");
    assert_eq!(refused.code(), Code::NotFound);
    let list = proto::ListTemplatesRequest {
        parent: "sites/lake".to_owned(),
    };
    let refused = service.list_templates(by(&foreign, list)).await;
    assert_eq!(refused.expect_err("not theirs").code(), Code::NotFound);
}

#[tokio::test]
async fn a_preview_is_written_from_sample_data_and_says_what_the_check_finds() {
    let world = World::new().await;
    let service = templates(&world);
    let preview = |subject: &str, body: &str| proto::PreviewTemplateRequest {
        name: "sites/lake/templates/case.received".to_owned(),
        language: "zh-CN".to_owned(),
        subject: subject.to_owned(),
        body: body.to_owned(),
    };
    let of_site = caller("lake", &["*"], None);
    let ours = service
        .preview_template(by(&of_site, preview("", "")))
        .await
        .expect("ok")
        .into_inner();
    for part in [
        "王芳",
        "李明",
        "工程部",
        "021-5550 0100",
        "LAKE-261121-0007",
    ] {
        assert!(
            ours.body.contains(part) || ours.subject.contains(part),
            "M16: {part} in {}",
            ours.body
        );
    }
    assert!(ours.hits.is_empty());
    let draft = preview("编号 {{ number }}", "{{ reader }}，这点小事我们记下了。");
    let rude = service
        .preview_template(by(&of_site, draft))
        .await
        .expect("ok")
        .into_inner();
    assert_eq!(rude.hits[0].rule, "belittles");
    let refused = apply("sites/lake", "x", "It is only a small thing, {{ reader }}.");
    let refused = service
        .apply_template(by(&of_site, refused))
        .await
        .expect_err("blocked");
    assert_eq!(
        refused.get_details_error_info().expect("a reason").reason,
        "WORDING_BLOCKED"
    );
}

fn say(case: &CaseName, text: &str) -> proto::SendMessageRequest {
    proto::SendMessageRequest {
        parent: case.to_string(),
        text: text.to_owned(),
        ..Default::default()
    }
}

#[tokio::test]
async fn m11_a_phrase_blocks_what_somebody_writes_until_it_is_changed_or_overridden_with_a_reason()
{
    let world = World::new().await;
    let li = world.hire("li", "+8613800000001", "li@example.com").await;
    let case = world.case("LAKE-1").await;
    world.tell(news::offered(&case, &li, None, 1)).await;
    let service = service(&world);
    let clerk = caller("lake", &["messages.send"], Some(&li));
    let manager = caller("lake", &["messages.send", "wording.*"], Some(&li));
    let rude = "这点小事，不归我管。";

    let check = proto::CheckWordingRequest {
        parent: "sites/lake".to_owned(),
        text: rude.to_owned(),
        language: "zh-CN".to_owned(),
        ..Default::default()
    };
    let found = wording(&world)
        .check_wording(by(&manager, check))
        .await
        .expect("ok")
        .into_inner()
        .hits;
    let spans: Vec<(&str, i32, i32)> = found
        .iter()
        .map(|h| (h.rule.as_str(), h.start, h.end))
        .collect();
    assert_eq!(spans, [("belittles", 0, 4), ("not-my-department", 5, 9)]);
    assert!(
        found
            .iter()
            .all(|hit| !hit.why.is_empty() && !hit.better.is_empty())
    );

    let refused = service
        .send_message(by(&clerk, say(&case, rude)))
        .await
        .expect_err("blocked");
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("belittles, not-my-department"));
    assert!(
        !refused.message().contains("小事"),
        "the text is nobody's but the writer's"
    );
    let mut forced = say(&case, rude);
    forced.override_reason = "a quotation that the customer asked for".to_owned();
    let refused = service
        .send_message(by(&clerk, forced.clone()))
        .await
        .expect_err("no authority");
    assert_eq!(refused.code(), Code::PermissionDenied);

    forced.request_id = "say-1".to_owned();
    let first = service
        .send_message(by(&manager, forced.clone()))
        .await
        .expect("sent")
        .into_inner();
    let again = service
        .send_message(by(&manager, forced))
        .await
        .expect("I2")
        .into_inner();
    assert_eq!(first.messages.len(), 1);
    assert_eq!(first.messages[0].name, again.messages[0].name);
    let list = proto::ListWordingOverridesRequest {
        parent: "sites/lake".to_owned(),
        ..Default::default()
    };
    let kept = wording(&world)
        .list_wording_overrides(by(&manager, list))
        .await
        .expect("ok")
        .into_inner();
    assert_eq!(kept.overrides.len(), 1);
    assert_eq!(kept.overrides[0].rules, ["belittles", "not-my-department"]);
    assert_eq!(kept.overrides[0].author, "tester@example");
    assert_eq!(kept.overrides[0].message, first.messages[0].name);

    let plain = say(&case, "We come to look at it tomorrow at nine.");
    service.send_message(by(&clerk, plain)).await.expect("sent");
    world.clock.advance(SignedDuration::from_mins(2));
    world.send_due(&world.outbox_sender()).await;
    let sent = world.messages().await;
    let said = sent.iter().filter(|m| m.template == Template::CaseMessage);
    assert!(
        said.clone().all(|m| m.fate.state == MessageState::Sent),
        "{sent:#?}"
    );
    assert_eq!(said.count(), 2);
    let texts = world.texts().await;
    let plain = texts
        .iter()
        .find(|t| t.body.contains("tomorrow at nine"))
        .expect("kept");
    for part in ["Wang Fang", "LAKE-1", "li", "Engineering", "+8613800000001"] {
        assert!(plain.body.contains(part), "M16: {part} in {}", plain.body);
    }
}

#[tokio::test]
async fn m10_money_is_promised_only_as_far_as_a_solution_of_the_case_that_may_be_told() {
    let world = World::new().await;
    let (case, other) = (world.case("LAKE-1").await, world.case("LAKE-2").await);
    let service = service(&world);
    let clerk = caller("lake", &["messages.send"], None);
    let manager = caller("lake", &["messages.send", "wording.*"], None);
    let promise = |text: &str| service.send_message(by(&clerk, say(&case, text)));
    let reason = |refused: Status| {
        let details = refused.get_details_error_info().expect("a reason");
        (refused.code(), details.reason)
    };
    let unapproved = (Code::FailedPrecondition, "PROMISE_NOT_APPROVED".to_owned());
    for text in [
        "我们同意赔偿您1500元,请放心。",
        "我们已决定补偿您壹仟伍佰元",
        "我們已決定補償您壹仟伍佰元",
        "我们会赔。数额𝟏𝟓𝟎𝟎元。",
        "公司商定退一赔三,100000元",
    ] {
        let refused = promise(text).await.expect_err("nobody approved it");
        assert_eq!(reason(refused), unapproved, "{text}");
    }
    // No reason overrides it: whoever may decide it approves a solution.
    let mut forced = say(&case, "我们同意赔偿您1500元");
    forced.override_reason = "agreed by phone".to_owned();
    let refused = service.send_message(by(&manager, forced)).await;
    assert_eq!(reason(refused.expect_err("not approved")), unapproved);

    // Proposed inside it may not be said, approved it may, up to its sum and about its own case alone.
    let solution = Uuid::now_v7();
    let approved = "我们同意赔偿您1500元";
    world
        .tell(news::promised(&case, solution, (false, 1_500), 1))
        .await;
    assert_eq!(
        reason(promise(approved).await.expect_err("proposed")),
        unapproved
    );
    world
        .tell(news::promised(&case, solution, (true, 1_500), 3))
        .await;
    promise(approved).await.expect("approved");
    let more = promise("我们同意赔偿您1500.01元").await;
    assert_eq!(reason(more.expect_err("more")), unapproved);
    let unsaid = promise("我们同意退一赔三").await;
    assert_eq!(reason(unsaid.expect_err("how much?")), unapproved);
    let elsewhere = say(&other, approved);
    let elsewhere = service.send_message(by(&clerk, elsewhere)).await;
    assert_eq!(reason(elsewhere.expect_err("another case")), unapproved);
    // I3: late news of an older revision change nothing; a newer one takes it back.
    world
        .tell(news::promised(&case, solution, (false, 1_500), 2))
        .await;
    promise(approved).await.expect("still approved");
    world
        .tell(news::promised(&case, solution, (false, 1_500), 4))
        .await;
    assert_eq!(
        reason(promise(approved).await.expect_err("declined")),
        unapproved
    );
    // What gives nothing may name a sum.
    promise("您本月的物业费是 320 元，发票随信附上。")
        .await
        .expect("a bill");
}

#[tokio::test]
async fn a_text_that_nobody_sees_is_no_text() {
    let world = World::new().await;
    let case = world.case("LAKE-1").await;
    let service = service(&world);
    let clerk = caller("lake", &["messages.send"], None);
    for blank in ["\u{200b}\u{2060}", "\u{3164}", "\u{feff} \u{ad}"] {
        let refused = service.send_message(by(&clerk, say(&case, blank))).await;
        let refused = refused.expect_err("an empty message");
        assert_eq!(refused.code(), Code::InvalidArgument);
    }
}

#[tokio::test]
async fn m16_a_message_right_after_acceptance_names_who_accepted() {
    let world = World::new().await;
    let li = world.hire("li", "+8613800000001", "li@example.com").await;
    let wu = world.hire("wu", "+8613800000002", "wu@example.com").await;
    let case = world.case("LAKE-1").await;
    world.tell(news::offered(&case, &li, Some(&wu), 1)).await;
    // Wu has accepted, and the news of it are on their way.
    let accepted = caller("lake", &["messages.send"], Some(&wu));
    let said = say(&case, "我们明天上午九点到现场。");
    let sent = service(&world).send_message(by(&accepted, said)).await;
    sent.expect("plain words");
    world.clock.advance(SignedDuration::from_mins(2));
    world.send_due(&world.outbox_sender()).await;
    let texts = world.texts().await;
    let said = texts.iter().find(|t| t.body.contains("明天上午九点"));
    let said = &said.expect("kept").body;
    assert!(said.contains("+8613800000002"), "{said}");
}

#[tokio::test]
async fn m10_only_who_has_a_part_in_a_case_writes_to_its_complainants() {
    let world = World::new().await;
    let hire = async |id: &str, phone: &str| world.hire(id, phone, "x@example.com").await;
    let li = hire("li", "+8613800000001").await;
    let wu = hire("wu", "+8613800000002").await;
    let zhao = hire("zhao", "+8613800000003").await;
    let case = world.case("LAKE-1").await;
    let service = service(&world);
    let write = async |staff: Option<&StaffName>, more: &[&str]| {
        let permissions = [&["messages.send"][..], more].concat();
        let writer = caller("lake", &permissions, staff);
        let said = say(&case, "我们明天上午九点到现场。");
        let sent = service.send_message(by(&writer, said)).await;
        sent.map(|_| ()).map_err(|refused| refused.code())
    };
    let denied = Err(Code::PermissionDenied);
    assert_eq!(write(Some(&zhao), &[]).await, Ok(()), "received it");
    world.tell(news::offered(&case, &li, None, 1)).await;
    assert_eq!(write(Some(&li), &[]).await, Ok(()));
    assert_eq!(write(Some(&zhao), &[]).await, denied);
    assert_eq!(write(None, &[]).await, denied);
    assert_eq!(write(None, &["assignments.override"]).await, Ok(()));
    // Help and visits give a part while they last, a summons for good.
    let help = Uuid::now_v7();
    world.tell(news::part(&case, help, &zhao, true)).await;
    assert_eq!(write(Some(&zhao), &[]).await, Ok(()));
    assert_eq!(write(Some(&wu), &[]).await, denied);
    world.tell(news::part(&case, help, &zhao, false)).await;
    assert_eq!(write(Some(&zhao), &[]).await, denied);
    world.tell(news::summoned(&case, &wu)).await;
    assert_eq!(write(Some(&wu), &[]).await, Ok(()));
    // So does standing on the lead ladder.
    world
        .tell(news::on_duty(&[(DutyRole::DutyLead, &zhao)]))
        .await;
    assert_eq!(write(Some(&zhao), &[]).await, Ok(()));
    // Who handed it over has it no more.
    world.tell(news::offered(&case, &wu, None, 2)).await;
    assert_eq!(write(Some(&li), &[]).await, denied);
}

#[tokio::test]
async fn who_reads_english_reads_names_in_english_where_there_are_any() {
    let world = World::new().await;
    let (phone, email) = ("+8613800000001", "li@example.com");
    let li = world.hire("li", phone, email).await;
    world.people.add_staff(&li, "李明", phone, email);
    world.tell(news::staff_changed(&li, 2, false)).await;
    let case = world.case("LAKE-1").await;
    world.tell(news::offered(&case, &li, None, 1)).await;
    let said = async |text: &str| {
        let writer = caller("lake", &["messages.send"], Some(&li));
        let service = service(&world);
        let sent = service.send_message(by(&writer, say(&case, text))).await;
        sent.expect("plain words");
        world.clock.advance(SignedDuration::from_mins(2));
        world.send_due(&world.outbox_sender()).await;
        let texts = world.texts().await;
        let said = texts.into_iter().find(|t| t.body.contains(text));
        let said = said.expect("kept");
        format!("{} {}", said.subject, said.body)
    };
    world.tell(news::site_named("湖畔小区", "", 2)).await;
    let first = said("We come on Monday.").await;
    for name in ["湖畔小区", "李明"] {
        assert!(first.contains(name), "the only one there is: {first}");
    }
    let named = news::site_named("湖畔小区", "Lakeside Garden", 3);
    world.tell(named).await;
    world
        .people
        .name_in_english(&li, "Li Ming", "Engineering Office");
    world.tell(news::staff_changed(&li, 3, false)).await;
    let second = said("We come on Tuesday.").await;
    for name in ["Lakeside Garden", "Li Ming", "Engineering Office"] {
        assert!(second.contains(name), "{name}: {second}");
    }
    for name in ["湖畔", "李明"] {
        assert!(!second.contains(name), "{name}: {second}");
    }
}

#[tokio::test]
async fn m11_a_text_that_a_sites_rules_name_is_kept_back_at_sending_and_texts_for_staff_are_not() {
    let world = World::new().await;
    let li = world.hire("li", "+8613800000001", "li@example.com").await;
    let manager = caller("lake", &["*"], None);
    let rules = proto::ApplyWordingRulesRequest {
        parent: "sites/lake".to_owned(),
        document: "[[rule]]\nid = 'on-record'\nphrases = ['on record', 'Lake Garden']\n\
                   why = { zh-CN = '不用', en = 'not ours' }\nbetter = { zh-CN = '已登记', en = 'noted' }"
            .to_owned(),
        reason: "house style".to_owned(),
        ..Default::default()
    };
    let mut broken = rules.clone();
    broken.document = "[[rule]]\nid = 'x'".to_owned();
    let refused = wording(&world)
        .apply_wording_rules(by(&manager, broken))
        .await
        .expect_err("wrong");
    assert_eq!(refused.code(), Code::InvalidArgument);
    wording(&world)
        .apply_wording_rules(by(&manager, rules))
        .await
        .expect("applied");
    let held = proto::GetWordingRulesRequest {
        parent: "sites/lake".to_owned(),
        ..Default::default()
    };
    let held = wording(&world)
        .get_wording_rules(by(&manager, held))
        .await
        .expect("ok")
        .into_inner();
    let own = held
        .rules
        .iter()
        .find(|r| r.rule == "on-record")
        .expect("laid over");
    assert_eq!(own.origin, "sites/lake@1");
    assert!(held.rules.iter().any(|r| r.origin == "built-in"));

    let case = world.case("LAKE-1").await;
    let clock = redress_model::name::ClockName::new(site("lake"), uuid::Uuid::now_v7());
    let breached = (ClockTransition::Breached, 3);
    world
        .tell(news::clock(
            &clock,
            &case,
            ClockKind::Answer,
            breached,
            &[&li],
            2,
        ))
        .await;
    world.clock.advance(SignedDuration::from_mins(2));
    let sender = world.outbox_sender();
    world.send_due(&sender).await;
    let all = world.messages().await;
    let of = |template| {
        all.iter()
            .find(|m| m.template == template)
            .expect("listed")
            .clone()
    };
    let blocked = of(Template::CaseReceived);
    assert_eq!(
        (blocked.fate.state, blocked.fate.reason.as_str()),
        (MessageState::Failed, "WORDING_BLOCKED")
    );
    assert_eq!(blocked.blocked_rules, ["on-record"]);
    assert_eq!(of(Template::ClockBreached).fate.state, MessageState::Sent);

    let service = service(&world);
    let retry = proto::RetryMessageRequest {
        name: blocked.name.to_string(),
        override_reason: "the name of the site is what it is".to_owned(),
        ..Default::default()
    };
    let clerk = caller("lake", &["messages.retry"], None);
    let refused = service
        .retry_message(by(&clerk, retry.clone()))
        .await
        .expect_err("no authority");
    assert_eq!(refused.code(), Code::PermissionDenied);
    service
        .retry_message(by(&manager, retry))
        .await
        .expect("let through");
    world.send_due(&sender).await;
    let all = world.messages().await;
    let sent = all.iter().find(|m| m.name == blocked.name).expect("listed");
    assert_eq!(sent.fate.state, MessageState::Sent);
}

#[tokio::test]
async fn m11_a_rule_that_no_level_above_has_is_not_switched_off_and_nothing_is_kept() {
    let world = World::new().await;
    let office = head_office();
    let service = wording(&world);
    let apply = async |parent: &str, document: &str| {
        let request = proto::ApplyWordingRulesRequest {
            parent: parent.to_owned(),
            document: document.to_owned(),
            reason: "house style".to_owned(),
            ..Default::default()
        };
        service.apply_wording_rules(by(&office, request)).await
    };
    let refused = async |parent: &str, document: &str| {
        let refused = apply(parent, document).await.expect_err("of no level");
        assert_eq!(refused.code(), Code::InvalidArgument, "{parent}");
        let details = refused.get_details_bad_request().expect("names the field");
        let told = details.field_violations.into_iter();
        told.map(|v| (v.field, v.description))
            .collect::<Vec<(String, String)>>()
    };
    let slip = "disable = ['belittles', 'belitles']";
    let levels = [
        "organizations/demo",
        "organizations/demo/regions/north",
        "sites/lake",
    ];
    for parent in levels {
        let told = refused(parent, slip).await;
        assert_eq!(told.len(), 1, "{parent}");
        assert_eq!(told[0].0, "disable[1]", "{parent}");
        assert!(told[0].1.contains("belitles"), "{told:?}");
        let history = proto::ListWordingRevisionsRequest {
            parent: parent.to_owned(),
            ..Default::default()
        };
        let history = service.list_wording_revisions(by(&office, history)).await;
        assert!(
            history.expect("ok").into_inner().revisions.is_empty(),
            "{parent}"
        );
    }

    // What a level adds, those below it switch off, and not it itself, nor those above.
    let rule = "[[rule]]\nid = 'house-word'\nphrases = ['老赖']\n\
                why = { zh-CN = '不用', en = 'not ours' }\nbetter = { zh-CN = '业主', en = 'owner' }";
    apply("organizations/demo/regions/north", rule)
        .await
        .expect("applied");
    let off = "disable = ['house-word']";
    for parent in [levels[0], levels[1]] {
        let told = refused(parent, off).await;
        assert_eq!(told[0].0, "disable[0]", "{parent}");
    }
    apply("sites/lake", off).await.expect("of the region");
    // The file is the whole level: without the rule it is gone.
    apply("organizations/demo/regions/north", "disable = []")
        .await
        .expect("applied");
    refused("sites/lake", off).await;
}

#[tokio::test]
async fn i8_nobody_says_anything_to_complainants_of_another_site_or_of_a_case_about_themselves() {
    let world = World::new().await;
    let case = world.case("LAKE-1").await;
    let service = service(&world);
    let foreign = caller("river", &["*"], None);
    let refused = service
        .send_message(by(&foreign, say(&case, "Hello")))
        .await
        .expect_err("I8");
    assert_eq!(refused.code(), Code::NotFound);
    let manager = caller("lake", &["messages.send"], None);
    let mut stranger = say(&case, "Hello");
    stranger.person_tokens = vec!["somebody-else".to_owned()];
    let refused = service
        .send_message(by(&manager, stranger))
        .await
        .expect_err("not of the case");
    assert_eq!(refused.code(), Code::InvalidArgument);
    world
        .tell(news::moved(
            &case,
            redress_model::words::CaseStatus::Withdrawn,
            2,
        ))
        .await;
    let refused = service
        .send_message(by(&manager, say(&case, "Hello")))
        .await
        .expect_err("P06");
    assert_eq!(
        refused.get_details_error_info().expect("a reason").reason,
        "MATTER_ENDED"
    );
}

/// Applies a document of wording rules without any.
pub(crate) async fn apply_rules(world: &World, parent: &str) {
    let request = proto::ApplyWordingRulesRequest {
        parent: parent.to_owned(),
        document: "disable = ['belittles']".to_owned(),
        reason: "agreed".to_owned(),
        ..Default::default()
    };
    let service = wording(world);
    let answer = service
        .apply_wording_rules(by(&head_office(), request))
        .await;
    answer.expect("applied");
}
