//! Sums of money that a text names, however they are written: a promise of money is one in words too (M10).
//!
//! Arabic and Chinese numerals, the banker's ones included, with 万, 元, 块 and the like; and phrases that promise
//! money without a sum, such as 退一赔三. It rather finds a sum that is none than misses one that is: what follows is
//! that somebody with more authority looks at it.

use rust_decimal::Decimal;

use crate::normal::{BREAK, Normal};

/// Sums beyond this count as this, in yuan.
const YUAN_MAX: Decimal = Decimal::from_parts(2_764_472_320, 232_830, 0, false, 0);
/// How far before a bare number the word that makes it money may stand, in characters.
const WORD_BEFORE_CHARS_MAX: usize = 8;
/// From here on a number with 块 is money even without 钱: nobody lays a hundred tiles in one sentence.
const PIECES_MAX: Decimal = Decimal::ONE_HUNDRED;

/// Words after which a bare number is money.
const PAYING: [&str; 19] = [
    "赔",
    "补偿",
    "補偿",
    "退款",
    "退还",
    "退回",
    "返还",
    "退您",
    "退你",
    "付给",
    "支付",
    "给您",
    "给你",
    "减免",
    "补贴",
    "抵扣",
    "compensat",
    "refund",
    "pay",
];
/// Written before a number.
const CURRENCY_BEFORE: [&str; 4] = ["人民币", "人民幣", "rmb", "cny"];
/// Written after a number.
const CURRENCY_AFTER: [&str; 8] = ["元", "圆", "圓", "人民币", "人民幣", "rmb", "cny", "yuan"];
/// May stand between a number and its currency.
const ABOUT: [&str; 6] = ["多", "余", "餘", "来", "左右", "整"];
/// What is counted is not money: 赔偿方案说明二百户.
const COUNTED: [&str; 28] = [
    "户", "戶", "人", "名", "位", "次", "天", "日", "年", "月", "个", "個", "套", "件", "条", "平",
    "米", "m2", "页", "小时", "分钟", "号", "栋", "单元", "层", "%", "倍", "期",
];
/// Promise money without a sum.
const UNSAID: [&str; 24] = [
    "退一赔",
    "退一賠",
    "假一赔",
    "缺一赔",
    "双倍赔",
    "双倍返",
    "双倍退",
    "倍赔偿",
    "倍补偿",
    "倍返还",
    "赔偿双倍",
    "双倍补偿",
    "全额赔",
    "全额退",
    "全额补",
    "全额返",
    "全款退",
    "原价退",
    "全部退还",
    "全部赔偿",
    "fullrefund",
    "refundinfull",
    "doublecompensation",
    "triplecompensation",
];

/// Says the sum before it once more: 1900元,即壹仟玖佰元.
const RESTATING: [&str; 6] = ["也就是", "等于", "大写", "小写", "即", "thatis"];
/// Says what the sums before it come to. The longer stand before what they begin with.
const TOTALLING: [&str; 16] = [
    "合计", "共计", "总计", "总共", "一共", "总额", "总价", "以上", "上述", "两项", "三项", "各项",
    "共", "计", "intotal", "total",
];
/// May stand around a sum that is restated.
const BESIDE_RESTATED: [&str; 9] = ["人民币", "rmb", "cny", "金额", "整", "正", "为", "in", "of"];
/// Begins or introduces what is restated.
const OPENING: [char; 8] = ['(', '（', '[', '【', '〔', '［', '=', '＝'];
/// Tells the parts of the sum before it.
const PARTS: [&str; 2] = ["其中", "ofwhich"];
/// Whatever else is said, what follows comes on top of what was named before.
const FURTHER: [&str; 36] = [
    "另",
    "再",
    "又",
    "并",
    "此外",
    "额外",
    "追加",
    "外加",
    "加上",
    "加付",
    "同时",
    "还补",
    "还赔",
    "还退",
    "还有",
    "还付",
    "还支付",
    "还会",
    "还将",
    "还可",
    "还给予",
    "尾款",
    "余款",
    "第二",
    "第三",
    "第四",
    "第2",
    "第3",
    "第4",
    "plus",
    "extra",
    "further",
    "additional",
    "another",
    "also",
    "besides",
];
/// All that stands between the two ends of a range.
const RANGE: [&str; 12] = [
    "-", "－", "−", "–", "—", "——", "~", "～", "〜", "至", "到", "to",
];
/// What a unit price is the price of. The longer stand before what they begin with.
const UNITS: [&str; 31] = [
    "平方米",
    "平米",
    "平方",
    "平",
    "m2",
    "米",
    "户",
    "个月",
    "月",
    "天",
    "日",
    "年",
    "季度",
    "周",
    "人",
    "名",
    "位",
    "次",
    "套",
    "件",
    "间",
    "台",
    "扇",
    "个",
    "小时",
    "单元",
    "栋",
    "层",
    "期",
    "month",
    "household",
];
/// Says that a unit follows, before one or after a sum.
const PER: [&str; 2] = ["每", "per"];
/// Beside numbers and units, what may stand between a unit price and what it comes to.
const RECKONING: [&str; 12] = [
    "补偿", "赔偿", "减免", "退还", "支付", "计算", "乘以", "乘", "按", "面积", "x", "s",
];
/// Parts clauses of one sentence.
const CLAUSE: [char; 8] = [',', '，', '、', ';', '；', '。', '!', '！'];
/// How far behind a sum its unit is looked for, in characters.
const UNIT_CHARS_MAX: usize = 16;

