//! Events.

use super::{ReadError, Reads};
use crate::plan::{EventList, IdCursor};
use crate::shape::event::{Event, events};
use crate::sql;

impl Reads {
    /// One page of a project's events, and where the next one begins.
    pub(crate) async fn list_events(
        &self,
        list: &EventList,
    ) -> Result<(Vec<Event>, Option<IdCursor>), ReadError> {
        let mut found = events(&self.run(sql::events(list, list.limit + 1)).await?)?;
        let is_overfull = found.len() > list.limit;
        found.truncate(list.limit);
        let next = found
            .last()
            .filter(|_| is_overfull)
            .map(|(place, _)| place.clone());
        Ok((found.into_iter().map(|(_, event)| event).collect(), next))
    }
}
