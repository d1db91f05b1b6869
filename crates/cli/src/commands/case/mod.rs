//! `redress case`: complaints.

mod act;

pub(crate) use act::ActCommand;

use std::collections::{BTreeSet, HashMap};
use std::io::Read as _;

use redress_intake::domain::needs::VulnerableGroup;
use redress_model::words::{
    CaseStatus, Category, Channel, Nature, QualityImpact, SignalBasis, SignalKind, Urgency, Wants,
};
use redress_proto::convert::to_money;
use redress_proto::intake::v1::{
    Case, Complainant, CreateCaseRequest, GetCaseRequest, ListCasesRequest, ListTimelineRequest,
    Needs, Place, SearchCasesRequest, TimelineEntry, TimelineKind, WatchCasesRequest,
};
use redress_proto::triage::v1::CaseSignal;
use redress_proto::words::Signal;
use rust_decimal::Decimal;

use super::people::people;
use super::practice::cny;
use super::{Promise, incident, number, show_promises, signal, word};
use crate::args::{CaseCommand, CreateArgs};
use crate::connect::{Platform, all_pages, parent, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::{
    Output, Tail as _, excerpt, grade, heading, instants, line, short, show_table, table, when,
};
use crate::paint::Paint as _;

/// So much of what was said stands in the timeline; the whole is in `--json`.
const NOTE_LETTERS: usize = 160;

/// Cases that one request may name.
const CASES_AT_ONCE: usize = 100;

/// Runs a subcommand.
pub(crate) async fn run(
    platform: &Platform,
    command: CaseCommand,
    out: Output,
) -> Result<(), Failure> {
    match command {
        CaseCommand::List {
            site,
            grade,
            status,
            category,
            phone,
            paging,
        } => {
            let filter = ListCasesRequest {
                parent: parent(site.as_deref()),
                phone: phone.unwrap_or_default(),
                grades: grade.map(i32::from).into_iter().collect(),
                statuses: status
                    .map(|s| number::<CaseStatus>("status", &s))
                    .transpose()?
                    .into_iter()
                    .collect(),
                categories: category
                    .map(|c| number::<Category>("category", &c))
                    .transpose()?
                    .into_iter()
                    .collect(),
                ..Default::default()
            };
            let cases = list(platform, filter, paging.limit).await?;
            show_all(&cases, out);
            Ok(())
        }
        CaseCommand::Show { name } => show(platform, &name, out).await,
        CaseCommand::Watch { site, resume } => {
            watch(platform, site.as_deref(), resume.unwrap_or_default(), out).await
        }
        CaseCommand::Create(args) => create(platform, &args, out).await,
        CaseCommand::Find {
            words,
            site,
            paging,
        } => {
            let (parent, query) = (parent(site.as_deref()), words.join(" "));
            show_all(&search(platform, parent, &query, paging.limit).await?, out);
            Ok(())
        }
        CaseCommand::Act(command) => act::run(platform, command, out).await,
    }
}

/// The cases that a request asks for.
pub(crate) async fn list(
    platform: &Platform,
    filter: ListCasesRequest,
    limit: Option<usize>,
) -> Result<Vec<Case>, Failure> {
    let client = platform.cases();
    all_pages(limit, |page_size, page_token| {
        let mut client = client.clone();
        let filter = ListCasesRequest {
            page_size,
            page_token,
            ..filter.clone()
        };
        async move {
            let answer = client.list_cases(request(filter)).await?.into_inner();
            Ok((answer.cases, answer.next_page_token))
        }
    })
    .await
}

async fn search(
    platform: &Platform,
    parent: String,
    query: &str,
    limit: Option<usize>,
) -> Result<Vec<Case>, Failure> {
    let client = platform.cases();
    all_pages(limit, |page_size, page_token| {
        let mut client = client.clone();
        let search = SearchCasesRequest {
            parent: parent.clone(),
            query: query.to_owned(),
            page_size,
            page_token,
        };
        async move {
            let answer = client.search_cases(request(search)).await?.into_inner();
            Ok((answer.cases, answer.next_page_token))
        }
    })
    .await
}

fn show_all(cases: &[Case], out: Output) {
    out.rows(
        &[
            "Number", "Grade", "Nature", "Category", "Status", "Owner", "Received", "Says",
        ],
        cases,
        |c| {
            vec![
                c.number.clone(),
                grade(c.grade),
                word::<Nature>(c.nature),
                word::<Category>(c.category),
                word::<CaseStatus>(c.status),
                short(&c.owner),
                when(c.received_time.as_ref()),
                excerpt(said(c), 24),
            ]
        },
        |c| json::of("intake.v1.Case", c),
    );
}

/// What they said, whole or as far as a list shows it.
fn said(case: &Case) -> &str {
    if case.text.is_empty() {
        &case.excerpt
    } else {
        &case.text
    }
}

/// A case by its name or its number.
pub(crate) async fn find(platform: &Platform, name: &str) -> Result<Case, Failure> {
    let full = if name.starts_with("sites/") {
        name.to_owned()
    } else {
        let cases = list(
            platform,
            ListCasesRequest {
                parent: parent(None),
                numbers: vec![name.to_owned(), name.to_uppercase()],
                ..Default::default()
            },
            Some(1),
        )
        .await?;
        cases
            .into_iter()
            .next()
            .map(|c| c.name)
            .ok_or_else(|| Failure::NotFound {
                what: "case with the number",
                name: name.to_owned(),
            })?
    };
    let answer = platform
        .cases()
        .get_case(request(GetCaseRequest { name: full }))
        .await?;
    Ok(answer.into_inner().case.unwrap_or_default())
}

/// Numbers of cases and incidents, as people know them.
#[derive(Default)]
pub(crate) struct Numbers(HashMap<String, String>);

impl Numbers {
    /// Looks them up for a table; what prints objects has no need of them. Those of what the caller
    /// may not see stay unknown.
    pub(crate) async fn look_up(
        platform: &Platform,
        names: impl Iterator<Item = &str>,
        out: Output,
    ) -> Self {
        if out.json {
            return Self::default();
        }
        let names: BTreeSet<&str> = names.collect();
        let of = |kind: &'static str| names.iter().copied().filter(move |n| n.contains(kind));
        let incidents: Vec<&str> = of("/incidents/").collect();
        let mut numbers = incident::numbers(platform, &incidents).await;
        let names: Vec<String> = of("/cases/").map(str::to_owned).collect();
        for some in names.chunks(CASES_AT_ONCE) {
            let asked = ListCasesRequest {
                parent: parent(None),
                cases: some.to_vec(),
                ..Default::default()
            };
            let found = list(platform, asked, None).await.unwrap_or_default();
            numbers.extend(found.into_iter().map(|c| (c.name, c.number)));
        }
        Self(numbers)
    }

    /// Those of the earlier cases of the people of a case, and of its incident.
    pub(crate) async fn of_case(platform: &Platform, case: &Case, out: Output) -> Self {
        let earlier = case.earlier_cases.iter().map(String::as_str);
        let named = earlier.chain([case.incident.as_str()]);
        Self::look_up(platform, named, out).await
    }

    /// The number of a case or an incident, or the end of its name where it is unknown.
    pub(crate) fn of(&self, name: &str) -> String {
        self.0.get(name).cloned().unwrap_or_else(|| short(name))
    }
}

/// As [`name_of`], where a case may be left out.
pub(crate) async fn name_if_given(platform: &Platform, name: &str) -> Result<String, Failure> {
    if name.is_empty() {
        return Ok(String::new());
    }
    name_of(platform, name).await
}

/// The resource name of a case that was named or numbered.
pub(crate) async fn name_of(platform: &Platform, name: &str) -> Result<String, Failure> {
    if name.starts_with("sites/") {
        return Ok(name.to_owned());
    }
    Ok(find(platform, name).await?.name)
}

/// The resource names of cases that were named or numbered.
pub(crate) async fn names_of(
    platform: &Platform,
    cases: &[String],
) -> Result<Vec<String>, Failure> {
    let mut names = Vec::with_capacity(cases.len());
    for case in cases {
        names.push(name_of(platform, case).await?);
    }
    Ok(names)
}

/// The name of a case that a list is narrowed to, given by name or number; empty where it is not narrowed.
pub(crate) async fn name_or_any(
    platform: &Platform,
    case: Option<&str>,
) -> Result<String, Failure> {
    match case {
        Some(case) => name_of(platform, case).await,
        None => Ok(String::new()),
    }
}

async fn show(platform: &Platform, name: &str, out: Output) -> Result<(), Failure> {
    let case = find(platform, name).await?;
    let client = platform.cases();
    let parent = case.name.clone();
    let timeline = all_pages(None, |page_size, page_token| {
        let mut client = client.clone();
        let parent = parent.clone();
        async move {
            let answer = client
                .list_timeline(request(ListTimelineRequest {
                    parent,
                    page_size,
                    page_token,
                }))
                .await?
                .into_inner();
            Ok((answer.entries, answer.next_page_token))
        }
    })
    .await?;
    let numbers = Numbers::of_case(platform, &case, out).await;
    let asked = match out.json {
        true => Vec::new(),
        false => signal::waiting(platform, &case.name).await,
    };
    out.one(
        || as_json(&case, &timeline),
        || describe(&case, &numbers, &asked, &timeline),
    );
    Ok(())
}

/// A case, and its timeline in it.
fn as_json(case: &Case, timeline: &[TimelineEntry]) -> serde_json::Value {
    let mut shown = json::of("intake.v1.Case", case);
    let entry = |e: &TimelineEntry| json::of("intake.v1.TimelineEntry", e);
    shown["timeline"] = timeline.iter().map(entry).collect();
    shown
}

fn describe(case: &Case, numbers: &Numbers, asked: &[CaseSignal], timeline: &[TimelineEntry]) {
    let now = crate::now::now();
    heading(&format!("Case {}", case.number));
    line("name", &case.name);
    line("status", word::<CaseStatus>(case.status));
    line(
        "grade",
        format!("{}  {}", grade(case.grade), case.criterion_ids.join(" ")),
    );
    for signal in asked {
        line("suspected", signal::question(signal));
    }
    line("nature", word::<Nature>(case.nature));
    line("urgency", word::<Urgency>(case.urgency));
    line("category", word::<Category>(case.category));
    line("channel", word::<Channel>(case.channel));
    line("received", when(case.received_time.as_ref()));
    line("owner", short(&case.owner));
    if !case.offered_to.is_empty() {
        line("offered to", short(&case.offered_to));
    }
    show_incident(case, numbers);
    if !case.cluster.is_empty() {
        line("cluster", &case.cluster);
    }
    for c in &case.complainants {
        line("complainant", reached(c));
    }
    if !case.complaining_store.is_empty() {
        line("by the store", short(&case.complaining_store));
    }
    show_before(case, numbers);
    show_stated(case);
    line("says", said(case));
    if let Some(needs) = &case.needs {
        show_needs(needs);
    }

    let promises = case.clocks.iter().map(|c| Promise {
        kind: c.kind,
        of: String::new(),
        state: c.state,
        held: c.held,
        due: c.due_time,
    });
    show_promises(promises, now);

    heading("Timeline");
    let mut entries = table(&["When", "What", "Facts", "Said"]);
    for e in timeline {
        entries.add_row(told(case, e));
    }
    show_table(entries);
}

/// A row of the timeline: when, what, what is known of it, and the beginning of what was said. The complaint itself stands above.
fn told(case: &Case, e: &TimelineEntry) -> Vec<String> {
    let mut facts: Vec<String> = e
        .facts
        .iter()
        .map(|(name, value)| fact(e.kind(), name, value))
        .collect();
    facts.sort();
    let words = match (e.erased, e.note == said(case)) {
        (true, _) => "erased".to_owned(),
        (false, true) => String::new(),
        (false, false) => {
            let lines: Vec<&str> = e.note.split_whitespace().collect();
            excerpt(&lines.join(" "), NOTE_LETTERS)
        }
    };
    vec![
        when(e.event_time.as_ref()),
        e.kind().as_str_name().tail("TIMELINE_KIND_").to_owned(),
        facts.join(", "),
        words,
    ]
}

/// Who a complainant is and how they are reached, as far as it is known and may be seen.
fn reached(complainant: &Complainant) -> String {
    let known = [
        &complainant.display_name,
        &complainant.phone,
        &complainant.email,
        &complainant.postal_address,
    ];
    let known: Vec<&str> = known
        .into_iter()
        .map(String::as_str)
        .filter(|part| !part.is_empty())
        .collect();
    match known.is_empty() {
        true => "–".to_owned(),
        false => known.join(" "),
    }
}

/// What a timeline knows as it is read: what was read of a case, a sum with its currency, an instant in the machine's zone, a
/// resource by the end of its name.
fn fact(kind: TimelineKind, name: &str, value: &str) -> String {
    let told = match (kind, name, value) {
        (_, "promised_next_time", at) => return format!("next word promised {}", instants(at)),
        (TimelineKind::Read, "what", "text") => return "text of the complaint".to_owned(),
        (TimelineKind::Read, "what", "contact") => return "what was said in a contact".to_owned(),
        (TimelineKind::Read, "what", "contact_points") => {
            return "how the complainants are reached".to_owned();
        }
        (_, "claim" | "assessed_claim", sum) => match sum.parse::<Decimal>() {
            Ok(sum) => cny(Some(&to_money(sum))),
            Err(_) => sum.to_owned(),
        },
        (_, _, value) if value.starts_with("sites/") && !value.contains(' ') => short(value),
        (_, _, value) => instants(value),
    };
    format!("{name} {told}")
}

async fn watch(
    platform: &Platform,
    site: Option<&str>,
    resume_token: String,
    out: Output,
) -> Result<(), Failure> {
    let mut changes = platform
        .cases()
        .watch_cases(tonic::Request::new(WatchCasesRequest {
            parent: parent(site),
            resume_token,
            ..Default::default()
        }))
        .await?
        .into_inner();
    let mut last = String::new();
    let mut shown = HashMap::new();
    while let Some(change) = changes.message().await? {
        last.clone_from(&change.resume_token);
        let Some(case) = change.case else {
            continue;
        };
        out.one(
            || {
                let mut value = json::of("intake.v1.Case", &case);
                if let Some(object) = value.as_object_mut() {
                    object.insert("resume_token".to_owned(), change.resume_token.into());
                }
                value
            },
            || {
                if let Some(text) = news(&mut shown, &case) {
                    crate::output::say!("{}  {text}", when(case.update_time.as_ref()));
                }
            },
        );
    }
    // A stream ends with its token or with the service; the next begins where this one ended.
    if !out.json && !last.is_empty() {
        anstream::eprintln!("the stream has ended; go on with --resume {last}");
    }
    Ok(())
}

/// What there is to see of a case, unless the last line of it showed the same: what no line shows changes too.
fn news(shown: &mut HashMap<String, String>, case: &Case) -> Option<String> {
    let text = format!(
        "{}  grade {}  {}  {}",
        case.number,
        grade(case.grade),
        word::<CaseStatus>(case.status),
        short(&case.owner)
    );
    let before = shown.insert(case.name.clone(), text.clone());
    (before.as_ref() != Some(&text)).then_some(text)
}

async fn create(platform: &Platform, args: &CreateArgs, out: Output) -> Result<(), Failure> {
    let text = if args.text == "-" {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .map_err(|source| Failure::File {
                what: "cannot read",
                path: "standard input".to_owned(),
                source,
            })?;
        piped(&text).to_owned()
    } else {
        args.text.clone()
    };
    let given = [
        &args.name,
        &args.phone,
        &args.email,
        &args.postal_address,
        &args.language,
    ];
    let named = given.into_iter().any(Option::is_some);
    let complainants = named
        .then(|| Complainant {
            display_name: args.name.clone().unwrap_or_default(),
            phone: args.phone.clone().unwrap_or_default(),
            email: args.email.clone().unwrap_or_default(),
            postal_address: args.postal_address.clone().unwrap_or_default(),
            language: args.language.clone().unwrap_or_default(),
            ..Default::default()
        })
        .into_iter()
        .collect();
    let case = Case {
        channel: number::<Channel>("channel", &args.channel)?,
        complainants,
        headcount: args.headcount,
        text,
        place: (args.building.is_some() || args.unit.is_some()).then(|| Place {
            building: args.building.clone().unwrap_or_default(),
            unit: args.unit.clone().unwrap_or_default(),
            ..Default::default()
        }),
        quality_impact: number::<QualityImpact>("quality-impact", &args.quality_impact)?,
        wants: number::<Wants>("wants", &args.wants)?,
        claim: args.claim.map(to_money),
        repeat: args.repeat,
        complaining_store: args
            .complaining_store
            .as_deref()
            .map_or_else(String::new, |store| parent(Some(store))),
        staff_complained_about: people(platform, &parent(Some(&args.site)), &args.about).await?,
        needs: (!args.need.is_empty() || !args.vulnerable.is_empty())
            .then(|| {
                Ok::<_, Failure>(Needs {
                    stated: args.need.clone(),
                    vulnerable_groups: groups(&args.vulnerable)?,
                    ..Default::default()
                })
            })
            .transpose()?,
        signals: args
            .signals
            .iter()
            .map(|s| signal(s))
            .collect::<Result<_, _>>()?,
        ..Default::default()
    };
    let answer = platform
        .cases()
        .create_case(request(CreateCaseRequest {
            parent: parent(Some(&args.site)),
            case: Some(case),
            request_id: request_id(),
            ..Default::default()
        }))
        .await?;
    let case = answer.into_inner().case.unwrap_or_default();
    out.one(
        || json::of("intake.v1.Case", &case),
        || {
            crate::output::say!("{} is taken in", case.number.bold());
            crate::output::say!("  redress case show {}", case.name);
        },
    );
    Ok(())
}

/// A text from standard input without the end of its last line, which is the pipe's and nobody's word.
fn piped(text: &str) -> &str {
    text.trim_end_matches(['\n', '\r'])
}

/// Groups of vulnerable persons typed as arguments.
fn groups(typed: &[String]) -> Result<Vec<i32>, Failure> {
    let group = |text: &String| number::<VulnerableGroup>("vulnerable", text);
    typed.iter().map(group).collect()
}

/// What was stated of a case beside its text, each with its label: only what is set.
fn stated(case: &Case) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    let place = case.place.iter();
    let place = place.flat_map(|p| [&p.building, &p.unit, &p.detail]);
    let place: Vec<&str> = place
        .map(String::as_str)
        .filter(|part| !part.is_empty())
        .collect();
    if !place.is_empty() {
        rows.push(("place", place.join(" ")));
    }
    for (label, sum) in [("claim", &case.claim), ("assessed", &case.assessed_claim)] {
        if sum.is_some() {
            rows.push((label, cny(sum.as_ref())));
        }
    }
    if case.headcount != 0 {
        rows.push(("headcount", case.headcount.to_string()));
    }
    rows
}

