//! Lines over a week, as a picture that any browser draws: no script, and the page's own colours.

use hedgeschool_history::{HOURS, Series};
use jiff::Timestamp;

/// Units of the picture from an hour to the next, and its height without the names of days.
const HOUR_WIDTH: f64 = 2.0;
const HEIGHT: f64 = 84.0;
/// Above the highest line, for what it says there.
const TOP: f64 = 14.0;
const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 24 * HOUR_S;

/// A day begins.
pub struct Midnight {
    /// Where.
    pub x: f64,
    /// Its name; empty where there is no room for it.
    pub name: String,
}

/// A line of a chart.
pub struct Line {
    /// What the style sheet knows it by.
    pub class: &'static str,
    /// The path that draws it.
    pub path: String,
}

/// What a chart shows.
pub struct Chart {
    /// What of.
    pub title: &'static str,
    /// The same in a sentence, with the last value and the highest.
    pub text: String,
    /// Its lines.
    pub lines: Vec<Line>,
    /// What its top is, in words.
    pub top: String,
    /// Where it should stay below.
    pub limit: Option<f64>,
}

impl Chart {
    /// A chart of series with one scale, whose values `words` tells, and of a `limit` that is to
    /// be kept. None: nothing is known of the first.
    pub fn new(
        title: &'static str,
        series: &[(&'static str, &Series)],
        limit: Option<f64>,
        words: fn(f64) -> String,
    ) -> Option<Self> {
        let (_, first) = series.first()?;
        let last = first.iter().flatten().next_back()?;
        let highest = first.iter().flatten().copied().fold(0.0, f64::max);
        let all = series.iter().flat_map(|(_, series)| series.iter().flatten().copied());
        let top = round_up(all.chain(limit).fold(0.0, f64::max));
        let line = |(class, series): &(&'static str, &Series)| Line {
            class,
            path: draw_path(series, top),
        };
        Some(Self {
            title,
            text: format!("{} last, {} at most", words(*last), words(highest)),
            lines: series.iter().map(line).collect(),
            top: words(top),
            limit: limit.map(|limit| height_of(limit, top)),
        })
    }
}

/// The days that begin in the week that ends at `now`, in UTC.
pub fn find_midnights(now: i64) -> Vec<Midnight> {
    let first_hour = now.div_euclid(HOUR_S) + 1 - HOURS as i64;
    let hours = (0_u16..).take(HOURS).map(|ago| (f64::from(ago), first_hour + i64::from(ago)));
    let begins = hours.filter(|(_, hour)| (hour * HOUR_S).rem_euclid(DAY_S) == 0);
    begins
        .map(|(index, hour)| {
            let x = index * HOUR_WIDTH;
            // The last day has just begun: its name would be cut off.
            let has_room = index + 12.0 < HOURS as f64;
            Midnight { x, name: if has_room { day_name(hour) } else { String::new() } }
        })
        .collect()
}

fn day_name(hour: i64) -> String {
    let begins = Timestamp::from_second(hour * HOUR_S);
    begins.map(|begins| begins.strftime("%a").to_string()).unwrap_or_default()
}

/// A round number that is no less: 1, 2 or 5 with zeros.
fn round_up(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let unit = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * unit);
    steps.into_iter().find(|step| *step >= value * (1.0 - 1e-9)).unwrap_or(value)
}

/// From the top of the picture, to a tenth of a unit, which nobody sees.
fn height_of(value: f64, top: f64) -> f64 {
    ((TOP + (HEIGHT - TOP) * (1.0 - value / top)) * 10.0).round() / 10.0
}

/// From hour to hour; where nothing is known, the line ends, and begins anew after it.
fn draw_path(series: &Series, top: f64) -> String {
    let mut path = String::new();
    let mut is_drawn = false;
    for (hour, value) in (0_u16..).zip(series) {
        let Some(value) = value else {
            is_drawn = false;
            continue;
        };
        let (x, y) = (f64::from(hour) * HOUR_WIDTH, height_of(*value, top));
        // A point that stands alone is a stroke of its own.
        path += &match is_drawn {
            true => format!("L{x} {y}"),
            false => format!("M{x} {y}h.5"),
        };
        is_drawn = true;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tops_are_round() {
        let tops = [0.0, 0.03, 0.05, 1.0, 1.2, 47.0, 501.0].map(round_up);
        assert_eq!(tops, [1.0, 0.05, 0.05, 1.0, 2.0, 50.0, 1_000.0]);
    }

    #[test]
    fn a_line_breaks_where_nothing_is_known() {
        let series = vec![Some(0.0), Some(1.0), None, Some(0.5)];
        assert_eq!(draw_path(&series, 1.0), "M0 84h.5L2 14M6 49h.5");
    }

    #[test]
    fn days_have_their_names() {
        // Monday, 30 November 2026, 06:30.
        let now = 1_796_020_200;
        let shown = find_midnights(now);
        let names: Vec<_> = shown.iter().map(|midnight| midnight.name.as_str()).collect();
        assert_eq!(names, ["Tue", "Wed", "Thu", "Fri", "Sat", "Sun", ""]);
        assert_eq!(shown[6].x, (HOURS as f64 - 7.0) * HOUR_WIDTH);
    }

    #[test]
    fn a_chart_of_nothing_is_none() {
        let words = |value: f64| format!("{value}");
        assert!(Chart::new("Requests", &[("line", &vec![None; HOURS])], None, words).is_none());
        let known = vec![None, Some(3.0), Some(1.0)];
        let chart = Chart::new("Requests", &[("line", &known)], Some(4.0), words).unwrap();
        assert_eq!((chart.text.as_str(), chart.top.as_str()), ("1 last, 3 at most", "5"));
        assert_eq!(chart.limit, Some(28.0));
    }
}
