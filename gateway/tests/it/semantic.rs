//! Answers found by meaning, with a model of the right form and arbitrary weights: it tells words apart, which is enough
//! to see what is compared with what. How well the real one tells meanings apart is measured, not tested.

use std::io::Write as _;
use std::path::Path;

use brokle_testkit::wait;
use serde_json::{Value, json};

use crate::stage::{DEADLINE, GOOD_KEY, OTHER_KEY, Stage, attribute, header};

const WORDS: &str =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\nwhat\nis\nthe\ncapital\nof\nplease\ntell\nme\nrivers\nlist\nlong\n?\n.\n";

/// Writes weights of the model's form: small, arbitrary and always the same.
fn write_model(directory: &Path) {
    std::fs::write(directory.join("vocab.txt"), WORDS).unwrap();
    let mut tensors: Vec<(String, Vec<usize>)> = vec![
        (
            "embeddings.word_embeddings.weight".to_owned(),
            vec![WORDS.lines().count(), 384],
        ),
        ("embeddings.position_embeddings.weight".to_owned(), vec![512, 384]),
        ("embeddings.token_type_embeddings.weight".to_owned(), vec![2, 384]),
        ("embeddings.LayerNorm.weight".to_owned(), vec![384]),
        ("embeddings.LayerNorm.bias".to_owned(), vec![384]),
    ];
    for layer in 0..6 {
        for (part, rows, columns) in [
            ("attention.self.query", 384, 384),
            ("attention.self.key", 384, 384),
            ("attention.self.value", 384, 384),
            ("attention.output.dense", 384, 384),
            ("intermediate.dense", 1536, 384),
            ("output.dense", 384, 1536),
        ] {
            tensors.push((
                format!("encoder.layer.{layer}.{part}.weight"),
                vec![rows, columns],
            ));
            tensors.push((format!("encoder.layer.{layer}.{part}.bias"), vec![rows]));
        }
        for part in ["attention.output.LayerNorm", "output.LayerNorm"] {
            tensors.push((format!("encoder.layer.{layer}.{part}.weight"), vec![384]));
            tensors.push((format!("encoder.layer.{layer}.{part}.bias"), vec![384]));
        }
    }
    let mut header = serde_json::Map::new();
    let mut at = 0;
    for (name, shape) in &tensors {
        let bytes = 4 * shape.iter().product::<usize>();
        header.insert(
            name.clone(),
            json!({ "dtype": "F32", "shape": shape, "data_offsets": [at, at + bytes] }),
        );
        at += bytes;
    }
    let header = Value::Object(header).to_string();
    let file = std::fs::File::create(directory.join("model.safetensors")).unwrap();
    let mut file = std::io::BufWriter::new(file);
    file.write_all(&(header.len() as u64).to_le_bytes()).unwrap();
    file.write_all(header.as_bytes()).unwrap();
    let mut state = 1_u32;
    for (name, shape) in &tensors {
        for _ in 0..shape.iter().product::<usize>() {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = f32::from(u8::try_from(state >> 24).unwrap()) / 255.0 - 0.5;
            let number = match name.as_str() {
                name if name.ends_with("LayerNorm.weight") => 1.0,
                name if name.ends_with("word_embeddings.weight") => noise,
                _ => noise * 0.02,
            };
            file.write_all(&number.to_le_bytes()).unwrap();
        }
    }
    file.flush().unwrap();
}

async fn stage(directory: &Path) -> Stage {
    write_model(directory);
    let model = directory.display();
    Stage::with(&format!(
        "[cache]\nmode = \"semantic\"\n[semantic_cache]\nmodel = \"{model}\"\nthreshold = 0.5\npatience_ms = 20000\n"
    ))
    .await
}

fn body(text: &str, stream: bool) -> Value {
    json!({ "model": "mock/gpt-4o-mini", "stream": stream, "messages": [{ "role": "user", "content": text }] })
}

async fn ask(stage: &Stage, key: &str, body: &Value) -> (String, reqwest::header::HeaderMap, String) {
    let request = stage.client.post(format!("{}/v1/chat/completions", stage.url));
    let response = request
        .bearer_auth(key)
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    let headers = response.headers().clone();
    let cache = header(&headers, "x-brokle-cache").to_owned();
    (cache, headers, response.text().await.unwrap())
}

