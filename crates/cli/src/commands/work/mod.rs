//! `redress work`: who has which case, who takes it over, and who helps.

mod args;
mod handling;
mod powers;

pub(crate) use args::WorkCommand;

use redress_model::words::{CaseStatus, Category, Channel};
use redress_proto::assignment::v1::{
    AcceptAssignmentRequest, AcceptHandoverRequest, AcknowledgeSummonsRequest,
    DeclineAssignmentRequest, DeclineHandoverRequest, EndSupportRequest, GetWorkRequest,
    GetWorkResponse, HandOverShiftRequest, HandOverShiftResponse, ListOpenPromisesRequest,
    ListSummonsesRequest, ListSupportsRequest, ListWorkRequest, OfferHandoverRequest, OpenPromise,
    PastOffice, PositionKind, PromiseKind, ReceivePastOfficeRequest, RequestSupportRequest,
    Summons, Support, SupportState, Work, WorkClock, WorkStepKind,
};
use redress_proto::intake::v1::Case;

use self::args::{HandoverArgs, SummonsCommand, SupportCommand};
use super::case::{Numbers, facts_alone, if_readable, name_of, show_facts};
use super::people::{person, person_if_given, site_of};
use super::{Promise, number, word};
use crate::connect::{Platform, all_pages, parent, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::{
    Output, Tail as _, grade, heading, instants, line, page, paragraph, short, show_table, table,
    when,
};

/// Characters of a text by which like solutions are looked for at most.
const QUERY_MAX: usize = 500;

/// Runs a subcommand.
pub(crate) async fn run(
    platform: &Platform,
    command: WorkCommand,
    out: Output,
) -> Result<(), Failure> {
    match command {
        WorkCommand::List {
            site,
            statuses,
            responsible,
            offered,
            department,
            paging,
        } => {
            let statuses = statuses
                .iter()
                .map(|s| number::<CaseStatus>("status", s))
                .collect::<Result<_, _>>()?;
            let parent = parent(site.as_deref());
            let filter = ListWorkRequest {
                statuses,
                responsible: person_if_given(platform, &parent, responsible.as_deref()).await?,
                offered_to: person_if_given(platform, &parent, offered.as_deref()).await?,
                department: department.map_or_else(String::new, |id| department_of(&parent, &id)),
                parent,
                ..Default::default()
            };
            show_list(&list(platform, filter, paging.limit).await?, out);
            Ok(())
        }
        WorkCommand::Promises {
            site,
            staff,
            paging,
        } => {
            let parent = parent(site.as_deref());
            let staff = person_if_given(platform, &parent, staff.as_deref()).await?;
            promises(platform, parent, staff, paging.limit, out).await
        }
        WorkCommand::Show { name } => show(platform, &find(platform, &name).await?, out).await,
        WorkCommand::Accept { name } => accept(platform, find(platform, &name).await?, out).await,
        WorkCommand::Decline { name, reason } => {
            decline(platform, find(platform, &name).await?, reason, out).await
        }
        WorkCommand::PastOffice { name, staff } => past_office(platform, &name, staff, out).await,
        WorkCommand::Handover(args) => hand_over(platform, args, out).await,
        WorkCommand::Support(command) => support(platform, command, out).await,
        WorkCommand::Summons(command) => summons(platform, command, out).await,
        WorkCommand::Handling(command) => handling::run(platform, command, out).await,
        WorkCommand::Powers(command) => powers::run(platform, command, out).await,
    }
}

async fn promises(
    platform: &Platform,
    parent: String,
    staff: String,
    limit: Option<usize>,
    out: Output,
) -> Result<(), Failure> {
    let client = platform.promises();
    let promises = all_pages(limit, |page_size, page_token| {
        let mut client = client.clone();
        let of = ListOpenPromisesRequest {
            parent: parent.clone(),
            page_size,
            page_token,
            staff: staff.clone(),
        };
        async move {
            let answer = client.list_open_promises(request(of)).await?.into_inner();
            Ok((answer.promises, answer.next_page_token))
        }
    })
    .await?;
    show_promises(&promises, out);
    Ok(())
}

fn show_promises(promises: &[OpenPromise], out: Output) {
    out.rows(
        &["Due", "What", "Number", "Who", "Promised", "Where"],
        promises,
        |p| {
            let kind = p.kind().as_str_name().tail("PROMISE_KIND_");
            vec![
                due(p),
                kind.to_owned(),
                or_dash(&p.number),
                or_dash(&short(&p.staff)),
                p.text.clone(),
                p.resource.clone(),
            ]
        },
        |p| json::of("assignment.v1.OpenPromise", p),
    );
}

/// Until when, and whether that is over. Whoever is summoned appears at once, and is late only where they have not said that they
/// know in the time that they have for it.
fn due(p: &OpenPromise) -> String {
    let mark = match (p.held, p.overdue) {
        (true, _) => " (held)",
        (false, true) => " (late)",
        (false, false) => "",
    };
    let until = when(p.due_time.as_ref());
    match p.kind() {
        PromiseKind::Summons => format!("at once, since {until}{mark}"),
        _ => format!("{until}{mark}"),
    }
}

fn show_clocks(clocks: &[WorkClock]) {
    let now = crate::now::now();
    heading("Clocks");
    let mut shown = table(&["Promise", "State", "Due", "", "Clock"]);
    for c in clocks {
        let promise = Promise {
            kind: c.kind,
            of: String::new(),
            state: c.state,
            held: c.held,
            due: c.due_time,
        };
        let mut row = promise.row(now);
        row.push(c.clock.clone());
        shown.add_row(row);
    }
    show_table(shown);
}

/// The work behind its own name or its case's.
pub(crate) fn work_name(name: &str) -> String {
    name.replacen("/cases/", "/work/", 1)
}

/// The work behind a name or the case's number.
pub(crate) async fn find(platform: &Platform, name: &str) -> Result<String, Failure> {
    Ok(work_name(&name_of(platform, name).await?))
}

/// A department of the site of what this names, by its id or its name.
fn department_of(of: &str, id: &str) -> String {
    if id.starts_with("sites/") {
        id.to_owned()
    } else {
        format!("{}/departments/{id}", parent(site_of(of)))
    }
}

async fn get(platform: &Platform, name: &str) -> Result<GetWorkResponse, Failure> {
    get_with(platform, name, String::new()).await
}

/// The work, with what solved cases like these words.
async fn get_with(
    platform: &Platform,
    name: &str,
    query: String,
) -> Result<GetWorkResponse, Failure> {
    let get = GetWorkRequest {
        name: name.to_owned(),
        query,
    };
    Ok(platform.work().get_work(request(get)).await?.into_inner())
}

/// As much of the text of a case as like ones are looked for by.
fn query_of(case: Option<&Case>) -> String {
    case.map_or_else(String::new, |c| c.text.chars().take(QUERY_MAX).collect())
}

async fn list(
    platform: &Platform,
    filter: ListWorkRequest,
    limit: Option<usize>,
) -> Result<Vec<Work>, Failure> {
    let client = platform.work();
    all_pages(limit, |page_size, page_token| {
        let mut client = client.clone();
        let filter = ListWorkRequest {
            page_size,
            page_token,
            ..filter.clone()
        };
        async move {
            let answer = client.list_work(request(filter)).await?.into_inner();
            Ok((answer.work, answer.next_page_token))
        }
    })
    .await
}

fn show_list(work: &[Work], out: Output) {
    out.rows(
        &[
            "Number",
            "Grade",
            "Category",
            "Status",
            "Responsible",
            "Offered",
            "Department",
            "Received",
        ],
        work,
        |w| {
            vec![
                w.number.clone(),
                grade(w.grade),
                word::<Category>(w.category),
                word::<CaseStatus>(w.status),
                or_dash(&short(&w.responsible)),
                or_dash(&short(&w.offered_to)),
                or_dash(&short(&w.department)),
                when(w.received_time.as_ref()),
            ]
        },
        |w| json::of("assignment.v1.Work", w),
    );
}

fn or_dash(text: &str) -> String {
    if text.is_empty() { "–" } else { text }.to_owned()
}

/// The work on a case, and what others tell of it.
struct Shown {
    answer: GetWorkResponse,
    /// What was stated of it; none where the reader may not read it.
    case: Option<Case>,
    /// Numbers of the cases that its people complained with before, and of its incident.
    numbers: Numbers,
    supports: Vec<Support>,
    summonses: Vec<Summons>,
}

async fn show(platform: &Platform, name: &str, out: Output) -> Result<(), Failure> {
    let case = if_readable(platform, &name.replacen("/work/", "/cases/", 1)).await;
    let answer = get_with(platform, name, query_of(case.as_ref())).await?;
    let numbers = match &case {
        Some(case) => Numbers::of_case(platform, case, out).await,
        None => Numbers::default(),
    };
    let of = ListSupportsRequest {
        name: name.to_owned(),
    };
    let supports = platform.staffing().list_supports(request(of)).await;
    let of = ListSummonsesRequest {
        parent: parent(site_of(name)),
        work: name.to_owned(),
        ..Default::default()
    };
    let summonses = platform.staffing().list_summonses(request(of)).await;
    let shown = Shown {
        case: case.map(facts_alone),
        numbers,
        answer,
        supports: if_allowed(supports)?.supports,
        summonses: if_allowed(summonses)?.summonses,
    };
    out.one(|| as_json(&shown), || describe(&shown));
    Ok(())
}

/// What the reader may not list is left out.
fn if_allowed<T: Default>(answer: Result<tonic::Response<T>, tonic::Status>) -> Result<T, Failure> {
    match answer {
        Ok(answer) => Ok(answer.into_inner()),
        Err(status) if status.code() == tonic::Code::PermissionDenied => Ok(T::default()),
        Err(status) => Err(status.into()),
    }
}

/// The answer about the work, and in it the case and the lists that others keep of it.
fn as_json(shown: &Shown) -> serde_json::Value {
    let mut all = json::of("assignment.v1.GetWorkResponse", &shown.answer);
    if let Some(case) = &shown.case {
        all["case"] = json::of("intake.v1.Case", case);
    }
    let support = |s: &Support| json::of("assignment.v1.Support", s);
    all["supports"] = shown.supports.iter().map(support).collect();
    let summons = |s: &Summons| json::of("assignment.v1.Summons", s);
    all["summonses"] = shown.summonses.iter().map(summons).collect();
    all
}

fn describe(shown: &Shown) {
    let Shown {
        answer,
        case,
        numbers,
        supports,
        summonses,
    } = shown;
    show_work(&answer.work.clone().unwrap_or_default());
    if let Some(mark) = &answer.past_office {
        show_past_office(mark);
    }
    if answer.joint_visit_wanted {
        line("asks for", "a joint visit on site");
    }
    if let Some(case) = case {
        show_facts(case, numbers);
    }
    if !supports.is_empty() {
        heading("Help");
        show_table(page(supports_table(supports)));
    }
    if !summonses.is_empty() {
        heading("Summoned");
        show_table(page(summonses_table(summonses)));
    }
    if !answer.evidence_requests.is_empty() {
        heading("Evidence asked for");
        let asked = powers::evidence_table(&answer.evidence_requests);
        show_table(page(asked));
    }
    if !answer.handling_orders.is_empty() {
        heading("Ordered");
        show_table(page(powers::orders_table(&answer.handling_orders)));
    }
    if !answer.clocks.is_empty() {
        show_clocks(&answer.clocks);
    }
    if !answer.register_entries.is_empty() {
        heading("Known at the site");
        for entry in &answer.register_entries {
            paragraph(&super::register::kind(entry), &entry.text);
        }
    }
    if !answer.like_solutions.is_empty() {
        heading("What solved cases like it");
        show_table(page(super::library::suggested(&answer.like_solutions)));
    }
    heading("History");
    let mut steps = table(&["When", "What", "Status", "Responsible", "Offered", "Words"]);
    for s in &answer.steps {
        let kind = WorkStepKind::try_from(s.kind).unwrap_or_default();
        steps.add_row(vec![
            when(s.step_time.as_ref()),
            kind.as_str_name().tail("WORK_STEP_KIND_").to_owned(),
            word::<CaseStatus>(s.status),
            or_dash(&short(&s.responsible)),
            or_dash(&short(&s.offered_to)),
            instants(&s.text),
        ]);
    }
    show_table(page(steps));
}

fn show_work(w: &Work) {
    heading(&w.number);
    line("name", &w.name);
    line("status", word::<CaseStatus>(w.status));
    line("grade", grade(w.grade));
    line("category", word::<Category>(w.category));
    line("responsible", or_dash(&short(&w.responsible)));
    line("offered to", or_dash(&short(&w.offered_to)));
    line("department", or_dash(&short(&w.department)));
    if w.take_over_time.is_some() {
        let since = when(w.take_over_time.as_ref());
        line("taken over", format!("by the company centre, {since}"));
    }
    for reason in &w.explanation {
        paragraph("why", reason);
    }
    line("etag", &w.etag);
}

fn show_one(work: Option<Work>, out: Output) {
    let work = work.unwrap_or_default();
    out.one(
        || json::of("assignment.v1.Work", &work),
        || show_work(&work),
    );
}

/// Whether what is offered is a case in hand: a hand-over.
fn is_handover(work: &Work) -> bool {
    word::<CaseStatus>(work.status) != "ASSIGNED"
}

async fn accept(platform: &Platform, name: String, out: Output) -> Result<(), Failure> {
    let before = get(platform, &name).await?.work.unwrap_or_default();
    let work = if is_handover(&before) && !before.offered_to.is_empty() {
        let accept = AcceptHandoverRequest {
            name,
            etag: before.etag,
            request_id: request_id(),
        };
        platform
            .staffing()
            .accept_handover(request(accept))
            .await?
            .into_inner()
            .work
    } else {
        let accept = AcceptAssignmentRequest {
            name,
            etag: before.etag,
            request_id: request_id(),
        };
        platform
            .work()
            .accept_assignment(request(accept))
            .await?
            .into_inner()
            .work
    };
    show_one(work, out);
    Ok(())
}

async fn decline(
    platform: &Platform,
    name: String,
    reason: String,
    out: Output,
) -> Result<(), Failure> {
    let before = get(platform, &name).await?.work.unwrap_or_default();
    let mut client = platform.staffing();
    let work = if is_handover(&before) {
        let decline = DeclineHandoverRequest {
            name,
            reason,
            etag: before.etag,
            request_id: request_id(),
        };
        client
            .decline_handover(request(decline))
            .await?
            .into_inner()
            .work
    } else {
        let decline = DeclineAssignmentRequest {
            name,
            reason,
            etag: before.etag,
            request_id: request_id(),
        };
        client
            .decline_assignment(request(decline))
            .await?
            .into_inner()
            .work
    };
    show_one(work, out);
    Ok(())
}

fn seconds(seconds: i64) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds, nanos: 0 })
}

