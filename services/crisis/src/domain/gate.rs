//! What keeps an incident where it is: gates find gaps, a person closes them or waives each by name, with a reason
//! (section 9). Each gate knows its own facts (`flow/gates.rs`); passing them is the same for all.

use std::fmt;

/// Gaps that a refusal names; the rest are counted.
const NAMED_MAX: usize = 20;

/// One thing that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Its name, gate first: `promise/HOLDING_STATEMENT`.
    pub name: String,
    /// What is missing, in plain words.
    pub text: String,
}

impl Gap {
    /// A gap of a gate.
    pub fn new(gate: &str, what: impl fmt::Display, text: impl Into<String>) -> Self {
        Self {
            name: format!("{gate}/{what}"),
            text: text.into(),
        }
    }
}

/// A person lets one gap pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    /// Name of the gap.
    pub gap: String,
    /// Why.
    pub reason: String,
}

/// Passes the gates. Gives the waivers that were needed: one for a gap that was closed meanwhile lets nothing pass.
///
/// # Errors
/// The gaps that nobody waived.
pub fn pass<'w>(gaps: &[Gap], waivers: &'w [Waiver]) -> Result<Vec<&'w Waiver>, Missing> {
    let of = |gap: &Gap| waivers.iter().find(|w| w.gap == gap.name);
    let missing: Vec<Gap> = gaps.iter().filter(|g| of(g).is_none()).cloned().collect();
    if missing.is_empty() {
        Ok(gaps.iter().filter_map(of).collect())
    } else {
        Err(Missing(missing))
    }
}

/// Gaps that nobody waived; never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Missing(pub Vec<Gap>);

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named: Vec<String> = self
            .0
            .iter()
            .take(NAMED_MAX)
            .map(|gap| format!("{} ({})", gap.name, gap.text))
            .collect();
        write!(f, "missing: {}", named.join("; "))?;
        if self.0.len() > NAMED_MAX {
            write!(f, "; and {} more", self.0.len() - NAMED_MAX)?;
        }
        f.write_str(". Close each, or waive it by name with a reason")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(what: &str) -> Gap {
        Gap::new("task", what, "is open")
    }

    fn waiver(gap: &str) -> Waiver {
        Waiver {
            gap: gap.to_owned(),
            reason: "as decided".to_owned(),
        }
    }

    #[test]
    fn every_gap_is_closed_or_waived_by_its_name() {
        let waivers = [waiver("task/a"), waiver("task/closed-meanwhile")];
        let refused = pass(&[gap("a"), gap("b")], &waivers).expect_err("b stands");
        assert_eq!(refused, Missing(vec![gap("b")]));
        assert!(
            refused.to_string().contains("task/b (is open)"),
            "{refused}"
        );
        assert_eq!(pass(&[gap("a")], &waivers), Ok(vec![&waivers[0]]));
        assert_eq!(pass(&[], &waivers), Ok(Vec::new()));
    }

    #[test]
    fn a_long_list_is_counted_and_not_told_whole() {
        let gaps: Vec<Gap> = (0..25).map(|n| gap(&n.to_string())).collect();
        let text = pass(&gaps, &[]).expect_err("all stand").to_string();
        assert!(
            text.contains("and 5 more") && !text.contains("task/20"),
            "{text}"
        );
    }
}
