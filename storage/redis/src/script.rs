//! The scripts that make a step atomic. Redis keeps them by their digest; one that it does not know (it was
//! restarted, or its scripts were flushed) is loaded and called again.

use redis::{Script, ScriptInvocation};

use crate::config::{RedisConfig, Time};

pub(crate) fn limiter() -> Script {
    Script::new(include_str!("lua/limiter.lua"))
}

pub(crate) fn quota() -> Script {
    Script::new(include_str!("lua/quota.lua"))
}

pub(crate) fn settle() -> Script {
    Script::new(include_str!("lua/settle.lua"))
}

pub(crate) fn raise() -> Script {
    Script::new(include_str!("lua/raise.lua"))
}

/// What the scripts take for now; with nothing they ask Redis.
pub(crate) fn arg_now(invocation: &mut ScriptInvocation<'_>, config: &RedisConfig, unit: Unit) {
    match (&config.time, unit) {
        (Time::Server, _) => invocation.arg(""),
        (Time::Clock(clock), Unit::Micros) => invocation.arg(clock.now().timestamp_micros()),
        (Time::Clock(clock), Unit::Millis) => invocation.arg(clock.now().timestamp_millis()),
    };
}

/// What a script reckons in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Unit {
    Micros,
    Millis,
}
