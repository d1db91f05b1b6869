//! Category suggestions learn from the corrections that staff make, one organization at a time.

use redress_model::name::{CaseName, SiteId};
use redress_model::words::Category;
use redress_proto::convert::to_wire;
use redress_proto::event::v1 as event;
use redress_proto::triage::v1::triage_service_server::TriageService as _;
use redress_proto::triage::v1::{CategoryBasis, GetDecisionRequest};

use crate::world::{World, by, site};

/// No word of the lexicon is in it.
const SMELL: &str = "晚上总能闻到油漆气味,孩子咳嗽";

async fn complain(world: &World, text: &str) -> CaseName {
    let case = world.new_case();
    world.say(&case, text);
    world.tell(&[world.received(world.facts(&case))]).await;
    case
}

fn stated(
    world: &World,
    case: &CaseName,
    category: Option<Category>,
    revision: i64,
) -> redress_events::Event {
    world.updated(event::CaseFacts {
        stated_category: category.map_or(0, to_wire),
        revision,
        ..world.facts(case)
    })
}

async fn suggested(world: &World, text: &str) -> (i32, Vec<String>) {
    let case = complain(world, text).await;
    let decision = world.decision(&case).await;
    (decision.category, decision.category_words)
}

const ENGINEERING: Category = Category::EngineeringQuality;

#[tokio::test]
async fn corrections_change_later_suggestions_and_name_their_words() {
    let world = World::new().await;
    assert_eq!(suggested(&world, SMELL).await, (0, vec![]), "abstains");
    for _ in 0..2 {
        let case = complain(&world, SMELL).await;
        world
            .tell(&[stated(&world, &case, Some(ENGINEERING), 2)])
            .await;
    }
    let (category, words) = suggested(&world, "家里有油漆气味,孩子咳嗽得厉害").await;
    assert_eq!(category, to_wire(ENGINEERING));
    assert!(words.iter().any(|w| w == "气味"), "{words:?}");
    assert_eq!(
        suggested(&world, "今天想问一个别的事情").await,
        (0, vec![]),
        "abstains"
    );
}

#[tokio::test]
async fn what_only_words_that_may_not_be_named_speak_for_is_not_suggested() {
    let world = World::new().await;
    // In no dictionary: names, for all that anybody knows.
    let names = "zhangsan lisi wangwu zhaoliu";
    for _ in 0..2 {
        let case = complain(&world, names).await;
        world
            .tell(&[stated(&world, &case, Some(ENGINEERING), 2)])
            .await;
    }
    let known = "SELECT count(*) FROM triage.lesson_word WHERE cases = 2";
    assert_eq!(world.count(known).await, 4);
    assert_eq!(suggested(&world, names).await, (0, vec![]), "abstains");
    // With a word beside them that may be named.
    for _ in 0..2 {
        let case = complain(&world, &format!("{names} 气味")).await;
        world
            .tell(&[stated(&world, &case, Some(ENGINEERING), 2)])
            .await;
    }
    let (category, words) = suggested(&world, &format!("{names} 气味")).await;
    assert_eq!(category, to_wire(ENGINEERING));
    assert_eq!(words, ["气味"]);
}

#[tokio::test]
async fn a_correction_taken_back_is_unlearned_and_one_told_twice_counts_once() {
    let world = World::new().await;
    let mut cases = Vec::new();
    for _ in 0..2 {
        let case = complain(&world, SMELL).await;
        let correction = stated(&world, &case, Some(ENGINEERING), 2);
        world.tell(std::slice::from_ref(&correction)).await;
        world.deliver(&correction).await;
        // The same facts under a later revision teach nothing more.
        world
            .tell(&[stated(&world, &case, Some(ENGINEERING), 3)])
            .await;
        cases.push(case);
    }
    assert_eq!(
        world
            .count("SELECT sum(cases)::bigint FROM triage.lesson_count")
            .await,
        2
    );
    assert_eq!(
        world
            .count("SELECT max(cases) FROM triage.lesson_word")
            .await,
        2
    );
    assert_eq!(suggested(&world, SMELL).await.0, to_wire(ENGINEERING));
    world.tell(&[stated(&world, &cases[0], None, 4)]).await;
    assert_eq!(
        world
            .count("SELECT sum(cases)::bigint FROM triage.lesson_count")
            .await,
        1
    );
    assert_eq!(
        suggested(&world, SMELL).await.0,
        0,
        "one correction is not enough"
    );
    world.tell(&[stated(&world, &cases[1], None, 4)]).await;
    assert_eq!(
        world
            .count("SELECT sum(cases)::bigint FROM triage.lesson_word")
            .await,
        0
    );
}

