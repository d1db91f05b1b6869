//! `redress.case.graded.v1`: a decision. Grade 1 opens an incident or joins the one of its matter.

use opentelemetry::metrics::{Histogram, Meter};
use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::ClusterName;
use redress_model::words::CaseMode;
use redress_proto::convert::{from_timestamp, from_wire, grade};
use redress_proto::event::v1 as events;
use redress_store::Tx;

use super::Shop;
use crate::flow::decide;
use crate::store::cases::Ruling;

/// Bounds of the buckets of `redress.crisis.opening.delay`; the objective asks for 5 s.
const OPENING_BOUNDS: [f64; 13] = [
    0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 3600.0,
];

/// Takes in decisions.
#[derive(Debug)]
pub(super) struct CaseGraded {
    shop: Shop,
    opening_delay: Histogram<f64>,
}

impl CaseGraded {
    pub(super) fn new(shop: Shop, meter: &Meter) -> Self {
        Self {
            shop,
            opening_delay: meter
                .f64_histogram("redress.crisis.opening.delay")
                .with_unit("s")
                .with_description(
                    "From the writing of a decision's event until its case is in an incident.",
                )
                .with_boundaries(OPENING_BOUNDS.to_vec())
                .build(),
        }
    }

    /// Before the commit, as all that handlers do: an application that fails and is repeated counts each time. A
    /// repeated delivery does not get here.
    fn count_opening(&self, event: &Event) {
        let delay = self.shop.desk.clock.now().duration_since(event.time);
        self.opening_delay.record(delay.as_secs_f64().max(0.0), &[]);
    }
}

impl Handler for CaseGraded {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let ruling = read(event)?;
        match decide(tx, &self.shop.desk, &ruling).await? {
            Some(decided) => {
                if decided.admitted {
                    self.count_opening(event);
                }
                self.shop.arm(decided.armed);
                Ok(Applied::Done)
            }
            None => Ok(Applied::Wait),
        }
    }
}

fn read(event: &Event) -> Result<Ruling, Fault> {
    let graded: events::CaseGraded = event.decode()?;
    let cluster: ClusterName = parse_field("cluster", &graded.cluster)?;
    let decided = graded.decide_time.as_ref();
    let decided = decided.ok_or_else(|| Fault::invalid("decide_time", "must be given"))?;
    Ok(Ruling {
        case: parse_field("case", &graded.case)?,
        historical: event.historical || from_wire(graded.mode) == Some(CaseMode::Historical),
        number: graded.number,
        revision: graded.revision,
        cluster: cluster.id,
        grade: grade(graded.grade).ok_or_else(|| Fault::invalid("grade", "must be from 1 to 4"))?,
        previous: grade(graded.previous_grade),
        criteria: graded
            .criteria
            .into_iter()
            .map(|c| c.criterion_id)
            .collect(),
        complainants: graded.complainants,
        cluster_complainants: graded.cluster_complainants,
        epoch: graded.epoch,
        decided: from_timestamp("decide_time", decided)?,
        provisional: graded.provisional,
    })
}
