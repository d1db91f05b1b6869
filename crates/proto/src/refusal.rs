//! How a refusal leaves, small enough for every client to read.
//!
//! A status travels in trailers: its text percent-encoded, and once more inside the details, which are base64. gRPC's C
//! core (Python, C++ and others) does not read trailers of more than 8 KiB. It drops them from there on and always above
//! 16 KiB, and its caller hears RESOURCE_EXHAUSTED, without a reason and without a field. So whatever is refused is cut
//! here, where text and details become a status, and nowhere else (I10).

use std::collections::HashMap;

use http::HeaderMap;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, PreconditionViolation, StatusExt as _};

/// What text and details of a status take at most, as they travel. The rest of 8 KiB is for what servers and proxies add.
pub const TRAILERS_BYTES_MAX: usize = 6 * 1024;

/// The longest text of a refusal that names more fields than fit.
const TEXT_BYTES_MAX: usize = 512;

/// The longest path of a field, and the longest description of it, where one alone is too long.
const FIELD_BYTES_MAX: usize = 256;
const DESCRIPTION_BYTES_MAX: usize = 1024;

/// Room for `; and 4294967295 more` behind a text.
const REST_BYTES: usize = 24;

/// How long each text may be where no fields are named; the longest at which all of them fit is taken.
const CUTS_BYTES: [usize; 8] = [2048, 1536, 1024, 768, 512, 384, 256, 128];

/// How many preconditions and pairs of metadata are kept where texts are cut.
const PRECONDITIONS_MAX: usize = 4;
const PAIRS_MAX: usize = 2;

/// Key of the metadata of `ErrorInfo` that says how many violations `BadRequest` leaves out.
pub const LEFT_OUT: &str = "violations_left_out";

/// The status that says so. What is too long for [`TRAILERS_BYTES_MAX`] is cut: of broken fields the first ones stay, each
/// whole, and text and details say how many more there are; of other refusals each text keeps its beginning.
// The one place that may make a status with details, so that nothing gets around the limit.
#[allow(clippy::disallowed_methods)]
pub fn refusal(code: Code, text: &str, details: ErrorDetails) -> Status {
    let whole = Status::with_error_details(code, text, details.clone());
    if fits(&whole) {
        return whole;
    }
    let broken = details.bad_request().map(|b| b.field_violations.as_slice());
    if let Some([first, others @ ..]) = broken {
        return of_fields(code, first, others, &details);
    }
    let mut cuts = CUTS_BYTES.into_iter().map(|bytes| {
        let text = cut(text, bytes);
        Status::with_error_details(code, text, shortened(&details, bytes))
    });
    cuts.find(fits)
        .unwrap_or_else(|| Status::new(code, cut(text, TEXT_BYTES_MAX)))
}

/// How many bytes text and details of a status take as they travel.
pub fn trailers_bytes(status: &Status) -> usize {
    let mut trailers = HeaderMap::new();
    match status.add_header(&mut trailers) {
        Ok(()) => [Status::GRPC_MESSAGE, Status::GRPC_STATUS_DETAILS]
            .iter()
            .filter_map(|name| trailers.get(name))
            .map(http::HeaderValue::len)
            .sum(),
        Err(_) => usize::MAX,
    }
}

fn fits(status: &Status) -> bool {
    trailers_bytes(status) <= TRAILERS_BYTES_MAX
}

/// The status with as many broken fields as fit.
#[allow(clippy::disallowed_methods)]
fn of_fields(
    code: Code,
    first: &FieldViolation,
    others: &[FieldViolation],
    details: &ErrorDetails,
) -> Status {
    let first = FieldViolation::new(
        cut(&first.field, FIELD_BYTES_MAX),
        cut(&first.description, DESCRIPTION_BYTES_MAX),
    );
    // More than these cannot fit.
    let mut bytes = 0;
    let others = others.iter().take_while(|v| {
        bytes += v.field.len() + v.description.len() + 1;
        bytes <= TRAILERS_BYTES_MAX
    });
    let all = 1 + details
        .bad_request()
        .map_or(0, |b| b.field_violations.len() - 1);
    let some: Vec<FieldViolation> = std::iter::once(&first).chain(others).cloned().collect();
    let text = told(&some, all);
    let with = |count: usize| {
        let kept = some.get(..count).unwrap_or(&some);
        let mut details = shortened(details, FIELD_BYTES_MAX);
        if let Some(info) = details.error_info().cloned() {
            let mut pairs = info.metadata;
            if kept.len() < all {
                pairs.insert(LEFT_OUT.to_owned(), (all - kept.len()).to_string());
            }
            details.set_error_info(info.reason, info.domain, pairs);
        }
        details.set_bad_request(kept);
        Status::with_error_details(code, text.as_str(), details)
    };
    let counts: Vec<usize> = (2..=some.len()).collect();
    with(1 + counts.partition_point(|count| fits(&with(*count))))
}

