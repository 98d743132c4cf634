//! What an operator can set about ingestion, with defaults that suit one small machine. Values arrive
//! already parsed: reading the environment and files is the server's business alone.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use crate::forward::config::Destination;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;
const RESEND_WINDOW_REQUESTS_MAX: usize = 10_000_000;

/// When the log is synced, and so what an acknowledgement promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SyncPolicy {
    /// Before every acknowledgement: survives a power cut. Requests that arrive together share a sync.
    #[default]
    Always,
    /// At most [`Config::sync_interval`] later: survives a crash of the process, and a power cut but for the
    /// last interval.
    Interval,
    /// When the operating system pleases: survives a crash of the process only. After a power cut requests
    /// may be missing or stored twice.
    Never,
}

/// A word that names no [`SyncPolicy`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a sync policy; expected one of always, interval, never")]
pub struct UnknownSyncPolicy(String);

impl FromStr for SyncPolicy {
    type Err = UnknownSyncPolicy;

    fn from_str(word: &str) -> Result<Self, UnknownSyncPolicy> {
        match word {
            "always" => Ok(Self::Always),
            "interval" => Ok(Self::Interval),
            "never" => Ok(Self::Never),
            _ => Err(UnknownSyncPolicy(word.chars().take(32).collect())),
        }
    }
}

/// Everything that can be set about the log and the way from it to storage.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the log lives. One process at a time may use it.
    pub wal_directory: PathBuf,
    /// Where requests go that storage refuses for their content.
    pub dead_letter_directory: PathBuf,
    /// When the log is synced (`BROKLE_WAL_SYNC`).
    pub sync: SyncPolicy,
    /// The longest time between syncs under [`SyncPolicy::Interval`].
    pub sync_interval: Duration,
    /// Size of one log file. Files are zeroed ahead of use and reused, because syncing into a file that
    /// grows costs many times more. A larger request gets a file of its own.
    pub segment_bytes: u64,
    /// A range of the log, which becomes one insert per table and partition, is cut at this size...
    pub range_bytes_max: u64,
    /// ...or when its first request is this old.
    pub range_age_max: Duration,
    /// What the log may take on disk before requests are refused.
    pub wal_bytes_max: u64,
    /// What the log leaves free on its disk.
    pub free_bytes_min: u64,
    /// Request bytes held in memory, from admission until they are on their way to storage.
    pub memory_bytes_max: u64,
    /// Requests that may wait for the log at one time.
    pub queue_requests_max: usize,
    /// The largest request body, after decompression.
    pub body_bytes_max: u64,
    /// Ranges being inserted at one time.
    pub inserts_in_flight_max: usize,
    /// Ranges being decoded at one time: the cores that ingestion may fill.
    pub decoders_max: usize,
    /// How long one insert may take before it is given up and sent again.
    pub insert_timeout: Duration,
    /// The first pause before an insert is sent again; it doubles, with jitter, ...
    pub retry_pause_min: Duration,
    /// ...up to this one.
    pub retry_pause_max: Duration,
    /// What dead letters may take on disk. Beyond it a refused request stays in the log.
    pub dead_letter_bytes_max: u64,
    /// How many acknowledged requests are remembered, to recognise one that is sent again
    /// (`BROKLE_RESEND_WINDOW_REQUESTS`). Zero: resends are stored again, and the tables' keys tell.
    pub resend_window_requests: usize,
    /// How long they are remembered (`BROKLE_RESEND_WINDOW_S`).
    pub resend_window: Duration,
    /// Where telemetry is passed on to.
    pub forward: Vec<Destination>,
    /// Where destinations have their queues.
    pub forward_directory: PathBuf,
}

impl Config {
    /// The defaults, with all files below `data_directory`.
    pub fn in_directory(data_directory: &Path) -> Self {
        Self {
            wal_directory: data_directory.join("wal"),
            dead_letter_directory: data_directory.join("dead-letters"),
            sync: SyncPolicy::Always,
            sync_interval: Duration::from_millis(100),
            segment_bytes: 64 * MIB,
            range_bytes_max: 8 * MIB,
            range_age_max: Duration::from_millis(500),
            wal_bytes_max: 10 * GIB,
            free_bytes_min: GIB,
            memory_bytes_max: 192 * MIB,
            queue_requests_max: 16_384,
            body_bytes_max: 64 * MIB,
            inserts_in_flight_max: 4,
            decoders_max: std::thread::available_parallelism().map_or(2, usize::from),
            insert_timeout: Duration::from_mins(1),
            retry_pause_min: Duration::from_millis(100),
            retry_pause_max: Duration::from_secs(10),
            dead_letter_bytes_max: GIB,
            resend_window_requests: 100_000,
            resend_window: Duration::from_mins(10),
            forward: Vec::new(),
            forward_directory: data_directory.join("forward"),
        }
    }

