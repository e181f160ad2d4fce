// The demo's page: one person's chat with the bot, live, and the things that happen in Telegram around it.

import { element, messageNode } from "./chat.js";
import { startInline } from "./inline.js";
import { drawPanel, startPanel } from "./panel.js";
import { pickForButton, pickForLink } from "./picker.js";

const $ = (id) => document.getElementById(id);
const drawn = new Map(); // message id -> { as: its JSON, node }
let state = null;
let person = null;
let view = null;
let events = null;
let answersSeen = null;
let typingTimer = 0;

// The token was in the URL; from here on the cookie speaks, and the address bar can be shown to anybody.
history.replaceState(null, "", location.pathname + location.hash);

// -- talking to the sandbox ----------------------------------------------------------------------------------

async function ask(path, body) {
  const options = body && {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  };
  const answer = await fetch(path, options).catch(() => null);
  if (answer === null) {
    toast("The sandbox does not answer. Is it still running?");
    return null;
  }
  const content = await answer.json();
  if (!answer.ok) toast(content.error);
  return answer.ok ? content : null;
}

const act = (name, body) => ask(`control/${name}`, body);

async function refreshState() {
  const fresh = await ask("control/state");
  if (!fresh) return;
  state = fresh;
  drawPeople();
  drawPanel(state, person);
}

let refreshTimer = 0;
function refreshSoon() {
  clearTimeout(refreshTimer);
  refreshTimer = setTimeout(refreshState, 250);
}

// -- what a person does --------------------------------------------------------------------------------------

const actions = {
  send: (text) => act("say", { person, text }),
  tell: toast,
  bot: () => state.our_bot.username,
  async press(message, button, node) {
    node.classList.add("waiting");
    setTimeout(() => node.classList.remove("waiting"), 5000);
    await act("press", { person, message, button });
  },
  async copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      toast("Copied to the clipboard.");
    } catch {
      alertBox(text); // no clipboard here: let it be copied by hand
    }
  },
  async open(url) {
    const address = new URL(/^\w+:\/\//.test(url) ? url : `https://${url}`);
    const inTelegram = ["t.me", "telegram.me", "www.t.me"].includes(address.hostname) || address.protocol === "tg:";
    if (!inTelegram) {
      if (["http:", "https:"].includes(address.protocol)) window.open(address.href, "_blank", "noopener,noreferrer");
      return;
    }
    const name = address.pathname.slice(1).toLowerCase();
    const payload = address.searchParams.get("start");
    const link = state.links.find((one) => one.url === address.href || one.url === url);
    const ours = name === state.our_bot.username.toLowerCase();
    if (ours && address.searchParams.has("startchannel")) {
      await pickForLink({ ask, act, tell: toast, person, bot: state.our_bot.title, link: address.href });
    } else if (ours && payload) await actions.send(`/start ${payload}`);
    else if (link) await startBy(link);
    else toast(`In Telegram this opens ${address.href}`);
  },
};

async function startBy(link) {
  if (!(await act("follow", { person, link: link.url }))) return;
  const outcome = await act("start_app", { person, bot: link.bot });
  if (!outcome) return;
  const me = state.people.find((one) => one.id === person).name;
  toast(outcome.referred_by
    ? `${me} started ${link.bot_title}: one more referred user.`
    : `${me} opened ${link.bot_title}; it does not count (started before, or an own link).`);
}

// -- drawing -------------------------------------------------------------------------------------------------

function avatar(node, name, id) {
  node.className = `avatar tint-${id % 6}`;
  node.textContent = [...name].slice(0, 1).join("");
  return node;
}

function drawPeople() {
  const list = $("people");
  const items = state.people.map((one) => {
    const about = element("small", {}, one.about || (one.username ? `@${one.username}` : ""));
    const words = element("span", { class: "person-words" }, element("b", {}, one.name), about);
    const button = element("button", { type: "button", class: "person", onclick: () => become(one.id) });
    button.append(avatar(element("span", { "aria-hidden": "true" }), one.name, one.id), words);
    if (one.id === person) button.setAttribute("aria-current", "true");
    return element("li", {}, button);
  });
  const focused = [...list.children].findIndex((item) => item.contains(document.activeElement));
  list.replaceChildren(...items);
  if (focused >= 0) list.children[focused]?.firstChild.focus();
}

