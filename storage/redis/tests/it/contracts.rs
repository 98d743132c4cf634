//! The shared contracts, on Redis.

mod cache {
    use std::sync::Arc;

    use brokle_storage::cache::Cache;

    use crate::server::shared_port;
    use crate::world::World;

    async fn start() -> Arc<dyn Cache> {
        let node = World::new().node(shared_port()).await;
        // Without its supervisor the node keeps the connection that it has.
        Arc::clone(&node.cache) as _
    }

    brokle_storage::cache_contract!(start);
}

mod limiter {
    use std::sync::Arc;

    use brokle_model::clock::ManualClock;
    use brokle_storage_redis::RedisLimiter;

    use crate::server::shared_port;
    use crate::world::World;

    async fn start() -> (Arc<RedisLimiter>, Arc<ManualClock>) {
        let world = World::new();
        let node = world.node(shared_port()).await;
        (Arc::clone(&node.limiter), world.clock)
    }

    brokle_storage::limiter_contract!(start);
}

mod quota {
    use std::sync::Arc;

    use brokle_model::clock::ManualClock;
    use brokle_storage_redis::RedisQuota;

    use crate::server::shared_port;
    use crate::world::World;

    async fn start() -> (Arc<RedisQuota>, Arc<ManualClock>) {
        let world = World::new();
        let node = world.node(shared_port()).await;
        (Arc::clone(&node.quota), world.clock)
    }

    brokle_storage::quota_contract!(start);
}

mod pubsub {
    use std::sync::{Arc, Mutex};

    use brokle_storage::pubsub::{Notice, PubSub as _};
    use brokle_storage_redis::RedisPubSub;
    use bytes::Bytes;

    use crate::server::shared_port;
    use crate::world::{Node, World, until};

    async fn start() -> (Arc<RedisPubSub>, Arc<RedisPubSub>) {
        /// Keeps the nodes listening until the process ends.
        static NODES: Mutex<Vec<Node>> = Mutex::new(Vec::new());
        let world = World::new();
        let (here, there) = (world.node(shared_port()).await, world.node(shared_port()).await);
        let ends = (Arc::clone(&here.pubsub), Arc::clone(&there.pubsub));
        for (from, to) in [(&ends.0, &ends.1), (&ends.1, &ends.0)] {
            let mut listener = to.subscribe("are you there").await.unwrap();
            let heard =
                tokio::spawn(
                    async move { while !matches!(listener.next().await, Some(Notice::Message(_))) {} },
                );
            until("each node hears the other", || async {
                from.publish("are you there", Bytes::new()).await.unwrap();
                heard.is_finished()
            })
            .await;
        }
        NODES.lock().unwrap().extend([here, there]);
        ends
    }

    brokle_storage::pubsub_contract!(start);
}
