use super::*;

fn file(events: &[&str]) -> String {
    let events: Vec<String> = events
        .iter()
        .map(|e| format!("BEGIN:VEVENT\n{e}\nEND:VEVENT\n"))
        .collect();
    format!(
        "BEGIN:VCALENDAR\nVERSION:2.0\n{}END:VCALENDAR\n",
        events.concat()
    )
}

fn days(events: &[&str]) -> Vec<String> {
    let imported = read(&file(events), 2028).expect("a good file");
    let show = |(date, day): (&Date, &Day)| format!("{date} {:?} {}", day.kind, day.name);
    imported.days.iter().map(show).collect()
}

fn errors(events: &[&str]) -> Vec<String> {
    let errors = read(&file(events), 2028).expect_err("a bad file");
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn holidays_and_make_up_days_are_told_apart_by_mark_category_or_apples_word() {
    assert_eq!(
        days(&[
            "DTSTART;VALUE=DATE:20261001\nDTEND;VALUE=DATE:20261004\nSUMMARY:国庆节（休）",
            "DTSTART;VALUE=DATE:20261010\nSUMMARY:国庆节 班",
            "DTSTART;VALUE=DATE:20260920\nSUMMARY:国庆节\nX-APPLE-SPECIAL-DAY:ALTERNATE-WORKDAY",
            "DTSTART;VALUE=DATE:20260925\nSUMMARY:中秋\nCATEGORIES:China,Public Holiday",
            "DTSTART;VALUE=DATE:20260214\nSUMMARY:春节调休上班",
            "DTSTART;VALUE=DATE:20260216\nSUMMARY:除夕",
        ]),
        [
            "2026-02-14 On 春节调休上班",
            "2026-09-20 On 国庆节",
            "2026-09-25 Off 中秋",
            "2026-10-01 Off 国庆节（休）",
            "2026-10-02 Off 国庆节（休）",
            "2026-10-03 Off 国庆节（休）",
            "2026-10-10 On 国庆节 班",
        ]
    );
}

#[test]
fn in_a_file_without_marks_every_whole_day_is_a_holiday() {
    let text = file(&[
        "DTSTART;VALUE=DATE:20260704\nSUMMARY:Independence Day",
        "DTSTART;VALUE=DATE:20261126\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH\nSUMMARY:Thanksgiving",
        "DTSTART;VALUE=DATE:20261231\nSTATUS:CANCELLED\nSUMMARY:Eve",
    ]);
    let imported = read(&text, 2027).expect("a good file");
    let dates: Vec<String> = imported.days.keys().map(ToString::to_string).collect();
    assert_eq!(dates, ["2026-07-04", "2026-11-26", "2027-11-25"]);
    assert_eq!(imported.years, BTreeSet::from([2026, 2027]));
    assert_eq!(imported.ignored, 1);
}

#[test]
fn an_end_is_the_day_after_the_last_and_midnights_stand_for_days() {
    assert_eq!(
        days(&[
            "DTSTART:20260101T000000\nDTEND:20260103T000000\nSUMMARY:a",
            "DTSTART:20260201\nDURATION:P2D\nSUMMARY:b",
            "DTSTART:20260301\nDTEND:20260301\nSUMMARY:c",
            "DTSTART;VALUE=DATE:20260401\nRDATE;VALUE=DATE:20260405,20260407\nEXDATE;VALUE=DATE:20260405\nSUMMARY:d\n\
             BEGIN:VALARM\nTRIGGER:-P1D\nDTSTART:nonsense\nEND:VALARM",
        ]),
        [
            "2026-01-01 Off a",
            "2026-01-02 Off a",
            "2026-02-01 Off b",
            "2026-02-02 Off b",
            "2026-03-01 Off c",
            "2026-04-01 Off d",
            "2026-04-07 Off d",
        ]
    );
}

#[test]
fn every_error_names_its_line_and_field() {
    assert_eq!(
        errors(&[
            "DTSTART;VALUE=DATE:20261301\nSUMMARY:a",
            "DTSTART:20260101T090000\nSUMMARY:b",
            "SUMMARY:c",
            "DTSTART;VALUE=DATE:20260105\nDTEND;VALUE=DATE:20260101\nSUMMARY:d",
            "DTSTART;VALUE=DATE:20260105\nRRULE:FREQ=WEEKLY\nSUMMARY:e",
        ]),
        [
            "line 4, DTSTART: \"20261301\" must be a date like 20261001",
            "line 8, DTSTART: must be a whole day, for example ;VALUE=DATE:20261001",
            "line 11, BEGIN: the event has no DTSTART",
            "line 16, DTEND: must make 1 to 366 whole days, DTEND being the day after the last",
            "line 21, RRULE: FREQ must be YEARLY: holidays come once a year",
        ]
    );
    assert_eq!(
        errors(&[
            "DTSTART;VALUE=DATE:20261001\nSUMMARY:a (休)",
            "DTSTART;VALUE=DATE:20261001\nSUMMARY:b (班)",
        ]),
        ["line 7, BEGIN: 2026-10-01 is a holiday and a make-up day in the same file"]
    );
    assert_eq!(errors(&[]), ["line 1, VEVENT: the file has no event"]);
    let cut = read("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260101", 2028).expect_err("cut");
    assert_eq!(
        cut[0].to_string(),
        "line 2, BEGIN: the event has no END:VEVENT"
    );
}

#[test]
fn no_text_makes_the_reader_stumble() {
    use proptest::prelude::*;
    let word = prop_oneof![
        Just("BEGIN:VEVENT\n".to_owned()),
        Just("END:VEVENT\n".to_owned()),
        Just("DTSTART;VALUE=DATE:20260229\n".to_owned()),
        Just("RRULE:FREQ=YEARLY;BYMONTH=2;BYDAY=-5SU\n".to_owned()),
        Just("DTEND:20270101\n".to_owned()),
        "[A-Z;:=\"\\\\,休班0-9 \n]{0,12}",
    ];
    proptest!(|(words in prop::collection::vec(word, 0..40))| {
        let _ = read(&words.concat(), 2030);
    });
}
