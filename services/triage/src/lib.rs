//! Triage: grades complaints, finds those about the same issue, and watches the promises on them.

pub mod domain;
