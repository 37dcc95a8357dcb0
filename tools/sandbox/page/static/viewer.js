// A picture, large, over everything. Escape, the button or a click beside it closes it.

import { html, useEffect, useRef } from "./vendor/htm-preact.js";
import { useStore } from "./store.js";

export function Viewer({ store }) {
  const picture = useStore(store, (state) => state.picture);
  const dialog = useRef();
  useEffect(() => {
    if (picture) dialog.current.showModal();
  }, [picture]);
  if (!picture) return null;
  const close = () => store.set({ picture: null });
  return html`
    <dialog class="viewer" ref=${dialog} aria-label="Picture" onClose=${close} onClick=${() => dialog.current.close()}>
      <img src=${picture.url} alt=${picture.alt} width=${picture.width} height=${picture.height} />
      <p><a href=${picture.url} target="_blank" rel="noreferrer" onClick=${(event) => event.stopPropagation()}>Open in a new tab</a>
        <button class="plain" autofocus>Close</button></p>
    </dialog>`;
}
