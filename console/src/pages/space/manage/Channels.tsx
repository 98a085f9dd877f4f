import { Button, TextInput } from "@carbon/react";
import { useState } from "react";
import { type Channel, send, useChange, useRead } from "../../../api";
import { Choice, Consent, counted, Empty, Problem, Secret, Section, SendForm, Time, useForm, words } from "../../../kit";

const CHANNELS = "/v2/notification_channels";

export function Channels({ space }: { space: string }) {
  const { data, error } = useRead(CHANNELS, { space_id: space, limit: 200 });
  return (
    <Section title="Notification channels" about="Where jobs of this space tell of their runs, beside the inbox." error={error}>
      <NewChannel space={space} />
      {data?.results.length === 0 && <Empty title="No channel yet" />}
      <ul>{data?.results.map((channel) => <li key={channel.id}><Line channel={channel} /></li>)}</ul>
    </Section>
  );
}

const KINDS = {
  webhook: { text: "Webhook", label: "URL", hint: "https://example.com/hook" },
  email: { text: "E-mail", label: "E-mail addresses, with commas", hint: "ann@example.com" },
  apprise: { text: "Chat or another service (Apprise)", label: "Apprise URL", hint: "slack://..." },
};
const OPTIONS = Object.entries(KINDS).map(([key, { text }]) => [key, text] as const);
const PARTS = ["settings.url", "settings.addresses", "settings.addresses[0]", "settings.addresses[1]"];

function NewChannel({ space }: { space: string }) {
  const form = useForm({ name: "", type: "webhook", settings: "" }, {
    send: ({ settings: to, ...channel }) => {
      const settings = channel.type === "email" ? { addresses: to.split(/[\s,;]+/).filter(Boolean) } : { url: to };
      return send<Channel>("POST", CHANNELS, {}, { space_id: space, ...channel, settings });
    },
    below: CHANNELS,
    clears: { name: "", settings: "" },
  });
  const { label, hint } = KINDS[form.values.type as keyof typeof KINDS];
  const secret = form.data?.settings.secret;
  return (
    <>
      <SendForm inline of={form} action="Create channel" problem="The channel was not made">
        <TextInput {...form.field("name")} labelText="Channel name" />
        <Choice {...form.field("type")} labelText="Kind" options={OPTIONS} />
        <TextInput {...form.field("settings", ...PARTS)} labelText={label} placeholder={hint} />
      </SendForm>
      {secret && <Secret text={secret} what="the signing secret">The signing secret.</Secret>}
    </>
  );
}

type Trial = { target: string; delivered: boolean; error: string; milliseconds: number };

const outcome = ({ target, delivered, error, milliseconds }: Trial) => (
  <li key={target} className={delivered ? "" : "bad"}>
    {delivered ? `It got through in ${milliseconds} ms` : `It did not get through: ${error}`}
  </li>
);

function Line({ channel: { id, name, type, settings } }: { channel: Channel }) {
  const [log, setLog] = useState(false);
  const at = `${CHANNELS}/${id}`;
  const trial = useChange(() => send<{ results: Trial[] }>("POST", `${at}/test`), at);
  const out = useChange(() => send("DELETE", at), `${CHANNELS}?`);
  return (
    <>
      <div className="line">
        <span><strong>{name}</strong> {type}<small>{settings.url ?? settings.addresses?.join(", ")}</small></span>
        <Button kind="tertiary" size="sm" disabled={trial.isPending} aria-label={`Send a test to ${name}`} onClick={() => trial.mutate()}>
          {trial.isPending ? "Sending" : "Send a test"}
        </Button>
        <Button kind="ghost" size="sm" aria-expanded={log} aria-label={`Deliveries of ${name}`} onClick={() => setLog(!log)}>Deliveries</Button>
        <Consent label="Delete" about={name} question="Jobs that tell by it tell by it no more." onConsent={out.mutate} />
      </div>
      <Problem error={trial.error ?? out.error} />
      {trial.data && <div role="status"><ul>{trial.data.results.map(outcome)}</ul></div>}
      {log && <Deliveries channel={id} />}
    </>
  );
}

function Deliveries({ channel }: { channel: string }) {
  const { data, error } = useRead(`${CHANNELS}/{channel_id}/deliveries`, { channel_id: channel, limit: 20 });
  return (
    <>
      <Problem error={error} />
      {data?.results.length === 0 && <p className="muted">Nothing has gone this way yet.</p>}
      <ul>
        {data?.results.map(({ id, at, kind, state, attempts, last_error: error }) => (
          <li key={id}>
            <Time at={at} />: {words(kind)}, {state} after {counted(attempts, "attempt")}
            {error && <small className="bad">{error}</small>}
          </li>
        ))}
      </ul>
    </>
  );
}
