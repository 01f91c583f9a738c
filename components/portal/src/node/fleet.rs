//! The nodes below, a row each: those in trouble first, unless asked otherwise.

use std::cmp::Reverse;

use hedgeschool_web::{Problem, Query};

use super::{Below, Status};
use crate::page;

/// Rows of a page.
const ROWS: usize = 100;
/// A change that waits for longer than this is trouble, in seconds.
const QUEUE_AGE_S: u64 = 300;
/// A disk that is fuller than this is trouble, in percent.
const DISK_PERCENT: u64 = 90;
/// Longest name that is looked for, in characters.
const NAME_CHARACTERS_MAX: usize = 200;

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// In which order.
    pub sort: Sort,
    /// Only nodes in trouble.
    pub trouble: bool,
    /// Only nodes with this in their names.
    pub name: String,
    /// Which page, from 1.
    pub page: usize,
}

/// Orders of the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// The most in trouble first.
    #[default]
    Worst,
    /// By name.
    Name,
    /// The longest silent first.
    Contact,
    /// The longest queue first.
    Queue,
    /// The oldest queue first.
    Age,
    /// The clock that is furthest off first.
    Clock,
    /// The most conflicts first.
    Conflicts,
    /// The fullest disk first.
    Disk,
    /// By version, the oldest first.
    Version,
}

impl Sort {
    /// All of them, as the address has them and as people say it.
    pub const ALL: [(Self, &str, &str); 9] = [
        (Self::Worst, "worst", "Trouble first"),
        (Self::Name, "name", "Name"),
        (Self::Contact, "contact", "Longest silent"),
        (Self::Queue, "queue", "Most to send"),
        (Self::Age, "age", "Oldest to send"),
        (Self::Clock, "clock", "Clock furthest off"),
        (Self::Conflicts, "conflicts", "Most conflicts"),
        (Self::Disk, "disk", "Fullest disk"),
        (Self::Version, "version", "Version"),
    ];

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known, _)| *known == name).map(|(sort, ..)| sort)
    }

    /// As the address has it.
    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(sort, ..)| *sort == self).map_or("", |(_, name, _)| name)
    }
}

/// A node in the list.
pub struct Row<'a> {
    /// What it has told.
    pub told: &'a Below,
    /// What is wrong with it, the worst first.
    pub troubles: Vec<&'static str>,
}

impl View {
    /// Reads an address; what it does not know is as if it were not there.
    pub fn read(query: &Query) -> Self {
        let name = query.get("name").unwrap_or_default().trim();
        Self {
            sort: query.get("sort").and_then(Sort::named).unwrap_or_default(),
            trouble: query.get("trouble") == Some("true"),
            name: name.chars().take(NAME_CHARACTERS_MAX).collect(),
            page: query.get("page").and_then(|page| page.parse().ok()).unwrap_or(1).max(1),
        }
    }

    /// The address of a page of this, or of its events.
    pub fn address(&self, path: &str, page: usize) -> String {
        self.sorted(path, self.sort, page)
    }

    /// The address of the first page in another order.
    pub fn by(&self, name: &str) -> String {
        self.sorted("/admin/node", Sort::named(name).unwrap_or_default(), 1)
    }

    fn sorted(&self, path: &str, sort: Sort, page: usize) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if sort != Sort::Worst {
            query.append_pair("sort", sort.name());
        }
        if self.trouble {
            query.append_pair("trouble", "true");
        }
        if !self.name.is_empty() {
            query.append_pair("name", &self.name);
        }
        if page > 1 {
            query.append_pair("page", &page.to_string());
        }
        let query = query.finish();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }

    /// The list as it is now.
    pub fn part(&self, status: &Status) -> Result<String, Problem> {
        let rows: Vec<_> = status.nodes.iter().map(|told| Row::of(told, &status.version)).collect();
        let in_trouble = rows.iter().filter(|row| !row.troubles.is_empty()).count();
        let all = rows.len();
        let shown = self.choose(rows);
        let found = shown.len();
        let pages = found.div_ceil(ROWS).max(1);
        let page = self.page.min(pages);
        let link = |page: usize| self.address("/admin/node", page);
        page::part(&page::FleetPart {
            view: self,
            rows: shown.into_iter().skip((page - 1) * ROWS).take(ROWS).collect(),
            all,
            in_trouble,
            found,
            page,
            pages,
            previous: (page > 1).then(|| link(page - 1)),
            next: (page < pages).then(|| link(page + 1)),
        })
    }

    /// The rows that are asked for, in the order that is.
    fn choose<'a>(&self, mut rows: Vec<Row<'a>>) -> Vec<Row<'a>> {
        let name = self.name.to_lowercase();
        rows.retain(|row| {
            (!self.trouble || !row.troubles.is_empty())
                && row.told.node.to_lowercase().contains(&name)
        });
        rows.sort_by(|one, other| one.told.node.cmp(&other.told.node));
        // What is equal stays in the order of names.
        rows.sort_by_key(|row| self.sort.key(row));
        rows
    }
}

