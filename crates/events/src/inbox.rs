//! The receiver's side: each event takes effect once.
//!
//! One transaction, confined to the event's site, holds the note that it was seen, its handler's
//! changes and what those say in turn. A handler may answer that what the event builds on is unknown
//! yet; then the event waits here and counts as delivered, and later ones of the same source and
//! subject wait behind it. Waiting events are tried again after every event of the same subject,
//! after every event about their site, and, as the net under that, by the sweeper with growing pauses.
//!
//! Cost: three round trips an event and those of its handler. Events of one batch about different
//! subjects are applied side by side. Those about one subject, of which nothing is asked beforehand, take effect in one
//! transaction: a change of a case that says five things costs its subscribers one commit. Where one of them cannot
//! be applied, each has its own transaction again.

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Meter};
use redress_model::Fault;
use redress_proto::event::v1::{DeliverOutcome, DeliverResult};
use redress_rpc::trace_context;
use redress_store::{Database, Operation, Scope, StoreResultExt as _, Tx, is_away};
use sqlx::Executor as _;
use tokio::sync::{Notify, Semaphore};
use tracing::Instrument as _;

use crate::handler::{Applied, Handler};
use crate::{Event, waiting};

/// Subjects of one batch that are applied side by side.
const SUBJECTS_AT_ONCE: usize = 8;
/// Events that are applied at the same time over all batches. Each takes a connection, and requests of
/// people need some too.
const EVENTS_AT_ONCE: usize = 8;
/// Events of one subject that take effect in one transaction at most: its locks last as long.
const EVENTS_TOGETHER: usize = 16;

/// Takes events in and hands each to its handler.
pub struct Inbox {
    pub(crate) db: Database,
    handlers: HashMap<String, Box<dyn ErasedHandler>>,
    pub(crate) sweep: Notify,
    permits: Semaphore,
    received: Counter<u64>,
}

/// What the inbox did with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Received {
    /// It took effect now; `frees` tells whether something waits that it may set free.
    Applied { frees: bool },
    /// It was seen before.
    Seen,
    /// It waits.
    Waiting,
}

impl Inbox {
    /// An inbox that knows no event yet.
    pub fn new(db: Database, meter: &Meter) -> Self {
        Self {
            db,
            handlers: HashMap::new(),
            sweep: Notify::new(),
            permits: Semaphore::new(EVENTS_AT_ONCE),
            received: meter
                .u64_counter("redress.events.received")
                .with_unit("{event}")
                .with_description("Events by source, type and outcome.")
                .build(),
        }
    }

    /// Registers the handler of an event type.
    ///
    /// # Panics
    /// When the type has one already: two handlers of one event would not take effect together.
    #[must_use]
    pub fn on(mut self, event_type: &str, handler: impl Handler) -> Self {
        let before = self
            .handlers
            .insert(event_type.to_owned(), Box::new(Erased(Arc::new(handler))));
        assert!(before.is_none(), "{event_type} has two handlers");
        self
    }

    /// The event types that have a handler.
    pub fn types(&self) -> impl Iterator<Item = &str> {
        self.handlers.keys().map(String::as_str)
    }

    /// Takes a batch in and answers for each event, in order. Events of one subject are applied one
    /// after the other; once one fails, the later ones are left for the sender to send again.
    ///
    /// # Errors
    /// UNAVAILABLE when Postgres is away: it is not about these events, and none should be held for it.
    pub async fn receive(&self, events: Vec<Event>) -> Result<Vec<DeliverResult>, Fault> {
        let mut subjects: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (i, event) in events.iter().enumerate() {
            subjects.entry(&event.subject).or_default().push(i);
        }
        let answers: Vec<Result<Vec<(usize, DeliverResult)>, Fault>> =
            futures::stream::iter(subjects.into_values())
                .map(|indexes| self.receive_subject(&events, indexes))
                .buffer_unordered(SUBJECTS_AT_ONCE)
                .collect()
                .await;
        let mut results = vec![DeliverResult::default(); events.len()];
        for answer in answers {
            for (i, result) in answer? {
                results[i] = result;
            }
        }
        Ok(results)
    }

