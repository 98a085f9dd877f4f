import { heard } from "./clock";

type About = { status: number; code: string; field?: string | undefined; retrySeconds?: number | undefined };

/** A refusal of the REST API: a stable code, a sentence, and the field that it is about. Status 0: no answer at all. */
export class Refusal extends Error {
  override name = "Refusal";
  readonly about: About;

  constructor(message: string, about: About) {
    super(message);
    this.about = about;
  }
}

export type Query = Record<string, string | number | boolean | null | undefined>;
type Method = "GET" | "POST" | "PATCH" | "DELETE";

const ACCEPT = { Accept: "application/json" };

/** Sends a request and reads its JSON; throws a `Refusal` for everything that is no success. `given` is as for `url`. */
export async function send<T = void>(method: Method, path: string, given: Query = {}, body?: unknown, signal?: AbortSignal): Promise<T> {
  const sent = body === undefined ? {} : { body: JSON.stringify(body), headers: { "Content-Type": "application/json", ...ACCEPT } };
  const response = await answer(url(path, given), { method, headers: ACCEPT, ...sent, signal: signal ?? null });
  heard(response.headers.get("Date"));
  if (!response.ok) throw await refusal(response);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

/** Replaces members of a thing by the API's patches; null takes one away. */
export function patch<T = void>(path: string, changes: Record<string, unknown>, given: Query = {}) {
  const operation = ([at, value]: [string, unknown]) => (value === null ? { op: "remove", path: at } : { op: "replace", path: at, value });
  return send<T>("PATCH", path, given, Object.entries(changes).map(operation));
}

async function answer(address: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(address, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Refusal("The server does not answer. Is it running, and is the network there?", { status: 0, code: "no_answer" });
  }
}

/** An address of the API: what is given goes to the `{parts}` of the path that have its name, the rest to the query. */
export function url(path: string, given: Query = {}): string {
  const query = new URLSearchParams();
  let address = path;
  for (const [name, value] of Object.entries(given)) {
    if (value === null || value === undefined || value === "") continue;
    if (path.includes(`{${name}}`)) address = address.replace(`{${name}}`, encodeURIComponent(value));
    else query.set(name, String(value));
  }
  return query.size > 0 ? `${address}?${query}` : address;
}

type WireErrors = { errors?: { code: string; message: string; target?: { name: string } }[] };

/** Reads what the server refused. */
export async function refusal(response: Response): Promise<Refusal> {
  const said = (await response.json().catch(() => ({}))) as WireErrors;
  const first = said.errors?.[0];
  return new Refusal(first?.message ?? `The server answered ${response.status} without saying why.`, {
    status: response.status,
    code: first?.code ?? "unknown",
    field: first?.target?.name,
    retrySeconds: Number(response.headers.get("Retry-After")) || undefined,
  });
}
