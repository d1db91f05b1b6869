//! How a customer wants to be reached at a site (M05): channels, language, quiet hours, and what the customer
//! does not want to be told.

use jiff::Timestamp;

use super::route::ContactPoints;
use super::timing::Quiet;
use super::words::{MessageChannel, MessageTopic};

/// What a customer said. Empty means: as the case or the site has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preference {
    /// Channels in the order to try.
    pub channels: Vec<MessageChannel>,
    /// BCP 47 tag.
    pub language: String,
    /// IANA zone in which the quiet hours are meant.
    pub time_zone: String,
    /// The customer's own quiet hours.
    pub quiet: Option<Quiet>,
    /// What is not to be told.
    pub refused: Vec<MessageTopic>,
    /// When it last changed.
    pub update_time: Option<Timestamp>,
    /// Rises with every change; 0 while the customer said nothing.
    pub revision: i64,
}

impl Preference {
    /// Puts the channels into the customer's order; the others keep theirs behind them.
    pub fn order(&self, points: &mut ContactPoints) {
        for channel in self.channels.iter().rev() {
            points.prefer(*channel);
        }
    }

    /// Whether the customer does not want to be told this.
    pub fn refuses(&self, topic: Option<MessageTopic>) -> bool {
        topic.is_some_and(|topic| self.refused.contains(&topic))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::route::Providers;

    #[test]
    fn m05_channels_are_tried_in_the_customers_order_and_the_others_after_them() {
        let mut points = ContactPoints::of("王");
        points.add(MessageChannel::Sms, "+8613800000000");
        points.add(MessageChannel::Wechat, "wang");
        points.add(MessageChannel::Email, "wang@example.com");
        let preference = Preference {
            channels: vec![
                MessageChannel::Email,
                MessageChannel::Phone,
                MessageChannel::Wechat,
            ],
            ..Preference::default()
        };
        preference.order(&mut points);
        let providers = Providers {
            smtp: false,
            webhook: MessageChannel::ALL.to_vec(),
            sms: false,
            wecom: false,
            tasks: false,
            app: false,
            outbox: false,
        };
        let order: Vec<&str> = providers
            .ways(&points)
            .iter()
            .map(|w| w.channel.word())
            .collect();
        assert_eq!(order, ["EMAIL", "WECHAT", "SMS"]);
    }

    #[test]
    fn only_what_has_a_topic_can_be_refused() {
        let preference = Preference {
            refused: MessageTopic::ALL.to_vec(),
            ..Preference::default()
        };
        assert!(preference.refuses(Some(MessageTopic::Survey)));
        assert!(!preference.refuses(None));
        assert!(!Preference::default().refuses(Some(MessageTopic::Survey)));
    }
}
