import type { DataAsset } from "../../api/jobTargets";

export interface Variable {
  name: string;
  value: string;
  secret: boolean;
}

/** What somebody has typed so far, as text: the server reads it. */
export interface Draft {
  name: string;
  description: string;
  hardware: string;
  variables: Variable[];
  keepBy: "default" | "amount" | "days";
  keep: string;
  scheduled: boolean;
  repetition: "cron" | "every" | "once";
  cron: string;
  number: string;
  unit: string;
  zone: string;
  start: string;
  end: string;
  excluded: string[];
  notified: boolean;
  events: string[];
  longMinutes: string;
  waitMinutes: string;
  channels: string[];
  source: "form" | "json" | "assets";
  rows: Record<string, string>[];
  json: string;
  inputs: DataAsset[];
  output: string;
}

export const EMPTY: Draft = {
  name: "",
  description: "",
  hardware: "",
  variables: [],
  keepBy: "default",
  keep: "100",
  scheduled: false,
  repetition: "cron",
  cron: "0 7 * * *",
  number: "1",
  unit: "days",
  zone: Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC",
  start: "",
  end: "",
  excluded: [],
  notified: false,
  events: ["failure"],
  longMinutes: "",
  waitMinutes: "",
  channels: [],
  source: "form",
  rows: [{}],
  json: "",
  inputs: [],
  output: "",
};

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
  return text
    .split(/\r?\n/)
    .map((line) => /^\s*(?:export\s+)?([^#=\s]+)\s*=\s*(.*?)\s*$/.exec(line))
    .flatMap((found) =>
      found ? [{ name: found[1] ?? "", value: (found[2] ?? "").replace(/^(["'])(.*)\1$/, "$2"), secret: false }] : [],
    );
}
