// openai-node takes orders for the image server, and holds every reply against what its types declare.
// `faults` says what they would not take, `beyond` which fields they do not know of.

import OpenAI, { toFile } from "openai";
import { Declared } from "./declared.mjs";
import { counting, obey } from "./orders.mjs";

const DECLARED = new Declared("images", "models", "completions", "chat/completions/completions");
const EVENTS = {
  "image_generation.partial_image": "ImageGenPartialImageEvent",
  "image_generation.completed": "ImageGenCompletedEvent",
  "image_edit.partial_image": "ImageEditPartialImageEvent",
  "image_edit.completed": "ImageEditCompletedEvent",
};
const SHADE = {
  type: "object",
  properties: {
    name: { enum: ["red", "green", "blue"] },
    share: { type: "integer", minimum: 0, maximum: 100 },
  },
  required: ["name", "share"],
  additionalProperties: false,
};
const SHADES = {
  type: "object",
  properties: {
    shades: { type: "array", items: SHADE, minItems: 1, maxItems: 3 },
    moving: { type: "boolean" },
  },
  required: ["shades", "moving"],
  additionalProperties: false,
};

function client(order, told) {
  Object.assign(told, { bodies: [], faults: [], beyond: [], types: [], headers: {}, pictures: [] });
  return new OpenAI({
    baseURL: order.base_url,
    apiKey: order.key ?? "none",
    maxRetries: order.retries ?? 0,
    defaultHeaders: order.headers,
    fetch: counting(order, told),
  });
}

function judge(name, raw, told) {
  told.bodies.push(raw);
  const { faults, beyond } = DECLARED.judge(name, raw);
  told.faults = [...new Set([...told.faults, ...faults])].sort();
  told.beyond = [...new Set([...told.beyond, ...beyond])].sort();
}

async function asking(order) {
  const asked = {
    model: order.model,
    ...order.asks,
    ...order.extra,
    ...(order.stream && { stream: true }),
    ...(order.include_usage && { stream_options: { include_usage: true } }),
  };
  const file = (content, name) => toFile(Buffer.from(content, "base64"), name, { type: "image/png" });
  if (order.images) {
    const files = await Promise.all(order.images.map((content, number) => file(content, `${number}.png`)));
    asked.image = order.lone ? files[0] : files;
  }
  if (order.mask) asked.mask = await file(order.mask, "mask.png");
  return asked;
}

async function picture(order, told) {
  const { images } = client(order, told);
  const asked = await asking(order);
  const { data: answer, response } = await (order.images ? images.edit(asked) : images.generate(asked)).withResponse();
  told.headers = Object.fromEntries(response.headers);
  if (!order.stream) {
    judge("ImagesResponse", answer, told);
    told.pictures = answer.data.map((item) => item.b64_json ?? item.url);
    return;
  }
  for await (const event of answer) {
    told.types.push(event.type);
    judge(EVENTS[event.type], event, told);
    told.pictures.push(event.b64_json);
    if (told.types.length === order.leave_after) {
      answer.controller.abort();
      return;
    }
  }
}

async function chat(order, told) {
  Object.assign(told, { text: {}, finish: {} });
  const { completions } = client(order, told).chat;
  const { data: answer, response } = await completions.create(await asking(order)).withResponse();
  told.headers = Object.fromEntries(response.headers);
  if (!order.stream) {
    judge("ChatCompletion", answer, told);
    for (const { index, message, finish_reason } of answer.choices) {
      told.text[index] = message.content;
      told.finish[index] = finish_reason;
    }
    return;
  }
  for await (const chunk of answer) {
    judge("ChatCompletionChunk", chunk, told);
    for (const { index, delta, finish_reason } of chunk.choices) {
      told.text[index] = (told.text[index] ?? "") + (delta.content ?? "");
      told.finish[index] = finish_reason ?? told.finish[index] ?? null;
    }
    if (told.bodies.length === order.leave_after) {
      answer.controller.abort();
      return;
    }
  }
}

// Ask, and go away after `after_s`, whatever has come until then.
async function leave(order, told) {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), order.after_s * 1000);
  try {
    await client(order, told).images.generate(await asking(order), { signal: controller.signal });
  } catch (error) {
    if (!controller.signal.aborted) throw error;
  } finally {
    told.left = controller.signal.aborted;
    clearTimeout(timer);
  }
}

// The stream helper, which puts the calls together itself.
async function helper(order, told) {
  const stream = client(order, told).chat.completions.stream(await asking(order));
  for await (const chunk of stream) judge("ChatCompletionChunk", chunk, told);
  firstChoice(await stream.finalChatCompletion(), told);
}

async function parse(order, told) {
  const response_format = { type: "json_schema", json_schema: { name: "Shades", strict: true, schema: SHADES } };
  const { completions } = client(order, told).chat;
  const answer = await completions.parse({ ...(await asking(order)), response_format });
  firstChoice(answer, told);
  told.parsed = answer.choices[0].message.parsed;
}

function firstChoice(answer, told) {
  const { message, finish_reason } = answer.choices[0];
  Object.assign(told, { text: message.content, finish: finish_reason });
  told.calls = (message.tool_calls ?? []).map(({ id, function: called }) => {
    return { id, name: called.name, arguments: JSON.parse(called.arguments) };
  });
}

async function models(order, told) {
  const { models } = client(order, told);
  for await (const model of models.list()) judge("Model", model, told);
  judge("Model", await models.retrieve(order.model), told);
}

await obey({ picture, chat, leave, helper, parse, models });
