//! `GetStatus`: the gauges of a replica, for whoever has no dashboard.

use redress_proto::operations::v1::status_service_client::StatusServiceClient;
use redress_proto::operations::v1::{GetStatusRequest, GetStatusResponse};
use redress_testkit::eventually;
use tonic::Code;

use crate::support::{Bearer, Running, channel};

impl Running {
    async fn status(&self, role: &str) -> Result<GetStatusResponse, Code> {
        let bearer = Bearer::of(&self.keys.token(&[role]));
        StatusServiceClient::with_interceptor(channel(&self.handle), bearer)
            .get_status(GetStatusRequest {})
            .await
            .map(tonic::Response::into_inner)
            .map_err(|status| status.code())
    }
}

fn value(status: &GetStatusResponse, metric: &str, labels: &[&str]) -> Option<f64> {
    status
        .readings
        .iter()
        .find(|r| r.metric == metric && labels.iter().all(|l| r.labels.values().any(|v| v == l)))
        .map(|r| r.value)
}

#[tokio::test]
async fn a_replica_tells_who_it_is_its_connections_and_whether_redis_answers() {
    let redis = redress_testkit::redis().await;
    let url = format!("[redis]\nurl = {:?}\n", redis.url());
    let running = Running::start(&url).await;
    eventually(std::time::Duration::from_secs(10), async || {
        let status = running.status("sre").await.expect("may ask");
        assert_eq!(status.service, "intake");
        assert!(status.instance.starts_with("intake-"), "{status:?}");
        assert!(status.start_time.is_some());
        let max = value(&status, "db.client.connection.max", &["app"]);
        assert!(max.is_some_and(|max| max >= 1.0), "{status:?}");
        let used = value(&status, "db.client.connection.count", &["app", "used"]);
        assert!(used.is_some_and(|used| used <= max.unwrap_or_default()));
        let memory = value(&status, "redress.redis.memory.used", &["0"]);
        value(&status, "redress.redis.up", &["0"]) == Some(1.0) && memory.is_some_and(|m| m > 0.0)
    })
    .await;
    running.end().await;

    redis.end().await;
    let running = Running::start(&url).await;
    eventually(std::time::Duration::from_secs(10), async || {
        let status = running.status("sre").await.expect("may ask");
        value(&status, "redress.redis.up", &["0"]) == Some(0.0)
    })
    .await;
    running.end().await;
}

#[tokio::test]
async fn how_a_replica_stands_is_for_operators() {
    let running = Running::start("").await;
    assert_eq!(running.status("clerk").await, Err(Code::PermissionDenied));
    let status = running.status("sre").await.expect("may ask");
    assert_eq!(
        value(&status, "redress.redis.up", &[]),
        None,
        "without Redis"
    );
    running.end().await;
}
