// The simulation's controls: what the world does, what goes wrong in it, and what the bot asked of it.
import { html, useEffect, useState } from "./vendor/htm-preact.js";
import { get, post } from "./api.js";
import { BOT_STATES } from "./channels.js";
import { plainError } from "./commands.js";
import { withEmoji } from "./emoji.js";
import { useStore } from "./store.js";
import { WorldTime } from "./world-time.js";
import { clockTime, relative, worldNow } from "./time.js";

const ASK_AGAIN_MS = 2000;
const NUMBER = new Intl.NumberFormat("en");

/** What each fault does to the world, and what the bot is expected to do then. */
const FAULTS = {
  drop: "Breaks the connection to a live in the middle of it. The bot connects again and loses no minute it can still get.",
  rate_limit: "Discord answers 429, “too fast”. The bot waits as long as it is told to, then posts what waited, once.",
  ssh: "The game server refuses SSH. The bot tries again with growing pauses, tells its admins after hours, and catches up.",
  shut: "The channel refuses what the bot posts. It waits, the admins are told once, and it is posted when the bot may write again.",
  discord: "Discord is gone: no gateway, no answers. What is to be posted waits, and is posted once when it is back.",
};

export function Panel({ store }) {
  const { bot, preparing, clock } = useStore(store);
  const [told, setTold] = useState(null);
  const [error, setError] = useState("");
  const look = usePolling(setTold);
  const act = async (path, body) => {
    setError("");
    try {
      await post(`panel/${path}`, body);
    } catch (problem) {
      setError(plainError(problem));
    }
    await look();
  };
  return html`<div class="panel">
    <div class="panel-head"><h2>The simulation</h2>
      <button class="icon-button panel-close" aria-label="Close" onClick=${() => store.set({ drawer: "" })}>×</button></div>
    ${error && html`<p class="composer-error" role="alert">${error}</p>`}
    <${WorldTime} store=${store} onSpeed=${(speed) => act("speed", { speed })} />
    <${Bot} ...${{ bot, preparing }} onKill=${() => act("kill", {})} />
    ${told && html`
      <${Streamers} streamers=${told.streamers} clock=${clock} onLive=${(handle, on) => act("live", { handle, on })} />
      <${Game} game=${told.game} onMap=${() => act("map", {})} />
      <${Faults} faults=${told.faults} onFault=${(name, on) => act("fault", { name, on })} />
      <${Asked} asked=${told.asked} />
      <${Budgets} budgets=${told.budgets} />`}
  </div>`;
}

/** Ask the panel's figures again and again while somebody can see them; gives what asks at once. */
function usePolling(onTold) {
  const look = () => get("panel").then(onTold).catch(() => {}); // that the sandbox is gone is told elsewhere
  useEffect(() => {
    look();
    const timer = setInterval(() => document.visibilityState === "visible" && look(), ASK_AGAIN_MS);
    return () => clearInterval(timer);
  }, []);
  return look;
}

function Section({ title, about, children }) {
  return html`<section class="panel-section"><h3>${title}</h3>
    ${about && html`<p class="panel-about">${about}</p>`}${children}</section>`;
}

const BOT_TEXT = {
  preparing: "Three months of its past are being made; that is done once.",
  starting: "It starts, and connects to Discord.",
  online: "It is connected to Discord.",
  offline: "It is not connected; it is started again by itself.",
};

function Bot({ bot, preparing, onKill }) {
  return html`<${Section} title="The bot"
    about=${`Killing it ends its process at once, as a power cut would. It is started again a second later,
      and nothing may be lost or posted twice.`}>
    <p class="panel-row"><span class=${`bot-state ${bot}`}><i></i>${BOT_STATES[bot] ?? bot}</span>
      <button class="panel-button is-bad" disabled=${bot !== "online"} onClick=${onKill}>Kill the bot</button></p>
    <p class="panel-about" role="status">${preparing ?? BOT_TEXT[bot]}</p>
  <//>`;
}

