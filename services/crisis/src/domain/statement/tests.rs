use proptest::prelude::*;

use super::*;

fn person(id: &str) -> Person {
    Person {
        subject: format!("account-{id}"),
        staff: Some(format!("sites/lake/staff/{id}").parse().expect("a name")),
    }
}

fn content() -> Content {
    Content {
        kind: StatementKind::Update,
        audience: Audience::Public,
        language: "zh-CN".to_owned(),
        text: "2人受伤,已送医。".to_owned(),
        facts: vec![fact("injured", "2")],
        wording_reason: String::new(),
        correction: String::new(),
    }
}

fn fact(key: &str, value: &str) -> Fact {
    Fact {
        key: key.to_owned(),
        value: value.to_owned(),
        source: "hospital".to_owned(),
    }
}

const INCIDENT: Uuid = Uuid::from_u128(7);

fn named(content: &Content) -> Digest {
    digest(INCIDENT, Scene::of(Stage::Outbreak, &[]), content)
}

fn approve(step: ReviewStep, digest: Digest, id: &str) -> Review {
    Review {
        step,
        verdict: Verdict::Approve,
        digest,
        by: person(id),
        givers: Vec::new(),
    }
}

fn all(digest: Digest) -> Vec<Review> {
    vec![
        approve(ReviewStep::FactCheck, digest, "checker"),
        approve(ReviewStep::LegalReview, digest, "counsel"),
        approve(ReviewStep::Approval, digest, "voice"),
    ]
}

fn draft<'a>(content: &'a Content, authors: &'a [Person], standing: &'a Standing) -> Draft<'a> {
    Draft {
        state: StatementState::Draft,
        authors,
        content,
        standing,
        quorum: 1,
        published: &[],
        wording: Checker::built_in(),
    }
}

#[test]
fn every_part_of_what_was_read_changes_the_digest_p24() {
    let (c, named) = (content(), named(&content()));
    let changes: [fn(&mut Content); 6] = [
        |c| c.kind = StatementKind::Answer,
        |c| c.audience = Audience::Media,
        |c| c.language = "en".to_owned(),
        |c| c.text.push('。'),
        |c| c.facts[0].value = "3".to_owned(),
        |c| c.facts[0].source = "police".to_owned(),
    ];
    for change in changes {
        let mut changed = c.clone();
        change(&mut changed);
        assert_ne!(self::named(&changed), named);
    }
    let handling = Scene::of(Stage::Handling, &[]);
    assert_ne!(digest(INCIDENT, handling, &c), named, "the stage");
    let visits = [
        (1, Stage::Outbreak),
        (2, Stage::Handling),
        (3, Stage::Outbreak),
        (4, Stage::Handling),
        (5, Stage::Outbreak),
    ];
    let at = |visits: &[(i64, Stage)]| digest(INCIDENT, Scene::of(Stage::Outbreak, visits), &c);
    assert_eq!(at(&visits[..1]), named, "as it always was named");
    assert_ne!(at(&visits[..3]), named, "P24: back in the stage");
    assert_ne!(at(&visits[..3]), at(&visits[..]), "and once more");
    let outbreak = Scene::of(Stage::Outbreak, &[]);
    assert_ne!(digest(Uuid::from_u128(8), outbreak, &c), named);
}

#[test]
fn parts_do_not_run_into_each_other() {
    let mut one = content();
    one.facts = vec![fact("ab", "c")];
    let mut other = content();
    other.facts = vec![fact("a", "bc")];
    assert_ne!(named(&one), named(&other));
}

#[test]
fn reviews_of_another_text_do_not_count_i7() {
    let standing = Standing::of(&all(named(&content())), [0; 32], &[]);
    assert_eq!(standing.due(1), Some(ReviewStep::FactCheck));
    assert!(Standing::of(&all(named(&content())), named(&content()), &[]).ready(1));
}

#[test]
fn the_author_never_approves_under_any_account_i7() {
    let (c, standing) = (content(), Standing::default());
    let authors = [person("author")];
    let other_account = Person {
        subject: "another".to_owned(),
        ..person("author")
    };
    for by in [person("author"), other_account] {
        let refused =
            draft(&c, &authors, &standing).review(ReviewStep::FactCheck, Verdict::Approve, &by);
        assert_eq!(refused, Err(Refusal::Author));
    }
}

