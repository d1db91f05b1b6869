//! The index in Redis: 16 shards, each a handful of keys that scripts change together.

use std::time::Duration;

use futures::future::try_join_all;
use jiff::Timestamp;
use redis::{RedisError, RedisResult};
use uuid::Uuid;

use crate::entry::Entry;
use crate::redis::{Link, Redis, Script};

/// How many shards there are. Fixed: another number would look for entries under other keys.
pub(crate) const SHARDS: usize = 16;

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
    /// In the order of the scripts: first, normal, generation, lease, claim, complete.
    all: Vec<String>,
    builder: String,
}

const LEASE: usize = 3;
const CLAIM: usize = 4;
const COMPLETE: usize = 5;

#[derive(Debug)]
struct Scripts {
    put: Script,
    look: Script,
    claim: Script,
    hold: Script,
    finish: Script,
    cancel: Script,
    inspect: Script,
    begin: Script,
    complete: Script,
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
                    all: ["first", "due", "generation", "lease", "claim", "complete"]
                        .map(key)
                        .into(),
                    builder: key("builder"),
                }
            })
            .collect();
        let scripts = Scripts {
            put: Script::new(include_str!("lua/put.lua")),
            look: Script::new(include_str!("lua/look.lua")),
            claim: Script::new(include_str!("lua/claim.lua")),
            hold: Script::new(include_str!("lua/hold.lua")),
            finish: Script::new(include_str!("lua/finish.lua")),
            cancel: Script::new(include_str!("lua/cancel.lua")),
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

    /// Puts entries in, except where a newer generation is known.
    pub(crate) async fn put(&self, entries: &[Entry]) -> RedisResult<()> {
        let calls = by_shard(entries.iter(), |entry| entry.id).into_iter().map(
            |(shard, entries)| async move {
                let mut arguments = Vec::with_capacity(entries.len() * 4);
                for entry in entries {
                    arguments.push(entry.id.to_string());
                    arguments.extend(place(entry));
                }
                self.link
                    .run::<i64>(&self.scripts.put, self.sets(shard), &arguments)
                    .await
            },
        );
        try_join_all(calls).await.map(drop)
    }

    /// Looks at every shard at once. A shard that cannot be seen does not hide the others.
    pub(crate) async fn look(&self, now: Timestamp, limit: usize) -> Vec<RedisResult<Look>> {
        let arguments = [micros(now).to_string(), limit.to_string()];
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

    /// Claims at most `limit` of a shard's entries that are due at `instant`.
    pub(crate) async fn claim(
        &self,
        shard: usize,
        first: bool,
        instant: i64,
        limit: usize,
        lease: Duration,
        token: &str,
    ) -> RedisResult<Vec<Entry>> {
        let arguments = [
            set(first),
            instant.to_string(),
            limit.to_string(),
            lease.as_millis().to_string(),
            token.to_owned(),
        ];
        let answer: Vec<String> = self
            .link
            .run(&self.scripts.claim, self.sets(shard), &arguments)
            .await?;
        answer
            .chunks(3)
            .map(|parts| match parts {
                [id, generation, due] => Some(Entry {
                    id: id.parse().ok()?,
                    generation: generation.parse().ok()?,
                    due: instant_of(due)?,
                    first,
                }),
                _ => None,
            })
            .collect::<Option<_>>()
            .ok_or_else(|| odd("claim"))
    }

    /// Renews a lease. False when it is no longer ours.
    pub(crate) async fn renew(&self, id: Uuid, token: &str, lease: Duration) -> RedisResult<bool> {
        self.hold(id, token, lease, false).await
    }

    /// Puts a claimed entry aside for a while, after which any worker may claim it.
    pub(crate) async fn set_aside(
        &self,
        id: Uuid,
        token: &str,
        pause: Duration,
    ) -> RedisResult<bool> {
        self.hold(id, token, pause, true).await
    }

    async fn hold(
        &self,
        id: Uuid,
        token: &str,
        length: Duration,
        give_up: bool,
    ) -> RedisResult<bool> {
        let give_up = if give_up { "1" } else { "0" };
        let arguments = [
            id.to_string(),
            token.to_owned(),
            length.as_millis().to_string(),
            give_up.to_owned(),
        ];
        let keys = &self.shards[shard_of(id)].all[LEASE..=CLAIM];
        self.link.run(&self.scripts.hold, keys, &arguments).await
    }

    /// Removes a claimed entry, or puts what is due next of the same id in its place. False when it is no longer ours.
    pub(crate) async fn finish(
        &self,
        id: Uuid,
        token: &str,
        next: Option<&Entry>,
    ) -> RedisResult<bool> {
        let mut arguments = vec![id.to_string(), token.to_owned()];
        arguments.extend(next.into_iter().flat_map(place));
        self.link
            .run(&self.scripts.finish, self.sets(shard_of(id)), &arguments)
            .await
    }

    /// Removes an entry, unless a newer generation is known.
    pub(crate) async fn cancel(&self, id: Uuid, generation: i64) -> RedisResult<bool> {
        let arguments = [id.to_string(), generation.to_string()];
        self.link
            .run(&self.scripts.cancel, self.sets(shard_of(id)), &arguments)
            .await
    }

    /// Those entries that the index does not hold as they are: missing, of an older generation, or due at another time.
    pub(crate) async fn amiss(&self, entries: &[Entry]) -> RedisResult<Vec<Entry>> {
        let calls = by_shard(entries.iter(), |entry| entry.id).into_iter().map(
            |(shard, entries)| async move {
                let ids: Vec<String> = entries.iter().map(|entry| entry.id.to_string()).collect();
                let answer: Vec<String> = self
                    .link
                    .run(&self.scripts.inspect, self.sets(shard), &ids)
                    .await?;
                if answer.len() != entries.len() * 2 {
                    return Err(odd("inspect"));
                }
                let differs = |entry: &Entry, generation: &str, found: &str| match generation
                    .parse::<i64>()
                {
                    Ok(known) if known == entry.generation => {
                        found != format!("{} {}", set(entry.first), micros(entry.due))
                    }
                    Ok(known) => known < entry.generation,
                    Err(_) => true,
                };
                let answers = answer
                    .chunks(2)
                    .map(|parts| (parts[0].as_str(), parts[1].as_str()));
                let amiss = entries
                    .into_iter()
                    .zip(answers)
                    .filter(|(entry, (generation, found))| differs(entry, generation, found));
                Ok(amiss.map(|(entry, _)| *entry).collect::<Vec<Entry>>())
            },
        );
        try_join_all(calls)
            .await
            .map(|amiss| amiss.into_iter().flatten().collect())
    }

    /// Asks to rebuild a shard; asked again, keeps others from taking over.
    pub(crate) async fn begin(&self, shard: usize, token: &str) -> RedisResult<Begun> {
        let arguments = [token.to_owned(), BUILDER_LIMIT.as_millis().to_string()];
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
        self.link
            .run(
                &self.scripts.complete,
                &self.markers(shard),
                &[token.to_owned()],
            )
            .await
    }

    fn sets(&self, shard: usize) -> &[String] {
        &self.shards[shard].all[..=CLAIM]
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

fn set(first: bool) -> String {
    if first { "1" } else { "2" }.to_owned()
}

fn place(entry: &Entry) -> [String; 3] {
    [
        entry.generation.to_string(),
        set(entry.first),
        micros(entry.due).to_string(),
    ]
}

fn instant_of(score: &str) -> Option<Timestamp> {
    Timestamp::from_microsecond(score.parse().ok()?).ok()
}

fn by_shard<T>(items: impl Iterator<Item = T>, id: impl Fn(&T) -> Uuid) -> Vec<(usize, Vec<T>)> {
    let mut shards: Vec<(usize, Vec<T>)> = (0..SHARDS).map(|shard| (shard, Vec::new())).collect();
    for item in items {
        shards[shard_of(id(&item))].1.push(item);
    }
    shards.retain(|(_, items)| !items.is_empty());
    shards
}

fn read_look(answer: &[String]) -> Option<Look> {
    let [is_complete, next, lease_ends, firsts, due @ ..] = answer else {
        return None;
    };
    let due: Vec<i64> = due
        .iter()
        .map(|score| score.parse().ok())
        .collect::<Option<_>>()?;
    let (first, normal) = due.split_at_checked(firsts.parse().ok()?)?;
    Some(Look {
        is_complete: is_complete == "1",
        next: instant_of(next),
        lease_ends: lease_ends.parse().ok().map(Duration::from_millis),
        due: [first.to_vec(), normal.to_vec()],
    })
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
