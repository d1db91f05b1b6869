//! People who complain again of a matter that was resolved: what did not hold is opened again (domain.md section 7, decision 69).

use redress_events::{NewEvent, publish};
use redress_model::Fault;
use redress_model::name::CaseName;
use redress_proto::convert::to_timestamp;
use redress_proto::event::v1::ReopeningAsked;

use super::{Work, cluster};
use crate::domain::Cause;
use crate::store::cases::{self, Case};

/// Why intake is to open a case again; intake knows it by this word.
const COMPLAINED_AGAIN: &str = "complained_again";

/// Asks intake to open what had been resolved when this case came in, once each. Nothing names the case that is the reason:
/// whoever it hides from reads the other one.
pub(super) async fn ask(work: &mut Work<'_>, case: &Case) -> Result<(), Fault> {
    let site = &work.site.id;
    for (earlier, epoch) in cases::take_resolved(work.tx, site, case).await? {
        let name = CaseName::new(site.clone(), earlier).to_string();
        let payload = ReopeningAsked {
            case: name.clone(),
            epoch,
            reason: COMPLAINED_AGAIN.to_owned(),
            ask_time: Some(to_timestamp(work.now)),
        };
        let event = NewEvent {
            event_type: "redress.reopening.asked.v1",
            site,
            subject: &name,
            historical: false,
            payload: &payload,
        };
        publish(work.tx, &event).await?;
    }
    Ok(())
}

/// Decides again the cases that came in after the resolution of this one and were decided before we heard of it (I3).
pub(super) async fn heard_late(work: &mut Work<'_>, case: &Case) -> Result<(), Fault> {
    let later = cases::came_after(work.tx, &work.site.id, case).await?;
    cluster::again(work, later, Cause::Cluster).await
}
