//! Suggests what a complaint is about from its words: the ordered tests of domain.md section 3, with
//! the words kept as data (`lexicon.yaml`). The suggestion names the words that led to it and
//! abstains when none is found; a category stated by a person always wins over it.
//!
//! Cost: one pass of an automaton over the text, whatever the size of the lexicon, and for each word that is found a look at
//! those around it, which are bounded in number: a text that is ten times as long takes ten times as long, whoever wrote it.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use redress_model::words::{Category, SignalKind};
use serde::Deserialize;

/// How far apart words of a `together` entry may stand: about 24 Chinese characters.
const NEAR_BYTES_MAX: usize = 72;

/// How near a word stands that says that something is not so: about 12 Chinese characters.
const BESIDE_BYTES_MAX: usize = 36;

/// How far behind a denial stands what it denies, in the same clause: at most one Chinese character.
const DENIED_BYTES_MAX: usize = 3;

/// Most words that a suggestion names.
const WORDS_MAX: usize = 8;

/// A category, and the words of the lexicon that led to it, in the order of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// What the complaint seems to be about.
    pub category: Category,
    /// Entries of the lexicon; never anything else from the text.
    pub words: Vec<&'static str>,
    /// Whether a test of the order is sure, or only hinted at.
    pub sure: bool,
}

/// How much of a text is its lead: about 60 Chinese characters. Who writes at length says first what
/// it is about and then everything else.
const LEAD_BYTES_MAX: usize = 180;

/// Suggests a category for this text; none when no word of the lexicon occurs. The lead is asked
/// first, then the whole.
pub fn suggest(text: &str) -> Option<Suggestion> {
    let lead = lead(text);
    let (lead_hits, hits) = (LEXICON.hits(lead), LEXICON.hits(text));
    sure(&lead_hits)
        .or_else(|| sure(&hits))
        .or_else(|| hinted(&lead_hits))
        .or_else(|| hinted(&hits))
}

/// Whether the text says that people are trapped in a lift at this moment; not that it happened, or happens again and
/// again. It is only a suspicion, but one that is worth going to see (docs/domain.md section 6).
pub fn says_trapped(text: &str) -> bool {
    let hits = LEXICON.hits(text);
    let Trapped {
        together,
        now,
        otherwise,
    } = &LEXICON.trapped;
    let (others, lasts) = (any_of(otherwise, &hits), any_of(now, &hits));
    anchors(together, &hits).into_iter().any(|anchor| {
        let is_near = |words: &[&Hit]| within(words, anchor, NEAR_BYTES_MAX).next().is_some();
        is_near(&lasts) || !is_near(&others)
    })
}

/// What a text seems to tell that can raise a grade: facts that somebody is to confirm or dismiss (section 4), and threats. Only
/// a suspicion, though one that tells fears and denials from what happened.
pub fn suspects(text: &str) -> Vec<SignalKind> {
    let hits = LEXICON.hits(text);
    let Suspicions {
        not_so,
        denials,
        facts,
        threats,
    } = &LEXICON.suspicions;
    let others = any_of(not_so, &hits);
    let denials = any_of(denials, &hits);
    let is_denied = |anchor: &Hit| {
        within(&denials, anchor, DENIED_BYTES_MAX).any(|denial| denies(text, denial, anchor))
    };
    let is_beside =
        |anchor: &Hit, others: &[&Hit]| within(others, anchor, BESIDE_BYTES_MAX).next().is_some();
    let says = |of: &Suspicion, others: &[&Hit]| {
        let own = any_of(&of.not_so, &hits);
        anchors(&of.together, &hits).into_iter().any(|anchor| {
            !is_denied(anchor) && !is_beside(anchor, others) && !is_beside(anchor, &own)
        })
    };
    let told = facts.iter().filter(|of| says(of, &others));
    let threatened = threats.iter().filter(|of| says(of, &[]));
    let mut kinds = Vec::new();
    for kind in told.chain(threatened).map(|of| of.signal) {
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    kinds
}

/// Whether this word denies what stands right behind it, or what it runs into, in the same clause.
fn denies(text: &str, denial: &Hit, what: &Hit) -> bool {
    worked(1);
    let between = text.get(denial.at.end..what.at.start).unwrap_or_default();
    denial.at.start < what.at.start
        && what.at.start <= denial.at.end + DENIED_BYTES_MAX
        && !between.contains([',', '，', '。', ';', '；', '!', '！', '?', '？', '\n'])
}

/// Words of the first group that have one of every other group near.
fn anchors<'a>(groups: &[Vec<String>], hits: &'a [Hit]) -> Vec<&'a Hit> {
    let Some((first, others)) = groups.split_first() else {
        return Vec::new();
    };
    let others = each_of(others, hits);
    let is_near =
        |anchor: &Hit, group: &[&Hit]| within(group, anchor, NEAR_BYTES_MAX).next().is_some();
    any_of(first, hits)
        .into_iter()
        .filter(|anchor| others.iter().all(|group| is_near(anchor, group)))
        .collect()
}

fn lead(text: &str) -> &str {
    let line = text.trim_start().lines().next().unwrap_or_default();
    &line[..line.floor_char_boundary(LEAD_BYTES_MAX)]
}

fn sure(hits: &[Hit]) -> Option<Suggestion> {
    LEXICON.tests.iter().find_map(|test| {
        test.sure(hits).map(|found| Suggestion {
            category: test.category,
            words: named(found),
            sure: true,
        })
    })
}

fn hinted(hits: &[Hit]) -> Option<Suggestion> {
    LEXICON.tests.iter().find_map(|test| {
        some(any_of(&test.hints, hits)).map(|found| Suggestion {
            category: test.category,
            words: named(found),
            sure: false,
        })
    })
}

/// The words once each, in the order of the text, longer ones before those inside them.
fn named(mut found: Vec<&Hit>) -> Vec<&'static str> {
    found.sort_by_key(|hit| (hit.at.start, std::cmp::Reverse(hit.at.end)));
    let mut words: Vec<&'static str> = Vec::new();
    for hit in found {
        if !words.contains(&hit.word) && words.len() < WORDS_MAX {
            words.push(hit.word);
        }
    }
    words
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    neutral: Vec<String>,
    trapped: Trapped,
    suspicions: Suspicions,
    tests: Vec<Test>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Test {
    category: Category,
    words: Vec<String>,
    #[serde(default)]
    together: Vec<Vec<Vec<String>>>,
    hints: Vec<String>,
}

/// Words by which people are trapped in a lift now.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Trapped {
    together: Vec<Vec<String>>,
    now: Vec<String>,
    otherwise: Vec<String>,
}

/// Facts and threats that a text may tell.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Suspicions {
    not_so: Vec<String>,
    denials: Vec<String>,
    facts: Vec<Suspicion>,
    threats: Vec<Suspicion>,
}

/// One of them, by one word of each group and none of its own by which it is not so.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Suspicion {
    signal: SignalKind,
    together: Vec<Vec<String>>,
    #[serde(default)]
    not_so: Vec<String>,
}

struct Lexicon {
    trapped: Trapped,
    suspicions: Suspicions,
    tests: Vec<Test>,
    entries: Vec<&'static str>,
    neutral: Vec<bool>,
    /// Bytes of the longest entry.
    longest: usize,
    automaton: AhoCorasick,
}

struct Hit {
    word: &'static str,
    at: Range<usize>,
}

static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| {
    Lexicon::read(include_str!("lexicon.yaml"))
        .expect("the built-in lexicon reads, as a test shows")
});

impl Lexicon {
    fn read(yaml: &str) -> Result<Self, String> {
        let file: File = serde_norway::from_str(yaml).map_err(|e| e.to_string())?;
        let mut neutral: HashMap<String, bool> = HashMap::new();
        for test in &file.tests {
            let grouped = test.together.iter().flatten().flatten();
            for word in test.words.iter().chain(&test.hints).chain(grouped) {
                neutral.insert(word.clone(), false);
            }
        }
        let trapped = file.trapped.together.iter().flatten();
        let when = file.trapped.now.iter().chain(&file.trapped.otherwise);
        let Suspicions {
            not_so,
            denials,
            facts,
            threats,
        } = &file.suspicions;
        let all = || facts.iter().chain(threats);
        let told = all().flat_map(|of| &of.together).flatten();
        let denied = all().flat_map(|of| &of.not_so);
        let suspicious = told.chain(not_so).chain(denials).chain(denied);
        for word in trapped.chain(when).chain(suspicious) {
            neutral.insert(word.clone(), false);
        }
        for word in file.neutral {
            neutral.entry(word).or_insert(true);
        }
        let mut entries: Vec<(String, bool)> = neutral.into_iter().collect();
        entries.sort();
        let (entries, neutral): (Vec<String>, Vec<bool>) = entries.into_iter().unzip();
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(&entries)
            .map_err(|e| e.to_string())?;
        let longest = entries.iter().map(String::len).max().unwrap_or(0);
        // Read once and kept for the life of the process.
        let entries = entries.into_iter().map(|word| &*word.leak()).collect();
        Ok(Self {
            trapped: file.trapped,
            suspicions: file.suspicions,
            tests: file.tests,
            entries,
            neutral,
            longest,
            automaton,
        })
    }

