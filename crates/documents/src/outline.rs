use std::collections::HashMap;

use hedgeschool_package::{Block, Error, address};

use crate::path::folder_of;

/// Most folders that lessons are in: each names all that are around it.
const FOLDERS_MAX: usize = 5_000;

/// The folders that lessons are in, as blocks.
pub struct Outline<'a> {
    course: &'a str,
    /// In the order in which they came: one stands before those inside it.
    pub blocks: Vec<Block>,
    known: HashMap<String, usize>,
}

impl<'a> Outline<'a> {
    /// Of a course that has none yet.
    pub fn new(course: &'a str) -> Self {
        Self { course, blocks: Vec::new(), known: HashMap::new() }
    }

    /// The block of a file, which comes to be if it has to. None: the file is in no folder.
    pub fn block_of(&mut self, path: &str) -> Result<Option<usize>, Error> {
        let folder = folder_of(path);
        if folder.is_empty() {
            return Ok(None);
        }
        if let Some(block) = self.known.get(folder) {
            return Ok(Some(*block));
        }
        let parent = self.block_of(folder)?;
        if self.blocks.len() == FOLDERS_MAX {
            let rule = format!("has documents in more than {FOLDERS_MAX} folders");
            return Err(Error::TooLarge(rule));
        }
        let title = folder.rsplit('/').next().unwrap_or(folder).to_owned();
        let id = format!("{}#{}/", self.course, address::of_file(folder));
        self.blocks.push(Block { id, title, parent });
        self.known.insert(folder.to_owned(), self.blocks.len() - 1);
        Ok(Some(self.blocks.len() - 1))
    }
}
