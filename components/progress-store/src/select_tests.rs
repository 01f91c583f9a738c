//! Which statements a filter selects, and how SQLite finds them: always by an index, always in the
//! order of the page.

use proptest::prelude::*;
use rusqlite::Connection;
use rusqlite::types::Value as Column;

use super::*;
use crate::test_database::{open_database, read_rows};
use crate::test_statements::{
    Object, Sketch, activity_id, agent_id, make_bodies, one_of_each, statement_id, store_bodies,
    verb_id,
};

fn filter() -> Filter {
    Filter {
        agent: None,
        related_agents: false,
        verb: None,
        activity: None,
        related_activities: false,
        registration: None,
        authority: None,
        since: None,
        until: None,
        ascending: false,
        limit: 100,
        after: None,
    }
}

/// What SQLite would do for a filter, one step a line.
fn plan(database: &Connection, filter: Filter) -> Vec<String> {
    let select = Select::of(filter).unwrap();
    let explain = format!("EXPLAIN QUERY PLAN {}", select.sql);
    let mut statement = database.prepare(&explain).unwrap();
    let nulls = vec![rusqlite::types::Null; statement.parameter_count()];
    assert_eq!(nulls.len(), select.parameters.len(), "{}", select.sql);
    let steps = statement.query_map(rusqlite::params_from_iter(nulls), |row| row.get(3)).unwrap();
    steps.collect::<Result<_, _>>().unwrap()
}

/// Every filter that a request can make of these conditions, in both orders.
fn filters() -> Vec<Filter> {
    let some = |bits: u32, bit: u32, text: &str| (bits & (1 << bit) != 0).then(|| text.to_owned());
    let of = |bits: u32| Filter {
        agent: some(bits, 0, "mbox:mailto:a@example.org"),
        verb: some(bits, 1, "https://example.org/did"),
        activity: some(bits, 2, "https://example.org/a"),
        registration: some(bits, 3, "9d3a2f0e-1111-4222-8333-444455556666"),
        authority: some(bits, 4, "account:https://example.org|client:k"),
        since: some(bits, 5, "2026-01-01T00:00:00Z"),
        until: some(bits, 6, "2026-02-01T00:00:00Z"),
        after: (bits & (1 << 7) != 0).then_some(7),
        ascending: bits & (1 << 8) != 0,
        related_agents: bits & (1 << 9) != 0,
        related_activities: bits & (1 << 9) != 0,
        ..filter()
    };
    (0..1 << 10).map(of).collect()
}

#[test]
fn every_combination_of_conditions_is_answered_by_indexes_alone() {
    let database = open_database();
    for filter in filters() {
        let what = format!("{filter:?}");
        let is_filtered =
            [&filter.agent, &filter.verb, &filter.activity].iter().any(|c| c.is_some())
                || filter.registration.is_some()
                || filter.authority.is_some();
        let steps = plan(&database, filter);
        // The page's own rows, at most one more than its limit, may be walked through; the tables
        // may not.
        let scans: Vec<_> = steps.iter().filter(|step| step.starts_with("SCAN")).collect();
        let whole_table =
            scans.iter().any(|step| step.contains("statement") || step.contains("t0"));
        // Without a condition, all statements match: the newest are read off the end.
        assert!(!whole_table || !is_filtered, "{what}: {steps:#?}");
        assert!(scans.iter().all(|step| *step != "SCAN term"), "{what}: {steps:#?}");
        if is_filtered {
            let driven = steps
                .iter()
                .any(|step| step.starts_with("SEARCH t0 USING PRIMARY KEY (segment=? AND hash=?"));
            assert!(driven, "{what}: {steps:#?}");
        }
        // What is found comes in order; only the page itself, a thousand rows at most, is put in
        // order again.
        let search = steps.iter().skip_while(|step| *step != "MATERIALIZE page");
        let mut search = search.take_while(|step| *step != "SCAN page");
        assert!(!search.any(|step| step.contains("TEMP B-TREE")), "{what}: {steps:#?}");
    }
}

#[test]
fn moments_are_found_by_their_index() {
    let database = open_database();
    let since = Some("2026-01-01T00:00:00Z".to_owned());
    let steps = plan(&database, Filter { since, ..filter() });
    let by_index =
        "SEARCH statement USING COVERING INDEX sqlite_autoindex_statement_2 (stored_us<?)";
    assert!(steps.iter().any(|step| step == by_index), "{steps:#?}");
}

/// A filter by numbers. Moments and places are those of the statement of a number.
#[derive(Clone, Debug)]
struct Wanted {
    agent: Option<u8>,
    verb: Option<u8>,
    activity: Option<u8>,
    registration: Option<u8>,
    authority: Option<u8>,
    related: bool,
    since: Option<usize>,
    until: Option<usize>,
    after: Option<usize>,
    ascending: bool,
    limit: u32,
}

