// One answer under way: from its request to its end, across lost connections, reloads and a proxy that was
// killed. It writes itself down and tells whoever listens; it draws nothing and knows no view.

import { signal } from "../html.js";
import { startStream, resumeStream } from "../streams.js";
import * as chats from "../store/chats.js";
import { bodyFor, PATH } from "./asking.js";
import { lease } from "./lease.js";
import { Reply } from "./reply.js";
import { rest } from "./request.js";

const SAVE_EVERY_MS = 1_000;
const BEAT_MS = 250;
// How often it is completed by itself: an engine that dies of an answer would die of it again.
const TRIES = 3;
const AWAY_MS = 1_000; // an end that comes this soon after a reconnection happened while nobody listened
const CANNOT_GO_ON = new Set([400, 404, 415, 422]); // the engine does not take what would make it go on

const WAYS = {
  startStream,
  resumeStream,
  bodyFor,
  update: chats.update,
  updateAtOnce: chats.updateAtOnce,
  add: chats.add,
  now: () => Date.now(),
};

export class Answer {
  #stream = null;
  #sinks = new Set();
  #tries = 0;
  #saved = 0;
  #timer = null;
  #beat = null;
  #isOver = false;
  #isStopped = false;
  #resumedAt = 0;

  /**
   * @param {object} record the message, as it is in the store
   * @param {{tab: string, onEnd: (record: object) => void, onBegunAgain: (sibling: object) => void}} keeper
   */
  constructor(record, { tab, onEnd, onBegunAgain, ways = WAYS }) {
    this.record = { ...record };
    this.reply = new Reply(record);
    /** "waiting" | "streaming" | "reconnecting" | "completing" | "over" */
    this.phase = signal("waiting");
    /** Counts up while it grows, a few times a second: for figures, not for the text. */
    this.beat = signal(0);
    this.tab = tab;
    this.tell = { onEnd, onBegunAgain };
    this.ways = ways;
  }

  get text() {
    return this.reply.text;
  }

  /**
   * Hears what is added from now on; `null` says that the text begins anew, and is to be read again.
   * @param {(added: {text: string, thought: string} | null) => void} sink
   */
  listen(sink) {
    this.#sinks.add(sink);
    return () => this.#sinks.delete(sink);
  }

  /** Ask for it. */
  begin() {
    this.record = { ...this.record, asked: this.ways.now(), first: null, since: null };
    return this.#ask((body) => body);
  }

  /** Ask for the rest of it. */
  goOn() {
    this.record = {
      ...this.record,
      error: null,
      ended: null,
      asked: this.ways.now(),
      first: null,
      state: "streaming",
    };
    return this.#complete();
  }

  /** Take up a stream that this page, or another one, had begun. */
  reattach() {
    const { id, seq = 0, name } = this.record.stream ?? {};
    if (!name) return this.begin();
    this.#resumedAt = this.ways.now();
    this.#open((on) => this.ways.resumeStream({ id, lastSeq: seq, conversation: name, ...on }));
    return this.#save();
  }

  /** The engine stops; what is there stays. */
  stop() {
    this.#isStopped = true;
    if (this.#stream) this.#stream.stop();
    else this.#end("stopped");
  }

  /** The page is about to go: whoever comes next may take over at once. */
  letGo() {
    this.record = { ...this.#now(), lease: null };
    this.ways.updateAtOnce(this.record);
  }

  holdAgain() {
    this.#save();
  }

  async #ask(shape) {
    this.#move(this.reply.isEmpty ? "waiting" : "completing");
    try {
      const { conversation, parent, model } = this.record;
      const json = shape(await this.ways.bodyFor(conversation, parent, model));
      if (this.#isOver) return;
      const name = this.#name();
      this.record.stream = { id: null, seq: 0, name };
      await this.#save();
      if (this.#isOver) return;
      this.#open((on) => this.ways.startStream({ path: PATH, json, conversation: name, ...on }));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Each request has a name of its own, by which its stream is found while its id is not known. */
  #name() {
    const turn = (this.record.turn ?? 0) + 1;
    this.record.turn = turn;
    return `sw-${this.record.id}-${turn}`;
  }

  #open(start) {
    this.#stream = start({
      onEvent: (event) => this.#take(event),
      onState: (state) => this.#stands(state),
    });
    if (this.#isStopped) this.#stream.stop();
  }

  #take({ data }) {
    if (this.#isOver) return;
    const added = this.reply.take(data);
    if (added.text || added.thought) this.#grew(added);
    this.#beat ??= setTimeout(() => {
      this.#beat = null;
      this.beat.value += 1;
    }, BEAT_MS);
    this.#timer ??= setTimeout(
      () => this.#save(),
      Math.max(0, this.#saved + SAVE_EVERY_MS - this.ways.now()),
    );
  }

