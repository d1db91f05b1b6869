//! I10: whatever bytes are sent to whatever RPC, the answer is never INTERNAL or UNKNOWN, names what
//! is wrong, and the service lives on.

use prost::Message as _;
use prost_reflect::{DynamicMessage, Kind, MessageDescriptor, Value};
use redress_tests::{Platform, SITE};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::tenancy::{call, rpcs};

/// Texts that break naive parsers.
const TEXTS: [&str; 9] = [
    "",
    "sites/",
    "sites/-",
    "sites/lake/cases/not-a-uuid",
    "sites/lake/cases/0190a6c2-0000-7000-8000-000000000001",
    "'; DROP TABLE x; --",
    "\u{0}\u{202e}%s{}",
    "sites/lake",
    "😀业主",
];

/// Numbers at the edges.
const NUMBERS: [i64; 6] = [0, -1, 1, i32::MAX as i64, i32::MIN as i64, 99];

/// A small deterministic generator: failures can be repeated by their seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % sides
    }
}

fn random(descriptor: &MessageDescriptor, dice: &mut Dice, depth: u8) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    for field in descriptor.fields() {
        if field.is_map() || dice.roll(3) == 0 {
            continue;
        }
        let mut one = || -> Option<Value> {
            let number = NUMBERS[dice.roll(NUMBERS.len())];
            let small = i32::try_from(number).unwrap_or(i32::MAX);
            Some(match field.kind() {
                Kind::String => {
                    if dice.roll(12) == 0 {
                        Value::String("长".repeat(30_000))
                    } else {
                        Value::String(TEXTS[dice.roll(TEXTS.len())].to_owned())
                    }
                }
                Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(small),
                Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
                    Value::I64(number.wrapping_mul(1 << 31))
                }
                Kind::Uint32 | Kind::Fixed32 => Value::U32(u32::MAX),
                Kind::Uint64 | Kind::Fixed64 => Value::U64(u64::MAX),
                Kind::Double => Value::F64(f64::NAN),
                Kind::Float => Value::F32(f32::INFINITY),
                Kind::Bool => Value::Bool(dice.roll(2) == 0),
                Kind::Bytes => Value::Bytes(vec![0xff; 10].into()),
                Kind::Enum(_) => Value::EnumNumber(small),
                Kind::Message(inner) => {
                    if depth > 3 {
                        return None;
                    }
                    Value::Message(random(&inner, dice, depth + 1))
                }
            })
        };
        let value = if field.is_list() {
            let first = one();
            let second = one();
            Some(Value::List(first.into_iter().chain(second).collect()))
        } else {
            one()
        };
        if let Some(value) = value {
            message.set_field(&field, value);
        }
    }
    message
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i10_no_request_makes_any_rpc_fail_internally() {
    let platform = Platform::start().await;
    let caller = platform.callers().at(&[SITE], "admin");
    let mut dice = Dice(20_261_121);
    let mut refused = 0_usize;
    for rpc in rpcs(&platform).await {
        let rounds = if rpc.server_streaming { 4 } else { 25 };
        for round in 0..rounds {
            let bytes = if round == 0 {
                // No protobuf at all.
                vec![0xff, 0xff, 0xff, 0x07, 0x00]
            } else {
                random(&rpc.input, &mut dice, 0).encode_to_vec()
            };
            if let Err(status) = call(&caller, &rpc, bytes).await {
                refused += 1;
                assert!(
                    !matches!(
                        status.code(),
                        Code::Internal | Code::Unknown | Code::Unavailable | Code::DataLoss
                    ),
                    "{} round {round} answered {status:?}",
                    rpc.path
                );
                assert!(
                    !status.message().is_empty(),
                    "{} says nothing: {status:?}",
                    rpc.path
                );
            }
        }
    }
    assert!(refused > 200, "only {refused} requests were refused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i10_a_method_that_no_service_has_is_refused_with_words_and_a_reason() {
    let platform = Platform::start().await;
    let caller = platform.callers().at(&[SITE], "admin");
    for mut rpc in rpcs(&platform).await {
        (rpc.client_streaming, rpc.server_streaming) = (false, false);
        let of_service = format!("{}Nope", rpc.path);
        for path in [of_service, "/redress.nope.v1.Nope/Nope".to_owned()] {
            rpc.path = path;
            let refused = call(&caller, &rpc, Vec::new()).await;
            let status = refused.expect_err("no such method");
            let details = status.get_error_details();
            let reason = details.error_info().map(|info| info.reason.as_str());
            assert_eq!(
                (status.code(), reason),
                (Code::Unimplemented, Some("UNKNOWN_METHOD")),
                "{}",
                rpc.path
            );
            assert!(!status.message().is_empty(), "{}", rpc.path);
        }
    }
}
