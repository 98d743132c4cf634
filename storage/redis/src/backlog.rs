//! What could not be told to Redis and must be later. Bounded: when it is full the oldest goes, and is
//! counted as lost.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use crate::link::{Away, Live};

/// Work that waits for Redis.
#[async_trait]
pub(crate) trait Backlog: Send + Sync {
    /// Does what waits. `data_lost` says that this Redis does not remember what it was told before.
    async fn pay(&self, live: &Live, data_lost: bool) -> Result<(), Away>;

    /// How much waits.
    fn len(&self) -> usize;
}

/// A bounded queue.
#[derive(Debug)]
pub(crate) struct Waiting<T> {
    items: Mutex<VecDeque<T>>,
    items_max: usize,
}

impl<T> Waiting<T> {
    pub(crate) fn new(items_max: usize) -> Self {
        Self {
            items: Mutex::default(),
            items_max,
        }
    }

    /// False when the oldest had to go.
    pub(crate) fn push(&self, item: T) -> bool {
        let mut items = self.lock();
        items.push_back(item);
        if items.len() <= self.items_max {
            return true;
        }
        items.pop_front();
        false
    }

    /// Puts back what was taken.
    pub(crate) fn push_front(&self, item: T) -> bool {
        let mut items = self.lock();
        let has_room = items.len() < self.items_max;
        if has_room {
            items.push_front(item);
        }
        has_room
    }

    pub(crate) fn pop(&self) -> Option<T> {
        self.lock().pop_front()
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<T>> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
