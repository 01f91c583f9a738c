#!/usr/bin/env bash
# openmetrics-parser 0.5.1 (crates.io) refuses a histogram that names its unit. OpenMetrics 1.0
# forbids units of Info and StateSet alone, and Prometheus' client for Python (PyPI 0.23.1), whose
# parser is the strict one, reads the unit. So a page that is valid fails where the crate is judge.
#
# Seen: the crate takes the same page without its UNIT line, and a gauge with one; the client reads
# the unit "seconds" of the page that the crate refuses.
set -euo pipefail

command -v cargo >/dev/null || { echo "needs Rust's cargo, and python3 with venv"; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cargo init --quiet --name units --vcs none
cargo add --quiet openmetrics-parser@=0.5.1
cat >src/main.rs <<'RUST'
use openmetrics_parser::openmetrics::parse_openmetrics;

const HISTOGRAM: &str = "wait_seconds_bucket{le=\"1.0\"} 1\nwait_seconds_bucket{le=\"+Inf\"} 2\n\
    wait_seconds_count 2\nwait_seconds_sum 3.5\n";

fn page(kind: &str, unit: &str, samples: &str) -> String {
    format!("# TYPE wait_seconds {kind}\n{unit}# HELP wait_seconds Time\n{samples}# EOF\n")
}

fn main() {
    let unit = "# UNIT wait_seconds seconds\n";
    for (name, page) in [
        ("a histogram without a unit", page("histogram", "", HISTOGRAM)),
        ("a histogram with its unit", page("histogram", unit, HISTOGRAM)),
        ("a gauge with its unit", page("gauge", unit, "wait_seconds 3.5\n")),
    ] {
        match parse_openmetrics(&page) {
            Ok(_) => println!("{name}: taken"),
            Err(error) => println!("{name}: {error}"),
        }
    }
}
RUST
cat >page.txt <<'PAGE'
# TYPE wait_seconds histogram
# UNIT wait_seconds seconds
# HELP wait_seconds Time
wait_seconds_bucket{le="1.0"} 1
wait_seconds_bucket{le="+Inf"} 2
wait_seconds_count 2
wait_seconds_sum 3.5
# EOF
PAGE
python3 -m venv client
client/bin/pip install --quiet --disable-pip-version-check prometheus-client==0.23.1
read_unit='from prometheus_client.openmetrics.parser import text_string_to_metric_families as read
print("the client:", [family.unit for family in read(open("page.txt").read())])'
found=$(cargo run --quiet && client/bin/python -c "$read_unit")
expected="a histogram without a unit: taken
a histogram with its unit: Some(Histogram) metrics can't have units
a gauge with its unit: taken
the client: ['seconds']"
echo "$found"
[ "$found" = "$expected" ] || { echo "this has changed: expected"; echo "$expected"; exit 1; }
