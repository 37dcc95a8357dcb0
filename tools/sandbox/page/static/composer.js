// Where a person writes: plain text is posted, a slash opens the list of commands.
import { html, useEffect, useLayoutEffect, useRef, useState } from "./vendor/htm-preact.js";
import { discord } from "./api.js";
import { CommandLine } from "./command-line.js";
import { collect, offered, plainError } from "./commands.js";
import { Menu, menuInput, menuKey } from "./menu.js";
import { useStore } from "./store.js";

const EMPTY = { text: "", command: null, entries: {} };
const KEPT = 50;
/** Until the bot's commands are known. */
const LOADING = [];
const NONE_YET = "The bot has registered no commands yet";

export function Composer({ store }) {
  const me = useStore(store, (state) => state.me);
  const channel = useStore(store, (state) => state.channel);
  const [draft, setDraft] = useState(EMPTY);
  const [error, setError] = useState("");
  const commands = useCommands(store, me, channel);
  const past = useHistory(commands, setDraft);

  useEffect(() => setError(""), [me, channel]);
  // Another person, or another channel, may not be allowed what was begun here.
  useEffect(() => {
    if (draft.command && !commands.some((one) => one.name === draft.command.name && one.allowed)) setDraft(EMPTY);
  }, [commands]);

  // A command mentioned in a message was pressed.
  const asked = useStore(store, (state) => state.draft);
  useEffect(() => {
    if (!asked) return;
    const command = commands.find((one) => one.allowed && `/${one.name}` === asked.trim());
    setDraft(command ? { ...EMPTY, command } : { ...EMPTY, text: asked });
    store.set({ draft: null });
  }, [asked]);

  const change = (changed) => {
    setError("");
    setDraft((before) => ({ ...before, ...changed }));
  };
  /** The line is free at once; what was refused comes back to be mended, unless something else was begun. */
  const send = async (started) => {
    const sent = draft;
    past.keep(sent);
    setDraft(EMPTY);
    setError("");
    try {
      await started;
    } catch (problem) {
      setError(plainError(problem));
      setDraft((now) => (now === EMPTY ? sent : now));
    }
  };
  /** Use the command; gives the name of the option that is missing or wrong, null where it was sent. */
  const use = () => {
    const { values, wrong } = collect(draft.command.options, draft.entries);
    if (!wrong) send(store.command(draft.command.name, values));
    else setError(`${wrong.label}: ${wrong.error}`);
    return wrong?.name ?? null;
  };

  if (!channel) return null;
  return html`<form class="composer" onSubmit=${(event) => event.preventDefault()}>
    ${error && html`<p class="composer-error" role="alert">${error}</p>`}
    ${draft.command
      ? html`<${CommandLine} key=${draft.command.name} ...${{ store, draft, error }} onError=${setError} onSend=${use}
          onChange=${(entries) => change({ entries })} onLeave=${(text) => change({ ...EMPTY, text })} />`
      : html`<${TextLine} ...${{ store, commands, past, text: draft.text }} onError=${setError}
          onText=${(text) => change({ text })} onSay=${(text) => send(store.say(text))}
          onChoose=${(command) => change({ command, text: "", entries: {} })} />`}
  </form>`;
}

/** What this person is offered in this channel and language; asked again when that may have changed. */
function useCommands(store, me, channel) {
  const [commands, setCommands] = useState(LOADING);
  // Every refresh of the store brings a new list: the bot came back, roles or channels were changed.
  const registered = useStore(store, (state) => state.commands);
  const users = useStore(store, (state) => state.users);
  useEffect(() => {
    if (!channel) return undefined;
    let stale = false;
    discord("GET", `commands?${new URLSearchParams({ user: me, channel })}`)
      .then((found) => stale || setCommands(found))
      .catch(() => stale || setCommands([]));
    return () => {
      stale = true;
    };
  }, [me, channel, registered, users]);
  return commands;
}

/** What was sent before, the last first; arrow up and down walk through it. */
function useHistory(commands, setDraft) {
  const memory = useRef({ sent: [], at: -1 }).current;
  const known = (draft) => !draft.command || commands.some((one) => one.name === draft.command.name && one.allowed);
  return {
    keep(draft) {
      memory.sent = [draft, ...memory.sent].slice(0, KEPT);
      memory.at = -1;
    },
    /** `step` 1 goes back, -1 forward; false where there is nothing. */
    walk(step) {
      const sent = memory.sent.filter(known), at = memory.at + step;
      if (at < -1 || at >= sent.length) return false;
      memory.at = at;
      setDraft(sent[at] ?? EMPTY);
      return true;
    },
  };
}

