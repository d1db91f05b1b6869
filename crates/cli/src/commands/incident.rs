//! `redress incident`: the coordinated responses.

use std::collections::{BTreeSet, HashMap};

use redress_model::words::{ClockKind, ClockState, DutyRole, UnknownWord};
use redress_proto::crisis::v1::{
    CallOutState, Deputy, GateWaiver, GetCommandRequest, GetIncidentRequest, Incident,
    IncidentMode, IncidentStage, IncidentState, ListIncidentsRequest, MoveStageRequest,
};

use super::{Promise, aftermath, choice, command, plan, show_promises, spelled, word};
use crate::args::IncidentCommand;
use crate::connect::{Home, Platform, all_pages, parent, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::{
    Output, grade, heading, instants, line, short, show_table, table, until, when,
};

/// So many letters of an id say which it is.
const ID_PART_MIN: usize = 6;

/// Runs a subcommand.
pub(crate) async fn run(
    home: &Home,
    platform: impl FnOnce() -> Result<Platform, Failure>,
    command: IncidentCommand,
    out: Output,
) -> Result<(), Failure> {
    if let IncidentCommand::Aftermath(command) = command {
        return aftermath::run(home, platform, command, out).await;
    }
    let platform = &platform()?;
    match command {
        IncidentCommand::Aftermath(_) => {}
        IncidentCommand::Command(command) => return command::run(platform, command, out).await,
        IncidentCommand::Plan(command) => return plan::run(platform, command, out).await,
        IncidentCommand::List {
            site,
            state,
            paging,
        } => {
            let filter = ListIncidentsRequest {
                parent: parent(site.as_deref()),
                state: state.map(|s| state_number(&s)).transpose()?.unwrap_or(0),
                ..Default::default()
            };
            let incidents = list(platform, filter, paging.limit).await?;
            show_all(&incidents, out);
        }
        IncidentCommand::Show { name } => {
            let name = find(platform, name).await?;
            let get = GetCommandRequest { name: name.clone() };
            let answer = platform
                .incidents()
                .get_incident(request(GetIncidentRequest { name }))
                .await?;
            let incident = answer.into_inner().incident.unwrap_or_default();
            let answer = platform.commands().get_command(request(get)).await?;
            let deputies = answer.into_inner().command.unwrap_or_default().deputies;
            out.one(
                || json::of("crisis.v1.Incident", &incident),
                || show(&incident, &deputies),
            );
        }
        IncidentCommand::Matrix { name } => super::matrix::run(platform, name, out).await?,
        IncidentCommand::Stage {
            name,
            stage,
            reason,
            waive,
        } => {
            let move_stage = MoveStageRequest {
                name: find(platform, name).await?,
                stage: stage_number(&stage)?,
                reason,
                waivers: waive.iter().map(|w| waiver(w)).collect::<Result<_, _>>()?,
                etag: String::new(),
                request_id: request_id(),
            };
            let answer = platform.incidents().move_stage(request(move_stage)).await?;
            one(&answer.into_inner().incident.unwrap_or_default(), out);
        }
    }
    Ok(())
}

/// The incident's resource name, which may be given as `site/number`, or with the end of its id where a list shows no
/// more of it.
pub(super) async fn find(platform: &Platform, name: String) -> Result<String, Failure> {
    if name.starts_with("sites/") {
        return Ok(name);
    }
    let (site, number) = match name.split_once('/') {
        Some((site, number)) => (Some(site), number),
        None => (None, name.as_str()),
    };
    let filter = ListIncidentsRequest {
        parent: parent(site),
        ..Default::default()
    };
    let incidents = list(platform, filter, None).await?;
    match called(&incidents, number)[..] {
        [one] => Ok(one.name.clone()),
        [] => Err(Failure::NotFound {
            what: "incident with the number",
            name,
        }),
        _ => Err(Failure::Ambiguous { name }),
    }
}

/// The incidents that a number means, or else an end of an id.
fn called<'a>(incidents: &'a [Incident], text: &str) -> Vec<&'a Incident> {
    let numbered: Vec<&Incident> = incidents.iter().filter(|i| i.number == text).collect();
    if !numbered.is_empty() || text.len() < ID_PART_MIN {
        return numbered;
    }
    let is_part = |i: &&Incident| {
        let id = i.name.rsplit('/').next().unwrap_or_default();
        id.ends_with(text) || id.starts_with(text)
    };
    incidents.iter().filter(is_part).collect()
}

