// A stock OpenAI program, configured by OPENAI_BASE_URL and OPENAI_API_KEY alone: the Responses API, embeddings, and
// tools, each called on MODEL, plainly and streaming. Prints what it got as JSON.
import OpenAI from "openai";

const client = new OpenAI({ maxRetries: 0 });
const model = process.env.MODEL;
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };

async function responses() {
  const { data, response } = await client.responses.create({ model, input: "Say hello" }).withResponse();
  const stream = client.responses.stream({ model, input: "Say hello" });
  let said = "";
  stream.on("response.output_text.delta", (event) => (said += event.delta));
  const streamed = await stream.finalResponse();
  return {
    text: data.output_text,
    usage: data.usage,
    trace_id: response.headers.get("x-brokle-trace-id"),
    streamed: said,
    streamed_usage: streamed.usage,
  };
}

async function responsesTools() {
  const tools = [{ type: "function", name: "weather", parameters, strict: false }];
  const question = [{ role: "user", content: "What is the weather in Paris?" }];
  const response = await client.responses.create({ model, input: question, tools });
  const call = response.output.find((item) => item.type === "function_call");
  const result = { type: "function_call_output", call_id: call.call_id, output: "18 degrees" };
  const after = await client.responses.create({ model, input: [...question, ...response.output, result], tools });
  return { name: call.name, arguments: call.arguments, after: after.output_text };
}

async function chatTools() {
  const tools = [{ type: "function", function: { name: "weather", parameters } }];
  const messages = [{ role: "user", content: "What is the weather in Paris?" }];
  const stream = client.chat.completions.stream({ model, messages, tools });
  const choice = (await stream.finalChatCompletion()).choices[0];
  const call = choice.message.tool_calls[0];
  const { id, type } = call;
  const asked = { id, type, function: { name: call.function.name, arguments: call.function.arguments } };
  messages.push({ role: "assistant", tool_calls: [asked] });
  messages.push({ role: "tool", tool_call_id: id, content: "18 degrees" });
  const after = await client.chat.completions.create({ model, messages, tools });
  return {
    name: call.function.name,
    arguments: call.function.arguments,
    finish_reason: choice.finish_reason,
    after: after.choices[0].message.content,
  };
}

async function embeddings() {
  const answer = await client.embeddings.create({ model, input: ["one", "two"] });
  return { count: answer.data.length, size: answer.data[0].embedding.length, usage: answer.usage };
}

console.log(
  JSON.stringify({
    responses: await responses(),
    responses_tools: await responsesTools(),
    chat_tools: await chatTools(),
    embeddings: await embeddings(),
  }),
);
