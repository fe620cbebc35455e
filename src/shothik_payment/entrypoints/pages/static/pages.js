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

// A form is sent once, however often its button is pressed.
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
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