#[test]
fn one_person_gives_one_step() {
    let (c, authors) = (content(), [person("author")]);
    let standing = Standing::of(&all(named(&c))[..1], named(&c), &[]);
    let refused = draft(&c, &authors, &standing).review(
        ReviewStep::LegalReview,
        Verdict::Approve,
        &person("checker"),
    );
    assert_eq!(refused, Err(Refusal::SamePerson(ReviewStep::FactCheck)));
}

#[test]
fn steps_have_an_order_and_the_refusal_says_which_is_due() {
    let (c, authors, standing) = (content(), [person("author")], Standing::default());
    let refused = draft(&c, &authors, &standing).review(
        ReviewStep::Approval,
        Verdict::Approve,
        &person("voice"),
    );
    assert_eq!(
        refused,
        Err(Refusal::NotDue {
            due: ReviewStep::FactCheck,
            asked: ReviewStep::Approval
        })
    );
}

#[test]
fn an_objection_blocks_over_edits_until_it_is_lifted_or_overruled() {
    let c = content();
    let objection = Review {
        verdict: Verdict::Object,
        digest: [9; 32],
        ..approve(ReviewStep::LegalReview, [9; 32], "doubter")
    };
    let mut reviews = vec![objection.clone()];
    reviews.extend(all(named(&c)));
    let authors = [person("author")];
    let standing = Standing::of(&reviews, named(&c), &[]);
    let refused = draft(&c, &authors, &standing).publish(Mode::Public, false);
    assert_eq!(refused, Err(Refusal::Objected));
    for (verdict, by) in [(Verdict::Lift, "doubter"), (Verdict::Overrule, "top")] {
        let mut ended = reviews.clone();
        ended.push(Review {
            verdict,
            by: person(by),
            ..objection.clone()
        });
        let standing = Standing::of(&ended, named(&c), &[]);
        let done = draft(&c, &authors, &standing).publish(Mode::Public, false);
        assert_eq!(done, Ok(()), "{verdict}");
    }
    let lift = draft(&c, &authors, &standing).review(
        ReviewStep::LegalReview,
        Verdict::Lift,
        &person("voice"),
    );
    assert_eq!(lift, Err(Refusal::NoObjection), "not one's own");
}

#[test]
fn a_quorum_takes_as_many_different_persons() {
    let c = content();
    let mut reviews = all(named(&c));
    reviews.push(approve(ReviewStep::Approval, named(&c), "voice"));
    assert!(
        !Standing::of(&reviews, named(&c), &[]).ready(2),
        "a repeat is one person"
    );
    reviews.push(approve(ReviewStep::Approval, named(&c), "deputy"));
    assert!(Standing::of(&reviews, named(&c), &[]).ready(2));
}

#[test]
fn in_private_mode_and_on_a_suspicion_nothing_is_published() {
    let mut c = content();
    let authors = [person("author")];
    for audience in Audience::ALL {
        c.audience = *audience;
        let standing = Standing::of(&all(named(&c)), named(&c), &[]);
        let private = draft(&c, &authors, &standing).publish(Mode::Private, false);
        let outward = matches!(audience, Audience::Public | Audience::Media);
        assert_eq!(private.is_err(), outward, "{audience}");
        let provisional = draft(&c, &authors, &standing).publish(Mode::Public, true);
        assert_eq!(provisional.is_err(), *audience != Audience::Staff);
    }
}

#[test]
fn what_was_published_is_not_contradicted() {
    let (c, authors) = (content(), [person("author")]);
    let standing = Standing::of(&all(named(&c)), named(&c), &[]);
    let publish = |published: &[Fact]| {
        let draft = Draft {
            published,
            ..draft(&c, &authors, &standing)
        };
        draft.publish(Mode::Public, false)
    };
    assert_eq!(publish(&[fact("injured", " ２ ")]), Ok(()), "the same");
    assert_eq!(publish(&[fact("households", "40")]), Ok(()));
    let refused = publish(&[fact("injured", "1")]).expect_err("contradicts");
    assert_eq!(refused.reason(), "CONTRADICTS_PUBLISHED");
    let named = refused.to_string();
    assert!(
        ["injured", "\"1\"", "\"2\""]
            .iter()
            .all(|part| named.contains(part)),
        "{named}"
    );
}

