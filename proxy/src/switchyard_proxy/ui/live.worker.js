// One stream of news for all tabs: a browser opens six connections to a proxy, and a stream for each tab
// would take them all. It holds the stream while any tab can be seen, and shows nothing.

import { Feed } from "./store/feed.js";
import { apply, NOTHING } from "./store/news.js";

const HIDDEN_MS = 60_000; // a glance at another tab should not cost a connection

const tabs = new Map(); // port -> whether it can be seen
let news = NOTHING;
let link = null;
let key = "";
let leaving = null;

const feed = new Feed({
  onEvent(event, at) {
    news = apply(news, event, at);
    tellAll({ kind: "event", event, at });
  },
  onLink(state) {
    link = state;
    tellAll({ kind: "link", link });
  },
});

function tellAll(message) {
  for (const port of tabs.keys()) port.postMessage(message);
}

function greet(port) {
  if (!link) return;
  port.postMessage({ kind: "event", event: { event: "state", data: news }, at: link.heard });
  port.postMessage({ kind: "link", link });
}

function decide() {
  clearTimeout(leaving);
  if ([...tabs.values()].some(Boolean)) feed.open(key);
  else leaving = setTimeout(() => feed.close(), HIDDEN_MS);
}

function hear(port, { kind, ...said }) {
  if (kind === "bye") {
    tabs.delete(port);
  } else if (kind === "hurry") {
    feed.hurry();
  } else {
    const isNew = !tabs.has(port);
    tabs.set(port, said.visible);
    if (said.key !== key) news = NOTHING; // another key sees other models
    key = said.key;
    if (isNew) greet(port);
  }
  decide();
}

globalThis.onconnect = ({ ports: [port] }) => {
  port.onmessage = ({ data }) => hear(port, data);
};
