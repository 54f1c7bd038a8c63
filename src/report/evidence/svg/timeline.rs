//! The picture over time: a lane for each thing that is served, the gates, approvals and faults below.

use maud::{Markup, html};

use super::axis::{HEAD, axis};
use super::scale::Scale;
use super::{px, width_of};
use crate::report::evidence::view::{Mark, MarkKind, Picture, Service, Standing, VersionRow};

/// The whole width; lanes begin right of their titles.
const WIDTH: f64 = 1_120.0;
const LEFT: f64 = 148.0;
const RIGHT: f64 = WIDTH - 6.0;
/// What begins at the very end, and what caches hold beyond it, is drawn in a margin after it.
const END: f64 = RIGHT - 26.0;
/// A row of bars.
const ROW: f64 = 19.0;
/// So many rows has a lane at most, and so many bars; the table has them all.
const MOST_ROWS: usize = 5;
const MOST_BARS: usize = 60;
const MOST_MARKS: usize = 80;

/// A lane with its place in the drawing.
struct Band<'a> {
    title: &'a str,
    group: Option<&'a str>,
    top: f64,
    height: f64,
    bars: Vec<(usize, &'a VersionRow)>,
    service: Vec<&'a Service>,
    not_drawn: usize,
}

/// A row of marks, each with its place.
struct Strip<'a> {
    kind: MarkKind,
    top: f64,
    marks: Vec<(usize, &'a Mark)>,
    not_drawn: usize,
}

/// The picture. `id` must be one of a kind in the document.
pub(in crate::report::evidence) fn timeline_svg(picture: &Picture, id: &str, summary: &str) -> Markup {
    let scale = Scale::new(moments(picture), (picture.from, picture.until), (LEFT, END));
    let (bands, bottom) = bands(picture, &scale);
    let (strips, height) = strips(picture, &scale, bottom + 10.0);
    let undrawn: usize = bands.iter().map(|band| band.not_drawn).sum::<usize>()
        + strips.iter().map(|strip| strip.not_drawn).sum::<usize>();
    html! {
        svg.time viewBox=(format!("0 0 {} {}", px(WIDTH), px(height + 4.0))) role="img" aria-labelledby=(format!("{id}-title {id}-desc")) xmlns="http://www.w3.org/2000/svg" {
            title id=(format!("{id}-title")) { "What was served, and what caches could hold" }
            desc id=(format!("{id}-desc")) { (summary) " The table of versions below says the same." }
            (patterns(id))
            (axis(&scale, height))
            @for band in &bands { (lane(band, &scale, picture.until, id)) }
            @for strip in &strips { (marks_row(strip, &scale, id)) }
            @for blank in picture.service.iter().filter(|one| one.lane.is_none()) {
                (blank_band(blank, &scale, height, id))
            }
        }
        @if undrawn > 0 {
            p.small { (undrawn) " bars and marks did not fit into the picture; the tables have them all." }
        }
    }
}

/// Fillings that can be told apart without colour.
fn patterns(id: &str) -> Markup {
    html! {
        defs {
            pattern id=(format!("{id}-fade")) width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                line.p-fade x1="0" y1="0" x2="0" y2="5" {}
            }
            pattern id=(format!("{id}-gate")) width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)" {
                line.p-gate x1="0" y1="0" x2="0" y2="7" {}
            }
            pattern id=(format!("{id}-blank")) width="6" height="6" patternUnits="userSpaceOnUse" {
                circle.p-blank cx="2" cy="2" r="1.1" {}
            }
        }
    }
}

/// Every moment at which something changes.
fn moments(picture: &Picture) -> impl Iterator<Item = i64> + '_ {
    let versions = picture
        .versions
        .iter()
        .flat_map(|row| [Some(row.from), row.until, row.gone].into_iter().flatten());
    let marks = picture.marks.iter().flat_map(|mark| [mark.from, mark.until]);
    let service = picture.service.iter().flat_map(|one| [one.from, one.until]);
    versions.chain(marks).chain(service)
}

/// Puts spans of pixels into as few rows as go; those that do not fit into `most` rows are left out.
fn rows<T>(spans: impl Iterator<Item = (f64, f64, T)>, most: usize) -> (Vec<(usize, T)>, usize, usize) {
    let mut ends: Vec<f64> = Vec::new();
    let mut out = Vec::new();
    let mut left_out = 0;
    for (from, until, what) in spans {
        match ends.iter().position(|end| *end <= from) {
            Some(row) => {
                if let Some(end) = ends.get_mut(row) {
                    *end = until;
                }
                out.push((row, what));
            }
            None if ends.len() < most => {
                out.push((ends.len(), what));
                ends.push(until);
            }
            None => left_out += 1,
        }
    }
    (out, ends.len().max(1), left_out)
}

