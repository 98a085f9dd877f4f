import { Tag, TextInput } from "@carbon/react";
import { keepPreviousData, queryOptions, useQuery } from "@tanstack/react-query";
import { type Schemas, send } from "../../api";
import { Choice, invalid, useSettled } from "../../kit";
import { plan } from "./body";
import { Checks, Radios, type StepProps, Switch } from "./choices";
import type { Draft } from "./draft";

const NAMES = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const DAYS = NAMES.map((day) => [day.slice(0, 3).toUpperCase(), day] as const);
const UNITS = ["minutes", "hours", "days", "weeks", "months"].map((unit) => [unit, unit] as const);
const ZONES = Intl.supportedValuesOf("timeZone");
const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** What becomes of ticks that come at a bad time; the first of each is what happens if nothing is said. */
const POLICIES = [
  ["overlap", "While the run before is not done",
    [["", "Wait behind it"], ["skip", "Leave the tick out"], ["cancel_running", "Cancel the run before"]]],
  ["missed", "After nobody was there to run them", [["", "Run the last one"], ["none", "Run none"], ["all", "Run all of the last day"]]],
] as const;

/** What a schedule that is not kept anywhere would do; a refusal names the field that is wrong. */
export const scheduleQuery = (wanted: ReturnType<typeof plan>) =>
  queryOptions({
    queryKey: ["schedule", wanted],
    queryFn: () => send<Schemas["SchedulePreview"]>("POST", "/v2/schedule_previews", {}, wanted),
    placeholderData: keepPreviousData,
    staleTime: 30_000,
  });

/** When the job runs by itself, and what that comes to. */
export function ScheduleStep({ draft, set, field, error }: StepProps) {
  const { scheduled, repetition, excluded, policies } = draft;
  return (
    <>
      <Switch id="scheduled" label="Run on a schedule" no="No, by hand" on={scheduled} turn={(on) => set({ scheduled: on })} />
      {scheduled && (
        <>
          <Radios
            legend="Repetition"
            name="repetition"
            value={repetition}
            options={[
              ["by-cron", "cron", "At times (cron expression)"],
              ["by-every", "every", "At an interval"],
              ["by-once", "once", "Once"],
            ]}
            choose={(to) => set({ repetition: to })}
          />
          <Repetition repetition={repetition} field={field} />
          <Bounds once={repetition === "once"} field={field} />
          {repetition !== "once" && (
            <Checks
              horizontal
              legend="Not on"
              of="not"
              options={DAYS}
              chosen={excluded}
              choose={(to) => set({ excluded: to })}
              wrong={invalid(error, "excluded_weekdays")}
            />
          )}
          {repetition !== "once" && POLICIES.map(([policy, label, options]) => (
            <Choice
              key={policy}
              id={policy}
              labelText={label}
              value={policies[policy] ?? ""}
              onChange={({ target: { value } }) => set({ policies: { ...policies, [policy]: value || undefined } })}
              options={options}
            />
          ))}
          <NextTicks draft={draft} />
        </>
      )}
    </>
  );
}

function Repetition({ repetition, field }: Pick<StepProps, "field"> & Pick<Draft, "repetition">) {
  if (repetition === "cron")
    return (
      <TextInput
        {...field("cron", "schedule")}
        labelText="Cron expression"
        helperText="Minute, hour, day, month, weekday: 30 7 * * 1-5 is 07:30 from Monday to Friday."
      />
    );
  if (repetition === "once") return null;
  return (
    <div className="side-by-side">
      <TextInput {...field("number", "schedule", "every", "every.number")} inputMode="numeric" labelText="Every" />
      <Choice {...field("unit")} labelText="Unit" options={UNITS} />
    </div>
  );
}

const Bounds = ({ once, field }: Pick<StepProps, "field"> & { once: boolean }) => (
  <>
    <TextInput
      {...field("zone")}
      list="zones"
      labelText="Time zone"
      helperText="An IANA name, such as Europe/Berlin. All times of the schedule are of this zone."
    />
    <datalist id="zones">{ZONES.map((zone) => <option key={zone} value={zone} />)}</datalist>
    <div className="side-by-side">
      <TextInput {...field("start", "schedule_info.startOn")} type="datetime-local" labelText={once ? "At" : "Start (optional)"} />
      {!once && <TextInput {...field("end", "schedule_info.endOn")} type="datetime-local" labelText="End (optional)" />}
    </div>
  </>
);

/** What the schedule comes to: in words, and its next ticks in its own zone and in the reader's. */
function NextTicks({ draft }: { draft: Draft }) {
  const ready = draft.repetition !== "once" || Boolean(draft.start);
  const { data, error } = useQuery({ ...scheduleQuery(useSettled(plan(draft))), enabled: ready, retry: false });
  const told = error || !ready ? null : data;
  return (
    <section className="ticks" aria-label="Next runs">
      <h3>{told ? `${told.words} (${told.zone})` : "Next runs"}</h3>
      {error && <p className="muted">{error.message}</p>}
      <ol>
        {told?.results.map(({ at, note }) => (
          <li key={at}>
            {moment(at, told.zone)} {note && <Tag size="sm" type="purple">Clock change</Tag>}
            {told.zone !== HERE && <small>{`${moment(at, HERE)} here`}</small>}
            {note && <small>{note}.</small>}
          </li>
        ))}
      </ol>
    </section>
  );
}

const LONG = { weekday: "long", day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit" } as const;

const moment = (at: string, timeZone: string) =>
  new Intl.DateTimeFormat("en-GB", { ...LONG, timeZone, timeZoneName: "short" }).format(Date.parse(at));
