// openai-node takes orders.

import OpenAI, { toFile } from "openai";
import { EventSource } from "undici";
import { counting, obey } from "./orders.mjs";

const PICTURE = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);
const ASK = [{ role: "user", content: "hi" }];
const TOOL = { type: "function", function: { name: "look", parameters: { type: "object", properties: {} } } };

function client(order, told) {
  return new OpenAI({
    baseURL: order.base_url,
    apiKey: order.key ?? "none",
    maxRetries: order.retries ?? 0,
    defaultHeaders: order.headers,
    fetch: counting(order, told),
  });
}

function fields(order, more) {
  return {
    model: order.model,
    ...more,
    ...order.extra,
    ...(order.stream && { stream: true }),
    ...(order.include_usage && { stream_options: { include_usage: true } }),
  };
}

async function chat(order, told) {
  Object.assign(told, { text: "", reasoning: "", tools: "", ids: [], usages: [], finish: null, chunks: 0 });
  const asked = fields(order, { messages: ASK, ...(order.tools && { tools: [TOOL] }) });
  const asking = client(order, told).chat.completions.create(asked);
  if (!order.stream) {
    const whole = await asking;
    const { message, finish_reason } = whole.choices[0];
    Object.assign(told, { text: message.content, finish: finish_reason, ids: [whole.id], model: whole.model });
    told.request_id = whole._request_id;
    told.tools = (message.tool_calls ?? []).map((call) => call.function.arguments).join("");
    return;
  }
  const began = performance.now();
  const { data: stream, response } = await asking.withResponse();
  told.request_id = response.headers.get("x-request-id");
  for await (const chunk of stream) {
    told.at.push((performance.now() - began) / 1000);
    chatChunk(chunk, told);
    if (told.chunks === order.leave_after) {
      stream.controller.abort();
      return;
    }
  }
}

function chatChunk(chunk, told) {
  told.chunks += 1;
  told.model = chunk.model;
  if (!told.ids.some(([id, created]) => id === chunk.id && created === chunk.created)) {
    told.ids.push([chunk.id, chunk.created]);
  }
  if (chunk.usage) told.usages.push([told.chunks, chunk.usage.total_tokens]);
  for (const { delta, finish_reason } of chunk.choices) {
    told.text += delta.content ?? "";
    told.reasoning += delta.reasoning_content ?? "";
    for (const call of delta.tool_calls ?? []) told.tools += call.function.arguments ?? "";
    told.finish = finish_reason ?? told.finish;
  }
}

async function leave(order, told) {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), order.after_s * 1000);
  try {
    const asked = fields(order, { messages: ASK });
    const stream = await client(order, told).chat.completions.create(asked, { signal: controller.signal });
    for await (const _ of stream);
  } catch (error) {
    if (!controller.signal.aborted) throw error;
  } finally {
    told.left = controller.signal.aborted;
    clearTimeout(timer);
  }
}

async function completion(order, told) {
  Object.assign(told, { text: "", ids: [], finish: null });
  const answer = await client(order, told).completions.create(fields(order, { prompt: "hi" }));
  if (!order.stream) {
    Object.assign(told, { text: answer.choices[0].text, ids: [answer.id] });
    return;
  }
  for await (const chunk of answer) {
    if (!told.ids.some(([id]) => id === chunk.id)) told.ids.push([chunk.id, chunk.created]);
    for (const choice of chunk.choices) {
      told.text += choice.text;
      told.finish = choice.finish_reason ?? told.finish;
    }
  }
}

async function respond(order, told) {
  Object.assign(told, { text: "", types: [], numbers: [], ids: [] });
  const asked = fields(order, { input: "hi", ...order.asks });
  const answer = await client(order, told).responses.create(asked);
  if (!order.stream) {
    Object.assign(told, { text: answer.output_text, status: answer.status, id: answer.id });
    return;
  }
  for await (const event of answer) {
    responseEvent(event, told);
    if (told.types.length === order.leave_after) {
      answer.controller.abort();
      return;
    }
  }
}

function responseEvent(event, told) {
  told.types.push(event.type);
  told.numbers.push(event.sequence_number ?? null);
  if (event.type === "response.output_text.delta") told.text += event.delta;
  if (event.type === "error") told.code = event.code;
  if (event.response) {
    Object.assign(told, { id: event.response.id, status: event.response.status });
    if (!told.ids.includes(event.response.id)) told.ids.push(event.response.id);
  }
}

async function retrieve(order, told) {
  Object.assign(told, { text: "", types: [], numbers: [], ids: [] });
  const { responses } = client(order, told);
  const from = "starting_after" in order ? { starting_after: order.starting_after } : {};
  if (order.helper) {
    const stream = responses.stream({ response_id: order.id, ...from });
    for await (const event of stream) responseEvent(event, told);
    told.final = (await stream.finalResponse()).output_text;
  } else if (order.stream) {
    for await (const event of await responses.retrieve(order.id, { stream: true, ...from })) {
      responseEvent(event, told);
    }
  } else {
    const answer = await responses.retrieve(order.id);
    Object.assign(told, { text: answer.output_text, status: answer.status, id: answer.id });
  }
}

async function cancel(order, told) {
  const answer = await client(order, told).responses.cancel(order.id);
  Object.assign(told, { status: answer.status, id: answer.id });
}

async function models(order, told) {
  told.models = [];
  for await (const model of client(order, told).models.list()) told.models.push(model.id);
}

async function model(order, told) {
  told.id = (await client(order, told).models.retrieve(order.model)).id;
}

async function embed(order, told) {
  const answer = await client(order, told).embeddings.create({ model: order.model, input: "hi" });
  told.vector = answer.data[0].embedding;
}

async function picture(order, told) {
  Object.assign(told, { types: [], pictures: [] });
  const { images } = client(order, told);
  const asked = fields(order, { prompt: "a lighthouse", ...order.asks });
  const file = () => toFile(PICTURE, "picture.png", { type: "image/png" });
  let answer;
  if ("images" in order) {
    asked.image = order.images === 0 ? await file() : await Promise.all(Array.from({ length: order.images }, file));
    if (order.mask) asked.mask = await file();
    answer = await images.edit(asked);
  } else {
    answer = await images.generate(asked);
  }
  if (!order.stream) {
    told.pictures = answer.data.map((item) => item.b64_json ?? null);
    return;
  }
  for await (const event of answer) {
    told.types.push(event.type);
    if (event.type.endsWith(".completed")) {
      told.pictures.push(event.b64_json);
      told.usage = event.usage;
    }
  }
}

// A page's own way: an address, and the numbers of the events that came.
function listen(order, told) {
  Object.assign(told, { text: "", numbers: [] });
  const source = new EventSource(order.url);
  return new Promise((resolve) => {
    source.onerror = (event) => {
      if (source.readyState === EventSource.CLOSED) {
        told.error = { kind: "error", message: String(event.message ?? "closed") };
        resolve();
      }
    };
    source.onmessage = (event) => {
      told.numbers.push(Number(event.lastEventId));
      if (event.data === "[DONE]") {
        source.close();
        resolve();
      } else {
        for (const choice of JSON.parse(event.data).choices) told.text += choice.delta.content ?? "";
      }
    };
  });
}

await obey({ listen, chat, leave, completion, respond, retrieve, cancel, models, model, embed, picture });
