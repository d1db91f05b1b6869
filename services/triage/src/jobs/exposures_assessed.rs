//! The media desk of an incident has said of every report what is true of it: what its cases were to clarify until then it
//! watches from there on (M17).

use std::collections::BTreeSet;
use std::sync::Arc;

use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_proto::event::v1::ExposuresAssessed;
use redress_store::Tx;
use uuid::Uuid;

use super::parse;
use crate::casework::{self, Work};
use crate::desk::Desk;
use crate::store::{cases, sites};

/// Hands clarifications to the desk.
#[derive(Debug)]
pub struct ExposuresAssessedHandler(pub Arc<Desk>);

impl Handler for ExposuresAssessedHandler {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let Some(site) = sites::get(tx, &event.site, self.0.now()).await? else {
            return Ok(Applied::Wait);
        };
        let payload: ExposuresAssessed = event.decode()?;
        let until = parse::time("assess_time", payload.assess_time.as_ref())?;
        let ids: Result<Vec<Uuid>, Fault> = payload
            .cases
            .iter()
            .map(|name| parse::case_id(event, name))
            .collect();
        let ids = ids?;
        let known = cases::lock_many(tx, &site.id, &ids).await?;
        if ids.iter().any(|id| !known.contains_key(id)) {
            return Ok(Applied::Wait);
        }
        let news = cases::set_assessed(tx, &site.id, &ids, until).await?;
        // While a case is merged, its head owes it.
        let owing: BTreeSet<Uuid> = news
            .iter()
            .filter_map(|id| known.get(id))
            .map(|case| case.merged_into.unwrap_or(case.id))
            .collect();
        let mut work = Work::new(tx, &site, self.0.now());
        for id in owing {
            if let Some(case) = cases::lock(work.tx, &site.id, id).await? {
                casework::assessed(&mut work, &case).await?;
            }
        }
        self.0.schedule_soon(work.entries);
        Ok(Applied::Done)
    }
}
