//! Who is told of a broken promise, and what follows when nobody acknowledges (domain.md section 6,
//! decision 16). Pure: who is on duty comes in as an argument, by rung of the lead ladder.

use jiff::Timestamp;
use redress_model::words;

/// The last rung of the lead ladder; they count from 1.
pub const LAST_RUNG: u8 = 3;

words! {
    /// Where paging about a clock stands.
    PageState, "PAGE_STATE_" {
        /// Nobody was paged.
        None = 1 => "NONE",
        /// Somebody was paged and has to acknowledge.
        Open = 2 => "OPEN",
        /// Somebody acknowledged.
        Acknowledged = 3 => "ACKNOWLEDGED",
        /// Nobody on duty could be told; whoever comes on duty next is.
        Waiting = 4 => "WAITING",
        /// Everybody on duty was paged as often as the policy asks, up to the last rung, and nobody acknowledged; whoever
        /// comes on duty next is paged.
        Unanswered = 5 => "UNANSWERED",
    }
}

/// Where paging about a clock stands, and when it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paging {
    /// How far it is.
    pub state: PageState,
    /// The end of the time to acknowledge, or when somebody comes on duty; none where it does not go on by
    /// itself.
    pub until: Option<Timestamp>,
}

impl Default for Paging {
    fn default() -> Self {
        Self {
            state: PageState::None,
            until: None,
        }
    }
}

impl Paging {
    /// Whether it was to be told and nobody acknowledged it.
    pub fn is_unheard(self) -> bool {
        self.waits() || self.state == PageState::Open
    }

    /// Whether whoever comes on duty next is to be told.
    pub fn waits(self) -> bool {
        matches!(self.state, PageState::Waiting | PageState::Unanswered)
    }
}

/// Who is on duty, on the rungs from 1 up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OnDuty(pub [Option<String>; LAST_RUNG as usize]);

impl OnDuty {
    /// The person on this rung.
    pub fn on(&self, rung: u8) -> Option<&str> {
        let at = usize::from(rung).checked_sub(1)?;
        self.0.get(at)?.as_deref()
    }
}

/// The last page that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// On which rung.
    pub rung: u8,
    /// To whom.
    pub staff: String,
    /// How often that person was paged on that rung.
    pub page: u16,
}

/// A page that is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// On which rung.
    pub rung: u8,
    /// To whom.
    pub staff: String,
    /// How often that makes on that rung.
    pub page: u16,
}

impl Page {
    fn first(rung: u8, staff: &str) -> Self {
        Self {
            rung,
            staff: staff.to_owned(),
            page: 1,
        }
    }
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Page this person.
    Send(Page),
    /// Nobody who could be told is on duty: the step is kept until somebody comes.
    Wait,
    /// There is nobody left to be told.
    GiveUp,
}

/// Time has reached the rung `due`, and `told` was the last rung told. Where nobody is on duty there, the next one up is
/// told now (P14), else one below that has heard nothing yet.
pub fn reach(due: u8, told: u8, on_duty: &OnDuty) -> Next {
    let up = due.max(told + 1)..=LAST_RUNG;
    let down = (told + 1..due).rev();
    up.chain(down)
        .find_map(|rung| Some(Page::first(rung, on_duty.on(rung)?)))
        .map_or(Next::Wait, Next::Send)
}

/// Nobody acknowledged the last page: the same person is paged again, whoever has come on duty there since is paged
/// instead, and then the next rung is, ahead of its time. `told` is the highest rung told. Past the last rung only those
/// are left who came on duty meanwhile: `came`, those of `on_duty` who heard nothing yet while on this duty.
pub fn unanswered(told: u8, last: &Sent, pages_max: u16, on_duty: &OnDuty, came: &OnDuty) -> Next {
    if let Some(page) = on_same_rung(last, pages_max, on_duty) {
        return Next::Send(page);
    }
    if told < LAST_RUNG {
        return reach(told + 1, told, on_duty);
    }
    match (first_of(came), on_duty.on(told)) {
        (Some(page), _) => Next::Send(page),
        (None, Some(_)) => Next::GiveUp,
        (None, None) => Next::Wait,
    }
}

/// Somebody may have come on duty for a step that was kept, or for a page that nobody acknowledged: `last`. `due` is the
/// rung that time has reached; `came` as above.
pub fn awaited(
    due: u8,
    told: u8,
    last: Option<&Sent>,
    pages_max: u16,
    on_duty: &OnDuty,
    came: &OnDuty,
) -> Next {
    if told < LAST_RUNG
        && let Next::Send(page) = reach(due.max(told + 1), told, on_duty)
    {
        return Next::Send(page);
    }
    last.and_then(|last| on_same_rung(last, pages_max, on_duty).or_else(|| first_of(came)))
        .map_or(Next::Wait, Next::Send)
}

/// The first page to the lowest of them.
fn first_of(people: &OnDuty) -> Option<Page> {
    (1..=LAST_RUNG).find_map(|rung| Some(Page::first(rung, people.on(rung)?)))
}

