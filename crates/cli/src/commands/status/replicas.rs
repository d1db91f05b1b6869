//! What the replicas of a service say, as one answer of the service: of each reading the worst. One that answers says nothing
//! of the others.

use std::collections::BTreeMap;

use redress_proto::operations::v1::{GetStatusResponse, Reading};
use tonic::{Code, Status};

use super::{Answer, code_of_away, is_cut_off, is_failed_read, pool_share, values};

/// Of these the lowest is the worst.
const LOW_IS_BAD: [&str; 2] = ["redress.timers.index.ready", "redress.redis.up"];

/// What one replica answered.
pub(super) struct Reply {
    pub(super) status: Result<GetStatusResponse, Status>,
    /// Whether a call that reads its database succeeded.
    pub(super) read: Result<(), Status>,
}

/// How many replicas an answer speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Replicas {
    /// How many there are.
    pub(super) found: usize,
    /// How many of them were asked.
    pub(super) asked: usize,
    /// Why some that were asked did not answer.
    pub(super) away: Vec<Code>,
    /// At how many of those that answered calls that read the database fail.
    pub(super) failing: usize,
    /// How many of those that answered were gone before they could say whether these calls fail.
    pub(super) cut_off: usize,
}

impl Replicas {
    /// How many where it is not all of them: ` (1 of 3 replicas)`.
    pub(super) fn of_all(&self, count: usize) -> String {
        match count < self.asked {
            true => format!(" ({count} of {} replicas)", self.asked),
            false => String::new(),
        }
    }

    /// How many were asked, behind the state of a service: nothing where it is one.
    pub(super) fn counted(&self) -> String {
        match (self.asked, self.found) {
            (_, 1) => String::new(),
            (asked, found) if asked < found => format!(" ({asked} of {found})"),
            (asked, _) => format!(" ({asked})"),
        }
    }
}

/// One answer of all replies of a service that has so many replicas.
pub(super) fn together(service: &'static str, replies: Vec<Reply>, found: usize) -> Answer {
    let asked = replies.len();
    let (mut there, mut away, mut read) = (Vec::new(), Vec::new(), Vec::new());
    for reply in replies {
        match reply.status {
            Ok(status) => {
                there.push(status);
                read.push(reply.read);
            }
            Err(error) => away.push((error, reply.read)),
        }
    }
    let replicas = Replicas {
        found,
        asked,
        away: away.iter().map(|(error, _)| code_of_away(error)).collect(),
        failing: read
            .iter()
            .filter(|r| is_failed_read(r) && !is_cut_off(r))
            .count(),
        cut_off: read.iter().filter(|r| is_cut_off(r)).count(),
    };
    let of_away = away.into_iter().next();
    let (status, read) = match (there.is_empty(), of_away) {
        (true, Some((error, read))) => (Err(error), read),
        _ => {
            // What is said of a database tells more than a connection that broke.
            let failed = |read: &Result<(), Status>| is_failed_read(read) && !is_cut_off(read);
            let worst = read.iter().position(failed);
            let worst = worst.or_else(|| read.iter().position(is_failed_read));
            let worst = worst.unwrap_or(0);
            let read = read.into_iter().nth(worst).unwrap_or(Ok(()));
            (Ok(worst_of(there)), read)
        }
    };
    Answer {
        service,
        status,
        read,
        replicas,
    }
}

/// The worst of what replicas say of themselves. The youngest stands for them; every release that runs is named.
fn worst_of(mut statuses: Vec<GetStatusResponse>) -> GetStatusResponse {
    if statuses.len() == 1 {
        return statuses.remove(0);
    }
    let mut versions: Vec<&str> = statuses.iter().map(|s| s.version.as_str()).collect();
    versions.sort_unstable();
    versions.dedup();
    let version = versions.join(", ");
    let readings = worst_readings(&statuses);
    let started = |s: &GetStatusResponse| s.start_time.map(|t| (t.seconds, t.nanos));
    let youngest = statuses.into_iter().max_by_key(started);
    GetStatusResponse {
        version,
        readings,
        ..youngest.unwrap_or_default()
    }
}

fn worst_readings(statuses: &[GetStatusResponse]) -> Vec<Reading> {
    let mut worst: BTreeMap<(&str, BTreeMap<&str, &str>), &Reading> = BTreeMap::new();
    for (replica, status) in statuses.iter().enumerate() {
        for reading in &status.readings {
            if speaker(statuses, reading).is_some_and(|speaks| speaks != replica) {
                continue;
            }
            let labels = reading.labels.iter();
            let labels = labels.map(|(k, v)| (k.as_str(), v.as_str())).collect();
            let known = worst
                .entry((reading.metric.as_str(), labels))
                .or_insert(reading);
            let is_worse = match LOW_IS_BAD.contains(&reading.metric.as_str()) {
                true => reading.value < known.value,
                false => reading.value > known.value,
            };
            if is_worse {
                *known = reading;
            }
        }
    }
    worst.into_values().cloned().collect()
}