    async fn receive_subject(
        &self,
        events: &[Event],
        indexes: Vec<usize>,
    ) -> Result<Vec<(usize, DeliverResult)>, Fault> {
        let asks_nothing = |i: &usize| self.asks_nothing(&events[*i]);
        let mut results = Vec::with_capacity(indexes.len());
        let mut failed = false;
        let alike = indexes.chunk_by(|a, b| asks_nothing(a) && asks_nothing(b));
        for part in alike.flat_map(|alike| alike.chunks(EVENTS_TOGETHER)) {
            let together = !failed && part.len() > 1 && part.iter().all(asks_nothing);
            let done = together
                && self
                    .receive_together(part.iter().map(|i| &events[*i]))
                    .await?;
            for i in part {
                let event = &events[*i];
                let (outcome, reason) = if failed {
                    (DeliverOutcome::Retry, "EARLIER_EVENT_FAILED")
                } else if done {
                    (DeliverOutcome::Applied, "")
                } else {
                    self.receive_one(event).await?
                };
                failed |= matches!(outcome, DeliverOutcome::Retry | DeliverOutcome::Rejected);
                self.count(event, outcome);
                results.push((
                    *i,
                    DeliverResult {
                        event_id: event.id.to_string(),
                        outcome: outcome.into(),
                        reason: reason.to_owned(),
                    },
                ));
            }
        }
        Ok(results)
    }

    fn asks_nothing(&self, event: &Event) -> bool {
        let handler = self.handlers.get(&event.event_type);
        handler.is_some_and(|h| h.asks_nothing())
    }

    /// Applies events of one subject, one after the other in one transaction. False when one of them has to be looked at
    /// alone; then none took effect.
    async fn receive_together<'e>(
        &self,
        events: impl Iterator<Item = &'e Event>,
    ) -> Result<bool, Fault> {
        let mut steps = Vec::new();
        for event in events {
            let Some(handler) = self.handlers.get(&event.event_type) else {
                return Ok(false);
            };
            let Ok(ready) = handler.prepare(event).await else {
                return Ok(false);
            };
            steps.push((event, ready, span(event)));
        }
        let Some((event, ..)) = steps.first() else {
            return Ok(false);
        };
        let event = *event;
        let _permit = self.permits.acquire().await.map_err(Fault::internal)?;
        let scope = Scope::site(event.site.clone());
        let together = Together(steps);
        let applied = AssertUnwindSafe(self.db.run(&scope, &together)).catch_unwind();
        match applied.await {
            Ok(Ok(frees)) => {
                if frees {
                    self.set_free(event).await;
                }
                Ok(true)
            }
            Ok(Err(fault)) if is_away(&fault) => Err(fault),
            Ok(Err(_)) | Err(_) => Ok(false),
        }
    }

    async fn receive_one(&self, event: &Event) -> Result<(DeliverOutcome, &'static str), Fault> {
        match self.apply(event, &FirstTime(event)).await {
            Ok(Received::Seen) => Ok((DeliverOutcome::Applied, "")),
            Ok(Received::Waiting) => Ok((DeliverOutcome::Waiting, "")),
            Ok(Received::Applied { frees }) => {
                if frees {
                    self.set_free(event).await;
                }
                Ok((DeliverOutcome::Applied, ""))
            }
            Err(fault) if is_away(&fault) => Err(fault),
            Err(fault) if fault.is_transient() => Ok((DeliverOutcome::Retry, fault.reason())),
            Err(fault) => Ok((DeliverOutcome::Rejected, fault.reason())),
        }
    }

    /// Runs the event's handler within `step`.
    pub(crate) async fn apply(&self, event: &Event, step: &dyn Step) -> Result<Received, Fault> {
        let span = span(event);
        async {
            let Some(handler) = self.handlers.get(&event.event_type) else {
                // A newer sender; this replica is about to be replaced by one that knows it.
                tracing::warn!(event_type = %event.event_type, "an event of unknown type is left with its sender");
                return Err(Fault::unavailable("handler"));
            };
            let _permit = self.permits.acquire().await.map_err(Fault::internal)?;
            // A panic is this event's alone; the others of the batch go on.
            let result = AssertUnwindSafe(handle(&self.db, handler.as_ref(), event, step))
                .catch_unwind()
                .await
                .unwrap_or_else(|panic| Err(Fault::internal(panic_text(panic.as_ref()))));
            let span = tracing::Span::current();
            match &result {
                Ok(received) => {
                    span.record("redress.outcome", received.word());
                }
                Err(fault) => {
                    span.record("error.type", fault.reason());
                    log_fault(event, fault);
                }
            }
            result
        }
        .instrument(span)
        .await
    }

    /// Tries what may wait for the event: its subject's at once, its site's by the sweeper.
    async fn set_free(&self, event: &Event) {
        if event.subject == format!("sites/{}", event.site) {
            match waiting::hurry_site(&self.db, &event.site).await {
                Ok(()) => self.sweep.notify_one(),
                Err(fault) => tracing::warn!(%fault, "waiting events will be tried later"),
            }
        }
        if let Err(fault) = self.retry_waiting(&event.site, &event.subject).await {
            tracing::warn!(%fault, "waiting events will be tried later");
        }
    }

    fn count(&self, event: &Event, outcome: DeliverOutcome) {
        let outcome = match outcome {
            DeliverOutcome::Applied => "applied",
            DeliverOutcome::Waiting => "waiting",
            DeliverOutcome::Retry => "retry",
            DeliverOutcome::Rejected | DeliverOutcome::Unspecified => "rejected",
        };
        self.received.add(
            1,
            &[
                KeyValue::new("redress.source", event.source.clone()),
                KeyValue::new("redress.event.type", event.event_type.clone()),
                KeyValue::new("redress.outcome", outcome),
            ],
        );
    }
}