/// A sum of money in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sum {
    /// Where it begins, in Unicode code points of the text.
    pub start: usize,
    /// Where it ends, exclusive.
    pub end: usize,
    /// How much, in yuan; none where money is promised without a sum.
    pub yuan: Option<Decimal>,
}

/// The sums that the text names, in its order.
pub fn sums(text: &str) -> Vec<Sum> {
    let normal = Normal::of(text);
    let mut found: Vec<Sum> = unsaid(text, &normal);
    let mut rest = 0;
    while let Some(number) = Number::next(text, &normal, rest) {
        rest = number.to;
        if let Some((to, yuan)) = number.money(text, &normal) {
            rest = to;
            if yuan.is_none_or(|yuan| yuan > Decimal::ZERO) {
                found.push(sum(text, &normal, number.from, to, yuan));
            }
        }
    }
    found.sort_by_key(|sum| (sum.start, sum.end));
    found.dedup_by(|later, first| later.yuan == first.yuan && later.start < first.end);
    found
}

/// What the text names together; zero where it promises money without a sum, none where it names no money.
///
/// Sums add, equal ones too: 补偿1900元,另补贴1900元 is 3,800. Once counts what restates the sum before it or says what those
/// before it come to, where no other words stand between: in brackets, by a word such as 即, 合计 or 共, or digits and
/// characters side by side. So do the parts after 其中, as long as they come to no more than the sum before it. Of a range,
/// and of a unit price and what it comes to, the larger counts. Whatever else is named is another sum, so that it is rather
/// too much than too little.
pub fn total(text: &str) -> Option<Decimal> {
    let sums = sums(text);
    let chars: Vec<char> = text.chars().collect();
    let mut tally = Tally::default();
    for sum in &sums {
        if let Some(yuan) = sum.yuan {
            tally.take(&chars, sum, yuan);
        }
    }
    (!sums.is_empty()).then_some(tally.total)
}

/// Whether what a text names comes on top of what was named before it, by a word such as 另 or "another".
pub fn is_further(text: &str) -> bool {
    says_further(&Normal::of(text).text)
}

fn says_further(said: &str) -> bool {
    FURTHER.iter().any(|word| said.contains(word))
}

/// What the sums of a text come to, as far as it was read.
#[derive(Default)]
struct Tally<'a> {
    /// Never below any sum that was read.
    total: Decimal,
    /// The last sum, and how much it names.
    last: Option<(&'a Sum, Decimal)>,
    /// What parts of the sum before 其中 may still come to.
    rest: Option<Decimal>,
    /// The last sum, where it is the price of a unit.
    price: Option<Decimal>,
}

