//! `redress incident command|offer|accept|deputy|open|split|link|unlink`: who commands, and what belongs together.

use clap::Subcommand;
use jiff::Timestamp;
use redress_model::words::DutyRole;
use redress_proto::convert::to_timestamp;
use redress_proto::crisis::v1::{
    AnswerRoleRequest, AppointDeputyRequest, Deputy, GetCommandRequest, HandoverState,
    IncidentCommand, IncidentMode, IncidentStage, LinkIncidentRequest, OfferRoleRequest,
    OpenIncidentRequest, SplitCaseRequest, SplitGoal, UnlinkIncidentRequest,
};

use super::case::name_of;
use super::incident::{find, one, stage_number};
use super::people::person;
use super::{choice, number, spelled, word};
use crate::connect::{Platform, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, heading, line, short, show_table, table, when};

/// Subcommands of `incident` about its command.
#[derive(Debug, Subcommand)]
pub(crate) enum CommandCommand {
    /// Open an incident by hand for the matter of a case, with a reason.
    #[command(
        after_help = "Examples:\n  redress incident open LS-20261121-0001 --reason 'the mayor asks'\n  redress incident open LS-20261121-0001 --mode PRIVATE --stage LATENT --reason 'cracks in the same column'"
    )]
    Open {
        /// The case, `sites/{site}/cases/{case}`, or its number.
        case: String,
        /// PUBLIC or PRIVATE; by the criteria of the case otherwise.
        #[arg(long)]
        mode: Option<String>,
        /// LATENT for a hazard that has not broken out, else OUTBREAK.
        #[arg(long)]
        stage: Option<String>,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Show who commands: roles, offers, and the incidents under one command with it.
    #[command(after_help = "Example:\n  redress incident command lakeside/I20261121-01")]
    Command {
        /// The incident, `sites/{site}/incidents/{incident}`, or its number with its site.
        name: String,
    },
    /// Offer a role to somebody, who is called out; it goes over when that person accepts.
    #[command(
        after_help = "Example:\n  redress incident offer lakeside/I20261121-01 SPOKESPERSON zhao --reason 'end of shift'"
    )]
    Offer {
        /// The incident, `sites/{site}/incidents/{incident}`, or its number with its site.
        name: String,
        /// The role, for example SPOKESPERSON.
        role: String,
        /// The person, by id or name.
        staff: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Take a role that is offered to the person of the token, or decline it.
    #[command(
        after_help = "Examples:\n  redress incident accept lakeside/I20261121-01 SPOKESPERSON\n  redress incident accept lakeside/I20261121-01 SPOKESPERSON --decline --reason 'on leave'"
    )]
    Accept {
        /// The incident, `sites/{site}/incidents/{incident}`, or its number with its site.
        name: String,
        /// The role.
        role: String,
        /// Do not take it.
        #[arg(long)]
        decline: bool,
        /// What there is to say to it.
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Let somebody act for the spokesperson or the legal counsel for a time, 72 hours at most; the same person again moves the end.
    #[command(
        after_help = "Examples:\n  redress incident deputy lakeside/I20261121-01 --role SPOKESPERSON --staff zhao --until 8h --reason 'on a plane'\n  redress incident deputy lakeside/I20261121-01 --role LEGAL_COUNSEL --staff qian --revoke --reason 'back at work'"
    )]
    Deputy {
        /// The incident, `sites/{site}/incidents/{incident}`, or its number with its site.
        name: String,
        /// SPOKESPERSON or LEGAL_COUNSEL.
        #[arg(long)]
        role: String,
        /// The person, by id or name.
        #[arg(long)]
        staff: String,
        /// Until when: an instant, a local time, or so long from now (8h).
        #[arg(long, value_name = "WHEN", value_parser = crate::args::parse_when, required_unless_present = "revoke")]
        until: Option<Timestamp>,
        /// The person acts for the role no longer, from now on.
        #[arg(long, conflicts_with = "until")]
        revoke: bool,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Take a case out of an incident that it joined wrongly: into its own (without more), another, or none.
    #[command(
        after_help = "Examples:\n  redress incident split lakeside/I20261121-01 LS-20261121-0003 --reason 'another building'\n  redress incident split lakeside/I20261121-01 LS-20261121-0003 --into lakeside/I20261121-02 --reason 'the same crowd'\n  redress incident split lakeside/I20261121-01 LS-20261121-0003 --none --reason 'a mistaken grade'"
    )]
    Split {
        /// The incident, `sites/{site}/incidents/{incident}`, or its number with its site.
        name: String,
        /// The case, `sites/{site}/cases/{case}`, or its number.
        case: String,
        /// The incident it goes to.
        #[arg(long, value_name = "INCIDENT", conflicts_with = "none")]
        into: Option<String>,
        /// It goes to no incident.
        #[arg(long)]
        none: bool,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Put an incident, often of another site, under the command of this one.
    #[command(
        after_help = "Example:\n  redress incident link lakeside/I20261121-01 harbour/I20261121-02 --reason 'the same contractor'"
    )]
    Link {
        /// The incident that leads, `sites/{site}/incidents/{incident}`, or its number with its site.
        name: String,
        /// The incident that is led.
        led: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// End that an incident is led by another.
    #[command(
        after_help = "Example:\n  redress incident unlink lakeside/I20261121-01 harbour/I20261121-02 --reason 'settled there'"
    )]
    Unlink {
        /// The incident that leads, `sites/{site}/incidents/{incident}`, or its number with its site.
        name: String,
        /// The incident that is led.
        led: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

/// Who could take a role next. They act for nobody by that.
pub(super) const NEXT_BY_ROSTER: &str = "Next by roster";

/// Runs a subcommand.
pub(crate) async fn run(
    platform: &Platform,
    command: CommandCommand,
    out: Output,
) -> Result<(), Failure> {
    let mut client = platform.commands();
    let request_id = request_id();
    let command = match command {
        CommandCommand::Open {
            case,
            mode,
            stage,
            reason,
        } => {
            let case = name_of(platform, &case).await?;
            let site = case.split("/cases/").next().unwrap_or_default();
            let open = OpenIncidentRequest {
                parent: site.to_owned(),
                mode: mode.map(|m| mode_number(&m)).transpose()?.unwrap_or(0),
                stage: stage.map(|s| stage_number(&s)).transpose()?.unwrap_or(0),
                case,
                reason,
                request_id,
            };
            let answer = platform.incidents().open_incident(request(open)).await?;
            one(&answer.into_inner().incident.unwrap_or_default(), out);
            return Ok(());
        }
        CommandCommand::Split {
            name,
            case,
            into,
            none,
            reason,
        } => {
            let other = match into {
                Some(other) => find(platform, other).await?,
                None => String::new(),
            };
            let goal = match (other.is_empty(), none) {
                (false, _) => SplitGoal::Other,
                (true, true) => SplitGoal::None,
                (true, false) => SplitGoal::Own,
            };
            let split = SplitCaseRequest {
                name: find(platform, name).await?,
                case: name_of(platform, &case).await?,
                goal: goal.into(),
                other,
                reason,
                request_id,
                ..Default::default()
            };
            let answer = client.split_case(request(split)).await?.into_inner();
            one(&answer.incident.unwrap_or_default(), out);
            if let Some(joined) = answer.joined {
                one(&joined, out);
            }
            return Ok(());
        }
        CommandCommand::Command { name } => {
            let get = GetCommandRequest {
                name: find(platform, name).await?,
            };
            client.get_command(request(get)).await?.into_inner().command
        }
        CommandCommand::Offer {
            name,
            role,
            staff,
            reason,
        } => {
            let name = find(platform, name).await?;
            let offer = OfferRoleRequest {
                role: number::<DutyRole>("role", &role)?,
                staff: person(platform, &name, &staff).await?,
                name,
                reason,
                request_id,
                ..Default::default()
            };
            client
                .offer_role(request(offer))
                .await?
                .into_inner()
                .command
        }
        CommandCommand::Deputy {
            name,
            role,
            staff,
            until,
            revoke: _,
            reason,
        } => {
            let name = find(platform, name).await?;
            let appoint = AppointDeputyRequest {
                role: number::<DutyRole>("role", &role)?,
                staff: person(platform, &name, &staff).await?,
                // An end that has come revokes.
                end_time: Some(to_timestamp(until.unwrap_or_else(crate::now::now))),
                name,
                reason,
                request_id,
                ..Default::default()
            };
            let mut statements = platform.statements();
            let answer = statements.appoint_deputy(request(appoint)).await?;
            let deputies = answer.into_inner().deputies;
            out.rows(&DEPUTY, &deputies, deputy, |d| {
                json::of("crisis.v1.Deputy", d)
            });
            return Ok(());
        }
        CommandCommand::Accept {
            name,
            role,
            decline,
            reason,
        } => {
            let said = AnswerRoleRequest {
                name: find(platform, name).await?,
                role: number::<DutyRole>("role", &role)?,
                accept: !decline,
                reason,
                request_id,
                ..Default::default()
            };
            client
                .answer_role(request(said))
                .await?
                .into_inner()
                .command
        }
        CommandCommand::Link { name, led, reason } => {
            let link = LinkIncidentRequest {
                name: find(platform, name).await?,
                led: find(platform, led).await?,
                reason,
                request_id,
                ..Default::default()
            };
            client
                .link_incident(request(link))
                .await?
                .into_inner()
                .command
        }
        CommandCommand::Unlink { name, led, reason } => {
            let unlink = UnlinkIncidentRequest {
                name: find(platform, name).await?,
                led: find(platform, led).await?,
                reason,
                request_id,
                ..Default::default()
            };
            client
                .unlink_incident(request(unlink))
                .await?
                .into_inner()
                .command
        }
    };
    let command = command.unwrap_or_default();
    out.one(
        || json::of("crisis.v1.IncidentCommand", &command),
        || show(&command),
    );
    Ok(())
}

/// The columns of who acts for a role.
const DEPUTY: [&str; 4] = ["Role", "Acts", "Until", "Appointed by"];

fn deputy(d: &Deputy) -> Vec<String> {
    vec![
        word::<DutyRole>(d.role),
        short(&d.staff),
        when(d.end_time.as_ref()),
        d.appointed_by.clone(),
    ]
}

/// Who acts for a role now, until when and by whose word; nothing where nobody does.
pub(super) fn show_deputies(deputies: &[Deputy]) {
    if deputies.is_empty() {
        return;
    }
    heading("Deputies");
    let mut acting = table(&DEPUTY);
    for d in deputies {
        acting.add_row(deputy(d));
    }
    show_table(acting);
}

fn mode_number(text: &str) -> Result<i32, Failure> {
    choice("mode", "INCIDENT_MODE_", text, IncidentMode::as_str_name)
}

fn show(command: &IncidentCommand) {
    line("incident", &command.incident);
    heading("Roles");
    let mut roles = table(&["Role", "Who", NEXT_BY_ROSTER, "Stands in"]);
    for r in &command.roles {
        let next: Vec<String> = r.deputies.iter().map(|d| short(d)).collect();
        roles.add_row(vec![
            word::<DutyRole>(r.role),
            short(&r.staff),
            next.join(", "),
            short(&r.stand_in),
        ]);
    }
    show_table(roles);
    show_deputies(&command.deputies);
    if !command.handovers.is_empty() {
        heading("Offers");
        let mut offers = table(&[
            "Role",
            "Held by",
            "Offered to",
            "By",
            "State",
            "Offered",
            "Why",
        ]);
        for h in &command.handovers {
            let state = HandoverState::try_from(h.state).map_or("", |s| s.as_str_name());
            offers.add_row(vec![
                word::<DutyRole>(h.role),
                short(&h.from),
                short(&h.to),
                h.offered_by.clone(),
                spelled(state, "HANDOVER_STATE_"),
                when(h.offer_time.as_ref()),
                h.reason.clone(),
            ]);
        }
        show_table(offers);
    }
    if !command.links.is_empty() {
        heading("Under one command");
        let mut links = table(&["", "Incident", "Stage", "Cases", "Why"]);
        for l in &command.links {
            let (number, stage, cases) = l.shown.as_ref().map_or_else(
                || (l.incident.clone(), "–".to_owned(), "–".to_owned()),
                |i| {
                    let stage = IncidentStage::try_from(i.stage).map_or("", |s| s.as_str_name());
                    let site = i.name.split('/').nth(1).unwrap_or_default();
                    let number = format!("{site}/{}", i.number);
                    (
                        number,
                        spelled(stage, "INCIDENT_STAGE_"),
                        i.case_count.to_string(),
                    )
                },
            );
            let how = if l.leads { "leads" } else { "is led by" };
            links.add_row(vec![how.to_owned(), number, stage, cases, l.reason.clone()]);
        }
        show_table(links);
    }
}

#[cfg(test)]
mod tests {
    use redress_proto::convert::to_wire;

    use super::*;

    #[test]
    fn a_deputy_is_shown_with_the_end_and_with_whose_word_it_is() {
        let end = crate::now::now() + jiff::SignedDuration::from_hours(8);
        let shown = deputy(&Deputy {
            role: to_wire(DutyRole::Spokesperson),
            staff: "sites/lake/staff/zhao".to_owned(),
            end_time: Some(to_timestamp(end)),
            appointed_by: "qian".to_owned(),
        });
        let end = when(Some(&to_timestamp(end)));
        assert_eq!(shown, ["SPOKESPERSON", "zhao", end.as_str(), "qian"]);
    }
}
