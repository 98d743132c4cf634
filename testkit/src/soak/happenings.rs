//! What happens to the server while it is busy: its configuration is changed, well and badly; its engine is killed; a
//! provider is away for a while. Each is waited for, and noted with when and how it went.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::world::World;
use crate::faults::ledger::sql;
use crate::faults::proxy::Mode;
use crate::server::{child_of, signal};
use crate::tenant::{PASSWORD, Tenant};
use crate::wait;

const PATIENCE: Duration = Duration::from_secs(40);
/// Every so often, at most, the configuration changes.
const RELOAD_EVERY_MAX: Duration = Duration::from_mins(1);
const RELOAD_EVERY_MIN: Duration = Duration::from_secs(10);
const AWAY_MAX: Duration = Duration::from_secs(25);
/// When the engine is killed, as shares of the load; early, so that what comes after is one life of an engine.
const KILLS: [f64; 3] = [0.07, 0.17, 0.27];
/// When the shaky provider goes away.
const AWAYS: [f64; 4] = [0.12, 0.4, 0.63, 0.86];

/// What kind of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    FileReloaded,
    FileRefused,
    ApiChanged,
    ApiRefused,
    EngineKilled,
    ProviderAway,
}

impl What {
    pub(super) const ALL: [Self; 6] = [
        Self::FileReloaded,
        Self::FileRefused,
        Self::ApiChanged,
        Self::ApiRefused,
        Self::EngineKilled,
        Self::ProviderAway,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::FileReloaded => "brokle.toml changed, SIGHUP: in force",
            Self::FileRefused => "brokle.toml spoilt, SIGHUP: refused, the old one in force",
            Self::ApiChanged => "route changed by the API: in force",
            Self::ApiRefused => "bad route sent to the API: refused",
            Self::EngineKilled => "engine killed with -9: another one answers",
            Self::ProviderAway => "provider away, and back",
        }
    }
}

/// Something that happened.
#[derive(Debug, Clone)]
pub(super) struct Happening {
    pub(super) what: What,
    /// Since the load began.
    pub(super) at_s: f64,
    pub(super) took: Duration,
    /// Why it did not go as it should have.
    pub(super) failure: Option<String>,
}

/// Lets things happen until `length` has passed since `began`.
pub(super) async fn let_happen(world: &World, began: Instant, length: Duration) -> Vec<Happening> {
    let mut happened = Vec::new();
    for (due, what) in schedule(length) {
        tokio::time::sleep_until((began + due).into()).await;
        let since = Instant::now();
        let outcome = happen(world, what, happened.len(), length).await;
        let failure = outcome.err().map(|error| format!("{error:#}"));
        if let Some(failure) = &failure {
            world.note(&format!("{}: {failure}", what.name()));
        }
        happened.push(Happening {
            what,
            at_s: (since - began).as_secs_f64(),
            took: since.elapsed(),
            failure,
        });
    }
    happened
}

/// When what is due, in order.
fn schedule(length: Duration) -> Vec<(Duration, What)> {
    let every = (length / 30).clamp(RELOAD_EVERY_MIN, RELOAD_EVERY_MAX);
    let turns = [
        What::FileReloaded,
        What::ApiChanged,
        What::FileRefused,
        What::FileReloaded,
        What::ApiRefused,
    ];
    let reloads = (1_u32..).zip(turns.into_iter().cycle());
    let mut due: Vec<(Duration, What)> = reloads
        .map(|(number, what)| (every * number, what))
        .take_while(|(due, _)| *due + every / 2 < length)
        .collect();
    due.extend(KILLS.map(|share| (length.mul_f64(share), What::EngineKilled)));
    due.extend(AWAYS.map(|share| (length.mul_f64(share), What::ProviderAway)));
    due.sort_by_key(|(due, _)| *due);
    due
}

