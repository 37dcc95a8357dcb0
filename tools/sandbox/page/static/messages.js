// The messages of the open channel: newest below, only the latest drawn until somebody scrolls up.

import { Component, html, useEffect, useLayoutEffect, useRef, useState } from "./vendor/htm-preact.js";
import { Avatar } from "./avatar.js";
import { Components } from "./components.js";
import { Attachments, Embed } from "./embed.js";
import { withEmoji } from "./emoji.js";
import { Markdown } from "./markdown.js";
import { useStore } from "./store.js";
import { clockTime, dayOf, full, localeOf, longDate, stamp, useTold } from "./time.js";

const PAGE = 50;
const NEAR_PX = 80;
const NEAR_TOP_PX = 300;
const GROUP_MS = 7 * 60 * 1000;
const FROM_COMMAND = 20, REPLY = 19;

export function Messages({ store, channel }) {
  const { pending, guild, me, newFrom } = useStore(store);
  // The oldest that is drawn; null while the reader is at the newest: then it is the latest few.
  const [from, setFrom] = useState(null);
  const all = store.shown();
  const start = Math.max(0, from === null ? all.length - PAGE : placeOf(from, all));
  const shown = all.slice(start);
  const waiting = pending.filter((one) => isShownAsRow(one, all, store.state.channel, me));
  const box = useRef();
  const bottom = useBottom(box, all.at(-1)?.id);
  const onScroll = () => {
    if (!box.current) return undefined; // it comes after the channel was left
    if (!bottom.onScroll()) return setFrom(null);
    if (box.current.scrollTop > NEAR_TOP_PX || start === 0) return setFrom(from ?? all[start]?.id ?? null);
    bottom.keepPlace();
    return setFrom(all[Math.max(0, start - PAGE)].id);
  };
  const name = channel ? placeName(channel) : "the messages with Vedette";
  return html`
    <div class="messages" id="messages" role="log" aria-label="Messages in ${name}" tabindex="0" ref=${box} onScroll=${onScroll}>
      <div class="messages-inner">
        ${start === 0 && html`<${Beginning} channel=${channel} />`}
        <ol>${rowsOf(store, shown, { guild, me, newFrom, pending })}
          ${waiting.map((one) => html`<${Pending} key=${one.id} store=${store} one=${one} />`)}</ol>
      </div>
    </div>
    <${Jump} bottom=${bottom} all=${all} />`;
}

/** Where a message is, or what follows it if it was deleted. */
function placeOf(id, all) {
  const place = all.findIndex((one) => one.id === id);
  return place < 0 ? all.findIndex((one) => BigInt(one.id) > BigInt(id)) : place;
}

/** A command waits as a row of its own until its answer is there. */
function isShownAsRow(one, all, channel, me) {
  if (one.kind === "component" || one.channel !== channel || one.user !== me) return false;
  return one.state === "failed" || !all.some((message) => message.interaction_id === one.id);
}

/** Stay at the newest message while the reader is there, and only then. */
function useBottom(box, newest) {
  const kept = useRef({ at: true, fromBottom: null, seen: newest });
  const [isAway, setAway] = useState(false);
  const toEnd = () => {
    box.current.scrollTop = box.current.scrollHeight;
  };
  useLayoutEffect(() => {
    const { current } = kept;
    if (current.fromBottom !== null) box.current.scrollTop = box.current.scrollHeight - current.fromBottom;
    else if (current.at) toEnd();
    current.fromBottom = null;
  });
  useEffect(() => {
    // What is drawn later (a picture of unknown size, a chart in an edit) must not push the newest out of sight.
    const watch = new ResizeObserver(() => kept.current.at && toEnd());
    watch.observe(box.current);
    watch.observe(box.current.firstElementChild);
    return () => watch.disconnect();
  }, []);
  if (kept.current.at) kept.current.seen = newest;
  return {
    isAway,
    seen: kept.current.seen,
    /** Tells whether the reader is away from the newest. */
    onScroll() {
      const { scrollHeight, scrollTop, clientHeight } = box.current;
      kept.current.at = scrollHeight - scrollTop - clientHeight < NEAR_PX;
      setAway(!kept.current.at);
      return !kept.current.at;
    },
    keepPlace() {
      kept.current.fromBottom = box.current.scrollHeight - box.current.scrollTop;
    },
    jump() {
      kept.current.at = true;
      setAway(false);
      toEnd();
      box.current.focus({ preventScroll: true });
    },
  };
}