impl<'a> Tally<'a> {
    fn take(&mut self, chars: &[char], sum: &'a Sum, yuan: Decimal) {
        let from = self.last.map_or(0, |(before, _)| before.end);
        let more = match self.last {
            Some((before, named)) => self.more(chars, (before, named), (sum, yuan)),
            None => yuan,
        };
        self.total = add(self.total, more);
        self.last = Some((sum, yuan));
        let restates_price = more.is_zero() && self.price == Some(yuan);
        let is_price = restates_price || is_unit_price(chars, from, sum);
        self.price = is_price.then_some(yuan);
    }

    /// How much more it is with a sum that follows another.
    fn more(
        &mut self,
        chars: &[char],
        (before, named): (&Sum, Decimal),
        (sum, yuan): (&Sum, Decimal),
    ) -> Decimal {
        let Some(between) = chars.get(before.end..sum.start) else {
            return yuan;
        };
        let between: String = between.iter().collect();
        let beyond = |less: Decimal| (yuan - less).max(Decimal::ZERO);
        if RANGE.contains(&between.trim()) {
            self.rest = None;
            return beyond(named);
        }
        let is_restated = match Between::of(&between) {
            Between::Restating => named == yuan || self.total == yuan,
            Between::Nothing => named == yuan && is_in_another_script(chars, before, sum),
            Between::Words => false,
        };
        if is_restated {
            return Decimal::ZERO;
        }
        let normal = Normal::of(&between);
        let said = normal.text.trim_start_matches(BREAK);
        let is_further = says_further(said);
        if let Some(price) = self.price.filter(|_| !is_further) {
            let counts = counts(&between, &normal);
            let comes_to = |count: &Decimal| multiply(price, *count);
            let is_product = counts.iter().any(|count| comes_to(count) == yuan);
            if is_what_it_comes_to(said, is_product) {
                self.rest = None;
                // What was named before the price may be in it, too.
                let beside = self.total - price;
                let is_all = counts
                    .iter()
                    .any(|count| add(beside, comes_to(count)) == yuan);
                let known = if is_all { self.total } else { price };
                return beyond(known);
            }
        }
        let tells_parts = PARTS.iter().any(|word| said.starts_with(word));
        let is_parted = if tells_parts {
            said.contains(BREAK)
        } else {
            normal.text.contains(BREAK)
        };
        if is_further || is_parted {
            self.rest = None;
        } else if tells_parts {
            self.rest = Some(named);
        }
        let is_part = self.rest.is_some_and(|rest| yuan <= rest);
        self.rest = self.rest.filter(|_| is_part).map(|rest| rest - yuan);
        if is_part { Decimal::ZERO } else { yuan }
    }
}

/// What stands between two sums.
enum Between {
    /// What says that the later one restates the earlier, or what those before come to.
    Restating,
    /// Punctuation and words of currency alone.
    Nothing,
    /// Other words.
    Words,
}

impl Between {
    fn of(text: &str) -> Self {
        let normal = Normal::of(text).text.replace(BREAK, "");
        let said = without(&normal, &[&BESIDE_RESTATED]);
        if said.is_empty() && !text.contains(OPENING) {
            return Self::Nothing;
        }
        match without(said, &[&RESTATING, &TOTALLING, &BESIDE_RESTATED]) {
            "" => Self::Restating,
            _ => Self::Words,
        }
    }
}

/// What is left once such words are taken from the front.
fn without<'a>(mut said: &'a str, words: &[&[&str]]) -> &'a str {
    let first = |said: &'a str| {
        let mut all = words.iter().flat_map(|list| list.iter());
        all.find_map(|word| said.strip_prefix(*word))
    };
    while let Some(rest) = first(said) {
        said = rest;
    }
    said
}

/// Whether a sum is the price of a unit: 每月100元, 500元/平米. `from` is where the sum before it ends.
fn is_unit_price(chars: &[char], from: usize, sum: &Sum) -> bool {
    let is_unit = |said: &str| UNITS.iter().any(|unit| said.starts_with(unit));
    let before: String = chars
        .get(from..sum.start)
        .unwrap_or_default()
        .iter()
        .collect();
    let clause = Normal::of(before.rsplit(CLAUSE).next().unwrap_or_default()).text;
    let after = chars.get(sum.end..).unwrap_or_default().iter();
    let after: String = after.take(UNIT_CHARS_MAX).collect();
    let said = Normal::of(&after).text;
    let is_of = after.trim_start().starts_with(['/', '／']) && is_unit(&said);
    is_of
        || PER.iter().any(|per| {
            let mut named = clause.match_indices(per);
            said.strip_prefix(*per).is_some_and(is_unit)
                || named.any(|(at, _)| is_unit(&clause[at + per.len()..]))
        })
}

