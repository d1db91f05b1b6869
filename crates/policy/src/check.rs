//! What a policy must hold beyond its form: values that make sense only together.

use std::str::FromStr as _;

use redress_calendar::{HoursError, Interval};
use redress_clock::Length;
use redress_model::words::ClockKind;
use serde_json::Value;

use crate::document::{LengthRule, Policy, Practice};
use crate::problem::{Problem, Problems};
use crate::schema::check_profile;
use crate::yaml::Source;

/// Promises whose time the law gives as well (section 10): people are freed from a lift, and a court is answered.
const BY_LAW: [ClockKind; 4] = [
    ClockKind::Rescue,
    ClockKind::Defence,
    ClockKind::AppealJudgment,
    ClockKind::AppealRuling,
];

/// Reads and checks a whole profile; its document comes along.
pub(crate) fn read_profile(yaml: &str) -> Result<(Policy, Value), Problems> {
    let source = Source::read(yaml)?;
    check_profile(&source)?;
    let placed = |mut problems: Vec<Problem>| {
        for problem in &mut problems {
            problem.place = source.place(&problem.field);
        }
        Problems(problems)
    };
    let policy = typed(source.value.clone()).map_err(placed)?;
    Ok((policy, source.value))
}

/// The policy of a whole document, checked.
pub(crate) fn typed(document: Value) -> Result<Policy, Vec<Problem>> {
    let policy: Policy = serde_json::from_value(document)
        .map_err(|e| vec![Problem::new("", format!("does not read: {e}"))])?;
    let problems = contradictions(&policy);
    if problems.is_empty() {
        Ok(policy)
    } else {
        Err(problems)
    }
}

/// Values that contradict each other.
fn contradictions(policy: &Policy) -> Vec<Problem> {
    let mut problems = Vec::new();
    lengths(policy, &mut problems);
    thresholds(policy, &mut problems);
    clocks(policy, &mut problems);
    law(policy, &mut problems);
    paging(policy, &mut problems);
    seasons(policy, &mut problems);
    if policy.clusters.join_across < policy.clusters.join {
        let what = "must not be below clusters.join";
        problems.push(Problem::new("clusters.join_across", what));
    }
    hours(policy, &mut problems);
    problems
}

/// Lengths that nobody promises: what is computed from them would lie beyond all calendars.
fn lengths(policy: &Policy, problems: &mut Vec<Problem>) {
    let g = &policy.grading;
    let named = [
        ("grading.age_hotspot", g.age_hotspot),
        ("grading.age_grave", g.age_grave),
        ("grading.age_major", g.age_major),
        ("signals.confirm_within", policy.signals.confirm_within),
        (
            "ladder.acknowledge_within",
            policy.ladder.acknowledge_within,
        ),
        (
            "ladder.acknowledge_within_grade_1",
            policy.ladder.acknowledge_within_grade_1,
        ),
    ];
    let promised = policy.clocks.iter().flat_map(|(kind, rules)| {
        let field = move |i| format!("clocks.{kind}[{i}].length");
        rules
            .iter()
            .enumerate()
            .map(move |(i, rule)| (field(i), rule.length))
    });
    let legal = policy.law.iter();
    let legal = legal.map(|(name, rule)| (format!("law.{name}.length"), rule.length));
    let named = named.map(|(field, length)| (field.to_owned(), length));
    for (field, length) in named.into_iter().chain(promised).chain(legal) {
        if !length.is_promise() {
            problems.push(Problem::new(field, "must be ten years at most"));
        }
    }
}

fn thresholds(policy: &Policy, problems: &mut Vec<Problem>) {
    let g = &policy.grading;
    if g.group >= g.group_major {
        problems.push(Problem::new(
            "grading.group",
            format!(
                "must be below grading.group_major, which is {}",
                g.group_major
            ),
        ));
    }
    if g.amount_major.is_zero() {
        problems.push(Problem::new("grading.amount_major", "must be above 0"));
    }
    let ages = [
        ("grading.age_hotspot", g.age_hotspot),
        ("grading.age_grave", g.age_grave),
        ("grading.age_major", g.age_major),
    ];
    for (field, age) in ages {
        if age.is_working() {
            let what = "must not count working time: an age goes by the calendar";
            problems.push(Problem::new(field, what));
        }
    }
    for pair in ages.windows(2) {
        let [(field, younger), (than, older)] = pair else {
            continue;
        };
        if minutes(*younger) > minutes(*older) {
            let what = format!("must not be longer than {than}, which is {older}");
            problems.push(Problem::new(*field, what));
        }
    }
}

/// Minutes of a length that goes by the calendar, months as 30 days: to compare thresholds.
pub(crate) fn minutes(length: Length) -> u64 {
    const DAY: u64 = 24 * 60;
    match length {
        Length::Minutes(n) | Length::WorkingMinutes(n) => u64::from(n),
        Length::Days(n) | Length::WorkingDays(n) => u64::from(n) * DAY,
        Length::Months(n) => u64::from(n) * 30 * DAY,
    }
}

fn clocks(policy: &Policy, problems: &mut Vec<Problem>) {
    for (kind, rules) in &policy.clocks {
        let field = format!("clocks.{kind}");
        let open = rules.iter().position(LengthRule::is_unconditional);
        match open {
            // The sources ask for no updates on routine cases (section 6).
            None if *kind == ClockKind::InterimUpdate => {}
            None if !rules.is_empty() => problems.push(Problem::new(
                field,
                "needs a last rule without conditions, so that every case has a length",
            )),
            Some(at) if at + 1 < rules.len() => problems.push(Problem::new(
                format!("{field}[{}]", at + 1),
                "is never reached: the rule before it has no conditions",
            )),
            _ => {}
        }
    }
    let shares = &policy.shares;
    if shares.climb_duty >= shares.climb_top {
        problems.push(Problem::new(
            "shares.climb_duty",
            format!(
                "must be below shares.climb_top, which is {}",
                shares.climb_top
            ),
        ));
    }
    for (kind, early) in &shares.warn_early {
        if *early >= shares.warn {
            problems.push(Problem::new(
                format!("shares.warn_early.{kind}"),
                format!("must be below shares.warn, which is {}", shares.warn),
            ));
        }
    }
}

