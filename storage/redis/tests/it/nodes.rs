//! Several nodes on one Redis that works.

use std::collections::HashSet;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use brokle_storage::cache::Cache as _;
use brokle_storage::limiter::{Rate, RateLimiter as _};
use brokle_storage::quota::QuotaStore as _;
use brokle_storage::quota::contract::{CALLERS, Crowd};
use brokle_storage_redis::Time;
use bytes::Bytes;
use tokio::task::JoinSet;

use crate::server::{RedisServer, shared_port};
use crate::world::{World, calls, money, reserve, tokens, used};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn callers_of_two_nodes_get_the_limit_and_no_more() {
    let world = World::new();
    let nodes = [world.node(shared_port()).await, world.node(shared_port()).await];
    let crowd = Arc::new(Crowd::default());
    let mut callers = JoinSet::new();
    for number in 0..2 * CALLERS {
        let (quota, crowd) = (Arc::clone(&nodes[number % 2].quota), Arc::clone(&crowd));
        callers.spawn(async move { crowd.call_repeatedly(&*quota).await });
    }
    callers.join_all().await;
    for node in &nodes {
        crowd.check(&*node.quota).await;
        assert_eq!(node.status().skipped + node.status().timed_out, 0);
    }
}

#[tokio::test]
async fn nodes_share_rates_and_values() {
    let world = World::new();
    let (one, other) = (world.node(shared_port()).await, world.node(shared_port()).await);
    let rate = Rate {
        count: NonZeroU32::new(3).unwrap(),
        period: Duration::from_mins(1),
    };
    assert!(one.limiter.take("a", rate, 2).await.unwrap().allowed);
    assert!(!other.limiter.take("a", rate, 2).await.unwrap().allowed);
    assert!(other.limiter.take("a", rate, 1).await.unwrap().allowed);
    let value = Bytes::from_static(b"v");
    one.cache
        .set("k", value.clone(), Duration::from_mins(1))
        .await
        .unwrap();
    assert_eq!(other.cache.get("k").await.unwrap(), Some(value));
    other.cache.delete("k").await.unwrap();
    assert_eq!(one.cache.get("k").await.unwrap(), None);
}

#[tokio::test]
async fn by_redis_own_clock_limits_hold_as_well() {
    let world = World::new();
    let mut config = world.config(shared_port());
    config.time = Time::Server;
    config.timeout = Duration::from_secs(30);
    let node = world.start(config);
    node.connect().await.unwrap();
    let demands = [tokens(10, 6), calls(2)];
    let first = reserve(&*node.quota, &demands).await.unwrap();
    assert!(reserve(&*node.quota, &demands).await.is_none());
    let stands = node.quota.standing(&demands).await.unwrap();
    assert!(
        stands[0].retry_after > Duration::from_secs(55) && stands[0].retry_after <= Duration::from_secs(61)
    );
    assert!(
        stands[1].reset_after > Duration::from_secs(590) && stands[1].reset_after <= Duration::from_mins(10)
    );
    node.quota.settle(first, &[3, 0]).await.unwrap();
    assert_eq!(
        (
            used(&*node.quota, &demands[0]).await,
            used(&*node.quota, &demands[1]).await
        ),
        (3, 0)
    );
    let rate = Rate {
        count: NonZeroU32::new(1).unwrap(),
        period: Duration::from_mins(10),
    };
    assert!(node.limiter.take("a", rate, 1).await.unwrap().allowed);
    let refused = node.limiter.take("a", rate, 1).await.unwrap();
    assert!(!refused.allowed && refused.retry_after > Duration::from_secs(590));
}

#[tokio::test]
async fn scripts_that_redis_forgot_are_loaded_again() {
    let server = RedisServer::start();
    let world = World::new();
    let node = world.node(server.port).await;
    for round in 1..4 {
        let reservation = reserve(&*node.quota, &[money(100, 5)]).await.unwrap();
        assert!(!reservation.in_process);
        node.quota.settle(reservation, &[2]).await.unwrap();
        assert_eq!(used(&*node.quota, &money(100, 0)).await, 2 * round);
        let _: redis::Value = ask(server.port, redis::cmd("SCRIPT").arg("FLUSH")).await;
    }
    assert_eq!(node.status().failed, 0);
}

#[tokio::test]
async fn every_key_is_ours_and_has_an_end() {
    let server = RedisServer::start();
    let world = World::new();
    let node = world.node(server.port).await;
    let rate = Rate {
        count: NonZeroU32::new(3).unwrap(),
        period: Duration::from_mins(1),
    };
    node.limiter.take("a", rate, 2).await.unwrap();
    node.cache
        .set("k", Bytes::new(), Duration::from_mins(1))
        .await
        .unwrap();
    node.quota.raise("raised", money(1, 1).window, 4).await.unwrap();
    let first = reserve(&*node.quota, &[tokens(9, 1), calls(9), money(9, 1)])
        .await
        .unwrap();
    reserve(&*node.quota, &[tokens(9, 1), calls(9), money(9, 1)])
        .await
        .unwrap();
    node.quota.settle(first, &[1, 1, 1]).await.unwrap();
    let keys: Vec<String> = ask(server.port, redis::cmd("KEYS").arg("*")).await;
    let mut endless = HashSet::new();
    for key in &keys {
        assert!(key.starts_with(&format!("{}:", world.prefix)), "{key}");
        let left_ms: i64 = ask(server.port, redis::cmd("PTTL").arg(key)).await;
        if left_ms < 0 {
            endless.insert(key.clone());
        }
    }
    assert_eq!(endless, HashSet::from([format!("{}:link:epoch", world.prefix)]));
    assert!(keys.len() > 8, "{keys:?}");
}

/// Asks Redis without any of ours.
pub(crate) async fn ask<T: redis::FromRedisValue>(port: u16, command: &redis::Cmd) -> T {
    let client = redis::Client::open(format!("redis://127.0.0.1:{port}")).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    command.query_async(&mut connection).await.unwrap()
}