async fn past_office(
    platform: &Platform,
    name: &str,
    staff: Option<String>,
    out: Output,
) -> Result<(), Failure> {
    let name = find(platform, name).await?;
    let receive = ReceivePastOfficeRequest {
        staff: person_if_given(platform, &name, staff.as_deref()).await?,
        name,
        request_id: request_id(),
        ..Default::default()
    };
    let mut client = platform.staffing();
    let answer = client
        .receive_past_office(request(receive))
        .await?
        .into_inner();
    show_one(answer.work, out);
    Ok(())
}

fn show_past_office(mark: &PastOffice) {
    let past = [&mark.past_staff, &mark.past_department].map(|name| or_dash(&short(name)));
    let since = when(mark.receive_time.as_ref());
    let text = format!(
        "{} of {}, by {}, {since}",
        past[0],
        past[1],
        short(&mark.receiver)
    );
    line("went past", text);
    let consent = match mark.consent_time.as_ref() {
        Some(at) => format!(
            "{}, {}",
            word::<Channel>(mark.consent_channel),
            when(Some(at))
        ),
        None => "none yet: stays above the office".to_owned(),
    };
    line("consent", consent);
}

async fn hand_over(platform: &Platform, args: HandoverArgs, out: Output) -> Result<(), Failure> {
    let limit = seconds(i64::from(args.minutes) * 60);
    let mut client = platform.staffing();
    if let Some(name) = args.name {
        let name = find(platform, &name).await?;
        let before = get(platform, &name).await?.work.unwrap_or_default();
        let offer = OfferHandoverRequest {
            staff: person(platform, &name, &args.to).await?,
            name,
            limit,
            note: args.note,
            consent_channel: args
                .consent
                .map_or(Ok(0), |c| number::<Channel>("consent", &c))?,
            etag: before.etag,
            request_id: request_id(),
        };
        let answer = client.offer_handover(request(offer)).await?.into_inner();
        show_one(answer.work, out);
        return Ok(());
    }
    let parent = parent(args.site.as_deref());
    let shift = HandOverShiftRequest {
        staff: person_if_given(platform, &parent, args.from.as_deref()).await?,
        receiver: person(platform, &parent, &args.to).await?,
        parent,
        limit,
        request_id: request_id(),
    };
    let answer = client.hand_over_shift(request(shift)).await?.into_inner();
    out.one(
        || json::of("assignment.v1.HandOverShiftResponse", &answer),
        || show_shift(&answer, out),
    );
    Ok(())
}

