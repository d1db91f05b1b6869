//! I8: no caller reads or changes what belongs to another site, for every RPC there is. The RPCs are
//! found by reflection, so that a new one is tested from its first day.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use prost::Message as _;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value,
};
use redress_model::words::Channel;
use redress_proto::convert::to_wire;
use redress_proto::intake::v1::{Case, CreateCaseRequest, GetCaseRequest};
use redress_proto::notification::v1::ListMessagesRequest;
use redress_testkit::eventually;
use redress_tests::{Authenticated, Callers, OTHER_SITE, Platform, SERVICES, SITE};
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request, Status};
use uuid::Uuid;

use crate::PATIENCE;

/// What somebody told the other site.
const WORDS: &str = "只属于另一个项目的投诉内容";

/// Bytes in, bytes out: messages are built from descriptors.
#[derive(Clone, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;
    fn encoder(&mut self) -> Self {
        Self
    }
    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;
    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        bytes::BufMut::put(buffer, item);
        Ok(())
    }
    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::default()
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;
    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        use bytes::Buf as _;
        let length = buffer.remaining();
        Ok(Some(buffer.copy_to_bytes(length)))
    }
    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::default()
    }
}

/// One RPC as reflection shows it.
pub(crate) struct Rpc {
    pub(crate) service: &'static str,
    pub(crate) path: String,
    pub(crate) input: MessageDescriptor,
    pub(crate) client_streaming: bool,
    pub(crate) server_streaming: bool,
}

/// Every RPC of every service of ours, as the running services' reflection lists them.
pub(crate) async fn rpcs(platform: &Platform) -> Vec<Rpc> {
    let pool = DescriptorPool::decode(redress_proto::FILE_DESCRIPTOR_SET)
        .expect("our own descriptors decode");
    let mut rpcs = Vec::new();
    for service in SERVICES {
        for name in reflected(platform, service).await {
            let Some(descriptor) = pool.get_service_by_name(&name) else {
                assert!(
                    name.starts_with("grpc."),
                    "{name} is served by {service} and is neither ours nor gRPC's own"
                );
                continue;
            };
            for method in descriptor.methods() {
                rpcs.push(Rpc {
                    service,
                    path: format!("/{name}/{}", method.name()),
                    input: method.input(),
                    client_streaming: method.is_client_streaming(),
                    server_streaming: method.is_server_streaming(),
                });
            }
        }
    }
    rpcs
}

async fn reflected(platform: &Platform, service: &str) -> Vec<String> {
    use tonic_reflection::pb::v1::ServerReflectionRequest;
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

    let mut client = ServerReflectionClient::new(platform.callers().channel(service));
    let ask = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut answers = client
        .server_reflection_info(tokio_stream::iter([ask]))
        .await
        .expect("reflection is served")
        .into_inner();
    let answer = answers
        .message()
        .await
        .expect("reflection answers")
        .expect("with a message");
    match answer.message_response {
        Some(MessageResponse::ListServicesResponse(list)) => {
            list.service.into_iter().map(|s| s.name).collect()
        }
        other => panic!("reflection answered {other:?}"),
    }
}

/// Calls an RPC with one message of raw bytes; answers what came back first.
pub(crate) async fn call(
    callers: &Callers<'_>,
    rpc: &Rpc,
    message: Vec<u8>,
) -> Result<Vec<Bytes>, Status> {
    let mut grpc = tonic::client::Grpc::<Authenticated>::new(callers.channel(rpc.service));
    grpc.ready()
        .await
        .map_err(|e| Status::unavailable(e.to_string()))?;
    let path: PathAndQuery = rpc.path.parse().expect("a method's path");
    let limit = std::time::Duration::from_secs(20);
    let message = Bytes::from(message);
    if rpc.client_streaming || rpc.server_streaming {
        let mut request = Request::new(tokio_stream::iter([message]));
        request.set_timeout(limit);
        let mut stream = grpc.streaming(request, path, Raw).await?.into_inner();
        // A watch never ends by itself: what comes in a moment is what matters.
        let first = tokio::time::timeout(std::time::Duration::from_millis(700), stream.message());
        match first.await {
            Ok(Ok(Some(bytes))) => Ok(vec![bytes]),
            Ok(Ok(None)) | Err(_) => Ok(Vec::new()),
            Ok(Err(status)) => Err(status),
        }
    } else {
        let mut request = Request::new(message);
        request.set_timeout(limit);
        let answer = grpc.unary(request, path, Raw).await?;
        Ok(vec![answer.into_inner()])
    }
}

/// Resource names of the other site, by the collection that a field may mean.
struct Theirs {
    case: String,
    names: Vec<String>,
    /// What an answer could only show by reading the other site's rows. The names above do not
    /// count: the intruder sends them.
    secrets: Vec<String>,
}

