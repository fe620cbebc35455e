// What pages do beyond plain HTML; each works without it.
"use strict";

// The visitor's zone, for the next page; times on this one are put right at once.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const shown = document.querySelector(".zone");
if (zone && shown && shown.textContent !== zone) {
  for (const path of ["/admin", "/account"]) {
    document.cookie = `zone=${zone}; path=${path}; max-age=31536000; samesite=strict`;
  }
  const format = new Intl.DateTimeFormat("sv-SE", {
    timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit",
    hour: "2-digit", minute: "2-digit", second: "2-digit",
  });
  for (const time of document.querySelectorAll("time[datetime]")) {
    const text = format.format(new Date(time.dateTime));
    time.textContent = text.slice(0, time.textContent.length);
  }
  shown.textContent = zone;
}

// On narrow screens the names of the pages are one row that scrolls: to this one, and a bit before.
const current = document.querySelector(".top nav [aria-current]");
if (current) {
  const row = current.closest("nav");
  row.scrollLeft = current.offsetLeft - row.offsetLeft - 48;
}

// A form is sent once, however often its button is pressed.
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    else setTimeout(() => delete form.dataset.sent, 5000); // who stopped it may send it again
    form.dataset.sent = "yes";
  });
}
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// data-copy: the id of the element whose text goes to the clipboard.
for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = "Copied";
  });
}

// data-tail: where to ask for what is newer; it goes on top of the table in data-into.
for (const tail of document.querySelectorAll("[data-tail]")) {
  const [said, button] = [tail.querySelector("[role=status]"), tail.querySelector("button")];
  const into = document.getElementById(tail.dataset.into);
  const [body, most, every] = [into.querySelector("tbody"), 500, 2000];
  let run; // ends with a pause; the next one knows nothing of what the last one still awaited

  const look = async (signal) => {
    const answer = await fetch(tail.dataset.tail, { redirect: "error", signal });
    if (answer.status === 401) return stop("You are signed out; load the page again.");
    if (!answer.ok) throw new Error(answer.status);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const found = page.querySelector("[data-tail]");
    const rows = [...found.querySelectorAll("tr")];
    tail.dataset.tail = found.dataset.tail;
    if (!rows.length) return;
    if ("leftOut" in found.dataset) body.replaceChildren();
    for (const row of rows) row.className = "fresh";
    body.prepend(...rows);
    while (body.rows.length > most) body.lastElementChild.remove();
    into.hidden = false;
    document.getElementById("no-events")?.remove();
    const more = "leftOut" in found.dataset ? ", and more that are left out here" : "";
    said.textContent = `${rows.length} new ${rows.length === 1 ? "event" : "events"}${more}`;
  };
  const again = (signal) => setTimeout(async () => {
    if (signal.aborted) return;
    try {
      if (!document.hidden) await look(signal);
    } catch {
      if (!signal.aborted) said.textContent = "No answer; it is tried again.";
    }
    if (!signal.aborted) again(signal);
  }, every);
  const follow = () => {
    run = new AbortController();
    button.textContent = "Pause";
    said.textContent = "Following";
    again(run.signal);
  };
  const stop = (text) => {
    run.abort();
    said.textContent = text;
    button.textContent = "Follow";
  };
  button.hidden = false;
  button.addEventListener("click", () => (run.signal.aborted ? follow() : stop("Paused")));
  follow();
}
