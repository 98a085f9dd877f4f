import { Button, Form, TextInput } from "@carbon/react";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { type ApiKey, createKey, keysQuery, revokeKey } from "../../api/profile";
import { Consent } from "../../kit/Consent";
import { Copy } from "../../kit/Copy";
import { type Column, CursorTable } from "../../kit/CursorTable";
import { Empty } from "../../kit/Empty";
import { invalid, Problem, useFocusOnInvalid } from "../../kit/Problem";
import { Section } from "../../kit/Section";
import { Time } from "../../kit/Time";
import { useChange } from "../../kit/useChange";

export function Keys() {
  const { data, error } = useQuery(keysQuery);
  const [name, setName] = useState("");
  const create = useChange(createKey, ["profile"], () => setName(""));
  const revoke = useChange(revokeKey, ["profile"]);
  useFocusOnInvalid(create.error);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate(name);
  };
  return (
    <Section title="API keys" about="What your programs sign in with. A key is shown once, when it is made.">
      <Problem error={error ?? revoke.error} />
      <Form noValidate className="inline-form" onSubmit={submit}>
        <TextInput
          id="name"
          labelText="What the key is for"
          required
          value={name}
          {...invalid(create.error, "name")}
          onChange={(event) => setName(event.target.value)}
        />
        <Button size="md" type="submit" disabled={create.isPending}>
          Generate key
        </Button>
      </Form>
      {create.data && (
        <div role="status" className="attention">
          <p>The key “{create.data.name}”. Copy it now: it is not shown again.</p>
          <Copy text={create.data.api_key} what="the API key" />
        </div>
      )}
      {data?.resources.length === 0 && <Empty title="You have no API key" />}
      {data && data.resources.length > 0 && (
        <CursorTable
          label="API keys"
          columns={columns((id) => revoke.mutate(id))}
          rows={data.resources}
          rowKey={(key) => key.id}
          next={null}
        />
      )}
    </Section>
  );
}

const columns = (revoke: (id: string) => void): Column<ApiKey>[] => [
  { header: "Name", cell: (key) => key.name },
  { header: "Begins with", cell: (key) => <code>{key.hint ?? ""}</code> },
  { header: "Made", cell: (key) => <Time at={key.created_at} /> },
  { header: "Last used", cell: (key) => (key.last_used_at ? <Time at={key.last_used_at} /> : <span className="muted">Never</span>) },
  {
    header: "Actions",
    cell: (key) => (
      <Consent
        label="Revoke"
        about={key.name}
        question="Programs that use it are signed out at once. So are you, and your task credential goes, if they stand on it."
        onConsent={() => revoke(key.id)}
      />
    ),
  },
];
