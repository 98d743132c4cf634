//! A Redis that hangs, goes, comes back, and forgets.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use brokle_storage::cache::Cache as _;
use brokle_storage::limiter::{Rate, RateLimiter as _};
use brokle_storage::pubsub::{Notice, PubSub as _, Subscription};
use brokle_storage::quota::QuotaStore as _;
use bytes::Bytes;

use crate::proxy::{Mode, Proxy};
use crate::server::{RedisServer, shared_port};
use crate::world::{Node, World, calls, money, reserve, tokens, until, used};

const MINUTE: Duration = Duration::from_mins(1);

/// A node behind a proxy, and one that always reaches Redis.
async fn two_nodes(world: &World) -> (Node, Node, Proxy) {
    let proxy = Proxy::to(shared_port()).await;
    let node = world.hasty_node(proxy.port).await;
    (node, world.node(shared_port()).await, proxy)
}

async fn is_away(node: &Node) {
    until("Redis is found to be away", || async { !node.status().connected }).await;
}

async fn is_back(node: &Node) {
    until("Redis is used, and nothing waits", || async {
        let status = node.status();
        status.connected && status.waiting == 0
    })
    .await;
}

#[tokio::test]
async fn a_hanging_redis_costs_a_few_timeouts_and_then_nothing() {
    let world = World::new();
    let (node, _other, proxy) = two_nodes(&world).await;
    proxy.set(Mode::Stall);
    let hung = Instant::now();
    let mut calls_made = 0;
    while node.status().connected {
        assert!(reserve(&*node.quota, &[tokens(1_000, 1)]).await.is_some());
        calls_made += 1;
    }
    assert!(calls_made <= 3, "{calls_made} calls waited");
    assert!(hung.elapsed() < Duration::from_secs(2), "{:?}", hung.elapsed());
    let (timed_out, alone) = (node.status().timed_out, Instant::now());
    let rate = Rate {
        count: NonZeroU32::new(1_000).unwrap(),
        period: MINUTE,
    };
    for _ in 0..200 {
        assert!(reserve(&*node.quota, &[tokens(1_000, 1)]).await.is_some());
        assert!(node.limiter.take("a", rate, 1).await.unwrap().allowed);
        node.cache.get("k").await.unwrap();
        node.pubsub.publish("t", Bytes::new()).await.unwrap();
    }
    let each = alone.elapsed() / 800;
    assert!(each < Duration::from_millis(5), "{each:?} for each call");
    assert_eq!(node.status().timed_out, timed_out);
    proxy.set(Mode::Pass);
    is_back(&node).await;
    assert!(
        !reserve(&*node.quota, &[tokens(1_000, 1)])
            .await
            .unwrap()
            .in_process
    );
}

#[tokio::test]
async fn a_broken_connection_is_replaced_at_once() {
    let world = World::new();
    let (node, _other, proxy) = two_nodes(&world).await;
    for _ in 0..2 {
        proxy.set(Mode::Cut);
        is_away(&node).await;
        assert!(reserve(&*node.quota, &[tokens(10, 1)]).await.unwrap().in_process);
        proxy.set(Mode::Pass);
        is_back(&node).await;
        assert!(!reserve(&*node.quota, &[tokens(10, 1)]).await.unwrap().in_process);
    }
    assert_eq!(node.status().outages, 2);
}

#[tokio::test]
async fn a_node_starts_without_redis_and_uses_it_when_it_comes() {
    let world = World::new();
    let port = RedisServer::start().stop();
    let node = world.start(world.config(port));
    node.connect().await.unwrap_err();
    let first = reserve(&*node.quota, &[money(10, 6)]).await.unwrap();
    assert!(first.in_process);
    assert!(reserve(&*node.quota, &[money(10, 6)]).await.is_none());
    let _server = RedisServer::start_on(port);
    is_back(&node).await;
    assert!(reserve(&*node.quota, &[money(10, 6)]).await.is_none());
    node.quota.settle(first, &[1]).await.unwrap();
    until("what was settled is known", || async {
        used(&*node.quota, &money(10, 0)).await == 1
    })
    .await;
}