impl Sort {
    /// What comes first has the smallest.
    fn key(self, row: &Row<'_>) -> impl Ord + use<> {
        let Below { seconds_since_contact, queue, queue_age_seconds, .. } = *row.told;
        let more = |number: u64| (Reverse(number), Reverse(0), String::new());
        let silence = u64::try_from(seconds_since_contact).unwrap_or(0);
        match self {
            Self::Worst => {
                let silence = if row.told.is_silent { silence } else { queue_age_seconds };
                (Reverse(row.severity()), Reverse(silence), String::new())
            }
            Self::Name => (Reverse(0), Reverse(0), row.told.node.clone()),
            Self::Contact => more(silence),
            Self::Queue => more(queue),
            Self::Age => more(queue_age_seconds),
            Self::Clock => more(row.told.skew_seconds.abs() as u64),
            Self::Conflicts => more(row.told.conflicts),
            Self::Disk => more(row.disk_percent()),
            Self::Version => (Reverse(0), Reverse(0), row.told.version.clone()),
        }
    }
}

impl<'a> Row<'a> {
    fn of(told: &'a Below, version: &str) -> Self {
        let mut row = Self { told, troubles: Vec::new() };
        let is_behind = told.queue > 0 && told.queue_age_seconds > QUEUE_AGE_S;
        let troubles = [
            (told.is_silent, "Silent"),
            (row.disk_percent() > DISK_PERCENT, "Disk nearly full"),
            (is_behind, "Behind"),
            (told.is_skewed, "Clock off"),
            (told.conflicts > 0, "Conflicts"),
            (!told.waits_for_upgrade.is_empty(), "Needs an upgrade"),
            (told.version != version, "Other version"),
        ];
        row.troubles = troubles.into_iter().filter(|(is, _)| *is).map(|(_, name)| name).collect();
        row
    }

    /// Larger is worse: what comes first in the list of troubles weighs more than all that
    /// follows.
    fn severity(&self) -> u64 {
        let weight = |name: &str| match name {
            "Silent" => 64,
            "Disk nearly full" => 32,
            "Behind" => 16,
            "Clock off" => 8,
            "Conflicts" => 4,
            "Needs an upgrade" => 2,
            _ => 1,
        };
        self.troubles.iter().map(|name| weight(name)).sum()
    }

    fn disk_percent(&self) -> u64 {
        self.told.storage.as_ref().and_then(super::Storage::percent).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::Storage;

    fn node(name: &str) -> Below {
        Below {
            node: name.to_owned(),
            serves: 0,
            seconds_since_contact: 1,
            is_silent: false,
            skew_seconds: 0.0,
            is_skewed: false,
            queue: 0,
            queue_age_seconds: 0,
            conflicts: 0,
            version: "1".to_owned(),
            waits_for_upgrade: Vec::new(),
            storage: None,
        }
    }

    fn fleet() -> Vec<Below> {
        let full = Storage { used_bytes: 95, limit_bytes: Some(100), given_up: Vec::new() };
        vec![
            node("a-fine"),
            Below { conflicts: 3, ..node("b-conflicts") },
            Below { is_silent: true, seconds_since_contact: 500, ..node("c-silent") },
            Below { is_silent: true, seconds_since_contact: 9_000, ..node("d-longer") },
            Below { storage: Some(full), ..node("e-full") },
            Below { queue: 9, queue_age_seconds: 4_000, ..node("f-behind") },
            Below { version: "0".to_owned(), ..node("g-old") },
            Below { skew_seconds: -90.0, is_skewed: true, ..node("h-clock") },
            Below { waits_for_upgrade: vec!["class".to_owned()], ..node("i-waits") },
        ]
    }

    fn chosen(query: &str) -> Vec<String> {
        let fleet = fleet();
        let rows = fleet.iter().map(|told| Row::of(told, "1")).collect();
        let rows = View::read(&Query::parse(query)).choose(rows);
        let first = |row: &Row| row.told.node.chars().take(1).collect();
        rows.iter().map(first).collect()
    }

    #[test]
    fn the_worst_come_first_unless_asked_otherwise() {
        assert_eq!(chosen("").concat(), "dcefhbiga");
        assert_eq!(chosen("sort=name").concat(), "abcdefghi");
        assert_eq!(chosen("sort=contact").concat(), "dcabefghi");
        assert_eq!(chosen("sort=queue").concat(), "fabcdeghi");
        assert_eq!(chosen("sort=clock").concat(), "habcdefgi");
        assert_eq!(chosen("sort=conflicts").concat(), "bacdefghi");
        assert_eq!(chosen("sort=disk").concat(), "eabcdfghi");
        assert_eq!(chosen("sort=version").concat(), "gabcdefhi");
        assert_eq!(chosen("sort=anything").concat(), "dcefhbiga");
    }

    #[test]
    fn filters_leave_rows_out() {
        assert_eq!(chosen("trouble=true&sort=name").concat(), "bcdefghi");
        assert_eq!(chosen("name=%20C&sort=name").concat(), "bch");
        assert_eq!(chosen("name=nobody").concat(), "");
    }

    #[test]
    fn addresses_keep_what_is_asked_for() {
        let view = View::read(&Query::parse("sort=disk&trouble=true&name=a+b&page=3"));
        assert_eq!(view.address("/x", 2), "/x?sort=disk&trouble=true&name=a+b&page=2");
        assert_eq!(view.by("name"), "/admin/node?sort=name&trouble=true&name=a+b");
        assert_eq!(View::read(&Query::parse("page=-1")).address("/x", 1), "/x");
    }
}
