// Emoji as Discord draws them, on every machine: Twemoji for those the bot and its world use, the machine's own
// for the others.

import { html } from "./vendor/htm-preact.js";

/** The files in vendor/twemoji, by the code point in their names. */
const DRAWN = new Set(
  ("21a9 23f3 23f8 2615 26a0 26aa 2705 270f 2728 274c 2754 1f319 1f336 1f338 1f3a4 1f3a7 1f3ae 1f3af 1f3b6 1f40b 1f431 1f451 1f4ab " +
    "1f4dd 1f514 1f525 1f534 1f535 1f552 1f602 1f62d 1f7e1 1f947 1f948 1f949 1f972").split(" "),
);
const EMOJI = /(\p{Extended_Pictographic}\uFE0F?)/u;

export function Emoji({ text }) {
  const code = text.codePointAt(0).toString(16);
  if (!DRAWN.has(code)) return text;
  return html`<img class="emoji" src="vendor/twemoji/${code}.svg" alt=${text} width="18" height="18" />`;
}

/** Plain text with its emoji drawn. */
export function withEmoji(text) {
  return (text ?? "").split(EMOJI).map((part, place) => (place % 2 ? html`<${Emoji} text=${part} />` : part));
}
