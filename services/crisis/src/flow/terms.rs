//! What an incident is run by: frozen at its opening, changed by a person, visibly.

use redress_model::Fault;
use redress_policy::playbook::choose;
use redress_proto::event::v1 as events;
use redress_store::Tx;
use serde_json::Value;

use super::keeping::Carried;
use super::playbook::brings;
use super::{Desk, Transition, Turn};
use crate::Settings;
use crate::domain::terms::Terms;
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
    pub actor: String,
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
        let (settings, mut changes) = changed(old, &wanted.settings)?;
        let after = match (chosen, before.clone()) {
            (Some(chosen), _) => frozen(settings, chosen),
            (None, Some(before)) => Frozen { settings, ..before },
            (None, None) => return Ok(None),
        };
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
            actor: &wanted.actor,
            reason: &wanted.reason,
            at: self.now,
        };
        terms::add(self.tx, &site, id, &after, change).await?;
        self.terms = self.desk.terms(Some(after))?;
        for (field, old, new) in &changes {
            let text = format!("{field}: {old} → {new} ({})", wanted.reason);
            self.note(LogKind::TermsChanged, &wanted.actor, &text, "")
                .await?;
        }
        if from != to {
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

    /// Tasks that only the old playbook has are left; those of the new one are made. What is to be brought to an authority is
    /// of no playbook, and stays.
    async fn follow_playbook(&mut self, wanted: &Wanted) -> Result<(), Fault> {
        let plan = self.terms.plan(self.incident.stage);
        let kept: Vec<String> = plan
            .map(|p| p.tasks.iter().map(|t| t.key.clone()).collect())
            .unwrap_or_default();
        let gone =
            move |t: &crate::store::tasks::Task| !kept.contains(&t.key) && brings(&t.key).is_none();
        self.skip_tasks(gone, &wanted.reason, &[], &wanted.actor)
            .await?;
        self.make_tasks(self.now).await
    }
}

/// A change of one value: field, old, new.
type Changed = (String, String, String);

/// The settings with these values, and which of them are others than before.
fn changed(old: &Settings, wanted: &[(String, String)]) -> Result<(Settings, Vec<Changed>), Fault> {
    let mut tree = serde_json::to_value(old).map_err(Fault::internal)?;
    let mut changes = Vec::new();
    for (n, (field, value)) in wanted.iter().enumerate() {
        let at = |part: &str| format!("settings[{n}].{part}");
        let leaf = field
            .split('.')
            .try_fold(&mut tree, |of, key| of.get_mut(key));
        let Some(leaf) = leaf.filter(|l| !l.is_object()) else {
            return Err(Fault::invalid(at("field"), "is no setting of an incident"));
        };
        let before = shown(leaf);
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
        policy.map_err(|what| Fault::invalid(at("value"), format!("does not fit: {what}")))?;
        if before != *value {
            changes.push((field.clone(), before, value.clone()));
        }
    }
    let settings = serde_json::from_value(tree).map_err(Fault::internal)?;
    Ok((settings, changes))
}

fn shown(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Every setting: field and value.
///
/// # Errors
/// When they cannot be written down.
pub fn listed(settings: &Settings) -> Result<Vec<(String, String)>, Fault> {
    fn walk(at: &str, value: &Value, into: &mut Vec<(String, String)>) {
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
    let mut all = Vec::new();
    walk(
        "",
        &serde_json::to_value(settings).map_err(Fault::internal)?,
        &mut all,
    );
    Ok(all)
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

    fn change(field: &str, value: &str) -> Result<(Settings, Vec<Changed>), Fault> {
        changed(&settings(), &[(field.to_owned(), value.to_owned())])
    }

    #[test]
    fn a_setting_is_changed_by_its_name_and_says_what_it_was() {
        let (after, changes) = change("inside_report.outbreak", "2 hours").expect("fits");
        let told = (
            "inside_report.outbreak".into(),
            "4 hours".into(),
            "2 hours".into(),
        );
        assert_eq!(changes, [told]);
        let policy = after.policy().expect("right");
        assert_eq!(policy.inside_report.outbreak.to_string(), "2 hours");
        let (after, changes) = change("inside_report.outbreak", "4 hours").expect("fits");
        assert_eq!(
            (after, changes),
            (settings(), Vec::new()),
            "nothing changes"
        );
        assert_eq!(change("statement_quorum", "2").expect("fits").1.len(), 1);
    }

    #[test]
    fn what_is_no_setting_or_no_value_is_refused_by_its_field() {
        for (field, value, named) in [
            ("inside_report", "2 hours", "settings[0].field"),
            ("nothing", "x", "settings[0].field"),
            ("inside_report.outbreak", "soon", "settings[0].value"),
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
        let all = listed(&settings()).expect("plain");
        assert!(all.len() >= 14, "{all:?}");
        for (field, value) in all {
            let (_, changes) = change(&field, &value).expect(&field);
            assert!(changes.is_empty(), "{field}");
        }
    }
}
