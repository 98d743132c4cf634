//! Rebuilds the binary when the dashboard has been built anew: its files are embedded by a macro that
//! cargo cannot look into.

fn main() {
    println!("cargo::rerun-if-changed=../dashboards/dist");
}
