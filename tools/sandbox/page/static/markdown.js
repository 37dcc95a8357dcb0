// Discord's markdown as elements. The parser gives a tree; everything in it becomes text nodes, never HTML.

import { html, useState } from "./vendor/htm-preact.js";
import { parse } from "./vendor/discord-markdown.js";
import { Emoji } from "./emoji.js";
import { Timestamp } from "./time.js";

const FENCE = /(```[\s\S]*?```)/;
const ITEM = /^( *)([-*]|\d{1,9}\.) +(.*)$/;
const BLOCKS = new Set(["codeBlock", "blockQuote", "heading", "subtext"]);

/** A text of a message, or of an embed; `isLine`: a title, which has neither lists nor headings. */
export function Markdown({ store, text, isLine }) {
  if (!text) return null;
  if (isLine) return html`<span class="markdown">${nodes(store, parse(text, "normal"))}</span>`;
  const parts = [];
  text.split(FENCE).forEach((piece, number) => {
    if (number % 2) parts.push(nodes(store, parse(piece, "extended")));
    // One line break after a code block ends its line; it is no empty one.
    else if (piece) parts.push(...flow(store, number ? piece.replace(/^\n/, "") : piece));
  });
  return html`<span class="markdown">${parts}</span>`;
}

/** Text without code blocks: what is between lists, and the lists, which the parser does not know. */
function flow(store, text) {
  const parts = [];
  let plain = [], items = [];
  const endPlain = () => {
    if (plain.length) parts.push(nodes(store, parse(plain.join("\n"), "extended")));
    plain = [];
  };
  const endList = () => {
    if (items.length) parts.push(list(store, items));
    items = [];
  };
  for (const line of text.split("\n")) {
    const item = ITEM.exec(line);
    if (item) {
      endPlain();
      items.push({ depth: item[1].length, mark: item[2], text: item[3] });
    } else {
      endList();
      plain.push(line);
    }
  }
  endList();
  endPlain();
  return parts;
}

/** Items with what is indented below them. */
function list(store, items) {
  const [first] = items;
  const isNumbered = /\d/.test(first.mark);
  const rows = [];
  for (const item of items) {
    if (item.depth <= first.depth) rows.push({ item, below: [] });
    else rows.at(-1).below.push(item);
  }
  const shown = rows.map(({ item, below }) => html`<li>
    ${nodes(store, parse(item.text, "extended"))}${below.length > 0 && list(store, below)}
  </li>`);
  return isNumbered ? html`<ol start=${parseInt(first.mark, 10)}>${shown}</ol>` : html`<ul>${shown}</ul>`;
}

function nodes(store, tree) {
  if (typeof tree === "string") return tree;
  return tree.map((node, number) => {
    const afterBlock = node.type === "br" && BLOCKS.has(tree[number - 1]?.type) && tree[number - 1].type !== "heading";
    return afterBlock ? null : element(store, node);
  });
}

const ELEMENTS = {
  text: (node) => node.content,
  br: () => html`<br />`,
  strong: (node, below) => html`<strong>${below()}</strong>`,
  em: (node, below) => html`<em>${below()}</em>`,
  underline: (node, below) => html`<u>${below()}</u>`,
  strikethrough: (node, below) => html`<s>${below()}</s>`,
  inlineCode: (node) => html`<code>${node.content}</code>`,
  codeBlock: (node) => html`<pre tabindex="0"><code>${node.content}</code></pre>`,
  blockQuote: (node, below) => html`<blockquote>${below()}</blockquote>`,
  subtext: (node, below) => html`<small>${below()}</small>`,
  heading: (node, below) => html`<strong class="heading level-${node.level}" role="heading" aria-level=${node.level + 2}>
    ${below()}</strong>`,
  spoiler: (node, below) => html`<${Spoiler}>${below()}<//>`,
  twemoji: (node) => html`<${Emoji} text=${node.name} />`,
  emoticon: (node) => node.content,
  everyone: () => mention("@everyone"),
  here: () => mention("@here"),
  timestamp: (node, _, store) => html`<${Timestamp} store=${store} seconds=${Number(node.timestamp)} style=${node.format} />`,
  user: ({ id }, _, store) => mention(`@${store.nameOf(id) ?? "unknown-user"}`),
  role: ({ id }, _, store) => mention(`@${store.role(id)?.name ?? "deleted-role"}`),
  channel: ({ id }, _, store) => html`<${ChannelMention} store=${store} id=${id} />`,
  slashCommand: ({ fullName }, _, store) => html`<button class="mention" title="Write /${fullName}"
    onClick=${() => store.set({ draft: `/${fullName} ` })}>/${fullName}</button>`,
  link: (node, below, store) => html`<${Link} store=${store} url=${node.target}>${below()}<//>`,
};
ELEMENTS.url = ELEMENTS.link;
ELEMENTS.autolink = ELEMENTS.link;

function element(store, node) {
  const below = () => nodes(store, trimmed(node.content));
  const make = ELEMENTS[node.type];
  // A kind this page does not know is shown as what was written.
  return make ? make(node, below, store) : typeof node.content === "string" ? node.content : below();
}

/** A quote ends with the line break that ended its last line. */
function trimmed(content) {
  return Array.isArray(content) && content.at(-1)?.type === "br" ? content.slice(0, -1) : content;
}

const mention = (text) => html`<span class="mention">${text}</span>`;

function ChannelMention({ store, id }) {
  const channel = store.visibleChannels().find((one) => one.id === id);
  if (!channel) return mention(store.state.guild?.channels.some((one) => one.id === id) ? "#No Access" : "#unknown");
  return html`<button class="mention" onClick=${() => store.open(id)}>#${channel.name}</button>`;
}

function Spoiler({ children }) {
  const [isSeen, setSeen] = useState(false);
  return html`<button class="spoiler ${isSeen ? "seen" : ""}" aria-label=${isSeen ? undefined : "Spoiler"}
    onClick=${() => setSeen(true)}>${children}</button>`;
}

/** The people of this world are invented: a link to one of them would lead to a stranger. */
export function Link({ store, url, children, ...rest }) {
  const address = /^https?:\/\//.test(url) ? url : undefined;
  const onClick = (event) => {
    if (!/^https?:\/\/([^/]*\.)?tiktok\.com\//.test(url)) return;
    event.preventDefault();
    store.tell(`${url} is invented, as everybody here; the real bot's links lead to TikTok.`);
  };
  return html`<a href=${address} title=${url} target="_blank" rel="noreferrer noopener" onClick=${onClick} ...${rest}>${children}</a>`;
}