/// Those of these names that the caller may see, and how commands take them: `site/number`.
pub(crate) async fn numbers(platform: &Platform, names: &[&str]) -> HashMap<String, String> {
    let sites: BTreeSet<String> = names.iter().map(|name| site_of(name)).collect();
    let mut numbers = HashMap::new();
    for site in sites {
        let filter = ListIncidentsRequest {
            parent: parent(Some(&site)),
            ..Default::default()
        };
        let found = list(platform, filter, None).await.unwrap_or_default();
        let wanted = found
            .into_iter()
            .filter(|i| names.contains(&i.name.as_str()));
        numbers.extend(wanted.map(|i| (i.name, format!("{site}/{}", i.number))));
    }
    numbers
}

pub(super) fn one(incident: &Incident, out: Output) {
    out.one(
        || json::of("crisis.v1.Incident", incident),
        || show(incident, &[]),
    );
}

/// `GAP=REASON`.
pub(super) fn waiver(text: &str) -> Result<GateWaiver, Failure> {
    let (gap, reason) = text.split_once('=').ok_or_else(|| Failure::Word {
        argument: "waive",
        unknown: UnknownWord {
            text: text.to_owned(),
            expected: "GAP=REASON, for example promise/HOLDING_STATEMENT='nobody asks'".to_owned(),
        },
    })?;
    if reason.trim().is_empty() {
        return Err(Failure::Argument {
            argument: "waive",
            reason: format!("must say why {gap} is left open: {gap}=REASON"),
        });
    }
    Ok(GateWaiver {
        gap: gap.to_owned(),
        reason: reason.to_owned(),
    })
}

pub(super) fn stage_number(text: &str) -> Result<i32, Failure> {
    choice("stage", "INCIDENT_STAGE_", text, IncidentStage::as_str_name)
}

fn state_number(text: &str) -> Result<i32, Failure> {
    choice("state", "INCIDENT_STATE_", text, IncidentState::as_str_name)
}

/// The incidents that a request asks for.
async fn list(
    platform: &Platform,
    filter: ListIncidentsRequest,
    limit: Option<usize>,
) -> Result<Vec<Incident>, Failure> {
    let client = platform.incidents();
    all_pages(limit, |page_size, page_token| {
        let mut client = client.clone();
        let filter = ListIncidentsRequest {
            page_size,
            page_token,
            ..filter.clone()
        };
        async move {
            let answer = client.list_incidents(request(filter)).await?.into_inner();
            Ok((answer.incidents, answer.next_page_token))
        }
    })
    .await
}

fn show_all(incidents: &[Incident], out: Output) {
    let now = crate::now::now();
    out.rows(
        &[
            "Incident",
            "Site",
            "State",
            "Mode",
            "Stage",
            "Cases",
            "Open since",
            "Next promise",
        ],
        incidents,
        |i| {
            let next = i
                .clocks
                .iter()
                .filter(|c| {
                    word::<ClockState>(c.state) == "RUNNING"
                        || word::<ClockState>(c.state) == "BREACHED"
                })
                .min_by_key(|c| c.due_time.map(|t| t.seconds));
            vec![
                i.number.clone(),
                site_of(&i.name),
                state(i.state),
                mode(i.mode),
                stage(i.stage),
                cases_of(i),
                when(i.open_time.as_ref()),
                next.map_or_else(
                    || "–".to_owned(),
                    |c| {
                        format!(
                            "{} {}",
                            word::<ClockKind>(c.kind),
                            until(c.due_time.as_ref(), now)
                        )
                    },
                ),
            ]
        },
        |i| json::of("crisis.v1.Incident", i),
    );
}

/// The case that it began with, and how many more.
fn cases_of(i: &Incident) -> String {
    let first = i.cases.iter().map(|c| c.number.as_str());
    match (
        first.clone().find(|number| !number.is_empty()),
        i.case_count,
    ) {
        (Some(number), 1) => number.to_owned(),
        (Some(number), count) => format!("{number} +{}", count - 1),
        (None, count) => count.to_string(),
    }
}