fn show_shift(answer: &HandOverShiftResponse, out: Output) {
    heading("Handed over, until accepted with who goes");
    show_list(&answer.work, out);
    if !answer.unmoved.is_empty() {
        heading("Stays");
        let mut stays = table(&["Number", "Why"]);
        for u in &answer.unmoved {
            stays.add_row(vec![u.number.clone(), u.reason.clone()]);
        }
        show_table(stays);
    }
    if !answer.promises.is_empty() {
        heading("Promised, and stays with who goes");
        show_promises(&answer.promises, out);
    }
}

async fn support(platform: &Platform, command: SupportCommand, out: Output) -> Result<(), Failure> {
    let mut client = platform.staffing();
    let end = |name: String, done: bool| EndSupportRequest { name, done };
    let supports = match command {
        SupportCommand::Ask {
            name,
            department,
            staff,
            task,
            hours,
        } => {
            let name = find(platform, &name).await?;
            let ask = RequestSupportRequest {
                support: Some(Support {
                    department: department_of(&name, &department),
                    staff: person_if_given(platform, &name, staff.as_deref()).await?,
                    task,
                    ..Default::default()
                }),
                name,
                limit: seconds(i64::from(hours) * 3_600),
                request_id: request_id(),
            };
            Vec::from_iter(
                client
                    .request_support(request(ask))
                    .await?
                    .into_inner()
                    .support,
            )
        }
        SupportCommand::List { name } => {
            let of = ListSupportsRequest {
                name: find(platform, &name).await?,
            };
            client
                .list_supports(request(of))
                .await?
                .into_inner()
                .supports
        }
        SupportCommand::Done { name } => Vec::from_iter(
            client
                .end_support(request(end(name, true)))
                .await?
                .into_inner()
                .support,
        ),
        SupportCommand::Withdraw { name } => Vec::from_iter(
            client
                .end_support(request(end(name, false)))
                .await?
                .into_inner()
                .support,
        ),
    };
    if out.json {
        out.rows(
            &[],
            &supports,
            |_| Vec::new(),
            |s| json::of("assignment.v1.Support", s),
        );
    } else {
        show_table(supports_table(&supports));
    }
    Ok(())
}

