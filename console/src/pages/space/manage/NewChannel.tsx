import { Button, Form, Select, SelectItem, TextInput } from "@carbon/react";
import { type FormEvent, useState } from "react";
import { createChannel } from "../../../api/manage";
import { Copy } from "../../../kit/Copy";
import { invalid, Problem, useFocusOnInvalid } from "../../../kit/Problem";
import { useChange } from "../../../kit/useChange";

const KINDS = {
  webhook: { text: "Webhook", label: "URL", hint: "https://example.com/hook" },
  email: { text: "E-mail", label: "E-mail addresses, with commas", hint: "ann@example.com" },
  apprise: { text: "Chat or another service (Apprise)", label: "Apprise URL", hint: "slack://..." },
};
type Kind = keyof typeof KINDS;

export function NewChannel({ space }: { space: string }) {
  const [name, setName] = useState("");
  const [type, setType] = useState<Kind>("webhook");
  const [to, setTo] = useState("");
  const settings = type === "email" ? { addresses: to.split(/[\s,;]+/).filter(Boolean) } : { url: to };
  const create = useChange(() => createChannel(space, { name, type, settings }), ["manage", space, "channels"], () => {
    setName("");
    setTo("");
  });
  useFocusOnInvalid(create.error);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  const kind = KINDS[type];
  const secret = create.data?.settings.secret;
  return (
    <>
      <Problem error={create.error} title="The channel was not made" />
      <Form noValidate className="inline-form" onSubmit={submit}>
        <TextInput id="name" labelText="Channel name" value={name} {...invalid(create.error, "name")} onChange={(event) => setName(event.target.value)} />
        <Select id="type" labelText="Kind" value={type} onChange={(event) => setType(event.target.value as Kind)}>
          {Object.entries(KINDS).map(([key, { text }]) => (
            <SelectItem key={key} value={key} text={text} />
          ))}
        </Select>
        <TextInput
          id="settings"
          labelText={kind.label}
          placeholder={kind.hint}
          value={to}
          {...invalid(create.error, "settings", "settings.url", "settings.addresses", "settings.addresses[0]", "settings.addresses[1]")}
          onChange={(event) => setTo(event.target.value)}
        />
        <Button size="md" type="submit" disabled={create.isPending}>
          Create channel
        </Button>
      </Form>
      {secret && (
        <div role="status" className="attention">
          <p>The signing secret. Copy it now: it is not shown again.</p>
          <Copy text={secret} what="the signing secret" />
        </div>
      )}
    </>
  );
}
