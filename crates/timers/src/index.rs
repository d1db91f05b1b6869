//! The index in Redis: 16 shards, each a handful of keys that scripts change together.

use std::time::Duration;

use futures::future::try_join_all;
use jiff::Timestamp;
use redis::{RedisError, RedisResult};
use uuid::Uuid;

use crate::entry::Entry;
use crate::receipt::Mark;
use crate::redis::{Link, Redis, Script};

/// How many shards there are. Fixed: another number would look for entries under other keys.
pub(crate) const SHARDS: usize = 16;

/// How many entries one call of a script is about at most: they become its arguments, and others wait for it.
pub(crate) const CALL_MAX: usize = 1000;

/// How long a rebuild may stand still before another replica takes over.
const BUILDER_LIMIT: Duration = Duration::from_secs(30);

/// The index of one service's timers.
#[derive(Debug)]
pub(crate) struct Index {
    link: Link,
    shards: Vec<Keys>,
    scripts: Scripts,
}

#[derive(Debug)]
struct Keys {
    /// In the order of the scripts: first, normal, generation, lease, claim, past, complete.
    all: Vec<String>,
    builder: String,
}

const LEASE: usize = 3;
const CLAIM: usize = 4;
const PAST: usize = 5;
const COMPLETE: usize = 6;

#[derive(Debug)]
struct Scripts {
    change: Script,
    look: Script,
    claim: Script,
    hold: Script,
    finish: Script,
    inspect: Script,
    begin: Script,
    complete: Script,
}

/// What becomes of an entry in the index.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    /// It is armed so.
    Put(Entry, Option<Mark>),
    /// It is armed so, which the auditor found.
    Repair(Amiss),
    /// Nothing of this generation or older is armed.
    Cancel(Uuid, i64),
}

impl Change {
    fn id(&self) -> Uuid {
        match self {
            Self::Put(entry, _) | Self::Repair(Amiss { entry, .. }) => entry.id,
            Self::Cancel(id, _) => *id,
        }
    }
}

/// An entry that the index does not hold as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Amiss {
    pub(crate) entry: Entry,
    /// The newer generation that the index knows. A repair replaces this one and no other, and not while it is in hand:
    /// its worker finds it stale.
    pub(crate) ahead: Option<i64>,
}

/// An entry that was claimed, and what the index remembered of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claimed {
    pub(crate) entry: Entry,
    pub(crate) mark: Option<Mark>,
}

/// Why a claimed entry is put aside for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Aside {
    Failed,
    Early,
}

/// What a look at one shard tells.
#[derive(Debug, Default)]
pub(crate) struct Look {
    /// Whether the shard holds everything that is armed.
    pub(crate) is_complete: bool,
    /// When something is due next, later than now.
    pub(crate) next: Option<Timestamp>,
    /// How long until the next lease ends.
    pub(crate) lease_ends: Option<Duration>,
    /// Due instants in the shard's two sets, `first` before `normal`, oldest first.
    pub(crate) due: [Vec<i64>; 2],
}

/// What `begin` answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    Complete,
    Ours,
    Others,
}

impl Index {
    pub(crate) fn new(name: &str, client: Redis) -> Self {
        let shards = (0..SHARDS)
            .map(|shard| {
                let key = |part| format!("redress:{{timers:{name}:{shard}}}:{part}");
                Keys {
                    all: [
                        "first",
                        "due",
                        "generation",
                        "lease",
                        "claim",
                        "past",
                        "complete",
                    ]
                    .map(key)
                    .into(),
                    builder: key("builder"),
                }
            })
            .collect();
        let scripts = Scripts {
            change: Script::new(include_str!("lua/change.lua")),
            look: Script::new(include_str!("lua/look.lua")),
            claim: Script::new(include_str!("lua/claim.lua")),
            hold: Script::new(include_str!("lua/hold.lua")),
            finish: Script::new(include_str!("lua/finish.lua")),
            inspect: Script::new(include_str!("lua/inspect.lua")),
            begin: Script::new(include_str!("lua/begin.lua")),
            complete: Script::new(include_str!("lua/complete.lua")),
        };
        Self {
            link: Link::new(client),
            shards,
            scripts,
        }
    }

