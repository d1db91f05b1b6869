//! The law as data: `law/cn.yaml`, read once. Every value comes with its source. What it leaves to the place is the site's
//! policy.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use redress_model::words;
use serde::Deserialize;

words! {
    /// What kind of defect it is, as far as warranty tells kinds apart.
    DefectClass, "DEFECT_CLASS_" {
        /// Foundation and main structure.
        Structure = 1 => "STRUCTURE",
        /// Water through the roof.
        Roof = 2 => "ROOF",
        /// Leaks of wet rooms, outer walls, cellars and pipes.
        Leak = 3 => "LEAK",
        /// Heating.
        Heating = 4 => "HEATING",
        /// Cooling.
        Cooling = 5 => "COOLING",
        /// Wiring, water pipes and installed equipment.
        Installation = 6 => "INSTALLATION",
        /// Fit-out in general.
        FitOut = 7 => "FIT_OUT",
        /// Plaster that comes off.
        Plaster = 8 => "PLASTER",
        /// Hollow, cracked or sandy floors.
        Floor = 9 => "FLOOR",
        /// Doors, windows and their fittings.
        DoorWindow = 10 => "DOOR_WINDOW",
        /// Sanitary ware.
        Sanitary = 11 => "SANITARY",
        /// Blocked pipes.
        BlockedPipe = 12 => "BLOCKED_PIPE",
        /// Lamps and switches.
        LampSwitch = 13 => "LAMP_SWITCH",
    }
}

/// How long a warranty is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Length {
    /// As long as the structure is designed to stand.
    DesignLife,
    /// Calendar years.
    Years(u16),
    /// Calendar months.
    Months(u16),
    /// Whole heating or cooling seasons.
    Seasons(u16),
}

impl std::fmt::Display for Length {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (n, unit) = match self {
            Self::DesignLife => return f.write_str("design life"),
            Self::Years(n) => (n, "year"),
            Self::Months(n) => (n, "month"),
            Self::Seasons(n) => (n, "season"),
        };
        write!(f, "{n} {unit}{}", if *n == 1 { "" } else { "s" })
    }
}

/// Lengths that one source gives.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lengths {
    /// The source.
    pub source: String,
    /// How long, by class.
    #[serde(with = "serde_norway::with::singleton_map_recursive")]
    pub classes: BTreeMap<DefectClass, Length>,
}

/// What holds for petitions in person.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Petition {
    /// The source.
    pub source: String,
    /// Representatives at most.
    pub representatives_max: u32,
}

/// The law of one jurisdiction.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Law {
    /// Which.
    pub jurisdiction: String,
    /// Rises with every change of a value.
    pub revision: u32,
    /// From completion acceptance.
    pub statute: Lengths,
    /// From handover.
    pub floor: Lengths,
    /// Petitions.
    pub petition: Petition,
}

static CN: LazyLock<Law> = LazyLock::new(|| {
    serde_norway::from_str(include_str!("../../../law/cn.yaml"))
        .expect("the law that is compiled in reads, as a test shows")
});

/// The law of mainland China.
pub fn cn() -> &'static Law {
    &CN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_law_reads_and_every_class_has_a_length_with_a_source() {
        let law = cn();
        for class in DefectClass::ALL {
            let given = [&law.statute, &law.floor]
                .into_iter()
                .any(|l| l.classes.contains_key(class) && !l.source.is_empty());
            assert!(given, "{class}");
        }
        assert_eq!(law.statute.classes[&DefectClass::Roof], Length::Years(5));
        assert_eq!(
            law.statute.classes[&DefectClass::Heating],
            Length::Seasons(2)
        );
        for class in [DefectClass::BlockedPipe, DefectClass::LampSwitch] {
            assert_eq!(law.statute.classes[&class], Length::Years(2), "{class}");
        }
        assert_eq!(
            law.floor.classes[&DefectClass::BlockedPipe],
            Length::Months(2)
        );
        assert_eq!(
            law.floor.classes[&DefectClass::LampSwitch],
            Length::Months(6)
        );
        assert_eq!(law.petition.representatives_max, 5);
    }

    #[test]
    fn lengths_read_as_people_say_them() {
        assert_eq!(Length::Seasons(1).to_string(), "1 season");
        assert_eq!(Length::Years(5).to_string(), "5 years");
        assert_eq!(Length::DesignLife.to_string(), "design life");
    }
}
