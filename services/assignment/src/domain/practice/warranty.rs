//! How long who owes a repair: every length that a source gives is counted by the calendar, and the latest decides.
//!
//! The day from which a length counts is not counted itself, and the last day counts whole (Civil Code 201 to 203):
//! five years from 15 March 2024 end with 15 March 2029. Where the last month lacks the day, its last day ends it.

use jiff::ToSpan as _;
use jiff::civil::Date;
use redress_model::words;
use redress_policy::Practice;

use super::law::{DefectClass, Law, Length};

words! {
    /// Where a length of warranty comes from.
    Basis, "WARRANTY_BASIS_" {
        /// The statute; from completion acceptance.
        Statute = 1 => "STATUTE",
        /// The floor for homes sold; from handover.
        Floor = 2 => "FLOOR",
        /// What the site gives beyond both; from handover.
        Site = 3 => "SITE",
        /// What the contract gives; from handover.
        Contract = 4 => "CONTRACT",
    }
}

/// A length that a site or a contract gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// For which defects.
    pub class: DefectClass,
    /// Calendar months from handover.
    pub months: u16,
    /// The clause, or who decided it.
    pub clause: String,
}

/// A unit with the dates from which its warranty counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Its id within the site.
    pub id: String,
    /// Completion acceptance.
    pub accepted: Date,
    /// Handover to the buyer; none before.
    pub handed_over: Option<Date>,
    /// Years for which the structure is designed.
    pub design_life_years: u16,
    /// What the contract gives.
    pub terms: Vec<Term>,
}

/// One length that holds, uncounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// For which defects.
    pub class: DefectClass,
    /// Where it comes from.
    pub basis: Basis,
    /// How long.
    pub length: Length,
    /// The source.
    pub source: String,
}

/// One length counted for one unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The length.
    pub rule: Rule,
    /// From when it counts; none before handover.
    pub start: Option<Date>,
    /// The last day; none before handover.
    pub end: Option<Date>,
}

/// Everything that was counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Within warranty on the day that was asked for.
    pub covered: bool,
    /// The first day of the earliest; none where nothing counts yet.
    pub start: Option<Date>,
    /// The last day of the latest; none where nothing counts yet.
    pub end: Option<Date>,
    /// Every length.
    pub claims: Vec<Claim>,
}

/// Whether a defect of this class, reported on a day, is within warranty. Seasons are those of the place.
pub fn explain(
    law: &Law,
    practice: &Practice,
    site: &[Term],
    unit: &Unit,
    class: DefectClass,
    reported: Date,
) -> Explanation {
    let claims: Vec<Claim> = rules(law, site, &unit.terms)
        .into_iter()
        .filter(|rule| rule.class == class)
        .map(|rule| count(practice, unit, rule))
        .collect();
    let end = claims.iter().filter_map(|c| c.end).max();
    // What shows before a length begins is no matter of warranty yet.
    let holds = |c: &Claim| {
        let (start, end) = (c.start, c.end);
        start.is_some_and(|start| start <= reported) && end.is_some_and(|end| reported <= end)
    };
    Explanation {
        covered: claims.iter().any(holds),
        start: claims.iter().filter_map(|c| c.start).min(),
        end,
        claims,
    }
}

/// Every length that holds at a site, and with a contract's terms at a unit.
pub fn rules(law: &Law, site: &[Term], contract: &[Term]) -> Vec<Rule> {
    let by_law = [(Basis::Statute, &law.statute), (Basis::Floor, &law.floor)];
    let mut rules: Vec<Rule> = by_law
        .into_iter()
        .flat_map(|(basis, lengths)| {
            lengths.classes.iter().map(move |(class, length)| Rule {
                class: *class,
                basis,
                length: *length,
                source: lengths.source.clone(),
            })
        })
        .collect();
    let given = [(Basis::Site, site), (Basis::Contract, contract)];
    rules.extend(given.into_iter().flat_map(|(basis, terms)| {
        terms.iter().map(move |term| Rule {
            class: term.class,
            basis,
            length: Length::Months(term.months),
            source: term.clause.clone(),
        })
    }));
    rules.sort_by_key(|rule| (rule.class, rule.basis));
    rules
}

