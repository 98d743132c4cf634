//! Notices over Redis. A message reaches the listeners of its own node at once and without Redis, and those
//! of other nodes through one channel for each topic. While Redis is away messages wait, up to a bound, and
//! are sent when it is back; after every interruption listeners get [`Notice::Missed`], because other nodes
//! may have said something that nobody kept. A message whose fate is unknown is sent again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use brokle_storage::pubsub::{Notice, PubSub, Subscription};
use brokle_storage::shared::SharedStateError;
use bytes::Bytes;
use futures_util::StreamExt as _;
use redis::aio::{PubSubSink, PubSubStream};
use redis::{Msg, cmd};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::backlog::{Backlog, Waiting};
use crate::link::{Away, Link, Live, jittered};

/// How far a listener may lag before it misses messages.
const LAG_MAX: usize = 1_024;
const UNSENT_MAX: usize = 1_024;
const WISHES_MAX: usize = 64;
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// Messages begin with the node that sent them.
const NODE_BYTES: usize = 16;

type Topics = HashMap<String, broadcast::Sender<Notice>>;

/// Topics over Redis.
pub struct RedisPubSub {
    link: Link,
    node: [u8; NODE_BYTES],
    topics: Mutex<Topics>,
    wishes: mpsc::Sender<Wish>,
    wished: tokio::sync::Mutex<mpsc::Receiver<Wish>>,
    unsent: Waiting<(String, Bytes)>,
}

/// Asks the connection to listen to a topic, and to say when it does.
struct Wish {
    topic: String,
    heard: oneshot::Sender<()>,
}

impl RedisPubSub {
    pub(crate) fn new(link: Link) -> Self {
        let (wishes, granted) = mpsc::channel(WISHES_MAX);
        Self {
            link,
            node: rand::random(),
            topics: Mutex::default(),
            wishes,
            wished: tokio::sync::Mutex::new(granted),
            unsent: Waiting::new(UNSENT_MAX),
        }
    }

