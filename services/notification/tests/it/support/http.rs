//! An HTTP endpoint that answers as told: refuses, throttles, stalls, hangs up half-way. Written on the
//! bare socket, since a well-behaved server library does not do such things.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// What to do with a request.
#[derive(Debug, Clone)]
pub(crate) enum Manner {
    /// Answer with this status line and these headers.
    Answer(&'static str),
    /// Answer 200 with this JSON.
    Json(&'static str),
    /// Read the request, then say nothing and keep the connection open until released.
    Stall,
    /// Read the request, then close without an answer.
    HangUp,
    /// Read the request, begin an answer and close in the middle of it.
    HalfAnswer,
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
    lines: Vec<(String, String)>,
}

impl Received {
    /// Every value of a header that came several times.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.lines
            .iter()
            .filter(|(header, _)| header == name)
            .map(|(_, value)| value.as_str())
            .collect()
    }
}

#[derive(Default)]
struct Inner {
    manners: Mutex<VecDeque<Manner>>,
    always: Mutex<Option<Manner>>,
    received: Mutex<Vec<Received>>,
    release: Notify,
}

/// The endpoint.
pub(crate) struct Endpoint {
    address: SocketAddr,
    inner: Arc<Inner>,
}

impl Endpoint {
    /// Listens. Answers 204 unless told otherwise.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let inner = Arc::new(Inner::default());
        let shared = Arc::clone(&inner);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let inner = Arc::clone(&shared);
                tokio::spawn(async move { inner.serve(stream).await });
            }
        });
        Self { address, inner }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/redress", self.address)
    }

    /// How the next request is met. Each call adds one request.
    pub(crate) fn next(&self, manner: Manner) {
        self.inner
            .manners
            .lock()
            .expect("no panic")
            .push_back(manner);
    }

    /// How every request is met that nothing else was said of.
    pub(crate) fn always(&self, manner: Manner) {
        *self.inner.always.lock().expect("no panic") = Some(manner);
    }

    /// Forgets how what has not come yet was to be met.
    pub(crate) fn forget(&self) {
        self.inner.manners.lock().expect("no panic").clear();
    }

    /// Answers what was stalled with 204.
    pub(crate) fn release(&self) {
        self.inner.release.notify_waiters();
    }

    /// Everything that arrived, in order.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.inner.received.lock().expect("no panic").clone()
    }
}

impl Inner {
    async fn serve(&self, mut stream: TcpStream) {
        while let Some(request) = read_request(&mut stream).await {
            let released = self.release.notified();
            tokio::pin!(released);
            released.as_mut().enable();
            self.received.lock().expect("no panic").push(request);
            let next = self.manners.lock().expect("no panic").pop_front();
            let manner = next.or_else(|| self.always.lock().expect("no panic").clone());
            let mut json = "";
            let answer = match manner {
                None => "204 No Content",
                Some(Manner::Json(text)) => {
                    json = text;
                    "200 OK"
                }
                Some(Manner::Answer(answer)) => answer,
                Some(Manner::Stall) => {
                    released.await;
                    "204 No Content"
                }
                Some(Manner::HangUp) => return,
                Some(Manner::HalfAnswer) => {
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-").await;
                    let _ = stream.shutdown().await;
                    return;
                }
            };
            let length = json.len();
            let text = format!("HTTP/1.1 {answer}\r\nContent-Length: {length}\r\n\r\n{json}");
            if stream.write_all(text.as_bytes()).await.is_err() {
                return;
            }
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let lines: Vec<(String, String)> = head
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let headers: HashMap<String, String> = lines.iter().cloned().collect();
    let length: usize = headers.get("content-length")?.parse().ok()?;
    let mut body = bytes.split_off(head_end + 4);
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Received {
        headers,
        body,
        lines,
    })
}