fn any_wanted(count: usize) -> impl Strategy<Value = Wanted> {
    let some = || prop::option::weighted(0.3, one_of_each());
    let place = || prop::option::weighted(0.2, 0..count);
    let what = (some(), some(), some(), some(), some(), any::<bool>());
    let which = (place(), place(), place(), any::<bool>(), 1..9_u32);
    (what, which).prop_map(|(what, which)| {
        let (agent, verb, activity, registration, authority, related) = what;
        let (since, until, after, ascending, limit) = which;
        Wanted {
            agent,
            verb,
            activity,
            registration,
            authority,
            related,
            since,
            until,
            after,
            ascending,
            limit,
        }
    })
}

impl Wanted {
    fn filter(&self, moments: &[i64]) -> Filter {
        let moment = |place: Option<usize>| {
            place
                .and_then(|place| moments.get(place))
                .map(|us| hedgeschool_xapi::format_timestamp(*us))
        };
        Filter {
            agent: self.agent.map(agent_id),
            verb: self.verb.map(verb_id),
            activity: self.activity.map(activity_id),
            registration: self.registration.map(statement_id),
            authority: self.authority.map(agent_id),
            related_agents: self.related,
            related_activities: self.related,
            since: moment(self.since),
            until: moment(self.until),
            after: self.after.map(|place| place as u64 + 1),
            ascending: self.ascending,
            limit: self.limit,
        }
    }

    /// Whether a statement has, by itself, all that is asked for.
    fn fits(&self, it: &Sketch) -> bool {
        let is = |wanted: Option<u8>, found: Option<u8>| wanted.is_none() || wanted == found;
        let of_object = match it.object {
            Object::Activity(number) => Some(number),
            Object::Statement(_) => None,
        };
        let related = |wanted: Option<u8>, found: &[Option<u8>]| {
            self.related && found.iter().any(|found| is(wanted, *found))
        };
        (is(self.agent, Some(it.actor))
            || related(self.agent, &[it.instructor, Some(it.authority)]))
            && (is(self.activity, of_object) || related(self.activity, &[it.category]))
            && is(self.verb, Some(it.verb).filter(|_| !it.voids))
            && is(self.registration, it.registration)
            && is(self.authority, Some(it.authority))
    }

    /// Whether a statement, or one that it leads to, fits.
    fn selects(&self, all: &[Sketch], place: usize) -> bool {
        let mut next = all.get(place);
        for _ in 0..=all.len() {
            let Some(it) = next else { return false };
            if self.fits(it) {
                return true;
            }
            let Object::Statement(number) = it.object else { return false };
            next = all.get(usize::from(number));
        }
        false
    }

    /// The places of the statements of the page, and whether there are more.
    fn page(&self, all: &[Sketch]) -> (Vec<usize>, bool) {
        let is_voided = |it: &Sketch| {
            let target = Object::Statement(it.number);
            !it.voids && all.iter().any(|other| other.voids && other.object == target)
        };
        let comes_after = |place: usize| match self.after {
            Some(after) if self.ascending => place > after,
            Some(after) => place < after,
            None => true,
        };
        let mut places: Vec<_> = (0..all.len())
            .filter(|place| self.since.is_none_or(|since| *place > since))
            .filter(|place| self.until.is_none_or(|until| *place <= until))
            .filter(|place| comes_after(*place) && !is_voided(&all[*place]))
            .filter(|place| self.selects(all, *place))
            .collect();
        if !self.ascending {
            places.reverse();
        }
        let more = places.len() > self.limit as usize;
        places.truncate(self.limit as usize);
        (places, more)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_filter_selects_what_it_says(
        (all, wanted) in Sketch::several_sketches(9).prop_flat_map(|all| {
            let wanted = prop::collection::vec(any_wanted(all.len()), 12);
            (Just(all), wanted)
        }),
    ) {
        let database = open_database();
        store_bodies(&database, &make_bodies(&all)).unwrap();
        let sql = "SELECT stored_us FROM statement ORDER BY sequence";
        let moments = read_rows(&database, sql, &[]);
        let moments: Vec<_> = moments
            .into_iter()
            .filter_map(|row| if let Column::Integer(us) = row[0] { Some(us) } else { None })
            .collect();
        for wanted in wanted {
            let Select { sql, parameters } = Select::of(wanted.filter(&moments)).unwrap();
            let (mut found, mut of) = (Vec::new(), 0);
            let rows = read_rows(&database, &sql, &parameters);
            for row in rows.into_iter().take(wanted.limit as usize) {
                let (Column::Integer(sequence), Column::Integer(count)) = (&row[0], &row[3]) else {
                    panic!("{row:?}");
                };
                found.push(*sequence as usize - 1);
                of = *count as usize;
            }
            let more = of > found.len();
            prop_assert_eq!((found, more), wanted.page(&all), "{:?}", wanted);
        }
    }
}
