//! What whoever repairs does beside the repair itself (M12): protects what is there, cleans up, and shows the result.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Refused;

/// The items of a repair for which none were named.
pub const SHIPPED: [&str; 4] = [
    "PROTECT_FLOOR_AND_FURNITURE",
    "CLEAN_UP",
    "TAKE_WASTE_AWAY",
    "SHOW_THE_RESULT",
];

/// One item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// What is to be done.
    pub text: String,
    /// Who ticked it, and when; none while it is open.
    pub tick: Option<Tick>,
}

/// That somebody did an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tick {
    /// Who: a token subject.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// The items of a repair. One of an older release has none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checklist(Vec<Item>);

impl Checklist {
    /// Open items with these texts; none given: the shipped ones.
    pub fn of(texts: Vec<String>) -> Self {
        let open = |text: String| Item { text, tick: None };
        if texts.is_empty() {
            return Self(SHIPPED.map(|text| open(text.to_owned())).into());
        }
        Self(texts.into_iter().map(open).collect())
    }

    /// The items, in their order.
    pub fn items(&self) -> &[Item] {
        &self.0
    }

    /// Ticks items by their numbers, from 1. One that somebody ticked before stays theirs.
    ///
    /// # Errors
    /// When there is no such item, or none is given; nothing is ticked then.
    pub fn tick(&mut self, numbers: &[usize], by: &str, at: Timestamp) -> Result<(), Refused> {
        let count = self.0.len();
        if numbers.is_empty() || numbers.iter().any(|n| !(1..=count).contains(n)) {
            let rule = format!("must each be from 1 to {count}");
            return Err(Refused::value("checked.items", rule));
        }
        for number in numbers {
            let by = by.to_owned();
            self.0[number - 1].tick.get_or_insert(Tick { by, at });
        }
        Ok(())
    }

    /// That everything is ticked, or somebody says why not.
    ///
    /// # Errors
    /// What is open.
    pub fn expect_done(&self, reasoned: bool) -> Result<(), Refused> {
        let open: Vec<&str> = self
            .0
            .iter()
            .filter(|item| item.tick.is_none())
            .map(|item| item.text.as_str())
            .collect();
        if open.is_empty() || reasoned {
            return Ok(());
        }
        Err(Refused::State {
            reason: "CHECKLIST_OPEN",
            legal: format!(
                "not ticked: {}; legal now: tick them, or say in `text` why not",
                open.join(", ")
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::at;
    use super::*;

    #[test]
    fn m12_a_repair_is_done_when_every_item_is_ticked_or_somebody_says_why_not() {
        let mut list = Checklist::of(vec!["cover the floor".to_owned(), "clean up".to_owned()]);
        let (first, later) = (at("2026-06-01T00:00:00Z"), at("2026-06-02T00:00:00Z"));
        list.tick(&[1], "li", first).expect("there");
        let open = list.expect_done(false).expect_err("one is open");
        assert!(open.to_string().contains("not ticked: clean up;"), "{open}");
        assert_eq!(list.expect_done(true), Ok(()));
        list.tick(&[1, 2], "wang", later).expect("there");
        assert_eq!(list.expect_done(false), Ok(()));
        let who = |i: usize| list.items()[i].tick.clone().map(|t| (t.by, t.at));
        assert_eq!(who(0), Some(("li".to_owned(), first)), "who did it first");
        assert_eq!(who(1), Some(("wang".to_owned(), later)));
    }

    #[test]
    fn m12_a_repair_without_a_list_of_its_own_has_the_shipped_one_and_an_older_one_none() {
        let mut shipped = Checklist::of(Vec::new());
        assert_eq!(shipped.items().len(), SHIPPED.len());
        for wrong in [0, SHIPPED.len() + 1] {
            let refused = shipped.tick(&[1, wrong], "li", Timestamp::UNIX_EPOCH);
            assert!(refused.is_err(), "{wrong}");
        }
        assert!(shipped.items()[0].tick.is_none(), "all or nothing");
        assert_eq!(Checklist::default().expect_done(false), Ok(()));
    }
}
