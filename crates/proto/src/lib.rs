//! The contracts of Redress as Rust: messages, servers, clients, the descriptors that reflection
//! serves, and the checks that `buf.validate` declares.
//!
//! Everything in the package modules is generated from `proto/`; only [`codec`], [`convert`], [`refusal`]
//! and `pattern` are written by hand.

pub mod codec;
pub mod convert;
mod pattern;
pub mod refusal;

#[allow(
    clippy::all,
    missing_docs,
    unreachable_pub,
    rust_2018_idioms,
    clippy::wildcard_imports
)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/packages.rs"));

    mod checks {
        use super::*;
        include!(concat!(env!("OUT_DIR"), "/validate_impl.rs"));
        include!(concat!(env!("OUT_DIR"), "/checked_impl.rs"));
    }
}

pub use generated::google::r#type::Money;
pub use generated::io::cloudevents::v1 as cloudevents;
/// The words that all packages share (`redress.type.v1`).
pub use generated::redress::r#type::v1 as words;
pub use generated::redress::{assignment, crisis, event, intake, notification, operations, triage};

/// The serialized descriptors of every contract with its comments, for reflection and permissions.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/redress.bin"));