/// What [`show_facts`] shows of a case, and whose it is.
pub(crate) fn facts_alone(case: Case) -> Case {
    Case {
        name: case.name,
        number: case.number,
        place: case.place,
        claim: case.claim,
        assessed_claim: case.assessed_claim,
        headcount: case.headcount,
        earlier_cases: case.earlier_cases,
        incident: case.incident,
        needs: case.needs,
        ..Default::default()
    }
}

/// Shows its incident, whether its people complained before, what was stated of a case, and what its complainant needs.
pub(crate) fn show_facts(case: &Case, numbers: &Numbers) {
    show_incident(case, numbers);
    show_before(case, numbers);
    show_stated(case);
    if let Some(needs) = &case.needs {
        show_needs(needs);
    }
}

fn show_incident(case: &Case, numbers: &Numbers) {
    if !case.incident.is_empty() {
        line("incident", numbers.of(&case.incident));
    }
}

fn show_before(case: &Case, earlier: &Numbers) {
    if let Some(cases) = before(case, earlier) {
        line("complained", cases);
    }
}

/// Which cases the same people complained with before, whatever they were about; none where they did not.
fn before(case: &Case, earlier: &Numbers) -> Option<String> {
    let cases = case.earlier_cases.iter().map(|name| earlier.of(name));
    let cases: Vec<String> = cases.collect();
    (!cases.is_empty()).then(|| format!("before: {}", cases.join(", ")))
}

