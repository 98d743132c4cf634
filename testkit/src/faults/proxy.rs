//! A stand-in between the server and its ClickHouse or Redis, which can be away, slow or silent.

use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How what is behind it seems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// As it is.
    Pass,
    /// Connections are cut, and none is taken.
    Away,
    /// Everything that is sent to it takes this much longer.
    Slow(Duration),
    /// Connections stay open, and nothing moves to it.
    Silent,
}

/// A proxy, until it is dropped.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    mode: watch::Sender<Mode>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Stands before `upstream`, an address such as `127.0.0.1:8123`.
    pub async fn start(upstream: &str) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let (mode, modes) = watch::channel(Mode::Pass);
        let upstream = upstream.to_owned();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if *modes.borrow() != Mode::Away {
                    tokio::spawn(relay(stream, upstream.clone(), modes.clone()));
                }
            }
        });
        Ok(Self { port, mode, task })
    }

    /// Where it listens, on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Changes how it seems, for open connections too.
    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn relay(stream: TcpStream, upstream: String, mut modes: watch::Receiver<Mode>) {
    let Ok(server) = TcpStream::connect(upstream).await else {
        return;
    };
    let (mut from_client, mut to_client) = stream.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let mut pace = modes.clone();
    let there = async {
        let mut buffer = vec![0; 256 * 1024];
        while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
            let mode = *pace.borrow();
            if let Mode::Slow(delay) = mode {
                tokio::time::sleep(delay).await;
            }
            if pace.wait_for(|mode| *mode != Mode::Silent).await.is_err() {
                break;
            }
            if to_server.write_all(&buffer[..read]).await.is_err() {
                break;
            }
        }
        let _ = to_server.shutdown().await;
    };
    let back = async {
        let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
        let _ = to_client.shutdown().await;
    };
    tokio::select! {
        _ = async { tokio::join!(there, back) } => {}
        _ = modes.wait_for(|mode| *mode == Mode::Away) => {}
    }
}