    /// Brings the index up to date, except where it knows a newer generation than the change is about, or than a repair takes
    /// the place of. Changes of one id take effect in order.
    pub(crate) async fn change(&self, changes: &[Change]) -> RedisResult<()> {
        let calls = by_shard(changes, Change::id)
            .into_iter()
            .map(|(shard, changes)| async move {
                // One after the other, to keep the order.
                for part in changes.chunks(CALL_MAX) {
                    let arguments = |command: &mut redis::Cmd| {
                        for change in part {
                            write_change(command, change);
                        }
                    };
                    self.link
                        .run::<i64>(&self.scripts.change, self.sets(shard), &arguments)
                        .await?;
                }
                Ok(())
            });
        try_join_all(calls).await.map(drop)
    }

    /// Looks at every shard at once. A shard that cannot be seen does not hide the others.
    pub(crate) async fn look(&self, now: Timestamp, limit: usize) -> Vec<RedisResult<Look>> {
        let arguments = |command: &mut redis::Cmd| {
            command.arg(micros(now)).arg(limit);
        };
        let looks = self.shards.iter().map(|keys| {
            let arguments = &arguments;
            async move {
                let answer: Vec<String> = self
                    .link
                    .run(&self.scripts.look, &keys.all, arguments)
                    .await?;
                read_look(&answer).ok_or_else(|| odd("look"))
            }
        });
        futures::future::join_all(looks).await
    }

    /// Claims at most `limit` of a shard's entries that are due at `instant`; never more than [`CALL_MAX`].
    pub(crate) async fn claim(
        &self,
        shard: usize,
        first: bool,
        instant: i64,
        limit: usize,
        lease: Duration,
        token: &str,
    ) -> RedisResult<Vec<Claimed>> {
        let arguments = |command: &mut redis::Cmd| {
            command
                .arg(set(first))
                .arg(instant)
                .arg(limit.min(CALL_MAX))
                .arg(lease.as_millis() as u64)
                .arg(token);
        };
        let answer: Vec<Vec<u8>> = self
            .link
            .run(&self.scripts.claim, self.sets(shard), &arguments)
            .await?;
        answer
            .chunks(4)
            .map(|parts| match parts {
                [id, generation, due, mark] => Some(Claimed {
                    entry: Entry {
                        id: Uuid::from_slice(id).ok()?,
                        generation: number(generation)?,
                        due: Timestamp::from_microsecond(number(due)?).ok()?,
                        first,
                    },
                    mark: Mark::of(mark),
                }),
                _ => None,
            })
            .collect::<Option<_>>()
            .ok_or_else(|| odd("claim"))
    }

    /// Renews leases. Answers how many were still ours.
    pub(crate) async fn renew(
        &self,
        ids: &[Uuid],
        token: &str,
        lease: Duration,
    ) -> RedisResult<usize> {
        self.hold(ids, token, lease, "").await
    }

    /// Puts claimed entries aside for a while, after which any worker may claim them. Answers how many were still ours.
    pub(crate) async fn set_aside(
        &self,
        ids: &[Uuid],
        token: &str,
        pause: Duration,
        aside: Aside,
    ) -> RedisResult<usize> {
        let stands_for = match aside {
            Aside::Failed => "-",
            Aside::Early => "~",
        };
        self.hold(ids, token, pause, stands_for).await
    }

    async fn hold(
        &self,
        ids: &[Uuid],
        token: &str,
        length: Duration,
        instead: &str,
    ) -> RedisResult<usize> {
        let calls = by_shard(ids, |id| *id)
            .into_iter()
            .map(|(shard, ids)| async move {
                let arguments = |command: &mut redis::Cmd| {
                    command
                        .arg(token)
                        .arg(length.as_millis() as u64)
                        .arg(instead);
                    for id in &ids {
                        command.arg(id.as_bytes().as_slice());
                    }
                };
                let keys = &self.shards[shard].all[LEASE..=CLAIM];
                self.link
                    .run::<usize>(&self.scripts.hold, keys, &arguments)
                    .await
            });
        Ok(try_join_all(calls).await?.into_iter().sum())
    }

