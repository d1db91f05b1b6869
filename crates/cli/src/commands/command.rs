//! `redress incident command|offer|accept|open|split|link|unlink`: who commands, and what belongs together.

use clap::Subcommand;
use redress_model::words::DutyRole;
use redress_proto::crisis::v1::{
    AnswerRoleRequest, GetCommandRequest, HandoverState, IncidentCommand, IncidentMode,
    IncidentStage, LinkIncidentRequest, OfferRoleRequest, OpenIncidentRequest, SplitCaseRequest,
    SplitGoal, UnlinkIncidentRequest,
};

use super::case::name_of;
use super::incident::{find, one, stage_number};
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
        /// The person: its id, or `sites/{site}/staff/{staff}`.
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
            let site = name.split("/incidents/").next().unwrap_or_default();
            let staff = if staff.starts_with("sites/") {
                staff
            } else {
                format!("{site}/staff/{staff}")
            };
            let offer = OfferRoleRequest {
                role: number::<DutyRole>("role", &role)?,
                staff,
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

fn mode_number(text: &str) -> Result<i32, Failure> {
    choice("mode", "INCIDENT_MODE_", text, IncidentMode::as_str_name)
}

fn show(command: &IncidentCommand) {
    line("incident", &command.incident);
    heading("Roles");
    let mut roles = table(&["Role", "Who", "Deputies", "Stands in"]);
    for r in &command.roles {
        let deputies: Vec<String> = r.deputies.iter().map(|d| short(d)).collect();
        roles.add_row(vec![
            word::<DutyRole>(r.role),
            short(&r.staff),
            deputies.join(", "),
            short(&r.stand_in),
        ]);
    }
    show_table(roles);
    if !command.handovers.is_empty() {
        heading("Offers");
        let mut offers = table(&["Role", "From", "To", "State", "Offered", "Why"]);
        for h in &command.handovers {
            let state = HandoverState::try_from(h.state).map_or("", |s| s.as_str_name());
            offers.add_row(vec![
                word::<DutyRole>(h.role),
                short(&h.from),
                short(&h.to),
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