function TextLine({ store, commands, past, text, onText, onChoose, onSay, onError }) {
  const { me, channel } = store.state;
  const input = useRef(null);
  const [active, setActive] = useState(0);
  const [closed, setClosed] = useState(false);
  const slash = text.startsWith("/") && !text.includes("\n");
  const found = slash ? offered(commands, text) : { commands: [], refused: [] };
  const items = found.commands.map(asItem);
  const open = slash && !closed;
  const hint = `Message ${placeName(store)}`;

  useLayoutEffect(() => setActive(0), [text]);
  useLayoutEffect(() => grow(input.current), [text]);
  // On a touch screen the focus would open the keyboard over what one came to read.
  useEffect(() => matchMedia("(pointer: fine)").matches && input.current.focus(), [me, channel]);

  const type = (value) => {
    setClosed(false);
    // "/status " can only mean that command, as "/live " cannot.
    const named = commands.find((one) => one.allowed && `/${one.label} ` === value);
    if (named) onChoose(named);
    else onText(value);
  };
  const submit = () => {
    if (commands === LOADING && slash) return;
    if (slash) onError(refusal(found.refused));
    else if (text.trim()) onSay(text);
  };
  const key = (event) => {
    const menu = { items, active, point: setActive, pick: (item) => onChoose(item.command) };
    if (event.isComposing || (open && menuKey(event, menu))) return;
    if (!textKey(event, { slash, submit, past, close: () => setClosed(true) })) return;
    event.preventDefault();
  };

  return html`
    ${open && html`<div class="composer-popover">
      <h3>${items.length ? "Commands" : nothing(commands)}</h3>
      <${Menu} id="commands" label="Commands" ...${{ items, active }} onPoint=${setActive}
        onPick=${(item) => onChoose(item.command)} />
      ${found.refused.length > 0 && html`<${Refused} store=${store} commands=${found.refused} />`}
    </div>`}
    <div class="composer-line">
      <button type="button" class="composer-slash" aria-label="Show the commands" title="Show the commands"
        onClick=${() => (type("/"), input.current.focus())}>/</button>
      <textarea ref=${input} rows="1" value=${text} aria-label=${hint} enterkeyhint="send"
        placeholder=${hint} ...${menuInput("commands", open, active)}
        onInput=${(event) => type(event.currentTarget.value)} onKeyDown=${key} />
      <button type="button" class="composer-send" aria-label="Send" disabled=${!text.trim()} onClick=${submit}>➤</button>
    </div>`;
}

/** What a key does that no menu has used; true where it did something. */
function textKey(event, { slash, submit, past, close }) {
  const { value, selectionStart, selectionEnd } = event.currentTarget;
  if (event.key === "Escape" && slash) close();
  else if (event.key === "Enter" && !event.shiftKey) submit();
  else if (event.key === "ArrowUp" && selectionEnd === 0) return past.walk(1);
  else if (event.key === "ArrowDown" && selectionStart === value.length) return past.walk(-1);
  else return false;
  return true;
}

function Refused({ store, commands }) {
  const { me, people } = store.state;
  const others = commands.length > 1 ? ` and ${commands.length - 1} more are` : " is";
  return html`<p class="composer-hint">
    /${commands[0].label}${others} not for ${me}: an admin may use ${commands.length > 1 ? "them" : "it"}.
    ${me !== "admin" && people.includes("admin") &&
      html` <button type="button" class="link" onClick=${() => store.become("admin")}>Switch to admin</button>`}
  </p>`;
}

function nothing(commands) {
  if (commands === LOADING) return "Loading…";
  return commands.length ? "No command for you matches" : NONE_YET;
}

const refusal = (refused) => (refused.length ? refused[0].reason : "There is no such command.");

const asItem = (command) => ({
  key: command.name, command, text: `/${command.label}`, about: command.description,
  options: command.options.map((one) => ({ text: one.label, optional: !one.required })),
});

function placeName(store) {
  const { channel } = store.state;
  const found = store.findChannel(channel);
  return channel === "dm" ? "the bot" : `${found?.thread_metadata ? "" : "#"}${found?.name ?? ""}`;
}

/** As high as its text, up to what the style allows. */
function grow(input) {
  input.style.height = "auto";
  input.style.height = `${input.scrollHeight}px`;
}
