import { Checkbox, CheckboxGroup, RadioButton, RadioButtonGroup, Select, SelectItem, TextInput, Toggle } from "@carbon/react";
import { invalid } from "../../kit/Problem";
import type { Draft } from "./draft";
import { NextTicks } from "./NextTicks";
import type { StepProps } from "./StepBody";

const WEEKDAYS = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];
const NAMES = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const UNITS = ["minutes", "hours", "days", "weeks", "months"];
const ZONES = Intl.supportedValuesOf("timeZone");

type Part = Pick<StepProps, "draft" | "set" | "error">;

/** When the job runs by itself, and what that comes to. */
export function ScheduleStep(props: StepProps) {
  const { draft, set } = props;
  return (
    <>
      <Toggle
        id="scheduled"
        labelText="Run on a schedule"
        labelA="No, by hand"
        labelB="Yes"
        toggled={draft.scheduled}
        onToggle={(scheduled) => set({ scheduled })}
      />
      {draft.scheduled && (
        <>
          <Repetition {...props} />
          <Bounds {...props} />
          {draft.repetition !== "once" && <Excluded {...props} />}
          <NextTicks draft={draft} />
        </>
      )}
    </>
  );
}

function Repetition({ draft, set, error }: Part) {
  return (
    <>
      <RadioButtonGroup
        orientation="vertical"
        legendText="Repetition"
        name="repetition"
        valueSelected={draft.repetition}
        onChange={(value) => set({ repetition: value as Draft["repetition"] })}
      >
        <RadioButton id="by-cron" labelText="At times (cron expression)" value="cron" />
        <RadioButton id="by-every" labelText="At an interval" value="every" />
        <RadioButton id="by-once" labelText="Once" value="once" />
      </RadioButtonGroup>
      {draft.repetition === "cron" && (
        <TextInput
          id="cron"
          labelText="Cron expression"
          helperText="Minute, hour, day, month, weekday: 30 7 * * 1-5 is 07:30 from Monday to Friday."
          value={draft.cron}
          {...invalid(error, "cron", "schedule")}
          onChange={(event) => set({ cron: event.target.value })}
        />
      )}
      {draft.repetition === "every" && (
        <div className="side-by-side">
          <TextInput
            id="number"
            inputMode="numeric"
            labelText="Every"
            value={draft.number}
            {...invalid(error, "number", "schedule", "every", "every.number")}
            onChange={(event) => set({ number: event.target.value })}
          />
          <Select id="unit" labelText="Unit" value={draft.unit} onChange={(event) => set({ unit: event.target.value })}>
            {UNITS.map((unit) => (
              <SelectItem key={unit} value={unit} text={unit} />
            ))}
          </Select>
        </div>
      )}
    </>
  );
}

function Bounds({ draft, set, error }: Part) {
  const once = draft.repetition === "once";
  return (
    <>
      <TextInput
        id="zone"
        list="zones"
        labelText="Time zone"
        helperText="An IANA name, such as Europe/Berlin. All times of the schedule are of this zone."
        value={draft.zone}
        {...invalid(error, "zone")}
        onChange={(event) => set({ zone: event.target.value })}
      />
      <datalist id="zones">
        {ZONES.map((zone) => (
          <option key={zone} value={zone} />
        ))}
      </datalist>
      <div className="side-by-side">
        <TextInput
          id="start"
          type="datetime-local"
          labelText={once ? "At" : "Start (optional)"}
          value={draft.start}
          {...invalid(error, "start", "schedule_info.startOn")}
          onChange={(event) => set({ start: event.target.value })}
        />
        {!once && (
          <TextInput
            id="end"
            type="datetime-local"
            labelText="End (optional)"
            value={draft.end}
            {...invalid(error, "end", "schedule_info.endOn")}
            onChange={(event) => set({ end: event.target.value })}
          />
        )}
      </div>
    </>
  );
}

function Excluded({ draft, set, error }: Part) {
  const { invalid: isInvalid, invalidText } = invalid(error, "excluded_weekdays");
  const toggle = (day: string, excluded: boolean) =>
    set({ excluded: WEEKDAYS.filter((each) => (each === day ? excluded : draft.excluded.includes(each))) });
  return (
    <CheckboxGroup legendText="Not on" orientation="horizontal" invalid={isInvalid} invalidText={invalidText}>
      {WEEKDAYS.map((day, at) => (
        <Checkbox
          key={day}
          id={`not-${day}`}
          labelText={NAMES[at] ?? day}
          checked={draft.excluded.includes(day)}
          onChange={(_, { checked }) => toggle(day, checked)}
        />
      ))}
    </CheckboxGroup>
  );
}