/// Whether a site gives more than the floor of the law: it may only raise. Seasons and a design life are not in
/// months; nothing below the years that they last at most is more.
pub fn raises(law: &Law, term: &Term) -> bool {
    let floor = law.floor.classes.get(&term.class);
    let months = match floor {
        None => 0,
        Some(Length::Months(n)) => *n,
        Some(Length::Years(n) | Length::Seasons(n)) => n * 12,
        Some(Length::DesignLife) => u16::MAX,
    };
    term.months > months
}

fn count(practice: &Practice, unit: &Unit, rule: Rule) -> Claim {
    let start = match rule.basis {
        Basis::Statute => Some(unit.accepted),
        Basis::Floor | Basis::Site | Basis::Contract => unit.handed_over,
    };
    let end = start.and_then(|start| last_day(practice, unit, &rule, start));
    Claim { rule, start, end }
}

fn last_day(practice: &Practice, unit: &Unit, rule: &Rule, start: Date) -> Option<Date> {
    let years = |n: u16| start.checked_add(i64::from(n).years()).ok();
    match rule.length {
        Length::DesignLife => years(unit.design_life_years),
        Length::Years(n) => years(n),
        Length::Months(n) => start.checked_add(i64::from(n).months()).ok(),
        Length::Seasons(n) => last_season(practice, rule.class, start, n),
    }
}

/// The last day of the n-th season that begins on or after a day.
fn last_season(practice: &Practice, class: DefectClass, start: Date, n: u16) -> Option<Date> {
    let season = match class {
        DefectClass::Heating => practice.heating,
        DefectClass::Cooling => practice.cooling,
        _ => return None,
    };
    let this_year = season.from.of(start.year())? >= start;
    let first = start.year() + i16::from(!this_year);
    let year = first.checked_add(i16::try_from(n).ok()? - 1)?;
    let (from, to) = (season.from.of(year)?, season.to.of(year)?);
    if to > from {
        Some(to)
    } else {
        season.to.of(year.checked_add(1)?)
    }
}

#[cfg(test)]
mod tests {
    use redress_policy::{MonthDay, Season};

    use super::super::law::cn;
    use super::*;

    fn practice() -> Practice {
        Practice::default()
    }

    fn day(text: &str) -> Date {
        text.parse().expect("a day")
    }

    fn unit(accepted: &str, handed_over: Option<&str>) -> Unit {
        Unit {
            id: "3-1201".to_owned(),
            accepted: day(accepted),
            handed_over: handed_over.map(day),
            design_life_years: 50,
            terms: Vec::new(),
        }
    }

    fn end(unit: &Unit, class: DefectClass) -> Option<String> {
        let explanation = explain(cn(), &practice(), &[], unit, class, unit.accepted);
        explanation.end.map(|d| d.to_string())
    }

    #[test]
    fn the_last_day_of_five_years_is_within_and_the_next_is_not() {
        let unit = unit("2024-03-15", Some("2024-06-30"));
        let covered =
            |on: &str| explain(cn(), &practice(), &[], &unit, DefectClass::Leak, day(on)).covered;
        assert!(!covered("1900-01-01"), "nothing was built yet");
        assert!(covered("2029-03-15"));
        assert!(!covered("2029-03-16"));
    }

    #[test]
    fn the_latest_of_statute_floor_and_contract_decides() {
        // Handed over four years after acceptance: the floor of 3 years from handover outlasts the statute.
        let mut unit = unit("2020-01-10", Some("2024-01-10"));
        assert_eq!(end(&unit, DefectClass::Roof).as_deref(), Some("2027-01-10"));
        unit.terms.push(Term {
            class: DefectClass::Roof,
            months: 37,
            clause: "clause 12".to_owned(),
        });
        assert_eq!(end(&unit, DefectClass::Roof).as_deref(), Some("2027-02-10"));
        // A shorter contract takes nothing away.
        unit.terms[0].months = 1;
        assert_eq!(end(&unit, DefectClass::Roof).as_deref(), Some("2027-01-10"));
    }

    #[test]
    fn section_10_pipes_and_what_is_wired_last_two_years_unless_the_floor_lasts_longer() {
        for (class, handed_over, expected) in [
            // Two months, and six, from handover end long before the two years from acceptance.
            (DefectClass::BlockedPipe, "2024-06-30", "2026-03-15"),
            (DefectClass::LampSwitch, "2024-06-30", "2026-03-15"),
            // A home that was sold late: the floor from handover is the latest.
            (DefectClass::BlockedPipe, "2026-02-10", "2026-04-10"),
            (DefectClass::LampSwitch, "2026-02-10", "2026-08-10"),
        ] {
            let unit = unit("2024-03-15", Some(handed_over));
            let last = day(expected);
            let on = |reported| explain(cn(), &practice(), &[], &unit, class, reported);
            assert_eq!(on(last).end, Some(last), "{class} {handed_over}");
            assert!(on(last).covered, "{class} {handed_over}");
            let next = last.tomorrow().expect("a day");
            assert!(!on(next).covered, "{class} {handed_over}");
        }
    }

