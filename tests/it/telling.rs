//! Telling people, from the cause in one service to what reaches them from another: leads when nobody is on duty (P14),
//! owners before they complain (M19), and staff whom a customer praised (M02).

use std::collections::BTreeSet;

use redress_model::words::{
    Category, Channel, DutyRole, QualityImpact, SignalBasis, SignalKind, Word as _,
};
use redress_proto::assignment::v1 as work;
use redress_proto::assignment::v1::ledger_service_client::LedgerServiceClient;
use redress_proto::convert::to_wire;
use redress_proto::intake::v1::{Case, Complainant, CreateCaseRequest, Place};
use redress_proto::notification::v1 as told;
use redress_proto::notification::v1::delivery_service_client::DeliveryServiceClient;
use redress_proto::notification::v1::notice_service_client::NoticeServiceClient;
use redress_proto::notification::v1::survey_service_client::SurveyServiceClient;
use redress_proto::triage::v1 as triage;
use redress_proto::triage::v1::cluster_service_client::ClusterServiceClient;
use redress_proto::words::Signal;
use redress_testkit::eventually;
use redress_tests::{Platform, SITE};
use uuid::Uuid;

use crate::PATIENCE;

async fn complain(platform: &Platform, case: Case) -> Case {
    let taken = file(platform, case).await;
    taken.expect("the complaint is taken in")
}

async fn file(platform: &Platform, case: Case) -> Result<Case, tonic::Status> {
    let request = CreateCaseRequest {
        parent: format!("sites/{SITE}"),
        request_id: Uuid::new_v4().to_string(),
        case: Some(Case {
            channel: to_wire(Channel::Visit),
            complainants: vec![Complainant {
                display_name: "业主".to_owned(),
                email: format!("{}@example.com", Uuid::new_v4().simple()),
                ..Default::default()
            }],
            ..case
        }),
        ..Default::default()
    };
    let answer = platform.callers().cases().create_case(request).await?;
    let case = answer.into_inner().case;
    Ok(case.expect("the answer carries the case"))
}

/// Messages of one template, as far as they were sent.
pub(crate) async fn sent(
    platform: &Platform,
    case: &str,
    template: &str,
) -> Result<Vec<told::Message>, String> {
    let request = told::ListMessagesRequest {
        parent: format!("sites/{SITE}"),
        case: case.to_owned(),
        template: template.to_owned(),
        states: vec![told::MessageState::Sent.into()],
        page_size: 1000,
        ..Default::default()
    };
    let answer = platform.callers().messages().list_messages(request).await;
    Ok(answer.map_err(|s| s.to_string())?.into_inner().messages)
}

/// What a message says.
async fn text(platform: &Platform, message: &str) -> String {
    let request = told::GetMessageRequest {
        name: message.to_owned(),
    };
    let answer = platform.callers().messages().get_message(request).await;
    let answer = answer.expect("shown").into_inner();
    answer
        .rendered_messages
        .into_iter()
        .map(|page| format!("{}\n{}", page.subject, page.body))
        .collect()
}

