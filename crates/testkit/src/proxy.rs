//! A network that breaks on demand: a TCP proxy between a client and a server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

const CHUNK_BYTES: usize = 16 * 1024;

/// How the proxy treats what passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Everything passes.
    #[default]
    Forward,
    /// New connections are refused; open ones go on.
    Refuse,
    /// Connections are accepted and kept, and nothing passes any more, in either direction.
    BlackHole,
    /// Requests arrive; at the first byte of an answer the connection is cut. Whether it was done, the client cannot know.
    LoseAnswers,
}

/// What has passed so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counters {
    /// Connections that were accepted.
    pub connections: u64,
    /// Bytes that reached the server.
    pub bytes_to_server: u64,
    /// Bytes that reached the client.
    pub bytes_to_client: u64,
}

/// A TCP proxy on a free port of 127.0.0.1. Ends, with all its connections, when it is dropped.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    mode: watch::Sender<Mode>,
    delay_micros: AtomicU64,
    cuts: watch::Sender<u64>,
    half_closes: watch::Sender<u64>,
    connections: AtomicU64,
    bytes_to_server: AtomicU64,
    bytes_to_client: AtomicU64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    ToServer,
    ToClient,
}

impl FaultProxy {
    /// Starts a proxy in front of `server`.
    ///
    /// # Panics
    /// When no port can be had.
    pub async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("127.0.0.1 has a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let shared = Arc::new(Shared::default());
        let accepting = tokio::spawn(accept(listener, address, server, shared.clone()));
        Self {
            address,
            shared,
            accepting,
        }
    }

    /// Where clients connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes how it treats what passes, on open connections too.
    pub fn set(&self, mode: Mode) {
        self.shared.mode.send_replace(mode);
    }

    /// Holds every chunk of bytes back for this long, in both directions.
    pub fn delay(&self, delay: Duration) {
        let micros = u64::try_from(delay.as_micros()).unwrap_or(u64::MAX);
        self.shared.delay_micros.store(micros, Ordering::Relaxed);
    }

