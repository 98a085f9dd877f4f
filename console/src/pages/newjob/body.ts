import { DEPLOYMENT, type Field, type JobBody, type Schemas, type Scoring, type Table, type Target } from "../../api";
import type { Draft, Variable } from "./draft";
import { order, type Step } from "./steps";

const NUMBER = /^(double|float|decimal|num|real|u?int|long|short|byte|big|small|tiny)/i;
const BOOLEAN = /^bool/i;

export const isNumber = ({ type }: Field) => NUMBER.test(type);
export const isBoolean = ({ type }: Field) => BOOLEAN.test(type);

/** The job as the API takes it, with what the steps up to this one have asked; what is undefined is not sent. */
export function jobBody(draft: Draft, target: Target, until: Step, schedule: Schemas["SchedulePreview"] | null): JobBody {
  const asked = (step: Step) => order(step) <= order(until);
  const { name, description, keepBy, keep } = draft;
  return {
    name: name.trim(),
    description,
    asset_ref: target.id,
    asset_ref_type: target.kind === "deployment" ? DEPLOYMENT : target.type,
    configuration: asked("configure") ? configuration(draft) : {},
    retention_policy: asked("configure") && keepBy !== "default" ? { [keepBy]: numberOrText(keep) } : undefined,
    schedule: schedule?.schedule,
    schedule_info: schedule?.schedule_info,
    ...(asked("notify") && draft.notified ? notification(draft) : {}),
  };
}

const listed = <T>(list: T[]) => (list.length > 0 ? list : undefined);

function configuration({ hardware_spec: id, variables }: Draft): Record<string, unknown> {
  const written = (secret: boolean) => variables.filter((each) => each.secret === secret).map(({ name, value }) => `${name}=${value}`);
  return { env_variables: written(false), secret_env_variables: listed(written(true)), hardware_spec: id ? { id } : undefined };
}

/** By which name the API refuses a row of the variables. */
export function variableField(variables: Variable[], index: number): string {
  const { secret } = variables[index] ?? { secret: false };
  const place = variables.slice(0, index).filter((each) => each.secret === secret).length;
  return `configuration.${secret ? "secret_env_variables" : "env_variables"}[${place}]`;
}

function notification({ events, channels, ...draft }: Draft) {
  const minutes = (event: "long_running" | "not_started") =>
    events.includes(event) && draft[`${event}_minutes`] ? numberOrText(draft[`${event}_minutes`]) : undefined;
  return {
    notification_types: Object.fromEntries(events.map((event) => [event, true])),
    notification_channels: listed(channels),
    long_running_minutes: minutes("long_running"),
    not_started_minutes: minutes("not_started"),
  };
}

export const plan = ({ repetition, cron, number, unit, zone, start, end, excluded, policies }: Draft) => ({
  ...policies,
  cron: repetition === "cron" ? cron : undefined,
  every: repetition === "every" ? { number: Number(number), unit } : undefined,
  ...(repetition === "once" ? { repeat: false } : { excluded_weekdays: excluded, end: end || undefined }),
  start: start || undefined,
  zone,
});

/** What the job works on. */
export function scoring(draft: Draft, target: Target, fields: Field[]): Scoring {
  if (target.kind === "deployment" && draft.source === "form") return { input_data: [table(draft.rows, fields)] };
  if (target.kind === "deployment" && draft.source === "json") return { input_data: tables(draft.json) };
  const referTo = (location: object) => ({ type: "data_asset", connection: {}, location });
  const name = draft.output_name.trim();
  return {
    input_data_references: listed(draft.inputs.map(({ id }) => referTo({ href: `/v2/assets/${id}` }))),
    output_data_reference: name ? referTo({ name }) : undefined,
  };
}

export const table = (rows: Draft["rows"], fields: Field[]): Table => ({
  fields: fields.map(({ name }) => name),
  values: rows.map((row) => fields.map((field) => typed(row[field.name] ?? "", field))),
});

function typed(text: string, field: Field): unknown {
  if (text === "") return null;
  if (isBoolean(field)) return text === "true";
  return isNumber(field) ? numberOrText(text) : text;
}

/** A number, or the text as it is, which the server refuses in its own words. */
const numberOrText = (text: string) => (text.trim() === "" || Number.isNaN(Number(text)) ? text : Number(text));

/** The tables of a JSON text: of `input_data`, or one, or a list of them. */
export function tables(text: string): Table[] {
  const found = JSON.parse(text) as { input_data?: Table[] } | Table | Table[];
  if (Array.isArray(found)) return found;
  return "input_data" in found && found.input_data ? found.input_data : [found as Table];
}

/** How many rows a JSON text has; while it is being typed, none. */
export function rowsOf(text: string): number {
  try {
    return tables(text).reduce((sum, { values }) => sum + (values?.length ?? 0), 0);
  } catch {
    return 0;
  }
}

export const written = (given: Table[]) => JSON.stringify({ input_data: given }, null, 1);

/** The rows of a JSON text as the form shows them; null where the form has no place for them. */
export function formRows(text: string, fields: Field[]): Draft["rows"] | null {
  try {
    const [first, ...others] = tables(text);
    const names = first?.fields ?? fields.map(({ name }) => name);
    if (!first || others.length || names.some((name) => !fields.some((field) => field.name === name))) return null;
    return first.values.map((row) => Object.fromEntries(names.map((name, at) => [name, String(row[at] ?? "")])));
  } catch {
    return null;
  }
}
