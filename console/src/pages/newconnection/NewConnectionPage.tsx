import { Button, PasswordInput, TextArea, TextInput } from "@carbon/react";
import { useRef } from "react";
import { useLocation } from "wouter";
import { type Connection, type Property, send } from "../../api";
import { capital, Choice, type FieldOf, fieldsOver, Page, Problem, SendForm, useForm, useParam, useSpaceCrumbs, words } from "../../kit";
import { paths } from "../../paths";
import { useDatasourceTypes } from "../connection/ConnectionPage";

type Given = Record<string, string>;

/** A form for each type of data source, made of what the server says of its properties. */
export default function NewConnectionPage({ space }: { space: string }) {
  const [chosen, choose] = useParam("type");
  const [, go] = useLocation();
  const types = useDatasourceTypes();
  const all = types.data?.resources.map(({ entity }) => entity) ?? [];
  const type = all.find(({ name }) => name === (chosen ?? "postgresql"));
  const crumbs = useSpaceCrumbs(space, paths.assets(space));
  const active = type?.status === "active";
  const properties = type?.properties?.connection ?? [];
  const tests = useRef(true);
  const form = useForm({ name: "", description: "", given: {} as Given }, {
    send: ({ given, ...connection }) => {
      const body = { ...connection, datasource_type: type?.name ?? "", properties: sent(properties, given) };
      return send<Connection>("POST", "/v2/connections", { space_id: space, test: active && tests.current }, body);
    },
    below: "/v2/asset_summaries",
    done: ({ metadata }) => go(paths.connection(space, metadata.asset_id)),
  });
  const submit = (test: boolean) => {
    tests.current = test;
    form.submit();
  };
  const { given } = form.values;
  const set = (change: Partial<Given>) => form.set({ given: { ...given, ...change } as Given });
  const field: FieldOf<Given> = (name) => ({ ...fieldsOver(given, set, form.error)(name), value: given[name] ?? "" });
  // Those that can be used here come first.
  const options = [...all].sort((one, other) => Number(other.status === "active") - Number(one.status === "active"));
  return (
    <Page title="New connection" crumbs={crumbs}>
      <Problem error={types.error} title="The types cannot be shown" />
      <SendForm
        of={{ ...form, submit: () => submit(true) }}
        action={active ? "Test and create" : "Create"}
        button={{ disabled: !type || form.pending }}
        problem="The connection was not made"
        cancel={paths.assets(space)}
        more={active && <Button kind="tertiary" disabled={form.pending} onClick={() => submit(false)}>Create without a test</Button>}
      >
        <Choice
          id="datasource_type"
          labelText="Leads to"
          value={type?.name ?? ""}
          onChange={({ target }) => choose(target.value)}
          options={options.map(({ name, label }) => [name, label])}
        />
        <TextInput {...form.field("name")} labelText="Name" required />
        <TextInput {...form.field("description")} labelText="Description (optional)" />
        {properties.map((property) => <PropertyField key={`${type?.name} ${property.name}`} property={property} field={field} />)}
      </SendForm>
    </Page>
  );
}

const YES_OR_NO = [["", "As it is by default"], ["true", "Yes"], ["false", "No"]] as const;

/** The field of a property: secrets are hidden as they are typed, and cannot be read again. */
function PropertyField({ property: { name, type, required, masked }, field }: { property: Property; field: FieldOf<Given> }) {
  const common = { ...field(`properties.${name}`), labelText: `${capital(words(name))}${required ? "" : " (optional)"}` };
  if (type === "boolean") return <Choice {...common} options={YES_OR_NO} />;
  if (name.endsWith("certificate") || name === "credentials") return <TextArea rows={3} {...common} />;
  if (masked) return <PasswordInput autoComplete="new-password" {...common} />;
  return <TextInput required={required} inputMode={type === "integer" ? "numeric" : "text"} {...common} />;
}

/** What is sent of what was typed: the type's own properties, numbers as numbers, nothing that is empty. */
function sent(properties: Property[], given: Given): Record<string, string | number | boolean> {
  const values = properties.flatMap(({ name, type }): [string, string | number | boolean][] => {
    const value = given[`properties.${name}`];
    if (!value) return [];
    if (type === "boolean") return [[name, value === "true"]];
    return [[name, type === "integer" && /^\d+$/.test(value) ? Number(value) : value]];
  });
  return Object.fromEntries(values);
}
