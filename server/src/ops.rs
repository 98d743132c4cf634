//! What an operator meets: health, metrics, the API's description, and the dashboard's files.

pub(crate) mod assets;
pub(crate) mod docs;
pub(crate) mod health;
pub(crate) mod metrics;
pub(crate) mod parts;
