//! Halves and tenths of people and homes, which are shares as 50% is: 一半业主, 三成住户, 业主过半, half of the residents. A half of
//! anything else, as 一半时间 or 半天, tells nothing that is compared, and most of the residents is no figure.

use super::{AFTER_MAX, counted};

/// A half, as a share in digits.
const HALF: &str = "50";

/// Letters before a half in which is looked for whose it is.
const BEFORE_MAX: usize = 12;

/// Whose half it is.
const WHOSE: [&str; 33] = [
    "业主", "住户", "居民", "住宅", "住房", "房屋", "房子", "房源", "家庭", "家长", "租户", "商户",
    "客户", "老人", "孩子", "儿童", "工人", "员工", "伤者", "伤员", "车辆", "楼栋", "人员", "群众",
    "村民", "户数", "人数", "户", "人", "栋", "幢", "套", "投诉",
];

/// Words that begin with one of these letters and tell of no people and no homes.
const NOT_WHOSE: [&str; 15] = [
    "人工",
    "人力",
    "人为",
    "人造",
    "人民币",
    "人事",
    "人防",
    "人行道",
    "户外",
    "户型",
    "户口",
    "户籍",
    "套餐",
    "套路",
    "套内",
];

/// What stands between a half and whose it is: 一半以上受影响的业主.
const OF: [&str; 14] = [
    "以上",
    "以下",
    "左右",
    "多",
    "的",
    "受影响",
    "受灾",
    "受损",
    "涉事",
    "其他",
    "该",
    "全体",
    "小区",
    "楼内",
];

/// What stands between those whose half it is and the half, the longer before the shorter: 业主中已有一半, 签约率已过半.
const HAS: [&str; 24] = [
    "当中", "中", "里", "有", "已经", "已", "均", "都", "大约", "约", "将近", "接近", "近", "超过",
    "超", "过", "至少", "仅", "只", "不到", "不足", "达", "占", "总数",
];

/// Shares, of whatever they are.
const SHARES: [&str; 6] = ["率", "比例", "占比", "户数", "人数", "份额"];

/// With what the sentence goes on after a half of those before it; not with a half of what is theirs: 业主一半的费用.
const GOES_ON: &str = "以左多已未没仍还都在是受被为同撤签回恢入要得能无停,.;:!?。、)）\n";

/// A half, or tenths, of people or homes at the beginning, and how many letters they take; `before` are the letters since the last figure.
pub(super) fn half(before: &str, letters: &[char]) -> Option<(String, usize)> {
    let first = *letters.first()?;
    let text: String = letters.iter().take(AFTER_MAX).collect();
    match first {
        'h' => in_english(before, &text).map(|len| (HALF.to_owned(), len)),
        '半' | '过' => in_chinese(before, &text),
        _ if TENTHS.iter().any(|tenth| tenth.contains(first)) => in_chinese(before, &text),
        _ => None,
    }
}

/// How many tenths are said, by their place.
const TENTHS: [&str; 9] = ["一", "二两", "三", "四", "五", "六", "七", "八", "九"];

/// The share that a text begins with, in percent, and what it takes of the text: 半数, 三成, 六成半.
fn share(text: &str) -> Option<(String, &str)> {
    const HALVES: [&str; 4] = ["过半数", "一半", "半数", "过半"];
    // 三成员, 九成新.
    const NO_TENTH: [char; 18] = [
        '为', '套', '员', '年', '立', '分', '功', '本', '长', '品', '人', '果', '语', '交', '因',
        '就', '效', '新',
    ];
    if let Some(half) = HALVES.iter().find(|half| text.starts_with(**half)) {
        return Some((HALF.to_owned(), half));
    }
    let mut letters = text.chars();
    let first = letters.next()?;
    let tenths = TENTHS.iter().position(|tenth| tenth.contains(first))? + 1;
    let rest = letters.as_str().strip_prefix('成')?;
    if rest.starts_with(NO_TENTH) {
        return None;
    }
    let (percent, rest) = match rest.strip_prefix('半') {
        Some(rest) => (tenths * 10 + 5, rest),
        None => (tenths * 10, rest),
    };
    Some((percent.to_string(), &text[..text.len() - rest.len()]))
}

