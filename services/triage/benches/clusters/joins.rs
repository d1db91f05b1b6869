//! How long a case takes to join at the site that was filled: each is taken back, so that the next meets the same.

use std::sync::Mutex;
use std::time::Instant;

use hdrhistogram::Histogram;
use jiff::Timestamp;
use redress_model::words::Category;
use redress_model::{Fault, ids};
use redress_store::{Database, Operation, Scope, Tx};
use redress_triage::casework::{self, Likeness, Reading, Work};
use redress_triage::domain::similarity::Terms;
use redress_triage::store::sites;

use super::fill::{Maker, site};

/// Joins before the first that is measured.
const WARM_UP: usize = 100;

/// These words, about the one category that all cases have.
pub(crate) fn reading(terms: Terms) -> Reading {
    Reading {
        terms,
        category: Some(Category::EngineeringQuality),
        sure: true,
        ..Reading::default()
    }
}

/// Joins, and takes it back.
struct Join<'a> {
    reading: &'a Reading,
    now: Timestamp,
    took: &'a Mutex<Histogram<u64>>,
}

impl Operation for Join<'_> {
    const NAME: &'static str = "bench.join";
    type Output = ();

    async fn run(&self, tx: &mut Tx) -> Result<(), Fault> {
        let site = sites::get(tx, &site(), self.now)
            .await?
            .expect("made before");
        let started = Instant::now();
        sites::lock_clusters(tx, &site.id).await?;
        let mut work = Work::new(tx, &site, self.now);
        let own = Likeness {
            received: self.now,
            category: self.reading.category,
            place: self.reading.place,
            terms: &self.reading.terms,
        };
        casework::join(&mut work, ids::new_id(self.now), own).await?;
        let took = u64::try_from(started.elapsed().as_micros()).unwrap();
        self.took.lock().unwrap().record(took).unwrap();
        Err(Fault::invalid("bench", "taken back"))
    }
}

/// Lets so many cases join. Gives how long they took, in microseconds.
pub(crate) async fn measure(
    db: &Database,
    maker: &mut Maker,
    now: Timestamp,
    count: usize,
) -> Histogram<u64> {
    let took = Mutex::new(Histogram::new(3).unwrap());
    for i in 0..WARM_UP + count {
        if i == WARM_UP {
            took.lock().unwrap().reset();
        }
        let (terms, _) = maker.case();
        let join = Join {
            reading: &reading(terms),
            now,
            took: &took,
        };
        db.run(&Scope::site(site()), &join)
            .await
            .expect_err("taken back");
    }
    took.into_inner().unwrap()
}
