// Runs before anything is drawn, so that no other colour flashes up: it copies what was chosen to <html>, and
// asks for the words early. What may be chosen, and what counts where nothing was, store/settings.js says.

(() => {
  let kept = null;
  try {
    kept = JSON.parse(localStorage.getItem("switchyard.settings"));
  } catch { /* no storage, or something else wrote there */ }
  const root = document.documentElement;
  root.dataset.theme = kept?.theme ?? "phosphor";
  root.dataset.density = kept?.density ?? "cosy";
  root.toggleAttribute("data-scanlines", kept?.scanlines === true);
  const spoken = [kept?.lang, ...navigator.languages].map((tag) => String(tag).slice(0, 2).toLowerCase());
  const lang = spoken.find((code) => code === "en" || code === "ru") ?? "en";
  const href = new URL(`i18n/${lang}/shell.js`, document.currentScript.src).href;
  document.head.append(Object.assign(document.createElement("link"), { rel: "modulepreload", href }));
})();

// A network that changes breaks what is being asked for. Without its entry there is no page that could say
// so, and it is loaded anew: once, as what fails twice is not the network's whim.
document.addEventListener("error", ({ target }) => {
  const [{ type }] = performance.getEntriesByType("navigation");
  if (target.type === "module" && type !== "reload") setTimeout(() => location.reload(), 1000);
}, true);
