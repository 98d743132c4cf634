//! What the engine process is told, and the two configuration files that the engine itself reads.
//!
//! The engine would otherwise pick up any `config.xml` of its working directory, and size its caches for a
//! server that has the machine to itself.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;

const MIB: u64 = 1024 * 1024;
const GIB: u64 = 1024 * MIB;

/// What [`crate::run`] needs.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// The engine library, from [`crate::library::locate`].
    pub library: PathBuf,
    /// Where the data lives. One process at a time.
    pub data_dir: PathBuf,
    /// Where to listen: a loopback address; port 0 takes any free one.
    pub listen: SocketAddr,
    /// The password of the user `default`. Without one, requests that a foreign web page could make a
    /// browser send are refused.
    pub password: Option<SecretString>,
    /// Stop when standard input closes, as it does when the supervising process dies.
    pub stop_with_parent: bool,
    /// What the process may use.
    pub limits: Limits,
}

/// What the engine process may use.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Memory that queries, merges and caches may use together.
    pub memory_max_bytes: u64,
    /// Memory that one query may use.
    pub query_memory_max_bytes: u64,
    /// The caches of marks and of the primary key, each.
    pub cache_max_bytes: u64,
    /// Threads that merge parts.
    pub background_threads: u32,
    /// Queries at once.
    pub concurrent_queries_max: usize,
    /// Queries that may wait for a place; the next one is refused.
    pub waiting_queries_max: usize,
    /// How long a query waits for a place before it is refused.
    pub queue_timeout: Duration,
    /// HTTP connections at once.
    pub connections_max: usize,
    /// Sessions (`session_id`) at once; the longest idle one makes room.
    pub sessions_max: usize,
    /// The longest statement, without an insert's rows.
    pub query_text_max_bytes: usize,
    /// The most that is held back of a response, to report a late error properly.
    pub response_buffer_max_bytes: usize,
    /// How long a client may neither send nor read before its query is cancelled.
    pub stall_timeout: Duration,
    /// How long running queries get when the process stops.
    pub stop_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self::for_machine(2 * GIB)
    }
}

impl Limits {
    /// Limits for a machine with this much memory: a quarter of it, between 1 and 4 GiB.
    pub fn for_machine(memory_bytes: u64) -> Self {
        let memory_max_bytes = (memory_bytes / 4).clamp(GIB, 4 * GIB);
        Self {
            memory_max_bytes,
            query_memory_max_bytes: memory_max_bytes / 4 * 3,
            cache_max_bytes: memory_max_bytes / 16,
            background_threads: 2,
            concurrent_queries_max: 16,
            waiting_queries_max: 128,
            queue_timeout: Duration::from_secs(15),
            connections_max: 512,
            sessions_max: 32,
            query_text_max_bytes: 16 * 1024 * 1024,
            response_buffer_max_bytes: 64 * 1024 * 1024,
            stall_timeout: Duration::from_mins(5),
            stop_timeout: Duration::from_secs(10),
        }
    }

    /// Limits for this machine, as far as it says how much memory it has.
    pub fn for_this_machine() -> Self {
        let total = std::fs::read_to_string("/proc/meminfo")
            .ok()
            .and_then(|text| total_memory_bytes(&text));
        total.map_or_else(Self::default, Self::for_machine)
    }
}

fn total_memory_bytes(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim()
        .strip_suffix("kB")?
        .trim()
        .parse::<u64>()
        .ok()
        .map(|kib| kib * 1024)
}

/// Writes the engine's configuration into `folder` and returns the main file.
pub(crate) fn write_files(folder: &Path, limits: &Limits) -> io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let users = folder.join("users.xml");
    std::fs::write(&users, users_xml(limits))?;
    let main = folder.join("engine.xml");
    std::fs::write(&main, main_xml(&users, limits))?;
    Ok(main)
}

