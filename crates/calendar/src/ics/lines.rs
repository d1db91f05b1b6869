//! Content lines of iCalendar (RFC 5545, section 3.1), unfolded, each with the line on which it begins:
//! whoever has to mend the file needs to know where.

use super::IcsError;

/// `NAME;PARAM=VALUE:VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ContentLine {
    /// Where it begins, from 1.
    pub(super) number: usize,
    /// Upper case.
    pub(super) name: String,
    /// Names in upper case, values without quotes.
    pub(super) params: Vec<(String, String)>,
    /// As it stands.
    pub(super) value: String,
}

impl ContentLine {
    /// The value of a parameter.
    pub(super) fn param(&self, name: &str) -> Option<&str> {
        let found = self.params.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The value as text: `\,`, `\;`, `\n` and `\\` stand for themselves.
    pub(super) fn text(&self) -> String {
        let mut text = String::with_capacity(self.value.len());
        let mut chars = self.value.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => match chars.next() {
                    Some('n' | 'N') => text.push(' '),
                    Some(escaped) => text.push(escaped),
                    None => {}
                },
                other => text.push(other),
            }
        }
        text.trim().to_owned()
    }

    /// That this line is wrong.
    pub(super) fn wrong(&self, message: impl Into<String>) -> IcsError {
        IcsError {
            line: self.number,
            field: self.name.clone(),
            message: message.into(),
        }
    }
}

/// The content lines of a text, and every line that is none. A line that begins with a space or a tab goes on with the one
/// before.
pub(super) fn unfold(text: &str) -> (Vec<ContentLine>, Vec<IcsError>) {
    let mut whole: Vec<(usize, String)> = Vec::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (index, line) in text.lines().enumerate() {
        match (line.strip_prefix([' ', '\t']), whole.last_mut()) {
            (Some(rest), Some((_, begun))) => begun.push_str(rest),
            _ if line.trim().is_empty() => {}
            _ => whole.push((index + 1, line.to_owned())),
        }
    }
    let (mut lines, mut errors) = (Vec::new(), Vec::new());
    for (number, line) in whole {
        match parse(number, &line) {
            Ok(line) => lines.push(line),
            Err(error) => errors.push(error),
        }
    }
    (lines, errors)
}

fn parse(number: usize, line: &str) -> Result<ContentLine, IcsError> {
    let wrong = || IcsError {
        line: number,
        field: line
            .split([':', ';'])
            .next()
            .unwrap_or_default()
            .chars()
            .take(40)
            .collect(),
        message: "must look like NAME:VALUE or NAME;PARAMETER=VALUE:VALUE".to_owned(),
    };
    let mut quoted = false;
    let colon = line
        .char_indices()
        .find(|&(_, c)| {
            quoted ^= c == '"';
            c == ':' && !quoted
        })
        .map(|(at, _)| at)
        .ok_or_else(wrong)?;
    let (head, value) = (&line[..colon], &line[colon + 1..]);
    let mut parts = split_unquoted(head).into_iter();
    let name = parts.next().unwrap_or_default();
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Err(wrong());
    }
    let params = parts
        .map(|part| {
            let (key, value) = part.split_once('=').ok_or_else(wrong)?;
            Ok((key.to_ascii_uppercase(), value.trim_matches('"').to_owned()))
        })
        .collect::<Result<_, IcsError>>()?;
    Ok(ContentLine {
        number,
        name: name.to_ascii_uppercase(),
        params,
        value: value.to_owned(),
    })
}

fn split_unquoted(head: &str) -> Vec<&str> {
    let mut quoted = false;
    head.split(|c: char| {
        quoted ^= c == '"';
        c == ';' && !quoted
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_lines_are_joined_and_keep_the_number_of_their_first() {
        let text = "\u{feff}BEGIN:VEVENT\r\nSUMMARY;LANGUAGE=zh;X=\"a;b:c\":国庆\r\n 节\\, 休\r\n\r\ndtstart:20261001\r\n";
        let (lines, errors) = unfold(text);
        assert!(errors.is_empty(), "{errors:?}");
        let names: Vec<_> = lines.iter().map(|l| (l.number, l.name.as_str())).collect();
        assert_eq!(names, [(1, "BEGIN"), (2, "SUMMARY"), (5, "DTSTART")]);
        assert_eq!(lines[1].text(), "国庆节, 休");
        assert_eq!(lines[1].param("X"), Some("a;b:c"));
        assert_eq!(lines[1].param("LANGUAGE"), Some("zh"));
    }

    #[test]
    fn what_is_no_content_line_is_refused_with_its_number() {
        for (text, line, field) in [
            ("BEGIN:VEVENT\nnonsense", 2, "nonsense"),
            (":value", 1, ""),
            ("A;B:C", 1, "A"),
            ("SUMM ARY:x", 1, "SUMM ARY"),
        ] {
            let (_, errors) = unfold(text);
            let told: Vec<_> = errors.iter().map(|e| (e.line, e.field.as_str())).collect();
            assert_eq!(told, [(line, field)], "{text}");
        }
    }
}