    /// Every entry found in the text, but those inside a neutral word, in the order in which they end.
    fn hits(&self, text: &str) -> Vec<Hit> {
        let found: Vec<(usize, Range<usize>)> = self
            .automaton
            .find_overlapping_iter(text)
            .map(|m| (m.pattern().as_usize(), m.range()))
            .collect();
        let backwards = |neutral: bool| {
            let found = found.iter().rev();
            found.filter(move |(entry, _)| self.neutral[*entry] == neutral)
        };
        // Of the neutral words that end no earlier, the first start.
        let mut covered_from = usize::MAX;
        let mut covers = backwards(true).peekable();
        let mut hits = Vec::new();
        for (entry, at) in backwards(false) {
            while let Some((_, cover)) = covers.next_if(|(_, cover)| at.end <= cover.end) {
                covered_from = covered_from.min(cover.start);
            }
            if at.start < covered_from {
                hits.push(Hit {
                    word: self.entries[*entry],
                    at: at.clone(),
                });
            }
        }
        hits.reverse();
        hits
    }
}

impl Test {
    fn sure<'a>(&self, hits: &'a [Hit]) -> Option<Vec<&'a Hit>> {
        let mut found = any_of(&self.words, hits);
        for groups in &self.together {
            found.extend(near(groups, hits));
        }
        some(found)
    }
}

fn some<T>(found: Vec<T>) -> Option<Vec<T>> {
    (!found.is_empty()).then_some(found)
}

fn any_of<'a>(words: &[String], hits: &'a [Hit]) -> Vec<&'a Hit> {
    worked(hits.len());
    hits.iter()
        .filter(|hit| words.iter().any(|word| word == hit.word))
        .collect()
}

/// The words of each group.
fn each_of<'a>(groups: &[Vec<String>], hits: &'a [Hit]) -> Vec<Vec<&'a Hit>> {
    groups.iter().map(|group| any_of(group, hits)).collect()
}

/// Those of these words, which stand in the order of their ends, that are no further from one than this. No more are looked at
/// than can be, so that the work grows with the text and not with its square.
fn within<'h>(words: &[&'h Hit], of: &Hit, bytes: usize) -> impl Iterator<Item = &'h Hit> {
    let from = words.partition_point(|word| word.at.end + bytes < of.at.start);
    let until = of.at.end + bytes + LEXICON.longest;
    words[from..]
        .iter()
        .copied()
        .take_while(move |word| word.at.end <= until)
        .filter(move |word| distance(of, word) <= bytes)
}

/// One word of each group, near a word of the first group; the nearest of each.
fn near<'a>(groups: &[Vec<String>], hits: &'a [Hit]) -> Vec<&'a Hit> {
    let Some((first, others)) = groups.split_first() else {
        return Vec::new();
    };
    let others = each_of(others, hits);
    for anchor in any_of(first, hits) {
        let nearest = |group: &Vec<&'a Hit>| {
            within(group, anchor, NEAR_BYTES_MAX).min_by_key(|hit| distance(anchor, hit))
        };
        if let Some(mut found) = others.iter().map(nearest).collect::<Option<Vec<_>>>() {
            found.push(anchor);
            return found;
        }
    }
    Vec::new()
}

fn distance(a: &Hit, b: &Hit) -> usize {
    worked(1);
    if a.at.start < b.at.start {
        b.at.start.saturating_sub(a.at.end)
    } else {
        a.at.start.saturating_sub(b.at.end)
    }
}

