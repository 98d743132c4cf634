//! Pauses between attempts: exponential, with full jitter, so that many waiters do not return at once.

use std::time::Duration;

use rand::RngExt;

/// The pauses of one operation.
#[derive(Debug)]
pub(crate) struct Pauses {
    next: Duration,
    max: Duration,
}

impl Pauses {
    pub(crate) fn new(min: Duration, max: Duration) -> Self {
        Self { next: min, max }
    }

    /// The next pause: between half and all of what doubling has reached.
    pub(crate) fn next(&mut self) -> Duration {
        let pause = self.next.mul_f64(rand::rng().random_range(0.5..=1.0));
        self.next = (self.next * 2).min(self.max);
        pause
    }

    /// Sleeps for the next pause.
    pub(crate) async fn wait(&mut self) {
        tokio::time::sleep(self.next()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let mut pauses = Pauses::new(Duration::from_millis(100), Duration::from_millis(350));
        for longest_ms in [100, 200, 350, 350] {
            let pause = pauses.next();
            assert!(
                pause <= Duration::from_millis(longest_ms) && pause >= Duration::from_millis(longest_ms / 2)
            );
        }
    }
}
