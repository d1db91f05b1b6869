//! Which sites a transaction may see.

use redress_model::Fault;
use redress_model::name::{OrganizationId, RegionId, RegionName, SiteId};

use crate::Tx;
use crate::fault::StoreResultExt;

/// The organizations, regions and sites that a caller acts for. An empty scope sees nothing.
///
/// Cost: a scope of organizations or regions is expanded to its sites once per transaction, one
/// index range of `scope_site`; row policies then compare with that list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// All sites of these organizations.
    pub organizations: Vec<OrganizationId>,
    /// All sites of these regions.
    pub regions: Vec<RegionName>,
    /// These sites.
    pub sites: Vec<SiteId>,
}

impl Scope {
    /// One site: the scope of every event handler, timer and worker.
    pub fn site(site: SiteId) -> Self {
        Self {
            sites: vec![site],
            ..Self::default()
        }
    }

    /// Whether it sees nothing.
    pub fn is_empty(&self) -> bool {
        self.organizations.is_empty() && self.regions.is_empty() && self.sites.is_empty()
    }

    /// Confines the transaction. The settings end with it.
    pub(crate) async fn set(&self, tx: &mut Tx) -> Result<(), Fault> {
        let organizations = texts(&self.organizations);
        let regions: Vec<String> = self
            .regions
            .iter()
            .map(|r| format!("{}/{}", r.organization, r.region))
            .collect();
        let sites = texts(&self.sites);
        sqlx::query!(
            "-- store::scope::set
            SELECT set_config('redress.organizations', $1::text[]::text, true) AS organizations,
                   set_config('redress.regions', $2::text[]::text, true) AS regions,
                   set_config('redress.sites', $3::text[]::text, true) AS sites",
            &organizations,
            &regions,
            &sites,
        )
        .fetch_one(&mut **tx)
        .await
        .or_fault()?;
        if organizations.is_empty() && regions.is_empty() {
            return Ok(());
        }
        // A second statement, so that the policy on scope_site already sees the settings above.
        sqlx::query!(
            "-- store::scope::expand
            SELECT set_config('redress.sites', array_agg(DISTINCT s.site)::text, true) AS sites
            FROM (SELECT unnest($3::text[]) AS site
                  UNION ALL
                  SELECT site FROM scope_site WHERE organization = ANY ($1::text[])
                  UNION ALL
                  SELECT p.site FROM unnest($2::text[]) AS r
                  JOIN scope_site p ON p.organization = split_part(r, '/', 1) AND p.region = split_part(r, '/', 2)) AS s
            HAVING count(*) > 0",
            &organizations,
            &regions,
            &sites,
        )
        .fetch_optional(&mut **tx)
        .await
        .or_fault()?;
        Ok(())
    }
}

fn texts<T: ToString>(ids: &[T]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

/// Records where a site lies, so that callers of its organization and region see it from their next
/// transaction on. Repeating it is harmless; a site that moves to another region moves here too.
///
/// # Errors
/// When the transaction's scope covers neither the site nor its place, or Postgres is away.
pub async fn place_site(
    tx: &mut Tx,
    site: &SiteId,
    organization: &OrganizationId,
    region: &RegionId,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- store::scope::place_site
        INSERT INTO scope_site AS s (site, organization, region) VALUES ($1, $2, $3)
        ON CONFLICT (site) DO UPDATE SET organization = $2, region = $3
        WHERE (s.organization, s.region) IS DISTINCT FROM ($2, $3)",
        site.as_str(),
        organization.as_str(),
        region.as_str(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}
