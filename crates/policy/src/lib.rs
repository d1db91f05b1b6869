//! Policies are data: what grading, promises, the ladder and clusters may do differently from place to
//! place (domain.md sections 3 to 6).
//!
//! A [`Policy`] is whole and checked: whoever holds one may rely on every value of it. The product
//! ships four of them, the [`PROFILES`]; where two sources disagree, both stay available as profiles
//! and are never merged. An organization, a region and a site change single values by an [`Overlay`];
//! [`merge`] gives what holds at a site, with the origin of each value. Pure: no I/O, no "now".
//!
//! What is done in the stages of a crisis is data too: [`playbook`].
//!
//! Documents are YAML, checked against a JSON schema that is made from the types and published in
//! `schema/`. Whatever is wrong is named with its line and its field.

mod built_in;
mod check;
mod document;
mod overlay;
pub mod playbook;
mod problem;
mod schema;
mod yaml;

pub use built_in::{PROFILES, Released};
pub use document::{
    Accountability, Briefing, Clusters, Grading, Handling, Hints, HoldRule, Holds, Holidays,
    Ladder, LegalRule, LengthKey, LengthRule, MonthDay, Policy, Positions, Practice, Routing,
    Season, Shares, Signals, TakeOver, TransferDays, WorkingTime,
};
pub use overlay::{Clash, Effective, EffectiveValue, Layer, Level, Origin, Overlay, merge};
pub use playbook::{PLAYBOOKS, Playbook};
pub use problem::{Place, Problem, Problems};
pub use schema::{overlay_schema, playbook_schema, profile_schema};
pub use yaml::{DOCUMENT_BYTES_MAX, Source};

#[cfg(test)]
mod tests;
