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
            "::prost_protovalidate::Validate::validate(self)"
        } else {
            "Ok(())"
        };
        writeln!(
            code,
            "impl crate::codec::Checked for {path} {{ fn check(&self) -> Result<(), ::prost_protovalidate::ValidationError> {{ {body} }} }}"
        )?;
    }
    std::fs::write(out.join("checked_impl.rs"), code)?;
    Ok(())
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
