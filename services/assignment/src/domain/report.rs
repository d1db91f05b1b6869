//! What analysis counts by, and what it concludes from counts (M06, M08, M15).
//!
//! Counts are kept for each two dimensions together ([`Pair`]), of sites by month, quarter and year ([`Span`]) and of regions
//! by month; a question about at most two dimensions beside site and month reads one pair and nothing else.

use jiff::SignedDuration;
use jiff::civil::Date;
use redress_model::words::{ClockKind, ClockState, Word};

redress_model::words! {
    /// Where a complaint comes from (M01).
    CauseSource, "CAUSE_SOURCE_" {
        /// Something is objectively wrong.
        ObjectiveDefect = 1 => "OBJECTIVE_DEFECT",
        /// Money is the motive.
        EconomicMotive = 2 => "ECONOMIC_MOTIVE",
        /// A third party instigated it.
        ThirdPartyInstigation = 3 => "THIRD_PARTY_INSTIGATION",
        /// Outside our responsibility.
        OutsideOurResponsibility = 4 => "OUTSIDE_OUR_RESPONSIBILITY",
    }
}

redress_model::words! {
    /// By what a report is broken down.
    Dimension, "REPORT_DIMENSION_" {
        /// The site.
        Site = 1 => "SITE",
        /// Month of receipt.
        Month = 2 => "MONTH",
        /// What it is about.
        Category = 3 => "CATEGORY",
        /// Why it happened.
        Cause = 4 => "CAUSE",
        /// Where it comes from.
        Source = 5 => "SOURCE",
        /// How grave.
        Grade = 6 => "GRADE",
        /// How it came in.
        Channel = 7 => "CHANNEL",
        /// Who handles it.
        Department = 8 => "DEPARTMENT",
    }
}

impl Dimension {
    /// Its place in what a case contributes; 1 is the total. None for site and month, which every count has.
    fn slot(self) -> Option<i16> {
        match self {
            Self::Site | Self::Month => None,
            Self::Category => Some(2),
            Self::Cause => Some(3),
            Self::Source => Some(4),
            Self::Grade => Some(5),
            Self::Channel => Some(6),
            Self::Department => Some(7),
        }
    }
}

/// Places after those of the dimensions: steps of times, and kinds of promises.
const ANSWER_TIME: i16 = 8;
const RESOLVE_TIME: i16 = 9;
const PROMISE: i16 = 10;
/// What became of the desk's first decision.
const DESK: i16 = 11;

/// Two dimensions that are counted together: the column `tally.pair`, 16 × the first place + the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair(pub i16);

/// Where the values of a dimension stand in a [`Pair`]'s counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// In `tally.a`.
    A,
    /// In `tally.b`.
    B,
}

/// Which counts answer a question about these dimensions, at most two of which are neither site nor month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    first: Option<Dimension>,
    second: Option<Dimension>,
}

impl Plan {
    /// None where there are more than two.
    pub fn of(dimensions: impl IntoIterator<Item = Dimension>) -> Option<Self> {
        let mut used: Vec<Dimension> = dimensions
            .into_iter()
            .filter(|d| d.slot().is_some())
            .collect();
        used.sort_unstable();
        used.dedup();
        match used.as_slice() {
            [] => Some((None, None)),
            [one] => Some((Some(*one), None)),
            [one, two] => Some((Some(*one), Some(*two))),
            _ => None,
        }
        .map(|(first, second)| Self { first, second })
    }

    /// The pair with the cases.
    pub fn cases(self) -> Pair {
        let slot = |d: Dimension| d.slot().unwrap_or(1);
        match (self.first, self.second) {
            (Some(a), Some(b)) => Pair(slot(a) * 16 + slot(b)),
            (Some(one), None) => Pair(16 + slot(one)),
            _ => Pair(17),
        }
    }

    /// Where the dimension's values stand among the cases.
    pub fn column(self, dimension: Dimension) -> Option<Column> {
        match (self.first, self.second) {
            (Some(a), Some(_)) if a == dimension => Some(Column::A),
            (_, Some(b)) if b == dimension => Some(Column::B),
            (Some(one), None) if one == dimension => Some(Column::B),
            _ => None,
        }
    }

    /// Whether there are as many groups as two dimensions have together.
    pub fn is_broad(self, in_detail: bool) -> bool {
        self.second.is_some() || (in_detail && self.first.is_some())
    }

