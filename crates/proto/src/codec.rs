//! The one place where a decoded request is held against its rules.
//!
//! Generated servers decode through [`CheckedCodec`], so no handler can forget the check, and a
//! handler may trust every bound that the contract states. A broken rule is INVALID_ARGUMENT with
//! one `BadRequest` entry for each field.

use std::marker::PhantomData;

use prost::Message;
use prost_protovalidate::{ValidationError, Violation};
use tonic::Status;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder};
use tonic_prost::{ProstCodec, ProstEncoder};
use tonic_types::{ErrorDetails, FieldViolation};

use crate::pattern;
use crate::refusal::refusal;

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

/// A message that knows which of its required texts say nothing, though they are long enough for their rule, and which of
/// its names: whoever is greeted by a name that nobody sees has none. And it knows the words that its enums take.
pub(crate) trait Said {
    /// Adds a violation for each, with its path below `at`.
    fn blanks(&self, at: &str, found: &mut Vec<Violation>);

    /// What the rules of the enum at this path say in words, without the indices of lists; none where they are about none.
    fn words(at: &str) -> Option<&'static str>;
}

/// Adds a violation where nobody would see anything of a text that is required, or of a name that is given.
pub(crate) fn say(at: &str, text: &str, found: &mut Vec<Violation>) {
    // An empty one breaks its rule already.
    if !text.is_empty() && redress_model::text::is_blank(text) {
        found.push(Violation::new(
            at,
            "string.blank",
            "must say something: a reader sees none of its characters",
        ));
    }
}

/// What the rules found, and what they cannot say: a text of spaces and invisible characters has a length, and the numbers of
/// an enum are words to whoever reads them.
pub(crate) fn said<M: Said>(
    rules: Result<(), ValidationError>,
    message: &M,
) -> Result<(), ValidationError> {
    let mut found = match rules {
        Ok(()) => Vec::new(),
        Err(error) => error.into_violations(),
    };
    for violation in &mut found {
        in_words::<M>(violation);
    }
    message.blanks("", &mut found);
    if found.is_empty() {
        Ok(())
    } else {
        Err(ValidationError::new(found))
    }
}

/// Says by words what a rule of an enum says by numbers.
fn in_words<M: Said>(violation: &mut Violation) {
    if !["enum.in", "enum.not_in"].contains(&violation.rule_id()) {
        return;
    }
    let at = violation.field_path();
    let mut path = String::with_capacity(at.len());
    let mut is_index = false;
    for c in at.chars() {
        is_index |= c == '[';
        if !is_index {
            path.push(c);
        }
        is_index &= c != ']';
    }
    if let Some(words) = M::words(&path) {
        *violation = Violation::new(at, violation.rule_id(), words);
    }
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
    refusal(
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
        .map(|v| FieldViolation::new(v.field_path(), pattern::in_words(v.message())))
        .collect();
    let text = violations
        .iter()
        .map(|v| format!("{} {}", v.field, v.description))
        .collect::<Vec<_>>()
        .join("; ");
    let mut details = ErrorDetails::with_bad_request(violations);
    details.set_error_info("INVALID_FIELD", ERROR_DOMAIN, []);
    refusal(tonic::Code::InvalidArgument, &text, details)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assignment::v1::{
        Liability, ProposeSolutionRequest, RejectWorkRequest, Remedy, SolutionTerms,
    };
    use crate::intake::v1::{Case, Complainant, UpdateCaseRequest};

    fn broken(request: &impl Checked) -> Vec<String> {
        let Err(error) = request.check() else {
            return Vec::new();
        };
        let blank = |v: &&Violation| v.rule_id() == "string.blank";
        error
            .violations()
            .iter()
            .filter(blank)
            .map(Violation::field_path)
            .collect()
    }

    #[test]
    fn i10_a_broken_pattern_is_told_in_words() {
        let request = crate::assignment::v1::CreateStaffRequest {
            parent: "sites/lake".to_owned(),
            staff_id: "Li Na".to_owned(),
            ..Default::default()
        };
        let status = violated(&request.check().expect_err("wrong"));
        let told = "staff_id must be an id such as lakeside-2: a to z, 0 to 9 and hyphens";
        assert!(status.message().contains(told), "{status:?}");
        assert!(!status.message().contains("regex"), "{status:?}");
    }

    #[test]
    fn a_required_text_that_nobody_sees_is_refused_wherever_it_stands() {
        for blank in ["\u{200b}\u{200b}", " \u{3000}", "\u{3164}\u{2800}"] {
            let answer = RejectWorkRequest {
                answer: blank.to_owned(),
                ..Default::default()
            };
            assert_eq!(broken(&answer), ["answer"]);
            let remedy = Remedy {
                text: blank.to_owned(),
                ..Default::default()
            };
            let terms = SolutionTerms {
                summary: blank.to_owned(),
                remedies: vec![Remedy::default(), remedy],
                liability: Some(Liability::default()),
                ..Default::default()
            };
            let proposal = ProposeSolutionRequest {
                terms: Some(terms),
                ..Default::default()
            };
            assert_eq!(
                broken(&proposal),
                ["terms.summary", "terms.remedies[1].text"]
            );
        }
        let named = |name: &str| UpdateCaseRequest {
            case: Some(Case {
                complainants: vec![Complainant {
                    display_name: name.to_owned(),
                    ..Default::default()
                }],
                ..Default::default()
            }),
            ..Default::default()
        };
        let blank = broken(&named("\u{200b}"));
        assert_eq!(blank, ["case.complainants[0].display_name"]);
        for name in ["", "王\u{200b}芳"] {
            assert_eq!(broken(&named(name)), Vec::<String>::new());
        }
        let seen = RejectWorkRequest {
            answer: "\u{200b}经核实，不属实。".to_owned(),
            ..Default::default()
        };
        assert_eq!(broken(&seen), Vec::<String>::new());
    }

    #[test]
    fn an_enum_that_takes_some_words_names_them_and_no_numbers_wherever_it_stands() {
        use crate::triage::v1::{HoldCaseRequest, ListClocksRequest, StartClockRequest};
        let said = |request: &dyn Checked| {
            let error = request.check().expect_err("broken");
            let text = violated(&error).message().to_owned();
            assert!(!text.contains("in list ["), "{text}");
            text
        };
        let resolve = crate::words::ClockKind::Resolve.into();
        let start = StartClockRequest {
            parent: "sites/a/cases/b".to_owned(),
            kind: resolve,
            ..Default::default()
        };
        let text = said(&start);
        assert!(text.starts_with("kind must be one of "), "{text}");
        assert!(
            text.contains("OUTSIDE_DEADLINE, ") && text.contains("DEFENCE"),
            "{text}"
        );
        assert!(
            text.ends_with(", or be left out") && !text.contains("RESOLVE"),
            "{text}"
        );
        let held = said(&HoldCaseRequest::default());
        assert!(held.contains("reason must be given"), "{held}");
        // In a list, and below other messages of a list.
        let list = ListClocksRequest {
            parent: "sites/-".to_owned(),
            kinds: vec![resolve, 0],
            ..Default::default()
        };
        assert_eq!(said(&list), "kinds[1] must be given");
    }
}
