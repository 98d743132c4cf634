//! Two attempts of one call at the same time: each writes into a record of its own, and the two become one when
//! the race is over. The attempt that counts is the last, as it is everywhere.

use super::{CallGuard, CallRecord, Caller, Failure, Outcome};
use crate::guard::GuardRecord;

/// Whose outcome is the call's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RaceEnd {
    /// That of the call's own attempt.
    FirstWon,
    /// That of the attempt that began later.
    SecondWon,
}

impl CallRecord {
    /// A record of the same call, with no attempts yet.
    fn beside(&self) -> Self {
        Self {
            door: self.door,
            project: self.project,
            key: self.key,
            models: self.models.clone(),
            environment: self.environment.clone(),
            trace: self.trace.clone(),
            span: self.span,
            started_at: self.started_at,
            started: self.started,
            ended: self.ended,
            caller: Caller {
                user: self.caller.user.clone(),
                session: self.caller.session.clone(),
                request_id: self.caller.request_id.clone(),
                user_agent: self.caller.user_agent.clone(),
            },
            capture: self.capture,
            request: None,
            route: self.route.clone(),
            strategy: self.strategy,
            rule: self.rule.clone(),
            arm: self.arm.clone(),
            overrides: Vec::new(),
            shadow: self.shadow,
            explained: None,
            passed_over: Vec::new(),
            cache: None,
            guard: self.guard.as_ref().map(GuardRecord::beside),
            quota: None,
            attempts: Vec::new(),
            attempts_before: self.attempts.len() + 1,
            status: 0,
            failure: None,
            outcome: Outcome::Answered,
        }
    }

    /// A copy of the call for nobody to see the answer: a span of its own under the call's.
    pub(crate) fn shadow(&self) -> Self {
        Self {
            span: brokle_model::id::SpanId::generate(),
            trace: self.trace.child_of(self.span),
            request: self.request.clone(),
            strategy: "shadow",
            shadow: true,
            attempts_before: 0,
            ..self.beside()
        }
    }

    /// Takes the other record's attempts. What still ran is ended with `decision`.
    pub(super) fn join_race(
        &mut self,
        mut sibling: Self,
        end: RaceEnd,
        failure: Option<Failure>,
        decision: &'static str,
    ) {
        let decision = if failure.is_some() { "gave_up" } else { decision };
        match end {
            RaceEnd::FirstWon => {
                sibling.end_attempt(failure, decision);
                let before_last = self.attempts.len().saturating_sub(1);
                self.attempts.splice(before_last..before_last, sibling.attempts);
            }
            RaceEnd::SecondWon => {
                self.end_attempt(failure, decision);
                self.attempts.append(&mut sibling.attempts);
            }
        }
    }
}

impl CallGuard {
    /// The call's record, and one for an attempt that races it.
    #[expect(clippy::expect_used, reason = "the record leaves only with the guard itself")]
    pub(crate) fn race(&mut self) -> (&mut CallRecord, &mut CallRecord) {
        let beside = Box::new(self.beside());
        let sibling = self.sibling.insert(beside);
        let record = self.record.as_deref_mut();
        (
            record.expect("a guard holds its record until it is consumed"),
            sibling,
        )
    }

    /// The race is over. `failure` is the loser's, when it failed; else it is ended here.
    pub(crate) fn end_race(&mut self, end: RaceEnd, failure: Option<Failure>, decision: &'static str) {
        if let Some(sibling) = self.sibling.take() {
            self.join_race(*sibling, end, failure, decision);
        }
    }
}
