//! Line charts as SVG, readable on light and on dark pages.

use std::fmt::Write;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 58.0;
const BOTTOM: f64 = 44.0;
/// Points of a line at most: of more, the highest in each span is drawn.
const POINTS_MAX: usize = 430;

const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#1f2328}\
.t{font-size:15px;font-weight:600}\
.b{fill:#fff}.g{stroke:#d1d9e0}.l{fill:none;stroke-width:1.6;stroke-linejoin:round}\
.c0{stroke:#0969da}.c1{stroke:#bc4c00}.c2{stroke:#1a7f37}.c3{stroke:#8250df}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.b{fill:#0d1117}.g{stroke:#30363d}\
.c0{stroke:#58a6ff}.c1{stroke:#f0883e}.c2{stroke:#3fb950}.c3{stroke:#bc8cff}}";

/// A chart.
pub struct Plot {
    pub title: String,
    pub x: &'static str,
    pub y: &'static str,
    /// Each step of the scale is ten times the one before.
    pub is_logarithmic: bool,
    pub lines: Vec<(String, Vec<(f64, f64)>)>,
}

struct Scale {
    from: f64,
    to: f64,
    start: f64,
    end: f64,
    is_logarithmic: bool,
}

impl Scale {
    fn place(&self, value: f64) -> f64 {
        let [from, to, value] = [self.from, self.to, value.clamp(self.from, self.to)]
            .map(|value| if self.is_logarithmic { value.log10() } else { value });
        self.start + (value - from) / (to - from) * (self.end - self.start)
    }

    fn ticks(&self) -> Vec<f64> {
        if self.is_logarithmic {
            let decades = self.from.log10().round() as i32..=self.to.log10().round() as i32;
            return decades.map(|decade| 10f64.powi(decade)).collect();
        }
        let rough = (self.to - self.from) / 8.0;
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
        let step = step.into_iter().find(|step| *step >= rough).unwrap_or(power);
        let first = (self.from / step).ceil() as i64;
        let last = (self.to / step).floor() as i64;
        (first..=last).map(|tick| tick as f64 * step).collect()
    }
}

impl Plot {
    /// The chart as a document.
    pub fn svg(&self) -> String {
        let (x, y) = (self.scale_x(), self.scale_y());
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             role=\"img\">\
             <title>{0}</title><style>{STYLE}</style>\
             <rect class=\"b\" width=\"{WIDTH}\" height=\"{HEIGHT}\"/>\
             <text class=\"t\" x=\"{LEFT}\" y=\"20\">{0}</text>",
            self.title
        );
        for tick in y.ticks() {
            let (at, text) = (y.place(tick), label(tick));
            let _ = write!(
                svg,
                "<path class=\"g\" d=\"M{LEFT} {at:.1}H{}\"/>\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>",
                WIDTH - RIGHT,
                LEFT - 6.0,
                at + 4.0
            );
        }
        for tick in x.ticks() {
            let (at, end) = (x.place(tick), HEIGHT - BOTTOM);
            let _ = write!(
                svg,
                "<path class=\"g\" d=\"M{at:.1} {end}v5\"/>\
                 <text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                end + 19.0,
                label(tick)
            );
        }
        let _ = write!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\
             <text x=\"{LEFT}\" y=\"{}\">{}</text>",
            WIDTH - RIGHT,
            HEIGHT - 6.0,
            self.x,
            HEIGHT - 6.0,
            self.y
        );
        for (number, (name, points)) in self.lines.iter().enumerate() {
            self.line(&mut svg, number, name, points, (&x, &y));
        }
        svg + "</svg>\n"
    }

    fn line(
        &self,
        svg: &mut String,
        number: usize,
        name: &str,
        points: &[(f64, f64)],
        (x, y): (&Scale, &Scale),
    ) {
        let at = LEFT + number as f64 * 195.0;
        let _ = write!(
            svg,
            "<path class=\"l c{number}\" d=\"M{at} 38h22\"/><text x=\"{}\" y=\"42\">{name}</text>",
            at + 28.0
        );
        let each = points.len().div_ceil(POINTS_MAX).max(1);
        let highest = |some: &[(f64, f64)]| some.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1));
        let mut command = 'M';
        let _ = write!(svg, "<path class=\"l c{number}\" d=\"");
        for (a, b) in points.chunks(each).filter_map(highest) {
            let _ = write!(svg, "{command}{:.1} {:.1}", x.place(a), y.place(b));
            command = 'L';
        }
        svg.push_str("\"/>");
    }

    fn points(&self) -> impl Iterator<Item = (f64, f64)> {
        self.lines.iter().flat_map(|(_, points)| points.iter().copied())
    }

    fn scale_x(&self) -> Scale {
        let from = self.points().map(|point| point.0).fold(f64::INFINITY, f64::min);
        let to = self.points().map(|point| point.0).fold(f64::NEG_INFINITY, f64::max);
        let (from, to) = if from < to { (from, to) } else { (0.0, 1.0) };
        Scale { from, to, start: LEFT, end: WIDTH - RIGHT, is_logarithmic: false }
    }

    fn scale_y(&self) -> Scale {
        let most = self.points().map(|point| point.1).fold(0.0, f64::max).max(1e-3);
        let least = self.points().map(|point| point.1).filter(|y| *y > 0.0).fold(most, f64::min);
        let (from, to) = if self.is_logarithmic {
            (10f64.powf(least.log10().floor()), 10f64.powf(most.log10().ceil()))
        } else {
            (0.0, most * 1.05)
        };
        let to = if from < to { to } else { from * 10.0 };
        let is_logarithmic = self.is_logarithmic;
        Scale { from, to, start: HEIGHT - BOTTOM, end: TOP, is_logarithmic }
    }
}

/// A figure without what it does not need.
fn label(value: f64) -> String {
    if value.abs() >= 1_000.0 && value % 1_000.0 == 0.0 {
        return format!("{}k", value / 1_000.0);
    }
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charts_are_small_and_hold_what_they_show() {
        let wave = |at: u32| (f64::from(at), 2.0 + f64::from(at % 100));
        let points: Vec<_> = (0..20_000).map(wave).collect();
        for is_logarithmic in [false, true] {
            let lines = (0..4).map(|line| (format!("line {line}"), points.clone())).collect();
            let plot = Plot { title: "A".into(), x: "s", y: "e/s", is_logarithmic, lines };
            let svg = plot.svg();
            assert!(svg.len() < 100_000 && svg.contains("line 3") && !svg.contains("NaN"));
        }
    }

    #[test]
    fn labels_are_short() {
        assert_eq!([0.0, 0.25, 12.0, 4_000.0].map(label), ["0", "0.25", "12", "4k"]);
    }
}
