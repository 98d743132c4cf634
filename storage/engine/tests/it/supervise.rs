//! The parent's side.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use brokle_engine::supervisor::{State, Supervisor, SupervisorConfig};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::support::{eventually, folder, library, program};

const LOOPBACK: &str = "127.0.0.1:0";

fn config(name: &str) -> SupervisorConfig {
    let data = folder(name);
    let command = move |listen: SocketAddr| -> Vec<OsString> {
        vec![
            program().into(),
            library().into(),
            data.clone().into(),
            listen.port().to_string().into(),
            String::new().into(),
            "--stop-with-parent".into(),
        ]
    };
    SupervisorConfig::new(Arc::new(command), LOOPBACK.parse().unwrap())
}

fn pid(supervisor: &Supervisor) -> Pid {
    Pid::from_raw(i32::try_from(supervisor.status().pid.unwrap()).unwrap()).unwrap()
}

async fn answers(supervisor: &Supervisor) -> bool {
    let request = reqwest::Client::new().post(supervisor.url()).body("SELECT 1");
    matches!(request.send().await, Ok(response) if response.status() == 200)
}

#[tokio::test]
async fn a_dead_engine_is_started_again_at_the_same_address() {
    let (tasks, shutdown) = (TaskTracker::new(), CancellationToken::new());
    let supervisor = Supervisor::start(config("supervised"), &tasks, shutdown.clone()).unwrap();
    supervisor
        .wait_until_running(Duration::from_secs(30))
        .await
        .unwrap();
    assert!(answers(&supervisor).await);
    let first = pid(&supervisor);
    kill_process(first, Signal::KILL).unwrap();
    eventually("it was restarted", async || supervisor.status().restarts == 1).await;
    supervisor
        .wait_until_running(Duration::from_secs(30))
        .await
        .unwrap();
    assert_ne!(pid(&supervisor), first);
    assert!(answers(&supervisor).await);
    assert!(supervisor.status().last_exit.unwrap().contains("SIGKILL"));
    let second = pid(&supervisor);
    shutdown.cancel();
    tasks.close();
    tokio::time::timeout(Duration::from_secs(30), tasks.wait())
        .await
        .unwrap();
    assert_eq!(supervisor.status().state, State::Stopped);
    assert!(test_kill_process(second).is_err(), "the process is gone");
}

#[tokio::test]
async fn an_engine_that_cannot_start_is_tried_again_and_reported() {
    let (tasks, shutdown) = (TaskTracker::new(), CancellationToken::new());
    let mut broken = config("broken");
    broken.command = Arc::new(|_| vec!["/bin/false".into()]);
    broken.backoff_min = Duration::from_millis(10);
    broken.backoff_max = Duration::from_millis(20);
    let supervisor = Supervisor::start(broken, &tasks, shutdown.clone()).unwrap();
    eventually("it was tried again and again", async || {
        supervisor.status().restarts >= 3
    })
    .await;
    let error = supervisor
        .wait_until_running(Duration::from_millis(50))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("exit status: 1"), "{error}");
    shutdown.cancel();
    tasks.close();
    tokio::time::timeout(Duration::from_secs(10), tasks.wait())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_child_that_does_not_become_ready_is_replaced() {
    let (tasks, shutdown) = (TaskTracker::new(), CancellationToken::new());
    let mut silent = config("silent");
    silent.command = Arc::new(|_| vec!["/bin/cat".into()]);
    silent.start_timeout = Duration::from_millis(50);
    let supervisor = Supervisor::start(silent, &tasks, shutdown.clone()).unwrap();
    eventually("it was replaced", async || supervisor.status().restarts >= 1).await;
    assert!(
        supervisor
            .status()
            .last_exit
            .unwrap()
            .contains("not ready in time")
    );
    shutdown.cancel();
    tasks.close();
    tokio::time::timeout(Duration::from_secs(10), tasks.wait())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_deaf_child_is_killed_at_the_deadline() {
    let (tasks, shutdown) = (TaskTracker::new(), CancellationToken::new());
    let mut deaf = config("deaf");
    let script = "trap '' TERM; echo 'ready 127.0.0.1:1'; while :; do sleep 1; done";
    deaf.command = Arc::new(move |_| vec!["/bin/sh".into(), "-c".into(), script.into()]);
    deaf.stop_timeout = Duration::from_millis(100);
    let supervisor = Supervisor::start(deaf, &tasks, shutdown.clone()).unwrap();
    supervisor
        .wait_until_running(Duration::from_secs(10))
        .await
        .unwrap();
    let child = pid(&supervisor);
    shutdown.cancel();
    tasks.close();
    tokio::time::timeout(Duration::from_secs(10), tasks.wait())
        .await
        .unwrap();
    assert!(test_kill_process(child).is_err(), "the process is gone");
}

#[tokio::test]
async fn the_engine_does_not_outlive_its_parent() {
    let mut engine = std::process::Command::new(program())
        .arg(library())
        .arg(folder("orphan"))
        .args(["0", "", "--stop-with-parent"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(
        &mut std::io::BufReader::new(engine.stdout.take().unwrap()),
        &mut line,
    )
    .unwrap();
    assert!(line.starts_with("ready "));
    // What the kernel does to our end of the pipe when we die.
    drop(engine.stdin.take());
    eventually("it stopped by itself", async || {
        engine.try_wait().unwrap().is_some()
    })
    .await;
}
