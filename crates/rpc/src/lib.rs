//! How Redress services speak with callers and with each other.
//!
//! What every RPC needs stands here once: who calls ([`Caller`], [`auth`]), what they may
//! ([`permission`], [`roles`]), the [`gate`] in front of every handler (trace, admission, token,
//! permission, deadline, panic guard), how a [`Fault`](redress_model::Fault) looks on the wire
//! ([`status`]), and the small helpers that list, change and watch methods share ([`page`],
//! [`etag`], [`Fingerprints`], [`watch`]). [`client`] is the one way to call another service.

pub mod auth;
mod caller;
pub mod client;
pub mod etag;
mod fingerprint;
pub mod gate;
pub mod page;
pub mod permission;
pub mod roles;
mod status;
pub mod trace_context;
pub mod watch;

pub use caller::Caller;
pub use fingerprint::Fingerprints;
pub use roles::Permissions;
pub use status::{fault_of, status};
