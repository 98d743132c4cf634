//! A request's messages as callers write them. Only what is recorded; the rest is skipped over.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
pub(super) struct WireMessage<'a> {
    #[serde(borrow, default)]
    pub(super) role: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) reasoning_content: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) tool_call_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) tool_calls: Option<Vec<WireCall<'a>>>,
}

#[derive(Deserialize)]
pub(super) struct WireCall<'a> {
    #[serde(borrow, default)]
    pub(super) id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) function: Option<WireFunction<'a>>,
}

#[derive(Deserialize)]
pub(super) struct WireFunction<'a> {
    #[serde(borrow, default)]
    pub(super) name: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) arguments: Cow<'a, str>,
}

#[derive(Deserialize)]
pub(super) struct WirePart<'a> {
    #[serde(borrow, default, rename = "type")]
    pub(super) kind: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) text: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) refusal: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) image_url: Option<WireImage<'a>>,
    #[serde(borrow, default)]
    pub(super) input_audio: Option<WireAudio<'a>>,
    #[serde(borrow, default)]
    pub(super) file: Option<WireFile<'a>>,
}

#[derive(Deserialize)]
pub(super) struct WireImage<'a> {
    #[serde(borrow, default)]
    pub(super) url: Cow<'a, str>,
}

#[derive(Deserialize)]
pub(super) struct WireAudio<'a> {
    #[serde(borrow, default)]
    pub(super) data: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) format: Cow<'a, str>,
}

#[derive(Deserialize)]
pub(super) struct WireFile<'a> {
    #[serde(borrow, default)]
    pub(super) file_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) filename: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) file_data: Option<Cow<'a, str>>,
}
