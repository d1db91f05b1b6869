//! What a service does about an event.

use std::sync::Arc;

use redress_model::Fault;
use redress_store::Tx;

use crate::Event;

/// What a handler did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// The event took effect, or needs to have none.
    Done,
    /// What it builds on is not known here yet. It is kept and tried again after every further event
    /// of the same subject, or of its site. What was written before this is returned is undone.
    Wait,
}

/// Applies events of one type. Any order between events of different sources must lead to the same
/// end; events of one source about one subject come in order. A handler meets each event at least
/// once, and its effects are committed at most once.
///
/// A fault that is transient means "not now": the sender tries again for as long as it takes. Any
/// other means "never": after 8 refusals the sender parks the event and calls for an operator.
pub trait Handler: Send + Sync + 'static {
    /// What `prepare` found out for `apply`; `()` where there is nothing to find out.
    type Prepared: Send + Sync;

    /// Whether the event can have an effect here at all, told from itself alone. One that cannot costs no transaction and is
    /// noted nowhere. One that cannot be read concerns: `apply` says what is wrong with it.
    fn concerns(&self, _: &Event) -> bool {
        true
    }

    /// Whether there is nothing that `prepare` asks about this event.
    fn asks_nothing(&self, _: &Event) -> bool {
        size_of::<Self::Prepared>() == 0
    }

    /// Asks other services what is needed. No transaction is open, and no other event waits for the answers but those of the
    /// same subject. May run more often than `apply`.
    fn prepare(&self, event: &Event) -> impl Future<Output = Result<Self::Prepared, Fault>> + Send;

    /// Changes this service's rows within the scope of the event's site, in one transaction with the
    /// note that the event was seen. Handlers of one subject never run at the same time.
    fn apply(
        &self,
        tx: &mut Tx,
        event: &Event,
        prepared: &Self::Prepared,
    ) -> impl Future<Output = Result<Applied, Fault>> + Send;
}

impl<H: Handler> Handler for Arc<H> {
    type Prepared = H::Prepared;

    fn concerns(&self, event: &Event) -> bool {
        H::concerns(self, event)
    }

    fn asks_nothing(&self, event: &Event) -> bool {
        H::asks_nothing(self, event)
    }

    fn prepare(&self, event: &Event) -> impl Future<Output = Result<Self::Prepared, Fault>> + Send {
        H::prepare(self, event)
    }

    fn apply(
        &self,
        tx: &mut Tx,
        event: &Event,
        prepared: &Self::Prepared,
    ) -> impl Future<Output = Result<Applied, Fault>> + Send {
        H::apply(self, tx, event, prepared)
    }
}

/// An event that is kept among others.
#[derive(Debug, Clone)]
pub struct Kept<'e> {
    /// The event.
    pub event: &'e Event,
    /// The span of its effect, for what is its own: what others hear of it belongs to its trace.
    pub span: tracing::Span,
}

/// Keeps what events of several types say, many at once and of many subjects, in few statements whatever their number.
/// What holds of a [`Handler`] holds of it.
pub trait Keeper: Send + Sync + 'static {
    /// As of a [`Handler`].
    fn concerns(&self, _: &Event) -> bool {
        true
    }

    /// Changes this service's rows within the scope of the one site that these events are of; those of one subject and
    /// source are in order. [`Applied::Wait`] when any builds on what is unknown: then each is taken alone.
    fn keep(
        &self,
        tx: &mut Tx,
        events: &[Kept<'_>],
    ) -> impl Future<Output = Result<Applied, Fault>> + Send;
}

impl<K: Keeper> Keeper for Arc<K> {
    fn concerns(&self, event: &Event) -> bool {
        K::concerns(self, event)
    }

    fn keep(
        &self,
        tx: &mut Tx,
        events: &[Kept<'_>],
    ) -> impl Future<Output = Result<Applied, Fault>> + Send {
        K::keep(self, tx, events)
    }
}
