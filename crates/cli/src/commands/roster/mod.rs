//! `redress roster`, `redress staff` and `redress department`: who works here, and who has which duty when.

mod args;
mod grid;
mod people;

pub(crate) use args::{DepartmentCommand, RosterCommand, StaffCommand};
pub(crate) use people::{run_department, run_staff, staff};

use std::path::Path;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use redress_model::words::{Category, DutyRole};
use redress_proto::assignment::v1::{
    CreateLeaveRequest, CreateSwapRequest, DeleteLeaveRequest, DeleteSwapRequest, Duty,
    GetRosterPlanRequest, GetRoutingRulesRequest, ImportRosterRequest, ImportRosterResponse, Leave,
    ListDutySlotsRequest, ListDutySlotsResponse, ListLeavesRequest, ListSwapsRequest, PositionKind,
    RosterFormat, RosterPlan, RoutingRules, SetRosterPlanRequest, SetRoutingRulesRequest, Swap,
};
use redress_proto::convert::to_timestamp;

use self::args::{LeaveCommand, PlanCommand, RulesCommand, SwapArgs, SwapsCommand};
use super::people::{person, person_if_given};
use super::{number, word};
use crate::connect::{Platform, all_pages, parent, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::{
    Output, Tail as _, heading, instant, line, page_room, short, show_table, table,
};

/// Runs a subcommand.
pub(crate) async fn run(
    platform: &Platform,
    command: RosterCommand,
    out: Output,
) -> Result<(), Failure> {
    match command {
        RosterCommand::Show { site, from, days } => show(platform, &site, from, days, out).await,
        RosterCommand::Who { site, at, role } => who(platform, &site, at, role, out).await,
        RosterCommand::Import {
            file,
            site,
            from,
            to,
            apply,
            etag,
        } => {
            let days = (from, to);
            import(platform, &file, &site, days, (apply, etag), out).await
        }
        RosterCommand::Plan(PlanCommand::Show { site }) => {
            let plan = plan(platform, &site).await?;
            out.one(
                || json::of("assignment.v1.RosterPlan", &plan),
                || show_plan(&plan),
            );
            Ok(())
        }
        RosterCommand::Plan(PlanCommand::Set { file, site }) => {
            let plan: RosterPlan =
                json::read("assignment.v1.RosterPlan", &text(&file)?).map_err(|reason| {
                    Failure::Argument {
                        argument: "file",
                        reason,
                    }
                })?;
            let set = SetRosterPlanRequest {
                parent: parent(Some(&site)),
                etag: plan.etag.clone(),
                plan: Some(plan),
            };
            let answer = platform.roster_plan().set_roster_plan(request(set)).await?;
            let plan = answer.into_inner().plan.unwrap_or_default();
            out.one(
                || json::of("assignment.v1.RosterPlan", &plan),
                || show_plan(&plan),
            );
            Ok(())
        }
        RosterCommand::Rules(command) => rules(platform, command, out).await,
        RosterCommand::Leave(command) => leave(platform, command, out).await,
        RosterCommand::Swap(args) => swap(platform, args, out).await,
        RosterCommand::Swaps(command) => swaps(platform, command, out).await,
    }
}

async fn plan(platform: &Platform, site: &str) -> Result<RosterPlan, Failure> {
    let get = GetRosterPlanRequest {
        name: format!("{}/rosterPlan", parent(Some(site))),
    };
    let answer = platform.roster_plan().get_roster_plan(request(get)).await?;
    Ok(answer.into_inner().plan.unwrap_or_default())
}

fn show_plan(plan: &RosterPlan) {
    heading("Shifts");
    let mut shifts = table(&["Shift", "Name", "Hours", "Days"]);
    for s in &plan.shifts {
        let days: Vec<String> = s.weekdays.iter().map(ToString::to_string).collect();
        shifts.add_row(vec![
            s.id.clone(),
            s.display_name.clone(),
            format!("{}–{}", s.start_time, s.end_time),
            if days.is_empty() {
                "every".to_owned()
            } else {
                days.join(",")
            },
        ]);
    }
    show_table(shifts);
    heading("Rotations");
    let mut rotations = table(&["Rotation", "Duty", "Shifts", "Crews", "Each", "From"]);
    for r in &plan.rotations {
        let crews: Vec<String> = r
            .crews
            .iter()
            .map(|c| {
                c.staff
                    .iter()
                    .map(|s| short(s))
                    .collect::<Vec<_>>()
                    .join("+")
            })
            .map(|crew| {
                if crew.is_empty() {
                    "–".to_owned()
                } else {
                    crew
                }
            })
            .collect();
        rotations.add_row(vec![
            r.id.clone(),
            word::<DutyRole>(r.role),
            r.shifts.join(", "),
            crews.join(" → "),
            format!("{} d", r.days_each),
            r.start_date.clone(),
        ]);
    }
    show_table(rotations);
    line("zone", &plan.time_zone);
}

async fn rules(platform: &Platform, command: RulesCommand, out: Output) -> Result<(), Failure> {
    let mut client = platform.staffing();
    let rules = match command {
        RulesCommand::Show { site } => {
            let get = GetRoutingRulesRequest {
                name: format!("{}/routingRules", parent(Some(&site))),
            };
            client
                .get_routing_rules(request(get))
                .await?
                .into_inner()
                .rules
        }
        RulesCommand::Set { file, site } => {
            let rules: RoutingRules = json::read("assignment.v1.RoutingRules", &text(&file)?)
                .map_err(|reason| Failure::Argument {
                    argument: "file",
                    reason,
                })?;
            let set = SetRoutingRulesRequest {
                parent: parent(Some(&site)),
                etag: rules.etag.clone(),
                rules: Some(rules),
            };
            client
                .set_routing_rules(request(set))
                .await?
                .into_inner()
                .rules
        }
    };
    let rules = rules.unwrap_or_default();
    out.one(
        || json::of("assignment.v1.RoutingRules", &rules),
        || show_rules(&rules),
    );
    Ok(())
}

fn show_rules(rules: &RoutingRules) {
    heading("Skills that categories need");
    let mut skills = table(&["Category", "Skill"]);
    for s in &rules.required_skills {
        skills.add_row(vec![word::<Category>(s.category), s.skill.clone()]);
    }
    show_table(skills);
    heading("Positions");
    let mut positions = table(&["Position", "Department", "Person"]);
    for p in &rules.positions {
        let kind = PositionKind::try_from(p.kind).unwrap_or_default();
        let department = if p.department.is_empty() {
            "every".to_owned()
        } else {
            short(&p.department)
        };
        positions.add_row(vec![
            kind.as_str_name().tail("POSITION_KIND_").to_owned(),
            department,
            short(&p.staff),
        ]);
    }
    show_table(positions);
}

async fn zone(platform: &Platform, site: &str) -> Result<TimeZone, Failure> {
    Ok(zone_of(&plan(platform, site).await?.time_zone))
}

fn zone_of(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

/// A time typed as an argument: with an offset, or in the site's zone; a date is its midnight.
fn moment(argument: &'static str, text: &str, zone: &TimeZone) -> Result<Timestamp, Failure> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant);
    }
    let wrong = || Failure::Argument {
        argument,
        reason: format!("{text:?} is no time such as 2026-10-01T08:00"),
    };
    let local: DateTime = text.parse().map_err(|_| wrong())?;
    let zoned = zone.to_ambiguous_zoned(local).compatible();
    Ok(zoned.map_err(|_| wrong())?.timestamp())
}

fn stamp(t: Timestamp) -> Option<prost_types::Timestamp> {
    Some(to_timestamp(t))
}

async fn slots(
    platform: &Platform,
    list: ListDutySlotsRequest,
) -> Result<ListDutySlotsResponse, Failure> {
    let answer = platform
        .roster_plan()
        .list_duty_slots(request(list))
        .await?;
    Ok(answer.into_inner())
}

async fn show(
    platform: &Platform,
    site: &str,
    from: Option<Date>,
    days: u8,
    out: Output,
) -> Result<(), Failure> {
    let zone = zone(platform, site).await?;
    let first = from.unwrap_or_else(|| {
        let today = zone.to_datetime(crate::now::now()).date();
        today.saturating_sub(i64::from(today.weekday().to_monday_zero_offset()).days())
    });
    let end = first.saturating_add(i64::from(days).days());
    let list = ListDutySlotsRequest {
        parent: parent(Some(site)),
        start_time: stamp(grid::begin(&zone, first)),
        end_time: stamp(grid::begin(&zone, end)),
        ..Default::default()
    };
    let slots = slots(platform, list).await?.slots;
    if out.json {
        print_slots(&slots, &zone, out);
        return Ok(());
    }
    let people = people::staff(platform, Some(site), None, true, None).await?;
    let room = page_room();
    crate::output::say!("{}", grid::draw(&slots, &people, &zone, first, days, room));
    out.times_in(&zone);
    line("▲", "nobody");
    Ok(())
}

async fn who(
    platform: &Platform,
    site: &str,
    at: Option<String>,
    role: Option<String>,
    out: Output,
) -> Result<(), Failure> {
    let zone = zone(platform, site).await?;
    let at = at
        .map(|text| moment("at", &text, &zone))
        .transpose()?
        .unwrap_or_else(crate::now::now);
    let list = ListDutySlotsRequest {
        parent: parent(Some(site)),
        start_time: stamp(at),
        role: role
            .map(|r| number::<DutyRole>("role", &r))
            .transpose()?
            .unwrap_or(0),
        ..Default::default()
    };
    let mut slots = slots(platform, list).await?.slots;
    slots.sort_by(|a, b| (a.role, a.rank, &a.staff).cmp(&(b.role, b.rank, &b.staff)));
    print_slots(&slots, &zone, out);
    Ok(())
}

fn print_slots(slots: &[Duty], zone: &TimeZone, out: Output) {
    out.rows(
        &["Duty", "Person", "Rank", "From", "Until"],
        slots,
        |s| {
            vec![
                word::<DutyRole>(s.role),
                short(&s.staff),
                s.rank.to_string(),
                local(s.start_time.as_ref(), zone),
                local(s.end_time.as_ref(), zone),
            ]
        },
        |s| json::of("assignment.v1.Duty", s),
    );
    out.times_in(zone);
}

/// An instant on the site's wall clock.
fn local(t: Option<&prost_types::Timestamp>, zone: &TimeZone) -> String {
    instant(t).map_or_else(
        || "–".to_owned(),
        |t| {
            t.to_zoned(zone.clone())
                .strftime("%Y-%m-%d %H:%M")
                .to_string()
        },
    )
}

fn text(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file).map_err(|source| Failure::File {
        what: "cannot read",
        path: file.display().to_string(),
        source,
    })
}

