//! `redress clock list`, and how a clock of the command line is found.

use std::collections::BTreeSet;

use redress_model::words::{
    ClockKind, ClockState, HoldReason, LegalDeadline, UnknownWord, Word as _,
};
use redress_proto::triage::v1::{CaseClock, GetClockRequest, ListClocksRequest};

use super::args::Target;
use crate::args::Paging;
use crate::commands::{case, number, word};
use crate::connect::{Platform, all_pages, parent, request};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, grade, until, when};

/// How the column *State* shows what is held, whatever its state.
const HELD: &str = "HELD";

/// Site, case, state, kind and deadline of the law.
type Filters = (
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
);

/// Lists clocks.
pub(super) async fn run(
    platform: &Platform,
    (site, of, state, kind, law): Filters,
    paging: Paging,
    out: Output,
) -> Result<(), Failure> {
    let of = match of {
        Some(name) => case::name_of(platform, &name).await?,
        None => String::new(),
    };
    let standing = state.as_deref().map(standing).transpose()?;
    let law = law_of(law.as_deref())?;
    let kinds = kind.map(|k| number::<ClockKind>("kind", &k)).transpose()?;
    // A deadline of the law is an outside deadline with a name.
    let kinds = kinds.or(law.map(|_| ClockKind::OutsideDeadline.number()));
    let mut clocks = list(
        platform,
        ListClocksRequest {
            parent: parent(site.as_deref()),
            case: of,
            kinds: kinds.into_iter().collect(),
            ..standing.unwrap_or_default()
        },
    )
    .await?;
    keep(&mut clocks, law);
    show(platform, clocks, paging.limit, out).await;
    Ok(())
}

/// What asks for the clocks that the column *State* shows so, `HELD` whatever the reason, or with it. What was broken before
/// it was held is broken all the same.
fn standing(shown: &str) -> Result<ListClocksRequest, Failure> {
    let typed = shown.to_uppercase().replace('-', "_");
    let words: Vec<&str> = typed.split_whitespace().collect();
    let asked = match words[..] {
        [HELD] => Some(ListClocksRequest {
            held: Some(true),
            ..Default::default()
        }),
        [HELD, reason] => HoldReason::parse(reason)
            .ok()
            .map(|reason| ListClocksRequest {
                hold_reasons: vec![reason.number()],
                ..Default::default()
            }),
        [state] => ClockState::parse(state)
            .ok()
            .map(|state| ListClocksRequest {
                states: vec![state.number()],
                held: (state == ClockState::Running).then_some(false),
                ..Default::default()
            }),
        _ => None,
    };
    asked.ok_or_else(|| {
        let states = ClockState::ALL.iter().map(|s| s.word().to_owned());
        let held = HoldReason::ALL
            .iter()
            .map(|r| format!("{HELD} {}", r.word()));
        let expected: Vec<String> = states.chain([HELD.to_owned()]).chain(held).collect();
        Failure::Word {
            argument: "state",
            unknown: UnknownWord {
                text: shown.to_owned(),
                expected: expected.join(", "),
            },
        }
    })
}

/// The number of a deadline of the law that was typed by its name.
fn law_of(name: Option<&str>) -> Result<Option<i32>, Failure> {
    name.map(|name| number::<LegalDeadline>("law", name))
        .transpose()
}

/// Keeps those of one deadline of the law, where one is asked for.
fn keep(clocks: &mut Vec<CaseClock>, law: Option<i32>) {
    clocks.retain(|clock| law.is_none_or(|law| clock.law == law));
}

/// The clocks that a target means; of a case those too that promise nothing to anybody.
pub(super) async fn found(platform: &Platform, target: &Target) -> Result<Vec<CaseClock>, Failure> {
    if target.name.contains("/clocks/") {
        let name = target.name.clone();
        let answer = platform
            .clocks()
            .get_clock(request(GetClockRequest { name }))
            .await?;
        return Ok(answer.into_inner().clock.into_iter().collect());
    }
    let kind = target
        .kind
        .as_ref()
        .map(|k| number::<ClockKind>("kind", k))
        .transpose()?;
    let law = law_of(target.law.as_deref())?;
    let of = ListClocksRequest {
        parent: parent(None),
        case: case::name_of(platform, &target.name).await?,
        kinds: ClockKind::ALL.iter().map(|kind| kind.number()).collect(),
        ..Default::default()
    };
    chosen(list(platform, of).await?, &target.name, kind, law)
}

