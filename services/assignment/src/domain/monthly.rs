//! The report for the monthly analysis meeting (M06): as Markdown to be read aloud, as CSV for a spreadsheet, in Chinese or
//! English. Pure: whoever asks brings the counts.

use std::fmt::Write as _;

use jiff::SignedDuration;
use redress_model::words::{Category, Channel, ClockKind, Word};

use super::ledger::{EntryCause, EntryKind};
use super::report::{CauseSource, Dimension, Month, Trend, rate};

/// What is measured of a group of cases.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Measures {
    /// Cases received.
    pub cases: i64,
    /// Of them resolved now.
    pub resolved: i64,
    /// Promises kept in time.
    pub on_time: i64,
    /// Promises broken.
    pub late: i64,
    /// Surveys answered.
    pub surveys: i64,
    /// Sum of their scores.
    pub score: i64,
    /// Within what the first answer came for half and for nine in ten.
    pub answer: Option<[SignedDuration; 2]>,
    /// Within what half and nine in ten were resolved.
    pub resolve: Option<[SignedDuration; 2]>,
    /// Kept and broken by kind of promise.
    pub promises: Vec<(ClockKind, i64, i64)>,
}

impl Measures {
    /// Mean score; none where nobody answered.
    pub fn satisfaction(&self) -> Option<f64> {
        (self.surveys > 0).then(|| self.score as f64 / self.surveys as f64)
    }
}

/// This month beside the one before.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Compared {
    /// A value of the section's dimension; empty where not known.
    pub value: String,
    /// This month.
    pub current: Measures,
    /// The month before.
    pub previous: Measures,
}

/// How the desk that accepts all complaints did in a month (M06), by the cases received in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Desk {
    /// Complaints accepted.
    pub accepted: i64,
    /// First contacts with their complainants in time.
    pub acknowledged_on_time: i64,
    /// First contacts that were late or are overdue.
    pub acknowledged_late: i64,
    /// Cases that were followed from their first decision on: of them are the next two.
    pub followed: i64,
    /// Their category was corrected later.
    pub rerouted: i64,
    /// They were graded graver later, by what was said of the case itself.
    pub regraded: i64,
}

impl Desk {
    /// What the counts of all cases tell of it.
    pub fn of(all: &Measures) -> Self {
        let (acknowledged_on_time, acknowledged_late) = all
            .promises
            .iter()
            .find(|(kind, _, _)| *kind == ClockKind::Acknowledge)
            .map_or((0, 0), |(_, on_time, late)| (*on_time, *late));
        Self {
            accepted: all.cases,
            acknowledged_on_time,
            acknowledged_late,
            ..Self::default()
        }
    }

    fn cells(self) -> [String; 5] {
        let part = |n: i64| {
            rate(n, self.followed - n)
                .map_or_else(dash, |share| format!("{n} ({:.1} %)", share * 100.0))
        };
        [
            self.accepted.to_string(),
            percent(self.acknowledged_on_time, self.acknowledged_late),
            self.followed.to_string(),
            part(self.rerouted),
            part(self.regraded),
        ]
    }
}

/// One breakdown.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// By what.
    pub dimension: Dimension,
    /// Most cases first.
    pub rows: Vec<Compared>,
}

/// A cause that comes up again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The cause.
    pub cause: String,
    /// The word of its category; empty where not known.
    pub category: String,
    /// Cases by month, oldest first.
    pub months: Vec<(Month, i64)>,
    /// Whether it comes up more often.
    pub trend: Trend,
}

impl Cause {
    /// Cases over all months.
    pub fn cases(&self) -> i64 {
        self.months.iter().map(|(_, n)| n).sum()
    }

    /// Months in which it came up.
    pub fn months_seen(&self) -> usize {
        self.months.iter().filter(|(_, n)| *n > 0).count()
    }
}

/// The whole report.
#[derive(Debug, Clone, PartialEq)]
pub struct Monthly {
    /// Whose, in words.
    pub parent: String,
    /// Of which month.
    pub month: Month,
    /// Everything together.
    pub total: Compared,
    /// The desk, this month and the month before.
    pub desk: [Desk; 2],
    /// The breakdowns.
    pub sections: Vec<Section>,
    /// What comes up again.
    pub causes: Vec<Cause>,
    /// What was booked in the ledger in the month, and stands.
    pub ledger: Vec<Booked>,
}

