// Three model providers that are none, for one picture: the first is down, the second is out of capacity, the third
// answers, word by word. Prints their addresses as JSON on one line and runs until it is killed.
import { createServer } from "node:http";

const words = "A refund takes three to five working days; I have started yours.".split(/(?<= )/);
const chunk = (delta, finish_reason = null) => ({
  id: "chatcmpl-1",
  object: "chat.completion.chunk",
  created: 1_800_000_000,
  model: "gpt-4o-mini",
  choices: [{ index: 0, delta, finish_reason }],
});

function refuse(status, message, headers = {}) {
  return (_request, response) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify({ error: { message, type: "server_error", code: null } }));
  };
}

async function answer(request, response) {
  for await (const _ of request);
  response.writeHead(200, { "content-type": "text/event-stream" });
  const send = (value) => response.write(`data: ${value}\n\n`);
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  await pause(180);
  send(JSON.stringify(chunk({ role: "assistant", content: "" })));
  for (const word of words) {
    await pause(20);
    send(JSON.stringify(chunk({ content: word })));
  }
  send(JSON.stringify(chunk({}, "stop")));
  const usage = { prompt_tokens: 1840, completion_tokens: 214, total_tokens: 2054 };
  send(JSON.stringify({ ...chunk({}), choices: [], usage }));
  send("[DONE]");
  response.end();
}

const handlers = {
  northgate: refuse(503, "northgate is restarting"),
  harbor: refuse(429, "harbor has no capacity left this minute", { "retry-after": "30" }),
  meridian: answer,
};
const addresses = {};
for (const [name, handler] of Object.entries(handlers)) {
  const server = createServer(handler);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  addresses[name] = `http://127.0.0.1:${server.address().port}/v1`;
}
console.log(JSON.stringify(addresses));
