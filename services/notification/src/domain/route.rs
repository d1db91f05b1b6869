//! By which way a message goes: the channel its reader prefers, then the others, through the
//! providers that the operator has.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::words::{AttemptOutcome, Language, MessageChannel, Provider};

/// How a person can be reached. Personal data: sealed at rest, never logged; hence no `Debug`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContactPoints {
    /// Name to greet the reader with; empty where unknown.
    pub name: String,
    /// The name in English; empty where there is none. An older release does not know it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name_en: String,
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
            name_en: String::new(),
            points: Vec::new(),
        }
    }

    /// The name for who reads this language.
    pub fn name_in(&self, language: Language) -> &str {
        language.pick(&self.name, &self.name_en)
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

    /// Whether there is no address at all.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
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
    /// A gateway for text messages.
    pub sms: bool,
    /// The robot of a WeCom group.
    pub wecom: bool,
    /// Somebody calls or writes.
    pub tasks: bool,
    /// Apps and portals subscribe.
    pub app: bool,
    /// The local outbox takes whatever nobody else carries.
    pub outbox: bool,
}

impl Providers {
    /// The ways to a person, best first: the preferred channel's, then the others'. A provider of one
    /// channel carries it before the webhook does. Somebody calls or writes first only where the reader
    /// prefers that, else last: what machines can carry costs nobody's time. The outbox needs no address and
    /// stands for the best channel of machines: a call in vain is not made up for by a note that there was one.
    pub fn ways(&self, points: &ContactPoints) -> Vec<Way> {
        let mut ways = Vec::new();
        let mut by_hand = Vec::new();
        for (place, channel) in points.channels().enumerate() {
            let mut add = |serves: bool, provider| {
                if serves {
                    ways.push(Way { channel, provider });
                }
            };
            add(
                self.smtp && channel == MessageChannel::Email,
                Provider::Smtp,
            );
            add(
                self.sms && channel == MessageChannel::Sms,
                Provider::SmsGateway,
            );
            add(
                self.wecom && channel == MessageChannel::Wecom,
                Provider::Wecom,
            );
            add(self.webhook.contains(&channel), Provider::Webhook);
            add(self.app && channel == MessageChannel::App, Provider::App);
            if self.tasks && channel.is_by_hand() {
                let way = Way {
                    channel,
                    provider: Provider::Task,
                };
                if place == 0 {
                    ways.push(way);
                } else {
                    by_hand.push(way);
                }
            }
        }
        // Whom people alone reach, the outbox reaches no better.
        let machine = points.channels().find(|c| !c.is_by_hand());
        let channel = machine.or_else(|| points.is_empty().then_some(MessageChannel::Sms));
        if let Some(channel) = channel.filter(|_| self.outbox) {
            ways.push(Way {
                channel,
                provider: Provider::Outbox,
            });
        }
        ways.extend(by_hand);
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
/// refusal for good or one that came back, or by `attempts_max` attempts; one whose end is unknown counts as an attempt, so
/// that a message which kills its worker ends too.
pub fn next_way(ways: &[Way], history: &[Past], attempts_max: u32) -> Option<(Way, u32)> {
    ways.iter().find_map(|way| {
        let mut tries = 0u32;
        for past in history.iter().filter(|p| p.way == *way) {
            if matches!(
                past.outcome,
                AttemptOutcome::Permanent | AttemptOutcome::Bounced
            ) {
                return None;
            }
            tries = tries.saturating_add(1);
        }
        (tries < attempts_max).then_some((*way, tries))
    })
}

/// Which way to take now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// This one.
    Go(Way),
    /// None yet: what is left is resting until then.
    Wait(Timestamp),
    /// None ever: all are used up.
    UsedUp,
}

/// Chooses among the ways that are not used up the first that is not shut (`shut` says until when). Where only
/// people are left besides machines that rest, a message that is not `urgent` waits for the machines: an outage
/// of minutes must not become a hundred calls.
pub fn choose(
    ways: &[Way],
    history: &[Past],
    attempts_max: u32,
    urgent: bool,
    shut: impl Fn(Way) -> Option<Timestamp>,
) -> Choice {
    let mut opens: Option<Timestamp> = None;
    for way in ways {
        if next_way(std::slice::from_ref(way), history, attempts_max).is_none() {
            continue;
        }
        match shut(*way) {
            Some(until) => opens = Some(opens.map_or(until, |first| first.min(until))),
            None if way.provider == Provider::Task && !urgent && opens.is_some() => {}
            None => return Choice::Go(*way),
        }
    }
    opens.map_or(Choice::UsedUp, Choice::Wait)
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
            ..Providers::default()
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
        let bounced = [past(ways[0], AttemptOutcome::Bounced)];
        assert_eq!(next_way(&ways, &bounced, 2), Some((ways[1], 0)));
        let all: Vec<Past> = ways
            .iter()
            .map(|w| past(*w, AttemptOutcome::Permanent))
            .collect();
        assert_eq!(next_way(&ways, &all, 2), None);
    }

