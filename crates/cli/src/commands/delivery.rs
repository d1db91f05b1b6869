//! `redress delivery` and `redress preference`: when and how people are reached.

use clap::Subcommand;
use redress_proto::notification::v1::{
    DeliveryPolicy, GetDeliveryPolicyRequest, GetPreferenceRequest, MessageChannel, MessageTopic,
    Preference, UpdateDeliveryPolicyRequest, UpdatePreferenceRequest,
};

use super::choice;
use crate::connect::{Platform, parent, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, heading, line, when};

/// Subcommands of `delivery`.
#[derive(Debug, Subcommand)]
pub(crate) enum DeliveryCommand {
    /// Show quiet hours and rates of a site.
    #[command(after_help = "Example:\n  redress delivery show --site lakeside")]
    Show {
        /// The site.
        #[arg(long)]
        site: String,
    },
    /// Change quiet hours and rates of a site; what is not given stays.
    #[command(
        after_help = "Examples:\n  redress delivery set --site lakeside --quiet 22:00-07:30\n  redress delivery set --site lakeside --customer-burst 5 --customer-per-hour 10"
    )]
    Set {
        /// The site.
        #[arg(long)]
        site: String,
        /// When customers are left alone, `HH:MM-HH:MM` on their clock; both the same: never.
        #[arg(long, value_name = "FROM-TO")]
        quiet: Option<String>,
        /// How many messages a customer gets at once.
        #[arg(long)]
        customer_burst: Option<i32>,
        /// How many an hour afterwards.
        #[arg(long)]
        customer_per_hour: Option<i32>,
        /// How many messages a member of staff gets at once.
        #[arg(long)]
        staff_burst: Option<i32>,
        /// How many an hour afterwards.
        #[arg(long)]
        staff_per_hour: Option<i32>,
    },
}

/// Subcommands of `preference`.
#[derive(Debug, Subcommand)]
pub(crate) enum PreferenceCommand {
    /// Show how a customer wants to be reached.
    #[command(after_help = "Example:\n  redress preference show sites/lakeside/preferences/TOKEN")]
    Show {
        /// The preference, `sites/{site}/preferences/{person}`.
        name: String,
    },
    /// Change how a customer wants to be reached; what is not given stays.
    #[command(
        after_help = "Examples:\n  redress preference set sites/lakeside/preferences/TOKEN --channel email --channel sms\n  redress preference set sites/lakeside/preferences/TOKEN --refuse survey --quiet 20:00-09:00 --zone Asia/Urumqi"
    )]
    Set {
        /// The preference, `sites/{site}/preferences/{person}`.
        name: String,
        /// Channel to try, in this order; may be given several times.
        #[arg(long = "channel", value_name = "CHANNEL")]
        channels: Vec<String>,
        /// Language, for example `zh-CN` or `en`.
        #[arg(long)]
        language: Option<String>,
        /// When not to be disturbed, `HH:MM-HH:MM`; `site` for the site's hours.
        #[arg(long, value_name = "FROM-TO")]
        quiet: Option<String>,
        /// Zone in which these hours are meant, for example `Asia/Shanghai`.
        #[arg(long)]
        zone: Option<String>,
        /// What not to be told: `survey`, `progress` or `notice`; `nothing` takes it back.
        #[arg(long = "refuse", value_name = "TOPIC")]
        refuse: Vec<String>,
    },
}

/// Runs a subcommand of `delivery`.
pub(crate) async fn run(
    platform: &Platform,
    command: DeliveryCommand,
    out: Output,
) -> Result<(), Failure> {
    let policy = match command {
        DeliveryCommand::Show { site } => policy(platform, &site).await?,
        DeliveryCommand::Set {
            site,
            quiet,
            customer_burst,
            customer_per_hour,
            staff_burst,
            staff_per_hour,
        } => {
            let was = policy(platform, &site).await?;
            let (quiet_start, quiet_end) =
                hours(quiet.as_deref(), (was.quiet_start, was.quiet_end))?;
            let wanted = DeliveryPolicy {
                quiet_start,
                quiet_end,
                customer_burst: customer_burst.unwrap_or(was.customer_burst),
                customer_per_hour: customer_per_hour.unwrap_or(was.customer_per_hour),
                staff_burst: staff_burst.unwrap_or(was.staff_burst),
                staff_per_hour: staff_per_hour.unwrap_or(was.staff_per_hour),
                name: was.name,
                etag: was.etag,
            };
            let update = UpdateDeliveryPolicyRequest {
                delivery_policy: Some(wanted),
                request_id: request_id(),
            };
            let answer = platform
                .delivery()
                .update_delivery_policy(request(update))
                .await?;
            answer.into_inner().delivery_policy.unwrap_or_default()
        }
    };
    out.one(
        || json::of("notification.v1.DeliveryPolicy", &policy),
        || {
            heading("Delivery");
            line(
                "quiet",
                format!("{} to {}", policy.quiet_start, policy.quiet_end),
            );
            line(
                "customer",
                format!(
                    "{} at once, {} an hour",
                    policy.customer_burst, policy.customer_per_hour
                ),
            );
            line(
                "staff",
                format!(
                    "{} at once, {} an hour",
                    policy.staff_burst, policy.staff_per_hour
                ),
            );
        },
    );
    Ok(())
}

