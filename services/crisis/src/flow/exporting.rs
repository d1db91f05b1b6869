//! The whole story of an incident, as the entries of one document. What it shows is what the transaction may see, and
//! sealed fields stay sealed: nobody opens them for a file.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use redress_model::Fault;
use redress_model::name::{CaseName, IncidentName, StatementName};
use redress_model::words::ClockKind;
use redress_store::Tx;
use redress_vault::chain::Broken;

use super::keeping::person_of;
use super::verifying::{Verified, verified};
use super::{Account, BriefingTold, Desk, StatementCase, in_force};
use crate::domain::command::responsible_for;
use crate::domain::export::Entry;
use crate::domain::words::{Audience, LogKind, State};
use crate::store::incidents::Incident;
use crate::store::statements::Filter;
use crate::store::tasks::Task;
use crate::store::{
    briefings, callouts, cases, clocks, commitments, feed, handovers, held, incidents, lessons,
    links, log, media, reviews, roles, sites, stages, statements, story, tasks, terms,
};

/// Writes instants in the site's zone.
struct Pen {
    zone: TimeZone,
}

impl Pen {
    fn at(&self, t: Timestamp) -> String {
        let local = t.to_zoned(self.zone.clone());
        local.strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
    }
}

/// Everything that belongs to an incident, and where its log does not stand as it was written, which is said in it too.
///
/// # Errors
/// When Postgres is away.
pub async fn whole_story(
    tx: &mut Tx,
    desk: &Desk,
    incident: &Incident,
) -> Result<(Vec<Entry>, Option<(IncidentName, Broken)>), Fault> {
    let zone = sites::zone(tx, &incident.name.site).await?;
    let zone = zone.unwrap_or_else(|| desk.zone.clone());
    let pen = Pen { zone };
    let mut story = vec![
        head(&pen, incident),
        command(tx, &pen, incident).await?,
        members(tx, &pen, incident).await?,
        promises(tx, &pen, incident).await?,
        run_by(tx, desk, &pen, incident).await?,
    ];
    story.extend(stages_of(tx, &pen, incident).await?);
    story.extend(said(tx, desk, &pen, incident).await?);
    story.push(told_to(tx, desk, &pen, incident).await?);
    story.push(silenced(tx, &pen, incident).await?);
    story.push(asked(tx, &pen, incident).await?);
    story.push(reported(tx, &pen, incident).await?);
    story.extend(met(tx, desk, &pen, incident).await?);
    story.push(pledged(tx, &pen, incident).await?);
    story.push(reviewed(tx, &pen, incident).await?);
    let log = verified(tx, &incident.name).await?;
    story.push(chained(incident, &log));
    story.extend(timeline(tx, &pen, incident).await?);
    // What was merged left here who led it, which cases it had, by what and through which stages, what it said, whom it met and what
    // happened; the rest of it goes on above, where whom it told stands too.
    let mut broken = log.broken.map(|b| (incident.name.clone(), b));
    for merged in incidents::merged(tx, &incident.name).await? {
        story.push(head(&pen, &merged));
        story.push(command(tx, &pen, &merged).await?);
        story.push(members(tx, &pen, &merged).await?);
        story.push(run_by(tx, desk, &pen, &merged).await?);
        story.extend(stages_of(tx, &pen, &merged).await?);
        story.extend(said(tx, desk, &pen, &merged).await?);
        story.push(silenced(tx, &pen, &merged).await?);
        story.extend(met(tx, desk, &pen, &merged).await?);
        story.push(promises(tx, &pen, &merged).await?);
        story.push(pledged(tx, &pen, &merged).await?);
        let log = verified(tx, &merged.name).await?;
        story.push(chained(&merged, &log));
        story.extend(timeline(tx, &pen, &merged).await?);
        broken = broken.or(log.broken.map(|b| (merged.name, b)));
    }
    Ok((story, broken))
}

/// The briefings, oldest first.
async fn met(
    tx: &mut Tx,
    desk: &Desk,
    pen: &Pen,
    incident: &Incident,
) -> Result<Vec<Entry>, Fault> {
    let IncidentName { site, id } = &incident.name;
    let all = briefings::list(tx, site, *id, None, None, i64::MAX).await?;
    let mut entries = Vec::new();
    for briefing in all.into_iter().rev() {
        let now = desk.clock.now();
        let told = BriefingTold::load(tx, incident, briefing, &pen.zone, now).await?;
        entries.push(briefed(pen, &told));
    }
    Ok(entries)
}

