//! Who calls. The gate reads it from the access token and puts it into the request's extensions;
//! handlers take it from there and never look at a token.

use std::sync::Arc;

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::{OrganizationId, RegionName, SiteId, SiteName, StaffName};

use crate::roles::Permissions;

/// A caller whose token was verified.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Subject of the token.
    pub subject: String,
    /// Issuer of the token.
    pub issuer: String,
    /// Organizations whose every site the caller may see.
    pub organizations: Vec<OrganizationId>,
    /// Regions whose every site the caller may see.
    pub regions: Vec<RegionName>,
    /// Single sites that the caller may see.
    pub sites: Vec<SiteId>,
    /// Roles by name.
    pub roles: Vec<String>,
    /// What the roles allow, expanded by this service's configuration.
    pub permissions: Permissions,
    /// The person on the roster, where the caller is one.
    pub staff: Option<StaffName>,
    /// The calling service, where it is one of ours.
    pub service: Option<String>,
    /// Why a service calls; goes into audit records.
    pub purpose: Option<String>,
    /// When the token ends.
    pub expires: Timestamp,
}

impl Caller {
    /// The caller of this request.
    ///
    /// # Errors
    /// INTERNAL when the gate did not run: a mistake of ours, never of the caller.
    pub fn of<T>(request: &tonic::Request<T>) -> Result<&Self, Fault> {
        request
            .extensions()
            .get::<Arc<Self>>()
            .map(Arc::as_ref)
            .ok_or_else(|| Fault::internal("the request did not pass the gate"))
    }

    /// Whether the caller's roles grant the permission.
    pub fn may(&self, permission: &str) -> bool {
        self.permissions.allow(permission)
    }

    /// Asks for a permission beyond the one of the method.
    ///
    /// # Errors
    /// PERMISSION_DENIED naming it.
    pub fn require(&self, permission: &str) -> Result<(), Fault> {
        if self.may(permission) {
            Ok(())
        } else {
            Err(Fault::denied(permission))
        }
    }

    /// The name of the calling service.
    ///
    /// # Errors
    /// PERMISSION_DENIED when the caller is a person or a portal.
    pub fn require_service(&self) -> Result<&str, Fault> {
        self.service
            .as_deref()
            .ok_or_else(|| Fault::only("a Redress service"))
    }

    /// Refuses a site that is surely out of scope before Postgres is asked. A courtesy: row security
    /// decides, and it alone knows which sites a region or an organization has.
    ///
    /// # Errors
    /// NOT_FOUND, as for a site that does not exist.
    pub fn require_site(&self, site: &SiteId) -> Result<(), Fault> {
        let only_sites = self.organizations.is_empty() && self.regions.is_empty();
        if only_sites && !self.sites.contains(site) {
            return Err(Fault::not_found("Site", SiteName(site.clone())));
        }
        Ok(())
    }

    /// The caller as one text: what receipts of repeated requests are kept under.
    pub fn key(&self) -> String {
        format!("{}|{}", self.issuer, self.subject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(organizations: &[&str], sites: &[&str]) -> Caller {
        Caller {
            subject: "li".into(),
            issuer: "test".into(),
            organizations: organizations
                .iter()
                .map(|o| o.parse().expect("a slug"))
                .collect(),
            regions: Vec::new(),
            sites: sites.iter().map(|s| s.parse().expect("a slug")).collect(),
            roles: Vec::new(),
            permissions: Permissions::default(),
            staff: None,
            service: None,
            purpose: None,
            expires: Timestamp::MAX,
        }
    }

    #[test]
    fn a_foreign_site_looks_like_a_missing_one() {
        let river: SiteId = "river".parse().expect("a slug");
        let fault = caller(&[], &["lake"])
            .require_site(&river)
            .expect_err("not in scope");
        assert_eq!(fault.reason(), "NOT_FOUND");
        assert!(caller(&[], &["river"]).require_site(&river).is_ok());
    }

    #[test]
    fn a_caller_of_an_organization_is_left_to_row_security() {
        let river: SiteId = "river".parse().expect("a slug");
        assert!(caller(&["demo"], &["lake"]).require_site(&river).is_ok());
    }
}