#[cfg(test)]
thread_local! {
    /// How often a word was looked at on this thread.
    static LOOKS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Counts looks at words, for a test of how the work grows.
#[cfg(test)]
fn worked(looks: usize) {
    LOOKS.set(LOOKS.get() + looks);
}

#[cfg(not(test))]
fn worked(_: usize) {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_text_ten_times_as_long_is_ten_times_the_work_and_not_a_hundred_whoever_wrote_it() {
        let looks = |text: &str| {
            LOOKS.set(0);
            let read = (suspects(text), says_trapped(text), suggest(text));
            drop(read);
            LOOKS.get()
        };
        for (first, then) in [
            ("起诉", "再不"),
            ("不会起诉", ""),
            ("怕爆炸", "担心"),
            ("被困", "电梯"),
            ("电梯经常困人", ""),
            ("承诺", "不符"),
            ("转告你们", "律师"),
        ] {
            let text = |n: usize| first.repeat(n) + &then.repeat(n);
            let (short, long) = (looks(&text(300)), looks(&text(3_000)));
            assert!(short > 0 && long < 20 * short, "{first}: {short}, {long}");
        }
    }

    /// As it was found before there were bounds: each word beside each neutral one.
    #[test]
    fn words_inside_neutral_ones_are_left_out_wherever_they_end() {
        for text in [
            "没有用我要求转告你们律师楼起诉再不",
            "律师楼律师律师楼",
            "转告你们告你们",
            "随时可能爆炸随时",
            "",
        ] {
            let found: Vec<_> = LEXICON.automaton.find_overlapping_iter(text).collect();
            let is_neutral = |entry: usize| LEXICON.neutral[entry];
            let plain: Vec<(&str, Range<usize>)> = found
                .iter()
                .filter(|m| !is_neutral(m.pattern().as_usize()))
                .filter(|m| {
                    !found.iter().any(|c| {
                        is_neutral(c.pattern().as_usize())
                            && c.start() <= m.start()
                            && m.end() <= c.end()
                    })
                })
                .map(|m| (LEXICON.entries[m.pattern().as_usize()], m.range()))
                .collect();
            let hits = LEXICON.hits(text);
            let seen: Vec<(&str, Range<usize>)> =
                hits.iter().map(|hit| (hit.word, hit.at.clone())).collect();
            assert_eq!(seen, plain, "{text}");
            assert!(hits.is_sorted_by_key(|hit| hit.at.end), "{text}");
        }
    }

    fn category(text: &str) -> Option<Category> {
        suggest(text).map(|s| s.category)
    }

    #[test]
    fn people_trapped_in_a_lift_are_told_from_lifts_that_trapped_somebody_before() {
        for now in [
            "我和孩子被困在3号楼的电梯里，快来人！",
            "电梯停在半空，里面关在三个人，电话没人接",
            "有老人在轿厢里出不来",
            "We are stuck in the lift of tower 2, please send someone",
            // Who is trapped tells what happened before as well.
            "我现在被困在电梯里,这部电梯经常坏,快来人",
            "救命,被困电梯出不来,上次也这样",
            "孩子被关在电梯里了,昨天就报过修没人来",
            "We are trapped in the lift, it happens often, help now",
        ] {
            assert!(says_trapped(now), "{now}");
        }
        for other in [
            "电梯经常困人，物业从来不修",
            "上周我被困在电梯里一个小时",
            "被困电梯半小时才有人来，出来后头晕",
            "担心哪天被困在电梯里",
            "发生过两次困人，电梯该大修了",
            "电梯门关不上，噪音很大",
            "资金被困在这个项目里出不来",
            "I was stuck in the elevator yesterday",
            "上周我被困在电梯里一个小时,请赶紧修",
            "电梯经常困人,现在也没人管",
            // Nobody is trapped.
            "电梯停了,没有人被困在电梯里,请派人来修",
            "无人被困,但电梯停运了",
            "电梯灯不亮,幸好没困人",
            "电梯困人演练没有提前通知",
            "Nobody is stuck in the elevator but it does not move",
            "",
        ] {
            assert!(!says_trapped(other), "{other}");
        }
    }

    #[test]
    fn what_happened_is_suspected_and_what_is_feared_denied_or_threatened_is_not() {
        use SignalKind as Kind;
        for (text, kinds) in [
            ("业主拉横幅堵了售楼处大门", vec![Kind::Demonstration]),
            ("再不解决我们就去拉横幅堵售楼处大门", vec![]),
            ("记者昨天来采访了,电视台报道了", vec![Kind::MediaExposure]),
            ("法院已经受理了我们的起诉", vec![Kind::Litigation]),
            ("孩子在滑梯上摔伤,送医院缝了三针", vec![Kind::Injury]),
            ("地砖太滑,老人容易摔伤", vec![]),
            ("幸好没有人受伤", vec![]),
            ("吊顶砸下来差点砸伤人", vec![]),
            ("燃气泄漏,楼道里都是味", vec![Kind::DangerToPersons]),
            ("管道没有密封,存在燃气泄漏的风险", vec![]),
            ("你们泄露了我的个人信息", vec![Kind::DataLeak]),
            ("再不处理我就去电视台曝光", vec![Kind::ThreatensMedia]),
            ("起诉不起诉我再想想", vec![Kind::ThreatensLitigation]),
            ("外墙渗水,请派人维修", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(suspects(text), kinds, "{text}");
        }
    }

    #[test]
    fn what_a_danger_may_lead_to_and_a_threat_to_die_are_danger_g1_8() {
        for danger in [
            "燃气泄漏随时可能爆炸",
            "小区燃气泄漏,可能会引发爆炸,快来人",
            "有业主要跳楼",
            // A threat that is said as one, and pressure beside it.
            "再不退房款我就要跳楼",
            "开发商不要脸,逼得业主要跳楼",
            "有人跳楼了,快报警",
        ] {
            assert_eq!(suspects(danger), [SignalKind::DangerToPersons], "{danger}");
        }
        for other in [
            "怕爆炸",
            "管道老化,我们怕爆炸",
            "可能有燃气泄漏",
            "如果燃气泄漏可能爆炸",
            "担心燃气泄漏可能爆炸",
            "以前有人跳楼",
            "去年有人要跳楼",
            "没有人要跳楼",
            "我不想跳楼",
            "车位跳楼价甩卖",
            "阳台栏杆松动,可能坠楼",
        ] {
            assert!(suspects(other).is_empty(), "{other}");
        }
    }

    #[test]
    fn a_banner_that_blocks_a_way_is_a_demonstration_wherever_it_is_g1_1() {
        for told in ["业主拉横幅堵路维权", "我们几十人拉横幅堵了马路"] {
            assert_eq!(suspects(told), [SignalKind::Demonstration], "{told}");
        }
        for other in [
            "没有拉横幅",
            "业主没有拉横幅堵路",
            "再不解决业主就拉横幅堵路",
            "业主拉横幅维权",
        ] {
            assert!(suspects(other).is_empty(), "{other}");
        }
    }

    #[test]
    fn threats_to_sue_are_suspected_in_the_usual_ways_of_saying_it_g2_6() {
        for told in [
            "明天我就去法院告你们",
            "我要告到法院",
            "我要到法院告你们",
            "要上法院起诉你们",
            "不解决就打官司",
            "我们准备走法律程序",
            "我会找律师起诉",
            "If you do not fix this I will sue you",
            "再不修我就去法院起诉你们",
            "再不处理我就起诉你们公司",
            "准备向人民法院提起诉讼",
            "那就法庭见吧",
            "我要把你们告上法庭",
            "你们不想解决,起诉是唯一的办法,我会起诉的",
            "只能走法律途径了",
            "等着收律师函吧",
            "下周去申请仲裁",
            "保留追究责任的权利",
            "We will take legal action",
            "You will hear from my lawyer",
            "See you in court",
            "I am going to sue the developer",
            "MY WIFE WILL SUE YOU",
            "你们等着吃官司吧",
            "投诉没有用要起诉",
            "大不了打官司",
            "小心我告你",
            "直接走司法程序",
            "I am considering legal action",
            "My neighbour and I will sue you",
            "我要告你",
            "我们业主决定集体起诉",
            "We'll see you in court!",
        ] {
            assert_eq!(suspects(told), [SignalKind::ThreatensLitigation], "{told}");
        }
    }

    #[test]
    fn threats_to_go_to_the_media_or_to_post_it_are_suspected_g2_6() {
        for told in [
            "我要找记者曝光你们",
            "我要打12345曝光到抖音",
            "再拖我就发抖音",
            "我会把视频发到小红书",
            "不退钱就上网曝光",
            "我们联系电视台来拍",
            "让你们上热搜",
            "I will go to the press",
            "I will post this on TikTok",
            "We are going to the media tomorrow",
            "叫记者来看看",
            "别逼我发抖音",
            "已经联系了电视台",
            "I'll tell the newspapers",
            "If you take no notice I will post this on Facebook",
            "把你们的事发到网上去",
            "I'll expose you on the news",
        ] {
            assert_eq!(suspects(told), [SignalKind::ThreatensMedia], "{told}");
        }
    }

    #[test]
    fn injuries_are_suspected_whoever_came_or_did_not_come_after_g1_8() {
        for told in [
            "孩子的手被电梯门夹到手了,没人管",
            "老人摔伤骨折,物业没有人来",
            "我在楼道被狗咬了",
            "孩子的头撞破了",
            "A tile fell and my child was injured, it could happen again",
            "My son was injured by the gate, I am worried",
            "My mother broke her leg on your stairs",
            "A child was injured in the playground",
            "我在楼梯上滑倒摔断了腿",
            "电梯夹人了",
        ] {
            assert_eq!(suspects(told), [SignalKind::Injury], "{told}");
        }
    }

    #[test]
    fn what_may_fall_burn_or_leak_and_who_would_die_is_danger_g1_8() {
        for told in [
            "阳台栏杆松动随时会掉下去",
            "外墙瓷砖随时可能掉下来,存在安全隐患",
            "厨房有很浓的煤气味",
            "There is a gas leak, could you send someone",
            "There is a fire in the garage, we might die",
            "配电箱在冒烟",
            "电梯突然下坠两层",
            "There is a gas leak in block 3",
            "The bin room is on fire",
            "没人管我要跳楼",
            "去年就报修,再拖我不想活了",
            "以前答应的都不算,我要跳楼",
            "楼下着火,快来人",
            "天花板塌了",
            "燃气表漏气",
            "孩子掉进没盖的井里了",
            "The ceiling collapsed last night",
            "不给退房我就从楼顶跳下去",
            "I will kill myself, my application was ignored again",
        ] {
            assert_eq!(suspects(told), [SignalKind::DangerToPersons], "{told}");
        }
    }

    #[test]
    fn personal_data_given_to_a_group_or_a_trader_is_a_leak_g2_7() {
        for told in [
            "物业把我的身份证号码发到了群里",
            "销售把业主信息卖给装修公司",
            "管家把我的电话号码公布在业主群",
            "Your agent gave my phone number to decorators",
            "我的电话号码被卖给中介了",
        ] {
            assert_eq!(suspects(told), [SignalKind::DataLeak], "{told}");
        }
    }

    #[test]
    fn one_text_may_tell_several_facts_and_threats_g1_8_g2_6() {
        use SignalKind as Kind;
        for (told, kinds) in [
            (
                "电梯门夹了我的手,手指受伤流血,要上法院起诉你们",
                [Kind::Injury, Kind::ThreatensLitigation],
            ),
            (
                "不赔就找媒体,再找律师起诉你们",
                [Kind::ThreatensMedia, Kind::ThreatensLitigation],
            ),
        ] {
            assert_eq!(suspects(told), kinds, "{told}");
        }
    }

    #[test]
    fn what_the_press_reported_is_suspected_whoever_reported_it_g1_2() {
        for told in [
            "电视台对我们小区漏水的事作了报道",
            "自媒体报道了我们小区漏水",
            "记者站在小区门口采访了我们",
        ] {
            assert_eq!(suspects(told), [SignalKind::MediaExposure], "{told}");
        }
    }

    /// Denials, others' lawsuits, regulators, names of streets and offices, and words inside words (section 4).
    #[test]
    fn what_only_sounds_like_a_fact_or_a_threat_is_not_suspected() {
        for other in [
            "我不会起诉,只想修好",
            "我不想打官司",
            "没有要起诉你们的意思",
            "不会去法院告你们的",
            "律师楼门口的路灯坏了,准备什么时候修",
            "水龙头破了,请来修",
            "花洒喷头破了",
            "外墙瓷砖掉下来砸到我的车",
            "楼上吵得我活不下去了",
            "电视台对面的路灯坏了",
            "记者站旁边的垃圾没人收",
            "The neighbours smoke in the stairwell",
            "The light on fire exit 3 is broken",
            "I complain of cracks on firework stands",
            "We hear prices are about to fall",
            "There could be a gas leak in the winter",
            "法院路的井盖坏了",
            "法院已判,请按判决执行",
            "起诉书编号2026-118,请归档",
            "记者站旁边的垃圾没人清",
            "电视台对面的工地太吵",
            "我要投诉到12345",
            "再不处理我打12315",
            "物业说要起诉欠费的业主",
            "物业建议走法律途径",
            "收到你们的律师函了",
            "转告你们经理一声",
            "我要告诉你们一件事",
            "电视台宿舍的水管准备换吗",
            "多媒体教室的灯坏了,我要报修",
            "请不要曝光我的电话",
            "物业发抖音宣传小区活动",
            "网络随时会掉线",
            "没有人受伤",
            "没有人员受伤流血",
            "没有燃气泄漏",
            "你们没有泄露我的个人信息",
            "担心栏杆随时会掉下来",
            "What is the issue? Please pursue it",
            "I will not sue you",
            "I am not going to sue",
            "My neighbour sued the previous owner",
            "The press of the lift button does not work",
            "Please post it on my door",
            "Nobody was injured",
            "The talk on fire safety was cancelled",
            "The pipe leaked in my kitchen",
            "请把维修电话贴在公告栏",
            "不要跳楼",
            "我要求道歉",
            "律师函已收到",
            "She expects you to issue your invoice",
            "There is a fire door that does not close",
            "The fire alarm is too loud",
            "火灾报警器误报",
            "孩子差点掉进井里",
            "窗户漏气",
            "楼上315室漏水",
            "担心吊顶塌了",
            "The lease of my lawyer's office",
            "油烟味很大",
            "住院部对面的路灯不亮",
            "她是记者,住三号楼",
            "准备在网上发布招租信息",
            "抖音上看到你们的广告",
            "我要去法院上班,小区班车停了",
        ] {
            assert!(suspects(other).is_empty(), "{other}");
        }
    }

    #[test]
    fn crowds_with_banners_are_suspected_whoever_they_are_g1_1() {
        for told in [
            "有人拉横幅",
            "一群人举着牌子在售楼处门口抗议",
            "几十个人在营销中心门口静坐",
            "很多人在项目部门口拉横幅",
            "业主们把销售经理围住了",
            "我们几十人围住了售楼处",
            "Dozens of owners are protesting outside the sales office",
            "A crowd with banners is at the gate",
            "Residents blocked the road in front of your showroom",
        ] {
            assert_eq!(suspects(told), [SignalKind::Demonstration], "{told}");
        }
    }

    #[test]
    fn what_the_news_told_is_suspected_in_the_usual_ways_of_saying_it_g1_2() {
        for told in [
            "我们小区漏水上了新闻",
            "记者已经来小区拍摄了",
            "你们楼盘的质量问题见报了",
            "小区的事媒体多次报道",
            "我们接受了记者采访",
            "电视台来过小区两次",
            "Our building was on the news last night",
            "A TV crew came to our estate",
            "The newspaper reported on your project",
        ] {
            assert_eq!(suspects(told), [SignalKind::MediaExposure], "{told}");
        }
    }

    #[test]
    fn lawsuits_that_began_are_suspected_whoever_brought_them_g1_5() {
        for told in [
            "法院通知下周开庭",
            "I filed a lawsuit against you",
            "我们已经把你们告上了法庭",
            "仲裁委受理了我们的申请",
            "起诉状已经递到法院",
            "法院已正式立案",
            "案件正在审理",
            "收到法院的传票了",
            "物业起诉了我,凭什么",
            "我把开发商告了",
            "我的案子下个月开庭,请你们准时来",
            "We have sued the developer",
            "The court hearing is set for Monday, will you attend",
            "I filed for arbitration against your company last week",
        ] {
            assert_eq!(suspects(told), [SignalKind::Litigation], "{told}");
        }
    }

    #[test]
    fn injuries_are_suspected_by_what_came_of_them_g1_8() {
        for told in [
            "保安动手打人",
            "我在大堂滑倒,手腕肿了",
            "老婆下楼时摔了一跤,现在站不起来",
            "孩子被玻璃划了,缝了五针",
            "被保安打住院",
            "我爸在坡道摔倒,现在住院",
            "脑震荡,医生让观察",
            "救护车拉走了一个工人",
            "She slipped and hurt her back in your lobby",
            "The guard punched me",
            "The guard hit me when I parked my car",
            "My father needed stitches after the gate hit him",
            "An ambulance took my neighbour away, the step is broken",
            "He slipped in the lobby and is in hospital",
            "My mother fractured her hip on your stairs",
        ] {
            assert_eq!(suspects(told), [SignalKind::Injury], "{told}");
        }
    }

    #[test]
    fn wires_wells_rails_and_knives_are_danger_g1_8() {
        for told in [
            "水龙头漏电,手一碰就麻了",
            "路灯杆漏电,孩子摸到被电到",
            "门口的井盖没了",
            "小区的井盖被偷,夜里很黑",
            "阳台护栏断了",
            "电线裸露在楼道里",
            "插座冒火",
            "电梯失控",
            "有人拿着菜刀在楼道里",
            "车库墙体倒塌",
            "地面塌陷",
            "It smells of gas in the stairwell",
            "There are exposed wires in the playground",
            "The elevator fell two floors",
            "Sparks are coming from the meter box",
            "A man is waving a knife in the lobby",
            "护栏断了,请尽快修好",
            "漏电没修好,孩子摸到就麻",
            "There are exposed wires by the gate and nobody has fixed it",
        ] {
            assert_eq!(suspects(told), [SignalKind::DangerToPersons], "{told}");
        }
    }

    #[test]
    fn personal_data_that_others_came_to_know_is_a_leak_g2_7() {
        for told in [
            "装修公司怎么知道我的电话",
            "刚收房就有中介打来,从哪里拿到我的号码",
            "你们把我的手机号给了装修公司",
            "物业把业主名单提供给第三方",
            "My phone number was leaked to decorators",
            "There was a data breach and my personal data is out",
            "You passed my contact details to an agency",
        ] {
            assert_eq!(suspects(told), [SignalKind::DataLeak], "{told}");
        }
    }

    #[test]
    fn a_post_that_is_out_is_suspected_g2_8() {
        for told in [
            "漏水的视频我已经发抖音了",
            "我把质量问题发到了小红书",
            "维权的帖子有三千多条评论",
            "小区漏水上了热搜",
            "虚假宣传的视频已经有五千播放",
            "网上都在传你们楼盘烂尾",
            "I posted a video of the leak on TikTok",
            "I have posted photos of your defects on Facebook",
            "The video of your flooded garage went viral",
        ] {
            assert_eq!(suspects(told), [SignalKind::OnlinePost], "{told}");
        }
    }

    #[test]
    fn a_quarrel_about_to_break_out_is_a_conflict_risk_g3_4() {
        for told in [
            "楼上楼下为漏水差点打起来",
            "业主群情激愤",
            "物业和业主的矛盾激化了",
            "保安和业主发生冲突",
            "车主和保安在大门口对峙",
            "两家要打起来了,快来人劝",
            "再这样下去业主会出大事",
            "The neighbours nearly came to blows over parking",
            "Owners are furious and it may turn violent",
        ] {
            assert_eq!(suspects(told), [SignalKind::LocalConflictRisk], "{told}");
        }
    }

    #[test]
    fn the_helpless_and_whole_houses_left_alone_are_a_grave_failure_m15() {
        for told in [
            "整栋楼停水三天没人管",
            "停电两天了,家里有老人",
            "电梯坏了一周,轮椅老人下不了楼",
            "老人排队等了四个小时没人管",
            "孕妇在售楼大厅站了三个小时没人理",
            "电梯三天不能用,我妈坐轮椅",
            "停电三天还没修好,家里有病人",
            "停水三天没有提前通知,家里有婴儿",
            "No power for two days without notice, when will it be restored",
            "We have had no water for three days",
            "The lift has been out for a week and my mother is in a wheelchair",
        ] {
            assert_eq!(suspects(told), [SignalKind::GraveServiceFailure], "{told}");
        }
    }

    #[test]
    fn damage_that_goes_on_is_suspected_m15() {
        for told in [
            "水管爆了,水还在喷",
            "天花板正在漏水",
            "楼上的水往屋里灌",
            "污水涌出来了,家里地板全湿",
            "水已经漫到客厅",
            "雨水从窗户滴个不停",
            "厨房漏水越漏越大",
            "粪水正往客厅流",
            "Water is dripping from the ceiling right now",
            "Water is pouring through the ceiling",
            "The pipe is still leaking and nobody came",
            "Sewage keeps flooding our kitchen",
        ] {
            assert_eq!(suspects(told), [SignalKind::OngoingDamage], "{told}");
        }
    }

    #[test]
    fn lawyers_at_work_are_a_threat_to_sue_g2_6() {
        for told in [
            "我已经委托律师了",
            "我咨询过律师,你们要赔",
            "这事让法院来判",
            "有话跟我的律师谈",
            "My attorney is looking into this",
            "I have spoken to a lawyer about your delays",
            "I will go to small claims court",
        ] {
            assert_eq!(suspects(told), [SignalKind::ThreatensLitigation], "{told}");
        }
    }

    #[test]
    fn a_word_to_the_public_is_a_threat_g2_6() {
        for told in [
            "我会向媒体反映",
            "我打给电视台",
            "让网友评评理",
            "不解决就抖音见",
            "I will go public with this",
            "I will name and shame you",
            "We will speak to the press",
        ] {
            assert_eq!(suspects(told), [SignalKind::ThreatensMedia], "{told}");
        }
    }

    /// Names, other people's matters, what was repaired, advertisements, and other senses of the words (section 4).
    #[test]
    fn what_uses_the_words_for_something_else_is_not_suspected() {
        for other in [
            "法院路的庭院式小区",
            "售楼处门口有人拉横幅庆祝开业",
            "小区里有人拉横幅招租",
            "我没有起诉你们",
            "我们还没起诉",
            "I have not filed a lawsuit",
            "I haven't filed a lawsuit against you",
            "隔壁小区把开发商告上了法庭",
            "邻居离婚案下周法院开庭",
            "我去法院旁听开庭,停车场不让进",
            "法院街开水果店的噪音很大",
            "起诉路3号的路灯坏了",
            "晚报摊挡住了大门口",
            "晚报箱坏了,请换",
            "记者没有来过小区",
            "你们的广告上了电视",
            "楼盘广告登在报纸上",
            "小区获奖见报了,恭喜",
            "Your advert is on TV every day, our flat is fine",
            "The court yard is dirty",
            "The tennis court needs a new net",
            "My suit was stained by wet paint",
            "The fire sale on the ground floor blocks the path",
            "The food court is too loud",
            "没有发生冲突,谢谢物业",
            "装修时间与规定产生冲突",
            "孩子们打起来了又和好了,业主活动很好",
            "两只狗在楼下打起来了",
            "漏电保护器总跳闸,请来看看",
            "漏电开关换新",
            "去年电线裸露,已修好",
            "护栏断了的地方修好了",
            "栏杆没有断",
            "保安打了我一个电话",
            "我被他的话伤到了心",
            "手机摔得粉碎",
            "没有人摔倒住院",
            "差点滑倒住院",
            "担心老人滑倒住院",
            "提前三天通知停水,很好",
            "停水通知贴了三天",
            "停电两天已恢复,感谢",
            "花园喷泉的水还在喷",
            "泳池的水一直往下流",
            "漏水已修好,没有还在漏",
            "抖音上有你们招租的广告",
            "小区活动的视频有三千播放",
            "二手车位发了朋友圈,业主可看",
            "请转发小区团购帖子,业主优惠",
            "Your ad on Facebook is nice",
            "I posted a lost cat notice online for our building",
            "The pipe leaked, my phone number is 5550100",
            "请不要把我的手机号给中介",
            "管家怎么知道我的名字,真贴心",
            "我把身份证提供给了物业",
            "请了律师做买房前的合同审查",
            "You need no attorney for the deed",
            "离婚的事我咨询过律师",
            "People parked bicycles that blocked the entrance to our building",
            "The gas detector beeps",
            "My wife is in hospital, please move our handover to next week",
            "The bathroom tiles are fractured",
            "My car got hit by a trolley",
            "The exposed wire has been fixed",
            "No water marks on the wall for two days",
            "The boxing film made the crowd angry",
            "业主看电影时情绪激动",
            "有人拉小提琴到半夜",
            "有人举办婚礼,门口太吵",
            "The water bill is rising",
            "你们发了微博说会整改,业主没看到",
            "房子漏水,装修公司给了我的电话让我找你们",
            "The dog bit my shoe",
            "There is no smoke coming from the bin",
            "在抖音上有很多业主夸你们物业好",
            "老人活动室没人管",
            "老人下楼遛狗没人管",
        ] {
            assert!(suspects(other).is_empty(), "{other}");
        }
    }

    /// One call tells more than one thing: each must be put to the duty lead (section 4).
    #[test]
    fn an_emergency_is_suspected_in_whole_and_not_by_its_first_word_g1() {
        use SignalKind::{DangerToPersons, Demonstration, Injury, MediaExposure};
        for (told, kinds) in [
            (
                "三号楼二单元电表间起火,有两人被烧伤送医,记者已经在门口拍摄,业主几十人围在大门口要说法",
                vec![Demonstration, MediaExposure, Injury, DangerToPersons],
            ),
            (
                "有人受伤了,电视台记者正在拍摄,大门口聚集了三十多人拉横幅",
                vec![Demonstration, MediaExposure, Injury],
            ),
            (
                "电视台记者已到现场采访,几十名业主围堵售楼处大门拉横幅",
                vec![Demonstration, MediaExposure],
            ),
            (
                "There was a fire in your store; my mother is hurt and a TV reporter is filming at the gate with a crowd of fifty people",
                vec![Demonstration, MediaExposure, Injury, DangerToPersons],
            ),
            (
                "A worker was killed when the scaffold collapsed",
                vec![Injury, DangerToPersons],
            ),
            ("房顶塌了压到人", vec![Injury, DangerToPersons]),
            ("广告牌掉下来砸到路人", vec![Injury, DangerToPersons]),
            ("阳台塌了,下面压着人", vec![DangerToPersons, Injury]),
        ] {
            assert_eq!(suspects(told), kinds, "{told}");
        }
    }

    #[test]
    fn crowds_are_suspected_by_their_number_and_press_by_what_it_is_at_g1_1_g1_2() {
        for told in [
            "售楼处门口来了四十多个业主,拉着横幅喊口号",
            "十几个业主在售楼处门口闹事",
            "业主围在售楼部门口不走",
            "七八十人聚集在小区门口",
            "一百多人在售楼处维权",
            "几十名业主把售楼处围了",
            "业主集体到营销中心讨说法,还有人打着横幅",
            "About fifty people have gathered at the gate",
            "Dozens of owners surround the sales centre",
            "About forty owners are blocking the main gate with their cars right now",
            "一群业主把路堵死了",
            "业主打砸售楼处",
        ] {
            assert_eq!(suspects(told), [SignalKind::Demonstration], "{told}");
        }
        for told in [
            "现场来了很多业主,记者也来了",
            "晚报记者正在现场采访业主",
            "记者在拍视频",
            "有记者扛着摄像机在拍",
            "电视台的车停在门口,正在采访",
            "今天晚报登了我们小区的事",
            "央视来人采访了",
            "A reporter is filming outside",
            "TV cameras are here",
            "Journalists are interviewing residents at the gate",
            "The newspaper published an article about our building",
            "新京报今天报道了你们延期交房",
            "央视曝光了你们",
            "Today's Evening Post has an article about your leaking flats",
        ] {
            assert_eq!(suspects(told), [SignalKind::MediaExposure], "{told}");
        }
    }

    #[test]
    fn deaths_and_fires_are_suspected_by_the_word_alone_g1_8() {
        for told in [
            "有人死了",
            "工人死亡",
            "有人晕倒在售楼处",
            "有人被电死",
            "有两人受伤",
            "一名儿童溺水",
            "孩子被夹在电梯门里",
            "救护车来了,人被抬走",
            "爸爸被打了,头上流血",
            "老人去世了,因为电梯故障耽误抢救",
            "A child drowned in the pool",
            "Someone died in the lift shaft",
            "保安把业主打了,人躺在地上",
            "老人被保安推倒在地起不来",
            "我妈喝了你们二次供水上吐下泻,整栋楼好几户都这样",
            "My baby stopped breathing in your lobby",
            "My father collapsed in the lobby",
        ] {
            assert_eq!(suspects(told), [SignalKind::Injury], "{told}");
        }
        for told in [
            "地下车库起火",
            "配电房起火,浓烟很大",
            "楼道里有火,快来",
            "3号楼火灾",
            "着火啦",
            "煤气爆炸",
            "塔吊倒了",
            "有人从楼上掉下来了",
            "墙倒了",
            "A man fell from the roof",
            "There was an explosion in the kitchen",
            "Flames are coming out of the window",
            "再不退我钱我就从你们售楼处楼顶跳下去",
            "地下车库进水已经齐腰深,还有人在车里",
            "地下车库被淹,有人被困在车里",
            "孩子被反锁在家里,家里冒烟",
            "外墙瓷砖一直往下掉,今天差点砸到人,下面是幼儿园门口",
            "外墙瓷砖不断脱落,下面就是幼儿园",
            "I'll burn myself in front of your office if nobody answers",
            "I am standing on the roof and I will jump",
            "There's smoke pouring out of the basement and the stairwell is full of it, we can't get down",
        ] {
            assert_eq!(suspects(told), [SignalKind::DangerToPersons], "{told}");
        }
    }

    /// A clerk leaves out what a sentence would have: articles, auxiliaries, who says it.
    #[test]
    fn an_english_note_raises_what_its_sentence_would_g1_g2() {
        use SignalKind::{
            DangerToPersons, Demonstration, Injury, MediaExposure, ThreatensLitigation,
            ThreatensMedia,
        };
        for (told, kinds) in [
            (
                "40 neighbours block the gate, a reporter films, one person injured",
                vec![Demonstration, MediaExposure, Injury],
            ),
            (
                "Residents blocking main gate, press outside the gate, a child hurt",
                vec![Demonstration, MediaExposure, Injury],
            ),
            (
                "Film crew at the gate, 1 injured",
                vec![MediaExposure, Injury],
            ),
            (
                "Neighbours block the gate, reporter interviews people",
                vec![Demonstration, MediaExposure],
            ),
            ("40 people at the gate, very angry", vec![Demonstration]),
            (
                "Dozens of owners outside the sales centre",
                vec![Demonstration],
            ),
            ("Crowd at the gate", vec![Demonstration]),
            ("TV crew here, wants to talk to us", vec![MediaExposure]),
            ("Journalist asks about the leak", vec![MediaExposure]),
            ("Press at the gate", vec![MediaExposure]),
            ("Reporter called, wants an interview", vec![MediaExposure]),
            ("3 people hurt", vec![Injury]),
            ("two hurt, ambulance called", vec![Injury]),
            ("Woman injured in lobby", vec![Injury]),
            ("Nobody helps, one person injured", vec![Injury]),
            ("One injured, could you send an ambulance", vec![Injury]),
            (
                "Fire in flat 302, door locked, fire truck stuck",
                vec![DangerToPersons],
            ),
            ("Fire in basement, people trapped", vec![DangerToPersons]),
            ("thick smoke in stairwell", vec![DangerToPersons]),
            ("Man threatens to jump", vec![DangerToPersons]),
            ("Customer threatens to kill himself", vec![DangerToPersons]),
            ("Owner threatens to sue us", vec![ThreatensLitigation]),
            ("Caller threatens with the press", vec![ThreatensMedia]),
            (
                "He threatens to kill himself over the price cut.",
                vec![DangerToPersons],
            ),
            (
                "Buyer threatens to kill himself over the price of the flat.",
                vec![DangerToPersons],
            ),
            (
                "He wants to kill himself, has a rope.",
                vec![DangerToPersons],
            ),
            (
                "He tried to kill himself in the pool.",
                vec![DangerToPersons],
            ),
            (
                "Man threatens to jump, wants a better offer.",
                vec![DangerToPersons],
            ),
            (
                "Owner on the roof threatens to jump in ten minutes.",
                vec![DangerToPersons],
            ),
            (
                "Owner threatens to jump at the sales office.",
                vec![DangerToPersons],
            ),
            (
                "Owner on roof says he jumps if price is not refunded.",
                vec![DangerToPersons],
            ),
            (
                "Threatens to burn the building, price cut angered him.",
                vec![DangerToPersons],
            ),
            ("Car hit a man in the garage, he lies there", vec![Injury]),
            (
                "man on the roof of block 8 says he will jump",
                vec![DangerToPersons],
            ),
            (
                "a tile fell off the facade and hit an old man on the head",
                vec![Injury],
            ),
            (
                "dog bit a child in the garden, bleeding, ambulance called",
                vec![Injury],
            ),
            ("lift 7 in block 9 fell two floors", vec![DangerToPersons]),
            (
                "30 owners sit in the sales hall and do not leave",
                vec![Demonstration],
            ),
            ("有记者拍摄", vec![MediaExposure]),
            (
                "业主拉横幅堵大门,四十多人,有记者拍摄,一人受伤",
                vec![Demonstration, MediaExposure, Injury],
            ),
            ("Two people injured by the collapse", vec![Injury]),
            ("Workers injured by the fire", vec![Injury]),
            ("Several people injured by the gas blast", vec![Injury]),
            ("Children hurt by the blast", vec![Injury]),
            ("A woman injured by the lift door", vec![Injury]),
            ("3 injured at tower 5", vec![Injury]),
            ("3 injured after the collapse", vec![Injury]),
            ("2 hurt when the ceiling came down", vec![Injury]),
            ("A child injured at school gate by our truck", vec![Injury]),
            ("Resident injured in the football field", vec![Injury]),
            ("Resident dead after the fall", vec![Injury]),
            (
                "Thick smoke from every window of tower 3",
                vec![DangerToPersons],
            ),
            (
                "Black smoke from next door, please help",
                vec![DangerToPersons],
            ),
            (
                "Black smoke in the corridor after fireworks hit the balcony",
                vec![DangerToPersons],
            ),
            (
                "Fire at the gate, 2 extinguishers are empty",
                vec![DangerToPersons],
            ),
            (
                "He says he will kill himself if we do not pay",
                vec![DangerToPersons],
            ),
            ("She will kill herself", vec![DangerToPersons]),
            ("He threatens to burn everything", vec![DangerToPersons]),
            ("He threatens to burn the car", vec![DangerToPersons]),
            (
                "She threatens to jump, she stands on the steps of the roof",
                vec![DangerToPersons],
            ),
            (
                "threatens to jump from the fence of the roof",
                vec![DangerToPersons],
            ),
            (
                "Somebody threatens to set fire to the scooter shed",
                vec![DangerToPersons],
            ),
            ("Tenants block the gate", vec![Demonstration]),
            (
                "Families block the road in front of the sales office",
                vec![Demonstration],
            ),
            ("Owners block our entrance", vec![Demonstration]),
            (
                "Residents block the gate every day since Monday",
                vec![Demonstration],
            ),
            (
                "30 residents block the road with tape and banners",
                vec![Demonstration],
            ),
            (
                "40 owners outside the sales office demand more compensation",
                vec![Demonstration],
            ),
            ("Reporters here with a camera", vec![MediaExposure]),
            ("Camera crew here, they film us", vec![MediaExposure]),
            (
                "Journalist outside our office asks for comment",
                vec![MediaExposure],
            ),
            (
                "A reporter asks for a statement on the leak",
                vec![MediaExposure],
            ),
        ] {
            assert_eq!(suspects(told), kinds, "{told}");
        }
        assert!(says_trapped("Stuck in lift with a baby"));
    }

    /// Blocks that are buildings, reporters of a fault, films of dust, and nobody hurt.
    #[test]
    fn an_everyday_word_of_a_note_is_no_emergency() {
        for other in [
            "parking block 3",
            "The car hit a manhole on the road and the tyre is flat",
            "The delivery man hit a management office sign",
            "A branch hit a resident's car yesterday",
            "The door hit a woman's handbag",
            "A ball hit a child's bike",
            "Tower 3 hurt by the new road noise",
            "Block 2 hurt by the dust",
            "The doorman dead after a night shift asleep",
            "We were sitting in the sales office for two hours with other people and nobody served us",
            "Families block the gate every day when fetching kids from kindergarten",
            "The dogs refuse to leave the lobby and residents are annoyed",
            "The laundry fell two floors down onto the balcony",
            "Residents sitting in the lobby chairs all day",
            "People do not leave the gate open please",
            "物业邀请记者拍摄宣传片",
            "block A",
            "Residents block B entrance light is broken",
            "Owners block C road is full of holes",
            "Owners block my number at the gate intercom",
            "Neighbours block the entrance with their bikes",
            "Neighbours blocked the drain at the gate",
            "Gate blocks view",
            "40 people at the gate in the queue for keys",
            "There is a crowd at the gate every morning waiting for the bus",
            "a film of dust on the windows",
            "reporter of the fault was not at home",
            "Reporter asks when it will be repaired",
            "Reporter called twice, no answer",
            "Press at the gate button does not work",
            "Newspaper at the gate is missing",
            "No TV crew here please",
            "nobody was hurt",
            "No one hurt",
            "None hurt",
            "No people hurt, only a broken window",
            "No worker was injured",
            "Was anyone hurt? No",
            "What if a person injured here sues",
            "You hurt my feelings",
            "Your tone hurt me",
            "What you have done hurt us",
            "There is one injured bird on the balcony",
            "People dead tired from the noise",
            "In case of fire in lift use stairs",
            "Fire drill in block 3",
            "Cigarette smoke in stairwell",
            "I feel trapped in this contract",
            "Someone threatens to jump the queue",
            "Please issue us a receipt",
            "My express has arrived but the parcel locker is full",
            "SF Express is at the gate but the guard will not let him in",
            "The express is here, the courier waits at the door",
            "JD Express at the entrance is refused every time",
            "The reporter called again and asks for news of the repair",
            "When I press at the gate the bell does not ring",
            "The multimedia on site of the club room does not work",
            "Residents blocked at the gate because the card reader is broken",
            "Owners blocked from the sales office WeChat group",
            "Residents block the entrance door open with a brick",
            "100 people at the entrance to the pool on Saturday; please limit numbers",
            "The crowd at the entrance of the kindergarten each afternoon at 4",
            "Phase 2 hurt our resale value",
            "Building 1 hurt most by the fee increase",
            "The dog in flat 1 injured its paw",
            "Neighbours injured my cat",
            "Workers hurt my floor with their boots",
            "Two injured plants after the storm",
            "Residents hurt by the noise of the bar",
            "My father hurt his knee skiing, please install a handrail",
            "The previous resident dead, please transfer the fee account",
            "Flat burning hot, no shade",
            "Heavy smoke smell from the neighbour downstairs every evening",
            "Fire at tower 5 extinguisher missing",
            "He threatens to set fire to my bike",
            "Somebody will kill himself on these icy steps",
            "Somebody might sue us all for noise in a movie",
            "The courier from Express is outside and calls me",
            "Please press at the entrance for the guard, the sign says",
            "Digital media on site of the lobby is too loud",
            "A journalist here rents flat 302 and wants a parking space",
            "Reporter outside working hours: please call him on the mobile",
            "Reporter at the gate waits for the plumber",
            "Reporter wants a camera at the garage",
            "Film crew here to put film on the windows",
            "Camera team at the site installs the CCTV",
            "Neighbours block our driveway every Sunday",
            "People block the road at school pick-up time",
            "Tenants blocked the gate sensor so that it stays open",
            "Residents block the road when they drop children off",
            "About 20 people at the gate cannot get in, the card reader is broken",
            "50 people at the sales office for the free gifts",
            "30 owners outside the office waiting to sign",
            "Crowd at the gate because of the football match",
            "My son injured his ankle at football, can he use the lift with a bike?",
            "Children hurt the young trees",
            "Two people hurt by gossip in the group",
            "Somebody bleeding the radiators left water on the floor",
            "Man dead on his feet after night shifts asks for quiet",
            "The balcony burning in the afternoon sun, no awning",
            "Black smoke marks on the ceiling above the stove",
            "Fire in corridor door does not close",
            "People trapped between two parked cars in the garage can hardly get out",
            "My dog threatens to jump over the fence",
            "Neighbour threatens to burn incense every day",
            "The owner threatens to film the dog dirt",
            "He wants to sue the shop for his shoes",
            "Will the previous owner sue us for the fence?",
        ] {
            assert!(suspects(other).is_empty(), "{other}");
        }
    }

    /// What stands beside an emergency, as an empty extinguisher, a call or a tree, does not take it away.
    #[test]
    fn an_emergency_is_suspected_whatever_else_is_told_with_it_g1_8() {
        use SignalKind::{DangerToPersons, Demonstration, Injury, MediaExposure};
        for (told, kind) in [
            ("丈夫从楼上掉下来了", DangerToPersons),
            ("女孩从楼上掉下来", DangerToPersons),
            ("妻子从阳台掉下来", DangerToPersons),
            ("婴儿从窗户掉下去", DangerToPersons),
            ("我妈倒在地上叫不醒", Injury),
            ("老人有心梗病史,现在倒在大堂不动了", Injury),
            ("我爸心梗倒在门口", Injury),
            ("业主被捅了一刀", Injury),
            ("保安被砍", Injury),
            ("老公被捅", Injury),
            ("保安被砍了三刀", Injury),
            ("孩子被打断了胳膊", Injury),
            ("我爸被人打断了腿", Injury),
            ("有人被打,他们都进不去", Injury),
            ("救护车都进不来,老人没有呼吸", Injury),
            ("孩子溺水,防溺水设施没有", Injury),
            ("屋里有明火", DangerToPersons),
            ("地下室有明火和浓烟", DangerToPersons),
            ("爆炸声把玻璃震碎", DangerToPersons),
            ("听到爆炸声,楼下都是玻璃碎片", DangerToPersons),
            ("烟花引起车库起火", DangerToPersons),
            ("邻居烧纸引起楼道着火", DangerToPersons),
            ("楼里起火,打火机点的", DangerToPersons),
            ("家里起火,火炉倒了", DangerToPersons),
            ("车库起火,燃气灶旁", DangerToPersons),
            ("机房起火,报警主机没响", DangerToPersons),
            ("楼道着火,烟感响没人管", DangerToPersons),
            ("有人站在楼顶边上", DangerToPersons),
            ("有人站在天台边上,要跳", DangerToPersons),
            ("有人站在天台不下来", DangerToPersons),
            ("I'll jump straight off the roof", DangerToPersons),
            ("She died in the stairwell", Injury),
            ("A worker died on Monday in the shaft", Injury),
            ("My baby is dead", Injury),
            ("My father is dead, the balcony fell on him", Injury),
            (
                "The TV evening news reported that your flats leak",
                MediaExposure,
            ),
            ("几十个邻居堵在大门口", Demonstration),
            ("十几个大妈堵在售楼处", Demonstration),
            ("几十名住户围在售楼处", Demonstration),
            ("我们集体在售楼处讨说法", Demonstration),
            ("业主几十人围在服务中心抗议下水道反水", Demonstration),
            ("几百人堵在门口,因为下水管道反水,要说法", Demonstration),
            ("我家孩子喝了水后上吐下泻", Injury),
            (
                "We can't get out of the car park, it is flooding",
                DangerToPersons,
            ),
            ("地下车库起火,消防车进不来", DangerToPersons),
            ("地下车库起火,消防通道被堵", DangerToPersons),
            ("3号楼着火,消防门打不开", DangerToPersons),
            ("配电房起火,灭火器是空的", DangerToPersons),
            (
                "There was a fire in the stairwell and the fire door was locked",
                DangerToPersons,
            ),
            ("工人受伤,打电话没人接", Injury),
            ("孩子溺水了在锦鲤池,打电话没人接", Injury),
            ("A man was killed on the street outside", Injury),
            ("My son was hurt by a falling stone", Injury),
            ("A worker was killed in the parking garage", Injury),
            ("The generator operator was killed", Injury),
            ("A woman was killed by a falling tree", Injury),
            (
                "About fifty owners gathered at the gate and will not leave",
                Demonstration,
            ),
            ("喝了自来水全家腹泻呕吐", Injury),
            ("救护车来了,人被抬走", Injury),
            ("有人从楼上掉下来了", DangerToPersons),
            ("保安用棍子打人", Injury),
        ] {
            assert!(suspects(told).contains(&kind), "{told}");
        }
    }

    /// Queues, dances, bicycles, fire alarms and figures of speech (section 4).
    #[test]
    fn what_uses_the_words_of_an_emergency_for_something_else_is_not_suspected() {
        for other in [
            "很多业主在门口排队收房",
            "售楼处门口有几十人排队选房",
            "几十个人在小区门口跳广场舞",
            "门口聚集了很多电动车",
            "业主集体维权群里说门口路灯坏了",
            "几十名业主联名要求修大门",
            "电视台在门口搭了台子搞活动",
            "记者朋友到了现场看房",
            "报社在门口摆摊征订",
            "日报写了我们小区获奖的消息",
            "火灾自动报警系统误报",
            "楼道堆物容易起火",
            "楼道里有火锅味",
            "隔壁餐馆浓烟排到小区",
            "手机掉进水池了",
            "热死人了",
            "吵死人了",
            "承重墙被砸了",
            "电脑中毒了",
            "墙里水管被打了",
            "我孩子被打了疫苗",
            "电线被埋在地下",
            "没有人死亡",
            "大火烧的锅",
            "The plant died in the lobby",
            "My phone died in the lift",
            "The gathering of rubbish at the gate is disgusting",
            "The entrance is surrounded by people's bikes",
            "A party crowd gathered in the lobby celebrating",
            "I was hurt by your manager's tone",
            "Nobody has died",
            "There was a fire drill at the gate",
            "A fire door at the entrance is broken",
            "The newspaper box is outside",
            "The journalist is here to see a flat",
            "A reporter lives next door",
            "My ball fell into the pool",
            "担心外墙瓷砖掉下来砸到孩子",
            "地下车库积水,车里没人",
            "业主停车堵路",
            "电动车堵大门",
            "A truck is blocking the main gate, owners cannot get out",
            "日报箱登了广告",
            "The heart attack machine (AED) in the lobby needs a battery, people ask",
            "孩子躺在地上撒泼",
            "抽搐的灯管一直闪,业主意见大",
            "我家狗上吐下泻,是不是喝了喷泉水",
            "She will jump at the chance to buy a flat",
            "晚上总被人打扰",
            "孩子被打扰,没法写作业",
            "老人被打发走了,没人管",
            "业主被打断发言",
            "门被人打开了",
            "下水道堵住了,大门口全是水,几百户都这样",
            "集体供暖不热,去服务中心要说法",
            "物业中心十个月不给修,我要说法",
            "大门口有十个垃圾桶围在一起没人清",
            "地库门口聚集了十个电动自行车",
            "我的晾衣杆从阳台掉下去了",
            "孩子把玩具从阳台掉到楼下了",
            "楼道灯罩玻璃掉下来了",
            "楼道里有火车模型堆放",
            "鞭炮爆炸声太大",
            "邻居把隔墙倒了重砌",
            "垃圾倒在地上,保洁工人不管",
            "桶装水倒在地上没人擦,老人会滑",
            "绿化被砍光了,我们业主要说法",
            "空调铜管压在下面,工人不肯返工",
            "我爸有心梗病史,电梯停了上不去",
            "今天燃气灶大火打不着",
            "燃气灶现在大火打不着,小火可以",
            "现在小区里有人烧纸钱,有明火",
            "我拉肚子去上厕所,公共卫生间水管坏了",
            "孩子拉肚子,家里停水",
            "卧室门口墙皮掉下来了",
            "入户门口墙皮一直往下掉",
            "我的阳台玻璃胶往下掉,孩子捡着玩",
            "有人站在天台抽烟,烟味大",
            "我想站在天台晒被子",
            "I'll jump straight to the point",
            "There is no reason to live here, I want a refund",
            "The intercom is dead",
            "The bulb in the lobby is dead",
            "My husband died in March, please change the name on the contract",
            "Our trust was hurt by the delay",
            "The plumber reported that the leak is from the flat above, he came in the morning",
            "I reported on Monday evening that your flats leak",
            "We can't get out of the car park because the barrier is stuck",
            "an explosion in service charges this year",
            "小区要办防溺水讲座吗",
            "There was a fire alarm at the gate",
            "工人从早上七点施工到晚上十点,吵死了",
            "装修工人从来不戴口罩",
            "保洁工人从不打扫楼梯",
            "工人从阳台进来修窗",
            "There was a fire safety check today",
            "There was a fire hydrant leaking",
            "There was a fire extinguisher missing",
            "There was a fire lane blocked",
            "老人倒在门口的污水没人管",
            "业主倒在地上的垃圾没人清",
            "People are dead tired",
            "He is dead wrong",
            "The dog was killed",
            "Someone has died in April, change the name",
            "被人打了差评",
            "保安用棍子打开了道闸",
            "墙倒了一块瓷砖",
            "小狗掉进水池了",
            "The painter was hurt that you did not pay him",
            "业主群里很多业主要说法,说门口太脏",
            "The price has come down, people are happy",
        ] {
            assert!(suspects(other).is_empty(), "{other}");
        }
    }

    #[test]
    fn a_denial_reaches_what_follows_at_once_in_its_clause_and_no_further() {
        assert!(suspects("我不会起诉").is_empty());
        assert!(suspects("我不会再打官司").is_empty());
        for told in [
            "你们不会管,起诉是我的权利,我会起诉的",
            "你们不想,我就起诉你们",
            "起诉你们,不是说说而已",
        ] {
            assert_eq!(suspects(told), [SignalKind::ThreatensLitigation], "{told}");
        }
    }

    #[test]
    fn the_lexicon_tests_the_categories_in_the_order_of_section_3() {
        let order: Vec<Category> = LEXICON.tests.iter().map(|t| t.category).collect();
        assert_eq!(
            order,
            [
                Category::CommercialLeasing,
                Category::RepairService,
                // Plans that were changed come before what was promised about them.
                Category::PlanningDesign,
                Category::SalesManagement,
                Category::ServiceConduct,
                Category::PlanningDesign,
                Category::PropertyManagement,
                Category::EngineeringQuality,
                Category::ExternalEnvironment,
            ]
        );
    }

    #[test]
    fn the_words_that_led_to_it_are_named_in_the_order_of_the_text() {
        let found = suggest("厨房漏水,墙上还有裂缝,请派人来看。").expect("a category");
        assert_eq!(found.category, Category::EngineeringQuality);
        assert_eq!(found.words, ["漏水", "裂缝"]);
        assert!(found.sure);
        assert!(!suggest("墙面的问题").expect("a category").sure);
    }

    #[test]
    fn it_abstains_when_no_word_is_found() {
        assert_eq!(suggest(""), None);
        assert_eq!(suggest("你好,我想反映一个情况。"), None);
    }

    #[test]
    fn a_word_inside_a_neutral_word_does_not_count() {
        assert_eq!(category("我家正在装修,又想问一下。"), None);
    }

    #[test]
    fn an_earlier_test_wins_over_a_later_one() {
        // A defect that was repaired and failed is a matter of the repair.
        assert_eq!(category("阳台漏水"), Some(Category::EngineeringQuality));
        assert_eq!(
            category("阳台漏水,维修三次还是没有解决,至今没人管"),
            Some(Category::RepairService)
        );
        // The lift is the property manager's, the manners of its guard are conduct.
        assert_eq!(category("电梯停运"), Some(Category::PropertyManagement));
        assert_eq!(
            category("电梯停运,保安态度恶劣"),
            Some(Category::ServiceConduct)
        );
        // Shops to let come first.
        assert_eq!(
            category("商铺租金上涨,合同没到期"),
            Some(Category::CommercialLeasing)
        );
        // Parking to park in, and parking to own.
        assert_eq!(
            category("车位产权不清楚还在出售"),
            Some(Category::SalesManagement)
        );
        // A nuisance built in by the plan, and one from outside.
        assert_eq!(
            category("楼下换热站晚上嗡嗡响"),
            Some(Category::PlanningDesign)
        );
        assert_eq!(
            category("附近工地施工扬尘"),
            Some(Category::ExternalEnvironment)
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm_and_only_lexicon_words_are_named(text in "\\PC{0,200}") {
            if let Some(found) = suggest(&text) {
                prop_assert!(!found.words.is_empty());
                for word in found.words {
                    prop_assert!(LEXICON.entries.contains(&word) && text.contains(word));
                }
            }
        }
    }
}
