//! The one place that knows everyone: which news come in and go out, what is served, what runs in the
//! background.

use std::sync::Arc;
use std::time::Duration;

use redress_events::{EventAdminServer, Inbox, InboxServer, Relay, Subscriptions, share_wakes};
use redress_model::time::SharedClock;
use redress_proto::event::v1::event_admin_service_server::EventAdminServiceServer;
use redress_proto::event::v1::inbox_service_server::InboxServiceServer;
use redress_proto::notification::v1::app_service_server::AppServiceServer;
use redress_proto::notification::v1::delivery_service_server::DeliveryServiceServer;
use redress_proto::notification::v1::message_service_server::MessageServiceServer;
use redress_proto::notification::v1::notice_service_server::NoticeServiceServer;
use redress_proto::notification::v1::survey_service_server::SurveyServiceServer;
use redress_proto::notification::v1::task_service_server::TaskServiceServer;
use redress_proto::notification::v1::template_service_server::TemplateServiceServer;
use redress_proto::notification::v1::voice_service_server::VoiceServiceServer;
use redress_proto::notification::v1::wording_service_server::WordingServiceServer;
use redress_rpc::watch::Bell;
use redress_runtime::{App, BoxError, Common, Context, Service, every};
use redress_store::{Database, Keyring, receipt};
use sqlx::migrate::Migrator;
use tokio_util::sync::CancellationToken;

use crate::domain::render::Templates;
use crate::jobs::announce::{MESSAGE_CHANGED, MESSAGE_HELD, SURVEY_ANSWERED, WORDING_CHANGED};
use crate::jobs::compose::Previews;
use crate::jobs::inbox::News;
use crate::jobs::metrics::Metrics;
use crate::jobs::owner_notices::NoticeWorker;
use crate::jobs::people::PeersPeople;
use crate::jobs::sender::Sender;
use crate::jobs::survey_calls::SurveyCaller;
use crate::jobs::task_watch::TaskWatch;
use crate::jobs::tell_rules;
use crate::rpc::delivery::Delivery;
use crate::rpc::owner_notices::OwnerNotices;
use crate::rpc::survey::Surveys;
use crate::rpc::tasks::Tasks;
use crate::rpc::templates::TemplateTexts;
use crate::rpc::voice::Voice;
use crate::rpc::wording::Wording;
use crate::rpc::{Apps, Messages};
use crate::settings::{self, RawSettings};
use crate::store::messages::Lane;
use crate::store::notices;
use crate::token::Tokens;

/// How often what is past its time is deleted.
const PURGE_PAUSE: Duration = Duration::from_secs(3600);

/// The notification service.
#[derive(Debug, Clone, Copy)]
pub struct NotificationService;

impl Service for NotificationService {
    const NAME: &'static str = "notification";
    const DEFAULT_CONFIG: &'static str = include_str!("../config.toml");
    type Settings = RawSettings;

    fn check(common: &Common, settings: &RawSettings) -> Result<(), BoxError> {
        if common.clock.is_rehearsal() {
            settings::check_rehearsal(settings)?;
        }
        settings::check(settings)?;
        Ok(())
    }