#[test]
fn a_time_of_day_counts_nobody_and_contradicts_no_toll() {
    let published = [fact("deaths", "2 deaths"), fact("affected", "5栋")];
    for (key, value, contradicts) in [
        ("time_of_death", "9:30", false),
        ("injured_since", "3 May", false),
        ("deaths_at_site", "3", true),
        ("deaths_to_date", "3", true),
        ("time_of_report", "3 deaths", true),
        ("briefing_at", "5月3日 9:30 3栋大厅", false),
        ("flooded", "3栋", true),
    ] {
        let found = contradiction(&[fact(key, value)], &published);
        assert_eq!(found.is_some(), contradicts, "{key}");
    }
}

#[test]
fn the_same_thing_counted_differently_contradicts_under_any_key_and_spelling() {
    let facts = |of: &[(&str, &str)]| -> Vec<Fact> { of.iter().map(|(k, v)| fact(k, v)).collect() };
    let contradicts = |says: &[(&str, &str)], published: &[(&str, &str)]| {
        contradiction(&facts(says), &facts(published)).map(|found| (found.key, found.says))
    };
    let told = [("households", "three households")];
    let five = |key: &str, value: &str| {
        let found = contradicts(&[(key, value)], &told);
        assert_eq!(found, Some(("households".to_owned(), value.to_owned())));
    };
    five("households", "five households");
    five("homes_affected", "5 households");
    five("affected_homes", "5");
    five("shou_ying_xiang", "五户");
    assert_eq!(contradicts(&[("homes", "三户")], &told), None);
    assert_eq!(
        contradicts(&[("injured", "5人")], &told),
        None,
        "another thing"
    );
    // Whoever says the known figure again says that both are so.
    let both = [
        ("households", "3 households"),
        ("evacuated_homes", "5 homes"),
    ];
    assert_eq!(contradicts(&both, &told), None);
}

#[test]
fn a_correction_takes_the_place_of_what_it_contradicts() {
    let told = |key: &str, value: &str, corrects| Told {
        corrects,
        ..told(&[(key, value)])
    };
    let standing = standing_facts(vec![
        told("households", "three households", false),
        told("injured", "2", false),
        told("homes", "five households", true),
    ]);
    let keys: Vec<&str> = standing.iter().map(|f| f.key.as_str()).collect();
    assert_eq!(keys, ["injured", "homes"]);
    assert_eq!(
        contradiction(&[fact("homes", "5 households")], &standing),
        None
    );
    assert!(contradiction(&[fact("homes", "3 households")], &standing).is_some());
}

fn told(facts: &[(&str, &str)]) -> Told {
    Told {
        facts: facts.iter().map(|(key, value)| fact(key, value)).collect(),
        corrects: false,
        superseded: false,
        replaced: false,
    }
}

fn superseded(facts: &[(&str, &str)]) -> Told {
    Told {
        superseded: true,
        ..told(facts)
    }
}

#[test]
fn the_last_word_on_a_fact_stands_where_what_took_its_place_is_silent_about_it() {
    let corrected = || {
        let correction = Told {
            corrects: true,
            ..superseded(&[("injured", "5")])
        };
        vec![
            told(&[("injured", "3")]),
            correction,
            told(&[("households", "12")]),
        ]
    };
    let standing = standing_facts(corrected());
    let says = |value: &str| contradiction(&[fact("injured", value)], &standing);
    assert!(says("3").is_some(), "the older figure stays corrected");
    assert_eq!(says("5"), None);
    // Whatever speaks of it since takes its place, under another key too.
    let mut later = corrected();
    later.push(told(&[("people_hurt", "6 injured people")]));
    let standing = standing_facts(later);
    let hurt: Vec<&str> = standing.iter().map(|f| f.value.as_str()).collect();
    assert_eq!(hurt, ["12", "6 injured people"]);
}