/// What was booked for one cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booked {
    /// What it is.
    pub kind: EntryKind,
    /// Why.
    pub cause: EntryCause,
    /// How many entries.
    pub entries: i64,
    /// How much together, in fen.
    pub amount_fen: i64,
    /// Of that settled.
    pub settled_fen: i64,
}

/// What it is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Chinese of the mainland.
    Chinese,
    /// English.
    English,
}

impl Language {
    fn of(self, words: (&'static str, &'static str)) -> &'static str {
        match self {
            Self::Chinese => words.0,
            Self::English => words.1,
        }
    }
}

/// To be read in the meeting.
pub fn markdown(report: &Monthly, language: Language) -> String {
    let say = |chinese, english| language.of((chinese, english));
    let mut text = String::new();
    let title = say("投诉月度分析", "Monthly complaint analysis");
    let (current, previous) = (&report.total.current, &report.total.previous);
    // Writing to a string never fails.
    let _ = writeln!(text, "# {title} {}\n", report.month);
    let _ = writeln!(text, "{}: {}\n", say("范围", "Scope"), cell(&report.parent));
    let heads = [
        say("指标", "Measure"),
        say("本月", "This month"),
        say("上月", "Month before"),
    ];
    table_head(&mut text, &heads);
    let mut row = |name: &str, of: &dyn Fn(&Measures) -> String| {
        let _ = writeln!(text, "| {name} | {} | {} |", of(current), of(previous));
    };
    row(say("受理", "Received"), &|m| m.cases.to_string());
    row(say("已解决", "Resolved"), &|m| m.resolved.to_string());
    row(say("按时率", "On time"), &|m| percent(m.on_time, m.late));
    row(say("满意度", "Satisfaction"), &|m| {
        m.satisfaction().map_or_else(dash, |s| format!("{s:.1}"))
    });
    row(
        say("首次答复(中位/九成)", "First answer (p50/p90)"),
        &|m| times(m.answer),
    );
    row(say("解决(中位/九成)", "Resolution (p50/p90)"), &|m| {
        times(m.resolve)
    });
    for kind in ClockKind::ALL {
        let of = |m: &Measures| {
            m.promises
                .iter()
                .find(|(k, _, _)| k == kind)
                .map(|(_, on_time, late)| (*on_time, *late))
        };
        if of(current).is_some() || of(previous).is_some() {
            let name = format!("{}: {}", say("按时率", "On time"), promise(*kind, language));
            let share =
                |m: &Measures| of(m).map_or_else(dash, |(on_time, late)| percent(on_time, late));
            row(&name, &share);
        }
    }
    let _ = writeln!(text, "\n## {}\n", say("受理台", "The desk"));
    table_head(&mut text, &heads);
    let names = [
        say("受理", "Accepted"),
        say("首次联系按时率", "Acknowledged in time"),
        say("自首次判定起跟踪", "Followed since the first decision"),
        say("其中类别后来更正", "Of them re-routed later"),
        say("其中后来升级", "Of them graded higher later"),
    ];
    let [now, before] = report.desk.map(Desk::cells);
    for ((name, now), before) in names.into_iter().zip(now).zip(before) {
        let _ = writeln!(text, "| {name} | {now} | {before} |");
    }
    for section in &report.sections {
        let _ = writeln!(text, "\n## {}\n", head(section.dimension, language));
        table_head(
            &mut text,
            &[
                head(section.dimension, language),
                say("受理", "Received"),
                say("上月", "Month before"),
                say("变化", "Change"),
                say("已解决", "Resolved"),
                say("按时率", "On time"),
            ],
        );
        for row in &section.rows {
            let m = &row.current;
            let _ = writeln!(
                text,
                "| {} | {} | {} | {:+} | {} | {} |",
                cell(&value(section.dimension, &row.value, language)),
                m.cases,
                row.previous.cases,
                m.cases - row.previous.cases,
                m.resolved,
                percent(m.on_time, m.late),
            );
        }
    }
    if !report.causes.is_empty() {
        let _ = writeln!(text, "\n## {}\n", say("反复出现的原因", "Recurring causes"));
        table_head(
            &mut text,
            &[
                say("原因", "Cause"),
                say("类别", "Category"),
                say("件数", "Cases"),
                say("月数", "Months"),
                say("趋势", "Trend"),
            ],
        );
        for cause in &report.causes {
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} |",
                cell(&cause.cause),
                cell(&value(Dimension::Category, &cause.category, language)),
                cause.cases(),
                cause.months_seen(),
                trend(cause.trend, language),
            );
        }
    }
    if !report.ledger.is_empty() {
        let _ = writeln!(text, "\n## {}\n", say("责任台账", "Ledger"));
        table_head(
            &mut text,
            &[
                say("类型", "Entry"),
                say("事由", "Cause"),
                say("笔数", "Entries"),
                say("金额(元)", "Amount (CNY)"),
                say("已结清(元)", "Settled (CNY)"),
            ],
        );
        for booked in &report.ledger {
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} |",
                kind(booked.kind, language),
                why(booked.cause, language),
                booked.entries,
                yuan(booked.amount_fen),
                yuan(booked.settled_fen),
            );
        }
    }
    text
}

