//! The figures of a text, whether written in digits or in words, and what they count. Two texts that count the same
//! thing differently contradict each other, however they spell it.

/// A figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// In plain digits: `１，２00`, `一千二百` and `1200` are the same.
    pub number: String,
    /// What it counts; none where that is not told, or nothing that is compared.
    pub counts: Option<Counted>,
    /// It is no more than an article: `一名`, `one`.
    pub article: bool,
}

/// What is counted in a crisis, and compared from statement to statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counted {
    /// Households.
    Households,
    /// People.
    People,
    /// Buildings.
    Buildings,
    /// Flats.
    Flats,
    /// Vehicles.
    Vehicles,
    /// Complaints and accidents.
    Cases,
}

impl Counted {
    /// For people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Households => "households",
            Self::People => "people",
            Self::Buildings => "buildings",
            Self::Flats => "flats",
            Self::Vehicles => "vehicles",
            Self::Cases => "cases",
        }
    }

    fn of_measure(measure: char) -> Option<Self> {
        match measure {
            '户' => Some(Self::Households),
            '人' | '名' | '位' => Some(Self::People),
            '栋' | '幢' | '座' => Some(Self::Buildings),
            '套' => Some(Self::Flats),
            '辆' => Some(Self::Vehicles),
            '起' | '例' => Some(Self::Cases),
            _ => None,
        }
    }

    fn of_noun(noun: &str) -> Option<Self> {
        match noun {
            "household" | "households" | "home" | "homes" | "family" | "families" => {
                Some(Self::Households)
            }
            "person" | "persons" | "people" | "resident" | "residents" | "owner" | "owners"
            | "injured" | "dead" => Some(Self::People),
            "building" | "buildings" | "tower" | "towers" => Some(Self::Buildings),
            "flat" | "flats" | "apartment" | "apartments" | "unit" | "units" => Some(Self::Flats),
            "vehicle" | "vehicles" | "car" | "cars" => Some(Self::Vehicles),
            "case" | "cases" | "complaint" | "complaints" | "accident" | "accidents" => {
                Some(Self::Cases)
            }
            _ => None,
        }
    }
}

/// Words between an English figure and what it counts: `three more affected households`.
const WORDS_BETWEEN_MAX: usize = 2;

/// Letters after a figure that are looked at for what it counts.
const AFTER_MAX: usize = 80;

/// Letters after a Chinese figure, or after a word for nobody, in which harm is looked for.
const HARM_WITHIN: usize = 16;

/// Words after an English figure in which harm is looked for: `none of the residents was injured`.
const HARM_WORDS_WITHIN: usize = 6;

/// A piece of a text: a figure, or the letters between two.
enum Piece {
    Figure { number: String, spelled: bool },
    Letters(String),
}

/// The figures of a text, in its order.
pub fn figures(text: &str) -> Vec<Figure> {
    let pieces = pieces(text);
    let mut found = Vec::new();
    for (at, piece) in pieces.iter().enumerate() {
        if let Piece::Figure { number, spelled } = piece {
            let after = match pieces.get(at + 1) {
                Some(Piece::Letters(after)) => after.as_str(),
                _ => "",
            };
            found.push(Figure {
                number: number.clone(),
                counts: counted(after),
                // One who died is no article.
                article: *spelled && number == "1" && !tells_of_harm(after),
            });
        }
    }
    found
}

/// A text in which every figure is written in plain digits, for comparing: in lower case and single spaces.
pub fn in_digits(text: &str) -> String {
    let whole: String = pieces(text)
        .into_iter()
        .map(|piece| match piece {
            Piece::Figure { number, .. } => number,
            Piece::Letters(letters) => letters,
        })
        .collect();
    let words: Vec<&str> = whole.split_whitespace().collect();
    words.join(" ")
}

/// Whether two values say the same: in digits they are equal, or one of them is the bare figure of the other.
pub fn agree(one: &str, other: &str) -> bool {
    let numbers = |text: &str| -> Vec<String> {
        figures(text)
            .into_iter()
            .map(|figure| figure.number)
            .collect()
    };
    let (one, other) = (in_digits(one), in_digits(other));
    let (told, repeated) = (numbers(&one), numbers(&other));
    let bare = |text: &str| told.len() == 1 && text == told[0];
    one == other || (told == repeated && (bare(&one) || bare(&other)))
}

/// Letters between a figure and its measure: 三十多人, 十几人, 三个人.
const ABOUT: [char; 5] = ['多', '余', '几', '个', '来'];

/// People who came to harm, right after their figure or after a word for nobody: 两死三伤.
const LOSSES: [&str; 23] = [
    "死", "伤", "亡", "遇难", "失踪", "失联", "重伤", "轻伤", "受伤", "被困", "住院", "送医",
    "去世", "离世", "丧生", "身故", "遇害", "坠楼", "跳楼", "坠落", "抢救", "昏迷", "中毒",
];

/// Harm right after one of these is another's, or did not happen: `一名专人对接受伤业主`. 救治无效死亡 did.
const HELPS: [&str; 10] = [
    "对接",
    "看望",
    "防止人员",
    "防止",
    "避免人员",
    "避免",
    "陪同",
    "救治",
    "慰问",
    "安抚",
];

