//! What was seen and what was done, as data: observations, journal entries and their hash chain. Pure.

mod blob;
mod observation;

pub use blob::{BlobId, Blobs};
pub use observation::{BlindSpot, Observation, Outcome, Place, Proto, Sweep};
