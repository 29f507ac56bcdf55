// The page: choose a model, say something, read or see the answer. What a model says is only ever text.

import { chat, chatBody, keepKey, makePicture, pictureBody, readKey } from './api.js';
import { watchModels } from './models.js';

const $ = (id) => document.getElementById(id);
let model = null;
let messages = [];
let running = null;

const makesPictures = () => model?.type === 'image';

function choose(next) {
  running?.abort();
  model = next;
  messages = [];
  $('talk').replaceChildren();
  $('status').textContent = '';
  $('chosen').textContent = model.id;
  $('note').textContent = model.description ?? '';
  $('prompt-label').textContent = makesPictures() ? 'What the picture shows' : 'Message';
  showCurl();
}

function showCurl() {
  if (!model) return;
  const prompt = $('prompt').value.trim() || 'Hello';
  const [path, body] = makesPictures()
    ? ['/v1/images/generations', pictureBody(model.id, prompt)]
    : ['/v1/chat/completions', chatBody(model.id, [{ role: 'user', content: prompt }])];
  const key = readKey() ? ' -H "Authorization: Bearer $SWITCHYARD_API_KEY"' : '';
  const data = JSON.stringify(body).replaceAll("'", "'\\''");
  $('curl').textContent = `curl ${location.origin}${path} -H 'Content-Type: application/json'${key} -d '${data}'`;
}

// Changes the conversation and keeps its end in sight, unless the reader has scrolled up.
function follow(change) {
  const talk = $('talk');
  const following = talk.scrollHeight - talk.scrollTop - talk.clientHeight < 40;
  change(talk);
  if (following) talk.scrollTop = talk.scrollHeight;
}

function say(className, text) {
  const line = document.createElement('p');
  line.className = className;
  const words = line.appendChild(document.createTextNode(text));
  follow((talk) => talk.append(line));
  return words;
}

async function answerInWords(said, signal) {
  const words = say('theirs', '');
  try {
    for await (const piece of chat(model.id, said, signal)) {
      $('status').textContent = 'answering…';
      follow(() => words.appendData(piece));
    }
  } finally {
    if (words.data) said.push({ role: 'assistant', content: words.data });
  }
}

async function answerWithPicture(prompt, signal) {
  const picture = new Image();
  picture.alt = prompt;
  picture.src = `data:image/png;base64,${await makePicture(model.id, prompt, signal)}`;
  await picture.decode();
  follow((talk) => talk.append(picture));
}

async function ask() {
  const prompt = $('prompt').value.trim();
  if (!prompt || !model || running) return;
  const mine = running = new AbortController();
  $('prompt').value = '';
  $('send').disabled = true;
  $('stop').hidden = false;
  $('status').textContent = 'waiting… a model that is not loaded yet takes a while';
  messages.push({ role: 'user', content: prompt });
  say('mine', prompt);
  try {
    await (makesPictures() ? answerWithPicture(prompt, mine.signal) : answerInWords(messages, mine.signal));
    $('status').textContent = 'done';
  } catch (error) {
    $('status').textContent = mine.signal.aborted ? 'stopped' : 'failed';
    if (!mine.signal.aborted) say('error', error.message);
  } finally {
    running = null;
    $('send').disabled = false;
    $('stop').hidden = true;
  }
}

async function copyCurl() {
  try {
    await navigator.clipboard.writeText($('curl').textContent);
  } catch { // a page from plain HTTP has no clipboard
    getSelection().selectAllChildren($('curl'));
    document.execCommand('copy');
  }
  $('copy').textContent = 'copied';
  setTimeout(() => { $('copy').textContent = 'copy'; }, 1500);
}

const refresh = watchModels($('models'), $('link'), choose);
$('key').value = readKey();
$('key-form').addEventListener('submit', (event) => event.preventDefault());
$('key').addEventListener('change', () => { keepKey($('key').value); showCurl(); refresh(); });
$('ask').addEventListener('submit', (event) => { event.preventDefault(); ask(); });
$('prompt').addEventListener('input', showCurl);
$('prompt').addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  ask();
});
$('stop').addEventListener('click', () => running?.abort());
$('copy').addEventListener('click', copyCurl);
