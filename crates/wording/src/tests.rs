use proptest::prelude::*;

use super::*;

fn rules_hit(text: &str, audience: Audience) -> Vec<String> {
    Checker::built_in()
        .check(text, audience)
        .into_iter()
        .map(|hit| hit.rule)
        .collect()
}

fn told(text: &str) -> Vec<String> {
    rules_hit(text, Audience::Complainant)
}

#[test]
fn m11_the_five_phrases_that_the_source_shows_are_found_in_chinese_and_english() {
    for (text, rule) in [
        ("这点小事不用投诉。", "belittles"),
        ("一分钱一分货嘛", "you-get-what-you-pay-for"),
        ("不可能，你错了", "you-are-wrong"),
        ("这事不归我管，找物业去", "not-my-department"),
        ("我不知道", "i-do-not-know"),
        ("It's only a small thing.", "belittles"),
        ("You get what you pay for!", "you-get-what-you-pay-for"),
        ("That's impossible, you are wrong", "you-are-wrong"),
        ("That is not my department", "not-my-department"),
        ("I don’t know.", "i-do-not-know"),
    ] {
        assert!(
            told(text).contains(&rule.to_owned()),
            "{text}: {:?}",
            told(text)
        );
    }
}

#[test]
fn plain_and_honest_words_are_let_through() {
    for text in [
        "您反映的漏水，我们今天下午三点到现场检查，六点前告诉您结果。",
        "因检修，明天 9:00 至 11:00 停水，给您带来不便，抱歉。",
        "我们不能保证赔偿，责任核实后书面答复您。",
        "We cannot guarantee it before the engineer has been there.",
        "The knowledge of the team is at your disposal.",
        "",
    ] {
        assert_eq!(told(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn civil_code_944_a_threat_to_cut_utilities_for_fees_is_found_and_a_notice_of_repairs_is_not() {
    assert_eq!(
        told("再不交物业费就停水停电"),
        ["threat-to-cut-utilities", "threat-to-cut-utilities"]
    );
    assert_eq!(
        told("Pay your fees or we cut off your water."),
        ["threat-to-cut-utilities"]
    );
    assert!(
        told("明天检修停水。物业费请按时缴纳。").is_empty(),
        "two sentences"
    );
}

#[test]
fn section_5_malicious_is_never_written_outward_and_the_press_hears_nothing_ambiguous() {
    assert_eq!(told("经认定属恶意投诉"), ["malicious"]);
    assert!(told("无可奉告").is_empty());
    assert_eq!(
        rules_hit("无可奉告", Audience::Media),
        ["ambiguous-to-media"]
    );
    assert_eq!(
        told("我们保证，一定赔偿。"),
        ["promise-above-authority", "promise-above-authority"]
    );
}

#[test]
fn width_spaces_punctuation_case_and_traditional_characters_hide_nothing() {
    for text in [
        "不 归 我 管",
        "不，归，我，管",
        "不歸我管",
        "不\u{200b}归我管",
    ] {
        assert_eq!(told(text), ["not-my-department"], "{text}");
    }
    assert_eq!(told("ＮＯ　ＢＩＧ　ＤＥＡＬ"), ["belittles"]);
    assert_eq!(told("no  BIG\tdeal"), ["belittles"]);
    assert!(
        told("他说不。归我管").is_empty(),
        "no phrase reaches over a sentence"
    );
}

#[test]
fn m11_styles_of_a_letter_numerals_traditional_and_invisible_characters_hide_nothing() {
    for text in [
        "⼀分钱⼀分货",
        "𝟏分钱一分货",
        "１分钱①分货",
        "壹分錢壹分貨",
        "一\u{3164}分\u{2060}钱\u{fe0f}一分货",
        "y\u{f6}u get what you pay for",
        "𝐘𝐨𝐮 𝗀𝖾𝗍 𝑤ℎ𝑎𝑡 ⓨⓞⓤ ｐay for",
    ] {
        assert_eq!(told(text), ["you-get-what-you-pay-for"], "{text}");
    }
    // None of the characters that a rule is made of escapes by its traditional form.
    assert_eq!(told("這不關我們的事"), ["not-my-department"]);
    assert_eq!(told("經認定屬惡意投訴"), ["malicious"]);
}

#[test]
fn a_span_points_at_the_phrase_in_code_points() {
    let text = "🙂您好，这 点 小 事";
    let hits = Checker::built_in().check(text, Audience::Complainant);
    let found: String = text
        .chars()
        .skip(hits[0].start)
        .take(hits[0].end - hits[0].start)
        .collect();
    assert_eq!(found, "这 点 小 事");
    assert!(hits[0].better.in_language("zh-CN").contains("核实"));
    assert!(hits[0].why.in_language("en-GB").contains("M11"));
}

#[test]
fn a_lower_level_adds_replaces_and_switches_off_rules() {
    let overlay = Document::parse(
        "disable = ['belittles']\n[[rule]]\nid = 'house-word'\nphrases = ['老赖']\n\
         why = { zh-CN = '不称呼业主', en = 'No names' }\nbetter = { zh-CN = '业主', en = 'owner' }",
    )
    .unwrap();
    let mut rules = RuleSet::built_in();
    rules.lay("sites/lake", &overlay);
    let checker = Checker::new(&rules);
    let hit = |text| checker.check(text, Audience::Complainant).len();
    assert_eq!((hit("这点小事"), hit("老赖"), hit("我不知道")), (0, 1, 1));
    let origin = rules
        .with_origin()
        .find(|(_, rule)| rule.id == "house-word")
        .unwrap()
        .0;
    assert_eq!(origin, "sites/lake");
}

#[test]
fn a_wrong_document_is_told_with_line_or_rule() {
    let said = "why = { zh-CN = 'a', en = 'a' }\nbetter = { zh-CN = 'a', en = 'a' }";
    let wrong = |text: &str| {
        let problems = Document::parse(text).unwrap_err();
        problems[0].at.clone()
    };
    assert_eq!(wrong("\n\nnonsense"), "line 3");
    assert_eq!(wrong("colour = 1"), "line 1");
    assert_eq!(
        wrong(&format!("[[rule]]\nid = 'a'\nphrases = []\n{said}")),
        "rule.a.phrases"
    );
    assert_eq!(
        wrong(&format!("[[rule]]\nid = 'a'\nphrases = ['…']\n{said}")),
        "rule.a.phrases"
    );
    assert_eq!(
        wrong(&format!("[[rule]]\nid = 'A B'\nphrases = ['x']\n{said}")),
        "rule.A B"
    );
    assert_eq!(
        wrong(
            "[[rule]]\nid = 'a'\nphrases = ['x']\nwhy = { zh-CN = '', en = 'a' }\nbetter = { zh-CN = 'a', en = 'a' }"
        ),
        "rule.a.why"
    );
}

proptest! {
    #[test]
    fn any_text_is_checked_and_every_span_lies_within_it(text in "\\PC{0,80}", phrase in prop::sample::select(vec!["", "这点小事", "no big deal", "停水"])) {
        let text = format!("{text}{phrase}{text}");
        let length = text.chars().count();
        // Half a letter is none: what one character stands for lies within it.
        crate::promise::promised(&format!("赔½、㈠⑩元{text}"));
        for hit in Checker::built_in().check(&text, Audience::Media) {
            prop_assert!(hit.start < hit.end && hit.end <= length);
        }
    }
}

#[test]
fn m11_levels_lie_over_each_other_the_sites_own_last() {
    let level = |scope: &str, document: &str| Level {
        scope: scope.to_owned(),
        revision: 1,
        document: document.to_owned(),
    };
    let said = "{ zh-CN = '不说', en = 'not said' }";
    let adds = format!("[[rule]]\nid = 'lift'\nphrases = ['电梯']\nwhy = {said}\nbetter = {said}");
    let off = "disable = ['lift']";
    let hits = |levels: Vec<Level>| {
        let checker = Checker::of_levels(levels);
        checker.check("电梯", Audience::Complainant).len()
    };
    let (organization, region) = ("organizations/o", "organizations/o/regions/r");
    assert_eq!(hits(Vec::new()), 0);
    assert_eq!(
        hits(vec![level("sites/s", off), level(organization, &adds)]),
        0
    );
    assert_eq!(hits(vec![level("sites/s", &adds), level(region, off)]), 1);
    assert_eq!(
        hits(vec![level(region, off), level(organization, &adds)]),
        0
    );
    // What this release cannot read changes nothing.
    assert_eq!(hits(vec![level("sites/s", "?"), level(region, &adds)]), 1);
}
