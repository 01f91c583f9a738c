//! The machinery of validation: a value, where it stands, and tables of what an object may hold.

use std::fmt;

use crate::error::Violation;
use crate::json::{Json, Object};
use crate::version::Version;

/// A value of the statement and the way to it.
#[derive(Clone, Copy)]
pub struct At<'a> {
    pub value: &'a Json<'a>,
    pub version: Version,
    step: Step<'a>,
    parent: Option<&'a At<'a>>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Root,
    Property(&'a str),
    Index(usize),
}

/// What checking answers.
pub type Checked = Result<(), Violation>;

/// A check of one value.
pub type Check = fn(&At) -> Checked;

/// A property an object may hold.
pub struct Property {
    pub name: &'static str,
    pub required: bool,
    pub check: Check,
}

/// A property that must be there.
pub const fn required(name: &'static str, check: Check) -> Property {
    Property { name, required: true, check }
}

/// A property that may be there.
pub const fn optional(name: &'static str, check: Check) -> Property {
    Property { name, required: false, check }
}

impl<'a> At<'a> {
    /// The statement itself.
    pub fn root(value: &'a Json<'a>, version: Version) -> Self {
        Self { value, version, step: Step::Root, parent: None }
    }

    /// A broken rule at this place.
    pub fn violation(&self, section: &'static str, rule: impl Into<String>) -> Violation {
        Violation { path: self.to_string(), rule: rule.into(), section }
    }

    /// Requires something of this place.
    pub fn require(&self, holds: bool, section: &'static str, rule: &str) -> Checked {
        if holds { Ok(()) } else { Err(self.violation(section, rule)) }
    }

    /// The value as an object.
    ///
    /// # Errors
    /// It is none.
    pub fn object(&self, section: &'static str) -> Result<&'a Object<'a>, Violation> {
        self.value.as_object().ok_or_else(|| self.violation(section, "must be an object"))
    }

    /// The value as a string.
    ///
    /// # Errors
    /// It is none.
    pub fn string(&self, section: &'static str) -> Result<&'a str, Violation> {
        self.value.as_str().ok_or_else(|| self.violation(section, "must be a string"))
    }

    /// The value as a string that must be this one.
    pub fn constant(&self, section: &'static str, expected: &str) -> Checked {
        if self.string(section)? == expected {
            return Ok(());
        }
        Err(self.violation(section, format!("must be {expected:?} here")))
    }

    /// A property that this object must have and has not.
    pub fn missing(&self, section: &'static str, name: &str) -> Violation {
        self.child(Step::Property(name), self.value).violation(section, "is required")
    }

    /// A property of this object, if it is there.
    pub fn get<'b>(&'b self, name: &'b str) -> Option<At<'b>>
    where
        'a: 'b,
    {
        Some(self.child(Step::Property(name), self.value.get(name)?))
    }

    fn child<'b>(&'b self, step: Step<'b>, value: &'b Json<'b>) -> At<'b>
    where
        'a: 'b,
    {
        At { value, version: self.version, step, parent: Some(self) }
    }

    /// Checks each item of an array.
    pub fn each(&self, section: &'static str, check: Check) -> Checked {
        let items =
            self.value.as_array().ok_or_else(|| self.violation(section, "must be an array"))?;
        items
            .iter()
            .enumerate()
            .try_for_each(|(index, value)| check(&self.child(Step::Index(index), value)))
    }

    /// Checks each member of an object: its name and its value.
    pub fn members(&self, section: &'static str, check: fn(&str, &At) -> Checked) -> Checked {
        self.object(section)?
            .iter()
            .try_for_each(|(name, value)| check(name, &self.child(Step::Property(name), value)))
    }

    /// Checks an object against the properties it may hold: no others, in no other case, no nulls
    /// (2.2), and none of the required ones missing.
    pub fn properties(&self, section: &'static str, tables: &[&[Property]]) -> Checked {
        let object = self.object(section)?;
        let known = || tables.iter().flat_map(|table| table.iter());
        for (name, value) in object.iter() {
            let at = self.child(Step::Property(name), value);
            let Some(property) = known().find(|property| property.name == name) else {
                return Err(at.violation("2.2", unknown(name, known())));
            };
            at.require(*value != Json::Null, "2.2", "must not be null")?;
            (property.check)(&at)?;
        }
        match known().filter(|p| p.required).find(|p| object.get(p.name).is_none()) {
            Some(property) => Err(self.missing(section, property.name)),
            None => Ok(()),
        }
    }
}

/// What is wrong with a property that is not one: mostly its case.
fn unknown<'a>(name: &str, mut known: impl Iterator<Item = &'a Property>) -> String {
    match known.find(|property| property.name.eq_ignore_ascii_case(name)) {
        Some(property) => format!("must be written {:?}", property.name),
        None => "is not a property that may stand here".to_owned(),
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(parent) = self.parent else { return f.write_str("statement") };
        match self.step {
            Step::Property(name) if matches!(parent.step, Step::Root) => f.write_str(name),
            Step::Property(name) => write!(f, "{parent}.{name}"),
            Step::Index(index) => write!(f, "{parent}[{index}]"),
            Step::Root => f.write_str("statement"),
        }
    }
}
