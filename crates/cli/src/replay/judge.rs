//! A decision held against the expected one, field by field.

use super::{Incident, Outcome};
use crate::corpus::Expect;

/// How many rows may have another category than expected: it is suggested from words.
pub(crate) const CATEGORY_MISSES_MAX: usize = 4;

/// Notes every difference. Categories are judged over all rows by [`categories`].
pub(crate) fn row(outcome: &mut Outcome, expect: &Expect) {
    let mut differences = Vec::new();
    let mut field = |name: &str, got: String, want: String| {
        if got != want {
            differences.push(format!("{name} is {got}, expected {want}"));
        }
    };
    field("grade", outcome.grade.to_string(), expect.grade.to_string());
    let sorted = |ids: &[String]| {
        let mut ids = ids.to_vec();
        ids.sort();
        ids.join(" ")
    };
    field(
        "criteria",
        sorted(&outcome.criteria),
        sorted(&expect.criteria),
    );
    field(
        "nature",
        outcome.nature.clone().unwrap_or_default(),
        expect.nature.clone(),
    );
    field(
        "urgency",
        outcome.urgency.clone().unwrap_or_default(),
        expect.urgency.clone(),
    );
    let incident = match &outcome.incident {
        Incident::None => false,
        Incident::Would(would) => *would,
        Incident::Open(_) => true,
    };
    field(
        "incident",
        incident.to_string(),
        expect.incident.to_string(),
    );
    outcome.differences.append(&mut differences);
}

/// Notes the categories that differ, once there are more of them than a suggestion may miss.
pub(crate) fn categories(outcomes: &mut [Outcome], expects: &[Option<&Expect>]) {
    let missed: Vec<usize> = outcomes
        .iter()
        .zip(expects)
        .enumerate()
        .filter_map(|(i, (outcome, expect))| {
            let expect = (*expect)?;
            let right = outcome
                .category
                .as_ref()
                .is_some_and(|c| expect.category.contains(c));
            (outcome.error.is_none() && !right).then_some(i)
        })
        .collect();
    if missed.len() > CATEGORY_MISSES_MAX {
        for i in missed {
            if let Some(expect) = expects[i] {
                let got = outcomes[i].category.clone().unwrap_or_default();
                outcomes[i].differences.push(format!(
                    "category is {got}, expected {}",
                    expect.category.join(" or ")
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expect() -> Expect {
        Expect {
            category: vec!["REPAIR_SERVICE".to_owned()],
            grade: 2,
            criteria: vec!["G2.1".to_owned(), "G3.3".to_owned()],
            nature: "IMPORTANT".to_owned(),
            urgency: "WITHIN_A_DAY".to_owned(),
            incident: false,
        }
    }

    fn outcome() -> Outcome {
        Outcome {
            grade: 2,
            criteria: vec!["G3.3".to_owned(), "G2.1".to_owned()],
            nature: Some("IMPORTANT".to_owned()),
            urgency: Some("WITHIN_A_DAY".to_owned()),
            incident: Incident::Would(false),
            category: Some("REPAIR_SERVICE".to_owned()),
            ..Outcome::default()
        }
    }

    #[test]
    fn the_order_of_criteria_does_not_matter_and_every_other_field_does() {
        let mut right = outcome();
        row(&mut right, &expect());
        assert!(right.differences.is_empty());

        let mut wrong = Outcome {
            grade: 1,
            criteria: vec!["G1.3".to_owned()],
            nature: None,
            urgency: Some("IMMEDIATE".to_owned()),
            incident: Incident::Would(true),
            ..outcome()
        };
        row(&mut wrong, &expect());
        assert_eq!(wrong.differences.len(), 5, "{:?}", wrong.differences);
    }

    #[test]
    fn four_categories_may_miss_and_five_may_not() {
        let expect = expect();
        for (misses, noted) in [(4, 0), (5, 5)] {
            let mut outcomes: Vec<Outcome> = (0..10)
                .map(|i| Outcome {
                    category: Some(
                        if i < misses {
                            "SALES_MANAGEMENT"
                        } else {
                            "REPAIR_SERVICE"
                        }
                        .to_owned(),
                    ),
                    ..outcome()
                })
                .collect();
            let expects = vec![Some(&expect); 10];
            categories(&mut outcomes, &expects);
            let count = outcomes
                .iter()
                .filter(|o| !o.differences.is_empty())
                .count();
            assert_eq!(count, noted);
        }
    }
}
