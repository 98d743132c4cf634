// A stock OpenAI program, configured by OPENAI_BASE_URL and OPENAI_API_KEY alone. Calls MODEL once plainly and once
// streaming, and prints what it got as JSON.
import OpenAI from "openai";

const client = new OpenAI({ maxRetries: 0 });
const model = process.env.MODEL;
const messages = [{ role: "user", content: "Say hello" }];

const { data: completion, response } = await client.chat.completions.create({ model, messages }).withResponse();
let streamed = "";
let streamedUsage = null;
for await (const chunk of await client.chat.completions.create({
  model,
  messages,
  stream: true,
  stream_options: { include_usage: true },
})) {
  streamed += chunk.choices[0]?.delta?.content ?? "";
  streamedUsage = chunk.usage ?? streamedUsage;
}

console.log(
  JSON.stringify({
    text: completion.choices[0].message.content,
    usage: completion.usage,
    trace_id: response.headers.get("x-brokle-trace-id"),
    streamed,
    streamed_usage: streamedUsage,
  }),
);
