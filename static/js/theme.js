/* The theme switch. Loaded in <head> without `defer`, so that the chosen theme holds before the first paint.

   The choice is "auto" (follow the system), "light" or "dark"; only the last two are remembered and set on <html>. */
(() => {
  "use strict";
  const KEY = "bzpeer-theme";
  const CHOICES = ["light", "dark"];

  // Storage may be refused altogether (private windows): the switch then works for this page only.
  const read = () => { try { return localStorage.getItem(KEY); } catch { return null; } };
  const write = (choice) => {
    try {
      if (CHOICES.includes(choice)) localStorage.setItem(KEY, choice);
      else localStorage.removeItem(KEY);
    } catch { /* nothing to remember it in */ }
  };

  const apply = (choice) => {
    if (CHOICES.includes(choice)) document.documentElement.dataset.theme = choice;
    else delete document.documentElement.dataset.theme;
  };

  const show = () => {
    const current = document.documentElement.dataset.theme ?? "auto";
    for (const field of document.querySelectorAll("[data-theme-switch]")) {
      field.hidden = false;
      for (const radio of field.querySelectorAll("input")) radio.checked = radio.value === current;
    }
  };

  apply(read());
  document.addEventListener("DOMContentLoaded", show);
  document.addEventListener("htmx:historyRestore", show);
  document.addEventListener("change", ({ target }) => {
    if (!target.closest("[data-theme-switch]")) return;
    apply(target.value);
    write(target.value);
  });
})();
