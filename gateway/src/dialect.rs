//! The wire formats. A call whose two sides speak the same one passes byte for byte: the modules below read
//! only what routing, recording and pricing need, and change only the bytes that must change. Translation
//! between formats is deliberately absent until there is a second one.

pub(crate) mod openai;
