//! A throwaway Redis on a free loopback port. A shell holds it and reads from a pipe that only the test
//! process writes to: however that process ends, the pipe closes and the server with it.

use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

const START_TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) struct RedisServer {
    pub(crate) port: u16,
    holder: Option<Child>,
}

impl RedisServer {
    pub(crate) fn start() -> Self {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = socket.local_addr().unwrap().port();
        drop(socket);
        Self::start_on(port)
    }

    /// A server without data on that port.
    pub(crate) fn start_on(port: u16) -> Self {
        let script = format!(
            "redis-server --port {port} --bind 127.0.0.1 --save '' --appendonly no --dir /tmp >/dev/null 2>&1 & \
             held=$!; read -r _; kill -9 $held; wait $held"
        );
        let mut shell = Command::new("sh");
        let holder = shell
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .stderr(Stdio::null());
        let server = Self {
            port,
            holder: Some(holder.spawn().unwrap()),
        };
        let started = Instant::now();
        while std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(started.elapsed() < START_TIMEOUT, "redis-server does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        server
    }

    /// Kills it, and returns when it is gone.
    pub(crate) fn stop(mut self) -> u16 {
        self.end();
        self.port
    }

    fn end(&mut self) {
        if let Some(mut holder) = self.holder.take() {
            drop(holder.stdin.take());
            holder.wait().unwrap();
        }
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.end();
    }
}

/// The server that tests share: the one that the environment names, or one of this process.
pub(crate) fn shared_port() -> u16 {
    static OWN: OnceLock<RedisServer> = OnceLock::new();
    #[expect(
        clippy::disallowed_methods,
        reason = "tests are told of a server by the environment"
    )]
    let named = std::env::var("BROKLE_TEST_REDIS_URL")
        .ok()
        .filter(|url| !url.is_empty());
    match named {
        Some(url) => url
            .trim_end_matches('/')
            .rsplit(':')
            .next()
            .unwrap()
            .parse()
            .unwrap(),
        None => OWN.get_or_init(RedisServer::start).port,
    }
}
