//! The first site of an empty platform, made by commands alone: what is complained of there is graded, assigned and told.

use redress_testkit::eventually;
use redress_tests::Platform;
use serde_json::Value;
use tokio::task::block_in_place;

use crate::PATIENCE;

/// Everybody's duties, for longer than the test: whom the department of a case, its ladder and an incident call for.
const DUTIES: [(&str, &str); 10] = [
    ("FRONT_OFFICE", "front-office"),
    ("HANDLER", "engineer"),
    ("CUSTOMER_LIAISON", "front-office"),
    ("ON_SITE_LEAD", "on-site-lead"),
    ("DUTY_LEAD", "duty-lead"),
    ("TOP_LEAD", "top-lead"),
    ("REGION_CONTACT", "region-contact"),
    ("SPOKESPERSON", "duty-lead"),
    ("LEGAL_COUNSEL", "top-lead"),
    ("NEGOTIATOR", "on-site-lead"),
];

/// What a command prints, one object a line, or what it complains of.
fn run(platform: &Platform, line: &str) -> Result<Vec<Value>, String> {
    let words: Vec<&str> = line.split(' ').chain(["--json"]).collect();
    let told = block_in_place(|| platform.redress(&words));
    if !told.status.success() {
        return Err(String::from_utf8_lossy(&told.stderr).into_owned());
    }
    let lines = String::from_utf8_lossy(&told.stdout);
    let read = |line: &str| serde_json::from_str(line).map_err(|e| format!("{e}: {line}"));
    lines.lines().map(read).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_complaint_at_a_site_made_by_commands_is_graded_assigned_and_told() {
    let platform = Platform::start_empty().await;
    let done = |line: &str| run(&platform, line).unwrap_or_else(|e| panic!("{line}: {e}"));

    let refused = run(&platform, "organization create elsewhere Elsewhere");
    let refused = refused.expect_err("not of the token");
    assert!(refused.contains("redress token"), "{refused}");
    let made = done("organization create demo 示范地产");
    assert_eq!(made[0]["name"], "organizations/demo");
    let made = done("region create north 北方区域 --organization demo");
    assert_eq!(made[0]["name"], "organizations/demo/regions/north");
    let site = "site create hillside 山麓小区 --region demo/north --kind residential";
    let refused = run(&platform, &format!("{site} --prefix hs")).expect_err("small letters");
    assert!(
        refused.contains("site.number_prefix must be 1 to 6"),
        "{refused}"
    );
    let made = done(&format!("{site} --prefix HS --english Hillside"));
    assert_eq!(made[0]["time_zone"], "Asia/Shanghai");
    assert_eq!(done("site list"), made);

    // Assignment learns of the site by an event.
    let department = "department add engineering 工程部 --site hillside --english Engineering --category ENGINEERING_QUALITY";
    eventually(PATIENCE, async || run(&platform, department)).await;
    done("department add service 客服部 --site hillside --category service-conduct");
    for (person, department) in [
        ("front-office", "service"),
        ("engineer", "engineering"),
        ("on-site-lead", "service"),
        ("duty-lead", "service"),
        ("top-lead", "service"),
        ("region-contact", "service"),
    ] {
        let contact = format!("--contact EMAIL={person}@hillside.example");
        done(&format!(
            "staff add {person} {person} --site hillside --department {department} {contact}"
        ));
    }
    let folder = tempfile::tempdir().expect("a folder");
    let roster = folder.path().join("duties.csv");
    let rows =
        DUTIES.map(|(role, staff)| format!("{role},{staff},2026-01-01 00:00,2100-01-01 00:00,0\n"));
    let text = format!("role,staff,start,end,rank\n{}", rows.concat());
    std::fs::write(&roster, text).expect("writable");
    let imported = done(&format!(
        "roster import {} --site hillside --apply",
        roster.display()
    ));
    assert_eq!(imported[0]["added_count"], DUTIES.len());

    done(
        "case create --site hillside --channel HOTLINE --email li@example.com --text 外墙渗水,请尽快维修",
    );
    eventually(PATIENCE, async || {
        let cases = run(&platform, "case list --site hillside")?;
        let case = cases.first().ok_or("no case")?;
        let somebody = [&case["owner"], &case["offered_to"]];
        let engineer = "sites/hillside/staff/engineer";
        let is_handled = case["grade"].as_i64().is_some_and(|grade| grade > 0)
            && case["department"] == "sites/hillside/departments/engineering"
            && somebody.iter().any(|who| **who == engineer);
        is_handled.then_some(()).ok_or_else(|| case.to_string())
    })
    .await;
    eventually(PATIENCE, async || {
        let messages = run(&platform, "message list --site hillside")?;
        let is_of = |template: &str| messages.iter().any(|m| m["template"] == template);
        is_of("case.received")
            .then_some(())
            .ok_or_else(|| format!("{messages:?}"))
    })
    .await;
}
