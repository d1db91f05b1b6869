//! Which level a caller has at a site: a matter of the token, so that no row can raise anybody.

use redress_model::Fault;
use redress_model::name::SiteId;
use redress_rpc::Caller;
use redress_store::Tx;

use crate::domain::authority::Level;
use crate::store::limits;

/// Lets its holder decide what the place may decide that the token is for: site, region or organization.
const MANAGES: &str = "authority.manage";
/// Lets its holder decide what a department manager may.
const LEADS_DEPARTMENT: &str = "authority.department";

/// The level of a caller at a site that the caller sees.
pub(in crate::rpc) async fn level_of(
    tx: &mut Tx,
    caller: &Caller,
    site: &SiteId,
) -> Result<Level, Fault> {
    if !caller.may(MANAGES) {
        return Ok(if caller.may(LEADS_DEPARTMENT) {
            Level::DepartmentManager
        } else {
            Level::Handler
        });
    }
    let Some((organization, region)) = limits::place_of(tx, site).await? else {
        return Ok(Level::SiteManager);
    };
    let of_organization = caller
        .organizations
        .iter()
        .any(|o| o.as_str() == organization);
    let of_region = caller
        .regions
        .iter()
        .any(|r| r.organization.as_str() == organization && r.region.as_str() == region);
    Ok(if of_organization {
        Level::HeadOffice
    } else if of_region {
        Level::Region
    } else {
        Level::SiteManager
    })
}