  #grew(added) {
    const now = this.ways.now();
    this.record.first ??= now;
    this.record.since ??= now;
    if (added.text) this.record.spoke ??= now;
    this.#move("streaming");
    for (const sink of this.#sinks) sink(added);
  }

  #stands(state) {
    if (this.#isOver) return;
    if (state === "reconnecting") this.#move(this.reply.isEmpty ? "waiting" : "reconnecting");
    else if (state === "streaming" && !this.reply.isEmpty) this.#move("streaming");
    else if (state === "stopped") this.#end("stopped");
    else if (state === "interrupted") this.#complete();
    else if (state === "done") this.#done();
    else if (state === "failed") this.#fail(this.#stream.error);
  }

  #done() {
    const { error } = this.reply;
    if (!error) this.#end("done");
    else if (error.code === "request_cancelled") this.#end("stopped");
    else this.#fail(error);
  }

  /** The log is lost or broke off: go on where the text ends, or, with no text yet, ask once more. */
  #complete() {
    this.#tries += 1;
    if (this.#tries > TRIES) return this.#end("failed", { code: "stream_broken", message: "" });
    this.#stream = null;
    const { text, kept, isEmpty } = this.reply;
    const goesOn = text.trim() !== "";
    this.reply = goesOn ? Reply.after(kept) : new Reply();
    if (!isEmpty) this.record.mended = goesOn ? "continued" : "begun_again";
    this.record.since = null;
    for (const sink of this.#sinks) sink(null);
    return this.#ask((body) => (goesOn ? rest(body, text) : body));
  }

  #fail(error) {
    const fault = shown(error);
    if (this.#isStopped) this.#end("stopped");
    else if (fault.code === "gone") this.#complete();
    else if (this.reply.goesOn && CANNOT_GO_ON.has(fault.status)) this.#beginAgain(fault);
    else this.#end("failed", fault);
  }

  /** The engine cannot go on in the middle: the broken text stays, and a new answer is made beside it. */
  async #beginAgain(fault) {
    const { conversation, parent, model, role, id, instead } = this.record;
    if (instead) return this.#end("failed", fault); // once: it would break off again
    const sibling = chats.newMessage({ conversation, parent, role, model, state: "waiting", instead: id });
    await this.ways.add([sibling], { leaf: sibling.id });
    this.#end("failed", { code: "stream_broken", message: "" });
    this.tell.onBegunAgain(sibling);
  }

  #end(state, error = null) {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#beat);
    const now = this.ways.now();
    const lookedAway = this.#resumedAt > 0 && now - this.#resumedAt < AWAY_MS;
    this.record = { ...this.record, state, error, ended: now, lookedAway, lease: null };
    this.#move("over");
    this.#write();
    this.tell.onEnd(this.record);
  }

  #move(phase) {
    if (this.#isOver && phase !== "over") return;
    this.phase.value = phase;
    if (phase === "streaming") this.record.state = "streaming";
  }

  #save() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#saved = this.ways.now();
    this.record = { ...this.record, lease: lease(this.tab, this.#saved) };
    return this.#write();
  }

  /** The record with all that came by now. */
  #now() {
    const at = this.#stream && {
      ...this.record.stream,
      id: this.#stream.id ?? null,
      seq: this.#stream.lastSeq ?? 0,
    };
    return { ...this.record, ...this.reply.kept, ...(at ? { stream: at } : {}) };
  }

  #write() {
    this.record = this.#now();
    // A full disk must not end an answer that can be read.
    return this.ways.update(this.record).catch(() => {});
  }
}

/** @param {{code?: string, message: string, status?: number}} error of a stream, an event, or of this page */
function shown({ code, message, status = null }) {
  return { code: code ? String(code) : "page_fault", message: String(message), status };
}
