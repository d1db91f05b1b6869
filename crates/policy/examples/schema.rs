//! Prints the published schemas, so that `crates/policy/schema` can be written anew after a change of
//! the types: `cargo run -p redress-policy --example schema -- policy`, or `-- profile`.

use std::io::Write as _;

fn main() -> std::io::Result<()> {
    let schema = match std::env::args().nth(1).as_deref() {
        Some("profile") => redress_policy::profile_schema(),
        _ => redress_policy::overlay_schema(),
    };
    writeln!(std::io::stdout(), "{schema:#}")
}