/// An amount as people write it.
fn yuan(fen: i64) -> String {
    format!("{}.{:02}", fen / 100, fen % 100)
}

fn kind(kind: EntryKind, language: Language) -> &'static str {
    language.of(match kind {
        EntryKind::Penalty => ("处罚", "penalty"),
        EntryKind::Fee => ("费用", "fee"),
        EntryKind::Recognition => ("表彰", "recognition"),
        EntryKind::Thanks => ("感谢", "thanks"),
        EntryKind::Prize => ("奖金", "prize"),
    })
}

fn why(cause: EntryCause, language: Language) -> &'static str {
    language.of(match cause {
        EntryCause::UpheldComplaint => ("投诉属实", "upheld complaint"),
        EntryCause::Exposure => ("媒体曝光", "exposure"),
        EntryCause::TakeOver => ("公司中心接管", "taken over by the centre"),
        EntryCause::Praise => ("客户点名表扬", "praise"),
        EntryCause::Ranking => ("年度评比", "yearly ranking"),
        EntryCause::Other => ("其他", "other"),
    })
}

/// For a spreadsheet: a row for each group and month, RFC 4180.
pub fn csv(report: &Monthly, language: Language) -> String {
    let say = |chinese, english| language.of((chinese, english));
    let mut text = String::new();
    let heads = [
        say("维度", "dimension"),
        say("值", "value"),
        say("月份", "month"),
        say("受理", "received"),
        say("已解决", "resolved"),
        say("按时", "on_time"),
        say("超时", "late"),
        say("评价数", "surveys"),
        say("满意度", "satisfaction"),
    ];
    text.push_str(&heads.join(","));
    text.push_str("\r\n");
    let mut lines = |dimension: &str, shown: &str, row: &Compared| {
        for (month, m) in [
            (report.month, &row.current),
            (report.month.plus(-1), &row.previous),
        ] {
            let fields = [
                field(dimension),
                field(shown),
                month.to_string(),
                m.cases.to_string(),
                m.resolved.to_string(),
                m.on_time.to_string(),
                m.late.to_string(),
                m.surveys.to_string(),
                m.satisfaction()
                    .map_or_else(String::new, |s| format!("{s:.2}")),
            ];
            text.push_str(&fields.join(","));
            text.push_str("\r\n");
        }
    };
    lines(say("合计", "total"), "", &report.total);
    for section in &report.sections {
        for row in &section.rows {
            lines(
                head(section.dimension, language),
                &value(section.dimension, &row.value, language),
                row,
            );
        }
    }
    // Other columns, so tables of their own below an empty line.
    let heads = [
        say("受理台月份", "desk_month"),
        say("受理", "accepted"),
        say("首次联系按时", "acknowledged_on_time"),
        say("首次联系超时", "acknowledged_late"),
        say("自首次判定起跟踪", "followed"),
        say("类别后来更正", "rerouted"),
        say("后来升级", "regraded"),
    ];
    let _ = write!(text, "\r\n{}\r\n", heads.join(","));
    for (month, desk) in [report.month, report.month.plus(-1)]
        .into_iter()
        .zip(&report.desk)
    {
        let counts = [
            desk.accepted,
            desk.acknowledged_on_time,
            desk.acknowledged_late,
            desk.followed,
            desk.rerouted,
            desk.regraded,
        ];
        let fields = counts.map(|n| n.to_string());
        let _ = write!(text, "{month},{}\r\n", fields.join(","));
    }
    csv_promises(&mut text, report, language);
    csv_causes(&mut text, report, language);
    if !report.ledger.is_empty() {
        let heads = [
            say("台账类型", "ledger_kind"),
            say("事由", "cause"),
            say("月份", "month"),
            say("笔数", "entries"),
            say("金额", "amount"),
            say("已结清", "settled"),
        ];
        let _ = write!(text, "\r\n{}\r\n", heads.join(","));
        for booked in &report.ledger {
            let fields = [
                kind(booked.kind, language).to_owned(),
                why(booked.cause, language).to_owned(),
                report.month.to_string(),
                booked.entries.to_string(),
                yuan(booked.amount_fen),
                yuan(booked.settled_fen),
            ];
            let _ = write!(text, "{}\r\n", fields.join(","));
        }
    }
    text
}

