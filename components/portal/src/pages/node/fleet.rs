//! The nodes below, a row each: those in trouble first, unless asked otherwise.

use std::cmp::Reverse;

use askama::Template;
use hedgeschool_doctor::status::{Below, Status, Storage};
use hedgeschool_doctor::words;
use hedgeschool_web::Query;

/// The page's address.
const ADDRESS: &str = "/admin/node";
/// Rows of a page.
const ROWS_PER_PAGE: usize = 100;
/// A change that waits for longer than this is trouble, in seconds.
const QUEUE_AGE_S: u64 = 300;
/// A disk that is fuller than this is trouble, in percent.
const DISK_PERCENT: u64 = 90;
/// Longest name that is looked for, in characters.
const NAME_CHARACTERS_MAX: usize = 200;

/// How the nodes below stand.
#[derive(Template)]
#[template(path = "fleet-part.html")]
pub struct FleetPart<'a> {
    /// What is asked for.
    filter: &'a FleetFilter,
    /// The rows of this page.
    rows: Vec<NodeRow<'a>>,
    /// How many nodes there are.
    all: usize,
    /// How many of them are in trouble.
    in_trouble: usize,
    /// How many are as asked for.
    found: usize,
    /// Which page this is, from 1.
    page: usize,
    /// How many there are.
    pages: usize,
    /// Address of the page before.
    previous: Option<String>,
    /// Address of the page after.
    next: Option<String>,
}

impl<'a> FleetPart<'a> {
    /// The list as it is now. Past its end is its end.
    pub fn of(status: &'a Status, filter: &'a FleetFilter) -> Self {
        let nodes = status.nodes.iter();
        let rows: Vec<_> = nodes.map(|told| NodeRow::of(told, &status.version)).collect();
        let in_trouble = rows.iter().filter(|row| !row.troubles.is_empty()).count();
        let all = rows.len();
        let shown = filter.choose_rows(rows);
        let found = shown.len();
        let pages = found.div_ceil(ROWS_PER_PAGE).max(1);
        let page = filter.page.min(pages);
        let link = |page: usize| filter.address(ADDRESS, page);
        let first = page.saturating_sub(1) * ROWS_PER_PAGE;
        Self {
            filter,
            rows: shown.into_iter().skip(first).take(ROWS_PER_PAGE).collect(),
            all,
            in_trouble,
            found,
            page,
            pages,
            previous: (page > 1).then(|| link(page - 1)),
            next: (page < pages).then(|| link(page + 1)),
        }
    }
}

/// Which nodes are asked for, and in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FleetFilter {
    /// In which order.
    pub order: FleetOrder,
    /// Only nodes in trouble.
    pub only_trouble: bool,
    /// Only nodes with this in their names.
    pub name: String,
    /// Which page, from 1.
    pub page: usize,
}

/// Orders of the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FleetOrder {
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

impl FleetOrder {
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

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known, _)| *known == name).map(|(order, ..)| order)
    }

    /// As the address has it.
    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(order, ..)| *order == self).map_or("", |(_, name, _)| name)
    }
}

/// A node in the list.
struct NodeRow<'a> {
    /// What it has told.
    told: &'a Below,
    /// What is wrong with it, the worst first.
    troubles: Vec<Trouble>,
}

impl FleetFilter {
    /// Reads an address; what it does not know is as if it were not there.
    pub fn read(query: &Query) -> Self {
        let name = query.get("name").unwrap_or_default().trim();
        Self {
            order: query.get("sort").and_then(FleetOrder::parse).unwrap_or_default(),
            only_trouble: query.get("trouble") == Some("true"),
            name: name.chars().take(NAME_CHARACTERS_MAX).collect(),
            page: query.get("page").and_then(|page| page.parse().ok()).unwrap_or(1).max(1),
        }
    }

    /// The address of a page of this, or of its events.
    pub fn address(&self, path: &str, page: usize) -> String {
        self.ordered_address(path, self.order, page)
    }

    /// The address of the first page in another order.
    pub fn address_by(&self, name: &str) -> String {
        self.ordered_address(ADDRESS, FleetOrder::parse(name).unwrap_or_default(), 1)
    }

    fn ordered_address(&self, path: &str, order: FleetOrder, page: usize) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if order != FleetOrder::Worst {
            query.append_pair("sort", order.name());
        }
        if self.only_trouble {
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

    /// The rows that are asked for, in the order that is.
    fn choose_rows<'a>(&self, mut rows: Vec<NodeRow<'a>>) -> Vec<NodeRow<'a>> {
        let name = self.name.to_lowercase();
        rows.retain(|row| {
            (!self.only_trouble || !row.troubles.is_empty())
                && row.told.node.to_lowercase().contains(&name)
        });
        rows.sort_by(|one, other| one.told.node.cmp(&other.told.node));
        // What is equal stays in the order of names.
        rows.sort_by_key(|row| self.order.sort_key(row));
        rows
    }
}

