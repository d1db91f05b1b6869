//! Who is responsible for a case, and how far the work on it is. Pure: time and the roster come in as arguments.

pub mod action;
pub mod authority;
pub mod bench;
pub mod demand;
pub mod ground;
pub mod handling;
pub mod handover;
pub mod hints;
pub mod history;
pub mod horizon;
pub mod ledger;
pub mod monthly;
pub mod outward;
pub mod past_office;
pub mod person;
pub mod plan;
pub mod practice;
pub mod report;
pub mod routing;
pub mod solution;
pub mod transition;
pub mod validity;
pub mod work;