async fn import(
    platform: &Platform,
    file: &Path,
    site: &str,
    (from, to): (Option<Date>, Option<Date>),
    (apply, etag): (bool, String),
    out: Output,
) -> Result<(), Failure> {
    let is_calendar = file
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("ics") || e.eq_ignore_ascii_case("ical"));
    let format = if is_calendar {
        RosterFormat::Icalendar
    } else {
        RosterFormat::Csv
    };
    let day = |date: Option<Date>| date.map_or_else(String::new, |d| d.to_string());
    let ask = ImportRosterRequest {
        parent: parent(Some(site)),
        format: format.into(),
        content: text(file)?,
        start_date: day(from),
        end_date: day(to),
        validate_only: !apply,
        etag,
    };
    let answer = platform
        .roster_plan()
        .import_roster(request(ask))
        .await?
        .into_inner();
    out.one(
        || json::of("assignment.v1.ImportRosterResponse", &answer),
        || show_import(&answer, apply),
    );
    Ok(())
}

fn show_import(answer: &ImportRosterResponse, applied: bool) {
    heading(if applied { "Imported" } else { "Would import" });
    line(
        "days",
        format!("{} to {}", answer.start_date, answer.end_date),
    );
    line("added", answer.added_count);
    line("removed", answer.removed_count);
    line("kept", answer.kept_count);
    if !applied {
        let again = format!("repeat with --apply --etag {}", answer.etag);
        line("to do it", again);
    }
}