    #[test]
    fn a_month_that_lacks_the_day_ends_with_its_last_day() {
        // Handed over long after acceptance, so that the floor of two months outlasts the statute.
        let unit = unit("2020-08-31", Some("2023-12-31"));
        let expected = "2024-02-29";
        assert_eq!(
            end(&unit, DefectClass::BlockedPipe).as_deref(),
            Some(expected)
        );
        let leap = super::super::warranty::tests::unit("2024-02-29", None);
        assert_eq!(
            end(&leap, DefectClass::FitOut).as_deref(),
            Some("2026-02-28")
        );
    }

    #[test]
    fn two_heating_seasons_are_two_whole_ones() {
        // On the first day of a season it still counts; a day later the next one is the first.
        let counted = |accepted| end(&unit(accepted, None), DefectClass::Heating);
        assert_eq!(counted("2024-11-15").as_deref(), Some("2026-03-15"));
        assert_eq!(counted("2024-11-16").as_deref(), Some("2027-03-15"));
        assert_eq!(counted("2025-01-05").as_deref(), Some("2027-03-15"));
        let cooling = |accepted| end(&unit(accepted, None), DefectClass::Cooling);
        assert_eq!(cooling("2024-06-01").as_deref(), Some("2025-09-30"));
        assert_eq!(cooling("2024-06-02").as_deref(), Some("2026-09-30"));
    }

    #[test]
    fn section_10_seasons_are_those_of_the_place() {
        let month_day = |text: &str| -> MonthDay {
            let read = MonthDay::try_from(text.to_owned());
            read.expect("a day of every year")
        };
        let harbin = Practice {
            heating: Season {
                from: month_day("10-20"),
                to: month_day("04-20"),
            },
            ..practice()
        };
        let unit = unit("2024-10-25", None);
        let end = |practice: &Practice, class| {
            explain(cn(), practice, &[], &unit, class, unit.accepted).end
        };
        let north = end(&practice(), DefectClass::Heating);
        assert_eq!(north, Some(day("2026-03-15")));
        // The season there had begun five days before: it does not count.
        let colder = end(&harbin, DefectClass::Heating);
        assert_eq!(colder, Some(day("2027-04-20")));
        let cooling = DefectClass::Cooling;
        assert_eq!(end(&harbin, cooling), end(&practice(), cooling));
    }

    #[test]
    fn before_handover_only_the_statute_counts() {
        let unit = unit("2024-03-15", None);
        let lamp = explain(
            cn(),
            &practice(),
            &[],
            &unit,
            DefectClass::LampSwitch,
            day("2024-03-16"),
        );
        assert_eq!((lamp.covered, lamp.end), (true, Some(day("2026-03-15"))));
        let ends: Vec<_> = lamp.claims.iter().map(|c| (c.rule.basis, c.end)).collect();
        let expected = [
            (Basis::Statute, Some(day("2026-03-15"))),
            (Basis::Floor, None),
        ];
        assert_eq!(ends, expected);
        assert_eq!(
            end(&unit, DefectClass::Structure).as_deref(),
            Some("2074-03-15")
        );
    }

    #[test]
    fn a_site_may_only_raise() {
        let term = |class, months| Term {
            class,
            months,
            clause: String::new(),
        };
        assert!(!raises(cn(), &term(DefectClass::Roof, 36)));
        assert!(raises(cn(), &term(DefectClass::Roof, 37)));
        assert!(!raises(cn(), &term(DefectClass::LampSwitch, 6)));
        assert!(!raises(cn(), &term(DefectClass::Structure, 1200)));
        let unit = unit("2024-03-15", Some("2024-03-15"));
        let site = [term(DefectClass::LampSwitch, 25)];
        let lamp = explain(
            cn(),
            &practice(),
            &site,
            &unit,
            DefectClass::LampSwitch,
            day("2026-04-15"),
        );
        assert!(lamp.covered);
    }
}
