// Forms: nothing dangerous is done by a key that is held or pressed once too often, each is sent once, and what was
// typed is kept in this tab while somebody has to sign in anew.
"use strict";

(() => {
  const ARM_MS = 1000;
  const DRAFT = "ledger-draft";
  const DRAFT_MS = 15 * 60 * 1000;
  // What confirms is typed anew, before the eyes of what it confirms; a secret is never kept.
  const NOT_KEPT = ["typed", "form_key", "token"];
  const who = document.body.dataset.who;
  const armed = new Set();

  function dangerous(form) {
    return [...form.querySelectorAll("button")];
  }

  function paint(form) {
    for (const button of dangerous(form)) {
      if (armed.has(form.action)) button.removeAttribute("aria-disabled");
      else button.setAttribute("aria-disabled", "true");
    }
  }

  // A form is armed a second after somebody could see it; a page in the background is not painted until then.
  function arm() {
    for (const form of document.querySelectorAll("form[data-armed]")) {
      if (!armed.has(form.action) && !form.dataset.waits) {
        form.dataset.waits = "yes";
        requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => {
          armed.add(form.action);
          for (const one of document.querySelectorAll("form[data-armed]")) paint(one);
        }, ARM_MS)));
      }
      paint(form);
    }
  }

  function isHeld(event) {
    if (!event.repeat || (event.key !== "Enter" && event.key !== " ")) return false;
    if (event.target.matches("textarea")) return false;
    return event.key === "Enter" || !event.target.matches("input:not([type=checkbox]), select");
  }

  function keep(form) {
    const fields = [...new FormData(form)].filter(([name, value]) => !NOT_KEPT.includes(name) && typeof value === "string");
    const draft = { who, path: location.pathname, action: form.action, fields, at: Date.now() };
    try {
      sessionStorage.setItem(DRAFT, JSON.stringify(draft));
    } catch {
      // There is no room, or it is forbidden: then it has to be typed again.
    }
  }

  function kept() {
    try {
      return JSON.parse(sessionStorage.getItem(DRAFT));
    } catch {
      return null;
    }
  }

  // Only the page that the form stands on, for the person who typed, and not for long; any other page forgets it.
  function giveBack() {
    const draft = kept();
    if (!draft || location.pathname === "/sign-in") return;
    sessionStorage.removeItem(DRAFT);
    if (draft.who !== who || draft.path !== location.pathname || Date.now() - draft.at > DRAFT_MS) return;
    const form = [...document.querySelectorAll("form[method=post]")].find((one) => one.action === draft.action);
    for (const [name, value] of form ? draft.fields : []) {
      const field = form.elements[name];
      if (!field || field.type === "hidden") continue;
      if (field.type === "checkbox") field.checked = true;
      else field.value = value;
      field.closest("details")?.setAttribute("open", "");
    }
  }

  document.addEventListener("keydown", (event) => { if (isHeld(event)) event.preventDefault(); }, true);
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if ("armed" in form.dataset && !armed.has(form.action)) return event.preventDefault();
    if (form.method === "post" && form.querySelector("[name=form_key]")) {
      keep(form);
      form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "kept_there", value: "yes" }));
    }
    for (const button of form.querySelectorAll("button")) setTimeout(() => { button.disabled = true; });
  });
  // A live page took over what is new, or is about to be left because the session is over.
  document.addEventListener("ledger:fresh", arm);
  document.addEventListener("ledger:leaving", () => {
    const active = document.activeElement?.closest?.("form[method=post]");
    const typed = [...document.querySelectorAll("form[method=post]")].find(isTyped);
    if (active || typed) keep(active || typed);
  });
  // Who comes back to a page finds its forms ready again, and has to have seen them again.
  addEventListener("pageshow", (event) => {
    for (const button of document.querySelectorAll("button[disabled]")) button.disabled = false;
    if (event.persisted) {
      armed.clear();
      for (const form of document.querySelectorAll("form[data-armed]")) delete form.dataset.waits;
      arm();
    }
  });

  function isTyped(form) {
    return [...form.elements].some(
      (field) => field.matches("input:not([type=hidden]), textarea") && field.value !== field.defaultValue);
  }

  // When the time of a plan is over, its page says so, and offers a new one; what was filled in beside it goes along.
  function over() {
    const form = [...document.querySelectorAll("form[method=post]")].find(isTyped);
    if (form) keep(form);
    const address = new URL(location);
    for (const field of document.querySelectorAll("[data-carried]")) {
      const value = field.type === "checkbox" ? String(Number(field.checked)) : field.value;
      if (value) address.searchParams.set(field.name, value);
    }
    location.replace(address);
  }

  const ends = (from) => from.querySelector("[data-ends]")?.dataset.ends;
  const offset = Date.parse(document.body.dataset.now) - Date.now();
  const watching = setInterval(() => {
    if (!ends(document) || Date.parse(ends(document)) >= Date.now() + offset) return;
    clearInterval(watching);
    over();
  }, 1000);
  // Nor may a live page take the form away before that: it is over, or somebody else asked for it or set it for later.
  document.addEventListener("ledger:arriving", (event) => {
    if (!ends(document) || ends(event.detail)) return;
    event.preventDefault();
    clearInterval(watching);
    over();
  });

  giveBack();
  arm();
})();