/// Sizes of caches and pools. No system log is configured, so the engine keeps none.
fn main_xml(users: &Path, limits: &Limits) -> String {
    let Limits {
        memory_max_bytes,
        cache_max_bytes,
        background_threads,
        ..
    } = limits;
    let users = escape_xml(&users.display().to_string());
    let small = cache_max_bytes / 4;
    format!(
        "<clickhouse>
    <users_config>{users}</users_config>
    <max_server_memory_usage>{memory_max_bytes}</max_server_memory_usage>
    <mark_cache_size>{cache_max_bytes}</mark_cache_size>
    <primary_index_cache_size>{cache_max_bytes}</primary_index_cache_size>
    <index_mark_cache_size>{small}</index_mark_cache_size>
    <index_uncompressed_cache_size>{small}</index_uncompressed_cache_size>
    <uncompressed_cache_size>0</uncompressed_cache_size>
    <query_condition_cache_size>{small}</query_condition_cache_size>
    <vector_similarity_index_cache_size>0</vector_similarity_index_cache_size>
    <text_index_tokens_cache_size>{small}</text_index_tokens_cache_size>
    <text_index_header_cache_size>{small}</text_index_header_cache_size>
    <text_index_postings_cache_size>{cache_max_bytes}</text_index_postings_cache_size>
    <compiled_expression_cache_size>{small}</compiled_expression_cache_size>
    <mmap_cache_size>128</mmap_cache_size>
    <background_pool_size>{background_threads}</background_pool_size>
    <background_schedule_pool_size>4</background_schedule_pool_size>
    <background_common_pool_size>2</background_common_pool_size>
    <background_move_pool_size>1</background_move_pool_size>
    <background_fetches_pool_size>1</background_fetches_pool_size>
    <max_thread_pool_size>1000</max_thread_pool_size>
    <max_thread_pool_free_size>16</max_thread_pool_free_size>
    <max_io_thread_pool_size>16</max_io_thread_pool_size>
    <max_io_thread_pool_free_size>0</max_io_thread_pool_free_size>
    <merge_tree>
        <!-- The pool is small: waiting for its usual twenty free places would be waiting for ever. -->
        <number_of_free_entries_in_pool_to_execute_mutation>1</number_of_free_entries_in_pool_to_execute_mutation>
        <number_of_free_entries_in_pool_to_lower_max_size_of_merge>1</number_of_free_entries_in_pool_to_lower_max_size_of_merge>
        <number_of_free_entries_in_pool_to_execute_optimize_entire_partition>1</number_of_free_entries_in_pool_to_execute_optimize_entire_partition>
    </merge_tree>
</clickhouse>
"
    )
}

/// The one user. It may do anything with tables and databases, and nothing outside them: no files, no other
/// hosts, no users, no dictionaries (whose sources are files and programs), no shutdown (which would signal the
/// whole process group). What the engine does not let us refuse is the scalar function `file`, which reads what
/// the process may read; the password is what guards it.
fn users_xml(limits: &Limits) -> String {
    let Limits {
        memory_max_bytes,
        query_memory_max_bytes,
        ..
    } = limits;
    let block_bytes = memory_max_bytes / 16;
    format!(
        "<clickhouse>
    <profiles><default>
        <async_insert>0</async_insert>
        <max_memory_usage>{query_memory_max_bytes}</max_memory_usage>
        <!-- An insert is gathered into blocks before it is sorted and written, and exists twice meanwhile. -->
        <min_insert_block_size_bytes>{block_bytes}</min_insert_block_size_bytes>
    </default></profiles>
    <quotas><default></default></quotas>
    <users><default>
        <password></password>
        <networks><ip>::/0</ip></networks>
        <profile>default</profile>
        <quota>default</quota>
        <grants>
            <query>GRANT SELECT, INSERT, ALTER, CREATE DATABASE, CREATE TABLE, CREATE VIEW, \
         CREATE TEMPORARY TABLE, CREATE ARBITRARY TEMPORARY TABLE, CREATE FUNCTION, DROP, UNDROP TABLE, TRUNCATE, OPTIMIZE, CHECK, SHOW, \
         KILL QUERY, SYSTEM DROP CACHE, SYSTEM MERGES, SYSTEM TTL MERGES, SYSTEM CLEANUP, SYSTEM FLUSH, SYSTEM VIEWS, \
         dictGet, INTROSPECTION ON *.*</query>
        </grants>
    </default></users>
</clickhouse>
"
    )
}

fn escape_xml(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_follow_the_machine_within_bounds() {
        assert_eq!(Limits::for_machine(GIB).memory_max_bytes, GIB);
        assert_eq!(Limits::for_machine(8 * GIB).memory_max_bytes, 2 * GIB);
        assert_eq!(Limits::for_machine(512 * GIB).memory_max_bytes, 4 * GIB);
        assert_eq!(
            total_memory_bytes("MemTotal:       16 kB\nMemFree: 1 kB\n"),
            Some(16 * 1024)
        );
    }

    #[test]
    fn a_folder_name_cannot_leave_its_element() {
        let folder = tempfile::tempdir().unwrap();
        let odd = folder.path().join("a&b<c>");
        let main = write_files(&odd, &Limits::default()).unwrap();
        assert!(
            std::fs::read_to_string(main)
                .unwrap()
                .contains("a&amp;b&lt;c&gt;/users.xml</users_config>")
        );
    }
}
