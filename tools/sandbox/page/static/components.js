// Buttons and menus below a message: native controls, so keyboard and screen reader know them.

import { html, useState } from "./vendor/htm-preact.js";
import { Emoji, withEmoji } from "./emoji.js";
import { Link } from "./markdown.js";

const STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "link" };
const ROW = 1, BUTTON = 2, STRING = 3, USER = 5, ROLE = 6, MENTIONABLE = 7, CHANNEL = 8;

export function Components({ store, message, pending }) {
  const rows = message.components.filter((one) => one.type === ROW);
  if (!rows.length) return null;
  const waits = pending?.state === "pending" ? pending.customId : null;
  const press = (customId, values) => {
    if (!waits) store.press(message, customId, values).catch((error) => store.tell(error.message));
  };
  return html`
    ${rows.map((row) => html`<div class="action-row">
      ${/* by place: a bot may name its controls anew with each edit, and the keyboard's focus shall stay */
      row.components.map((one, place) => html`<${Control} key=${`${place} ${one.type}`} store=${store} one=${one} press=${press}
        waits=${waits === one.custom_id && waits !== null} />`)}
    </div>`)}
    ${pending?.state === "failed" && html`<p class="failed" role="alert">This interaction failed</p>`}`;
}

function Control({ store, one, press, waits }) {
  if (one.type === BUTTON) return html`<${Button} store=${store} one=${one} press=${press} waits=${waits} />`;
  return html`<${Menu} store=${store} one=${one} press=${press} waits=${waits} />`;
}

function Button({ store, one, press, waits }) {
  const label = html`${one.emoji?.name && html`<${Emoji} text=${one.emoji.name} />`}${withEmoji(one.label)}`;
  if (one.style === 5) {
    return html`<${Link} store=${store} url=${one.url} class="button secondary">${label}
      <svg viewBox="0 0 16 16" aria-hidden="true"><path d="M6 3H3v10h10v-3M9 2h5v5M14 2 7 9" stroke="currentColor" stroke-width="1.6" /></svg><//>`;
  }
  // aria-disabled: the last "Next" shall not throw the keyboard back to the top of the page
  const off = Boolean(one.disabled || waits);
  return html`<button class="button ${STYLES[one.style]} ${waits ? "waits" : ""}" aria-disabled=${off}
    aria-label=${one.label || one.emoji?.name} onClick=${() => off || press(one.custom_id)}>
    <span>${label}</span>${waits && html`<i class="dots" aria-hidden="true"></i>`}
  </button>`;
}

/** What can be chosen: of a menu of users, roles or channels what the server has. */
export function choicesOf(store, one) {
  const { guild } = store.state;
  const users = () => guild.members.map(({ user }) => ({ value: user.id, label: store.nameOf(user.id) }));
  const roles = () => guild.roles.map((role) => ({ value: role.id, label: `@${role.name.replace(/^@/, "")}` }));
  const channels = () => store.visibleChannels().map((channel) => ({ value: channel.id, label: `#${channel.name}` }));
  switch (one.type) {
    case USER: return users();
    case ROLE: return roles();
    case MENTIONABLE: return [...users(), ...roles()];
    case CHANNEL: return channels();
    default: return one.options ?? [];
  }
}

function Menu({ store, one, press, waits }) {
  const choices = choicesOf(store, one);
  const label = one.placeholder || "Make a selection";
  if ((one.max_values ?? 1) > 1) return html`<${Several} one=${one} choices=${choices} label=${label} press=${press} />`;
  const chosen = choices.find((choice) => choice.default)?.value ?? "";
  const choose = ({ currentTarget: menu }) => {
    if (waits) menu.value = chosen; // not disabled meanwhile: it would lose the keyboard's focus
    else press(one.custom_id, [menu.value]);
  };
  return html`<select class="menu" aria-label=${label} disabled=${one.disabled} aria-busy=${Boolean(waits)} value=${chosen}
    onChange=${choose}>
    <option value="" disabled hidden>${label}</option>
    ${choices.map((choice) => html`<option value=${choice.value} selected=${choice.value === chosen}>${wording(choice)}</option>`)}
  </select>`;
}

function Several({ one, choices, label, press }) {
  const [chosen, choose] = useState(choices.filter((choice) => choice.default).map((choice) => choice.value));
  const toggle = (value) => choose(chosen.includes(value) ? chosen.filter((each) => each !== value) : [...chosen, value]);
  const fits = chosen.length >= (one.min_values ?? 1) && chosen.length <= one.max_values;
  return html`<details class="menu">
    <summary>${label}</summary>
    ${choices.map((choice) => html`<label><input type="checkbox" checked=${chosen.includes(choice.value)}
      onChange=${() => toggle(choice.value)} /> ${wording(choice)}</label>`)}
    <button class="button primary" disabled=${!fits} onClick=${() => press(one.custom_id, chosen)}>Done</button>
  </details>`;
}

const wording = ({ label, description, emoji }) => [emoji?.name, label, description && `– ${description}`].filter(Boolean).join(" ");