/// The clocks of a case of one kind and one deadline of the law, where they are asked for; where it has none of those, the
/// failure says which it has.
fn chosen(
    all: Vec<CaseClock>,
    case: &str,
    kind: Option<i32>,
    law: Option<i32>,
) -> Result<Vec<CaseClock>, Failure> {
    let (found, others): (Vec<CaseClock>, Vec<CaseClock>) = all.into_iter().partition(|clock| {
        kind.is_none_or(|kind| clock.kind == kind) && law.is_none_or(|law| clock.law == law)
    });
    if !found.is_empty() {
        return Ok(found);
    }
    if others.is_empty() {
        return Err(Failure::NotFound {
            what: "clock of the case",
            name: case.to_owned(),
        });
    }
    let asked = [kind.map(word::<ClockKind>), law.map(word::<LegalDeadline>)];
    let asked: Vec<String> = asked.into_iter().flatten().collect();
    let has: BTreeSet<String> = others.iter().map(promise).collect();
    Err(Failure::NotFound {
        what: "clock",
        name: format!(
            "{} of the case {case}; it has {}",
            asked.join(" "),
            Vec::from_iter(has).join(", ")
        ),
    })
}

/// The one clock that a target means, that has not stopped.
pub(super) async fn one(platform: &Platform, target: &Target) -> Result<CaseClock, Failure> {
    only(found(platform, target).await?)
}

