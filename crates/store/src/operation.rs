//! A named transaction.

use redress_model::Fault;

use crate::Tx;

/// What happens in one transaction. It may run more than once, so it keeps everything it changes in
/// `tx`, talks to nobody but Postgres, and returns what the caller needs.
///
/// A struct instead of a closure: async closures that borrow do not compile inside tonic handlers,
/// and the struct's name names the transaction in spans and metrics.
pub trait Operation: Sync {
    /// Name in spans and metrics, `service.verb_noun`.
    const NAME: &'static str;
    /// A savepoint that stands before all the work, set in the round trip that begins the transaction.
    const SAVEPOINT: Option<&'static str> = None;
    /// What the caller gets after the commit.
    type Output: Send;

    /// Does the work. An error rolls everything back.
    fn run(&self, tx: &mut Tx) -> impl Future<Output = Result<Self::Output, Fault>> + Send;
}
