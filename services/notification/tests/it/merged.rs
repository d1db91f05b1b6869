//! The people of a case that was merged into another hear of that one, each once and by their own case (section 8, M07).

use jiff::SignedDuration;
use redress_model::name::{CaseName, IncidentName, StaffName};
use redress_model::words::CaseStatus;
use redress_notification::domain::words::{MessageState, Template};
use redress_notification::store::messages::Message;
use redress_proto::notification::v1 as proto;
use redress_proto::notification::v1::message_service_server::MessageService as _;
use tonic::Code;
use uuid::Uuid;

use crate::rpc::{by, caller, service};
use crate::support::{World, news, site};

const DAY: SignedDuration = SignedDuration::from_hours(24);

impl World {
    /// A case of these people, each known by intake with it alone.
    async fn complaint(&self, number: &str, people: &[&str]) -> CaseName {
        let case = CaseName::new(site("lake"), Uuid::now_v7());
        for person in people {
            let email = format!("{person}@{}.example.com", number.to_lowercase());
            self.people
                .add_complainant(&case, person, person, "+8613800138000", &email);
        }
        self.tell(news::received(&case, number, people)).await;
        case
    }

    /// What the complainants were told by this template: whom, of which case, by which case, and by which number.
    async fn heard(&self, template: Template) -> Vec<(String, CaseName, Option<CaseName>, String)> {
        let mut all = self.messages().await;
        all.retain(|m| m.template == template && m.fate.state == MessageState::Sent);
        let told = |m: Message| {
            let case = m.case.expect("of a case");
            (m.recipient.to_string(), case, m.known_by, m.facts.number)
        };
        let mut told: Vec<_> = all.into_iter().map(told).collect();
        told.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        told
    }
}

/// Li and Zhao complain in A, Wang and Zhao in B; B is merged into A.
async fn merged(world: &World) -> (CaseName, CaseName) {
    let head = world.complaint("LAKE-1", &["li", "zhao"]).await;
    let other = world.complaint("LAKE-2", &["wang", "zhao"]).await;
    world.clock.advance(SignedDuration::from_mins(2));
    world.send_due(&world.outbox_sender()).await;
    world.tell(news::merged(&other, &head, 2)).await;
    (head, other)
}

fn as_told(head: &CaseName, other: &CaseName) -> Vec<(String, CaseName, Option<CaseName>, String)> {
    let one = |who: &str, by: Option<&CaseName>, number: &str| {
        let (who, number) = (who.to_owned(), number.to_owned());
        (who, head.clone(), by.cloned(), number)
    };
    vec![
        one("li", None, "LAKE-1"),
        one("wang", Some(other), "LAKE-2"),
        one("zhao", None, "LAKE-1"),
    ]
}

#[tokio::test]
async fn m07_m03_everybody_of_merged_cases_hears_of_proposal_resolution_and_end_once_by_their_own_case()
 {
    let world = World::new().await;
    let (head, other) = merged(&world).await;
    let sender = world.outbox_sender();
    for (status, template) in [
        (CaseStatus::Investigating, Template::CaseProgress),
        (CaseStatus::Proposed, Template::CaseProposed),
        (CaseStatus::Resolved, Template::SurveyAsked),
        (CaseStatus::Closed, Template::CaseClosed),
    ] {
        world.tell(news::moved(&head, status, 1)).await;
        world.clock.advance(DAY);
        world.send_due(&sender).await;
        let told = world.heard(template).await;
        assert_eq!(told, as_told(&head, &other), "{status}");
    }
    let texts = world.texts().await;
    let wang: Vec<_> = texts
        .iter()
        .filter(|text| text.body.contains("wang"))
        .collect();
    assert!(wang.len() >= 4);
    for text in wang {
        let words = format!("{} {}", text.subject, text.body);
        assert!(
            words.contains("LAKE-2") && !words.contains("LAKE-1"),
            "{words}"
        );
    }
}

