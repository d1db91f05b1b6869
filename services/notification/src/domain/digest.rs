//! What a digest says: how many of which kind, and the most urgent ones by name.

use uuid::Uuid;

use super::message::Facts;
use super::words::Template;

/// How many matters a digest names; the rest is counted.
pub const NAMED_MAX: usize = 10;

/// A message that a digest tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What is said.
    pub template: Template,
    /// About which clock.
    pub clock: Option<Uuid>,
    /// What the text needs.
    pub facts: Facts,
}

/// A digest, ready to be written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Digest {
    /// Promises that warn.
    pub warned: usize,
    /// Promises that were broken.
    pub breached: usize,
    /// Promises that climbed to this reader.
    pub climbed: usize,
    /// Promises about which the reader was paged before.
    pub paged_again: usize,
    /// Cases that the company centre took over, entries of the ledger, and orders that were not done in time (M17, M13).
    pub noticed: usize,
    /// Cases that are offered to this reader.
    pub offered: usize,
    /// The most urgent, in order.
    pub named: Vec<Facts>,
    /// How many more there are.
    pub more: usize,
}

impl Digest {
    /// The digest of these. A promise counts once, by the gravest that is said of it.
    pub fn of(mut items: Vec<Item>) -> Self {
        items.sort_by_key(|item| (item.clock, gravity(item.template)));
        items.dedup_by(|later, first| later.clock.is_some() && later.clock == first.clock);
        items.sort_by(|a, b| urgency(a).cmp(&urgency(b)));
        let count = |template| items.iter().filter(|i| i.template == template).count();
        Self {
            warned: count(Template::ClockWarned),
            breached: count(Template::ClockBreached),
            climbed: count(Template::ClockClimbed),
            paged_again: count(Template::ClockPagedAgain),
            noticed: count(Template::WorkNoticed),
            offered: count(Template::CaseAssigned),
            more: items.len().saturating_sub(NAMED_MAX),
            named: items
                .into_iter()
                .take(NAMED_MAX)
                .map(|item| item.facts)
                .collect(),
        }
    }

    /// How many matters it tells.
    pub fn total(&self) -> usize {
        self.named.len() + self.more
    }
}

/// What is gravest comes first.
fn gravity(template: Template) -> u8 {
    match template {
        Template::ClockClimbed => 0,
        Template::ClockPagedAgain => 1,
        Template::ClockBreached => 2,
        // Nothing is late of it.
        Template::CaseAssigned => 4,
        _ => 3,
    }
}

fn urgency(item: &Item) -> (bool, i32, u8, Option<jiff::Timestamp>, &str) {
    let facts = &item.facts;
    (
        // What is of no case has no grade, and comes last.
        facts.is_of_no_case(),
        facts.grade,
        gravity(item.template),
        facts.due_time,
        &facts.number,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::{SignedDuration, Timestamp};

    fn item(template: Template, clock: u128, grade: i32, due: i64) -> Item {
        Item {
            template,
            clock: Some(Uuid::from_u128(clock)),
            facts: Facts {
                number: format!("LAKE-{clock}"),
                grade,
                due_time: Some(Timestamp::UNIX_EPOCH + SignedDuration::from_secs(due)),
                ..Facts::default()
            },
        }
    }

    #[test]
    fn p22_the_gravest_and_longest_overdue_come_first_and_each_promise_once() {
        let digest = Digest::of(vec![
            item(Template::ClockWarned, 1, 2, 10),
            item(Template::ClockBreached, 1, 2, 10),
            item(Template::ClockBreached, 2, 4, 1),
            item(Template::ClockBreached, 3, 2, 5),
            item(Template::ClockClimbed, 4, 3, 9),
            item(Template::ClockWarned, 5, 3, 99),
            Item {
                clock: None,
                ..item(Template::CaseAssigned, 6, 3, 0)
            },
            Item {
                template: Template::WorkNoticed,
                clock: None,
                facts: Facts {
                    news: "LEDGER_BOOKED".to_owned(),
                    ..Facts::default()
                },
            },
        ]);
        let named: Vec<&str> = digest.named.iter().map(|f| f.number.as_str()).collect();
        assert_eq!(
            named,
            [
                "LAKE-3", "LAKE-1", "LAKE-4", "LAKE-5", "LAKE-6", "LAKE-2", ""
            ]
        );
        assert_eq!(
            (digest.warned, digest.breached, digest.climbed, digest.more),
            (1, 3, 1, 0)
        );
        assert_eq!((digest.offered, digest.noticed, digest.total()), (1, 1, 7));
    }

    #[test]
    fn ten_are_named_and_the_rest_is_counted() {
        let many = (0..5_000)
            .map(|n| item(Template::ClockBreached, n, 3, 0))
            .collect();
        let digest = Digest::of(many);
        assert_eq!(
            (digest.named.len(), digest.more, digest.total()),
            (10, 4_990, 5_000)
        );
    }
}
