//! Two services in one process, each with telemetry of its own.

use std::time::Duration;

use redress_proto::event::v1::ListParkedEventsRequest;
use redress_runtime::host;
use redress_testkit::eventually;
use redress_testkit::otlp::Collector;

use crate::support::{Intake, Keys, Triage, client, leave_inside};

#[tokio::test]
async fn one_trace_crosses_two_services_and_each_exports_as_itself() {
    let collector = Collector::start().await;
    let keys = Keys::new();
    let migrators = [&redress_store::MIGRATOR];
    let database =
        redress_testkit::database_of(&[("intake", &migrators), ("triage", &migrators)]).await;
    let export = format!("[telemetry]\notlp_endpoint = {:?}\n", collector.endpoint());

    let settings = database.settings("triage");
    leave_inside(&settings);
    // So that the call is permitted there: the role of services may deliver only.
    // Its logs are quiet, which does not cut traces.
    let more = format!("{export}filter = \"off\"\n[roles]\nservice = [\"events.inspect\"]\n");
    let triage = host::start::<Triage>(keys.hosting(&settings, &more)).expect("right");

    let settings = database.settings("intake");
    leave_inside(&settings);
    let more = format!(
        "{export}[peers]\ntriage = \"http://{}\"\n",
        triage.address()
    );
    let intake = host::start::<Intake>(keys.hosting(&settings, &more)).expect("right");
    triage.ready().await.expect("serves");
    intake.ready().await.expect("serves");

    client(&intake, &keys.token(&["sre"]))
        .list_parked_events(ListParkedEventsRequest {
            page_token: "ask triage".to_owned(),
            ..ListParkedEventsRequest::default()
        })
        .await
        .expect("answered");
    intake.shutdown();
    triage.shutdown();
    intake.ended().await.expect("in good order");
    triage.ended().await.expect("in good order");

    // Both flushed before they ended.
    let spans = eventually(Duration::from_secs(10), async || {
        let spans = collector.spans();
        let servers = spans
            .iter()
            .filter(|s| s.name.ends_with("/ListParkedEvents"));
        (servers.count() >= 3).then_some(spans)
    })
    .await;
    let trace = &spans
        .iter()
        .find(|s| s.name.ends_with("/ListParkedEvents"))
        .expect("just seen")
        .trace_id;
    let edges = collector.edges(trace);
    let edge = ("redress-intake".to_owned(), "redress-triage".to_owned());
    assert!(edges.contains(&edge), "{edges:?}");
    let durations = collector.points();
    assert!(
        durations
            .iter()
            .any(|p| p.name == "rpc.server.call.duration")
    );
    assert!(!collector.logs().is_empty());
}
