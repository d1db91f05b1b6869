//! Calendars of sites: revisions that never reach into the past, and clocks that follow them.

use jiff::SignedDuration;
use redress_model::words::ClockKind;
use redress_proto::triage::v1 as wire;
use redress_proto::triage::v1::calendar_service_server::CalendarService;
use redress_proto::triage::v1::clock_service_server::ClockService;
use redress_proto::triage::v1::policy_service_server::PolicyService;
use redress_rpc::Caller;
use redress_triage::jobs::CalendarKeeper;
use redress_triage::store::calendars;
use tonic::{Code, Status};

use crate::world::{World, at, by, site, time};

const NAME: &str = "sites/lakeside/calendar";

fn file(events: &[(&str, &str)]) -> String {
    let event = |(date, summary): &(&str, &str)| {
        format!("BEGIN:VEVENT\nDTSTART;VALUE=DATE:{date}\nSUMMARY:{summary}\nEND:VEVENT\n")
    };
    let events: String = events.iter().map(event).collect();
    format!("BEGIN:VCALENDAR\n{events}END:VCALENDAR\n")
}

fn import(events: &[(&str, &str)]) -> wire::ImportCalendarRequest {
    wire::ImportCalendarRequest {
        name: NAME.to_owned(),
        icalendar: file(events),
        ..Default::default()
    }
}

/// The middle of the week after the start: Wednesday and Thursday.
const CLOSED: [(&str, &str); 2] = [("20260304", "盘点 (休)"), ("20260305", "盘点 (休)")];

async fn ask(
    world: &World,
    caller: Caller,
    request: wire::ImportCalendarRequest,
) -> Result<wire::ImportCalendarResponse, Status> {
    Ok(world
        .rpc
        .import_calendar(by(caller, request))
        .await?
        .into_inner())
}

async fn get(world: &World, start: &str, end: &str) -> wire::GetCalendarResponse {
    let request = wire::GetCalendarRequest {
        name: NAME.to_owned(),
        start_date: start.to_owned(),
        end_date: end.to_owned(),
    };
    let answer = world.rpc.get_calendar(by(world.manager(), request)).await;
    answer.expect("a calendar").into_inner()
}

fn keeper(world: &World) -> CalendarKeeper {
    CalendarKeeper::new(world.rpc.0.desk.clone())
}

async fn history(world: &World, clock: &str) -> Vec<wire::ClockHistoryEntry> {
    let request = wire::GetClockRequest {
        name: clock.to_owned(),
    };
    let answer = world.rpc.get_clock(by(world.manager(), request)).await;
    answer.expect("a clock").into_inner().history
}

#[tokio::test]
async fn no_clock_of_a_new_case_is_behind_its_calendar() {
    let world = World::new().await;
    world.case().await;
    let behind = calendars::behind(&world.rpc.0.desk.db, None, 10).await;
    assert_eq!(behind.expect("is read"), []);
}

#[tokio::test]
async fn a_site_has_the_holidays_of_mainland_china_and_the_hours_of_its_policy() {
    let world = World::new().await;
    let answer = get(&world, "2026-09-30", "2026-10-10").await;
    let calendar = answer.calendar.expect("a calendar");
    assert_eq!((calendar.revision, calendar.etag.as_str()), (1, "r1"));
    assert_eq!(calendar.cause(), wire::CalendarCause::First);
    assert_eq!(calendar.holidays(), wire::HolidaySource::MainlandChina);
    assert_eq!(calendar.published_through_year, 2026);
    assert!(!calendar.own_hours);
    let days = answer.days;
    assert_eq!(days.len(), 11);
    assert_eq!(days[0].intervals, ["09:00-12:00", "13:00-18:00"]);
    assert_eq!(
        (days[1].kind(), days[1].name.as_str()),
        (wire::SpecialDayKind::Holiday, "国庆节")
    );
    assert_eq!(days[10].kind(), wire::SpecialDayKind::MakeUp);
    assert!(days.iter().all(|day| !day.provisional && !day.own));
    assert!(get(&world, "2027-01-01", "").await.days[0].provisional);
}