async fn happen(world: &World, what: What, number: usize, length: Duration) -> Result<()> {
    match what {
        What::FileReloaded => reload_file(world, number).await,
        What::FileRefused => refuse_file(world).await,
        What::ApiChanged => {
            let name = format!("own-{number}");
            let target = json!({ "targets": [{ "provider": "steady", "model": "gpt-4o-mini" }] });
            let (status, body) = put_route(world, &name, &target).await?;
            ensure!(status == 200, "{status} {body}");
            in_force(world, &name).await
        }
        What::ApiRefused => {
            let target = json!({ "targets": [{ "provider": "nowhere", "model": "m" }] });
            let (status, body) = put_route(world, "bad", &target).await?;
            ensure!(status == 400, "{status} {body}");
            Ok(())
        }
        What::EngineKilled => kill_engine(world).await,
        What::ProviderAway => {
            world.shaky.set(Mode::Away);
            tokio::time::sleep(AWAY_MAX.min(length / 15)).await;
            world.shaky.set(Mode::Pass);
            Ok(())
        }
    }
}

async fn reload_file(world: &World, number: usize) -> Result<()> {
    let name = format!("generation-{number}");
    std::fs::write(world.server.config_file(), world.config(&name))?;
    world.server.signal("HUP")?;
    in_force(world, &name).await
}

async fn refuse_file(world: &World) -> Result<()> {
    let file = world.server.config_file();
    let good = std::fs::read_to_string(&file)?;
    let refusals = || world.server.log().matches("what was in force stays").count();
    let before = refusals();
    std::fs::write(&file, format!("{good}\n[gateway.routes.spoilt]\ntargets = []\n"))?;
    world.server.signal("HUP")?;
    let refused = wait::until("the file is refused", PATIENCE, || async {
        (refusals() > before).then_some(())
    })
    .await;
    std::fs::write(&file, good)?;
    refused?;
    in_force(world, "pair").await
}

async fn kill_engine(world: &World) -> Result<()> {
    let engine = child_of(world.server.pid()).context("an engine")?;
    signal(engine, "KILL")?;
    wait::until("another engine answers", PATIENCE, || async {
        child_of(world.server.pid()).filter(|pid| *pid != engine)?;
        sql(&world.server.clickhouse_url(), "SELECT 1").await.ok()
    })
    .await
    .map(drop)
}

/// Waits until a route of that name is known.
async fn in_force(world: &World, route: &str) -> Result<()> {
    let body = json!({ "model": route, "messages": [{ "role": "user", "content": "hello" }] });
    let client = Client::new();
    wait::until("the configuration is in force", PATIENCE, || async {
        let request = client
            .post(format!("{}/v1/route", world.server.url()))
            .bearer_auth(&world.tenant.key);
        let answer = request.json(&body).send().await.ok()?;
        answer.status().is_success().then_some(())
    })
    .await
}

/// Access tokens are short-lived: each change signs in anew.
async fn put_route(world: &World, name: &str, route: &Value) -> Result<(u16, Value)> {
    let tenant = Tenant::sign_in(&world.server.url(), &world.tenant.email, PASSWORD).await?;
    let path = format!(
        "/api/v1/organizations/{}/gateway/routes/{name}",
        tenant.organization_id
    );
    let response = tenant.request(Method::PUT, &path).json(route).send().await?;
    let status = response.status().as_u16();
    Ok((status, response.json().await.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_half_an_hour_everything_happens_and_configuration_changes_every_minute() {
        let due = schedule(Duration::from_mins(30));
        assert!(due.is_sorted_by_key(|(due, _)| *due));
        for what in What::ALL {
            assert!(due.iter().filter(|(_, of)| *of == what).count() >= 3, "{what:?}");
        }
        let changes = due
            .iter()
            .filter(|(_, what)| !matches!(what, What::EngineKilled | What::ProviderAway));
        assert_eq!(changes.count(), 29);
        let short = schedule(Duration::from_mins(2));
        assert!(
            What::ALL
                .iter()
                .all(|what| short.iter().any(|(_, of)| of == what))
        );
    }
}
