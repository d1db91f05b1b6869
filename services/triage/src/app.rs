//! The one place that knows everyone: which events come in and go out, what is served, what runs in
//! the background.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use opentelemetry::metrics::Meter;
use redress_events::{EventAdminServer, Inbox, InboxServer, Relay, share_wakes};
use redress_model::time::SharedClock;
use redress_proto::event::v1::event_admin_service_server::EventAdminServiceServer;
use redress_proto::event::v1::inbox_service_server::InboxServiceServer;
use redress_proto::triage::v1::calendar_service_server::CalendarServiceServer;
use redress_proto::triage::v1::clock_service_server::ClockServiceServer;
use redress_proto::triage::v1::cluster_service_server::ClusterServiceServer;
use redress_proto::triage::v1::policy_service_server::PolicyServiceServer;
use redress_proto::triage::v1::triage_service_server::TriageServiceServer;
use redress_runtime::{App, BoxError, Context, NoSettings, every};
use redress_store::{Database, receipt};
use redress_timers::Timers;
use tokio_util::sync::CancellationToken;

use crate::desk::Desk;
use crate::domain::similarity;
use crate::jobs::{
    CalendarKeeper, CaseMovedHandler, CaseReceivedHandler, CaseUpdatedHandler, ClockTruth,
    ContactRecordedHandler, DemandChangedHandler, DisputeBegunHandler, DutyChangedHandler,
    ExposuresAssessedHandler, MessageChangedHandler, MessageHeldHandler, OwnerChangedHandler,
    PolicyKeeper, SiteChangedHandler, StaffChangedHandler, SurveyAnsweredHandler, TextSource,
    regrade_clusters, subscriptions, watch_standing,
};
use crate::rpc::{Shared, TriageRpc};
use crate::store::late;

/// How often old receipts are looked for.
const PURGE_PERIOD: Duration = Duration::from_secs(600);

/// What triage does about the events of others.
pub fn inbox(desk: &Arc<Desk>, texts: impl TextSource + Clone, meter: &Meter) -> Inbox {
    Inbox::new(desk.db.clone(), meter)
        .on(
            "redress.site.changed.v1",
            SiteChangedHandler(Arc::clone(desk)),
        )
        .on(
            "redress.case.received.v1",
            CaseReceivedHandler::new(Arc::clone(desk), texts.clone()),
        )
        .on(
            "redress.case.updated.v1",
            CaseUpdatedHandler::new(Arc::clone(desk), texts.clone()),
        )
        .on(
            "redress.contact.recorded.v1",
            ContactRecordedHandler::new(Arc::clone(desk), texts),
        )
        .on("redress.case.moved.v1", CaseMovedHandler(Arc::clone(desk)))
        .on(
            "redress.owner.changed.v1",
            OwnerChangedHandler(Arc::clone(desk)),
        )
        .on(
            "redress.staff.changed.v1",
            StaffChangedHandler(Arc::clone(desk)),
        )
        .on(
            "redress.duty.changed.v1",
            DutyChangedHandler(Arc::clone(desk)),
        )
        .on(
            "redress.demand.changed.v1",
            DemandChangedHandler(Arc::clone(desk)),
        )
        .on(
            "redress.dispute.begun.v1",
            DisputeBegunHandler(Arc::clone(desk)),
        )
        .on(
            "redress.message.changed.v1",
            MessageChangedHandler(Arc::clone(desk)),
        )
        .on(
            "redress.message.held.v1",
            MessageHeldHandler(Arc::clone(desk)),
        )
        .on(
            "redress.exposures.assessed.v1",
            ExposuresAssessedHandler(Arc::clone(desk)),
        )
        .on(
            "redress.survey.answered.v1",
            SurveyAnsweredHandler(Arc::clone(desk)),
        )
}

/// Timers over our clocks, which schedule whatever a firing arms.
pub fn timers(
    db: &Database,
    index: Option<redress_timers::Redis>,
    clock: SharedClock,
    meter: &Meter,
) -> Timers {
    let own = Arc::new(OnceLock::new());
    let truth = ClockTruth::new(db.clone(), Arc::clone(&own));
    let timers = Timers::new("triage", index, Arc::new(truth), clock, meter);
    own.set(timers.clone())
        .expect("it was made above and nobody else has it");
    timers
}

/// Wires the service together.
pub(crate) async fn build(context: Context<NoSettings>) -> Result<App, BoxError> {
    let Context {
        common,
        db,
        clock,
        redis,
        meter,
        peers,
        fingerprints,
        ..
    } = context;
    tokio::task::spawn_blocking(similarity::warm_up).await?;
    let index = redis.as_ref().map(redress_runtime::Redis::client);
    let timers = timers(&db, index, clock.clone(), &meter);
    let desk = Desk::new(
        db.clone(),
        clock.clone(),
        timers.clone(),
        fingerprints.clone(),
    );
    let inbox = Arc::new(inbox(&desk, peers.clone(), &meter));

    let relay = Relay::to_peers(db.clone(), subscriptions(), &peers, &meter)?;

    let sweeper = Arc::clone(&inbox);
    let calendars = CalendarKeeper::new(Arc::clone(&desk));
    let policies = PolicyKeeper::new(Arc::clone(&desk));
    let rpc = TriageRpc(Shared {
        desk: Arc::clone(&desk),
        fingerprints,
    });
    let mut app = App::new()
        .serve(TriageServiceServer::new(rpc.clone()))
        .serve(CalendarServiceServer::new(rpc.clone()))
        .serve(ClusterServiceServer::new(rpc.clone()))
        .serve(PolicyServiceServer::new(rpc.clone()))
        .serve(ClockServiceServer::new(rpc))
        .serve(InboxServiceServer::new(InboxServer::new(inbox)))
        .serve(EventAdminServiceServer::new(EventAdminServer::new(
            db.clone(),
        )))
        .work("relay", |shutdown| relay.run(shutdown))
        .work(
            "inbox",
            |shutdown| async move { sweeper.run(shutdown).await },
        )
        .work(
            "timers",
            |shutdown| async move { timers.run(shutdown).await },
        )
        .work("calendars", |shutdown| calendars.run(shutdown))
        .work("policies", |shutdown| policies.run(shutdown))
        .work("regrading", |shutdown| regrade_clusters(desk, shutdown))
        .work("standing", {
            let (db, top_sites) = (db.clone(), common.telemetry.top_sites);
            move |shutdown| watch_standing(db, meter, top_sites, shutdown)
        })
        .work("receipts", {
            let db = db.clone();
            |shutdown| purge_receipts(db, clock, shutdown)
        });
    if let Some(redis) = redis {
        app = app.work("wakes", move |shutdown| {
            share_wakes(db, redis.node(), shutdown)
        });
    }
    Ok(app)
}

/// Deletes receipts that nobody can still retry against. Replicas may do so at once; each row goes once.
async fn purge_receipts(db: Database, clock: SharedClock, shutdown: CancellationToken) {
    let failed = "old receipts stay for now";
    every(PURGE_PERIOD, &shutdown, failed, || async {
        let receipts = receipt::purge(&db, clock.now()).await;
        let late = late::purge(&db, clock.now()).await;
        receipts.and(late)
    })
    .await;
}
