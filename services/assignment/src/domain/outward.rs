//! What must not stand in a text that a complainant reads, whatever RPC it comes by (M11, M10).

use redress_wording::{Audience, Checker};

/// Rules about promises: a solution promises on purpose, and what it promises is approved with its terms.
const PROMISES: &str = "promise";

/// Why a text must not go out, and what to say instead; none where it may.
pub fn fault(text: &str) -> Option<String> {
    first(text, |_| true)
}

/// The same for the terms of a solution, which are approved before they are told.
pub fn fault_of_terms(text: &str) -> Option<String> {
    first(text, |rule| !rule.starts_with(PROMISES))
}

fn first(text: &str, counts: impl Fn(&str) -> bool) -> Option<String> {
    let hits = Checker::built_in().check(text, Audience::Complainant);
    let hit = hits.into_iter().find(|hit| counts(&hit.rule))?;
    Some(format!(
        "must be said otherwise ({}): {} {}",
        hit.rule, hit.why.en, hit.better.en
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m11_what_staff_must_not_say_is_found_in_whatever_goes_out() {
        let text = "不可能,是您错了,一分钱一分货,不是我们部门的事";
        assert!(fault(text).is_some_and(|wrong| wrong.starts_with("must be said otherwise")));
        assert!(fault_of_terms("一分钱一分货").is_some());
        assert_eq!(fault("经核查未发现渗漏"), None);
        assert!(fault("我们保证修好").is_some());
        assert_eq!(
            fault_of_terms("我们保证修好"),
            None,
            "approved with the terms"
        );
    }
}
