import { Refusal, type Target } from "../../api";
import type { Draft } from "./draft";

export type Step = "details" | "configure" | "schedule" | "notify" | "data" | "review";

/** The steps in their order; each asks for the fields of the API whose names begin so. */
export const STEPS: { key: Step; label: string; asks?: RegExp }[] = [
  { key: "details", label: "Define details", asks: /^(job\.)?(name|description|asset_ref)/ },
  { key: "configure", label: "Configure", asks: /^(configuration\.(env|secret_env|hardware)|retention_policy)/ },
  { key: "schedule", label: "Schedule", asks: /^(schedule|cron|every|zone|start|end|excluded)/ },
  { key: "notify", label: "Notify", asks: /^(notification|long_running|not_started)/ },
  { key: "data", label: "Choose data", asks: /scoring|input|output/ },
  { key: "review", label: "Review and create" },
];

export const order = (step: Step | null) => STEPS.findIndex(({ key }) => key === step);

const required = (field: string, message: string) => new Refusal(message, { status: 400, code: "required", field });

type Lacks = (draft: Draft, target: Target | undefined) => Refusal | false | null;

/** What a step still lacks; the server judges all the rest. */
const LACKS: Record<Step, Lacks> = {
  details: ({ name }, target) =>
    name.trim() ? !target && required("asset_ref", "Choose what the job runs.") : required("name", "Give the job a name."),
  configure: ({ variables }) => {
    const index = variables.findIndex(({ secret, value }) => secret && !value);
    return index >= 0 && required(`value-${index}`, "Type the secret; it is not kept over a reload.");
  },
  schedule: ({ scheduled, repetition, start }) =>
    scheduled && repetition === "once" && !start && required("start", "Say when the job runs."),
  notify: ({ notified, events }) => notified && !events.length && required("notification_types", "Choose what to be told of."),
  data: (draft, target) => target?.kind === "deployment" && lacksData(draft),
  review: () => null,
};

export const missing = (step: Step, draft: Draft, target: Target | undefined): Refusal | null => LACKS[step](draft, target) || null;

function lacksData(draft: Draft): Refusal | null {
  if (draft.source === "json") return jsonProblem(draft.json);
  if (draft.source === "form") {
    const empty = draft.rows.findIndex((row) => Object.values(row).every((value) => value === ""));
    return empty < 0 ? null : required(`row-${empty}`, `Fill in row ${empty + 1}.`);
  }
  if (!draft.inputs.length) return required("inputs", "Choose at least one data asset.");
  return draft.output_name.trim() ? null : required("output_name", "Name the data asset that the results go to.");
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