fn head(pen: &Pen, incident: &Incident) -> Entry {
    let mut entry = Entry::new(format!("事件 Incident {}", incident.number))
        .with(format!("name: {}", incident.name))
        .with(format!("state: {}", incident.state))
        .with(format!(
            "mode: {} ({})",
            incident.mode, incident.mode_reason
        ))
        .with(format!("stage: {}", incident.stage))
        .with(format!(
            "opened: {} ({})",
            pen.at(incident.opened),
            incident.open_reason
        ));
    if !incident.opened_by.is_empty() {
        entry.line(format!("opened by: {}", incident.opened_by));
    }
    entry.with(format!("last change: {}", pen.at(incident.updated)))
}

async fn command(tx: &mut Tx, pen: &Pen, incident: &Incident) -> Result<Entry, Fault> {
    let IncidentName { site, id } = &incident.name;
    let mut entry = Entry::new("指挥 Command");
    for role in roles::of_incident(tx, site, *id).await? {
        // By its own name: where the incident was merged, the call-out that was answered has gone on.
        let call = match role.callout {
            Some(id) => callouts::get(tx, site, id).await?,
            None => None,
        };
        let call = call.map_or_else(String::new, |c| {
            format!(", call-out {} {}", c.state, pen.at(c.changed))
        });
        let who = match (&role.held.staff, &role.held.stand_in) {
            (Some(staff), _) => staff.to_string(),
            (None, Some(lead)) => format!("unfilled; {lead} stands in"),
            (None, None) => "unfilled".to_owned(),
        };
        entry.line(format!("{}: {who}{call}", role.role));
    }
    for offer in handovers::of_incident(tx, site, *id, i64::MAX).await? {
        entry.line(format!(
            "{} offered to {} by {}, {}: {}; {}",
            offer.role,
            offer.to,
            offer.offered_by,
            pen.at(offer.offered),
            offer.reason,
            offer.state
        ));
    }
    for link in links::of_incident(tx, &incident.name).await? {
        let how = if link.leads { "leads" } else { "is led by" };
        entry.line(format!(
            "{how} {} since {}",
            link.other,
            pen.at(link.linked)
        ));
    }
    for deputy in story::deputies(tx, &incident.name).await? {
        let (role, staff, by) = (deputy.role, deputy.staff, deputy.by);
        entry.line(format!(
            "{staff} acts for {role} until {} by {by}",
            pen.at(deputy.end)
        ));
    }
    Ok(entry)
}

/// The cases that it has, or had when it was stood down, as they are graded now; then those that had left it.
async fn members(tx: &mut Tx, pen: &Pen, incident: &Incident) -> Result<Entry, Fault> {
    let IncidentName { site, id } = &incident.name;
    let mut entry = Entry::new("投诉单 Cases");
    for case in cases::of_incident(tx, site, *id, i64::MAX).await? {
        let grade = case.grade.map_or(0, |g| g.value());
        let joined = case.join_time.map(|t| pen.at(t)).unwrap_or_default();
        let ended = if case.ended { ", ended" } else { "" };
        entry.line(format!(
            "{} ({}): grade {grade} by {}, joined {joined}{ended}",
            case.number,
            case.id,
            case.criteria.join(", ")
        ));
    }
    for past in cases::past_of_incident(tx, site, *id).await? {
        let (joined, left) = (pen.at(past.joined), pen.at(past.left));
        entry.line(format!(
            "{} ({}): joined {joined}, left {left}",
            past.number, past.id
        ));
    }
    Ok(entry)
}

