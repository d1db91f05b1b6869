//! `redress.case.graded.v1`: the case is offered to somebody. A new category before acceptance routes it again; later
//! it is recorded only.

use jiff::Timestamp;
use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_model::name::CaseName;
use redress_model::time::SharedClock;
use redress_model::words::CaseMode;
use redress_proto::convert::{from_wire, grade};
use redress_proto::event::v1::CaseGraded;
use redress_store::Tx;

use super::{apply, case_of};
use crate::domain::demand::GROUP_PEOPLE_MIN;
use crate::domain::report::tells_of_the_desk;
use crate::domain::transition::Action;
use crate::domain::work::Decision;
use crate::store::reports::facts;
use crate::store::{bench, solutions, summonses, work};

/// The handler.
#[derive(Debug, Clone)]
pub struct OnCaseGraded(pub SharedClock);

impl Handler for OnCaseGraded {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let graded: CaseGraded = event.decode()?;
        let case = case_of(event, &graded.case)?;
        let decision = Decision {
            revision: graded.revision,
            epoch: graded.epoch,
            category: from_wire(graded.category),
            grade: grade(graded.grade)
                .ok_or_else(|| Fault::invalid("data.grade", "must be from 1 to 4"))?,
            urgency: from_wire(graded.urgency),
        };
        let (revision, category, grade) = (decision.revision, decision.category, decision.grade);
        let judges = tells_of_the_desk(&graded.cause);
        if event.historical || from_wire(graded.mode) == Some(CaseMode::Historical) {
            facts::graded(tx, &case, revision, category, grade, judges).await?;
            return Ok(Applied::Done);
        }
        bench::lock(tx, &event.site).await?;
        match work::find(tx, &case).await? {
            // Triage has heard of a move of intake's that has not come here yet.
            Some(known) if decision.epoch <= known.epoch => {
                facts::graded(tx, &case, revision, category, grade, judges).await?;
                apply(tx, &known, Action::Graded(decision), &event.source, &self.0).await?;
                if !graded.cluster.is_empty() {
                    work::join_cluster(tx, &case, &graded.cluster).await?;
                }
                let complainants = graded.complainants.max(graded.cluster_complainants);
                if complainants >= GROUP_PEOPLE_MIN {
                    let matter = match graded.cluster.as_str() {
                        "" => graded.case.as_str(),
                        cluster => cluster,
                    };
                    summon(tx, &case, matter, complainants, self.0.now()).await?;
                }
                solutions::reassess(tx, &case, self.0.now()).await?;
                Ok(Applied::Done)
            }
            _ => Ok(Applied::Wait),
        }
    }
}

/// Calls for everybody whom so many together bring (M09, M10).
async fn summon(
    tx: &mut Tx,
    case: &CaseName,
    matter: &str,
    complainants: i32,
    now: Timestamp,
) -> Result<(), Fault> {
    let Some(work) = work::find(tx, case).await? else {
        return Ok(());
    };
    let bench = bench::load(tx, &case.site, now).await?;
    summonses::call(tx, &work, matter, complainants, &bench, now).await
}
