//! The smallest service: what a `main.rs` and an `app.rs` hold. It answers one method, a second late.
//!
//! `cargo run -p redress-runtime --example smallest -- --help`

use std::process::ExitCode;
use std::time::Duration;

use redress_proto::event::v1::event_admin_service_server::{
    EventAdminService, EventAdminServiceServer,
};
use redress_proto::event::v1::{
    ListParkedEventsRequest, ListParkedEventsResponse, RedriveEventRequest, RedriveEventResponse,
};
use redress_rpc::{Caller, status};
use redress_runtime::{App, BoxError, Context, NoSettings, Service};
use tonic::{Request, Response, Status};

struct Smallest;

impl Service for Smallest {
    const NAME: &'static str = "intake";
    const DEFAULT_CONFIG: &'static str = "[server]\nlisten = \"127.0.0.1:7499\"";
    type Settings = NoSettings;

    fn migrators() -> Vec<&'static sqlx::migrate::Migrator> {
        vec![&redress_store::MIGRATOR]
    }

    async fn build(_: Context<NoSettings>) -> Result<App, BoxError> {
        Ok(App::new().serve(EventAdminServiceServer::new(Admin)).work(
            "idle",
            |shutdown| async move {
                shutdown.cancelled().await;
            },
        ))
    }
}

struct Admin;

#[tonic::async_trait]
impl EventAdminService for Admin {
    async fn list_parked_events(
        &self,
        request: Request<ListParkedEventsRequest>,
    ) -> Result<Response<ListParkedEventsResponse>, Status> {
        let caller = Caller::of(&request).map_err(status)?;
        tracing::info!(subject = caller.subject, "asked for parked events");
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok(Response::new(ListParkedEventsResponse::default()))
    }

    async fn redrive_event(
        &self,
        _: Request<RedriveEventRequest>,
    ) -> Result<Response<RedriveEventResponse>, Status> {
        Ok(Response::new(RedriveEventResponse { redriven: 0 }))
    }
}

fn main() -> ExitCode {
    redress_runtime::main::<Smallest>()
}