async fn remembered(stage: &Stage, count: u64) {
    wait::until("the questions are remembered", DEADLINE, || async {
        let request = stage.client.get(format!("{}/v1/cache/status", stage.url));
        let status: Value = request
            .bearer_auth(GOOD_KEY)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        (status["data"]["semantic_entries"] == count).then_some(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_question_in_other_words_gets_the_same_answer_and_the_span_says_how_alike() {
    let directory = tempfile::tempdir().unwrap();
    let stage = stage(directory.path()).await;
    for (stream, count) in [(false, 1), (true, 2)] {
        let (cache, headers, first) =
            ask(&stage, GOOD_KEY, &body("what is the capital of France?", stream)).await;
        assert_eq!(cache, "miss");
        let key = header(&headers, "x-brokle-cache-key").to_owned();
        remembered(&stage, count).await;
        let again = body("please tell me what is the capital of France.", stream);
        let (cache, headers, second) = ask(&stage, GOOD_KEY, &again).await;
        assert_eq!((cache.as_str(), &second), ("hit", &first));
        let similarity: f64 = header(&headers, "x-brokle-cache-similarity").parse().unwrap();
        assert!((0.5..=1.0).contains(&similarity), "{similarity}");
        let spans = stage.sink.trace(header(&headers, "x-brokle-trace-id")).await;
        assert_eq!(attribute(&spans[1], "brokle.cache.matched_key"), key);
        assert!(attribute(&spans[1], "brokle.cache.similarity").as_f64().unwrap() > 0.4);
    }
    assert_eq!(stage.provider.requests().len(), 2);
}

#[tokio::test]
async fn what_must_be_equal_is_not_compared_by_meaning() {
    let directory = tempfile::tempdir().unwrap();
    let stage = stage(directory.path()).await;
    ask(&stage, GOOD_KEY, &body("what is the capital of France?", false)).await;
    remembered(&stage, 1).await;
    let same = "tell me what is the capital of France?";
    let mut warmer = body(same, false);
    warmer["temperature"] = json!(1.0);
    let mut longer = body(same, false);
    longer["messages"] = json!([
        { "role": "user", "content": "long" }, { "role": "assistant", "content": "list" }, { "role": "user", "content": same }
    ]);
    for (what, key, asked) in [
        (
            "another entity",
            GOOD_KEY,
            body("what is the capital of Spain?", false),
        ),
        (
            "a negation",
            GOOD_KEY,
            body("what is not the capital of France?", false),
        ),
        (
            "a number",
            GOOD_KEY,
            body("what is the capital of France? 2", false),
        ),
        (
            "another meaning",
            GOOD_KEY,
            body("list long rivers, France.", false),
        ),
        ("another parameter", GOOD_KEY, warmer),
        ("a conversation before it", GOOD_KEY, longer),
        ("a stream", GOOD_KEY, body(same, true)),
        ("another project", OTHER_KEY, body(same, false)),
    ] {
        assert_eq!(ask(&stage, key, &asked).await.0, "miss", "{what}");
    }
}

#[tokio::test]
async fn an_invalidated_answer_is_not_found_by_meaning_either() {
    let directory = tempfile::tempdir().unwrap();
    let stage = stage(directory.path()).await;
    ask(&stage, GOOD_KEY, &body("what is the capital of France?", false)).await;
    remembered(&stage, 1).await;
    let request = stage.client.post(format!("{}/v1/cache/invalidate", stage.url));
    let request = request.bearer_auth(GOOD_KEY).json(&json!({ "model": "gpt-4o*" }));
    assert_eq!(request.send().await.unwrap().status(), 200);
    let again = body("tell me what is the capital of France?", false);
    assert_eq!(ask(&stage, GOOD_KEY, &again).await.0, "miss");
}

#[tokio::test]
async fn a_mode_that_needs_a_model_is_refused_without_one() {
    let config: brokle_gateway::GatewayConfig = toml::from_str("[cache]\nmode = \"semantic\"").unwrap();
    let told = config.resolve(&|_| None).unwrap_err().to_string();
    assert!(told.contains("fetch-embedding-model"), "{told}");
}
