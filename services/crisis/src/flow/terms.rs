//! What an incident is run by: frozen at its opening, changed by a person, visibly.

use redress_clock::{Length, LengthError};
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_policy::Playbook;
use redress_policy::playbook::choose;
use redress_proto::event::v1 as events;
use redress_store::Tx;
use serde_json::Value;
use uuid::Uuid;

use super::keeping::Carried;
use super::playbook::{brings, checks};
use super::{Desk, Transition, Turn};
use crate::Settings;
use crate::domain::statement::{Person, is_author};
use crate::domain::terms::{Pace, Terms, spelled};
use crate::domain::words::LogKind;
use crate::store::incidents::Incident;
use crate::store::playbooks::{self, Known};
use crate::store::policy;
use crate::store::terms::{self, Change, Frozen};

impl Desk {
    /// What an incident is run by, from what was frozen. One that opened before anything was goes by what holds now.
    ///
    /// # Errors
    /// When what was frozen cannot be read.
    pub fn terms(&self, frozen: Option<Frozen>) -> Result<Terms, Fault> {
        Ok(match frozen {
            None => Terms {
                policy: self.policy.clone(),
                playbook: None,
            },
            Some(frozen) => Terms {
                policy: frozen.settings.policy().map_err(Fault::internal)?,
                playbook: Some(frozen.playbook),
            },
        })
    }
}

/// How many of the spokesperson's chain approve what these people wrote: whoever wrote a text lowers nothing for it (I7).
///
/// # Errors
/// When Postgres is away.
pub(super) async fn quorum(
    tx: &mut Tx,
    desk: &Desk,
    site: &SiteId,
    incident: Uuid,
    authors: &[Person],
) -> Result<usize, Fault> {
    let (mut asked, mut others) = (None, desk.policy.statement_quorum);
    for (frozen, changed) in terms::history(tx, &desk.settings, site, incident).await? {
        let next = desk.terms(Some(frozen))?.policy.statement_quorum;
        // Whoever changes something else said nothing about it.
        if asked != Some(next) && (asked.is_none() || !is_author(authors, &changed.by)) {
            // Who asks for more than now asks for no less than others did.
            others = match asked {
                Some(now) if now < next => others.max(next),
                _ => next,
            };
        }
        asked = Some(next);
    }
    Ok(others.max(asked.unwrap_or(others)))
}

/// Freezes what a new incident is run by. The playbook is that of the criteria, the time of the briefing that of the site (M01).
pub(super) async fn freeze(
    tx: &mut Tx,
    desk: &Desk,
    incident: &Incident,
    criteria: &[String],
) -> Result<(), Fault> {
    let site = &incident.name.site;
    let known = playbooks::of_site(tx, site).await?;
    let chosen = choose(known.iter().map(|k| &k.playbook), criteria)
        .and_then(|chosen| known.iter().find(|k| k.playbook.name == chosen.name))
        .ok_or_else(|| Fault::internal("no playbook is shipped"))?;
    let briefing = policy::briefing(tx, site).await?;
    let frozen = frozen(desk.settings.clone().briefed(&briefing), chosen);
    let change = Change {
        actor: &incident.opened_by,
        staff: None,
        reason: &incident.open_reason,
        at: incident.opened,
    };
    terms::add(tx, site, incident.name.id, &frozen, change).await
}

fn frozen(settings: Settings, known: &Known) -> Frozen {
    Frozen {
        settings,
        playbook: known.playbook.clone(),
        playbook_revision: known.revision,
    }
}

/// What a person wants to change.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The playbook; none stays.
    pub playbook: Option<String>,
    /// Settings: field and value.
    pub settings: Vec<(String, String)>,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: Person,
}