/// A table of what was kept and broken by kind of promise, where any promise of either month ended.
fn csv_promises(text: &mut String, report: &Monthly, language: Language) {
    let say = |chinese, english| language.of((chinese, english));
    let heads = [
        say("承诺", "promise"),
        say("月份", "month"),
        say("按时", "on_time"),
        say("超时", "late"),
    ];
    let months = [
        (report.month, &report.total.current),
        (report.month.plus(-1), &report.total.previous),
    ];
    if months.iter().all(|(_, m)| m.promises.is_empty()) {
        return;
    }
    let _ = write!(text, "\r\n{}\r\n", heads.join(","));
    for (month, measures) in months {
        for (kind, on_time, late) in &measures.promises {
            let kind = promise(*kind, language);
            let _ = write!(text, "{},{month},{on_time},{late}\r\n", field(&kind));
        }
    }
}

/// A table of the causes that come again, where there are any.
fn csv_causes(text: &mut String, report: &Monthly, language: Language) {
    let say = |chinese, english| language.of((chinese, english));
    if report.causes.is_empty() {
        return;
    }
    let heads = [
        say("反复出现的原因", "recurring_cause"),
        say("类别", "category"),
        say("件数", "cases"),
        say("月数", "months"),
        say("趋势", "trend"),
    ];
    let _ = write!(text, "\r\n{}\r\n", heads.join(","));
    for cause in &report.causes {
        let fields = [
            field(&cause.cause),
            field(&value(Dimension::Category, &cause.category, language)),
            cause.cases().to_string(),
            cause.months_seen().to_string(),
            trend(cause.trend, language).to_owned(),
        ];
        let _ = write!(text, "{}\r\n", fields.join(","));
    }
}

fn trend(trend: Trend, language: Language) -> &'static str {
    language.of(match trend {
        Trend::Rising => ("上升", "rising"),
        Trend::Steady => ("持平", "steady"),
        Trend::Falling => ("下降", "falling"),
    })
}

fn table_head(text: &mut String, heads: &[&str]) {
    let _ = writeln!(text, "| {} |", heads.join(" | "));
    let _ = writeln!(text, "|{}", " --- |".repeat(heads.len()));
}

fn dash() -> String {
    "–".to_owned()
}

fn percent(on_time: i64, late: i64) -> String {
    rate(on_time, late).map_or_else(dash, |share| format!("{:.1} %", share * 100.0))
}

fn times(times: Option<[SignedDuration; 2]>) -> String {
    let said = |d: SignedDuration| match d.as_secs_f64() / 60.0 {
        minutes if minutes < 60.0 => format!("{minutes:.0} min"),
        minutes => format!("{:.1} h", minutes / 60.0),
    };
    times.map_or_else(dash, |[half, most]| {
        format!("{} / {}", said(half), said(most))
    })
}

/// What staff wrote must not break the table.
fn cell(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('|', "\\|")
        .replace(['\n', '\r'], " ")
}

