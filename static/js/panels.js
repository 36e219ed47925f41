/* What htmx leaves to the page: a panel that does not arrive says so (`is-failed`) instead of loading for ever, and a
   search box that htmx brings back from history shows the query of its address, not that of its first load. What asks or
   tells by itself (`data-when-seen`) does so only while the page is seen. */
(() => {
  "use strict";
  const fail = ({ detail }) => detail.elt.classList.add("is-failed");
  for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) document.addEventListener(name, fail);
  document.addEventListener("htmx:beforeRequest", ({ detail }) => detail.elt.classList.remove("is-failed"));

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden && event.detail.elt.matches("[data-when-seen]")) event.preventDefault();
  });

  document.addEventListener("htmx:historyRestore", () => {
    const query = new URLSearchParams(location.search).get("q") ?? "";
    for (const box of document.querySelectorAll("input[name=q][hx-get]")) box.value = query;
  });
})();
