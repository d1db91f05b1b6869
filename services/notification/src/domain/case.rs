//! What this service remembers of a case: enough to know whom to tell, and when to keep silent (P06).
//!
//! Facts come from intake, grades from triage, owners from assignment, in any interleaving; each part
//! has its own revision, so that the fold ends the same whatever came first (I3).

use std::collections::BTreeMap;

use jiff::Timestamp;
use redress_model::name::CaseName;
use redress_model::words::CaseStatus;
use uuid::Uuid;

/// A case as messages need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseView {
    /// Number for people.
    pub number: String,
    /// Imported history: nobody is ever told anything.
    pub historical: bool,
    /// Status, as far as it decides whether the case is still alive.
    pub status: CaseStatus,
    /// Intake's epoch that the status belongs to.
    pub epoch: i64,
    /// Revision of the facts.
    pub revision: i64,
    /// Language that the complainant asked for; empty for the site's.
    pub language: String,
    /// Grade; 0 before the first decision.
    pub grade: i32,
    /// Revision of the decision.
    pub grade_revision: i64,
    /// The responsible person, `sites/{site}/staff/{staff}`; empty where nobody is known.
    pub responsible: String,
    /// To whom it is offered, in the same form; empty for nobody.
    pub offered_to: String,
    /// Revision of the ownership.
    pub owner_revision: i64,
    /// By when a person will have been in touch: the deadline of the acknowledge clock.
    pub next_time: Option<Timestamp>,
    /// Staff complained about, by their full names; part of the facts.
    pub complained_about: Vec<String>,
    /// Named complainants, by person token; part of the facts.
    pub person_tokens: Vec<String>,
    /// Erased: nothing of its people is kept or told any more, whatever comes later.
    pub erased: bool,
    /// The case that it was merged into.
    pub merged_into: Option<Uuid>,
    /// When it was last heard to be at work: what was proposed before has been answered.
    pub work_time: Option<Timestamp>,
}

/// A complainant to whom news of a case are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// Who, by person token.
    pub token: String,
    /// Their own case, where it was merged into the one that the news are about.
    pub known_by: Option<CaseName>,
    /// Number of their own case.
    pub number: String,
}

/// Everybody to whom news of a case are told: its complainants, then those of the cases that were merged into it. Whoever complains
/// in several of them is told once, by the case itself where that is one.
pub fn readers(view: &CaseView, joined: &[(CaseName, CaseView)]) -> Vec<Reader> {
    let own = (None, view);
    let joined = joined.iter().map(|(case, view)| (Some(case), view));
    let mut readers = BTreeMap::new();
    for (case, view) in std::iter::once(own).chain(joined) {
        for token in view.person_tokens.iter().filter(|token| !token.is_empty()) {
            readers.entry(token.clone()).or_insert_with(|| Reader {
                token: token.clone(),
                known_by: case.cloned(),
                number: view.number.clone(),
            });
        }
    }
    readers.into_values().collect()
}

/// Whether a status ends a case, so that nobody is told anything about it any more.
pub fn is_ended(status: CaseStatus) -> bool {
    match status {
        CaseStatus::Closed
        | CaseStatus::Archived
        | CaseStatus::Withdrawn
        | CaseStatus::Rejected
        | CaseStatus::Merged => true,
        CaseStatus::Received
        | CaseStatus::Triaged
        | CaseStatus::Assigned
        | CaseStatus::Accepted
        | CaseStatus::Investigating
        | CaseStatus::Proposed
        | CaseStatus::Resolving
        | CaseStatus::Resolved
        | CaseStatus::Reopened => false,
    }
}

/// Whether nobody is told any more about a case in this status. An appeal against a rejection is owed though the case has ended
/// (section 5).
pub fn is_silent(status: CaseStatus, historical: bool, of_appeal: bool) -> bool {
    historical || (is_ended(status) && !(of_appeal && status == CaseStatus::Rejected))
}

impl CaseView {
    /// Whether people may be told about it.
    pub fn may_page(&self) -> bool {
        !is_silent(self.status, self.historical, false)
    }

    /// Takes in a status that somebody reports. A newer epoch always counts; within one epoch only an
    /// end does, since nothing but intake's next epoch (reopening) leads out of one.
    pub fn moved(&mut self, status: CaseStatus, epoch: i64) {
        if epoch > self.epoch {
            // Merging and unmerging are moves of intake's.
            self.merged_into = None;
        }
        if epoch > self.epoch || (epoch == self.epoch && is_ended(status)) {
            self.status = status;
            self.epoch = epoch;
        }
    }