    /// The pairs with the times to the answer and to the resolution and with the kinds of promises; the dimension's values
    /// stand in [`Column::A`] there. None with two dimensions.
    pub fn details(self) -> Option<[Pair; 3]> {
        if self.second.is_some() {
            return None;
        }
        let slot = self.first.and_then(Dimension::slot).unwrap_or(1);
        Some([ANSWER_TIME, RESOLVE_TIME, PROMISE].map(|detail| Pair(slot * 16 + detail)))
    }
}

/// The pairs that are kept, for the job that counts.
pub fn kept_pairs() -> Vec<(i16, i16)> {
    let mut pairs = vec![(1, 1)];
    for a in 1..=7 {
        for b in (a + 1)..=RESOLVE_TIME {
            pairs.push((a, b));
        }
    }
    pairs
}

/// The place of the kinds of promises, for the job that counts.
pub const fn promise_slot() -> i16 {
    PROMISE
}

/// The counts of what became of the desk's first decisions (M06), in the words of the view `case_count`: `KEPT`, `REROUTED`,
/// `REGRADED` or `BOTH` in [`Column::B`]. Of every case that was followed from its first decision on, once.
pub const fn desk_pair() -> Pair {
    Pair(16 + DESK)
}

/// Whether a decision of triage for this reason tells something of the one before it (own): the facts were corrected, a signal was
/// recorded or confirmed, or a person raised the grade. What the desk could not know when it accepted the case (its age, others'
/// complaints alike, a new policy) does not.
pub fn tells_of_the_desk(cause: &str) -> bool {
    matches!(cause, "updated" | "signal" | "raised")
}

/// Whether a clock of this kind promises something to somebody, so that keeping it is a merit.
pub fn is_promise(kind: ClockKind) -> bool {
    !matches!(
        kind,
        ClockKind::AgeCheck | ClockKind::HoldEnd | ClockKind::ConfirmSignal
    )
}

/// Whether this news says that the promise was broken: it is past its deadline, or was met after it.
pub fn is_late(state: ClockState, due: jiff::Timestamp, happened: jiff::Timestamp) -> bool {
    match state {
        ClockState::Breached => true,
        ClockState::Met => happened > due,
        ClockState::Running | ClockState::Cancelled => false,
    }
}

/// Upper ends of the scale's steps in minutes; the last step is open. The view `case_count` has the same.
const STEPS_MINUTES: [i64; 16] = [
    5, 15, 30, 60, 120, 240, 480, 1_440, 2_880, 4_320, 7_200, 10_080, 14_400, 21_600, 43_200,
    86_400,
];

/// The number of the first step; 0 ends with the hour.
const STEP_FIRST: i32 = -3;

/// Within which time this share of them was done: linear within a step, the lower end of the open one. None of none.
pub fn quantile(counts: &[(i32, i64)], share: f64) -> Option<SignedDuration> {
    let total: i64 = counts.iter().map(|(_, n)| n).sum();
    if total <= 0 {
        return None;
    }
    let mut sorted = counts.to_vec();
    sorted.sort_unstable();
    let wanted = share * total as f64;
    let mut below = 0;
    for (step, n) in sorted {
        let (reached, inside) = ((below + n) as f64, n as f64);
        if reached >= wanted && n > 0 {
            let end = |step: i32| {
                let i = usize::try_from(step.checked_sub(STEP_FIRST)?).ok()?;
                STEPS_MINUTES.get(i).map(|m| SignedDuration::from_mins(*m))
            };
            let low = end(step - 1).unwrap_or(SignedDuration::ZERO);
            let Some(high) = end(step) else {
                return Some(low);
            };
            let part = ((wanted - (reached - inside)) / inside).clamp(0.0, 1.0);
            let seconds = (high - low).as_secs_f64() * part;
            return Some(low + SignedDuration::from_secs_f64(seconds.round()));
        }
        below += n;
    }
    None
}

/// How a root cause counts that nobody classified: word for word where it is short enough to be said alike again.
pub fn cause_of(root_cause: &str) -> String {
    let words = root_cause.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.chars().count() <= CAUSE_CHARS_MAX {
        words
    } else {
        String::new()
    }
}

/// The longest cause.
pub const CAUSE_CHARS_MAX: usize = 60;

/// Whether a cause comes up more often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trend {
    /// A quarter more often in the later half.
    Rising,
    /// Neither.
    Steady,
    /// A quarter less often.
    Falling,
}

/// The trend of counts by month, oldest first; the middle of an odd number counts for neither half.
pub fn trend(months: &[i64]) -> Trend {
    let half = months.len() / 2;
    let early: i64 = months[..half].iter().sum();
    let late: i64 = months[months.len() - half..].iter().sum();
    if late * 4 >= early * 5 && late > early {
        Trend::Rising
    } else if late * 4 <= early * 3 && late < early {
        Trend::Falling
    } else {
        Trend::Steady
    }
}

