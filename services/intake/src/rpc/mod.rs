//! The RPCs, one a file: request, transaction, answer. What each may fail with stands in the contract.

mod add_evidence;
mod case_read_service;
mod case_service;
mod create_case;
mod directory;
mod get_case;
mod import_cases;
mod list_cases;
mod list_timeline;
mod merge_cases;
mod own_move;
mod record_contact;
mod record_custody;
mod record_needs;
mod render;
mod search_cases;
mod update_case;
mod verify_timeline;
mod verify_timelines;
mod watch_cases;

pub use case_read_service::CaseReadServer;
pub use case_service::CaseServer;
pub use directory::DirectoryServer;

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{SiteId, SiteName};

/// The site of a parent; none for `sites/-`, all sites in the caller's scope.
fn parse_parent(parent: &str) -> Result<Option<SiteId>, Fault> {
    if parent == "sites/-" {
        return Ok(None);
    }
    parse_field::<SiteName>("parent", parent).map(|name| Some(name.0))
}

/// A text that Postgres can take: it knows no U+0000.
fn refuse_nul(field: &str, text: &str) -> Result<(), Fault> {
    if text.contains('\0') {
        return Err(Fault::invalid(field, "must not hold the character U+0000"));
    }
    Ok(())
}