#[tokio::test]
async fn new_holidays_move_running_clocks_visibly_and_the_preview_says_which() {
    let world = World::new().await;
    let case = world.case().await;
    let resolve = |clocks: &std::collections::BTreeMap<ClockKind, wire::CaseClock>| {
        clocks[&ClockKind::Resolve].clone()
    };
    let before = resolve(&world.clocks(&case).await);
    assert_eq!(time(&before.due_time), at("2026-03-09T09:00:00+08:00"));

    let preview = wire::ImportCalendarRequest {
        validate_only: true,
        ..import(&CLOSED)
    };
    let preview = ask(&world, world.manager(), preview)
        .await
        .expect("a preview");
    assert_eq!(preview.calendar.expect("a calendar").revision, 2);
    let running =
        "SELECT count(*) FROM triage.clock WHERE stop_time IS NULL AND kind <> 'AGE_CHECK'";
    assert_eq!(
        i64::from(preview.checked_clocks),
        world.count(running).await
    );
    assert_eq!((preview.moving_clocks, preview.truncated), (1, false));
    assert_eq!(preview.moves[0].clock, before.name);
    assert_eq!(
        time(&preview.moves[0].from_time),
        at("2026-03-09T09:00:00+08:00")
    );
    assert_eq!(
        time(&preview.moves[0].to_time),
        at("2026-03-11T09:00:00+08:00")
    );
    assert_eq!(
        get(&world, "", "").await.calendar.expect("kept").revision,
        1
    );

    let done = ask(&world, world.manager(), import(&CLOSED))
        .await
        .expect("imported");
    let calendar = done.calendar.expect("a calendar");
    assert_eq!(
        (calendar.revision, calendar.effective_date.as_str()),
        (2, "2026-03-03")
    );
    assert_eq!(keeper(&world).catch_up().await.expect("moved"), 1);
    let after = resolve(&world.clocks(&case).await);
    assert_eq!(time(&after.due_time), at("2026-03-11T09:00:00+08:00"));
    let entry = history(&world, &after.name).await.pop().expect("an entry");
    assert_eq!(entry.cause, "calendar");
    // Nothing is behind any more, and the clock breaches at its new deadline alone.
    assert_eq!(keeper(&world).catch_up().await.expect("nothing"), 0);
    world.advance(SignedDuration::from_hours(24 * 8)).await;
    let breached = world
        .pages()
        .await
        .into_iter()
        .filter(|p| p.0 == "RESOLVE" && p.1 == "BREACHED");
    assert_eq!(breached.count(), 0);
    world.advance(SignedDuration::from_hours(24 + 1)).await;
    let breached = world
        .pages()
        .await
        .into_iter()
        .filter(|p| p.0 == "RESOLVE" && p.1 == "BREACHED");
    assert_eq!(breached.count(), 1);
}

#[tokio::test]
async fn p26_a_preview_says_when_more_clocks_run_than_it_looks_at() {
    let world = World::new().await;
    world.case().await;
    for copies in [
        "INSERT INTO triage.clock
         SELECT (jsonb_populate_record(c, jsonb_build_object('id', gen_random_uuid(), 'slot', n::text))).*
         FROM triage.clock c, generate_series(1, 5000) n WHERE c.kind = 'RESOLVE'",
        "INSERT INTO triage.clock_event
         SELECT (jsonb_populate_record(e, jsonb_build_object('clock_id', c.id))).*
         FROM triage.clock c JOIN triage.clock o ON o.case_id = c.case_id AND o.kind = 'RESOLVE' AND o.slot = ''
         JOIN triage.clock_event e ON e.clock_id = o.id WHERE c.slot <> ''",
    ] {
        let done = sqlx::query(copies).execute(&world.database.admin).await;
        assert!(done.expect("copied").rows_affected() >= 5_000);
    }
    let request = wire::ImportCalendarRequest {
        validate_only: true,
        ..import(&CLOSED)
    };
    let seen = ask(&world, world.manager(), request).await;
    let seen = seen.expect("a preview");
    assert_eq!((seen.checked_clocks, seen.truncated), (5_000, true));
    assert_eq!(seen.moves.len(), 200);
}