/// A month of a calendar, counted from the year 0 as Postgres keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month(pub i32);

impl Month {
    /// The month spelled `2026-05`, of the years 1970 to 9000.
    pub fn parse(text: &str) -> Option<Self> {
        let (year, month) = text.split_once('-')?;
        let is_digits = |t: &str, n| t.len() == n && t.bytes().all(|b| b.is_ascii_digit());
        if !is_digits(year, 4) || !is_digits(month, 2) {
            return None;
        }
        let (year, month): (i32, i32) = (year.parse().ok()?, month.parse().ok()?);
        ((1970..=9000).contains(&year) && (1..=12).contains(&month))
            .then_some(Self(year * 12 + month - 1))
    }

    /// The month of a day.
    pub fn of(day: Date) -> Self {
        Self(i32::from(day.year()) * 12 + i32::from(day.month()) - 1)
    }

    /// The month so many months away.
    #[must_use]
    pub fn plus(self, months: i32) -> Self {
        Self(self.0 + months)
    }
}

/// Months that are counted together at a site: one, a quarter of a year or a year. The column `site_tally.span`, 16 × the
/// first month + how many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub i32);

impl Span {
    /// One month.
    pub fn of(month: Month) -> Self {
        Self::starting(month, 1)
    }

    fn starting(month: Month, months: i32) -> Self {
        Self(month.0 * 16 + months)
    }

    /// The fewest spans whose sum is of these months: of each year its longest spans one after another, or the year less its other
    /// months where those are fewer.
    pub fn covering(from: Month, to: Month) -> Covering {
        let mut all = Covering::default();
        let mut next = from;
        while next <= to {
            let year = Month(next.0 - next.0.rem_euclid(12));
            let december = year.plus(11);
            let last = to.min(december);
            let inside = Self::chain(next, last);
            let mut outside = Self::chain(year, next.plus(-1));
            outside.extend(Self::chain(last.plus(1), december));
            if outside.len() + 1 < inside.len() {
                all.more.push(Self::starting(year, 12));
                all.less.extend(outside);
            } else {
                all.more.extend(inside);
            }
            next = december.plus(1);
        }
        all
    }

    /// The longest spans that lie one after another from the first of these months to the last.
    fn chain(from: Month, to: Month) -> Vec<Self> {
        let mut spans = Vec::new();
        let mut next = from;
        while next <= to {
            let fits = |months: &i32| next.0 % months == 0 && next.plus(months - 1) <= to;
            let months = [12, 3].into_iter().find(fits).unwrap_or(1);
            spans.push(Self::starting(next, months));
            next = next.plus(months);
        }
        spans
    }
}

/// Spans that make up months together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Covering {
    /// What is added.
    pub more: Vec<Span>,
    /// What is taken off again.
    pub less: Vec<Span>,
}

impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:04}-{:02}",
            self.0.div_euclid(12),
            self.0.rem_euclid(12) + 1
        )
    }
}

/// The share that was kept in time; none where no promise came to its end.
pub fn rate(on_time: i64, late: i64) -> Option<f64> {
    let all = on_time + late;
    (all > 0).then(|| on_time as f64 / all as f64)
}

