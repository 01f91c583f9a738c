//! A trace as a picture, for the docs.

use std::collections::HashMap;
use std::fmt::Write;

use super::Span;

const WIDTH: f64 = 960.0;
const NAMES: f64 = 400.0;
const ROW: f64 = 22.0;
/// Longer pauses than this, in nanoseconds, are drawn as if they were as long.
const PAUSE_MAX: u64 = 2_000_000;

/// A trace's spans in the order of a tree, with how deep each is.
fn tree(spans: &[Span]) -> Vec<(usize, &Span)> {
    let known: HashMap<_, _> = spans.iter().map(|span| (span.id.as_str(), span)).collect();
    let mut roots: Vec<_> =
        spans.iter().filter(|span| !known.contains_key(span.parent.as_str())).collect();
    roots.sort_by_key(|span| span.time);
    let mut rows = Vec::new();
    let mut stack: Vec<_> = roots.into_iter().rev().map(|root| (0, root)).collect();
    while let Some((depth, span)) = stack.pop() {
        rows.push((depth, span));
        let mut parts: Vec<_> = spans.iter().filter(|part| part.parent == span.id).collect();
        parts.sort_by_key(|part| std::cmp::Reverse(part.time));
        stack.extend(parts.into_iter().map(|part| (depth + 1, part)));
    }
    rows
}

/// Moments of a trace, with long pauses cut short, in nanoseconds from its beginning.
fn moments(spans: &[Span]) -> HashMap<u64, u64> {
    let mut times: Vec<_> = spans.iter().flat_map(|span| [span.time.0, span.time.1]).collect();
    times.sort_unstable();
    let (mut at, mut before) = (0, None);
    let mut moments = HashMap::new();
    for time in times {
        let is_idle = !spans.iter().any(|span| span.time.0 < time && time <= span.time.1);
        let step = time - before.unwrap_or(time);
        at += if is_idle { step.min(PAUSE_MAX) } else { step };
        before = Some(time);
        moments.insert(time, at);
    }
    moments
}

/// Draws a trace as SVG: a row a span, a colour a node. Pauses are cut short.
pub fn draw(title: &str, spans: &[Span]) -> String {
    let rows = tree(spans);
    let moments = moments(spans);
    let end = moments.values().copied().max().unwrap_or(1).max(1) as f64;
    let x = |time: u64| {
        let at = moments.get(&time).copied().unwrap_or_default() as f64;
        NAMES + (WIDTH - NAMES - 90.0) * at / end
    };
    let height = ROW * (rows.len() as f64 + 2.5);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\"><rect width=\"100%\" height=\"100%\" \
         fill=\"#fff\"/><text x=\"8\" y=\"18\" font-weight=\"bold\">{title}</text>\n"
    );
    for (row, (depth, span)) in rows.iter().enumerate() {
        let y = ROW * (row as f64 + 1.5);
        let colour = if span.node == "hub" { "#8a5a12" } else { "#2f6b46" };
        let component = span.attributes.get("hedge.component");
        let component = component.map(|it| format!(" · {it}")).unwrap_or_default();
        let name = format!("{}{component}", span.name);
        let (from, until) = (x(span.time.0), x(span.time.1));
        let width = (until - from).max(1.5);
        let took = (span.time.1 - span.time.0) as f64 / 1e6;
        // Into a string: never fails.
        let _ = writeln!(
            svg,
            "<text x=\"{:.0}\" y=\"{:.0}\" fill=\"{colour}\">{}: {name}</text>\
             <rect x=\"{from:.1}\" y=\"{:.0}\" width=\"{width:.1}\" height=\"12\" \
             fill=\"{colour}\"/><text x=\"{:.1}\" y=\"{:.0}\">{took:.2} ms</text>",
            8.0 + 14.0 * *depth as f64,
            y + 12.0,
            span.node,
            y + 2.0,
            from + width + 4.0,
            y + 12.0,
        );
    }
    svg + "</svg>\n"
}