async fn promises(tx: &mut Tx, pen: &Pen, incident: &Incident) -> Result<Entry, Fault> {
    let IncidentName { site, id } = &incident.name;
    let mut entry = Entry::new("时限 Promises");
    let mut all = clocks::stopped(tx, site, *id, ClockKind::ALL, i64::MAX).await?;
    all.extend(clocks::open(tx, site, *id).await?);
    all.sort_by_key(|c| (c.start, c.id));
    for clock in all {
        let stopped = clock
            .stopped
            .map_or_else(String::new, |t| format!(", stopped {}", pen.at(t)));
        let case = clock.case.map_or_else(String::new, |case| {
            format!(" of {}", CaseName::new(site.clone(), case))
        });
        let owner = match person_of(tx, site, &clock).await? {
            Some(person) => person.to_string(),
            None => clock
                .owner
                .unwrap_or(responsible_for(clock.kind))
                .to_string(),
        };
        entry.line(format!(
            "{} {}{case}, {owner}: from {} due {}, rung {}{stopped}",
            clock.kind,
            clock.state,
            pen.at(clock.start),
            pen.at(clock.deadlines.due),
            clock.level
        ));
    }
    Ok(entry)
}

/// What it was run by, and each change of that.
async fn run_by(tx: &mut Tx, desk: &Desk, pen: &Pen, incident: &Incident) -> Result<Entry, Fault> {
    let IncidentName { site, id } = &incident.name;
    let mut entry = Entry::new("运行依据 Terms");
    let mut before: Vec<(String, String)> = Vec::new();
    for (frozen, by) in terms::history(tx, &desk.settings, site, *id).await? {
        let (playbook, revision) = (&frozen.playbook.name, frozen.playbook_revision);
        let actor = match by.by.subject.as_str() {
            "" => String::new(),
            actor => format!(" by {actor}"),
        };
        let (at, reason) = (pen.at(by.at), &by.reason);
        entry.line(format!(
            "from {at}{actor}: {playbook} r{revision} ({reason})"
        ));
        let settings = in_force(&frozen.settings, Some(&frozen.playbook))?;
        for setting in &settings {
            if !before.contains(setting) {
                entry.line(format!("{} = {}", setting.0, setting.1));
            }
        }
        before = settings;
    }
    Ok(entry)
}

/// Each visit of a stage: its tasks, and what was said of its exit conditions.
async fn stages_of(tx: &mut Tx, pen: &Pen, incident: &Incident) -> Result<Vec<Entry>, Fault> {
    let IncidentName { site, id } = &incident.name;
    let mut entries = Vec::new();
    for visit in stages::visits(tx, site, *id).await? {
        let mut entry = Entry::new(format!("阶段 Stage {} {}", visit.number, visit.stage)).with(
            format!("entered {}: {}", pen.at(visit.entered), visit.reason),
        );
        if let Some(left) = visit.left {
            entry.line(format!("left {}", pen.at(left)));
        }
        for task in tasks::of_visit(tx, site, *id, visit.number).await? {
            entry.line(told_of(&task, pen));
        }
        for word in stages::said(tx, site, *id, visit.number).await? {
            let holds = if word.holds { "holds" } else { "does not hold" };
            entry.line(format!(
                "condition {} {holds} by {}, {}: {}",
                word.key,
                word.actor,
                pen.at(word.at),
                word.reason
            ));
        }
        entries.push(entry);
    }
    Ok(entries)
}

fn told_of(task: &Task, pen: &Pen) -> String {
    let mut text = format!(
        "task {} ({} / {}) {} {}: due {}",
        task.key,
        task.title.zh_cn,
        task.title.en,
        task.owner,
        task.state,
        pen.at(task.due)
    );
    if let Some(ended) = task.ended {
        text += &format!(", ended {}", pen.at(ended));
    }
    for (before, what) in [
        (" by ", &task.actor),
        (": ", &task.reason),
        (", see ", &task.reference),
        (", taught by ", &task.origin),
    ] {
        if !what.is_empty() {
            text += before;
            text += what;
        }
    }
    text
}

