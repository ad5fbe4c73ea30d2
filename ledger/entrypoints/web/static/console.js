// What pages do beyond what the server writes: times in the viewer's zone, deadlines counted down, pages that keep
// themselves current and say so when they cannot. Everything else works without; forms.js looks after forms.
"use strict";

const page = document.body.dataset;
const offset = Date.parse(page.now) - Date.now();
const RETRY_MS = 3000;
const PATIENCE_MS = 20000;
// Answers of what stands between, when the ledger itself cannot be reached; and its own, when its database cannot.
const AWAY = [502, 503, 504];

function two(number) {
  return String(number).padStart(2, "0");
}

function zoneOf(moment) {
  const minutes = -moment.getTimezoneOffset();
  const hours = Math.floor(Math.abs(minutes) / 60);
  const rest = Math.abs(minutes) % 60;
  return minutes ? `UTC${minutes > 0 ? "+" : "-"}${hours}${rest ? `:${two(rest)}` : ""}` : "UTC";
}

function written(moment) {
  const day = [moment.getFullYear(), two(moment.getMonth() + 1), two(moment.getDate())].join("-");
  return `${day} ${[moment.getHours(), moment.getMinutes(), moment.getSeconds()].map(two).join(":")}`;
}

// The server knows the zone from the second page on; the first one is put right here.
function useOwnZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!zone || zone === page.zone) return;
  document.cookie = `ledger-zone=${zone}; path=/; max-age=31536000; samesite=strict`;
  for (const time of document.querySelectorAll("time[data-time=moment], time[data-time=exact]")) {
    const moment = new Date(time.dateTime);
    time.textContent = written(moment) + (time.dataset.time === "exact" ? ` ${zoneOf(moment)}` : "");
  }
  document.getElementById("zone").textContent = zone === "UTC" ? "UTC" : `${zoneOf(new Date())} ${zone}`;
}

function span(seconds) {
  const h = Math.floor(seconds / 3600);
  const m = Math.floor(seconds / 60) % 60;
  const s = seconds % 60;
  const text = h ? page.spanHours : m ? page.spanMinutes : page.spanSeconds;
  return text.replace("{h}", h).replace("{m}", m).replace("{s}", s);
}

function countDown() {
  const now = Date.now() + offset;
  for (const time of document.querySelectorAll("time[data-time=left]")) {
    const seconds = Math.floor((Date.parse(time.dateTime) - now) / 1000);
    const text = seconds > 0 ? span(seconds) : page.spanOver;
    if (time.textContent !== text && !ledgerMorph.isHeld(time)) time.textContent = text;
  }
}

function tell(trouble) {
  const banner = document.getElementById("lost");
  if (trouble) {
    banner.className = "lost";
    banner.textContent = banner.dataset[trouble];
    banner.hidden = false;
  } else if (!banner.hidden && !banner.classList.contains("back")) {
    banner.classList.add("back");
    banner.textContent = banner.dataset.back;
    setTimeout(() => { if (banner.classList.contains("back")) banner.hidden = true; }, 4000);
  }
}

// Takes over what changed, and nothing else.
function takeOver(fresh) {
  for (const part of document.querySelectorAll("[data-part]")) {
    const other = fresh.getElementById(part.id);
    if (other) ledgerMorph.morph(part, other);
  }
  document.title = fresh.title;
}

async function follow(every) {
  let pause = every;
  // Nobody looks: no need to ask.
  if (document.hidden) return setTimeout(follow, pause, every);
  try {
    // Its own address, by which it can be loaded: never the one that a form was sent to.
    const answer = await fetch(page.here, { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(PATIENCE_MS) });
    if (answer.redirected) {
      document.dispatchEvent(new Event("ledger:leaving"));
      return location.assign(answer.url);
    }
    // It says so itself, and goes on looking.
    if (AWAY.includes(answer.status) && document.getElementById("away")) return setTimeout(follow, pause, every);
    if (AWAY.includes(answer.status)) throw new Error(String(answer.status));
    // The page is gone, or is not for this person any more: it says so itself.
    if (answer.status >= 400 && answer.status < 500 && answer.status !== 429) return location.assign(page.here);
    if (!answer.ok) {
      tell("failed");
      return setTimeout(follow, RETRY_MS, every);
    }
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    tell(null);
    // A plan that somebody else started is another page.
    if ([...document.querySelectorAll("[data-part]")].some((part) => !fresh.getElementById(part.id))) {
      document.dispatchEvent(new Event("ledger:leaving"));
      return location.reload();
    }
    if (!document.dispatchEvent(new CustomEvent("ledger:arriving", { detail: fresh, cancelable: true }))) return;
    takeOver(fresh);
    document.dispatchEvent(new Event("ledger:fresh"));
    useOwnZone();
    countDown();
    pause = Number(fresh.body.dataset.every);
  } catch {
    tell("text");
    pause = RETRY_MS;
  }
  if (pause) setTimeout(follow, pause, every);
}

useOwnZone();
countDown();
setInterval(countDown, 1000);
if (Number(page.every)) setTimeout(follow, Number(page.every), Number(page.every));
