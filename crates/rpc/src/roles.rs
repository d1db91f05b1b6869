//! Roles and what they allow. Roles are words in tokens; which permissions a role has is
//! configuration, with wildcards: `cases.*`, `*.list`, `*`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The role of Redress services themselves.
pub const SERVICE_ROLE: &str = "service";

/// Permissions by role.
#[derive(Debug, Clone)]
pub struct Roles {
    grants: Arc<BTreeMap<String, Vec<String>>>,
    reserved: Arc<BTreeSet<String>>,
}

impl Roles {
    /// Roles as configured. What [`SERVICE_ROLE`] names is reserved for services: another role gets it
    /// only by naming it in full, never by a wildcard, so that `*` does not open complainants' contact
    /// points to people.
    pub fn new(grants: BTreeMap<String, Vec<String>>) -> Self {
        let reserved = grants
            .get(SERVICE_ROLE)
            .into_iter()
            .flatten()
            .filter(|p| !p.contains('*'))
            .cloned()
            .collect();
        Self {
            grants: Arc::new(grants),
            reserved: Arc::new(reserved),
        }
    }

    /// The roles of people that allow this, in their order.
    pub fn with(&self, permission: &str) -> Vec<&str> {
        let names = self.grants.keys().map(String::as_str);
        names
            .filter(|role| *role != SERVICE_ROLE && self.permissions([*role]).allow(permission))
            .collect()
    }

    /// What these roles allow together. A role that is not configured allows nothing.
    pub fn permissions<'a>(&self, roles: impl IntoIterator<Item = &'a str>) -> Permissions {
        let patterns = roles
            .into_iter()
            .filter_map(|role| self.grants.get(role))
            .flatten()
            .cloned()
            .collect();
        Permissions {
            patterns,
            reserved: Arc::clone(&self.reserved),
        }
    }
}

/// What a caller may do.
#[derive(Debug, Clone, Default)]
pub struct Permissions {
    patterns: BTreeSet<String>,
    reserved: Arc<BTreeSet<String>>,
}

impl Permissions {
    /// Whether the permission, for example `cases.create`, is granted.
    pub fn allow(&self, permission: &str) -> bool {
        self.patterns.contains(permission)
            || (!self.reserved.contains(permission)
                && self.patterns.iter().any(|p| covers(p, permission)))
    }
}

/// Whether a pattern with wildcards covers a permission. `*` stands for everything, in `noun.verb` for
/// one part.
fn covers(pattern: &str, permission: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    let (Some((noun, verb)), Some((of_noun, of_verb))) =
        (pattern.split_once('.'), permission.split_once('.'))
    else {
        return false;
    };
    (noun == "*" || noun == of_noun) && (verb == "*" || verb == of_verb)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles() -> Roles {
        let grant = |role: &str, permissions: &[&str]| {
            let permissions = permissions.iter().map(|p| (*p).to_owned()).collect();
            (role.to_owned(), permissions)
        };
        Roles::new(BTreeMap::from([
            grant("admin", &["*"]),
            grant("clerk", &["cases.*", "sites.get"]),
            grant("auditor", &["*.get", "*.list"]),
            grant("service", &["cases.read_text", "events.deliver"]),
        ]))
    }

    #[test]
    fn wildcards_expand() {
        let clerk = roles().permissions(["clerk"]);
        assert!(clerk.allow("cases.create") && clerk.allow("sites.get"));
        assert!(!clerk.allow("sites.list") && !clerk.allow("caseses.create"));
        let auditor = roles().permissions(["auditor"]);
        assert!(auditor.allow("cases.get") && auditor.allow("work.list"));
        assert!(!auditor.allow("cases.create"));
    }

    #[test]
    fn wildcards_do_not_reach_what_is_reserved_for_services() {
        assert!(roles().permissions(["admin"]).allow("cases.create"));
        assert!(!roles().permissions(["admin"]).allow("cases.read_text"));
        assert!(!roles().permissions(["clerk"]).allow("cases.read_text"));
        assert!(roles().permissions(["service"]).allow("cases.read_text"));
    }

    #[test]
    fn a_permission_names_the_roles_of_people_that_have_it() {
        assert_eq!(roles().with("cases.get"), ["admin", "auditor", "clerk"]);
        assert_eq!(roles().with("sites.create"), ["admin"]);
        assert!(roles().with("cases.read_text").is_empty(), "services alone");
    }

    #[test]
    fn an_unknown_role_allows_nothing() {
        assert!(!roles().permissions(["wizard"]).allow("cases.get"));
    }
}
