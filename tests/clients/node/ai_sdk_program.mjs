// Vercel's AI SDK takes orders: its provider for any OpenAI address, and OpenAI's own, which speaks Responses.

import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { embed as embedOne, generateImage, generateText, jsonSchema, streamText, tool } from "ai";
import { counting, obey, toldOf } from "./orders.mjs";

const TOOLS = { look: tool({ description: "look", inputSchema: jsonSchema({ type: "object", properties: {} }) }) };

function compatible(order, told) {
  return createOpenAICompatible({
    name: "yard",
    baseURL: order.base_url,
    apiKey: order.key ?? "none",
    headers: order.headers,
    includeUsage: order.include_usage,
    fetch: counting(order, told),
  });
}

function own(make, order, told) {
  return make({ baseURL: order.base_url, apiKey: order.key ?? "none", fetch: counting(order, told) });
}

async function speak(model, order, told) {
  Object.assign(told, { text: "", reasoning: "", tools: "", finish: null, chunks: 0 });
  const asked = { model, prompt: "hi", maxRetries: order.retries ?? 0, ...(order.tools && { tools: TOOLS }) };
  if (!order.stream) {
    const whole = await generateText(asked);
    Object.assign(told, { text: whole.text, finish: whole.finishReason, request_id: whole.response.headers?.["x-request-id"] });
    told.tools = whole.toolCalls.map((call) => JSON.stringify(call.input)).join("");
    return;
  }
  const left = new AbortController();
  const began = performance.now();
  const { fullStream } = streamText({ ...asked, abortSignal: left.signal, onError: () => {} });
  for await (const part of fullStream) {
    told.at.push((performance.now() - began) / 1000);
    if (part.type === "text-delta") told.text += part.text;
    if (part.type === "reasoning-delta") told.reasoning += part.text;
    if (part.type === "tool-call") told.tools += JSON.stringify(part.input);
    if (part.type === "finish") Object.assign(told, { finish: part.finishReason, usage: part.totalUsage });
    if (part.type === "error") told.error = toldOf(part.error);
    if (part.type === "text-delta" && ++told.chunks === order.leave_after) {
      left.abort();
      return;
    }
  }
}

const chat = (order, told) => speak(compatible(order, told)(order.model), order, told);
const respond = (order, told) => speak(own(createOpenAI, order, told).responses(order.model), order, told);
const message = (order, told) => speak(own(createAnthropic, order, told)(order.model), order, told);

async function embed(order, told) {
  const model = compatible(order, told).embeddingModel(order.model);
  told.vector = (await embedOne({ model, value: "hi", maxRetries: 0 })).embedding;
}

async function picture(order, told) {
  const model = compatible(order, told).imageModel(order.model);
  const picture = Buffer.from(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    "base64",
  );
  const given = Array.from({ length: Math.max(order.images ?? 0, 1) }, () => picture);
  const prompt = "images" in order ? { images: given, text: "a lighthouse" } : "a lighthouse";
  const { images } = await generateImage({ model, prompt, maxRetries: 0, ...order.asks });
  told.pictures = images.map((image) => image.base64);
}

await obey({ chat, respond, message, embed, picture });
