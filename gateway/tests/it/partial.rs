//! What a call cost whose provider never said: streams that were cut, callers who went away.

use serde_json::{Value, json};

use crate::stage::{Stage, Streamed, attribute, parsed, question, spans, streamed};

fn tokens(span: &opentelemetry_proto::tonic::trace::v1::Span) -> (u64, u64, bool) {
    let number = |key: &str| attribute(span, key).as_u64().unwrap_or_default();
    (
        number("gen_ai.usage.input_tokens"),
        number("gen_ai.usage.output_tokens"),
        attribute(span, "brokle.usage.estimated") == json!(true),
    )
}

#[tokio::test]
async fn a_stream_that_was_cut_is_counted_by_our_own_tokenizer_in_every_dialect() {
    for dialect in ["openai", "anthropic", "gemini"] {
        let stage = Stage::with_second_dialect("other", dialect, "").await;
        let whole = stage.stream("other/mock-a").await;
        let whole = stage.sink.trace(whole.trace_id()).await;
        let (input, output, estimated) = tokens(&whole[1]);
        assert!(
            input > 0 && output > 0 && !estimated,
            "{dialect}: a whole answer says itself"
        );
        let cut = Streamed::read(stage.send(&streamed("other/mock-cut")).await).await;
        let cut = stage.sink.trace(cut.trace_id()).await;
        let (input, output, estimated) = tokens(&cut[1]);
        assert!(estimated, "{dialect}");
        let said = parsed(&cut[1], "gen_ai.output.messages");
        let words = said[0]["parts"][0]["content"]
            .as_str()
            .unwrap_or_default()
            .split_whitespace()
            .count() as u64;
        assert!(
            output >= words.max(1) && output < 30,
            "{dialect}: {output} tokens of {said}"
        );
        assert!((3..60).contains(&input), "{dialect}: {input}");
    }
}

#[tokio::test]
async fn a_caller_who_goes_away_is_counted_streaming_or_not() {
    let stage = Stage::new().await;
    let mut response = stage.send(&streamed("mock/mock-endless")).await;
    response.chunk().await.unwrap();
    drop(response);
    let cancelled = spans(&stage.sink.first().await);
    let (input, output, estimated) = tokens(&cancelled[1]);
    assert!(estimated && input > 0 && output > 0, "{input} {output}");
    assert_eq!(attribute(&cancelled[1], "error.type"), "cancelled");

    let stage = Stage::new().await;
    let call = tokio::spawn(stage.post(question("mock/mock-hang").to_string()).send());
    let arrived = stage
        .provider
        .wait_for(crate::stage::DEADLINE, |request| request.number == 0)
        .await;
    assert!(arrived.is_some());
    call.abort();
    let cancelled = spans(&stage.sink.first().await);
    let (input, output, estimated) = tokens(&cancelled[1]);
    assert!(estimated && input > 0 && output == 0, "{input} {output}");
}

#[tokio::test]
async fn pictures_count_by_rule_and_their_bytes_do_not() {
    let stage = Stage::new().await;
    let picture = format!("data:image/png;base64,{}", "A".repeat(40_000));
    let mut body = streamed("mock/mock-cut");
    body["messages"] = json!([{ "role": "user", "content": [
        { "type": "text", "text": "what is this?" }, { "type": "image_url", "image_url": { "url": picture } }
    ] }]);
    let cut = Streamed::read(stage.send(&body).await).await;
    let cut = stage.sink.trace(cut.trace_id()).await;
    let (input, _, estimated) = tokens(&cut[1]);
    assert!(estimated && (765..800).contains(&input), "{input}");
    assert_eq!(
        attribute(&cut[0], "brokle.usage.estimated"),
        Value::Null,
        "it is the attempt's"
    );
}
