use super::english::{ONES, TENS};
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
        ("五六天内", "5-6"),
        ("三四个小时", "3-4"),
        ("五六十万元", "500000-600000"),
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
        ("百分之一", "1"),
        ("百分之零点五", "0.5"),
        ("百分之三点五的业主", "3.5"),
        ("千分之一点二", "1.2"),
        ("零点五", "0.5"),
        ("下降零点五个百分点", "0.5"),
        ("三点五公里", "3.5"),
        ("一点二万元", "12000"),
        ("零点五万户", "5000"),
        ("三点五分钟", "3.5"),
        ("上午十点三名业主受伤", "3"),
        ("零点三名工人受伤", "3"),
        ("one percent", "1"),
        ("half a percent of the flats", "0.5"),
        ("half of one per cent", "0.5"),
        ("a half percent", "0.5"),
        ("zero point five percent", "0.5"),
        ("two point five million", "2500000"),
        ("no one was hurt", "0"),
        ("None of the residents was injured.", "0"),
        ("without casualties", "0"),
        ("no further injuries", "0"),
    ] {
        let found: Vec<String> = figures(text).into_iter().map(|f| f.number).collect();
        assert_eq!(found.join(" "), numbers, "{text}");
    }
    for (text, counted) in [("两死", "2"), ("无人伤亡", "0"), ("twelve were hurt", "12")] {
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
        "死亡一人",
        "死者：一名",
        "受伤一人",
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
        "本周五六日开放接待",
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
        "下午三点五分",
        "三点一刻",
        "两点一线",
        "一点一滴",
        "one point of view",
        "half a day",
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
fn i7_a_share_in_words_is_no_article_and_contradicts_another_one() {
    for share in [
        "百分之一",
        "千分之一",
        "one percent",
        "One per cent of the flats",
        "half a percent",
    ] {
        let found = figures(share);
        assert!(found.len() == 1 && !found[0].article, "{share}: {found:?}");
    }
    for (one, other) in [
        ("百分之一", "1%"),
        ("百分之零点五", "0.5%"),
        ("零点五", "0.5"),
        ("三点五", "3.5"),
        ("half a percent", "0.5 percent"),
        ("zero point five", "0.5"),
    ] {
        assert!(agree(one, other), "{one} and {other}");
    }
    for (one, other) in [
        ("百分之一", "2%"),
        ("百分之零点五", "5%"),
        ("零点五", "5"),
        ("half a percent", "1 percent"),
        ("half a percent", "five percent"),
    ] {
        assert!(!agree(one, other), "{one} and {other}");
    }
}

#[test]
fn i7_a_half_of_people_or_homes_is_a_figure_and_a_half_of_anything_else_is_none() {
    for half in [
        "一半业主已撤离",
        "一半的住户",
        "一半以上受影响的居民",
        "另有超过一半住户",
        "约半数居民",
        "半数以上的家庭",
        "过半业主",
        "过半数住户",
        "业主中已有一半撤离",
        "200户中一半已恢复供水",
        "住户已过半。",
        "签约率过半",
        "一半人受伤",
        "Half of the residents",
        "half our homes",
        "about half of those injured",
        "half of the affected households",
        "一半",
        "约一半",
        "过半",
        "about half",
    ] {
        let found = figures(half);
        let found = found.iter().filter(|f| f.number == "50").count();
        assert_eq!(found, 1, "{half}: {:?}", figures(half));
    }
    for tenths in [
        "三成住户已恢复供水",
        "三成以上业主已签约",
        "约三成居民",
        "住户中约三成撤离",
        "三成",
        "约三成",
    ] {
        let found = figures(tenths);
        let found = found.iter().filter(|f| f.number == "30").count();
        assert_eq!(found, 1, "{tenths}: {:?}", figures(tenths));
    }
    for other in [
        "三成员已到场",
        "九成新的业主房屋",
        "一成不变",
        "三成水泥",
        "七八成住户已恢复供水",
        "租户一成为业主，即可登记",
        "逐一成套更换",
    ] {
        let tenths = figures(other);
        assert!(
            tenths
                .iter()
                .all(|f| !["30", "90", "10", "70", "80"].contains(&&*f.number)),
            "{other}: {tenths:?}"
        );
    }
    for none in [
        "一半天",
        "半天",
        "住户等了半小时",
        "住户一半天没有水",
        "过半小时再说",
        "过半年",
        "另一半业主",
        "一半时间",
        "一半人工费用",
        "一半人行道积水",
        "一半数据",
        "半数据",
        "业主一半的费用",
        "工程已过半",
        "统一半价",
        "多半是业主",
        "大半业主",
        "绝大多数业主",
        "half an hour",
        "half a day",
        "half the time residents wait",
        "half the car park",
        "the first half of the year",
        "most of the residents",
        "behalf of the residents",
    ] {
        assert!(figures(none).is_empty(), "{none}: {:?}", figures(none));
    }
    assert!(agree("一半", "50%") && agree("约一半", "百分之五十") && agree("half", "50%"));
    assert!(!agree("一半", "60%") && !agree("一半业主", "50名业主"));
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

#[test]
fn i7_a_time_of_day_at_which_we_speak_again_is_no_figure_of_the_matter() {
    let asked = |text: &str| -> Vec<String> {
        let found = figures(text).into_iter();
        found
            .filter(|f| !f.again && !f.article)
            .map(|f| f.number)
            .collect()
    };
    for text in [
        "我们正在核实，最迟今天18时再次通报。",
        "最迟今天１８：３０再次通报",
        "我们将于今晚18时30分向业主通报",
        "最迟下午6点通报情况",
        "最迟9点半再次通报",
        "我们将在明天上午9点前公布",
        "今晚18时前，我们将再次通报。",
        "今晚20:00再次通报。",
        "今晚20:00前再次通报。",
        "今晚20点再通报。",
        "今天18时前再次通报。",
        "下次更新:20:00",
        "下次通报时间：今晚20:00。",
        "下一次通报时间为今天18时。",
        "最迟十八时再次通报",
        "最迟六点三十分再次通报",
        "We will speak again at 18:00.",
        "We will tell you more by 6 pm today.",
        "The next update comes by 6:30 p.m.",
        "By 6 pm, we will tell you more.",
        "Our next statement is due at 18:00 and will be here.",
    ] {
        assert_eq!(asked(text), Vec::<String>::new(), "{text}");
    }
    for (text, stays) in [
        // The matter's own times, dates and counts, also beside such a time.
        ("今天18时发生坍塌，我们将再次通报。", "18"),
        ("昨天18时再次通报了情况", "18"),
        ("今天18时再次通报了情况", "18"),
        ("18时再次通报坍塌", "18"),
        ("我们再次通报今天18时的坍塌", "18"),
        ("再次更新18点的伤情", "18"),
        ("下次通报18时坍塌的结果", "18"),
        ("住建局今天8时再次通报", "8"),
        ("当晚20时再次发布", "20"),
        ("再次通报于18时发生的坍塌", "18"),
        ("再次通报:18时发生坍塌", "18"),
        ("我们将通报今天18时的坍塌", "18"),
        ("我们将就18时坍塌一事再次通报", "18"),
        ("最迟18时通报的3人", "18 3"),
        ("最迟今天18时再次通报3人的伤情", "3"),
        ("最迟12月1日18时再次通报", "12 1"),
        ("18小时内再次通报", "18"),
        ("最迟30时再次通报", "30"),
        ("我们将就3点问题再次通报", "3"),
        ("最迟今天18人再次通报", "18"),
        ("百分之18再次通报", "18"),
        ("The lift fell at 6 pm.", "6"),
        (
            "At 18:00 the lift fell, and we will tell you more.",
            "18 00",
        ),
        ("We will tell you more about the 18:00 fall.", "18 00"),
        ("We will update you on 3 people by 6 pm.", "3 6"),
        ("The next update comes within 6 hours.", "6"),
        ("We will tell you more by 6 pm about 3 people.", "3"),
    ] {
        assert_eq!(asked(text).join(" "), stays, "{text}");
    }
}