impl Turn<'_> {
    /// Changes what the incident is run by. None where nothing changes.
    ///
    /// # Errors
    /// INVALID_ARGUMENT, NOT_FOUND.
    pub async fn change_terms(&mut self, wanted: &Wanted) -> Result<Option<Transition>, Fault> {
        let (site, id) = (self.site(), self.incident.name.id);
        let known = playbooks::of_site(self.tx, &site).await?;
        let named = |name: &str| known.iter().find(|k| k.playbook.name == name);
        let before = terms::newest(self.tx, &self.desk.settings, &site, id).await?;
        let chosen = match (&wanted.playbook, &before) {
            (Some(name), _) => {
                let found = named(name);
                Some(found.ok_or_else(|| Fault::not_found("Playbook", name))?)
            }
            (None, Some(_)) => None,
            (None, None) => {
                let text = "must be given: this incident is older than playbooks";
                return Err(Fault::invalid("playbook", text));
            }
        };
        let old = before.as_ref().map_or(&self.desk.settings, |b| &b.settings);
        // A playbook that is named brings its own rhythms; what the same call sets comes after them.
        let mut after = match (chosen, before.clone()) {
            (Some(chosen), _) => frozen(old.clone(), chosen),
            (None, Some(before)) => before,
            (None, None) => return Ok(None),
        };
        set(&mut after, &wanted.settings)?;
        let playbook = before.as_ref().map(|b| &b.playbook);
        let mut changes = changes(
            &in_force(old, playbook)?,
            &in_force(&after.settings, Some(&after.playbook))?,
        );
        let label = |f: &Frozen| format!("{} r{}", f.playbook.name, f.playbook_revision);
        let (from, to) = (
            before.as_ref().map(label).unwrap_or_default(),
            label(&after),
        );
        if from != to {
            changes.push(("playbook".to_owned(), from.clone(), to.clone()));
        }
        if changes.is_empty() {
            return Ok(None);
        }
        let change = Change {
            actor: &wanted.by.subject,
            staff: wanted.by.staff.as_ref(),
            reason: &wanted.reason,
            at: self.now,
        };
        terms::add(self.tx, &site, id, &after, change).await?;
        self.terms = self.desk.terms(Some(after))?;
        for (field, old, new) in &changes {
            let text = format!("{field}: {old} → {new} ({})", wanted.reason);
            self.note(LogKind::TermsChanged, &wanted.by.subject, &text, "")
                .await?;
        }
        if chosen.is_some() {
            self.follow_playbook(wanted).await?;
        }
        let payload = events::IncidentTermsChanged {
            incident: self.incident.name.to_string(),
            changes: changes
                .into_iter()
                .map(|(field, old_value, new_value)| events::TermChange {
                    field,
                    old_value,
                    new_value,
                })
                .collect(),
            reason: wanted.reason.clone(),
            revision: self.incident.revision + 1,
        };
        self.publish("redress.incident.terms_changed.v1", &payload)
            .await?;
        // Another quorum takes back a first word that was ready, or makes one ready.
        self.reconcile(self.now, &Carried::new()).await?;
        Ok(Some(Transition::Noted))
    }

    /// Tasks that only the old playbook has are left; those of the new one are made. What is to be brought to an authority, and
    /// whether nothing is new, is of no playbook, and stays.
    async fn follow_playbook(&mut self, wanted: &Wanted) -> Result<(), Fault> {
        let plan = self.terms.plan(self.incident.stage);
        let kept: Vec<String> = plan
            .map(|p| p.tasks.iter().map(|t| t.key.clone()).collect())
            .unwrap_or_default();
        let gone = move |t: &crate::store::tasks::Task| {
            let ours = brings(&t.key).is_some() || checks(&t.key).is_some();
            !ours && !kept.contains(&t.key)
        };
        self.skip_tasks(gone, &wanted.reason, &[], &wanted.by.subject)
            .await?;
        self.make_tasks(self.now).await
    }
}

