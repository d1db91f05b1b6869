//! Starting, serving, failing and stopping.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use redress_runtime::host::{self, Handle};
use redress_testkit::eventually;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::support::{
    Intake, Keys, Running, Worker, channel, client, database, leave_inside, redrive,
};

const LIMIT: Duration = Duration::from_secs(20);
const SERVICE: &str = "redress.event.v1.EventAdminService";

async fn health(handle: &Handle, service: &str) -> Result<ServingStatus, Code> {
    HealthClient::new(channel(handle))
        .check(HealthCheckRequest {
            service: service.to_owned(),
        })
        .await
        .map(|r| r.into_inner().status())
        .map_err(|s| s.code())
}

#[tokio::test]
async fn a_service_that_runs_is_healthy_and_describes_what_it_serves() {
    let running = Running::start("").await;
    assert_eq!(
        health(&running.handle, "").await,
        Ok(ServingStatus::Serving)
    );
    assert_eq!(
        health(&running.handle, SERVICE).await,
        Ok(ServingStatus::Serving)
    );

    let ask = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let answer = ServerReflectionClient::new(channel(&running.handle))
        .server_reflection_info(tokio_stream::once(ask))
        .await
        .expect("answers without a token")
        .into_inner()
        .message()
        .await
        .expect("a message")
        .expect("one");
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("another answer: {answer:?}");
    };
    let names: BTreeSet<String> = list.service.into_iter().map(|s| s.name).collect();
    let expected = [
        SERVICE,
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "redress.operations.v1.StatusService",
    ];
    assert_eq!(names, expected.map(ToOwned::to_owned).into());
    running.end().await;
}

#[tokio::test]
async fn roles_of_the_configuration_decide_who_may_call() {
    let running = Running::start("").await;
    running.inside.go_on.add_permits(1);
    running
        .client()
        .redrive_event(redrive())
        .await
        .expect("an sre may");
    let clerk = running.keys.token(&["clerk"]);
    let status = client(&running.handle, &clerk)
        .redrive_event(redrive())
        .await
        .expect_err("a clerk may not");
    assert_eq!(status.code(), Code::PermissionDenied);
    running.end().await;
}

#[tokio::test]
async fn a_call_in_flight_ends_well_while_the_service_stops() {
    let running = Running::start("").await;
    let mut client = running.client();
    let call = tokio::spawn(async move { client.redrive_event(redrive()).await });
    let inside = Arc::clone(&running.inside);
    eventually(LIMIT, async || inside.entered.load(Ordering::SeqCst) == 1).await;

    running.handle.shutdown();
    // New callers are turned away once the door is closed, the one inside is not.
    eventually(LIMIT, async || {
        let address = running.handle.address();
        tokio::net::TcpStream::connect(address).await.is_err()
    })
    .await;
    assert!(!call.is_finished());
    running.inside.go_on.add_permits(1);
    let answer = call.await.expect("no panic").expect("answered");
    assert_eq!(answer.into_inner().redriven, 1);
    running.handle.ended().await.expect("in good order");
}

#[tokio::test]
async fn balancers_hear_of_the_stop_before_the_door_closes() {
    let running = Running::start("[server]\ndrain_wait_seconds = 3600").await;
    running.handle.shutdown();
    eventually(LIMIT, async || {
        health(&running.handle, "").await == Ok(ServingStatus::NotServing)
    })
    .await;
    running.inside.go_on.add_permits(1);
    let answer = running.client().redrive_event(redrive()).await;
    answer.expect("late callers are still served");
}

#[tokio::test]
async fn whoever_watches_our_health_hears_of_the_stop_and_does_not_hold_it_up() {
    let running = Running::start("[server]\ndrain_limit_seconds = 3600").await;
    let mut watch = HealthClient::new(channel(&running.handle))
        .watch(HealthCheckRequest::default())
        .await
        .expect("answers")
        .into_inner();
    let mut heard = Vec::new();
    running.handle.shutdown();
    while let Some(answer) = watch.message().await.expect("a message or the end") {
        heard.push(answer.status());
    }
    assert_eq!(heard.last(), Some(&ServingStatus::NotServing));
    running.handle.ended().await.expect("in good order");
}

#[tokio::test]
async fn a_call_that_does_not_end_is_cut_at_the_limit() {
    let running = Running::start("[server]\ndrain_limit_seconds = 1").await;
    let mut client = running.client();
    let call = tokio::spawn(async move { client.redrive_event(redrive()).await });
    let inside = Arc::clone(&running.inside);
    eventually(LIMIT, async || inside.entered.load(Ordering::SeqCst) == 1).await;
    running.handle.shutdown();
    running.handle.ended().await.expect("in good order");
    assert!(call.await.expect("no panic").is_err());
}

#[tokio::test]
async fn a_worker_that_ends_fails_or_panics_takes_the_process_down() {
    for (worker, text) in [
        (Worker::Ends, "the worker relay ended by itself"),
        (Worker::Fails, "the worker relay failed: no route"),
        (Worker::Panics, "the worker relay panicked"),
    ] {
        let (keys, database) = (Keys::new(), database().await);
        let settings = database.settings("intake");
        let inside = leave_inside(&settings);
        *inside.worker.lock().expect("unused") = worker;
        let handle = host::start::<Intake>(keys.hosting(&settings, "")).expect("right");
        let error = handle.ended().await.expect_err("failed").to_string();
        assert!(error.starts_with(text), "{error}");
    }
}

#[tokio::test]
async fn an_address_that_is_taken_is_told_in_one_sentence() {
    let running = Running::start("").await;
    let address = running.handle.address();
    let settings = running.database.settings("intake");
    let more = format!("[server]\nlisten = \"{address}\"");
    let error = host::start::<Intake>(running.keys.hosting(&settings, &more))
        .expect_err("taken")
        .to_string();
    assert_eq!(
        error,
        format!(
            "the address {address} is taken by another program; stop it or set server.listen to another one"
        )
    );
    running.end().await;
}

#[tokio::test]
async fn a_service_starts_before_its_database_and_says_that_it_does_not_serve() {
    let (keys, database) = (Keys::new(), database().await);
    let mut settings = database.settings("intake");
    settings.app_url = "postgres://nobody:x@127.0.0.1:1/nothing".into();
    let handle = host::start::<Intake>(keys.hosting(&settings, "")).expect("right");
    eventually(LIMIT, async || {
        health(&handle, "").await == Ok(ServingStatus::NotServing)
    })
    .await;
    let status = client(&handle, &keys.token(&["sre"]))
        .redrive_event(redrive())
        .await
        .expect_err("not yet");
    assert_eq!(status.code(), Code::Unavailable);
    handle.shutdown();
    handle.ended().await.expect("in good order");
}

#[tokio::test]
async fn an_unknown_schema_is_refused_with_what_to_do() {
    let keys = Keys::new();
    let database = redress_testkit::database("intake", &[]).await;
    let settings = database.settings("intake");
    leave_inside(&settings);
    let handle = host::start::<Intake>(keys.hosting(&settings, "")).expect("right");
    let error = handle.ready().await.expect_err("no schema").to_string();
    assert!(error.contains("run `redress-intake migrate`"), "{error}");
}

#[tokio::test]
async fn a_missing_key_file_is_named() {
    let (keys, database) = (Keys::new(), database().await);
    let settings = database.settings("intake");
    std::fs::remove_file(keys.path().join("vault.keys")).expect("was there");
    let error = host::start::<Intake>(keys.hosting(&settings, ""))
        .expect_err("no key")
        .to_string();
    assert!(error.contains("vault.keys"), "{error}");
}
