//! What a crisis is and what follows from what (domain.md section 9). Pure: no I/O, no SQL, no gRPC;
//! time and ids come in as arguments.

pub mod admit;
pub mod aftermath;
pub mod briefing;
pub mod cadence;
pub mod command;
pub mod export;
pub mod feed;
pub mod figures;
pub mod gate;
pub mod ladder;
pub mod lesson;
pub mod logbook;
pub mod matrix;
pub mod media;
pub mod mode;
pub mod promises;
pub mod stage;
pub mod statement;
pub mod terms;
pub mod words;
