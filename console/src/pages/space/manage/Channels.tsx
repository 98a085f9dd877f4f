import { Button } from "@carbon/react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type Channel, channelsQuery, deliveriesQuery, removeChannel, type Trial, tryChannel } from "../../../api/manage";
import { Consent } from "../../../kit/Consent";
import { Empty } from "../../../kit/Empty";
import { Problem } from "../../../kit/Problem";
import { Section } from "../../../kit/Section";
import { Time } from "../../../kit/Time";
import { useChange } from "../../../kit/useChange";
import { NewChannel } from "./NewChannel";

export function Channels({ space }: { space: string }) {
  const { data, error } = useQuery(channelsQuery(space));
  return (
    <Section title="Notification channels" about="Where jobs of this space tell of their runs, beside the inbox.">
      <Problem error={error} />
      <NewChannel space={space} />
      {data?.results.length === 0 && <Empty title="No channel yet" />}
      <ul className="lines">
        {data?.results.map((channel) => (
          <li key={channel.id}>
            <Line channel={channel} space={space} />
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Line({ channel, space }: { channel: Channel; space: string }) {
  const [log, setLog] = useState(false);
  const trial = useChange(() => tryChannel(channel.id), ["manage", "deliveries", channel.id]);
  const out = useChange(() => removeChannel(channel.id), ["manage", space, "channels"]);
  return (
    <>
      <div className="line">
        <span>
          <strong>{channel.name}</strong> {channel.type}
          <small>{channel.settings.url ?? channel.settings.addresses?.join(", ")}</small>
        </span>
        <Button kind="tertiary" size="sm" disabled={trial.isPending} aria-label={`Send a test to ${channel.name}`} onClick={() => trial.mutate()}>
          {trial.isPending ? "Sending" : "Send a test"}
        </Button>
        <Button kind="ghost" size="sm" aria-expanded={log} aria-label={`Deliveries of ${channel.name}`} onClick={() => setLog(!log)}>
          Deliveries
        </Button>
        <Consent label="Delete" about={channel.name} question="Jobs that tell by it tell by it no more." onConsent={() => out.mutate()} />
      </div>
      <Problem error={trial.error ?? out.error} />
      {trial.data && <Outcome trial={trial.data} />}
      {log && <Deliveries channel={channel.id} />}
    </>
  );
}

function Outcome({ trial }: { trial: Trial }) {
  return (
    <div role="status">
      <ul>
      {trial.results.map((each) => (
        <li key={each.target} className={each.delivered ? "" : "bad"}>
          {each.delivered ? `It got through in ${each.milliseconds} ms` : `It did not get through: ${each.error}`}
        </li>
      ))}
      </ul>
    </div>
  );
}

function Deliveries({ channel }: { channel: string }) {
  const { data, error } = useQuery(deliveriesQuery(channel));
  return (
    <>
      <Problem error={error} />
      {data?.results.length === 0 && <p className="muted">Nothing has gone this way yet.</p>}
      <ul>
        {data?.results.map((each) => (
          <li key={each.id}>
            <Time at={each.at} />: {each.kind.replaceAll("_", " ")}, {each.state} after {each.attempts}{" "}
            {each.attempts === 1 ? "attempt" : "attempts"}
            {each.last_error && <small className="bad">{each.last_error}</small>}
          </li>
        ))}
      </ul>
    </>
  );
}
