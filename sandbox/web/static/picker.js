// Handing a channel to the bot, as Telegram's apps do it: choose a channel or make one, then confirm the rights.

import { element } from "./chat.js";

const $ = (id) => document.getElementById(id);
const RIGHTS = {
  post_messages: "Post messages",
  edit_messages: "Edit messages of others",
  delete_messages: "Delete messages of others",
  change_info: "Change channel info",
  invite_users: "Invite people by link",
  promote_members: "Add new admins",
};
const CREATE = "create";

// A keyboard's button asks: the channel is sent to the bot, and the bot added to it. An old app does not add it.
export async function pickForButton({ ask, act, person, bot, button, oldApp }) {
  const query = new URLSearchParams({ person, button });
  const offer = await ask(`control/picker?${query}`);
  if (!offer) return;
  const adds = (rights) => (oldApp ? [] : rights);
  const choice = await choose({ ...offer, can_create: offer.can_create && !oldApp }, button);
  if (choice === CREATE) {
    const made = await describeNew(offer);
    if (!made || !(await confirmed(`Create “${made.title}” and send it to ${bot}?`, bot, made.title, offer.adds))) return;
    await act("share_new_channel", { person, button, ...made });
  } else if (choice) {
    if (!(await confirmed(`Send “${choice.title}” to ${bot}?`, bot, choice.title, adds(choice.adds)))) return;
    await act("share_channel", { person, button, channel: choice.id, adds_bot: !oldApp });
  }
}

// A `startchannel` link: the bot is added, and nothing is sent.
export async function pickForLink({ ask, act, tell, person, bot, link }) {
  const offer = await ask(`control/picker?${new URLSearchParams({ person, link })}`);
  if (!offer) return;
  const choice = await choose(offer, `Add ${bot} to a channel`);
  if (!choice) return;
  if (!(await confirmed(`Add ${bot} to “${choice.title}” as an admin?`, bot, choice.title, choice.adds))) return;
  if (await act("add_bot", { person, channel: choice.id, link })) tell(`${bot} is an admin of ${choice.title}.`);
}

const phrase = (right) => RIGHTS[right] ?? right;

// -- the dialogs ---------------------------------------------------------------------------------------------

// What the dialog was closed with; "" when it was cancelled, by Esc too.
function outcome(dialog) {
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((done) => {
    dialog.addEventListener("close", () => done(dialog.returnValue), { once: true });
  });
}

async function choose(offer, title) {
  $("picker-title").textContent = title;
  const rows = offer.channels.map((one) => element("li", {}, choiceButton(one)));
  $("picker-list").replaceChildren(...rows);
  $("picker-none").hidden = rows.length > 0;
  const needs = offer.needs.map(phrase).join(", ").toLowerCase();
  $("picker-none").textContent = `No channel of yours fits.${needs ? ` It takes one where you may: ${needs}.` : ""}`;
  $("picker-create").hidden = !offer.can_create;
  const chosen = await outcome($("picker"));
  return chosen === CREATE ? CREATE : offer.channels.find((one) => String(one.id) === chosen);
}

function choiceButton(one) {
  const icon = element("span", { class: `avatar tint-${one.id % 6}`, "aria-hidden": "true" }, [...one.title][0] ?? "");
  const kind = one.username ? `@${one.username}` : "private";
  const words = element("span", { class: "person-words" }, element("b", { dir: "auto" }, one.title),
    element("small", {}, `${kind} · ${one.size} in it`));
  return element("button", { value: String(one.id), class: "person" }, icon, words);
}

async function describeNew(offer) {
  const [title, username] = [$("new-title"), $("new-username")];
  title.value = username.value = "";
  username.required = offer.public === true;
  $("new-username-field").hidden = offer.public === false;
  $("new-username-hint").textContent = offer.public ? "" : "Leave it empty for a private channel.";
  if (!(await outcome($("new-channel")))) return null;
  return { title: title.value.trim(), username: username.value.trim() || null };
}

async function confirmed(question, bot, title, rights) {
  $("rights-question").textContent = question;
  $("rights-added").hidden = !rights.length;
  $("rights-words").textContent = `This will also add ${bot} to ${title} with the following rights:`;
  $("rights-list").replaceChildren(...rights.map((one) => element("li", {}, phrase(one))));
  return (await outcome($("rights"))) === "yes";
}
