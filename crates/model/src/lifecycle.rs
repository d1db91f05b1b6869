//! Where a case goes next, and which service moves it there (docs/domain.md section 7): one table, so that a service that
//! refuses a move says what every other would allow.

use crate::words::CaseStatus;

/// The service that makes a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mover {
    /// Grades it.
    Triage,
    /// Handles it.
    Assignment,
    /// Takes it back, merges, opens again and archives; bumps the epoch.
    Intake,
}

impl Mover {
    /// Every service that moves cases.
    pub const ALL: [Self; 3] = [Self::Triage, Self::Assignment, Self::Intake];

    /// Its name, as in `services/`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Triage => "triage",
            Self::Assignment => "assignment",
            Self::Intake => "intake",
        }
    }
}

/// Every status that may follow this one, with who moves it there. None follows MERGED: the merge is undone, and the case
/// stands where it stood.
pub fn next(status: CaseStatus) -> &'static [(CaseStatus, Mover)] {
    use CaseStatus as S;
    use Mover::{Assignment, Intake, Triage};
    match status {
        S::Received | S::Reopened => &[
            (S::Triaged, Triage),
            (S::Withdrawn, Intake),
            (S::Merged, Intake),
        ],
        S::Triaged => &[
            (S::Assigned, Assignment),
            (S::Withdrawn, Intake),
            (S::Merged, Intake),
        ],
        S::Assigned => &[
            (S::Accepted, Assignment),
            (S::Withdrawn, Intake),
            (S::Merged, Intake),
        ],
        S::Accepted => &[
            (S::Investigating, Assignment),
            (S::Withdrawn, Intake),
            (S::Merged, Intake),
        ],
        S::Investigating => &[
            (S::Proposed, Assignment),
            (S::Resolved, Assignment),
            (S::Rejected, Assignment),
            (S::Withdrawn, Intake),
            (S::Merged, Intake),
        ],
        S::Proposed => &[
            (S::Investigating, Assignment),
            (S::Resolving, Assignment),
            (S::Withdrawn, Intake),
            (S::Merged, Intake),
        ],
        S::Resolving => &[
            (S::Investigating, Assignment),
            (S::Resolved, Assignment),
            (S::Withdrawn, Intake),
            (S::Merged, Intake),
        ],
        S::Resolved => &[
            (S::Closed, Assignment),
            (S::Withdrawn, Intake),
            (S::Merged, Intake),
            (S::Reopened, Intake),
        ],
        S::Closed | S::Withdrawn | S::Rejected => &[(S::Archived, Intake), (S::Reopened, Intake)],
        S::Archived => &[(S::Reopened, Intake)],
        S::Merged => &[],
    }
}

/// Whether a service may move a case there from here.
pub fn allows(from: CaseStatus, to: CaseStatus, by: Mover) -> bool {
    next(from).contains(&(to, by))
}

/// Whether a service ever moves a case there.
pub fn makes(by: Mover, to: CaseStatus) -> bool {
    CaseStatus::ALL.iter().any(|&from| allows(from, to, by))
}

/// What is legal next, in words: the moves of the service that says so first, then those of others with who makes them.
pub fn legal(status: CaseStatus, here: Mover) -> String {
    let of = |by: Mover| {
        let to = next(status).iter().filter(|(_, mover)| *mover == by);
        to.map(|(to, _)| to.word()).collect::<Vec<_>>().join(", ")
    };
    let others = Mover::ALL.into_iter().filter(|mover| *mover != here);
    let said = std::iter::once((here, of(here))).chain(others.map(|mover| (mover, of(mover))));
    let said: Vec<String> = said
        .filter(|(_, to)| !to.is_empty())
        .map(|(by, to)| match by == here {
            true => to,
            false => format!("by {} {to}", by.name()),
        })
        .collect();
    match said.is_empty() {
        true => "by intake the merge is undone".to_owned(),
        false => said.join("; "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn section_7_the_table_is_the_one_that_people_read() {
        let mut table = "| from | triage | assignment | intake |\n|---|---|---|---|\n".to_owned();
        for &status in CaseStatus::ALL {
            table.push_str(&format!("| `{status}` |"));
            for by in Mover::ALL {
                let to = next(status).iter().filter(|(_, mover)| *mover == by);
                let to: Vec<String> = to.map(|(to, _)| format!("`{to}`")).collect();
                match to.is_empty() {
                    true if status == CaseStatus::Merged && by == Mover::Intake => {
                        table.push_str(" undone: where it stood |");
                    }
                    true => table.push_str(" |"),
                    false => table.push_str(&format!(" {} |", to.join(", "))),
                }
            }
            table.push('\n');
        }
        // Read, not included: no image has the documents.
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/domain.md");
        let domain = std::fs::read_to_string(path).expect("the document");
        let section = domain.split("\n## ").find(|s| s.starts_with("7. "));
        let section = section.expect("section 7");
        assert!(section.contains(&table), "docs/domain.md lacks:\n{table}");
    }

    #[test]
    fn what_is_legal_names_who_moves_it_unless_that_is_who_says_so() {
        let said = |status| legal(status, Mover::Assignment);
        assert_eq!(
            said(CaseStatus::Received),
            "by triage TRIAGED; by intake WITHDRAWN, MERGED"
        );
        assert_eq!(
            said(CaseStatus::Resolved),
            "CLOSED; by intake WITHDRAWN, MERGED, REOPENED"
        );
        assert_eq!(said(CaseStatus::Rejected), "by intake ARCHIVED, REOPENED");
        assert_eq!(said(CaseStatus::Merged), "by intake the merge is undone");
        assert_eq!(
            legal(CaseStatus::Withdrawn, Mover::Intake),
            "ARCHIVED, REOPENED"
        );
    }
}
