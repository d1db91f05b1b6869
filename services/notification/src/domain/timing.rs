//! When a message may be sent: quiet hours of customers, duty of staff, rates of both (domain.md section 8,
//! P07). Asked in one place, by the sender, once a message's time has come.
//!
//! Whatever calls somebody out, tells staff of grade 1 or an incident, warns of a danger or says what the company says on an
//! incident passes at once. Customers are also told at any hour that we have what they have just sent, and what their case of
//! grade 1 comes to, though no more at once than anybody. What would be of no use after the wait does not wait: a reply that the
//! law asks for by then, an appointment before then. Everything else waits; nothing is dropped here.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::message::Priority;
use super::voice::Category;
use super::words::Template;

/// Hours of the day in which nobody is disturbed, from `start` until before `end` on the reader's clock; they
/// may span midnight. None where both are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quiet {
    /// First quiet moment.
    pub start: Time,
    /// First moment that is not quiet any more.
    pub end: Time,
}

impl Quiet {
    /// Reads both ends as `HH:MM`.
    pub fn parse(start: &str, end: &str) -> Result<Self, jiff::Error> {
        let time = |text: &str| Time::strptime("%H:%M", text);
        Ok(Self {
            start: time(start)?,
            end: time(end)?,
        })
    }

    /// Whether no hour is quiet.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// Both ends as `HH:MM`.
    pub fn texts(self) -> (String, String) {
        let text = |time: Time| time.strftime("%H:%M").to_string();
        (text(self.start), text(self.end))
    }

    /// What holds where nobody said otherwise: 21:00 to 08:00 (own).
    pub const DEFAULT: Self = Self {
        start: Time::constant(21, 0, 0, 0),
        end: Time::constant(8, 0, 0, 0),
    };

    fn covers(self, time: Time) -> bool {
        if self.start <= self.end {
            self.start <= time && time < self.end
        } else {
            self.start <= time || time < self.end
        }
    }

    /// The first instant from `now` on that is not quiet in this zone.
    ///
    /// The wall clock decides, also on days when it is changed: where it jumps over the opening the jump opens,
    /// and where the opening comes twice the first one opens, unless quiet has fallen again since.
    pub fn opening(self, zone: &TimeZone, now: Timestamp) -> Timestamp {
        let local = now.to_zoned(zone.clone());
        if !self.covers(local.time()) {
            return now;
        }
        let wall = if local.time() < self.end {
            local.date()
        } else {
            local.date().tomorrow().unwrap_or(local.date())
        }
        .to_datetime(self.end);
        let ambiguous = zone.to_ambiguous_timestamp(wall);
        let (Ok(earlier), Ok(later)) = (ambiguous.earlier(), ambiguous.later()) else {
            return now;
        };
        let changes = zone.following(now).map(|change| change.timestamp());
        [earlier, later]
            .into_iter()
            .chain(changes.take_while(|change| *change <= later))
            .filter(|t| *t > now && !self.covers(t.to_zoned(zone.clone()).time()))
            .min()
            .unwrap_or(now)
    }
}

/// A stretch of duty; open at the end where nobody knows when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duty {
    /// From this instant on.
    pub start: Timestamp,
    /// Until before this instant.
    pub end: Option<Timestamp>,
}

/// What is known of when somebody is at work.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hours {
    /// Known stretches of duty; empty for a customer and for staff whose hours are not published.
    pub duties: Vec<Duty>,
    /// The roster names the person, whether or not it has a stretch within the days that are told.
    pub rostered: bool,
}

/// When a roster that shows no duty of somebody on it is read again: it is told anew so often.
const ASK_AGAIN: SignedDuration = SignedDuration::from_hours(24);

impl Hours {
    /// When to ask whether the person is at work: now, when the next stretch begins, or, where it lies beyond the days that
    /// are told, when these have moved on. Now as well where nobody knows of any: rather a reminder too many than one
    /// that nobody ever gets.
    fn at_work(&self, now: Timestamp) -> Timestamp {
        let on = |d: &Duty| d.start <= now && d.end.is_none_or(|end| now < end);
        if self.duties.iter().any(on) {
            return now;
        }
        let starts = self.duties.iter().map(|d| d.start);
        let next = starts.filter(|start| *start > now).min();
        match next {
            Some(next) => next,
            None if self.rostered => now.saturating_add(ASK_AGAIN).unwrap_or(now),
            None => now,
        }
    }
}

