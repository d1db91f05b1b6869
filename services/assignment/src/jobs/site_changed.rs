//! `redress.site.changed.v1`: learns of a site, so that its roster can be set and callers of its region see it.

use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{OrganizationName, RegionName};
use redress_proto::convert::from_wire;
use redress_proto::event::v1::SiteChanged;
use redress_store::Tx;

use crate::store::reports::facts;
use crate::store::sites;

/// The handler.
#[derive(Debug, Clone, Copy)]
pub struct OnSiteChanged;

impl Handler for OnSiteChanged {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let site: SiteChanged = event.decode()?;
        let organization: OrganizationName = parse_field("data.organization", &site.organization)?;
        let region: RegionName = parse_field("data.region", &site.region)?;
        redress_store::place_site(tx, &event.site, &organization.0, &region.region).await?;
        let (language, zone) = (&site.language, &site.time_zone);
        facts::place(
            tx,
            &event.site,
            from_wire(site.kind),
            &site.time_zone,
            site.revision,
        )
        .await?;
        sites::learn(tx, &event.site, language, zone, site.revision).await?;
        Ok(Applied::Done)
    }
}