fn supports_table(supports: &[Support]) -> comfy_table::Table {
    let mut shown = table(&["Help", "Department", "Person", "Task", "State", "Due"]);
    for s in supports {
        let state = SupportState::try_from(s.state).unwrap_or_default();
        shown.add_row(vec![
            s.name.clone(),
            short(&s.department),
            short(&s.staff),
            s.task.clone(),
            state.as_str_name().tail("SUPPORT_STATE_").to_owned(),
            when(s.due_time.as_ref()),
        ]);
    }
    shown
}

async fn summons(platform: &Platform, command: SummonsCommand, out: Output) -> Result<(), Failure> {
    let client = platform.staffing();
    let summonses = match command {
        SummonsCommand::List { site, open, paging } => {
            let filter = ListSummonsesRequest {
                parent: parent(Some(&site)),
                open_only: open,
                ..Default::default()
            };
            all_pages(paging.limit, |page_size, page_token| {
                let mut client = client.clone();
                let filter = ListSummonsesRequest {
                    page_size,
                    page_token,
                    ..filter.clone()
                };
                async move {
                    let answer = client.list_summonses(request(filter)).await?.into_inner();
                    Ok((answer.summonses, answer.next_page_token))
                }
            })
            .await?
        }
        SummonsCommand::Ack { name } => {
            let mut client = client.clone();
            let ack = AcknowledgeSummonsRequest { name };
            Vec::from_iter(
                client
                    .acknowledge_summons(request(ack))
                    .await?
                    .into_inner()
                    .summons,
            )
        }
    };
    if out.json {
        out.rows(
            &[],
            &summonses,
            |_| Vec::new(),
            |s| json::of("assignment.v1.Summons", s),
        );
    } else {
        show_table(summonses_table(&summonses));
    }
    Ok(())
}

