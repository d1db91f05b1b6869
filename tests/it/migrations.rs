//! Old and new releases run together: a migration adds, or says in its name that it takes away (decision 0051).

use std::path::{Path, PathBuf};

/// Took something away before there was a release that could have needed it.
const BEFORE_THE_FIRST_RELEASE: [&str; 1] = ["services/triage/migrations/0014_clusters.sql"];

/// The statements in capitals, without comments and in one line.
fn statements(sql: &str) -> String {
    sql.lines()
        .map(|line| line.split("--").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join(" ")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .to_uppercase()
}

/// Why a running older release would fail after this migration; `None` when it only adds.
fn takes_away(sql: &str) -> Option<String> {
    let statements = statements(sql);
    for words in [
        "DROP TABLE",
        "DROP COLUMN",
        "DROP FUNCTION",
        "DROP POLICY",
        "DROP VIEW",
        " RENAME ",
        "SET NOT NULL",
    ] {
        if statements.contains(words) {
            return Some(format!("says {}", words.trim()));
        }
    }
    if statements.contains(" ALTER COLUMN ") && statements.contains(" TYPE ") {
        return Some("changes a column's type".to_owned());
    }
    statements
        .split("ADD COLUMN ")
        .skip(1)
        .filter_map(|rest| rest.split([',', ';']).next())
        .find(|column| column.contains("NOT NULL") && !column.contains("DEFAULT"))
        .map(|column| format!("adds {column}: an older release does not fill it"))
}

/// Filled nothing where row security hides the rows from the owner; what mattered of it is filled by the numbers beside them.
const FILLED_NOTHING: [(&str, &str); 3] = [
    // Nothing to fill: where no gravest grade is kept, the grade that there is counts.
    ("services/assignment/migrations/0060_persons.sql", "WORK"),
    // 0076.
    (
        "services/assignment/migrations/0066_answers_in_minutes.sql",
        "CASE_FACT",
    ),
    // 0077.
    (
        "services/notification/migrations/0002_complained_about.sql",
        "INCIDENT_VIEW",
    ),
];

/// The tables whose rows a migration changes though their policies may hide them from the owner, who acts for no site.
fn fills_nothing(sql: &str) -> Vec<String> {
    let statements = statements(sql);
    statements
        .match_indices("UPDATE ")
        .filter_map(|(at, update)| {
            let mut words = statements[at + update.len()..].split_whitespace();
            let table = words.next()?;
            // With an alias, with AS before it, or without one; grants and conflicts set nothing.
            words
                .take(3)
                .any(|word| word == "SET")
                .then_some((at, table))
        })
        .filter(|(_, table)| *table != "SET")
        .filter(|(at, table)| {
            let off = format!("ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY");
            let on = format!("ALTER TABLE {table} FORCE ROW LEVEL SECURITY");
            let (before, after) = statements.split_at(*at);
            before.rfind(&off) <= before.rfind(&on) || !after.contains(&on)
        })
        .map(|(_, table)| table.to_owned())
        .collect()
}

fn migrations() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for folder in ["services", "crates"] {
        for part in std::fs::read_dir(root.join(folder)).expect("a folder of this repository") {
            let found = part.expect("readable").path().join("migrations");
            let Ok(entries) = std::fs::read_dir(found) else {
                continue;
            };
            files.extend(entries.map(|entry| entry.expect("readable").path()));
        }
    }
    files.sort();
    files
}

#[test]
fn a_migration_only_adds_or_says_that_it_contracts() {
    let files = migrations();
    assert!(files.len() > 20, "{files:?}");
    for file in files {
        let path = file.to_string_lossy();
        let contracts = file
            .file_name()
            .and_then(|name| name.to_str()?.split_once('_'))
            .is_some_and(|(_, rest)| rest.starts_with("contract_"));
        if contracts
            || BEFORE_THE_FIRST_RELEASE
                .iter()
                .any(|known| path.ends_with(known))
        {
            continue;
        }
        let sql = std::fs::read_to_string(&file).expect("readable");
        if let Some(why) = takes_away(&sql) {
            panic!(
                "{path} {why}; call it NNNN_contract_… and ship it a release after the code that needed it"
            );
        }
    }
}

#[test]
fn whatever_breaks_an_older_release_is_seen() {
    for breaks in [
        "ALTER TABLE t DROP COLUMN a;",
        "drop table t;",
        "ALTER TABLE t RENAME COLUMN a TO b;",
        "ALTER TABLE t ALTER COLUMN a TYPE text;",
        "ALTER TABLE t ALTER COLUMN a SET NOT NULL;",
        "ALTER TABLE t ADD COLUMN a text DEFAULT '', ADD COLUMN b text NOT NULL;",
    ] {
        assert!(takes_away(breaks).is_some(), "{breaks}");
    }
    for adds in [
        "-- DROP TABLE t\nCREATE TABLE u (a text NOT NULL);",
        "ALTER TABLE t ADD COLUMN a text NOT NULL DEFAULT '', ADD COLUMN b text;",
        "ALTER TABLE t DROP CONSTRAINT c, ADD CONSTRAINT c CHECK (a IN ('A', 'B', 'C'));",
        "ALTER TABLE t ALTER COLUMN a DROP NOT NULL;",
    ] {
        assert_eq!(takes_away(adds), None, "{adds}");
    }
}

#[test]
fn a_migration_that_fills_rows_sees_them() {
    for file in migrations() {
        let sql = std::fs::read_to_string(&file).expect("readable");
        for table in fills_nothing(&sql) {
            let path = file.to_string_lossy();
            let is_known = |(known, of): &(&str, &str)| path.ends_with(known) && *of == table;
            assert!(
                FILLED_NOTHING.iter().any(is_known),
                "{path} changes rows of {table} that row security may hide from the owner: say ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY before, and FORCE it after"
            );
        }
    }
    let hidden = "GRANT SELECT, UPDATE ON t TO app; UPDATE t SET a = b;\nUPDATE u x SET a = 1; UPDATE v AS y SET a = 1;";
    assert_eq!(fills_nothing(hidden), ["T", "U", "V"]);
    let seen = "ALTER TABLE t NO FORCE ROW LEVEL SECURITY; UPDATE t SET a = b; ALTER TABLE t FORCE ROW LEVEL SECURITY;";
    let left_off = "ALTER TABLE t NO FORCE ROW LEVEL SECURITY; UPDATE t SET a = b;";
    assert_eq!(fills_nothing(left_off), ["T"]);
    let too_late = "UPDATE t SET a = b; ALTER TABLE t NO FORCE ROW LEVEL SECURITY; ALTER TABLE t FORCE ROW LEVEL SECURITY;";
    assert_eq!(fills_nothing(too_late), ["T"]);
    let on_again = "ALTER TABLE t NO FORCE ROW LEVEL SECURITY; ALTER TABLE t FORCE ROW LEVEL SECURITY; UPDATE t SET a = b; ALTER TABLE t FORCE ROW LEVEL SECURITY;";
    assert_eq!(fills_nothing(on_again), ["T"]);
    assert!(fills_nothing(seen).is_empty());
}
