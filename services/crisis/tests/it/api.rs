//! The API: receipts, etags, pages, watches, and no site sees another.

use std::collections::BTreeSet;
use std::time::Duration;

use prost::Message as _;
use redress_proto::crisis::v1 as wire;
use redress_proto::crisis::v1::command_service_server::CommandService as _;
use redress_proto::crisis::v1::incident_service_server::IncidentService;
use redress_proto::crisis::v1::playbook_service_server::PlaybookService as _;
use redress_proto::crisis::v1::statement_service_server::StatementService as _;
use redress_proto::crisis::v1::{IncidentMode, IncidentState};
use tokio_stream::StreamExt as _;
use tonic::{Code, Request, Status};

use crate::world::*;
use crate::{aftermath, briefings};

async fn opened() -> (World, wire::Incident) {
    let world = World::new().await;
    world
        .take([site_changed("lake"), duty_changed("lake", FULL, 1)])
        .await;
    world
        .take([graded(&case("lake", 1), &cluster("lake", 1), 1, &["G1.5"]).event()])
        .await;
    let incident = world.the_open("lake").await;
    (world, incident)
}

fn to_public(name: &str, request_id: &str) -> wire::SwitchModeRequest {
    wire::SwitchModeRequest {
        name: name.to_owned(),
        mode: IncidentMode::Public.into(),
        reason: "cameras".into(),
        etag: String::new(),
        request_id: request_id.to_owned(),
    }
}

#[tokio::test]
async fn the_same_request_id_gives_the_same_result_once_i2() {
    let (world, incident) = opened().await;
    let request = wire::RecordUpdateRequest {
        name: incident.name.clone(),
        audience: wire::UpdateAudience::Inside.into(),
        reference: "report".into(),
        request_id: "one".into(),
        ..Default::default()
    };
    let first = world
        .api
        .record_update(as_caller(request.clone(), &["lake"]))
        .await
        .expect("done");
    let second = world
        .api
        .record_update(as_caller(request.clone(), &["lake"]))
        .await
        .expect("seen");
    assert_eq!(first.into_inner(), second.into_inner());
    let other = wire::RecordUpdateRequest {
        reference: "another".into(),
        ..request
    };
    let refused = world
        .api
        .record_update(as_caller(other, &["lake"]))
        .await
        .expect_err("reused");
    assert_eq!(reason(&refused), "REQUEST_ID_REUSED");
}

#[tokio::test]
async fn of_two_who_act_at_once_the_second_is_told_i11_p28() {
    let (world, incident) = opened().await;
    let mut request = to_public(&incident.name, "");
    request.etag = incident.etag.clone();
    let switched = world
        .api
        .switch_mode(as_person(request.clone(), "lake", "top"))
        .await
        .expect("first");
    let now = switched.into_inner().incident.expect("filled").etag;
    let late = world
        .api
        .switch_mode(as_person(request, "lake", "top"))
        .await
        .expect_err("stale");
    assert_eq!(late.code(), Code::Aborted);
    assert!(late.message().contains(&now), "{}", late.message());
}

#[tokio::test]
async fn a_repeat_that_changes_nothing_succeeds_and_changes_nothing() {
    let (world, incident) = opened().await;
    let switch = async || {
        let request = to_public(&incident.name, "");
        let answer = world
            .api
            .switch_mode(as_person(request, "lake", "top"))
            .await
            .expect("done");
        answer.into_inner().incident.expect("filled")
    };
    let first = switch().await;
    assert_eq!(switch().await, first);
}

