// The board of campaigns: it finds while somebody types, and a slash leads to the field. Without, the form is sent.
"use strict";

(() => {
  const form = document.getElementById("find");
  if (!form) return;
  const field = form.elements.q;
  const PAUSE_MS = 150;
  let waits;
  let latest = 0;

  addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input:not([type=checkbox]), textarea, select")) return;
    event.preventDefault();
    field.focus();
    field.select();
  });

  async function look() {
    const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
    const address = String(query) ? `/?${query}` : "/";
    const mine = ++latest;
    history.replaceState(null, "", address);
    document.body.dataset.here = address;
    const answer = await fetch(address, { headers: { Accept: "text/html" } }).catch(() => null);
    if (!answer?.ok || answer.redirected) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (mine !== latest) return;
    for (const id of ["strip", "campaigns"]) {
      const part = document.getElementById(id);
      const other = fresh.getElementById(id);
      if (part && other) ledgerMorph.morph(part, other);
    }
    document.dispatchEvent(new Event("ledger:fresh"));
  }

  form.addEventListener("input", () => {
    clearTimeout(waits);
    waits = setTimeout(look, PAUSE_MS);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(waits);
    look();
  });
})();