#[tokio::test]
async fn what_is_used_up_stays_used_up_while_redis_is_away() {
    let world = World::new();
    let (node, other, proxy) = two_nodes(&world).await;
    reserve(&*other.quota, &[money(100, 80), tokens(100, 80)])
        .await
        .unwrap();
    reserve(&*node.quota, &[money(100, 10), tokens(100, 10)])
        .await
        .unwrap();
    proxy.set(Mode::Cut);
    is_away(&node).await;
    assert!(reserve(&*node.quota, &[money(100, 11)]).await.is_none());
    assert!(reserve(&*node.quota, &[tokens(100, 11)]).await.is_none());
    assert!(
        reserve(&*node.quota, &[money(100, 10), tokens(100, 10)])
            .await
            .unwrap()
            .in_process
    );
}

#[tokio::test]
async fn money_counted_alone_is_added_exactly_when_redis_is_back() {
    let world = World::new();
    let (node, other, proxy) = two_nodes(&world).await;
    reserve(&*node.quota, &[money(1_000, 10)]).await.unwrap();
    proxy.set(Mode::Cut);
    is_away(&node).await;
    let kept = reserve(&*node.quota, &[money(1_000, 100)]).await.unwrap();
    let settled = reserve(&*node.quota, &[money(1_000, 200)]).await.unwrap();
    node.quota.settle(settled, &[30]).await.unwrap();
    reserve(&*other.quota, &[money(1_000, 5)]).await.unwrap();
    proxy.set(Mode::Pass);
    is_back(&node).await;
    assert_eq!(used(&*other.quota, &money(0, 0)).await, 10 + 100 + 30 + 5);
    node.quota.settle(kept, &[40]).await.unwrap();
    until("what came back later is told, too", || async {
        used(&*other.quota, &money(0, 0)).await == 10 + 40 + 30 + 5
    })
    .await;
    assert_eq!(used(&*node.quota, &money(0, 0)).await, 10 + 40 + 30 + 5);
}

#[tokio::test]
async fn settling_that_redis_did_not_hear_is_repeated() {
    let world = World::new();
    for mode in [Mode::Stall, Mode::StallAnswers, Mode::Cut] {
        let (node, other, proxy) = two_nodes(&world).await;
        let demands = [money(1_000, 100), tokens(1_000, 100), calls(3)];
        let before = used(&*other.quota, &demands[0]).await;
        let reservation = reserve(&*node.quota, &demands).await.unwrap();
        proxy.set(mode);
        node.quota.settle(reservation.clone(), &[7, 7, 0]).await.unwrap();
        node.quota.settle(reservation, &[9, 9, 9]).await.unwrap();
        is_away(&node).await;
        proxy.set(Mode::Pass);
        is_back(&node).await;
        assert_eq!(used(&*other.quota, &demands[0]).await, before + 7, "{mode:?}");
        assert_eq!(used(&*other.quota, &demands[1]).await, before + 7, "{mode:?}");
        assert_eq!(used(&*other.quota, &demands[2]).await, 0, "{mode:?}");
    }
}

#[tokio::test]
async fn what_nobody_holds_is_given_back() {
    let world = World::new();
    let (node, other, proxy) = two_nodes(&world).await;
    let demands = [money(1_000, 100), tokens(1_000, 100), calls(3)];
    proxy.set(Mode::StallAnswers);
    // The caller goes before there is an answer; another one gets it from the node alone.
    let gone = tokio::time::timeout(Duration::from_millis(5), node.quota.reserve(&demands)).await;
    assert!(gone.is_err());
    let late = reserve(&*node.quota, &demands).await.unwrap();
    assert!(late.in_process);
    until("Redis has taken both", || async {
        used(&*other.quota, &demands[2]).await == 2
    })
    .await;
    is_away(&node).await;
    proxy.set(Mode::Pass);
    is_back(&node).await;
    assert_eq!(used(&*other.quota, &demands[1]).await, 0);
    assert_eq!(used(&*other.quota, &demands[2]).await, 0);
    assert_eq!(used(&*other.quota, &demands[0]).await, 100);
    node.quota.settle(late, &[0, 0, 0]).await.unwrap();
    until("and the money, too", || async {
        used(&*other.quota, &demands[0]).await == 0
    })
    .await;
}

