//! What nodes tell each other about accounts: that something was taken back, so that no answer read before
//! counts any more. A notice names no key, session or person: it is an invitation to ask the store again.
//!
//! Notices only make it sooner. A node that hears none lets its answers age, which takes seconds.

use std::sync::Arc;
use std::time::Duration;

use brokle_storage::pubsub::{Notice, PubSub};
use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use crate::context::Context;

const TOPIC: &str = "accounts";
/// After the bus has failed or ended.
const PAUSE: Duration = Duration::from_secs(1);

/// What was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Changed {
    /// Something about API keys.
    Keys,
    /// A session ended.
    Sessions,
    /// Somebody's role.
    Roles,
}

impl Changed {
    const ALL: [Self; 3] = [Self::Keys, Self::Sessions, Self::Roles];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::Sessions => "sessions",
            Self::Roles => "roles",
        }
    }
}

impl Context {
    /// Forgets what was read before the change, here at once, and asks other nodes to.
    pub(crate) async fn changed(&self, changed: Changed) {
        self.forget(changed);
        let message = Bytes::from_static(changed.as_str().as_bytes());
        if let Err(error) = self.notices.publish(TOPIC, message).await {
            tracing::warn!(%error, "other nodes could not be told of a change; their answers age");
        }
    }

    fn forget(&self, changed: Changed) {
        match changed {
            Changed::Keys => self.keys.forget_keys(),
            Changed::Sessions => self.sessions.forget_sessions(),
            Changed::Roles => self.sessions.forget_roles(),
        }
    }

    fn hear(&self, notice: &Notice) {
        let told = match notice {
            // A word that a newer node uses counts as every word that this one knows.
            Notice::Message(word) => Changed::ALL
                .into_iter()
                .find(|changed| changed.as_str().as_bytes() == &word[..]),
            Notice::Missed(_) => None,
        };
        match told {
            Some(changed) => self.forget(changed),
            None => Changed::ALL.into_iter().for_each(|changed| self.forget(changed)),
        }
    }
}

/// Listens until `stop`.
pub(crate) async fn listen(context: &Context, stop: CancellationToken) {
    let notices = Arc::clone(&context.notices);
    tokio::select! {
        () = stop.cancelled() => {}
        () = hear_all(context, &*notices) => {}
    }
}

async fn hear_all(context: &Context, notices: &dyn PubSub) {
    loop {
        match notices.subscribe(TOPIC).await {
            Ok(mut subscription) => {
                while let Some(notice) = subscription.next().await {
                    context.hear(&notice);
                }
            }
            Err(error) => tracing::warn!(%error, "notices of other nodes cannot be heard"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}