    /// Resets every open connection.
    pub fn cut(&self) {
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Ends the stream towards the client on every open connection, while the one towards the server stays open.
    pub fn half_close(&self) {
        self.shared.half_closes.send_modify(|count| *count += 1);
    }

    /// What has passed so far.
    pub fn counters(&self) -> Counters {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counters {
            connections: read(&self.shared.connections),
            bytes_to_server: read(&self.shared.bytes_to_server),
            bytes_to_client: read(&self.shared.bytes_to_client),
        }
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn accept(
    listener: TcpListener,
    address: SocketAddr,
    server: SocketAddr,
    shared: Arc<Shared>,
) {
    let mut mode = shared.mode.subscribe();
    let mut listener = Some(listener);
    loop {
        if *mode.borrow_and_update() == Mode::Refuse {
            // Only a port on which nobody listens refuses.
            listener = None;
            if mode.changed().await.is_err() {
                return;
            }
            continue;
        }
        let open = match listener.take() {
            Some(open) => open,
            None => TcpListener::bind(address)
                .await
                .expect("the port that was ours is free"),
        };
        tokio::select! {
            accepted = open.accept() => {
                if let Ok((client, _)) = accepted {
                    shared.connections.fetch_add(1, Ordering::Relaxed);
                    tokio::spawn(serve(client, server, shared.clone()));
                }
            }
            _ = mode.changed() => {}
        }
        listener = Some(open);
    }
}

async fn serve(client: TcpStream, server: SocketAddr, shared: Arc<Shared>) {
    let mut cuts = shared.cuts.subscribe();
    let Ok(server) = TcpStream::connect(server).await else {
        return;
    };
    for stream in [&client, &server] {
        let _ = stream.set_nodelay(true);
        // So that a cut is a reset, as of a machine that went away, and not an orderly end.
        let _ = stream.set_zero_linger();
    }
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let both = async {
        // One side's orderly end is passed on and leaves the other side open; a loss ends both.
        tokio::try_join!(
            pump(from_client, to_server, Direction::ToServer, &shared),
            pump(from_server, to_client, Direction::ToClient, &shared),
        )
    };
    tokio::select! {
        _ = both => {}
        _ = cuts.changed() => {}
    }
}

/// The connection is lost.
struct Lost;

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    direction: Direction,
    shared: &Shared,
) -> Result<(), Lost> {
    let mut mode = shared.mode.subscribe();
    let mut half_closes = shared.half_closes.subscribe();
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut is_open = true;
    loop {
        let read = tokio::select! {
            read = from.read(&mut chunk) => read.map_err(|_| Lost)?,
            _ = half_closes.changed(), if is_open && direction == Direction::ToClient => {
                is_open = false;
                to.shutdown().await.map_err(|_| Lost)?;
                continue;
            }
        };
        mode.wait_for(|mode| *mode != Mode::BlackHole)
            .await
            .map_err(|_| Lost)?;
        if read == 0 {
            let _ = to.shutdown().await;
            return Ok(());
        }
        let delay = Duration::from_micros(shared.delay_micros.load(Ordering::Relaxed));
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        if direction == Direction::ToClient && *mode.borrow() == Mode::LoseAnswers {
            return Err(Lost);
        }
        if !is_open {
            continue;
        }
        to.write_all(&chunk[..read]).await.map_err(|_| Lost)?;
        let counter = match direction {
            Direction::ToServer => &shared.bytes_to_server,
            Direction::ToClient => &shared.bytes_to_client,
        };
        counter.fetch_add(read as u64, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that repeats what it hears, and a client that came through a proxy.
    async fn echo() -> (FaultProxy, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let server = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.into_split();
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        let proxy = FaultProxy::start(server).await;
        let client = TcpStream::connect(proxy.address()).await.expect("connects");
        (proxy, client)
    }

    async fn ping(client: &mut TcpStream) -> std::io::Result<bool> {
        client.write_all(b"ping").await?;
        let mut answer = [0; 4];
        let read =
            tokio::time::timeout(Duration::from_millis(300), client.read_exact(&mut answer)).await;
        match read {
            Ok(read) => read.map(|_| &answer == b"ping"),
            Err(_) => Ok(false),
        }
    }

    #[tokio::test]
    async fn bytes_pass_and_are_counted() {
        let (proxy, mut client) = echo().await;
        assert!(ping(&mut client).await.expect("passes"));
        let expected = Counters {
            connections: 1,
            bytes_to_server: 4,
            bytes_to_client: 4,
        };
        assert_eq!(proxy.counters(), expected);
    }

    #[tokio::test]
    async fn a_cut_resets_and_the_next_connection_passes() {
        let (proxy, mut client) = echo().await;
        assert!(ping(&mut client).await.expect("passes"));
        proxy.cut();
        assert!(ping(&mut client).await.is_err());
        let mut client = TcpStream::connect(proxy.address()).await.expect("connects");
        assert!(ping(&mut client).await.expect("passes"));
    }

    #[tokio::test]
    async fn a_black_hole_swallows_until_it_ends() {
        let (proxy, mut client) = echo().await;
        assert!(ping(&mut client).await.expect("passes"));
        proxy.set(Mode::BlackHole);
        assert!(!ping(&mut client).await.expect("stays open"));
        proxy.set(Mode::Forward);
        let mut answer = [0; 4];
        client.read_exact(&mut answer).await.expect("comes late");
    }

    #[tokio::test]
    async fn refused_connections_are_refused_and_open_ones_go_on() {
        let (proxy, mut client) = echo().await;
        assert!(ping(&mut client).await.expect("passes"));
        proxy.set(Mode::Refuse);
        crate::eventually(Duration::from_secs(5), async || {
            TcpStream::connect(proxy.address()).await.is_err()
        })
        .await;
        assert!(ping(&mut client).await.expect("goes on"));
        proxy.set(Mode::Forward);
        crate::eventually(Duration::from_secs(5), async || {
            TcpStream::connect(proxy.address()).await.is_ok()
        })
        .await;
    }

    #[tokio::test]
    async fn a_lost_answer_leaves_the_request_delivered() {
        let (proxy, mut client) = echo().await;
        proxy.set(Mode::LoseAnswers);
        assert!(ping(&mut client).await.is_err());
        assert_eq!(proxy.counters().bytes_to_server, 4);
        assert_eq!(proxy.counters().bytes_to_client, 0);
    }

    #[tokio::test]
    async fn a_half_closed_connection_still_carries_requests() {
        let (proxy, mut client) = echo().await;
        assert!(ping(&mut client).await.expect("passes"));
        proxy.half_close();
        assert_eq!(client.read(&mut [0; 1]).await.expect("ends in order"), 0);
        client.write_all(b"ping").await.expect("can still send");
        crate::eventually(Duration::from_secs(5), async || {
            proxy.counters().bytes_to_server == 8
        })
        .await;
    }

    #[tokio::test]
    async fn a_delay_holds_every_chunk_back() {
        let (proxy, mut client) = echo().await;
        proxy.delay(Duration::from_millis(40));
        let started = std::time::Instant::now();
        assert!(ping(&mut client).await.expect("passes"));
        assert!(started.elapsed() >= Duration::from_millis(80));
    }
}
