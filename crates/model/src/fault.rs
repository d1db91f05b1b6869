//! The one error that crosses a service's layers, shaped by who can act on it.
//!
//! The set of kinds is closed: each maps to exactly one gRPC code (in `redress-rpc`) and stands in
//! docs/errors.md. `Display` is safe to show to a caller and never prints an internal source.

use std::error::Error as StdError;
use std::fmt::{self, Write as _};

/// One rule that a field breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field in the request, for example `complainants[0].phone`.
    pub field: String,
    /// What would be right, without repeating the value.
    pub description: String,
}

/// Why something was not done.
#[derive(Debug)]
pub enum Fault {
    /// The caller mends the named fields. INVALID_ARGUMENT.
    Invalid {
        /// UPPER_SNAKE reason.
        reason: &'static str,
        /// All violations at once.
        violations: Vec<Violation>,
    },
    /// No such resource, or none that this caller may know of. NOT_FOUND.
    NotFound {
        /// Kind of resource, for example `Case`.
        resource_type: &'static str,
        /// Its name as asked for.
        name: String,
    },
    /// The caller shows a valid token. UNAUTHENTICATED.
    Unauthenticated {
        /// What is wrong with the token, without the token.
        description: &'static str,
    },
    /// The caller asks an administrator for the permission. PERMISSION_DENIED.
    Denied {
        /// The permission that is missing; empty where none would help, because it takes being somebody.
        permission: String,
        /// Why it is asked for, for example whose the case is, or who may; empty where the method says it all.
        why: String,
    },
    /// The state does not allow the move; the description says what is legal. FAILED_PRECONDITION.
    Illegal {
        /// UPPER_SNAKE reason.
        reason: &'static str,
        /// What is legal now.
        description: String,
        /// The resource that stands in the way.
        subject: String,
    },
    /// Somebody else was faster; read again and decide again. ABORTED.
    Conflict {
        /// The resource.
        name: String,
        /// Its etag now.
        current_etag: String,
    },
    /// There is one already. ALREADY_EXISTS.
    Exists {
        /// The resource.
        name: String,
    },
    /// A token or position is no longer served: list again. OUT_OF_RANGE.
    OutOfRange {
        /// What to do.
        description: &'static str,
    },
    /// Something this service needs is away; try again. UNAVAILABLE.
    Unavailable {
        /// What is away, for example `postgres`.
        what: &'static str,
    },
    /// Too much at once; try again later. RESOURCE_EXHAUSTED.
    Exhausted {
        /// Which limit.
        what: &'static str,
    },
    /// The deadline passed. DEADLINE_EXCEEDED.
    Deadline,
    /// There is no such method here. UNIMPLEMENTED.
    UnknownMethod,
    /// Our mistake; the operator reads the log. INTERNAL with a fixed text.
    Internal {
        /// What happened, for the log only.
        source: Box<dyn StdError + Send + Sync>,
    },
}

impl Fault {
    /// One field breaks one rule.
    pub fn invalid(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self::violations(vec![Violation {
            field: field.into(),
            description: description.into(),
        }])
    }

    /// Several fields break rules.
    pub fn violations(violations: Vec<Violation>) -> Self {
        Self::Invalid {
            reason: "INVALID_FIELD",
            violations,
        }
    }

    /// The violations of a part of a request, as of the whole: `text` below `case` is `case.text`. What was not found
    /// in the part itself (`update_mask`) stays as it is.
    #[must_use]
    pub fn below(mut self, parent: &str) -> Self {
        if let Self::Invalid { violations, .. } = &mut self {
            for violation in violations.iter_mut().filter(|v| v.field != "update_mask") {
                violation.field = format!("{parent}.{}", violation.field);
            }
        }
        self
    }

    /// The request_id was used for another request.
    pub fn request_id_reused() -> Self {
        Self::Invalid {
            reason: "REQUEST_ID_REUSED",
            violations: vec![Violation {
                field: "request_id".to_owned(),
                description: "was used for another request; send a new one".to_owned(),
            }],
        }
    }