async fn leave(platform: &Platform, command: LeaveCommand, out: Output) -> Result<(), Failure> {
    let mut client = platform.roster_plan();
    match command {
        LeaveCommand::Add {
            staff,
            site,
            from,
            until,
        } => {
            let zone = zone(platform, &site).await?;
            let parent = parent(Some(&site));
            let create = CreateLeaveRequest {
                leave: Some(Leave {
                    staff: person(platform, &parent, &staff).await?,
                    start_time: stamp(moment("from", &from, &zone)?),
                    end_time: stamp(moment("until", &until, &zone)?),
                    ..Default::default()
                }),
                parent,
                request_id: request_id(),
            };
            let answer = client.create_leave(request(create)).await?.into_inner();
            show_leaves(&Vec::from_iter(answer.leave), &zone, out);
        }
        LeaveCommand::List {
            site,
            staff,
            all,
            paging,
        } => {
            let zone = zone(platform, &site).await?;
            let parent = parent(Some(&site));
            let filter = ListLeavesRequest {
                staff: person_if_given(platform, &parent, staff.as_deref()).await?,
                parent,
                after_time: if all { None } else { stamp(crate::now::now()) },
                ..Default::default()
            };
            let leaves = all_pages(paging.limit, |page_size, page_token| {
                let mut client = client.clone();
                let filter = ListLeavesRequest {
                    page_size,
                    page_token,
                    ..filter.clone()
                };
                async move {
                    let answer = client.list_leaves(request(filter)).await?.into_inner();
                    Ok((answer.leaves, answer.next_page_token))
                }
            })
            .await?;
            show_leaves(&leaves, &zone, out);
        }
        LeaveCommand::Remove { name } => {
            client
                .delete_leave(request(DeleteLeaveRequest { name }))
                .await?;
        }
    }
    Ok(())
}

