// What the page knows, in one place. `store.state` is replaced, never changed in place.
//
//   clock        {instant: ISO, speed, at}: the world's time, and the machine's (ms) when it was told; see time.js
//   bot          "preparing" | "starting" | "online" | "offline"; `preparing` says what is prepared, or why it is offline
//   guild        {id, name, channels, threads, roles, members}; `users`, `commands` as Discord's control API gives them
//   people       who can be played (the server's `me`); `me` is the name of who is played now
//   channel      id of the channel that is open; "dm" is the direct channel with the bot
//   messages     Map: id -> message_view (server: discord/views.py), oldest first
//   pending      what was asked and is not answered: [{id, kind, user, channel, asked, name?, messageId?, customId?,
//                state: "pending" or "failed"}]
//   read         {channel id: id of the newest message that was seen}; `newFrom`: that of the open channel when it
//                was opened ("" where none was), or null if nothing was new then
//   draft        text for the composer to take over ("/live add "), or null
//   picture      {url, alt, width, height} that is shown large, or null
//   modal        the interaction (`interaction_view`) whose modal is open, or null
//   notice       a short text for all to see for a while, or null
//   drawer       "" | "channels" | "panel": what lies over the channel on a narrow window
//   panelOpen    is the panel shown on a wide one?
//   tour         the latest tour event, or null
//   lost         true while the server does not answer

import { useEffect, useState } from "./vendor/htm-preact.js";
import { ApiError, discord, get, listen } from "./api.js";
import { worldNow } from "./time.js";

const NOTICE_MS = 6000;
const RETRY_MS = 1000;
const TEXT = 0;
const ANSWER_SECONDS = 15 * 60;
/** So many messages of the past are asked for; later ones all stay. */
const PAST = 1000;
/** So many threads are listed below their channel. */
const THREADS = 5;

export class Store {
  constructor() {
    this.state = {
      loaded: false, clock: null, bot: "preparing", preparing: null, guild: null, users: [], commands: [],
      people: [], me: remembered("me", "admin"), channel: null, messages: new Map(), pending: [], read: {}, newFrom: null, modal: null, picture: null, draft: null,
      notice: null, drawer: "",
      panelOpen: remembered("panel", "open") === "open", tour: null, lost: false,
    };
    this.listeners = new Set();
    this.last = 0;
  }

