//! The system's clock.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;

use crate::moment::Moment;
use crate::ports::Clock;

/// The longest sleep before the time is looked at again: the clock may have been set, or the machine suspended.
const LONGEST_NAP: Duration = Duration::from_secs(15);

/// UTC as the operating system tells it.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Moment {
        let millis = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(span) => i64::try_from(span.as_millis()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX),
        };
        Moment::from_millis(millis)
    }

    fn steady(&self) -> Duration {
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed()
    }

    async fn sleep_until(&self, when: Moment) {
        loop {
            let left = when.since(self.now());
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(LONGEST_NAP)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sleeps_until_then_and_not_at_all_for_the_past() {
        let clock = SystemClock;
        let start = clock.now();
        clock.sleep_until(start - Duration::from_secs(10)).await;
        clock.sleep_until(start + Duration::from_millis(20)).await;
        let slept = clock.now().since(start);
        assert!(
            slept >= Duration::from_millis(20) && slept < Duration::from_secs(2),
            "{slept:?}"
        );
    }
}