fn by_hand(n: u128, request_id: &str) -> wire::OpenIncidentRequest {
    wire::OpenIncidentRequest {
        parent: "sites/lake".into(),
        case: case("lake", n).to_string(),
        reason: "I smell trouble".into(),
        request_id: request_id.to_owned(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_manager_opens_by_hand_once_and_with_a_reason() {
    let (world, existing) = opened().await;
    let open = async |request| world.api.open_incident(as_caller(request, &["lake"])).await;
    let refused = open(by_hand(1, "")).await.expect_err("there is one");
    assert_eq!(refused.code(), Code::AlreadyExists);
    assert!(refused.message().contains(&existing.name));
    assert_eq!(
        open(by_hand(2, "")).await.expect_err("unknown").code(),
        Code::NotFound
    );

    let minor = graded(&case("lake", 2), &cluster("lake", 2), 3, &["G3.4"]);
    world
        .take([minor.event(), received(&case("lake", 3))])
        .await;
    let first = open(by_hand(2, "x"))
        .await
        .expect("opened")
        .into_inner()
        .incident
        .expect("filled");
    assert_eq!(
        (first.opened_by.as_str(), first.open_reason.as_str()),
        ("li", "I smell trouble")
    );
    assert_eq!(first.mode(), IncidentMode::Private);
    assert_eq!(first.mode_reason, "I smell trouble");
    let again = open(by_hand(2, "x"))
        .await
        .expect("seen")
        .into_inner()
        .incident
        .expect("filled");
    assert_eq!(again.name, first.name);
    assert_eq!(
        reason(&open(by_hand(3, "")).await.expect_err("no matter yet")),
        "CASE_NOT_GRADED"
    );
    let history = graded(&case("lake", 4), &cluster("lake", 4), 1, &["G1.1"]).historical();
    world.take([history.event()]).await;
    assert_eq!(
        reason(&open(by_hand(4, "")).await.expect_err("history")),
        "CASE_HISTORICAL"
    );
}

#[tokio::test]
async fn an_incident_that_was_merged_takes_no_writes_and_names_the_other() {
    let world = World::new().await;
    let [x, y] = [1, 2].map(|n| cluster("lake", n));
    world
        .take([graded(&case("lake", 1), &x, 1, &["G1.5"]).event()])
        .await;
    world
        .take([graded(&case("lake", 2), &y, 1, &["G1.5"]).event()])
        .await;
    world.take([cluster_merged(&case("lake", 2), &y, &x)]).await;
    let all = world.incidents("lake").await;
    let ended = all
        .iter()
        .find(|i| i.state() == IncidentState::Merged)
        .expect("one");
    let request = to_public(&ended.name, "");
    let refused = world
        .api
        .switch_mode(as_person(request, "lake", "top"))
        .await
        .expect_err("ended");
    assert_eq!(reason(&refused), "INCIDENT_NOT_OPEN");
    assert!(
        refused
            .message()
            .contains(&world.the_open("lake").await.name)
    );
}

#[tokio::test]
async fn lists_are_filtered_and_paged_newest_first() {
    let world = World::new().await;
    for n in 1..=5 {
        let criterion = if n % 2 == 0 { "G1.1" } else { "G1.5" };
        world
            .take([
                graded(&case("lake", n), &cluster("lake", n), 1, &[criterion])
                    .at(world.now())
                    .event(),
            ])
            .await;
        world.advance(1);
    }
    let list = async |request: wire::ListIncidentsRequest| {
        let answer = world
            .api
            .list_incidents(as_caller(request, &["lake", "river"]))
            .await
            .expect("listed");
        answer.into_inner()
    };
    let any = wire::ListIncidentsRequest {
        parent: "sites/-".into(),
        page_size: 2,
        ..Default::default()
    };
    let mut numbers = Vec::new();
    let mut page_token = String::new();
    loop {
        let page = list(wire::ListIncidentsRequest {
            page_token,
            ..any.clone()
        })
        .await;
        numbers.extend(page.incidents.iter().map(|i| i.number.clone()));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(numbers, [5, 4, 3, 2, 1].map(|n| format!("I20260302-0{n}")));
    let public = list(wire::ListIncidentsRequest {
        mode: IncidentMode::Public.into(),
        ..any.clone()
    })
    .await;
    assert_eq!(public.incidents.len(), 2);
    let of_case = list(wire::ListIncidentsRequest {
        case: case("lake", 3).to_string(),
        ..any.clone()
    })
    .await;
    assert_eq!(of_case.incidents[0].number, "I20260302-03");
    assert_eq!(of_case.incidents.len(), 1);
    let of_matter = list(wire::ListIncidentsRequest {
        cluster: cluster("lake", 4).to_string(),
        ..any.clone()
    })
    .await;
    assert_eq!(of_matter.incidents[0].number, "I20260302-04");
    let merged = list(wire::ListIncidentsRequest {
        state: IncidentState::Merged.into(),
        ..any
    })
    .await;
    assert!(merged.incidents.is_empty());
}

#[tokio::test]
async fn a_watch_shows_the_incident_then_each_change_and_resumes() {
    let (world, incident) = opened().await;
    let watch = async |resume_token: String| {
        let request = wire::WatchIncidentRequest {
            name: incident.name.clone(),
            resume_token,
        };
        world
            .api
            .watch_incident(as_caller(request, &["lake"]))
            .await
            .expect("watches")
            .into_inner()
    };
    let mut first = watch(String::new()).await;
    let shown = first.next().await.expect("a message").expect("ok");
    assert_eq!(shown.incident.as_ref(), Some(&incident));

    let request = to_public(&incident.name, "");
    world
        .api
        .switch_mode(as_person(request, "lake", "top"))
        .await
        .expect("switched");
    let changed = tokio::time::timeout(Duration::from_secs(30), first.next()).await;
    let changed = changed.expect("soon").expect("a message").expect("ok");
    assert_eq!(
        changed.incident.expect("filled").mode(),
        IncidentMode::Public
    );
    drop(first);

    // Away while it changed: the token of the first message still leads to the change.
    let mut second = watch(shown.resume_token).await;
    let missed = tokio::time::timeout(Duration::from_secs(30), second.next()).await;
    let missed = missed.expect("soon").expect("a message").expect("ok");
    assert_eq!(
        missed.incident.expect("filled").mode(),
        IncidentMode::Public
    );
    // And the last token to silence for longer than it polls, until something happens again. What other transactions
    // held back may come once more before it: a switch and an opening, and no more than these.
    let mut third = watch(changed.resume_token).await;
    let mut again = 0;
    while let Ok(held_back) = tokio::time::timeout(Duration::from_millis(2500), third.next()).await
    {
        held_back.expect("a message").expect("ok");
        again += 1;
        assert!(again <= 2, "never silent");
    }
    world
        .take([message_changed(&world.call_outs("lake").await[0], "SENT")])
        .await;
    let next = tokio::time::timeout(Duration::from_secs(30), third.next()).await;
    assert!(next.expect("soon").expect("a message").is_ok());
}

#[tokio::test]
async fn a_watch_that_was_away_too_long_starts_anew() {
    let (world, incident) = opened().await;
    let request = wire::WatchIncidentRequest {
        name: incident.name.clone(),
        resume_token: String::new(),
    };
    let mut stream = world
        .api
        .watch_incident(as_caller(request.clone(), &["lake"]))
        .await
        .expect("watches")
        .into_inner();
    let token = stream
        .next()
        .await
        .expect("a message")
        .expect("ok")
        .resume_token;
    world.advance(10 * 24 * 60);
    let switch = to_public(&incident.name, "");
    world
        .api
        .switch_mode(as_person(switch, "lake", "top"))
        .await
        .expect("switched");
    world.advance(10 * 24 * 60);
    redress_crisis::store::changes::purge(&world.db, world.now())
        .await
        .expect("purged");
    let request = wire::WatchIncidentRequest {
        resume_token: token,
        ..request
    };
    let mut stream = world
        .api
        .watch_incident(as_caller(request, &["lake"]))
        .await
        .expect("watches")
        .into_inner();
    let ended = stream.next().await.expect("an end").expect_err("expired");
    assert_eq!(ended.code(), Code::OutOfRange);
}

/// Every method of the service, from its descriptor.
fn methods() -> BTreeSet<String> {
    let set = prost_types::FileDescriptorSet::decode(redress_proto::FILE_DESCRIPTOR_SET)
        .expect("descriptors");
    let services = set
        .file
        .iter()
        .filter(|f| f.package() == "redress.crisis.v1")
        .flat_map(|f| &f.service);
    services
        .flat_map(|s| &s.method)
        .map(|m| m.name().to_owned())
        .collect()
}

#[tokio::test]
async fn no_caller_reads_or_changes_another_site_by_any_rpc_i8() {
    let (world, incident) = opened().await;
    let (name, api) = (incident.name.clone(), &world.api);
    let foreign_case = case("lake", 1).to_string();
    let draft = wire::CreateStatementRequest {
        parent: name.clone(),
        statement: Some(words()),
        request_id: String::new(),
    };
    let draft = world
        .statements
        .create_statement(as_person(draft, "lake", "clerk"));
    let draft = draft.await.expect("drafted").into_inner().statement;
    let draft = draft.expect("filled");
    let statements = &world.statements;
    let (playbooks, commanding) = (&world.playbooks, &world.commanding);
    // An incident of the intruder's own site, as far as its name goes.
    let own = name.replace("sites/lake/", "sites/river/");
    let before_statement = draft.clone();
    let promised = briefings::promised(&world, &name).await;
    let before = world.the_open("lake").await;
    // A caller of "river", and one of an organization that has "lake" not: only row security can tell.
    for caller in ["river", "organization"] {
        for method in methods() {
            let refused: Result<(), Status> = match method.as_str() {
                "GetIncident" => api
                    .get_incident(ask(caller, wire::GetIncidentRequest { name: name.clone() }))
                    .await
                    .map(|_| ()),
                "WatchIncident" => {
                    let request = wire::WatchIncidentRequest {
                        name: name.clone(),
                        ..Default::default()
                    };
                    api.watch_incident(ask(caller, request)).await.map(|_| ())
                }
                "ListIncidents" => {
                    let request = wire::ListIncidentsRequest {
                        parent: "sites/-".into(),
                        ..Default::default()
                    };
                    let listed = api
                        .list_incidents(ask(caller, request))
                        .await
                        .expect("listed");
                    assert!(listed.into_inner().incidents.is_empty());
                    continue;
                }
                "VerifyIncidents" => {
                    let request = wire::VerifyIncidentsRequest {
                        parent: name.clone(),
                        ..Default::default()
                    };
                    api.verify_incidents(ask(caller, request)).await.map(|_| ())
                }
                "ListLateFirings" => {
                    let request = wire::ListLateFiringsRequest {
                        parent: "sites/lake".into(),
                        ..Default::default()
                    };
                    api.list_late_firings(ask(caller, request))
                        .await
                        .map(|_| ())
                }
                "OpenIncident" => {
                    let request = wire::OpenIncidentRequest {
                        parent: "sites/lake".into(),
                        case: foreign_case.clone(),
                        reason: "x".into(),
                        request_id: "r".into(),
                        ..Default::default()
                    };
                    api.open_incident(ask(caller, request)).await.map(|_| ())
                }
                "SwitchMode" => api
                    .switch_mode(ask(caller, to_public(&name, "r")))
                    .await
                    .map(|_| ()),
                "RecordLeaderContact" => {
                    let request = wire::RecordLeaderContactRequest {
                        name: name.clone(),
                        case: foreign_case.clone(),
                        request_id: "r".into(),
                        ..Default::default()
                    };
                    api.record_leader_contact(ask(caller, request))
                        .await
                        .map(|_| ())
                }
                "RecordUpdate" => {
                    let request = wire::RecordUpdateRequest {
                        name: name.clone(),
                        audience: 1,
                        reference: "x".into(),
                        request_id: "r".into(),
                        ..Default::default()
                    };
                    api.record_update(ask(caller, request)).await.map(|_| ())
                }
                "RecordBriefing" => {
                    let request = wire::RecordBriefingRequest {
                        name: name.clone(),
                        reference: "x".into(),
                        request_id: "r".into(),
                        ..Default::default()
                    };
                    api.record_briefing(ask(caller, request)).await.map(|_| ())
                }
                "MoveStage" => {
                    let request = wire::MoveStageRequest {
                        name: name.clone(),
                        stage: wire::IncidentStage::Handling.into(),
                        reason: "x".into(),
                        request_id: "r".into(),
                        ..Default::default()
                    };
                    api.move_stage(ask(caller, request)).await.map(|_| ())
                }
                "CreateStatement" => {
                    let request = wire::CreateStatementRequest {
                        parent: name.clone(),
                        statement: Some(words()),
                        request_id: "r".into(),
                    };
                    let answer = statements.create_statement(ask(caller, request)).await;
                    answer.map(|_| ())
                }
                "GetStatement" => {
                    let request = wire::GetStatementRequest {
                        name: draft.name.clone(),
                    };
                    let answer = statements.get_statement(ask(caller, request)).await;
                    answer.map(|_| ())
                }
                "ListStatements" => {
                    let request = wire::ListStatementsRequest {
                        parent: name.clone(),
                        ..Default::default()
                    };
                    let answer = statements.list_statements(ask(caller, request)).await;
                    answer.map(|_| ())
                }
                "UpdateStatement" => {
                    let request = wire::UpdateStatementRequest {
                        statement: Some(wire::Statement {
                            text: "x".into(),
                            ..draft.clone()
                        }),
                        update_mask: Some(prost_types::FieldMask {
                            paths: vec!["text".into()],
                        }),
                        request_id: "r".into(),
                        ..Default::default()
                    };
                    let answer = statements.update_statement(ask(caller, request)).await;
                    answer.map(|_| ())
                }
                "ReviewStatement" => {
                    let request = wire::ReviewStatementRequest {
                        name: draft.name.clone(),
                        step: wire::ReviewStep::FactCheck.into(),
                        verdict: wire::Verdict::Approve.into(),
                        digest: draft.digest.clone(),
                        request_id: "r".into(),
                        ..Default::default()
                    };
                    let answer = statements.review_statement(ask(caller, request)).await;
                    answer.map(|_| ())
                }
                "PublishStatement" => {
                    let request = wire::PublishStatementRequest {
                        name: draft.name.clone(),
                        digest: draft.digest.clone(),
                        request_id: "r".into(),
                        ..Default::default()
                    };
                    let answer = statements.publish_statement(ask(caller, request)).await;
                    answer.map(|_| ())
                }
                "DropStatement" => {
                    let request = wire::DropStatementRequest {
                        name: draft.name.clone(),
                        reason: "x".into(),
                        request_id: "r".into(),
                        ..Default::default()
                    };
                    let answer = statements.drop_statement(ask(caller, request)).await;
                    answer.map(|_| ())
                }
                "AppointDeputy" => {
                    let request = wire::AppointDeputyRequest {
                        name: name.clone(),
                        role: 5,
                        staff: staff("lake", "top"),
                        end_time: Some(redress_proto::convert::to_timestamp(world.now())),
                        reason: "x".into(),
                        request_id: "r".into(),
                        ..Default::default()
                    };
                    let answer = statements.appoint_deputy(ask(caller, request)).await;
                    answer.map(|_| ())
                }
                "ReadStatementText" => {
                    let request = wire::ReadStatementTextRequest {
                        name: draft.name.clone(),
                    };
                    let answer = statements.read_statement_text(ask(caller, request)).await;
                    answer.map(|_| ())
                }
                "ListFeed" => {
                    let request = wire::ListFeedRequest {
                        parent: "sites/lake".into(),
                        ..Default::default()
                    };
                    statements.list_feed(ask(caller, request)).await.map(|_| ())
                }
                method if aftermath::METHODS.contains(&method) => {
                    aftermath::intrude(&world, method, caller, &name).await
                }
                method if briefings::METHODS.contains(&method) => {
                    briefings::intrude(&world, method, caller, &promised).await
                }
                // Tried in matrix.rs, media.rs and lessons.rs.
                "ProposeLesson" | "ListLessons" | "AcceptLesson" | "DeclineLesson"
                | "GetMatrix" | "RecordInquiry" | "GetInquiry" | "ListInquiries"
                | "AnswerInquiry" | "DeclineInquiry" | "RecordExposure" | "GetExposure"
                | "ListExposures" | "AssessExposure" | "ClarifyExposure" => continue,
                "GetCommand" => {
                    let request = wire::GetCommandRequest { name: name.clone() };
                    commanding
                        .get_command(ask(caller, request))
                        .await
                        .map(|_| ())
                }
                "OfferRole" => {
                    let request = wire::OfferRoleRequest {
                        name: name.clone(),
                        role: 5,
                        staff: staff("lake", "top"),
                        reason: "x".into(),
                        request_id: "r".into(),
                        ..Default::default()
                    };
                    commanding
                        .offer_role(ask(caller, request))
                        .await
                        .map(|_| ())
                }
                "AnswerRole" => {
                    let request = wire::AnswerRoleRequest {
                        name: name.clone(),
                        role: 5,
                        accept: true,
                        request_id: "r".into(),
                        ..Default::default()
                    };
                    commanding
                        .answer_role(ask(caller, request))
                        .await
                        .map(|_| ())
                }
                "SplitCase" => {
                    let request = wire::SplitCaseRequest {
                        name: name.clone(),
                        case: foreign_case.clone(),
                        goal: wire::SplitGoal::None.into(),
                        reason: "x".into(),
                        request_id: "r".into(),
                        ..Default::default()
                    };
                    commanding
                        .split_case(ask(caller, request))
                        .await
                        .map(|_| ())
                }
                "LinkIncident" => {
                    let request = wire::LinkIncidentRequest {
                        name: own.clone(),
                        led: name.clone(),
                        reason: "x".into(),
                        request_id: "r".into(),
                        ..Default::default()
                    };
                    commanding
                        .link_incident(ask(caller, request))
                        .await
                        .map(|_| ())
                }
                "UnlinkIncident" => {
                    let request = wire::UnlinkIncidentRequest {
                        name: own.clone(),
                        led: name.clone(),
                        reason: "x".into(),
                        request_id: "r".into(),
                        ..Default::default()
                    };
                    commanding
                        .unlink_incident(ask(caller, request))
                        .await
                        .map(|_| ())
                }
                "ListPlaybooks" => {
                    let request = wire::ListPlaybooksRequest {
                        parent: "sites/lake".into(),
                    };
                    match playbooks.list_playbooks(ask(caller, request)).await {
                        // Only row security can tell: what the product ships is nobody's secret.
                        Ok(listed) => {
                            assert!(
                                listed
                                    .into_inner()
                                    .playbooks
                                    .iter()
                                    .all(|p| p.revision == 0)
                            );
                            continue;
                        }
                        Err(refused) => Err(refused),
                    }
                }
                "GetPlaybook" => {
                    let request = wire::GetPlaybookRequest {
                        name: "sites/lake/playbooks/lake-only".into(),
                    };
                    playbooks
                        .get_playbook(ask(caller, request))
                        .await
                        .map(|_| ())
                }
                "ApplyPlaybook" => {
                    let request = wire::ApplyPlaybookRequest {
                        parent: "organizations/demo".into(),
                        document: "x".into(),
                        reason: "x".into(),
                        ..Default::default()
                    };
                    playbooks
                        .apply_playbook(ask(caller, request))
                        .await
                        .map(|_| ())
                }
                "GetIncidentPlan" => {
                    let request = wire::GetIncidentPlanRequest { name: name.clone() };
                    playbooks
                        .get_incident_plan(ask(caller, request))
                        .await
                        .map(|_| ())
                }
                "CompleteTask" => {
                    let request = wire::CompleteTaskRequest {
                        name: name.clone(),
                        task: "secure-site".into(),
                        request_id: "r".into(),
                        ..Default::default()
                    };
                    playbooks
                        .complete_task(ask(caller, request))
                        .await
                        .map(|_| ())
                }
                "SkipTask" => {
                    let request = wire::SkipTaskRequest {
                        name: name.clone(),
                        task: "secure-site".into(),
                        reason: "x".into(),
                        request_id: "r".into(),
                        ..Default::default()
                    };
                    playbooks.skip_task(ask(caller, request)).await.map(|_| ())
                }
                "AnswerCondition" => {
                    let request = wire::AnswerConditionRequest {
                        name: name.clone(),
                        condition: "people-calm".into(),
                        holds: true,
                        reason: "x".into(),
                        request_id: "r".into(),
                        ..Default::default()
                    };
                    playbooks
                        .answer_condition(ask(caller, request))
                        .await
                        .map(|_| ())
                }
                "ChangeTerms" => {
                    let request = wire::ChangeTermsRequest {
                        name: name.clone(),
                        playbook: "false-report".into(),
                        reason: "x".into(),
                        request_id: "r".into(),
                        ..Default::default()
                    };
                    playbooks
                        .change_terms(ask(caller, request))
                        .await
                        .map(|_| ())
                }
                other => panic!("{other} is not tried here"),
            };
            assert_eq!(
                refused.expect_err("refused").code(),
                Code::NotFound,
                "{method} as {caller}"
            );
        }
    }
    assert_eq!(world.the_open("lake").await, before);
    let get = wire::GetStatementRequest { name: draft.name };
    let after = statements.get_statement(as_caller(get, &["lake"])).await;
    let after = after.expect("there is one").into_inner().statement;
    assert_eq!(after, Some(before_statement));
}

/// A request of a caller of "river", or of one of an organization that has "lake" not.
pub(crate) fn ask<T>(caller: &str, message: T) -> Request<T> {
    let mut request = as_caller(message, if caller == "river" { &["river"] } else { &[] });
    if caller == "organization" {
        let known = request
            .extensions()
            .get::<std::sync::Arc<redress_rpc::Caller>>()
            .expect("put there")
            .clone();
        let mut other = (*known).clone();
        other.organizations = vec!["other".parse().expect("a slug")];
        request.extensions_mut().insert(std::sync::Arc::new(other));
    }
    request
}

fn words() -> wire::Statement {
    wire::Statement {
        kind: wire::StatementKind::Update.into(),
        audience: wire::Audience::Public.into(),
        language: "zh-CN".into(),
        text: "一".into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn every_table_with_a_site_is_confined_by_postgres_i8() {
    let world = World::new().await;
    let open: Vec<String> = sqlx::query_scalar(
        "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'site'
         WHERE n.nspname = 'crisis' AND c.relkind IN ('r', 'p') AND NOT (c.relrowsecurity AND c.relforcerowsecurity)",
    )
    .fetch_all(&world.database.admin)
    .await
    .expect("postgres answers");
    assert!(open.is_empty(), "{open:?}");
}
