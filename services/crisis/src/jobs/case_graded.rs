//! `redress.case.graded.v1`: a decision. Grade 1 opens an incident or joins the one of its matter.

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

/// Takes in decisions.
#[derive(Debug)]
pub(super) struct CaseGraded(pub(super) Shop);

impl Handler for CaseGraded {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let ruling = read(event)?;
        match decide(tx, &self.0.desk, &ruling).await? {
            Some(armed) => {
                self.0.arm(armed);
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