    fn words(ways: &[Way]) -> Vec<(&'static str, &'static str)> {
        ways.iter()
            .map(|w| (w.channel.word(), w.provider.word()))
            .collect()
    }

    #[test]
    fn m05_somebody_calls_first_only_where_the_reader_prefers_a_call() {
        let mut points = points();
        points.add(MessageChannel::Phone, "+8613800000000");
        let providers = Providers {
            sms: true,
            tasks: true,
            ..Providers::default()
        };
        assert_eq!(
            words(&providers.ways(&points)),
            [("SMS", "SMS_GATEWAY"), ("PHONE", "TASK")]
        );
        points.prefer(MessageChannel::Phone);
        assert_eq!(
            words(&providers.ways(&points)),
            [("PHONE", "TASK"), ("SMS", "SMS_GATEWAY")]
        );
    }

    #[test]
    fn m05_after_a_call_in_vain_the_outbox_stands_for_a_machine_and_for_no_second_call() {
        let providers = Providers {
            tasks: true,
            outbox: true,
            ..Providers::default()
        };
        let mut points = ContactPoints::of("王");
        points.add(MessageChannel::Phone, "+8613800000000");
        points.add(MessageChannel::Sms, "+8613800000000");
        assert_eq!(
            words(&providers.ways(&points)),
            [("PHONE", "TASK"), ("SMS", "OUTBOX")]
        );
        let mut by_letter = ContactPoints::of("王");
        by_letter.add(MessageChannel::Letter, "3栋 1201");
        assert_eq!(words(&providers.ways(&by_letter)), [("LETTER", "TASK")]);
    }

    #[test]
    fn a_resting_provider_is_passed_over_for_another_machine_but_not_for_a_person() {
        let way = |provider| Way {
            channel: MessageChannel::Sms,
            provider,
        };
        let (sms, hook, task) = (
            way(Provider::SmsGateway),
            way(Provider::Webhook),
            way(Provider::Task),
        );
        let later = Timestamp::from_second(30).unwrap();
        let rests = |resting: Vec<Way>| move |w: Way| resting.contains(&w).then_some(later);
        let all = [sms, hook, task];
        assert_eq!(
            choose(&all, &[], 2, false, rests(vec![sms])),
            Choice::Go(hook)
        );
        let machines = vec![sms, hook];
        assert_eq!(
            choose(&all, &[], 2, false, rests(machines.clone())),
            Choice::Wait(later)
        );
        assert_eq!(
            choose(&all, &[], 2, true, rests(machines)),
            Choice::Go(task)
        );
        let refused = [sms, hook].map(|way| Past {
            way,
            outcome: AttemptOutcome::Permanent,
        });
        assert_eq!(
            choose(&all, &refused, 2, false, rests(vec![])),
            Choice::Go(task)
        );
        assert_eq!(
            choose(&[sms, hook], &refused, 2, false, rests(vec![])),
            Choice::UsedUp
        );
    }
}
