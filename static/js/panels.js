/* Panels that arrive after the page: when one does not arrive, its element says so (`is-failed`) instead of loading for ever. */
(() => {
  "use strict";
  const fail = ({ detail }) => detail.elt.classList.add("is-failed");
  for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) document.addEventListener(name, fail);
  document.addEventListener("htmx:beforeRequest", ({ detail }) => detail.elt.classList.remove("is-failed"));
})();