#[tokio::test]
async fn m16_a_receipt_that_was_still_queued_goes_though_its_case_was_merged_and_names_who_answers_now()
 {
    let world = World::new().await;
    let li = world.hire("li-staff", "+8613800000001", "").await;
    let head = world.complaint("LAKE-1", &["li"]).await;
    world.tell(news::offered(&head, &li, None, 1)).await;
    let other = world.complaint("LAKE-2", &["wang"]).await;
    world.tell(news::merged(&other, &head, 2)).await;
    // Somebody joins the merged case later.
    world
        .people
        .add_complainant(&other, "chen", "chen", "+8613800138001", "");
    world
        .tell(news::updated_merged(
            &other,
            &head,
            "LAKE-2",
            &["wang", "chen"],
            3,
        ))
        .await;
    world.clock.advance(SignedDuration::from_mins(2));
    world.send_due(&world.outbox_sender()).await;
    let told = world.heard(Template::CaseReceived).await;
    let whom: Vec<(&str, &str)> = told
        .iter()
        .map(|(who, _, _, number)| (who.as_str(), number.as_str()))
        .collect();
    assert_eq!(
        whom,
        [("chen", "LAKE-2"), ("li", "LAKE-1"), ("wang", "LAKE-2")]
    );
    let texts = world.texts().await;
    let wang = texts.iter().find(|text| text.body.contains("wang"));
    let body = &wang.expect("told").body;
    assert!(body.contains("li-staff"), "{body}");
}

#[tokio::test]
async fn whoever_writes_to_a_case_reaches_the_people_of_what_was_merged_into_it_by_their_names_alone()
 {
    let world = World::new().await;
    let (head, other) = merged(&world).await;
    let clerk = caller("lake", &["messages.send"], None);
    let say = |only: &[&str]| proto::SendMessageRequest {
        parent: head.to_string(),
        text: "We come on Monday.".to_owned(),
        person_tokens: only.iter().map(|t| (*t).to_owned()).collect(),
        ..Default::default()
    };
    let all = service(&world).send_message(by(&clerk, say(&[]))).await;
    assert_eq!(all.expect("taken").into_inner().messages.len(), 2);
    let one = service(&world)
        .send_message(by(&clerk, say(&["wang"])))
        .await;
    assert_eq!(one.expect("taken").into_inner().messages.len(), 1);
    let nobody = service(&world)
        .send_message(by(&clerk, say(&["chen"])))
        .await;
    assert_eq!(
        nobody.expect_err("no complainant").code(),
        Code::InvalidArgument
    );
    world.send_due(&world.outbox_sender()).await;
    let told = world.heard(Template::CaseMessage).await;
    let whom: Vec<_> = told
        .iter()
        .map(|(who, _, by, _)| (who.as_str(), by.as_ref()))
        .collect();
    assert_eq!(whom, [("li", None), ("wang", Some(&other)), ("zhao", None)]);
}

#[tokio::test]
async fn m05_strangers_do_not_hear_when_somebody_is_at_the_door_of_the_case_that_theirs_was_merged_into()
 {
    let world = World::new().await;
    let (head, other) = merged(&world).await;
    let visitor = world.hire("wu", "+8613800000001", "").await;
    let clerk = caller("lake", &["messages.send"], None);
    let visit = |only: &[&str]| proto::SendMessageRequest {
        parent: head.to_string(),
        appointment: Some(proto::Appointment {
            visit_time: Some(redress_proto::convert::to_timestamp(world.now() + DAY)),
            place: proto::VisitPlace::Home.into(),
            visitor: visitor.to_string(),
        }),
        person_tokens: only.iter().map(|t| (*t).to_owned()).collect(),
        ..Default::default()
    };
    let all = service(&world).send_message(by(&clerk, visit(&[]))).await;
    assert_eq!(all.expect("taken").into_inner().messages.len(), 2);
    world.send_due(&world.outbox_sender()).await;
    let told = world.heard(Template::CaseAppointment).await;
    let whom: Vec<&str> = told.iter().map(|(who, ..)| who.as_str()).collect();
    assert_eq!(whom, ["li", "zhao"]);
    let named = service(&world)
        .send_message(by(&clerk, visit(&["wang"])))
        .await;
    assert_eq!(named.expect("taken").into_inner().messages.len(), 1);
    world.send_due(&world.outbox_sender()).await;
    let told = world.heard(Template::CaseAppointment).await;
    let wang = told.iter().find(|(who, ..)| who == "wang");
    assert_eq!(wang.expect("told").2.as_ref(), Some(&other));
}