    fn topics(&self) -> MutexGuard<'_, Topics> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn channel(&self, topic: &str) -> String {
        self.link.key("notice", topic)
    }

    /// Tells this node's listeners. False when there are none, and the topic is forgotten.
    fn tell(&self, topic: &str, notice: Notice) -> bool {
        let mut topics = self.topics();
        let heard = topics
            .get(topic)
            .is_some_and(|sender| sender.send(notice).is_ok());
        if !heard {
            topics.remove(topic);
        }
        heard
    }

    fn keep_unsent(&self, channel: String, message: Bytes) {
        if !self.unsent.push((channel, message)) {
            self.link.figures().lost.inc();
        }
    }

    /// Listens for other nodes, over and over. Never returns.
    pub(crate) async fn listen(&self) {
        let mut wished = self.wished.lock().await;
        let mut pause = PAUSE_MIN;
        loop {
            match self.connect().await {
                Ok((mut sink, stream)) => {
                    pause = PAUSE_MIN;
                    let ended = self.listen_on(&mut sink, stream, &mut wished).await;
                    tracing::debug!(error = %ended, "notices of other nodes are interrupted");
                }
                Err(error) => tracing::debug!(%error, "notices of other nodes cannot be heard yet"),
            }
            // Whoever waits to be heard goes on without.
            while wished.try_recv().is_ok() {}
            tokio::time::sleep(jittered(pause)).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Connects and listens to all topics; what was said before is lost.
    async fn connect(&self) -> Result<(PubSubSink, PubSubStream), Away> {
        let config = self.link.config();
        let connecting = config.client.get_async_pubsub();
        let connected = timeout(config.connect_timeout, connecting).await;
        let (mut sink, stream) = connected.map_err(|_| Away::TimedOut)??.split();
        let topics: Vec<String> = self.topics().keys().cloned().collect();
        for topic in &topics {
            self.within(sink.subscribe(self.channel(topic))).await?;
        }
        for topic in &topics {
            self.tell(topic, Notice::Missed(0));
        }
        Ok((sink, stream))
    }

    async fn listen_on(
        &self,
        sink: &mut PubSubSink,
        mut stream: PubSubStream,
        wished: &mut mpsc::Receiver<Wish>,
    ) -> Away {
        loop {
            let heartbeat = tokio::time::sleep(self.link.config().heartbeat);
            let done = tokio::select! {
                message = stream.next() => match message {
                    Some(message) => self.hear(sink, &message).await,
                    None => Err(Away::Down),
                },
                Some(Wish { topic, heard }) = wished.recv() => {
                    let subscribed = self.within(sink.subscribe(self.channel(&topic))).await;
                    // The listener may be gone by now.
                    let _ = heard.send(());
                    subscribed
                }
                () = heartbeat => self.within(sink.ping::<redis::Value>()).await.map(drop),
            };
            if let Err(away) = done {
                return away;
            }
        }
    }

    async fn hear(&self, sink: &mut PubSubSink, message: &Msg) -> Result<(), Away> {
        let channel = message.get_channel_name();
        let Some(topic) = channel.strip_prefix(&self.channel("")) else {
            return Ok(());
        };
        let Some((node, body)) = message.get_payload_bytes().split_at_checked(NODE_BYTES) else {
            return Ok(());
        };
        if node != self.node && !self.tell(topic, Notice::Message(Bytes::copy_from_slice(body))) {
            self.within(sink.unsubscribe(channel)).await?;
        }
        Ok(())
    }

    /// Nobody's call waits for this, so that it may take as long as connecting.
    async fn within<T>(&self, asked: impl Future<Output = redis::RedisResult<T>>) -> Result<T, Away> {
        let answered = timeout(self.link.config().connect_timeout, asked).await;
        Ok(answered.map_err(|_| Away::TimedOut)??)
    }
}

#[async_trait]
impl PubSub for RedisPubSub {
    async fn publish(&self, topic: &str, message: Bytes) -> Result<(), SharedStateError> {
        let enveloped = Bytes::from([&self.node[..], &message[..]].concat());
        self.tell(topic, Notice::Message(message));
        let channel = self.channel(topic);
        let sent = self
            .link
            .query::<i64>(cmd("PUBLISH").arg(&channel).arg(&enveloped[..]))
            .await;
        if sent.is_err() {
            self.keep_unsent(channel, enveloped);
        }
        Ok(())
    }

    async fn subscribe(&self, topic: &str) -> Result<Box<dyn Subscription>, SharedStateError> {
        let (receiver, is_new) = {
            let mut topics = self.topics();
            let is_new = !topics.contains_key(topic);
            let sender = topics
                .entry(topic.to_owned())
                .or_insert_with(|| broadcast::channel(LAG_MAX).0);
            (sender.subscribe(), is_new)
        };
        if is_new {
            let (heard, is_heard) = oneshot::channel();
            let wish = Wish {
                topic: topic.to_owned(),
                heard,
            };
            // Without a connection the topic is listened to as soon as there is one, which says so.
            let wishing = async {
                if self.wishes.send(wish).await.is_ok() {
                    let _ = is_heard.await;
                }
            };
            let _ = timeout(self.link.config().connect_timeout, wishing).await;
        }
        Ok(Box::new(Listener(receiver)))
    }
}

struct Listener(broadcast::Receiver<Notice>);

#[async_trait]
impl Subscription for Listener {
    async fn next(&mut self) -> Option<Notice> {
        match self.0.recv().await {
            Ok(notice) => Some(notice),
            Err(RecvError::Lagged(count)) => Some(Notice::Missed(count)),
            Err(RecvError::Closed) => None,
        }
    }
}

#[async_trait]
impl Backlog for RedisPubSub {
    async fn pay(&self, live: &Live, _: bool) -> Result<(), Away> {
        for _ in 0..self.unsent.len() {
            let Some((channel, message)) = self.unsent.pop() else {
                break;
            };
            let sent = live
                .query::<i64>(cmd("PUBLISH").arg(&channel).arg(&message[..]))
                .await;
            if let Err(away) = sent {
                if !self.unsent.push_front((channel, message)) {
                    self.link.figures().lost.inc();
                }
                return Err(away);
            }
        }
        Ok(())
    }

    fn len(&self) -> usize {
        self.unsent.len()
    }
}
