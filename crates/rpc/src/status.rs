//! Between [`Fault`] and the wire. Each kind of fault has exactly one gRPC code and always carries an
//! `ErrorInfo` with its reason; the cause of an internal one is logged here, once, and never sent.

use std::time::Duration;

use redress_model::{Fault, Violation};
use redress_proto::codec::ERROR_DOMAIN;
use redress_proto::refusal::refusal;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, PreconditionViolation, StatusExt as _};

use crate::trace_context;

/// When a caller may try again after a dependency was away.
const RETRY_UNAVAILABLE: Duration = Duration::from_secs(1);

/// When a caller may try again after a limit was reached.
const RETRY_EXHAUSTED: Duration = Duration::from_secs(2);

/// The status that tells a fault to a caller, cut to what every client can read.
pub fn status(fault: Fault) -> Status {
    let mut details = ErrorDetails::with_error_info(fault.reason(), ERROR_DOMAIN, []);
    let text = fault.to_string();
    let code = match &fault {
        Fault::Invalid { violations, .. } => {
            let fields: Vec<FieldViolation> = violations
                .iter()
                .map(|v| FieldViolation::new(v.field.clone(), v.description.clone()))
                .collect();
            details.set_bad_request(fields);
            Code::InvalidArgument
        }
        Fault::NotFound {
            resource_type,
            name,
        } => {
            details.set_resource_info(*resource_type, name.clone(), "", text.clone());
            Code::NotFound
        }
        Fault::Unauthenticated { .. } => Code::Unauthenticated,
        Fault::Denied { permission, .. } => {
            if !permission.is_empty() {
                details.set_error_info(
                    fault.reason(),
                    ERROR_DOMAIN,
                    [("permission".to_owned(), permission.clone())],
                );
            }
            Code::PermissionDenied
        }
        Fault::Illegal {
            reason,
            description,
            subject,
        } => {
            details.set_precondition_failure(vec![PreconditionViolation::new(
                *reason,
                subject.clone(),
                description.clone(),
            )]);
            Code::FailedPrecondition
        }
        Fault::Conflict { name, current_etag } => {
            details.set_error_info(
                fault.reason(),
                ERROR_DOMAIN,
                [("etag".to_owned(), current_etag.clone())],
            );
            details.set_resource_info("", name.clone(), "", text.clone());
            Code::Aborted
        }
        Fault::Exists { name } => {
            details.set_resource_info("", name.clone(), "", text.clone());
            Code::AlreadyExists
        }
        Fault::OutOfRange { .. } => Code::OutOfRange,
        Fault::Unavailable { .. } => {
            details.set_retry_info(Some(RETRY_UNAVAILABLE));
            Code::Unavailable
        }
        Fault::Exhausted { .. } => {
            details.set_retry_info(Some(RETRY_EXHAUSTED));
            Code::ResourceExhausted
        }
        Fault::Deadline => Code::DeadlineExceeded,
        Fault::UnknownMethod => Code::Unimplemented,
        Fault::Internal { .. } => {
            tracing::error!(error = %fault.chain(), "a request failed by our own mistake");
            if let Some(id) = trace_context::trace_id() {
                details.set_request_info(id, "");
            }
            Code::Internal
        }
    };
    refusal(code, &text, details)
}

