//! `/docs`: the API's description as one page of HTML, rendered from the same document as `/openapi.json`.
//! No script and nothing from elsewhere, so it works without a network.

use std::fmt::Write as _;

use serde_json::Value;
use utoipa::openapi::OpenApi;

const HEAD: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>Brokle API</title><style>\
:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
code,pre{font:13px/1.45 ui-monospace,monospace}section{border-top:1px solid color-mix(in oklab,currentColor 20%,transparent);padding:.75rem 0}\
h2{margin:2rem 0 .5rem}h3{margin:0;font-size:1rem}b{display:inline-block;min-width:4.5rem}pre{overflow:auto;padding:.5rem;\
background:color-mix(in oklab,currentColor 7%,transparent)}table{border-spacing:0 .2rem}td{padding-right:1rem;vertical-align:top}</style>\
<h1>Brokle API</h1><p>The same as <a href=\"/openapi.json\">/openapi.json</a>. <code>POST /v1/traces</code> takes OTLP, \
as the OpenTelemetry protocol describes it.</p>";

/// Renders the page.
pub(crate) fn render(openapi: &OpenApi) -> String {
    let document = serde_json::to_value(openapi).unwrap_or_default();
    let mut page = HEAD.to_owned();
    page.push_str("<h2>Operations</h2>");
    for (path, item) in entries(&document["paths"]) {
        for (method, operation) in entries(item).filter(|(_, operation)| operation["responses"].is_object()) {
            render_operation(&mut page, method, path, operation);
        }
    }
    page.push_str("<h2>Schemas</h2>");
    for (name, schema) in entries(&document["components"]["schemas"]) {
        let text = serde_json::to_string_pretty(schema).unwrap_or_default();
        let name = escape(name);
        let _ = write!(
            page,
            "<details id=\"{name}\"><summary><code>{name}</code></summary><pre>{}</pre></details>",
            escape(&text)
        );
    }
    page
}

fn render_operation(page: &mut String, method: &str, path: &str, operation: &Value) {
    let summary = operation["summary"]
        .as_str()
        .or(operation["description"].as_str())
        .unwrap_or_default();
    let _ = write!(
        page,
        "<section><h3><b>{}</b> <code>{}</code></h3><p>{}</p><table>",
        method.to_uppercase(),
        escape(path),
        escape(summary)
    );
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let name = escape(parameter["name"].as_str().unwrap_or_default());
        let about = escape(parameter["description"].as_str().unwrap_or_default());
        let place = parameter["in"].as_str().unwrap_or_default();
        let required = if parameter["required"] == true {
            ", required"
        } else {
            ""
        };
        let _ = write!(
            page,
            "<tr><td><code>{name}</code><td>{place}{required}<td>{about}"
        );
    }
    for schema in references(&operation["requestBody"]) {
        let _ = write!(page, "<tr><td>body<td><td>{schema}");
    }
    for (status, response) in entries(&operation["responses"]) {
        let about = escape(response["description"].as_str().unwrap_or_default());
        let schemas: Vec<String> = references(response).collect();
        let _ = write!(
            page,
            "<tr><td>{}<td><td>{about} {}",
            escape(status),
            schemas.join(" ")
        );
    }
    page.push_str("</table></section>");
}

/// Links to the schemas that the contents of a body refer to.
fn references(body: &Value) -> impl Iterator<Item = String> {
    entries(&body["content"]).filter_map(|(_, content)| {
        let name = content["schema"]["$ref"].as_str()?.rsplit('/').next()?;
        let name = escape(name);
        Some(format!("<a href=\"#{name}\"><code>{name}</code></a>"))
    })
}

fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.as_str(), value))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_described_is_shown_and_escaped() {
        let document = serde_json::json!({
            "openapi": "3.1.0", "info": {"title": "t", "version": "1"},
            "paths": {"/things/{id}": {"get": {"summary": "Reads <one>", "responses": {"200": {"description": "it"}}}}}
        });
        let page = render(&serde_json::from_value(document).unwrap());
        assert!(page.contains("<b>GET</b> <code>/things/{id}</code>"), "{page}");
        assert!(page.contains("Reads &lt;one&gt;"), "{page}");
    }
}
