// Dark or light: the system's choice until somebody presses the switch.

import { html, useState } from "./vendor/htm-preact.js";
import { remember, remembered } from "./store.js";

const system = matchMedia("(prefers-color-scheme: light)");

export function theme() {
  return remembered("theme", "") || (system.matches ? "light" : "dark");
}

export function applyTheme() {
  document.documentElement.dataset.theme = theme();
}
system.addEventListener("change", applyTheme);

export function ThemeSwitch() {
  const [, repaint] = useState(0);
  const next = theme() === "dark" ? "light" : "dark";
  const onClick = () => {
    remember("theme", next);
    applyTheme();
    repaint((n) => n + 1);
  };
  return html`<button class="icon-button" onClick=${onClick} aria-label="Use the ${next} theme" title="Use the ${next} theme">
    ${next === "light" ? SUN : MOON}
  </button>`;
}

const SUN = html`<svg viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="5" fill="currentColor" /><path
  d="M12 1v3M12 20v3M1 12h3M20 12h3M4.2 4.2l2.1 2.1M17.7 17.7l2.1 2.1M4.2 19.8l2.1-2.1M17.7 6.3l2.1-2.1"
  stroke="currentColor" stroke-width="2" stroke-linecap="round" /></svg>`;
const MOON = html`<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z"
  fill="currentColor" /></svg>`;
