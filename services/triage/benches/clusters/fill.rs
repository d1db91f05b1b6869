//! A site of many cases, written straight into the tables: what the service would have kept of them.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use redress_model::name::SiteId;
use redress_testkit::PostgresOptions;
use redress_triage::domain::similarity::{Documents, Terms};
use sqlx::postgres::PgPool;
use uuid::Uuid;

const WORDS: usize = 40_000;
const MATTERS: usize = 2_000;
const DAYS: i64 = 88;

/// The site that is filled.
pub(crate) fn site() -> SiteId {
    "lakeside".parse().unwrap()
}

/// Starts the server with a cache that holds what a look-up reads, half of production's: to be asked before all else.
pub(crate) async fn server() {
    let options = PostgresOptions {
        shared_buffers: "512MB".to_owned(),
        ..PostgresOptions::for_tests()
    };
    redress_testkit::postgres_with(options).await;
}

/// Makes cases; always the same ones.
pub(crate) struct Maker {
    seed: u64,
    // Cumulative weights, for drawing by bisection.
    words: Vec<f64>,
    matters: Vec<f64>,
    pub(crate) cases: usize,
}

impl Maker {
    #[allow(clippy::cast_precision_loss)]
    pub(crate) fn new(cases: usize) -> Self {
        let cumulative = |weights: &mut dyn Iterator<Item = f64>| {
            let mut sum = 0.0;
            weights
                .map(|w| {
                    sum += w;
                    sum
                })
                .collect::<Vec<f64>>()
        };
        // A fifth of the cases are about matters; the largest has a quarter of those.
        let rest = 0.75 / (1..MATTERS).map(|i| 1.0 / i as f64).sum::<f64>();
        let mut matters = std::iter::once(0.25).chain((1..MATTERS).map(|i| rest / i as f64));
        Self {
            seed: 0x9e37_79b9_7f4a_7c15,
            words: cumulative(&mut (1..=WORDS).map(|i| 1.0 / (i as f64 + 20.0))),
            matters: cumulative(&mut matters),
            cases,
        }
    }

