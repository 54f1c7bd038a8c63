//! The head of the picture: dates and times at the cuts, and how long each section is.

use std::time::Duration;

use maud::{Markup, html};

use super::scale::Scale;
use super::{px, width_of};
use crate::moment::Moment;
use crate::report::{clock_time, spell};

/// The height of the head.
pub(super) const HEAD: f64 = 58.0;

/// Two labels are no nearer.
const LABEL: f64 = 64.0;

/// The head, and a line down to `bottom` at each cut.
pub(super) fn axis(scale: &Scale, bottom: f64) -> Markup {
    let mut free = f64::MIN;
    let sections: Vec<_> = scale.sections().collect();
    let last = sections.last().map(|section| (section.until, section.right));
    let end = last.map_or(f64::MAX, |(_, x)| x);
    let mut labels = Vec::new();
    for section in &sections {
        let fits = section.left >= free && (section.left + LABEL <= end - LABEL);
        if fits {
            labels.push((section.from, section.left));
            free = section.left + LABEL;
        }
    }
    html! {
        @for section in &sections {
            line.grid x1=(px(section.left)) x2=(px(section.left)) y1=(px(HEAD - 8.0)) y2=(px(bottom)) {}
            @let span = spell(Duration::from_secs(u64::try_from(section.until - section.from).unwrap_or(0)));
            @if width_of(&span) + 4.0 <= section.right - section.left {
                text.span x=(px(f64::midpoint(section.left, section.right))) y="12" text-anchor="middle" { (span) }
            }
        }
        @for (at, x) in labels { (label(at, x, "start")) }
        @if let Some((at, x)) = last {
            line.grid x1=(px(x)) x2=(px(x)) y1=(px(HEAD - 8.0)) y2=(px(bottom)) {}
            (label(at, x, "end"))
        }
    }
}

fn label(at: i64, x: f64, anchor: &str) -> Markup {
    let whole = clock_time(Moment::from_seconds(at), true);
    let (date, time) = whole.split_once('T').unwrap_or((&whole, ""));
    html! {
        text.date x=(px(x)) y="30" text-anchor=(anchor) { (date) }
        text.date x=(px(x)) y="44" text-anchor=(anchor) { (time) }
    }
}