/// Each statement with every version, all of it that was approved, and every verdict.
async fn said(
    tx: &mut Tx,
    desk: &Desk,
    pen: &Pen,
    incident: &Incident,
) -> Result<Vec<Entry>, Fault> {
    let IncidentName { site, id } = &incident.name;
    let mut entries = Vec::new();
    let all = statements::list(tx, site, *id, Filter::default(), None, i64::MAX).await?;
    for statement in all.into_iter().rev() {
        let case = StatementCase::load(tx, desk, statement, incident.stage).await?;
        let name = &case.statement.name;
        let mut entry = Entry::new(format!("声明 Statement {name}"))
            .with(format!("kind: {}", case.statement.content.kind))
            .with(format!("state: {}", case.statement.state))
            .with(format!("digest: {}", hex::encode(case.digest)));
        if let Some(old) = case.statement.supersedes {
            let old = StatementName::new(site.clone(), old);
            entry.line(format!("supersedes: {old}"));
        }
        for version in story::versions(tx, name).await? {
            let (number, author) = (version.number, version.author);
            let (audience, language) = (version.audience, version.language);
            let at = pen.at(version.at);
            entry.line(format!(
                "version {number} to {audience} in {language} by {author}, {at}:\n{}",
                version.text
            ));
            for fact in &version.facts {
                entry.line(format!(
                    "fact {} = {} from {}, of version {number}",
                    fact.key, fact.value, fact.source
                ));
            }
            for (what, reason) in [
                ("wording overridden", &version.wording_reason),
                ("correction", &version.correction),
            ] {
                if !reason.is_empty() {
                    entry.line(format!("{what}, of version {number}: {reason}"));
                }
            }
        }
        for said in &case.said {
            let review = &said.review;
            entry.line(format!(
                "{} {} by {}, {}, of {}: {}",
                review.step,
                review.verdict,
                review.by.subject,
                pen.at(said.at),
                hex::encode(review.digest),
                said.reason
            ));
        }
        if let Some(left) = &case.statement.published {
            entry.line(format!(
                "published in {} by {}, {}",
                left.stage,
                left.by,
                pen.at(left.at)
            ));
        }
        if let Some(number) = feed::number_of(tx, site, name.id).await? {
            for published in feed::after(tx, site, number - 1, 1).await? {
                let hash = hex::encode(published.hash);
                entry.line(format!(
                    "feed entry {number}: hash {hash}, signature {}",
                    published.signature
                ));
            }
        }
        entries.push(entry);
    }
    Ok(entries)
}

/// What each audience was told, and who has to be told something yet.
async fn told_to(tx: &mut Tx, desk: &Desk, pen: &Pen, incident: &Incident) -> Result<Entry, Fault> {
    let mut entry = Entry::new("告知 Told");
    let account = Account::load(tx, desk, incident).await?;
    for one in account.told() {
        let reference = match one.reference.as_str() {
            "" => String::new(),
            reference => format!(": {reference}"),
        };
        entry.line(format!(
            "{} in {} by {}, {}{reference}",
            one.audience,
            one.stage,
            one.means,
            pen.at(one.at)
        ));
    }
    if incident.state == State::Open {
        for untold in account.missing() {
            entry.line(format!("{}: {untold}", untold.audience));
        }
    }
    Ok(entry)
}

/// What was held for the spokesperson of what others had to say to the affected, and what became of it; neither readers nor texts
/// are known here.
async fn silenced(tx: &mut Tx, pen: &Pen, incident: &Incident) -> Result<Entry, Fault> {
    let IncidentName { site, id } = &incident.name;
    let mut entry = Entry::new(format!("暂缓的消息 Held messages {}", incident.number));
    for one in held::of_incident(tx, site, *id).await? {
        let about = one
            .case
            .map_or_else(String::new, |case| format!(" about {case}"));
        let by = match one.decided_by.as_str() {
            "" => String::new(),
            by => format!(" by {by}"),
        };
        let decided = match one.decision.as_str() {
            "" => ", waits".to_owned(),
            decision => {
                let why = if one.reason.is_empty() { "" } else { ": " };
                let at = pen.at(one.changed);
                format!(", {decision}{by}, {at}{why}{}", one.reason)
            }
        };
        entry.line(format!(
            "{} to {}{about}: {}, held {}, to be decided by {}{decided}",
            one.template,
            Audience::Affected,
            one.message,
            pen.at(one.since),
            pen.at(one.decide_by)
        ));
    }
    Ok(entry)
}

