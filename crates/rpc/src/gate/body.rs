//! The answer on its way out. A stream outlives its handler, so what guards a call guards its body too:
//! the deadline, the end of the access token, shutdown, panics; and the place in admission and the span
//! end with it.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;
use redress_model::Fault;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::body::Body;
use tonic::{Code, Status};

use super::span::Finish;
use crate::status::status;

/// What ends a body early.
pub(super) struct Ending {
    _permit: OwnedSemaphorePermit,
    early: Option<Pin<Box<dyn Future<Output = Fault> + Send>>>,
}

impl Ending {
    pub(super) fn new(
        permit: OwnedSemaphorePermit,
        deadline: Option<Instant>,
        expires: Option<Instant>,
        draining: Option<WaitForCancellationFutureOwned>,
    ) -> Self {
        let early = Box::pin(async move {
            tokio::select! {
                () = at(deadline) => Fault::Deadline,
                () = at(expires) => Fault::unauthenticated(
                    "the access token expired; call again with a new one",
                ),
                () = when(draining) => Fault::unavailable("this instance"),
            }
        });
        Self {
            early: Some(early),
            ..Self::never(permit)
        }
    }

    /// An answer of one message, which is complete already, ends by itself.
    pub(super) fn never(permit: OwnedSemaphorePermit) -> Self {
        Self {
            _permit: permit,
            early: None,
        }
    }
}

async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant.into()).await,
        None => std::future::pending().await,
    }
}

async fn when(cancelled: Option<WaitForCancellationFutureOwned>) {
    match cancelled {
        Some(cancelled) => cancelled.await,
        None => std::future::pending().await,
    }
}

/// A body that ends on time.
pub(super) struct GuardedBody {
    state: Option<(Body, Ending, Finish)>,
}

impl GuardedBody {
    /// Guards the body of an answer with these headers.
    pub(super) fn new(headers: &HeaderMap, body: Body, ending: Ending, mut finish: Finish) -> Self {
        // An answer of nothing but a status has it in the headers, and its body is never read.
        if headers.contains_key(Status::GRPC_STATUS) {
            finish.will_end(code_in(headers));
        }
        Self {
            state: Some((body, ending, finish)),
        }
    }

    /// The last frame: a status of ours.
    fn end_with(&mut self, status: Status) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if let Some((_, _, finish)) = self.state.take() {
            finish.ended(status.code());
        }
        let mut trailers = HeaderMap::new();
        match status.add_header(&mut trailers) {
            Ok(()) => Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
            Err(status) => Poll::Ready(Some(Err(status))),
        }
    }
}

impl http_body::Body for GuardedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        let Some((body, ending, finish)) = &mut this.state else {
            return Poll::Ready(None);
        };
        if let Some(early) = &mut ending.early
            && let Poll::Ready(fault) = early.as_mut().poll(context)
        {
            return this.end_with(status(fault));
        }
        let polled = {
            let _inside = finish.span().clone().entered();
            catch_unwind(AssertUnwindSafe(|| Pin::new(body).poll_frame(context)))
        };
        match polled {
            Ok(Poll::Ready(Some(Ok(frame)))) => {
                if let Some(trailers) = frame.trailers_ref() {
                    if let Some(refusal) = super::too_large(trailers) {
                        return this.end_with(refusal);
                    }
                    finish.will_end(code_in(trailers));
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Ok(Poll::Ready(Some(Err(error)))) => this.end_with(error),
            Ok(Poll::Ready(None)) => {
                this.state = None;
                Poll::Ready(None)
            }
            Ok(Poll::Pending) => Poll::Pending,
            Err(_) => this.end_with(super::panicked()),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.state
            .as_ref()
            .is_none_or(|(body, _, _)| body.is_end_stream())
    }
}

/// The status code in the headers or trailers of an answer.
fn code_in(headers: &HeaderMap) -> Code {
    headers
        .get(Status::GRPC_STATUS)
        .map_or(Code::Unknown, |v| Code::from_bytes(v.as_bytes()))
}
