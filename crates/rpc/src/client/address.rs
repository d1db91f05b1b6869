//! Where a peer is. A gRPC channel is one long HTTP/2 connection, so behind an ordinary load balancer
//! all calls would land on one replica; instead the name is resolved here, again and again, and calls
//! are balanced over what it resolves to.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::mpsc::Sender;
use tonic::transport::channel::Change;
use tonic::transport::{Channel, ClientTlsConfig, Endpoint, Uri};

/// How often a name is resolved again.
const RESOLVE_EVERY: Duration = Duration::from_secs(5);

/// Longest wait for a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);

/// A silent connection is asked for a sign of life this often.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Changes that wait for the balancer.
const CHANGES_MAX: usize = 64;

/// A URL that is none.
#[derive(Debug, thiserror::Error)]
#[error(
    "peers.{peer} is {url:?}, which is not an http:// or https:// URL with host and port; correct it"
)]
pub struct AddressError {
    /// Name of the peer.
    pub peer: String,
    /// What stands there.
    pub url: String,
}

/// Where a URL leads.
struct Place {
    uri: Uri,
    host: String,
    port: u16,
    tls: bool,
}

impl Place {
    fn parse(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let tls = match uri.scheme_str()? {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let host = uri.host()?.to_owned();
        let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
        Some(Self {
            uri,
            host,
            port,
            tls,
        })
    }
}

/// Whether the URL of a peer is one, before anybody connects.
///
/// # Errors
/// When it is none.
pub fn check_address(peer: &str, url: &str) -> Result<(), AddressError> {
    match Place::parse(url) {
        Some(_) => Ok(()),
        None => Err(AddressError {
            peer: peer.to_owned(),
            url: url.to_owned(),
        }),
    }
}

/// A channel to all replicas of a service.
#[derive(Clone)]
pub(super) struct Destination {
    pub(super) name: Arc<str>,
    pub(super) channel: Channel,
    /// How many addresses there are; none means that nobody would answer.
    addresses: Arc<AtomicUsize>,
}

impl Destination {
    pub(super) fn new(
        name: &str,
        url: &str,
        trust: &ClientTlsConfig,
    ) -> Result<Self, AddressError> {
        let error = || AddressError {
            peer: name.to_owned(),
            url: url.to_owned(),
        };
        let Place {
            uri,
            host,
            port,
            tls,
        } = Place::parse(url).ok_or_else(error)?;
        let tls = tls.then(|| trust.clone().domain_name(host.trim_matches(['[', ']'])));
        let addresses = Arc::new(AtomicUsize::new(0));
        // Of a name too: what cannot be spoken to is told at once, and not by silence.
        let first = endpoint(&uri, tls.as_ref()).ok_or_else(error)?;
        let channel = if host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok()
        {
            addresses.store(1, Ordering::Relaxed);
            first.connect_lazy()
        } else {
            let (channel, changes) = Channel::balance_channel(CHANGES_MAX);
            let resolver = Resolver {
                host,
                port,
                uri,
                tls,
                changes,
                addresses: Arc::clone(&addresses),
            };
            tokio::spawn(resolver.run());
            channel
        };
        Ok(Self {
            name: name.into(),
            channel,
            addresses,
        })
    }

    pub(super) fn has_addresses(&self) -> bool {
        self.addresses.load(Ordering::Relaxed) > 0
    }
}

struct Resolver {
    host: String,
    port: u16,
    uri: Uri,
    tls: Option<ClientTlsConfig>,
    changes: Sender<Change<SocketAddr, Endpoint>>,
    addresses: Arc<AtomicUsize>,
}

impl Resolver {
    /// Runs until the channel is dropped.
    async fn run(self) {
        let mut known = BTreeSet::new();
        loop {
            match tokio::net::lookup_host((self.host.as_str(), self.port)).await {
                Ok(found) => {
                    if self.tell(&mut known, found.collect()).await.is_none() {
                        return;
                    }
                }
                Err(error) => {
                    // What was known still serves: names fail more often than servers.
                    tracing::debug!(host = %self.host, %error, "a peer's name cannot be resolved");
                }
            }
            tokio::select! {
                () = tokio::time::sleep(RESOLVE_EVERY) => {}
                () = self.changes.closed() => return,
            }
        }
    }

    async fn tell(
        &self,
        known: &mut BTreeSet<SocketAddr>,
        found: BTreeSet<SocketAddr>,
    ) -> Option<()> {
        for address in found.difference(known) {
            let uri = Uri::builder()
                .scheme(self.uri.scheme_str().unwrap_or("http"))
                .authority(address.to_string())
                .path_and_query("/")
                .build()
                .ok()?;
            let endpoint = endpoint(&uri, self.tls.as_ref())?;
            self.changes
                .send(Change::Insert(*address, endpoint))
                .await
                .ok()?;
        }
        for address in known.difference(&found) {
            self.changes.send(Change::Remove(*address)).await.ok()?;
        }
        self.addresses.store(found.len(), Ordering::Relaxed);
        *known = found;
        Some(())
    }
}

fn endpoint(uri: &Uri, tls: Option<&ClientTlsConfig>) -> Option<Endpoint> {
    let endpoint = Endpoint::from(uri.clone())
        .connect_timeout(CONNECT_LIMIT)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .keep_alive_while_idle(true);
    match tls {
        None => Some(endpoint),
        Some(tls) => endpoint.tls_config(tls.clone()).ok(),
    }
}
