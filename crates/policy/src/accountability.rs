//! What a complaint costs whoever is to blame, and what doing well earns (M17). Amounts in fen, so that nobody rounds.
//!
//! Built in by profile. Overlays do not reach it yet: a person who books an entry may state another amount.

use redress_model::words::SiteKind;

/// The amounts of a kind of site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accountability {
    /// A complaint that was upheld.
    pub upheld_complaint_fen: i64,
    /// An exposure in the media.
    pub exposure_fen: i64,
    /// The company centre takes a case over.
    pub take_over_fen: i64,
    /// Prizes of the yearly ranking, first to third.
    pub prizes_fen: [i64; 3],
    /// Days until an entry is to be settled, and within which it may be appealed.
    pub due_days: i64,
    /// Whether a store without fault pays, too, when a complaint reaches the company; the source says both.
    pub faultless_pays: bool,
}

/// Agency stores (M17).
const AGENCY_STORE: Accountability = Accountability {
    upheld_complaint_fen: 50_000,
    exposure_fen: 50_000,
    take_over_fen: 50_000,
    prizes_fen: [300_000, 200_000, 100_000],
    due_days: 3,
    faultless_pays: false,
};

/// Everywhere else: entries are kept, amounts are stated by whoever books them.
const ELSEWHERE: Accountability = Accountability {
    upheld_complaint_fen: 0,
    exposure_fen: 0,
    take_over_fen: 0,
    prizes_fen: [0; 3],
    due_days: 3,
    faultless_pays: false,
};

impl Accountability {
    /// The amounts of a kind of site.
    pub const fn for_site(kind: SiteKind) -> Self {
        match kind {
            SiteKind::AgencyStore => AGENCY_STORE,
            SiteKind::Residential | SiteKind::SalesCenter | SiteKind::PropertyOffice => ELSEWHERE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m17_an_agency_store_pays_and_earns_as_agreed() {
        let agency = Accountability::for_site(SiteKind::AgencyStore);
        assert_eq!(agency.upheld_complaint_fen, 50_000);
        assert_eq!(agency.exposure_fen, 50_000);
        assert_eq!(agency.take_over_fen, 50_000);
        assert_eq!(agency.prizes_fen, [300_000, 200_000, 100_000]);
        assert_eq!(agency.due_days, 3);
    }
}