fn show_leaves(leaves: &[Leave], zone: &TimeZone, out: Output) {
    out.rows(
        &["Leave", "Person", "From", "Until"],
        leaves,
        |l| {
            vec![
                l.name.clone(),
                short(&l.staff),
                local(l.start_time.as_ref(), zone),
                local(l.end_time.as_ref(), zone),
            ]
        },
        |l| json::of("assignment.v1.Leave", l),
    );
    out.times_in(zone);
}

async fn swap(platform: &Platform, args: SwapArgs, out: Output) -> Result<(), Failure> {
    let mut client = platform.roster_plan();
    let zone = zone(platform, &args.site).await?;
    let role = args
        .role
        .map(|r| number::<DutyRole>("role", &r))
        .transpose()?
        .unwrap_or(0);
    let (from, until) = (
        moment("from", &args.from, &zone)?,
        moment("until", &args.until, &zone)?,
    );
    let parent = parent(Some(&args.site));
    let planned = person(platform, &parent, &args.staff).await?;
    let comes = person(platform, &parent, &args.substitute).await?;
    let mut pairs = vec![(&planned, &comes)];
    if args.both {
        pairs.push((&comes, &planned));
    }
    let mut made = Vec::new();
    for (staff, substitute) in pairs {
        let create = CreateSwapRequest {
            parent: parent.clone(),
            swap: Some(Swap {
                staff: staff.clone(),
                substitute: substitute.clone(),
                role,
                start_time: stamp(from),
                end_time: stamp(until),
                ..Default::default()
            }),
            request_id: request_id(),
        };
        made.extend(client.create_swap(request(create)).await?.into_inner().swap);
    }
    show_swaps(&made, &zone, out);
    Ok(())
}

async fn swaps(platform: &Platform, command: SwapsCommand, out: Output) -> Result<(), Failure> {
    let mut client = platform.roster_plan();
    match command {
        SwapsCommand::List { site, paging } => {
            let zone = zone(platform, &site).await?;
            let filter = ListSwapsRequest {
                parent: parent(Some(&site)),
                after_time: stamp(crate::now::now()),
                ..Default::default()
            };
            let swaps = all_pages(paging.limit, |page_size, page_token| {
                let mut client = client.clone();
                let filter = ListSwapsRequest {
                    page_size,
                    page_token,
                    ..filter.clone()
                };
                async move {
                    let answer = client.list_swaps(request(filter)).await?.into_inner();
                    Ok((answer.swaps, answer.next_page_token))
                }
            })
            .await?;
            show_swaps(&swaps, &zone, out);
        }
        SwapsCommand::Remove { name } => {
            client
                .delete_swap(request(DeleteSwapRequest { name }))
                .await?;
        }
    }
    Ok(())
}

fn show_swaps(swaps: &[Swap], zone: &TimeZone, out: Output) {
    out.rows(
        &["Swap", "Planned", "Comes", "Duty", "From", "Until"],
        swaps,
        |s| {
            vec![
                s.name.clone(),
                short(&s.staff),
                short(&s.substitute),
                word::<DutyRole>(s.role),
                local(s.start_time.as_ref(), zone),
                local(s.end_time.as_ref(), zone),
            ]
        },
        |s| json::of("assignment.v1.Swap", s),
    );
    out.times_in(zone);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_the_sites_own_unless_an_offset_says_otherwise() {
        let zone = zone_of("Asia/Shanghai");
        let read = |text: &str| moment("at", text, &zone).ok().map(|t| t.to_string());
        assert_eq!(read("2026-10-01").as_deref(), Some("2026-09-30T16:00:00Z"));
        assert_eq!(
            read("2026-10-01T08:00").as_deref(),
            Some("2026-10-01T00:00:00Z")
        );
        assert_eq!(
            read("2026-10-01T08:00+02:00").as_deref(),
            Some("2026-10-01T06:00:00Z")
        );
        assert_eq!(read("soon"), None);
    }
}