/// A request in which every text that could be a name is one of the other site.
fn pointed(input: &MessageDescriptor, theirs: &Theirs, name: &str) -> DynamicMessage {
    let mut message = DynamicMessage::new(input.clone());
    for field in input.fields() {
        if let Some(value) = value_of(&field, theirs, name, 0) {
            message.set_field(&field, value);
        }
    }
    message
}

fn value_of(field: &FieldDescriptor, theirs: &Theirs, name: &str, depth: u8) -> Option<Value> {
    if field.is_map() {
        return None;
    }
    let one = match field.kind() {
        Kind::String => {
            let site = format!("sites/{OTHER_SITE}");
            let text = match field.name() {
                "name" | "source" | "target" => name.to_owned(),
                "parent" => {
                    if name.contains("/cases/") {
                        theirs.case.clone()
                    } else {
                        site
                    }
                }
                "site" => site,
                "case" | "cases" | "duplicates" => theirs.case.clone(),
                "page_token" | "resume_token" | "etag" | "phone" | "department" | "request_id"
                | "template" => return None,
                _ => "x".to_owned(),
            };
            Value::String(text)
        }
        Kind::Message(inner) if inner.full_name() == "google.protobuf.FieldMask" => {
            let mut mask = DynamicMessage::new(inner);
            mask.set_field_by_name(
                "paths",
                Value::List(vec![Value::String("display_name".to_owned())]),
            );
            Value::Message(mask)
        }
        Kind::Message(inner) if inner.full_name().starts_with("redress.") && depth < 2 => {
            let mut message = DynamicMessage::new(inner.clone());
            for f in inner.fields() {
                if matches!(f.name(), "name" | "text" | "display_name")
                    && let Some(v) = value_of(&f, theirs, name, depth + 1)
                {
                    message.set_field(&f, v);
                }
            }
            Value::Message(message)
        }
        Kind::Enum(_) => Value::EnumNumber(1),
        Kind::Int32 if field.name() != "page_size" => Value::I32(1),
        _ => return None,
    };
    Some(if field.is_list() {
        Value::List(vec![one])
    } else {
        one
    })
}

/// The last segment of a resource name.
fn last(name: &str) -> String {
    name.rsplit('/').next().unwrap_or_default().to_owned()
}