fn on_same_rung(last: &Sent, pages_max: u16, on_duty: &OnDuty) -> Option<Page> {
    let staff = on_duty.on(last.rung)?;
    if staff != last.staff {
        return Some(Page::first(last.rung, staff));
    }
    (last.page < pages_max).then(|| Page {
        rung: last.rung,
        staff: staff.to_owned(),
        page: last.page + 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn people(on: [&str; 3]) -> OnDuty {
        OnDuty(on.map(|p| (!p.is_empty()).then(|| p.to_owned())))
    }

    fn sent(rung: u8, staff: &str, page: u16) -> Sent {
        Sent {
            rung,
            staff: staff.to_owned(),
            page,
        }
    }

    fn page(rung: u8, staff: &str, page: u16) -> Next {
        Next::Send(Page {
            rung,
            staff: staff.to_owned(),
            page,
        })
    }

    #[test]
    fn p14_a_rung_without_anybody_is_passed_over_at_once() {
        let all = people(["site", "duty", "top"]);
        assert_eq!(reach(1, 0, &all), page(1, "site", 1));
        assert_eq!(reach(1, 0, &people(["", "", "top"])), page(3, "top", 1));
        assert_eq!(reach(1, 0, &people(["", "", ""])), Next::Wait);
    }

    #[test]
    fn where_nobody_above_is_on_duty_one_below_who_heard_nothing_is_told() {
        assert_eq!(reach(3, 0, &people(["site", "", ""])), page(1, "site", 1));
        assert_eq!(
            reach(3, 1, &people(["site", "", ""])),
            Next::Wait,
            "was told before"
        );
    }

    #[test]
    fn who_does_not_acknowledge_is_paged_again_and_then_the_next_one_is() {
        let all = people(["site", "duty", "top"]);
        assert_eq!(
            unanswered(1, &sent(1, "site", 1), 2, &all, &OnDuty::default()),
            page(1, "site", 2)
        );
        assert_eq!(
            unanswered(1, &sent(1, "site", 2), 2, &all, &OnDuty::default()),
            page(2, "duty", 1)
        );
        assert_eq!(
            unanswered(3, &sent(3, "top", 2), 2, &all, &OnDuty::default()),
            Next::GiveUp
        );
    }

    #[test]
    fn p07_who_went_off_duty_is_not_paged_again_but_the_one_who_came() {
        let now = people(["night", "duty", ""]);
        assert_eq!(
            unanswered(1, &sent(1, "site", 1), 2, &now, &OnDuty::default()),
            page(1, "night", 1)
        );
        let nobody = people(["", "duty", ""]);
        assert_eq!(
            unanswered(1, &sent(1, "site", 1), 2, &nobody, &OnDuty::default()),
            page(2, "duty", 1)
        );
        assert_eq!(
            unanswered(
                3,
                &sent(3, "top", 1),
                2,
                &people(["", "", ""]),
                &OnDuty::default()
            ),
            Next::Wait
        );
    }

    #[test]
    fn what_nobody_acknowledged_is_told_to_who_comes_on_duty_and_never_again_to_who_heard() {
        let (all, nobody) = (people(["day", "duty", "top"]), OnDuty::default());
        let came = people(["day", "", ""]);
        let unheard = sent(3, "top", 2);
        assert_eq!(awaited(3, 3, Some(&unheard), 2, &all, &nobody), Next::Wait);
        assert_eq!(
            awaited(3, 3, Some(&unheard), 2, &all, &came),
            page(1, "day", 1)
        );
        let day = |n| sent(1, "day", n);
        assert_eq!(unanswered(3, &day(1), 2, &all, &nobody), page(1, "day", 2));
        assert_eq!(unanswered(3, &day(2), 2, &all, &nobody), Next::GiveUp);
        assert_eq!(
            unanswered(3, &day(2), 2, &all, &people(["", "duty", ""])),
            page(2, "duty", 1)
        );
    }

    proptest! {
        /// Nobody is paged who is not on duty, and the ladder goes down past who was told only to who came since.
        #[test]
        fn only_people_on_duty_are_paged_and_below_who_was_told_only_who_came(
            on in proptest::array::uniform3(proptest::option::of("[a-c]")),
            heard in proptest::array::uniform3(any::<bool>()),
            due in 1u8..=3,
            told in 0u8..=3,
            pages in 1u16..4,
            sent_page in 1u16..4,
        ) {
            let mut came = OnDuty(on.clone());
            for (person, heard) in came.0.iter_mut().zip(heard) {
                if heard {
                    *person = None;
                }
            }
            let on_duty = OnDuty(on);
            let last = sent(told.max(1), "a", sent_page);
            let mut all = vec![awaited(due, told, Some(&last), pages, &on_duty, &came)];
            if told < LAST_RUNG {
                all.push(reach(due, told, &on_duty));
            }
            if told > 0 {
                all.push(unanswered(told, &last, pages, &on_duty, &came));
            }
            for next in all {
                if let Next::Send(page) = next {
                    prop_assert_eq!(on_duty.on(page.rung), Some(page.staff.as_str()));
                    let fresh = came.on(page.rung).is_some();
                    prop_assert!((page.rung >= told || fresh) && page.page <= pages.max(1));
                    prop_assert!(page.page == 1 || page.rung == told.max(1));
                }
            }
        }
    }
}