/// How many messages one reader gets: `burst` at once, then `per_hour`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// At once, 1 or more.
    pub burst: i32,
    /// Afterwards, 1 or more.
    pub per_hour: i32,
}

/// A reader's token bucket as it was at an instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// How many messages may go at once.
    pub tokens: f64,
    /// When that was so.
    pub time: Timestamp,
}

impl Rate {
    /// Takes one message out of a bucket; a reader without one has a full one. Else says when there will be one.
    fn draw(self, bucket: Option<Bucket>, now: Timestamp) -> Result<Bucket, Timestamp> {
        let burst = f64::from(self.burst.max(1));
        let per_second = f64::from(self.per_hour.max(1)) / 3600.0;
        let tokens = bucket.map_or(burst, |b| {
            let passed = now.duration_since(b.time).as_secs_f64().max(0.0);
            (b.tokens + passed * per_second).min(burst)
        });
        // What arithmetic rounds away is no reason to wait.
        if tokens >= 1.0 - 1e-6 {
            return Ok(Bucket {
                tokens: (tokens - 1.0).max(0.0),
                time: now,
            });
        }
        let wait = SignedDuration::try_from_secs_f64((1.0 - tokens) / per_second)
            .unwrap_or(SignedDuration::from_hours(1));
        Err(now
            .saturating_add(wait.max(SignedDuration::from_secs(1)))
            .unwrap_or(Timestamp::MAX))
    }
}

/// A message whose time has come, and its reader.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    /// What is said.
    pub template: Template,
    /// What it is.
    pub category: Category,
    /// Its case is grade 1 now.
    pub is_of_grade_1: bool,
    /// After this it would be too late; none where it is never.
    pub needed_by: Option<Timestamp>,
    /// How grave it is, as Postgres orders it.
    pub priority: i16,
    /// Tells nothing but warnings: a warning, or a digest of warnings alone.
    pub reminder: bool,
    /// Quiet hours and the zone they are meant in; none for staff.
    pub quiet: Option<(Quiet, &'a TimeZone)>,
    /// When the reader is at work.
    pub hours: &'a Hours,
    /// The reader's rate.
    pub rate: Rate,
    /// The reader's bucket; none where nothing was sent yet.
    pub bucket: Option<Bucket>,
    /// It was counted before: a retry, or a worker that died.
    pub counted: bool,
}

/// When it may go.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum When {
    /// Now; the bucket to keep, where it counts.
    Now(Option<Bucket>),
    /// Not before.
    Later {
        /// When to ask again.
        due: Timestamp,
        /// Why, UPPER_SNAKE.
        reason: &'static str,
    },
}

/// Why a message waits: the customer's quiet hours.
pub const QUIET_HOURS: &str = "QUIET_HOURS";
/// Why a message waits: the reader is not at work.
pub const OFF_DUTY: &str = "OFF_DUTY";
/// Why a message waits: the reader got enough lately.
pub const RATE_LIMITED: &str = "RATE_LIMITED";

/// Whether a message waits for nobody's hours and nobody's turn: grade 1 and incidents of staff, dangers, statements.
fn passes(asked: &Asked<'_>) -> bool {
    asked.priority <= Priority::Grave.number()
        || matches!(asked.category, Category::Safety | Category::Statement)
}

/// Whether a customer is told it at any hour: it answers what they have just done, or their case is grade 1. What they may refuse
/// to hear at all wakes nobody.
fn passes_the_night(asked: &Asked<'_>) -> bool {
    asked.category == Category::Receipt || (asked.is_of_grade_1 && asked.template.topic().is_none())
}

/// Decides.
pub fn when(asked: &Asked<'_>, now: Timestamp) -> When {
    match in_turn(asked, now) {
        When::Later { due, .. } if asked.needed_by.is_some_and(|by| by <= due) => When::Now(None),
        when => when,
    }
}

