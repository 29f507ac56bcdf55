// The conversations: found again, named, pinned, deleted with a way back, taken out and brought in. Lists and
// searches the store page by page; it never reads a conversation to show its name.

import { html, useEffect, useRef, useState } from "../html.js";
import { t } from "../i18n/index.js";
import { go } from "../routes.js";
import { Menu } from "../shell/menu.js";
import * as chats from "../store/chats.js";
import { search } from "../store/search.js";
import { answers } from "./answers.js";
import * as keeping from "./keeping.js";
import { current } from "./open.js";
import { bringIn, takeOut, takeOutAll } from "./transfer.js";

const PAGE = 50;
const HITS = 40;
const TYPING_MS = 150;

/** @param {{onLeave?: () => void}} props `onLeave`: something was chosen, in a drawer that then closes */
export function Sidebar({ onLeave = () => {} }) {
  const [query, setQuery] = useState("");
  const [limit, setLimit] = useState(PAGE);
  const page = useList(limit);
  const hits = useHits(query);
  const begin = () => {
    go("#/chat");
    onLeave();
  };
  return html`
    <div class="chat-side-head">
      <button class="button chat-new" onClick=${begin}>
        <span aria-hidden="true">+</span> ${t("chat.new")}</button>
      <${Menu} label=${t("chat.list_menu")} items=${[
        { text: t("chat.import"), run: bringIn },
        { text: t("chat.export_all"), run: takeOutAll, disabled: !page.pinned.length && !page.others.length },
      ]} />
    </div>
    <input class="input chat-search" type="search" value=${query} placeholder=${t("chat.search")}
      aria-label=${t("chat.search")} onInput=${(event) => setQuery(event.target.value)}
      onKeyDown=${(event) => leaveSearch(event, () => setQuery(""))} />
    <nav class="chat-list" aria-label=${t("chat.conversations")}>
      ${hits && html`<${Hits} hits=${hits} onLeave=${onLeave} />`}
      ${!hits && html`<${Shelf} page=${page} onLeave=${onLeave} />`}
      ${!hits && page.more && html`<button class="button-quiet" onClick=${() => setLimit(limit + PAGE)}>
        ${t("chat.more_chats")}</button>`}
    </nav>`;
}

function leaveSearch(event, clear) {
  if (event.key !== "Escape" || !event.target.value) return;
  event.stopPropagation();
  event.preventDefault();
  clear();
}

const NOTHING = { pinned: [], others: [], more: false, isThere: false };

function useList(limit) {
  const [page, setPage] = useState(NOTHING);
  const revision = chats.revision.value;
  useEffect(() => {
    let isWanted = true;
    chats.list(limit).then(
      (found) => isWanted && setPage({ ...found, isThere: true }),
      () => isWanted && setPage({ ...NOTHING, isBroken: true }),
    );
    return () => {
      isWanted = false;
    };
  }, [limit, revision]);
  return page;
}

/** Null while nothing is searched for. */
function useHits(query) {
  const [hits, setHits] = useState(null);
  const turn = useRef(0);
  const isWanted = query.trim() !== "";
  useEffect(() => {
    const mine = (turn.current += 1);
    if (!isWanted) return setHits(null);
    const timer = setTimeout(async () => {
      const found = await search(query, HITS, () => mine !== turn.current);
      if (mine === turn.current) setHits(found);
    }, TYPING_MS);
    return () => clearTimeout(timer);
  }, [query, chats.revision.value]);
  return isWanted ? (hits ?? []) : null;
}

function Shelf({ page, onLeave }) {
  if (page.isBroken) return html`<p class="notice notice-warn small">${t("chat.no_store")}</p>`;
  if (page.isThere && !page.pinned.length && !page.others.length)
    return html`<p class="dim small chat-none">${t("chat.none")}</p>`;
  return html`
    ${
      page.pinned.length > 0 &&
      html`<h2 class="chat-group">${t("chat.pinned")}</h2>
      <ul>${page.pinned.map((one) => html`<${Entry} key=${one.id} chat=${one} onLeave=${onLeave} />`)}</ul>
      ${page.others.length > 0 && html`<h2 class="chat-group">${t("chat.others")}</h2>`}`
    }
    <ul>${page.others.map((one) => html`<${Entry} key=${one.id} chat=${one} onLeave=${onLeave} />`)}</ul>`;
}

function Hits({ hits, onLeave }) {
  if (!hits.length) return html`<p class="dim small chat-none">${t("chat.no_hits")}</p>`;
  return html`<ul>${hits.map(
    ({ conversation, message, excerpt }) => html`<${Entry} key=${conversation.id}
    chat=${conversation} at=${message} excerpt=${message && excerpt} onLeave=${onLeave} />`,
  )}</ul>`;
}

function Entry({ chat, at, excerpt, onLeave }) {
  const isHere = chat.id === current.value.id;
  const isLive = [...answers.value.values()].some((answer) => answer.record.conversation === chat.id);
  const title = chat.title || t("chat.untitled");
  return html`<li class="chat-entry">
    <a class="row" href=${`#/chat/${chat.id}${at ? `?at=${at}` : ""}`}
        aria-current=${isHere ? "page" : undefined}
        onClick=${() => onLeave()} title=${title}>
      <span class="row-main"><span class="clip chat-entry-title">${title}</span>
        ${excerpt && html`<span class="chat-excerpt">
          ${excerpt.before}<mark>${excerpt.hit}</mark>${excerpt.after}</span>`}</span>
      ${
        isLive &&
        html`<span class="row-side tone-info" title=${t("chat.answering")}><span aria-hidden="true">◔</span>
        <span class="aside-screen">${t("chat.answering")}</span></span>`
      }
    </a>
    <${Menu} label=${t("chat.menu_of", { title })} items=${[
      { text: t("chat.rename"), run: () => keeping.rename(chat) },
      { text: t(chat.pinned ? "chat.unpin" : "chat.pin"), run: () => keeping.togglePin(chat) },
      null,
      { text: t("chat.export_markdown"), run: () => takeOut(chat.id, "md") },
      { text: t("chat.export_json"), run: () => takeOut(chat.id, "json") },
      null,
      {
        text: t("chat.delete"),
        run: () => {
          keeping.remove(chat);
          onLeave();
        },
        danger: true,
      },
    ]} />
  </li>`;
}
