import { TextInput } from "@carbon/react";
import { useRead } from "../../api";
import { invalid } from "../../kit";
import { Checks, type StepProps, Switch } from "./choices";

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

/** Of what the job tells, and where. */
export const NotifyStep = (props: StepProps) => (
  <>
    <Switch id="notified" label="Notify me" on={props.draft.notified} turn={(notified) => props.set({ notified })} />
    {props.draft.notified && <Notices {...props} />}
  </>
);

function Notices({ space, draft: { events, channels }, set, field, error }: StepProps) {
  const { data } = useRead("/v2/notification_channels", { space_id: space, limit: 200 });
  const found = data?.results.map(({ id, name, type }) => [id, `${name} (${type})`] as const) ?? [];
  const minutes = (event: "long_running" | "not_started", what: string) =>
    events.includes(event) && (
      <TextInput
        {...field(`${event}_minutes`, `job.${event}_minutes`)}
        className="short"
        inputMode="numeric"
        labelText={`Too long is more than (minutes of ${what})`}
      />
    );
  return (
    <>
      <Checks
        legend="When"
        of="event"
        options={EVENTS}
        chosen={events}
        choose={(to) => set({ events: to })}
        wrong={invalid(error, "notification_types")}
      />
      {minutes("long_running", "work")}
      {minutes("not_started", "waiting")}
      <p className="muted">You find it in your inbox here, and by e-mail where the server sends it.</p>
      {found.length > 0 && (
        <Checks legend="Also to channels of the space" of="channel" options={found} chosen={channels} choose={(to) => set({ channels: to })} />
      )}
    </>
  );
}
