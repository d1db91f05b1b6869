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
//! transaction: a change of a case that says five things costs its subscribers one commit. What a [`Keeper`] keeps, of
//! whatever subjects of a site, takes effect together first. Where one of them cannot be applied, each has its own
//! transaction again.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet, HashMap};
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
use tokio::sync::Notify;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::handler::{Applied, Handler, Keeper, Kept};
use crate::lanes::{Lane, Permits};
use crate::{Event, waiting};

/// Subjects of one batch that are applied side by side.
const SUBJECTS_AT_ONCE: usize = 8;
/// Events of one subject that take effect in one transaction at most: its locks last as long.
const EVENTS_TOGETHER: usize = 16;

/// Events of several subjects that are kept in one transaction at most.
const EVENTS_KEPT: usize = 200;

/// Takes events in and hands each to its handler.
pub struct Inbox {
    pub(crate) db: Database,
    handlers: HashMap<String, Box<dyn ErasedHandler>>,
    pub(crate) sweep: Notify,
    permits: Permits,
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
            permits: Permits::new(&db),
            db,
            handlers: HashMap::new(),
            sweep: Notify::new(),
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
    pub fn on(self, event_type: &str, handler: impl Handler) -> Self {
        self.register(event_type, Box::new(Erased(Arc::new(handler))))
    }

    /// Registers the keeper of some event types.
    ///
    /// # Panics
    /// As [`on`](Self::on).
    #[must_use]
    pub fn keep(self, event_types: &[&str], keeper: impl Keeper) -> Self {
        let keeper: Arc<dyn ErasedKeeper> = Arc::new(keeper);
        event_types.iter().fold(self, |inbox, event_type| {
            inbox.register(event_type, Box::new(ByKeeper(Arc::clone(&keeper))))
        })
    }

    fn register(mut self, event_type: &str, handler: Box<dyn ErasedHandler>) -> Self {
        let before = self.handlers.insert(event_type.to_owned(), handler);
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
        self.receive_in(events, Lane::Ordinary).await
    }

    /// Takes a batch in as [`receive`](Self::receive) does, ahead of those that it takes in.
    ///
    /// # Errors
    /// As of [`receive`](Self::receive).
    pub async fn receive_urgent(&self, events: Vec<Event>) -> Result<Vec<DeliverResult>, Fault> {
        self.receive_in(events, Lane::Urgent).await
    }

    async fn receive_in(
        &self,
        events: Vec<Event>,
        lane: Lane,
    ) -> Result<Vec<DeliverResult>, Fault> {
        let mut outcomes = vec![(DeliverOutcome::Applied, ""); events.len()];
        let mut subjects: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (i, event) in events.iter().enumerate() {
            if self.handler(event).is_none_or(|h| h.concerns(event)) {
                subjects.entry(&event.subject).or_default().push(i);
            }
        }
        for kept in self.kept(&events, &subjects) {
            if self
                .receive_together(kept.iter().map(|i| &events[*i]), lane)
                .await?
            {
                for indexes in subjects.values_mut() {
                    indexes.retain(|i| !kept.contains(i));
                }
            }
        }
        let answers: Vec<Result<Vec<_>, Fault>> = futures::stream::iter(subjects.into_values())
            .map(|indexes| self.receive_subject(&events, indexes, lane))
            .buffer_unordered(SUBJECTS_AT_ONCE)
            .collect()
            .await;
        for answer in answers {
            for (i, outcome) in answer? {
                outcomes[i] = outcome;
            }
        }
        let results = events.iter().zip(outcomes).map(|(event, outcome)| {
            let (outcome, reason) = outcome;
            self.count(event, outcome);
            DeliverResult {
                event_id: event.id.to_string(),
                outcome: outcome.into(),
                reason: reason.to_owned(),
            }
        });
        Ok(results.collect())
    }

