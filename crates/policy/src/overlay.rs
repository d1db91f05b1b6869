//! What the levels change of a profile, and what comes out of it.
//!
//! From the profile down over organization, region and site, each document changes what it names:
//! mappings key by key, everything else whole. Within a document, what it says of one profile comes
//! after what it says of all. The result is checked as a whole, and every value knows its origin.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::built_in::{PROFILES, Released};
use crate::check::{typed, within_the_law};
use crate::document::Policy;
use crate::problem::{Problem, Problems};
use crate::schema::check_overlay;
use crate::yaml::{Source, child};

/// What one document changes; its form is checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Overlay {
    source: Source,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    /// How far down.
    pub level: Level,
    /// Name of the profile, or of the organization, region or site.
    pub name: String,
    /// Its revision.
    pub revision: u32,
}

/// The levels, from the top down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// A profile that the product ships.
    Profile,
    /// An organization.
    Organization,
    /// A region of it.
    Region,
    /// A site.
    Site,
}

/// A document with its origin.
#[derive(Debug, Clone, Copy)]
pub struct Layer<'a> {
    /// Where it comes from.
    pub origin: &'a Origin,
    /// What it changes.
    pub overlay: &'a Overlay,
}

/// One value of an effective policy.
#[derive(Debug, Clone, PartialEq)]
pub struct EffectiveValue {
    /// The field, for example `grading.group_major` or `clocks.RESOLVE`.
    pub field: String,
    /// Its value; a list is one value.
    pub value: Value,
    /// Where it comes from.
    pub origin: Origin,
}

/// What holds at a site, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Effective {
    /// The policy.
    pub policy: Policy,
    /// Every value of it, ordered by field.
    pub values: Vec<EffectiveValue>,
}

/// Levels that do not go together: a value that contradicts others, and who says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash {
    /// The profile in which it does.
    pub profile: String,
    /// What is wrong, with the field.
    pub problem: Problem,
    /// Where that field's value comes from.
    pub origin: Origin,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.level {
            Level::Profile => write!(f, "profile {}", self.name),
            _ => write!(f, "{} revision {}", self.name, self.revision),
        }
    }
}

impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            profile,
            problem,
            origin,
        } = self;
        write!(f, "{problem} (profile {profile}, set by {origin})")
    }
}

impl Overlay {
    /// Reads a document and checks its form.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its line and field.
    pub fn parse(yaml: &str) -> Result<Self, Problems> {
        let source = Source::read(yaml)?;
        check_overlay(&source)?;
        Ok(Self { source })
    }

    /// Reads a document and checks it against every profile that the product ships, as if nobody else
    /// changed anything.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its line and field.
    pub fn check(yaml: &str) -> Result<Self, Problems> {
        let overlay = Self::parse(yaml)?;
        let origin = Origin {
            level: Level::Site,
            name: "this document".to_owned(),
            revision: 0,
        };
        let mut problems: Vec<Problem> = Vec::new();
        for profile in PROFILES {
            let layer = Layer {
                origin: &origin,
                overlay: &overlay,
            };
            let clashes = merge(profile, &[layer], 1).err().unwrap_or_default();
            problems.extend(
                clashes
                    .into_iter()
                    .map(|c| overlay.placed(profile, c.problem)),
            );
        }
        problems.sort_by_key(|p| p.place.map(|place| (place.line, place.column)));
        problems.dedup();
        if problems.is_empty() {
            Ok(overlay)
        } else {
            Err(Problems(problems))
        }
    }

    /// Whether it changes a field of this profile, or something inside it.
    pub fn touches(&self, profile: &str, field: &str) -> bool {
        self.source.mentions(field) || self.source.mentions(&own(profile, field))
    }

    /// A problem of the merged policy where this document says it; without a line where it does not.
    #[must_use]
    pub fn placed(&self, profile: &str, problem: Problem) -> Problem {
        let own = own(profile, &problem.field);
        let section = problem.field.split('.').next().unwrap_or_default();
        let says_own = self.source.mentions(&self::own(profile, section));
        let field = if says_own { own } else { problem.field };
        Problem {
            place: self.source.place(&field),
            field,
            ..problem
        }
    }