    #[allow(clippy::cast_precision_loss)]
    fn next(&mut self) -> f64 {
        // splitmix64
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn draw(cumulative: &[f64], at: f64) -> usize {
        let all = cumulative.last().copied().unwrap_or(1.0);
        cumulative.partition_point(|&sum| sum < at * all)
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn between(&mut self, from: usize, to: usize) -> usize {
        from + (self.next() * (to - from) as f64) as usize
    }

    /// The words of a case, and its matter.
    pub(crate) fn case(&mut self) -> (Terms, Option<usize>) {
        let mut terms = BTreeMap::new();
        let matter = (self.next() < 0.2).then(|| {
            let at = self.next();
            Self::draw(&self.matters, at)
        });
        if let Some(matter) = matter {
            // Ten words of its own, of which most complaints about it use eight.
            for i in 0..10 {
                if self.next() < 0.8 {
                    let word = 500 + (matter * 131 + i * 1_009) % (WORDS - 500);
                    *terms.entry(key(word)).or_insert(0) += 2;
                }
            }
        }
        // Short complaints are common, long ones rare: 10 to about 250 words.
        let skew = self.next();
        let long = self.between(10, 40) + (skew * skew * skew * 220.0) as usize;
        let long = if matter.is_some() { long.min(40) } else { long };
        for _ in 0..long {
            let at = self.next();
            *terms.entry(key(Self::draw(&self.words, at))).or_insert(0) += 1;
        }
        (terms, matter)
    }
}

/// A word's keyed hash, as good as any.
fn key(word: usize) -> i64 {
    (word as u64)
        .wrapping_add(1)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .cast_signed()
}

/// Fills the tables. Gives how many words were kept, and the size of the largest cluster.
pub(crate) async fn fill(admin: &PgPool, maker: &mut Maker, now: Timestamp) -> (usize, usize) {
    let cases: Vec<(Terms, Option<usize>)> = (0..maker.cases).map(|_| maker.case()).collect();
    let mut documents = Documents {
        count: maker.cases as u64,
        with_term: HashMap::new(),
    };
    for (terms, _) in &cases {
        for &term in terms.keys() {
            *documents.with_term.entry(term).or_insert(0) += 1;
        }
    }
    let mut cluster_of: HashMap<usize, Uuid> = HashMap::new();
    let mut sizes: HashMap<Uuid, usize> = HashMap::new();
    let (mut files, mut words, mut postings) = (String::new(), String::new(), String::new());
    let mut kept = 0;
    let step = SignedDuration::from_hours(24 * DAYS) / i32::try_from(maker.cases).unwrap();
    for (i, (terms, matter)) in cases.iter().enumerate() {
        let received = now - step * i32::try_from(maker.cases - i).unwrap();
        let case = redress_model::ids::new_id(received);
        let cluster = match matter {
            Some(matter) => *cluster_of.entry(*matter).or_insert(case),
            None => case,
        };
        *sizes.entry(cluster).or_default() += 1;
        writeln!(files, "lakeside\t{case}\tB-{i}\tAPP\tf\t{received}\t1\t{{p{i}}}\tNONE\tREMEDY\tf\tf\t{{}}\t1\tCLOSED\t1\tENGINEERING_QUALITY\t{{}}\t{cluster}\t0\t4\t{received}").unwrap();
        let list = |values: &mut dyn Iterator<Item = String>| {
            format!("{{{}}}", values.collect::<Vec<_>>().join(","))
        };
        let (terms_of, counts_of) = (
            list(&mut terms.keys().map(ToString::to_string)),
            list(&mut terms.values().map(ToString::to_string)),
        );
        writeln!(words, "lakeside\t{case}\t{terms_of}\t{counts_of}").unwrap();
        let unit = documents.heaviest() / documents.norm(terms).max(f64::MIN_POSITIVE);
        for (term, count) in terms {
            kept += 1;
            let share = f64::from(*count) * unit;
            writeln!(postings, "lakeside\t{term}\t{case}\t{received}\t{share}").unwrap();
        }
    }
    let (mut clusters, mut counts) = (String::new(), String::new());
    for (cluster, size) in &sizes {
        writeln!(
            clusters,
            "lakeside\t{cluster}\t{now}\t1\t{size}\t{size}\t0\t{now}\t7"
        )
        .unwrap();
    }
    for (term, n) in &documents.with_term {
        writeln!(counts, "lakeside\t{term}\t{n}").unwrap();
    }
    execute(
        admin,
        "ALTER TABLE triage.case_term DROP CONSTRAINT case_term_key",
    )
    .await;
    copy(
        admin,
        "cluster (site, id, create_time, revision, cases, persons, unnamed, newest_time, crossed)",
        &clusters,
    )
    .await;
    copy(admin, "case_file (site, id, number, channel, historical, received_time, headcount, person_tokens, quality_impact, wants, repeat, needs_advisers, excluded, facts_revision, status, epoch, suggested_category, category_words, cluster, similarity, grade, create_time)", &files).await;
    copy(admin, "case_words (site, case_id, terms, counts)", &words).await;
    copy(admin, "term (site, term, documents)", &counts).await;
    copy(
        admin,
        "case_term (site, term, case_id, received_time, share)",
        &postings,
    )
    .await;
    execute(admin, "ALTER TABLE triage.case_term ADD CONSTRAINT case_term_key PRIMARY KEY (site, term, received_time, case_id) INCLUDE (share)").await;
    execute(admin, "INSERT INTO triage.cluster_person (site, cluster, token, cases) SELECT site, cluster, unnest(person_tokens), 1 FROM triage.case_file").await;
    execute(admin, "UPDATE triage.site SET documents = 100000").await;
    execute(admin, "VACUUM ANALYZE").await;
    (kept, sizes.values().copied().max().unwrap_or(0))
}

async fn execute(admin: &PgPool, sql: &'static str) {
    sqlx::query(sql).execute(admin).await.expect("done");
}

async fn copy(admin: &PgPool, into: &str, rows: &str) {
    let sql = format!("COPY triage.{into} FROM STDIN");
    let mut into = admin.acquire().await.expect("a connection");
    let mut copy = into.copy_in_raw(&sql).await.expect("copies");
    for part in rows.as_bytes().chunks(1 << 20) {
        copy.send(part).await.expect("sent");
    }
    copy.finish().await.expect("copied");
}