    /// Says which setting cannot work, before anything is opened.
    pub fn validate(&self) -> Result<(), InvalidConfig> {
        let rules = [
            (
                self.segment_bytes >= 256 * KIB,
                "segment_bytes",
                "must be at least 256 KiB",
            ),
            (
                self.segment_bytes <= GIB,
                "segment_bytes",
                "must be at most 1 GiB",
            ),
            (self.range_bytes_max > 0, "range_bytes_max", "must be above zero"),
            (
                self.range_bytes_max <= self.segment_bytes,
                "range_bytes_max",
                "must be at most segment_bytes",
            ),
            (
                !self.range_age_max.is_zero(),
                "range_age_max",
                "must be above zero",
            ),
            (
                !self.sync_interval.is_zero(),
                "sync_interval",
                "must be above zero",
            ),
            (
                self.wal_bytes_max / 4 >= self.segment_bytes,
                "wal_bytes_max",
                "must hold at least four segments",
            ),
            (self.body_bytes_max > 0, "body_bytes_max", "must be above zero"),
            (
                self.body_bytes_max <= GIB,
                "body_bytes_max",
                "must be at most 1 GiB",
            ),
            (
                self.memory_bytes_max / 2 >= self.body_bytes_max,
                "memory_bytes_max",
                "must hold at least two bodies of body_bytes_max",
            ),
            (
                self.memory_bytes_max / 4 >= self.range_bytes_max,
                "memory_bytes_max",
                "must hold at least four ranges of range_bytes_max",
            ),
            (
                self.queue_requests_max > 0,
                "queue_requests_max",
                "must be above zero",
            ),
            (
                self.inserts_in_flight_max > 0,
                "inserts_in_flight_max",
                "must be above zero",
            ),
            (self.decoders_max > 0, "decoders_max", "must be above zero"),
            (
                self.resend_window_requests <= RESEND_WINDOW_REQUESTS_MAX,
                "resend_window_requests",
                "must be at most 10,000,000: each takes about 100 bytes of memory",
            ),
            (
                !self.insert_timeout.is_zero(),
                "insert_timeout",
                "must be above zero",
            ),
            (
                !self.retry_pause_min.is_zero(),
                "retry_pause_min",
                "must be above zero",
            ),
            (
                self.retry_pause_max >= self.retry_pause_min,
                "retry_pause_max",
                "must be at least retry_pause_min",
            ),
        ];
        match rules.into_iter().find(|(holds, ..)| !holds) {
            Some((_, setting, rule)) => Err(InvalidConfig { setting, rule }),
            None => Ok(()),
        }
    }
}

/// A setting that cannot work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("ingest setting `{setting}` {rule}")]
pub struct InvalidConfig {
    /// Its name.
    pub setting: &'static str,
    /// What it must obey.
    pub rule: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        assert_eq!(Config::in_directory(Path::new("data")).validate(), Ok(()));
    }

    #[test]
    fn a_setting_that_cannot_work_is_named() {
        let mut config = Config::in_directory(Path::new("data"));
        config.memory_bytes_max = config.body_bytes_max;
        assert_eq!(config.validate().unwrap_err().setting, "memory_bytes_max");
        let mut config = Config::in_directory(Path::new("data"));
        config.wal_bytes_max = config.segment_bytes;
        assert_eq!(config.validate().unwrap_err().setting, "wal_bytes_max");
    }

    #[test]
    fn sync_policies_are_read_by_name() {
        assert_eq!("always".parse(), Ok(SyncPolicy::Always));
        assert_eq!("interval".parse(), Ok(SyncPolicy::Interval));
        assert_eq!("never".parse(), Ok(SyncPolicy::Never));
        assert!("sometimes".parse::<SyncPolicy>().is_err());
    }
}
