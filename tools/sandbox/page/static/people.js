// Who is played, and in which language their Discord is: at the foot of the channels.
import { html } from "./vendor/htm-preact.js";
import { patch } from "./api.js";
import { plainError } from "./commands.js";
import { useStore } from "./store.js";

const ABOUT = { admin: "Owns the server: may use every command", member: "An ordinary member: may look, not change" };
const LANGUAGES = [["en-US", "English"], ["id", "Indonesia"]];

export function People({ store }) {
  const { me, people, users } = useStore(store);
  const user = users.find((one) => one.name === me);
  const speak = async (locale) => {
    try {
      await patch(`discord/users/${encodeURIComponent(me)}`, { locale });
      await store.refresh();
    } catch (problem) {
      store.tell(plainError(problem));
    }
  };
  return html`<div class="people">
    <div class="people-who" role="group" aria-label="Who you are">
      ${people.map((name) => html`<button key=${name} aria-pressed=${name === me} title=${ABOUT[name]}
        onClick=${() => store.become(name)}>
        <i class="people-face" style=${`background:${colour(users, name)}`} aria-hidden="true">${name[0].toUpperCase()}</i>
        ${name}</button>`)}
    </div>
    <label class="people-language"><span>${ABOUT[me] ?? `You are ${me}`}</span>
      <select aria-label="Language of your Discord" value=${user?.locale ?? "en-US"}
        onChange=${(event) => speak(event.currentTarget.value)}>
        ${LANGUAGES.map(([locale, name]) =>
          html`<option value=${locale} selected=${locale === user?.locale}>${name}</option>`)}
      </select></label>
  </div>`;
}

const colour = (users, name) => users.find((one) => one.name === name)?.avatar_color ?? "var(--accent)";
