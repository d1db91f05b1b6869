//! The one place that knows everyone: which events come in and go out, what is served, what runs in the background.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::metrics::Meter;
use redress_events::{EventAdminServer, Inbox, InboxServer, Relay, Subscriptions, share_wakes};
use redress_model::time::SharedClock;
use redress_proto::event::v1::event_admin_service_server::EventAdminServiceServer;
use redress_proto::event::v1::inbox_service_server::InboxServiceServer;
use redress_proto::intake::v1::case_read_service_server::CaseReadServiceServer;
use redress_proto::intake::v1::case_service_server::CaseServiceServer;
use redress_proto::intake::v1::directory_service_server::DirectoryServiceServer;
use redress_runtime::{App, BoxError, Context};
use redress_store::Database;

use crate::Settings;
use crate::domain::search;
use crate::intake::Intake;
use crate::jobs::case_view::{self, CaseView};
use crate::jobs::{handling, housekeeping, incident, roster};
use crate::rpc::{CaseReadServer, CaseServer, DirectoryServer};

/// Who wants to hear what intake says.
pub fn subscriptions() -> Subscriptions {
    let everyone: &[&str] = &["triage", "assignment", "notification", "crisis"];
    Subscriptions::new(&[
        ("redress.site.changed.v1", everyone),
        ("redress.case.received.v1", everyone),
        ("redress.case.updated.v1", everyone),
        ("redress.case.moved.v1", everyone),
        ("redress.contact.recorded.v1", &["triage", "crisis"]),
        ("redress.evidence.added.v1", &["assignment"]),
    ])
}

/// What intake does about the events of others.
pub fn inbox(db: Database, clock: &SharedClock, meter: &Meter) -> Inbox {
    let clock = || SharedClock::clone(clock);
    Inbox::new(db, meter)
        .keep(&case_view::TOLD, CaseView(clock()))
        .on(
            "redress.contact.recorded.v1",
            handling::ContactRecorded(clock()),
        )
        .on(
            "redress.reopening.asked.v1",
            handling::ReopeningAsked(clock()),
        )
        .on(
            "redress.incident.changed.v1",
            incident::IncidentChanged(clock()),
        )
        .on("redress.duty.changed.v1", roster::DutyChanged)
        .on("redress.staff.changed.v1", roster::StaffChanged)
}

/// Wires the service together.
pub(crate) async fn build(context: Context<Settings>) -> Result<App, BoxError> {
    let Context {
        settings,
        common,
        db,
        clock,
        vault,
        fingerprints,
        peers,
        meter,
        ..
    } = context;
    // Half a second of reading a dictionary: now, not at the first complaint.
    tokio::task::spawn_blocking(search::warm_up).await?;
    let inbox = Arc::new(inbox(db.clone(), &clock, &meter));
    let intake = Arc::new(Intake::new(db.clone(), clock, vault, fingerprints));

    let relay = Relay::to_peers(db.clone(), subscriptions(), &peers, &meter)?;

    let purge_every = Duration::from_secs(settings.purge_interval_seconds.max(1));
    let (sweeper, purged, rung) = (Arc::clone(&inbox), Arc::clone(&intake), Arc::clone(&intake));
    let mut app = App::new()
        .serve(DirectoryServiceServer::new(DirectoryServer(Arc::clone(
            &intake,
        ))))
        .serve(CaseServiceServer::new(CaseServer(Arc::clone(&intake))))
        .serve(CaseReadServiceServer::new(CaseReadServer(intake)))
        .serve(InboxServiceServer::new(InboxServer::new(inbox)))
        .serve(EventAdminServiceServer::new(EventAdminServer::new(
            db.clone(),
        )))
        .work("relay", move |shutdown| relay.run(shutdown))
        .work("inbox", move |shutdown| async move {
            sweeper.run(shutdown).await
        })
        .work("watches", move |shutdown| {
            housekeeping::ring(rung, shutdown)
        })
        .work("purge", move |shutdown| {
            housekeeping::purge(purged, purge_every, shutdown)
        });
    // Any node of a cluster hears what is published to it.
    if let Some(url) = common.redis.urls().into_iter().next() {
        let client = redis::Client::open(url)?;
        app = app.work("wakes", move |shutdown| share_wakes(db, client, shutdown));
    }
    Ok(app)
}
