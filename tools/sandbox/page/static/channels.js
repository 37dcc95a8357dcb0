// The server, its channels, and the line over the messages.

import { html } from "./vendor/htm-preact.js";
import { People } from "./people.js";
import { remember, useStore } from "./store.js";
import { ThemeSwitch } from "./theme.js";

const TOPICS = {
  lives: "Who is live on TikTok now, and how it went",
  rounds: "Every round of the game server",
  admin: "What the bot tells its admins",
  general: "Anything else: try a command here",
};

const HASH = html`<svg viewBox="0 0 24 24" aria-hidden="true"><path
  d="M9 3 7 21M17 3l-2 18M4 8.5h17M3 15.5h17" stroke="currentColor" stroke-width="2" stroke-linecap="round" fill="none" /></svg>`;
const LOCK = html`<svg viewBox="0 0 24 24" aria-hidden="true"><rect x="4" y="10" width="16" height="11" rx="2"
  fill="currentColor" /><path d="M8 10V7a4 4 0 0 1 8 0v3" stroke="currentColor" stroke-width="2.2" fill="none" /></svg>`;
const BRANCH = html`<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M6 3v9a5 5 0 0 0 5 5h8m-4-4 4 4-4 4" stroke="currentColor"
  stroke-width="2" stroke-linecap="round" stroke-linejoin="round" fill="none" /></svg>`;
const AT = html`<svg viewBox="0 0 24 24" aria-hidden="true"><g stroke="currentColor" stroke-width="2" stroke-linecap="round"><circle
  cx="12" cy="12" r="4" /><path d="M16 8v5a2.7 2.7 0 0 0 5.4 0v-1A9.4 9.4 0 1 0 18 19.3" /></g></svg>`;
const MENU = html`<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M3 6h18M3 12h18M3 18h18" stroke="currentColor"
  stroke-width="2.2" stroke-linecap="round" /></svg>`;
const DIALS = html`<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4 6h9M19 6h1M4 12h2M12 12h8M4 18h9M19 18h1"
  stroke="currentColor" stroke-width="2.2" stroke-linecap="round" /><g fill="currentColor"><circle cx="16" cy="6" r="2.6" /><circle
  cx="9" cy="12" r="2.6" /><circle cx="16" cy="18" r="2.6" /></g></svg>`;

export const BOT_STATES = { preparing: "Preparing", starting: "Starting", online: "Online", offline: "Offline" };

/** Is there somebody who does not see it? */
const isPrivate = (guild, channel) => channel.seen_by.length < guild.members.length;

const iconOf = (guild, channel) => (channel.thread_metadata ? BRANCH : isPrivate(guild, channel) ? LOCK : HASH);

/** The rail with the server, and its channels. */
export function Channels({ store }) {
  const { guild, channel } = useStore(store);
  if (!guild) return null;
  const others = store.visibleChannels();
  const total = others.reduce((sum, one) => sum + store.unread(one.id).pings, 0);
  return html`
    <div class="left" id="channels">
      <div class="rail" aria-hidden="true">
        <div class="server-icon">${guild.name[0]}${total > 0 && html`<span class="badge">${total}</span>`}</div>
      </div>
      <nav class="channels" aria-label="Channels">
        <h1>${guild.name}</h1>
        <div class="channel-list">
          <h2 id="text-channels">Text channels</h2>
          <ul aria-labelledby="text-channels">
            ${others.map((one) => html`<${Row} key=${one.id} store=${store} id=${one.id} name=${one.name}
              open=${one.id === channel} icon=${iconOf(guild, one)} inside=${Boolean(one.thread_metadata)} />`)}
          </ul>
          <h2 id="direct">Direct messages</h2>
          <ul aria-labelledby="direct">
            <${Row} store=${store} id="dm" name="Vedette" open=${channel === "dm"} icon=${AT} />
          </ul>
        </div>
        <${People} store=${store} />
      </nav>
    </div>`;
}

function Row({ store, id, name, open, icon, inside }) {
  const { count, pings } = store.unread(id);
  const news = count ? `, ${count} new${pings ? `, ${pings} for you` : ""}` : "";
  return html`<li>
    <button class="channel ${inside ? "thread" : ""} ${count && !open ? "unread" : ""}" aria-current=${open ? "page" : undefined}
      aria-label="${name}${open ? "" : news}" onClick=${() => store.open(id)}>
      ${icon}<span>${name}</span>${pings > 0 && !open && html`<span class="badge">${pings}</span>`}
    </button>
  </li>`;
}

/** Why nothing answers just now. */
export function BotNote({ store }) {
  const bot = useStore(store, (state) => state.bot);
  const preparing = useStore(store, (state) => state.preparing);
  if (bot === "online" || bot === "preparing") return null; // what is prepared is in the banner
  const why = bot === "offline" ? "Vedette is offline." : "Vedette starts, and connects to Discord.";
  return html`<p class="bot-note ${bot}" role="status">${why} ${preparing}</p>`;
}

function topicOf(store, channel) {
  const parent = channel.thread_metadata && store.findChannel(channel.parent_id);
  return parent ? `A thread in #${parent.name}` : (channel.topic ?? TOPICS[channel.name] ?? "");
}

/** The line over the messages: which channel this is, and the switches. */
export function Header({ store, channel }) {
  const { panelOpen, drawer, bot } = useStore(store);
  const togglePanel = () => {
    if (matchMedia("(max-width: 1099px)").matches) return store.set({ drawer: drawer === "panel" ? "" : "panel" });
    remember("panel", panelOpen ? "closed" : "open");
    return store.set({ panelOpen: !panelOpen });
  };
  const name = channel ? channel.name : "Vedette";
  return html`
    <header class="head">
      <button class="icon-button narrow-only" aria-label="Channels" aria-controls="channels"
        aria-expanded=${drawer === "channels"} onClick=${() => store.set({ drawer: "channels" })}>${MENU}</button>
      <span class="head-icon">${channel ? (channel.thread_metadata ? BRANCH : HASH) : AT}</span>
      <h2>${name}</h2>
      <p class="topic">${channel ? topicOf(store, channel) : "Only you and the bot read this"}</p>
      <span class="bot-state ${bot}" role="status"><i></i>${`Bot ${(BOT_STATES[bot] ?? bot).toLowerCase()}`}</span>
      <${ThemeSwitch} />
      <button class="icon-button" aria-label="The simulation" title="The simulation" aria-controls="panel"
        aria-expanded=${panelOpen || drawer === "panel"} onClick=${togglePanel}>${DIALS}</button>
    </header>`;
}
