//! The published JSON schema, made from the types so that it cannot drift from them.
//!
//! A profile says everything. A document of an organization, a region or a site says only what it
//! changes: the same fields, none of them required, and once more below `profiles` for what it changes
//! of one profile alone.

use std::sync::LazyLock;

use jsonschema::Validator;
use jsonschema::error::{TypeKind, ValidationError, ValidationErrorKind};
use jsonschema::paths::LocationSegment;
use redress_model::words::{ClockKind, HoldReason, LegalDeadline, SignalKind, Word};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use crate::document::Policy;
use crate::problem::{Problem, Problems};
use crate::yaml::{Source, child, item};

/// Fields that name a profile; an overlay has none of them.
const HEADER: [&str; 3] = ["profile", "revision", "effective_from"];

/// Lists are replaced whole, so what lies in one is always complete.
const LISTED: &str = "LengthRule";

const LENGTH: &str =
    "^[1-9][0-9]{0,6} (minutes?|hours?|working (minutes?|hours?|days?)|days?|months?)$";
const AMOUNT: &str = "^[0-9]{1,11}(\\.[0-9]{1,2})?$";
const INTERVAL: &str = "^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$";

const TIME: &str = "^([01][0-9]|2[0-3]):[0-5][0-9]$";

/// A day that every year has.
const MONTH_DAY: &str = "^((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))$";

const SLUG: &str = "^[a-z][a-z0-9-]{0,62}$";

/// What texts of a pattern look like, for people.
const LOOKS: [(&str, &str); 9] = [
    (KEY, "first-word: small letters, digits and hyphens"),
    (CRITERION, "G1.4"),
    (ORIGIN, "lakeside/I20261121-01"),
    (
        LENGTH,
        "15 minutes, 2 hours, 4 working hours, 3 working days, 15 days or 1 month",
    ),
    (AMOUNT, "\"10000.00\""),
    (INTERVAL, "09:00-12:00"),
    (TIME, "16:00"),
    (MONTH_DAY, "11-15"),
    (SLUG, "company-centre"),
];

/// Clocks that a policy promises: not those of incidents (crisis keeps them) nor those that promise
/// nothing: age checks, ends of holds, questions about signals.
fn promised() -> Vec<&'static str> {
    ClockKind::ALL
        .iter()
        .filter(|kind| {
            !matches!(
                kind,
                ClockKind::AgeCheck
                    | ClockKind::HoldEnd
                    | ClockKind::ConfirmSignal
                    | ClockKind::LeaderContact
                    | ClockKind::HoldingStatement
                    | ClockKind::InsideReport
                    | ClockKind::OutwardUpdate
                    | ClockKind::WeeklyBriefing
                    | ClockKind::Commitment
                    | ClockKind::ReviewAction
                    | ClockKind::MediaAnswer
                    | ClockKind::StatementReview
                    | ClockKind::RoleOffer
                    | ClockKind::PlaybookTask
            )
        })
        .map(|kind| kind.word())
        .collect()
}

pub(crate) fn length(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "pattern": LENGTH, "examples": ["15 minutes", "4 working hours", "1 month"] })
}

pub(crate) fn amount(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "pattern": AMOUNT, "examples": ["10000.00"] })
}

pub(crate) fn amounts(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "maxItems": 20, "items": { "type": "string", "pattern": AMOUNT } })
}

pub(crate) fn slug(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "pattern": SLUG })
}

pub(crate) fn weekday(_: &mut SchemaGenerator) -> Schema {
    let days = [
        "MONDAY",
        "TUESDAY",
        "WEDNESDAY",
        "THURSDAY",
        "FRIDAY",
        "SATURDAY",
        "SUNDAY",
    ];
    json_schema!({ "enum": days })
}

pub(crate) fn time_of_day(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "pattern": TIME, "examples": ["16:00"] })
}

pub(crate) fn month_day(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "pattern": MONTH_DAY, "examples": ["11-15"] })
}

pub(crate) fn duty(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "enum": all::<redress_model::words::DutyRole>() })
}

pub(crate) fn take_over_on(_: &mut SchemaGenerator) -> Schema {
    let causes = ["RESOLVE_BREACHED", "DISSATISFIED"];
    json_schema!({ "type": "array", "uniqueItems": true, "items": { "enum": causes } })
}

pub(crate) fn intervals(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "maxItems": 12, "items": { "type": "string", "pattern": INTERVAL } })
}

pub(crate) fn grades(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "minItems": 1, "uniqueItems": true, "items": { "type": "integer", "minimum": 1, "maximum": 4 } })
}

pub(crate) fn spoken(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "boolean" })
}

fn all<W: Word>() -> Vec<&'static str> {
    W::ALL.iter().map(|word| word.word()).collect()
}