/// Sets these values. A cadence takes the place of the playbook's rhythm too.
fn set(frozen: &mut Frozen, wanted: &[(String, String)]) -> Result<(), Fault> {
    let mut tree = serde_json::to_value(&frozen.settings).map_err(Fault::internal)?;
    for (n, (field, value)) in wanted.iter().enumerate() {
        let at = |part: &str| format!("settings[{n}].{part}");
        let misfit = |what: String| Fault::invalid(at("value"), format!("does not fit: {what}"));
        let pace = Pace::named(field);
        if let Some(pace) = pace {
            let rhythm = pace.rhythm(&frozen.playbook);
            // What is listed is left as it is, a rhythm that slows down too.
            if rhythm.is_some_and(|rhythm| spelled(rhythm) == *value) {
                continue;
            }
            let period: Length = value
                .parse()
                .map_err(|e: LengthError| misfit(e.to_string()))?;
            let silent = rhythm.is_none()
                && leaf(&mut tree, &pace.configured()).is_some_and(|l| shown(l) == *value);
            if silent {
                continue;
            }
            pace.set(&mut frozen.playbook, period);
        }
        let Some(leaf) = leaf(&mut tree, field) else {
            // What is only latent has a rhythm and no setting of its own.
            if pace.is_some() {
                continue;
            }
            return Err(Fault::invalid(at("field"), "is no setting of an incident"));
        };
        *leaf = match &*leaf {
            Value::Number(_) => {
                let number: u16 = value
                    .parse()
                    .map_err(|_| Fault::invalid(at("value"), "must be a whole number"))?;
                number.into()
            }
            _ => Value::String(value.clone()),
        };
        // Each alone, so that the one that is wrong is named.
        let read: Result<Settings, _> = serde_json::from_value(tree.clone());
        let policy = match &read {
            Ok(settings) => settings.policy().map(|_| ()).map_err(|e| e.to_string()),
            Err(error) => Err(error.to_string()),
        };
        policy.map_err(misfit)?;
    }
    frozen.settings = serde_json::from_value(tree).map_err(Fault::internal)?;
    Ok(())
}

/// One setting of a tree; none for a group of them.
fn leaf<'t>(tree: &'t mut Value, field: &str) -> Option<&'t mut Value> {
    field
        .split('.')
        .try_fold(tree, |of, key| of.get_mut(key))
        .filter(|leaf| !leaf.is_object())
}

/// A change of one value: field, old, new.
type Changed = (String, String, String);

/// What is in force otherwise than before.
fn changes(before: &[Setting], after: &[Setting]) -> Vec<Changed> {
    let of = |all: &[Setting], field: &str| {
        let value = |field: &str| Some(all.iter().find(|(f, _)| f == field)?.1.clone());
        let configured = || value(&Pace::named(field)?.configured());
        value(field).or_else(configured).unwrap_or_default()
    };
    let gone = before
        .iter()
        .filter(|(field, _)| after.iter().all(|(f, _)| f != field));
    after
        .iter()
        .chain(gone)
        .map(|(field, _)| (field.clone(), of(before, field), of(after, field)))
        .filter(|(_, old, new)| old != new)
        .collect()
}

