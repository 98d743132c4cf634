//! Descriptions of the model's words for `/openapi.json`; the model itself knows no framework.

use brokle_model::principal::{Role, Scope};
use utoipa::openapi::schema::{Array, Object, ObjectBuilder, Type};

pub(crate) fn role() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(Role::ALL.map(Role::as_str)))
        .build()
}

pub(crate) fn scopes() -> Array {
    let words = Scope::ALL.map(Scope::as_str);
    Array::new(
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(words))
            .build(),
    )
}

pub(crate) fn key_format() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(["project", "short"]))
        .build()
}
