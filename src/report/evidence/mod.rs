//! The report that an auditor reads: made of what a journal comes to and of how far its bundle was verified, and of
//! nothing else. Pure values; `text`, `html` and JSON show the same ones.

mod assurance;
mod build;
mod chain;
mod controls;
mod coverage;
mod findings;
mod gather;
mod html;
mod keys;
mod limits;
mod picture;
mod steps;
mod svg;
mod text;
mod vantages;
mod verdict;
mod versions;
mod view;

pub use assurance::{ntp_text, stamp_text};
pub use build::evidence_report;
pub use chain::{ChainGraph, DsNode, KeyNode, ProviderNode};
pub use coverage::{Coverage, Outage, Stretch, Watched};
pub use gather::{Absence, Gathered, Ref, Source, Told};
pub use html::evidence_html;
pub use text::{evidence_text, list, one_line};
pub use view::*;
