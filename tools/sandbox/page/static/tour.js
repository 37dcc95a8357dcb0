// The tour's caption. The store already follows its channel and person (`store.follow`).
import { html, useEffect } from "./vendor/htm-preact.js";
import { useStore } from "./store.js";

export function Tour({ store }) {
  const tour = useStore(store, (state) => state.tour);
  const leave = () => store.leaveTour();
  useEffect(() => store.set({ drawer: "" }), [tour?.step]); // what is shown shall be seen
  if (!tour?.caption) return null;
  return html`<aside class="tour" role="status" aria-label="Tour">
    ${tour.step != null && html`<b class="tour-step">${tour.step}${tour.of ? `/${tour.of}` : ""}</b>`}
    <p>${tour.caption}</p>
    <button class="icon-button" aria-label="Hide the tour" title="Hide the tour" onClick=${leave}>×</button>
  </aside>`;
}
