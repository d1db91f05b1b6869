//! How an incident moves through its stages (M01): forward one at a time, by decision; back to where it is hot
//! again, on a new exposure. Every move has a reason.

use super::words::Stage;

/// Whether a stage may follow another.
///
/// # Errors
/// What would be legal.
pub fn moves(from: Stage, to: Stage) -> Result<(), IllegalMove> {
    if legal(from).contains(&to) {
        Ok(())
    } else {
        Err(IllegalMove { from, to })
    }
}

/// The stages that may follow, the forward one first.
pub fn legal(from: Stage) -> &'static [Stage] {
    match from {
        Stage::Latent => &[Stage::Outbreak, Stage::Aftermath],
        Stage::Outbreak => &[Stage::Handling],
        Stage::Handling => &[Stage::Aftermath, Stage::Outbreak],
        Stage::Aftermath => &[Stage::Handling, Stage::Outbreak],
    }
}

/// Whether a move says that a stage has done what it was for, so that its gates have to be passed (M01). What breaks
/// out, or falls back, waits for nothing.
pub fn completes(from: Stage, to: Stage) -> bool {
    matches!(
        (from, to),
        (Stage::Latent | Stage::Handling, Stage::Aftermath) | (Stage::Outbreak, Stage::Handling)
    )
}

/// Whether one stage is hotter than another: where two incidents become one, nothing cools by that.
pub fn hotter(one: Stage, than: Stage) -> bool {
    let heat = |stage| match stage {
        Stage::Outbreak => 2,
        Stage::Handling => 1,
        Stage::Latent | Stage::Aftermath => 0,
    };
    heat(one) > heat(than)
}

/// A move that is not legal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{from} does not lead to {to}; legal: {}", words(legal(*.from)))]
pub struct IllegalMove {
    from: Stage,
    to: Stage,
}

fn words(stages: &[Stage]) -> String {
    let words: Vec<&str> = stages.iter().map(|s| s.word()).collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_not_skipped_forward_and_fall_back_to_the_outbreak_m01() {
        use Stage::{Aftermath, Handling, Latent, Outbreak};
        for (from, to) in [
            (Latent, Outbreak),
            (Outbreak, Handling),
            (Handling, Aftermath),
            (Handling, Outbreak),
            (Aftermath, Outbreak),
        ] {
            assert_eq!(moves(from, to), Ok(()));
        }
        for (from, to) in [
            (Outbreak, Aftermath),
            (Latent, Handling),
            (Outbreak, Latent),
        ] {
            let refused = moves(from, to).expect_err("skips");
            let first = legal(from)[0].word();
            assert!(refused.to_string().contains(first), "{refused}");
        }
        for stage in Stage::ALL {
            for &to in legal(*stage) {
                let worse = to == Outbreak || (*stage, to) == (Aftermath, Handling);
                assert_eq!(completes(*stage, to), !worse, "{stage} to {to}");
            }
            assert!(moves(*stage, *stage).is_err(), "staying is no move");
        }
    }
}
