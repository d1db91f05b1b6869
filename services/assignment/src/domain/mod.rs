//! Who is responsible for a case, and how far the work on it is. Pure: time and the roster come in as arguments.

pub mod action;
pub mod bench;
pub mod demand;
pub mod handover;
pub mod horizon;
pub mod ledger;
pub mod monthly;
pub mod plan;
pub mod practice;
pub mod report;
pub mod routing;
pub mod transition;
pub mod work;
