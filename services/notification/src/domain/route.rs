//! By which way a message goes: the channel its reader prefers, then the others, through the
//! providers that the operator has.

use serde::{Deserialize, Serialize};

use super::words::{AttemptOutcome, MessageChannel, Provider};

/// How a person can be reached. Personal data: sealed at rest, never logged; hence no `Debug`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContactPoints {
    /// Name to greet the reader with; empty where unknown.
    pub name: String,
    /// Where the person is reached, in the order to try: the preferred one first.
    pub points: Vec<Point>,
}

/// One address on one channel.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// The channel, as a word.
    channel: String,
    /// The number or address.
    address: String,
}

impl ContactPoints {
    /// A person without any address.
    pub fn of(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            points: Vec::new(),
        }
    }

    /// Adds an address behind those there are; an empty one, or a second one of its channel, is left
    /// out.
    pub fn add(&mut self, channel: MessageChannel, address: &str) {
        if !address.is_empty() && self.address(channel).is_empty() {
            self.points.push(Point {
                channel: channel.word().to_owned(),
                address: address.to_owned(),
            });
        }
    }

    /// Moves a channel to the front, as its reader prefers.
    pub fn prefer(&mut self, channel: MessageChannel) {
        self.points.sort_by_key(|p| p.channel != channel.word());
    }

    /// Where to on a channel; empty where the person cannot be reached by it.
    pub fn address(&self, channel: MessageChannel) -> &str {
        self.points
            .iter()
            .find(|p| p.channel == channel.word())
            .map_or("", |p| p.address.as_str())
    }

    fn channels(&self) -> impl Iterator<Item = MessageChannel> + '_ {
        self.points.iter().filter_map(|p| p.channel.parse().ok())
    }
}

/// One way: a channel through a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Way {
    /// The channel.
    pub channel: MessageChannel,
    /// The provider.
    pub provider: Provider,
}

/// Which providers the operator has, and for which channels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Providers {
    /// A mail server: e-mail.
    pub smtp: bool,
    /// Channels that the webhook serves.
    pub webhook: Vec<MessageChannel>,
    /// The local outbox takes whatever nobody else carries.
    pub outbox: bool,
}

impl Providers {
    /// The ways to a person, best first. A mail server carries e-mail before the webhook does. The
    /// outbox comes last, needs no address and stands for the best channel.
    pub fn ways(&self, points: &ContactPoints) -> Vec<Way> {
        let mut ways = Vec::new();
        for channel in points.channels() {
            if self.smtp && channel == MessageChannel::Email {
                ways.push(Way {
                    channel,
                    provider: Provider::Smtp,
                });
            }
            if self.webhook.contains(&channel) {
                ways.push(Way {
                    channel,
                    provider: Provider::Webhook,
                });
            }
        }
        if self.outbox {
            let channel = points.channels().next().unwrap_or(MessageChannel::Sms);
            ways.push(Way {
                channel,
                provider: Provider::Outbox,
            });
        }
        ways
    }
}

/// An attempt that was made on this page of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Past {
    /// By which way.
    pub way: Way,
    /// What became of it.
    pub outcome: AttemptOutcome,
}

/// The first way that is not used up, and how many attempts it has had. A way is used up by one
/// refusal for good, or by `attempts_max` attempts; one whose end is unknown counts as an attempt, so
/// that a message which kills its worker ends too.
pub fn next_way(ways: &[Way], history: &[Past], attempts_max: u32) -> Option<(Way, u32)> {
    ways.iter().find_map(|way| {
        let mut tries = 0u32;
        for past in history.iter().filter(|p| p.way == *way) {
            if past.outcome == AttemptOutcome::Permanent {
                return None;
            }
            tries = tries.saturating_add(1);
        }
        (tries < attempts_max).then_some((*way, tries))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points() -> ContactPoints {
        let mut points = ContactPoints::of("王");
        points.add(MessageChannel::Sms, "+8613800000000");
        points.add(MessageChannel::Email, "wang@example.com");
        points.add(MessageChannel::Email, "second@example.com");
        points.add(MessageChannel::Wechat, "");
        points.prefer(MessageChannel::Email);
        points
    }

    fn everything() -> Providers {
        Providers {
            smtp: true,
            webhook: vec![MessageChannel::Sms, MessageChannel::Wechat],
            outbox: true,
        }
    }

    #[test]
    fn m05_the_preferred_channel_comes_first_and_the_outbox_last() {
        let ways = everything().ways(&points());
        let words: Vec<(&str, &str)> = ways
            .iter()
            .map(|w| (w.channel.word(), w.provider.word()))
            .collect();
        assert_eq!(
            words,
            [("EMAIL", "SMTP"), ("SMS", "WEBHOOK"), ("EMAIL", "OUTBOX")]
        );
    }

    #[test]
    fn a_person_without_an_address_is_reached_by_the_outbox_alone() {
        let ways = everything().ways(&ContactPoints::default());
        assert_eq!(ways.len(), 1);
        assert_eq!(ways[0].provider, Provider::Outbox);
        let mut strict = everything();
        strict.outbox = false;
        assert!(strict.ways(&ContactPoints::default()).is_empty());
        assert_eq!(points().address(MessageChannel::Email), "wang@example.com");
    }

    #[test]
    fn a_way_is_left_after_its_attempts_or_one_refusal_for_good() {
        let ways = everything().ways(&points());
        let past = |way: Way, outcome| Past { way, outcome };
        assert_eq!(next_way(&ways, &[], 2), Some((ways[0], 0)));
        let once = [past(ways[0], AttemptOutcome::Transient)];
        assert_eq!(next_way(&ways, &once, 2), Some((ways[0], 1)));
        let twice = [
            past(ways[0], AttemptOutcome::Transient),
            past(ways[0], AttemptOutcome::Unknown),
        ];
        assert_eq!(next_way(&ways, &twice, 2), Some((ways[1], 0)));
        let refused = [past(ways[0], AttemptOutcome::Permanent)];
        assert_eq!(next_way(&ways, &refused, 2), Some((ways[1], 0)));
        let all: Vec<Past> = ways
            .iter()
            .map(|w| past(*w, AttemptOutcome::Permanent))
            .collect();
        assert_eq!(next_way(&ways, &all, 2), None);
    }
}
