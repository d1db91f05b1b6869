//! Keeps which incident a case belongs to. One event speaks about several cases.

use std::collections::BTreeSet;

use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::IncidentName;
use redress_model::time::SharedClock;
use redress_proto::event::v1 as events;
use redress_proto::event::v1::IncidentTransition;
use redress_proto::intake::v1::TimelineKind;
use redress_store::Tx;

use super::case_view::{keep, open};
use crate::domain::timeline::facts;

/// `redress.incident.changed.v1`.
#[derive(Debug)]
pub struct IncidentChanged(pub SharedClock);

impl Handler for IncidentChanged {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let changed: events::IncidentChanged = event.decode()?;
        let own: IncidentName = parse_field("incident", &changed.incident)?;
        let incident = match changed.merged_into.as_str() {
            "" => own.to_string(),
            into => parse_field::<IncidentName>("merged_into", into)?.to_string(),
        };
        let transition = IncidentTransition::try_from(changed.transition)
            .unwrap_or(IncidentTransition::Unspecified);
        let name = transition.as_str_name();
        let word = name.strip_prefix("INCIDENT_TRANSITION_").unwrap_or(name);
        // In one order, so that two incidents never wait for each other's cases in a circle.
        let cases: BTreeSet<&String> = changed.cases.iter().collect();
        for name in cases {
            let mut case = open(tx, event, name).await?;
            if case.incident == incident {
                continue;
            }
            case.incident.clone_from(&incident);
            let facts = facts([
                ("incident", incident.clone()),
                ("transition", word.to_owned()),
                ("public_mode", changed.public_mode.to_string()),
            ]);
            let kind = TimelineKind::IncidentChanged;
            keep(
                tx,
                &mut case,
                event,
                kind,
                self.0.at(event.time),
                facts,
                self.0.now(),
            )
            .await?;
        }
        Ok(Applied::Done)
    }
}