/// The same in English, as words begin: before `the injured`, and before `injuries`.
const HELPS_IN_ENGLISH: [&str; 9] = [
    "visit", "help", "assist", "support", "comfort", "accompan", "contact", "prevent", "avoid",
];

/// Words between such a word and the harm.
const WHOSE: [&str; 7] = ["the", "those", "our", "all", "any", "further", "more"];

/// What follows a word for harm that nobody came to: `missing documents`, `dead ends`, `casualty figures`.
const THINGS: [&str; 16] = [
    "document",
    "paper",
    "file",
    "record",
    "page",
    "data",
    "link",
    "item",
    "end",
    "spot",
    "zone",
    "figure",
    "number",
    "toll",
    "list",
    "certificate",
];

/// The same in English, as words begin.
const HARM: [&str; 15] = [
    "injur",
    "hurt",
    "killed",
    "dead",
    "death",
    "died",
    "dies",
    "casualt",
    "fatalit",
    "wounded",
    "harmed",
    "missing",
    "victim",
    "trapped",
    "hospitali",
];

/// What the letters after a figure say that it counts.
fn counted(after: &str) -> Option<Counted> {
    let rest = after.trim_start_matches(|c: char| c == ' ' || ABOUT.contains(&c));
    let measure = rest.chars().next()?;
    if !measure.is_ascii() {
        let lost = LOSSES.iter().any(|loss| rest.starts_with(loss));
        return Counted::of_measure(measure).or(lost.then_some(Counted::People));
    }
    let noun = clause(rest)
        .split_whitespace()
        .take(WORDS_BETWEEN_MAX + 1)
        .find_map(Counted::of_noun);
    // Twelve were hurt: people are.
    noun.or_else(|| is_harm(rest, WORDS_BETWEEN_MAX + 2).then_some(Counted::People))
}

/// The text up to where the next clause begins.
fn clause(text: &str) -> &str {
    text.split(['.', ',', ';', '!', '?', '。'])
        .next()
        .unwrap_or_default()
}

/// Whether one of the next words of the clause tells of harm.
fn is_harm(text: &str, within: usize) -> bool {
    !harms(text, within).is_empty()
}

/// Which of the next words of the clause tell of harm.
fn harms(text: &str, within: usize) -> Vec<usize> {
    let words: Vec<&str> = clause(text).split_whitespace().take(within + 1).collect();
    let of_a_thing = |at: usize| {
        let next = words.get(at + 1).map(|word| word.trim_end_matches('s'));
        next.is_some_and(|word| THINGS.contains(&word))
    };
    let is_harm = |at: &usize| {
        let word = words[*at];
        HARM.iter().any(|harm| word.starts_with(harm))
            && !word.starts_with("deadline")
            && !word.starts_with("diesel")
            && !of_a_thing(*at)
    };
    (0..words.len().min(within)).filter(is_harm).collect()
}

/// Whether the clause after a figure tells of people who came to harm.
fn tells_of_harm(after: &str) -> bool {
    let mut near: String = clause(after).chars().take(HARM_WITHIN).collect();
    for helps in HELPS {
        let Some((before, rest)) = near.split_once(helps) else {
            continue;
        };
        let mut rest = rest.strip_prefix('了').unwrap_or(rest);
        while let Some(shorter) = LOSSES.iter().find_map(|loss| rest.strip_prefix(loss)) {
            rest = shorter;
        }
        near = format!("{before} {rest}");
    }
    if LOSSES.iter().any(|loss| near.contains(loss)) {
        return true;
    }
    let words: Vec<&str> = clause(after).split_whitespace().collect();
    harms(after, HARM_WORDS_WITHIN).into_iter().any(|at| {
        let whose = words[..at].iter().rev().take_while(|w| WHOSE.contains(*w));
        let whose = whose.count();
        let helps = words[..at - whose].last().is_some_and(|word| {
            let helps = HELPS_IN_ENGLISH
                .iter()
                .find(|helps| word.starts_with(**helps));
            // A visitor injured is harmed.
            helps.is_some_and(|helps| whose > 0 || matches!(*helps, "prevent" | "avoid"))
        });
        !helps
    })
}

/// Full-width letters as plain ones, in lower case.
fn plain(text: &str) -> Vec<char> {
    text.chars()
        .map(|c| match c {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
            '\u{3000}' => ' ',
            other => other,
        })
        .flat_map(char::to_lowercase)
        .collect()
}

