//! Crisis against a real Postgres: events in, incidents out.

mod accidents;
mod aftermath;
mod api;
mod briefings;
mod cadence;
mod calling;
mod commanding;
mod complained_about;
mod converging;
mod gates;
mod keeping;
mod late;
mod lessons;
mod logbook;
mod matrix;
mod media;
mod opening;
mod picking;
mod playbooks;
mod provisional;
mod random;
mod room;
mod serving;
mod statements;
mod stories;
mod world;
