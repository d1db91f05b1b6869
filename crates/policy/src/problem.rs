//! What is wrong with a document, where it stands, and in which field.

use std::fmt;

/// Where something stands in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its line, from 1.
    pub line: usize,
    /// Its column in characters, from 1.
    pub column: usize,
    /// Its first byte.
    pub offset: usize,
    /// How many bytes it takes.
    pub bytes: usize,
}

/// Something wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The field, for example `clocks.RESOLVE[0].length`; empty for the document as a whole.
    pub field: String,
    /// What is wrong with it, to be read after the field.
    pub description: String,
    /// Where it stands; none where another document has it.
    pub place: Option<Place>,
}

impl Problem {
    /// A problem of a field, whose place is not known yet.
    pub(crate) fn new(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            description: description.into(),
            place: None,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = self.place {
            write!(f, "line {}, column {}: ", place.line, place.column)?;
        }
        let field = match self.field.as_str() {
            "" => "the document",
            field => field,
        };
        write!(f, "{field} {}", self.description)
    }
}

/// Everything wrong with a document; never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            let separator = if i == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}