pub(crate) fn words<W: Word>(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "minItems": 1, "uniqueItems": true, "items": { "enum": all::<W>() } })
}

pub(crate) fn rungs(_: &mut SchemaGenerator) -> Schema {
    let roles = all::<redress_model::words::DutyRole>();
    json_schema!({ "type": "array", "minItems": 3, "maxItems": 3, "uniqueItems": true, "items": { "enum": roles } })
}

pub(crate) fn stops(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "uniqueItems": true, "items": { "enum": promised() } })
}

const KEY: &str = "^[a-z][a-z0-9-]{0,39}$";
const ORIGIN: &str = "^[a-z][a-z0-9-]{0,62}/I[0-9]{8}-[0-9]{2,6}$";
const CRITERION: &str = "^G[1-4](\\.[0-9])?$";

pub(crate) fn key(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "pattern": KEY })
}

pub(crate) fn origin(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "pattern": ORIGIN })
}

pub(crate) fn criteria(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "maxItems": 32, "uniqueItems": true, "items": { "type": "string", "pattern": CRITERION } })
}

/// The roles of a command; others have no part in an incident.
pub(crate) fn command_role(_: &mut SchemaGenerator) -> Schema {
    use redress_model::words::DutyRole::{FrontOffice, Handler, RegionContact};
    let roles = redress_model::words::DutyRole::ALL.iter();
    let roles: Vec<&str> = roles
        .filter(|role| !matches!(role, FrontOffice | Handler | RegionContact))
        .map(|role| role.word())
        .collect();
    json_schema!({ "enum": roles })
}

fn map_of(keys: Vec<&'static str>, of: &Value) -> Schema {
    let properties: Map<String, Value> = keys
        .into_iter()
        .map(|key| (key.to_owned(), of.clone()))
        .collect();
    json_schema!({ "type": "object", "properties": properties, "additionalProperties": false })
}

pub(crate) fn clocks(generator: &mut SchemaGenerator) -> Schema {
    let rule = generator.subschema_for::<crate::document::LengthRule>();
    map_of(
        promised(),
        &json!({ "type": "array", "maxItems": 32, "items": rule }),
    )
}

pub(crate) fn law(generator: &mut SchemaGenerator) -> Schema {
    let rule = generator.subschema_for::<crate::document::LegalRule>();
    map_of(all::<LegalDeadline>(), &json!(rule))
}

pub(crate) fn signals(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "uniqueItems": true, "items": { "enum": all::<SignalKind>() } })
}

pub(crate) fn text(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "minLength": 1, "maxLength": 100 })
}

pub(crate) fn warn_early(_: &mut SchemaGenerator) -> Schema {
    map_of(
        promised(),
        &json!({ "type": "integer", "minimum": 1, "maximum": 99 }),
    )
}

pub(crate) fn reasons(generator: &mut SchemaGenerator) -> Schema {
    let rule = generator.subschema_for::<crate::document::HoldRule>();
    map_of(all::<HoldReason>(), &json!(rule))
}

/// The schema of a whole profile.
pub fn profile_schema() -> Value {
    let mut schema: Value = schemars::schema_for!(Policy).into();
    schema["$id"] = json!("urn:redress:profile");
    schema["title"] = json!("Profile of Redress");
    schema
}

/// The schema of a playbook.
pub fn playbook_schema() -> Value {
    let mut schema: Value = schemars::schema_for!(crate::Playbook).into();
    schema["$id"] = json!("urn:redress:playbook");
    schema["title"] = json!("Playbook of Redress");
    schema
}

/// The schema of what an organization, a region or a site changes.
pub fn overlay_schema() -> Value {
    let mut schema = profile_schema();
    schema["$id"] = json!("urn:redress:policy");
    schema["title"] = json!("Policy of an organization, a region or a site");
    schema["description"] = json!(
        "What it changes of the profiles. Values that are missing stay as the level above has them; lists are \
         replaced whole; what stands below profiles holds for that profile alone and comes last."
    );
    for (name, of) in schema["$defs"].as_object_mut().into_iter().flatten() {
        if let Some(of) = of.as_object_mut().filter(|_| name != LISTED) {
            of.remove("required");
        }
    }
    if let Some(root) = schema.as_object_mut() {
        root.remove("required");
    }
    let mut sections = schema["properties"].take();
    for name in HEADER {
        if let Some(sections) = sections.as_object_mut() {
            sections.remove(name);
        }
    }
    schema["$defs"]["Sections"] = json!({
        "description": "What is changed of one profile alone.",
        "type": "object",
        "properties": sections.clone(),
        "additionalProperties": false,
    });
    let profiles: Map<String, Value> = crate::PROFILES
        .iter()
        .map(|name| ((*name).to_owned(), json!({ "$ref": "#/$defs/Sections" })))
        .collect();
    sections["profiles"] = json!({
        "description": "What is changed of one profile alone.",
        "type": "object",
        "properties": profiles,
        "additionalProperties": false,
    });
    schema["properties"] = sections;
    schema
}

