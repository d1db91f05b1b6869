//! What a person is recognised by, in the one spelling that tokens are made of.

use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

/// Fewest and most digits of a telephone number: short service numbers to E.164 with its prefix.
const PHONE_DIGITS_MIN: usize = 5;
const PHONE_DIGITS_MAX: usize = 20;

/// A text that is no telephone number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a telephone number of 5 to 20 digits")]
pub struct PhoneError;

/// What a person is recognised by. A portal account is surest, a phone next, an e-mail address last.
#[derive(Clone, PartialEq, Eq)]
pub enum Identity {
    /// Account at the portal or in WeChat.
    Account(Zeroizing<String>),
    /// Telephone number, normalised.
    Phone(Zeroizing<String>),
    /// E-mail address, normalised.
    Email(Zeroizing<String>),
    /// Name and postal address of somebody who writes letters, normalised.
    Letter(Zeroizing<String>),
    /// A name within one case, of somebody of whom nothing else is known: nobody is found again by it.
    Named(Zeroizing<String>),
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identity({})", self.kind())
    }
}

impl Identity {
    /// By an account; none when it is blank.
    pub fn account(text: &str) -> Option<Self> {
        let text: String = text.nfkc().collect::<String>().trim().to_owned();
        (!text.is_empty()).then(|| Self::Account(Zeroizing::new(text)))
    }

    /// By a phone.
    ///
    /// # Errors
    /// It is no telephone number.
    pub fn phone(text: &str) -> Result<Self, PhoneError> {
        normalize_phone(text).map(|p| Self::Phone(Zeroizing::new(p)))
    }

    /// By an e-mail address; none when it is blank.
    pub fn email(text: &str) -> Option<Self> {
        let text = normalize_email(text);
        (!text.is_empty()).then(|| Self::Email(Zeroizing::new(text)))
    }

    /// By name and postal address; none where either is blank.
    pub fn letter(name: &str, address: &str) -> Option<Self> {
        joined(name, address).map(Self::Letter)
    }

    /// By a name within what `of` names alone; none where the name is blank.
    pub fn named(of: &str, name: &str) -> Option<Self> {
        joined(of, name).map(Self::Named)
    }

    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Account(_) => "account",
            Self::Phone(_) => "phone",
            Self::Email(_) => "email",
            Self::Letter(_) => "letter",
            Self::Named(_) => "named",
        }
    }

    pub(crate) fn value(&self) -> &str {
        match self {
            Self::Account(v)
            | Self::Phone(v)
            | Self::Email(v)
            | Self::Letter(v)
            | Self::Named(v) => v,
        }
    }
}

/// Two texts as one, in one spelling each: width and spaces do not matter.
fn joined(first: &str, second: &str) -> Option<Zeroizing<String>> {
    let plain = |text: &str| -> String {
        let wide = text.nfkc().filter(|c| !c.is_whitespace());
        wide.flat_map(char::to_lowercase).collect()
    };
    let (first, second) = (plain(first), plain(second));
    (!first.is_empty() && !second.is_empty()).then(|| Zeroizing::new(format!("{first}\n{second}")))
}

/// One spelling of a telephone number: mainland-China numbers without the country's prefix, others
/// with `+` and theirs. Full-width forms, spaces, dashes, dots and brackets are understood.
///
/// # Errors
/// Other characters, or not 5 to 20 digits.
pub fn normalize_phone(text: &str) -> Result<String, PhoneError> {
    let mut digits = String::new();
    let mut plus = false;
    for c in text.nfkc() {
        match c {
            '0'..='9' => digits.push(c),
            '+' if digits.is_empty() && !plus => plus = true,
            ' ' | '-' | '.' | '(' | ')' | '\u{2010}'..='\u{2015}' | '\u{2212}' => {}
            _ => return Err(PhoneError),
        }
    }
    let mut international = plus;
    if !plus && let Some(rest) = digits.strip_prefix("00") {
        international = true;
        digits = rest.to_owned();
    }
    if international {
        match digits.strip_prefix("86") {
            Some(rest) => {
                digits = rest.to_owned();
                international = false;
            }
            None => digits.insert(0, '+'),
        }
    }
    if !international && digits.len() == 13 && digits.starts_with("861") {
        // A mobile number written with the country's prefix and without a plus.
        digits = digits.split_off(2);
    }
    let count = digits.len() - usize::from(international);
    if (PHONE_DIGITS_MIN..=PHONE_DIGITS_MAX).contains(&count) {
        Ok(with_trunk_prefix(digits))
    } else {
        Err(PhoneError)
    }
}

/// A fixed line dialled from abroad lacks the 0 of its area code: 10 digits "10…" and 10 to 11 digits
/// "2…" to "9…" get it back; mobile numbers (11 digits from 13 to 19) and short ones stay.
fn with_trunk_prefix(mut digits: String) -> String {
    let is_mobile = digits.len() == 11 && digits.starts_with('1') && !digits.starts_with("10");
    let is_service = digits.starts_with("400") || digits.starts_with("800");
    let is_area = (10..=11).contains(&digits.len())
        && !digits.starts_with(['0', '+'])
        && !is_mobile
        && !is_service;
    if is_area {
        digits.insert(0, '0');
    }
    digits
}

/// One spelling of an e-mail address: NFKC, trimmed, lower case.
pub fn normalize_email(text: &str) -> String {
    text.nfkc().collect::<String>().trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spellings_of_one_number_meet() {
        for (spelling, number) in [
            ("13800138000", "13800138000"),
            ("+8613800138000", "13800138000"),
            ("+86-138 0013 8000", "13800138000"),
            ("008613800138000", "13800138000"),
            ("86 13800138000", "13800138000"),
            ("＋８６１３８－００１３－８０００", "13800138000"),
            ("010-6552 9988", "01065529988"),
            ("+86 10 6552 9988", "01065529988"),
            ("（0755）8888 6666", "075588886666"),
            ("+86 755 8888 6666", "075588886666"),
            ("400-820-8820", "4008208820"),
            ("12345", "12345"),
            ("+1 (415) 555-2671", "+14155552671"),
            ("001 415 555 2671", "+14155552671"),
        ] {
            assert_eq!(
                normalize_phone(spelling).as_deref(),
                Ok(number),
                "{spelling}"
            );
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for wrong in [
            "",
            "1234",
            "+",
            "1380013800a",
            "138+0013",
            "123456789012345678901",
            "电话",
        ] {
            assert_eq!(normalize_phone(wrong), Err(PhoneError), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(text in "[+0-9 ()-]{0,24}") {
            if let Ok(once) = normalize_phone(&text) {
                prop_assert_eq!(normalize_phone(&once), Ok(once.clone()));
            }
        }
    }

    #[test]
    fn debug_shows_no_contact_point() {
        let shown = format!("{:?}", Identity::phone("13800138000").expect("a phone"));
        assert_eq!(shown, "Identity(phone)");
    }
}
