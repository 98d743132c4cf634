// A stock Vercel AI SDK program, configured by OPENAI_BASE_URL and OPENAI_API_KEY alone: text by the Responses API (the
// provider's default) and by chat completions, streamed text, a tool, and an object. Prints what it got as JSON.
import { openai } from "@ai-sdk/openai";
import { embedMany, generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const model = process.env.MODEL;
const options = { prompt: "Say hello", maxRetries: 0 };

async function streamed(languageModel) {
  const result = streamText({ model: languageModel, ...options });
  let text = "";
  for await (const part of result.textStream) text += part;
  return { text, usage: await result.usage };
}

const weather = tool({
  description: "The weather in a city.",
  inputSchema: z.object({ city: z.string() }),
  execute: async () => "18 degrees",
});
const steps = await generateText({
  model: openai.chat(model),
  prompt: "What is the weather in Paris?",
  tools: { weather },
  stopWhen: stepCountIs(2),
  maxRetries: 0,
});
const responses = await generateText({ model: openai(model), ...options });
const chat = await generateText({ model: openai.chat(model), ...options });
const embedded = await embedMany({ model: openai.embedding(model), values: ["one", "two"], maxRetries: 0 });

console.log(
  JSON.stringify({
    responses: responses.text,
    responses_usage: responses.usage,
    responses_streamed: await streamed(openai(model)),
    chat: chat.text,
    chat_usage: chat.usage,
    chat_streamed: await streamed(openai.chat(model)),
    tool_steps: steps.steps.length,
    tool_called: steps.steps[0].toolCalls[0]?.toolName,
    after_tool: steps.text,
    embedded: embedded.embeddings.length,
  }),
);
