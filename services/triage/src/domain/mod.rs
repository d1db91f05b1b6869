//! What triage decides, as pure functions: facts in, decisions out. Nothing here does I/O, is async,
//! knows SQL or gRPC, or asks what time it is.

pub mod age;
pub mod calendars;
pub mod category;
pub mod criterion;
pub mod decision;
pub mod defect;
pub mod facts;
pub mod grading;
pub mod lessons;
pub mod paging;
pub mod people;
pub mod policies;
pub mod similarity;
pub mod standing;

pub use criterion::{Criteria, Criterion, CriterionId};
pub use decision::{Cause, Decision, IncidentMode, decide, incident_mode};
pub use facts::{Age, ClusterFacts, Facts, Signal};
pub use policy::{Grading, Policy as Profile};
pub use redress_policy as policy;

#[cfg(test)]
mod corpus_test;
#[cfg(test)]
mod grading_test;