#[tokio::test]
async fn i10_a_file_without_a_day_is_refused_and_an_old_one_is_seen_to_be_one() {
    let world = World::new().await;
    let cancelled = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20260304\nSTATUS:CANCELLED\n\
                     SUMMARY:盘点 (休)\nEND:VEVENT\nEND:VCALENDAR\n";
    // Not even beside something that would be a request by itself.
    let empty = wire::ImportCalendarRequest {
        icalendar: cancelled.to_owned(),
        years: vec![2026],
        holidays: wire::HolidaySource::None.into(),
        ..import(&[])
    };
    let refused = ask(&world, world.manager(), empty).await;
    let refused = refused.expect_err("no day");
    assert_eq!(refused.code(), Code::InvalidArgument);
    for part in ["icalendar", "has no holiday and no make-up day"] {
        assert!(refused.message().contains(part), "{}", refused.message());
    }

    let days = |answer: &wire::ImportCalendarResponse| {
        let span = format!("{} to {}", answer.first_date, answer.last_date);
        (answer.listed_days, answer.past_days, span)
    };
    let old = [("20250101", "元旦 (休)"), ("20251001", "国庆节 (休)")];
    let seen = ask(&world, world.manager(), import(&old)).await;
    let span = "2025-01-01 to 2025-10-01".to_owned();
    assert_eq!(days(&seen.expect("taken")), (2, 2, span));
    let seen = ask(&world, world.manager(), import(&CLOSED)).await;
    let span = "2026-03-04 to 2026-03-05".to_owned();
    assert_eq!(days(&seen.expect("taken")), (2, 0, span));
    let hours = wire::ImportCalendarRequest {
        name: NAME.to_owned(),
        holidays: wire::HolidaySource::None.into(),
        ..Default::default()
    };
    let seen = ask(&world, world.manager(), hours).await;
    assert_eq!(days(&seen.expect("taken")), (0, 0, " to ".to_owned()));
}

#[tokio::test]
async fn a_make_up_day_brings_a_deadline_nearer_but_never_into_the_past() {
    let world = World::new().await;
    let case = world.case().await;
    // Friday 17:00: Saturday is announced as worked.
    world.advance(SignedDuration::from_hours(4 * 24 + 8)).await;
    let worked = [
        ("20260307", "补班"),
        ("20260306", "(休)"),
        ("20260302", "(休)"),
    ];
    let done = ask(&world, world.manager(), import(&worked))
        .await
        .expect("imported");
    assert_eq!(done.past_days, 2);
    keeper(&world).catch_up().await.expect("moved");
    let resolve = world.clocks(&case).await[&ClockKind::Resolve].clone();
    // Monday and Friday stay the working days that they were.
    assert_eq!(time(&resolve.due_time), at("2026-03-07T09:00:00+08:00"));
    assert!(time(&resolve.due_time) > world.now());
    let days = get(&world, "2026-03-06", "2026-03-07").await.days;
    assert!(!days[0].own && days[0].intervals.len() == 2);
    assert!(days[1].own && days[1].intervals.len() == 2);
}

#[tokio::test]
async fn i2_a_repeated_import_makes_one_revision_and_i11_a_stale_etag_none() {
    let world = World::new().await;
    let once = wire::ImportCalendarRequest {
        request_id: "once".to_owned(),
        etag: "r1".to_owned(),
        ..import(&CLOSED)
    };
    for _ in 0..2 {
        let done = ask(&world, world.manager(), once.clone())
            .await
            .expect("imported");
        assert_eq!(done.calendar.expect("a calendar").etag, "r2");
    }
    let stale = wire::ImportCalendarRequest {
        request_id: "twice".to_owned(),
        ..once.clone()
    };
    let refused = ask(&world, world.manager(), stale)
        .await
        .expect_err("stale");
    assert_eq!(refused.code(), Code::Aborted);
    // The same once more, by a request of its own, changes nothing.
    let same = ask(&world, world.manager(), import(&CLOSED))
        .await
        .expect("nothing to do");
    assert_eq!(same.calendar.expect("a calendar").revision, 2);
    let list = wire::ListCalendarRevisionsRequest {
        parent: "sites/lakeside".to_owned(),
        page_size: 1,
        ..Default::default()
    };
    let page = world
        .rpc
        .list_calendar_revisions(by(world.manager(), list.clone()))
        .await;
    let page = page.expect("a page").into_inner();
    assert_eq!(page.calendars[0].revision, 2);
    assert_eq!(page.calendars[0].own_days.len(), 2);
    let next = wire::ListCalendarRevisionsRequest {
        page_token: page.next_page_token,
        ..list
    };
    let page = world
        .rpc
        .list_calendar_revisions(by(world.manager(), next))
        .await;
    let page = page.expect("a page").into_inner();
    assert_eq!(
        (page.calendars[0].revision, page.next_page_token.as_str()),
        (1, "")
    );
}