/// The same where nothing is too late.
fn in_turn(asked: &Asked<'_>, now: Timestamp) -> When {
    if passes(asked) {
        return When::Now(None);
    }
    if let Some((quiet, zone)) = asked.quiet
        && !passes_the_night(asked)
    {
        let due = quiet.opening(zone, now);
        if due > now {
            return When::Later {
                due,
                reason: QUIET_HOURS,
            };
        }
    }
    if asked.reminder {
        let due = asked.hours.at_work(now);
        if due > now {
            return When::Later {
                due,
                reason: OFF_DUTY,
            };
        }
    }
    // A digest is what is left of a flood: its window bounds how many there are, and what is broken must not wait behind
    // whatever else the reader is told (P22).
    if asked.counted || asked.template == Template::ClockDigest {
        return When::Now(None);
    }
    match asked.rate.draw(asked.bucket, now) {
        Ok(bucket) => When::Now(Some(bucket)),
        Err(due) => When::Later {
            due,
            reason: RATE_LIMITED,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::words::SaidPurpose;
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    const RATE: Rate = Rate {
        burst: 2,
        per_hour: 60,
    };

    static UNKNOWN: Hours = Hours {
        duties: Vec::new(),
        rostered: false,
    };

    fn asked(template: Template, priority: i16) -> Asked<'static> {
        Asked {
            template,
            category: Category::of(template, SaidPurpose::Ordinary),
            is_of_grade_1: false,
            needed_by: None,
            priority,
            reminder: false,
            quiet: None,
            hours: &UNKNOWN,
            rate: RATE,
            bucket: None,
            counted: true,
        }
    }

    #[test]
    fn p07_quiet_hours_hold_until_the_next_opening_on_the_readers_clock() {
        let shanghai = zone("Asia/Shanghai");
        let opens = |now: &str| Quiet::DEFAULT.opening(&shanghai, at(now)).to_string();
        // 20:59, 21:00, midnight and a bit, 07:59:59, 08:00.
        assert_eq!(opens("2026-11-21T12:59:00Z"), "2026-11-21T12:59:00Z");
        assert_eq!(opens("2026-11-21T13:00:00Z"), "2026-11-22T00:00:00Z");
        assert_eq!(opens("2026-11-21T16:10:00Z"), "2026-11-22T00:00:00Z");
        assert_eq!(opens("2026-11-21T23:59:59Z"), "2026-11-22T00:00:00Z");
        assert_eq!(opens("2026-11-22T00:00:00Z"), "2026-11-22T00:00:00Z");
    }

    #[test]
    fn p07_quiet_hours_follow_the_wall_clock_when_it_is_changed() {
        let berlin = zone("Europe/Berlin");
        // The night in which the clock goes forward is an hour shorter, the other one an hour longer.
        let spring = Quiet::DEFAULT.opening(&berlin, at("2026-03-28T20:00:00Z"));
        assert_eq!(spring, at("2026-03-29T06:00:00Z"));
        let autumn = Quiet::DEFAULT.opening(&berlin, at("2026-10-24T19:00:00Z"));
        assert_eq!(autumn, at("2026-10-25T07:00:00Z"));
        // 02:30 does not exist that night: the jump to 03:00 opens.
        let gap = Quiet {
            start: Time::constant(22, 0, 0, 0),
            end: Time::constant(2, 30, 0, 0),
        };
        let opened = gap.opening(&berlin, at("2026-03-28T22:00:00Z"));
        assert_eq!(opened, at("2026-03-29T01:00:00Z"));
        // 02:30 comes twice: the first one opens; between 02:00 and 02:30 it is quiet once more.
        assert_eq!(
            gap.opening(&berlin, at("2026-10-24T23:00:00Z")),
            at("2026-10-25T00:30:00Z")
        );
        assert_eq!(
            gap.opening(&berlin, at("2026-10-25T01:10:00Z")),
            at("2026-10-25T01:30:00Z")
        );
    }

    proptest! {
        /// P07: in any zone, on any day: what is let through is never quiet, and nothing waits longer than it must.
        #[test]
        fn p07_a_message_is_held_exactly_as_long_as_it_is_quiet(
            name in prop::sample::select(vec!["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"]),
            minutes in 0i64..(366 * 24 * 60), start in 0i8..24, end in 0i8..24, half: bool,
        ) {
            let zone = zone(name);
            let now = at("2026-01-01T00:00:00Z") + SignedDuration::from_mins(minutes);
            let quiet = Quiet { start: Time::constant(start, 0, 0, 0), end: Time::constant(end, if half { 30 } else { 0 }, 0, 0) };
            let opened = quiet.opening(&zone, now);
            let covers = |t: Timestamp| quiet.covers(t.to_zoned(zone.clone()).time());
            prop_assert!(opened >= now);
            prop_assert!(!covers(opened), "{opened} is quiet");
            let mut t = now;
            while t < opened {
                prop_assert!(covers(t), "{t} was open");
                t += SignedDuration::from_mins(1);
            }
        }
    }

    #[test]
    fn grade_1_dangers_and_receipts_pass_quiet_hours_and_everything_else_waits() {
        let shanghai = zone("Asia/Shanghai");
        let night = at("2026-11-21T18:00:00Z");
        let decide = |template, priority| {
            let ask = Asked {
                quiet: Some((Quiet::DEFAULT, &shanghai)),
                ..asked(template, priority)
            };
            when(&ask, night)
        };
        assert_eq!(decide(Template::IncidentCallout, 0), When::Now(None));
        assert_eq!(decide(Template::CaseReceived, 3), When::Now(None));
        assert_eq!(decide(Template::ClockWarned, 1), When::Now(None));
        let held = When::Later {
            due: at("2026-11-22T00:00:00Z"),
            reason: QUIET_HOURS,
        };
        assert_eq!(decide(Template::CaseAssigned, 3), held);
    }

    #[test]
    fn p07_section_8_dangers_statements_and_what_would_be_too_late_pass_the_night_and_every_limit()
    {
        let shanghai = zone("Asia/Shanghai");
        let (night, morning) = (at("2026-11-21T18:00:00Z"), at("2026-11-22T00:00:00Z"));
        let drained = Some(Bucket {
            tokens: 0.0,
            time: night,
        });
        let decide = |template, purpose, needed_by| {
            let ask = Asked {
                quiet: Some((Quiet::DEFAULT, &shanghai)),
                category: Category::of(template, purpose),
                needed_by,
                bucket: drained,
                counted: false,
                ..asked(template, Priority::Complainant.number())
            };
            when(&ask, night)
        };
        let held = When::Later {
            due: morning,
            reason: QUIET_HOURS,
        };
        let said = |purpose| decide(Template::CaseMessage, purpose, None);
        assert_eq!(said(SaidPurpose::SafetyWarning), When::Now(None));
        assert_eq!(said(SaidPurpose::Ordinary), held);
        assert_eq!(said(SaidPurpose::LegalReply), held);
        let ordinary = |template| decide(template, SaidPurpose::Ordinary, None);
        assert_eq!(ordinary(Template::StatementPublished), When::Now(None));
        assert_eq!(ordinary(Template::SafetyNotice), When::Now(None));
        assert_eq!(ordinary(Template::NoticeOwners), held);
        // Due before the morning it goes; due an hour later it waits for the morning.
        let reply = |by| decide(Template::CaseMessage, SaidPurpose::LegalReply, Some(by));
        assert_eq!(reply(morning), When::Now(None));
        assert_eq!(reply(morning + SignedDuration::from_hours(1)), held);
    }

    #[test]
    fn p07_section_8_a_customer_hears_of_grade_1_at_night_but_nothing_that_may_be_refused() {
        let shanghai = zone("Asia/Shanghai");
        let night = at("2026-11-21T18:00:00Z");
        let goes = |template: Template, is_of_grade_1, bucket| {
            let ask = Asked {
                quiet: Some((Quiet::DEFAULT, &shanghai)),
                is_of_grade_1,
                bucket,
                counted: false,
                ..asked(template, Priority::Complainant.number())
            };
            matches!(when(&ask, night), When::Now(_))
        };
        for template in Template::ALL.iter().filter(|t| t.is_outward()) {
            let at_night = goes(*template, false, None);
            let of_grade_1 = goes(*template, true, None);
            let refusable = template.topic().is_some();
            assert_eq!(of_grade_1, at_night || !refusable, "{}", template.key());
        }
        // No more at once than anybody gets.
        let drained = Some(Bucket {
            tokens: 0.0,
            time: night,
        });
        assert!(!goes(Template::CaseMessage, true, drained));
    }

    #[test]
    fn p07_a_reminder_waits_for_the_next_stretch_of_duty() {
        let day = [
            Duty {
                start: at("2026-11-21T01:00:00Z"),
                end: Some(at("2026-11-21T10:00:00Z")),
            },
            Duty {
                start: at("2026-11-23T01:00:00Z"),
                end: Some(at("2026-11-23T10:00:00Z")),
            },
        ];
        let decide = |reminder, duties: &[Duty], now: &str| {
            let hours = Hours {
                duties: duties.to_vec(),
                rostered: false,
            };
            let ask = Asked {
                reminder,
                hours: &hours,
                ..asked(Template::ClockWarned, 2)
            };
            when(&ask, at(now))
        };
        assert_eq!(decide(true, &day, "2026-11-21T09:59:59Z"), When::Now(None));
        let held = When::Later {
            due: day[1].start,
            reason: OFF_DUTY,
        };
        assert_eq!(decide(true, &day, "2026-11-21T10:00:00Z"), held);
        // A broken promise does not wait, nor does a reminder to somebody whose duty nobody knows.
        assert_eq!(decide(false, &day, "2026-11-21T10:00:00Z"), When::Now(None));
        assert_eq!(decide(true, &[], "2026-11-21T10:00:00Z"), When::Now(None));
        assert_eq!(decide(true, &day, "2026-11-24T10:00:00Z"), When::Now(None));
    }

    #[test]
    fn p07_somebody_whose_next_turn_is_beyond_what_is_told_is_off_duty_and_asked_about_again() {
        let now = at("2026-11-21T10:00:00Z");
        let decide = |reminder, duties: &[Duty]| {
            let hours = Hours {
                duties: duties.to_vec(),
                rostered: true,
            };
            let ask = Asked {
                reminder,
                hours: &hours,
                ..asked(Template::ClockWarned, 2)
            };
            when(&ask, now)
        };
        let held = |due| When::Later {
            due,
            reason: OFF_DUTY,
        };
        assert_eq!(decide(true, &[]), held(now + ASK_AGAIN));
        let next = now + SignedDuration::from_hours(2);
        let turn = Duty {
            start: next,
            end: None,
        };
        assert_eq!(decide(true, &[turn]), held(next));
        assert_eq!(decide(false, &[]), When::Now(None));
    }

    proptest! {
        /// However messages press, no window of time sees more than the burst and what flowed in, and none waits
        /// for ever.
        #[test]
        fn a_reader_gets_no_more_than_the_burst_and_the_rate(gaps in prop::collection::vec(0i64..400, 1..60)) {
            let begin = at("2026-01-01T00:00:00Z");
            let (mut bucket, mut now, mut sent) = (None, begin, Vec::new());
            for gap in gaps {
                now += SignedDuration::from_secs(gap);
                match RATE.draw(bucket, now) {
                    Ok(kept) => { bucket = Some(kept); sent.push(now); }
                    Err(due) => {
                        prop_assert!(due > now && due <= now + SignedDuration::from_secs(61));
                        prop_assert!(RATE.draw(bucket, due).is_ok());
                    }
                }
            }
            for (n, from) in sent.iter().enumerate() {
                for (m, until) in sent.iter().enumerate().skip(n) {
                    let seconds = until.duration_since(*from).as_secs_f64();
                    prop_assert!((m - n + 1) as f64 <= 2.0 + seconds / 60.0 + 1e-3);
                }
            }
        }
    }

    #[test]
    fn grade_1_and_what_was_counted_take_nothing_out_of_the_bucket() {
        let now = at("2026-11-21T02:00:00Z");
        let empty = Some(Bucket {
            tokens: 0.0,
            time: now,
        });
        let decide = |priority, counted| {
            let ask = Asked {
                bucket: empty,
                counted,
                ..asked(Template::ClockBreached, priority)
            };
            when(&ask, now)
        };
        assert_eq!(decide(1, false), When::Now(None));
        assert_eq!(decide(2, true), When::Now(None));
        let due = now + SignedDuration::from_mins(1);
        let limited = When::Later {
            due,
            reason: RATE_LIMITED,
        };
        assert_eq!(decide(2, false), limited);
    }

    #[test]
    fn p22_a_digest_takes_no_turn_and_one_of_warnings_alone_still_waits_for_duty() {
        let now = at("2026-11-21T02:00:00Z");
        let next = now + SignedDuration::from_hours(2);
        let off = Hours {
            duties: vec![Duty {
                start: next,
                end: None,
            }],
            rostered: true,
        };
        let decide = |reminder| {
            let ask = Asked {
                reminder,
                hours: &off,
                bucket: Some(Bucket {
                    tokens: 0.0,
                    time: now,
                }),
                counted: false,
                ..asked(Template::ClockDigest, 2)
            };
            when(&ask, now)
        };
        assert_eq!(decide(false), When::Now(None));
        let held = When::Later {
            due: next,
            reason: OFF_DUTY,
        };
        assert_eq!(decide(true), held);
    }
}
