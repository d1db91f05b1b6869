//! Texts as revisions of an organization, a region or a site, laid over what the product ships: a template is
//! replaced whole by the lowest level that has one, wording rules are laid over each other.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use redress_model::name::{
    NameError, OrganizationId, OrganizationName, RegionName, SiteId, SiteName,
};
use redress_wording::{Checker, Document, RuleSet};
use serde::{Deserialize, Serialize};

use super::words::{Language, Template};

/// Longest subject, in characters.
pub const SUBJECT_CHARS_MAX: usize = 200;
/// Longest body, in characters.
pub const BODY_CHARS_MAX: usize = 5_000;

/// What a revision belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TextScope {
    /// All sites of an organization.
    Organization(OrganizationId),
    /// All sites of a region.
    Region(RegionName),
    /// One site.
    Site(SiteId),
}

impl TextScope {
    /// How far down it lies.
    pub fn depth(&self) -> u8 {
        match self {
            Self::Organization(_) => 1,
            Self::Region(_) => 2,
            Self::Site(_) => 3,
        }
    }
}

impl fmt::Display for TextScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organization(id) => write!(f, "organizations/{id}"),
            Self::Region(name) => write!(f, "{name}"),
            Self::Site(id) => write!(f, "sites/{id}"),
        }
    }
}

impl FromStr for TextScope {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let site = || text.parse::<SiteName>().map(|name| Self::Site(name.0));
        let region = || text.parse::<RegionName>().map(Self::Region);
        let organization = || {
            text.parse::<OrganizationName>()
                .map(|name| Self::Organization(name.0))
        };
        site().or_else(|_| region()).or_else(|_| organization()).map_err(|_| NameError {
            pattern: "organizations/{organization}, organizations/{organization}/regions/{region} or sites/{site}",
        })
    }
}

/// What a revision is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A template in one language.
    Template(Template, Language),
    /// The wording rules.
    Wording,
}

impl Subject {
    /// As a column holds it.
    pub fn key(self) -> String {
        match self {
            Self::Template(template, language) => format!("{}.{}", template.key(), language.tag()),
            Self::Wording => "wording".to_owned(),
        }
    }

    /// The subject of this key.
    pub fn of_key(key: &str) -> Option<Self> {
        if key == "wording" {
            return Some(Self::Wording);
        }
        Template::ALL
            .iter()
            .flat_map(|t| Language::ALL.iter().map(|l| Self::Template(*t, *l)))
            .find(|subject| subject.key() == key)
    }
}

/// The source of a text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// One line.
    pub subject: String,
    /// Plain text.
    pub body: String,
}

impl Source {
    /// Says that the level above holds again.
    pub fn is_empty(&self) -> bool {
        self.subject.is_empty() && self.body.is_empty()
    }
}

/// A revision that holds at some instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// What it belongs to.
    pub scope: TextScope,
    /// What it is of.
    pub subject: Subject,
    /// Its number within scope and subject.
    pub revision: i32,
    /// A template's source as JSON, or wording rules as TOML.
    pub document: String,
    /// Wording rules that its author overrode.
    pub overridden: Vec<String>,
}

/// A template that some level has put in the place of the product's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    /// Its source.
    pub source: Source,
    /// Whose it is.
    pub scope: TextScope,
    /// Which revision.
    pub revision: i32,
    /// Wording rules that its author overrode.
    pub overridden: Vec<String>,
}

/// The template that holds, of those revisions of a site's levels that hold: the lowest level's. None where the
/// product's own does.
pub fn template(holding: &[Holding], template: Template, language: Language) -> Option<Own> {
    let mut own: Vec<&Holding> = holding
        .iter()
        .filter(|h| h.subject == Subject::Template(template, language))
        .collect();
    own.sort_by_key(|h| std::cmp::Reverse(h.scope.depth()));
    own.into_iter().find_map(|h| {
        let source: Source = serde_json::from_str(&h.document).ok()?;
        (!source.is_empty()).then(|| Own {
            source,
            scope: h.scope.clone(),
            revision: h.revision,
            overridden: h.overridden.clone(),
        })
    })
}

