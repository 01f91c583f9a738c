//! The query behind `statements.query`: every condition by an index, and the page in its order.

use hedgeschool_journal::integer;
use hedgeschool_sql::Value;
use hedgeschool_xapi::{Facet, parse_timestamp, term};

use crate::bindings::types::{Error, Filter};

/// Bytes of statements after which a page ends.
const PAGE_BYTES: u32 = 8 << 20;

/// A query and what it is bound to.
pub struct Select {
    /// The query.
    pub sql: String,
    /// What it is bound to.
    pub parameters: Vec<Value>,
}

impl Select {
    /// The statements of a page as `sequence, stored_us, body`, each with how many the page would
    /// have if their size were no matter: one more than the limit if there are more.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a moment that is none.
    pub fn of(filter: Filter) -> Result<Self, Error> {
        let mut select = Self { sql: String::new(), parameters: Vec::new() };
        select.push_sql("WITH page AS MATERIALIZED (");
        select.push_page(&filter)?;
        let order = order_of(&filter);
        // Sizes are summed over the keys first, so that only bodies that fit are read.
        select.push_sql(&format!(
            "), sized AS (
              SELECT sequence, sum(octet_length(body)) OVER (ORDER BY sequence {order}) AS total
              FROM page JOIN statement USING (sequence))
            SELECT sequence, stored_us, body, (SELECT count(*) FROM page)
            FROM sized JOIN statement USING (sequence)
            WHERE total - octet_length(body) < {PAGE_BYTES} ORDER BY sequence {order}"
        ));
        Ok(select)
    }

    /// The sequences of a page, and one more if there are more.
    fn push_page(&mut self, filter: &Filter) -> Result<(), Error> {
        let (terms, order) = (terms_of(filter), order_of(filter));
        if terms.is_empty() {
            self.push_sql("SELECT sequence FROM statement WHERE voided = 0");
            self.push_range("sequence", "", filter)?;
            self.push_sql(&format!(" ORDER BY sequence {order}"));
        } else {
            self.push_join(&terms);
            self.push_range("t0.sequence", "", filter)?;
            self.push_range("number", " >> 10", filter)?;
            // A statement may match by itself and by what it refers to.
            self.push_sql(&format!(
                " GROUP BY number, t0.sequence ORDER BY number {order}, t0.sequence {order}"
            ));
        }
        self.push_sql(&format!(" LIMIT {}", u64::from(filter.limit) + 1));
        Ok(())
    }

    /// The statements that have all terms, from one source. The first term drives: in one segment
    /// after the other, its entries lie in the order of the page, and each is looked up under the
    /// other terms. The order of the joins is fixed, because SQLite cannot know which term is
    /// rare.
    fn push_join(&mut self, terms: &[i64]) {
        self.push_sql(
            "SELECT t0.sequence FROM segment CROSS JOIN term AS t0 ON t0.segment = number",
        );
        for (index, hash) in terms.iter().enumerate().skip(1) {
            let hash = self.bind(Value::Integer(*hash));
            self.push_sql(&format!(
                " CROSS JOIN term AS t{index} ON t{index}.segment = number
                AND t{index}.hash = {hash}
                AND t{index}.sequence = t0.sequence AND t{index}.source = t0.source"
            ));
        }
        let first = terms.first().map(|hash| self.bind(Value::Integer(*hash)));
        let first = first.unwrap_or_default();
        self.push_sql(&format!(
            " CROSS JOIN statement ON statement.sequence = t0.sequence
            WHERE t0.hash = {first} AND voided = 0"
        ));
    }

    /// `since`, `until` and the place to go on from, all as bounds of the sequence, which grows
    /// with `stored`; or of what `map` makes of sequences, which may reach as far as the bounds
    /// themselves.
    fn push_range(&mut self, column: &str, map: &str, filter: &Filter) -> Result<(), Error> {
        let [above, below] = if map.is_empty() { [">", "<"] } else { [">=", "<="] };
        for (moment, bound) in [(&filter.since, above), (&filter.until, "<=")] {
            let Some(moment) = moment else { continue };
            let unix_us = parse_timestamp(moment).ok_or_else(|| {
                Error::Invalid(format!("{moment:?} is no RFC 3339 date and time"))
            })?;
            let unix_us = self.bind(Value::Integer(unix_us));
            self.push_sql(&format!(
                " AND {column} {bound} coalesce((SELECT sequence FROM statement
                WHERE stored_us <= {unix_us} ORDER BY stored_us DESC LIMIT 1), 0){map}"
            ));
        }
        if let Some(after) = filter.after {
            let after = self.bind(integer(after));
            let bound = if filter.ascending { above } else { below };
            self.push_sql(&format!(" AND {column} {bound} {after}{map}"));
        }
        Ok(())
    }

    fn push_sql(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }

    /// Binds a value and answers its placeholder.
    fn bind(&mut self, value: Value) -> String {
        self.parameters.push(value);
        format!("?{}", self.parameters.len())
    }
}

fn order_of(filter: &Filter) -> &'static str {
    if filter.ascending { "ASC" } else { "DESC" }
}

/// The terms to look for, those first that fewer statements have, as a rule.
fn terms_of(filter: &Filter) -> Vec<i64> {
    // All fields by name: a condition that is added and forgotten here would match everything.
    let Filter {
        registration,
        agent,
        related_agents,
        activity,
        related_activities,
        verb,
        authority,
        since: _,
        until: _,
        ascending: _,
        limit: _,
        after: _,
    } = filter;
    let conditions = [
        (Facet::Registration, registration),
        (if *related_agents { Facet::RelatedAgent } else { Facet::Agent }, agent),
        (if *related_activities { Facet::RelatedActivity } else { Facet::Activity }, activity),
        (Facet::Verb, verb),
        (Facet::Authority, authority),
    ];
    let given = conditions.into_iter().filter_map(|(facet, value)| Some((facet, value.as_ref()?)));
    given.map(|(facet, value)| term(facet, value)).collect()
}

#[cfg(test)]
#[path = "select_tests.rs"]
mod tests;
