//! The one place that knows everyone.

use std::sync::Arc;

use redress_events::{EventAdminServer, InboxServer, Relay, Subscriptions, share_wakes};
use redress_proto::crisis::v1::aftermath_service_server::AftermathServiceServer;
use redress_proto::crisis::v1::briefing_service_server::BriefingServiceServer;
use redress_proto::crisis::v1::command_service_server::CommandServiceServer;
use redress_proto::crisis::v1::incident_service_server::IncidentServiceServer;
use redress_proto::crisis::v1::lesson_service_server::LessonServiceServer;
use redress_proto::crisis::v1::matrix_service_server::MatrixServiceServer;
use redress_proto::crisis::v1::media_service_server::MediaServiceServer;
use redress_proto::crisis::v1::playbook_service_server::PlaybookServiceServer;
use redress_proto::crisis::v1::statement_service_server::StatementServiceServer;
use redress_proto::event::v1::event_admin_service_server::EventAdminServiceServer;
use redress_proto::event::v1::inbox_service_server::InboxServiceServer;
use redress_rpc::watch::Bell;
use redress_runtime::{App, BoxError, Common, Context, Service};
use redress_store::{Database, Keyring};
use redress_timers::Timers;
use sqlx::migrate::Migrator;
use tokio_util::sync::CancellationToken;

use crate::flow::Desk;
use crate::jobs::subscriptions::SUBSCRIPTIONS;
use crate::jobs::timers::IncidentClocks;
use crate::jobs::{Shop, inbox, shifts, standing, tidy};
use crate::rpc::matrix::Matrices;
use crate::rpc::media::Media;
use crate::rpc::{
    Aftermath, Briefings, Commanding, Incidents, Lessons, Playbooks, Statements, export_signer,
    signer,
};
use crate::settings::Settings;
use crate::store;

/// The crisis service.
#[derive(Debug)]
pub struct CrisisService;

impl Service for CrisisService {
    const NAME: &'static str = "crisis";
    const DEFAULT_CONFIG: &'static str = include_str!("../config.toml");
    type Settings = Settings;

    fn check(_: &Common, settings: &Settings) -> Result<(), BoxError> {
        settings.policy()?;
        settings.zone()?;
        Ok(())
    }

    fn migrators() -> Vec<&'static Migrator> {
        vec![
            &redress_store::MIGRATOR,
            &redress_events::MIGRATOR,
            &store::MIGRATOR,
        ]
    }

    async fn build(context: Context<Settings>) -> Result<App, BoxError> {
        let Context {
            settings,
            db,
            clock,
            redis,
            meter,
            peers,
            fingerprints,
            vault,
            ..
        } = context;
        let desk = Arc::new(Desk {
            policy: settings.policy()?,
            zone: settings.zone()?,
            settings,
            clock: clock.clone(),
        });
        let truth = IncidentClocks {
            db: db.clone(),
            desk: Arc::clone(&desk),
        };
        let index = redis.as_ref().map(redress_runtime::Redis::client);
        let timers = Timers::new(Self::NAME, index, Arc::new(truth), clock.clone(), &meter);
        let shop = Shop {
            desk: Arc::clone(&desk),
            timers: timers.clone(),
        };
        let inbox = Arc::new(inbox(db.clone(), &meter, &shop));

        let relay = Relay::to_peers(
            db.clone(),
            Subscriptions::new(SUBSCRIPTIONS),
            &peers,
            &meter,
        )?;

        let bell = Bell::new();
        let incidents = Arc::new(Incidents {
            db: db.clone(),
            desk,
            timers: timers.clone(),
            fingerprints,
            bell: bell.clone(),
        });
        let aftermath = Aftermath {
            incidents: Arc::clone(&incidents),
            sign: export_signer(peers.clone()),
        };
        let media = Media {
            incidents: Arc::clone(&incidents),
            keys: Arc::new(Keyring::new(vault, "key_id")),
        };
        let matrices = Matrices {
            incidents: Arc::clone(&incidents),
        };
        let statements = Statements {
            incidents: Arc::clone(&incidents),
            sign: signer(peers),
        };
        let briefings = Briefings {
            incidents: Arc::clone(&incidents),
        };
        let playbooks = Playbooks {
            incidents: Arc::clone(&incidents),
        };
        let commanding = Commanding {
            incidents: Arc::clone(&playbooks.incidents),
        };
        let lessons = Lessons {
            incidents: Arc::clone(&playbooks.incidents),
        };
        let sweeper = Arc::clone(&inbox);
        let mut app = App::new()
            .serve(IncidentServiceServer::from_arc(incidents))
            .serve(StatementServiceServer::new(statements))
            .serve(BriefingServiceServer::new(briefings))
            .serve(AftermathServiceServer::new(aftermath))
            .serve(MatrixServiceServer::new(matrices))
            .serve(MediaServiceServer::new(media))
            .serve(PlaybookServiceServer::new(playbooks))
            .serve(CommandServiceServer::new(commanding))
            .serve(LessonServiceServer::new(lessons))
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
            );
        if let Some(redis) = redis {
            let db = db.clone();
            app = app.work("wakes", move |shutdown| {
                share_wakes(db, redis.node(), shutdown)
            });
        }
        let (ringer, staffed, counted) = (db.clone(), db.clone(), db.clone());
        let time = clock.clone();
        Ok(app
            .work("standing", |shutdown| {
                standing::run(counted, time, meter, shutdown)
            })
            .work("bell", |shutdown| ring(ringer, bell, shutdown))
            .work("shifts", |shutdown| shifts::run(staffed, shop, shutdown))
            .work("tidy", |shutdown| tidy::run(db, clock, shutdown)))
    }
}

/// Rings whenever a transaction of this service changed an incident, so that watches look at once.
async fn ring(db: Database, bell: Bell, shutdown: CancellationToken) {
    let mut wakes = db.wakes();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            Ok(()) = wakes.changed() => bell.ring(),
            else => return,
        }
    }
}