#[tokio::test]
async fn own_hours_win_over_the_policys_and_other_countries_have_their_own_list() {
    let world = World::new().await;
    let day = |intervals: &[&str]| {
        Some(wire::DayHours {
            intervals: intervals.iter().map(|&i| i.to_owned()).collect(),
        })
    };
    let request = wire::ImportCalendarRequest {
        name: NAME.to_owned(),
        hours: Some(wire::WeeklyHours {
            monday: day(&["08:00-20:00"]),
            saturday: day(&["10:00-14:00"]),
            ..Default::default()
        }),
        holidays: wire::HolidaySource::None.into(),
        days: vec![wire::SpecialDay {
            date: "2026-12-25".to_owned(),
            kind: wire::SpecialDayKind::Holiday.into(),
            name: "Christmas".to_owned(),
        }],
        ..Default::default()
    };
    let done = ask(&world, world.manager(), request)
        .await
        .expect("imported");
    let calendar = done.calendar.expect("a calendar");
    assert!(calendar.own_hours);
    assert_eq!(
        (calendar.data_version, calendar.published_through_year),
        (0, 2026)
    );
    let days = get(&world, "2026-10-03", "2026-10-05").await.days;
    assert_eq!(days[0].intervals, ["10:00-14:00"]);
    assert!(days[1].intervals.is_empty());
    assert_eq!(days[2].intervals, ["08:00-20:00"]);
    // Until today all is as it was.
    let today = get(&world, "2026-03-02", "").await.days;
    assert_eq!(today[0].intervals, ["09:00-12:00", "13:00-18:00"]);
}

#[tokio::test]
async fn i10_files_and_hours_that_make_no_sense_are_refused_by_line_and_field() {
    let world = World::new().await;
    let refused = |request| async {
        ask(&world, world.manager(), request)
            .await
            .expect_err("bad")
    };
    let answer = refused(import(&[("20261301", "x")])).await;
    assert_eq!(answer.code(), Code::InvalidArgument);
    assert!(
        answer.message().contains("line 3, DTSTART"),
        "{}",
        answer.message()
    );
    let hours = wire::ImportCalendarRequest {
        name: NAME.to_owned(),
        hours: Some(wire::WeeklyHours {
            monday: Some(wire::DayHours {
                intervals: vec!["09:00-12:00".to_owned(), "12:00-09:00".to_owned()],
            }),
            ..Default::default()
        }),
        ..Default::default()
    };
    let answer = refused(hours).await;
    assert!(
        answer.message().contains("hours.monday.intervals[1]"),
        "{}",
        answer.message()
    );
    let nothing = wire::ImportCalendarRequest {
        name: NAME.to_owned(),
        ..Default::default()
    };
    assert_eq!(refused(nothing).await.code(), Code::InvalidArgument);
    let elsewhere = wire::ImportCalendarRequest {
        years: vec![2027],
        ..import(&CLOSED)
    };
    assert!(refused(elsewhere).await.message().contains("years"));
    assert_eq!(
        world
            .count("SELECT count(*) FROM triage.calendar_revision")
            .await,
        1
    );
}