fn pieces(text: &str) -> Vec<Piece> {
    let letters = plain(text);
    if let Some(number) = alone(&letters) {
        let spelled = true;
        return vec![Piece::Figure { number, spelled }];
    }
    let mut pieces = Vec::new();
    let mut between = String::new();
    let mut at = 0;
    while at < letters.len() {
        let found = digits(&letters[at..])
            .map(|(number, len)| (number, len, false))
            .or_else(|| {
                let before = at.checked_sub(1).and_then(|b| letters.get(b)).copied();
                chinese(&letters[at..], before)
                    .or_else(|| english(&letters[at..], before))
                    .map(|(number, len)| (number, len, true))
            });
        match found {
            Some((number, len, spelled)) => {
                if !between.is_empty() {
                    pieces.push(Piece::Letters(std::mem::take(&mut between)));
                }
                pieces.push(Piece::Figure { number, spelled });
                at += len;
            }
            None => {
                between.push(letters[at]);
                at += 1;
            }
        }
    }
    if !between.is_empty() {
        pieces.push(Piece::Letters(between));
    }
    pieces
}

/// Texts that are a zero, when they are all that is said.
const NONE: [&str; 7] = ["none", "nobody", "no one", "nil", "无", "没有", "无人"];

/// The number of a text that is nothing else: `三十五`, `twelve`, `none`.
fn alone(letters: &[char]) -> Option<String> {
    let text: String = letters.iter().collect();
    let text = text.trim().trim_end_matches(['.', '。']);
    if NONE.contains(&text) {
        return Some("0".to_owned());
    }
    let letters: Vec<char> = text.chars().collect();
    let (number, len) = match numeral(&letters).filter(|n| n.led) {
        Some(n) => (n.number, n.len),
        None => number_words(&letters).map(|(n, len)| (n.to_string(), len))?,
    };
    (len == letters.len()).then_some(number)
}

/// A figure in digits at the beginning, and how many letters it takes: thousands separators go, 3万 and `3 thousand`
/// are written out.
fn digits(letters: &[char]) -> Option<(String, usize)> {
    let is_digit = |at: usize| letters.get(at).is_some_and(char::is_ascii_digit);
    if !is_digit(0) {
        return None;
    }
    let mut number = String::new();
    let mut at = 0;
    while let Some(&letter) = letters.get(at) {
        match letter {
            '0'..='9' => number.push(letter),
            '.' if is_digit(at + 1) => number.push('.'),
            ',' if is_digit(at + 1) => {}
            _ => break,
        }
        at += 1;
    }
    let (zeros, len) = magnitude(&letters[at..]);
    Some((shifted(number, zeros), at + len))
}

/// How many zeros a unit after digits adds, and how many letters it takes.
fn magnitude(letters: &[char]) -> (usize, usize) {
    let zeros = |c: &char| match c {
        '百' | '佰' => 2,
        '千' | '仟' => 3,
        '万' | '萬' => 4,
        '亿' | '億' => 8,
        _ => 0,
    };
    let units: Vec<usize> = letters.iter().map(zeros).take_while(|z| *z > 0).collect();
    if !units.is_empty() {
        return (units.iter().sum(), units.len());
    }
    let gap = letters.iter().take_while(|c| **c == ' ').count();
    let word = word(&letters[gap..]);
    let zeros = match word.as_str() {
        "hundred" => 2,
        "thousand" => 3,
        "million" => 6,
        "billion" => 9,
        _ => return (0, 0),
    };
    (zeros, gap + word.len())
}

/// A number in digits with its point moved to the right: 1.2 by four is 12000.
fn shifted(number: String, zeros: usize) -> String {
    let (whole, part) = number.split_once('.').unwrap_or((number.as_str(), ""));
    if zeros == 0 || part.contains('.') {
        return number;
    }
    let (moved, rest) = part.split_at(zeros.min(part.len()));
    let filled = "0".repeat(zeros - moved.len());
    let whole = format!("{whole}{moved}{filled}");
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    match rest.trim_end_matches('0') {
        "" => whole.to_owned(),
        rest => format!("{whole}.{rest}"),
    }
}

fn chinese_digit(c: char) -> Option<u64> {
    let place = |digits: &str| digits.chars().position(|d| d == c);
    place("零一二三四五六七八九")
        .or_else(|| place("〇壹贰叁肆伍陆柒捌玖"))
        .and_then(|n| u64::try_from(n).ok())
        .or(match c {
            '两' | '兩' | '俩' => Some(2),
            '仨' => Some(3),
            _ => None,
        })
}

fn chinese_unit(c: char) -> Option<u64> {
    match c {
        '十' | '拾' => Some(10),
        '百' | '佰' => Some(100),
        '千' | '仟' => Some(1_000),
        '万' | '萬' => Some(10_000),
        '亿' | '億' => Some(100_000_000),
        _ => None,
    }
}

/// Tens of one letter.
fn chinese_tens(c: char) -> Option<u64> {
    match c {
        '廿' => Some(20),
        '卅' => Some(30),
        _ => None,
    }
}

/// A numeral as it is written in Chinese.
struct Numeral {
    number: String,
    len: usize,
    /// It begins with a digit or with tens: 万一 does not.
    led: bool,
    /// It cannot be read as anything but a number: 三十五, 二〇二六.
    sure: bool,
}

