//! Where the engine library is. A pure search over places that the caller names: no environment is read
//! here, and nothing is fetched (that is `scripts/fetch-engine`).

use std::path::{Path, PathBuf};

/// The pinned version of the engine package; the same as in `scripts/fetch-engine` (a test compares them).
pub const VERSION: &str = "26.7.3-stable.1";

/// The library's file name inside the package, on every platform.
pub const FILE_NAME: &str = "libchdb.so";

/// The library was in none of the places.
#[derive(Debug, thiserror::Error)]
pub enum LocateError {
    /// The operator named a file that does not exist.
    #[error("the configured ClickHouse engine library {} does not exist", path.display())]
    ConfiguredMissing {
        /// The configured path.
        path: PathBuf,
    },
    /// No place has it.
    #[error(
        "the ClickHouse engine library is not installed (looked for {}). Run `make setup` or \
         `scripts/fetch-engine`, or set CLICKHOUSE_URL to use a ClickHouse server",
        searched.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
    )]
    NotInstalled {
        /// Where it was looked for.
        searched: Vec<PathBuf>,
    },
}

/// Finds the library: the configured path and nothing else if there is one, then beside the executable
/// (how a package ships it), then the cache that `scripts/fetch-engine` fills.
pub fn locate(
    explicit: Option<&Path>,
    executable: Option<&Path>,
    cache_dir: Option<&Path>,
) -> Result<PathBuf, LocateError> {
    if let Some(path) = explicit {
        return if path.is_file() {
            Ok(path.to_owned())
        } else {
            Err(LocateError::ConfiguredMissing {
                path: path.to_owned(),
            })
        };
    }
    let beside = executable.and_then(Path::parent);
    let searched: Vec<PathBuf> = [beside, cache_dir]
        .into_iter()
        .flatten()
        .map(|folder| folder.join(FILE_NAME))
        .collect();
    match searched.iter().find(|path| path.is_file()) {
        Some(path) => Ok(path.clone()),
        None => Err(LocateError::NotInstalled { searched }),
    }
}

/// The cache folder of this version, from the values of `BROKLE_ENGINE_DIR`, `XDG_CACHE_HOME` and `HOME`;
/// the same rule as `scripts/fetch-engine`.
pub fn cache_dir(
    engine_dir: Option<&Path>,
    xdg_cache_home: Option<&Path>,
    home: Option<&Path>,
) -> Option<PathBuf> {
    if let Some(folder) = engine_dir {
        return Some(folder.to_owned());
    }
    let cache = xdg_cache_home
        .map(Path::to_owned)
        .or_else(|| home.map(|home| home.join(".cache")))?;
    Some(cache.join("brokle").join("engine").join(VERSION))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configured_path_is_never_replaced_by_another() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE_NAME), b"").unwrap();
        let missing = folder.path().join("elsewhere.so");
        let error = locate(Some(&missing), None, Some(folder.path())).unwrap_err();
        assert!(matches!(error, LocateError::ConfiguredMissing { .. }));
    }

    #[test]
    fn the_cache_is_searched_after_the_executables_folder() {
        let (bin, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let executable = bin.path().join("brokle");
        std::fs::write(cache.path().join(FILE_NAME), b"").unwrap();
        assert_eq!(
            locate(None, Some(&executable), Some(cache.path())).unwrap(),
            cache.path().join(FILE_NAME)
        );
        std::fs::write(bin.path().join(FILE_NAME), b"").unwrap();
        assert_eq!(
            locate(None, Some(&executable), Some(cache.path())).unwrap(),
            bin.path().join(FILE_NAME)
        );
    }

    #[test]
    fn a_missing_library_says_what_to_run() {
        let folder = tempfile::tempdir().unwrap();
        let message = locate(None, None, Some(folder.path())).unwrap_err().to_string();
        assert!(message.contains("scripts/fetch-engine"), "{message}");
    }

    #[test]
    fn the_script_pins_the_same_version() {
        let script = include_str!("../../../scripts/fetch-engine");
        assert!(script.contains(&format!("\nversion={VERSION}\n")));
    }

    #[test]
    fn the_cache_folder_follows_the_scripts_rule() {
        let home = Path::new("/home/me");
        let expected = PathBuf::from(format!("/home/me/.cache/brokle/engine/{VERSION}"));
        assert_eq!(cache_dir(None, None, Some(home)), Some(expected));
        assert_eq!(
            cache_dir(Some(Path::new("/e")), None, Some(home)),
            Some(PathBuf::from("/e"))
        );
    }
}
