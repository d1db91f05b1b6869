//! Figures in Chinese words: 三十五, 两死, 十七八人, 百分之五, and nobody who came to harm.

use super::harm::{HARM_WITHIN, tells_of_harm};
use super::{ABOUT, AFTER_MAX, Counted, counted, magnitude, shifted};

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
pub(super) struct Numeral {
    pub(super) number: String,
    pub(super) len: usize,
    /// It begins with a digit or with tens: 万一 does not.
    pub(super) led: bool,
    /// It cannot be read as anything but a number: 三十五, 二〇二六.
    sure: bool,
}

/// A Chinese numeral at the beginning, whatever follows it.
fn numeral(letters: &[char]) -> Option<Numeral> {
    let run: Vec<u64> = letters.iter().map_while(|c| chinese_digit(*c)).collect();
    let next = letters.get(run.len()).copied();
    match run.as_slice() {
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
                // 五六户, 十七八人, 一百二三十人: between the two.
                let so_far = (whole, part, if zero { 1 } else { unit / 10 });
                let (number, len) = between(so_far, low, d, &letters[at + 1..])?;
                let led =
                    chinese_digit(letters[0]).is_some() || chinese_unit(letters[0]) == Some(10);
                return Some(Numeral {
                    number,
                    len: at + 1 + len,
                    led,
                    sure: led && whole.max(part) > 0,
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
    // The smaller stands after the larger.
    let fits = whole.max(part) == 0 || small.is_none_or(|small| small <= last);
    if high != low + 1 || !ends || !fits {
        return None;
    }
    let number = |digit: u64| {
        let part = part.saturating_add(digit.saturating_mul(small.unwrap_or(last)));
        whole.saturating_add(part.saturating_mul(big.unwrap_or(1)))
    };
    Some((format!("{}-{}", number(low), number(high)), len))
}

/// A share at the beginning: 百分之五, 千分之三点五. One per cent is no article.
pub(super) fn chinese_share(letters: &[char]) -> Option<(String, usize)> {
    let said: String = letters.iter().take(3).collect();
    if said != "百分之" && said != "千分之" {
        return None;
    }
    let share = decimal(&letters[3..], true)?;
    Some((share.number, 3 + share.len))
}

/// A numeral at the beginning with what stands after its point, where that is one: 零点五, 三点五公里, 一点二万元. A clock says 三点 too:
/// 三点五分, 十点三名业主到场.
pub(super) fn decimal(letters: &[char], share: bool) -> Option<Numeral> {
    let whole = numeral(letters)?;
    let after = &letters[whole.len..];
    let Some((_, part)) = after.split_first().filter(|(point, _)| **point == '点') else {
        return Some(whole);
    };
    // Two is 二 there.
    let digit = |c: &char| chinese_digit(*c).filter(|_| !"两兩俩仨".contains(*c));
    let run: Vec<u64> = part.iter().map_while(digit).collect();
    let rest = &part[run.len()..];
    let near: String = rest.iter().take(4).collect();
    let next = rest.first().copied();
    let divided = DIVIDED.iter().any(|measure| near.starts_with(measure));
    let (zeros, len) = magnitude(rest);
    let is_time = !divided && next.is_some_and(|c| matches!(c, '分' | '刻'));
    let is_tens = next.and_then(chinese_unit).is_some_and(|u| u < 10_000);
    let is_one = whole.led && !whole.number.contains('-') && !run.is_empty();
    if !is_one || is_time || is_tens {
        return Some(whole);
    }
    let counts = next.is_some_and(|c| c == '个' || Counted::of_measure(c).is_some());
    let sure = share || divided || zeros > 0 || whole.number == "0" && !counts;
    if !sure && next.is_some() {
        return Some(whole);
    }
    let digits: String = run.iter().map(u64::to_string).collect();
    Some(Numeral {
        number: shifted(format!("{}.{digits}", whole.number), zeros),
        len: whole.len + 1 + run.len() + len,
        led: true,
        sure,
    })
}

/// Measures of what can be divided.
const DIVIDED: [&str; 15] = [
    "元",
    "块",
    "米",
    "平方",
    "吨",
    "公里",
    "天",
    "小时",
    "分钟",
    "年",
    "倍",
    "成",
    "个月",
    "个小时",
    "个百分点",
];

/// Measures of what is not compared from statement to statement, and is a figure all the same.
const MEASURES: [&str; 21] = [
    "元", "块", "米", "平方", "吨", "公里", "天", "日", "小时", "分钟", "周", "年", "月", "岁",
    "层", "楼", "间", "家", "次", "项", "号",
];

/// A Chinese numeral at the beginning that is a figure: it counts something (`三户`, `两死`, `一千二百名`), or can be nothing
/// else (`三十五`). Numerals stand in many words that count nothing, and an ordinal counts nothing either. Nobody who came
/// to harm is a figure too.
pub(super) fn chinese(letters: &[char], before: Option<char>) -> Option<(String, usize)> {
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
    let Numeral {
        number,
        len,
        led,
        sure,
    } = decimal(letters, false)?;
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
    let weekday =
        (len == 1 || number.contains('-')) && !counts && matches!(before, Some('周' | '期' | '拜'));
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