fn shown(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// A setting: field and value.
type Setting = (String, String);

/// Every setting that is in force: the playbook's rhythm where it has one, else as configured. What is only latent goes by the
/// handling, and is named where the playbook says otherwise.
///
/// # Errors
/// When they cannot be written down.
pub fn in_force(settings: &Settings, playbook: Option<&Playbook>) -> Result<Vec<Setting>, Fault> {
    let mut all = Vec::new();
    walk(
        "",
        &serde_json::to_value(settings).map_err(Fault::internal)?,
        &mut all,
    );
    for pace in Pace::all() {
        let Some(rhythm) = playbook.and_then(|p| pace.rhythm(p)) else {
            continue;
        };
        let (field, value) = (pace.field(), spelled(rhythm));
        match all.iter_mut().find(|(f, _)| *f == field) {
            Some(setting) => setting.1 = value,
            None => all.push((field, value)),
        }
    }
    Ok(all)
}

fn walk(at: &str, value: &Value, into: &mut Vec<Setting>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let at = if at.is_empty() {
                    key.clone()
                } else {
                    format!("{at}.{key}")
                };
                walk(&at, value, into);
            }
        }
        leaf => into.push((at.to_owned(), shown(leaf))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        let file: toml::Table = include_str!("../../config.toml").parse().expect("toml");
        file["service"]
            .clone()
            .try_into()
            .expect("every key is known")
    }

    fn frozen_with(playbook: &str) -> Frozen {
        let shipped = Playbook::shipped().iter().find(|p| p.name == playbook);
        Frozen {
            settings: settings(),
            playbook: shipped.expect("shipped").clone(),
            playbook_revision: 0,
        }
    }

    fn listed(frozen: &Frozen) -> Vec<Setting> {
        in_force(&frozen.settings, Some(&frozen.playbook)).expect("plain")
    }

    fn changed(from: &Frozen, field: &str, value: &str) -> Result<(Frozen, Vec<Changed>), Fault> {
        let mut after = from.clone();
        set(&mut after, &[(field.to_owned(), value.to_owned())])?;
        let told = changes(&listed(from), &listed(&after));
        Ok((after, told))
    }

    fn change(field: &str, value: &str) -> Result<(Frozen, Vec<Changed>), Fault> {
        changed(&frozen_with("group-protest"), field, value)
    }

    fn told(field: &str, old: &str, new: &str) -> Changed {
        (field.into(), old.into(), new.into())
    }

    #[test]
    fn a_setting_is_changed_by_its_name_and_says_what_it_was() {
        let (after, changes) = change("inside_report.outbreak", "2 hours").expect("fits");
        assert_eq!(
            changes,
            [told("inside_report.outbreak", "4 hours", "2 hours")]
        );
        let policy = after.settings.policy().expect("right");
        assert_eq!(policy.inside_report.outbreak.to_string(), "2 hours");
        let (after, changes) = change("inside_report.outbreak", "4 hours").expect("fits");
        assert_eq!(after.settings, settings());
        assert_eq!(after.playbook, frozen_with("group-protest").playbook);
        assert_eq!(changes, Vec::new(), "nothing changes");
        assert_eq!(change("statement_quorum", "2").expect("fits").1.len(), 1);
    }

    #[test]
    fn a_cadence_is_changed_from_what_the_playbook_had_in_force() {
        let (field, from) = ("inside_report.outbreak", frozen_with("danger-to-life"));
        let rhythm = "1 hour, decay 150 %, floor 4 hours";
        assert!(listed(&from).contains(&(field.into(), rhythm.into())));
        for value in ["2 hours", "4 hours", "1 hour"] {
            let (after, changes) = changed(&from, field, value).expect("fits");
            assert_eq!(changes, [told(field, rhythm, value)]);
            let (_, again) = changed(&after, field, value).expect("fits");
            assert_eq!(again, Vec::new(), "a repeat changes nothing");
        }
        let (after, changes) = changed(&from, field, rhythm).expect("as it is");
        assert_eq!((after.playbook, changes), (from.playbook, Vec::new()));
    }

    #[test]
    fn what_is_only_latent_goes_by_the_handling_until_it_is_named() {
        let (handling, latent) = ("outward_update.handling", "outward_update.latent");
        let (after, changes) = change(latent, "6 hours").expect("fits");
        assert_eq!(changes, [told(latent, "24 hours", "6 hours")]);
        let (after, changes) = changed(&after, handling, "12 hours").expect("fits");
        assert_eq!(changes, [told(handling, "24 hours", "12 hours")]);
        assert!(listed(&after).contains(&(latent.into(), "6 hours".into())));
        let shipped = Frozen {
            playbook: frozen_with("group-protest").playbook,
            ..after.clone()
        };
        let back = changes_of(&after, &shipped);
        assert_eq!(back, [told(latent, "6 hours", "12 hours")]);
    }

    fn changes_of(before: &Frozen, after: &Frozen) -> Vec<Changed> {
        changes(&listed(before), &listed(after))
    }

    #[test]
    fn what_is_no_setting_or_no_value_is_refused_by_its_field() {
        for (field, value, named) in [
            ("inside_report", "2 hours", "settings[0].field"),
            ("nothing", "x", "settings[0].field"),
            ("inside_report.outbreak", "soon", "settings[0].value"),
            ("inside_report.latent", "soon", "settings[0].value"),
            ("inside_report.later", "2 hours", "settings[0].field"),
            ("statement_quorum", "9", "settings[0].value"),
            ("statement_quorum", "many", "settings[0].value"),
            ("briefing_weekday", "FRIYAY", "settings[0].value"),
        ] {
            let fault = change(field, value).expect_err(field);
            assert!(fault.to_string().starts_with(named), "{fault}");
        }
    }

    #[test]
    fn every_setting_is_listed_and_can_be_named() {
        for playbook in redress_policy::PLAYBOOKS {
            let frozen = frozen_with(playbook);
            let all = listed(&frozen);
            assert!(all.len() >= 14, "{all:?}");
            for (field, value) in all {
                let (_, changes) = changed(&frozen, &field, &value).expect(&field);
                assert!(changes.is_empty(), "{field}");
            }
        }
    }
}
