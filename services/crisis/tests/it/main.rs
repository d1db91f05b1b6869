//! Crisis against a real Postgres: events in, incidents out.

mod api;
mod briefings;
mod calling;
mod complained_about;
mod converging;
mod gates;
mod keeping;
mod opening;
mod provisional;
mod serving;
mod statements;
mod world;
