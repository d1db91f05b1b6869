//! Words that tell of people who came to harm, of whom every figure needs a source, and of those who only help them.

/// Letters after a Chinese figure, or after a word for nobody, in which harm is looked for.
pub(super) const HARM_WITHIN: usize = 16;

/// Words after an English figure in which harm is looked for: `none of the residents was injured`.
pub(super) const HARM_WORDS_WITHIN: usize = 6;

/// People who came to harm, right after their figure or after a word for nobody: 两死三伤.
pub(super) const LOSSES: [&str; 23] = [
    "死", "伤", "亡", "遇难", "失踪", "失联", "重伤", "轻伤", "受伤", "被困", "住院", "送医",
    "去世", "离世", "丧生", "身故", "遇害", "坠楼", "跳楼", "坠落", "抢救", "昏迷", "中毒",
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

/// Those in English, as words begin: before `the injured`, and before `injuries`.
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

/// The text up to where the next clause begins.
pub(super) fn clause(text: &str) -> &str {
    text.split(['.', ',', ';', '!', '?', '。'])
        .next()
        .unwrap_or_default()
}

/// Whether one of the next words of the clause tells of harm.
pub(super) fn is_harm(text: &str, within: usize) -> bool {
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
pub(super) fn tells_of_harm(after: &str) -> bool {
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

/// Whether what stands right before a figure is harm: 死亡一人, 死者：一名, 死了一人.
pub(super) fn ends_in_harm(before: &str) -> bool {
    let before = before.trim_end_matches([' ', ':', '者', '员', '了']);
    LOSSES.iter().any(|loss| before.ends_with(loss))
}
