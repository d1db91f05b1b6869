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
pub(crate) mod jwks;
pub(crate) mod ledger;
pub(crate) mod lesson;
pub(crate) mod library;
mod matrix;
pub(crate) mod media;
pub(crate) mod message;
pub(crate) mod notice;
pub(crate) mod organization;
pub(crate) mod people;
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

use jiff::Timestamp;
use redress_model::words::{ClockKind, ClockState, UnknownWord, Word};

use crate::failure::Failure;
use crate::output::{Tail as _, heading, show_table, table, until, when};

/// No enum of the contract goes further.
const NUMBER_MAX: i32 = 100;

/// The word of an enum's number, `–` where there is none.
pub(crate) fn word<W: Word>(number: i32) -> String {
    W::from_number(number).map_or_else(|| "–".to_owned(), |w| w.word().to_owned())
}

/// A promise as it is listed.
struct Promise {
    kind: i32,
    /// Of whom it is asked and what it is about, where it is one of several of its kind.
    of: String,
    state: i32,
    held: bool,
    due: Option<prost_types::Timestamp>,
}

impl Promise {
    /// Its kind, its state, when it is due and how long that is from now. One that is held counts down to nothing.
    fn row(&self, now: Timestamp) -> Vec<String> {
        let state = word::<ClockState>(self.state);
        let due = when(self.due.as_ref());
        let runs = [ClockState::Running, ClockState::Breached].map(Word::number);
        let (state, left) = match self.held {
            true => (format!("{state}, held"), String::new()),
            false if !runs.contains(&self.state) => (state, String::new()),
            false => (state, until(self.due.as_ref(), now)),
        };
        let kind = word::<ClockKind>(self.kind);
        let kind = match self.of.as_str() {
            "" => kind,
            of => format!("{kind} {of}"),
        };
        vec![kind, state, due, left]
    }
}

/// Promises; nothing where there are none.
fn show_promises(promises: impl Iterator<Item = Promise>, now: Timestamp) {
    let mut rows = table(&["Promise", "State", "Due", ""]);
    for promise in promises {
        rows.add_row(promise.row(now));
    }
    if !rows.is_empty() {
        heading("Promises");
        show_table(rows);
    }
}

/// The number of a word typed as an argument, in any case.
pub(crate) fn number<W: Word>(argument: &'static str, text: &str) -> Result<i32, Failure> {
    W::parse(&text.to_uppercase().replace('-', "_"))
        .map(Word::number)
        .map_err(|unknown| Failure::Word { argument, unknown })
}

/// The value of an enum of the contract, or its number, typed as an argument in any case: for words that the domain has
/// no type for.
pub(crate) fn choice<E: TryFrom<i32> + PartialEq, N: From<E>>(
    argument: &'static str,
    prefix: &str,
    text: &str,
    name: fn(&E) -> &'static str,
) -> Result<N, Failure> {
    choice_but(argument, prefix, text, name, &[])
}

/// The same where some values of the contract are refused: what is told to be right is what is taken.
pub(crate) fn choice_but<E: TryFrom<i32> + PartialEq, N: From<E>>(
    argument: &'static str,
    prefix: &str,
    text: &str,
    name: fn(&E) -> &'static str,
    refused: &[E],
) -> Result<N, Failure> {
    let word = text.to_uppercase().replace('-', "_");
    let mut expected = Vec::new();
    let values = (1..=NUMBER_MAX).filter_map(|number| E::try_from(number).ok());
    for value in values.filter(|value| !refused.contains(value)) {
        let right = name(&value).tail(prefix);
        if right == word {
            return Ok(value.into());
        }
        expected.push(right);
    }
    Err(Failure::Word {
        argument,
        unknown: UnknownWord {
            text: text.to_owned(),
            expected: expected.join(", "),
        },
    })
}

/// The word behind an enum's name; a dash where nothing is said.
pub(crate) fn spelled(name: &str, prefix: &str) -> String {
    name.tail(prefix).to_owned()
}

#[cfg(test)]
mod tests {
    use redress_proto::crisis::v1::IncidentState;

    use redress_proto::convert::to_wire;

    use super::*;

    #[test]
    fn p05_a_promise_that_is_held_counts_down_to_nothing() {
        let now = Timestamp::UNIX_EPOCH;
        let row = |held| {
            let promise = Promise {
                kind: to_wire(ClockKind::Answer),
                of: String::new(),
                state: to_wire(ClockState::Running),
                held,
                due: Some(prost_types::Timestamp {
                    seconds: 7_200,
                    nanos: 0,
                }),
            };
            promise.row(now)
        };
        assert_eq!(row(true)[..2], ["ANSWER", "RUNNING, held"]);
        assert_eq!(row(true)[3], "");
        assert_eq!(row(false)[1], "RUNNING");
        assert_ne!(row(false)[3], "");
    }

    #[test]
    fn values_are_typed_in_any_case_and_a_wrong_one_is_told_the_right_ones() {
        let read = |text| -> Result<IncidentState, Failure> {
            choice("state", "INCIDENT_STATE_", text, IncidentState::as_str_name)
        };
        assert_eq!(read("OPEN").ok(), Some(IncidentState::Open));
        assert_eq!(read("stood-down").ok(), Some(IncidentState::StoodDown));
        for wrong in ["unspecified", "", "INCIDENT_STATE_OPEN"] {
            let said = read(wrong).expect_err("none of them").to_string();
            assert!(
                said.ends_with("is not one of OPEN, MERGED, STOOD_DOWN"),
                "{said}"
            );
        }
        let but = |text| -> Result<IncidentState, Failure> {
            let name = IncidentState::as_str_name;
            choice_but(
                "state",
                "INCIDENT_STATE_",
                text,
                name,
                &[IncidentState::Merged],
            )
        };
        assert_eq!(but("open").ok(), Some(IncidentState::Open));
        let said = but("merged").expect_err("refused").to_string();
        assert!(said.ends_with("is not one of OPEN, STOOD_DOWN"), "{said}");
    }
}