    fn migrators() -> Vec<&'static Migrator> {
        vec![
            &redress_store::MIGRATOR,
            &redress_events::MIGRATOR,
            &crate::MIGRATOR,
        ]
    }

    async fn build(context: Context<RawSettings>) -> Result<App, BoxError> {
        let rehearsal = context.common.clock.is_rehearsal();
        let (mut sending, gateways) = settings::check(&context.settings)?;
        // They depend on how long work takes, which no clock makes faster.
        for span in [&mut sending.lease, &mut sending.receipt_wait] {
            *span = span.saturating_mul(i32::try_from(context.clock.rate()).unwrap_or(i32::MAX));
        }
        let Context {
            db,
            clock,
            redis,
            meter,
            peers,
            fingerprints,
            vault,
            ..
        } = context;
        let keys = Arc::new(Keyring::new(vault, "key_id"));
        let metrics = Metrics::new(&meter);
        let people = PeersPeople::new(peers.clone());
        let news = Arc::new(News {
            keys: Arc::clone(&keys),
            people: people.clone(),
            receipt_wait: sending.receipt_wait,
            bundling: sending.bundling,
            clock: clock.clone(),
        });
        let inbox = Arc::new(news.subscribe(Inbox::new(db.clone(), &meter)));
        let relay = Relay::to_peers(db.clone(), subscriptions(), &peers, &meter)?;
        let survey_caller = Arc::new(SurveyCaller {
            db: db.clone(),
            keys: Arc::clone(&keys),
            people: people.clone(),
            clock: clock.clone(),
        });
        let task_watch = TaskWatch {
            db: db.clone(),
            clock: clock.clone(),
            metrics: metrics.clone(),
        };
        let bell = Bell::new();
        let callout_answer = sending.callout_answer;
        let previews = Arc::new(Previews {
            templates: Templates::compiled_in()?,
            survey_url: sending.survey_url.clone(),
            rehearsal,
        });
        let sender = Arc::new(Sender {
            db: db.clone(),
            keys: Arc::clone(&keys),
            gateways,
            templates: Templates::compiled_in()?,
            people,
            sending,
            rehearsal,
            tokens: Tokens::new(fingerprints.clone()),
            clock: clock.clone(),
            metrics: metrics.clone(),
            bell: bell.clone(),
        });
        let tasks = Tasks {
            db: db.clone(),
            keys: Arc::clone(&keys),
            clock: clock.clone(),
            fingerprints: fingerprints.clone(),
            metrics: metrics.clone(),
        };
        let texts = TemplateTexts {
            db: db.clone(),
            clock: clock.clone(),
            fingerprints: fingerprints.clone(),
            metrics: metrics.clone(),
        };
        let wording = Wording {
            db: db.clone(),
            clock: clock.clone(),
            fingerprints: fingerprints.clone(),
            metrics: metrics.clone(),
        };
        let apps = Apps {
            db: db.clone(),
            keys: Arc::clone(&keys),
            bell,
        };
        let delivery = Delivery {
            db: db.clone(),
            clock: clock.clone(),
            tokens: Tokens::new(fingerprints.clone()),
            fingerprints: fingerprints.clone(),
            callout_answer,
            metrics: metrics.clone(),
        };
        let surveys = Surveys {
            db: db.clone(),
            keys: Arc::clone(&keys),
            clock: clock.clone(),
            tokens: Tokens::new(fingerprints.clone()),
            fingerprints: fingerprints.clone(),
        };
        let voice = Voice {
            previews: Arc::clone(&previews),
            db: db.clone(),
            keys: Arc::clone(&keys),
            clock: clock.clone(),
            fingerprints: fingerprints.clone(),
            metrics: metrics.clone(),
        };
        let owner_notices = OwnerNotices {
            db: db.clone(),
            keys: Arc::clone(&keys),
            clock: clock.clone(),
            fingerprints: fingerprints.clone(),
            metrics: metrics.clone(),
        };
        let notice_worker = Arc::new(NoticeWorker {
            db: db.clone(),
            clock: clock.clone(),
        });
        let messages = Messages {
            previews,
            db: db.clone(),
            keys,
            clock: clock.clone(),
            fingerprints,
            metrics,
        };
        let (grave, routine, backlog) = (Arc::clone(&sender), Arc::clone(&sender), sender);
        let (sweeper, waker, purger) = (Arc::clone(&inbox), db.clone(), db.clone());
        let (teller, told_at) = (db.clone(), clock.clone());
        let app = App::new()
            .serve(MessageServiceServer::new(messages))
            .serve(TaskServiceServer::new(tasks))
            .serve(AppServiceServer::new(apps))
            .serve(TemplateServiceServer::new(texts))
            .serve(WordingServiceServer::new(wording))
            .serve(DeliveryServiceServer::new(delivery))
            .serve(SurveyServiceServer::new(surveys))
            .serve(NoticeServiceServer::new(owner_notices))
            .serve(VoiceServiceServer::new(voice))
            .serve(InboxServiceServer::new(InboxServer::new(inbox)))
            .serve(EventAdminServiceServer::new(EventAdminServer::new(db)))
            .work("relay", |shutdown| relay.run(shutdown))
            .work(
                "inbox",
                |shutdown| async move { sweeper.run(shutdown).await },
            )
            .work("grave messages", |shutdown| {
                grave.run(Lane::Grave, shutdown)
            })
            .work("routine messages", |shutdown| {
                routine.run(Lane::Routine, shutdown)
            })
            .work("notices to owners", |shutdown| notice_worker.run(shutdown))
            .work("calls about surveys", |shutdown| {
                survey_caller.run(shutdown)
            })
            .work("late tasks", |shutdown| task_watch.run(shutdown))
            .work("wording rules", |shutdown| {
                tell_rules::run(teller, told_at, shutdown)
            })
            .work("message backlog", |shutdown| {
                backlog.watch_backlog(shutdown)
            })
            .work("receipts", |shutdown| purge_old(purger, clock, shutdown));
        Ok(match redis {
            Some(redis) => app.work("wakes", move |shutdown| {
                share_wakes(waker, redis.node(), shutdown)
            }),
            None => app,
        })
    }
}

/// Who wants to hear what became of a message, and what a customer answered.
fn subscriptions() -> Subscriptions {
    Subscriptions::new(&[
        (
            MESSAGE_CHANGED,
            &["crisis", "intake", "triage", "assignment"],
        ),
        (SURVEY_ANSWERED, &["triage", "assignment"]),
        (WORDING_CHANGED, &["crisis", "assignment"]),
        (MESSAGE_HELD, &["triage", "crisis"]),
    ])
}

/// Deletes what is past its time: receipts of requests, and what apps were told.
async fn purge_old(db: Database, clock: SharedClock, shutdown: CancellationToken) {
    let failed = "old rows could not be deleted";
    every(PURGE_PAUSE, &shutdown, failed, || async {
        let now = clock.now();
        // One that fails does not stop the other.
        let (receipts, notices) = (
            receipt::purge(&db, now).await,
            notices::purge(&db, now).await,
        );
        let (receipts, notices) = (receipts?, notices?);
        if receipts + notices > 0 {
            tracing::info!(receipts, notices, "old rows were deleted");
        }
        Ok(())
    })
    .await;
}
