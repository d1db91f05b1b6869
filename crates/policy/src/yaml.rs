//! Reads a YAML document as plain data and remembers where each value stands, so that whatever is
//! found wrong later can be shown in its line.
//!
//! Only what a policy needs is taken: one document of mappings with text keys, lists and scalars. No
//! anchors, aliases or tags, no key twice, and a bounded size and depth, since documents also come from
//! outside.

use std::collections::BTreeMap;

use saphyr::Scalar;
use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use serde_json::{Map, Number, Value};

use crate::problem::{Place, Problem, Problems};

/// Longest document in bytes.
pub const DOCUMENT_BYTES_MAX: usize = 64 * 1024;

/// Deepest nesting; a policy needs seven.
const DEPTH_MAX: usize = 16;

/// A document with the places of its values.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// The data.
    pub value: Value,
    /// Where each field stands.
    places: BTreeMap<String, Place>,
}

impl Source {
    /// Reads a document.
    ///
    /// # Errors
    /// What keeps it from being read, with its line.
    pub fn read(text: &str) -> Result<Self, Problems> {
        if text.len() > DOCUMENT_BYTES_MAX {
            let limit = format!("must not be longer than {DOCUMENT_BYTES_MAX} bytes");
            return Err(Problems(vec![Problem::new("", limit)]));
        }
        if text.contains('\0') {
            let what = "must not hold the character U+0000";
            return Err(Problems(vec![Problem::new("", what)]));
        }
        let mut reader = Reader::new(text);
        for event in Parser::new_from_str(text) {
            let event = event.map_err(|e| {
                let at = Span::empty(*e.marker());
                Problems(vec![Problem {
                    place: Some(reader.lines.place(at)),
                    ..Problem::new("", format!("is not YAML: {}", e.info()))
                }])
            });
            let (event, span) = event?;
            reader.take(event, span).map_err(|p| Problems(vec![p]))?;
        }
        match reader.done {
            Some(value) => Ok(Self {
                value,
                places: reader.places,
            }),
            None => Err(Problems(vec![Problem::new(
                "",
                "is empty; write {} for one that changes nothing",
            )])),
        }
    }

    /// Where this field stands, or the nearest one around it.
    pub fn place(&self, field: &str) -> Option<Place> {
        let mut field = field;
        loop {
            if let Some(place) = self.places.get(field) {
                return Some(*place);
            }
            if field.is_empty() {
                return None;
            }
            field = &field[..field.rfind(['.', '[']).unwrap_or(0)];
        }
    }

    /// Whether it says anything about this field or what is inside it.
    pub(crate) fn mentions(&self, field: &str) -> bool {
        self.places.contains_key(field)
    }
}

/// A field inside another one.
pub(crate) fn child(field: &str, key: &str) -> String {
    if field.is_empty() {
        key.to_owned()
    } else {
        format!("{field}.{key}")
    }
}

/// An item of a list.
pub(crate) fn item(field: &str, index: usize) -> String {
    format!("{field}[{index}]")
}

/// Byte offsets of lines and characters.
struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn new(text: &'t str) -> Self {
        let breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            text,
            starts: std::iter::once(0).chain(breaks).collect(),
        }
    }

    fn place(&self, span: Span) -> Place {
        let offset = self.offset(span.start.line(), span.start.col());
        let end = self.offset(span.end.line(), span.end.col());
        let line = self.text[offset..].lines().next().unwrap_or_default();
        Place {
            line: span.start.line(),
            column: span.start.col() + 1,
            offset,
            // A value of several lines is marked in its first.
            bytes: end.saturating_sub(offset).min(line.trim_end().len()),
        }
    }

    fn offset(&self, line: usize, column: usize) -> usize {
        let start = self.starts.get(line.saturating_sub(1)).copied();
        let Some(start) = start else {
            return self.text.len();
        };
        self.text[start..]
            .char_indices()
            .nth(column)
            .map_or(self.text.len(), |(at, _)| start + at)
    }
}

/// A mapping or list that is not closed yet.
enum Open {
    Mapping {
        field: String,
        entries: Map<String, Value>,
        key: Option<String>,
    },
    List {
        field: String,
        items: Vec<Value>,
    },
}