fn bands<'a>(picture: &'a Picture, scale: &Scale) -> (Vec<Band<'a>>, f64) {
    let mut top = HEAD;
    let mut group: Option<&str> = None;
    let mut out = Vec::new();
    for (at, lane) in picture.lanes.iter().enumerate() {
        let own: Vec<&VersionRow> = picture.versions.iter().filter(|row| row.lane == at).collect();
        let count = own.len();
        let spans = own.into_iter().take(MOST_BARS).map(|row| {
            let end = row.gone.or(row.until).unwrap_or(picture.until);
            let left = scale.x(row.from);
            (left, scale.x(end).max(left + 12.0), row)
        });
        let (bars, rows, left_out) = rows(spans, MOST_ROWS);
        let service: Vec<&Service> = picture
            .service
            .iter()
            .filter(|one| one.lane == Some(at))
            .collect();
        let fresh = group != Some(lane.group.as_str());
        group = Some(&lane.group);
        if fresh {
            top += 19.0;
        }
        let height = ROW * rows as f64 + 3.0;
        out.push(Band {
            title: &lane.title,
            group: fresh.then_some(lane.group.as_str()),
            top,
            height,
            bars,
            service,
            not_drawn: left_out + count.saturating_sub(MOST_BARS),
        });
        top += height;
    }
    (out, top)
}

fn lane(band: &Band<'_>, scale: &Scale, end: i64, id: &str) -> Markup {
    let middle = band.top + ROW / 2.0 + 3.5;
    html! {
        @if let Some(group) = band.group {
            text.group x="2" y=(px(band.top - 6.0)) { (group) }
        }
        line.rule x1="0" x2=(px(RIGHT)) y1=(px(band.top - 1.5)) y2=(px(band.top - 1.5)) {}
        text.lane x="10" y=(px(middle)) { (band.title) }
        @for (row, version) in &band.bars {
            (bar(version, band.top + ROW * *row as f64, scale, end, id))
        }
        @for one in &band.service { (service(one, band, scale, id)) }
    }
}

/// A version: filled while it is served, hatched while caches may hold it still.
fn bar(version: &VersionRow, top: f64, scale: &Scale, end: i64, id: &str) -> Markup {
    let left = scale.x(version.from);
    let served = scale.x(version.until.unwrap_or(end)).max(left + 3.0);
    // Beyond the end of what was observed there is no scale any more.
    let beyond = |at: i64| if at > end { RIGHT } else { scale.x(at) };
    let gone = version.gone.map(|gone| beyond(gone).max(served));
    let room = gone.unwrap_or(served) - left - 6.0;
    let long = format!("{} · {}", version.number, version.label);
    let text = if width_of(&long) <= room {
        long
    } else if width_of(&version.number.to_string()) <= room + 4.0 {
        version.number.to_string()
    } else {
        String::new()
    };
    html! {
        g {
            title { (version.number) ": " (version.words) }
            @if let Some(gone) = gone.filter(|gone| *gone > served) {
                rect.faded x=(px(served)) y=(px(top)) width=(px(gone - served)) height=(px(ROW - 4.0)) fill=(format!("url(#{id}-fade)")) {}
            }
            rect.served x=(px(left)) y=(px(top)) width=(px(served - left)) height=(px(ROW - 4.0)) rx="2" {}
            @if !text.is_empty() {
                text.in-bar x=(px(left + 3.0)) y=(px(top + ROW - 8.0)) { (text) }
            }
        }
    }
}

fn service(one: &Service, band: &Band<'_>, scale: &Scale, id: &str) -> Markup {
    let (left, top) = (scale.x(one.from), band.top);
    let width = (scale.x(one.until) - left).max(4.0);
    html! {
        g {
            title { (one.words) }
            @match one.standing {
                Standing::Holds => {
                    rect.answering x=(px(left)) y=(px(top + 4.0)) width=(px(width)) height="7" {}
                },
                Standing::Unknown => {
                    rect.veil x=(px(left)) y=(px(top)) width=(px(width)) height=(px(band.height)) {}
                    rect.blank x=(px(left)) y=(px(top)) width=(px(width)) height=(px(band.height)) fill=(format!("url(#{id}-blank)")) {}
                },
                Standing::Fails => {
                    rect.silent x=(px(left)) y=(px(top + 1.0)) width=(px(width)) height="13" {}
                    text.fault-text x=(px(left + width / 2.0)) y=(px(top + 12.0)) text-anchor="middle" { "✕" }
                },
            }
        }
    }
}

