// An embed, and the files of a message.

import { html } from "./vendor/htm-preact.js";
import { withEmoji } from "./emoji.js";
import { Link, Markdown } from "./markdown.js";
import { stamp, worldNow } from "./time.js";

const PICTURE = [484, 360];
const ATTACHED = [550, 400];
const THUMBNAIL = [80, 80];
const NO_COLOUR = "var(--rail)";

export function Embed({ store, embed }) {
  const colour = embed.color ? `#${embed.color.toString(16).padStart(6, "0")}` : NO_COLOUR;
  const { author, title, url, description, fields, thumbnail, image } = embed;
  return html`
    <div class="embed ${thumbnail ? "with-thumbnail" : ""}" style="border-left-color: ${colour}">
      <div class="embed-body">
        ${author && html`<div class="embed-author">
          ${author.icon_url && html`<img src=${author.icon_url} alt="" width="24" height="24" />`}
          ${author.url ? html`<${Link} store=${store} url=${author.url}>${withEmoji(author.name)}<//>` : withEmoji(author.name)}
        </div>`}
        ${title && html`<div class="embed-title">${url
          ? html`<${Link} store=${store} url=${url}><${Markdown} store=${store} text=${title} isLine /><//>`
          : html`<${Markdown} store=${store} text=${title} isLine />`}</div>`}
        ${description && html`<div class="embed-text"><${Markdown} store=${store} text=${description} /></div>`}
        ${fields?.length > 0 && html`<${Fields} store=${store} fields=${fields} />`}
      </div>
      ${thumbnail && html`<${Picture} store=${store} of=${thumbnail} box=${THUMBNAIL} alt="Thumbnail" className="thumbnail" />`}
      ${image && html`<${Picture} store=${store} of=${image} box=${PICTURE} alt=${`Picture: ${plain(title)}`} />`}
      <${Footer} store=${store} embed=${embed} />
    </div>`;
}

function Fields({ store, fields }) {
  return html`<dl class="embed-fields">
    ${inRows(fields).flatMap((row) => row.map((field) => html`<div class="embed-field" style="--span: ${12 / row.length}">
      <dt><${Markdown} store=${store} text=${field.name} isLine /></dt>
      <dd><${Markdown} store=${store} text=${field.value} /></dd>
    </div>`))}
  </dl>`;
}

/** Up to three inline fields share a row; any other has its own. */
export function inRows(fields) {
  const rows = [];
  for (const field of fields) {
    const last = rows.at(-1);
    if (field.inline && last && last[0].inline && last.length < 3) last.push(field);
    else rows.push([field]);
  }
  return rows;
}

function Footer({ store, embed }) {
  const { footer, timestamp } = embed;
  if (!footer && !timestamp) return null;
  const when = timestamp && stamp(Date.parse(timestamp), worldNow(store.state.clock));
  return html`<div class="embed-footer">
    ${footer?.icon_url && html`<img src=${footer.icon_url} alt="" width="20" height="20" />`}
    <span>${withEmoji([footer?.text, when].filter(Boolean).join(" • "))}</span>
  </div>`;
}

/** A picture with its place kept free before it is loaded; a press shows it large. */
export function Picture({ store, of, box, alt, className = "" }) {
  const [width, height] = fitted(of, box);
  const known = Boolean(of.width);
  const show = () => store.set({ picture: { url: of.url, alt, width: of.width, height: of.height } });
  const src = of.url;
  return html`<button class="picture ${className} ${known ? "" : "unknown-size"}" onClick=${show} aria-label="Enlarge: ${alt}">
    <img src=${src} alt=${alt} width=${width} height=${height} loading="lazy" decoding="async" />
  </button>`;
}

/** Width and height in pixels inside a box, never larger than the picture; a square one where the size is unknown. */
function fitted({ width, height }, [widest, highest]) {
  if (!width || !height) return [Math.min(widest, highest), Math.min(widest, highest)];
  const scale = Math.min(1, widest / width, highest / height);
  return [Math.round(width * scale), Math.round(height * scale)];
}

export function Attachments({ store, files }) {
  const listed = files.filter((file) => !file.shown_elsewhere);
  return listed.map((file) => (file.content_type?.startsWith("image/")
    ? html`<${Picture} key=${file.id} store=${store} of=${file} box=${ATTACHED} alt=${file.description || file.filename} />`
    : html`<${File} key=${file.id} file=${file} />`));
}

function File({ file }) {
  return html`<div class="file">
    <svg viewBox="0 0 30 40" width="30" height="40" aria-hidden="true"><path d="M2 0h18l10 10v28a2 2 0 0 1-2 2H2a2 2 0 0 1-2-2V2a2 2 0 0 1 2-2z"
      fill="#d3d6fd" /><path d="M20 0l10 10H20z" fill="#939bf9" /><path d="M6 18h18M6 24h18M6 30h12" stroke="#5865f2" stroke-width="2" /></svg>
    <div><a href=${file.url} download=${file.filename}>${file.filename}</a><span>${bytes(file.size)}</span></div>
  </div>`;
}

/** "41.8 KB", as Discord counts: 1024 bytes each. */
function bytes(size) {
  if (size < 1024) return `${size} bytes`;
  if (size < 1024 ** 2) return `${(size / 1024).toFixed(2)} KB`;
  return `${(size / 1024 ** 2).toFixed(2)} MB`;
}

const plain = (text) => (text ?? "").replace(/[*_`~|]/g, "");
