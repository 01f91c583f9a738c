use anyhow::{Context, Result};
use hedgeschool_tests::{Client, statement};
use serde_json::Value;

/// Statements by the names that a test gives them.
pub struct Shelf {
    client: Client,
    /// Names and ids, in the order of storing.
    books: Vec<(&'static str, String)>,
}

impl Shelf {
    /// Stores statements, one after the other.
    pub fn of<const N: usize>(
        client: &Client,
        statements: [(&'static str, Value); N],
    ) -> Result<Self> {
        let mut shelf = Self { client: client.clone(), books: Vec::new() };
        for (name, statement) in statements {
            shelf.add(name, &statement)?;
        }
        Ok(shelf)
    }

    /// Stores one more.
    pub fn add(&mut self, name: &'static str, statement: &Value) -> Result<()> {
        let ids = statement::store(&self.client, statement).context(name)?;
        self.books.extend(ids.into_iter().map(|id| (name, id)));
        Ok(())
    }

    /// The names of what a query finds, in the order of storing.
    pub fn find(&self, parameters: &[(&str, &str)]) -> Result<Vec<&'static str>> {
        let parameters = [parameters, &[("ascending", "true")]].concat();
        let found = statement::find_all(&self.client, &parameters)?;
        found.iter().map(|id| self.name(id)).collect()
    }

    /// The id of a statement.
    pub fn id(&self, name: &str) -> Result<&str> {
        let book = self.books.iter().find(|(known, _)| *known == name);
        book.map(|(_, id)| id.as_str()).with_context(|| format!("nothing is called {name}"))
    }

    fn name(&self, id: &str) -> Result<&'static str> {
        let book = self.books.iter().find(|(_, known)| known == id);
        book.map(|(name, _)| *name).with_context(|| format!("{id} is not of this shelf"))
    }
}
