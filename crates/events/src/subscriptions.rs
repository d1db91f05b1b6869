//! Who is told what. Static: a service's events and their subscribers are part of its release.

use std::collections::BTreeMap;

/// The event types of one service and who subscribes to them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subscriptions(BTreeMap<String, Vec<String>>);

impl Subscriptions {
    /// From pairs of event type and subscribers. A subscriber that a later release adds to a type gets
    /// that type's events from then on; a new subscriber begins with the oldest event still kept.
    pub fn new(pairs: &[(&str, &[&str])]) -> Self {
        let mut types: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (event_type, subscribers) in pairs {
            for subscriber in *subscribers {
                let list = types.entry((*subscriber).to_owned()).or_default();
                if !list.iter().any(|t| t == event_type) {
                    list.push((*event_type).to_owned());
                }
            }
        }
        Self(types)
    }

    /// The subscribers, each with its event types.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0.iter().map(|(s, t)| (s.as_str(), t.as_slice()))
    }

    /// Names of the subscribers.
    pub fn subscribers(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_subscriber_has_its_types_once() {
        let subscriptions = Subscriptions::new(&[
            ("a.v1", &["triage", "crisis"]),
            ("b.v1", &["triage"]),
            ("a.v1", &["triage"]),
        ]);
        let all: Vec<_> = subscriptions.iter().collect();
        assert_eq!(all[0], ("crisis", ["a.v1".to_owned()].as_slice()));
        assert_eq!(
            all[1],
            ("triage", ["a.v1".to_owned(), "b.v1".to_owned()].as_slice())
        );
    }
}
