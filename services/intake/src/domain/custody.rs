//! Chain of custody of a piece of evidence (section 7): who took it, to whom it went, and that it is still the same.

use jiff::Timestamp;
use redress_model::name::{SiteId, StaffName};
use redress_model::words;
use redress_proto::intake::v1 as pb;

use super::check::Check;

words! {
    /// What happened to a piece of evidence.
    CustodyAct, "CUSTODY_ACT_" {
        /// Taken from where it was found or from the complainant.
        Taken = 1 => "TAKEN",
        /// Handed to somebody else.
        HandedOver = 2 => "HANDED_OVER",
        /// Sealed.
        Sealed = 3 => "SEALED",
        /// The seal was opened.
        Unsealed = 4 => "UNSEALED",
        /// Given back.
        Returned = 5 => "RETURNED",
    }
}

impl CustodyAct {
    /// What may follow the last act; none before the first.
    pub fn legal_after(last: Option<Self>) -> &'static [Self] {
        match last {
            None | Some(Self::Returned) => &[Self::Taken],
            Some(Self::Sealed) => &[Self::HandedOver, Self::Unsealed, Self::Returned],
            Some(Self::Taken | Self::HandedOver | Self::Unsealed) => {
                &[Self::HandedOver, Self::Sealed, Self::Returned]
            }
        }
    }
}

/// An act to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCustody {
    /// What happened.
    pub act: Option<CustodyAct>,
    /// Who holds it from then on, where it is one of our people.
    pub holder: Option<StaffName>,
    /// The body outside that holds it.
    pub outside_body: String,
    /// Digest found at the act.
    pub sha256: String,
    /// When.
    pub at: Timestamp,
}

impl NewCustody {
    /// Parses one act on a piece of evidence of this site with this digest.
    pub fn parse(
        check: &mut Check,
        wire: &pb::CustodyEntry,
        site: &SiteId,
        digest: &str,
        now: Timestamp,
    ) -> Self {
        let act = check.required_word("entry.act", wire.act);
        let holder = match wire.holder.as_str() {
            "" => None,
            name => check.parsed::<StaffName>("entry.holder", name),
        };
        if holder.as_ref().is_some_and(|h| h.site != *site) {
            check.wrong("entry.holder", "must be of the case's site");
        }
        let outside_body = check.line("entry.outside_body", &wire.outside_body, 0, 200);
        if wire.holder.is_empty() == outside_body.is_empty() {
            check.wrong(
                "entry.holder",
                "must be given, or else the body outside that holds it",
            );
        }
        if !wire.sha256.is_empty() && wire.sha256 != digest {
            check.wrong(
                "entry.sha256",
                "differs from the digest of the evidence: it is not what was added",
            );
        }
        let at = check
            .instant("entry.act_time", wire.act_time.as_ref())
            .unwrap_or(now);
        if at > now {
            check.wrong("entry.act_time", "must not be ahead");
        }
        Self {
            act,
            holder,
            outside_body,
            sha256: wire.sha256.clone(),
            at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn custody_begins_with_taking_and_ends_with_returning() {
        use CustodyAct as A;
        assert_eq!(A::legal_after(None), [A::Taken]);
        assert_eq!(A::legal_after(Some(A::Returned)), [A::Taken]);
        assert!(!A::legal_after(Some(A::Sealed)).contains(&A::Sealed));
        for &last in A::ALL {
            assert!(!A::legal_after(Some(last)).is_empty(), "{last}");
            assert!(
                last == A::Returned || !A::legal_after(Some(last)).contains(&A::Taken),
                "what is held is not taken again"
            );
        }
    }

    #[test]
    fn a_piece_that_is_not_what_was_added_is_refused() {
        let site: SiteId = "lakeside".parse().expect("a slug");
        let wire = pb::CustodyEntry {
            act: 1,
            holder: "sites/lakeside/staff/eng-one".to_owned(),
            sha256: "ab".repeat(32),
            ..Default::default()
        };
        let faults = |wire: &pb::CustodyEntry, digest: &str| {
            let mut check = Check::new();
            NewCustody::parse(&mut check, wire, &site, digest, Timestamp::UNIX_EPOCH);
            let faults = check.finish().err();
            faults.map(|f| f.to_string()).unwrap_or_default()
        };
        assert_eq!(faults(&wire, &"ab".repeat(32)), "");
        assert!(faults(&wire, &"cd".repeat(32)).contains("sha256"));
        let both = pb::CustodyEntry {
            outside_body: "the laboratory".to_owned(),
            ..wire.clone()
        };
        assert!(faults(&both, &"ab".repeat(32)).contains("holder"));
        let elsewhere = pb::CustodyEntry {
            holder: "sites/riverside/staff/x".to_owned(),
            ..wire
        };
        assert!(faults(&elsewhere, &"ab".repeat(32)).contains("holder"));
    }
}
