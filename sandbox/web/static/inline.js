// Inline mode: what the bot offers while `@its_name words` stands in the message box.

import { element } from "./chat.js";

const PAUSE = 250; // an app asks when somebody stops typing, not with each letter

export function startInline({ box, input, ask, open, sent }) {
  let wanted = null; // what stands after the bot's name; null: the name does not stand there
  let drawn = ""; // the query whose answer is shown
  let timer = 0;

  function hide() {
    wanted = null;
    drawn = "";
    clearTimeout(timer);
    box.hidden = true;
    box.replaceChildren();
  }

  function typed(bot) {
    const name = `@${bot} `.toLowerCase();
    if (!input.value.toLowerCase().startsWith(name)) return hide();
    wanted = input.value.slice(name.length).trim();
    clearTimeout(timer);
    timer = setTimeout(() => ask("type_inline", { text: wanted }), PAUSE);
    return undefined;
  }

  function draw(inline) {
    if (wanted === null || !inline?.answered || inline.text !== wanted || inline.query === drawn) return;
    drawn = inline.query;
    if (!inline.offset) box.replaceChildren();
    box.querySelector(".more")?.remove();
    if (inline.button) box.append(option([element("b", {}, inline.button.text)], () => start(inline.button)));
    for (const one of inline.results) {
      const words = [element("b", { dir: "auto" }, one.title), element("small", { dir: "auto" }, one.description)];
      box.append(option(words, () => pick(inline.query, one.id)));
    }
    if (inline.next_offset) {
      const more = option([element("small", {}, "More…")], () => {
        ask("type_inline", { text: wanted, offset: inline.next_offset });
      });
      more.classList.add("more");
      box.append(more);
    }
    box.hidden = !box.children.length;
  }

  function option(words, run) {
    return element("li", { role: "option", "aria-selected": "false", onclick: run }, ...words);
  }

  async function pick(query, result) {
    if (!(await ask("pick_inline", { query, result }, false))) return;
    hide();
    sent();
  }

  function start(button) {
    hide();
    sent();
    open(button.start_parameter);
  }

  return { typed, draw, hide };
}