/// The numbers that a text names.
fn counts(text: &str, normal: &Normal) -> Vec<Decimal> {
    let mut rest = 0;
    let numbers = std::iter::from_fn(|| {
        let number = Number::next(text, normal, rest)?;
        rest = number.to;
        Some(number.value)
    });
    numbers.flatten().collect()
}

/// Whether what stands between a unit price and a sum says that it comes to that: a word such as 合计 is the last one, and
/// beside numbers and units stands nothing else, or nothing that gives where the sum is a product of the price.
fn is_what_it_comes_to(said: &str, is_product: bool) -> bool {
    let mut head = said.trim_end_matches(BREAK);
    while let Some(shorter) = BESIDE_RESTATED.iter().find_map(|w| head.strip_suffix(w)) {
        head = shorter;
    }
    if !TOTALLING.iter().any(|word| head.ends_with(word)) {
        return false;
    }
    let all: [&[&str]; 5] = [&TOTALLING, &BESIDE_RESTATED, &UNITS, &PER, &RECKONING];
    let mut rest = without(said, &all);
    while let Some(shorter) = rest.strip_prefix(|c: char| c == BREAK || sign(c).is_some()) {
        rest = without(shorter, &all);
    }
    rest.is_empty() || is_product && !PAYING.iter().any(|word| rest.contains(word))
}

/// Whether one of them is written in digits and the other in characters.
fn is_in_another_script(chars: &[char], one: &Sum, other: &Sum) -> bool {
    let in_digits = |sum: &Sum| {
        let written: String = chars[sum.start..sum.end].iter().collect();
        Normal::of(&written)
            .text
            .contains(|c: char| c.is_ascii_digit())
    };
    in_digits(one) != in_digits(other)
}

fn sum(text: &str, normal: &Normal, from: usize, to: usize, yuan: Option<Decimal>) -> Sum {
    let (start, end) = normal.span(from, to);
    Sum {
        start: text[..start].chars().count(),
        end: text[..end].chars().count(),
        yuan,
    }
}

fn unsaid(text: &str, normal: &Normal) -> Vec<Sum> {
    let found = UNSAID
        .iter()
        .flat_map(|phrase| normal.text.match_indices(phrase));
    found
        .map(|(at, phrase)| sum(text, normal, at, at + phrase.len(), None))
        .collect()
}

/// A number of a text, in bytes of its normalised form.
struct Number {
    from: usize,
    to: usize,
    /// None where it is not said which: 几万.
    value: Option<Decimal>,
    /// Holds 百, 千, 万 or an Arabic number of three digits: a price rather than a count.
    large: bool,
}

/// What one character of a number says.
#[derive(Clone, Copy)]
enum Sign {
    Digit(u32),
    Unit(u64),
    /// 几, 数: some.
    Some,
}

fn sign(c: char) -> Option<Sign> {
    Some(match c {
        '0'..='9' => Sign::Digit(u32::from(c) - u32::from('0')),
        '零' | '〇' => Sign::Digit(0),
        '一' | '壹' => Sign::Digit(1),
        '二' | '贰' | '貳' | '两' | '兩' => Sign::Digit(2),
        '三' | '叁' | '參' | '叄' => Sign::Digit(3),
        '四' | '肆' => Sign::Digit(4),
        '五' | '伍' => Sign::Digit(5),
        '六' | '陆' | '陸' => Sign::Digit(6),
        '七' | '柒' => Sign::Digit(7),
        '八' | '捌' => Sign::Digit(8),
        '九' | '玖' => Sign::Digit(9),
        '十' | '拾' => Sign::Unit(10),
        '百' | '佰' => Sign::Unit(100),
        '千' | '仟' => Sign::Unit(1_000),
        '万' | '萬' => Sign::Unit(10_000),
        '亿' | '億' => Sign::Unit(100_000_000),
        '几' | '幾' | '数' | '數' => Sign::Some,
        _ => return None,
    })
}

