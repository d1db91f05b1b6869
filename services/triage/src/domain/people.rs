//! Counting people. A crowd has no names and a name may come back: people are counted by headcount
//! and by person tokens, and one person who files three times counts once.

use std::collections::{BTreeSet, HashMap};

/// The people of one case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct People {
    /// How many complain together, names or not; 0 where nobody counted.
    pub headcount: u32,
    /// Tokens of the named ones.
    pub tokens: BTreeSet<String>,
}

impl People {
    /// Complainants of the case: the larger of headcount and named persons.
    pub fn complainants(&self) -> u32 {
        self.headcount.max(self.named())
    }

    fn named(&self) -> u32 {
        u32::try_from(self.tokens.len()).unwrap_or(u32::MAX)
    }

    /// How many of the headcount are not named.
    pub fn unnamed(&self) -> u32 {
        self.headcount.saturating_sub(self.named())
    }
}

/// Distinct complainants of several cases: distinct tokens and the largest unnamed remainder of any
/// one case, since two unnamed crowds may be the same.
pub fn distinct_complainants<'a>(cases: impl IntoIterator<Item = &'a People>) -> u32 {
    let mut tokens = BTreeSet::new();
    let mut unnamed = 0;
    for people in cases {
        tokens.extend(&people.tokens);
        unnamed = unnamed.max(people.unnamed());
    }
    u32::try_from(tokens.len())
        .unwrap_or(u32::MAX)
        .saturating_add(unnamed)
}

/// How many of these cases come from different complainants (G2.3): cases that share a person count
/// once, as do all those whose complainants are wholly unnamed; a case of nobody does not count.
///
/// Cost: nearly linear in the number of names.
pub fn cases_of_different_complainants<'a>(cases: impl IntoIterator<Item = &'a People>) -> u32 {
    let mut groups = Groups::default();
    let mut first_with: HashMap<&str, usize> = HashMap::new();
    let mut unnamed = false;
    for people in cases {
        if people.tokens.is_empty() {
            unnamed |= people.headcount > 0;
            continue;
        }
        let own = groups.add();
        for token in &people.tokens {
            let known = *first_with.entry(token).or_insert(own);
            groups.join(known, own);
        }
    }
    groups.count() + u32::from(unnamed)
}

/// Cases by the people that they share: each points to another of its group, the first to itself.
#[derive(Default)]
struct Groups(Vec<usize>);

impl Groups {
    fn add(&mut self) -> usize {
        self.0.push(self.0.len());
        self.0.len() - 1
    }

    fn first(&mut self, mut case: usize) -> usize {
        while self.0[case] != case {
            self.0[case] = self.0[self.0[case]];
            case = self.0[case];
        }
        case
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.first(a), self.first(b));
        self.0[a.max(b)] = a.min(b);
    }

    fn count(&self) -> u32 {
        let firsts = self.0.iter().enumerate().filter(|(i, first)| i == *first);
        u32::try_from(firsts.count()).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn people(headcount: u32, tokens: &[&str]) -> People {
        People {
            headcount,
            tokens: tokens.iter().map(|t| (*t).to_owned()).collect(),
        }
    }

    #[test]
    fn complainants_are_the_larger_of_headcount_and_names() {
        assert_eq!(people(0, &[]).complainants(), 0);
        assert_eq!(people(5, &["a"]).complainants(), 5);
        assert_eq!(people(1, &["a", "b"]).complainants(), 2);
    }

    #[test]
    fn one_person_who_files_three_times_counts_once() {
        let cases = [people(1, &["a"]), people(1, &["a"]), people(1, &["a"])];
        assert_eq!(distinct_complainants(&cases), 1);
        assert_eq!(cases_of_different_complainants(&cases), 1);
    }

    #[test]
    fn unnamed_crowds_count_by_the_largest() {
        let cases = [people(5, &["a"]), people(7, &[]), people(2, &["b", "c"])];
        assert_eq!(distinct_complainants(&cases), 3 + 7);
        assert_eq!(cases_of_different_complainants(&cases), 3);
        assert_eq!(cases_of_different_complainants(&[people(0, &[])]), 0);
    }

    #[test]
    fn cases_that_share_somebody_are_not_from_different_complainants() {
        let cases = [people(0, &["a"]), people(0, &["b"]), people(0, &["a", "b"])];
        assert_eq!(cases_of_different_complainants(&cases), 1);
    }

    #[test]
    fn a_case_that_shares_people_with_two_others_makes_one_of_all_three() {
        let cases = [
            people(0, &["a"]),
            people(0, &["c"]),
            people(0, &["b"]),
            people(0, &["a", "b"]),
        ];
        assert_eq!(cases_of_different_complainants(&cases), 2);
    }

    fn any_people() -> impl Strategy<Value = People> {
        (0u32..20, prop::collection::btree_set("[a-f]", 0..4))
            .prop_map(|(headcount, tokens)| People { headcount, tokens })
    }

    proptest! {
        #[test]
        fn another_case_never_lowers_the_count(cases in prop::collection::vec(any_people(), 1..8), more in any_people()) {
            let mut all = cases.clone();
            all.push(more);
            prop_assert!(distinct_complainants(&all) >= distinct_complainants(&cases));
            for case in &all {
                prop_assert!(distinct_complainants(&all) >= case.complainants());
            }
        }
    }
}
