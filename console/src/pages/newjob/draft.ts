import type { DataAsset } from "../../api";

export type Variable = { name: string; value: string; secret: boolean };

/** What somebody has typed so far, as text: the server reads it. */
export const EMPTY = {
  name: "",
  description: "",
  hardware_spec: "",
  variables: [] as Variable[],
  keepBy: "default" as "default" | "amount" | "days",
  keep: "100",
  scheduled: false,
  repetition: "cron" as "cron" | "every" | "once",
  cron: "0 7 * * *",
  number: "1",
  unit: "days",
  zone: Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC",
  start: "",
  end: "",
  excluded: [] as string[],
  /** What becomes of missed, overlapping and moved ticks, where that is not the default. */
  policies: {} as Partial<Record<string, string>>,
  notified: false,
  events: ["failure"],
  long_running_minutes: "",
  not_started_minutes: "",
  channels: [] as string[],
  source: "form" as "form" | "json" | "assets",
  rows: [{}] as Record<string, string>[],
  json: "",
  inputs: [] as DataAsset[],
  output_name: "",
};
export type Draft = typeof EMPTY;

/** The one action: some members have new values. */
export const change = (draft: Draft, changes: Partial<Draft>): Draft => ({ ...draft, ...changes });

const key = (space: string) => `gristmill.new-job.${space}`;

/** Keeps the draft for this window over a reload, without the values of secrets. */
export function keep(space: string, target: string, draft: Draft): void {
  const variables = draft.variables.map((each) => (each.secret ? { ...each, value: "" } : each));
  sessionStorage.setItem(key(space), JSON.stringify({ target, draft: { ...draft, variables } }));
}

/** The draft that was kept, if it was for this target or for none yet. */
export function kept(space: string, target: string): Draft {
  try {
    const found = JSON.parse(sessionStorage.getItem(key(space)) ?? "null") as { target: string; draft: Draft } | null;
    return found && [target, ""].includes(found.target) ? { ...EMPTY, ...found.draft } : EMPTY;
  } catch {
    return EMPTY;
  }
}

export const forget = (space: string) => sessionStorage.removeItem(key(space));

/** Reads a `.env` file: a variable a line, `#` begins a comment, quotes around a value go. */
export function readEnv(text: string): Variable[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const [, name = "", value = ""] = /^\s*(?:export\s+)?([^#=\s]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    return name ? [{ name, value: value.replace(/^(["'])(.*)\1$/, "$2"), secret: false }] : [];
  });
}