    /// What can be kept together, of each site with several subjects: each subject's events up to the first that somebody
    /// has to handle.
    fn kept(
        &self,
        events: &[Event],
        subjects: &BTreeMap<&str, Vec<usize>>,
    ) -> Vec<BTreeSet<usize>> {
        let mut sites: BTreeMap<&str, Vec<Vec<usize>>> = BTreeMap::new();
        for indexes in subjects.values() {
            let is_kept = |i: &&usize| {
                let handler = self.handler(&events[**i]);
                handler.is_some_and(|h| h.keeper().is_some())
            };
            let Some(site) = indexes.first().map(|i| &events[*i].site) else {
                continue;
            };
            let first = indexes.iter().take_while(is_kept).copied();
            let first: Vec<usize> = first.take_while(|i| events[*i].site == *site).collect();
            if !first.is_empty() {
                sites.entry(site.as_str()).or_default().push(first);
            }
        }
        let several = sites.into_values().filter(|subjects| subjects.len() > 1);
        let mut parts = Vec::new();
        for subjects in several {
            let mut part = BTreeSet::new();
            for indexes in subjects {
                if !part.is_empty() && part.len() + indexes.len() > EVENTS_KEPT {
                    parts.push(std::mem::take(&mut part));
                }
                part.extend(indexes);
            }
            parts.push(part);
        }
        parts
    }

    async fn receive_subject(
        &self,
        events: &[Event],
        indexes: Vec<usize>,
        lane: Lane,
    ) -> Result<Vec<(usize, (DeliverOutcome, &'static str))>, Fault> {
        let asks_nothing = |i: &usize| {
            let handler = self.handler(&events[*i]);
            handler.is_some_and(|h| h.asks_nothing(&events[*i]))
        };
        let mut outcomes = Vec::with_capacity(indexes.len());
        let mut failed = false;
        let alike = indexes.chunk_by(|a, b| {
            asks_nothing(a) && asks_nothing(b) && events[*a].site == events[*b].site
        });
        for part in alike.flat_map(|alike| alike.chunks(EVENTS_TOGETHER)) {
            let together = !failed && part.len() > 1 && part.iter().all(asks_nothing);
            let done = together
                && self
                    .receive_together(part.iter().map(|i| &events[*i]), lane)
                    .await?;
            for i in part {
                let outcome = if failed {
                    (DeliverOutcome::Retry, "EARLIER_EVENT_FAILED")
                } else if done {
                    (DeliverOutcome::Applied, "")
                } else {
                    self.receive_one(&events[*i], lane).await?
                };
                failed |= matches!(outcome.0, DeliverOutcome::Retry | DeliverOutcome::Rejected);
                outcomes.push((*i, outcome));
            }
        }
        Ok(outcomes)
    }

    fn handler(&self, event: &Event) -> Option<&dyn ErasedHandler> {
        self.handlers.get(&event.event_type).map(Box::as_ref)
    }

    /// Applies events of one site, one after the other in one transaction. False when one of them has to be looked at
    /// alone; then none took effect.
    async fn receive_together<'e>(
        &self,
        events: impl Iterator<Item = &'e Event>,
        lane: Lane,
    ) -> Result<bool, Fault> {
        let mut steps = Vec::new();
        for event in events {
            let Some(handler) = self.handler(event) else {
                return Ok(false);
            };
            let Ok(ready) = handler.prepare(event).await else {
                return Ok(false);
            };
            steps.push(StepOfMany {
                event,
                keeper: handler.keeper(),
                ready,
                span: span(event),
            });
        }
        let Some(first) = steps.first() else {
            return Ok(true);
        };
        let scope = Scope::site(first.event.site.clone());
        let together = Together(steps);
        let applied = {
            // Given back before what waits is tried, which takes one of its own.
            let _permit = self.permits.acquire(lane).await?;
            let run = AssertUnwindSafe(self.db.run(&scope, &together));
            run.catch_unwind().await
        };
        match applied {
            Ok(Ok(frees)) => {
                for event in frees.into_iter().filter_map(|i| together.0.get(i)) {
                    self.set_free(event.event, lane).await;
                }
                Ok(true)
            }
            Ok(Err(fault)) if is_away(&fault) => Err(fault),
            Ok(Err(_)) | Err(_) => Ok(false),
        }
    }

    async fn receive_one(
        &self,
        event: &Event,
        lane: Lane,
    ) -> Result<(DeliverOutcome, &'static str), Fault> {
        match self.apply(event, &FirstTime(event), lane).await {
            Ok(Received::Seen) => Ok((DeliverOutcome::Applied, "")),
            Ok(Received::Waiting) => Ok((DeliverOutcome::Waiting, "")),
            Ok(Received::Applied { frees }) => {
                if frees {
                    self.set_free(event, lane).await;
                }
                Ok((DeliverOutcome::Applied, ""))
            }
            Err(fault) if is_away(&fault) => Err(fault),
            Err(fault) if fault.is_transient() => Ok((DeliverOutcome::Retry, fault.reason())),
            Err(fault) => Ok((DeliverOutcome::Rejected, fault.reason())),
        }
    }

