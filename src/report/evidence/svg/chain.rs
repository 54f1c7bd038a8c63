//! The chain of trust at one moment as a small graph, from the parent's DS on the left to the data on the right.

use maud::{Markup, html};

use super::px;
use crate::report::evidence::chain::{ChainGraph, DsNode, KeyNode, ProviderNode};

const WIDTH: f64 = 520.0;
/// Left edges and widths of the three columns.
const DS: (f64, f64) = (4.0, 96.0);
const KEYS: (f64, f64) = (178.0, 170.0);
const DATA: (f64, f64) = (420.0, 92.0);
const BOX: f64 = 22.0;
const GAP: f64 = 5.0;
const HEADER: f64 = 20.0;
/// So many boxes a column are drawn; the words have them all.
const MOST: usize = 16;

struct Panel<'a> {
    provider: &'a ProviderNode,
    top: f64,
    height: f64,
}

impl Panel<'_> {
    fn keys(&self) -> impl Iterator<Item = (&KeyNode, f64)> {
        let keys = self.provider.keys.iter().take(MOST).enumerate();
        keys.map(|(at, key)| (key, self.top + HEADER + (BOX + GAP) * at as f64))
    }

    fn data_top(&self) -> f64 {
        self.top + (self.height + HEADER - BOX - GAP) / 2.0
    }
}

/// The graph. `id` must be one of a kind in the document.
pub(in crate::report::evidence) fn chain_svg(graph: &ChainGraph, id: &str, title: &str) -> Markup {
    let mut top = 18.0;
    let mut panels = Vec::new();
    for provider in &graph.providers {
        let shown = provider.keys.len().clamp(1, MOST) as f64;
        let height = HEADER + (BOX + GAP) * shown + 2.0;
        panels.push(Panel {
            provider,
            top,
            height,
        });
        top += height + 8.0;
    }
    let shown = graph.ds.len().clamp(1, MOST) as f64;
    let height = top.max(24.0 + (BOX + GAP) * shown);
    let first = (height - (BOX + GAP) * shown) / 2.0 + 8.0;
    let ds: Vec<(&DsNode, f64)> = graph
        .ds
        .iter()
        .take(MOST)
        .enumerate()
        .map(|(at, node)| (node, first + (BOX + GAP) * at as f64))
        .collect();
    html! {
        svg.chain viewBox=(format!("0 0 {} {}", px(WIDTH), px(height))) role="img" aria-labelledby=(format!("{id}-title {id}-desc")) xmlns="http://www.w3.org/2000/svg" {
            title id=(format!("{id}-title")) { "Chain of trust " (title) }
            desc id=(format!("{id}-desc")) { (graph.words().join(". ")) }
            text.lane x=(px(DS.0)) y="11" { "DS at the parent" }
            text.lane x=(px(KEYS.0)) y="11" { "DNSKEY RRset" }
            text.lane x=(px(DATA.0)) y="11" { "data" }
            @for panel in &panels {
                rect class=(if panel.provider.delegated { "panel" } else { "panel aside" }) x=(px(KEYS.0 - 10.0)) y=(px(panel.top)) width=(px(WIDTH - KEYS.0 + 8.0)) height=(px(panel.height)) rx="4" {}
                (links(panel, &ds))
            }
            @for (node, y) in &ds { (ds_box(node, *y)) }
            @if graph.ds.is_empty() {
                rect.node.broken x=(px(DS.0)) y=(px(first)) width=(px(DS.1)) height=(px(BOX)) rx="3" {}
                text.node-text x=(px(DS.0 + 6.0)) y=(px(first + 15.0)) { @if graph.no_ds { "no DS (proven)" } @else { "not seen" } }
            }
            @for panel in &panels { (panel_boxes(panel)) }
        }
    }
}

fn links(panel: &Panel<'_>, ds: &[(&DsNode, f64)]) -> Markup {
    let curve = |x1: f64, y1: f64, x2: f64, y2: f64| {
        let bend = (x2 - x1) / 2.0;
        format!(
            "M{} {}C{} {} {} {} {} {}",
            px(x1),
            px(y1),
            px(x1 + bend),
            px(y1),
            px(x2 - bend),
            px(y2),
            px(x2),
            px(y2)
        )
    };
    let middle = BOX / 2.0;
    html! {
        @for (key, y) in panel.keys() {
            @for (_, from) in ds.iter().filter(|(node, _)| node.key.as_deref() == Some(key.key.as_str())) {
                path class=(if key.signs_keys { "link" } else { "link weak" }) d=(curve(DS.0 + DS.1, from + middle, KEYS.0, y + middle)) {}
            }
            @if key.signs_data {
                path.link d=(curve(KEYS.0 + KEYS.1, y + middle, DATA.0, panel.data_top() + middle)) {}
            }
        }
    }
}

fn ds_box(node: &DsNode, y: f64) -> Markup {
    let class = if node.key.is_some() { "node" } else { "node broken" };
    html! {
        rect class=(class) x=(px(DS.0)) y=(px(y)) width=(px(DS.1)) height=(px(BOX)) rx="3" {}
        text.node-text x=(px(DS.0 + 6.0)) y=(px(y + 15.0)) {
            (node.tag) " SHA-" (digest(node.digest))
        }
    }
}

fn digest(number: u8) -> String {
    match number {
        1 => "1".to_owned(),
        2 => "256".to_owned(),
        4 => "384".to_owned(),
        other => format!("? {other}"),
    }
}

fn panel_boxes(panel: &Panel<'_>) -> Markup {
    let provider = panel.provider;
    let led = if provider.delegated {
        "delegated"
    } else {
        "not delegated"
    };
    html! {
        text.group x=(px(KEYS.0 - 4.0)) y=(px(panel.top + 14.0)) { (short(&provider.name, 24)) " – " (led) @if provider.mixed { " – servers differ" } }
        @for (key, y) in panel.keys() {
            @let own = key.owner.as_deref() == Some(provider.name.as_str());
            rect class=(if own { "node" } else { "node foreign" }) x=(px(KEYS.0)) y=(px(y)) width=(px(KEYS.1)) height=(px(BOX)) rx="3" {}
            text.node-text x=(px(KEYS.0 + 6.0)) y=(px(y + 15.0)) {
                @if key.signs_keys { "● " }
                (key.tag)
                @if key.sep { " SEP" }
                @if !own { " of " (short(key.owner.as_deref().unwrap_or("nobody known"), 12)) }
            }
        }
        @if provider.keys.is_empty() {
            text.node-text x=(px(KEYS.0 + 6.0)) y=(px(panel.top + HEADER + 15.0)) { "no usable key seen" }
        }
        @let broken = provider.unsigned || !provider.strange_signers.is_empty();
        rect class=(if broken { "node broken" } else { "node" }) x=(px(DATA.0)) y=(px(panel.data_top())) width=(px(DATA.1)) height=(px(BOX)) rx="3" {}
        text.node-text x=(px(DATA.0 + 6.0)) y=(px(panel.data_top() + 15.0)) {
            @if provider.unsigned { "unsigned data" } @else if broken { "strange RRSIG" } @else { "signed data" }
        }
    }
}

fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut out: String = text.chars().take(most.saturating_sub(1)).collect();
    out.push('…');
    out
}