fn show(i: &Incident, deputies: &[Deputy]) {
    let now = crate::now::now();
    heading(&format!("Incident {}", i.number));
    line("name", &i.name);
    line("state", state(i.state));
    line("mode", format!("{} ({})", mode(i.mode), i.mode_reason));
    line("stage", stage(i.stage));
    line("opened", when(i.open_time.as_ref()));
    line("matter", &i.cluster);

    heading("Roles");
    let mut roles = table(&["Role", "Who", command::NEXT_BY_ROSTER, "Call-out"]);
    for r in &i.roles {
        let who = match (r.staff.as_str(), r.stand_in.as_str()) {
            ("", "") => "nobody, and nobody is left to page".to_owned(),
            ("", lead) => format!("nobody: {} is paged", short(lead)),
            (staff, _) => short(staff),
        };
        let next: Vec<String> = r.deputies.iter().map(|d| short(d)).collect();
        roles.add_row(vec![
            word::<DutyRole>(r.role),
            who,
            next.join(", "),
            spelled(
                CallOutState::try_from(r.call_out_state).map_or("", |s| s.as_str_name()),
                "CALL_OUT_STATE_",
            ),
        ]);
    }
    show_table(roles);
    command::show_deputies(deputies);

    let promises = i.clocks.iter().map(|c| Promise {
        kind: c.kind,
        of: match c.role {
            0 => String::new(),
            role => format!("{} {}", word::<DutyRole>(role), short(&c.subject)),
        },
        state: c.state,
        held: false,
        due: c.due_time,
    });
    show_promises(promises, now);

    heading("Cases");
    let mut cases = table(&["Case", "Grade", "Criteria", "Joined"]);
    for c in &i.cases {
        cases.add_row(vec![
            c.number.clone(),
            grade(c.grade),
            c.criteria.join(" "),
            when(c.join_time.as_ref()),
        ]);
    }
    show_table(cases);

    heading("Log");
    for entry in &i.log_entries {
        let by = match entry.actor.as_str() {
            "" => String::new(),
            actor => format!(" ({actor})"),
        };
        crate::output::say!(
            "  {}  {}{by}",
            when(entry.log_time.as_ref()),
            instants(&entry.text)
        );
    }
}

pub(super) fn site_of(name: &str) -> String {
    name.split('/').nth(1).unwrap_or_default().to_owned()
}

fn state(value: i32) -> String {
    spelled(
        IncidentState::try_from(value).map_or("", |s| s.as_str_name()),
        "INCIDENT_STATE_",
    )
}

fn mode(value: i32) -> String {
    spelled(
        IncidentMode::try_from(value).map_or("", |s| s.as_str_name()),
        "INCIDENT_MODE_",
    )
}

fn stage(value: i32) -> String {
    spelled(
        IncidentStage::try_from(value).map_or("", |s| s.as_str_name()),
        "INCIDENT_STAGE_",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_the_case_that_an_incident_began_with() {
        let of = |numbers: &[&str], case_count| {
            cases_of(&Incident {
                cases: numbers
                    .iter()
                    .map(|number| redress_proto::crisis::v1::IncidentCase {
                        number: (*number).to_owned(),
                        ..Default::default()
                    })
                    .collect(),
                case_count,
                ..Default::default()
            })
        };
        assert_eq!(of(&["LS-1"], 1), "LS-1");
        assert_eq!(of(&["LS-1", "LS-2", "LS-3"], 1_200), "LS-1 +1199");
        assert_eq!(of(&[""], 1), "1", "not known here yet");
        assert_eq!(of(&["", "LS-2"], 2), "LS-2 +1");
        assert_eq!(of(&[], 0), "0");
    }

    #[test]
    fn an_incident_is_called_by_its_number_or_by_an_end_of_its_id() {
        let incident = |number: &str, id: &str| Incident {
            name: format!("sites/lakeside/incidents/{id}"),
            number: number.to_owned(),
            ..Default::default()
        };
        let all = [
            incident("I20261129-01", "0190a6c2-0000-7000-8000-0000452ff4cd"),
            incident("I20261129-02", "0190a6c2-0000-7000-8000-00001af44245"),
        ];
        let found = |text: &str| {
            let found = called(&all, text);
            found.iter().map(|i| i.number.clone()).collect::<Vec<_>>()
        };
        assert_eq!(found("I20261129-02"), ["I20261129-02"]);
        assert_eq!(found("452ff4cd"), ["I20261129-01"]);
        assert_eq!(found("0190a6c2"), ["I20261129-01", "I20261129-02"]);
        assert!(found("").is_empty());
        assert!(found("cd").is_empty(), "too little to say which");
        assert!(found("I20261129").is_empty(), "a number is whole");
    }
}
