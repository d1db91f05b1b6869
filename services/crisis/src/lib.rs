//! The crisis service: opens an incident when a case is graded 1, fills its command, calls people out
//! and watches its promises (domain.md section 9).

pub mod domain;