impl Number {
    /// The first number from a byte on.
    fn next(text: &str, normal: &Normal, from: usize) -> Option<Self> {
        let begin = from + normal.text[from..].find(|c| sign(c).is_some())?;
        let mut reader = Reader::default();
        let mut to = begin;
        let mut chars = normal.text[begin..].char_indices().peekable();
        let mut last = None;
        while let Some((at, c)) = chars.next() {
            let at = begin + at;
            // A comma groups Arabic digits; between anything else it parts two numbers.
            let (start, end) = normal.span(at, at + c.len_utf8());
            let parted = last.is_some_and(|(before, to): (char, usize)| {
                let digits = before.is_ascii_digit() && c.is_ascii_digit();
                let between = text.get(to..start).unwrap_or_default();
                !digits && between.contains([',', '，', '、'])
            });
            if parted {
                break;
            }
            last = Some((c, end));
            let next = chars.peek().map(|(_, c)| *c);
            let is_point = c == BREAK && {
                let (start, end) = normal.span(at, at + 1);
                matches!(&text[start..end], "." | "．")
            };
            let digit_ahead = next.is_some_and(|c| c.is_ascii_digit());
            // 5w and 3k are how people write 万 and 千 when they chat; 5kg and 10kW are not.
            let alone = || {
                let after = normal.text[at + c.len_utf8()..].chars().next();
                reader.arabic && !after.is_some_and(|c| c.is_ascii_alphanumeric())
            };
            match (sign(c), c) {
                (Some(sign), _) => reader.read(sign, c.is_ascii()),
                (None, BREAK | '点' | '點')
                    if (is_point || c != BREAK) && digit_ahead && reader.arabic =>
                {
                    reader.point();
                }
                (None, 'w') if alone() => reader.read(Sign::Unit(10_000), true),
                (None, 'k') if alone() => reader.read(Sign::Unit(1_000), true),
                _ => break,
            }
            to = at + c.len_utf8();
        }
        Some(Self {
            from: begin,
            to,
            large: reader.large,
            value: reader.value(),
        })
    }

    /// Where the sum ends and how much it is, if the number is one of money.
    fn money(&self, text: &str, normal: &Normal) -> Option<(usize, Option<Decimal>)> {
        let before = &normal.text[..self.from];
        let mut after = &normal.text[self.to..];
        while let Some(rest) = ABOUT.iter().find_map(|word| after.strip_prefix(word)) {
            after = rest;
        }
        let end = |rest: &str| normal.text.len() - rest.len();
        let currency = CURRENCY_AFTER
            .iter()
            .find_map(|word| after.strip_prefix(word));
        if let Some(rest) = currency {
            return Some((end(rest), self.value));
        }
        if let Some(rest) = after.strip_prefix(['块', '塊']) {
            let money = rest.strip_prefix(['钱', '錢']);
            let large = self.large || self.value.is_none_or(|v| v >= PIECES_MAX);
            return (money.is_some() || large).then(|| (end(money.unwrap_or(rest)), self.value));
        }
        let sign = text[..normal.span(self.from, self.to).0]
            .trim_end()
            .ends_with(['¥', '￥']);
        if sign || CURRENCY_BEFORE.iter().any(|word| before.ends_with(word)) {
            return Some((self.to, self.value));
        }
        let counted = COUNTED.iter().any(|word| after.starts_with(word));
        (self.large && !counted && paying(before)).then_some((self.to, self.value))
    }
}

/// Whether a word of paying stands shortly before, in the same sentence.
fn paying(before: &str) -> bool {
    let sentence = before.rfind(BREAK).map_or(before, |at| &before[at + 1..]);
    let near = sentence
        .char_indices()
        .rev()
        .nth(WORD_BEFORE_CHARS_MAX - 1)
        .map_or(sentence, |(at, _)| &sentence[at..]);
    PAYING.iter().any(|word| near.contains(word))
}

