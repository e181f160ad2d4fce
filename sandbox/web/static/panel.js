// The side panel: what other people, owners and time do.

import { element } from "./chat.js";

const $ = (id) => document.getElementById(id);
const RESTORED = ["post_messages", "edit_messages"];
let tools = null;
let shown = null;

export function startPanel(given) {
  tools = given;
  $("purchase").onclick = purchase;
  $("hour").onclick = () => run("advance", { hours: 1 }, "An hour has passed.");
  $("day").onclick = () => run("advance", { days: 1 }, "A day has passed.");
  $("raise").onclick = raise;
  $("end").onclick = () => run("end_program", { bot: Number($("program").value) }, "It ends in 24 hours.");
  $("link").onchange = drawStats;
}

export function drawPanel(state, person) {
  shown = state;
  drawLinks(state, person);
  drawPrograms(state);
  drawAdmins(state);
  drawAccounts(state);
  $("now").textContent = new Date(state.now).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
  $("now").dateTime = state.now;
}

async function run(name, body, done) {
  const outcome = await tools.act(name, body);
  if (!outcome) return;
  tools.toast(done);
  await tools.refresh();
}

async function purchase() {
  const link = shown.links.find((one) => one.url === $("link").value);
  const outcome = await tools.act("referred_purchase", { link: link.url, stars: 100 });
  if (!outcome) return;
  tools.toast(`${link.bot_title}: users ${outcome.participants}, ${stars(outcome.revenue_stars)} ⭐ for ${link.balance_title}.`);
  await tools.refresh();
}

async function raise() {
  const bot = shown.bots.find((one) => one.id === Number($("program").value));
  const { commission_permille: now, duration_months: months } = bot.program;
  const body = { bot: bot.id, commission_permille: now + 50, duration_months: months };
  await run("set_program", body, `${bot.title} now pays ${percent(now + 50)}.`);
}

function options(select, wanted) {
  const before = select.value;
  const same = select.options.length === wanted.length
    && wanted.every(([value, text], index) => select.options[index].value === value && select.options[index].text === text);
  if (same) return;
  select.replaceChildren(...wanted.map(([value, text]) => element("option", { value }, text)));
  if (wanted.some(([value]) => value === before)) select.value = before;
}

// The links of this person's balances first, newest first: what they just joined is chosen.
function drawLinks(state, person) {
  const mine = new Set([person, ...state.channels.filter((c) => c.owner === person || String(person) in c.admins).map((c) => c.id)]);
  const alive = state.links.filter((one) => one.alive).reverse();
  alive.sort((a, b) => mine.has(b.balance) - mine.has(a.balance));
  const known = new Set([...$("link").options].map((option) => option.value));
  options($("link"), alive.map((one) => [one.url, `${one.bot_title} → ${one.balance_title}`]));
  const fresh = alive.find((one) => known.size && !known.has(one.url));
  if (fresh) $("link").value = fresh.url;
  $("purchase").disabled = !alive.length;
  drawStats();
}

function drawStats() {
  const link = shown.links.find((one) => one.url === $("link").value);
  $("link-stats").textContent = link
    ? `So far: users ${link.participants}, ${stars(link.revenue_stars)} ⭐; pays ${percent(link.commission_permille)}.`
    : "No live link yet: join a program in the chat.";
}

function drawPrograms(state) {
  const running = state.bots.filter((one) => one.program);
  options($("program"), running.map((one) => {
    const ending = one.program.end_date ? ", ending" : "";
    return [String(one.id), `${one.title} (${percent(one.program.commission_permille)}${ending})`];
  }));
}

function drawAdmins(state) {
  const items = state.channels.flatMap((channel) => state.people
    .filter((one) => String(one.id) in channel.admins || channel.members.includes(one.id))
    .map((one) => adminItem(channel, one)));
  const list = $("admins");
  if (!list.contains(document.activeElement)) list.replaceChildren(...items);
}

function adminItem(channel, one) {
  const admin = String(one.id) in channel.admins;
  const label = admin ? "Demote" : "Restore";
  const toggle = async (event) => {
    event.currentTarget.blur();
    const rights = admin ? [] : RESTORED;
    await run("set_admin", { channel: channel.id, person: one.id, rights }, `${one.name}: ${admin ? "no admin any more" : "admin again"}.`);
  };
  const button = element("button", { type: "button", onclick: toggle, "aria-label": `${label} ${one.name} in ${channel.title}` }, label);
  const words = element("span", {}, one.name, element("small", {}, channel.title));
  return element("li", { class: "admin" }, words, button);
}

function drawAccounts(state) {
  const items = state.people.filter((one) => state.logged_in.includes(one.id)).map(accountItem);
  const list = $("accounts");
  if (list.contains(document.activeElement)) return;
  list.replaceChildren(...(items.length ? items : [element("li", { class: "hint" }, "None is logged in.")]));
}

function accountItem(one) {
  const standing = one.deactivated ?? (one.frozen ? "frozen" : "in good standing");
  const press = (label, name, body, done) => element("button", {
    type: "button",
    disabled: Boolean(one.deactivated),
    "aria-label": `${label}: ${one.name}`,
    onclick: (event) => { event.currentTarget.blur(); run(name, { person: one.id, ...body }, `${one.name} ${done}`); },
  }, label);
  const freeze = one.frozen
    ? press("Thaw", "freeze", { frozen: false }, "may act again.")
    : press("Freeze", "freeze", {}, "is frozen: it may read, not act.");
  return element("li", { class: "account" },
    element("span", {}, one.name, element("small", {}, standing)), freeze,
    press("Log out", "log_out", {}, "is logged out everywhere."),
    press("Ban", "ban", {}, "is banned for good."));
}

const stars = (number) => number.toLocaleString([], { maximumFractionDigits: 2 });
const percent = (permille) => `${(permille / 10).toLocaleString()} %`;
