//! Evidence: what proves a fact, by metadata and digest (section 7, chain of custody).

use jiff::Timestamp;
use redress_proto::intake::v1 as pb;

use super::check::Check;

/// Most pieces given with a new case.
pub const EVIDENCE_AT_RECEIPT_MAX: usize = 100;
/// Most pieces of one case.
pub const EVIDENCE_MAX: i64 = 1_000;
/// Largest content: 1 TiB.
const CONTENT_SIZE_MAX_BYTES: i64 = 1 << 40;

/// A piece of evidence to be kept.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvidence {
    /// What it is.
    pub kind: pb::EvidenceKind,
    /// Digest, lower-case hex; empty for an object.
    pub sha256: String,
    /// Size of the content.
    pub size_bytes: i64,
    /// Media type; empty for an object.
    pub media_type: String,
    /// When it was taken or found.
    pub captured: Option<Timestamp>,
    /// Where it is kept.
    pub kept_at: String,
}

impl NewEvidence {
    /// Parses one piece.
    pub fn parse(check: &mut Check, field: &str, wire: &pb::Evidence, now: Timestamp) -> Self {
        let kind = match pb::EvidenceKind::try_from(wire.kind) {
            Ok(pb::EvidenceKind::Unspecified) | Err(_) => {
                check.wrong(format!("{field}.kind"), "must say what it is");
                pb::EvidenceKind::Unspecified
            }
            Ok(kind) => kind,
        };
        let is_object = kind == pb::EvidenceKind::Object;
        let is_digest = wire.sha256.len() == 64
            && wire
                .sha256
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if !(is_digest || is_object && wire.sha256.is_empty()) {
            check.wrong(
                format!("{field}.sha256"),
                "must be 64 lower-case hex digits",
            );
        }
        if !(0..=CONTENT_SIZE_MAX_BYTES).contains(&wire.size_bytes) {
            check.wrong(format!("{field}.size_bytes"), "must be from 0 to 1 TiB");
        }
        let media_type = check.line(format!("{field}.media_type"), &wire.media_type, 0, 100);
        let has_slash = media_type
            .split_once('/')
            .is_some_and(|(a, b)| !a.is_empty() && !b.is_empty());
        if !(has_slash || is_object && media_type.is_empty()) {
            check.wrong(
                format!("{field}.media_type"),
                "must be a media type such as image/jpeg",
            );
        }
        let captured = check.instant(
            &format!("{field}.captured_time"),
            wire.captured_time.as_ref(),
        );
        if captured.is_some_and(|t| t > now) {
            check.wrong(format!("{field}.captured_time"), "must not be ahead");
        }
        Self {
            kind,
            sha256: wire.sha256.clone(),
            size_bytes: wire.size_bytes,
            media_type,
            captured,
            kept_at: check.line(format!("{field}.kept_at"), &wire.kept_at, 1, 500),
        }
    }
}

/// The word of a kind as it is stored: the wire's name without its prefix.
pub fn kind_word(kind: pb::EvidenceKind) -> &'static str {
    let name = kind.as_str_name();
    name.strip_prefix("EVIDENCE_KIND_").unwrap_or(name)
}

/// The kind of a stored word.
pub fn kind_of(word: &str) -> pb::EvidenceKind {
    pb::EvidenceKind::from_str_name(&format!("EVIDENCE_KIND_{word}"))
        .unwrap_or(pb::EvidenceKind::Unspecified)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn photo() -> pb::Evidence {
        pb::Evidence {
            kind: pb::EvidenceKind::Photo.into(),
            sha256: "ab".repeat(32),
            size_bytes: 10,
            media_type: "image/jpeg".to_owned(),
            kept_at: "s3://evidence/1".to_owned(),
            ..Default::default()
        }
    }

    fn faults(wire: &pb::Evidence) -> String {
        let mut check = Check::new();
        NewEvidence::parse(&mut check, "evidence", wire, Timestamp::UNIX_EPOCH);
        check
            .finish()
            .err()
            .map(|f| f.to_string())
            .unwrap_or_default()
    }

    #[test]
    fn a_file_needs_its_digest_and_type_and_a_thing_does_not() {
        assert_eq!(faults(&photo()), "");
        let bare = pb::Evidence {
            sha256: String::new(),
            media_type: String::new(),
            ..photo()
        };
        assert!(faults(&bare).contains("sha256") && faults(&bare).contains("media_type"));
        let thing = pb::Evidence {
            kind: pb::EvidenceKind::Object.into(),
            ..bare
        };
        assert_eq!(faults(&thing), "");
        let upper = pb::Evidence {
            sha256: "AB".repeat(32),
            ..photo()
        };
        assert!(faults(&upper).contains("sha256"));
        let ahead = pb::Evidence {
            captured_time: Some(prost_types::Timestamp {
                seconds: 1,
                nanos: 0,
            }),
            ..photo()
        };
        assert!(faults(&ahead).contains("captured_time"));
    }

    #[test]
    fn kinds_read_back() {
        assert_eq!(kind_word(pb::EvidenceKind::SignedRecord), "SIGNED_RECORD");
        assert_eq!(kind_of("SIGNED_RECORD"), pb::EvidenceKind::SignedRecord);
    }
}
