// A list that opens above an input and is worked with from it: the focus stays in the input.
import { html, useEffect, useRef } from "./vendor/htm-preact.js";

/** `items` with `{key, text, about?, mark?, options?: [{text, optional}]}`; `active`: which is highlighted, -1 none. */
export function Menu({ id, label, items, active, onPick, onPoint }) {
  const list = useRef(null);
  useEffect(() => {
    list.current.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [active, items]);
  return html`<ul id=${id} class="menu-list" role="listbox" aria-label=${label} ref=${list}>
    ${items.map((item, index) => html`<li
      key=${item.key} id=${`${id}-${index}`} role="option" aria-selected=${index === active} class="menu-item"
      onPointerDown=${(event) => event.preventDefault() /* the input keeps the focus */}
      onPointerMove=${() => index === active || onPoint(index)}
      onClick=${() => onPick(item)}
    >
      <span class="menu-text">${item.mark && html`<i class="menu-mark">${item.mark}</i>`}${item.text}
        ${item.options && html`<span class="menu-options">${item.options.map(Option)}</span>`}</span>
      ${item.about && html`<span class="menu-about">${item.about}</span>`}
    </li>`)}
  </ul>`;
}

const Option = (one) => html`<b class=${one.optional ? "is-optional" : ""}>${one.text}</b>`;

/** What a key does to a menu; true where the menu has used it. Enter and Tab pick what is highlighted. */
export function menuKey(event, { items, active, point, pick }) {
  if (!items.length || event.isComposing) return false;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    point(active < 0 && step < 0 ? items.length - 1 : (active + step + items.length) % items.length);
  } else if ((event.key === "Enter" || (event.key === "Tab" && !event.shiftKey)) && items[active]) {
    pick(items[active], event.key);
  } else {
    return false;
  }
  event.preventDefault();
  return true;
}

/** What ties an input to its menu for screen readers. */
export const menuInput = (id, open, active) => ({
  role: "combobox", autocomplete: "off", "aria-autocomplete": "list", "aria-haspopup": "listbox", "aria-expanded": open,
  "aria-controls": open ? id : undefined, "aria-activedescendant": open && active >= 0 ? `${id}-${active}` : undefined,
});