#[tokio::test]
async fn a_sure_rule_of_the_order_stands_until_it_is_corrected_again_and_again() {
    let world = World::new().await;
    let lift = "电梯停运,轿厢钢索异响";
    for n in 0..3 {
        let (category, _) = suggested(&world, lift).await;
        assert_eq!(category, to_wire(Category::PropertyManagement), "after {n}");
        let case = complain(&world, lift).await;
        world
            .tell(&[stated(&world, &case, Some(ENGINEERING), 2)])
            .await;
    }
    let case = complain(&world, lift).await;
    let decision = world.decision(&case).await;
    assert_eq!(decision.category, to_wire(ENGINEERING));
    assert_eq!(decision.category_basis(), CategoryBasis::Learned);
    assert_eq!(
        decision.rule_category,
        to_wire(Category::PropertyManagement)
    );
    let shown = "SELECT count(*) FROM triage.case_file WHERE category_learned AND rule_category = 'PROPERTY_MANAGEMENT'";
    assert_eq!(
        world.count(shown).await,
        1,
        "what the rules gave is kept beside it"
    );
}

#[tokio::test]
async fn i8_another_organization_learns_nothing_of_it() {
    let world = World::new().await;
    for _ in 0..3 {
        let case = complain(&world, SMELL).await;
        world
            .tell(&[stated(&world, &case, Some(ENGINEERING), 2)])
            .await;
    }
    let seen = async |of: &str, organization: &str| {
        let mut tx = world.database.admin.begin().await.expect("begins");
        let role = "SET LOCAL ROLE redress_triage_app";
        sqlx::query(role)
            .execute(&mut *tx)
            .await
            .expect("the service's role");
        sqlx::query("SELECT set_config('redress.sites', $1, true), set_config('search_path', 'triage', true)")
            .bind(format!("{{{of}}}"))
            .execute(&mut *tx)
            .await
            .expect("scoped");
        sqlx::query_scalar::<_, i64>("SELECT count(*) FROM lesson_word WHERE organization = $1")
            .bind(organization)
            .fetch_one(&mut *tx)
            .await
            .expect("counted")
    };
    let elsewhere = site("riverside");
    world.learn_of(&elsewhere, "organizations/other").await;
    let own = sqlx::query_scalar::<_, String>(
        "SELECT organization FROM triage.site WHERE site = 'lakeside'",
    )
    .fetch_one(&world.database.admin)
    .await
    .expect("known");
    assert!(seen("lakeside", &own).await > 0);
    assert_eq!(seen("riverside", &own).await, 0);
    assert_eq!(seen("", &own).await, 0);
}

/// What a complaint at another site is suggested to be about.
async fn suggested_at(world: &World, place: &SiteId, text: &str) -> (i32, Vec<String>) {
    let case = CaseName::new(place.clone(), world.new_case().id);
    world.say(&case, text);
    let facts = event::CaseFacts {
        first_contact_owner: format!("sites/{place}/staff/clerk"),
        ..world.facts(&case)
    };
    let payload = event::CaseReceived { facts: Some(facts) };
    let kind = "redress.case.received.v1";
    let received = world.event_at(place, "intake", kind, &case.to_string(), &payload);
    world.tell(&[received]).await;
    let request = GetDecisionRequest {
        name: format!("{case}/decisions/latest"),
    };
    let manager = world.caller(place.as_str(), "manager", None);
    let answer = world.rpc.get_decision(by(manager, request)).await;
    let decision = answer.expect("decided").into_inner().decision;
    let decision = decision.expect("a decision");
    (decision.category, decision.category_words)
}

#[tokio::test]
async fn what_one_site_was_taught_its_organization_knows_and_no_other_i8() {
    let world = World::new().await;
    for _ in 0..2 {
        let case = complain(&world, SMELL).await;
        world
            .tell(&[stated(&world, &case, Some(ENGINEERING), 2)])
            .await;
    }
    let (sibling, foreign) = (site("hillside"), site("riverside"));
    world.learn(&sibling).await;
    world.learn_of(&foreign, "organizations/other").await;
    let (category, words) = suggested_at(&world, &sibling, SMELL).await;
    assert_eq!(category, to_wire(ENGINEERING));
    assert!(words.iter().any(|w| w == "气味"), "{words:?}");
    let unknown = suggested_at(&world, &foreign, SMELL).await;
    assert_eq!(unknown, (0, vec![]), "abstains");
}