    /// Removes claimed entries, or puts what is due next of the same id in their place. Answers with those whose claim
    /// was no longer ours.
    pub(crate) async fn finish(
        &self,
        ended: &[(Uuid, Option<Entry>)],
        token: &str,
    ) -> RedisResult<Vec<(Uuid, Option<Entry>)>> {
        let calls = by_shard(ended, |(id, _)| *id)
            .into_iter()
            .map(|(shard, ended)| async move {
                let mut lost = Vec::new();
                for part in ended.chunks(CALL_MAX) {
                    let arguments = |command: &mut redis::Cmd| {
                        command.arg(token);
                        for (id, next) in part {
                            command.arg(id.as_bytes().as_slice());
                            match next {
                                Some(next) => write_place(command, next),
                                None => {
                                    command.arg("").arg("").arg("");
                                }
                            }
                        }
                    };
                    let answer: Vec<i64> = self
                        .link
                        .run(&self.scripts.finish, self.sets(shard), &arguments)
                        .await?;
                    let answers = part.iter().zip(answer);
                    lost.extend(
                        answers
                            .filter(|(_, was_ours)| *was_ours == 0)
                            .map(|(ended, _)| *ended),
                    );
                }
                RedisResult::Ok(lost)
            });
        let lost: Vec<Vec<_>> = try_join_all(calls).await?;
        Ok(lost.into_iter().flatten().collect())
    }

    /// Those entries that the index does not hold as they are: missing, of another generation, or due at another time.
    pub(crate) async fn amiss(&self, entries: &[Entry]) -> RedisResult<Vec<Amiss>> {
        let calls =
            by_shard(entries, |entry| entry.id)
                .into_iter()
                .map(|(shard, entries)| async move {
                    let arguments = |command: &mut redis::Cmd| {
                        for entry in &entries {
                            command.arg(entry.id.as_bytes().as_slice());
                        }
                    };
                    let answer: Vec<String> = self
                        .link
                        .run(&self.scripts.inspect, self.sets(shard), &arguments)
                        .await?;
                    if answer.len() != entries.len() * 2 {
                        return Err(odd("inspect"));
                    }
                    let differs = |entry: Entry, generation: &str, found: &str| {
                        let known = generation.parse::<i64>().ok();
                        let is_right = known == Some(entry.generation)
                            && found == format!("{} {}", set(entry.first), micros(entry.due));
                        let ahead = known.filter(|known| *known > entry.generation);
                        (!is_right).then_some(Amiss { entry, ahead })
                    };
                    let answers = answer
                        .chunks(2)
                        .map(|parts| (parts[0].as_str(), parts[1].as_str()));
                    let amiss = entries.into_iter().zip(answers).filter_map(
                        |(entry, (generation, found))| differs(entry, generation, found),
                    );
                    Ok(amiss.collect::<Vec<Amiss>>())
                });
        try_join_all(calls)
            .await
            .map(|amiss| amiss.into_iter().flatten().collect())
    }

    /// Asks to rebuild a shard; asked again, keeps others from taking over.
    pub(crate) async fn begin(&self, shard: usize, token: &str) -> RedisResult<Begun> {
        let arguments = |command: &mut redis::Cmd| {
            command.arg(token).arg(BUILDER_LIMIT.as_millis() as u64);
        };
        let answer: i64 = self
            .link
            .run(&self.scripts.begin, &self.markers(shard), &arguments)
            .await?;
        Ok(match answer {
            0 => Begun::Complete,
            1 => Begun::Ours,
            _ => Begun::Others,
        })
    }

    /// Marks a shard as complete. False when it was emptied since its rebuild began.
    pub(crate) async fn complete(&self, shard: usize, token: &str) -> RedisResult<bool> {
        let arguments = |command: &mut redis::Cmd| {
            command.arg(token);
        };
        self.link
            .run(&self.scripts.complete, &self.markers(shard), &arguments)
            .await
    }

    fn sets(&self, shard: usize) -> &[String] {
        &self.shards[shard].all[..=PAST]
    }

    fn markers(&self, shard: usize) -> [String; 2] {
        let keys = &self.shards[shard];
        [keys.all[COMPLETE].clone(), keys.builder.clone()]
    }
}

/// The shard of an id. The last byte of every kind of UUID that we make is random.
pub(crate) fn shard_of(id: Uuid) -> usize {
    usize::from(id.as_bytes()[15]) % SHARDS
}

