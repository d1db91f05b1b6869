//! Between the wire's shapes and the domain's: words, instants and money.

use jiff::{SignedDuration, Timestamp};
use redress_model::words::Word;
use redress_model::{Fault, Grade};
use rust_decimal::Decimal;

use crate::Money;

/// The only currency (design: CNY minor units).
pub const CURRENCY: &str = "CNY";

/// Largest amount taken, in CNY: far above any claim, far below any overflow.
pub const AMOUNT_CNY_MAX: i64 = 100_000_000_000;

/// The farthest deadline taken: beyond it a year was mistyped, and nobody would ever be warned.
pub const DEADLINE_AHEAD_MAX: SignedDuration = SignedDuration::from_hours(5 * 366 * 24);

/// The number of a word on the wire.
pub fn to_wire<W: Word>(word: W) -> i32 {
    word.number()
}

/// The number of a word on the wire, 0 where there is none.
pub fn to_wire_opt<W: Word>(word: Option<W>) -> i32 {
    word.map_or(0, Word::number)
}

/// The word behind a number; none for "unspecified" and for numbers of a newer release.
pub fn from_wire<W: Word>(number: i32) -> Option<W> {
    W::from_number(number)
}

/// The word behind a number that a request has to give.
///
/// # Errors
/// INVALID_FIELD naming the field.
pub fn required<W: Word>(field: &str, number: i32) -> Result<W, Fault> {
    W::from_number(number).ok_or_else(|| {
        let words = <W as Word>::ALL
            .iter()
            .map(|w| w.word())
            .collect::<Vec<_>>()
            .join(", ");
        Fault::invalid(field, format!("must be one of {words}"))
    })
}

/// The grade behind a number; none for 0, "not graded yet".
pub fn grade(number: i32) -> Option<Grade> {
    u8::try_from(number).ok().and_then(Grade::new)
}

/// The instant on the wire.
pub fn to_timestamp(t: Timestamp) -> prost_types::Timestamp {
    // jiff keeps seconds and nanos of one sign, protobuf wants nanos from 0 up.
    let nanos = t.subsec_nanosecond();
    let borrow = i64::from(nanos < 0);
    prost_types::Timestamp {
        seconds: t.as_second() - borrow,
        nanos: if nanos < 0 {
            nanos + 1_000_000_000
        } else {
            nanos
        },
    }
}

/// The instants that are taken, in seconds: from the year 1, as protobuf has it, up to the end of 9999-12-29, so that each
/// has a date in every zone.
const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_127_999;

/// The instant behind the wire's, cut to whole microseconds.
///
/// # Errors
/// INVALID_FIELD naming the field when it is out of range.
pub fn from_timestamp(field: &str, t: &prost_types::Timestamp) -> Result<Timestamp, Fault> {
    if !(0..1_000_000_000).contains(&t.nanos) {
        return Err(Fault::invalid(field, "must have nanos from 0 to 999999999"));
    }
    let wrong = || Fault::invalid(field, "must lie from 0001-01-01 to 9999-12-29, in UTC");
    if !SECONDS.contains(&t.seconds) {
        return Err(wrong());
    }
    Timestamp::new(t.seconds, t.nanos)
        .map(redress_model::time::whole_micros)
        .map_err(|_| wrong())
}

/// The deadline behind the wire's instant. It may have passed, and lies five years ahead at most.
///
/// # Errors
/// INVALID_FIELD naming the field.
pub fn from_deadline(
    field: &str,
    t: &prost_types::Timestamp,
    now: Timestamp,
) -> Result<Timestamp, Fault> {
    let due = from_timestamp(field, t)?;
    if now.duration_until(due) > DEADLINE_AHEAD_MAX {
        return Err(Fault::invalid(field, "must lie five years ahead at most"));
    }
    Ok(due)
}

/// The amount on the wire.
pub fn to_money(amount: Decimal) -> Money {
    use rust_decimal::prelude::ToPrimitive as _;
    let units = amount.trunc();
    let nanos = (amount - units) * Decimal::from(1_000_000_000);
    Money {
        currency_code: CURRENCY.to_owned(),
        units: units.to_i64().unwrap_or(i64::MAX),
        nanos: nanos.to_i32().unwrap_or(0),
    }
}