/// Nobody is left alone at any hour, so that a test passes at every hour.
pub(crate) async fn no_quiet_hours(platform: &Platform) {
    let policy = told::DeliveryPolicy {
        name: format!("sites/{SITE}/deliveryPolicy"),
        quiet_start: "00:00".to_owned(),
        quiet_end: "00:00".to_owned(),
        customer_burst: 100,
        customer_per_hour: 100,
        staff_burst: 100,
        staff_per_hour: 100,
        ..Default::default()
    };
    let request = told::UpdateDeliveryPolicyRequest {
        delivery_policy: Some(policy),
        ..Default::default()
    };
    DeliveryServiceClient::new(platform.callers().channel("notification"))
        .update_delivery_policy(request)
        .await
        .expect("the site is known");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p14_with_nobody_on_duty_the_next_lead_is_paged_at_once_from_triage_to_the_message() {
    let platform = Platform::start().await;
    // The on-site lead and the duty lead leave; the top lead stays.
    let duties = [DutyRole::TopLead, DutyRole::Handler, DutyRole::FrontOffice]
        .into_iter()
        .map(|role| work::Duty {
            role: role.number(),
            staff: match role {
                DutyRole::Handler => format!("sites/{SITE}/staff/engineering-1"),
                role => {
                    let id = role.word().to_lowercase().replace('_', "-");
                    format!("sites/{SITE}/staff/{id}")
                }
            },
            ..Default::default()
        })
        .collect();
    let set = work::SetDutiesRequest {
        parent: format!("sites/{SITE}"),
        duties,
        ..Default::default()
    };
    let set = platform.callers().roster().set_duties(set).await;
    set.expect("the duties are set");

    // Somebody may be hurt: would be grade 1, so a lead is asked. The roster reaches triage a moment after it was set;
    // from then on the question goes to whoever is left, without waiting for those who are not there.
    eventually(PATIENCE, async || {
        let case = Case {
            text: "有人说看到老人在楼道里摔倒了".to_owned(),
            signals: vec![Signal {
                kind: to_wire(SignalKind::Injury),
                basis: to_wire(SignalBasis::Suspected),
                ..Default::default()
            }],
            ..Default::default()
        };
        let case = complain(&platform, case).await;
        let asked = eventually(PATIENCE, async || {
            let asked = sent(&platform, &case.name, "signal.suspected").await?;
            asked.into_iter().next().ok_or("not asked yet".to_owned())
        })
        .await;
        if asked.recipient != format!("sites/{SITE}/staff/top-lead") {
            return Err(format!("{} was asked", asked.recipient));
        }
        let time = |t: Option<prost_types::Timestamp>| t.expect("given").seconds;
        let waited = time(asked.send_time) - time(case.create_time);
        assert!(waited < 60, "asked after {waited} s");
        Ok(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p14_where_a_grave_complaint_accuses_every_lead_the_region_is_called_out_at_once_and_none_of_them()
 {
    let platform = Platform::start().await;
    let staff = |id: &str| format!("sites/{SITE}/staff/{id}");
    let leads = ["on-site-lead", "duty-lead", "top-lead"].map(staff);
    let case = Case {
        text: "三位负责人在售楼处推搡业主,一位老人倒地受伤".to_owned(),
        signals: vec![Signal {
            kind: to_wire(SignalKind::Injury),
            basis: to_wire(SignalBasis::Reported),
            ..Default::default()
        }],
        staff_complained_about: leads.to_vec(),
        ..Default::default()
    };
    // Intake refuses to hear of people whom it does not know yet.
    let case = eventually(PATIENCE, async || file(&platform, case.clone()).await).await;
    let called = async || {
        let called = sent(&platform, &case.name, "incident.callout").await?;
        let called: Vec<String> = called.into_iter().map(|m| m.recipient).collect();
        Ok::<_, String>(called)
    };
    eventually(PATIENCE, async || {
        let called = called().await?;
        called
            .contains(&staff("region-contact"))
            .then_some(())
            .ok_or(format!("called out: {called:?}"))
    })
    .await;
    platform.deliver_everything_again().await;
    let called = called().await.expect("listed");
    assert!(!called.iter().any(|who| leads.contains(who)), "{called:?}");
    let mut each = called.clone();
    each.sort();
    each.dedup();
    assert_eq!(each.len(), called.len(), "once for each: {called:?}");
}

/// Five owners with leaking kitchens, and one who complains about something else.
async fn leaks(platform: &Platform) -> Case {
    for unit in 1..=5 {
        let case = Case {
            text: "厨房水管接头渗水,橱柜已经泡坏了,请来维修".to_owned(),
            stated_category: to_wire(Category::EngineeringQuality),
            quality_impact: to_wire(QualityImpact::AffectsUse),
            place: Some(Place {
                building: "3栋".to_owned(),
                unit: format!("{unit}01"),
                ..Default::default()
            }),
            ..Default::default()
        };
        complain(platform, case).await;
    }
    let other = Case {
        text: "大门口路灯坏了很久没人修".to_owned(),
        stated_category: to_wire(Category::PropertyManagement),
        ..Default::default()
    };
    complain(platform, other).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m19_a_defect_of_five_homes_reaches_the_other_owners_once_two_people_said_so() {
    let platform = Platform::start().await;
    no_quiet_hours(&platform).await;
    leaks(&platform).await;
    let mut clusters = ClusterServiceClient::new(platform.callers().channel("triage"));
    let cluster = eventually(PATIENCE, async || {
        let request = triage::ListClustersRequest {
            parent: format!("sites/{SITE}"),
            general_defect: triage::GeneralDefectState::Proposed.into(),
            ..Default::default()
        };
        let answer = clusters.clone().list_clusters(request).await;
        let answer = answer.map_err(|s| s.to_string())?.into_inner();
        let first = answer.clusters.into_iter().next();
        first.ok_or("nothing proposed yet".to_owned())
    })
    .await;
    let accept = triage::ReviewGeneralDefectRequest {
        name: cluster.name.clone(),
        accept: true,
        reason: "one batch of joints".to_owned(),
        ..Default::default()
    };
    clusters
        .review_general_defect(accept)
        .await
        .expect("proposed");

    // A draft appears by itself; one person submits it, another approves it.
    let notices = |staff: &str| {
        let staff = format!("sites/{SITE}/staff/{staff}");
        NoticeServiceClient::new(platform.callers().staff(&staff).channel("notification"))
    };
    let draft = eventually(PATIENCE, async || {
        let request = told::ListNoticesRequest {
            parent: format!("sites/{SITE}"),
            ..Default::default()
        };
        let answer = notices("duty-lead").list_notices(request).await;
        let answer = answer.map_err(|s| s.to_string())?.into_inner();
        let first = answer.notices.into_iter().next();
        first.ok_or("no draft yet".to_owned())
    })
    .await;
    assert_eq!(draft.cluster, cluster.name);
    // News of the last complaint and of its cluster come in any order.
    eventually(PATIENCE, async || {
        let request = told::GetNoticeRequest {
            name: draft.name.clone(),
        };
        let answer = notices("duty-lead").get_notice(request).await;
        let notice = answer.map_err(|s| s.to_string())?.into_inner().notice;
        let audience = notice.unwrap_or_default().audience.unwrap_or_default();
        let counts = (audience.known_count, audience.excluded_count);
        (counts == (6, 5))
            .then_some(())
            .ok_or(format!("{counts:?}"))
    })
    .await;
    let submit = told::SubmitNoticeRequest {
        name: draft.name.clone(),
        ..Default::default()
    };
    let submitted = notices("duty-lead").submit_notice(submit).await;
    let submitted = submitted.expect("submitted").into_inner().notice;
    let submitted = submitted.expect("given");
    let approve = told::ApproveNoticeRequest {
        name: draft.name.clone(),
        digest: submitted.digest.clone(),
        ..Default::default()
    };
    let own = notices("duty-lead").approve_notice(approve.clone()).await;
    assert!(own.is_err(), "whoever submitted it does not approve it");
    notices("top-lead")
        .approve_notice(approve)
        .await
        .expect("approved");
    eventually(PATIENCE, async || {
        let request = told::GetNoticeRequest {
            name: draft.name.clone(),
        };
        let answer = notices("top-lead").get_notice(request).await;
        let notice = answer.map_err(|s| s.to_string())?.into_inner().notice;
        let notice = notice.unwrap_or_default();
        let progress = notice.progress.unwrap_or_default();
        (notice.state() == told::NoticeState::Released && progress.told_count == 1)
            .then_some(())
            .ok_or(format!("{:?}: {progress:?}", notice.state()))
    })
    .await;

    // Delivered again, each event changes nothing.
    platform.deliver_everything_again().await;
    let sent = sent(&platform, "", "notice.owners").await.expect("listed");
    let readers: BTreeSet<&str> = sent.iter().map(|m| m.recipient.as_str()).collect();
    assert_eq!((sent.len(), readers.len()), (1, 1));
    let text = text(&platform, &sent[0].name).await;
    assert!(text.contains("房屋质量"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m02_praise_in_a_survey_lands_in_the_ledger_of_whoever_was_praised() {
    let platform = Platform::start().await;
    no_quiet_hours(&platform).await;
    let case = Case {
        text: "电梯按钮失灵,希望尽快维修".to_owned(),
        ..Default::default()
    };
    let case = complain(&platform, case).await;
    let name = case.name.replacen("/cases/", "/work/", 1);
    let mut client = platform.callers().work();
    eventually(PATIENCE, async || {
        let accept = work::AcceptAssignmentRequest {
            name: name.clone(),
            ..Default::default()
        };
        let answer = client.clone().accept_assignment(accept).await;
        answer.map(|_| ()).map_err(|s| s.to_string())
    })
    .await;
    let progress = work::LogProgressRequest {
        name: name.clone(),
        text: "looked".to_owned(),
        ..Default::default()
    };
    client.log_progress(progress).await.expect("accepted");
    // The receipt is out, so that whoever is asked is known.
    eventually(PATIENCE, async || {
        let sent = sent(&platform, &case.name, "case.received").await?;
        (sent.len() == 1)
            .then_some(())
            .ok_or("no receipt".to_owned())
    })
    .await;
    let resolve = work::ResolveWorkRequest {
        name,
        summary: "sealed".to_owned(),
        root_cause: "a loose contact".to_owned(),
        ..Default::default()
    };
    client.resolve_work(resolve).await.expect("investigated");

    // The customer follows the link of the message.
    let question = eventually(PATIENCE, async || {
        let sent = sent(&platform, &case.name, "survey.asked").await?;
        sent.into_iter().next().ok_or("not asked yet".to_owned())
    })
    .await;
    let text = text(&platform, &question.name).await;
    let token = text
        .split("https://portal.example.com/survey?token=")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next())
        .expect("the question has a link");
    let praised = format!("sites/{SITE}/staff/repair-1");
    let portal = platform.callers().at(&[SITE], "portal");
    let answer = told::AnswerSurveyRequest {
        token: token.to_owned(),
        answer: Some(told::SurveyAnswer {
            score: 5,
            solved: Some(true),
            praised_staff: vec![praised.clone()],
            ..Default::default()
        }),
        ..Default::default()
    };
    SurveyServiceClient::new(portal.channel("notification"))
        .answer_survey(answer)
        .await
        .expect("the token is ours");

    let ledger = LedgerServiceClient::new(platform.callers().channel("assignment"));
    let entry = eventually(PATIENCE, async || {
        let request = work::ListLedgerEntriesRequest {
            parent: format!("sites/{SITE}"),
            staff: praised.clone(),
            ..Default::default()
        };
        let answer = ledger.clone().list_ledger_entries(request).await;
        let answer = answer.map_err(|s| s.to_string())?.into_inner();
        let first = answer.entries.into_iter().next();
        first.ok_or("nothing booked yet".to_owned())
    })
    .await;
    assert_eq!(entry.kind(), work::LedgerKind::Recognition);
    assert_eq!(entry.case, case.name);
    platform.deliver_everything_again().await;
    let request = work::ListLedgerEntriesRequest {
        parent: format!("sites/{SITE}"),
        staff: praised,
        ..Default::default()
    };
    let ledger = LedgerServiceClient::new(platform.callers().channel("assignment"));
    let all = ledger.clone().list_ledger_entries(request).await;
    assert_eq!(all.expect("listed").into_inner().entries.len(), 1);
}