function Streamers({ streamers, clock, onLive }) {
  const live = streamers.filter((one) => one.live).length;
  return html`<${Section} title=${`Streamers (${live} live)`}
    about=${`They go live by their own habits. Nobody tells the bot: it has to look. Where it expects a live it
      finds it within minutes of the world's time; else an hour or two can pass, unless an admin uses /live check. It
      is announced in #lives; at the end the post becomes a summary, and a recap follows.`}>
    <ul class="panel-list">
      ${streamers.map((one) => html`<${Streamer} key=${one.handle} ...${{ one, clock, onLive }} />`)}
    </ul>
  <//>`;
}

function Streamer({ one, clock, onLive }) {
  const order = one.live ? "End" : "Go live";
  return html`<li class="panel-item">
    <div><b>${withEmoji(one.nickname)}</b> <span class="panel-handle">@${one.handle}</span>
      <p class="panel-about">
        ${one.live && html`<i class="live-mark">Live</i> `}${streamerState(one, worldNow(clock))}</p></div>
    <button class="panel-button" aria-label=${`${order}: ${one.nickname}`}
      onClick=${() => onLive(one.handle, !one.live)}>${order}</button>
  </li>`;
}

function streamerState({ live, viewers, since, next, kind }, now) {
  const parts = live
    ? [viewers != null && `${NUMBER.format(viewers)} viewers`, since && `since ${clockTime(ms(since))}`]
    : [kind, next && `next ${relative(ms(next), now, "en")}`];
  return parts.filter(Boolean).join(", ");
}

function Game({ game, onMap }) {
  const state = game.playing
    ? `Playing ${game.map ?? "a map"}${game.players == null ? "" : ` with ${people(game.players)}`}.`
    : "Nobody plays. Evenings begin at 20:00.";
  return html`<${Section} title="Game server"
    about="After each round it writes a file of statistics. The bot fetches it over SSH and posts the round in #rounds.">
    <p class="panel-row"><span>${state}</span>
      <button class="panel-button" disabled=${game.playing} onClick=${onMap}>Play a map</button></p>
  <//>`;
}

function Faults({ faults, onFault }) {
  return html`<${Section} title="Let something go wrong" about="The bot should cope with each of these by itself.">
    <ul class="panel-list">${faults.map((one) => html`<li key=${one.name} class="panel-item">
      <div><b id=${`fault-${one.name}`}>${one.label}</b><p class="panel-about">${FAULTS[one.name]}</p></div>
      <${one.once ? Once : Switch} one=${one} onFault=${onFault} />
    </li>`)}</ul>
  <//>`;
}

/** What happens and is over. */
function Once({ one, onFault }) {
  return html`<button class="panel-button is-bad" aria-describedby=${`fault-${one.name}`}
    onClick=${() => onFault(one.name, true)}>Do it</button>`;
}

/** What lasts until it is switched off. */
function Switch({ one, onFault }) {
  return html`<button class="switch" role="switch" aria-checked=${Boolean(one.on)} aria-labelledby=${`fault-${one.name}`}
    onClick=${() => onFault(one.name, !one.on)}><i></i></button>`;
}

function Asked({ asked }) {
  return html`<${Section} title="What was asked of each stand-in" about="By the bot, newest first; hours are the world's.">
    ${asked.map((one) => html`<details class="panel-asked" key=${one.name}>
      <summary><b>${one.name}</b>
        <span>${NUMBER.format(one.total)} in all, ${NUMBER.format(one.last_hour)} in the last hour</span></summary>
      <ol>${one.latest.map((text, index) => html`<li key=${index}>${text}</li>`)}</ol>
    </details>`)}
  <//>`;
}

function Budgets({ budgets }) {
  if (!budgets.length) return null;
  return html`<${Section} title="Budgets"
    about="So often the bot may ask. It never asks more, and spends what it has where it helps most.">
    ${budgets.map((one) => html`<div class="panel-budget" key=${one.name}>
      <p><b>${one.name}</b><span>${NUMBER.format(one.used)} of ${NUMBER.format(one.of)} ${per(one.per)}</span></p>
      <meter min="0" max=${one.of} value=${one.used} aria-label=${one.name}></meter>
    </div>`)}
  <//>`;
}

const per = (text) => (text ? `per ${text}` : "");
const people = (players) => {
  const count = Array.isArray(players) ? players.length : players;
  return `${count} player${count === 1 ? "" : "s"}`;
};
/** Unix seconds in milliseconds. */
const ms = (instant) => instant * 1000;