    /// No such resource.
    pub fn not_found(resource_type: &'static str, name: impl fmt::Display) -> Self {
        Self::NotFound {
            resource_type,
            name: name.to_string(),
        }
    }

    /// No valid token.
    pub fn unauthenticated(description: &'static str) -> Self {
        Self::Unauthenticated { description }
    }

    /// A permission is missing.
    pub fn denied(permission: impl Into<String>) -> Self {
        Self::denied_since(permission, String::new())
    }

    /// A permission is missing that others, who are named, would not need.
    pub fn denied_since(permission: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Denied {
            permission: permission.into(),
            why: why.into(),
        }
    }

    /// No permission helps: it is for these people alone, for example `a person on the roster`.
    pub fn only(who: impl fmt::Display) -> Self {
        Self::denied_since(String::new(), format!("only {who} may do this"))
    }

    /// The state does not allow it.
    pub fn illegal(
        reason: &'static str,
        description: impl Into<String>,
        subject: impl fmt::Display,
    ) -> Self {
        Self::Illegal {
            reason,
            description: description.into(),
            subject: subject.to_string(),
        }
    }

    /// Somebody else was faster.
    pub fn conflict(name: impl fmt::Display, current_etag: impl Into<String>) -> Self {
        Self::Conflict {
            name: name.to_string(),
            current_etag: current_etag.into(),
        }
    }

    /// There is one already.
    pub fn exists(name: impl fmt::Display) -> Self {
        Self::Exists {
            name: name.to_string(),
        }
    }

    /// A position is no longer served.
    pub fn out_of_range(description: &'static str) -> Self {
        Self::OutOfRange { description }
    }

    /// A dependency is away.
    pub fn unavailable(what: &'static str) -> Self {
        Self::Unavailable { what }
    }

    /// A limit is reached.
    pub fn exhausted(what: &'static str) -> Self {
        Self::Exhausted { what }
    }

    /// Our mistake.
    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Internal {
            source: source.into(),
        }
    }

    /// It with all its causes in one line, for the log. A client only ever gets `Display`. What JSON was read
    /// is left out: its errors repeat the values that they met.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut next = self.source();
        while let Some(cause) = next {
            text.push_str(": ");
            match cause.downcast_ref::<serde_json::Error>() {
                Some(json) => {
                    let kind = json.classify();
                    let _ = write!(text, "JSON {kind:?} in line {}", json.line());
                }
                None => text.push_str(&cause.to_string()),
            }
            next = cause.source();
        }
        text
    }

    /// Machine-readable reason; each stands in docs/errors.md.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Invalid { reason, .. } | Self::Illegal { reason, .. } => reason,
            Self::NotFound { .. } => "NOT_FOUND",
            Self::Unauthenticated { .. } => "UNAUTHENTICATED",
            Self::Denied { .. } => "PERMISSION_DENIED",
            Self::Conflict { .. } => "ETAG_MISMATCH",
            Self::Exists { .. } => "ALREADY_EXISTS",
            Self::OutOfRange { .. } => "POSITION_EXPIRED",
            Self::Unavailable { .. } => "DEPENDENCY_UNAVAILABLE",
            Self::Exhausted { .. } => "LIMIT_REACHED",
            Self::Deadline => "DEADLINE_EXCEEDED",
            Self::UnknownMethod => "UNKNOWN_METHOD",
            Self::Internal { .. } => "INTERNAL",
        }
    }

    /// Whether the same request may succeed later without anybody mending anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable { .. } | Self::Exhausted { .. } | Self::Deadline => true,
            Self::Invalid { .. }
            | Self::NotFound { .. }
            | Self::Unauthenticated { .. }
            | Self::Denied { .. }
            | Self::Illegal { .. }
            | Self::Conflict { .. }
            | Self::Exists { .. }
            | Self::OutOfRange { .. }
            | Self::UnknownMethod
            | Self::Internal { .. } => false,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid { violations, .. } => {
                for (i, v) in violations.iter().enumerate() {
                    let separator = if i == 0 { "" } else { "; " };
                    write!(f, "{separator}{} {}", v.field, v.description)?;
                }
                Ok(())
            }
            Self::NotFound {
                resource_type,
                name,
            } => write!(f, "{resource_type} {name} does not exist"),
            Self::Unauthenticated { description } => f.write_str(description),
            Self::Denied { permission, why } if why.is_empty() => {
                write!(f, "the permission {permission} is missing")
            }
            Self::Denied { permission, why } if permission.is_empty() => f.write_str(why),
            Self::Denied { permission, why } => {
                write!(f, "{why}; the permission {permission} is missing")
            }
            Self::Illegal { description, .. } => f.write_str(description),
            Self::Conflict { name, current_etag } => write!(
                f,
                "{name} was changed by somebody else; its etag is now {current_etag}"
            ),
            Self::Exists { name } => write!(f, "{name} exists already"),
            Self::OutOfRange { description } => f.write_str(description),
            Self::Unavailable { what } => write!(f, "{what} is not available now; try again"),
            Self::Exhausted { what } => {
                write!(f, "the limit of {what} is reached; try again later")
            }
            Self::Deadline => f.write_str("the deadline passed before the work was done"),
            Self::UnknownMethod => {
                f.write_str("this service has no such method; reflection lists those that it has")
            }
            Self::Internal { .. } => f.write_str("an internal error happened"),
        }
    }
}