function drawChat() {
  const log = $("log");
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  const list = $("messages");
  const present = new Set(view.messages.map((one) => one.id));
  for (const [id, one] of drawn) {
    if (present.has(id)) continue;
    one.node.remove();
    drawn.delete(id);
  }
  let grew = false;
  for (const message of view.messages) {
    const as = JSON.stringify(message);
    const before = drawn.get(message.id);
    if (before?.as === as) continue;
    const node = messageNode(message, actions);
    if (before) before.node.replaceWith(node);
    else list.append(node);
    grew ||= !before;
    drawn.set(message.id, { as, node });
  }
  $("empty").hidden = view.messages.length > 0;
  $("empty-text").textContent = `This is ${me().name}’s chat with ${state.our_bot.title}. It is empty: press Start.`;
  if (grew || atEnd) log.scrollTop = log.scrollHeight;
  inline.draw(view.inline);
  drawStatus();
  drawMenuButton();
  drawReplyKeyboard();
  drawAnswers();
}

const me = () => state.people.find((one) => one.id === person);

function drawStatus() {
  const busy = view.action ? (view.action === "typing" ? "is typing…" : "is sending a picture…") : "";
  $("typing").hidden = !busy;
  $("status").textContent = busy || (view.blocked ? "you blocked this bot" : `bot · you are ${me().name}`);
  clearTimeout(typingTimer);
  if (busy) {
    $("log").scrollTop = $("log").scrollHeight;
    typingTimer = setTimeout(() => { view.action = ""; drawStatus(); }, view.action_seconds * 1000);
  }
}

// It opens the commands, unless the bot put a mini app there; with neither there is none.
function drawMenuButton() {
  const app = view.menu_button.web_app;
  $("menu").textContent = app ? view.menu_button.text : "☰ Menu";
  $("menu").title = app?.url ?? "";
  $("menu").hidden = !app && !view.commands.length;
}

function drawAnswers() {
  const fresh = answersSeen === null ? [] : view.answers.slice(answersSeen);
  if (fresh.length || answersSeen === null) answersSeen = view.answers.length;
  if (!fresh.length) return;
  document.querySelectorAll(".inline.waiting").forEach((node) => node.classList.remove("waiting"));
  for (const answer of fresh) {
    if (answer.alert) alertBox(answer.text);
    else if (answer.text) toast(answer.text);
    if (answer.url) actions.open(answer.url);
  }
}

// The bot's keyboard stays until the bot removes it; a used one-time keyboard collapses behind its own button.
let keyboardAs = "";
function drawReplyKeyboard() {
  const keyboard = view.reply_keyboard;
  $("input").placeholder = keyboard?.placeholder || "Message";
  const as = JSON.stringify(keyboard);
  if (as === keyboardAs) return;
  keyboardAs = as;
  const box = $("reply-keyboard");
  const hadFocus = box.contains(document.activeElement);
  const rows = (keyboard?.rows ?? []).map((row) => element("div", { class: "button-row" }, ...row.map(replyButton)));
  box.replaceChildren(...rows);
  $("keyboard-toggle").hidden = !keyboard;
  openKeyboard(Boolean(keyboard?.open));
  if (hadFocus) (keyboard?.open ? box.querySelector("button") : input).focus();
}

function openKeyboard(open) {
  $("reply-keyboard").hidden = !open;
  $("keyboard-toggle").setAttribute("aria-expanded", String(open));
}

function replyButton(button) {
  const run = button.request_chat ? () => pickChannel(button.text) : () => actions.send(button.text);
  return element("button", { type: "button", onclick: run, dir: "auto" }, button.text);
}

function pickChannel(button) {
  return pickForButton({ ask, act, person, bot: state.our_bot.title, button, oldApp: $("old-app").checked });
}

// -- toasts and alerts ---------------------------------------------------------------------------------------

function toast(text) {
  const node = element("div", { class: "toast", dir: "auto" }, text);
  $("toasts").append(node);
  setTimeout(() => node.remove(), 4500);
}

function alertBox(text) {
  $("alert-text").textContent = text;
  if (!$("alert").open) $("alert").showModal();
}