/// The wording rules that hold. A document that this release cannot read changes nothing.
pub fn wording(holding: &[Holding]) -> RuleSet {
    let mut rules = RuleSet::built_in();
    let mut own: Vec<&Holding> = holding
        .iter()
        .filter(|h| h.subject == Subject::Wording)
        .collect();
    own.sort_by_key(|h| h.scope.depth());
    for h in own {
        if let Ok(document) = Document::parse(&h.document) {
            rules.lay(&format!("{}@{}", h.scope, h.revision), &document);
        }
    }
    rules
}

/// The ids of `disable` that neither the product nor a document of a level above defines, each with its place in the list.
pub fn unknown_above<'a>(disable: &'a [String], above: &[Document]) -> Vec<(usize, &'a str)> {
    let built_in = RuleSet::built_in();
    let known = |id: &str| {
        let own = above.iter().flat_map(|document| &document.rules);
        built_in.rules().chain(own).any(|rule| rule.id == id)
    };
    let places = disable.iter().map(String::as_str).enumerate();
    places.filter(|(_, id)| !known(id)).collect()
}

/// Checks a text against the rules that hold.
pub fn check(
    holding: &[Holding],
    text: &str,
    audience: redress_wording::Audience,
) -> Vec<redress_wording::Hit> {
    if holding.iter().any(|h| h.subject == Subject::Wording) {
        Checker::new(&wording(holding)).check(text, audience)
    } else {
        Checker::built_in().check(text, audience)
    }
}

/// A time from which a revision holds: what was asked, or now; not before now, since what was sent was sent.
pub fn effective(asked: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    const SKEW: jiff::SignedDuration = jiff::SignedDuration::from_mins(1);
    match asked {
        None => Some(now),
        Some(asked) if asked.saturating_add(SKEW).is_ok_and(|late| late >= now) => {
            Some(asked.max(now))
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holding(scope: &str, source: &Source) -> Holding {
        Holding {
            scope: scope.parse().unwrap(),
            subject: Subject::Template(Template::CaseReceived, Language::English),
            revision: 2,
            document: serde_json::to_string(source).unwrap(),
            overridden: Vec::new(),
        }
    }

    fn source(body: &str) -> Source {
        Source {
            subject: body.to_owned(),
            body: body.to_owned(),
        }
    }

    #[test]
    fn the_lowest_level_that_has_a_text_wins_and_an_empty_one_gives_it_back() {
        let of = |all: &[Holding]| {
            template(all, Template::CaseReceived, Language::English)
                .map(|own| (own.source.body, own.scope.to_string()))
        };
        let all = [
            holding("sites/lake", &Source::default()),
            holding("organizations/demo", &source("organization")),
            holding("organizations/demo/regions/north", &source("region")),
        ];
        let region = "organizations/demo/regions/north".to_owned();
        assert_eq!(of(&all), Some(("region".to_owned(), region)));
        assert_eq!(of(&all[..1]), None);
        assert_eq!(
            template(&all, Template::CaseReceived, Language::Chinese),
            None
        );
    }

    #[test]
    fn m11_a_rule_that_is_switched_off_is_one_of_the_product_or_of_a_level_above() {
        let disable = ["belittles", "belitles", "house-word", "hous-word"].map(str::to_owned);
        let above = Document::parse(
            "[[rule]]\nid = 'house-word'\nphrases = ['老赖']\n\
             why = { zh-CN = '不用', en = 'not ours' }\nbetter = { zh-CN = '业主', en = 'owner' }",
        );
        let above = [above.unwrap()];
        assert_eq!(
            unknown_above(&disable, &above),
            [(1, "belitles"), (3, "hous-word")]
        );
        assert_eq!(unknown_above(&disable[2..3], &[]), [(0, "house-word")]);
    }

    #[test]
    fn keys_of_subjects_read_back() {
        for template in Template::ALL {
            for language in Language::ALL {
                let subject = Subject::Template(*template, *language);
                assert_eq!(Subject::of_key(&subject.key()), Some(subject));
            }
        }
        assert_eq!(Subject::of_key("wording"), Some(Subject::Wording));
        assert_eq!(Subject::of_key("case.received.fr"), None);
    }

    #[test]
    fn a_text_holds_from_now_on_or_later_and_never_before() {
        let now = Timestamp::from_second(1_000).unwrap();
        let at = |second| Some(Timestamp::from_second(second).unwrap());
        assert_eq!(effective(None, now), Some(now));
        assert_eq!(effective(at(2_000), now), at(2_000));
        assert_eq!(effective(at(950), now), Some(now), "a clock that is behind");
        assert_eq!(effective(at(900), now), None);
    }
}