/// The instant as a score: whole microseconds, exact in a double until the year 2255; parts of one count as later.
pub(crate) fn micros(instant: Timestamp) -> i64 {
    let whole = instant.as_microsecond();
    if instant.subsec_nanosecond() % 1000 > 0 {
        whole + 1
    } else {
        whole
    }
}

fn set(first: bool) -> &'static str {
    if first { "1" } else { "2" }
}

fn write_place(command: &mut redis::Cmd, entry: &Entry) {
    command
        .arg(entry.generation)
        .arg(set(entry.first))
        .arg(micros(entry.due));
}

fn write_change(command: &mut redis::Cmd, change: &Change) {
    command.arg(change.id().as_bytes().as_slice());
    match change {
        Change::Put(entry, mark) => {
            write_place(command, entry);
            command.arg(mark.map_or("", Mark::letter)).arg("");
        }
        Change::Repair(Amiss { entry, ahead }) => {
            write_place(command, entry);
            command.arg(Mark::Repaired.letter());
            match ahead {
                Some(ahead) => command.arg(ahead),
                None => command.arg(""),
            };
        }
        Change::Cancel(_, generation) => {
            command.arg(generation).arg("0").arg("").arg("").arg("");
        }
    }
}

fn number(digits: &[u8]) -> Option<i64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn instant_of(score: &str) -> Option<Timestamp> {
    Timestamp::from_microsecond(score.parse().ok()?).ok()
}

fn by_shard<T: Copy>(items: &[T], id: impl Fn(&T) -> Uuid) -> Vec<(usize, Vec<T>)> {
    let mut shards: Vec<(usize, Vec<T>)> = (0..SHARDS).map(|shard| (shard, Vec::new())).collect();
    for item in items {
        shards[shard_of(id(item))].1.push(*item);
    }
    shards.retain(|(_, items)| !items.is_empty());
    shards
}

fn read_look(answer: &[String]) -> Option<Look> {
    let [is_complete, next, lease_ends, first, normal] = answer else {
        return None;
    };
    Some(Look {
        is_complete: is_complete == "1",
        next: instant_of(next),
        lease_ends: lease_ends.parse().ok().map(Duration::from_millis),
        due: [read_runs(first)?, read_runs(normal)?],
    })
}

/// `7*2,9*1` is 7, 7, 9.
fn read_runs(runs: &str) -> Option<Vec<i64>> {
    let mut instants = Vec::new();
    for run in runs.split(',').filter(|run| !run.is_empty()) {
        let (instant, count) = run.split_once('*')?;
        let length = instants.len() + count.parse::<usize>().ok()?;
        instants.resize(length, instant.parse().ok()?);
    }
    Some(instants)
}

fn odd(script: &'static str) -> RedisError {
    (
        redis::ErrorKind::UnexpectedReturnType,
        "a timer script answered oddly",
        script.to_owned(),
    )
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_microsecond_never_makes_an_entry_early() {
        let instant = Timestamp::new(1_700_000_000, 1).expect("an instant");
        assert_eq!(micros(instant), 1_700_000_000_000_001);
        assert_eq!(
            micros(Timestamp::new(1_700_000_000, 0).expect("an instant")),
            1_700_000_000_000_000
        );
    }

    #[test]
    fn runs_of_instants_are_read_one_by_one() {
        assert_eq!(read_runs("7*2,9*1"), Some(vec![7, 7, 9]));
        assert_eq!(read_runs(""), Some(Vec::new()));
        assert_eq!(read_runs("7"), None);
    }

    #[test]
    fn every_key_of_a_shard_is_under_one_hash_tag_of_its_own() {
        let index = Index::new(
            "triage",
            redis::Client::open("redis://127.0.0.1/")
                .expect("a url")
                .into(),
        );
        for (shard, keys) in index.shards.iter().enumerate() {
            let tag = format!("redress:{{timers:triage:{shard}}}:");
            assert!(
                keys.all
                    .iter()
                    .chain([&keys.builder])
                    .all(|key| key.starts_with(&tag))
            );
        }
    }

    #[test]
    fn ids_spread_over_all_shards() {
        let shards: std::collections::BTreeSet<usize> =
            (0..1000).map(|_| shard_of(Uuid::now_v7())).collect();
        assert_eq!(shards.len(), SHARDS);
    }
}