fn summonses_table(summonses: &[Summons]) -> comfy_table::Table {
    let mut shown = table(&[
        "Summons",
        "Number",
        "Person",
        "Position",
        "People",
        "Since",
        "Told",
        "Acknowledged",
    ]);
    for s in summonses {
        let position = PositionKind::try_from(s.position).unwrap_or_default();
        shown.add_row(vec![
            s.name.clone(),
            s.number.clone(),
            short(&s.staff),
            position.as_str_name().tail("POSITION_KIND_").to_owned(),
            s.complainants.to_string(),
            when(s.summon_time.as_ref()),
            s.told_count.to_string(),
            when(s.acknowledge_time.as_ref()),
        ]);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_names_its_work_and_ids_lie_in_the_site() {
        assert_eq!(work_name("sites/lake/cases/x"), "sites/lake/work/x");
        assert_eq!(work_name("sites/lake/work/x"), "sites/lake/work/x");
        let repair = "sites/lake/departments/repair";
        assert_eq!(department_of("sites/lake/work/x", "repair"), repair);
        assert_eq!(department_of("sites/river/work/x", repair), repair);
    }

    #[test]
    fn section_7_a_summons_is_due_at_once_and_late_only_where_the_platform_says_so() {
        let shown = |kind: PromiseKind, overdue, held| {
            let promise = OpenPromise {
                kind: kind.into(),
                due_time: None,
                overdue,
                held,
                ..Default::default()
            };
            due(&promise)
        };
        let summons = PromiseKind::Summons;
        assert_eq!(shown(summons, false, false), "at once, since –");
        assert_eq!(shown(summons, true, false), "at once, since – (late)");
        assert_eq!(shown(PromiseKind::Visit, true, false), "– (late)");
        assert_eq!(shown(PromiseKind::Clock, false, true), "– (held)");
    }

    #[test]
    fn m03_like_solutions_are_looked_for_by_the_beginning_of_a_text_that_may_be_read() {
        let case = Case {
            text: "漏".repeat(QUERY_MAX + 1),
            ..Default::default()
        };
        assert_eq!(query_of(Some(&case)), "漏".repeat(QUERY_MAX));
        assert_eq!(query_of(None), "");
    }

    #[test]
    fn the_json_of_work_carries_what_its_text_shows_of_the_case_the_help_and_the_summonses() {
        let mut shown = Shown {
            answer: GetWorkResponse {
                work: Some(Work {
                    case: "sites/lake/cases/x".to_owned(),
                    ..Default::default()
                }),
                ..Default::default()
            },
            case: Some(Case {
                headcount: 12,
                ..Default::default()
            }),
            numbers: Numbers::default(),
            supports: vec![Support {
                task: "check the slope of the roof".to_owned(),
                ..Default::default()
            }],
            summonses: vec![Summons {
                complainants: 3,
                ..Default::default()
            }],
        };
        let all = as_json(&shown);
        assert_eq!(all["work"]["case"], "sites/lake/cases/x");
        assert_eq!(all["case"]["headcount"], 12);
        assert_eq!(all["supports"][0]["task"], "check the slope of the roof");
        assert_eq!(all["summonses"][0]["complainants"], 3);
        shown.case = None;
        assert!(as_json(&shown).get("case").is_none(), "may not be read");
    }
}
