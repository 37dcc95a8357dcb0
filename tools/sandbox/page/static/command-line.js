// A command that was chosen: a field for each of its options, required ones first, the others on demand.
import { html, useLayoutEffect, useRef, useState } from "./vendor/htm-preact.js";
import { useAutocomplete } from "./autocomplete.js";
import { ATTACHMENT, limits, nextOption, picks, placeOf, ranked, read } from "./commands.js";
import { Menu, menuInput, menuKey } from "./menu.js";

const LARGEST_FILE = 1024 * 1024;
/** Where the caret stands when it is in no option: behind the last one. */
const TAIL = null;
const UNTOUCHED = { active: 0, closed: false };

/** `onSend()` gives the name of the option that is missing or wrong, null where the command was sent. */
export function CommandLine({ store, draft, error, onChange, onSend, onError, onLeave }) {
  const { command, entries } = draft;
  const { options } = command;
  const [at, setAt] = useState(() => nextOption(options, entries));
  const [menu, setMenu] = useState(UNTOUCHED);
  const [wrong, setWrong] = useState(null);
  const line = useRef(null);
  const onKey = useRef(null); // what a key does where the caret stands; set by the popover that is open
  const shown = options.filter((one) => one.required || one.name in entries);
  const hidden = options.filter((one) => !shown.includes(one));
  const current = options.find((one) => one.name === at) ?? null;

  useLayoutEffect(() => focusOn(line.current, at), [at, shown.length]);
  useLayoutEffect(() => error || setWrong(null), [error]);

  const put = (changed, next) => {
    onChange(changed);
    if (next !== undefined) setAt(next);
  };
  const doing = {
    pick(option, item) {
      const picked = { ...entries, [option.name]: { text: item.text, value: item.value } };
      put(picked, nextOption(options, picked, option.name));
    },
    add(option) {
      put({ ...entries, [option.name]: { text: "" } }, option.name);
    },
    remove(option) {
      const { [option.name]: _, ...rest } = entries;
      put(rest, nextOption(options, rest));
    },
    /** On from an option: to the next that wants a value, else behind the last. */
    onward: (option) => setAt(nextOption(options, entries, option.name)),
    back: () => (shown.length ? setAt(shown.at(-1).name) : doing.leave()),
    leave: () => onLeave(`/${command.label}`),
    send() {
      const missing = onSend();
      setWrong(missing);
      if (missing) setAt(missing);
    },
  };
  const shared = { store, command, doing, menu, setMenu, onKey };

  return html`
    ${current
      ? html`<${OptionPopover} key=${current.name} ...${shared} entries=${entries} option=${current} />`
      : html`<${TailPopover} ...${shared} hidden=${hidden} />`}
    <div class="composer-line is-command" ref=${line} role="group" aria-label=${`/${command.label}`}
      onKeyDown=${(event) => event.target.matches("input") && !event.isComposing && onKey.current?.(event)}>
      <button type="button" class="pill-command" title="Take another command"
        onClick=${doing.leave}>/${command.label}</button>
      ${shown.map((option) => html`<${OptionField} key=${option.name} ...${{ option, menu, onError }}
        entry=${entries[option.name]} here=${option === current} wrong=${wrong === option.name}
        onFocus=${() => setAt(option.name)}
        onEntry=${(entry) => put({ ...entries, [option.name]: entry })}
        onRemove=${option.required ? null : () => doing.remove(option)} />`)}
      <input class="pill-tail" data-option="" aria-label="More options" readonly inputmode="none" size="1"
        ...${menuInput("values", true, menu.active)} onFocus=${() => setAt(TAIL)} />
      ${hidden.length > 0 && at !== TAIL &&
        html`<button type="button" class="pill-more" onClick=${() => setAt(TAIL)}>+${hidden.length} optional</button>`}
      <button type="button" class="composer-send" aria-label="Send" onClick=${doing.send}>➤</button>
    </div>`;
}

function focusOn(line, name) {
  const field = line.querySelector(`[data-option="${name ?? ""}"]`);
  if (field && field !== document.activeElement) field.focus();
}

/** One option in the line: its name, and where its value is typed. */
function OptionField({ option, menu, entry, here, wrong, onFocus, onEntry, onRemove, onError }) {
  const text = entry?.text ?? "";
  const invalid = wrong || Boolean(text && !here && read(option, entry).error);
  const shared = { "data-option": option.name, "aria-label": option.label, "aria-required": option.required, onFocus };
  return html`<div class=${`pill-option ${invalid ? "is-wrong" : ""}`} title=${option.description}>
    <span aria-hidden="true" onClick=${onFocus}>${option.label}</span>
    ${option.type === ATTACHMENT
      ? html`<${FileField} ...${{ shared, onEntry, onError }} />`
      : html`<input ...${shared} ...${menuInput("values", !menu.closed, menu.active)} value=${text}
          size=${Math.max(text.length, 4)} aria-invalid=${invalid} spellcheck="false" enterkeyhint="next"
          onInput=${(event) => onEntry({ text: event.currentTarget.value })} />`}
    ${onRemove && html`<button type="button" class="pill-remove" aria-label=${`Remove ${option.label}`}
      onClick=${onRemove}>×</button>`}
  </div>`;
}

