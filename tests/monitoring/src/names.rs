//! Names of metrics and labels: those that nodes have, and those in an expression.

use std::collections::BTreeSet;
use std::convert::Infallible;

use anyhow::{Result, anyhow};
use promql_parser::parser::{self, Expr, VectorSelector};
use promql_parser::util::{ExprVisitor, walk_expr};

use crate::{Rule, repository, text};

/// The page of what nodes tell.
const PAGE: &str = "docs/monitoring.md";
/// What Prometheus itself tells, and adds.
const OF_PROMETHEUS: [&str; 2] = ["ALERTS", "up"];
const LABELS_OF_PROMETHEUS: [&str; 7] =
    ["alertname", "alertstate", "instance", "job", "le", "region", "severity"];

/// Names that there are.
pub struct Names {
    metrics: BTreeSet<String>,
    labels: BTreeSet<String>,
}

impl Names {
    /// Those of the page, of Prometheus, and those that rules record.
    ///
    /// # Errors
    /// When the page cannot be read.
    pub fn known(rules: &[Rule]) -> Result<Self> {
        let mut names = Self::of_page(&text(&repository(PAGE))?);
        names.metrics.extend(OF_PROMETHEUS.map(str::to_owned));
        names.metrics.extend(rules.iter().filter_map(|rule| rule.record.clone()));
        names.labels.extend(LABELS_OF_PROMETHEUS.map(str::to_owned));
        Ok(names)
    }

    /// Those in the tables of a page: metrics in the first column, their labels in the second. A
    /// histogram is three.
    fn of_page(page: &str) -> Self {
        let (mut metrics, mut labels) = (BTreeSet::new(), BTreeSet::new());
        for row in page.lines().filter(|line| line.starts_with("| `")) {
            let mut cells = row.split('|').skip(1);
            let names = quoted(cells.next().unwrap_or_default());
            labels.extend(quoted(cells.next().unwrap_or_default()).map(str::to_owned));
            let is_histogram = cells.next().is_some_and(|cell| cell.contains("histogram"));
            let parts: &[&str] = if is_histogram { &["_bucket", "_count", "_sum"] } else { &[""] };
            metrics
                .extend(names.flat_map(|name| parts.iter().map(move |it| format!("{name}{it}"))));
        }
        Self { metrics, labels }
    }

    /// What of an expression nobody has.
    #[must_use]
    pub fn missing_of(&self, named: &Named) -> Vec<String> {
        let metrics = named.metrics.difference(&self.metrics);
        metrics.chain(named.labels.difference(&self.labels)).cloned().collect()
    }
}

/// What is between backquotes.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// Names in an expression.
#[derive(Debug, Default, PartialEq)]
pub struct Named {
    metrics: BTreeSet<String>,
    labels: BTreeSet<String>,
}

impl Named {
    /// Those in PromQL.
    ///
    /// # Errors
    /// When it is none.
    pub fn within(expression: &str) -> Result<Self> {
        let parsed = parser::parse(expression).map_err(|why| anyhow!("{expression}: {why}"))?;
        let mut named = Self::default();
        let Ok(_) = walk_expr(&mut named, &parsed);
        Ok(named)
    }

    fn add(&mut self, selector: &VectorSelector) {
        self.metrics.extend(selector.name.clone());
        let labels = selector.matchers.matchers.iter().map(|matcher| matcher.name.clone());
        self.labels.extend(labels);
    }
}

impl ExprVisitor for Named {
    type Error = Infallible;

    fn pre_visit(&mut self, expression: &Expr) -> Result<bool, Infallible> {
        match expression {
            Expr::VectorSelector(selector) => self.add(selector),
            Expr::MatrixSelector(matrix) => self.add(&matrix.vs),
            Expr::Aggregate(aggregate) => {
                let labels = aggregate.modifier.iter().flat_map(|it| it.labels().labels.clone());
                self.labels.extend(labels);
            }
            _ => {}
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_page_and_of_an_expression() {
        let page = "| name | labels |\n|---|---|\n| `a_total`, `b` | `code` (`2xx` …) | |\n\
            | `c_seconds` | `route` | histogram |\n| `d`";
        let names = Names::of_page(page);
        let metrics = ["a_total", "b", "c_seconds_bucket", "c_seconds_count", "c_seconds_sum", "d"];
        assert_eq!(names.metrics, metrics.map(str::to_owned).into());
        let expression = r#"sum by (node) (rate(a_total{code="5xx"}[5m])) / c_seconds > 1
            unless on (job) (-b offset 1d)"#;
        let missing = names.missing_of(&Named::within(expression).unwrap());
        assert_eq!(missing, ["c_seconds", "node"]);
        assert!(Named::within("sum(").is_err());
    }
}
