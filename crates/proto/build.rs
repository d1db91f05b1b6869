//! Compiles every contract under `proto/redress` without protoc, and makes the checks that
//! `buf.validate` declares.
//!
//! Three generators share one descriptor set: messages and services (tonic), the checks
//! (prost-protovalidate), and `impl Checked` for every message, so that the codec can check whatever
//! it decodes without asking whether rules exist.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use prost_reflect::{DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo:rerun-if-changed={}", root.display());
    let out = PathBuf::from(std::env::var("OUT_DIR")?);

    let mut files = Vec::new();
    collect(&root.join("redress"), &mut files)?;
    files.sort();

    let mut compiler = protox::Compiler::new([root.clone(), root.join("third_party")])?;
    compiler.include_source_info(true).include_imports(true);
    for file in &files {
        compiler.open_file(file.strip_prefix(&root)?)?;
    }
    let bytes = compiler.encode_file_descriptor_set();
    std::fs::write(out.join("redress.bin"), &bytes)?;
    let set = compiler.file_descriptor_set();

    tonic_prost_build::configure()
        .codec_path("crate::codec::CheckedCodec")
        .include_file("packages.rs")
        .extern_path(".buf.validate", "::prost_protovalidate::types")
        .bytes(".io.cloudevents.v1.CloudEvent.data")
        .compile_fds(drop_sources_of(set, "buf/validate"))?;

    prost_protovalidate_build::Builder::new()
        .file_descriptor_set_bytes(bytes.clone())
        .extern_path(".buf.validate", "::prost_protovalidate::types")
        .extern_path(".google.protobuf", "::prost_types")
        .fail_on_runtime_only(true)
        .compile()?;

    checked(&bytes, &out)
}

/// Every `.proto` below the folder.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|e| e == "proto") {
            files.push(path);
        }
    }
    Ok(())
}

/// The rules' own messages come from the library.
fn drop_sources_of(
    mut set: prost_types::FileDescriptorSet,
    prefix: &str,
) -> prost_types::FileDescriptorSet {
    set.file.retain(|f| !f.name().starts_with(prefix));
    set
}

/// Writes `impl Checked` for every message: requests with rules are checked, the rest pass. Answers
/// are not checked, since a client could do nothing about them.
fn checked(descriptors: &[u8], out: &Path) -> Result<(), Box<dyn Error>> {
    let generated = std::fs::read_to_string(out.join("validate_impl.rs"))?;
    let flat: String = generated.split_whitespace().collect();
    let pool = prost_reflect::DescriptorPool::decode(descriptors)?;
    let mut code = String::new();
    let mut seen = BTreeSet::new();
    for message in pool.all_messages() {
        let package = message.package_name();
        if !package.starts_with("redress.") || message.is_map_entry() {
            continue;
        }
        if message.parent_message().is_some() || !seen.insert(message.full_name().to_owned()) {
            continue;
        }
        let path = rust_path(package, message.name());
        let has_rules = flat.contains(&format!("Validatefor{path}{{"));
        let body = if has_rules && message.name().ends_with("Request") {
            "crate::codec::said(::prost_protovalidate::Validate::validate(self), self)"
        } else {
            "Ok(())"
        };
        code.push_str(&blanks(&message, &path)?);
        writeln!(
            code,
            "impl crate::codec::Checked for {path} {{ fn check(&self) -> Result<(), ::prost_protovalidate::ValidationError> {{ {body} }} }}"
        )?;
    }
    std::fs::write(out.join("checked_impl.rs"), code)?;
    Ok(())
}

/// Writes `impl Said`: which required texts of a message, and which names that it gives, say nothing (`min_len` counts
/// characters, and some of them nobody sees); and which words an enum takes, since the rules name them by numbers alone.
fn blanks(message: &MessageDescriptor, path: &str) -> Result<String, Box<dyn Error>> {
    let mut code = String::new();
    let mut words = String::new();
    for field in message.fields() {
        let rules = Rules::of(&field)?;
        if rules.ignored || field.is_map() {
            continue;
        }
        match (field.kind(), &rules.words) {
            (Kind::Enum(_), Some(says)) => {
                writeln!(
                    words,
                    "if at == {:?} {{ return Some({says:?}); }}",
                    field.name()
                )?;
            }
            (Kind::Message(of), _) if of.package_name().starts_with("redress.") => {
                let (below, path) = (
                    format!("{}.", field.name()),
                    rust_path(of.package_name(), of.name()),
                );
                writeln!(
                    words,
                    "if let Some(below) = at.strip_prefix({below:?}) {{ return <{path} as crate::codec::Said>::words(below); }}"
                )?;
            }
            _ => {}
        }
        let (name, at) = (ident(field.name()), field.name());
        let said = match field.kind() {
            Kind::String if rules.required || at.starts_with("display_name") => {
                "crate::codec::say(&at, said, found);"
            }
            Kind::Message(of) if of.package_name().starts_with("redress.") => {
                "said.blanks(&format!(\"{at}.\"), found);"
            }
            _ => continue,
        };
        let shape = match field.containing_oneof() {
            _ if field.is_list() => format!(
                "for (i, said) in self.{name}.iter().enumerate() {{ let at = format!(\"{{at}}{at}[{{i}}]\"); {said} }}"
            ),
            Some(one) if !one.is_synthetic() => {
                let (owner, message) = path.rsplit_once("::").ok_or("a message has a package")?;
                let variant = format!(
                    "{owner}::{}::{}::{}",
                    snake(message),
                    pascal(one.name()),
                    pascal(field.name())
                );
                let one = ident(one.name());
                format!(
                    "if let Some({variant}(said)) = &self.{one} {{ let at = format!(\"{{at}}{at}\"); {said} }}"
                )
            }
            _ if field.supports_presence() => format!(
                "if let Some(said) = &self.{name} {{ let at = format!(\"{{at}}{at}\"); {said} }}"
            ),
            _ => format!("{{ let said = &self.{name}; let at = format!(\"{{at}}{at}\"); {said} }}"),
        };
        writeln!(code, "{shape}")?;
    }
    Ok(format!(
        "impl crate::codec::Said for {path} {{ #[allow(unused_variables, unused_imports, clippy::all)] fn blanks(&self, at: &str, found: &mut Vec<::prost_protovalidate::Violation>) {{ use crate::codec::Said as _; {code} }}
        #[allow(unused_variables, clippy::all)] fn words(at: &str) -> Option<&'static str> {{ {words} None }} }}\n"
    ))
}

