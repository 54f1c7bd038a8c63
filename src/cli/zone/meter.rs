//! How far a long reading or verification is, on stderr.

use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::Context;

/// A bar on a terminal, nothing elsewhere.
#[derive(Clone, Debug)]
pub(super) struct Meter(Option<ProgressBar>);

impl Meter {
    /// Of octets that are read from `what`.
    pub(super) fn octets(context: &Context, what: &str, size: u64) -> Meter {
        Meter::new(
            context,
            what,
            size,
            "{msg} {bar:30} {bytes}/{total_bytes}, {eta} left",
        )
    }

    /// Of things that are counted.
    pub(super) fn count(context: &Context, what: &str, size: u64) -> Meter {
        Meter::new(context, what, size, "{msg} {bar:30} {pos}/{len}, {eta} left")
    }

    fn new(context: &Context, what: &str, size: u64, template: &str) -> Meter {
        Meter(context.out.progress().then(|| {
            let bar = ProgressBar::new(size).with_message(what.to_owned());
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar
        }))
    }

    /// How much there is in all.
    pub(super) fn length(&self, size: u64) {
        if let Some(bar) = &self.0 {
            bar.set_length(size);
        }
    }

    /// So far.
    pub(super) fn set(&self, position: u64) {
        if let Some(bar) = &self.0 {
            bar.set_position(position);
        }
    }

    /// Done: takes the bar away.
    pub(super) fn clear(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
