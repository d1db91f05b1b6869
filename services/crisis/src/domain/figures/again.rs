//! When we speak again. A holding statement promises its next word by a time of day, as the wording rules ask: that is a promise of
//! ours and no figure of the matter. Only where the words right around it say so; whatever else has figures keeps them.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;

use super::Piece;

/// 最迟今天18时再次通报, 今晚18时前,我们将再次通报, 下一次通报时间为今天18时, `we will tell you more by 6 pm`, `the next update comes
/// at 18:00`. Nothing that was told already (通报的, 通报了).
static AGAIN: LazyLock<Regex> = LazyLock::new(|| {
    let day = "(?:今天|今日|今晚|明天|明日|明早|明晚|当天|当晚|上午|中午|下午|傍晚|晚上)*";
    let one_day = "(?:今晚|明天|明日|明早|明晚)(?:上午|中午|下午|傍晚|晚上)?";
    let date = r"(?:\d{1,2}月\d{1,2}日)?";
    let time = r"(?P<T>(?:[01]?\d|2[0-4]|[一二三四五六七八九十]+)(?::\d\d|[时点](?:\d{1,2}分|半|整|一刻|三刻)?))";
    let by = "(?:之?前|以前|左右)?";
    let whom = r"(?:向[^,。;、\d]{1,6})?";
    let tell = r"(?:通报|通告|告知|公布|发布|更新|答复|回应|说明)(?:[^的了过称]|$)";
    let again = "(?:再次|再度|再|将|会|继续)";
    let english = r"(?P<T>\d{1,2}(?::\d\d(?: ?[ap]\.?m\b)?| ?[ap]\.?m\b| ?o['’]clock))";
    let ways = [
        format!("(?:最迟|不迟于|将于|将在){date}{day}{time}{by}{again}*{whom}{tell}"),
        format!("{day}{time}{by},?我们{again}+{whom}{tell}"),
        format!(
            "{date}(?:今天|今日|当天)(?:上午|中午|下午|傍晚|晚上)?{time}(?:之?前|以前),?(?:再次|再度|再){whom}{tell}"
        ),
        // Only of a day or an evening that is ahead: 今天8时再次通报 may tell of an hour that was.
        format!("{date}{one_day}{time}{by},?(?:再次|再度|再|将再次?){whom}{tell}"),
        format!(
            "(?:(?:下1次|下次)(?:通报|更新)(?:时间)?|再次(?:通报|更新)时间)(?:为|是|在|于|定于|定在|[::]){date}{day}{time}"
        ),
        format!(
            r"\b(?:next (?:update|word|statement|briefing|report)|we(?: will|'ll| shall) (?:speak|report|inform you|update you|tell you|say)(?: again| more)?)(?: comes| is due| follows| is expected)? (?:at|by|before|no later than) {english}"
        ),
        format!(
            r"\bby {english},? we(?: will|'ll| shall) (?:speak|report|inform you|update you|tell you|say)\b"
        ),
    ];
    // A name stands once in an expression.
    let ways = ways
        .iter()
        .enumerate()
        .map(|(n, way)| way.replace("P<T>", &format!("P<time{n}>")))
        .collect::<Vec<_>>();
    Regex::new(&ways.join("|")).expect("the expressions are right")
});

/// Which pieces are a time of day at which we speak again.
pub(super) fn times_we_speak(pieces: &[Piece]) -> HashSet<usize> {
    let mut whole = String::new();
    let mut starts = Vec::with_capacity(pieces.len());
    for piece in pieces {
        starts.push(whole.len());
        whole.push_str(match piece {
            Piece::Figure { number, .. } => number,
            Piece::Letters(letters) => letters,
        });
    }
    let times = AGAIN.captures_iter(&whole).filter_map(|found| {
        found
            .iter()
            .skip(1)
            .flatten()
            .next()
            .map(|time| time.range())
    });
    times
        .flat_map(|time| {
            starts
                .iter()
                .enumerate()
                .filter(move |(_, start)| time.contains(start))
                .map(|(at, _)| at)
        })
        .collect()
}