async fn policy(platform: &Platform, site: &str) -> Result<DeliveryPolicy, Failure> {
    let get = GetDeliveryPolicyRequest {
        name: format!("{}/deliveryPolicy", parent(Some(site))),
    };
    let answer = platform
        .delivery()
        .get_delivery_policy(request(get))
        .await?;
    Ok(answer.into_inner().delivery_policy.unwrap_or_default())
}

/// Runs a subcommand of `preference`.
pub(crate) async fn run_preference(
    platform: &Platform,
    command: PreferenceCommand,
    out: Output,
) -> Result<(), Failure> {
    let preference = match command {
        PreferenceCommand::Show { name } => preference(platform, name).await?,
        PreferenceCommand::Set {
            name,
            channels,
            language,
            quiet,
            zone,
            refuse,
        } => {
            let was = preference(platform, name).await?;
            let (quiet_start, quiet_end) = match quiet.as_deref() {
                Some("site") => Default::default(),
                quiet => hours(quiet, (was.quiet_start, was.quiet_end))?,
            };
            let mut refused_topics = Vec::new();
            for topic in refuse.iter().filter(|t| *t != "nothing") {
                let name = MessageTopic::as_str_name;
                refused_topics.push(choice("refuse", "MESSAGE_TOPIC_", topic, name)?);
            }
            let mut order = Vec::new();
            for channel in &channels {
                let name = MessageChannel::as_str_name;
                order.push(choice("channel", "MESSAGE_CHANNEL_", channel, name)?);
            }
            let update = UpdatePreferenceRequest {
                preference: Some(Preference {
                    channels: if channels.is_empty() {
                        was.channels
                    } else {
                        order
                    },
                    language: language.unwrap_or(was.language),
                    time_zone: zone.unwrap_or(was.time_zone),
                    quiet_start,
                    quiet_end,
                    refused_topics: if refuse.is_empty() {
                        was.refused_topics
                    } else {
                        refused_topics
                    },
                    name: was.name,
                    etag: was.etag,
                    update_time: None,
                }),
                request_id: request_id(),
            };
            let answer = platform
                .delivery()
                .update_preference(request(update))
                .await?;
            answer.into_inner().preference.unwrap_or_default()
        }
    };
    out.one(
        || json::of("notification.v1.Preference", &preference),
        || show(&preference),
    );
    Ok(())
}

async fn preference(platform: &Platform, name: String) -> Result<Preference, Failure> {
    let answer = platform
        .delivery()
        .get_preference(request(GetPreferenceRequest { name }))
        .await?;
    Ok(answer.into_inner().preference.unwrap_or_default())
}

fn show(preference: &Preference) {
    let words = |words: Vec<&str>, prefix: &str| match words.len() {
        0 => "–".to_owned(),
        _ => words.join(", ").replace(prefix, ""),
    };
    let or_site = |text: &str| if text.is_empty() { "the site's" } else { text }.to_owned();
    heading("Preference");
    line("name", &preference.name);
    let channels = preference.channels().map(|c| c.as_str_name()).collect();
    line("channels", words(channels, "MESSAGE_CHANNEL_"));
    line("language", or_site(&preference.language));
    let quiet = match preference.quiet_start.as_str() {
        "" => or_site(""),
        start => format!("{start} to {}", preference.quiet_end),
    };
    line("quiet", quiet);
    line("zone", or_site(&preference.time_zone));
    let refused = preference
        .refused_topics()
        .map(|t| t.as_str_name())
        .collect();
    line("refused", words(refused, "MESSAGE_TOPIC_"));
    line("changed", when(preference.update_time.as_ref()));
}

/// Both ends of `HH:MM-HH:MM`, or what was before; the service knows what is right.
fn hours(text: Option<&str>, was: (String, String)) -> Result<(String, String), Failure> {
    let Some(text) = text else { return Ok(was) };
    let (start, end) = text
        .split_once('-')
        .ok_or_else(|| wrong("quiet", "must look like 21:00-08:00"))?;
    Ok((start.trim().to_owned(), end.trim().to_owned()))
}

fn wrong(argument: &'static str, reason: &str) -> Failure {
    Failure::Argument {
        argument,
        reason: reason.to_owned(),
    }
}
