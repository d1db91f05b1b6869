//! One file for each noun of the command line.

pub(crate) mod aftermath;
pub(crate) mod audit;
pub(crate) mod briefing;
pub(crate) mod calendar;
pub(crate) mod case;
pub(crate) mod clock;
pub(crate) mod cluster;
pub(crate) mod command;
pub(crate) mod contractor;
pub(crate) mod delivery;
pub(crate) mod dispute;
pub(crate) mod doctor;
pub(crate) mod event;
pub(crate) mod grade;
pub(crate) mod incident;
pub(crate) mod ledger;
pub(crate) mod lesson;
pub(crate) mod library;
mod matrix;
pub(crate) mod media;
pub(crate) mod message;
pub(crate) mod notice;
pub(crate) mod plan;
pub(crate) mod playbook;
pub(crate) mod policy;
pub(crate) mod practice;
pub(crate) mod register;
pub(crate) mod report;
pub(crate) mod room;
pub(crate) mod roster;
pub(crate) mod settlement;
pub(crate) mod signal;
pub(crate) mod site;
pub(crate) mod solution;
pub(crate) mod statement;
pub(crate) mod status;
pub(crate) mod stop;
pub(crate) mod survey;
pub(crate) mod task;
pub(crate) mod template;
pub(crate) mod token;
pub(crate) mod transfer;
pub(crate) mod warranty;
pub(crate) mod wording;
pub(crate) mod work;

use redress_model::words::Word;

use crate::failure::Failure;

/// The word of an enum's number, `–` where there is none.
pub(crate) fn word<W: Word>(number: i32) -> String {
    W::from_number(number).map_or_else(|| "–".to_owned(), |w| w.word().to_owned())
}

/// The number of a word typed as an argument, in any case.
pub(crate) fn number<W: Word>(argument: &'static str, text: &str) -> Result<i32, Failure> {
    W::parse(&text.to_uppercase().replace('-', "_"))
        .map(Word::number)
        .map_err(|unknown| Failure::Word { argument, unknown })
}
