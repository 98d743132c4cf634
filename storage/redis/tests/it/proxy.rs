//! A TCP proxy that can be told to stall, in one direction or both, or to cut every connection.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Pass,
    /// Nothing moves, and connections stay open.
    Stall,
    /// Redis hears everything and nobody hears its answers.
    StallAnswers,
    /// Every connection ends.
    Cut,
}

pub(crate) struct Proxy {
    pub(crate) port: u16,
    mode: watch::Sender<Mode>,
}

impl Proxy {
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (mode, seen) = watch::channel(Mode::Pass);
        let own_port = listener.local_addr().unwrap().port();
        let target = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if *seen.borrow() != Mode::Cut {
                    tokio::spawn(carry(client, target, seen.clone()));
                }
            }
        });
        Self { port: own_port, mode }
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }
}

async fn carry(client: TcpStream, target: SocketAddr, mut mode: watch::Receiver<Mode>) {
    let Ok(server) = TcpStream::connect(target).await else {
        return;
    };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let questions = pump(from_client, to_server, mode.clone(), |mode| {
        matches!(mode, Mode::Pass | Mode::StallAnswers)
    });
    let answers = pump(from_server, to_client, mode.clone(), |mode| mode == Mode::Pass);
    tokio::select! {
        () = questions => {}
        () = answers => {}
        _ = mode.wait_for(|mode| *mode == Mode::Cut) => {}
    }
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut mode: watch::Receiver<Mode>,
    moves: impl Fn(Mode) -> bool,
) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(count) = from.read(&mut buffer).await
        && count > 0
    {
        if mode.wait_for(|mode| moves(*mode)).await.is_err() {
            return;
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
