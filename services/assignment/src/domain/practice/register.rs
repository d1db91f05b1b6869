//! The register of adverse facts and sales promises of a site (M10): what it says never changes, only until when it
//! holds.

use jiff::Timestamp;
use jiff::civil::Date;
use redress_model::words;
use redress_model::words::Category;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Effect, Matter, Refused};

words! {
    /// What an entry is.
    Kind, "REGISTER_KIND_" {
        /// Something against us that buyers have to be told.
        AdverseFact = 1 => "ADVERSE_FACT",
        /// Something that was promised in a sale.
        SalesPromise = 2 => "SALES_PROMISE",
    }
}

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// The fact or the promise.
    pub text: String,
    /// Where it stands.
    pub source: String,
    /// Since when it holds.
    pub from: Date,
    /// Until when, that day included.
    pub to: Option<Date>,
    /// What complaints it touches; none: any.
    pub categories: Vec<Category>,
    /// The units it touches; none: the whole site.
    pub units: Vec<String>,
    /// It is what a show flat shows: a promise that binds unless stated otherwise (section 10).
    #[serde(default)]
    pub show_flat: bool,
    /// Where it is stated that a home may differ from the show flat; empty: the show flat binds.
    #[serde(default)]
    pub stated_otherwise: String,
}

/// What complaints a show flat touches where nobody says it: what was promised, and how it was built.
const OF_A_SHOW_FLAT: [Category; 2] = [Category::EngineeringQuality, Category::SalesManagement];

/// What may happen to an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It is added.
    Added,
    /// It holds until this day.
    Ended(Date),
}

/// The tags of what touches something: it, or anything.
pub fn touching(what: &str, value: &str) -> Vec<String> {
    vec![format!("{what}={value}"), format!("{what}=*")]
}

impl Entry {
    fn ends(&self, field: &'static str, to: Date) -> Result<(), Refused> {
        if to < self.from {
            return Err(Refused::value(field, "must not lie before valid_from"));
        }
        Ok(())
    }
}

impl Matter for Entry {
    const KIND: &'static str = "REGISTER";
    const COLLECTION: &'static str = "registerEntries";
    const TYPE: &'static str = "RegisterEntry";
    type Step = Step;

    fn record(&mut self, _: Uuid, step: &Step, _: Timestamp) -> Result<Vec<Effect>, Refused> {
        match *step {
            Step::Added => {
                if let Some(to) = self.to {
                    self.ends("valid_to", to)?;
                }
                if self.show_flat && self.kind != Kind::SalesPromise {
                    return Err(Refused::value(
                        "show_flat",
                        "must be false unless kind is SALES_PROMISE: a show flat promises what it shows",
                    ));
                }
                if !self.show_flat && !self.stated_otherwise.is_empty() {
                    return Err(Refused::value(
                        "stated_otherwise",
                        "must be empty unless show_flat is set",
                    ));
                }
                if self.show_flat && self.categories.is_empty() {
                    self.categories.extend(OF_A_SHOW_FLAT);
                }
            }
            Step::Ended(to) => {
                if self.to.is_some() {
                    return Err(Refused::State {
                        reason: "REGISTER_ENTRY_ENDED",
                        legal: "it has an end already; add another entry".to_owned(),
                    });
                }
                self.ends("valid_to", to)?;
                self.to = Some(to);
            }
        }
        Ok(Vec::new())
    }

    fn word(step: &Step) -> &'static str {
        match step {
            Step::Added => "ADDED",
            Step::Ended(_) => "ENDED",
        }
    }

    fn is_ended(&self) -> bool {
        self.to.is_some()
    }

    fn tags(&self) -> Vec<String> {
        let each = |what: &str, values: Vec<String>| -> Vec<String> {
            if values.is_empty() {
                vec![format!("{what}=*")]
            } else {
                values.iter().map(|v| format!("{what}={v}")).collect()
            }
        };
        let categories = self.categories.iter().map(Category::to_string).collect();
        let mut tags = vec![format!("kind={}", self.kind)];
        tags.extend(each("category", categories));
        tags.extend(each("unit", self.units.clone()));
        tags
    }

    fn searched(&self) -> String {
        format!("{}\n{}\n{}", self.text, self.source, self.stated_otherwise)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_ends_once_and_never_before_it_begins() {
        let day = |text: &str| text.parse::<Date>().expect("a day");
        let mut entry = Entry {
            kind: Kind::SalesPromise,
            text: "a school next door".to_owned(),
            source: "brochure".to_owned(),
            from: day("2024-01-02"),
            to: None,
            categories: vec![Category::SalesManagement],
            units: Vec::new(),
            show_flat: false,
            stated_otherwise: String::new(),
        };
        let mut end = |on| entry.record(Uuid::nil(), &Step::Ended(on), Timestamp::UNIX_EPOCH);
        assert!(end(day("2024-01-01")).is_err());
        assert!(end(day("2024-01-02")).is_ok());
        assert!(end(day("2024-01-03")).is_err());
        assert_eq!(
            entry.tags(),
            ["kind=SALES_PROMISE", "category=SALES_MANAGEMENT", "unit=*"]
        );
    }

    #[test]
    fn section_10_a_show_flat_is_a_sales_promise_that_touches_sales_and_quality() {
        let mut flat = Entry {
            kind: Kind::SalesPromise,
            text: "oak floors".to_owned(),
            source: "show flat A, photographs of 2 January".to_owned(),
            from: "2024-01-02".parse().expect("a day"),
            to: None,
            categories: Vec::new(),
            units: Vec::new(),
            show_flat: true,
            stated_otherwise: "contract, annex 3".to_owned(),
        };
        let added = |entry: &mut Entry| {
            let refused = entry.record(Uuid::nil(), &Step::Added, Timestamp::UNIX_EPOCH);
            match refused.err() {
                None => "",
                Some(Refused::Value { field, .. }) => field,
                Some(Refused::State { reason, .. }) => reason,
            }
        };
        assert_eq!(added(&mut flat), "");
        assert_eq!(
            flat.tags(),
            [
                "kind=SALES_PROMISE",
                "category=ENGINEERING_QUALITY",
                "category=SALES_MANAGEMENT",
                "unit=*"
            ]
        );
        flat.categories = vec![Category::PlanningDesign];
        assert_eq!(added(&mut flat), "");
        assert_eq!(flat.categories, [Category::PlanningDesign], "as given");

        // An entry of before says nothing of it.
        let mut before = serde_json::to_value(&flat).expect("written");
        let fields = before.as_object_mut().expect("fields");
        for later in ["show_flat", "stated_otherwise"] {
            fields.remove(later);
        }
        let read: Entry = serde_json::from_value(before).expect("read");
        assert!(!read.show_flat);

        flat.kind = Kind::AdverseFact;
        assert_eq!(added(&mut flat), "show_flat");
        flat.show_flat = false;
        assert_eq!(added(&mut flat), "stated_otherwise");
    }
}
