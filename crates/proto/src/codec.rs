//! The one place where a decoded request is held against its rules.
//!
//! Generated servers decode through [`CheckedCodec`], so no handler can forget the check, and a
//! handler may trust every bound that the contract states. A broken rule is INVALID_ARGUMENT with
//! one `BadRequest` entry for each field.

use std::marker::PhantomData;

use prost::Message;
use prost_protovalidate::ValidationError;
use tonic::Status;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder};
use tonic_prost::{ProstCodec, ProstEncoder};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt as _};

/// The domain of every `ErrorInfo` that Redress sends.
pub const ERROR_DOMAIN: &str = "redress.dev";

/// A message that can be held against the rules of its contract.
pub trait Checked {
    /// Checks the rules of a request; every other message passes.
    ///
    /// # Errors
    /// All broken rules at once.
    fn check(&self) -> Result<(), ValidationError>;
}

/// Protobuf, with every decoded message checked.
#[derive(Debug, Clone, Copy)]
pub struct CheckedCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for CheckedCodec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for CheckedCodec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Checked + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = CheckedDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstEncoder::new(BufferSettings::default())
    }

    fn decoder(&mut self) -> Self::Decoder {
        CheckedDecoder(ProstCodec::<T, U>::raw_decoder(BufferSettings::default()))
    }
}

/// Decodes protobuf and checks what came out.
#[derive(Debug)]
pub struct CheckedDecoder<U>(tonic_prost::ProstDecoder<U>);

impl<U> Decoder for CheckedDecoder<U>
where
    U: Message + Default + Checked,
{
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        let message = self.0.decode(buffer).map_err(malformed)?;
        if let Some(message) = &message {
            message.check().map_err(|e| violated(&e))?;
        }
        Ok(message)
    }

    fn buffer_settings(&self) -> BufferSettings {
        self.0.buffer_settings()
    }
}

/// Bytes that are no such message are the caller's mistake, not ours.
fn malformed(_: Status) -> Status {
    Status::with_error_details(
        tonic::Code::InvalidArgument,
        "the request is not a valid protobuf message",
        ErrorDetails::with_error_info("MALFORMED_MESSAGE", ERROR_DOMAIN, []),
    )
}

/// The status of a request that breaks rules.
pub fn violated(error: &ValidationError) -> Status {
    let violations: Vec<FieldViolation> = error
        .violations()
        .iter()
        .map(|v| FieldViolation::new(v.field_path(), v.message()))
        .collect();
    let text = violations
        .iter()
        .map(|v| format!("{} {}", v.field, v.description))
        .collect::<Vec<_>>()
        .join("; ");
    let mut details = ErrorDetails::with_bad_request(violations);
    details.set_error_info("INVALID_FIELD", ERROR_DOMAIN, []);
    Status::with_error_details(tonic::Code::InvalidArgument, text, details)
}
