// The world's date and time, and how fast it goes.
import { html, useEffect, useState } from "./vendor/htm-preact.js";
import { useStore } from "./store.js";
import { ZONE, worldNow } from "./time.js";

export const SPEEDS = [1, 10, 60, 200, 600];
const TICK_MS = 100;
/** Up to this speed the seconds can be read; beyond it they only flicker. */
const READABLE = 10;
const DAY = new Intl.DateTimeFormat("en-GB", { timeZone: ZONE, dateStyle: "full" });
const MINUTES = new Intl.DateTimeFormat("en-GB", { timeZone: ZONE, hour: "2-digit", minute: "2-digit" });
const SECONDS = new Intl.DateTimeFormat("en-GB", { timeZone: ZONE, timeStyle: "medium" });
const ABOUT = {
  1: "As fast as real life.",
  10: "A minute takes six seconds.",
  60: "A minute takes a second, a day 24 minutes.",
  200: "An hour takes 18 seconds, a day 7 minutes.",
  600: "An hour takes 6 seconds, a day 2½ minutes.",
};

export function WorldTime({ store, onSpeed }) {
  const clock = useStore(store, (state) => state.clock);
  const speed = clock?.speed ?? 1;
  const [wanted, setWanted] = useState(null);
  const index = wanted ?? nearest(speed);
  useEffect(() => setWanted(null), [speed]);
  const set = (at) => {
    setWanted(at);
    onSpeed(SPEEDS[at]);
  };
  return html`<section class="panel-section world-time">
    <${Ticking} store=${store} speed=${speed} />
    <label class="panel-row" for="speed"><span>Speed</span><b>${SPEEDS[index]}×</b></label>
    <input id="speed" type="range" min="0" max=${SPEEDS.length - 1} step="1" value=${index}
      aria-valuetext=${`${SPEEDS[index]} times`} onChange=${(event) => set(Number(event.currentTarget.value))}
      onInput=${(event) => setWanted(Number(event.currentTarget.value))} />
    <div class="speed-stops">${SPEEDS.map((one, at) => html`<button type="button" key=${one}
      class=${at === index ? "is-here" : ""} aria-label=${`${one} times`} aria-pressed=${at === index}
      onClick=${() => set(at)}>${one}×</button>`)}</div>
    <p class="panel-about">${ABOUT[SPEEDS[index]]} Lives, rounds and posts follow this clock; sockets and time-outs
      stay real.</p>
  </section>`;
}

/** Painted ten times a second, alone. */
function Ticking({ store, speed }) {
  const [now, setNow] = useState(() => worldNow(store.state.clock));
  useEffect(() => {
    const timer = setInterval(() => setNow(worldNow(store.state.clock)), TICK_MS);
    return () => clearInterval(timer);
  }, [store]);
  const time = (speed > READABLE ? MINUTES : SECONDS).format(now);
  return html`<p class="world-clock" role="timer"><time datetime=${new Date(now).toISOString()}>${time}</time>
    <span>${DAY.format(now)}<small>${ZONE.replace("_", " ").replace(/^.*\//, "")} time</small></span></p>`;
}

/** The stop nearest to a speed that somebody else may have set. */
function nearest(speed) {
  const distances = SPEEDS.map((one) => Math.abs(Math.log(one / speed)));
  return distances.indexOf(Math.min(...distances));
}