/// A Chinese numeral at the beginning, whatever follows it.
fn numeral(letters: &[char]) -> Option<Numeral> {
    let run: Vec<u64> = letters.iter().map_while(|c| chinese_digit(*c)).collect();
    let next = letters.get(run.len()).copied();
    match run.as_slice() {
        // 五六户, 三四十人: between the two.
        &[low, high] if low > 0 && high == low + 1 => {
            let unit = next.and_then(chinese_unit);
            let times = unit.unwrap_or(1);
            return Some(Numeral {
                number: format!("{}-{}", low * times, high * times),
                len: run.len() + usize::from(unit.is_some()),
                led: false,
                sure: false,
            });
        }
        // 二〇二六年, 一〇三室: digit by digit.
        [_, _, _, ..]
            if run.contains(&0) || matches!(next, Some('年' | '号' | '室' | '栋' | '幢')) =>
        {
            return Some(Numeral {
                number: run.iter().map(u64::to_string).collect(),
                len: run.len(),
                led: true,
                sure: true,
            });
        }
        _ => {}
    }
    let (mut whole, mut part, mut digit, mut at) = (0_u64, 0_u64, None::<u64>, 0);
    // The last unit, and whether a 零 stands after it: 三百五 is 350, and 三百零五 is 305.
    let (mut unit, mut zero) = (10, false);
    while let Some(&letter) = letters.get(at) {
        if let Some(d) = chinese_digit(letter) {
            if let Some(low) = digit.filter(|d| *d != 0) {
                // 十七八人, 一百二三十人: between the two.
                let so_far = (whole, part, if zero { 1 } else { unit / 10 });
                let (number, len) = between(so_far, low, d, &letters[at + 1..])?;
                let led =
                    chinese_digit(letters[0]).is_some() || chinese_unit(letters[0]) == Some(10);
                return Some(Numeral {
                    number,
                    len: at + 1 + len,
                    led,
                    sure: led,
                });
            }
            zero |= d == 0;
            digit = Some(d);
        } else if let Some(tens) = chinese_tens(letter) {
            if digit.is_some_and(|d| d != 0) {
                return None;
            }
            (part, unit, zero) = (part.saturating_add(tens), 10, false);
        } else if let Some(times) = chinese_unit(letter) {
            let so_many = digit.take();
            let group = part.saturating_add(so_many.unwrap_or(0));
            match times {
                100_000_000 => {
                    whole = whole.saturating_add(group).max(1).saturating_mul(times);
                    part = 0;
                }
                10_000 => {
                    whole = whole.saturating_add(group.max(1).saturating_mul(times));
                    part = 0;
                }
                _ => part = part.saturating_add(so_many.unwrap_or(1).max(1) * times),
            }
            (unit, zero) = (times, false);
        } else {
            break;
        }
        at += 1;
    }
    let first = *letters.first().filter(|_| at > 0)?;
    let last = digit.unwrap_or(0) * if zero { 1 } else { unit / 10 };
    let led = chinese_digit(first).is_some()
        || chinese_tens(first).is_some()
        || chinese_unit(first) == Some(10);
    let is_compound = at > 1 && letters[..at].iter().any(|c| chinese_digit(*c).is_none());
    Some(Numeral {
        number: whole.saturating_add(part).saturating_add(last).to_string(),
        len: at,
        led,
        sure: led && is_compound,
    })
}

/// From one number to the next, of which the whole, the part and what a last digit is worth are read already, and how many
/// of the letters that follow it takes: 十七八, 一百二三十, 十七八万.
fn between(
    (whole, part, last): (u64, u64, u64),
    low: u64,
    high: u64,
    after: &[char],
) -> Option<(String, usize)> {
    let unit = |at: usize| after.get(at).copied().and_then(chinese_unit);
    let small = unit(0).filter(|times| *times < 10_000);
    let len = usize::from(small.is_some());
    let big = unit(len).filter(|times| *times >= 10_000);
    let len = len + usize::from(big.is_some());
    let ends = after.get(len).is_none_or(|c| chinese_digit(*c).is_none()) && unit(len).is_none();
    // The smaller stands after the larger, and 五六 alone is read elsewhere.
    let fits = whole.max(part) > 0 && small.is_none_or(|small| small <= last);
    if high != low + 1 || !ends || !fits {
        return None;
    }
    let number = |digit: u64| {
        let part = part.saturating_add(digit.saturating_mul(small.unwrap_or(last)));
        whole.saturating_add(part.saturating_mul(big.unwrap_or(1)))
    };
    Some((format!("{}-{}", number(low), number(high)), len))
}

/// Measures of what is not compared from statement to statement, and is a figure all the same.
const MEASURES: [&str; 21] = [
    "元", "块", "米", "平方", "吨", "公里", "天", "日", "小时", "分钟", "周", "年", "月", "岁",
    "层", "楼", "间", "家", "次", "项", "号",
];