    /// Takes in into which case it was merged in this epoch.
    pub fn merged(&mut self, into: Uuid, epoch: i64) {
        self.moved(CaseStatus::Merged, epoch);
        if epoch == self.epoch {
            self.merged_into = Some(into);
        }
    }

    /// Takes in that assignment has just said that the case goes on: a proposal waits for an answer until then.
    pub fn heard(&mut self, status: CaseStatus, now: Timestamp) {
        match status {
            CaseStatus::Assigned
            | CaseStatus::Accepted
            | CaseStatus::Investigating
            | CaseStatus::Resolving
            | CaseStatus::Resolved => self.work_time = Some(now),
            CaseStatus::Received
            | CaseStatus::Triaged
            | CaseStatus::Proposed
            | CaseStatus::Closed
            | CaseStatus::Archived
            | CaseStatus::Withdrawn
            | CaseStatus::Rejected
            | CaseStatus::Merged
            | CaseStatus::Reopened => {}
        }
    }

    /// Whether its complaint lives on in the case that it was merged into.
    pub fn is_joined(&self) -> bool {
        !self.historical && self.status == CaseStatus::Merged && self.merged_into.is_some()
    }

    /// The case for what its own complainants are still to be told once it was merged: as far as the case goes that took its place,
    /// and with whoever answers for that.
    #[must_use]
    pub fn in_place_of(self, head: &Self) -> Self {
        Self {
            status: head.status,
            epoch: head.epoch,
            grade: head.grade,
            responsible: head.responsible.clone(),
            offered_to: head.offered_to.clone(),
            next_time: head.next_time,
            complained_about: head.complained_about.clone(),
            ..self
        }
    }

    /// Takes in newer facts. Returns whether they were newer.
    pub fn updated(&mut self, revision: i64, number: &str, language: &str) -> bool {
        let newer = revision > self.revision;
        if newer {
            self.revision = revision;
            number.clone_into(&mut self.number);
            language.clone_into(&mut self.language);
        }
        newer
    }

    /// Takes in that intake has erased it, whether that comes in its turn, again or late.
    pub fn erase(&mut self) {
        self.erased = true;
        self.person_tokens.clear();
    }

    /// Takes in a newer decision.
    pub fn graded(&mut self, revision: i64, grade: i32) {
        if revision > self.grade_revision {
            self.grade_revision = revision;
            self.grade = grade;
        }
    }

    /// Takes in a newer owner. Returns whether it was newer.
    pub fn owned(&mut self, revision: i64, responsible: &str, offered_to: &str) -> bool {
        let newer = revision > self.owner_revision;
        if newer {
            self.owner_revision = revision;
            responsible.clone_into(&mut self.responsible);
            offered_to.clone_into(&mut self.offered_to);
        }
        newer
    }

    /// Whether somebody answers for it: is responsible, or is asked to take it and may have done so, since the news of that are
    /// on their way. Whoever received it answers until an owner is known.
    pub fn is_with(&self, staff: Option<&str>) -> bool {
        self.responsible.is_empty()
            || staff
                .filter(|staff| !staff.is_empty())
                .is_some_and(|staff| self.responsible == staff || self.offered_to == staff)
    }

