// What the composer decides, without the page: which commands a typed text means, what an option takes,
// which option comes next. Option types are Discord's numbers.

export const STRING = 3, INTEGER = 4, BOOLEAN = 5, USER = 6, CHANNEL = 7, ROLE = 8, MENTIONABLE = 9,
  NUMBER = 10, ATTACHMENT = 11;
const BY_DESCRIPTION = 4; // the rank of what is meant by its description alone
const NEEDED = "This option is required. Specify a value.";

const words = (text) => text.toLowerCase().split(/[\s_-]+/).filter(Boolean);

/** Whether `letters` can be put together from the starts of words, in their order: "prwa" is "profile watch". */
function fromStarts(letters, [word, ...later]) {
  if (!letters) return true;
  if (word === undefined) return false;
  for (let length = Math.min(letters.length, word.length); length > 0; length--) {
    if (word.startsWith(letters.slice(0, length)) && fromStarts(letters.slice(length), later)) return true;
  }
  return fromStarts(letters, later);
}

/** How well `typed` means `name` (0 is best), or null where it does not. */
export function rank(typed, name, description = "") {
  const wanted = words(typed).join(" "), known = words(name).join(" ");
  if (known.startsWith(wanted)) return 0;
  const letters = wanted.replaceAll(" ", "");
  const [first, ...later] = words(name);
  if (fromStarts(letters, [first, ...later])) return fromStarts(letters, later) ? 2 : 1; // from its first word is better
  if (known.includes(wanted)) return 3;
  return letters.length > 2 && words(description).some((word) => word.startsWith(letters)) ? BY_DESCRIPTION : null;
}

/** Those of `items` that `typed` means, the best first, else in the order given. */
export function ranked(typed, items, nameOf, aboutOf = () => "") {
  const found = items.map((item) => ({ item, rank: rank(typed, nameOf(item), aboutOf(item)) }));
  // What only its description says is of use where no name says it.
  const worst = found.some((one) => one.rank !== null && one.rank < BY_DESCRIPTION) ? BY_DESCRIPTION - 1 : BY_DESCRIPTION;
  return found
    .filter((one) => one.rank !== null && one.rank <= worst)
    .sort((a, b) => a.rank - b.rank)
    .map((one) => one.item);
}

/** The commands `typed` (with or without its slash) means: those this person is offered, and those refused. */
export function offered(commands, typed) {
  const found = ranked(typed.replace(/^\//, ""), commands, (one) => one.label, (one) => one.description);
  return { commands: found.filter((one) => one.allowed), refused: found.filter((one) => !one.allowed) };
}

/** What can be picked for an option without asking the bot, or null where it is typed. */
export function picks(option, place) {
  if (option.choices?.length) return option.choices.map((one) => ({ text: one.name, value: one.value }));
  if (option.type === BOOLEAN) return [{ text: "True", value: true }, { text: "False", value: false }];
  if (option.type === USER) return place.users;
  if (option.type === ROLE) return place.roles;
  if (option.type === MENTIONABLE) return [...place.users, ...place.roles];
  if (option.type !== CHANNEL) return null;
  const types = option.channel_types ?? [];
  return place.channels.filter((one) => !types.length || types.includes(one.type));
}

/** Users, roles and channels of the guild as things to pick; `canSee(channel)` leaves out what is hidden. */
export function placeOf(guild, canSee = () => true) {
  return {
    users: (guild?.members ?? []).map(({ nick, user }) => ({
      text: nick ?? user.global_name ?? user.username, mark: "@", value: user.id, about: user.bot ? "App" : "",
    })),
    roles: (guild?.roles ?? []).map((one) => ({
      text: one.name.replace(/^@/, ""), mark: "@", value: one.id, about: "Role",
    })),
    channels: (guild?.channels ?? []).filter(canSee).map((one) => ({
      text: one.name, mark: "#", value: one.id, type: one.type,
    })),
  };
}

/** `{value}` as the command takes it, or `{error}`; `entry` is `{text, value?}`, `value` where it was picked. */
export function read(option, entry) {
  const text = entry?.text.trim() ?? "";
  if (entry?.value !== undefined) return { value: entry.value };
  if (!text) return option.required ? { error: NEEDED } : {};
  if (option.type === INTEGER || option.type === NUMBER) return readNumber(option, text);
  if (option.type !== STRING || option.choices?.length) return { error: "Choose one of the list." };
  const least = option.min_length ?? 0, most = option.max_length ?? 6000;
  if (text.length < least || text.length > most) return { error: `Enter ${between(least, most)} characters.` };
  return { value: text };
}

function readNumber(option, text) {
  const number = Number(text.replace(",", ".")), whole = option.type === INTEGER;
  const { min_value: least, max_value: most } = option;
  const wrong = !Number.isFinite(number) || (whole && !Number.isInteger(number)) || number < least || number > most;
  if (!wrong) return { value: number };
  const range = least === undefined && most === undefined ? "" : ` ${between(least, most)}`;
  return { error: `Enter a ${whole ? "whole number" : "number"}${range}.` };
}

function between(least, most) {
  if (least === undefined) return `up to ${most}`;
  return most === undefined ? `from ${least}` : `from ${least} to ${most}`;
}

/** What is to be known about an option beside its description: its limits. */
export function limits(option) {
  const [least, most] = option.type === STRING
    ? [option.min_length, option.max_length] : [option.min_value, option.max_value];
  if (least === undefined && most === undefined) return "";
  return between(least, most) + (option.type === STRING ? " characters" : "");
}

/** All values that are valid, and the first error as `{name, label, error}` or null. */
export function collect(options, entries) {
  const values = {};
  let wrong = null;
  for (const option of options) {
    const { value, error } = read(option, entries[option.name]);
    if (value !== undefined) values[option.name] = value;
    if (error && (option.required || option.name in entries)) wrong ??= { name: option.name, label: option.label, error };
  }
  return { values, wrong };
}

/** The option to fill in after `name`: the next shown one without a value, or null at the end. */
export function nextOption(options, entries, name = null) {
  const shown = options.filter((one) => one.required || one.name in entries);
  const start = shown.findIndex((one) => one.name === name) + 1;
  const open = (one) => one.name !== name && read(one, entries[one.name]).value === undefined;
  return [...shown.slice(start), ...shown.slice(0, start)].find(open)?.name ?? null;
}

/** The stand-in's words without the name of the Python class before them. */
export const plainError = (error) => String(error?.message ?? error).replace(/^\w+(Error|Exception): /, "");