  subscribe(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  set(patch) {
    this.state = { ...this.state, ...patch };
    if (!this.scheduled) {
      // A burst of events is one repaint.
      this.scheduled = true;
      queueMicrotask(() => {
        this.scheduled = false;
        for (const listener of [...this.listeners]) listener();
      });
    }
  }

  /** Load the world and keep up with it. Tries again until the server is there. */
  async start() {
    try {
      const { n } = await this.refresh();
      this.last = n ?? 0;
      const messages = await discord("GET", `messages?limit=${PAST}`).catch(() => []);
      this.set({ messages: new Map(messages.map((one) => [one.id, one])), lost: false });
      this.set({ loaded: true, read: this.allRead() });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.set({ lost: true });
      setTimeout(() => this.start(), RETRY_MS);
      return;
    }
    const stop = listen(this.last, {
      onOpen: () => this.state.lost && this.catchUp(),
      onLost: (isOver) => {
        this.set({ lost: true });
        if (!isOver) return; // the browser tries again by itself
        stop();
        setTimeout(() => this.start(), RETRY_MS);
      },
      onEvent: (event) => this.apply(event),
    });
  }

  /** The server is there again: the same one with its news, or a new one with a new world. */
  async catchUp() {
    try {
      const { n } = await this.refresh();
      if (n < this.last) location.reload();
      this.set({ lost: false });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setTimeout(() => this.state.lost && this.catchUp(), RETRY_MS);
    }
  }

  /** Ask again who and what there is: channels, roles, members, commands. */
  async refresh() {
    const world = await get("state");
    const { guild, users, bot } = world;
    const people = world.me.map((one) => one.name ?? one);
    const me = people.includes(this.state.me) ? this.state.me : people[0];
    this.set({
      guild, users, bot, preparing: world.preparing ?? world.trouble, people, me, commands: world.commands ?? [], clock: told(world.clock),
      tour: world.tour ? (this.state.tour ?? { caption: "" }) : this.state.tour,
    });
    this.stayVisible();
    return world;
  }

  apply(event) {
    if (event.n) {
      if (event.n <= this.last) return; // after a reconnect some come twice
      this.last = event.n;
    }
    const { messages } = this.state;
    switch (event.kind) {
      case "thinking": // its answer is awaited
      case "message_posted":
      case "message_edited":
      case "message_deleted":
        this.set({ messages: new Map(messages).set(event.message.id, event.message) });
        if (event.kind === "message_posted") this.markIfOpen(event.message);
        break;
      case "clock":
        this.set({ clock: told(event.clock) });
        break;
      case "bot":
        this.set({ bot: event.state, preparing: event.text ?? null });
        break;
      case "tour":
        this.follow(event);
        break;
      case "world":
      case "commands":
        this.refreshSoon();
        break;
    }
  }

  refreshSoon() {
    clearTimeout(this.refreshing);
    this.refreshing = setTimeout(() => this.refresh().catch(() => {}), 100);
  }

  follow(event) {
    if (this.hasLeftTour) return;
    this.set({ tour: event });
    if (event.user) this.become(event.user);
    const channel = event.channel && this.findChannel(event.channel);
    if (channel) this.open(channel.id);
  }

  /** Hide the tour, and go where one likes from now on. */
  leaveTour() {
    this.hasLeftTour = true;
    this.set({ tour: null });
  }

  // --- who looks, and where -------------------------------------------------------------------------

  become(name) {
    if (!this.state.people.includes(name)) return;
    remember("me", name);
    this.set({ me: name });
    this.stayVisible();
  }

  /** Open a channel by id ("dm" for the direct one) and take what is in it for read. */
  open(channel) {
    const seen = this.state.read[this.readKey(channel)] ?? "";
    this.set({ channel, drawer: "", newFrom: this.unread(channel).count ? seen : null });
    this.markRead();
  }

  findChannel(key) {
    const name = String(key).replace(/^#/, "");
    return this.visibleChannels().find((one) => one.id === name || one.name === name);
  }

  /** The channels I see, each followed by its newest threads that are open. */
  visibleChannels() {
    const { guild, me } = this.state;
    if (!guild) return [];
    const channels = guild.channels.filter((one) => one.type === TEXT && one.seen_by.includes(me));
    return channels.flatMap((one) => [one, ...this.threadsIn(one)]);
  }

  threadsIn(channel) {
    const mine = this.state.guild.threads.filter((one) => one.parent_id === channel.id);
    const newest = mine.filter((one) => !one.thread_metadata.archived).slice(-THREADS);
    return mine.filter((one) => newest.includes(one) || one.id === this.state.channel);
  }

  /** The thread that began with a message. */
  threadOf(message) {
    return this.state.guild.threads.find((one) => one.id === message.id && one.parent_id === message.channel_id);
  }

  stayVisible() {
    const channels = this.visibleChannels();
    const { channel } = this.state;
    if (channel === "dm" || channels.some((one) => one.id === channel)) return;
    if (channels.length) this.open(channels[0].id);
  }

  myId() {
    return this.state.users.find((one) => one.name === this.state.me)?.id;
  }

  bot() {
    return this.state.users.find((one) => one.bot);
  }

  nameOf(userId) {
    return this.state.users.find((one) => one.id === userId)?.name;
  }

  role(id) {
    return this.state.guild?.roles.find((one) => one.id === id);
  }

  /** Is a message in the channel ("dm": the direct one of who is played)? */
  isIn(message, channel) {
    if (channel === "dm") return message.guild_id === null && message.channel === `dm:${this.state.me}`;
    return message.channel_id === channel;
  }

  /** What I see in a channel, oldest first: nothing that was deleted, no private answer to somebody else. */
  shown(channel = this.state.channel) {
    const found = [];
    for (const message of this.state.messages.values()) {
      if (!message.deleted && this.isIn(message, channel) && this.isForMe(message)) found.push(message);
    }
    return found;
  }

  isForMe(message) {
    return !message.ephemeral || message.visible_to === this.state.me;
  }

  /** How many messages I have not seen in a channel, and how many of them notified me. */
  unread(channel) {
    const seen = BigInt(this.state.read[this.readKey(channel)] ?? 0);
    let count = 0, pings = 0;
    for (const message of this.shown(channel)) {
      if (BigInt(message.id) <= seen || message.author.id === this.myId()) continue;
      count += 1;
      if (this.pingsMe(message)) pings += 1;
    }
    return { count, pings };
  }

  pingsMe(message) {
    const mine = this.state.guild.members.find((one) => one.user.id === this.myId())?.roles ?? [];
    return Boolean(
      message.pinged_everyone || message.pinged_users?.includes(this.myId()) ||
        message.pinged_roles?.some((role) => mine.includes(role)),
    );
  }

  allRead() {
    const read = {};
    for (const message of this.state.messages.values()) {
      read[message.guild_id === null ? message.channel : message.channel_id] = message.id;
    }
    return read;
  }

  markRead() {
    const newest = this.shown().at(-1);
    const key = this.readKey(this.state.channel);
    if (newest && newest.id !== this.state.read[key]) this.set({ read: { ...this.state.read, [key]: newest.id } });
  }

  /** Each person has their own direct channel. */
  readKey(channel) {
    return channel === "dm" ? `dm:${this.state.me}` : channel;
  }

  /** Somebody looks again: what came meanwhile is marked as new, and read. */
  lookAgain() {
    if (document.visibilityState !== "visible" || !this.state.channel) return;
    if (this.unread(this.state.channel).count) this.open(this.state.channel);
  }

  /** What comes into the open channel is read, unless nobody looks: then it stays new. */
  markIfOpen(message) {
    if (this.isIn(message, this.state.channel) && document.visibilityState === "visible") this.markRead();
  }

  dismiss(id) {
    const gone = this.state.messages.get(id);
    if (gone) this.set({ messages: new Map(this.state.messages).set(id, { ...gone, deleted: true }) });
    this.set({ pending: this.state.pending.filter((one) => one.id !== id) });
  }

  /** Say something short to the person, for some seconds. */
  tell(notice) {
    this.set({ notice });
    clearTimeout(this.noticeTimer);
    this.noticeTimer = setTimeout(() => this.set({ notice: null }), NOTICE_MS);
  }

  // --- what a person does; all reject with ApiError where Discord's client would refuse --------------

  /** Use a slash command, `name` "live add"; resolves to its `interaction_view` once answered or failed. */
  async command(name, options = {}) {
    const order = { user: this.state.me, channel: this.state.channel, name, options };
    return this.ask("command", order, { kind: "command", name });
  }

  /** Press a button (no values) or choose in a menu of a message. */
  async press(message, customId, values = undefined) {
    const order = {
      user: this.state.me, channel: this.state.channel, message_id: message.id, custom_id: customId, values,
    };
    return this.ask("component", order, { kind: "component", messageId: message.id, customId });
  }

  /** Send the modal that is open; `fields` {custom_id: text, or a list for a menu}. */
  async submit(fields) {
    const { id } = this.state.modal;
    return this.ask("modal", { user: this.state.me, interaction_id: id, fields }, { kind: "modal" });
  }

  async say(content) {
    return discord("POST", "messages", { user: this.state.me, channel: this.state.channel, content });
  }

  async ask(path, order, about) {
    const { interaction_id: id } = await discord("POST", path, order);
    const { me, channel, pending } = this.state;
    const row = { id, user: me, channel, state: "pending", asked: worldNow(this.state.clock), ...about };
    this.set({ pending: [...pending.filter((one) => !isSame(one, row)), row] });
    if (about.kind === "modal") this.set({ modal: null });
    const view = await this.answer(id);
    if (view.modal) this.set({ modal: view });
    this.settle(row, view);
    return view;
  }

  /** Wait until the bot has answered; a deferred answer may take minutes. */
  async answer(id) {
    const end = Date.now() + ANSWER_SECONDS * 1000;
    for (;;) {
      try {
        const view = await discord("GET", `interactions/${id}?wait=10`);
        if (view.state === "answered" || view.state === "failed" || Date.now() > end) return view;
      } catch (error) {
        if (error.status !== 0 || Date.now() > end) return { state: "failed" }; // nobody knows of it any more
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  settle(row, view) {
    const rest = this.state.pending.filter((one) => one.id !== row.id);
    const failed = view.state !== "answered";
    this.set({ pending: failed ? [...rest, { ...row, state: "failed" }] : rest });
  }
}

/** A new try takes the place of what failed before at the same control. */
function isSame(one, other) {
  return one.kind === other.kind && one.kind === "component" && one.messageId === other.messageId;
}

function told(clock) {
  return clock && { ...clock, at: Date.now() };
}

export function remembered(key, otherwise) {
  try {
    return localStorage.getItem(`vedette.${key}`) ?? otherwise;
  } catch {
    return otherwise; // storage is forbidden in this browser
  }
}

export function remember(key, value) {
  try {
    localStorage.setItem(`vedette.${key}`, value);
  } catch {
    // it is only kept until the page is closed
  }
}

/** A part of the state in a component: `useStore(store, (state) => state.bot)`; paints when it changes. */
export function useStore(store, pick = (state) => state) {
  const [value, setValue] = useState(() => pick(store.state));
  useEffect(() => {
    const update = () => setValue(() => pick(store.state));
    update();
    return store.subscribe(update);
  }, [store]);
  return value;
}
