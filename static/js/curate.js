/* Keys of the curators' queues: j and k go from case to case, s and d press the buttons of the one that has the focus,
   u presses the last "Undo" of this page, o follows the case's link, ? opens the list of keys.

   A case is `[data-case]`, its name the value. Every key presses what is on the page, so that nothing can be done here
   that cannot be done without it. Keys rest while one types, with a modifier, and when switched off (WCAG 2.1.4). */
(() => {
  "use strict";
  const OFF = "bzpeer-keys-off";
  const keys = document.querySelector("[data-keys]");
  if (!keys) return;
  const said = document.querySelector("[data-keys-said]");
  const decided = []; // the cases in the order in which they were decided
  // A form that answers with the page again names the case that it was about.
  let current = document.getElementById(location.hash.slice(1))?.closest("[data-case]") ?? null;

  // Storage may be refused altogether (private windows): the switch then works for this page only.
  const box = keys.querySelector("[data-keys-on]");
  try { box.checked = localStorage.getItem(OFF) === null; } catch { /* on */ }
  box.addEventListener("change", () => {
    try {
      if (box.checked) localStorage.removeItem(OFF);
      else localStorage.setItem(OFF, "1");
    } catch { /* nothing to remember it in */ }
  });
  keys.hidden = false;

  const cases = () => [...document.querySelectorAll("[data-case]")];
  const say = (text) => { said.textContent = ""; requestAnimationFrame(() => { said.textContent = text; }); };
  const here = () => document.activeElement?.closest("[data-case]") ?? (current?.isConnected ? current : null);

  const go = (step) => {
    const all = cases();
    const from = here();
    const at = from ? all.indexOf(from) + step : step > 0 ? 0 : all.length - 1;
    if (at < 0 || at >= all.length) return say(at < 0 ? keys.dataset.saysFirst : keys.dataset.saysLast);
    current = all[at];
    current.focus();
    current.scrollIntoView({ block: "start" });
    say(keys.dataset.saysCase.replace("{number}", at + 1).replace("{count}", all.length).replace("{title}", current.dataset.case));
  };

  const press = (selector) => {
    const from = here();
    if (!from) return say(keys.dataset.saysChoose);
    from.querySelector(selector)?.click();
  };

  const undo = () => {
    const button = "form[action$='/withdraw/'] button";
    while (decided.length) {
      const found = decided.pop().querySelector(button);
      if (found) return found.click();
    }
    const alone = document.querySelectorAll(button);
    if (alone.length === 1) return alone[0].click(); // the page of one decision
    say(keys.dataset.saysNothing);
  };

  const does = {
    j: () => go(1),
    k: () => go(-1),
    s: () => press(".decide button[value='1']"),
    d: () => press(".decide button[value='0']"),
    u: undo,
    o: () => press("[data-open]"),
    "?": () => { keys.open = !keys.open; if (keys.open) keys.querySelector("summary").focus(); },
  };

  document.addEventListener("keydown", (event) => {
    const types = event.target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
    if (!box.checked || types || event.ctrlKey || event.altKey || event.metaKey || event.isComposing || event.repeat) return;
    if (!Object.hasOwn(does, event.key)) return;
    event.preventDefault();
    does[event.key]();
  });

  // An answer takes the place of the form, and with it of the focus: that goes to the case, and the answer is read out.
  document.addEventListener("htmx:afterSettle", ({ target }) => {
    const from = target.closest?.("[data-case]");
    const answer = from?.querySelector(".decision");
    if (!answer) return;
    if (answer.querySelector("form[action$='/withdraw/']")) decided.push(from);
    current = from;
    from.focus({ preventScroll: true });
    say(answer.textContent.trim().replace(/\s+/g, " ").slice(0, 300));
  });
})();
