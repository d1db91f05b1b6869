//! What the place leaves to a request of law and practice: its policy and its zone.

use jiff::tz::TimeZone;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};

use super::super::Shared;
use crate::store::policy::{self, SitePolicy};
use crate::store::sites;

/// The policy of a site and its zone; those of a residential project where the site is not known here, or not in scope.
pub(super) async fn of(
    shared: &Shared,
    caller: &Caller,
    site: &SiteId,
) -> Result<(SitePolicy, TimeZone), Fault> {
    let scope = redress_runtime::scope(caller);
    shared.db.read(&scope, &Read(site)).await
}

struct Read<'a>(&'a SiteId);

impl Operation for Read<'_> {
    const NAME: &'static str = "assignment.read_place";
    type Output = (SitePolicy, TimeZone);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        Ok((
            policy::of_site(tx, self.0).await?,
            sites::zone(tx, self.0).await?,
        ))
    }
}
