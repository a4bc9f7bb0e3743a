// Asks the server beside which the page lies. The token stays in this tab, and is in no address.

const KEPT = 'examsgraph.token';
const PATIENCE_MS = 120_000; // of a large journal a question takes a while
const known = new Map(); // by address: the ETag and the data that came with it

/** The server refuses: `status` says how, the message why. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export function token() {
  return sessionStorage.getItem(KEPT);
}

/** Show this token from now on; null for none. */
export function setToken(value) {
  known.clear();
  if (value === null) sessionStorage.removeItem(KEPT);
  else sessionStorage.setItem(KEPT, value);
}

/**
 * The `data` at a path below `v1/mlflow/`, the same object as last time where nothing changed; `isBehind` says that
 * the journal went on since, and that it is to be asked again.
 */
export async function ask(path, parameters = {}) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value));
  const address = `v1/mlflow/${path}${query.size ? `?${query}` : ''}`;
  const before = known.get(address);
  const headers = {};
  const shown = token();
  if (shown !== null) headers.Authorization = `Bearer ${shown}`;
  if (before) headers['If-None-Match'] = before.etag;
  const response = await fetch(address, { headers, cache: 'no-store', credentials: 'same-origin', signal: AbortSignal.timeout(PATIENCE_MS) });
  const isBehind = response.headers.has('Examsgraph-Behind');
  if (response.status === 304 && before) return { data: before.data, isBehind };
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(response.status, body.error?.message ?? `HTTP ${response.status}`);
  const etag = response.headers.get('ETag');
  if (etag && token() === shown) {
    known.delete(address);
    known.set(address, { etag, data: body.data });
    if (known.size > 60) known.delete(known.keys().next().value);
  }
  return { data: body.data, isBehind };
}
