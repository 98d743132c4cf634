//! `OpenAI`'s embeddings for providers of other formats: texts into theirs, numbers out of it. One call of the caller's
//! is one of the provider's; more texts than it takes at once are refused, not spread over several.
//! Deliberately absent: tokens as input, which only `OpenAI`'s vocabulary could read, and pictures.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

use super::request_fields::{RequestFields, wrong};
use super::{BadAnswer, Translated, Untranslatable};
use crate::config::Dialect;
use crate::tokens;

const FORMAT: &str = "the provider's format of embeddings";
/// Cohere wants to know what an embedding is for; this is what an index is made of.
const INPUT_TYPE: &str = "search_document";

/// Whose body it is, on a provider that serves several makers' models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Gemini,
    Vertex,
    Cohere { names_model: bool },
    Titan,
}

fn form_of(dialect: Dialect, model: &str) -> Option<Form> {
    match dialect {
        Dialect::Gemini => Some(Form::Gemini),
        Dialect::Vertex => Some(Form::Vertex),
        Dialect::Cohere => Some(Form::Cohere { names_model: true }),
        Dialect::Bedrock if model.contains("cohere.") => Some(Form::Cohere { names_model: false }),
        Dialect::Bedrock if model.contains("titan-embed") => Some(Form::Titan),
        _ => None,
    }
}

/// The request as a provider of `dialect` takes it for `model`.
pub(super) fn request(body: &[u8], dialect: Dialect, model: &str) -> Result<Translated, Untranslatable> {
    let form = form_of(dialect, model).ok_or_else(|| {
        Untranslatable::new(format!(
            "the gateway cannot serve /v1/embeddings of `{model}` from this provider: its format has none that is known"
        ))
    })?;
    let mut fields = RequestFields::parse(body)?;
    let texts = texts(fields.take("input"))?;
    let size = fields.take_number("dimensions")?;
    let purpose = fields.take_text("input_type")?;
    fields.take("encoding_format");
    if fields.take("user").is_some() {
        fields.adapt("user");
    }
    let mut out = match form {
        Form::Gemini => gemini(&texts, model, size.as_ref(), purpose.as_deref()),
        Form::Vertex => vertex(&texts, size.as_ref(), purpose.as_deref()),
        Form::Titan => titan(&texts, size.as_ref())?,
        Form::Cohere { .. } => {
            if purpose.is_none() {
                fields.adapt("input_type");
            }
            let purpose = purpose.as_deref().unwrap_or(INPUT_TYPE);
            let mut out = json!({ "texts": texts, "input_type": purpose, "embedding_types": ["float"] });
            if let Some(size) = size {
                out["output_dimension"] = size;
            }
            out
        }
    };
    if form == (Form::Cohere { names_model: true }) {
        out["model"] = json!(model);
    }
    let adapted = fields.finish(FORMAT)?;
    Ok(Translated {
        body: Bytes::from(out.to_string()),
        adapted,
    })
}

fn texts(input: Option<Value>) -> Result<Vec<String>, Untranslatable> {
    let expected = "a string or an array of strings: tokens mean nothing to this provider";
    let items = match input {
        Some(Value::String(text)) => return Ok(vec![text]),
        Some(Value::Array(items)) if !items.is_empty() => items,
        _ => return Err(wrong("input", expected)),
    };
    let text = |item| match item {
        Value::String(text) => Ok(text),
        _ => Err(wrong("input", expected)),
    };
    items.into_iter().map(text).collect()
}

fn gemini(texts: &[String], model: &str, size: Option<&Value>, purpose: Option<&str>) -> Value {
    let name = format!("models/{}", model.strip_prefix("models/").unwrap_or(model));
    let requests = texts.iter().map(|text| {
        let mut one = json!({ "model": name, "content": { "parts": [{ "text": text }] } });
        if let Some(size) = size {
            one["outputDimensionality"] = size.clone();
        }
        if let Some(purpose) = purpose {
            one["taskType"] = json!(purpose);
        }
        one
    });
    json!({ "requests": requests.collect::<Vec<_>>() })
}

fn vertex(texts: &[String], size: Option<&Value>, purpose: Option<&str>) -> Value {
    let instances = texts.iter().map(|text| {
        let mut one = json!({ "content": text });
        if let Some(purpose) = purpose {
            one["task_type"] = json!(purpose);
        }
        one
    });
    let mut out = json!({ "instances": instances.collect::<Vec<_>>() });
    if let Some(size) = size {
        out["parameters"] = json!({ "outputDimensionality": size });
    }
    out
}

