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

    /// The statement that confines a transaction that has just begun. The settings end with it.
    pub(crate) fn settings(&self) -> String {
        let [organizations, regions, sites] = [
            texts(&self.organizations),
            self.regions(),
            texts(&self.sites),
        ]
        .map(|t| literal(&t));
        format!(
            " SELECT /* store::scope::settings */ set_config('redress.organizations', {organizations}, true), \
             set_config('redress.regions', {regions}, true), set_config('redress.sites', {sites}, true)"
        )
    }

    fn regions(&self) -> Vec<String> {
        let regions = self.regions.iter();
        regions
            .map(|r| format!("{}/{}", r.organization, r.region))
            .collect()
    }

    /// Adds the sites of its organizations and regions to those of the transaction.
    pub(crate) async fn expand(&self, tx: &mut Tx) -> Result<(), Fault> {
        if self.organizations.is_empty() && self.regions.is_empty() {
            return Ok(());
        }
        // A statement of its own, so that the policy on scope_site already sees the settings.
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
            &texts(&self.organizations),
            &self.regions(),
            &texts(&self.sites),
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

/// A text that Postgres reads as an array of these, whatever they hold.
fn literal(items: &[String]) -> String {
    let item = |item: &String| format!("\"{}\"", item.replace('\\', "\\\\").replace('"', "\\\""));
    let items: Vec<String> = items.iter().map(item).collect();
    format!(
        "E'{{{}}}'",
        items.join(",").replace('\\', "\\\\").replace('\'', "\\'")
    )
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i9_no_name_breaks_out_of_its_literal() {
        let literal = |items: &[&str]| literal(&texts(items));
        assert_eq!(literal(&[]), "E'{}'");
        assert_eq!(literal(&["lake", "null"]), r#"E'{"lake","null"}'"#);
        assert_eq!(literal(&["a'b"]), r#"E'{"a\'b"}'"#);
        assert_eq!(literal(&[r#"a"b\c"#]), r#"E'{"a\\"b\\\\c"}'"#);
    }
}
