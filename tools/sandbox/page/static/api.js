// The page's own server (tools/sandbox/page/server.py): plain JSON, errors as {error: text}.

/** What the server refused, in its words; `status` is 0 where nobody answered. */
export class ApiError extends Error {
  constructor(text, status) {
    super(text);
    this.status = status;
  }
}

export async function call(method, path, body) {
  const request = { method };
  if (body !== undefined) {
    request.headers = { "Content-Type": "application/json" };
    request.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(`/api/${path}`, request);
  } catch {
    throw new ApiError("The sandbox does not answer.", 0);
  }
  const json = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new ApiError(json.error || `The sandbox answered ${answer.status}.`, answer.status);
  return json;
}

export const get = (path) => call("GET", path);
export const post = (path, body = {}) => call("POST", path, body);
export const patch = (path, body) => call("PATCH", path, body);

/** The Discord stand-in's control API, for example `discord("POST", "command", {...})`. */
export const discord = (method, path, body) => call(method, `discord/${path}`, body);

/** Listen to what happens after entry `after`; gives what ends it. `onLost(isOver)`: will the browser try again? */
export function listen(after, { onEvent, onOpen, onLost }) {
  const source = new EventSource(`/api/events?after=${after}`);
  source.onopen = onOpen;
  source.onerror = () => onLost(source.readyState === EventSource.CLOSED);
  source.onmessage = (message) => onEvent(JSON.parse(message.data));
  return () => source.close();
}
