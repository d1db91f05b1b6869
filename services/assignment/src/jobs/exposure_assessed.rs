//! `redress.exposure.assessed.v1` from crisis: the media desk of an incident said what is true of a report. A true one costs what
//! the policy of the site says, until it turns out to be false (M17); one that is partly true changes nothing.

use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::ExposureName;
use redress_model::time::SharedClock;
use redress_proto::convert::from_timestamp;
use redress_proto::event::v1::ExposureAssessed;
use redress_store::Tx;
use uuid::Uuid;

use super::case_of;
use crate::store::exposures;
use crate::store::ledger::Report;

/// The word that it is so.
const TRUE: &str = "TRUE";

/// The word that it is not.
const FALSE: &str = "FALSE";

/// The handler.
#[derive(Debug, Clone)]
pub struct OnExposureAssessed(pub SharedClock);

impl Handler for OnExposureAssessed {
    type Prepared = ();

    fn concerns(&self, event: &Event) -> bool {
        let assessed: Result<ExposureAssessed, Fault> = event.decode();
        !event.historical && assessed.map_or(true, |a| [TRUE, FALSE].contains(&a.truth.as_str()))
    }

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let assessed: ExposureAssessed = event.decode()?;
        let exposure: ExposureName = parse_field("data.exposure", &assessed.exposure)?;
        let now = self.0.now();
        if assessed.truth == FALSE {
            let reason = "the media desk found that the exposure is false";
            let clock = (exposure.id, None);
            exposures::waive(tx, &event.site, clock, (event.source.as_str(), reason), now).await?;
            return Ok(Applied::Done);
        }
        let cases: Result<Vec<Uuid>, Fault> = assessed
            .cases
            .iter()
            .map(|name| Ok(case_of(event, name)?.id))
            .collect();
        let from = assessed.publish_time.unwrap_or_default();
        let until = assessed.assess_time.unwrap_or_default();
        let report = Report {
            // What fell with a word that it is false is booked anew by one that it is true.
            origin: format!("exposure:{}:{}", exposure.id, assessed.revision),
            clock: exposure.id,
            desk: true,
            cases: cases?,
            from: Some(from_timestamp("data.publish_time", &from)?),
            until: from_timestamp("data.assess_time", &until)?,
        };
        let reason = "the media desk found that the exposure is true";
        exposures::book(
            tx,
            &event.site,
            &report,
            (event.source.as_str(), reason),
            now,
        )
        .await?;
        Ok(Applied::Done)
    }
}
