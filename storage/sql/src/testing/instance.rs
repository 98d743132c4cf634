//! A throwaway Postgres: fresh data folder, no socket file, a free port on loopback, no fsync. A small
//! shell holds it and reads from a pipe that only the test process writes to: however that process ends,
//! the pipe closes, and the shell stops the server and removes the folder.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use secrecy::SecretString;

const START_TIMEOUT: Duration = Duration::from_mins(1);

struct Instance {
    url: SecretString,
    /// Holds the pipe whose closing ends the server.
    _holder: Option<Child>,
}

/// The address of a server on which tests may create databases. The first call may start one.
pub(super) fn admin_url() -> SecretString {
    static INSTANCE: OnceLock<Instance> = OnceLock::new();
    INSTANCE.get_or_init(find_or_start).url.clone()
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests are told of a server by the environment"
)]
fn find_or_start() -> Instance {
    match env::var("BROKLE_TEST_POSTGRES_URL") {
        Ok(url) if !url.is_empty() => Instance {
            url: url.into(),
            _holder: None,
        },
        _ => start(),
    }
}

fn start() -> Instance {
    let programs = newest_programs();
    let folder = make_folder();
    let data = folder.join("data");
    initialize(&programs, &data);
    let port = free_port();
    let holder = launch(&programs, &folder, &data, port);
    wait_until_it_serves(&programs, port);
    let url = format!("postgres://postgres@127.0.0.1:{port}/postgres?sslmode=disable");
    Instance {
        url: url.into(),
        _holder: Some(holder),
    }
}

fn newest_programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").expect("Postgres is installed, or its URL is given");
    let mut folders: Vec<PathBuf> = versions
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    folders.retain(|folder| folder.join("initdb").exists());
    folders.sort();
    folders.pop().expect("the Postgres server programs are installed")
}

/// A shell that has stepped down from root, when there is need.
fn shell() -> Command {
    let is_root = fs::metadata("/proc/self").is_ok_and(|process| {
        use std::os::unix::fs::MetadataExt as _;
        process.uid() == 0
    });
    if !is_root {
        return Command::new("sh");
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "sh"]);
    command
}

/// Makes the folder as the server's user, who also removes it in the end.
fn make_folder() -> PathBuf {
    let pattern = env::temp_dir().join("brokle-postgres-XXXXXXXX");
    let output = shell()
        .args(["-c", r#"exec mktemp -d "$0""#])
        .arg(pattern)
        .current_dir("/")
        .output()
        .expect("mktemp runs");
    assert!(
        output.status.success(),
        "mktemp failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())
}

fn initialize(programs: &Path, data: &Path) {
    let output = shell()
        .args(["-c", r#"exec "$0" --pgdata="$1" --username=postgres --auth=trust --no-sync --encoding=UTF8 --no-locale"#])
        .arg(programs.join("initdb"))
        .arg(data)
        .current_dir("/")
        .output()
        .expect("initdb runs");
    assert!(
        output.status.success(),
        "initdb failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

const HOLD: &str = r#"
"$0" -D "$2" -p "$3" -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off \
    -c synchronous_commit=off -c full_page_writes=off -c max_connections=200 -c shared_buffers=32MB \
    </dev/null >"$1/log" 2>&1 &
server=$!
read -r _
kill -INT "$server"
wait "$server"
rm -rf "$1"
"#;

fn launch(programs: &Path, folder: &Path, data: &Path, port: u16) -> Child {
    shell()
        .args(["-c", HOLD])
        .arg(programs.join("postgres"))
        .args([folder, data])
        .arg(port.to_string())
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the server starts")
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("a bound address").port()
}

fn wait_until_it_serves(programs: &Path, port: u16) {
    let deadline = Instant::now() + START_TIMEOUT;
    let ready = || {
        let mut probe = Command::new(programs.join("pg_isready"));
        probe
            .args(["--quiet", "--host=127.0.0.1"])
            .arg(format!("--port={port}"));
        probe.status().is_ok_and(|status| status.success())
    };
    while !ready() {
        assert!(Instant::now() < deadline, "the throwaway Postgres did not start");
        thread::sleep(Duration::from_millis(20));
    }
}
