//! The pictures: drawn from the view model alone, legible without colour, with a title and a description for those who
//! cannot see them.

mod axis;
mod chain;
mod scale;
mod timeline;

pub(super) use chain::chain_svg;
pub(super) use timeline::timeline_svg;

/// A length in pixels as it stands in a drawing: one decimal is enough, and keeps the file small.
fn px(length: f64) -> String {
    let text = format!("{length:.1}");
    text.strip_suffix(".0")
        .map_or_else(|| text.clone(), str::to_owned)
}

/// How wide so many characters are at most in the small type of the drawings.
fn width_of(text: &str) -> f64 {
    6.4 * text.chars().count() as f64
}