#[test]
fn whoever_takes_the_place_of_a_statement_may_say_otherwise_than_it_and_than_nothing_else() {
    let line = |last: Told| {
        let first = superseded(&[("injured", "2"), ("households", "12")]);
        standing_facts(vec![first, superseded(&[("injured", "2")]), last])
    };
    let replaced = Told {
        replaced: true,
        ..told(&[("injured", "3")])
    };
    let keys: Vec<String> = line(replaced).into_iter().map(|f| f.key).collect();
    assert_eq!(keys, ["households"]);
    let keys: Vec<String> = line(told(&[("injured", "3")]))
        .into_iter()
        .map(|f| f.key)
        .collect();
    assert_eq!(keys, ["households", "injured"]);
}

#[test]
fn the_holding_statement_that_is_promised_speaks_to_people_outside() {
    for audience in Audience::ALL.iter().copied() {
        let outside = is_update(audience);
        assert_eq!(
            holds(StatementKind::Holding, audience),
            outside,
            "{audience}"
        );
        assert!(!holds(StatementKind::Update, audience));
        let public = audience == Audience::Public;
        assert_eq!(is_first_word(StatementKind::Update, audience), public);
        assert_eq!(is_first_word(StatementKind::Holding, audience), outside);
    }
}

#[test]
fn words_that_must_not_leave_block_until_they_are_changed_or_overridden_with_a_reason_m11() {
    let mut c = content();
    c.text = "据说2人受伤。".to_owned();
    let check = |c: &Content| {
        let standing = Standing::default();
        draft(c, &[], &standing).review(ReviewStep::FactCheck, Verdict::Approve, &person("checker"))
    };
    let rules = vec!["ambiguous-to-media".to_owned()];
    assert_eq!(check(&c), Err(Refusal::Wording(rules.clone())));
    let plain = named(&c);
    c.wording_reason = "\u{200b}".to_owned();
    // Nobody sees why.
    assert_eq!(check(&c), Err(Refusal::Wording(rules.clone())));
    c.wording_reason = "a quotation".to_owned();
    assert_eq!(check(&c), Ok(()));
    assert_ne!(named(&c), plain, "reviewers approve the exception");
    c.wording_reason.clear();
    // What the press must not read may be said inside, and the complainants' list is another.
    c.audience = Audience::Staff;
    assert_eq!(check(&c), Ok(()));
    // Rules may have come after the approvals.
    c.audience = Audience::Media;
    let standing = Standing::of(&all(named(&c)), named(&c), &[]);
    let refused = draft(&c, &[], &standing).publish(Mode::Public, false);
    assert_eq!(refused, Err(Refusal::Wording(rules)));
}

#[test]
fn every_figure_has_a_fact_with_a_source() {
    let mut c = content();
    c.text = "3月5日,２人受伤,涉及1,200户,约3.5%。".to_owned();
    c.facts = vec![fact("injured", "2"), fact("households", "1200")];
    assert_eq!(unsourced_figure(&c).as_deref(), Some("3"));
    c.facts
        .extend([fact("date", "3月5日"), fact("share", "3.5%")]);
    assert_eq!(unsourced_figure(&c), None);
    let standing = Standing::default();
    c.text.push_str("又有7户。");
    let refused = draft(&c, &[], &standing).review(
        ReviewStep::FactCheck,
        Verdict::Approve,
        &person("checker"),
    );
    assert_eq!(
        refused,
        Err(Refusal::FigureWithoutSource(vec!["7".to_owned()]))
    );
}

#[test]
fn i7_a_figure_rests_on_a_fact_that_counts_the_same_thing() {
    for (text, key, value, rests) in [
        ("3人受伤。", "homes", "3户", false),
        ("3人受伤。", "homes", "3", false),
        ("3人受伤。", "date", "3月5日", false),
        ("3人受伤。", "time_of_death", "3月5日", false),
        ("3人受伤。", "reply_within", "3天", false),
        ("3户进水。", "injured", "三", false),
        ("3 people were hurt.", "flooded", "3 homes", false),
        ("五六户进水。", "injured", "5-6", false),
        ("3人受伤。", "injured", "3", true),
        ("3人受伤。", "homes", "3户,3人受伤", true),
        ("3人受伤。", "building_injured", "3", true),
        ("3人受伤。", "injured_in_tower_2", "3", true),
        ("3人死亡。", "deaths_to_date", "3", true),
        ("3栋停水。", "briefing_at", "5月3日 3栋大厅", true),
        ("五六户进水。", "homes", "5-6", true),
        // Neither says what it counts.
        ("3人转移。", "moved", "3", true),
        ("3名工程师到场。", "engineers", "约3", true),
        ("On 3 May residents met.", "date", "3 May", true),
        // A time and a span count nobody, whatever is said behind them.
        ("15:30起恢复供水。", "water_back", "15:30恢复", true),
        (
            "By 15:30 residents were back.",
            "building_reopened",
            "15:30",
            true,
        ),
        (
            "Within 48 hours residents get an answer.",
            "unit_repair",
            "48 hours",
            true,
        ),
        ("On 3 May residents met.", "building_closed", "3 May", true),
        ("3户进水。", "flats_flooded", "3", true),
        // The text says nothing that is compared.
        ("3天内答复。", "homes", "3户", true),
    ] {
        let said = Content {
            text: text.to_owned(),
            facts: vec![fact(key, value)],
            ..content()
        };
        assert_eq!(unsourced_figure(&said).is_none(), rests, "{text} {key}");
    }
}

