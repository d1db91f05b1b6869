//! Calling another service: the one way to do it.
//!
//! [`Peers`] knows where each service is. [`Peers::call`] gives a [`Peer`], which any generated client
//! takes as its channel; it carries what every call between services needs: a short-lived token for
//! exactly this receiver, sites and purpose, the trace, and the deadline, which never exceeds that of the
//! call being handled. Calls marked idempotent are repeated a few times while the receiver is away.

mod address;
mod peer;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::metrics::{Histogram, Meter};
use opentelemetry_semantic_conventions::metric::RPC_CLIENT_CALL_DURATION;
use redress_model::Fault;
use redress_model::name::SiteId;
use tonic::transport::ClientTlsConfig;

use crate::auth::Issuer;
use address::Destination;
pub use address::{AddressError, check_address};
pub use peer::Peer;

/// How long a call to a peer takes at most, when it does not say itself.
pub const CALL_DEADLINE: Duration = Duration::from_secs(5);

/// Where the other services are, and who we are when we call them.
#[derive(Clone)]
pub struct Peers(Arc<Inner>);

struct Inner {
    service: String,
    issuer: Issuer,
    destinations: HashMap<String, Destination>,
    duration: Histogram<f64>,
}

/// How a call is to be made.
#[derive(Debug, Clone)]
pub struct Call {
    purpose: Cow<'static, str>,
    sites: Vec<SiteId>,
    deadline: Duration,
    idempotent: bool,
}

impl Call {
    /// A call for this purpose, which the receiver writes into its audit record.
    pub fn new(purpose: impl Into<Cow<'static, str>>) -> Self {
        Self {
            purpose: purpose.into(),
            sites: Vec::new(),
            deadline: CALL_DEADLINE,
            idempotent: false,
        }
    }

    /// Adds a site to the scope of the call's token.
    #[must_use]
    pub fn site(mut self, site: &SiteId) -> Self {
        self.sites.push(site.clone());
        self
    }

    /// How long it takes at most, repeats included.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Doing it twice does no harm, so it may be repeated when the receiver is away. Not for streams.
    #[must_use]
    pub fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }
}

impl Peers {
    /// The peers of `service` by name, as URLs: `http://host:port`, or `https://` with the machine's
    /// trusted roots. A host name is resolved again and again, and calls are balanced over all its
    /// addresses (a headless service on Kubernetes). Connections are made when first needed.
    ///
    /// # Errors
    /// When a URL is wrong. Needs a tokio runtime.
    pub fn new(
        service: &str,
        issuer: Issuer,
        urls: &BTreeMap<String, String>,
        meter: &Meter,
    ) -> Result<Self, AddressError> {
        let trust = ClientTlsConfig::new().with_native_roots();
        Self::trusting(service, issuer, urls, &trust, meter)
    }

    /// As [`new`](Self::new), with the authorities that `https://` peers have to be of and the certificate that they
    /// are shown.
    ///
    /// # Errors
    /// When a URL is wrong. Needs a tokio runtime.
    pub fn trusting(
        service: &str,
        issuer: Issuer,
        urls: &BTreeMap<String, String>,
        trust: &ClientTlsConfig,
        meter: &Meter,
    ) -> Result<Self, AddressError> {
        let destinations = urls
            .iter()
            .map(|(name, url)| Ok((name.clone(), Destination::new(name, url, trust)?)))
            .collect::<Result<_, AddressError>>()?;
        Ok(Self(Arc::new(Inner {
            service: service.to_owned(),
            issuer,
            destinations,
            duration: meter
                .f64_histogram(RPC_CLIENT_CALL_DURATION)
                .with_unit("s")
                .with_description("How long calls to other services took, repeats included.")
                .with_boundaries(crate::gate::DURATION_BOUNDS.to_vec())
                .build(),
        })))
    }

    /// A channel to `service`.
    ///
    /// # Errors
    /// INTERNAL when the service is not configured.
    pub fn call(&self, service: &str, call: Call) -> Result<Peer, Fault> {
        let destination = self.0.destinations.get(service).ok_or_else(|| {
            Fault::internal(format!(
                "no address for {service}; set [peers] {service} to its URL"
            ))
        })?;
        Ok(Peer::new(self.clone(), destination.clone(), call))
    }

    /// Signs what leaves the platform, with the key of its own issuer: a compact JWS of this type.
    ///
    /// # Errors
    /// INTERNAL when it cannot be signed.
    pub fn attest(&self, kind: &str, payload: &impl serde::Serialize) -> Result<String, Fault> {
        let signed = self.0.issuer.attest(kind, payload);
        signed.map_err(Fault::internal)
    }

    /// Whether a peer of this name is configured.
    pub fn knows(&self, service: &str) -> bool {
        self.0.destinations.contains_key(service)
    }
}

impl std::fmt::Debug for Peers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Peers")
            .field("service", &self.0.service)
            .finish_non_exhaustive()
    }
}
