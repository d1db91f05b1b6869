//! Patterns of the contracts in words: who breaks one reads what a right text looks like, not a regular expression.

/// Each pattern of the contracts, and what is right by it.
static IN_WORDS: [(&str, &str); 22] = [
    (
        r"^sites/[a-z][a-z0-9-]{0,62}$",
        "must be the name of a site, such as sites/lakeside",
    ),
    (
        r"^sites/(-|[a-z][a-z0-9-]{0,62})$",
        "must be the name of a site, such as sites/lakeside, or sites/- for all",
    ),
    (
        r"^sites/[a-z][a-z0-9-]{0,62}/calendar$",
        "must be the name of a site's calendar, such as sites/lakeside/calendar",
    ),
    (
        r"^organizations/[a-z][a-z0-9-]{0,62}$",
        "must be the name of an organization, such as organizations/demo",
    ),
    (
        r"^[a-z][a-z0-9-]{0,62}$",
        "must be an id such as lakeside-2: a to z, 0 to 9 and hyphens, a letter first, 63 at most",
    ),
    (
        r"^[a-z0-9][a-z0-9-]{0,62}$",
        "must be an id such as 7-1201: a to z, 0 to 9 and hyphens, no hyphen first, 63 at most",
    ),
    (
        r"^[a-z][a-z0-9_]{0,62}$",
        "must be an id such as water_damage: a to z, 0 to 9 and underscores, a letter first, 63 at most",
    ),
    (
        r"^[a-z][a-z0-9._-]*$",
        "must be an id such as case.closed: a to z, 0 to 9, dots, underscores and hyphens, a letter first",
    ),
    (
        r"^[A-Za-z0-9_-]{0,64}$",
        "must be letters a to z, digits, underscores and hyphens, 64 at most",
    ),
    (
        r"^[A-Za-z0-9_-]{1,64}$",
        "must be letters a to z, digits, underscores and hyphens, 1 to 64 of them",
    ),
    (
        r"^[A-Za-z0-9_.:-]{0,100}$",
        "must be letters a to z, digits, underscores, dots, colons and hyphens, 100 at most",
    ),
    (
        r"^([A-Z][A-Z0-9_]{0,39})?$",
        "must be a word such as NO_SUCH_NUMBER: A to Z, 0 to 9 and underscores, a letter first, 40 at most; or empty",
    ),
    (r"^\d{4}-\d{2}-\d{2}$", "must be a date such as 2026-05-31"),
    (
        r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        "must be a date such as 2026-05-31",
    ),
    (
        r"^(\d{4}-\d{2}-\d{2})?$",
        "must be a date such as 2026-05-31, or empty",
    ),
    (
        r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$",
        "must be a date such as 2026-05-31, or empty",
    ),
    (
        r"^([01][0-9]|2[0-3]):[0-5][0-9]$",
        "must be a time of day such as 21:30",
    ),
    (
        r"^(([01][0-9]|2[0-3]):[0-5][0-9])?$",
        "must be a time of day such as 21:30, or empty",
    ),
    (
        r"^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$",
        "must be hours of the day such as 09:00-18:30",
    ),
    (
        r"^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8}){0,3}$",
        "must be a language such as zh-CN or en",
    ),
    (
        r"^([A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3})?$",
        "must be a language such as zh-CN or en, or empty",
    ),
    (
        r"^[0-9a-f]{64}$",
        "must be a digest: 64 of 0 to 9 and a to f",
    ),
];

/// What a rule said, in words where it named a pattern.
pub(crate) fn in_words(said: &str) -> &str {
    let pattern = said
        .strip_prefix("does not match regex pattern `")
        .and_then(|rest| rest.strip_suffix('`'));
    let words = pattern.and_then(|pattern| IN_WORDS.iter().find(|(p, _)| *p == pattern));
    words.map_or(said, |(_, words)| words)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// The patterns in the contracts below a folder.
    fn collect(folder: &Path, patterns: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                collect(&path, patterns);
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("a text");
            let lines = text.lines().filter(|line| !line.trim().starts_with("//"));
            for line in lines.filter(|line| line.contains("pattern")) {
                let quoted = line.split('"').nth(1).expect("a pattern on its line");
                patterns.push(quoted.replace(r"\\", r"\"));
            }
        }
    }

    #[test]
    fn i10_every_pattern_of_the_contracts_is_told_in_words() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto/redress");
        let mut patterns = Vec::new();
        collect(&root, &mut patterns);
        assert!(patterns.len() > 50, "{}", patterns.len());
        for pattern in &patterns {
            let said = in_words(&format!("does not match regex pattern `{pattern}`")).to_owned();
            assert!(said.starts_with("must be "), "{said}");
        }
        for (pattern, _) in IN_WORDS {
            assert!(patterns.iter().any(|p| p == pattern), "{pattern} is gone");
        }
        let other = "value length must be at most 7 characters";
        assert_eq!(in_words(other), other);
    }
}
