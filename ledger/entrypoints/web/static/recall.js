// What the page of a recall does beyond others: its tab shows how far it is, and who wants to is told when it is done.
"use strict";

(() => {
  const button = document.getElementById("tell");
  const wanted = `ledger-tell ${location.pathname}`;
  const HIDDEN_MS = 5000;
  const isWanted = () => sessionStorage.getItem(wanted) === "yes";
  let before = stateOf(document);

  function stateOf(from) {
    return from.querySelector("#head [data-state]")?.dataset.state;
  }

  function show(from) {
    const icon = from.querySelector("#head [data-icon]")?.dataset.icon;
    if (icon) document.querySelector("link[rel=icon]").href = icon;
    if (from !== document) document.title = from.title;
    const state = stateOf(from);
    if (state && state !== "running") {
      if (isWanted()) tell(from);
      if (button) button.hidden = true;
    }
    before = state ?? before;
  }

  function tell(from) {
    sessionStorage.removeItem(wanted);
    const title = from.querySelector("#head .over-title").textContent.trim();
    new Notification(title, { body: from.querySelector("h1").textContent.trim(), tag: wanted });
  }

  function draw() {
    const words = isWanted() ? button.dataset.on : Notification.permission === "denied" ? button.dataset.denied : null;
    if (words) button.textContent = words;
    button.disabled = Boolean(words);
  }

  if (button && "Notification" in window && before === "running") {
    button.hidden = false;
    draw();
    button.addEventListener("click", async () => {
      if ((await Notification.requestPermission()) === "granted") sessionStorage.setItem(wanted, "yes");
      draw();
    });
  }

  // Pages rest while nobody looks; who asked to be told does not look.
  setInterval(async () => {
    if (!document.hidden || !isWanted()) return;
    const answer = await fetch(document.body.dataset.here, { headers: { Accept: "text/html" } }).catch(() => null);
    if (answer?.ok && !answer.redirected) show(new DOMParser().parseFromString(await answer.text(), "text/html"));
  }, HIDDEN_MS);

  document.addEventListener("ledger:fresh", () => show(document));
  show(document);
})();