/// Each inquiry with what became of it; who asked stays sealed.
async fn asked(tx: &mut Tx, pen: &Pen, incident: &Incident) -> Result<Entry, Fault> {
    let IncidentName { site, id } = &incident.name;
    let mut entry = Entry::new("媒体问询 Inquiries");
    let all = media::inquiries(tx, site, *id, None, None, i64::MAX).await?;
    for inquiry in all.into_iter().rev() {
        let embargo = inquiry
            .embargo
            .map_or_else(String::new, |t| format!(", embargo until {}", pen.at(t)));
        let decided = match (inquiry.decided, inquiry.statement) {
            (None, _) => String::new(),
            (Some(at), Some(statement)) => {
                let (by, name) = (
                    &inquiry.decided_by,
                    StatementName::new(site.clone(), statement),
                );
                let digest = hex::encode(inquiry.digest.as_deref().unwrap_or_default());
                format!(", answered {} by {by} with {name} as {digest}", pen.at(at))
            }
            (Some(at), None) => {
                let (by, reason) = (&inquiry.decided_by, &inquiry.reason);
                format!(", declined {} by {by}: {reason}", pen.at(at))
            }
        };
        entry.line(format!(
            "{} ({}) {}, {}, due {}{embargo}{decided}:\n{}",
            inquiry.outlet,
            inquiry.rank,
            inquiry.state,
            pen.at(inquiry.received),
            pen.at(inquiry.due),
            inquiry.question
        ));
    }
    Ok(entry)
}

/// Each report with everything that was said of it, and how it was set right.
async fn reported(tx: &mut Tx, pen: &Pen, incident: &Incident) -> Result<Entry, Fault> {
    let IncidentName { site, id } = &incident.name;
    let mut entry = Entry::new("媒体曝光 Exposures");
    let all = media::exposures(tx, site, *id, None, None, i64::MAX).await?;
    for exposure in all.into_iter().rev() {
        let due = exposure.clarify_due.map_or_else(String::new, |t| {
            format!(", to be clarified by {}", pen.at(t))
        });
        entry.line(format!(
            "{} ({} {}), {}, reach {}{due}: {}",
            exposure.outlet,
            exposure.rank,
            exposure.medium,
            pen.at(exposure.published),
            exposure.reach,
            exposure.link
        ));
        for said in media::assessments(tx, &exposure.name).await? {
            let by = match said.actor.as_str() {
                "" => String::new(),
                actor => format!(" by {actor}"),
            };
            entry.line(format!(
                "{} {}{by}, {}, reach {}: {}",
                exposure.outlet,
                said.truth,
                pen.at(said.at),
                said.reach,
                said.reason
            ));
        }
        if let Some(set_right) = &exposure.clarified {
            let late = if set_right.in_time {
                "in time"
            } else {
                "too late"
            };
            let name = StatementName::new(site.clone(), set_right.statement);
            entry.line(format!(
                "{} set right in {} ({}), {}, {late}, with {name}: {}",
                exposure.outlet,
                set_right.outlet,
                set_right.rank,
                pen.at(set_right.at),
                set_right.link
            ));
        }
    }
    Ok(entry)
}

fn briefed(pen: &Pen, told: &BriefingTold) -> Entry {
    let briefing = &told.briefing;
    let mut entry = Entry::new(format!("通报会 Briefing {}", briefing.number))
        .with(format!("state: {}", briefing.state))
        .with(format!("form: {}", told.form))
        .with(format!("planned: {}", pen.at(briefing.planned)));
    if let Some(released) = &briefing.released {
        entry.line(format!(
            "released by {}, {}",
            released.by,
            pen.at(released.at)
        ));
        entry.line(format!("digest: {}", hex::encode(released.digest)));
    }
    if !told.notes.is_empty() {
        entry.line(format!("notes:\n{}", told.notes));
    }
    for question in &told.asked {
        if let Some(answer) = &question.answer {
            entry.line(format!(
                "answered {} by {}: {}: {}",
                pen.at(answer.at),
                answer.by,
                question.text,
                answer.text
            ));
        }
    }
    entry
}