/// What a peer answered, as our fault. Transient ones stay transient; a peer's INVALID_ARGUMENT,
/// PERMISSION_DENIED and the like are mistakes of ours, so they become internal.
pub fn fault_of(service: &'static str, status: Status) -> Fault {
    let details = status.get_error_details();
    match status.code() {
        Code::NotFound => {
            let name = details
                .resource_info()
                .map_or_else(String::new, |r| r.resource_name.clone());
            Fault::not_found("Resource", name)
        }
        Code::Unavailable | Code::Cancelled => Fault::unavailable(service),
        Code::ResourceExhausted => Fault::exhausted(service),
        Code::DeadlineExceeded => Fault::Deadline,
        Code::Aborted => Fault::conflict(
            details
                .resource_info()
                .map_or("", |r| r.resource_name.as_str()),
            details
                .error_info()
                .and_then(|e| e.metadata.get("etag").cloned())
                .unwrap_or_default(),
        ),
        Code::AlreadyExists => Fault::exists(
            details
                .resource_info()
                .map_or("", |r| r.resource_name.as_str()),
        ),
        Code::OutOfRange => Fault::out_of_range("the position is no longer served; list again"),
        Code::InvalidArgument if details.bad_request().is_some() => Fault::violations(
            details
                .bad_request()
                .into_iter()
                .flat_map(|b| &b.field_violations)
                .map(|v| Violation {
                    field: v.field.clone(),
                    description: v.description.clone(),
                })
                .collect(),
        ),
        code @ (Code::Ok
        | Code::Unknown
        | Code::InvalidArgument
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::Unimplemented
        | Code::Internal
        | Code::DataLoss
        | Code::Unauthenticated) => {
            Fault::internal(format!("{service} answered {code:?}: {}", status.message()))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use redress_proto::refusal::{LEFT_OUT, TRAILERS_BYTES_MAX, trailers_bytes};

    use super::*;

    /// Texts of all lengths, of letters that take one byte on the wire, three or nine.
    fn text() -> impl Strategy<Value = String> {
        let letters = prop_oneof![Just("a"), Just("\""), Just("墙"), Just(" "), Just("\n")];
        let letters = vec(letters, 1..12).prop_map(|letters| letters.concat());
        let times = prop_oneof![4 => 0..4_usize, 1 => 4..4_000_usize];
        (letters, times).prop_map(|(letters, times)| letters.repeat(times))
    }

    fn any_fault() -> impl Strategy<Value = Fault> {
        let violation = (text(), text()).prop_map(|(field, description)| Violation {
            field: format!("f{field}"),
            description,
        });
        prop_oneof![
            (vec(violation, 1..300)).prop_map(Fault::violations),
            text().prop_map(|name| Fault::not_found("Case", name)),
            (text(), text()).prop_map(|(permission, why)| Fault::denied_since(permission, why)),
            (text(), text()).prop_map(|(said, subject)| Fault::illegal(
                "STAGE_NOT_READY",
                said,
                subject
            )),
            (text(), text()).prop_map(|(name, etag)| Fault::conflict(name, etag)),
            text().prop_map(Fault::exists),
            text().prop_map(Fault::internal),
        ]
    }

    proptest! {
        #[test]
        fn i10_whatever_is_refused_every_client_can_read_it_and_the_first_field(fault in any_fault()) {
            let reason = fault.reason();
            let violations = match &fault {
                Fault::Invalid { violations, .. } => violations.clone(),
                _ => Vec::new(),
            };
            let status = status(fault);
            let bytes = trailers_bytes(&status);
            prop_assert!(bytes <= TRAILERS_BYTES_MAX, "{bytes}");
            let details = status.get_error_details();
            let info = details.error_info().expect("always there");
            prop_assert_eq!(info.reason.as_str(), reason);
            if let Some(first) = violations.first() {
                let sent = &details.bad_request().expect("fields").field_violations;
                let beginning = |text: &str| text.chars().take(80).collect::<String>();
                prop_assert_eq!(beginning(&sent[0].field), beginning(&first.field));
                prop_assert_eq!(beginning(&sent[0].description), beginning(&first.description));
                prop_assert!(status.message().starts_with(&beginning(&first.field)));
                for (sent, whole) in sent.iter().zip(&violations).skip(1) {
                    prop_assert_eq!(&sent.description, &whole.description);
                }
                let left_out = info.metadata.get(LEFT_OUT).and_then(|n| n.parse().ok());
                prop_assert_eq!(left_out.unwrap_or(0), violations.len() - sent.len());
            }
        }
    }

    #[test]
    fn every_fault_names_its_reason() {
        let faults = [
            Fault::invalid("text", "must not be empty"),
            Fault::request_id_reused(),
            Fault::not_found("Case", "x"),
            Fault::unauthenticated("no token"),
            Fault::denied("cases.get"),
            Fault::only("a person on the roster"),
            Fault::illegal("CASE_CLOSED", "reopen it first", "x"),
            Fault::conflict("x", "r2"),
            Fault::exists("x"),
            Fault::out_of_range("list again"),
            Fault::unavailable("postgres"),
            Fault::exhausted("calls"),
            Fault::Deadline,
            Fault::UnknownMethod,
            Fault::internal("disk on fire"),
        ];
        for fault in faults {
            let reason = fault.reason();
            let status = status(fault);
            let details = status.get_error_details();
            let info = details.error_info().expect("always there");
            assert_eq!(
                (info.reason.as_str(), info.domain.as_str()),
                (reason, ERROR_DOMAIN)
            );
        }
    }

    #[test]
    fn an_internal_cause_is_not_sent() {
        let status = status(Fault::internal("password=hunter2"));
        assert_eq!(status.code(), Code::Internal);
        assert_eq!(status.message(), "an internal error happened");
        assert!(!String::from_utf8_lossy(status.details()).contains("hunter2"));
    }

    #[test]
    fn violations_travel_field_by_field() {
        let status = status(Fault::invalid("complainants[0].phone", "must be a phone"));
        let details = status.get_error_details();
        let field = &details.bad_request().expect("fields").field_violations[0];
        assert_eq!(field.field, "complainants[0].phone");
    }

    #[test]
    fn what_a_peer_answers_keeps_its_kind() {
        let back = |fault: Fault| fault_of("intake", status(fault));
        assert!(back(Fault::unavailable("postgres")).is_transient());
        assert!(back(Fault::Deadline).is_transient());
        assert_eq!(back(Fault::not_found("Case", "x")).reason(), "NOT_FOUND");
        assert_eq!(back(Fault::conflict("x", "r2")).reason(), "ETAG_MISMATCH");
        assert_eq!(back(Fault::denied("cases.get")).reason(), "INTERNAL");
    }
}