    /// What it changes of this profile: first what holds for all, then the profile's own.
    fn parts(&self, profile: &str) -> [Option<&Value>; 2] {
        [
            Some(&self.source.value),
            self.source
                .value
                .get("profiles")
                .and_then(|p| p.get(profile)),
        ]
    }
}

fn own(profile: &str, field: &str) -> String {
    format!("profiles.{profile}.{field}")
}

/// The policy that comes out of a profile, as it was released last, and the layers above each other, the lowest last.
///
/// # Errors
/// Every contradiction, with the level that says it.
///
/// # Panics
/// When the product ships no such profile.
pub fn merge(profile: &str, layers: &[Layer<'_>], revision: u32) -> Result<Effective, Vec<Clash>> {
    Released::newest(Released::all(), profile)
        .expect("a profile of the product")
        .merge(layers, revision)
}

impl Released {
    /// The policy that comes out of it and the layers above each other, the lowest last.
    ///
    /// # Errors
    /// Every contradiction, with the level that says it.
    pub fn merge(&self, layers: &[Layer<'_>], revision: u32) -> Result<Effective, Vec<Clash>> {
        let (base, shipped) = (self.policy(), self.origin());
        let mut document = self.document().clone();
        let mut origins: BTreeMap<String, &Origin> = BTreeMap::new();
        for layer in layers {
            for part in layer.overlay.parts(&base.name).into_iter().flatten() {
                lay(&mut document, part, "", layer.origin, &mut origins);
            }
        }
        document["revision"] = Value::from(revision);
        let origin = |field: &str| origins.get(field).copied().unwrap_or(&shipped).clone();
        match typed(document.clone()).and_then(|policy| within_the_law(base, policy)) {
            Ok(policy) => {
                let mut values = Vec::new();
                leaves(&document, "", &mut values);
                let values = values
                    .into_iter()
                    .map(|(field, value)| EffectiveValue {
                        origin: origin(&field),
                        field,
                        value,
                    })
                    .collect();
                Ok(Effective { policy, values })
            }
            Err(problems) => Err(problems
                .into_iter()
                .map(|problem| Clash {
                    profile: base.name.clone(),
                    origin: nearest(&problem.field, &origins)
                        .unwrap_or(&shipped)
                        .clone(),
                    problem,
                })
                .collect()),
        }
    }
}

/// Who says this field, or what is around it or inside it; the lowest level of those.
fn nearest<'a>(field: &str, origins: &BTreeMap<String, &'a Origin>) -> Option<&'a Origin> {
    let related = |other: &str| {
        let inside = |a: &str, b: &str| {
            a.strip_prefix(b)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        inside(other, field) || inside(field, other)
    };
    origins
        .iter()
        .filter(|(other, _)| related(other))
        .map(|(_, origin)| *origin)
        .max_by_key(|origin| origin.level)
}

/// Lays a document over another: mappings key by key, everything else whole.
fn lay<'a>(
    under: &mut Value,
    over: &Value,
    field: &str,
    origin: &'a Origin,
    origins: &mut BTreeMap<String, &'a Origin>,
) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (key, over) in over {
                if field.is_empty() && key == "profiles" {
                    continue;
                }
                let under = under.entry(key.clone()).or_insert(Value::Null);
                lay(under, over, &child(field, key), origin, origins);
            }
        }
        // A mapping where there was none yet.
        (under, Value::Object(over)) => {
            *under = Value::Object(serde_json::Map::new());
            lay(under, &Value::Object(over.clone()), field, origin, origins);
        }
        (under, over) => {
            *under = over.clone();
            origins.insert(field.to_owned(), origin);
        }
    }
}

/// Every value with its field; a list is one value. What only names the profile is left out.
fn leaves(value: &Value, field: &str, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                let header = ["profile", "revision", "effective_from"].contains(&key.as_str());
                if !(field.is_empty() && header) {
                    leaves(value, &child(field, key), found);
                }
            }
        }
        value => found.push((field.to_owned(), value.clone())),
    }
}