/// A Chinese numeral at the beginning that is a figure: it counts something (`三户`, `两死`, `一千二百名`), or can be nothing
/// else (`三十五`). Numerals stand in many words that count nothing, and an ordinal counts nothing either. Nobody who came
/// to harm is a figure too.
fn chinese(letters: &[char], before: Option<char>) -> Option<(String, usize)> {
    let inside = |c: char| {
        chinese_digit(c).is_some()
            || chinese_tens(c).is_some()
            || chinese_unit(c).is_some()
            || c == '第'
    };
    if before.is_some_and(inside) {
        return None;
    }
    // 有无伤亡 only asks.
    let asks = before == Some('有');
    if let Some(len) = nobody_in_chinese(letters).filter(|_| !asks) {
        return Some(("0".to_owned(), len));
    }
    // 百分之五.
    let starts = |said: &str| {
        said.chars()
            .eq(letters.iter().copied().take(said.chars().count()))
    };
    if starts("百分之") || starts("千分之") {
        let share = numeral(&letters[3..])?;
        return Some((share.number, 3 + share.len));
    }
    let Numeral {
        number,
        len,
        led,
        sure,
    } = numeral(letters)?;
    if is_name(letters, len, before) {
        return None;
    }
    let after: String = letters[len..].iter().take(AFTER_MAX).collect();
    let rest = after.trim_start_matches(ABOUT);
    let counts = counted(rest).is_some() && rest.starts_with(|c: char| !c.is_ascii());
    let measured = led && MEASURES.iter().any(|measure| rest.starts_with(measure));
    let lost = led && matches!(before, Some('死' | '伤' | '亡' | '踪'));
    // 百万元, 上万元.
    let money = rest.starts_with('元');
    // 三个小区, and 一个孩子坠楼; 一个 is an article.
    let pieces = after[..after.len() - rest.len()].contains('个');
    let pieces = led && pieces && (number != "1" || tells_of_harm(rest));
    // 一起 is "together", 四周 all around, 千家万户 everybody, and 周五 a day.
    let together = number == "1" && len == 1 && rest.starts_with('起') && !tells_of_harm(rest);
    let weeks = ["周内", "周后", "周之内", "周以内", "周时间"];
    let weeks = weeks.iter().any(|weeks| rest.starts_with(weeks));
    let around = number == "4" && len == 1 && rest.starts_with('周') && !weeks;
    let everybody = !led && before == Some('家');
    let weekday = len == 1 && !counts && matches!(before, Some('周' | '期' | '拜'));
    let is_figure = counts || measured || lost || money || pieces || sure;
    if together || around || everybody || weekday || !is_figure {
        return None;
    }
    Some((number, len))
}

/// Whether a numeral is part of a name or of a word: 陆家嘴, 二次供水, 三位一体, 双十一, 十一假期.
fn is_name(letters: &[char], len: usize, before: Option<char>) -> bool {
    const HOLIDAY: [&str; 5] = ["假", "长假", "黄金周", "期间", "国庆"];
    let said: String = letters[..len].iter().collect();
    let rest: String = letters[len..].iter().take(AFTER_MAX).collect();
    match said.as_str() {
        "陆" | "伍" => rest.starts_with('家'),
        "二" => rest.starts_with('次'),
        "十一" if HOLIDAY.iter().any(|day| rest.starts_with(day)) => true,
        "十一" | "十二" => before == Some('双'),
        _ => rest.starts_with("位一体"),
    }
}

/// Words for nobody, the longer before the shorter.
const NOBODY_IN_CHINESE: [&str; 14] = [
    "没有任何",
    "没有一",
    "没有",
    "未造成",
    "未发生",
    "未导致",
    "未出现",
    "未发现",
    "未有",
    "无任何",
    "无一",
    "无",
    "没",
    "零",
];

/// What stands between such a word and the harm.
const WHO_IN_CHINESE: [&str; 14] = [
    "人员", "人", "业主", "居民", "住户", "工人", "员工", "发生", "造成", "导致", "出现", "发现",
    "任何", "因此",
];

/// Harm that nobody came to. 无死角 tells of none.
const HARM_IN_CHINESE: [&str; 16] = [
    "伤亡", "伤者", "伤员", "受伤", "重伤", "轻伤", "死亡", "死伤", "死者", "遇难", "失踪", "失联",
    "被困", "住院", "送医", "中毒",
];

/// What is said of figures that are not there yet, and not that they are none.
const OF_IT: [&str; 4] = ["数字", "统计", "名单", "证明"];

/// How many letters say that nobody came to harm: `无人伤亡`, `没有人员受伤`.
fn nobody_in_chinese(letters: &[char]) -> Option<usize> {
    let text: String = letters.iter().take(HARM_WITHIN).collect();
    let (said, mut rest) = NOBODY_IN_CHINESE
        .iter()
        .find_map(|said| Some((said, text.strip_prefix(*said)?)))?;
    while let Some(shorter) = WHO_IN_CHINESE
        .iter()
        .find_map(|who| rest.strip_prefix(*who))
    {
        rest = shorter;
    }
    let after = HARM_IN_CHINESE
        .iter()
        .find_map(|harm| rest.strip_prefix(*harm))?;
    let after = after.trim_start_matches('的');
    let of_it = OF_IT.iter().any(|word| after.starts_with(word));
    (!of_it).then(|| said.chars().count())
}

const ONES: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 8] = [
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];

/// The English word at the beginning.
fn word(letters: &[char]) -> String {
    let letters = letters.iter().take_while(|c| c.is_ascii_alphabetic());
    letters.collect()
}

