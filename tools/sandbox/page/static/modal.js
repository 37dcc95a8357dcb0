// A modal the bot has opened: text fields and menus, checked before they are sent.
import { html, useEffect, useState } from "./vendor/htm-preact.js";
import { plainError, placeOf } from "./commands.js";
import { useDialog } from "./dialog.js";
import { useStore } from "./store.js";

const ROW = 1, TEXT_INPUT = 4, TEXT = 10, LABEL = 18;
const STRING_SELECT = 3, USER_SELECT = 5, ROLE_SELECT = 6, MENTIONABLE_SELECT = 7, CHANNEL_SELECT = 8;
const PARAGRAPH = 2;
const LONGEST = 4000;

export function Modal({ store }) {
  const { modal } = useStore(store, (state) => state.modal) ?? {};
  const dialog = useDialog();
  const [given, setGiven] = useState({});
  const [wrong, setWrong] = useState({});
  const [busy, setBusy] = useState(false);
  useEffect(() => dialog.current.querySelector("[data-field]")?.focus(), []);
  if (!modal) return null;
  const fields = fieldsOf(modal.components);
  const values = Object.fromEntries(
    fields.filter((one) => one.custom_id).map((one) => [one.custom_id, given[one.custom_id] ?? preset(one)]),
  );
  const close = () => store.set({ modal: null });

  const submit = async (event) => {
    event.preventDefault();
    const found = problems(fields, values);
    setWrong(found);
    const first = fields.find((one) => one.custom_id in found);
    if (first) return dialog.current.querySelector(`[data-field="${CSS.escape(first.custom_id)}"]`)?.focus();
    setBusy(true);
    // What was typed stays here until the bot has been asked: a refusal is told, and can be mended.
    await store.submit(values).catch((problem) => setWrong({ "": plainError(problem) }));
    return setBusy(false);
  };

  return html`<dialog class="modal" ref=${dialog} aria-labelledby="modal-title" onClose=${close}>
    <form onSubmit=${submit} novalidate>
      <header><h2 id="modal-title">${modal.title}</h2>
        <button type="button" class="icon-button" aria-label="Close" onClick=${close}>×</button></header>
      <div class="modal-fields">
        ${wrong[""] && html`<p class="composer-error" role="alert">${wrong[""]}</p>`}
        ${fields.map((field) => (field.type === TEXT
          ? html`<p class="modal-text">${field.content}</p>`
          : html`<${Field} key=${field.custom_id} ...${{ store, field }} value=${values[field.custom_id]}
              wrong=${wrong[field.custom_id]}
              onValue=${(value) => setGiven((before) => ({ ...before, [field.custom_id]: value }))} />`))}
      </div>
      <footer><button type="button" class="plain-button" onClick=${close}>Cancel</button>
        <button class="main-button" disabled=${busy}>Submit</button></footer>
    </form>
  </dialog>`;
}

/** The fields in order, each with the words of the label it stands in. */
function fieldsOf(components) {
  return components.flatMap((one) => {
    if (one.type === LABEL) return [{ ...one.component, label: one.label, about: one.description }];
    return one.type === ROW ? one.components : [one];
  });
}

/** What a field holds before anybody has touched it. */
function preset(field) {
  if (field.type === TEXT_INPUT) return field.value ?? "";
  const chosen = (field.options ?? []).filter((one) => one.default).map((one) => one.value);
  return chosen.length ? chosen : (field.default_values ?? []).map((one) => one.id);
}

/** custom_id: what is wrong with its value. */
function problems(fields, values) {
  const found = fields.filter((one) => one.custom_id).map((one) => [one.custom_id, problemOf(one, values[one.custom_id])]);
  return Object.fromEntries(found.filter(([, problem]) => problem));
}

function problemOf(field, value) {
  const required = field.required ?? true;
  if (!value.length) return required ? "This field is required." : null;
  const [least, most] = field.type === TEXT_INPUT
    ? [field.min_length ?? 0, field.max_length ?? LONGEST] : [field.min_values ?? 1, field.max_values ?? 1];
  if (value.length < least) return `Must be ${least} or more in length.`;
  return value.length > most ? `Must be ${most} or fewer in length.` : null;
}

function Field({ store, field, value, wrong, onValue }) {
  const id = `field-${field.custom_id}`;
  const shared = {
    id, "data-field": field.custom_id, "aria-invalid": Boolean(wrong), "aria-required": field.required ?? true,
    "aria-describedby": `${id}-about`,
  };
  return html`<div class=${`modal-field ${wrong ? "is-wrong" : ""}`}>
    <label for=${id}>${field.label}${(field.required ?? true) && html`<b aria-hidden="true"> *</b>`}</label>
    ${field.type === TEXT_INPUT
      ? html`<${TextInput} ...${{ field, shared, value, onValue }} />`
      : html`<${Select} ...${{ store, field, shared, value, onValue }} />`}
    <p class="modal-about" id=${`${id}-about`}>${wrong ? html`<span role="alert">${wrong}</span>` : field.about}</p>
  </div>`;
}

function TextInput({ field, shared, value, onValue }) {
  const onInput = (event) => onValue(event.currentTarget.value);
  const more = { ...shared, value, placeholder: field.placeholder, onInput };
  if (field.style === PARAGRAPH) return html`<textarea ...${more} rows="5"></textarea>`;
  return html`<input ...${more} autocomplete="off" />`;
}

/** A menu: the browser's own, of several values where several may be chosen. */
function Select({ store, field, shared, value, onValue }) {
  const items = itemsOf(store, field);
  const many = (field.max_values ?? 1) > 1;
  const onChange = ({ currentTarget: { selectedOptions } }) =>
    onValue([...selectedOptions].map((one) => one.value).filter(Boolean));
  return html`<select ...${shared} multiple=${many} size=${many ? Math.min(items.length, 6) : undefined} onChange=${onChange}>
    ${!many && html`<option value="" selected=${!value.length}>${field.placeholder ?? "Make a selection"}</option>`}
    ${items.map((item) => html`<option value=${item.value} selected=${value.includes(item.value)}
      >${item.mark ?? ""}${item.text}</option>`)}
  </select>`;
}

function itemsOf(store, field) {
  if (field.type === STRING_SELECT) return field.options.map((one) => ({ text: one.label, value: one.value }));
  const visible = store.visibleChannels();
  const { users, roles, channels } = placeOf(store.state.guild, (one) => visible.includes(one));
  if (field.type === USER_SELECT) return users;
  if (field.type === ROLE_SELECT) return roles;
  if (field.type === MENTIONABLE_SELECT) return [...users, ...roles];
  if (field.type !== CHANNEL_SELECT) return [];
  const types = field.channel_types ?? [];
  return channels.filter((one) => !types.length || types.includes(one.type));
}