// -- being somebody ------------------------------------------------------------------------------------------

function become(id) {
  person = id;
  location.hash = String(id);
  view = null;
  inline.hide();
  answersSeen = null;
  keyboardAs = "";
  drawn.clear();
  $("messages").replaceChildren();
  drawPeople();
  drawPanel(state, person);
  events?.close();
  events = new EventSource(`events?person=${id}`);
  events.onmessage = (event) => {
    view = JSON.parse(event.data);
    drawChat();
    refreshSoon();
    document.body.dataset.ready = "yes"; // for whoever drives this page: the chat is drawn
  };
  events.onerror = () => { $("status").textContent = "the sandbox is gone; waiting for it…"; };
}

// -- writing -------------------------------------------------------------------------------------------------

const input = $("input");
const inline = startInline({
  box: $("inline"),
  input,
  ask: (name, body, asPerson = true) => act(name, asPerson ? { person, ...body } : body),
  open: (payload) => actions.send(`/start ${payload}`),
  sent: () => { emptied(); input.focus(); },
});

function emptied() {
  input.value = "";
  resize();
}

function submit() {
  const text = input.value.trim();
  if (!text) return;
  emptied();
  hideCommands();
  inline.hide();
  actions.send(text);
}

function resize() {
  input.style.height = "auto";
  input.style.height = `${Math.min(input.scrollHeight, 160)}px`;
}

function showCommands(filter) {
  const fits = (view?.commands ?? []).filter((one) => one.command.startsWith(filter));
  const items = fits.map((one) => {
    const choose = () => { input.value = `/${one.command}`; submit(); input.focus(); };
    const words = [element("b", {}, `/${one.command}`), element("small", { dir: "auto" }, one.description)];
    return element("li", { role: "option", "aria-selected": "false", onclick: choose }, ...words);
  });
  $("commands").replaceChildren(...items);
  $("commands").hidden = !items.length;
}

function hideCommands() { $("commands").hidden = true; }

const list = () => [$("commands"), $("inline")].find((one) => !one.hidden);

function moveChoice(step) {
  const items = [...list().children];
  const now = items.findIndex((item) => item.getAttribute("aria-selected") === "true");
  const next = (now + step + items.length + (now < 0 && step < 0 ? 1 : 0)) % items.length;
  items.forEach((item, index) => item.setAttribute("aria-selected", String(index === next)));
  items[next].scrollIntoView({ block: "nearest" });
}

function chosen() { return list()?.querySelector('[aria-selected="true"]'); }

input.addEventListener("input", () => {
  resize();
  if (/^\/\w*$/.test(input.value)) showCommands(input.value.slice(1));
  else hideCommands();
  inline.typed(state.our_bot.username);
});
input.addEventListener("keydown", (event) => {
  if (list() && ["ArrowDown", "ArrowUp"].includes(event.key)) {
    event.preventDefault();
    moveChoice(event.key === "ArrowDown" ? 1 : -1);
  } else if (event.key === "Escape") {
    hideCommands();
    inline.hide();
  } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    if (chosen()) chosen().click();
    else submit();
  }
});
$("form").addEventListener("submit", (event) => { event.preventDefault(); submit(); });
$("menu").onclick = () => {
  const app = view.menu_button.web_app;
  if (app) {
    actions.tell(`In Telegram this opens the mini app at ${app.url}`);
    return;
  }
  if (!$("commands").hidden) hideCommands();
  else showCommands("");
  input.focus();
};
$("keyboard-toggle").onclick = () => openKeyboard($("reply-keyboard").hidden);
$("start").onclick = () => actions.send("/start");
$("open-panel").onclick = () => {
  const open = $("panel").classList.toggle("open");
  $("open-panel").setAttribute("aria-expanded", String(open));
};

// -- beginning -----------------------------------------------------------------------------------------------

state = await ask("control/state");
if (state) {
  startPanel({ act, toast, refresh: refreshState });
  $("bot-name").textContent = state.our_bot.title;
  avatar($("bot-avatar"), state.our_bot.title, state.our_bot.id);
  const wanted = Number(location.hash.slice(1));
  become(state.people.some((one) => one.id === wanted) ? wanted : state.opens_as);
}
