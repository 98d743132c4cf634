//! Sessions: connections that a client keeps by name (`session_id`) for its temporary tables and `SET`s.
//!
//! A session's connection is taken out while a query uses it, which is also the lock that the interface
//! prescribes. Settings of one request must not stay in the session, so they are put back afterwards.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::exception::{Code, Exception};
use crate::ffi::Connection;
use crate::request::SessionRequest;
use crate::sql::quote;

/// What is kept of a session between two queries; `None` while one runs.
struct Kept {
    connection: Option<Connection>,
    timeout: Duration,
    used: Instant,
}

impl Kept {
    fn is_expired(&self, now: Instant) -> bool {
        self.connection.is_some() && now.duration_since(self.used) > self.timeout
    }
}

/// The sessions of the process.
pub(crate) struct Sessions {
    kept: Mutex<HashMap<String, Kept>>,
    sessions_max: usize,
}

/// A session's connection, taken out for one query. Dropping it without [`Checkout::put_back`] ends the
/// session.
pub(crate) struct Checkout<'sessions> {
    sessions: &'sessions Sessions,
    id: String,
    connection: Option<Connection>,
}

impl Sessions {
    pub(crate) fn new(sessions_max: usize) -> Self {
        Self {
            kept: Mutex::new(HashMap::new()),
            sessions_max,
        }
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<String, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the session's connection, or makes a new session with the one that `connect` gives.
    pub(crate) fn take(
        &self,
        request: &SessionRequest,
        connect: impl FnOnce() -> Result<Connection, Exception>,
    ) -> Result<Checkout<'_>, Exception> {
        self.remove_expired();
        let mut kept = self.kept();
        let connection = match kept.get_mut(&request.id) {
            Some(session) => {
                session.timeout = request.timeout;
                session
                    .connection
                    .take()
                    .ok_or_else(|| Exception::new(Code::SESSION_IS_LOCKED, "Session is locked"))?
            }
            None if request.must_exist => {
                return Err(Exception::new(
                    Code::SESSION_NOT_FOUND,
                    "Session not found or expired",
                ));
            }
            None => {
                self.make_room(&mut kept)?;
                let connection = connect()?;
                let session = Kept {
                    connection: None,
                    timeout: request.timeout,
                    used: Instant::now(),
                };
                kept.insert(request.id.clone(), session);
                connection
            }
        };
        Ok(Checkout {
            sessions: self,
            id: request.id.clone(),
            connection: Some(connection),
        })
    }

    /// Ends the longest idle session when there are too many.
    fn make_room(&self, kept: &mut HashMap<String, Kept>) -> Result<(), Exception> {
        if kept.len() < self.sessions_max {
            return Ok(());
        }
        let idle = kept.iter().filter(|(_, session)| session.connection.is_some());
        let oldest = idle
            .min_by_key(|(_, session)| session.used)
            .map(|(id, _)| id.clone());
        match oldest {
            Some(id) => {
                kept.remove(&id);
                Ok(())
            }
            None => Err(Exception::new(
                Code::TOO_MANY_SIMULTANEOUS_QUERIES,
                "Too many sessions are in use",
            )),
        }
    }

    /// Ends the sessions that were idle for longer than their timeout.
    pub(crate) fn remove_expired(&self) {
        let now = Instant::now();
        self.kept().retain(|_, session| !session.is_expired(now));
    }

    /// Ends all sessions.
    pub(crate) fn clear(&self) {
        self.kept().clear();
    }
}

impl Checkout<'_> {
    pub(crate) fn connection(&mut self) -> Option<&mut Connection> {
        self.connection.as_mut()
    }

    /// Gives the connection back to its session.
    pub(crate) fn put_back(mut self) {
        let connection = self.connection.take();
        if let Some(session) = self.sessions.kept().get_mut(&self.id) {
            session.connection = connection;
            session.used = Instant::now();
        }
    }
}

impl Drop for Checkout<'_> {
    fn drop(&mut self) {
        if self.connection.take().is_some() {
            self.sessions.kept().remove(&self.id);
        }
    }
}

/// The statement that puts back the present values of `settings`.
pub(crate) fn restore_statement(
    connection: &mut Connection,
    settings: &[(String, String)],
) -> Result<Option<Vec<u8>>, Exception> {
    if settings.is_empty() {
        return Ok(None);
    }
    let names: Vec<String> = settings.iter().map(|(name, _)| quote(name)).collect();
    let text = format!(
        "SELECT 'SET ' || arrayStringConcat(groupArray(name || ' = ' || if(changed, \
         '\\'' || replaceAll(replaceAll(value, '\\\\', '\\\\\\\\'), '\\'', '\\\\\\'') || '\\'', 'DEFAULT')), ', ') \
         FROM system.settings WHERE name IN ({}) HAVING count() > 0 FORMAT RawBLOB",
        names.join(", ")
    );
    let result = connection.query(text.as_bytes(), "RawBLOB", &[])?;
    let statement = result.bytes();
    Ok((!statement.is_empty()).then(|| statement.to_vec()))
}
