// The world's time. It runs `speed` times as fast as the machine's; everything shown counts by it.

import { html, useEffect, useState } from "./vendor/htm-preact.js";

/** The people of this world live here; what they read is in their local time, whatever the machine's zone is. */
export const ZONE = "Asia/Jakarta";
const TICK_MS = 500;

/** The world's instant now, in milliseconds since 1970; the machine's own while none is known. */
export function worldNow(clock) {
  if (!clock) return Date.now();
  return Date.parse(clock.instant) + (Date.now() - clock.at) * clock.speed;
}

const watchers = new Set();
let timer = null;

/** Call `update` twice a second until the function given is called. */
function everyTick(update) {
  watchers.add(update);
  timer ??= setInterval(() => watchers.forEach((one) => one()), TICK_MS);
  return () => watchers.delete(update);
}

/** A text that depends on the time: `write(now)` is asked twice a second and painted when it changes; `key` names
 * what else it depends on. */
export function useTold(store, write, key = "") {
  const [text, setText] = useState(() => write(worldNow(store.state.clock)));
  useEffect(() => {
    const update = () => setText(write(worldNow(store.state.clock)));
    update();
    return everyTick(update);
  }, [store, key]);
  return text;
}

const formats = new Map();
function format(instant, options, locale) {
  const key = locale + JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(locale, { timeZone: ZONE, ...options }));
  return formats.get(key).format(instant);
}

/** The language in which a person's client writes times: "en-GB" (24 hours, day first) or "id". */
export function localeOf(store) {
  const { users, me } = store.state;
  return users.find((one) => one.name === me)?.locale === "id" ? "id" : "en-GB";
}

/** "2026-10-03": equal for two instants of the same local day. */
export const dayOf = (instant) => format(instant, { dateStyle: "short" }, "en-CA");
export const clockTime = (instant, locale = "en-GB") => format(instant, { hour: "2-digit", minute: "2-digit" }, locale);
export const longDate = (instant, locale = "en-GB") =>
  format(instant, { day: "numeric", month: "long", year: "numeric" }, locale);
const shortDate = (instant, locale) => format(instant, { day: "2-digit", month: "2-digit", year: "numeric" }, locale);
const withTime = (date, instant, locale) => `${date} ${locale === "id" ? "pukul" : "at"} ${clockTime(instant, locale)}`;
export const full = (instant, locale = "en-GB") =>
  withTime(`${format(instant, { weekday: "long" }, locale)}, ${longDate(instant, locale)}`, instant, locale);

/** When a message was written: "18:40" of today, "Yesterday at 18:40", "02/10/2026 18:40". */
export function stamp(instant, now) {
  if (dayOf(instant) === dayOf(now)) return clockTime(instant);
  if (dayOf(instant) === dayOf(now - 86_400_000)) return `Yesterday at ${clockTime(instant)}`;
  return `${shortDate(instant, "en-GB")} ${clockTime(instant)}`;
}

const STEPS = [
  ["year", 31_536_000], ["month", 2_592_000], ["day", 86_400], ["hour", 3600], ["minute", 60], ["second", 1],
];

/** "in 5 minutes", "2 days ago". */
export function relative(instant, now, locale) {
  const seconds = Math.round((instant - now) / 1000);
  const [unit, length] = STEPS.find(([, size]) => Math.abs(seconds) >= size) ?? STEPS.at(-1);
  const written = new Intl.RelativeTimeFormat(locale, { numeric: "always" });
  return written.format(Math.round(seconds / length), unit);
}

/** The styles of `<t:seconds:style>`. */
const STYLES = {
  t: clockTime,
  T: (instant, locale) => format(instant, { timeStyle: "medium" }, locale),
  d: shortDate,
  D: longDate,
  f: (instant, locale) => withTime(longDate(instant, locale), instant, locale),
  F: full,
};

/** A point in time inside a text, as Discord shows it; hovering tells it in full. */
export function Timestamp({ store, seconds, style = "f" }) {
  const instant = seconds * 1000;
  const locale = localeOf(store);
  const write = (now) => (style === "R" ? relative(instant, now, locale) : (STYLES[style] ?? STYLES.f)(instant, locale));
  const text = useTold(store, write, `${seconds} ${style} ${locale}`);
  const machine = new Date(instant).toISOString();
  return html`<time class="timestamp" datetime=${machine} title=${full(instant, locale)}>${text}</time>`;
}