function FileField({ shared, onEntry, onError }) {
  const choose = async (event) => {
    const [file] = event.currentTarget.files;
    if (!file) return;
    if (file.size > LARGEST_FILE) onError("A file may have up to 1 MB here.");
    else onEntry({ text: file.name, value: { filename: file.name, content: await base64(file) } });
  };
  return html`<input type="file" ...${shared} onChange=${choose} />`;
}

function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

/** What the option is, and what can be picked for it. */
function OptionPopover({ store, command, entries, option, doing, menu, setMenu, onKey }) {
  const entry = entries[option.name] ?? { text: "" };
  const picked = entry.value !== undefined;
  const asked = useAutocomplete({ store, command, entries, option });
  const fixed = fixedItems(store, option, picked ? "" : entry.text);
  const found = (fixed ?? asked.items).map((one) => ({ ...one, key: `${one.mark ?? ""}${one.value}` }));
  const items = menu.closed ? [] : found;

  // What was picked stays so when Enter is pressed again.
  useLayoutEffect(() => setMenu({ active: picked ? -1 : 0, closed: false }), [option.name, entry.text, asked.items]);
  const pick = (item) => doing.pick(option, item);
  const point = (active) => setMenu({ active, closed: false });
  onKey.current = (event) => {
    if (menuKey(event, { items, active: menu.active, point, pick })) return;
    const close = items.length > 0 && (() => setMenu({ active: -1, closed: true }));
    if (optionKey(event, { option, entry, doing, close })) event.preventDefault();
  };

  return html`<div class="composer-popover">
    <h3>${option.label}${option.required ? "" : html` <small>optional</small>`}</h3>
    <p class="composer-about">${option.description}${limits(option) && html` <small>(${limits(option)})</small>`}</p>
    ${asked.status && html`<p class="composer-hint">${asked.status}</p>`}
    ${items.length > 0 && html`<${Menu} id="values" label=${option.label} items=${items} active=${menu.active}
      onPick=${pick} onPoint=${point} />`}
    ${fixed && !found.length && html`<p class="composer-hint">Nothing in the list matches.</p>`}
  </div>`;
}

/** What can be picked without asking the bot, by what is typed; null where the option is typed freely. */
function fixedItems(store, option, text) {
  const visible = store.visibleChannels();
  const fixed = picks(option, placeOf(store.state.guild, (one) => visible.includes(one)));
  return fixed && ranked(text, fixed, (one) => one.text);
}

/** What a key in an option does that its menu has not used; true where it did something. */
function optionKey(event, { option, entry, doing, close }) {
  if (event.key === "Enter") {
    if (option.type === ATTACHMENT && !entry.text) return false; // the browser opens its window for files
    doing.send();
  } else if (event.key === "Tab" && !event.shiftKey) doing.onward(option);
  else if (event.key === "Escape") (close || doing.leave)();
  else if (event.key === "Backspace" && !entry.text) (option.required ? doing.leave : doing.remove)(option);
  else return false;
  return true;
}

/** Behind the last option: what else can be said, and that Enter sends. */
function TailPopover({ command, hidden, doing, menu, setMenu, onKey }) {
  const items = hidden.map((one) => ({ key: one.name, option: one, text: one.label, about: one.description }));
  const point = (active) => setMenu({ active, closed: false });
  const pick = (item) => doing.add(item.option);
  useLayoutEffect(() => point(-1), [hidden.length]);
  onKey.current = (event) => {
    if (event.key === "Tab" && !event.shiftKey && items.length) pick(items[Math.max(menu.active, 0)]);
    else if (menuKey(event, { items, active: menu.active, point, pick })) return;
    else if (event.key === "Enter") doing.send();
    else if (event.key === "Escape") doing.leave();
    else if (event.key === "Backspace") doing.back();
    else return;
    event.preventDefault();
  };
  return html`<div class="composer-popover">
    <h3>/${command.label}</h3>
    <p class="composer-about">${command.description}</p>
    ${items.length > 0 && html`<h3>Optional</h3>
      <${Menu} id="values" label="Optional" ...${{ items }} active=${menu.active} onPoint=${point} onPick=${pick} />`}
    <p class="composer-hint only-keys"><kbd>Enter</kbd> sends it${items.length > 0 && html`, <kbd>Tab</kbd> takes one`}.</p>
    <p class="composer-hint only-touch">➤ sends it.</p>
  </div>`;
}