#[test]
fn i7_a_toll_is_not_contradicted_by_the_figure_of_another_thing() {
    let (published, standing) = ([fact("injured", "2")], Standing::default());
    let check = |key: &str, value: &str| {
        let said = Content {
            text: "3人受伤。".to_owned(),
            facts: vec![fact(key, value)],
            ..content()
        };
        let draft = Draft {
            published: &published,
            ..draft(&said, &[], &standing)
        };
        let checked = draft.review(ReviewStep::FactCheck, Verdict::Approve, &person("checker"));
        checked.expect_err("another toll").reason()
    };
    assert_eq!(check("homes", "3户"), "FIGURE_WITHOUT_SOURCE");
    assert_eq!(check("hurt", "3"), "CONTRADICTS_PUBLISHED");
}

#[test]
fn what_a_newer_statement_says_otherwise_is_named_fact_by_fact() {
    let old = Content {
        facts: vec![fact("injured", "2"), fact("moved", "12"), fact("dead", "0")],
        ..content()
    };
    let new = |facts: &[(&str, &str)], text: &str| Content {
        facts: facts.iter().map(|(k, v)| fact(k, v)).collect(),
        text: text.to_owned(),
        ..content()
    };
    let otherwise = new(
        &[("injured", "3"), ("moved", "twelve"), ("homes", "5")],
        "三人受伤。",
    );
    assert_eq!(
        changes(&old, &otherwise),
        "injured: 2 → 3; homes: 5 (new); dead: 0 (no longer said)"
    );
    let same = [("injured", "2"), ("moved", "12"), ("dead", "0")];
    let told = changes(&old, &new(&same, "两人受伤。"));
    assert_eq!(told, "the facts are the same, the words are others");
    let many: Vec<String> = (0..12).map(|n| format!("fact_{n}")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|key| (key.as_str(), "1")).collect();
    assert!(changes(&content(), &new(&many, "")).ends_with("; and 3 more"));
}

#[test]
fn a_correction_names_everything_that_it_sets_right() {
    let published = [fact("injured", "2"), fact("households", "3户")];
    let says = [fact("injured", "3"), fact("homes", "5 households")];
    let found: Vec<_> = contradictions(&says, &published)
        .into_iter()
        .map(|found| (found.key, found.says))
        .collect();
    let pair = |key: &str, says: &str| (key.to_owned(), says.to_owned());
    assert_eq!(
        found,
        [pair("injured", "3"), pair("households", "5 households")]
    );
}

#[test]
fn i7_figures_in_words_need_a_source_each_and_contradict_like_digits() {
    let mut c = content();
    c.text = "事故造成两死三伤,三十五人转移。".to_owned();
    c.facts = vec![fact("dead", "2"), fact("injured", "3")];
    assert_eq!(unsourced_figure(&c).as_deref(), Some("35"));
    c.facts.push(fact("moved", "三十五人"));
    assert_eq!(unsourced_figure(&c), None);
    c.facts.push(fact("reply_within", "5-6天"));
    c.text = "五六天内答复。".to_owned();
    assert_eq!(unsourced_figure(&c), None);
    c.text = "六七天内答复。".to_owned();
    assert!(unsourced_figure(&c).is_some());
    c.facts.clear();
    for (text, figure) in [
        ("Twelve were taken to hospital.", "12"),
        ("No one was hurt.", "0"),
        ("无人伤亡。", "0"),
        ("一名业主受伤。", "1"),
    ] {
        c.text = text.to_owned();
        assert_eq!(unsourced_figure(&c).as_deref(), Some(figure), "{text}");
    }
    let says = |key: &str, value: &str| {
        contradiction(&[fact(key, value)], &[fact("injured", "２")]).is_some()
    };
    assert!(!says("injured", "两人") && !says("injured", "two"));
    for (key, value) in [
        ("injured", "三人"),
        ("injured", "twelve people"),
        ("injured", "none"),
        ("casualties", "无人伤亡"),
        ("people_hurt", "三"),
    ] {
        assert!(says(key, value), "{key}: {value}");
    }
}

