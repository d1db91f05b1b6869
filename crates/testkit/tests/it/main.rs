//! The testkit's own promises: databases and servers of each test's own, and a collector that misses nothing.

use std::time::Duration;

use opentelemetry::trace::{Span as _, SpanContext, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use redress_store::MIGRATOR;
use redress_testkit::{database, database_of, eventually, otlp::Collector, redis, redis_cluster};

#[tokio::test]
async fn each_test_has_a_migrated_database_of_its_own() {
    let migrators = [&MIGRATOR];
    let (one, two) = tokio::join!(
        database("intake", &migrators),
        database("intake", &migrators)
    );
    assert_ne!(one.name(), two.name());
    sqlx::raw_sql("CREATE TABLE only_here (id int)")
        .execute(&one.owner)
        .await
        .expect("the owner makes tables");
    let made = "SELECT to_regclass('intake.only_here') IS NOT NULL";
    let in_one: bool = sqlx::query_scalar(made)
        .fetch_one(&one.admin)
        .await
        .expect("answers");
    let in_two: bool = sqlx::query_scalar(made)
        .fetch_one(&two.admin)
        .await
        .expect("answers");
    assert_eq!((in_one, in_two), (true, false));
    assert!(one.db.is_reachable().await);
    redress_store::check_schema(&one.owner, "intake", &migrators)
        .await
        .expect("the schema fits");
}

#[tokio::test]
async fn a_database_may_hold_the_schemas_of_several_services_and_goes_with_its_test() {
    let database = database_of(&[("intake", &[&MIGRATOR]), ("triage", &[&MIGRATOR])]).await;
    assert_eq!(database.db.service(), "intake");
    let triage = database.connect("triage");
    assert!(triage.is_reachable().await);
    let name = database.name().to_owned();
    let elsewhere = redress_testkit::postgres().await.admin();
    drop(database);
    let pool = sqlx::PgPool::connect_with(elsewhere)
        .await
        .expect("connects");
    eventually(Duration::from_secs(20), async || {
        sqlx::query_scalar::<_, bool>(
            "SELECT NOT EXISTS (SELECT FROM pg_database WHERE datname = $1)",
        )
        .bind(&name)
        .fetch_one(&pool)
        .await
        .expect("answers")
    })
    .await;
}

#[tokio::test]
async fn a_redis_of_ones_own_comes_back_empty() {
    let server = redis().await;
    assert_eq!(server.ask(&["SET", "word", "x"]).expect("is set"), "OK");
    server.end().await;
    assert!(server.ask(&["PING"]).is_err());
    server.renew().await;
    assert_eq!(server.ask(&["EXISTS", "word"]).expect("answers"), "0");
}

#[tokio::test]
async fn a_redis_cluster_serves_every_slot() {
    let cluster = redis_cluster().await;
    let client = redis::cluster::ClusterClient::new(cluster.urls()).expect("urls");
    let mut connection = client.get_async_connection().await.expect("connects");
    for number in 0..50 {
        let key = format!("key-{number}");
        redis::cmd("SET")
            .arg(&key)
            .arg(number)
            .query_async::<()>(&mut connection)
            .await
            .expect("is set");
        let value: u32 = redis::cmd("GET")
            .arg(&key)
            .query_async(&mut connection)
            .await
            .expect("is there");
        assert_eq!(value, number);
    }
}

fn provider(service: &'static str, endpoint: &str) -> SdkTracerProvider {
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .build()
        .expect("an exporter");
    SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(Resource::builder().with_service_name(service).build())
        .build()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_collector_finds_edges_between_services_and_every_text() {
    let collector = Collector::start().await;
    let (caller, callee) = (
        provider("caller", &collector.endpoint()),
        provider("callee", &collector.endpoint()),
    );
    let mut parent = caller.tracer("test").start("call");
    parent.set_attribute(KeyValue::new("note", "金丝雀-4711"));
    let context: SpanContext = parent.span_context().clone();
    let remote = Context::new().with_remote_span_context(context.clone());
    callee
        .tracer("test")
        .start_with_context("serve", &remote)
        .end();
    parent.end();
    for provider in [&caller, &callee] {
        provider.force_flush().expect("is exported");
    }
    let trace = context.trace_id().to_string();
    eventually(Duration::from_secs(10), async || {
        collector.trace(&trace).len() == 2
    })
    .await;
    let edges = collector.edges(&trace);
    assert_eq!(
        edges.into_iter().collect::<Vec<_>>(),
        [("caller".to_owned(), "callee".to_owned())]
    );
    assert_eq!(collector.places_of("金丝雀-4711"), ["traces"]);
    assert!(collector.places_of("never emitted").is_empty());
}