/// The amount behind the wire's: CNY, zero or more, at most two decimals.
///
/// # Errors
/// INVALID_FIELD naming the field and its part.
pub fn from_money(field: &str, money: &Money) -> Result<Decimal, Fault> {
    if money.currency_code != CURRENCY {
        return Err(Fault::invalid(
            format!("{field}.currency_code"),
            "must be CNY",
        ));
    }
    if !(0..=AMOUNT_CNY_MAX).contains(&money.units) {
        return Err(Fault::invalid(
            format!("{field}.units"),
            format!("must be from 0 to {AMOUNT_CNY_MAX}"),
        ));
    }
    if !(0..1_000_000_000).contains(&money.nanos) || money.nanos % 10_000_000 != 0 {
        return Err(Fault::invalid(
            format!("{field}.nanos"),
            "must be whole fen: a multiple of 10000000 from 0 to 990000000",
        ));
    }
    Ok(Decimal::from(money.units) + Decimal::new(i64::from(money.nanos / 10_000_000), 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_back_to_the_fen() {
        for text in ["0", "0.01", "9999.99", "10000", "99999999.90"] {
            let amount: Decimal = text.parse().expect("a decimal");
            assert_eq!(from_money("claim", &to_money(amount)).ok(), Some(amount));
        }
    }

    #[test]
    fn wrong_amounts_name_the_part() {
        let wrong = |currency: &str, units, nanos| {
            from_money(
                "claim",
                &Money {
                    currency_code: currency.to_owned(),
                    units,
                    nanos,
                },
            )
            .expect_err("wrong")
            .to_string()
        };
        assert!(wrong("USD", 1, 0).starts_with("claim.currency_code"));
        assert!(wrong("CNY", -1, 0).starts_with("claim.units"));
        assert!(wrong("CNY", 1, 5_000_000).starts_with("claim.nanos"));
    }

    #[test]
    fn instants_read_back_before_and_after_the_epoch() {
        for micros in [-1_500_000_i64, -1, 0, 1, 1_700_000_000_123_456] {
            let t = Timestamp::from_microsecond(micros).expect("in range");
            let wire = to_timestamp(t);
            assert!(wire.nanos >= 0);
            assert_eq!(from_timestamp("t", &wire).ok(), Some(t));
        }
    }

    #[test]
    fn i10_an_instant_out_of_range_is_told_the_range_that_is_taken() {
        let read = |text: &str, seconds: i64| {
            let t: Timestamp = text.parse().expect("an instant");
            let mut wire = to_timestamp(t);
            wire.seconds += seconds;
            from_timestamp("due_time", &wire)
        };
        for (text, seconds, is_taken) in [
            ("0001-01-01T00:00:00Z", 0, true),
            ("0001-01-01T00:00:00Z", -1, false),
            ("9999-12-29T23:59:59.999999999Z", 0, true),
            ("9999-12-29T23:59:59Z", 1, false),
            // 9999-12-31T23:59:59Z, which protobuf still has.
            ("9999-12-29T23:59:59Z", 2 * 86_400, false),
        ] {
            let read = read(text, seconds);
            assert_eq!(read.is_ok(), is_taken, "{text} {seconds}");
            if let Err(fault) = read {
                let told = "due_time must lie from 0001-01-01 to 9999-12-29, in UTC";
                assert_eq!(fault.to_string(), told);
            }
        }
    }

    #[test]
    fn a_deadline_may_have_passed_and_lies_five_years_ahead_at_most() {
        let now = Timestamp::from_second(1_790_000_000).expect("in range");
        let read = |due| from_deadline("due_time", &to_timestamp(due), now);
        let farthest = now + DEADLINE_AHEAD_MAX;
        for due in [now - DEADLINE_AHEAD_MAX, now, farthest] {
            assert_eq!(read(due).ok(), Some(due));
        }
        let mistyped = read(farthest + SignedDuration::from_micros(1)).expect_err("too far");
        assert!(mistyped.to_string().starts_with("due_time"), "{mistyped}");
    }

    #[test]
    fn words_match_the_generated_enums() {
        use crate::words;
        use redress_model::words as domain;
        for w in domain::Channel::ALL {
            let wire = words::Channel::try_from(to_wire(*w)).expect("known");
            assert_eq!(wire.as_str_name(), format!("CHANNEL_{}", w.word()));
        }
        for w in domain::CaseStatus::ALL {
            let wire = words::CaseStatus::try_from(to_wire(*w)).expect("known");
            assert_eq!(wire.as_str_name(), format!("CASE_STATUS_{}", w.word()));
        }
        for w in domain::SignalKind::ALL {
            let wire = words::SignalKind::try_from(to_wire(*w)).expect("known");
            assert_eq!(wire.as_str_name(), format!("SIGNAL_KIND_{}", w.word()));
        }
        for w in domain::ClockKind::ALL {
            let wire = words::ClockKind::try_from(to_wire(*w)).expect("known");
            assert_eq!(wire.as_str_name(), format!("CLOCK_KIND_{}", w.word()));
        }
        for w in domain::LegalDeadline::ALL {
            let wire = words::LegalDeadline::try_from(to_wire(*w)).expect("known");
            assert_eq!(wire.as_str_name(), format!("LEGAL_DEADLINE_{}", w.word()));
        }
        for w in domain::Category::ALL {
            let wire = words::Category::try_from(to_wire(*w)).expect("known");
            assert_eq!(wire.as_str_name(), format!("CATEGORY_{}", w.word()));
        }
    }
}
