//! What must not stand in a text that a complainant reads or hears, whatever RPC it comes by (M11, M10).
//!
//! The product's own rules: what a site adds to them lies with the messages, which are checked by the site's rules when
//! they are sent.

use redress_wording::promise::promised;
use redress_wording::{Audience, Checker};

/// Forbids sums and results that nobody approved; a solution is what is approved.
const PROMISES: &str = "promise-above-authority";

/// What is wrong with an answer. It gives no money either: a solution does, once it is approved.
pub fn faults_of_answer(text: &str) -> Vec<String> {
    let mut faults = found(text, |_| true);
    if promised(text).is_some() {
        faults.push("must promise no money: a solution does, once it is approved".to_owned());
    }
    faults
}

/// What is wrong with terms. What they promise is decided by whoever approves them.
pub fn faults_of_terms(text: &str) -> Vec<String> {
    found(text, |rule| rule != PROMISES)
}

fn found(text: &str, counts: impl Fn(&str) -> bool) -> Vec<String> {
    let hits = Checker::built_in().check(text, Audience::Complainant);
    hits.into_iter()
        .filter(|hit| counts(&hit.rule))
        .map(|hit| {
            format!(
                "characters {} to {} are what {} forbids: {} Say instead: {}",
                hit.start, hit.end, hit.rule, hit.why.en, hit.better.en
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m11_an_answer_that_must_not_be_said_is_refused_with_its_place_and_a_better_one() {
        let text = "不可能,是您错了,一分钱一分货,不是我们部门的事";
        let faults = faults_of_answer(text).join("\n");
        for rule in [
            "you-are-wrong",
            "you-get-what-you-pay-for",
            "not-my-department",
            "Say instead",
        ] {
            assert!(faults.contains(rule), "{faults}");
        }
        assert!(faults_of_answer("经现场核查，未发现渗漏，检测报告附后。").is_empty());
        assert!(!faults_of_answer("我们保证赔偿").is_empty());
        assert!(!faults_of_answer("不属实,但我们同意补偿您壹仟伍佰元").is_empty());
        // Section 5: an inside word, never written outward.
        for text in [
            "经核实,您的投诉属于恶意投诉",
            "This is MALICIOUS.",
            "涉嫌讹诈",
        ] {
            assert!(!faults_of_answer(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn m10_what_a_solution_promises_is_for_whoever_approves_it_but_m11_holds_for_it_too() {
        assert!(faults_of_terms("全额退款").is_empty());
        assert!(faults_of_terms("每户退款").is_empty());
        assert!(!faults_of_terms("不签就停水，物业费另算").is_empty());
        assert_eq!(faults_of_terms("一分錢一分貨，全额退款").len(), 1);
    }
}