struct Reader<'t> {
    lines: Lines<'t>,
    open: Vec<Open>,
    places: BTreeMap<String, Place>,
    done: Option<Value>,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            lines: Lines::new(text),
            open: Vec::new(),
            places: BTreeMap::new(),
            done: None,
        }
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Problem> {
        match event {
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
            Event::Alias(_) => Err(self.refuse(span, "must not use anchors and aliases")),
            Event::Scalar(_, _, anchor, tag) if anchor > 0 || tag.is_some() => {
                Err(self.refuse(span, "must not use anchors and tags"))
            }
            Event::SequenceStart(anchor, tag) | Event::MappingStart(anchor, tag)
                if anchor > 0 || tag.is_some() =>
            {
                Err(self.refuse(span, "must not use anchors and tags"))
            }
            Event::Scalar(text, style, _, _) => self.scalar(&text, style, span),
            Event::SequenceStart(..) => {
                let field = self.enter(span)?;
                let items = Vec::new();
                self.open.push(Open::List { field, items });
                Ok(())
            }
            Event::MappingStart(..) => {
                let field = self.enter(span)?;
                self.open.push(Open::Mapping {
                    field,
                    entries: Map::new(),
                    key: None,
                });
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => {
                match self.open.pop() {
                    Some(Open::Mapping { entries, .. }) => self.put(Value::Object(entries)),
                    Some(Open::List { items, .. }) => self.put(Value::Array(items)),
                    None => {}
                }
                Ok(())
            }
        }
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, span: Span) -> Result<(), Problem> {
        // Written as an escape, too: what is kept of a document could not be.
        if text.contains('\0') {
            return Err(self.refuse(span, "must not hold the character U+0000"));
        }
        if let Some(Open::Mapping {
            field,
            entries,
            key: key @ None,
        }) = self.open.last_mut()
        {
            if entries.contains_key(text) {
                let field = child(field, text);
                return Err(Problem {
                    place: Some(self.lines.place(span)),
                    ..Problem::new(field, "stands here twice")
                });
            }
            // The key stands for the field until its value is seen.
            self.places
                .insert(child(field, text), self.lines.place(span));
            *key = Some(text.to_owned());
            return Ok(());
        }
        let field = self.begin(span)?;
        let value = if style == ScalarStyle::Plain {
            plain(text).ok_or_else(|| Problem {
                place: Some(self.lines.place(span)),
                ..Problem::new(field, "must be a number that can be written down")
            })?
        } else {
            Value::String(text.to_owned())
        };
        self.put(value);
        Ok(())
    }

    /// The field of the value that begins here.
    fn begin(&mut self, span: Span) -> Result<String, Problem> {
        let place = self.lines.place(span);
        let (field, keyed) = match self.open.last() {
            None if self.done.is_some() => {
                return Err(self.refuse(span, "must be a single YAML document"));
            }
            None => (String::new(), false),
            Some(Open::List { field, items }) => (item(field, items.len()), false),
            Some(Open::Mapping { field, key, .. }) => {
                let Some(key) = key else {
                    return Err(self.refuse(span, "must have texts as keys"));
                };
                (child(field, key), true)
            }
        };
        // A scalar or a list in its key's line is shown itself; a block is shown by its key.
        let shown = self.places.get(&field).map(|key| key.line);
        if !keyed || shown == Some(place.line) {
            self.places.insert(field.clone(), place);
        }
        Ok(field)
    }

    fn enter(&mut self, span: Span) -> Result<String, Problem> {
        if self.open.len() >= DEPTH_MAX {
            return Err(self.refuse(span, "is nested too deep"));
        }
        self.begin(span)
    }

    fn put(&mut self, value: Value) {
        match self.open.last_mut() {
            None => self.done = Some(value),
            Some(Open::List { items, .. }) => items.push(value),
            Some(Open::Mapping { entries, key, .. }) => {
                if let Some(key) = key.take() {
                    entries.insert(key, value);
                }
            }
        }
    }

    fn refuse(&self, span: Span, description: &str) -> Problem {
        Problem {
            place: Some(self.lines.place(span)),
            ..Problem::new("", description)
        }
    }
}

/// The value of a scalar without quotes; none for one that JSON does not have (`.inf`).
fn plain(text: &str) -> Option<Value> {
    Some(match Scalar::parse_from_cow(text.into()) {
        Scalar::Null => Value::Null,
        Scalar::Boolean(b) => Value::Bool(b),
        Scalar::Integer(n) => Value::from(n),
        Scalar::FloatingPoint(x) => Value::Number(Number::from_f64(x.into_inner())?),
        Scalar::String(text) => Value::String(text.into_owned()),
    })
}
