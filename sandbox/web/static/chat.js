// Draws messages as DOM nodes from a whitelist. A bot's text never becomes HTML: only text nodes.

const TAGS = {
  bold: "strong", italic: "em", underline: "u", strikethrough: "s", code: "code", pre: "pre",
  blockquote: "blockquote", expandable_blockquote: "blockquote", spoiler: "span",
};
const LINKS = new Set(["text_link", "url"]);

export function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class") node.className = value;
    else if (name.startsWith("aria-") || name === "role") node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children);
  return node;
}

// Entity offsets count UTF-16 units, as JavaScript's strings do.
export function formatted(text, entities, actions) {
  const fragment = document.createDocumentFragment();
  fill(fragment, text, entities, 0, text.length, actions);
  return fragment;
}

function fill(parent, text, entities, start, end, actions) {
  let at = start;
  for (let index = 0; index < entities.length; index += 1) {
    const entity = entities[index];
    const stop = Math.min(entity.offset + entity.length, end);
    if (entity.offset < at || entity.offset >= end) continue;
    parent.append(text.slice(at, entity.offset));
    const node = entityNode(entity, text.slice(entity.offset, stop), actions);
    fill(node, text, entities.slice(index + 1), entity.offset, stop, actions);
    parent.append(node);
    at = stop;
  }
  parent.append(text.slice(at, end));
}

function entityNode(entity, words, actions) {
  if (LINKS.has(entity.type)) {
    const url = entity.url ?? words;
    return inTextButton(url, () => actions.open(url));
  }
  if (entity.type === "bot_command") return inTextButton(`Send ${words}`, () => actions.send(words));
  if (entity.type === "mention") return inTextButton(words, () => actions.open(`https://t.me/${words.slice(1)}`));
  const node = element(TAGS[entity.type] ?? "span");
  if (entity.type === "spoiler") {
    node.className = "spoiler";
    node.tabIndex = 0;
    const reveal = () => node.classList.add("revealed");
    node.addEventListener("click", reveal);
    node.addEventListener("keydown", (event) => event.key === "Enter" && reveal());
  }
  return node;
}

function inTextButton(title, run) {
  return element("button", { type: "button", class: "link", title, onclick: run });
}

export function messageNode(message, actions) {
  if (message.service) return element("li", { class: "service" }, serviceText(message.service));
  const bubble = element("div", { class: "bubble", dir: "auto" });
  if (message.via_bot) bubble.append(element("div", { class: "via" }, `via @${actions.bot()}`));
  if (message.reply_to) bubble.append(element("div", { class: "reply" }, message.reply_to));
  if (message.photo) bubble.append(picture(message));
  if (message.text) {
    bubble.append(element("div", { class: "text" }, formatted(message.text, message.entities, actions)));
  }
  bubble.append(element("div", { class: "meta" }, message.edited ? "edited " : "", clock(message.date)));
  const item = element("li", { class: message.from_bot ? "from-bot" : "from-me" }, bubble);
  item.append(element("span", { class: "for-readers" }, message.from_bot ? "The bot" : "You"));
  if (message.buttons.length) item.append(keyboard(message, actions));
  return item;
}

function picture(message) {
  const [width, height] = message.photo.size;
  const alt = message.text ? `Picture: ${message.text.slice(0, 80)}` : "Picture";
  return element("img", { class: "photo", src: `photo/${message.photo.id}`, alt, width, height });
}

function serviceText(service) {
  if (service.chat_shared) return `You chose ${service.chat_shared.title ?? "a channel"}`;
  return "Something happened";
}

function keyboard(message, actions) {
  const rows = message.buttons.map((row) => {
    const nodes = row.map((button) => inlineButton(message, button, actions));
    return element("div", { class: "button-row" }, ...nodes);
  });
  return element("div", { class: "buttons", role: "group", "aria-label": "Buttons of this message" }, ...rows);
}

function inlineButton(message, button, actions) {
  const node = element("button", { type: "button", class: "inline" }, element("span", { dir: "auto" }, button.text));
  if (button.callback_data !== undefined) {
    node.onclick = () => actions.press(message.id, button.callback_data, node);
  } else if (button.copy_text) {
    node.append(element("small", {}, "📋 copies"));
    node.title = button.copy_text.text;
    node.onclick = () => actions.copy(button.copy_text.text);
  } else if (button.url) {
    node.append(element("small", {}, `↗ ${target(button.url)}`));
    node.title = button.url;
    node.onclick = () => actions.open(button.url);
  } else {
    const kind = Object.keys(button).find((name) => name !== "text") ?? "";
    const meaning = kind.startsWith("switch_inline") ? "writes the bot’s name in a chat" : "opens a mini app";
    node.append(element("small", {}, meaning));
    node.onclick = () => actions.tell(`In Telegram this button ${meaning}.`);
  }
  return node;
}

function target(url) {
  const bare = url.replace(/^\w+:\/\//, "");
  return bare.length > 34 ? `${bare.slice(0, 33)}…` : bare;
}

function clock(date) {
  return new Date(date).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}