impl FleetOrder {
    /// What comes first has the smallest.
    fn sort_key(self, row: &NodeRow<'_>) -> impl Ord + use<> {
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
            Self::Disk => more(disk_percent(row.told)),
            Self::Version => (Reverse(0), Reverse(0), row.told.version.clone()),
        }
    }
}

/// What can be wrong with a node, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    Silent,
    DiskNearlyFull,
    Behind,
    ClockOff,
    Conflicts,
    NeedsUpgrade,
    OtherVersion,
}

impl Trouble {
    /// Each weighs more than all that follow.
    fn weight(self) -> u64 {
        match self {
            Self::Silent => 64,
            Self::DiskNearlyFull => 32,
            Self::Behind => 16,
            Self::ClockOff => 8,
            Self::Conflicts => 4,
            Self::NeedsUpgrade => 2,
            Self::OtherVersion => 1,
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Silent => "Silent",
            Self::DiskNearlyFull => "Disk nearly full",
            Self::Behind => "Behind",
            Self::ClockOff => "Clock off",
            Self::Conflicts => "Conflicts",
            Self::NeedsUpgrade => "Needs an upgrade",
            Self::OtherVersion => "Other version",
        }
    }
}

/// What is wrong with a node, by what it has told and the version of the node it has told.
fn find_troubles(told: &Below, version: &str) -> Vec<Trouble> {
    let is_behind = told.queue > 0 && told.queue_age_seconds > QUEUE_AGE_S;
    let troubles = [
        (told.is_silent, Trouble::Silent),
        (disk_percent(told) > DISK_PERCENT, Trouble::DiskNearlyFull),
        (is_behind, Trouble::Behind),
        (told.is_skewed, Trouble::ClockOff),
        (told.conflicts > 0, Trouble::Conflicts),
        (!told.waits_for_upgrade.is_empty(), Trouble::NeedsUpgrade),
        (told.version != version, Trouble::OtherVersion),
    ];
    troubles.into_iter().filter(|(is, _)| *is).map(|(_, trouble)| trouble).collect()
}

fn disk_percent(told: &Below) -> u64 {
    told.storage.as_ref().and_then(Storage::percent).unwrap_or(0)
}

impl<'a> NodeRow<'a> {
    fn of(told: &'a Below, version: &str) -> Self {
        Self { told, troubles: find_troubles(told, version) }
    }

    /// Larger is worse.
    fn severity(&self) -> u64 {
        self.troubles.iter().map(|trouble| trouble.weight()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let rows = fleet.iter().map(|told| NodeRow::of(told, "1")).collect();
        let rows = FleetFilter::read(&Query::parse(query)).choose_rows(rows);
        let first = |row: &NodeRow| row.told.node.chars().take(1).collect();
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
        let filter = FleetFilter::read(&Query::parse("sort=disk&trouble=true&name=a+b&page=3"));
        assert_eq!(filter.address("/x", 2), "/x?sort=disk&trouble=true&name=a+b&page=2");
        assert_eq!(filter.address_by("name"), "/admin/node?sort=name&trouble=true&name=a+b");
        assert_eq!(FleetFilter::read(&Query::parse("page=-1")).address("/x", 1), "/x");
    }

    #[test]
    fn troubles_are_told_the_worst_first() {
        let told = Below { is_silent: true, conflicts: 1, ..node("n") };
        assert_eq!(find_troubles(&told, "1"), [Trouble::Silent, Trouble::Conflicts]);
        assert_eq!(find_troubles(&told, "2").last(), Some(&Trouble::OtherVersion));
        let young = Below { queue: 9, queue_age_seconds: QUEUE_AGE_S, ..node("n") };
        assert!(find_troubles(&young, "1").is_empty());
    }

    #[test]
    fn pages_have_an_end_and_lead_to_each_other() {
        let nodes = (0..250).map(|n| node(&format!("n-{n:03}"))).collect();
        let status = Status {
            node: "hub".to_owned(),
            version: "1".to_owned(),
            upstream: None,
            nodes,
            conflicts: 0,
            arriving: Vec::new(),
            storage: None,
            redis: None,
        };
        let filter = FleetFilter::read(&Query::parse("page=99"));
        let part = FleetPart::of(&status, &filter);
        assert_eq!((part.page, part.pages, part.rows.len()), (3, 3, 50));
        assert_eq!((part.previous.as_deref(), part.next), (Some("/admin/node?page=2"), None));
        assert_eq!((part.all, part.found, part.in_trouble), (250, 250, 0));
    }
}