/// The share that a text is and says nothing else: `约一半`, `三成以上`, `about half`.
pub(super) fn half_alone(text: &str) -> Option<String> {
    const ABOUT: [&str; 10] = [
        "about ",
        "around ",
        "nearly ",
        "almost ",
        "over ",
        "more than ",
        "less than ",
        "at least ",
        "one ",
        "a ",
    ];
    let text = text.trim().trim_end_matches(['.', '。']);
    let english = stripped_front(text, &ABOUT) == "half";
    if english {
        return Some(HALF.to_owned());
    }
    let (said, text) = match share(text) {
        Some(said) => (said, text),
        None => {
            let text = stripped_front(text, &HAS);
            (share(text)?, text)
        }
    };
    let (percent, said) = said;
    matches!(&text[said.len()..], "" | "以上" | "左右" | "多").then_some(percent)
}

fn in_chinese(before: &str, text: &str) -> Option<(String, usize)> {
    // 半数据, 过半数额.
    const NO_NUMBER: [char; 8] = ['据', '字', '量', '额', '目', '值', '学', '码'];
    let (percent, said) = share(text)?;
    let after = &text[said.len()..];
    // 七八成 and 三到五成 are no one number.
    let other = before.ends_with(['另', '第', '统', '逐', '单', '唯', '到', '至'])
        || before.ends_with(|c| TENTHS.iter().any(|tenth| tenth.contains(c)));
    if other || said.ends_with('数') && after.starts_with(NO_NUMBER) {
        return None;
    }
    let of = stripped_front(after, &OF);
    let of_them = is_whose(of);
    let tail = before.chars().rev().take(BEFORE_MAX).collect::<Vec<_>>();
    let tail: String = tail.into_iter().rev().collect();
    let tail = stripped_back(tail.trim_end(), &HAS);
    let theirs = WHOSE
        .iter()
        .chain(&SHARES)
        .any(|whose| tail.ends_with(whose));
    let goes_on = after
        .trim_start()
        .chars()
        .next()
        .is_none_or(|c| GOES_ON.contains(c));
    (of_them || theirs && goes_on).then(|| (percent, said.chars().count()))
}

fn is_whose(text: &str) -> bool {
    WHOSE.iter().any(|whose| text.starts_with(whose))
        && !NOT_WHOSE.iter().any(|other| text.starts_with(other))
}

/// `half of the residents`, `half our homes`; `half an hour`, `half the time` and the first half are no shares of people.
fn in_english(before: &str, text: &str) -> Option<usize> {
    const WHICH: [&str; 8] = [
        "of ", "the ", "all ", "our ", "your ", "their ", "these ", "those ",
    ];
    const NOT_OF: [&str; 5] = ["time", "year", "price", "cost", "car park"];
    let after = text.strip_prefix("half ")?;
    let inside = before.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '-');
    let of = stripped_front(after, &WHICH);
    let is_of = of.len() < after.len();
    let other = NOT_OF.iter().any(|word| of.starts_with(word));
    (is_of && !inside && !other && counted(of).is_some()).then_some("half".len())
}

/// A text without any of these words before it.
fn stripped_front<'t>(mut text: &'t str, words: &[&str]) -> &'t str {
    while let Some(rest) = words.iter().find_map(|word| text.strip_prefix(word)) {
        text = rest;
    }
    text
}

/// A text without any of these words behind it.
fn stripped_back<'t>(mut text: &'t str, words: &[&str]) -> &'t str {
    while let Some(rest) = words.iter().find_map(|word| text.strip_suffix(word)) {
        text = rest;
    }
    text
}
