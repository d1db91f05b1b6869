//! What the commands of law and practice have in common.

use std::fmt::Display;

use jiff::Timestamp;
use redress_proto::Money;
use redress_proto::assignment::v1::PracticeStep;
use redress_proto::convert::{from_money, to_money, to_timestamp};

use crate::args::parse_yuan;
use crate::failure::Failure;
use crate::output::{heading, show_table, table, when};

/// An argument that cannot be read.
pub(crate) fn bad(argument: &'static str, reason: impl Display) -> Failure {
    Failure::Argument {
        argument,
        reason: reason.to_string(),
    }
}

/// An instant on the wire.
pub(crate) fn at(time: Timestamp) -> Option<prost_types::Timestamp> {
    Some(to_timestamp(time))
}

/// Now, unless another instant is given.
pub(crate) fn or_now(time: Option<Timestamp>) -> Option<prost_types::Timestamp> {
    at(time.unwrap_or_else(crate::now::now))
}

/// An amount typed in yuan.
pub(crate) fn yuan(argument: &'static str, text: &str) -> Result<Option<Money>, Failure> {
    let amount = parse_yuan(text).map_err(|e| bad(argument, e))?;
    let money = to_money(amount);
    // The wire's own rules.
    from_money(argument, &money).map_err(|e| bad(argument, e))?;
    Ok(Some(money))
}

/// An amount for people.
pub(crate) fn amount(money: Option<&Money>) -> String {
    money.map_or_else(
        || "–".to_owned(),
        |m| format!("{}.{:02}", m.units, m.nanos / 10_000_000),
    )
}

/// An amount for people with its currency, where nothing around it names one.
pub(crate) fn cny(money: Option<&Money>) -> String {
    match money {
        Some(_) => format!("CNY {}", amount(money)),
        None => amount(None),
    }
}

/// The history of a matter.
pub(crate) fn history(steps: &[PracticeStep]) {
    if steps.is_empty() {
        return;
    }
    heading("History");
    let mut rows = table(&["Time", "What", "By", "Said"]);
    for step in steps {
        rows.add_row(vec![
            when(step.step_time.as_ref()),
            step.kind.clone(),
            step.actor.clone(),
            step.text.clone(),
        ]);
    }
    show_table(rows);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_typed_in_yuan_and_fen() {
        let read = |text| yuan("cost", text).map(|m| amount(m.as_ref()));
        assert_eq!(read("20000").ok().as_deref(), Some("20000.00"));
        assert_eq!(read("0.5").ok().as_deref(), Some("0.50"));
        assert_eq!(read("12.34").ok().as_deref(), Some("12.34"));
        assert!(read("-1").is_err());
        let said = read("1.234").expect_err("finer than a fen").to_string();
        assert_eq!(said, "--cost must have at most two decimals");
    }

    #[test]
    fn an_amount_with_its_currency_is_a_dash_where_there_is_none() {
        let money = yuan("cost", "12.3").expect("an amount");
        assert_eq!(cny(money.as_ref()), "CNY 12.30");
        assert_eq!(cny(None), "–");
    }
}
