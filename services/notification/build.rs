//! Migrations are embedded at compile time; a new file has to recompile the crate.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