/// The replica that alone speaks for a reading, where the worst of several would be what none of them says: how full a pool
/// is takes two readings, and what is counted in the database moves from one label to another between two counts.
fn speaker(statuses: &[GetStatusResponse], reading: &Reading) -> Option<usize> {
    let all = statuses.iter().enumerate();
    if reading.metric.starts_with("db.client.connection.") {
        let pool = reading.labels.get("db.client.connection.pool.name")?;
        let full = all.map(|(replica, status)| (replica, pool_share(status, pool)));
        return full
            .max_by(|(_, a), (_, b)| a.total_cmp(b))
            .map(|(replica, _)| replica);
    }
    let counted = match reading.metric.as_str() {
        "redress.counts.age" => reading.labels.get("redress.metric")?,
        metric => metric,
    };
    let label = Some(("redress.metric", counted));
    let age = |status| values(status, "redress.counts.age", label).next();
    all.filter_map(|(replica, status)| Some((replica, age(status)?)))
        .min_by(|(_, a), (_, b)| a.total_cmp(b))
        .map(|(replica, _)| replica)
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::{counts_age, sum, troubles};
    use super::*;

    /// A metric, its labels and its value.
    pub(in super::super) type Told<'a> = (&'a str, &'a [(&'a str, &'a str)], f64);

    fn status(readings: &[Told<'_>]) -> GetStatusResponse {
        GetStatusResponse {
            readings: readings
                .iter()
                .map(|(metric, labels, value)| Reading {
                    metric: (*metric).to_owned(),
                    labels: labels
                        .iter()
                        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                        .collect(),
                    value: *value,
                })
                .collect(),
            version: "1.0.0".to_owned(),
            ..Default::default()
        }
    }

    pub(in super::super) fn reply(readings: &[Told<'_>]) -> Reply {
        Reply {
            status: Ok(status(readings)),
            read: Ok(()),
        }
    }

    pub(in super::super) fn away() -> Reply {
        Reply {
            status: Err(Status::unavailable("gone")),
            read: Err(Status::unavailable("gone")),
        }
    }

    fn told(replies: Vec<Reply>) -> Vec<(String, &'static str)> {
        let found = replies.len();
        let answer = together("triage", replies, found);
        let all = troubles(&answer).into_iter();
        all.map(|t| (t.what, t.runbook)).collect()
    }

    #[test]
    fn one_replica_that_is_ill_is_a_trouble_however_well_the_others_are() {
        let well = || {
            reply(&[
                ("redress.redis.up", &[], 1.0),
                ("redress.timers.overdue.age", &[], 0.0),
            ])
        };
        assert_eq!(told(vec![well(), well()]), []);
        for (ill, section) in [
            (reply(&[("redress.redis.up", &[], 0.0)]), "redis-is-gone"),
            (
                reply(&[("redress.timers.overdue.age", &[], 11.0)]),
                "late-timers",
            ),
        ] {
            let found = told(vec![well(), ill, well()]);
            let sections: Vec<_> = found.iter().map(|(_, section)| *section).collect();
            assert_eq!(sections, [section]);
        }
        let failing = Reply {
            read: Err(Status::internal("no")),
            ..well()
        };
        let said = "calls that read its database fail (Internal) (1 of 2 replicas)";
        let found = told(vec![well(), failing]);
        assert_eq!(found, [(said.to_owned(), "calls-fail")]);
    }

    #[test]
    fn a_replica_that_is_away_is_named_beside_those_that_serve() {
        let two = told(vec![away(), reply(&[]), away()]);
        let said = "2 of 3 replicas do not answer (Unavailable)";
        assert_eq!(two, [(said.to_owned(), "a-service-is-gone")]);
        let one = told(vec![reply(&[]), away()]);
        let said = "1 of 2 replicas does not answer (Unavailable)";
        assert_eq!(one, [(said.to_owned(), "a-service-is-gone")]);
        let all = told(vec![away(), away()]);
        let said = "does not answer (Unavailable)";
        assert_eq!(all, [(said.to_owned(), "a-service-is-gone")]);
    }

    #[test]
    fn the_fullest_pool_and_the_freshest_count_speak_for_all() {
        let pool = |state| {
            [
                ("db.client.connection.pool.name", "app"),
                ("db.client.connection.state", state),
            ]
        };
        let (used, idle, of_pool) = (pool("used"), pool("idle"), pool("used"));
        let replica = |at_work: f64, max: f64, age: f64, running: f64, breached: f64| {
            status(&[
                ("db.client.connection.count", &used, at_work),
                ("db.client.connection.count", &idle, max - at_work),
                ("db.client.connection.max", &of_pool[..1], max),
                (
                    "redress.counts.age",
                    &[("redress.metric", "redress.triage.clocks.open")],
                    age,
                ),
                (
                    "redress.triage.clocks.open",
                    &[("redress.clock.state", "running")],
                    running,
                ),
                (
                    "redress.triage.clocks.open",
                    &[("redress.clock.state", "breached")],
                    breached,
                ),
            ])
        };
        let worst = worst_of(vec![
            replica(9.0, 10.0, 14.0, 5.0, 0.0),
            replica(12.0, 20.0, 2.0, 4.0, 1.0),
        ]);
        assert!((pool_share(&worst, "app") - 0.9).abs() < 1e-9);
        // One promise was broken between the two counts: it is counted once.
        assert_eq!(sum(&worst, "redress.triage.clocks.open", None), 5.0);
        assert_eq!(counts_age(&worst), Some(2.0));
    }

    #[test]
    fn how_many_were_asked_is_said_where_it_is_more_than_one() {
        let of = |found: usize| {
            let asked = std::iter::repeat_with(|| reply(&[])).take(found.min(32));
            together("triage", asked.collect(), found)
                .replicas
                .counted()
        };
        assert_eq!([of(1), of(3), of(40)], ["", " (3)", " (32 of 40)"]);
        let mut newer = status(&[]);
        newer.version = "1.1.0".to_owned();
        newer.instance = "newer".to_owned();
        newer.start_time = Some(prost_types::Timestamp {
            seconds: 9,
            nanos: 0,
        });
        let both = worst_of(vec![status(&[]), newer, status(&[])]);
        assert_eq!((&*both.version, &*both.instance), ("1.0.0, 1.1.0", "newer"));
    }
}