/// What an English word below a hundred is worth.
fn small(word: &str) -> Option<u64> {
    let ones = ONES.iter().position(|o| *o == word);
    let tens = || TENS.iter().position(|t| *t == word).map(|n| (n + 2) * 10);
    ones.or_else(tens).and_then(|n| u64::try_from(n).ok())
}

/// English number words at the beginning, whatever follows them: `twelve`, `thirty-five`, `one hundred and twenty`.
fn number_words(letters: &[char]) -> Option<(u64, usize)> {
    const HALF: &str = "half a dozen";
    if HALF.chars().eq(letters.iter().copied().take(HALF.len())) {
        return Some((6, HALF.len()));
    }
    let (mut whole, mut part, mut at, mut end) = (0_u64, 0_u64, 0, 0);
    // What is added to the part is less than this.
    let mut room = 100;
    loop {
        let word = word(&letters[at..]);
        let first = end == 0;
        if let Some(n) = small(&word).filter(|n| *n < room && (*n > 0 || first)) {
            part += n;
            room = if n >= 20 { 10 } else { 0 };
        } else if word == "dozen" && whole == 0 && part < 100 {
            part = part.max(1) * 12;
            room = 0;
        } else if word == "hundred" && part < 100 && (part > 0 || first) {
            part = part.max(1) * 100;
            room = 100;
        } else if let Some(times) = thousands(&word).filter(|_| part > 0 || first) {
            whole = whole.saturating_add(part.max(1).saturating_mul(times));
            (part, room) = (0, 100);
        } else {
            break;
        }
        end = at + word.len();
        let gap = |at: usize| {
            letters[at..]
                .iter()
                .take_while(|c| matches!(c, ' ' | '-'))
                .count()
        };
        let between = gap(end);
        if between == 0 {
            break;
        }
        at = end + between;
        if room == 100 && self::word(&letters[at..]) == "and" {
            let and = at + "and".len();
            at = and + gap(and);
        }
    }
    (end > 0).then(|| (whole.saturating_add(part), end))
}

fn thousands(word: &str) -> Option<u64> {
    match word {
        "thousand" => Some(1_000),
        "million" => Some(1_000_000),
        "billion" => Some(1_000_000_000),
        _ => None,
    }
}

/// English number words at the beginning that are a figure: more than one, or one or none that counts something. Nobody who
/// came to harm is a figure too.
fn english(letters: &[char], before: Option<char>) -> Option<(String, usize)> {
    if before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '-') {
        return None;
    }
    if let Some(len) = nobody_in_english(letters) {
        return Some(("0".to_owned(), len));
    }
    let (number, len) = number_words(letters)?;
    let after: String = letters[len..].iter().take(AFTER_MAX).collect();
    // twenty-first, one-off.
    if let Some(joined) = after.strip_prefix('-') {
        let joined: Vec<char> = joined.chars().collect();
        let joined = word(&joined);
        let ordinal =
            joined.ends_with("th") || matches!(joined.as_str(), "first" | "second" | "third");
        if ordinal || number == 1 {
            return None;
        }
    }
    let is_figure = number > 1 || counted(&after).is_some();
    is_figure.then(|| (number.to_string(), len))
}

/// Words for nobody, and within how many words after them the harm stands.
const NOBODY_IN_ENGLISH: [(&str, usize); 8] = [
    ("no one", HARM_WORDS_WITHIN),
    ("no-one", HARM_WORDS_WITHIN),
    ("nobody", HARM_WORDS_WITHIN),
    ("none", HARM_WORDS_WITHIN),
    ("not one", HARM_WORDS_WITHIN),
    ("not a single", HARM_WORDS_WITHIN),
    ("no", WORDS_BETWEEN_MAX + 1),
    ("without", WORDS_BETWEEN_MAX + 1),
];