#[tokio::test]
async fn a_redis_that_lost_its_data_is_told_what_was_spent() {
    let world = World::new();
    let server = RedisServer::start();
    let node = world.hasty_node(server.port).await;
    reserve(&*node.quota, &[money(100, 60)]).await.unwrap();
    let port = server.stop();
    is_away(&node).await;
    reserve(&*node.quota, &[money(100, 15)]).await.unwrap();
    let _server = RedisServer::start_on(port);
    is_back(&node).await;
    let fresh = world.node(port).await;
    assert_eq!(used(&*fresh.quota, &money(100, 0)).await, 75);
    assert!(reserve(&*fresh.quota, &[money(100, 26)]).await.is_none());
}

#[tokio::test]
async fn what_a_node_changed_alone_is_never_read_from_redis_again() {
    let world = World::new();
    let (node, other, proxy) = two_nodes(&world).await;
    for key in ["deleted", "replaced", "kept"] {
        node.cache
            .set(key, Bytes::from_static(b"old"), MINUTE)
            .await
            .unwrap();
    }
    proxy.set(Mode::Cut);
    is_away(&node).await;
    node.cache.delete("deleted").await.unwrap();
    node.cache
        .set("replaced", Bytes::from_static(b"new"), MINUTE)
        .await
        .unwrap();
    assert_eq!(
        node.cache.get("replaced").await.unwrap(),
        Some(Bytes::from_static(b"new"))
    );
    assert_eq!(node.cache.get("deleted").await.unwrap(), None);
    assert_eq!(node.cache.get("kept").await.unwrap(), None);
    proxy.set(Mode::Pass);
    is_back(&node).await;
    for reader in [&node, &other] {
        assert_eq!(reader.cache.get("deleted").await.unwrap(), None);
        assert_eq!(reader.cache.get("replaced").await.unwrap(), None);
        assert_eq!(
            reader.cache.get("kept").await.unwrap(),
            Some(Bytes::from_static(b"old"))
        );
    }
}

#[tokio::test]
async fn changes_that_cannot_wait_are_refused_not_forgotten() {
    let world = World::new();
    let port = RedisServer::start().stop();
    let node = world.start(world.config(port));
    for number in 0..10_000 {
        node.cache.delete(&format!("key {number}")).await.unwrap();
    }
    node.cache.delete("one more").await.unwrap_err();
    node.cache
        .set("one more", Bytes::new(), MINUTE)
        .await
        .unwrap_err();
    node.cache.delete("key 5").await.unwrap();
    assert_eq!((node.status().waiting, node.status().lost), (10_000, 2));
}

/// The next message, and whether something was missed before it.
async fn message(listener: &mut Box<dyn Subscription>) -> (Bytes, bool) {
    let mut missed = false;
    loop {
        match listener.next().await.unwrap() {
            Notice::Message(message) => return (message, missed),
            Notice::Missed(_) => missed = true,
        }
    }
}

#[tokio::test]
async fn notices_wait_for_redis_and_their_own_node_hears_them_at_once() {
    let world = World::new();
    let (node, other, proxy) = two_nodes(&world).await;
    let (mut here, mut there) = (
        node.pubsub.subscribe("t").await.unwrap(),
        other.pubsub.subscribe("t").await.unwrap(),
    );
    proxy.set(Mode::Cut);
    is_away(&node).await;
    node.pubsub
        .publish("t", Bytes::from_static(b"revoked"))
        .await
        .unwrap();
    assert_eq!(message(&mut here).await.0, "revoked");
    other
        .pubsub
        .publish("t", Bytes::from_static(b"unheard"))
        .await
        .unwrap();
    assert_eq!(message(&mut there).await.0, "unheard");
    proxy.set(Mode::Pass);
    assert_eq!(message(&mut there).await.0, "revoked");
    let heard = tokio::spawn(async move { message(&mut here).await });
    until("the listener behind the proxy hears again", || async {
        other
            .pubsub
            .publish("t", Bytes::from_static(b"again"))
            .await
            .unwrap();
        heard.is_finished()
    })
    .await;
    assert_eq!(heard.await.unwrap(), (Bytes::from_static(b"again"), true));
}
