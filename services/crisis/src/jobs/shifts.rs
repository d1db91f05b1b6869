//! Somebody comes on duty by a roster that is known already: no event says so. Once a minute the sites
//! with unfilled roles are looked at again.

use std::time::Duration;

use redress_model::Fault;
use redress_model::name::SiteId;
use redress_runtime::every;
use redress_store::{Database, Operation, Scope, Tx};
use redress_timers::Entry;
use tokio_util::sync::CancellationToken;

use super::Shop;
use crate::flow::{Because, Desk, staff_up};
use crate::store::{lock_site, roles};

/// How often unfilled roles are looked at.
const PERIOD: Duration = Duration::from_secs(60);

/// Looks until shut down. Replicas may do so at once; the site's lock makes the second find nothing to
/// do.
pub async fn run(db: Database, shop: Shop, shutdown: CancellationToken) {
    let pause = shop.desk.clock.wait(PERIOD);
    let failed = "unfilled roles stay so for now";
    every(pause, &shutdown, failed, || look(&db, &shop)).await;
}

/// Looks once.
///
/// # Errors
/// When Postgres is away.
pub async fn look(db: &Database, shop: &Shop) -> Result<(), Fault> {
    for site in roles::sites_with_unfilled(db).await? {
        let fill = FillRoles {
            desk: &shop.desk,
            site: &site,
        };
        shop.arm(db.run(&Scope::site(site.clone()), &fill).await?);
    }
    Ok(())
}

struct FillRoles<'a> {
    desk: &'a Desk,
    site: &'a SiteId,
}

impl Operation for FillRoles<'_> {
    const NAME: &'static str = "crisis.fill_roles";
    type Output = Vec<Entry>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Entry>, Fault> {
        lock_site(tx, self.site).await?;
        staff_up(tx, self.desk, self.site, Because::TimePassed).await
    }
}
