import { Refusal } from "../../api/client";
import type { Target } from "../../api/jobTargets";
import type { Draft } from "./draft";

export const STEPS = [
  { key: "details", label: "Define details" },
  { key: "configure", label: "Configure" },
  { key: "schedule", label: "Schedule" },
  { key: "notify", label: "Notify" },
  { key: "data", label: "Choose data" },
  { key: "review", label: "Review and create" },
] as const;

export type Step = (typeof STEPS)[number]["key"];

/** Which step asks for a field of the API, by how the field's name begins. */
const FIELDS: [RegExp, Step][] = [
  [/^(job\.)?(name|description|asset_ref)/, "details"],
  [/^(configuration\.(env|secret_env|hardware)|retention_policy)/, "configure"],
  [/^(schedule|cron|every|zone|start|end|excluded)/, "schedule"],
  [/^(notification|long_running|not_started)/, "notify"],
  [/scoring|input|output/, "data"],
];

export const stepOf = (field: string | null): Step | null =>
  FIELDS.find(([names]) => field !== null && names.test(field))?.[1] ?? null;

const required = (field: string, message: string) => new Refusal(message, { status: 400, code: "required", field });

/** What a step still lacks; the server judges all the rest. */
export function missing(step: Step, draft: Draft, target: Target | undefined): Refusal | null {
  switch (step) {
    case "details":
      if (!draft.name.trim()) return required("name", "Give the job a name.");
      return target ? null : required("asset_ref", "Choose what the job runs.");
    case "configure": {
      const index = draft.variables.findIndex(({ secret, value }) => secret && !value);
      return index < 0 ? null : required(`value-${index}`, "Type the secret; it is not kept over a reload.");
    }
    case "schedule":
      if (!draft.scheduled || draft.repetition !== "once" || draft.start) return null;
      return required("start", "Say when the job runs.");
    case "notify":
      return !draft.notified || draft.events.length ? null : required("notification_types", "Choose what to be told of.");
    case "data":
      return target ? lacksData(draft, target) : null;
    case "review":
      return null;
  }
}

function lacksData(draft: Draft, target: Target): Refusal | null {
  if (target.kind === "asset") return null;
  if (draft.source === "json") return jsonProblem(draft.json);
  if (draft.source === "form") {
    const empty = draft.rows.findIndex((row) => Object.values(row).every((value) => value === ""));
    return empty < 0 ? null : required(`row-${empty}`, `Fill in row ${empty + 1}.`);
  }
  if (!draft.inputs.length) return required("inputs", "Choose at least one data asset.");
  return draft.output.trim() ? null : required("output_name", "Name the data asset that the results go to.");
}

function jsonProblem(text: string): Refusal | null {
  try {
    const found: unknown = JSON.parse(text);
    return typeof found === "object" && found ? null : required("json", "Write an object with input_data.");
  } catch (error) {
    return required("json", text.trim() ? `This is not JSON: ${(error as Error).message}` : "Write the input as JSON.");
  }
}

/** How many steps from the first are complete, which is the index of the furthest that opens. */
export function furthest(draft: Draft, target: Target | undefined): number {
  const lacking = STEPS.findIndex(({ key }) => missing(key, draft, target) !== null);
  return lacking < 0 ? STEPS.length - 1 : lacking;
}