/// Reads a number sign by sign.
#[derive(Default)]
struct Reader {
    /// What 万 and 亿 have closed.
    closed: Decimal,
    /// What 十, 百 and 千 have closed since.
    section: Decimal,
    /// The digits since the last unit.
    digits: String,
    /// The last unit, and whether a zero or an Arabic digit stands after it: 一千零五 is not 一千五.
    unit: u64,
    exact: bool,
    arabic: bool,
    large: bool,
    vague: bool,
}

impl Reader {
    fn read(&mut self, sign: Sign, ascii: bool) {
        match sign {
            Sign::Digit(digit) => {
                self.exact |= digit == 0 || ascii;
                self.arabic |= ascii;
                self.digits.push(char::from_digit(digit, 10).unwrap_or('0'));
                self.large |= ascii && self.digits.len() >= 3;
            }
            Sign::Unit(unit) => {
                self.large |= unit >= 100;
                let bare = self.digits.is_empty();
                let number = self.number();
                let times = Decimal::from(unit);
                if unit < 10_000 {
                    let count = if bare { Decimal::ONE } else { number };
                    self.section = add(self.section, multiply(count, times));
                } else {
                    let all = add(self.section, number);
                    let all = if unit > 10_000 {
                        add(all, self.closed)
                    } else {
                        all
                    };
                    let count = if all.is_zero() && bare {
                        Decimal::ONE
                    } else {
                        all
                    };
                    let kept = if unit > 10_000 {
                        Decimal::ZERO
                    } else {
                        self.closed
                    };
                    self.closed = add(kept, multiply(count, times));
                    self.section = Decimal::ZERO;
                }
                self.unit = unit;
                self.exact = false;
            }
            Sign::Some => self.vague = true,
        }
    }

    fn point(&mut self) {
        if !self.digits.contains('.') {
            self.digits.push('.');
        }
    }

    /// The digits since the last unit.
    fn number(&mut self) -> Decimal {
        let digits = std::mem::take(&mut self.digits);
        if digits.is_empty() {
            return Decimal::ZERO;
        }
        digits
            .parse()
            .map_or(YUAN_MAX, |d: Decimal| d.min(YUAN_MAX))
    }

    fn value(mut self) -> Option<Decimal> {
        // 一万二 is 12,000 and 三千五 is 3,500.
        let short = !self.exact && self.unit >= 100 && self.digits.len() == 1;
        let last = if short {
            multiply(self.number(), Decimal::from(self.unit / 10))
        } else {
            self.number()
        };
        let value = add(add(self.closed, self.section), last);
        (!self.vague).then_some(value)
    }
}

fn add(a: Decimal, b: Decimal) -> Decimal {
    a.checked_add(b).map_or(YUAN_MAX, |sum| sum.min(YUAN_MAX))
}

