//! Verifying evidence: octets in, a result out. Nothing is asked of the network, nothing is believed that came with the
//! bundle but what it proves: hashes, seals under a key that was given, signatures under anchors that were given.
//!
//! * the chain of hashes, the manifest, the seals, what time stamps are over, the blobs ([`Verifier`]);
//! * every answer judged anew from its octets at the time at which it was recorded;
//! * the journal folded again, and each decision made again on the recorded facts;
//! * the continuity of what was really served.

mod answers;
mod channel;
mod context;
mod findings;
mod intake;
mod judging;
mod limits;
mod replay;
mod seals;
mod slots;
mod stamps;
mod verdict;
mod verifier;

pub use findings::{Finding, Gravity};
pub use intake::{Dated, Intake, Taken};
pub use judging::{BlobSource, Judging};
pub use replay::Replay;
pub use seals::GivenSeal;
pub use stamps::Stamp;
pub use verdict::{
    AnchorsUsed, AnswersJudged, ApprovalSeen, BlobsSeen, Clock, Continuity, DecisionsReplayed, Depth, Ending,
    Insecure, JournalSeen, JumpSeen, NotAnswered, NtpSeen, Odd, SealKey, SealSeen, ServerSeen,
    VERDICT_FORMAT, Verdict, Word,
};
pub use verifier::{Given, Seen, Verifier, standing};