/// The first of the broken fields in one sentence, and how many of all of them are not in it.
fn told(some: &[FieldViolation], all: usize) -> String {
    let mut text = String::new();
    let mut count = 0;
    for violation in some {
        let next = format!("{} {}", violation.field, violation.description);
        if count == 0 {
            text = cut(&next, TEXT_BYTES_MAX - REST_BYTES);
        } else if text.len() + "; ".len() + next.len() <= TEXT_BYTES_MAX - REST_BYTES {
            text = format!("{text}; {next}");
        } else {
            break;
        }
        count += 1;
    }
    match all - count {
        0 => text,
        left => format!("{text}; and {left} more"),
    }
}

/// The same details with texts of so many bytes at most, without broken fields.
fn shortened(details: &ErrorDetails, bytes: usize) -> ErrorDetails {
    let mut short = ErrorDetails::new();
    if let Some(info) = details.error_info() {
        let pairs = info.metadata.iter().take(PAIRS_MAX);
        let pairs: HashMap<String, String> = pairs
            .map(|(key, value)| (cut(key, bytes), cut(value, bytes)))
            .collect();
        short.set_error_info(cut(&info.reason, bytes), info.domain.as_str(), pairs);
    }
    if let Some(retry) = details.retry_info() {
        short.set_retry_info(retry.retry_delay);
    }
    if let Some(failure) = details.precondition_failure() {
        let kept = failure.violations.iter().take(PRECONDITIONS_MAX);
        let kept: Vec<PreconditionViolation> = kept
            .map(|v| {
                PreconditionViolation::new(
                    cut(&v.r#type, bytes),
                    cut(&v.subject, bytes),
                    cut(&v.description, bytes),
                )
            })
            .collect();
        short.set_precondition_failure(kept);
    }
    if let Some(request) = details.request_info() {
        short.set_request_info(
            cut(&request.request_id, bytes),
            cut(&request.serving_data, bytes),
        );
    }
    if let Some(resource) = details.resource_info() {
        short.set_resource_info(
            cut(&resource.resource_type, bytes),
            cut(&resource.resource_name, bytes),
            cut(&resource.owner, bytes),
            cut(&resource.description, bytes),
        );
    }
    short
}

/// A text, or its beginning with a mark that it goes on: so many bytes at most.
fn cut(text: &str, bytes: usize) -> String {
    const MARK: &str = "…";
    if text.len() <= bytes {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(bytes.saturating_sub(MARK.len()));
    format!("{}{MARK}", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::ERROR_DOMAIN;

    fn invalid(violations: Vec<FieldViolation>) -> Status {
        let text: Vec<String> = violations
            .iter()
            .map(|v| format!("{} {}", v.field, v.description))
            .collect();
        let mut details = ErrorDetails::with_error_info("INVALID_FIELD", ERROR_DOMAIN, []);
        details.set_bad_request(violations);
        refusal(Code::InvalidArgument, &text.join("; "), details)
    }

    #[test]
    fn i10_what_fits_is_sent_as_it_is() {
        let few: Vec<FieldViolation> = (0..10)
            .map(|i| FieldViolation::new(format!("complainants[{i}].phone"), "must be a phone"))
            .collect();
        let status = invalid(few.clone());
        let details = status.get_error_details();
        let sent = &details.bad_request().expect("fields").field_violations;
        assert_eq!(sent.len(), few.len());
        assert!(!status.message().contains("more"), "{}", status.message());
        let info = details.error_info().expect("a reason");
        assert!(info.metadata.is_empty());
    }

    #[test]
    fn i10_of_many_broken_fields_the_first_stay_whole_and_the_rest_are_counted() {
        for (count, said) in [
            (200_usize, "must be a telephone number of 5 to 20 digits"),
            (30, "必须是“电话”号码"),
            (100_000, "must be a phone"),
        ] {
            let all: Vec<FieldViolation> = (0..count)
                .map(|i| {
                    FieldViolation::new(
                        format!("case.complainants[{i}].phone"),
                        said.repeat(if count == 30 { 12 } else { 1 }),
                    )
                })
                .collect();
            let status = invalid(all.clone());
            let bytes = trailers_bytes(&status);
            assert!(bytes <= TRAILERS_BYTES_MAX, "{bytes}");
            let details = status.get_error_details();
            let sent = &details.bad_request().expect("fields").field_violations;
            assert!(sent.len() > 5, "{}", sent.len());
            for (sent, all) in sent.iter().zip(&all) {
                assert_eq!(
                    (&sent.field, &sent.description),
                    (&all.field, &all.description)
                );
            }
            let info = details.error_info().expect("a reason");
            assert_eq!(info.reason, "INVALID_FIELD");
            let left_out = info.metadata.get(LEFT_OUT).and_then(|n| n.parse().ok());
            assert_eq!(left_out, Some(count - sent.len()));
            let text = status.message();
            assert!(text.starts_with("case.complainants[0].phone "), "{text}");
            assert!(text.ends_with(" more"), "{text}");
        }
    }

    #[test]
    fn i10_a_text_is_cut_between_letters_and_shows_that_it_goes_on() {
        assert_eq!(cut("外墙渗水", 12), "外墙渗水");
        assert_eq!(cut("外墙渗水", 11), "外墙…");
        assert_eq!(cut("外墙渗水", 0), "…");
    }
}