static PROFILE: LazyLock<Validator> = LazyLock::new(|| compiled(&profile_schema()));
static PLAYBOOK: LazyLock<Validator> = LazyLock::new(|| compiled(&playbook_schema()));
static OVERLAY: LazyLock<Validator> = LazyLock::new(|| compiled(&overlay_schema()));

fn compiled(schema: &Value) -> Validator {
    jsonschema::validator_for(schema).expect("a schema made from the types is one, as a test shows")
}

/// Holds a document against the schema of a profile.
pub(crate) fn check_profile(source: &Source) -> Result<(), Problems> {
    check(&PROFILE, source)
}

/// Holds a document against the schema of an overlay.
pub(crate) fn check_overlay(source: &Source) -> Result<(), Problems> {
    check(&OVERLAY, source)
}

/// Holds a document against the schema of a playbook.
pub(crate) fn check_playbook(source: &Source) -> Result<(), Problems> {
    check(&PLAYBOOK, source)
}

fn check(validator: &Validator, source: &Source) -> Result<(), Problems> {
    let mut problems: Vec<Problem> = validator
        .iter_errors(&source.value)
        .flat_map(|error| explain(&error))
        .collect();
    let pointed = pointed(&source.value);
    if pointed != source.value {
        let of_type =
            |error: &ValidationError<'_>| matches!(error.kind(), ValidationErrorKind::Type { .. });
        let errors = validator.iter_errors(&pointed).filter(of_type);
        problems.extend(errors.flat_map(|error| explain(&error)));
    }
    for problem in &mut problems {
        problem.place = source.place(&problem.field);
    }
    problems.sort_by_key(|p| p.place.map(|place| (place.line, place.column)));
    problems.dedup();
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Problems(problems))
    }
}

/// The same with every number that ends in `.0` made a fraction: the schema takes 3.0 for a whole number, the types do not.
fn pointed(value: &Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => match number.as_f64() {
            Some(float) if float.fract() == 0.0 => json!(float + 0.5),
            _ => value.clone(),
        },
        Value::Array(items) => items.iter().map(pointed).collect(),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, of)| (key.clone(), pointed(of)));
            Value::Object(fields.collect())
        }
        other => other.clone(),
    }
}

/// An error of the schema in the words of people, at the field that is wrong.
fn explain(error: &ValidationError<'_>) -> Vec<Problem> {
    let field =
        error
            .instance_path()
            .segments()
            .fold(String::new(), |field, segment| match segment {
                LocationSegment::Index(index) => item(&field, index),
                LocationSegment::Property(key) => child(&field, &key),
            });
    let one = |description: String| vec![Problem::new(field.clone(), description)];
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => unexpected
            .iter()
            .map(|key| Problem::new(child(&field, key), "is not a field of a policy"))
            .collect(),
        ValidationErrorKind::Required { property } => {
            let key = property.as_str().unwrap_or_default();
            one(format!("needs {key}"))
        }
        ValidationErrorKind::Enum { options } => {
            let words: Vec<&str> = options
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            one(format!("must be one of {}", words.join(", ")))
        }
        ValidationErrorKind::Pattern { pattern } => {
            let looks = LOOKS.iter().find(|(of, _)| of == pattern);
            one(format!(
                "must look like {}",
                looks.map_or(pattern.as_str(), |(_, looks)| looks)
            ))
        }
        ValidationErrorKind::Type { kind } => {
            let wanted = match kind {
                TypeKind::Single(one) => one.to_string(),
                TypeKind::Multiple(_) => "another kind of value".to_owned(),
            };
            one(format!("must be {}", type_name(&wanted)))
        }
        ValidationErrorKind::Minimum { limit } => one(format!("must be {limit} or more")),
        ValidationErrorKind::Maximum { limit } => one(format!("must be {limit} or less")),
        ValidationErrorKind::ExclusiveMinimum { limit } => one(format!("must be above {limit}")),
        ValidationErrorKind::MinItems { limit } => one(format!("must have {limit} or more items")),
        ValidationErrorKind::MaxItems { limit } => one(format!("must have {limit} or fewer items")),
        ValidationErrorKind::UniqueItems => one("must not name anything twice".to_owned()),
        other => one(format!("does not fit the schema ({})", other.keyword())),
    }
}

fn type_name(json: &str) -> &str {
    match json {
        "object" => "a mapping",
        "array" => "a list",
        "string" => "a text (quote it)",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        other => other,
    }
}
