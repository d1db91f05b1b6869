//! The roles that are compiled in, against the contracts.

use std::collections::{BTreeMap, BTreeSet};

use prost_reflect::DescriptorPool;
use redress_rpc::permission::MethodTable;
use redress_rpc::roles::Roles;
use redress_runtime::NoSettings;
use redress_runtime::config::{Sources, load};

fn grants() -> BTreeMap<String, Vec<String>> {
    let (common, NoSettings {}) =
        load::<NoSettings>("intake", "", &Sources::default()).expect("complete");
    common.roles
}

fn roles() -> Roles {
    Roles::new(grants())
}

/// Permissions that are no method's own: a method asks for them when the request says more.
const ASKED_FOR_BY_WHAT_IS_SAID: [&str; 6] = [
    "cases.answer",
    "cases.assess",
    "authority.department",
    "notices.relay",
    "voice.list",
    "voice.release",
];

/// The permissions that the methods of all contracts ask for.
fn asked_for() -> BTreeSet<String> {
    let pool = DescriptorPool::decode(redress_proto::FILE_DESCRIPTOR_SET).expect("readable");
    let option = pool
        .get_extension_by_name("redress.options.v1.permission")
        .expect("declared");
    pool.services()
        .flat_map(|s| s.methods().collect::<Vec<_>>())
        .map(|m| {
            let options = m.options();
            let value = options.get_extension(&option);
            value.as_str().expect("a text").to_owned()
        })
        .chain(ASKED_FOR_BY_WHAT_IS_SAID.map(str::to_owned))
        .collect()
}

#[test]
fn every_permission_that_a_role_names_is_asked_for_and_the_reverse() {
    let asked = asked_for();
    for (role, permissions) in grants() {
        for permission in permissions.iter().filter(|p| !p.contains('*')) {
            assert!(asked.contains(permission), "{role} names {permission}");
        }
    }
    let all = roles();
    let names: Vec<String> = grants().into_keys().collect();
    for permission in asked {
        let granted = names
            .iter()
            .any(|role| all.permissions([role.as_str()]).allow(&permission));
        assert!(granted, "nobody may {permission}");
    }
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
fn a_portal_meets_no_promise_of_people() {
    let roles = roles();
    for (role, may) in [
        ("admin", true),
        ("manager", true),
        ("clerk", true),
        ("handler", true),
        ("portal", false),
        ("auditor", false),
    ] {
        let permissions = roles.permissions([role]);
        assert_eq!(permissions.allow("cases.answer"), may, "{role}");
    }
}

#[test]
fn a_portal_files_complaints_and_says_nothing_for_staff() {
    let roles = roles();
    for (role, may) in [
        ("admin", true),
        ("manager", true),
        ("clerk", true),
        ("portal", false),
    ] {
        let permissions = roles.permissions([role]);
        assert!(permissions.allow("cases.create"), "{role}");
        for for_staff in ["signals.record", "cases.answer"] {
            assert_eq!(permissions.allow(for_staff), may, "{role}: {for_staff}");
        }
    }
}

#[test]
fn only_a_manager_overrides_an_assignment() {
    let roles = roles();
    assert!(roles.permissions(["manager"]).allow("assignments.override"));
    assert!(!roles.permissions(["handler"]).allow("assignments.override"));
}

#[test]
fn whoever_may_have_a_role_in_an_incident_passes_the_gate_to_what_it_holds_and_the_office_decides_then()
 {
    let service = "redress.notification.v1.VoiceService";
    let table = MethodTable::read(redress_proto::FILE_DESCRIPTOR_SET, [service]).expect("complete");
    let roles = roles();
    for (role, lists, releases) in [
        ("spokesperson", true, true),
        ("manager", true, false),
        ("counsel", false, false),
        ("handler", false, false),
    ] {
        let permissions = roles.permissions([role]);
        for method in ["ListHeldMessages", "ReleaseMessage", "DropMessage"] {
            let found = table.get(&format!("/{service}/{method}")).expect("known");
            assert!(permissions.allow(&found.permission), "{role}: {method}");
        }
        assert_eq!(permissions.allow("voice.list"), lists, "{role}");
        assert_eq!(permissions.allow("voice.release"), releases, "{role}");
    }
    let listed = table.get(&format!("/{service}/ListHeldMessages"));
    let auditor = roles.permissions(["auditor"]);
    assert!(auditor.allow(&listed.expect("known").permission) && auditor.allow("voice.list"));
    let released = table.get(&format!("/{service}/ReleaseMessage"));
    assert!(!auditor.allow(&released.expect("known").permission));
}