#[tokio::test]
async fn m05_whoever_is_reached_by_a_merged_case_is_told_in_the_language_of_that_one() {
    let world = World::new().await;
    let (head, other) = merged(&world).await;
    let people = ["wang", "zhao"];
    world
        .tell(news::spoken(&other, "LAKE-2", &people, "zh-CN"))
        .await;
    world.tell(news::moved(&head, CaseStatus::Closed, 1)).await;
    world.send_due(&world.outbox_sender()).await;
    let mut told = world.messages().await;
    told.retain(|m| m.template == Template::CaseClosed);
    assert_eq!(told.len(), 3);
    for message in told {
        let language = match message.known_by {
            Some(_) => "zh-CN",
            None => "en",
        };
        assert_eq!(message.fate.language, language, "{}", message.recipient);
    }
}

#[tokio::test]
async fn what_was_unmerged_goes_its_own_way_again_and_what_still_waits_is_not_told() {
    let world = World::new().await;
    let (head, other) = merged(&world).await;
    world
        .tell(news::moved(&head, CaseStatus::Resolved, 1))
        .await;
    world
        .tell(news::moved(&other, CaseStatus::Triaged, 3))
        .await;
    let sender = world.outbox_sender();
    world.send_due(&sender).await;
    let asked = world.heard(Template::SurveyAsked).await;
    let whom: Vec<&str> = asked.iter().map(|(who, ..)| who.as_str()).collect();
    assert_eq!(whom, ["li", "zhao"]);
    let of_wang = world.messages().await;
    let of_wang = of_wang.iter().find(|m| m.known_by.is_some());
    let fate = &of_wang.expect("queued").fate;
    assert_eq!(
        (fate.state, fate.reason.as_str()),
        (MessageState::Cancelled, "UNMERGED")
    );
    let open: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM notification.survey WHERE person = 'wang' AND state = 'OPEN'",
    )
    .fetch_one(&world.base.admin)
    .await
    .expect("counted");
    assert_eq!(open, 0);

    world.tell(news::moved(&head, CaseStatus::Closed, 1)).await;
    world
        .tell(news::moved(&other, CaseStatus::Investigating, 3))
        .await;
    world.send_due(&sender).await;
    let closed = world.heard(Template::CaseClosed).await;
    assert_eq!(closed.len(), 2, "{closed:?}");
    let own = world.heard(Template::CaseProgress).await;
    let of_other = own
        .iter()
        .all(|(_, case, by, _)| *case == other && by.is_none());
    assert!(own.len() == 2 && of_other, "{own:?}");
}

#[tokio::test]
async fn i9_the_people_of_an_erased_case_hear_nothing_of_the_one_that_it_was_merged_into() {
    let world = World::new().await;
    let (head, other) = merged(&world).await;
    let sender = world.outbox_sender();
    world
        .tell(news::moved(&head, CaseStatus::Proposed, 1))
        .await;
    world.send_due(&sender).await;
    world
        .tell(news::moved(&head, CaseStatus::Resolved, 1))
        .await;
    world.tell(news::erased(&other, "LAKE-2", 7)).await;
    world.send_due(&sender).await;
    world.tell(news::moved(&head, CaseStatus::Closed, 1)).await;
    world.send_due(&sender).await;
    let all = world.messages().await;
    let of_wang: Vec<&Message> = all.iter().filter(|m| m.known_by.is_some()).collect();
    assert_eq!(of_wang.len(), 2);
    assert!(of_wang.iter().all(|m| m.erased));
    let states: Vec<MessageState> = of_wang.iter().map(|m| m.fate.state).collect();
    assert_eq!(states, [MessageState::Sent, MessageState::Cancelled]);
    let texts = world.texts().await;
    assert!(!texts.iter().any(|text| text.body.contains("wang")));
    assert_eq!(world.heard(Template::CaseClosed).await.len(), 2);
}

