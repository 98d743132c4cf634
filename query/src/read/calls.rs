//! Calls of the gateway: pages, one with its attempts, and attempts added up.

use brokle_model::id::{ProjectId, SpanId};

use super::{Page, ReadError, Reads};
use crate::plan::{RequestList, RoutingBreakdown};
use crate::shape::calls::{RequestDetail, RequestLog, RoutingLine, attempts, requests, routing_lines};
use crate::sql::{self, Window};

impl Reads {
    /// One page of a project's calls.
    pub(crate) async fn list_requests(&self, list: &RequestList) -> Result<Page<RequestLog>, ReadError> {
        let mut found = requests(&self.run(sql::requests(list, list.limit + 1)).await?)?;
        let is_overfull = found.len() > list.limit;
        found.truncate(list.limit);
        let next = found.last().filter(|_| is_overfull).map(|last| last.place);
        Ok(Page {
            items: found.into_iter().map(|found| found.request).collect(),
            next,
        })
    }

    /// One call with its attempts.
    pub(crate) async fn get_request(
        &self,
        project: ProjectId,
        call: SpanId,
    ) -> Result<RequestDetail, ReadError> {
        let found = requests(&self.run(sql::request(project, call)).await?)?.pop();
        let found = found.ok_or(ReadError::RequestNotFound)?;
        let window = Window {
            first_ns: found.place.start_ns,
            last_ns: found.end_ns,
        };
        let made = self
            .run(sql::attempts(project, found.place.trace, call, window))
            .await?;
        Ok(RequestDetail {
            request: found.request,
            attempts_made: attempts(&made)?,
        })
    }

    /// A project's attempts, added up.
    pub(crate) async fn routing(&self, breakdown: &RoutingBreakdown) -> Result<Vec<RoutingLine>, ReadError> {
        let batches = self.run(sql::routing(breakdown)).await?;
        Ok(routing_lines(&batches, &breakdown.keys)?)
    }
}
