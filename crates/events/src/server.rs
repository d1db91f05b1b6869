//! The two RPC services that every process offers: the inbox for its senders, and for operators the
//! events that it could not deliver.

use std::sync::Arc;

use redress_model::Fault;
use redress_proto::convert::to_timestamp;
use redress_proto::event::v1::event_admin_service_server::EventAdminService;
use redress_proto::event::v1::inbox_service_server::InboxService;
use redress_proto::event::v1::{
    DeliverRequest, DeliverResponse, ListParkedEventsRequest, ListParkedEventsResponse,
    ParkedEvent, RedriveEventRequest, RedriveEventResponse,
};
use redress_rpc::page::Page;
use redress_rpc::{Caller, status};
use redress_store::{Database, Operation, Scope, StoreResultExt as _, Tx};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::{Event, Inbox};

/// The inbox over gRPC.
#[derive(Debug, Clone)]
pub struct InboxServer(Arc<Inbox>);

impl InboxServer {
    /// Serves this inbox.
    pub fn new(inbox: Arc<Inbox>) -> Self {
        Self(inbox)
    }

    async fn receive(&self, request: Request<DeliverRequest>) -> Result<DeliverResponse, Fault> {
        let sender = Caller::of(&request)?.require_service()?.to_owned();
        let DeliverRequest { events, urgent } = request.into_inner();
        let events = events
            .into_iter()
            .map(Event::from_cloud_event)
            .collect::<Result<Vec<_>, _>>()?;
        if events.iter().any(|e| e.source != sender) {
            return Err(Fault::only("the service that says the events"));
        }
        let results = match urgent {
            true => self.0.receive_urgent(events).await?,
            false => self.0.receive(events).await?,
        };
        Ok(DeliverResponse { results })
    }
}

#[tonic::async_trait]
impl InboxService for InboxServer {
    async fn deliver(
        &self,
        request: Request<DeliverRequest>,
    ) -> Result<Response<DeliverResponse>, Status> {
        self.receive(request)
            .await
            .map(Response::new)
            .map_err(status)
    }
}

/// Parked events over gRPC, confined to the caller's sites.
#[derive(Debug, Clone)]
pub struct EventAdminServer(Database);

impl EventAdminServer {
    /// Serves the events that the service of `db` could not deliver.
    pub fn new(db: Database) -> Self {
        Self(db)
    }

    async fn list(
        &self,
        request: Request<ListParkedEventsRequest>,
    ) -> Result<ListParkedEventsResponse, Fault> {
        let scope = scope(Caller::of(&request)?);
        let request = request.into_inner();
        let filter = ListParkedEventsRequest::default();
        let page = Page::<(i64, i64, String)>::of(
            "ListParkedEvents",
            request.page_size,
            &request.page_token,
            &filter,
        )?;
        let (after_micros, after_id, after_subscriber) =
            page.after()
                .cloned()
                .unwrap_or((i64::MIN, i64::MIN, String::new()));
        let list = ListParked {
            after_micros,
            after_id,
            after_subscriber,
            limit: page.limit(),
        };
        let rows = self.0.read(&scope, &list).await?;
        let (rows, next_page_token) = page.finish(rows, |row| row.key.clone());
        Ok(ListParkedEventsResponse {
            parked_events: rows.into_iter().map(|row| row.event).collect(),
            next_page_token,
        })
    }

    async fn redrive(
        &self,
        request: Request<RedriveEventRequest>,
    ) -> Result<RedriveEventResponse, Fault> {
        let scope = scope(Caller::of(&request)?);
        let request = request.into_inner();
        let not_found = || Fault::not_found("ParkedEvent", &request.event_id);
        let redrive = Redrive {
            event_id: request.event_id.parse().map_err(|_| not_found())?,
            subscriber: request.subscriber.clone(),
        };
        let redriven = self.0.run(&scope, &redrive).await?.ok_or_else(not_found)?;
        Ok(RedriveEventResponse {
            redriven: i32::try_from(redriven).unwrap_or(i32::MAX),
        })
    }
}