    /// Runs the event's handler within `step`.
    pub(crate) async fn apply(
        &self,
        event: &Event,
        step: &dyn Step,
        lane: Lane,
    ) -> Result<Received, Fault> {
        let span = span(event);
        async {
            let Some(handler) = self.handler(event) else {
                // A newer sender; this replica is about to be replaced by one that knows it.
                tracing::warn!(event_type = %event.event_type, "an event of unknown type is left with its sender");
                return Err(Fault::unavailable("handler"));
            };
            // A panic is this event's alone; the others of the batch go on.
            let result = AssertUnwindSafe(handle(self, handler, event, step, lane))
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
    async fn set_free(&self, event: &Event, lane: Lane) {
        if event.subject == format!("sites/{}", event.site) {
            match waiting::hurry_site(&self.db, &event.site).await {
                Ok(()) => self.sweep.notify_one(),
                Err(fault) => tracing::warn!(%fault, "waiting events will be tried later"),
            }
        }
        if let Err(fault) = self.retry_waiting(&event.site, &event.subject, lane).await {
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
        async move { Ok(note(tx, &[self.0]).await?.pop().unwrap_or(Turn::Seen)) }.boxed()
    }

    fn waits<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<(), Fault>> {
        waiting::keep(tx, self.0).boxed()
    }

    fn done<'a>(&'a self, _: &'a mut Tx) -> BoxFuture<'a, Result<(), Fault>> {
        async { Ok(()) }.boxed()
    }
}

/// Locks the subjects of events of one site until the commit and notes the events as seen. What is to be done about each.
async fn note(tx: &mut Tx, events: &[&Event]) -> Result<Vec<Turn>, Fault> {
    let of = |text: fn(&Event) -> &str| -> Vec<&str> { events.iter().map(|e| text(e)).collect() };
    let ids: Vec<Uuid> = events.iter().map(|e| e.id).collect();
    let rows = sqlx::query!(
        "-- events::inbox::note
        SELECT place AS \"place!\", waiting AS \"waiting!\", behind AS \"behind!\"
        FROM redress_receive_many($1, $2, $3, $4)",
        &of(|e| &e.source) as &[&str],
        &ids,
        events.first().map_or("", |e| e.site.as_str()),
        &of(|e| &e.subject) as &[&str],
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let mut turns = vec![Turn::Seen; events.len()];
    for row in rows {
        let place = usize::try_from(row.place - 1).map_err(Fault::internal)?;
        let turn = turns
            .get_mut(place)
            .ok_or_else(|| Fault::internal("an event that nobody gave was noted"))?;
        *turn = match row.behind {
            true => Turn::Behind,
            false => Turn::Now { frees: row.waiting },
        };
    }
    Ok(turns)
}

/// A handler without its `Prepared`.
trait ErasedHandler: Send + Sync {
    fn concerns(&self, event: &Event) -> bool;
    /// Whether there is nothing that it asks beforehand.
    fn asks_nothing(&self, event: &Event) -> bool;
    /// Who takes many at once.
    fn keeper(&self) -> Option<&Arc<dyn ErasedKeeper>> {
        None
    }
    /// Asks it.
    fn prepare<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, Result<Box<dyn Ready>, Fault>>;
}

struct Erased<H>(Arc<H>);

impl<H: Handler> ErasedHandler for Erased<H> {
    fn concerns(&self, event: &Event) -> bool {
        self.0.concerns(event)
    }

    fn asks_nothing(&self, event: &Event) -> bool {
        self.0.asks_nothing(event)
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

/// A keeper whose future is boxed.
trait ErasedKeeper: Send + Sync {
    fn concerns(&self, event: &Event) -> bool;
    fn keep<'a>(
        &'a self,
        tx: &'a mut Tx,
        events: &'a [Kept<'a>],
    ) -> BoxFuture<'a, Result<Applied, Fault>>;
}

impl<K: Keeper> ErasedKeeper for K {
    fn concerns(&self, event: &Event) -> bool {
        Keeper::concerns(self, event)
    }

    fn keep<'a>(
        &'a self,
        tx: &'a mut Tx,
        events: &'a [Kept<'a>],
    ) -> BoxFuture<'a, Result<Applied, Fault>> {
        Keeper::keep(self, tx, events).boxed()
    }
}

/// A keeper as the handler of one of its types.
struct ByKeeper(Arc<dyn ErasedKeeper>);

impl ErasedHandler for ByKeeper {
    fn concerns(&self, event: &Event) -> bool {
        self.0.concerns(event)
    }

