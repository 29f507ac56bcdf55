// Every call to the proxy. An error is thrown as the sentence that the proxy gave, never as a status alone.

const KEY = 'switchyard-key';

export const readKey = () => sessionStorage.getItem(KEY) ?? '';
export const keepKey = (key) => sessionStorage.setItem(KEY, key.trim());

async function call(path, options = {}) {
  const headers = { ...options.headers };
  if (readKey()) headers.Authorization = `Bearer ${readKey()}`;
  const reply = await fetch(path, { ...options, headers, cache: 'no-store' });
  if (!reply.ok) throw new Error(await sentenceOf(reply));
  return reply;
}

const sentenceOf = (reply) => reply.json().then((body) => body.error.message)
  .catch(() => `cannot go on: the server answered ${reply.status}`);

const post = (path, body, signal) => call(path, {
  method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body), signal,
});

export const listModels = async () => (await (await call('/v1/models')).json()).data;

export async function makePicture(model, prompt, signal) {
  const reply = await post('/v1/images/generations', pictureBody(model, prompt), signal);
  return (await reply.json()).data[0].b64_json;
}

export const chatBody = (model, messages) => ({ model, messages, stream: true });
export const pictureBody = (model, prompt) => ({ model, prompt, response_format: 'b64_json' });

// Yields the text of a reply piece by piece.
export async function* chat(model, messages, signal) {
  const reply = await post('/v1/chat/completions', chatBody(model, messages), signal);
  for await (const data of events(reply.body)) {
    if (data === '[DONE]') return;
    const chunk = JSON.parse(data);
    if (chunk.error) throw new Error(chunk.error.message);
    const text = chunk.choices?.[0]?.delta?.content;
    if (text) yield text;
  }
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let held = '';
  for (;;) {
    const { done, value } = await reader.read();
    held += value ?? '';
    const parts = held.split(/\r?\n\r?\n/);
    held = parts.pop();
    for (const part of parts) {
      const lines = part.split(/\r?\n/).filter((line) => line.startsWith('data:'));
      if (lines.length) yield lines.map((line) => line.slice(5).trimStart()).join('\n');
    }
    if (done) return;
  }
}