impl std::fmt::Debug for Inbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inbox")
            .field("service", &self.db.service())
            .field("types", &self.handlers.keys())
            .finish_non_exhaustive()
    }
}

impl Received {
    fn word(self) -> &'static str {
        match self {
            Self::Applied { .. } => "applied",
            Self::Seen => "seen",
            Self::Waiting => "waiting",
        }
    }
}

/// The span of an event's effect. It continues the trace of whoever said the event.
fn span(event: &Event) -> tracing::Span {
    let span = tracing::info_span!(
        parent: None,
        "event.apply",
        otel.name = %format_args!("apply {}", event.event_type),
        otel.kind = "consumer",
        messaging.system = "redress",
        messaging.operation.name = "apply",
        messaging.destination.name = %event.event_type,
        messaging.message.id = %event.id,
        redress.source = %event.source,
        redress.subject = %event.subject,
        redress.outcome = tracing::field::Empty,
        error.type = tracing::field::Empty,
    );
    trace_context::follow(&span, &event.traceparent);
    span
}

fn log_fault(event: &Event, fault: &Fault) {
    let (event_id, event_type, reason) = (event.id, &event.event_type, fault.reason());
    if fault.is_transient() {
        tracing::info!(%event_id, %event_type, reason, %fault, "an event cannot be applied now");
        return;
    }
    let mut cause = String::new();
    let mut source = std::error::Error::source(fault);
    while let Some(error) = source {
        cause = format!("{cause}: {error}");
        source = error.source();
    }
    tracing::error!(%event_id, %event_type, reason, "an event cannot be applied: {fault}{cause}");
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    format!("a handler panicked: {}", text.unwrap_or_default())
}

/// What surrounds a handler in its transaction: the first delivery, or another try of a waiting event.
pub(crate) trait Step: Send + Sync {
    /// Before the handler: whether it shall run.
    fn before<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Turn, Fault>>;
    /// After a handler that wants to wait.
    fn waits<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<(), Fault>>;
    /// After a handler that is done.
    fn done<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<(), Fault>>;
}

/// What [`Step::before`] found.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Turn {
    /// The handler runs.
    Now { frees: bool },
    /// The event waits behind an earlier one.
    Behind,
    /// There is nothing to do.
    Seen,
}

struct FirstTime<'e>(&'e Event);

impl Step for FirstTime<'_> {
    fn before<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Turn, Fault>> {
        async move {
            let event = self.0;
            let row = sqlx::query!(
                "-- events::inbox::receive
                SELECT fresh AS \"fresh!\", waiting AS \"waiting!\", behind AS \"behind!\"
                FROM redress_receive($1, $2, $3, $4)",
                event.source,
                event.id,
                event.site.as_str(),
                event.subject,
            )
            .fetch_one(&mut **tx)
            .await
            .or_fault()?;
            Ok(match row.fresh {
                false => Turn::Seen,
                true if row.behind => Turn::Behind,
                true => Turn::Now { frees: row.waiting },
            })
        }
        .boxed()
    }

    fn waits<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<(), Fault>> {
        waiting::keep(tx, self.0).boxed()
    }

    fn done<'a>(&'a self, _: &'a mut Tx) -> BoxFuture<'a, Result<(), Fault>> {
        async { Ok(()) }.boxed()
    }
}

