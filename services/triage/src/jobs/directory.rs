//! The directory of sites.

use std::sync::Arc;

use jiff::tz::TimeZone;
use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{OrganizationName, RegionName, SiteName};
use redress_proto::convert::required;
use redress_proto::event::v1::SiteChanged;
use redress_store::{Tx, place_site};

use crate::casework;
use crate::desk::Desk;
use crate::store::sites::{self, SiteEntry};

/// Takes sites in; their calendars follow.
#[derive(Debug)]
pub struct SiteChangedHandler(pub Arc<Desk>);

impl Handler for SiteChangedHandler {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let payload: SiteChanged = event.decode()?;
        let site: SiteName = parse_field("site", &payload.site)?;
        if site.0 != event.site {
            return Err(Fault::invalid("site", "must be the site of the event"));
        }
        let organization: OrganizationName = parse_field("organization", &payload.organization)?;
        let region: RegionName = parse_field("region", &payload.region)?;
        TimeZone::get(&payload.time_zone)
            .map_err(|_| Fault::invalid("time_zone", "must be an IANA time zone"))?;
        let entry = SiteEntry {
            organization: organization.0.to_string(),
            region: region.region.to_string(),
            kind: required("kind", payload.kind)?,
            time_zone: payload.time_zone,
            revision: payload.revision,
        };
        place_site(tx, &site.0, &organization.0, &region.region).await?;
        sites::put(tx, &site.0, &entry).await?;
        if let Some(known) = sites::get(tx, &site.0, self.0.now()).await? {
            casework::tell_policy(tx, &known).await?;
            casework::follow_calendar(tx, known, self.0.now()).await?;
        }
        Ok(Applied::Done)
    }
}
