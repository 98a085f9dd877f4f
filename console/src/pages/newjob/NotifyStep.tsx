import { Checkbox, CheckboxGroup, TextInput, Toggle } from "@carbon/react";
import { useQuery } from "@tanstack/react-query";
import { channelsQuery } from "../../api/jobOptions";
import { invalid } from "../../kit/Problem";
import type { StepProps } from "./StepBody";

export const EVENTS: [name: string, label: string][] = [
  ["failure", "A run fails"],
  ["success", "A run completes"],
  ["warning", "A run completes with warnings"],
  ["rows_rejected", "Rows were rejected"],
  ["started", "A run starts"],
  ["canceled", "A run is canceled"],
  ["missed", "A scheduled run was missed"],
  ["refused", "A scheduled run was refused"],
  ["overlapped", "A scheduled run met the one before"],
  ["long_running", "A run takes too long"],
  ["not_started", "A run waits too long"],
];

type Part = Pick<StepProps, "space" | "draft" | "set" | "error">;

/** Of what the job tells, and where. */
export function NotifyStep(props: Part) {
  const { draft, set } = props;
  return (
    <>
      <Toggle
        id="notified"
        labelText="Notify me"
        labelA="No"
        labelB="Yes"
        toggled={draft.notified}
        onToggle={(notified) => set({ notified })}
      />
      {draft.notified && (
        <>
          <Events {...props} />
          <Channels {...props} />
        </>
      )}
    </>
  );
}

const withOrWithout = (list: string[], one: string, there: boolean) =>
  there ? [...list, one] : list.filter((each) => each !== one);

function Events({ draft, set, error }: Part) {
  const { events, longMinutes, waitMinutes } = draft;
  const { invalid: isInvalid, invalidText } = invalid(error, "notification_types");
  return (
    <>
      <CheckboxGroup legendText="When" invalid={isInvalid} invalidText={invalidText}>
        {EVENTS.map(([name, label]) => (
          <Checkbox
            key={name}
            id={`event-${name}`}
            labelText={label}
            checked={events.includes(name)}
            onChange={(_, { checked }) => set({ events: withOrWithout(events, name, checked) })}
          />
        ))}
      </CheckboxGroup>
      {events.includes("long_running") && (
        <TextInput
          id="long_running_minutes"
          className="short"
          inputMode="numeric"
          labelText="Too long is more than (minutes of work)"
          value={longMinutes}
          {...invalid(error, "long_running_minutes", "job.long_running_minutes")}
          onChange={(event) => set({ longMinutes: event.target.value })}
        />
      )}
      {events.includes("not_started") && (
        <TextInput
          id="not_started_minutes"
          className="short"
          inputMode="numeric"
          labelText="Too long is more than (minutes of waiting)"
          value={waitMinutes}
          {...invalid(error, "not_started_minutes", "job.not_started_minutes")}
          onChange={(event) => set({ waitMinutes: event.target.value })}
        />
      )}
    </>
  );
}

function Channels({ space, draft, set }: Part) {
  const { data } = useQuery(channelsQuery(space));
  return (
    <>
      <p className="muted">You find it in your inbox here, and by e-mail where the server sends it.</p>
      {data && data.results.length > 0 && (
        <CheckboxGroup legendText="Also to channels of the space">
          {data.results.map(({ id, name, type }) => (
            <Checkbox
              key={id}
              id={`channel-${id}`}
              labelText={`${name} (${type})`}
              checked={draft.channels.includes(id)}
              onChange={(_, { checked }) => set({ channels: withOrWithout(draft.channels, id, checked) })}
            />
          ))}
        </CheckboxGroup>
      )}
    </>
  );
}
