// The phone page. What a message holds is written as text alone, never as markup.
"use strict";

const SHOWN = 500; // messages; older ones are in GET /inbox
const DEFAULT_PORT = "8255";
const phones = document.querySelector("#phones");
const shown = new Map(); // key -> {message, item}, oldest first
let meanings = {};

const keyOf = (message) => `${message.id} ${message.message_id}`;

function announce(text) {
  document.querySelector("#news").textContent = text;
}

async function copy(text, button) {
  const label = button.querySelector("span");
  const before = label.dataset.before ?? label.textContent;
  label.dataset.before = before;
  try {
    await navigator.clipboard.writeText(text);
    label.textContent = "Copied";
  } catch {
    label.textContent = "Not copied: the browser refused";
  }
  announce(label.textContent);
  setTimeout(() => { label.textContent = before; }, 1500);
}

function phoneOf(recipient) {
  const found = [...phones.children].find((phone) => phone.dataset.number === recipient);
  if (found) return found;
  const phone = document.querySelector("#phone").content.firstElementChild.cloneNode(true);
  const title = phone.querySelector("h2");
  phone.dataset.number = recipient;
  title.textContent = recipient;
  title.id = `phone-${recipient.slice(1)}`;
  phone.setAttribute("aria-labelledby", title.id);
  const list = phone.querySelector("ol");
  list.tabIndex = 0; // a list that scrolls is reached by the keyboard
  list.setAttribute("aria-label", `Messages to ${recipient}`);
  return phone;
}

function itemOf(message) {
  const item = document.querySelector("#message").content.firstElementChild.cloneNode(true);
  const put = (selector, text) => { item.querySelector(selector).textContent = text; };
  const time = new Date(message.received * 1000);
  put(".sender", `from ${message.sender}`);
  put("time", time.toLocaleTimeString());
  item.querySelector("time").dateTime = time.toISOString();
  put(".text strong", message.code);
  put(".copy b", message.button_code);
  put(".template", message.template_name);
  put(".language", message.language);
  put(".id", message.message_id);
  const refs = [message.ref, message.ref1, message.ref2].filter(Boolean);
  put(".refs dd", refs.join(" · "));
  item.querySelector(".refs").hidden = refs.length === 0;
  item.querySelector(".different").hidden = message.code === message.button_code;
  const button = item.querySelector(".copy");
  button.addEventListener("click", () => copy(message.button_code, button));
  const details = item.querySelector("details");
  details.addEventListener("toggle", () => {
    if (details.open) put("pre", JSON.stringify(message.payload, null, 2));
  });
  return item;
}

function showStatus({ message, item }) {
  const last = message.statuses.at(-1);
  const status = last ? last.status : "accepted";
  const line = item.querySelector(".status");
  line.dataset.status = status;
  line.querySelector("span").textContent = status;
  line.querySelector("use").setAttribute("href", `#${status}`);
  const error = last && last.errors[0];
  item.classList.toggle("failed", Boolean(error));
  item.querySelector(".why").hidden = !error;
  if (error) item.querySelector(".why").textContent = `${error.code} ${error.title}. ${meanings[error.code] ?? ""}`;
}

function show(message) {
  const known = shown.get(keyOf(message));
  if (known) {
    if (message.statuses.length > known.message.statuses.length) {
      known.message.statuses = message.statuses;
      showStatus(known);
    }
    return;
  }
  const entry = { message, item: itemOf(message) };
  shown.set(keyOf(message), entry);
  showStatus(entry);
  const phone = phoneOf(message.recipient);
  phone.querySelector("ol").prepend(entry.item);
  // moving what has the focus would take the focus away
  if (phones.firstElementChild !== phone && !phone.contains(document.activeElement)) phones.prepend(phone);
  if (shown.size > SHOWN) forget(shown.keys().next().value);
  document.querySelector("#empty").hidden = true;
}

function forget(key) {
  const { item } = shown.get(key);
  const phone = item.closest(".phone");
  shown.delete(key);
  item.remove();
  if (!phone.querySelector("li")) phone.remove();
  document.querySelector("#empty").hidden = shown.size > 0;
}

async function load() {
  const before = [...shown.keys()];
  const messages = (await (await fetch("/inbox")).json()).slice(-SHOWN);
  const kept = new Set(messages.map(keyOf));
  before.filter((key) => !kept.has(key) && shown.has(key)).forEach(forget);
  messages.forEach(show);
  document.querySelector("#empty").hidden = shown.size > 0;
}

function setLive(live) {
  const line = document.querySelector("#live");
  line.textContent = live ? "live" : "not connected; trying again";
  line.toggleAttribute("data-live", live);
}

function listen() {
  const events = new EventSource("/inbox/events");
  events.addEventListener("open", async () => {
    await load();
    setLive(true);
  });
  events.addEventListener("error", () => setLive(false));
  events.addEventListener("message", (event) => {
    const message = JSON.parse(event.data);
    if (!shown.has(keyOf(message))) announce(`New message to ${message.recipient}: ${message.code}`);
    show(message);
  });
  events.addEventListener("status", (event) => {
    const status = JSON.parse(event.data);
    const entry = shown.get(keyOf(status));
    if (!entry || entry.message.statuses.some((known) => known.status === status.status)) return;
    entry.message.statuses.push(status);
    showStatus(entry);
  });
}

function lineToType() {
  if (location.port === DEFAULT_PORT) return "kshell curl --reveal to=+919812345678 | sh";
  const parameters = [{ type: "text", text: "482913" }];
  const components = [
    { type: "body", parameters },
    { type: "button", sub_type: "url", index: 0, parameters },
  ];
  const template = { name: "auth1", language: { code: "en_US" }, components };
  const body = { messaging_object: { messaging_product: "whatsapp", to: "+919812345678", template } };
  return `curl '${location.origin}/v2/HXSANDBOXIN/whatsapp/+15005550000/messages' -H 'api-key: any' ` +
    `-H 'Content-Type: application/json' --data-raw '${JSON.stringify(body)}'`;
}

document.querySelector("#line").textContent = lineToType();
document.querySelector("#origin").textContent = location.origin;
document.querySelector("#copy-line").addEventListener("click", (event) => copy(lineToType(), event.currentTarget));
document.querySelector("#clear").addEventListener("click", async () => {
  await fetch("/inbox", { method: "DELETE" });
  [...shown.keys()].forEach(forget);
  announce("All messages are forgotten");
});
fetch("/", { headers: { Accept: "application/json" } })
  .then((answer) => answer.json())
  .then((about) => { meanings = about.errors; })
  .finally(listen);
