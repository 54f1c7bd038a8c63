//! Moves DNSSEC-signed zones between DNS providers without a broken chain of trust, and proves it.
//!
//! One idea carries the design: *a change is safe when no mixture of answers that a cache may still hold fails to
//! validate.* [`continuity`] computes that from what was observed; planner, gates, simulator, monitor and auditor ask it.
//!
//! The way of the data: observe → assess → decide → act → verify → record.
//!
//! | room | what lives there | |
//! | --- | --- | --- |
//! | [`dns`] | names, types, records, RRsets, canonical form, reading raw messages | pure |
//! | [`dnssec`] | keys, DS, signatures, the chain of trust, denial of existence | pure |
//! | [`continuity`] | versions, timeline, conflicts with witnesses, earliest safe time | pure |
//! | [`zone`] | what a zone contains, copies compared, a signed one verified | pure |
//! | [`workflow`] | plan, step, gate, playbooks, decide, state | pure |
//! | [`capture`] | captured answers: NDJSON, pcap, pcapng, dnsviz | pure |
//! | [`evidence`] | journal entries and their hash chain | pure |
//! | [`audit`] | verifying evidence: every answer judged again, every decision made again | pure |
//! | [`export`] | what was recorded, in the forms of others | pure |
//! | [`ports`] | traits: transport, clock, provider, parent, journal | |
//! | [`adapters`] | one file a system that is spoken to | |
//! | [`runner`] | the one loop that turns decisions into effects | |
//! | [`report`] | what people see | |
//! | [`cli`] | arguments, settings, one file a command | |
//! | [`lab`] | an embedded little internet: signers, registry, model resolvers | |
//!
//! Pure rooms have no clock, socket, file, environment or randomness; `tests/architecture.rs` keeps it so.

pub mod adapters;
pub mod audit;
pub mod capture;
pub mod cli;
pub mod continuity;
pub mod dns;
pub mod dnssec;
pub mod evidence;
pub mod export;
pub mod lab;
pub mod moment;
pub mod ports;
pub mod report;
pub mod runner;
pub mod workflow;
pub mod zone;