    fn asks_nothing(&self, _: &Event) -> bool {
        true
    }

    fn keeper(&self) -> Option<&Arc<dyn ErasedKeeper>> {
        Some(&self.0)
    }

    fn prepare<'a>(&'a self, _: &'a Event) -> BoxFuture<'a, Result<Box<dyn Ready>, Fault>> {
        let ready: Box<dyn Ready> = Box::new(ByKeeper(Arc::clone(&self.0)));
        std::future::ready(Ok(ready)).boxed()
    }
}

impl Ready for ByKeeper {
    fn apply<'a>(
        &'a self,
        tx: &'a mut Tx,
        event: &'a Event,
    ) -> BoxFuture<'a, Result<Applied, Fault>> {
        let span = tracing::Span::current();
        async move { self.0.keep(tx, &[Kept { event, span }]).await }.boxed()
    }
}

async fn handle(
    inbox: &Inbox,
    handler: &dyn ErasedHandler,
    event: &Event,
    step: &dyn Step,
    lane: Lane,
) -> Result<Received, Fault> {
    let concerns = handler.concerns(event);
    let handler = handler.prepare(event).await?;
    // Only now: what another service is asked takes no connection, and whoever waits for the answer keeps nobody waiting.
    let _permit = inbox.permits.acquire(lane).await?;
    let apply = Apply {
        handler: handler.as_ref(),
        concerns,
        event,
        step,
    };
    let scope = Scope::site(event.site.clone());
    inbox.db.run(&scope, &apply).await
}

/// Events of one site in one transaction; which of them may set something free.
struct Together<'a>(Vec<StepOfMany<'a>>);

struct StepOfMany<'a> {
    event: &'a Event,
    keeper: Option<&'a Arc<dyn ErasedKeeper>>,
    ready: Box<dyn Ready>,
    span: tracing::Span,
}

impl StepOfMany<'_> {
    fn is_kept_with(&self, other: &Self) -> bool {
        match (self.keeper, other.keeper) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl Operation for Together<'_> {
    const NAME: &'static str = "events.apply_together";
    type Output = Vec<usize>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<usize>, Fault> {
        let alone = || Fault::unavailable("each event alone");
        let events: Vec<&Event> = self.0.iter().map(|step| step.event).collect();
        let mut frees: Vec<usize> = Vec::new();
        let mut fresh = Vec::with_capacity(events.len());
        for (i, turn) in note(tx, &events).await?.into_iter().enumerate() {
            match turn {
                // Once a subject.
                Turn::Now { frees: true }
                    if frees
                        .iter()
                        .all(|j| events[*j].subject != events[i].subject) =>
                {
                    frees.push(i);
                }
                Turn::Now { .. } => {}
                Turn::Seen => continue,
                Turn::Behind => return Err(alone()),
            }
            fresh.push(&self.0[i]);
        }
        for part in fresh.chunk_by(|a, b| a.is_kept_with(b)) {
            let [first, ..] = part else { continue };
            let applied = match first.keeper {
                Some(keeper) => {
                    let kept = part.iter().map(|step| Kept {
                        event: step.event,
                        span: step.span.clone(),
                    });
                    let kept: Vec<Kept<'_>> = kept.collect();
                    let kept = keeper.keep(tx, &kept);
                    kept.instrument(first.span.clone()).await?
                }
                None => {
                    let applied = first.ready.apply(tx, first.event);
                    applied.instrument(first.span.clone()).await?
                }
            };
            if applied == Applied::Wait {
                return Err(alone());
            }
            for step in part {
                step.span.record("redress.outcome", "applied");
            }
        }
        Ok(frees)
    }
}

struct Apply<'a> {
    handler: &'a dyn Ready,
    /// False of one that waited behind others, by a release which did not tell or for another reason.
    concerns: bool,
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
            let applied = match self.concerns {
                true => self.handler.apply(tx, self.event).await?,
                false => Applied::Done,
            };
            match applied {
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
