//! Triage: grades complaints, finds those about the same issue, and watches the promises on them.

pub mod casework;
pub mod desk;
pub mod domain;
pub mod jobs;
pub mod store;
