//! Who plays: everybody on the roster of the site has a token of their own, in a file that is named after them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use redress_model::name::SiteId;
use redress_model::words::{DutyRole, Word as _};
use redress_proto::assignment::v1::{GetRosterPlanRequest, ListDutiesRequest, ListStaffRequest};
use redress_rpc::auth::Grant;

use crate::commands::token::mint;
use crate::connect::{Home, Platform, request};
use crate::failure::Failure;
use crate::output::short;
use crate::up::settings::write_private;

/// How long a post may be played.
const LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);

/// Posts by their names on the platform.
#[derive(Debug)]
pub(crate) struct People {
    tokens: BTreeMap<String, String>,
    duties: BTreeMap<String, Vec<DutyRole>>,
}

impl People {
    /// The token of a post, by its resource name.
    pub(crate) fn token(&self, staff: &str) -> Option<&str> {
        self.tokens.get(staff).map(String::as_str)
    }

    /// Those with a part in a crisis.
    pub(crate) fn posts(&self) -> Vec<String> {
        let mut posts: Vec<String> = self
            .duties
            .iter()
            .filter(|(_, roles)| roles.iter().any(|r| !is_routine(*r)))
            .map(|(staff, _)| short(staff))
            .collect();
        posts.sort_unstable();
        posts
    }
}

fn is_routine(role: DutyRole) -> bool {
    matches!(role, DutyRole::Handler | DutyRole::FrontOffice)
}

/// Where a post's token lies.
pub(crate) fn file(home: &Home, post: &str) -> PathBuf {
    home.folder().join("people").join(post)
}

/// Makes a token for everybody on the roster of a site.
pub(crate) async fn hire(
    home: &Home,
    platform: &Platform,
    site: &SiteId,
) -> Result<People, Failure> {
    let parent = format!("sites/{site}");
    let mut roster = platform.roster();
    let list = ListDutiesRequest {
        parent: parent.clone(),
        page_size: 1000,
        ..Default::default()
    };
    let mut duties: BTreeMap<String, Vec<DutyRole>> = BTreeMap::new();
    for duty in roster.list_duties(request(list)).await?.into_inner().duties {
        let held = duties.entry(duty.staff).or_default();
        held.extend(DutyRole::from_number(duty.role));
    }
    // Whoever takes turns may be on duty when it happens.
    let get = GetRosterPlanRequest {
        name: format!("{parent}/rosterPlan"),
    };
    let plan = platform.roster_plan().get_roster_plan(request(get)).await?;
    for rotation in plan.into_inner().plan.unwrap_or_default().rotations {
        for staff in rotation.crews.iter().flat_map(|crew| &crew.staff) {
            let held = duties.entry(staff.clone()).or_default();
            held.extend(DutyRole::from_number(rotation.role));
        }
    }
    let list = ListStaffRequest {
        parent,
        page_size: 1000,
        ..Default::default()
    };
    let staff = roster.list_staff(request(list)).await?.into_inner().staff;
    let folder = file(home, "");
    std::fs::create_dir_all(&folder).map_err(|source| Failure::File {
        what: "cannot make",
        path: folder.display().to_string(),
        source,
    })?;
    let mut tokens = BTreeMap::new();
    for person in staff {
        let held = duties
            .get(&person.name)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let grant = Grant {
            subject: short(&person.name),
            roles: roles(held).into_iter().map(str::to_owned).collect(),
            sites: vec![site.to_string()],
            staff: Some(person.name.clone()),
            ..Grant::default()
        };
        let token = mint(home, grant, LIFETIME)?;
        write_private(&file(home, &short(&person.name)), &token)?;
        tokens.insert(person.name, token);
    }
    Ok(People { tokens, duties })
}

/// What the holder of these duties may do on the platform.
fn roles(held: &[DutyRole]) -> Vec<&'static str> {
    let mut roles = vec!["handler", "clerk"];
    for duty in held {
        roles.push(match duty {
            DutyRole::TopLead
            | DutyRole::DutyLead
            | DutyRole::OnSiteLead
            | DutyRole::RegionContact => "manager",
            DutyRole::Spokesperson => "spokesperson",
            DutyRole::LegalCounsel | DutyRole::CustomerLiaison | DutyRole::Negotiator => "counsel",
            DutyRole::FrontOffice | DutyRole::Handler => continue,
        });
    }
    roles.sort_unstable();
    roles.dedup();
    roles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn posts_may_do_what_their_duties_ask_for() {
        assert_eq!(roles(&[]), ["clerk", "handler"]);
        assert_eq!(
            roles(&[DutyRole::Spokesperson, DutyRole::Handler]),
            ["clerk", "handler", "spokesperson"]
        );
        assert_eq!(
            roles(&[DutyRole::DutyLead, DutyRole::TopLead]),
            ["clerk", "handler", "manager"]
        );
    }
}
