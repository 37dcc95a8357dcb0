// The root of the page: what is where, and who writes it.
//
//   Banner    banner.js    over everything: this is a simulation, how to connect the real Discord
//   Composer  composer.js  below the messages; is given {store, channel} (null in the direct channel). It asks
//                          with `store.command(name, options)`; its errors are ApiError
//   Modal     modal.js     shown while `store.state.modal` is an interaction; `store.submit(fields)`;
//                          closed by `store.set({ modal: null })`
//   Panel     panel.js     on the right of a wide window, over a narrow one (`state.panelOpen`, `state.drawer`)
//   People    people.js    at the foot of the channels: who is played (`store.become`), their language
//   Tour      tour.js      over everything while `state.tour` is set
//
// Each is a component that is given `{store}` (store.js says what is in `store.state`; `useStore(store, pick)`
// repaints on change) and styled in tools.css with the colours and sizes named in style.css (`:root`).
// The rest is here, in channels.js and in messages.js. `window.vedette` is the store, for tests.

import { html, render, useEffect } from "./vendor/htm-preact.js";
import { Banner } from "./banner.js";
import { BotNote, Channels, Header } from "./channels.js";
import { Composer } from "./composer.js";
import { Messages } from "./messages.js";
import { Modal } from "./modal.js";
import { Panel } from "./panel.js";
import { Store, useStore } from "./store.js";
import { Tour } from "./tour.js";
import { applyTheme } from "./theme.js";
import { Viewer } from "./viewer.js";

function App({ store }) {
  const { loaded, drawer, panelOpen, channel, lost, notice, modal, tour } = useStore(store);
  useEffect(() => closeByEscape(store), [store]);
  useEffect(() => nameWindow(store));
  useEffect(() => focusDrawer(drawer), [drawer]);
  if (!loaded) return html`<p class="boot" role="status">${lost ? "Waiting for the sandbox…" : "Opening the sandbox…"}</p>`;
  const open = store.visibleChannels().find((one) => one.id === channel) ?? null;
  return html`
    <div class="app ${panelOpen ? "with-panel" : ""}" data-drawer=${drawer}>
      <a class="skip" href="#messages">Skip to the messages</a>
      <${Banner} store=${store} />
      ${lost && html`<p class="lost" role="status">The sandbox does not answer; trying again…</p>`}
      <${Channels} store=${store} />
      <main class="chat">
        <${Header} store=${store} channel=${open} />
        <${BotNote} store=${store} />
        <${Messages} key=${`${channel} ${store.state.me}`} store=${store} channel=${open} />
        <${Composer} store=${store} channel=${open} />
      </main>
      <aside class="side" id="panel" aria-label="The simulation"><${Panel} store=${store} /></aside>
      ${drawer && html`<button class="veil" aria-label="Close" onClick=${() => store.set({ drawer: "" })}></button>`}
      ${modal && html`<${Modal} store=${store} />`}
      ${tour && html`<${Tour} store=${store} />`}
      <${Viewer} store=${store} />
      <p class="notice" role="status">${notice}</p>
    </div>`;
}

/** The tab tells how often I was notified meanwhile, as Discord's does. */
function nameWindow(store) {
  const { channel, loaded } = store.state;
  if (!loaded) return;
  const channels = store.visibleChannels();
  const pings = [...channels.map((one) => one.id), "dm"].reduce((sum, id) => sum + store.unread(id).pings, 0);
  const name = channels.find((one) => one.id === channel)?.name;
  document.title = `${pings ? `(${pings}) ` : ""}${name ? `#${name}` : "Vedette"} | Vedette sandbox`;
}

/** A drawer takes the focus, and gives it back unless something else has it by then. */
function focusDrawer(drawer) {
  const place = drawer && document.getElementById(drawer), opener = document.activeElement;
  if (!place) return undefined;
  place.querySelector("button:not(:disabled)")?.focus();
  return () => {
    const now = document.activeElement;
    if (now === document.body || place.contains(now) || now.matches(".veil")) opener.focus();
  };
}

function closeByEscape(store) {
  const onKey = (event) => {
    if (event.key === "Escape" && store.state.drawer && !event.defaultPrevented) store.set({ drawer: "" });
  };
  addEventListener("keydown", onKey);
  return () => removeEventListener("keydown", onKey);
}

const store = new Store();
window.vedette = store;
applyTheme();
const root = document.getElementById("app");
root.replaceChildren();
render(html`<${App} store=${store} />`, root);
document.addEventListener("visibilitychange", () => store.lookAgain());
store.start();
