// What the bot offers while somebody types into an option.
import { useEffect, useState } from "./vendor/htm-preact.js";
import { discord } from "./api.js";
import { collect, plainError } from "./commands.js";

const DEBOUNCE_MS = 200;
const ANSWER_SECONDS = 4;
const NOTHING = { items: [], status: "" };

/** `{items, status}`; what was answered to an earlier text is dropped. */
export function useAutocomplete({ store, command, entries, option }) {
  const [asked, setAsked] = useState(NOTHING);
  const { text = "", value } = entries[option.name] ?? {};
  const wanted = Boolean(option.autocomplete) && value === undefined;
  useEffect(() => {
    setAsked(wanted ? { items: [], status: "Loading…" } : NOTHING);
    if (!wanted) return undefined;
    let stale = false;
    const timer = setTimeout(async () => {
      const answer = await complete(store, command, entries, option, text);
      if (!stale) setAsked(answer);
    }, DEBOUNCE_MS);
    return () => {
      stale = true;
      clearTimeout(timer);
    };
  }, [command.name, option.name, text, wanted]);
  return asked;
}

async function complete(store, command, entries, option, text) {
  const { [option.name]: _, ...others } = entries;
  const { values } = collect(command.options.filter((one) => one !== option), others);
  const order = {
    user: store.state.me, channel: store.state.channel, name: command.name, focused: option.name,
    options: { ...values, [option.name]: text },
  };
  try {
    const { interaction_id: id } = await discord("POST", "autocomplete", order);
    const { choices } = await discord("GET", `interactions/${id}?wait=${ANSWER_SECONDS}`);
    if (!choices) return { items: [], status: "Loading options failed." };
    const items = choices.map((one) => ({ text: one.name, value: one.value }));
    return { items, status: items.length ? "" : "The bot offers nothing for this." };
  } catch (problem) {
    return { items: [], status: plainError(problem) };
  }
}