/// Time in which nobody looked lies over everything.
fn blank_band(one: &Service, scale: &Scale, bottom: f64, id: &str) -> Markup {
    let left = scale.x(one.from);
    let width = scale.x(one.until) - left;
    html! {
        g {
            title { (one.words) }
            rect.blank x=(px(left)) y=(px(HEAD)) width=(px(width)) height=(px(bottom - HEAD)) fill=(format!("url(#{id}-blank)")) {}
            @if width > 70.0 {
                text.date x=(px(left + width / 2.0)) y=(px(HEAD + 12.0)) text-anchor="middle" { "not observed" }
            }
        }
    }
}

fn strips<'a>(picture: &'a Picture, scale: &Scale, top: f64) -> (Vec<Strip<'a>>, f64) {
    let mut top = top;
    let mut out = Vec::new();
    for kind in [
        MarkKind::Step,
        MarkKind::Gate,
        MarkKind::Approval,
        MarkKind::Fault,
    ] {
        let own: Vec<&Mark> = picture.marks.iter().filter(|mark| mark.kind == kind).collect();
        let count = own.len();
        let spans = own.into_iter().take(MOST_MARKS).map(|mark| {
            let left = scale.x(mark.from);
            let room = width_of(&mark.label) + 10.0;
            (left, scale.x(mark.until).max(left + room), mark)
        });
        let (marks, rows, left_out) = rows(spans, MOST_ROWS + 3);
        let height = ROW * rows as f64 + 3.0;
        out.push(Strip {
            kind,
            top,
            marks,
            not_drawn: left_out + count.saturating_sub(MOST_MARKS),
        });
        top += height;
    }
    (out, top)
}

fn marks_row(strip: &Strip<'_>, scale: &Scale, id: &str) -> Markup {
    html! {
        line.rule x1="0" x2=(px(RIGHT)) y1=(px(strip.top - 1.5)) y2=(px(strip.top - 1.5)) {}
        text.lane x="10" y=(px(strip.top + ROW / 2.0 + 3.5)) { (strip.kind.title()) }
        @if strip.marks.is_empty() {
            text.none x=(px(LEFT + 2.0)) y=(px(strip.top + ROW / 2.0 + 3.5)) { "none recorded" }
        }
        @for (row, mark) in &strip.marks {
            (one_mark(mark, strip.top + ROW * *row as f64, scale, id))
        }
    }
}

fn one_mark(mark: &Mark, top: f64, scale: &Scale, id: &str) -> Markup {
    let left = scale.x(mark.from);
    let least = width_of(&mark.label) + 6.0;
    let width = (scale.x(mark.until) - left).max(least);
    // What stands at the right edge is drawn leftwards.
    let left = if left + width > RIGHT {
        (RIGHT - width).max(LEFT)
    } else {
        left
    };
    let text = beside(mark, width);
    let (class, fill) = match mark.kind {
        MarkKind::Step => ("mark step", None),
        MarkKind::Gate => ("mark gate", Some(format!("url(#{id}-gate)"))),
        MarkKind::Approval => ("mark approval", None),
        MarkKind::Fault => ("mark fault", None),
    };
    html! {
        g {
            title { (mark.words) }
            rect class=(class) x=(px(left)) y=(px(top)) width=(px(width)) height=(px(ROW - 4.0)) rx="7" fill=[fill] {}
            @if mark.kind == MarkKind::Gate {
                rect.plate x=(px(left + 2.0)) y=(px(top + 1.5)) width=(px(width_of(&text) + 3.0)) height=(px(ROW - 7.0)) rx="5" {}
            }
            text.in-mark x=(px(left + 4.0)) y=(px(top + ROW - 8.0)) { (text) }
        }
    }
}

/// The label, and as much of the reason as there is room for within the bar.
fn beside(mark: &Mark, width: f64) -> String {
    let long = format!("{}: {}", mark.label, mark.reason);
    let fits = |text: &str| width_of(text) + 6.0 <= width;
    if mark.reason.is_empty() {
        return mark.label.clone();
    }
    if fits(&long) {
        return long;
    }
    let mut short: Vec<&str> = long.split(' ').collect();
    while short.len() > LEAST_WORDS {
        short.pop();
        let text = format!("{} …", short.join(" "));
        if fits(&text) {
            return text;
        }
    }
    mark.label.clone()
}

/// The label and two words: what kind of thing is waited for.
const LEAST_WORDS: usize = 3;
