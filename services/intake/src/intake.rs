//! What every RPC of intake works with, and how it runs its transactions: confined to the caller's scope
//! and to what the caller may see.

use std::sync::Arc;

use jiff::Timestamp;
use prost::Message;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_model::time::SharedClock;
use redress_rpc::watch::Bell;
use redress_rpc::{Caller, Fingerprints};
use redress_runtime::scope;
use redress_store::receipt::ReceiptKey;
use redress_store::{Database, Keyring, Operation};
use redress_vault::Vault;

use crate::store::numbers::Numbers;
use crate::store::viewer::{SeenBy, Viewer};

/// Intake's shared parts.
#[derive(Debug)]
pub struct Intake {
    /// Its database.
    pub db: Database,
    /// The time of the business.
    pub clock: SharedClock,
    /// The keys of personal fields.
    pub keyring: Arc<Keyring>,
    /// Fingerprints of requests.
    pub fingerprints: Fingerprints,
    /// Numbers for people.
    pub numbers: Numbers,
    /// Wakes the watches.
    pub bell: Bell,
}

impl Intake {
    /// Puts the parts together.
    pub fn new(
        db: Database,
        clock: SharedClock,
        vault: Arc<Vault>,
        fingerprints: Fingerprints,
    ) -> Self {
        Self {
            db,
            clock,
            keyring: Arc::new(Keyring::new(vault, "id")),
            fingerprints,
            numbers: Numbers::default(),
            bell: Bell::new(),
        }
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Runs an operation that writes, within what the caller may see.
    ///
    /// # Errors
    /// The operation's.
    pub async fn run<O: Operation>(
        &self,
        caller: &Caller,
        operation: &O,
    ) -> Result<O::Output, Fault> {
        let viewer = Viewer::of(caller);
        let seen = SeenBy {
            viewer: &viewer,
            operation,
        };
        self.db.run(&scope(caller), &seen).await
    }

    /// Runs an operation that only reads, within what the caller may see.
    ///
    /// # Errors
    /// The operation's.
    pub async fn read<O: Operation>(
        &self,
        caller: &Caller,
        operation: &O,
    ) -> Result<O::Output, Fault> {
        let viewer = Viewer::of(caller);
        let seen = SeenBy {
            viewer: &viewer,
            operation,
        };
        self.db.read(&scope(caller), &seen).await
    }

    /// The receipt of a request, which comes with its `request_id` blanked.
    pub fn receipt(
        &self,
        caller: &Caller,
        method: &'static str,
        site: Option<&SiteId>,
        request_id: &str,
        request: &impl Message,
    ) -> ReceiptKey {
        ReceiptKey {
            caller: caller.key(),
            method,
            request_id: request_id.to_owned(),
            site: site.map(ToString::to_string).unwrap_or_default(),
            fingerprint: self.fingerprints.of(method, request).to_vec(),
        }
    }
}