fn law(policy: &Policy, problems: &mut Vec<Problem>) {
    for (field, length, _) in by_law(policy, policy) {
        if length.is_working() {
            let what = "must not count working time: the law waits for nobody's opening";
            problems.push(Problem::new(field, what));
        }
    }
    for kind in BY_LAW {
        if policy.clocks.get(&kind).is_none_or(Vec::is_empty) {
            let what = "must not be empty: the law asks for it";
            problems.push(Problem::new(format!("clocks.{kind}"), what));
        }
    }
    for (reason, rule) in &policy.holds.reasons {
        for (i, kind) in rule.stops.iter().enumerate() {
            if BY_LAW.contains(kind) {
                let field = format!("holds.reasons.{reason}.stops[{i}]");
                let what = format!("must not be {kind}: the time that the law gives runs on");
                problems.push(Problem::new(field, what));
            }
        }
    }
}

/// What a policy says of the times that the law gives: each with its field, and what the profile that is shipped gives there.
fn by_law<'a>(
    shipped: &'a Policy,
    policy: &'a Policy,
) -> impl Iterator<Item = (String, Length, Option<Length>)> + 'a {
    let named = policy.law.iter().map(move |(name, rule)| {
        let given = shipped.law.get(name).map(|rule| rule.length);
        (format!("law.{name}.length"), rule.length, given)
    });
    let promised = BY_LAW.into_iter().flat_map(move |kind| {
        let given = shipped.clocks.get(&kind).and_then(|rules| rules.last());
        let given = given.map(|rule| rule.length);
        let rules = policy.clocks.get(&kind).into_iter().flatten().enumerate();
        rules.map(move |(i, rule)| (format!("clocks.{kind}[{i}].length"), rule.length, given))
    });
    named.chain(promised)
}

/// The policy that levels make of a profile, unless it gives more time, or takes more, than the law allows (section 10).
pub(crate) fn within_the_law(shipped: &Policy, policy: Policy) -> Result<Policy, Vec<Problem>> {
    let times = by_law(shipped, &policy).filter_map(|(field, length, given)| {
        let given = given.filter(|given| minutes(length) > minutes(*given))?;
        let what = format!("must not be longer than the law gives, which is {given}");
        Some(Problem::new(field, what))
    });
    let limits = tightened(&policy.practice)
        .into_iter()
        .zip(tightened(&shipped.practice))
        .filter(|((_, said), (_, given))| said > given)
        .map(|((field, _), (_, given))| {
            Problem::new(
                field,
                format!("must be {given} or less, as section 10 has it"),
            )
        });
    let problems: Vec<Problem> = times.chain(limits).collect();
    if problems.is_empty() {
        Ok(policy)
    } else {
        Err(problems)
    }
}

/// Values of practice that a level may only lower, each with its field (section 10).
fn tightened(practice: &Practice) -> [(&'static str, u32); 3] {
    [
        (
            "practice.police_report_hours",
            u32::from(practice.police_report_hours),
        ),
        (
            "practice.retention_percent_max",
            practice.retention_percent_max,
        ),
        (
            "practice.liability_months_max",
            u32::from(practice.liability_months_max),
        ),
    ]
}

fn seasons(policy: &Policy, problems: &mut Vec<Problem>) {
    let seasons = [
        ("heating", policy.practice.heating),
        ("cooling", policy.practice.cooling),
    ];
    for (name, season) in seasons {
        if season.from == season.to {
            let what = format!("must not be practice.{name}.from: a season lasts longer");
            problems.push(Problem::new(format!("practice.{name}.to"), what));
        }
    }
}

fn paging(policy: &Policy, problems: &mut Vec<Problem>) {
    let waits = [
        ("signals.confirm_within", policy.signals.confirm_within),
        (
            "ladder.acknowledge_within",
            policy.ladder.acknowledge_within,
        ),
        (
            "ladder.acknowledge_within_grade_1",
            policy.ladder.acknowledge_within_grade_1,
        ),
    ];
    for (field, wait) in waits {
        let what = match wait {
            Length::Minutes(minutes) if minutes <= 24 * 60 => continue,
            Length::Minutes(_) => "must be 24 hours at most: nobody else hears of it before",
            _ => "must be minutes or hours round the clock: a page waits for nobody's opening",
        };
        problems.push(Problem::new(field, what));
    }
}

fn hours(policy: &Policy, problems: &mut Vec<Problem>) {
    let time = &policy.working_time;
    let mut read = true;
    for (name, texts) in [("weekdays", &time.weekdays), ("weekends", &time.weekends)] {
        for (i, text) in texts.iter().enumerate() {
            if let Err(error) = Interval::from_str(text) {
                let field = format!("working_time.{name}[{i}]");
                problems.push(Problem::new(field, described(&error)));
                read = false;
            }
        }
    }
    if let Some(error) = read.then(|| time.hours().err()).flatten() {
        problems.push(Problem::new("working_time", described(&error)));
    }
}

fn described(error: &HoursError) -> String {
    format!("makes no sense: {error}")
}