/// What may happen to a statement, in the model.
#[derive(Debug, Clone)]
enum Act {
    Edit(u8, usize),
    Excuse(bool, bool),
    Tell(u8),
    Move(usize),
    Review(usize, usize, usize),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        1 => (any::<u8>(), 0..5_usize).prop_map(|(text, by)| Act::Edit(text % 4, by)),
        1 => (any::<bool>(), any::<bool>()).prop_map(|(wording, correction)| Act::Excuse(wording, correction)),
        1 => (2_u8..4).prop_map(Act::Tell),
        1 => (0..Stage::ALL.len()).prop_map(Act::Move),
        6 => (0..3_usize, 0..8_usize, 0..5_usize).prop_map(|(step, verdict, by)| Act::Review(step, verdict, by)),
    ];
    proptest::collection::vec(act, 0..40)
}

proptest! {
    /// I7: whatever people try, in whatever order, what may leave was fact-checked, legally reviewed and approved
    /// as it stands, by three different people of whom none wrote any version of it, and nobody objects. It says
    /// nothing that must not be said, and nothing else than what was published, but for a reason that was approved.
    #[test]
    fn i7_nothing_leaves_without_the_approvals_of_exactly_this_text(acts in acts()) {
        let people: Vec<Person> = ["a", "b", "c", "d", "e"].into_iter().map(person).collect();
        let mut content = content();
        let mut stage = Stage::Outbreak;
        let mut authors = vec![people[0].clone()];
        let mut reviews: Vec<Review> = Vec::new();
        let mut published: Vec<Fact> = Vec::new();
        // The oracle: who objects.
        let mut objecting: BTreeSet<usize> = BTreeSet::new();
        for act in acts {
            match act {
                Act::Edit(text, by) => {
                    content.text = format!("{}版", ["甲", "乙", "丙", "据说是甲"][usize::from(text)]);
                    if !authors.iter().any(|a| a.is(&people[by])) {
                        authors.push(people[by].clone());
                    }
                }
                Act::Excuse(wording, correction) => {
                    content.wording_reason = if wording { "a quotation" } else { "" }.to_owned();
                    content.correction = if correction { "counted again" } else { "" }.to_owned();
                }
                Act::Tell(injured) => published = vec![fact("injured", &injured.to_string())],
                Act::Move(to) => stage = Stage::ALL[to],
                Act::Review(step, verdict, by) => {
                    let step = ReviewStep::ALL[step];
                    let verdict = [Verdict::Object, Verdict::Lift, Verdict::Overrule]
                        .get(verdict)
                        .copied()
                        .unwrap_or(Verdict::Approve);
                    let digest = digest(INCIDENT, Scene::of(stage, &[]), &content);
                    let standing = Standing::of(&reviews, digest, &authors);
                    let draft = Draft { published: &published, ..draft(&content, &authors, &standing) };
                    if draft.review(step, verdict, &people[by]).is_err() {
                        continue;
                    }
                    reviews.push(Review { step, verdict, digest, by: people[by].clone(), givers: Vec::new() });
                    objecting.remove(&by);
                    match verdict {
                        Verdict::Object => { objecting.insert(by); }
                        Verdict::Approve | Verdict::Lift => {}
                        Verdict::Overrule => objecting.clear(),
                    }
                }
            }
            let digest = digest(INCIDENT, Scene::of(stage, &[]), &content);
            let standing = Standing::of(&reviews, digest, &authors);
            let draft = Draft { published: &published, ..draft(&content, &authors, &standing) };
            if draft.publish(Mode::Public, false).is_ok() {
                prop_assert!(objecting.is_empty());
                prop_assert!(!content.text.contains("据说") || !content.wording_reason.is_empty());
                let says_otherwise = published.iter().any(|f| f.value != "2");
                prop_assert!(!says_otherwise || !content.correction.is_empty());
                for step in ReviewStep::ALL {
                    // A text that was approved, changed and changed back is the one that was approved.
                    let given = reviews.iter().any(|r| r.step == *step && r.digest == digest && r.verdict == Verdict::Approve);
                    prop_assert!(given, "{} is missing", step);
                    let by: Vec<&Person> = standing.approved_by(*step).iter().collect();
                    prop_assert!(!by.is_empty());
                    prop_assert!(by.iter().all(|p| !authors.iter().any(|a| a.is(p))));
                }
                let distinct: BTreeSet<&str> = standing.approvals.values().flatten().map(|p| p.subject.as_str()).collect();
                prop_assert!(distinct.len() >= 3);
            }
        }
    }
}

