//! Section `[service]` of the configuration, and the policy that it becomes. An incident keeps a copy of it from its
//! opening on.

use jiff::SignedDuration;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use redress_calendar::Hours;
use redress_clock::Length;
use redress_policy::Briefing;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::cadence::{ByStage, Policy};

/// What config.toml says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    leader_contact: Length,
    holding_statement: Length,
    day_start: String,
    day_end: String,
    briefing_weekday: String,
    briefing_time: Time,
    briefing_notice_hours: u16,
    statement_quorum: u8,
    statement_review: Length,
    holding_review: Length,
    reach_percent: u8,
    default_time_zone: String,
    inside_report: Cadence,
    outward_update: Cadence,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cadence {
    outbreak: Length,
    handling: Length,
    aftermath: Length,
}

/// A setting that cannot be.
#[derive(Debug, thiserror::Error)]
#[error("service.{key} must be {expected}")]
pub struct SettingsError {
    key: &'static str,
    expected: &'static str,
}

impl Settings {
    /// These settings with what another release wrote down: what it had not stays, what is no setting any more is left
    /// out. So an incident outlives the release that opened it.
    ///
    /// # Errors
    /// When a value does not fit.
    pub fn with(&self, written: Value) -> Result<Self, serde_json::Error> {
        let mut settings = serde_json::to_value(self)?;
        lay(&mut settings, written);
        serde_json::from_value(settings)
    }

    /// These settings with the fixed time of a site's weekly briefing; what its policy leaves open stays.
    #[must_use]
    pub fn briefed(mut self, own: &Briefing) -> Self {
        if let Some(weekday) = &own.weekday {
            self.briefing_weekday.clone_from(weekday);
        }
        if let Some(time) = own.time {
            self.briefing_time = time;
        }
        self
    }

    /// The policy that these settings make.
    ///
    /// # Errors
    /// Naming the key that is wrong.
    pub fn policy(&self) -> Result<Policy, SettingsError> {
        Ok(Policy {
            leader_contact: self.leader_contact,
            holding_statement: self.holding_statement,
            inside_report: self.inside_report.by_stage(),
            outward_update: self.outward_update.by_stage(),
            day: self.day()?,
            briefing_weekday: weekday(&self.briefing_weekday)?,
            briefing_time: self.briefing_time,
            briefing_notice: SignedDuration::from_hours(i64::from(self.briefing_notice_hours)),
            statement_quorum: match self.statement_quorum {
                quorum @ 1..=5 => usize::from(quorum),
                _ => {
                    return Err(SettingsError {
                        key: "statement_quorum",
                        expected: "1 to 5",
                    });
                }
            },
            statement_review: self.statement_review,
            holding_review: self.holding_review,
            reach_percent: match self.reach_percent {
                percent @ 1..=100 => percent,
                _ => {
                    return Err(SettingsError {
                        key: "reach_percent",
                        expected: "1 to 100",
                    });
                }
            },
        })
    }

    /// Zone of a site that is not known yet.
    ///
    /// # Errors
    /// When there is no such zone.
    pub fn zone(&self) -> Result<TimeZone, SettingsError> {
        TimeZone::get(&self.default_time_zone).map_err(|_| SettingsError {
            key: "default_time_zone",
            expected: "an IANA zone like Asia/Shanghai",
        })
    }

    fn day(&self) -> Result<Hours, SettingsError> {
        let text = format!("{}-{}", self.day_start, self.day_end);
        let wrong = SettingsError {
            key: "day_start",
            expected: "an hour like 08:00 before day_end",
        };
        let Ok(interval) = text.parse() else {
            return Err(wrong);
        };
        Hours::new(std::array::from_fn(|_| vec![interval]), Vec::new()).map_err(|_| wrong)
    }
}

/// Lays the values of fields that are there over them.
fn lay(over: &mut Value, written: Value) {
    match (over, written) {
        (Value::Object(over), Value::Object(written)) => {
            for (key, value) in written {
                if let Some(field) = over.get_mut(&key) {
                    lay(field, value);
                }
            }
        }
        (over, written) => *over = written,
    }
}

impl Cadence {
    fn by_stage(&self) -> ByStage {
        ByStage {
            outbreak: self.outbreak,
            handling: self.handling,
            aftermath: self.aftermath,
        }
    }
}