/// What the rules of a field say about its text.
#[derive(Default)]
struct Rules {
    /// It is at least one character long.
    required: bool,
    /// Its handler checks it.
    ignored: bool,
    /// The rule about the words that an enum takes, in those words.
    words: Option<String>,
}

impl Rules {
    fn of(field: &FieldDescriptor) -> Result<Self, Box<dyn Error>> {
        let pool = field.parent_pool();
        let extension = pool
            .get_extension_by_name("buf.validate.field")
            .ok_or("the rules are imported")?;
        let options = field.options();
        if !options.has_extension(&extension) {
            return Ok(Self::default());
        }
        let rules = options.get_extension(&extension);
        let rules = rules.as_message().ok_or("rules are a message")?;
        let ignore = rules.get_field_by_name("ignore");
        let text = |rules: &DynamicMessage| {
            let of_string = rules.get_field_by_name("string")?;
            let least = of_string.as_message()?.get_field_by_name("min_len")?;
            least.as_u64().filter(|least| *least > 0)
        };
        let item = || {
            let of_list = rules.get_field_by_name("repeated")?;
            let items = of_list.as_message()?.get_field_by_name("items")?;
            text(items.as_message()?)
        };
        let of_enum = match field.kind() {
            Kind::Enum(of) => Some(of),
            _ => None,
        };
        Ok(Self {
            words: of_enum.and_then(|of| {
                if !field.is_list() {
                    return taken(&of, rules);
                }
                let of_list = rules.get_field_by_name("repeated")?;
                let items = of_list.as_message()?.get_field_by_name("items")?;
                taken(&of, items.as_message()?)
            }),
            required: text(rules).or_else(item).is_some(),
            // IGNORE_ALWAYS
            ignored: ignore.and_then(|ignore| ignore.as_enum_number()) == Some(3),
        })
    }
}

/// What the rules of an enum say of its words: which it takes, where that is not simply all of them.
fn taken(of: &EnumDescriptor, rules: &DynamicMessage) -> Option<String> {
    let rules = rules.get_field_by_name("enum")?;
    let numbers = |rule: &str| -> Option<Vec<i32>> {
        let list = rules.as_message()?.get_field_by_name(rule)?;
        let numbers: Vec<i32> = list.as_list()?.iter().filter_map(|n| n.as_i32()).collect();
        (!numbers.is_empty()).then_some(numbers)
    };
    let (only, none) = (numbers("in"), numbers("not_in"));
    let may_be_left_out = only.as_ref().is_some_and(|only| only.contains(&0));
    let is_taken = |number: i32| match (&only, &none) {
        (Some(only), _) => only.contains(&number),
        (None, Some(none)) => !none.contains(&number),
        (None, None) => true,
    };
    if only.is_none() && none.as_ref()?.iter().all(|number| *number == 0) {
        return Some("must be given".to_owned());
    }
    // CLOCK_KIND_RESOLVE is RESOLVE to everybody.
    let zero = of.get_value(0)?;
    let prefix = zero.name().strip_suffix("UNSPECIFIED").unwrap_or_default();
    let words: Vec<String> = of
        .values()
        .filter(|value| value.number() != 0 && is_taken(value.number()))
        .map(|value| {
            value
                .name()
                .strip_prefix(prefix)
                .unwrap_or(value.name())
                .to_owned()
        })
        .collect();
    let or_nothing = if may_be_left_out {
        ", or be left out"
    } else {
        ""
    };
    Some(format!("must be one of {}{or_nothing}", words.join(", ")))
}

/// As prost names a field.
fn ident(name: &str) -> String {
    const KEYWORDS: [&str; 47] = [
        "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do",
        "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in",
        "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
        "return", "static", "struct", "trait", "true", "try", "type", "typeof", "unsafe",
        "unsized", "use", "virtual", "where", "while",
    ];
    if KEYWORDS.contains(&name) || name == "yield" {
        format!("r#{name}")
    } else {
        name.to_owned()
    }
}

fn snake(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

fn pascal(name: &str) -> String {
    name.split('_')
        .flat_map(|part| {
            let mut letters = part.chars();
            let first = letters.next().map(|c| c.to_ascii_uppercase());
            first.into_iter().chain(letters)
        })
        .collect()
}

fn rust_path(package: &str, name: &str) -> String {
    let modules: Vec<String> = package
        .split('.')
        .map(|p| {
            if p == "type" {
                "r#type".to_owned()
            } else {
                p.to_owned()
            }
        })
        .collect();
    format!("{}::{name}", modules.join("::"))
}