fn titan(texts: &[String], size: Option<&Value>) -> Result<Value, Untranslatable> {
    let [text] = texts else {
        return Err(Untranslatable::new(
            "Amazon's Titan embeds one text a call: send `input` as one string",
        ));
    };
    let mut out = json!({ "inputText": text });
    if let Some(size) = size {
        out["dimensions"] = size.clone();
    }
    Ok(out)
}

/// An answer in `OpenAI`'s format. `asked` is what the caller sent: how the numbers are to be written is in it.
pub(super) fn answer(
    asked: &[u8],
    body: &[u8],
    (dialect, model): (Dialect, &str),
) -> Result<Bytes, BadAnswer> {
    let said: Value = serde_json::from_slice(body).map_err(|_| BadAnswer("it is not JSON"))?;
    if said.get("error").is_some() {
        return Ok(Bytes::copy_from_slice(body));
    }
    let asked: Value = serde_json::from_slice(asked).unwrap_or_default();
    let form = form_of(dialect, model).ok_or(BadAnswer("it is of no known form"))?;
    let list = |value: &Value| value.as_array().cloned();
    let vectors = match form {
        Form::Gemini => each(&said["embeddings"], |one| one["values"].clone()),
        Form::Vertex => each(&said["predictions"], |one| one["embeddings"]["values"].clone()),
        Form::Titan => said["embedding"]
            .is_array()
            .then(|| vec![said["embedding"].clone()]),
        Form::Cohere { .. } => list(&said["embeddings"]["float"]).or_else(|| list(&said["embeddings"])),
    };
    let vectors = vectors.ok_or(BadAnswer("it has no embeddings"))?;
    let in_base64 = asked["encoding_format"] == "base64";
    let mut data = Vec::with_capacity(vectors.len());
    for (index, vector) in vectors.into_iter().enumerate() {
        let vector = if in_base64 { packed(&vector)? } else { vector };
        data.push(json!({ "object": "embedding", "index": index, "embedding": vector }));
    }
    let tokens = said_tokens(&said, form).unwrap_or_else(|| counted_tokens(&asked, model));
    let answer = json!({
        "object": "list", "data": data, "model": model,
        "usage": { "prompt_tokens": tokens, "total_tokens": tokens },
    });
    Ok(Bytes::from(answer.to_string()))
}

fn each(list: &Value, pick: impl Fn(&Value) -> Value) -> Option<Vec<Value>> {
    list.as_array().map(|list| list.iter().map(pick).collect())
}

fn said_tokens(said: &Value, form: Form) -> Option<u64> {
    match form {
        Form::Gemini => said["usageMetadata"]["promptTokenCount"].as_u64(),
        Form::Titan => said["inputTextTokenCount"].as_u64(),
        Form::Cohere { .. } => {
            let billed = said["meta"]["billed_units"]["input_tokens"].as_f64()?;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "token counts are small; a negative one becomes 0"
            )]
            Some(billed as u64)
        }
        Form::Vertex => {
            let predictions = said["predictions"].as_array()?;
            let counts = predictions
                .iter()
                .map(|one| one["embeddings"]["statistics"]["token_count"].as_f64());
            let total: f64 = counts.sum::<Option<f64>>()?;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "token counts are small; a negative one becomes 0"
            )]
            Some(total as u64)
        }
    }
}

/// Some providers do not say; then the gateway counts.
fn counted_tokens(asked: &Value, model: &str) -> u64 {
    let texts = texts(asked.get("input").cloned()).unwrap_or_default();
    texts.iter().map(|text| tokens::count(text, model)).sum()
}

