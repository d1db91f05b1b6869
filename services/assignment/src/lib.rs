//! The assignment service: who works at a site, who is responsible for a case, and how far the work is.

pub mod domain;
