//! What a case is about: what the rules of the order give, and what staff taught the organization by putting
//! suggestions right. Corrections never overrule a sure rule silently: how a suggestion came about is kept
//! with the case, and decision 0014 says how both combine.

use redress_model::Fault;
use redress_model::words::Category;

use super::{Reading, Work};
use crate::domain::lessons::{self as domain, NAMED_MAX, lesson};
use crate::store::cases::Case;
use crate::store::{lessons, terms};

/// What is suggested.
#[derive(Debug)]
pub(super) struct Suggested {
    /// What the complaint seems to be about.
    pub category: Option<Category>,
    /// The words that led to it.
    pub words: Vec<String>,
    /// Whether it was learned from corrections.
    pub learned: bool,
}

/// What a text is about, by the rules and by what its organization was taught. What was learned is suggested only where a
/// word of the text may be named for it.
pub(super) async fn classify(work: &mut Work<'_>, reading: &Reading) -> Result<Suggested, Fault> {
    let taught = lessons::of_words(work.tx, &work.site.id, &reading.terms).await?;
    let rule = reading.category.map(|category| (category, reading.sure));
    let learned = domain::instead(rule, &taught, reading.terms.keys().copied());
    let named = learned.map(|learned| {
        let words = learned.words.iter();
        let named = words.filter_map(|term| reading.nameable.get(term).cloned());
        let words: Vec<String> = named.take(NAMED_MAX).collect();
        (learned.category, words)
    });
    Ok(match named.filter(|(_, words)| !words.is_empty()) {
        Some((category, words)) => Suggested {
            category: Some(category),
            words,
            learned: true,
        },
        None => Suggested {
            category: reading.category,
            words: reading.words.clone(),
            learned: false,
        },
    })
}

/// Learns from what staff say that a case is about, and forgets what they no longer say. The case must be
/// locked.
pub(super) async fn teach(work: &mut Work<'_>, case: &Case) -> Result<(), Fault> {
    let site = &work.site.id;
    let now = lesson(case.facts.stated_category, case.suggested_category);
    let before = lessons::of_case(work.tx, site, case.id).await?;
    if before.as_ref().map(|(_, lesson)| *lesson) == now {
        return Ok(());
    }
    let terms = terms::of_case(work.tx, site, case.id).await?;
    if let Some((organization, lesson)) = before {
        lessons::forget(work.tx, site, case.id, &organization, lesson, &terms).await?;
    }
    if let Some(lesson) = now {
        lessons::keep(work.tx, site, case.id, lesson, &terms).await?;
    }
    Ok(())
}