/// Numbers as `OpenAI` packs them: little-endian, four bytes each, in base64.
fn packed(vector: &Value) -> Result<Value, BadAnswer> {
    let numbers = vector.as_array().ok_or(BadAnswer("an embedding is no list"))?;
    let mut bytes = Vec::with_capacity(numbers.len() * 4);
    for number in numbers {
        let number = number
            .as_f64()
            .ok_or(BadAnswer("an embedding is not of numbers"))?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "embeddings are given in this precision"
        )]
        bytes.extend_from_slice(&(number as f32).to_le_bytes());
    }
    Ok(json!(STANDARD.encode(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(dialect: Dialect, model: &str, body: &Value) -> Value {
        let out = request(body.to_string().as_bytes(), dialect, model).unwrap();
        serde_json::from_slice(&out.body).unwrap()
    }

    fn read(dialect: Dialect, model: &str, asked: &Value, said: &Value) -> Value {
        let (asked, said) = (asked.to_string(), said.to_string());
        let out = answer(asked.as_bytes(), said.as_bytes(), (dialect, model)).unwrap();
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn texts_are_put_as_each_maker_wants_them() {
        let asked =
            json!({ "model": "x", "input": ["a", "b"], "dimensions": 256, "encoding_format": "float" });
        assert_eq!(
            sent(Dialect::Gemini, "gemini-embedding-001", &asked)["requests"][1],
            json!({ "model": "models/gemini-embedding-001", "content": { "parts": [{ "text": "b" }] },
                "outputDimensionality": 256 })
        );
        assert_eq!(
            sent(Dialect::Cohere, "embed-v4.0", &asked),
            json!({ "texts": ["a", "b"], "input_type": "search_document", "embedding_types": ["float"],
                "output_dimension": 256, "model": "embed-v4.0" })
        );
        assert_eq!(
            sent(Dialect::Bedrock, "cohere.embed-v4:0", &asked).get("model"),
            None
        );
        let one = json!({ "model": "x", "input": "a", "dimensions": 256 });
        assert_eq!(
            sent(Dialect::Bedrock, "amazon.titan-embed-text-v2:0", &one),
            json!({ "inputText": "a", "dimensions": 256 })
        );
        assert_eq!(
            sent(Dialect::Vertex, "text-embedding-005", &asked),
            json!({ "instances": [{ "content": "a" }, { "content": "b" }],
                "parameters": { "outputDimensionality": 256 } })
        );
    }

    #[test]
    fn what_cannot_be_asked_is_refused() {
        for (dialect, model, body, word) in [
            (
                Dialect::Bedrock,
                "amazon.titan-embed-text-v2:0",
                json!({ "input": ["a", "b"] }),
                "one text",
            ),
            (
                Dialect::Cohere,
                "embed-v4.0",
                json!({ "input": [[1, 2]] }),
                "tokens",
            ),
            (
                Dialect::Bedrock,
                "meta.llama3",
                json!({ "input": "a" }),
                "embeddings",
            ),
            (
                Dialect::Anthropic,
                "claude",
                json!({ "input": "a" }),
                "embeddings",
            ),
        ] {
            let refused = request(body.to_string().as_bytes(), dialect, model).unwrap_err();
            assert!(refused.message.contains(word), "{refused}");
        }
    }

    #[test]
    fn numbers_and_usage_come_as_openai_has_them() {
        let asked = json!({ "model": "x", "input": ["hello world"] });
        for (dialect, model, said, tokens) in [
            (
                Dialect::Gemini,
                "gemini-embedding-001",
                json!({ "embeddings": [{ "values": [0.5, -0.25] }] }),
                2,
            ),
            (
                Dialect::Cohere,
                "embed-v4.0",
                json!({ "embeddings": { "float": [[0.5, -0.25]] }, "meta": { "billed_units": { "input_tokens": 3.0 } } }),
                3,
            ),
            (
                Dialect::Bedrock,
                "amazon.titan-embed-text-v2:0",
                json!({ "embedding": [0.5, -0.25], "inputTextTokenCount": 4 }),
                4,
            ),
            (
                Dialect::Bedrock,
                "cohere.embed-english-v3",
                json!({ "embeddings": [[0.5, -0.25]] }),
                2,
            ),
            (
                Dialect::Vertex,
                "text-embedding-005",
                json!({ "predictions": [{ "embeddings": { "values": [0.5, -0.25], "statistics": { "token_count": 5.0 } } }] }),
                5,
            ),
        ] {
            let answer = read(dialect, model, &asked, &said);
            assert_eq!(answer["data"][0]["embedding"], json!([0.5, -0.25]), "{model}");
            assert_eq!(
                answer["usage"],
                json!({ "prompt_tokens": tokens, "total_tokens": tokens }),
                "{model}"
            );
        }
        let asked = json!({ "model": "x", "input": "a", "encoding_format": "base64" });
        let said = json!({ "embedding": [0.5, -0.25], "inputTextTokenCount": 4 });
        let answer = read(Dialect::Bedrock, "amazon.titan-embed-text-v2:0", &asked, &said);
        assert_eq!(answer["data"][0]["embedding"], "AAAAPwAAgL4=");
        assert!(super::answer(b"{}", b"{}", (Dialect::Gemini, "m")).is_err());
    }
}
