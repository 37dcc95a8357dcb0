// Over everything: that nothing here is real, and how it would be.
import { html, useState } from "./vendor/htm-preact.js";
import { useDialog } from "./dialog.js";
import { useStore } from "./store.js";

export function Banner({ store }) {
  const [open, setOpen] = useState(false);
  const { bot, preparing } = useStore(store);
  return html`<header class="banner" role="region" aria-label="About this page">
    <p><b>A simulation on this machine.</b>
      <span> The bot is real; Discord, TikTok and the game server are stand-ins.</span></p>
    <button class="banner-button" onClick=${() => setOpen(true)}>Connect real Discord</button>
    ${bot === "preparing" && html`<p class="banner-preparing" role="status">The bot comes in a moment: its last three
      months are being made, this once. <span>${preparing}</span></p>`}
    ${open && html`<${Connect} onClose=${() => setOpen(false)} />`}
  </header>`;
}

function Connect({ onClose }) {
  const dialog = useDialog();
  const outside = (event) => event.target === dialog.current && onClose();
  return html`<dialog class="modal connect" ref=${dialog} aria-labelledby="connect-title" onClose=${onClose} onClick=${outside}>
    <header><h2 id="connect-title">Connect real Discord</h2>
      <button type="button" class="icon-button" aria-label="Close" onClick=${onClose}>×</button></header>
    <div class="modal-fields">
      <p class="modal-text">Nothing of this page leaves your machine, and nothing reaches it from outside. To use the bot in
        a server of yours:</p>
      <ol>
        <li>Make an application on <a href="https://discord.com/developers/applications" target="_blank"
          rel="noreferrer">discord.com/developers</a>, copy its bot's token, and invite it.</li>
        <li>In the project's folder: <code>cp .env.example .env</code>, and write the token behind
          <code>DISCORD_TOKEN=</code>.</li>
        <li>Test it with <code>python3 tools/run.py check</code>, then start it with
          <code>python3 tools/run.py</code>.</li>
        <li>In Discord, use <code>/setup</code>, then <code>/live add</code>.</li>
      </ol>
      <p class="modal-text">Each step is explained in <b>README.md</b>, “Connect it to Discord”. This page comes back
        with <code>python3 tools/run.py --sandbox</code>.</p>
    </div>
  </dialog>`;
}
