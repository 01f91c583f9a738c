//! The units of a course, as its page shows them.

use std::collections::HashMap;
use std::iter::successors;

use crate::attainment::{Attainment, Stage, describe_requirement, is_satisfied};
use crate::store::{Block, Completion, LaunchMethod, Unit};

/// A unit on its course's page.
pub struct UnitCard {
    /// The titles of the blocks that begin with it, if some do.
    pub block: Option<String>,
    /// The publisher's IRI, which the launch form sends back.
    pub id: String,
    /// Title.
    pub title: String,
    /// What it asks for, until that is reached; may be empty.
    pub requirement: String,
    /// What the visitor has reached in it.
    pub attainment: Attainment,
    /// Whether it wants a window of its own.
    pub has_own_window: bool,
}

impl UnitCard {
    fn of(unit: Unit, block: Option<String>, reached: Option<&Completion>) -> Self {
        let is_asked = !is_satisfied(reached, unit.move_on);
        let requirement = is_asked.then(|| describe_requirement(unit.move_on, unit.mastery_score));
        Self {
            block,
            requirement: requirement.unwrap_or_default(),
            attainment: Attainment::of(reached),
            has_own_window: unit.launch_method == LaunchMethod::OwnWindow,
            id: unit.id,
            title: unit.title,
        }
    }

    /// What pressing its button does.
    pub fn action(&self) -> &'static str {
        match self.attainment.stage {
            Stage::New => "Start",
            Stage::Going => "Continue",
            Stage::Done => "Open again",
        }
    }
}

/// The units in course order, each with the heading of its blocks where these begin.
pub fn unit_cards(
    units: Vec<Unit>,
    blocks: &[Block],
    reached: &HashMap<String, Completion>,
) -> Vec<UnitCard> {
    let mut around = None;
    let card = |unit: Unit| {
        let is_next = std::mem::replace(&mut around, unit.block) != unit.block;
        let block = unit.block.filter(|_| is_next).map(|block| block_path(blocks, block));
        let reached = reached.get(&unit.activity);
        UnitCard::of(unit, block, reached)
    };
    units.into_iter().map(card).collect()
}

/// The titles of a block and those around it, the outermost first.
fn block_path(blocks: &[Block], block: u32) -> String {
    let find = |position: u32| blocks.get(position as usize);
    let path = successors(find(block), |block| block.parent.and_then(find));
    // One that another node sent may go round in a circle.
    let path = path.take(blocks.len());
    let mut titles: Vec<_> = path.map(|block| block.title.as_str()).collect();
    titles.reverse();
    titles.join(" › ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MoveOn;

    fn unit(activity: &str, block: Option<u32>) -> Unit {
        Unit {
            id: activity.into(),
            activity: activity.into(),
            title: String::new(),
            url: String::new(),
            player: None,
            launch_method: LaunchMethod::AnyWindow,
            launch_parameters: String::new(),
            move_on: MoveOn::Passed,
            mastery_score: None,
            entitlement_key: None,
            block,
        }
    }

    fn block(title: &str, parent: Option<u32>) -> Block {
        Block { id: title.into(), activity: title.into(), title: title.into(), parent }
    }

    #[test]
    fn a_block_has_its_heading_where_it_begins() {
        let blocks = [block("Term", None), block("Week", Some(0))];
        let units =
            vec![unit("a", None), unit("b", Some(1)), unit("c", Some(1)), unit("d", Some(0))];
        let cards = unit_cards(units, &blocks, &HashMap::new());
        let headings: Vec<_> = cards.iter().map(|card| card.block.as_deref()).collect();
        assert_eq!(headings, [None, Some("Term › Week"), None, Some("Term")]);
    }

    #[test]
    fn blocks_that_go_round_in_a_circle_come_to_an_end() {
        let blocks = [block("A", Some(1)), block("B", Some(0))];
        assert_eq!(block_path(&blocks, 0), "B › A");
        assert_eq!(block_path(&blocks, 7), "");
    }

    #[test]
    fn a_unit_says_what_it_asks_for_until_that_is_reached() {
        let reached = |passed| Completion {
            activity: "a".into(),
            completed: false,
            passed,
            score: None,
            progress: None,
            duration: 0,
            statements: 1,
            updated: 0,
        };
        let says = |reached: Option<&Completion>| {
            let card = UnitCard::of(unit("a", None), None, reached);
            (card.action(), card.requirement)
        };
        assert_eq!(says(None), ("Start", "Pass it".to_owned()));
        assert_eq!(says(Some(&reached(false))), ("Continue", "Pass it".to_owned()));
        assert_eq!(says(Some(&reached(true))), ("Open again", String::new()));
    }
}
