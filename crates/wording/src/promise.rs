//! Money that a text promises: only an approved solution may promise it (M10).
//!
//! Any sum beside a word of giving counts, wherever it stands in the text: what a complainant asked for is as well
//! said without repeating the sum, and a promise is not to hide in the next sentence.

use rust_decimal::Decimal;

use crate::money;
use crate::normal::Normal;

/// Words of giving, promising and deciding.
const GIVING: [&str; 42] = [
    "赔",
    "补偿",
    "补贴",
    "补助",
    "补给",
    "补您",
    "退",
    "返还",
    "还您",
    "还给",
    "给您",
    "给你",
    "付您",
    "支付",
    "付给",
    "打给",
    "打到",
    "转给",
    "转账",
    "到账",
    "报销",
    "减免",
    "免除",
    "免收",
    "承担",
    "优惠",
    "抵扣",
    "红包",
    "慰问",
    "奖励",
    "同意",
    "答应",
    "承诺",
    "批准",
    "compensat",
    "refund",
    "reimburse",
    "pay",
    "give",
    "grant",
    "offer",
    "goodwill",
];

/// What a text promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// This much, in yuan.
    Sum(Decimal),
    /// Money, without saying how much: 退一赔三, a full refund.
    Unsaid,
}

/// What a text promises together; none where it promises no money.
pub fn promised(text: &str) -> Option<Promise> {
    if money::sums(text).iter().any(|sum| sum.yuan.is_none()) {
        return Some(Promise::Unsaid);
    }
    let together = money::total(text)?;
    let said = Normal::of(text).text;
    let gives = GIVING.iter().any(|word| said.contains(word));
    gives.then_some(Promise::Sum(together))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m10_money_that_is_promised_is_found_however_it_is_put() {
        for (text, sum) in [
            ("我们同意赔偿您1500元,请放心。", 1_500),
            ("我们已决定补偿您壹仟伍佰元", 1_500),
            ("我們已決定補償您壹仟伍佰元", 1_500),
            ("我们会赔。数额是１５００元。", 1_500),
            ("公司同意,款项𝟏𝟓𝟎𝟎元明天到账", 1_500),
            ("We will pay you RMB 1,500.", 1_500),
            ("赔\u{200b}偿您 15\u{2060}00 元", 1_500),
            ("补偿您1500元（壹仟伍佰元整），另补贴1500元。", 3_000),
        ] {
            let promise = promised(text);
            assert_eq!(promise, Some(Promise::Sum(Decimal::from(sum))), "{text}");
        }
        for text in ["承诺退一赔三,100000元", "双倍返还定金"] {
            assert_eq!(promised(text), Some(Promise::Unsaid), "{text}");
        }
        for text in [
            "我们明天上午九点到现场检查。",
            "您本月的物业费是 320 元，发票随信附上。",
            "关于赔偿，责任核实后书面答复您。",
            "We come on 3 May at 9:00 to look at all 200 homes.",
        ] {
            assert_eq!(promised(text), None, "{text}");
        }
    }
}