#[tonic::async_trait]
impl EventAdminService for EventAdminServer {
    async fn list_parked_events(
        &self,
        request: Request<ListParkedEventsRequest>,
    ) -> Result<Response<ListParkedEventsResponse>, Status> {
        self.list(request).await.map(Response::new).map_err(status)
    }

    async fn redrive_event(
        &self,
        request: Request<RedriveEventRequest>,
    ) -> Result<Response<RedriveEventResponse>, Status> {
        self.redrive(request)
            .await
            .map(Response::new)
            .map_err(status)
    }
}

fn scope(caller: &Caller) -> Scope {
    Scope {
        organizations: caller.organizations.clone(),
        regions: caller.regions.clone(),
        sites: caller.sites.clone(),
    }
}

struct ListParked {
    after_micros: i64,
    after_id: i64,
    after_subscriber: String,
    limit: i64,
}

struct ParkedRow {
    key: (i64, i64, String),
    event: ParkedEvent,
}

impl Operation for ListParked {
    const NAME: &'static str = "events.list_parked";
    type Output = Vec<ParkedRow>;

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let rows = sqlx::query!(
            "-- events::server::list_parked
            SELECT h.outbox_id, h.subscriber, h.event_id, h.type, h.subject, h.attempts, h.reason,
                   h.park_time AS \"park_time!\",
                   (SELECT count(*) FROM outbox_held b WHERE b.subscriber = h.subscriber AND b.subject = h.subject
                    AND b.outbox_id > h.outbox_id) AS \"held_behind!\"
            FROM outbox_held h
            WHERE h.park_time IS NOT NULL
              AND ($1::bigint = -9223372036854775808
                   OR (h.park_time, h.outbox_id, h.subscriber)
                      > ('epoch'::timestamptz + $1 * interval '1 microsecond', $2, $3))
            ORDER BY h.park_time, h.outbox_id, h.subscriber LIMIT $4",
            self.after_micros,
            self.after_id,
            self.after_subscriber,
            self.limit,
        )
        .fetch_all(&mut **tx)
        .await
        .or_fault()?;
        Ok(rows
            .into_iter()
            .map(|row| {
                let park_time = row.park_time.to_jiff();
                ParkedRow {
                    key: (
                        park_time.as_microsecond(),
                        row.outbox_id,
                        row.subscriber.clone(),
                    ),
                    event: ParkedEvent {
                        event_id: row.event_id.to_string(),
                        subscriber: row.subscriber,
                        r#type: row.r#type,
                        subject: row.subject,
                        attempts: row.attempts,
                        reason: row.reason,
                        park_time: Some(to_timestamp(park_time)),
                        held_behind: i32::try_from(row.held_behind).unwrap_or(i32::MAX),
                    },
                }
            })
            .collect())
    }
}

struct Redrive {
    event_id: Uuid,
    subscriber: String,
}

impl Operation for Redrive {
    const NAME: &'static str = "events.redrive";
    /// How many events go back into delivery; none when no such event is held.
    type Output = Option<i64>;

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let redriven = sqlx::query_scalar!(
            "-- events::server::redrive
            UPDATE outbox_held AS h
            SET attempts = 0, rejections = 0, park_time = NULL, next_attempt_time = clock_timestamp()
            WHERE h.event_id = $1 AND h.subscriber = $2 AND (h.park_time IS NOT NULL OR h.next_attempt_time IS NOT NULL)
            RETURNING (SELECT count(*) FROM outbox_held b WHERE b.subscriber = h.subscriber AND b.subject = h.subject
                       AND b.outbox_id >= h.outbox_id) AS \"redriven!\"",
            self.event_id,
            self.subscriber,
        )
        .fetch_optional(&mut **tx)
        .await
        .or_fault()?;
        tx.wake_relay();
        Ok(redriven)
    }
}
