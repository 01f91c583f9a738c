//! What is underway, by name.

use crate::node::{Id, Request};

#[derive(Clone, Debug, Default)]
pub struct Requests {
    places: Vec<(u32, Option<Request>)>,
    free: Vec<u32>,
}

impl Requests {
    pub fn add(&mut self, request: Request) -> Id {
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push((0, None));
            self.places.len() as u32 - 1
        });
        let entry = &mut self.places[place as usize];
        entry.1 = Some(request);
        Id { place, generation: entry.0 }
    }

    pub fn get(&mut self, id: Id) -> Option<&mut Request> {
        let (generation, request) = self.places.get_mut(id.place as usize)?;
        if *generation == id.generation { request.as_mut() } else { None }
    }

    pub fn remove(&mut self, id: Id) -> Option<Request> {
        let (generation, request) = self.places.get_mut(id.place as usize)?;
        if *generation != id.generation {
            return None;
        }
        let removed = request.take()?;
        *generation += 1;
        self.free.push(id.place);
        Some(removed)
    }
}