async fn pledged(tx: &mut Tx, pen: &Pen, incident: &Incident) -> Result<Entry, Fault> {
    let IncidentName { site, id } = &incident.name;
    let mut entry = Entry::new("承诺 Commitments");
    for c in commitments::list(tx, site, *id, None, None, i64::MAX).await? {
        let settled = c.settled.as_ref().map_or_else(String::new, |s| {
            format!(", settled {} by {}: {}", pen.at(s.at), s.by, s.text)
        });
        entry.line(format!(
            "{} {}: {} due {}{settled}",
            c.owner,
            c.state,
            c.text,
            pen.at(c.due)
        ));
    }
    Ok(entry)
}

async fn reviewed(tx: &mut Tx, pen: &Pen, incident: &Incident) -> Result<Entry, Fault> {
    let IncidentName { site, id } = &incident.name;
    let review = reviews::get(tx, &incident.name).await?;
    let mut entry = Entry::new("复盘 Review").with(format!("state: {}", review.state));
    for (what, texts) in [
        ("cause", &review.causes),
        ("worked", &review.worked),
        ("lacking", &review.lacking),
    ] {
        for text in texts {
            entry.line(format!("{what}: {text}"));
        }
    }
    for action in reviews::actions(tx, site, *id).await? {
        let settled = action
            .settled
            .as_ref()
            .map_or_else(String::new, |(at, by, outcome)| {
                format!(", settled {} by {by}: {outcome}", pen.at(*at))
            });
        let (owner, state, text) = (&action.owner, action.state, &action.text);
        entry.line(format!(
            "action {owner} {state}: {text} due {}{settled}",
            pen.at(action.due)
        ));
    }
    for lesson in lessons::of_incident(tx, site, *id).await? {
        let teaching = &lesson.teaching;
        let (playbook, stage) = (&teaching.playbook, teaching.stage);
        let text = &teaching.text;
        entry.line(format!(
            "lesson {} for {stage} of {playbook} by {}: {} / {}: {}",
            lesson.state, lesson.proposed_by, text.zh_cn, text.en, lesson.reason
        ));
        if let Some(decided) = &lesson.decided {
            let revision = decided
                .playbook_revision
                .map_or_else(String::new, |r| format!(" as revision {r}"));
            let at = pen.at(decided.at);
            entry.line(format!(
                "decided{revision} by {}, {at}: {}",
                decided.by, decided.reason
            ));
        }
    }
    if let Some((at, by)) = &review.closed {
        entry.line(format!("closed by {by}, {}", pen.at(*at)));
    }
    Ok(entry)
}

/// Whether the log is the one that was written: a document made of another says so.
fn chained(incident: &Incident, log: &Verified) -> Entry {
    let mut entry = Entry::new(format!("记录链 Log {}", incident.number))
        .with(format!("entries: {}", log.entries));
    if log.hashed > 0 {
        entry.line(format!("hash of entry {}: {}", log.hashed, log.hash));
    }
    entry.with(match log.broken {
        None => "it stands as it was written".to_owned(),
        Some(Broken { number, finding }) => {
            format!("it does not stand as it was written from entry {number} on: {finding}")
        }
    })
}

/// The log, an entry for each day of the site.
async fn timeline(tx: &mut Tx, pen: &Pen, incident: &Incident) -> Result<Vec<Entry>, Fault> {
    let IncidentName { site, id } = &incident.name;
    let mut days: Vec<(String, Entry)> = Vec::new();
    let mut all = log::last(tx, site, *id, i64::MAX).await?;
    all.reverse();
    for noted in all {
        let local = noted.at.to_zoned(pen.zone.clone());
        let day = local.date().to_string();
        if days.last().is_none_or(|(last, _)| *last != day) {
            let title = format!("时间线 Timeline {} {day}", incident.number);
            days.push((day.clone(), Entry::new(title)));
        }
        let actor = if noted.actor.is_empty() {
            String::new()
        } else {
            format!(" ({})", noted.actor)
        };
        let reference = match noted.reference.as_str() {
            "" => String::new(),
            reference => format!(" [{reference}]"),
        };
        let (number, kind): (i64, LogKind) = (noted.number, noted.kind);
        if let Some((_, entry)) = days.last_mut() {
            entry.line(format!(
                "{number} {} {kind} {}{actor}{reference}",
                local.strftime("%H:%M:%S"),
                noted.text
            ));
        }
    }
    Ok(days.into_iter().map(|(_, entry)| entry).collect())
}