/// The word of a dimension's value as callers give it, checked; none where it can be none of its values.
pub fn is_value(dimension: Dimension, value: &str) -> bool {
    use redress_model::words::{Category, Channel};
    value.is_empty()
        || match dimension {
            Dimension::Site | Dimension::Month => false,
            Dimension::Category => <Category as Word>::parse(value).is_ok(),
            Dimension::Source => <CauseSource as Word>::parse(value).is_ok(),
            Dimension::Channel => <Channel as Word>::parse(value).is_ok(),
            Dimension::Grade => matches!(value, "1" | "2" | "3" | "4"),
            Dimension::Cause | Dimension::Department => !value.contains('\0'),
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_question_of_two_dimensions_has_its_pair_and_three_have_none() {
        let all: Vec<Dimension> = Dimension::ALL.to_vec();
        let kept: Vec<i16> = kept_pairs().iter().map(|(a, b)| a * 16 + b).collect();
        for a in &all {
            for b in &all {
                let plan = Plan::of([*a, *b]).expect("two at most");
                assert!(kept.contains(&plan.cases().0), "{a} {b}");
                for d in [a, b] {
                    assert_eq!(plan.column(*d).is_some(), d.slot().is_some(), "{a} {b}");
                }
            }
            let details = Plan::of([*a]).and_then(Plan::details).expect("one");
            for pair in &details[..2] {
                assert!(kept.contains(&pair.0), "{a}");
            }
        }
        use Dimension::{Category, Channel, Grade};
        assert_eq!(Plan::of([Category, Grade, Channel]), None);
        assert_eq!(Plan::of([Grade, Category]).and_then(Plan::details), None);
    }

    #[test]
    fn a_quantile_lies_within_its_step_and_the_open_step_gives_its_lower_end() {
        let hours = SignedDuration::from_hours;
        let minutes = SignedDuration::from_mins;
        // Ten within half an hour to an hour, ten within two to four hours.
        let counts = [(2, 10), (0, 10)];
        assert_eq!(quantile(&counts, 0.25), Some(minutes(45)));
        assert_eq!(quantile(&counts, 0.5), Some(hours(1)));
        assert_eq!(quantile(&counts, 0.75), Some(hours(3)));
        assert_eq!(quantile(&[(13, 4)], 0.5), Some(hours(1440)));
        assert_eq!(quantile(&[], 0.5), None);
        // What was answered within five minutes was not answered within half an hour.
        assert_eq!(quantile(&[(-3, 4)], 1.0), Some(minutes(5)));
        assert_eq!(quantile(&[(-2, 4)], 0.5), Some(minutes(10)));
    }

    #[test]
    fn m08_a_cause_rises_by_a_quarter_or_not_at_all() {
        assert_eq!(trend(&[1, 1, 9, 2, 1]), Trend::Rising);
        assert_eq!(trend(&[4, 4, 4, 5]), Trend::Steady);
        assert_eq!(trend(&[4, 4, 5, 5]), Trend::Rising);
        assert_eq!(trend(&[4, 4, 3, 3]), Trend::Falling);
        assert_eq!(trend(&[4, 4, 3, 4]), Trend::Steady);
        assert_eq!(trend(&[0, 0, 0, 1]), Trend::Rising);
        assert_eq!(trend(&[3]), Trend::Steady);
    }

    #[test]
    fn months_are_counted_over_the_turn_of_the_year() {
        let january = Month::parse("2026-01").expect("a month");
        assert_eq!(january.plus(-1).to_string(), "2025-12");
        assert_eq!(january.plus(13).to_string(), "2027-02");
        for wrong in [
            "",
            "2026",
            "2026-13",
            "2026-1",
            "26-01",
            "2026-00",
            "2026-01-01",
            "+026-01",
        ] {
            assert_eq!(Month::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn spans_cover_each_month_once_and_a_year_by_six_at_most() {
        let january = Month::parse("2026-01").expect("a month");
        let year = Span(january.0 * 16 + 12);
        let covering = Span::covering(january, january.plus(11));
        assert_eq!((covering.more, covering.less), (vec![year], vec![]));
        let months_of = |span: &Span| {
            let Span(number) = *span;
            (0..number % 16).map(move |n| number / 16 + n)
        };
        for start in 0..24 {
            for months in 1..=60 {
                let (from, to) = (january.plus(start), january.plus(start + months - 1));
                let Covering { more, less } = Span::covering(from, to);
                assert!(months > 12 || more.len() + less.len() <= 6, "{from} {to}");
                let mut covered: Vec<i32> = more.iter().flat_map(months_of).collect();
                for month in less.iter().flat_map(months_of) {
                    let at = covered.iter().position(|m| *m == month);
                    covered.swap_remove(at.expect("taken off what was added"));
                }
                covered.sort_unstable();
                assert_eq!(covered, (from.0..=to.0).collect::<Vec<_>>());
            }
        }
        let none = Span::covering(january.plus(1), january);
        assert_eq!(none, Covering::default());
    }

    #[test]
    fn a_breach_is_late_and_so_is_what_was_met_after_its_deadline() {
        let at = |s| jiff::Timestamp::from_second(s).expect("in range");
        assert!(is_late(ClockState::Breached, at(5), at(5)));
        assert!(is_late(ClockState::Met, at(5), at(6)));
        assert!(!is_late(ClockState::Met, at(5), at(5)));
        assert!(!is_late(ClockState::Running, at(5), at(9)));
        assert!(!is_late(ClockState::Cancelled, at(5), at(9)));
    }

    #[test]
    fn a_short_root_cause_counts_word_for_word() {
        assert_eq!(cause_of("  a loose \n joint "), "a loose joint");
        assert_eq!(cause_of(&"长".repeat(60)), "长".repeat(60));
        assert_eq!(cause_of(&"x".repeat(61)), "");
    }
}
