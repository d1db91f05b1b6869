//! The documentation is held against the code.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the folder is ours") {
        let path = entry.expect("it is ours").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs")
            && path.components().any(|c| c.as_os_str() == "src")
        {
            found.push(path);
        }
    }
}

/// The reasons that code gives for an illegal move: the first text after `illegal(`.
fn reasons() -> Vec<(String, PathBuf)> {
    let mut files = Vec::new();
    for folder in ["services", "crates"] {
        sources(&root().join(folder), &mut files);
    }
    let mut reasons = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a source is text");
        // What unit tests make up is no reason of the product.
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (at, _) in text.match_indices("illegal(") {
            let rest = text[at + "illegal(".len()..].trim_start();
            let Some(literal) = rest.strip_prefix('"') else {
                continue;
            };
            let reason = literal.split('"').next().unwrap_or_default();
            if !reason.is_empty() && reason.chars().all(|c| c.is_ascii_uppercase() || c == '_') {
                reasons.push((reason.to_owned(), file.clone()));
            }
        }
    }
    reasons
}

#[test]
fn every_reason_for_an_illegal_move_stands_in_the_error_list() {
    let page = std::fs::read_to_string(root().join("docs/errors.md")).expect("the page is there");
    let reasons = reasons();
    assert!(reasons.len() > 10, "{reasons:?}");
    for (reason, file) in reasons {
        assert!(
            page.contains(&format!("`{reason}`")),
            "{reason} of {} is missing in docs/errors.md",
            file.display()
        );
    }
}

#[test]
fn every_reason_in_the_error_list_is_given_somewhere() {
    let page = std::fs::read_to_string(root().join("docs/errors.md")).expect("the page is there");
    let mut files = Vec::new();
    for folder in ["services", "crates"] {
        sources(&root().join(folder), &mut files);
    }
    let code: String = files
        .iter()
        .map(|f| std::fs::read_to_string(f).expect("a source is text"))
        .collect();
    let listed: Vec<&str> = page
        .lines()
        .filter_map(|l| l.strip_prefix("| `")?.split('`').next())
        .collect();
    assert!(listed.len() > 20, "{listed:?}");
    for reason in listed {
        assert!(
            code.contains(&format!("\"{reason}\"")),
            "{reason} is listed, but nothing gives it"
        );
    }
}

#[test]
fn every_invariant_defect_and_rule_stands_on_the_domain_page() {
    let page = std::fs::read_to_string(root().join("docs/domain.md")).expect("the page is there");
    for id in (1..=12)
        .map(|n| format!("| I{n} |"))
        .chain((1..=28).map(|n| format!("| P{n:02} |")))
    {
        assert!(page.contains(&id), "{id}");
    }
    for id in ["G1.1", "G1.8", "G2.8", "G3.4", "G4"] {
        assert!(page.contains(&format!("| {id} |")), "{id}");
    }
}