fn show_stated(case: &Case) {
    for (label, value) in stated(case) {
        line(label, value);
    }
}

/// What a complainant needs, and what to look after.
fn show_needs(needs: &Needs) {
    if !needs.stated.is_empty() {
        line("needs", &needs.stated);
    }
    if !needs.real.is_empty() {
        let found = when(needs.find_time.as_ref());
        let text = format!("{} (found by {}, {found})", needs.real, needs.finder);
        line("really needs", text);
    }
    if !needs.vulnerable_groups.is_empty() {
        let groups = needs.vulnerable_groups.iter();
        let groups: Vec<String> = groups.map(|g| word::<VulnerableGroup>(*g)).collect();
        line("vulnerable", groups.join(", "));
    }
    for advice in &needs.advice {
        line("look after", advice);
    }
}

/// A case, for whoever works on it; none where they may not read it.
pub(crate) async fn if_readable(platform: &Platform, case: &str) -> Option<Case> {
    let get = GetCaseRequest {
        name: case.to_owned(),
    };
    let answer = platform.cases().get_case(request(get)).await.ok()?;
    answer.into_inner().case
}

fn signal(text: &str) -> Result<Signal, Failure> {
    let (kind, basis) = text.split_once(':').unwrap_or((text, "REPORTED"));
    Ok(Signal {
        kind: number::<SignalKind>("signal", kind)?,
        basis: number::<SignalBasis>("signal", basis)?,
        ..Default::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeline_tells_sums_with_their_currency_and_what_was_read() {
        let updated = |name, value| fact(TimelineKind::Updated, name, value);
        assert_eq!(updated("claim", "2000"), "claim CNY 2000.00");
        assert_eq!(
            updated("assessed_claim", "1999.5"),
            "assessed_claim CNY 1999.50"
        );
        assert_eq!(updated("claim", "none"), "claim none");
        assert_eq!(updated("headcount", "12"), "headcount 12");
        assert_eq!(updated("what", "text"), "what text");
        let read = |value| fact(TimelineKind::Read, "what", value);
        assert_eq!(read("text"), "text of the complaint");
        assert_eq!(read("contact"), "what was said in a contact");
        assert_eq!(read("contact_points"), "how the complainants are reached");
        assert_eq!(
            fact(TimelineKind::OwnerChanged, "to", "sites/lake/staff/li"),
            "to li"
        );
    }

    #[test]
    fn m16_a_timeline_shows_what_was_said_in_a_contact_and_what_was_promised() {
        let case = Case {
            text: "外墙渗水".to_owned(),
            ..Default::default()
        };
        let row = |kind: TimelineKind, note: &str, erased| {
            let promised = ("promised_next_time", "2026-11-30T05:40:00Z");
            let facts = [promised].map(|(name, value)| (name.to_owned(), value.to_owned()));
            let entry = TimelineEntry {
                kind: kind.into(),
                facts: facts.into(),
                note: note.to_owned(),
                erased,
                ..Default::default()
            };
            told(&case, &entry)
        };
        let contact = row(TimelineKind::Contact, "已告知:\n今天下午回电", false);
        assert_eq!(contact[1], "CONTACT");
        assert!(
            contact[2].starts_with("next word promised "),
            "{}",
            contact[2]
        );
        assert!(
            !contact[2].contains("05:40:00Z"),
            "read here: {}",
            contact[2]
        );
        assert_eq!(contact[3], "已告知: 今天下午回电");
        let long = row(TimelineKind::Contact, &"漏".repeat(NOTE_LETTERS + 1), false);
        assert_eq!(long[3].chars().count(), NOTE_LETTERS);
        assert!(long[3].ends_with('…'), "cut");
        let received = row(TimelineKind::Received, "外墙渗水", false);
        assert_eq!(received[3], "", "the complaint stands above");
        let erased = row(TimelineKind::Contact, "", true);
        assert_eq!(erased[3], "erased");
    }

    #[test]
    fn a_text_from_standard_input_ends_with_its_last_word() {
        assert_eq!(piped("漏水\n两天了\r\n"), "漏水\n两天了");
        assert_eq!(piped("漏水"), "漏水");
    }

    #[test]
    fn a_complainant_is_shown_without_gaps_where_a_name_or_a_phone_is_missing() {
        let complainant = |name: &str, phone: &str, email: &str| Complainant {
            display_name: name.to_owned(),
            phone: phone.to_owned(),
            email: email.to_owned(),
            ..Default::default()
        };
        let both = complainant("王芳", "+8613800000000", "");
        assert_eq!(reached(&both), "王芳 +8613800000000");
        let nameless = complainant("", "+8613800000000", "");
        assert_eq!(reached(&nameless), "+8613800000000");
        assert_eq!(reached(&complainant("", "", "a@b.cn")), "a@b.cn");
        assert_eq!(reached(&Complainant::default()), "–");
    }

    #[test]
    fn a_case_shows_its_place_its_claim_and_its_headcount_where_they_are_set() {
        assert!(stated(&Case::default()).is_empty());
        let case = Case {
            place: Some(Place {
                building: "3栋".to_owned(),
                detail: "车库入口".to_owned(),
                ..Default::default()
            }),
            claim: Some(to_money(Decimal::from(2000))),
            headcount: 12,
            ..Default::default()
        };
        let shown = [
            ("place", "3栋 车库入口".to_owned()),
            ("claim", "CNY 2000.00".to_owned()),
            ("headcount", "12".to_owned()),
        ];
        assert_eq!(stated(&case), shown);
    }

    #[test]
    fn g3_3_a_case_shows_with_which_cases_its_people_complained_before() {
        let case = Case {
            earlier_cases: ["two", "one"]
                .map(|id| format!("sites/lake/cases/{id}"))
                .to_vec(),
            ..Default::default()
        };
        let known = ("sites/lake/cases/two".to_owned(), "LAKE-2".to_owned());
        let numbers = Numbers(HashMap::from([known]));
        let told = before(&facts_alone(case), &numbers);
        assert_eq!(told.as_deref(), Some("before: LAKE-2, one"));
        assert_eq!(before(&Case::default(), &numbers), None);
    }

    #[test]
    fn the_json_of_a_case_shows_its_timeline_too() {
        let case = Case {
            number: "LAKE-1".to_owned(),
            ..Default::default()
        };
        let entry = TimelineEntry {
            kind: 1,
            ..Default::default()
        };
        let shown = as_json(&case, &[entry]);
        assert_eq!(shown["number"], "LAKE-1");
        let kind = TimelineKind::try_from(1).expect("a kind").as_str_name();
        assert_eq!(shown["timeline"][0]["kind"], kind);
    }

    #[test]
    fn a_watched_case_is_told_again_only_where_its_line_changed() {
        let mut shown = HashMap::new();
        let case = Case {
            name: "sites/lake/cases/one".to_owned(),
            number: "LAKE-1".to_owned(),
            grade: 3,
            ..Default::default()
        };
        let first = news(&mut shown, &case).expect("not told yet");
        assert!(first.starts_with("LAKE-1  grade 3  "), "{first}");
        let stirred = Case {
            headcount: 4,
            ..case.clone()
        };
        assert_eq!(news(&mut shown, &stirred), None);
        let graver = Case {
            grade: 2,
            ..stirred
        };
        assert!(news(&mut shown, &graver).is_some());
        assert!(news(&mut shown, &case).is_some(), "what it was before");
    }
}
