//! What can be wrong with the gateway's configuration, in the user's words.

/// Why a configuration is refused. The one in force stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A name with characters that a `model` value could not carry.
    #[error("`{name}` cannot name a {kind}: use letters, digits, `.`, `_` and `-`, at most 64 of them")]
    Name {
        /// Provider or route.
        kind: &'static str,
        /// As written.
        name: String,
    },
    /// A key for signing that is only half there.
    #[error(
        "provider `{provider}` has one of `access_key_id` and `secret_access_key`: it needs both or neither"
    )]
    HalfKey {
        /// Whose.
        provider: String,
    },
    /// A file of providers and models that cannot be used.
    #[error("`gateway.catalog_file` names {path}, which cannot be used: {reason}")]
    CatalogFile {
        /// Which.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A service account's key file that cannot be used.
    #[error("provider `{provider}` has the key file {path}, which cannot be used: {reason}")]
    CredentialsFile {
        /// Whose.
        provider: String,
        /// Which.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A part of an address that nothing says.
    #[error(
        "provider `{provider}` needs `{variable}` for its address: set that variable, or `region`, `project` or `base_url`"
    )]
    Variable {
        /// Whose.
        provider: String,
        /// Which.
        variable: String,
    },
    /// A provider that is not in the built-in table, and has no address.
    #[error("provider `{provider}` needs a `base_url`: it is not one of the built-in providers ({known})")]
    BaseUrlMissing {
        /// Whose.
        provider: String,
        /// Names that need none.
        known: String,
    },
    /// An address that is not one.
    #[error("provider `{provider}` has the address `{url}`, which is not usable: {reason}")]
    BaseUrl {
        /// Whose.
        provider: String,
        /// As written.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Two sources for one key.
    #[error("provider `{provider}` has both `api_key` and `api_key_env`: keep one")]
    TwoKeys {
        /// Whose.
        provider: String,
    },
    /// A key that cannot be sent in a header.
    #[error("the key of provider `{provider}` has characters that a header cannot carry")]
    Key {
        /// Whose.
        provider: String,
    },
    /// A route without targets, or with too many.
    #[error("route `{route}` has {count} targets; it needs 1 to {max}")]
    TargetCount {
        /// Whose.
        route: String,
        /// As written.
        count: usize,
        /// The bound.
        max: usize,
    },
    /// A weighted route whose weights are all zero.
    #[error("route `{route}` is weighted, but every weight is 0")]
    Weights {
        /// Whose.
        route: String,
    },
    /// A target at a provider that does not exist.
    #[error("route `{route}` names provider `{provider}`, which is neither configured nor built in")]
    UnknownProvider {
        /// Whose.
        route: String,
        /// As written.
        provider: String,
    },
    /// A target without a model.
    #[error("route `{route}` has a target at `{provider}` without a model")]
    TargetModel {
        /// Whose.
        route: String,
        /// At which provider.
        provider: String,
    },
    /// A route that makes no sense.
    #[error("route `{route}` {reason}")]
    Route {
        /// Its name.
        route: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A name that two routes have.
    #[error("`{alias}` names both route `{}` and route `{}`", .routes[0], .routes[1])]
    Alias {
        /// The name.
        alias: String,
        /// Whose.
        routes: [String; 2],
    },
    /// A provider of an organisation's own that it may not have.
    #[error("provider `{provider}` {reason}")]
    Tenant {
        /// Whose.
        provider: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// Keys that make no sense.
    #[error("provider `{provider}` {reason}")]
    Keys {
        /// Whose.
        provider: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// A quota that makes no sense.
    #[error("quota `{quota}` {reason}")]
    Quota {
        /// Its name.
        quota: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Meanings are to be compared, and nothing computes them.
    #[error(
        "`gateway.cache.mode` is `semantic`: name a model in `gateway.semantic_cache.model` (scripts/fetch-embedding-model makes one)"
    )]
    SemanticModel,
    /// A likeness that is none.
    #[error("`gateway.semantic_cache.threshold` must be between 0.5 and 1")]
    SemanticThreshold,
    /// A guardrail that makes no sense.
    #[error("guardrail `{guardrail}` {reason}")]
    Guard {
        /// Its name.
        guardrail: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A number outside its bounds.
    #[error("`gateway.{key}` is {value}; it must be between {min} and {max}")]
    Range {
        /// Which.
        key: &'static str,
        /// As written.
        value: u64,
        /// Least.
        min: u64,
        /// Greatest.
        max: u64,
    },
    /// The TLS library could not be set up.
    #[error("TLS for provider connections could not be set up: {reason}")]
    Tls {
        /// What it said.
        reason: String,
    },
}