fn weekday(text: &str) -> Result<Weekday, SettingsError> {
    match text {
        "MONDAY" => Ok(Weekday::Monday),
        "TUESDAY" => Ok(Weekday::Tuesday),
        "WEDNESDAY" => Ok(Weekday::Wednesday),
        "THURSDAY" => Ok(Weekday::Thursday),
        "FRIDAY" => Ok(Weekday::Friday),
        "SATURDAY" => Ok(Weekday::Saturday),
        "SUNDAY" => Ok(Weekday::Sunday),
        _ => Err(SettingsError {
            key: "briefing_weekday",
            expected: "a day like FRIDAY",
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defaults() -> Settings {
        let file: toml::Table = include_str!("../config.toml").parse().expect("toml");
        file["service"]
            .clone()
            .try_into()
            .expect("every key is known")
    }

    #[test]
    fn the_defaults_are_the_handbooks_values() {
        let policy = defaults().policy().expect("right");
        assert_eq!(policy.leader_contact, Length::hours(2));
        assert_eq!(policy.holding_statement, Length::hours(1));
        assert_eq!(policy.inside_report.outbreak, Length::hours(4));
        assert_eq!(policy.inside_report.handling, Length::hours(24));
        assert_eq!(policy.outward_update.outbreak, Length::hours(8));
        assert_eq!(policy.briefing_weekday, Weekday::Friday);
        assert_eq!(policy.briefing_time, Time::constant(16, 0, 0, 0));
        assert!(defaults().zone().is_ok());
    }

    #[test]
    fn a_wrong_setting_is_named() {
        let wrong = |change: fn(&mut Settings)| {
            let mut settings = defaults();
            change(&mut settings);
            settings
                .policy()
                .map(|_| ())
                .and(settings.zone().map(|_| ()))
                .expect_err("wrong")
                .to_string()
        };
        assert!(wrong(|s| s.briefing_weekday = "Friday".into()).contains("briefing_weekday"));
        assert!(wrong(|s| s.statement_quorum = 0).contains("statement_quorum"));
        assert!(wrong(|s| s.reach_percent = 0).contains("reach_percent"));
        assert!(wrong(|s| s.reach_percent = 101).contains("reach_percent"));
        assert!(wrong(|s| s.day_start = "23:00".into()).contains("day_start"));
        assert!(wrong(|s| s.default_time_zone = "Mars".into()).contains("default_time_zone"));
    }

    #[test]
    fn m01_what_a_site_says_of_its_briefing_comes_before_the_configuration() {
        let briefed = |weekday: Option<&str>, time: Option<Time>| {
            let own = Briefing {
                weekday: weekday.map(str::to_owned),
                time,
            };
            let policy = defaults().briefed(&own).policy().expect("right");
            (policy.briefing_weekday, policy.briefing_time)
        };
        let (four, six) = (Time::constant(16, 0, 0, 0), Time::constant(18, 0, 0, 0));
        assert_eq!(briefed(None, None), (Weekday::Friday, four));
        assert_eq!(briefed(Some("SUNDAY"), None), (Weekday::Sunday, four));
        assert_eq!(briefed(None, Some(six)), (Weekday::Friday, six));
        let wrong = Briefing {
            weekday: Some("SOMEDAY".to_owned()),
            time: None,
        };
        assert!(defaults().briefed(&wrong).policy().is_err());
    }

    #[test]
    fn what_another_release_froze_is_read_by_this_one() {
        let mut written = serde_json::to_value(defaults()).expect("plain");
        written["inside_report"]["outbreak"] = "2 hours".into();
        written["gone_since"] = true.into();
        let table = written.as_object_mut().expect("a table");
        for newer in ["briefing_time", "reach_percent", "statement_review"] {
            table.remove(newer);
        }
        let read = defaults().with(written).expect("fits");
        let policy = read.policy().expect("right");
        assert_eq!(policy.inside_report.outbreak, Length::hours(2));
        assert_eq!(read.briefing_time, defaults().briefing_time);
        assert_eq!(policy.reach_percent, 80);
        assert_eq!(policy.statement_review, Length::hours(4));
    }
}