/// The one of these that a person may mean who does something to it.
fn only(mut all: Vec<CaseClock>) -> Result<CaseClock, Failure> {
    if all.len() > 1 {
        // Nobody does anything to what promises nothing.
        let silent = [ClockKind::AgeCheck, ClockKind::HoldEnd].map(ClockKind::number);
        all.retain(|clock| !silent.contains(&clock.kind));
    }
    if all.len() > 1 {
        all.retain(|clock| clock.stop_time.is_none());
    }
    match <[CaseClock; 1]>::try_from(all) {
        Ok([clock]) => Ok(clock),
        Err(all) => Err(Failure::Argument {
            argument: "kind",
            reason: format!(
                "must tell one clock apart, there are {}; name it in full: {}",
                all.len(),
                all.iter()
                    .map(|c| c.name.as_str())
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
        }),
    }
}

/// All clocks that a request asks for.
async fn list(platform: &Platform, filter: ListClocksRequest) -> Result<Vec<CaseClock>, Failure> {
    let client = platform.clocks();
    all_pages(None, |page_size, page_token| {
        let mut client = client.clone();
        let filter = ListClocksRequest {
            page_size,
            page_token,
            ..filter.clone()
        };
        async move {
            let answer = client.list_clocks(request(filter)).await?.into_inner();
            Ok((answer.clocks, answer.next_page_token))
        }
    })
    .await
}

/// Prints clocks, the next deadline first and what has stopped last; the services list the newest first.
pub(super) async fn show(
    platform: &Platform,
    mut clocks: Vec<CaseClock>,
    limit: Option<usize>,
    out: Output,
) {
    let now = crate::now::now();
    clocks.sort_by_key(turn);
    clocks.truncate(limit.unwrap_or(usize::MAX));
    let cases = clocks.iter().map(|c| c.case.as_str());
    let numbers = case::Numbers::look_up(platform, cases, out).await;
    out.rows(
        &[
            "Promise", "Case", "Grade", "State", "Due", "", "Rung", "Party",
        ],
        &clocks,
        |c| {
            let running = [ClockState::Running, ClockState::Breached]
                .iter()
                .any(|s| s.number() == c.state);
            vec![
                promise(c),
                numbers.of(&c.case),
                // A question is asked before all else, whatever the grade of its case.
                if c.kind == ClockKind::ConfirmSignal.number() {
                    "–".to_owned()
                } else {
                    grade(c.grade)
                },
                state(c),
                when(c.due_time.as_ref()),
                if running && !c.held {
                    until(c.due_time.as_ref(), now)
                } else {
                    String::new()
                },
                rung(c.level),
                c.party.clone(),
            ]
        },
        |c| json::of("triage.v1.CaseClock", c),
    );
}

/// Where it stands in the list: whether it has stopped, and its deadline.
fn turn(c: &CaseClock) -> (bool, Option<(i64, i32)>) {
    let due = c.due_time.map(|t| (t.seconds, t.nanos));
    (c.stop_time.is_some(), due)
}

/// What is promised; a deadline of the law by its name.
fn promise(c: &CaseClock) -> String {
    let kind = word::<ClockKind>(c.kind);
    match c.law {
        0 => kind,
        law => format!("{kind} {}", word::<LegalDeadline>(law)),
    }
}

/// On which rung of the ladder somebody was told last; whose duty that is the policy says.
fn rung(level: i32) -> String {
    match level {
        1 => "1st",
        2 => "2nd",
        3 => "3rd",
        _ => "–",
    }
    .to_owned()
}

/// Where it stands; a held one says why.
pub(super) fn state(c: &CaseClock) -> String {
    if c.held {
        format!("{HELD} {}", word::<HoldReason>(c.hold_reason))
    } else {
        word::<ClockState>(c.state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_stopped_is_listed_after_what_is_still_to_be_kept() {
        let clock = |level: i32, due: i64, stopped: Option<i64>| {
            let at = |seconds: i64| prost_types::Timestamp { seconds, nanos: 0 };
            CaseClock {
                level,
                due_time: Some(at(due)),
                stop_time: stopped.map(at),
                ..Default::default()
            }
        };
        let mut clocks = [
            clock(0, 1, Some(1)),
            clock(3, 30, None),
            clock(1, 20, None),
            clock(2, 25, None),
        ];
        clocks.sort_by_key(turn);
        let shown: Vec<String> = clocks.iter().map(|c| rung(c.level)).collect();
        assert_eq!(shown, ["1st", "2nd", "3rd", "–"]);
    }

    #[test]
    fn a_deadline_of_the_law_is_found_and_shown_by_its_name() {
        let law = law_of(Some("data-leak-told")).expect("one of them");
        assert_eq!(law, Some(LegalDeadline::DataLeakTold.number()));
        assert!(law_of(Some("GOOD_MANNERS")).is_err());
        let outside = |law: Option<i32>| CaseClock {
            kind: ClockKind::OutsideDeadline.number(),
            law: law.unwrap_or_default(),
            ..Default::default()
        };
        let mut clocks = vec![outside(None), outside(law)];
        keep(&mut clocks, None);
        assert_eq!(clocks.len(), 2);
        keep(&mut clocks, law);
        let shown: Vec<String> = clocks.iter().map(promise).collect();
        assert_eq!(shown, ["OUTSIDE_DEADLINE DATA_LEAK_TOLD"]);
    }

    #[test]
    fn what_the_state_of_a_clock_is_shown_as_asks_for_it_and_another_word_is_told_which_those_are()
    {
        let told = |state: ClockState, held: Option<HoldReason>| {
            super::state(&CaseClock {
                state: state.number(),
                held: held.is_some(),
                hold_reason: held.map_or(0, HoldReason::number),
                ..Default::default()
            })
        };
        for state in ClockState::ALL {
            let asked = standing(&told(*state, None)).expect("as it is shown");
            let held = (*state == ClockState::Running).then_some(false);
            assert_eq!((asked.states, asked.held), (vec![state.number()], held));
        }
        for reason in HoldReason::ALL {
            // A breach that is held is shown as held.
            let asked =
                standing(&told(ClockState::Breached, Some(*reason))).expect("as it is shown");
            assert_eq!(
                (asked.hold_reasons, asked.states),
                (vec![reason.number()], vec![])
            );
        }
        let asked = standing("held").expect("whatever the reason");
        assert_eq!((asked.held, asked.states), (Some(true), vec![]));
        for wrong in ["", "LATE", "HELD LATE", "RUNNING COURT", "HELD COURT COURT"] {
            let said = standing(wrong).expect_err("none of them").to_string();
            assert!(
                said.ends_with(
                    "is not one of RUNNING, BREACHED, MET, CANCELLED, HELD, HELD CUSTOMER, \
                     HELD OUTSIDE_PARTY, HELD COURT, HELD SINGLE_VOICE"
                ),
                "{said}"
            );
        }
    }

    #[test]
    fn who_does_something_to_the_one_promise_of_a_case_need_not_say_that_they_mean_no_age_check() {
        let of = |kind: ClockKind| CaseClock {
            kind: kind.number(),
            ..Default::default()
        };
        use ClockKind::{AgeCheck, HoldEnd, Resolve};
        let one = only(vec![of(AgeCheck), of(Resolve), of(HoldEnd)]).expect("one promise");
        assert_eq!(one.kind, Resolve.number());
        // The service says that it promises nothing.
        assert!(only(vec![of(AgeCheck)]).is_ok());
        assert!(only(vec![of(AgeCheck), of(HoldEnd)]).is_err());
    }

    #[test]
    fn a_case_without_the_clock_asked_for_says_which_it_has() {
        let of = |kind: ClockKind| CaseClock {
            kind: kind.number(),
            ..Default::default()
        };
        let all = vec![
            of(ClockKind::Resolve),
            of(ClockKind::AgeCheck),
            of(ClockKind::Resolve),
        ];
        let told = |all: Vec<CaseClock>, kind: Option<ClockKind>| {
            chosen(all, "LS-1", kind.map(ClockKind::number), None)
                .map(|found| found.len())
                .map_err(|failure| failure.to_string())
        };
        assert_eq!(told(all.clone(), None), Ok(3));
        assert_eq!(told(all.clone(), Some(ClockKind::AgeCheck)), Ok(1));
        assert_eq!(told(all.clone(), Some(ClockKind::Resolve)), Ok(2));
        assert_eq!(
            told(all, Some(ClockKind::OnSite)),
            Err("no clock ON_SITE of the case LS-1; it has AGE_CHECK, RESOLVE".to_owned())
        );
        assert_eq!(
            told(Vec::new(), Some(ClockKind::OnSite)),
            Err("no clock of the case LS-1".to_owned())
        );
    }
}