/// A handler without its `Prepared`.
trait ErasedHandler: Send + Sync {
    /// Whether there is nothing that it asks beforehand.
    fn asks_nothing(&self) -> bool;
    /// Asks it.
    fn prepare<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, Result<Box<dyn Ready>, Fault>>;
}

struct Erased<H>(Arc<H>);

impl<H: Handler> ErasedHandler for Erased<H> {
    fn asks_nothing(&self) -> bool {
        size_of::<H::Prepared>() == 0
    }

    fn prepare<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, Result<Box<dyn Ready>, Fault>> {
        async move {
            let prepared = self.0.prepare(event).await?;
            let handler = Arc::clone(&self.0);
            let ready: Box<dyn Ready> = Box::new(Prepared { handler, prepared });
            Ok(ready)
        }
        .boxed()
    }
}

/// A handler that has asked what it needs.
trait Ready: Send + Sync {
    fn apply<'a>(
        &'a self,
        tx: &'a mut Tx,
        event: &'a Event,
    ) -> BoxFuture<'a, Result<Applied, Fault>>;
}

struct Prepared<H: Handler> {
    handler: Arc<H>,
    prepared: H::Prepared,
}

impl<H: Handler> Ready for Prepared<H> {
    fn apply<'a>(
        &'a self,
        tx: &'a mut Tx,
        event: &'a Event,
    ) -> BoxFuture<'a, Result<Applied, Fault>> {
        self.handler.apply(tx, event, &self.prepared).boxed()
    }
}

async fn handle(
    db: &Database,
    handler: &dyn ErasedHandler,
    event: &Event,
    step: &dyn Step,
) -> Result<Received, Fault> {
    let handler = handler.prepare(event).await?;
    let apply = Apply {
        handler: handler.as_ref(),
        event,
        step,
    };
    db.run(&Scope::site(event.site.clone()), &apply).await
}

/// Events of one subject in one transaction; whether something waits that they may set free.
struct Together<'a>(Vec<(&'a Event, Box<dyn Ready>, tracing::Span)>);

impl Operation for Together<'_> {
    const NAME: &'static str = "events.apply_together";
    type Output = bool;

    async fn run(&self, tx: &mut Tx) -> Result<bool, Fault> {
        let alone = || Fault::unavailable("each event alone");
        let mut any_frees = false;
        for (event, handler, span) in &self.0 {
            match FirstTime(event).before(tx).await? {
                Turn::Now { frees } => any_frees |= frees,
                Turn::Seen => continue,
                Turn::Behind => return Err(alone()),
            }
            let applied = handler.apply(tx, event).instrument(span.clone());
            match applied.await? {
                Applied::Done => span.record("redress.outcome", "applied"),
                Applied::Wait => return Err(alone()),
            };
        }
        Ok(any_frees)
    }
}

struct Apply<'a> {
    handler: &'a dyn Ready,
    event: &'a Event,
    step: &'a dyn Step,
}

impl Operation for Apply<'_> {
    const NAME: &'static str = "events.apply";
    const SAVEPOINT: Option<&'static str> = Some("handler");
    type Output = Received;

    async fn run(&self, tx: &mut Tx) -> Result<Received, Fault> {
        // Hardly any handler waits, so the first round makes do with the savepoint that stands before the note that the
        // event was seen. One that wants to wait after all goes back there and does both once more: the lock of the
        // subject went with the savepoint, and what it waits for may have come.
        for round in [1, 2] {
            let frees = match self.step.before(tx).await? {
                Turn::Now { frees } => frees,
                Turn::Seen => return Ok(Received::Seen),
                Turn::Behind => break,
            };
            if round == 2 {
                (&mut **tx).execute("SAVEPOINT handler").await.or_fault()?;
            }
            match self.handler.apply(tx, self.event).await? {
                Applied::Done => {
                    self.step.done(tx).await?;
                    return Ok(Received::Applied { frees });
                }
                // What it wrote before it met the unknown would be there twice once it is tried again.
                Applied::Wait => {
                    let back = "ROLLBACK TO SAVEPOINT handler";
                    (&mut **tx).execute(back).await.or_fault()?;
                }
            }
        }
        self.step.waits(tx).await?;
        Ok(Received::Waiting)
    }
}