function Jump({ bottom, all }) {
  if (!bottom.isAway) return null;
  const place = all.findIndex((one) => one.id === bottom.seen);
  const fresh = place < 0 ? 0 : all.length - 1 - place;
  const text = fresh ? `${fresh} new message${fresh > 1 ? "s" : ""}` : "You're viewing older messages";
  return html`<div class="jump"><button onClick=${bottom.jump}><span>${text}</span><b>Jump to newest</b></button></div>`;
}

function Beginning({ channel }) {
  const isThread = channel?.thread_metadata;
  const begins = channel ? `This is the start of the ${placeName(channel)} ${isThread ? "thread" : "channel"}.` : "This is the beginning of your direct messages with the bot.";
  return html`<div class="beginning">
    <h3>${isThread ? channel.name : channel ? `Welcome to #${channel.name}!` : "Vedette"}</h3>
    <p>${begins}</p>
  </div>`;
}

const placeName = (channel) => (channel.thread_metadata ? `“${channel.name}”` : `#${channel.name}`);

/** The rows with their dividers: a new day, and where the news begin. */
function rowsOf(store, messages, { guild, me, newFrom, pending }) {
  const rows = [];
  const locale = localeOf(store);
  let before = null;
  for (const message of messages) {
    const at = Date.parse(message.timestamp);
    const isNewDay = !before || dayOf(Date.parse(before.timestamp)) !== dayOf(at);
    const isFresh = newFrom === (before?.id ?? "") && message.author.id !== store.myId();
    if (isNewDay || isFresh) {
      rows.push(html`<${Divider} key=${`before ${message.id}`} text=${isNewDay ? longDate(at) : ""} fresh=${isFresh} />`);
    }
    const isFirst = isNewDay || isFresh || !continues(message, before);
    const state = pending.find((one) => one.messageId === message.id && one.user === me);
    rows.push(html`<${Message} key=${message.id} store=${store} message=${message} isFirst=${isFirst} guild=${guild} me=${me}
      pending=${state} locale=${locale} />`);
    before = message;
  }
  return rows;
}

function continues(message, before) {
  return before.author.id === message.author.id && before.ephemeral === message.ephemeral && !message.ephemeral &&
    message.type !== FROM_COMMAND && message.type !== REPLY &&
    Date.parse(message.timestamp) - Date.parse(before.timestamp) < GROUP_MS;
}

function Divider({ text, fresh }) {
  return html`<li class="divider ${fresh ? "fresh" : ""}" role="separator" aria-label=${[text, fresh && "New"].filter(Boolean).join(", ")}>
    <span>${text}</span>${fresh && html`<b>New</b>`}</li>`;
}

/** One message; drawn again only when something of it changed, so that a long channel stays fast. */
class Message extends Component {
  shouldComponentUpdate(next, { isBroken }) {
    return isBroken || Object.keys(next).some((key) => next[key] !== this.props[key]);
  }

  componentDidCatch(error) {
    console.error(error);
    this.setState({ isBroken: true });
  }

  render({ store, message, isFirst, pending }, { isBroken }) {
    if (isBroken) return html`<li class="message"><p class="failed">This message cannot be shown</p></li>`;
    const kinds = [isFirst && "first", store.pingsMe(message) && "pinged", message.ephemeral && "private"];
    const at = Date.parse(message.timestamp);
    const { name } = message.author;
    return html`<li class="message ${kinds.filter(Boolean).join(" ")}" data-id=${message.id}>
      <article aria-label="${name}, ${clockTime(at)}">
        <${Above} store=${store} message=${message} />
        ${isFirst
          ? html`<${Avatar} user=${message.author} />
            <${Head} store=${store} message=${message} name=${name} at=${at} />`
          : html`<time class="gutter" datetime=${message.timestamp} title=${full(at)}>${clockTime(at)}</time>`}
        <div class="body">
          ${message.loading && html`<${Thinking} name=${name} />`}
          ${(message.content || message.edited_timestamp) && html`<div class="content">
            <${Markdown} store=${store} text=${message.content} />${" "}${message.edited_timestamp && html`<${Edited} message=${message} />`}
          </div>`}
          <${Attachments} store=${store} files=${message.attachments} />
          ${message.embeds.map((embed) => html`<${Embed} store=${store} embed=${embed} />`)}
          <${Components} store=${store} message=${message} pending=${pending} />
          <${ThreadLink} store=${store} thread=${store.threadOf(message)} />
          ${message.reactions?.length > 0 && html`<${Reactions} all=${message.reactions} />`}
          ${message.ephemeral && html`<${OnlyYou} store=${store} id=${message.id} />`}
        </div>
      </article>
    </li>`;
  }
}

function ThreadLink({ store, thread }) {
  return thread && html`<button class="thread-link" onClick=${() => store.open(thread.id)}><b>${thread.name}</b><span>Open the thread ›</span></button>`;
}

function Head({ store, message, name, at }) {
  return html`<div class="message-head">
    <strong class="author" style=${message.author.color && `--name: ${message.author.color}`}>${name}</strong>
    ${message.author.bot && html`<span class="app-tag">APP</span>`}
    <${Stamp} store=${store} at=${at} />
    <${Pinged} store=${store} message=${message} />
  </div>`;
}

function Stamp({ store, at }) {
  const text = useTold(store, (now) => stamp(at, now), at);
  return html`<time class="stamp" datetime=${new Date(at).toISOString()} title=${full(at)}>${text}</time>`;
}

/** Whom the message really notified, which Discord itself tells nobody. */
function Pinged({ store, message }) {
  const names = [
    ...(message.pinged_everyone ? ["@everyone"] : []),
    ...(message.pinged_roles ?? []).map((id) => `@${store.role(id)?.name ?? "deleted-role"}`),
    ...(message.pinged_users ?? []).map((id) => `@${store.nameOf(id) ?? id}`),
  ];
  if (!names.length) return null;
  return html`<span class="pings" title="This message notified ${names.join(", ")}">
    <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 2a7 7 0 0 0-7 7v5l-2 4h18l-2-4V9a7 7 0 0 0-7-7zM9.5 20a2.6 2.6 0 0 0 5 0z" fill="currentColor" /></svg>
    <span class="hidden">notified </span>${names.join(", ")}</span>`;
}

const Edited = ({ message }) =>
  html`<span class="edited" title=${full(Date.parse(message.edited_timestamp))}>(edited)</span>`;

/** The line over an answer: who asked for it with which command, or which message it answers. */
function Above({ store, message }) {
  const { asked, reply } = message;
  if (asked?.command) return html`<${Asked} store=${store} user=${asked.user} command=${asked.command} />`;
  if (!reply) return null;
  const first = store.state.messages.get(reply.id)?.embeds[0]?.title;
  const text = reply.deleted ? "Original message was deleted" : reply.content || first || "A message";
  return html`<div class="above"><${Avatar} user=${reply.author} small /> <b>${reply.author.name}</b>${" "}
    <span>${withEmoji(text)}</span></div>`;
}

function Asked({ store, user, command }) {
  return html`<div class="above"><${Avatar} user=${user} small /> <b>${user.name}</b> used${" "}
    <button class="mention" onClick=${() => store.set({ draft: `/${command} ` })}>/${command}</button></div>`;
}

/** An answer that is awaited, or that never came. */
function Pending({ store, one }) {
  const bot = store.bot();
  const user = store.state.users.find((each) => each.name === one.user);
  const failed = one.state === "failed";
  return html`<li class="message first private">
    <article aria-label="Vedette">
      ${one.name && html`<${Asked} store=${store} user=${user} command=${one.name} />`}
      <${Avatar} user=${bot} />
      <div class="message-head"><strong class="author">${bot.name}</strong><span class="app-tag">APP</span>
        <${Stamp} store=${store} at=${one.asked} /></div>
      <div class="body">${failed
        ? html`<p class="failed" role="alert">The application did not respond</p><${OnlyYou} store=${store} id=${one.id} />`
        : html`<${Thinking} name=${bot.name} />`}</div>
    </article>
  </li>`;
}

const Thinking = ({ name }) =>
  html`<p class="thinking"><i class="dots" aria-hidden="true"></i>${name} is thinking…</p>`;

function OnlyYou({ store, id }) {
  return html`<p class="only-you">
    <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 5C6 5 2 12 2 12s4 7 10 7 10-7 10-7-4-7-10-7zm0 11a4 4 0 1 1 0-8 4 4 0 0 1 0 8z" fill="currentColor" /></svg>${" "}Only you can see this • <button class="plain" onClick=${() => store.dismiss(id)}>Dismiss message</button></p>`;
}

const Reactions = ({ all }) => html`<div class="reactions">
  ${all.map((one) => html`<span class="reaction">${one.emoji.name} ${one.count}</span>`)}</div>`;
