//! What must hold in the end, when every link is whole and every node runs.

use std::collections::HashSet;

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{audit, eventually, statement};

use super::side::Side;
use super::state::State;
use super::world::World;
use crate::xapi::multipart::Parts;

impl World {
    /// Waits until all nodes agree, and checks that nothing is lost.
    pub fn settle(&mut self) -> Result<()> {
        for side in &mut self.sides {
            side.machine.fill_disk(false)?;
            side.raise()?;
        }
        for link in self.sides.iter().filter_map(|side| side.link.as_ref()) {
            link.release();
            link.restore();
            link.delay(std::time::Duration::ZERO);
            link.limit(0);
        }
        let mut last = String::new();
        let agreed = eventually("all nodes agree", || {
            let found = self.difference()?;
            last = found.clone().unwrap_or_default();
            std::thread::sleep(std::time::Duration::from_millis(50));
            Ok(found.is_none().then_some(()))
        });
        agreed.with_context(|| format!("{last}{}", self.standings()))?;
        self.attachments()?;
        self.accounted()?;
        for side in &mut self.sides {
            side.kill()?;
            let there = audit::statements(side.node.folder()).context(side.name)?;
            let lost = side.held.statements.difference(&there).count();
            ensure!(lost == 0, "{lost} acknowledged statements are lost at {}", side.name);
        }
        Ok(())
    }

    /// The first thing in which a node does not agree with the one at the top, or the top lacks
    /// something.
    fn difference(&self) -> Result<Option<String>> {
        let top = State::of(self.top())?;
        let there: HashSet<_> = statement::all_ids(&self.top().node.xapi())?.into_iter().collect();
        let voided = |id: &str| {
            let key = id.replace('-', "").to_uppercase();
            top.statements.get(&key).is_some_and(|voided| voided.contains('1'))
        };
        for side in &self.sides {
            let lost = side.held.statements.iter().filter(|id| !there.contains(*id) && !voided(id));
            let lost = lost.count();
            if lost > 0 {
                return Ok(Some(format!("{lost} statements of {} are not at the top", side.name)));
            }
        }
        for (index, side) in self.sides.iter().enumerate().skip(1) {
            let difference =
                State::of(side)?.difference(&top, &self.serves(index), self.top().was_set_back);
            if let Some(difference) = difference {
                return Ok(Some(format!("{}: {difference}", side.name)));
            }
        }
        Ok(None)
    }

    /// The names of a node and of those below it.
    fn serves(&self, index: usize) -> Vec<&'static str> {
        let below = (0..self.sides.len()).filter(|other| self.sides[*other].above == Some(index));
        let below = below.flat_map(|other| self.serves(other));
        below.chain([self.sides[index].name]).collect()
    }

    /// The data of every attachment whose statement was acknowledged is at the top.
    fn attachments(&self) -> Result<()> {
        let held = self.sides.iter().flat_map(|side| &side.held.attachments);
        for (id, data) in held {
            let path = format!("{}&attachments=true", statement::one(id));
            let answer = self.top().node.xapi().get(&path)?.expect(200)?;
            let parts = Parts::read(&answer)?;
            ensure!(parts.data() == [data.as_slice()], "the attachment of {id} is not as sent");
        }
        Ok(())
    }

    /// Every version of a document that was acknowledged stands, was overwritten knowingly, or is
    /// in the list of conflicts at the top.
    fn accounted(&self) -> Result<()> {
        let top = State::of(self.top())?;
        let held = self.sides.iter().flat_map(|side| &side.held.documents);
        let vanished = self.versions.vanished(held, &top.standing, &top.lost);
        if vanished.is_empty() {
            return Ok(());
        }
        let mut where_lost = String::new();
        for side in &self.sides {
            let lost = State::of(side)?.lost;
            let here = vanished.iter().filter(|value| lost.contains(**value)).count();
            where_lost += &format!(" {here} of them are conflicts at {};", side.name);
        }
        anyhow::bail!("versions of documents vanished: {vanished:?};{where_lost}")
    }

    fn standings(&self) -> String {
        let standing = |side: &Side| {
            let status = side.node.admin().get("/sync/v1/status");
            let status = status.map_or_else(|error| error.to_string(), |status| status.text());
            format!("\n{}: {status}", side.name)
        };
        self.sides.iter().map(standing).collect()
    }
}