/// A field of RFC 4180 that no spreadsheet takes for a formula.
fn field(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if is_formula {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

fn head(dimension: Dimension, language: Language) -> &'static str {
    language.of(match dimension {
        Dimension::Site => ("项目", "Site"),
        Dimension::Month => ("月份", "Month"),
        Dimension::Category => ("类别", "Category"),
        Dimension::Cause => ("原因", "Cause"),
        Dimension::Source => ("来源", "Source"),
        Dimension::Grade => ("级别", "Grade"),
        Dimension::Channel => ("渠道", "Channel"),
        Dimension::Department => ("部门", "Department"),
    })
}

/// A value in the reader's words.
fn value(dimension: Dimension, word: &str, language: Language) -> String {
    let known = match dimension {
        _ if word.is_empty() => Some(("未知", "not known")),
        Dimension::Category => Category::parse(word).ok().map(category),
        Dimension::Channel => Channel::parse(word).ok().map(channel),
        Dimension::Source => CauseSource::parse(word).ok().map(source),
        Dimension::Site
        | Dimension::Month
        | Dimension::Cause
        | Dimension::Grade
        | Dimension::Department => None,
    };
    known.map_or_else(|| word.to_owned(), |words| language.of(words).to_owned())
}

fn category(category: Category) -> (&'static str, &'static str) {
    match category {
        Category::EngineeringQuality => ("工程质量", "engineering quality"),
        Category::PlanningDesign => ("规划设计", "planning and design"),
        Category::SalesManagement => ("销售管理", "sales management"),
        Category::PropertyManagement => ("物业管理", "property management"),
        Category::ServiceConduct => ("服务态度", "service and conduct"),
        Category::RepairService => ("维修服务", "repair service"),
        Category::CommercialLeasing => ("商业租赁", "commercial leasing"),
        Category::ExternalEnvironment => ("外部环境", "external environment"),
    }
}

fn channel(channel: Channel) -> (&'static str, &'static str) {
    match channel {
        Channel::Hotline => ("热线", "hotline"),
        Channel::FrontDesk => ("前台", "front desk"),
        Channel::DeskOnsite => ("现场接待台", "on-site desk"),
        Channel::Wechat => ("微信", "WeChat"),
        Channel::Email => ("电子邮件", "e-mail"),
        Channel::Web => ("网站", "web"),
        Channel::App => ("应用", "app"),
        Channel::Letter => ("信函", "letter"),
        Channel::Visit => ("来访", "visit"),
        Channel::MediaMonitor => ("媒体监测", "media monitor"),
        Channel::Regulator => ("主管部门", "regulator"),
        Channel::Store => ("门店", "store"),
    }
}

fn source(source: CauseSource) -> (&'static str, &'static str) {
    match source {
        CauseSource::ObjectiveDefect => ("客观缺陷", "objective defect"),
        CauseSource::EconomicMotive => ("经济动机", "economic motive"),
        CauseSource::ThirdPartyInstigation => ("第三方推动", "third-party instigation"),
        CauseSource::OutsideOurResponsibility => ("非我方责任", "outside our responsibility"),
    }
}

fn promise(kind: ClockKind, language: Language) -> String {
    let words = match kind {
        ClockKind::Acknowledge => ("首次联系", "acknowledge"),
        ClockKind::Answer => ("答复", "answer"),
        ClockKind::Resolve => ("解决", "resolve"),
        ClockKind::StartInvestigation => ("开始调查", "start of the investigation"),
        ClockKind::OnSite => ("到场", "on site"),
        ClockKind::InterimUpdate => ("进展告知", "interim update"),
        ClockKind::ConfirmClosing => ("确认结案", "confirm closing"),
        ClockKind::FollowUpVisit => ("回访", "follow-up visit"),
        ClockKind::OutsideDeadline => ("外部期限", "outside deadline"),
        ClockKind::Support => ("协办", "support"),
        ClockKind::Rescue => ("救援", "rescue"),
        ClockKind::StoreReport => ("门店书面报告", "store's report"),
        ClockKind::MediaClarification => ("媒体澄清", "clarification in the media"),
        _ => return kind.word().to_owned(),
    };
    language.of(words).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Monthly {
        let compared = |value: &str, now, before| Compared {
            value: value.to_owned(),
            current: Measures {
                cases: now,
                resolved: 1,
                on_time: 3,
                late: 1,
                promises: vec![(ClockKind::Answer, 3, 1)],
                ..Measures::default()
            },
            previous: Measures {
                cases: before,
                ..Measures::default()
            },
        };
        Monthly {
            parent: "sites/lakeside".to_owned(),
            month: Month::parse("2026-01").expect("a month"),
            total: compared("", 5, 7),
            desk: [
                Desk {
                    followed: 4,
                    rerouted: 1,
                    regraded: 2,
                    ..Desk::of(&Measures {
                        cases: 5,
                        promises: vec![(ClockKind::Acknowledge, 4, 1), (ClockKind::Answer, 3, 1)],
                        ..Measures::default()
                    })
                },
                Desk::of(&Measures {
                    cases: 7,
                    ..Measures::default()
                }),
            ],
            sections: vec![
                Section {
                    dimension: Dimension::Category,
                    rows: vec![compared("REPAIR_SERVICE", 5, 7)],
                },
                Section {
                    dimension: Dimension::Cause,
                    rows: vec![compared("=1+1,\"x\" | y", 1, 0)],
                },
            ],
            ledger: vec![Booked {
                kind: EntryKind::Penalty,
                cause: EntryCause::Exposure,
                entries: 2,
                amount_fen: 100_050,
                settled_fen: 50_000,
            }],
            causes: vec![Cause {
                cause: "a loose joint".to_owned(),
                category: "REPAIR_SERVICE".to_owned(),
                months: vec![(Month(24_312), 1), (Month(24_313), 3)],
                trend: Trend::Rising,
            }],
        }
    }

    #[test]
    fn m06_the_meeting_reads_this_month_beside_the_one_before() {
        let text = markdown(&report(), Language::English);
        assert!(
            text.contains("# Monthly complaint analysis 2026-01"),
            "{text}"
        );
        assert!(text.contains("| Received | 5 | 7 |"), "{text}");
        assert!(text.contains("| On time | 75.0 % | – |"), "{text}");
        assert!(text.contains("| On time: answer | 75.0 % | – |"), "{text}");
        assert!(
            text.contains("| repair service | 5 | 7 | -2 | 1 | 75.0 % |"),
            "{text}"
        );
        assert!(
            text.contains("| a loose joint | repair service | 4 | 2 | rising |"),
            "{text}"
        );
        assert!(
            text.contains("| penalty | exposure | 2 | 1000.50 | 500.00 |"),
            "{text}"
        );
        let text = markdown(&report(), Language::Chinese);
        assert!(
            text.contains("| 处罚 | 媒体曝光 | 2 | 1000.50 | 500.00 |"),
            "{text}"
        );
        assert!(
            text.contains("| 维修服务 | 5 | 7 | -2 | 1 | 75.0 % |"),
            "{text}"
        );
    }

    #[test]
    fn m06_the_desk_is_held_against_what_was_corrected_since_it_is_followed() {
        for (language, lines) in [
            (
                Language::English,
                [
                    "## The desk",
                    "| Accepted | 5 | 7 |",
                    "| Acknowledged in time | 80.0 % | – |",
                    "| Followed since the first decision | 4 | 0 |",
                    "| Of them re-routed later | 1 (25.0 %) | – |",
                    "| Of them graded higher later | 2 (50.0 %) | – |",
                ],
            ),
            (
                Language::Chinese,
                [
                    "## 受理台",
                    "| 受理 | 5 | 7 |",
                    "| 首次联系按时率 | 80.0 % | – |",
                    "| 自首次判定起跟踪 | 4 | 0 |",
                    "| 其中类别后来更正 | 1 (25.0 %) | – |",
                    "| 其中后来升级 | 2 (50.0 %) | – |",
                ],
            ),
        ] {
            let text = markdown(&report(), language);
            for line in lines {
                assert!(text.contains(line), "{line}: {text}");
            }
        }
        let text = csv(&report(), Language::English);
        let table = "\r\n\r\ndesk_month,accepted,acknowledged_on_time,acknowledged_late,followed,rerouted,regraded\r\n\
                     2026-01,5,4,1,4,1,2\r\n2025-12,7,0,0,0,0,0\r\n";
        assert!(text.contains(table), "{text}");
    }

    #[test]
    fn m06_m08_the_spreadsheet_has_the_promises_by_kind_and_the_causes_that_come_again() {
        let mut report = report();
        report.total.previous.promises = vec![(ClockKind::Rescue, 0, 2)];
        report.causes[0].cause = "=a \"loose\", joint".to_owned();
        let text = csv(&report, Language::English);
        let promises =
            "\r\n\r\npromise,month,on_time,late\r\nanswer,2026-01,3,1\r\nrescue,2025-12,0,2\r\n";
        assert!(text.contains(promises), "{text}");
        let causes = "\r\n\r\nrecurring_cause,category,cases,months,trend\r\n\
                      \"'=a \"\"loose\"\", joint\",repair service,4,2,rising\r\n";
        assert!(text.contains(causes), "{text}");
        report.causes.clear();
        report.total.current.promises.clear();
        report.total.previous.promises.clear();
        let text = csv(&report, Language::English);
        assert!(
            !text.contains("promise") && !text.contains("recurring"),
            "{text}"
        );
    }

    #[test]
    fn what_staff_wrote_breaks_neither_table_nor_spreadsheet() {
        let text = markdown(&report(), Language::English);
        assert!(text.contains("=1+1,\"x\" \\| y"), "{text}");
        let text = csv(&report(), Language::English);
        assert!(
            text.contains("Cause,\"'=1+1,\"\"x\"\" | y\",2026-01,1,"),
            "{text}"
        );
        assert!(text.contains("total,,2025-12,7,0,0,0,0,\r\n"), "{text}");
        assert!(text.ends_with("\r\n\r\nledger_kind,cause,month,entries,amount,settled\r\npenalty,exposure,2026-01,2,1000.50,500.00\r\n"), "{text}");
    }
}
