//! The tracked Rust sources, without tests.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Files that git tracks or would, relative to the root, with one of `extensions`.
pub(crate) fn tracked(extensions: &[&str]) -> Result<Vec<PathBuf>> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .context("running git")?;
    ensure!(output.status.success(), "git ls-files failed");
    let listed = String::from_utf8(output.stdout)?;
    let wanted = |path: &&Path| {
        path.extension()
            .and_then(|extension| extension.to_str())
            .is_some_and(|text| extensions.contains(&text))
    };
    Ok(listed
        .lines()
        .map(Path::new)
        .filter(wanted)
        .filter(|path| root().join(path).is_file())
        .map(Path::to_owned)
        .collect())
}

/// Whether a file is a test, a bench or an example rather than the product.
pub(crate) fn is_product(path: &Path) -> bool {
    let outside = ["tests", "benches", "examples", "testkit", "xtask", "fuzz"];
    !path
        .components()
        .any(|part| outside.iter().any(|name| part.as_os_str() == *name))
        && !path.ends_with("tests.rs")
        && !path.ends_with("build.rs")
}
