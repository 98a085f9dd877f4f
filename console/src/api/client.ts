import { heard } from "./clock";

/** A refusal of the REST API: a stable code, a sentence, and the field that it is about. Status 0: no answer at all. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly field: string | null;
  readonly retrySeconds: number | null;

  constructor(message: string, about: { status: number; code: string; field?: string | undefined; retrySeconds?: number }) {
    super(message);
    this.name = "Refusal";
    this.status = about.status;
    this.code = about.code;
    this.field = about.field ?? null;
    this.retrySeconds = about.retrySeconds ?? null;
  }
}

export type Query = Record<string, string | number | boolean | null | undefined>;

interface Asked {
  query?: Query | undefined;
  body?: unknown;
  signal?: AbortSignal | undefined;
}

export const get = <T>(path: string, query?: Query, signal?: AbortSignal) => ask<T>("GET", path, { query, signal });
export const post = <T>(path: string, body?: unknown, query?: Query) => ask<T>("POST", path, { query, body });
export const patch = <T>(path: string, body: unknown, query?: Query) => ask<T>("PATCH", path, { query, body });
export const remove = (path: string, query?: Query) => ask<void>("DELETE", path, { query });

/** Sends a request and reads its JSON; throws a `Refusal` for everything that is no success. */
async function ask<T>(method: string, path: string, { query, body, signal }: Asked): Promise<T> {
  const response = await answer(url(path, query), {
    method,
    headers: { Accept: "application/json", ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal ? { signal } : {}),
  });
  heard(response.headers.get("Date"));
  if (!response.ok) throw await refusal(response);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

async function answer(address: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(address, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Refusal("The server does not answer. Is it running, and is the network there?", { status: 0, code: "no_answer" });
  }
}

export function url(path: string, query: Query = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return search ? `${path}?${search}` : path;
}

interface WireErrors {
  errors?: { code: string; message: string; target?: { name: string } }[];
}

/** Reads what the server refused. */
export async function refusal(response: Response): Promise<Refusal> {
  const said = (await response.json().catch(() => ({}))) as WireErrors;
  const first = said.errors?.[0];
  const retry = response.headers.get("Retry-After");
  return new Refusal(first?.message ?? `The server answered ${response.status} without saying why.`, {
    status: response.status,
    code: first?.code ?? "unknown",
    field: first?.target?.name,
    ...(retry ? { retrySeconds: Number(retry) } : {}),
  });
}
