// Own avatars: a letter on a colour, and the bot's mark. Nothing is asked of Discord.

import { html } from "./vendor/htm-preact.js";

const MARK = html`<svg viewBox="0 0 32 32"><path d="M9 10l7 13 7-13" stroke="#fff" stroke-width="3.6"
  stroke-linecap="round" stroke-linejoin="round" /></svg>`;

/** `user` as in messages and in the state: {name, bot, avatar_color}. */
export function Avatar({ user, small }) {
  return html`<span class="avatar ${small ? "small" : ""}" aria-hidden="true" style="background: ${user.bot ? "var(--accent)" : user.avatar_color}">
    ${user.bot ? MARK : user.name[0].toUpperCase()}</span>`;
}