#[test]
fn the_words_that_nothing_is_new_state_nothing_and_break_no_rule_i7_m11() {
    let checker = Checker::new(&redress_wording::RuleSet::built_in());
    for (language, text) in NOTHING_NEW {
        for audience in [Audience::Public, Audience::Affected] {
            let said = Content {
                audience,
                language: language.to_owned(),
                text: text.to_owned(),
                facts: Vec::new(),
                ..content()
            };
            assert_eq!(wording_hits(&checker, &said), [""; 0], "{language}");
            assert_eq!(unsourced_figure(&said), None, "{language}");
        }
    }
}

#[test]
fn a_number_names_somebody_however_its_digits_are_written_m11() {
    let rule = |text: &str| {
        personal_data(&Content {
            text: text.to_owned(),
            ..content()
        })
    };
    for text in [
        "请拨打一三九一二三四五六七八",
        "请拨打幺三九幺二三四五六七八。",
        "请拨打一三八〇〇一三八零零零",
        "请拨打一三九 一二三四 五六七八",
        "请拨打１３９１２３４５６７８",
        "请拨打１３９－１２３４－５６７８",
        "一号楼业主13912345678一名",
        "身份证１１０１０５１９４９１２３１００２Ｘ",
        "身份证一一〇一〇五一九四九一二三一〇〇二X",
        "请拨打138零零138000",
        "业主身份证号 110101 19900307 4514。",
        "一三八，一二三四，五六七八。",
        "业主王先生(1381234五六七八)",
        "请拨打1三9一234五678",
        "身份证110105一九四九1231002X",
    ] {
        assert_eq!(rule(text).as_deref(), Some(PERSONAL_DATA), "{text}");
    }
    for text in [
        "二〇二六年一月三日",
        "一三五号楼二〇二六年交付",
        "三四五六七八九一二三四",
        "一百三十九户一千二百三十四人",
        "共１５０００００００００元",
        "每周一三五 0830-1130 办理",
        "每周一三五0830-1130办理",
        "涉及房号131、1301、1302。",
        "受理号：440305-20261130-0012",
        "逢一三五 0830-1130，二四六 1330-1730",
    ] {
        assert_eq!(rule(text), None, "{text}");
    }
}

#[test]
fn i7_half_of_the_people_or_homes_is_a_figure_that_needs_a_source() {
    let mut said = Content {
        text: "一半业主已撤离。".to_owned(),
        facts: Vec::new(),
        ..content()
    };
    assert_eq!(unsourced_figure(&said).as_deref(), Some("50"));
    for value in [
        "一半",
        "约一半",
        "半数",
        "50%",
        "百分之五十",
        "一半业主",
        "about half",
    ] {
        said.facts = vec![fact("evacuated", value)];
        assert_eq!(unsourced_figure(&said), None, "{value}");
    }
    // A share is no count of people, and does not contradict one.
    let (share, count) = (fact("share", "一半人"), fact("evacuated", "300人"));
    assert_eq!(contradiction(&[share], &[count]), None);
}

/// The first of them.
fn unsourced_figure(content: &Content) -> Option<String> {
    unsourced_figures(content).into_iter().next()
}