fn multiply(a: Decimal, b: Decimal) -> Decimal {
    a.checked_mul(b)
        .map_or(YUAN_MAX, |product| product.min(YUAN_MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn yuan(text: &str) -> Vec<Option<i64>> {
        sums(text)
            .into_iter()
            .map(|sum| {
                sum.yuan
                    .map(|y| i64::try_from(y.trunc().mantissa()).expect("small"))
            })
            .collect()
    }

    #[test]
    fn m10_sums_are_found_in_arabic_and_chinese_numerals() {
        for (text, sum) in [
            ("赔偿业主50000元现金", 50_000),
            ("赔偿 50,000 元", 50_000),
            ("赔偿５００００元", 50_000),
            ("我们同意赔偿您1500元,请放心。", 1_500),
            ("我们已决定补偿您壹仟伍佰元", 1_500),
            ("当场答应赔偿业主三万元并已付现金", 30_000),
            ("三万五千元整", 35_000),
            ("一万二块", 12_000),
            ("三千五百零五元", 3_505),
            ("一千零五元", 1_005),
            ("十五万元", 150_000),
            ("两亿三千万元", 230_000_000),
            ("3.5万元", 35_000),
            ("3万5千块", 35_000),
            ("赔您三万", 30_000),
            ("退还给您 20000", 20_000),
            ("补偿您5w", 50_000),
            ("¥ 800", 800),
            ("￥800", 800),
            ("人民币捌佰", 800),
            ("一千余元", 1_000),
            ("五块钱", 5),
            ("We pay you RMB 3,000", 3_000),
            ("We will refund 2,000 yuan.", 2_000),
            (
                "99999999999999999999999999999999999999元",
                1_000_000_000_000_000,
            ),
        ] {
            assert_eq!(yuan(text), [Some(sum)], "{text}");
        }
        assert_eq!(yuan("定金2万元,另补偿八百元"), [Some(20_000), Some(800)]);
    }

    #[test]
    fn m10_the_sums_of_a_text_add_and_what_is_restated_counts_once() {
        for (text, sum) in [
            ("补偿1900元", 1_900),
            ("定金2万元,另补偿八百元", 20_800),
            ("补偿1900元,另补贴1900元", 3_800),
            ("补偿1900元,1900元", 3_800),
            ("补偿1900元（另补贴1900元）", 3_800),
            ("补偿1900元,另补贴合计1900元", 3_800),
            ("补偿1900元,一千元", 2_900),
            ("1000元,900元,一千九百元", 3_800),
            ("退一赔三,另付1900元", 1_900),
            ("补偿1900元,合计1900元,另补贴1900元", 3_800),
            ("墙面1000元,地面900元,合计2500元", 4_400),
            ("补偿1900元,另行共计1900元", 3_800),
            ("补偿1900元,停车费共1900元", 3_800),
            // The same once more.
            ("1900元(人民币1900元整)", 1_900),
            ("补偿1900元（大写：壹仟玖佰元整）", 1_900),
            ("人民币壹仟玖佰元整（¥1,900.00）", 1_900),
            ("补偿1900元,即一千九百元", 1_900),
            ("補償1900元（大寫：壹仟玖佰圓整）", 1_900),
            ("补偿 1900 元 壹仟玖佰元整", 1_900),
            ("RMB 1,900 (that is CNY 1,900)", 1_900),
            ("墙面1000元,地面900元,合计1900元", 1_900),
            (
                "墙面1000元（壹仟元整）,地面900元。共计人民币1900元。",
                1_900,
            ),
            ("墙面1000元,地面900元,共1900元", 1_900),
            ("墙面1000元,地面900元,计1900元", 1_900),
            ("墙面１０００元，地面９００元，共１９００元。", 1_900),
            ("墙面1000元,地面900元,两项合计1900元", 1_900),
            ("墙面1000元,地面900元,以上合计1900元", 1_900),
            ("墙面1000元,地面900元。以上两项共计:1900元", 1_900),
            ("墙面1000元,地面900元,总额1900元", 1_900),
            ("墙面1000元,地面900元,总价为人民币1900元", 1_900),
            ("墙面1000元,地面900元,总计1900元(壹仟玖佰元整)", 1_900),
        ] {
            assert_eq!(total(text), Some(Decimal::from(sum)), "{text}");
        }
        assert_eq!(total("今天下午三点到现场"), None);
    }

    #[test]
    fn m10_the_parts_of_a_sum_count_with_it_as_long_as_they_come_to_no_more() {
        for (text, sum) in [
            ("补偿总额1900元,其中墙面1000元,地面900元", 1_900),
            (
                "补偿总额１９００元。其中：墙面１０００元、地面９００元",
                1_900,
            ),
            (
                "补偿1900元,其中墙面1000元(壹仟元整),地面900元,共计1900元",
                1_900,
            ),
            ("墙面1000元,地面900元,合计1900元,其中人工500元", 1_900),
            ("RMB 1,900, of which RMB 1,000 for the wall", 1_900),
            // No parts of it.
            ("补偿1900元,其中墙面1000元,地面1000元", 2_900),
            ("补偿1900元,其中另补贴5000元", 6_900),
            ("补偿1900元,其中5000元", 6_900),
            ("补偿1900元,其中另补贴1900元现金", 3_800),
            ("补偿1900元,其中墙面1000元,另补贴900元", 2_800),
            ("补偿1900元,其中墙面1000元,并补贴900元", 2_800),
            ("补偿1900元,其中墙面1000元。补贴900元", 2_800),
            ("补偿1900元,其中部分已付。补贴900元", 2_800),
            ("补偿1900元,停车费900元,其中已付900元", 2_800),
        ] {
            assert_eq!(total(text), Some(Decimal::from(sum)), "{text}");
        }
    }

    #[test]
    fn m10_of_a_unit_price_and_what_it_comes_to_and_of_a_range_the_larger_counts() {
        for (text, sum) in [
            ("减免物业费每月100元,共12个月,合计1200元", 1_200),
            ("减免物业费每月１００元，共十二个月，合计１２００元", 1_200),
            ("按500元/平米补偿10平米,合计5000元", 5_000),
            ("按500元／㎡补偿120㎡,共计60000元", 60_000),
            ("500元/平米,受损墙面10平米,合计5000元", 5_000),
            ("每户补偿500元,10户总计5000元(伍仟元整)", 5_000),
            ("每户500元(伍佰元),10户合计5000元", 5_000),
            ("每天补偿200元,合计1000元", 1_000),
            ("每天补偿200元,合计100元", 200),
            ("定金2000元,每月100元,共12个月,合计1200元", 3_200),
            ("定金2000元,每月100元,共12个月,合计3200元", 3_200),
            // Another sum than what it comes to.
            ("每月减免100元,另补贴合计1200元", 1_300),
            ("每月减免100元,共12个月,补贴停车费合计1200元", 1_300),
            ("每月减免100元,停车费合计1300元", 1_400),
            ("每月减免100元,补偿1200元", 1_300),
            ("补偿1900元,12个月合计3000元", 4_900),
            // A range.
            ("补偿1000元至2000元", 2_000),
            ("补偿1000元到2000元", 2_000),
            ("1000元-2000元", 2_000),
            ("１０００元－２０００元", 2_000),
            ("1000元~2000元", 2_000),
            ("1000元 — 2000元", 2_000),
            ("补偿2000元至1000元", 2_000),
            ("补偿1000元至2000元,另补贴500元", 2_500),
            ("补偿1000元,至多2000元", 3_000),
        ] {
            assert_eq!(total(text), Some(Decimal::from(sum)), "{text}");
        }
    }

    #[test]
    fn what_comes_on_top_is_told_by_its_words() {
        for text in [
            "另补贴1900元",
            "再支付1900元",
            "第二笔1900元",
            "Another 1,900 yuan",
        ] {
            assert!(is_further(text), "{text}");
        }
        for text in ["支付1900元", "退还1900元", "pay RMB 1,900"] {
            assert!(!is_further(text), "{text}");
        }
    }

    #[test]
    fn m10_money_promised_without_a_sum_is_found() {
        for text in [
            "承诺退一赔三",
            "双倍返还定金",
            "全额退款",
            "三倍赔偿",
            "a full refund",
            "赔您几万元",
        ] {
            assert_eq!(yuan(text), [None], "{text}");
        }
        assert_eq!(total("承诺退一赔三"), Some(Decimal::ZERO));
        assert_eq!(yuan("承诺退一赔三,100000元"), [None, Some(100_000)]);
    }

    #[test]
    fn numbers_that_are_no_money_are_left() {
        for text in [
            "更换三块瓷砖",
            "3单元二层",
            "明天 9:00 至 11:00 停水",
            "赔偿方案三",
            "赔付说明发给二百户",
            "免收0元",
            "5kg",
            "万一漏水请来电",
            "您反映的漏水，我们今天下午三点到现场检查。",
            "",
        ] {
            assert_eq!(yuan(text), [], "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_and_every_span_lies_within_it(
            text in "[\\PC0-9一二十百千万亿元块.¥wk几]{0,80}",
        ) {
            let length = text.chars().count();
            for sum in sums(&text) {
                prop_assert!(sum.start < sum.end && sum.end <= length);
                prop_assert!(sum.yuan.is_none_or(|y| y > Decimal::ZERO && y <= YUAN_MAX));
            }
        }

        #[test]
        fn what_a_text_names_together_is_never_below_its_largest_sum(
            text in "([1-9][0-9]{0,4}元|[0-9一二百千万]|[(（即合计共每月户/其中至,。另-]|合计|其中|每月){0,40}",
        ) {
            let largest = sums(&text).into_iter().filter_map(|sum| sum.yuan).max();
            prop_assert!(total(&text).unwrap_or_default() >= largest.unwrap_or_default());
        }
    }
}