/// How many letters say that nobody came to harm: `no one was hurt`, `without casualties`.
fn nobody_in_english(letters: &[char]) -> Option<usize> {
    let text: String = letters.iter().take(AFTER_MAX).collect();
    NOBODY_IN_ENGLISH.iter().find_map(|&(said, within)| {
        let after = text.strip_prefix(said)?;
        (after.starts_with(' ') && is_harm(after, within)).then_some(said.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counts(text: &str) -> Vec<(String, Option<Counted>)> {
        figures(text)
            .into_iter()
            .map(|f| (f.number, f.counts))
            .collect()
    }

    fn one(text: &str) -> (String, Option<Counted>) {
        let mut all = counts(text);
        assert_eq!(all.len(), 1, "{text}: {all:?}");
        all.remove(0)
    }

    #[test]
    fn a_figure_is_the_same_in_digits_and_in_words() {
        for text in [
            "3户",
            "３ 户",
            "三户",
            "三户人家",
            "3 households",
            "three households",
            "Three more affected homes",
        ] {
            assert_eq!(
                one(text),
                ("3".to_owned(), Some(Counted::Households)),
                "{text}"
            );
        }
        for text in ["1,200名业主", "一千二百人", "1200 residents"] {
            assert_eq!(
                one(text),
                ("1200".to_owned(), Some(Counted::People)),
                "{text}"
            );
        }
        assert_eq!(one("forty-two people").0, "42");
        assert_eq!(one("十二栋").0, "12");
        assert_eq!(one("两万零五户").0, "20005");
        assert_eq!(one("二十余户").0, "20");
    }

    #[test]
    fn words_that_hold_a_numeral_and_count_nothing_are_no_figures() {
        for text in [
            "统一安排",
            "我们一起面对",
            "第三户",
            "一直在现场",
            "万一",
            "no one knows",
            "one of us",
            "someone",
            "三思",
        ] {
            assert!(
                figures(text).iter().all(|f| f.article),
                "{text}: {:?}",
                figures(text)
            );
        }
        assert!(figures("一名工作人员")[0].article);
        assert!(!figures("1名工作人员")[0].article);
    }

    #[test]
    fn i7_a_figure_in_words_is_the_figure_it_says() {
        for (text, numbers) in [
            ("三十五人", "35"),
            ("３５人", "35"),
            ("两死三伤", "2 3"),
            ("死亡三人、受伤五人", "3 5"),
            ("死三伤五", "3 5"),
            ("廿五户", "25"),
            ("三百五人", "350"),
            ("三百零五人", "305"),
            ("三万五千元", "35000"),
            ("1.2万户", "12000"),
            ("两亿元", "200000000"),
            ("叁佰户", "300"),
            ("二〇二六年", "2026"),
            ("增至三十五", "35"),
            ("五六户", "5-6"),
            ("三个月内", "3"),
            ("百余人聚集", "100"),
            ("无人伤亡", "0"),
            ("没有人员受伤", "0"),
            ("未造成人员伤亡", "0"),
            ("无一人受伤", "0"),
            ("零伤亡", "0"),
            ("未造成任何人员伤亡", "0"),
            ("没有导致人员伤亡", "0"),
            ("未发现人员伤亡", "0"),
            ("无人送医", "0"),
            ("没有造成任何人员伤亡", "0"),
            ("事故没有导致人员伤亡", "0"),
            ("无人住院", "0"),
            ("无人中毒", "0"),
            ("一起死亡事故", "1"),
            ("十七八人受伤", "17-18"),
            ("十五六人", "15-16"),
            ("一百二三十人", "120-130"),
            ("十七八万元", "170000-180000"),
            ("十几人受伤", "10"),
            ("百分之五", "5"),
            ("百分之三十五", "35"),
            ("数百万元", "1000000"),
            ("百万元", "1000000"),
            ("千万元", "10000000"),
            ("上万元", "10000"),
            ("十个工作日内", "10"),
            ("三个小区", "3"),
            ("四周内", "4"),
            ("陆家嘴三户", "3"),
            ("十一人", "11"),
            ("三次", "3"),
            ("三号楼", "3"),
            ("Twelve were taken to hospital", "12"),
            ("twelve people", "12"),
            ("thirty five residents", "35"),
            ("one hundred and twenty homes", "120"),
            ("3 million", "3000000"),
            ("a dozen", "12"),
            ("half a dozen people", "6"),
            ("no one was hurt", "0"),
            ("None of the residents was injured.", "0"),
            ("without casualties", "0"),
            ("no further injuries", "0"),
        ] {
            let found: Vec<String> = figures(text).into_iter().map(|f| f.number).collect();
            assert_eq!(found.join(" "), numbers, "{text}");
        }
        for (text, counted) in [("两死", "2"), ("无人伤亡", "0"), ("twelve were hurt", "12")]
        {
            assert_eq!(
                one(text),
                (counted.to_owned(), Some(Counted::People)),
                "{text}"
            );
        }
    }

    #[test]
    fn i7_one_who_came_to_harm_is_a_figure_and_one_who_did_not_an_article() {
        for harm in [
            "一死",
            "一名业主受伤",
            "一名老人离世",
            "一名业主跳楼",
            "一个孩子坠楼",
            "一人抢救无效",
            "一人救治无效死亡",
            "一名陪同人员受伤",
            "一位负责人看望伤者时受伤",
            "致一人去世",
            "确认一名业主丧生",
            "一人送医",
            "一起死亡事故",
            "one resident was injured",
            "one resident visiting the site was injured",
            "one visitor injured",
            "One died",
        ] {
            assert!(figures(harm).iter().any(|f| !f.article), "{harm}");
        }
        for none in [
            "一名业主来电",
            "我们已安排一名专人对接受伤业主",
            "一位负责人已到医院看望伤者",
            "一项措施防止伤害",
            "一项措施避免人员伤亡",
            "One manager visits the injured today",
            "one resident called",
        ] {
            assert!(figures(none).iter().all(|f| f.article), "{none}");
        }
    }

    #[test]
    fn what_only_sounds_like_a_number_is_none() {
        for text in [
            "千万不要靠近",
            "千家万户",
            "十分抱歉",
            "四周已封闭",
            "周三公布",
            "三五成群",
            "第三十五条",
            "统一口径",
            "排查无死角",
            "正在核实有无人员伤亡",
            "无人机正在航拍",
            "还没有伤亡数字",
            "我们一起努力",
            "zero tolerance",
            "the twenty-first floor",
            "a one-off event",
            "often",
            "no deadline was missed",
            "no diesel ran out",
            "no missing documents",
            "no dead ends",
            "no casualty figures yet",
            "陆家嘴花园",
            "陆家",
            "伍家",
            "二次伤害",
            "二次供水",
            "二次装修",
            "四位一体",
            "三位一体",
            "双十一",
            "十一假期",
            "没有伤亡数字可以公布",
            "一个小区",
            "万科",
            "百姓",
            "一期",
            "第二天",
            "一下",
            "one voice",
            "no doubt",
            "hundreds of letters",
        ] {
            assert!(figures(text).is_empty(), "{text}: {:?}", figures(text));
        }
    }

    #[test]
    fn i7_values_in_words_agree_with_their_figures_and_with_no_other() {
        for (one, other) in [
            ("三十五人", "35人"),
            ("三十五", "35"),
            ("两死三伤", "2死3伤"),
            ("twelve", "12"),
            ("twelve people", "12 people"),
            ("none", "0"),
            ("无", "0"),
            ("无人伤亡", "0"),
            ("nobody was hurt", "0"),
            ("３万", "三万"),
        ] {
            assert!(agree(one, other), "{one} and {other}");
        }
        for (one, other) in [
            ("三十五", "53"),
            ("两死三伤", "3死2伤"),
            ("twelve", "20"),
            ("none", "1"),
            ("无人伤亡", "2"),
        ] {
            assert!(!agree(one, other), "{one} and {other}");
        }
    }

    #[test]
    fn texts_compare_in_digits() {
        assert_eq!(in_digits("Three  households"), in_digits("3 households"));
        assert_eq!(in_digits("三户"), in_digits("３户"));
        assert_ne!(in_digits("3 injured"), in_digits("3 dead"));
    }

    #[test]
    fn a_bare_figure_agrees_with_itself_counting_something() {
        assert!(agree("３", "三人") && agree("three households", "3"));
        assert!(!agree("3 injured", "3 dead") && !agree("3", "2人") && !agree("3", "3 of 5"));
        assert!(agree("none", " None "));
    }

    /// A number as it is written in Chinese.
    fn in_chinese(n: u64) -> String {
        const DIGITS: [&str; 10] = ["零", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
        let group = |n: u64, follows: bool| {
            let (mut text, mut gap) = (String::new(), follows && n < 1_000);
            for (unit, word) in [(1_000, "千"), (100, "百"), (10, "十"), (1, "")] {
                match usize::try_from(n / unit % 10).expect("a digit") {
                    0 => gap |= !text.is_empty(),
                    digit => {
                        if std::mem::take(&mut gap) {
                            text.push('零');
                        }
                        text += DIGITS[digit];
                        text += word;
                    }
                }
            }
            text
        };
        match (n / 10_000, n % 10_000) {
            (0, low) => group(low, false),
            (high, low) => format!("{}万{}", group(high, false), group(low, true)),
        }
    }

    /// A number below a million as it is written in English.
    fn in_english(n: u64) -> String {
        let small = |n: u64| match usize::try_from(n).expect("small") {
            n @ 0..20 => ONES[n].to_owned(),
            n if n % 10 == 0 => TENS[n / 10 - 2].to_owned(),
            n => format!("{}-{}", TENS[n / 10 - 2], ONES[n % 10]),
        };
        let below = |n: u64| match (n / 100, n % 100) {
            (0, low) => small(low),
            (high, 0) => format!("{} hundred", small(high)),
            (high, low) => format!("{} hundred and {}", small(high), small(low)),
        };
        match (n / 1_000, n % 1_000) {
            (0, low) => below(low),
            (high, 0) => format!("{} thousand", below(high)),
            (high, low) => format!("{} thousand {}", below(high), below(low)),
        }
    }

    proptest! {
        #[test]
        fn i7_every_number_in_words_is_the_same_as_in_digits(n in 1_u64..100_000_000, small in 1_u64..1_000_000) {
            let digits = format!("{n}人");
            let words = format!("{}人", in_chinese(n));
            prop_assert_eq!(in_digits(&words), digits, "{}", words);
            let digits = format!("{small} people");
            let words = format!("{} people", in_english(small));
            prop_assert_eq!(in_digits(&words), digits, "{}", words);
            prop_assert!(agree(&in_chinese(n), &n.to_string()));
            prop_assert!(agree(&in_english(small), &small.to_string()));
        }

        #[test]
        fn any_text_is_read(text in "\\PC{0,80}") {
            let _ = figures(&text);
            let _ = in_digits(&text);
        }

        #[test]
        fn every_number_in_digits_is_found(n in 0_u32..1_000_000, before in "[a-z楼 ]{0,5}", after in "[a-z楼 ]{0,5}") {
            let text = format!("{before} {n} {after}");
            prop_assert!(figures(&text).iter().any(|f| f.number == n.to_string()));
        }
    }
}
