//! Reading the copies of the zone and comparing them. Of a copy the journal keeps its size, a digest, and the first few
//! differences.

use std::collections::BTreeSet;

use futures::future::join_all;

use super::error::RunError;
use super::run::Runner;
use crate::ports::{DriverError, FailureClass};
use crate::workflow::{Compared, Copied, Event, Pair};
use crate::zone::{Collector, Contents, RecordDigest, compare, to_name};

/// What came of reading each copy.
type Copies = Vec<(String, Result<Contents, DriverError>)>;

impl Runner {
    /// Reads the zone at each of `providers`, compares each two, and records what came of it. Where they differ, they are
    /// read once more, to name the first differences.
    ///
    /// # Errors
    /// If it cannot be recorded. A copy that cannot be read is no error: it is recorded as unread.
    pub async fn compare(&mut self, providers: &[String]) -> Result<(), RunError> {
        let mut copies = self.read_copies(providers, &BTreeSet::new()).await;
        let wanted: BTreeSet<RecordDigest> = pairs(&copies)
            .iter()
            .flat_map(|pair| to_name(&pair.comparison))
            .collect();
        if !wanted.is_empty() {
            copies = self.read_copies(providers, &wanted).await;
        }
        let compared = Compared {
            pairs: pairs(&copies),
            copies: copies
                .into_iter()
                .map(|(name, read)| (name, summary(read)))
                .collect(),
        };
        self.record(&Event::Contents(compared))
    }

    async fn read_copies(&self, providers: &[String], naming: &BTreeSet<RecordDigest>) -> Copies {
        let reads = providers
            .iter()
            .filter_map(|name| Some((name, self.team.providers.get(name)?)))
            .map(|(name, driver)| async move {
                let mut collector = Collector::new(self.team.zone.clone()).naming(naming);
                let read = driver.contents(&mut collector).await;
                (name.clone(), read.map(|()| collector.finish()))
            });
        join_all(reads).await
    }
}

fn pairs(copies: &Copies) -> Vec<Pair> {
    let read: Vec<(&String, &Contents)> = copies
        .iter()
        .filter_map(|(name, read)| Some((name, read.as_ref().ok()?)))
        .collect();
    let mut out = Vec::new();
    for (index, (left, first)) in read.iter().enumerate() {
        for (right, second) in read.iter().skip(index + 1) {
            out.push(Pair {
                left: (*left).clone(),
                right: (*right).clone(),
                comparison: compare(first, second),
            });
        }
    }
    out
}

fn summary(read: Result<Contents, DriverError>) -> Copied {
    match read {
        Ok(contents) => Copied::Read {
            records: contents.len() as u64,
            digest: contents.digest(),
            dane: contents.dane.iter().cloned().collect(),
            unreadable: contents.unreadable,
            unreadable_count: contents.unreadable_count,
        },
        Err(error) => Copied::Unread {
            lasting: error.class == FailureClass::Unsupported,
            why: error.said,
        },
    }
}
