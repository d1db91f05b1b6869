//! What must not stand in a text that a complainant reads or hears, whatever RPC it comes by (M11, M10). By which rules is
//! said by the caller: the product's, with those of the organization, the region and the site laid over them.

use redress_wording::promise::promised;
use redress_wording::{Audience, Checker};

/// Forbids sums and results that nobody approved; a solution is what is approved.
const PROMISES: &str = "promise-above-authority";

/// What a text is to a complainant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An answer.
    Answer,
    /// Terms: what they promise is decided by whoever approves them.
    Terms,
}

/// A phrase that must not be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Id of the rule that forbids it.
    pub rule: String,
    /// Where it stands, why it must not be said, and what to say instead.
    pub description: String,
}

/// What a text says that it must not.
pub fn found(checker: &Checker, kind: Kind, text: &str) -> Vec<Found> {
    let hits = checker.check(text, Audience::Complainant);
    hits.into_iter()
        .filter(|hit| kind == Kind::Answer || hit.rule != PROMISES)
        .map(|hit| Found {
            description: format!(
                "characters {} to {} are what {} forbids: {} Say instead: {}",
                hit.start, hit.end, hit.rule, hit.why.en, hit.better.en
            ),
            rule: hit.rule,
        })
        .collect()
}

/// Whether a text gives money: an answer does not, a solution does, once it is approved (M10). No rule of a site changes that.
pub fn gives_money(text: &str) -> bool {
    promised(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(kind: Kind, text: &str) -> Vec<String> {
        let found = found(Checker::built_in(), kind, text);
        found.into_iter().map(|found| found.rule).collect()
    }

    #[test]
    fn m11_an_answer_that_must_not_be_said_is_found_with_its_place_and_a_better_one() {
        let text = "不可能,是您错了,一分钱一分货,不是我们部门的事";
        let found = found(Checker::built_in(), Kind::Answer, text);
        let told: Vec<&str> = found.iter().map(|f| f.description.as_str()).collect();
        let told = told.join("\n");
        for rule in [
            "you-are-wrong",
            "you-get-what-you-pay-for",
            "not-my-department",
            "Say instead",
        ] {
            assert!(told.contains(rule), "{told}");
        }
        assert!(rules(Kind::Answer, "经现场核查，未发现渗漏，检测报告附后。").is_empty());
        // Section 5: an inside word, never written outward.
        for text in [
            "经核实,您的投诉属于恶意投诉",
            "This is MALICIOUS.",
            "涉嫌讹诈",
        ] {
            assert!(!rules(Kind::Answer, text).is_empty(), "{text}");
        }
    }

    #[test]
    fn m10_an_answer_gives_no_money() {
        assert!(gives_money("不属实,但我们同意补偿您壹仟伍佰元"));
        assert!(!rules(Kind::Answer, "我们保证赔偿").is_empty() || gives_money("我们保证赔偿"));
        assert!(!gives_money("经现场核查，未发现渗漏，检测报告附后。"));
    }

    #[test]
    fn m10_what_a_solution_promises_is_for_whoever_approves_it_but_m11_holds_for_it_too() {
        assert!(rules(Kind::Terms, "全额退款").is_empty());
        assert!(rules(Kind::Terms, "每户退款").is_empty());
        assert!(!rules(Kind::Terms, "不签就停水，物业费另算").is_empty());
        assert_eq!(rules(Kind::Terms, "一分錢一分貨，全额退款").len(), 1);
    }
}