/// A digest of everything that the other site has, in every schema.
async fn holdings(platform: &Platform) -> BTreeMap<String, BTreeSet<String>> {
    let mut holdings = BTreeMap::new();
    let tables: Vec<(String, String)> = sqlx::query_as(
        "SELECT table_schema::text, table_name::text FROM information_schema.columns \
         WHERE column_name = 'site' AND table_schema = ANY($1) ORDER BY 1, 2",
    )
    .bind(SERVICES.map(str::to_owned).to_vec())
    .fetch_all(&platform.database.admin)
    .await
    .expect("the catalogue can be read");
    for (schema, table) in tables {
        // What is not the caller's doing: queues move, receipts and reads of services pass.
        if table.starts_with("outbox") || table.starts_with("inbox") {
            continue;
        }
        let rows: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "SELECT t::text FROM {schema}.{table} t WHERE site = $1"
        )))
        .bind(OTHER_SITE)
        .fetch_all(&platform.database.admin)
        .await
        .expect("the table can be read");
        holdings.insert(format!("{schema}.{table}"), rows.into_iter().collect());
    }
    holdings
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i8_no_rpc_shows_or_changes_what_belongs_to_another_site() {
    let platform = Platform::start().await;
    let owner = platform.callers();
    let case = owner
        .cases()
        .create_case(CreateCaseRequest {
            parent: format!("sites/{OTHER_SITE}"),
            request_id: Uuid::new_v4().to_string(),
            case: Some(Case {
                channel: to_wire(Channel::Visit),
                headcount: 12,
                text: WORDS.to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        })
        .await
        .expect("the other site takes a complaint in")
        .into_inner()
        .case
        .expect("with the case");
    let case = eventually(PATIENCE, async || {
        let answer = owner
            .cases()
            .get_case(GetCaseRequest {
                name: case.name.clone(),
            })
            .await
            .map_err(|s| s.to_string())?;
        let case = answer.into_inner().case.unwrap_or_default();
        (!case.incident.is_empty() && case.clocks.len() >= 3)
            .then_some(case)
            .ok_or_else(|| "not settled".to_owned())
    })
    .await;
    let message = eventually(PATIENCE, async || {
        let answer = owner
            .messages()
            .list_messages(ListMessagesRequest {
                parent: format!("sites/{OTHER_SITE}"),
                ..Default::default()
            })
            .await
            .map_err(|s| s.to_string())?;
        answer
            .into_inner()
            .messages
            .first()
            .map(|m| m.name.clone())
            .ok_or_else(|| "no message yet".to_owned())
    })
    .await;
    let id = last(&case.name);
    let theirs = Theirs {
        case: case.name.clone(),
        secrets: vec![
            case.number.clone(),
            WORDS.to_owned(),
            format!("{OTHER_SITE} estate"),
            format!("of sites/{OTHER_SITE}"),
            last(&case.clocks[1].clock),
            last(&case.clocks[2].clock),
            last(&message),
        ],
        names: vec![
            case.name.clone(),
            case.incident.clone(),
            case.cluster.clone(),
            case.clocks[0].clock.clone(),
            case.owner.clone(),
            format!("sites/{OTHER_SITE}"),
            format!("sites/{OTHER_SITE}/departments/engineering"),
            format!("sites/{OTHER_SITE}/work/{id}"),
            format!("{}/decisions/latest", case.name),
        ],
    };

    let rpcs = rpcs(&platform).await;
    assert!(rpcs.len() >= 40, "reflection shows {} RPCs", rpcs.len());
    let intruder = platform.callers().at(&[SITE], "admin");
    let before = at_rest(&platform).await;
    let refused = intrude(&intruder, &rpcs, &theirs).await;
    let changed = change(&before, &holdings(&platform).await);
    assert_eq!(changed, None, "the intruder changed something");
    // The owner's own calls show every secret: an intruder who got through would be noticed.
    let mut shown_to_owner = BTreeSet::new();
    for rpc in &rpcs {
        for name in &theirs.names {
            let message = pointed(&rpc.input, &theirs, name);
            let read = ["/Get", "/List", "/Watch"]
                .iter()
                .any(|verb| rpc.path.contains(verb));
            if read && let Ok(answers) = call(&owner, rpc, message.encode_to_vec()).await {
                for answer in answers {
                    let shown = String::from_utf8_lossy(&answer).into_owned();
                    shown_to_owner.extend(
                        theirs
                            .secrets
                            .iter()
                            .filter(|secret| shown.contains(*secret))
                            .cloned(),
                    );
                }
            }
        }
    }
    for secret in &theirs.secrets {
        assert!(
            shown_to_owner.contains(secret),
            "{secret} is not even shown to its owner"
        );
    }
    assert!(refused.len() >= 20, "only {} RPCs refused", refused.len());
}

/// What belongs to the other site once the platform has come to rest, so that any difference afterwards is
/// somebody's doing.
async fn at_rest(platform: &Platform) -> BTreeMap<String, BTreeSet<String>> {
    eventually(PATIENCE, async || {
        let first = holdings(platform).await;
        // Rest can only be seen by looking twice, with a poll of the relays (2 s) in between.
        tokio::time::sleep(std::time::Duration::from_secs(3)).await;
        let second = holdings(platform).await;
        (first == second).then_some(second)
    })
    .await
}

/// The first difference.
fn change(
    before: &BTreeMap<String, BTreeSet<String>>,
    after: &BTreeMap<String, BTreeSet<String>>,
) -> Option<String> {
    before.iter().find_map(|(table, rows)| {
        let now = &after[table];
        let gone: Vec<_> = rows.difference(now).collect();
        let new: Vec<_> = now.difference(rows).collect();
        (gone != new).then(|| format!("{table}: {gone:#?} became {new:#?}"))
    })
}

/// Calls every RPC with every name of the other site. Gives those that refused.
async fn intrude(intruder: &Callers<'_>, rpcs: &[Rpc], theirs: &Theirs) -> BTreeSet<String> {
    let mut refused = BTreeSet::new();
    for rpc in rpcs {
        for name in &theirs.names {
            let message = pointed(&rpc.input, theirs, name);
            match call(intruder, rpc, message.encode_to_vec()).await {
                Ok(answers) => {
                    for answer in answers {
                        let shown = String::from_utf8_lossy(&answer).into_owned();
                        for secret in &theirs.secrets {
                            assert!(
                                !shown.contains(secret),
                                "{} showed {secret}, which only the other site knows: {shown:?}",
                                rpc.path
                            );
                        }
                    }
                }
                Err(status) => {
                    assert!(
                        !matches!(status.code(), Code::Internal | Code::Unknown),
                        "{} answered {status:?}",
                        rpc.path
                    );
                    for secret in &theirs.secrets {
                        assert!(
                            !status.message().contains(secret),
                            "{} told {secret} in its error",
                            rpc.path
                        );
                    }
                    refused.insert(rpc.path.clone());
                }
            }
        }
    }
    refused
}