#[tokio::test]
async fn i7_the_people_of_what_was_merged_into_a_case_of_an_incident_wait_and_hear_what_is_published()
 {
    let world = World::new().await;
    let (head, other) = merged(&world).await;
    let incident = IncidentName::new(site("lake"), Uuid::now_v7());
    world
        .tell(news::incident(&incident, &[&head], None, 1))
        .await;
    world
        .tell(news::moved(&head, CaseStatus::Proposed, 1))
        .await;
    world.send_due(&world.outbox_sender()).await;
    let held: Vec<MessageState> = world
        .messages()
        .await
        .iter()
        .filter(|m| m.template == Template::CaseProposed)
        .map(|m| m.fate.state)
        .collect();
    assert_eq!(held, [MessageState::Held; 3]);
    world.says(&incident).await;
    world.clock.advance(SignedDuration::from_mins(2));
    world.send_due(&world.outbox_sender()).await;
    let told = world.heard(Template::StatementPublished).await;
    assert_eq!(told, as_told(&head, &other));
}

#[tokio::test]
async fn m03_a_question_that_was_answered_before_it_went_is_not_asked_any_more() {
    let world = World::new().await;
    let case = world.complaint("LAKE-1", &["wang"]).await;
    world.clock.advance(SignedDuration::from_mins(2));
    let sender = world.outbox_sender();
    world.send_due(&sender).await;
    // 22:00 in Shanghai.
    world
        .clock
        .set("2026-11-21T14:00:00Z".parse().expect("an instant"));
    let proposed = world.now();
    world
        .tell(news::moved_at(&case, CaseStatus::Proposed, 1, proposed))
        .await;
    world.send_due(&sender).await;
    // Agreed on the telephone; then it turns out that more is to be done, and that is asked about.
    world
        .tell(news::moved(&case, CaseStatus::Resolving, 1))
        .await;
    world.clock.advance(SignedDuration::from_mins(1));
    let again = world.now();
    world
        .tell(news::moved_at(&case, CaseStatus::Proposed, 1, again))
        .await;
    world.clock.advance(SignedDuration::from_hours(12));
    world.send_due(&sender).await;
    let all = world.messages().await;
    let fates: Vec<(MessageState, &str)> = all
        .iter()
        .filter(|m| m.template == Template::CaseProposed)
        .map(|m| (m.fate.state, m.fate.reason.as_str()))
        .collect();
    assert_eq!(
        fates,
        [
            (MessageState::Cancelled, "PROPOSAL_ENDED"),
            (MessageState::Sent, "")
        ]
    );
}

#[tokio::test]
async fn m12_whoever_handled_the_case_that_was_merged_does_not_ask_how_it_was() {
    let world = World::new().await;
    let (head, other) = merged(&world).await;
    let wu: StaffName = "sites/lake/staff/wu".parse().expect("a name");
    world
        .tell(news::part(&other, Uuid::now_v7(), &wu, false))
        .await;
    world
        .tell(news::moved(&head, CaseStatus::Resolved, 1))
        .await;
    world.clock.advance(DAY);
    let asked = proto::ListSurveysRequest {
        parent: "sites/lake".to_owned(),
        ..Default::default()
    };
    let all = crate::surveys::list_of(&world, asked).await;
    let mut refused = 0;
    for survey in &all {
        refused += u64::from(crate::surveys::is_refused(&world, "wu", survey).await);
    }
    assert_eq!((all.len(), refused), (3, 1));
}