    /// Whether a receipt can say everything it should: who looks after it and by when somebody calls.
    pub fn receipt_is_complete(&self) -> bool {
        !self.responsible.is_empty() && self.next_time.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn case() -> CaseView {
        CaseView {
            number: "LAKE-260101-0001".to_owned(),
            historical: false,
            status: CaseStatus::Received,
            epoch: 1,
            revision: 1,
            language: String::new(),
            grade: 0,
            grade_revision: 0,
            responsible: String::new(),
            offered_to: String::new(),
            owner_revision: 0,
            next_time: None,
            complained_about: Vec::new(),
            person_tokens: Vec::new(),
            erased: false,
            merged_into: None,
            work_time: None,
        }
    }

    #[test]
    fn p06_merged_withdrawn_closed_and_historical_cases_page_nobody() {
        for status in CaseStatus::ALL {
            let mut live = case();
            live.moved(*status, 2);
            let ended = matches!(
                status.word(),
                "CLOSED" | "ARCHIVED" | "WITHDRAWN" | "REJECTED" | "MERGED"
            );
            assert_eq!(live.may_page(), !ended, "{status}");
        }
        let mut old = case();
        old.historical = true;
        assert!(!old.may_page());
    }

    #[test]
    fn i3_a_case_is_merged_in_the_epoch_of_its_merge_whatever_came_before_or_late() {
        let (head, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut view = case();
        view.moved(CaseStatus::Triaged, 2);
        view.merged(head, 2);
        assert!(view.is_joined());
        view.moved(CaseStatus::Assigned, 2);
        view.moved(CaseStatus::Closed, 1);
        assert_eq!((view.merged_into, view.is_joined()), (Some(head), true));
        view.moved(CaseStatus::Triaged, 3);
        assert_eq!((view.merged_into, view.may_page()), (None, true));
        view.merged(head, 2);
        assert_eq!(view.merged_into, None, "it is late");
        view.merged(other, 4);
        assert_eq!(view.merged_into, Some(other));
    }

    #[test]
    fn p21_whoever_complains_in_both_of_two_merged_cases_is_told_once_by_the_one_that_goes_on() {
        let name = |id| CaseName::new("lake".parse().unwrap(), Uuid::from_u128(id));
        let of = |number: &str, tokens: &[&str]| CaseView {
            number: number.to_owned(),
            person_tokens: tokens.iter().map(|t| (*t).to_owned()).collect(),
            ..case()
        };
        let joined = [
            (name(2), of("B", &["li", "wang", ""])),
            (name(3), of("C", &["wang"])),
        ];
        let told = readers(&of("A", &["li", ""]), &joined);
        let told: Vec<_> = told
            .iter()
            .map(|r| (r.token.as_str(), r.known_by.clone(), r.number.as_str()))
            .collect();
        assert_eq!(told, [("li", None, "A"), ("wang", Some(name(2)), "B")]);
    }

    #[test]
    fn m18_of_a_rejected_case_an_appeal_alone_is_told() {
        for status in CaseStatus::ALL {
            let told = !is_silent(*status, false, true);
            let expected = !is_ended(*status) || *status == CaseStatus::Rejected;
            assert_eq!(told, expected, "{status}");
            assert!(is_silent(*status, true, true), "history, {status}");
        }
    }

    #[test]
    fn a_late_word_of_an_older_epoch_does_not_end_a_reopened_case() {
        let mut view = case();
        view.moved(CaseStatus::Reopened, 3);
        view.moved(CaseStatus::Closed, 2);
        assert!(view.may_page());
    }

    #[test]
    fn a_case_is_with_who_is_responsible_and_with_who_is_asked_to_take_it() {
        let mut view = case();
        assert!(view.is_with(None), "whoever received it");
        view.owned(1, "sites/lake/staff/li", "sites/lake/staff/wu");
        assert!(view.is_with(Some("sites/lake/staff/li")));
        assert!(view.is_with(Some("sites/lake/staff/wu")));
        view.owned(2, "sites/lake/staff/wu", "");
        assert!(!view.is_with(Some("sites/lake/staff/li")));
        assert!(!view.is_with(Some("")) && !view.is_with(None));
    }

    proptest! {
        /// I3: two producers, each in its own order, merged in any way, end in the same place.
        #[test]
        fn any_interleaving_of_producers_ends_the_same(picks in proptest::collection::vec(any::<bool>(), 0..12)) {
            let intake = [(CaseStatus::Withdrawn, 2), (CaseStatus::Reopened, 3)];
            let assignment = [(CaseStatus::Accepted, 1), (CaseStatus::Closed, 1), (CaseStatus::Accepted, 3), (CaseStatus::Closed, 3)];
            let (mut i, mut a) = (0, 0);
            let mut view = case();
            for pick in picks.into_iter().chain([true; 8]).chain([false; 8]) {
                if pick && i < intake.len() {
                    view.moved(intake[i].0, intake[i].1);
                    i += 1;
                } else if !pick && a < assignment.len() {
                    view.moved(assignment[a].0, assignment[a].1);
                    a += 1;
                }
            }
            prop_assert!(i == intake.len() && a == assignment.len());
            prop_assert_eq!((view.status, view.epoch), (CaseStatus::Closed, 3));
        }
    }

    #[test]
    fn older_facts_grades_and_owners_change_nothing() {
        let mut view = case();
        assert!(view.updated(3, "N3", "en"));
        assert!(!view.updated(2, "N2", "zh-CN"));
        view.graded(2, 1);
        view.graded(1, 4);
        assert!(view.owned(5, "sites/lake/staff/li", "sites/lake/staff/zhao"));
        assert!(!view.owned(4, "sites/lake/staff/wang", ""));
        assert_eq!((view.number.as_str(), view.language.as_str()), ("N3", "en"));
        assert_eq!(
            (view.grade, view.responsible.as_str()),
            (1, "sites/lake/staff/li")
        );
    }
}
