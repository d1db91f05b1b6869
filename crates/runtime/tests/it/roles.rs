//! The roles that are compiled in, against the contracts.

use redress_rpc::roles::Roles;
use redress_runtime::NoSettings;
use redress_runtime::config::{Sources, load};

fn roles() -> Roles {
    let (common, NoSettings {}) =
        load::<NoSettings>("intake", "", &Sources::default()).expect("complete");
    Roles::new(common.roles)
}

#[test]
fn texts_and_contact_points_of_complainants_are_for_services_alone() {
    let roles = roles();
    for reserved in [
        "cases.read_text",
        "cases.read_contacts",
        "staff.read_contacts",
        "events.deliver",
    ] {
        assert!(roles.permissions(["service"]).allow(reserved));
        for role in ["admin", "manager", "clerk", "handler", "auditor", "sre"] {
            let permissions = roles.permissions([role]);
            assert!(!permissions.allow(reserved), "{role} has {reserved}");
        }
    }
}

#[test]
fn an_auditor_changes_nothing_and_an_sre_sees_no_case() {
    let roles = roles();
    let auditor = roles.permissions(["auditor"]);
    assert!(auditor.allow("cases.get") && auditor.allow("incidents.list"));
    assert!(!auditor.allow("cases.update") && !auditor.allow("events.redrive"));
    let sre = roles.permissions(["sre"]);
    assert!(sre.allow("events.redrive") && !sre.allow("cases.get"));
}

#[test]
fn only_a_manager_overrides_an_assignment() {
    let roles = roles();
    assert!(roles.permissions(["manager"]).allow("assignments.override"));
    assert!(!roles.permissions(["handler"]).allow("assignments.override"));
}