#[tokio::test]
async fn newly_published_holidays_are_a_revision_that_clocks_follow() {
    let world = World::new().await;
    let case = world.case().await;
    // As an older release left it.
    sqlx::query("UPDATE triage.calendar_revision SET data_version = 0, id = gen_random_uuid()")
        .execute(&world.database.admin)
        .await
        .expect("made older");
    assert_eq!(keeper(&world).follow_all().await.expect("followed"), 1);
    assert_eq!(keeper(&world).follow_all().await.expect("nothing"), 0);
    let calendar = get(&world, "", "").await.calendar.expect("a calendar");
    assert_eq!(
        (calendar.revision, calendar.cause()),
        (2, wire::CalendarCause::Published)
    );
    assert_eq!(calendar.effective_date, "2026-03-03");
    assert_eq!(keeper(&world).catch_up().await.expect("moved"), 1);
    assert_eq!(keeper(&world).catch_up().await.expect("nothing"), 0);
    let behind =
        "SELECT count(*) FROM triage.clock WHERE stop_time IS NULL AND calendar_revision < 2";
    assert_eq!(world.count(behind).await, 0);
    assert!(world.clocks(&case).await.len() >= 3);
}

#[tokio::test]
async fn p09_the_calculator_shows_the_stretches_that_it_counts() {
    let world = World::new().await;
    let add = |length: &str| {
        let request = wire::AddWorkingTimeRequest {
            name: NAME.to_owned(),
            start_time: Some(redress_proto::convert::to_timestamp(at(
                "2026-09-30T16:00:00+08:00",
            ))),
            length: length.to_owned(),
        };
        world.rpc.add_working_time(by(world.manager(), request))
    };
    let answer = add("6 working hours")
        .await
        .expect("a deadline")
        .into_inner();
    assert_eq!(time(&answer.due_time), at("2026-10-08T14:00:00+08:00"));
    let stretches: Vec<_> = answer
        .stretches
        .iter()
        .map(|s| {
            time(&s.start_time)
                .duration_until(time(&s.end_time))
                .as_hours()
        })
        .collect();
    assert_eq!(stretches, [2, 3, 1]);
    assert_eq!(answer.special_days.len(), 7);
    assert!(answer.working && !answer.provisional);
    let far = add("6 months").await.expect("a deadline").into_inner();
    assert!(far.provisional && !far.working);
    let wrong = add("soon").await.expect_err("no length");
    assert_eq!(wrong.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn i8_another_sites_calendar_is_neither_read_nor_changed() {
    let world = World::new().await;
    world.learn(&site("riverside")).await;
    let neighbour = || world.caller("riverside", "manager", None);
    let rpc = &world.rpc;
    let code = |answer: Result<(), Status>| answer.expect_err("hidden").code();
    let get = wire::GetCalendarRequest {
        name: NAME.to_owned(),
        ..Default::default()
    };
    let list = wire::ListCalendarRevisionsRequest {
        parent: "sites/lakeside".to_owned(),
        ..Default::default()
    };
    let add = wire::AddWorkingTimeRequest {
        name: NAME.to_owned(),
        length: "1 hour".to_owned(),
        ..Default::default()
    };
    let preview = wire::ImportCalendarRequest {
        validate_only: true,
        ..import(&CLOSED)
    };
    for answer in [
        rpc.get_calendar(by(neighbour(), get)).await.map(drop),
        rpc.list_calendar_revisions(by(neighbour(), list))
            .await
            .map(drop),
        rpc.add_working_time(by(neighbour(), add)).await.map(drop),
        rpc.import_calendar(by(neighbour(), preview))
            .await
            .map(drop),
        rpc.import_calendar(by(neighbour(), import(&CLOSED)))
            .await
            .map(drop),
    ] {
        assert_eq!(code(answer), Code::NotFound);
    }
    let revisions = "SELECT count(*) FROM triage.calendar_revision WHERE site = 'lakeside'";
    assert_eq!(world.count(revisions).await, 1);
}

#[tokio::test]
async fn a_new_calendar_leaves_the_question_whether_a_signal_is_so_alone() {
    let world = World::new().await;
    let case = world.case().await;
    let suspected = crate::grading::signal(
        redress_model::words::SignalKind::Injury,
        redress_model::words::SignalBasis::Suspected,
    );
    let recorded = world.record(world.manager(), &case, suspected, "").await;
    recorded.expect("recorded");
    let asked = async || {
        let pages = world.pages().await;
        let asks = pages.iter().filter(|page| page.0 == "CONFIRM_SIGNAL");
        asks.map(|page| page.1.clone()).collect::<Vec<_>>()
    };
    let climbs = async || asked().await.iter().filter(|w| *w == "CLIMBED").count();
    ask(&world, world.manager(), import(&CLOSED))
        .await
        .expect("imported");
    keeper(&world).catch_up().await.expect("moved");
    let quarter = SignedDuration::from_mins(15);
    let minute = SignedDuration::from_mins(1);
    world.advance(quarter - minute).await;
    assert_eq!(climbs().await, 1);
    world.advance(minute).await;
    assert_eq!(climbs().await, 2, "the top lead is asked after 15 minutes");
    let again = [("20260306", "盘点 (休)")];
    ask(&world, world.manager(), import(&again))
        .await
        .expect("imported");
    keeper(&world).catch_up().await.expect("moved");
    world.advance(quarter - minute).await;
    assert_eq!(
        world.decision(&case).await.grade,
        4,
        "the top lead has 15 minutes too"
    );
    world.advance(minute).await;
    assert_eq!(world.decision(&case).await.grade, 1);
    // A question that nobody answered stays as it is.
    let before = asked().await;
    ask(&world, world.manager(), import(&CLOSED))
        .await
        .expect("imported");
    keeper(&world).catch_up().await.expect("moved");
    world.advance(quarter * 8).await;
    assert_eq!(asked().await, before);
    assert_eq!(keeper(&world).catch_up().await.expect("nothing"), 0);
}

#[tokio::test]
async fn running_clocks_follow_new_holidays_but_not_the_hours_of_a_newer_policy_p26() {
    let world = World::new().await;
    let case = world.case().await;
    let due = async |case| {
        let clocks = world.clocks(case).await;
        time(&clocks[&ClockKind::Resolve].due_time)
    };
    assert_eq!(due(&case).await, at("2026-03-09T09:00:00+08:00"));
    let policy = wire::ApplyPolicyRequest {
        parent: "sites/lakeside".to_owned(),
        document: "working_time: { weekends: [ \"09:00-11:00\" ] }".to_owned(),
        reason: "agreed".to_owned(),
        ..Default::default()
    };
    let applied = world.rpc.apply_policy(by(world.manager(), policy)).await;
    applied.expect("applied");
    keeper(&world).follow_all().await.expect("followed");
    keeper(&world).catch_up().await.expect("nothing moved");
    assert_eq!(due(&case).await, at("2026-03-09T09:00:00+08:00"));
    // The preview names what will move, and nothing by the hours of the policy.
    let preview = async |days: &[(&str, &str)]| {
        let request = wire::ImportCalendarRequest {
            validate_only: true,
            ..import(days)
        };
        let seen = ask(&world, world.manager(), request).await;
        seen.expect("a preview").moves
    };
    let far = [("20260601", "盘点 (休)")];
    assert_eq!(preview(&far).await, []);
    let moves = preview(&CLOSED).await;
    let to: Vec<_> = moves.iter().map(|m| time(&m.to_time)).collect();
    assert!(to.contains(&at("2026-03-11T09:00:00+08:00")), "{moves:?}");
    let first = ask(&world, world.manager(), import(&CLOSED)).await;
    assert_eq!(first.expect("imported").calendar.expect("one").revision, 3);
    assert_eq!(keeper(&world).catch_up().await.expect("moved"), 1);
    // Two days later, by the hours under which it was promised.
    assert_eq!(due(&case).await, at("2026-03-11T09:00:00+08:00"));
    assert_eq!(keeper(&world).catch_up().await.expect("nothing"), 0);
    // What happens to it later computes it from scratch, with the same result.
    world.tell(&[world.contact(&case, false, true, true)]).await;
    assert_eq!(due(&case).await, at("2026-03-11T09:00:00+08:00"));
}