impl StdError for Fault {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Internal { source } => Some(source.as_ref()),
            _ => None,
        }
    }
}

impl From<crate::name::NameError> for Violation {
    fn from(error: crate::name::NameError) -> Self {
        Self {
            field: "name".to_owned(),
            description: error.to_string(),
        }
    }
}

/// Parses the field of a request, naming the field when it is wrong.
pub fn parse_field<T>(field: &str, text: &str) -> Result<T, Fault>
where
    T: std::str::FromStr,
    T::Err: fmt::Display,
{
    text.parse()
        .map_err(|e: T::Err| Fault::invalid(field, e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_caller_sees_never_shows_the_source() {
        let fault = Fault::internal("password=hunter2");
        assert!(!fault.to_string().contains("hunter2"));
        assert!(fault.source().is_some());
    }

    #[test]
    fn i9_the_log_shows_the_cause_and_no_value_that_json_met() {
        let fault = Fault::internal("disk on fire");
        assert_eq!(fault.chain(), "an internal error happened: disk on fire");
        let met = serde_json::from_str::<u32>(r#""13800000000""#);
        let chain = Fault::internal(met.expect_err("a text")).chain();
        assert_eq!(chain, "an internal error happened: JSON Data in line 1");
    }

    #[test]
    fn a_part_of_a_request_names_its_fields_as_the_whole_does() {
        let part = Fault::violations(vec![
            Violation {
                field: "text".to_owned(),
                description: String::new(),
            },
            Violation {
                field: "update_mask".to_owned(),
                description: String::new(),
            },
        ]);
        let Fault::Invalid { violations, .. } = part.below("case") else {
            panic!("it stays what it is");
        };
        let fields: Vec<String> = violations.into_iter().map(|v| v.field).collect();
        assert_eq!(fields, ["case.text", "update_mask"]);
    }

    #[test]
    fn what_is_denied_names_the_permission_or_who_may() {
        for (fault, text) in [
            (
                Fault::denied("cases.get"),
                "the permission cases.get is missing",
            ),
            (
                Fault::denied_since("cases.get", "the case is another's"),
                "the case is another's; the permission cases.get is missing",
            ),
            (
                Fault::only("a person on the roster"),
                "only a person on the roster may do this",
            ),
        ] {
            assert_eq!(fault.to_string(), text);
            assert_eq!(fault.reason(), "PERMISSION_DENIED");
        }
    }

    #[test]
    fn a_wrong_name_names_its_field() {
        let fault = parse_field::<crate::name::SiteName>("parent", "x").expect_err("not a name");
        assert_eq!(fault.to_string(), "parent must look like sites/{site}");
        assert_eq!(fault.reason(), "INVALID_FIELD");
    }
}
