// The list of models as the manager last reported it. Asks only while somebody can see it.

import { listModels } from './api.js';

const EVERY_MS = 2000;
const GLYPHS = {
  stopped: '○', starting: '◔', loading: '◔', warming: '◑', ready: '●', draining: '◌', sleeping: '☾', asleep: '☾',
  waking: '◔', stopping: '◌', failed: '✕', stop_failed: '✕',
};
const MOVING = ['starting', 'loading', 'warming', 'waking', 'draining', 'stopping'];

function words({ phase, progress, message }) {
  const more = message ?? progress ?? '';
  return `${GLYPHS[phase] ?? '?'} ${phase}${MOVING.includes(phase) ? '…' : ''}${more && ` · ${more}`}`;
}

function row(model, isChosen, choose) {
  const button = document.createElement('button');
  button.type = 'button';
  button.dataset.id = model.id;
  button.setAttribute('aria-pressed', String(isChosen));
  button.textContent = model.id;
  const kind = document.createElement('span');
  kind.textContent = [model.type, ...model.aliases.map((alias) => `= ${alias}`)].join(' ');
  const phase = document.createElement('span');
  phase.className = MOVING.includes(model.status.phase) ? 'moving' : model.status.value;
  phase.textContent = words(model.status);
  button.append(kind, phase);
  button.addEventListener('click', () => choose(model));
  const item = document.createElement('li');
  item.append(button);
  return item;
}

// Calls `choose(model)` for the first model at once, and for whatever is clicked.
export function watchModels(list, link, choose) {
  let [chosen, shown, timer, asking] = [null, '', 0, false];

  function draw(models) {
    const focused = document.activeElement?.dataset?.id;
    list.replaceChildren(...models.map((model) => row(model, model.id === chosen, pick)));
    if (focused) list.querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus();
  }

  function pick(model) {
    chosen = model.id;
    for (const button of list.querySelectorAll('button')) button.setAttribute('aria-pressed', String(button.dataset.id === chosen));
    choose(model);
  }

  async function ask() {
    if (asking || document.hidden) return;
    asking = true;
    clearTimeout(timer);
    try {
      const models = await listModels();
      if (models.length && !models.some((model) => model.id === chosen)) pick(models[0]);
      if (JSON.stringify(models) !== shown) draw(models);
      shown = JSON.stringify(models);
      link.textContent = models.length ? `${models.length} models` : 'no model yet: add one to models.json';
      link.className = '';
    } catch (error) {
      link.textContent = error.message;
      link.className = 'error';
    }
    asking = false;
    timer = setTimeout(ask, EVERY_MS);
  }

  document.addEventListener('visibilitychange', ask);
  ask();
  return ask;
}
