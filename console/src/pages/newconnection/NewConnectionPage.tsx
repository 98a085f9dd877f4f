import { Button, PasswordInput, TextArea, TextInput } from "@carbon/react";
import { useRef } from "react";
import { useLocation } from "wouter";
import { type Connection, FIXED, patch, type Property, send, useRead } from "../../api";
import { capital, Choice, type FieldOf, fieldsOver, Page, Problem, SendForm, useForm, useParam, useSpaceCrumbs, words } from "../../kit";
import { paths } from "../../paths";
import { useDatasourceTypes } from "../connection/ConnectionPage";

type Given = Record<string, string>;

/** A new connection, or another form of the one whose id is given. */
export default function NewConnectionPage({ space, connection: id }: { space: string; connection?: string }) {
  const { data, error } = useRead("/v2/connections/{connection_id}", { connection_id: id ?? "", space_id: space }, { ...FIXED, enabled: !!id });
  if (id && !data) return <Page title="Edit connection"><Problem error={error} title="The connection cannot be shown" /></Page>;
  return <ConnectionForm space={space} before={data} />;
}

/** A form for each type of data source, made of what the server says of its properties. */
function ConnectionForm({ space, before }: { space: string; before: Connection | undefined }) {
  const [chosen, choose] = useParam("type");
  const [, go] = useLocation();
  const types = useDatasourceTypes();
  const all = types.data?.resources.map(({ entity }) => entity) ?? [];
  const entity = before?.entity;
  const type = types.data?.resources.find(({ metadata: { asset_id: id }, entity: { name } }) =>
    entity ? id === entity.datasource_type : name === (chosen ?? "postgresql"))?.entity;
  const crumbs = useSpaceCrumbs(space, paths.assets(space));
  const active = type?.status === "active";
  const properties = type?.properties?.connection ?? [];
  const tests = useRef(true);
  const known = Object.fromEntries(Object.entries(entity?.properties ?? {}).map(([name, value]) => [`properties.${name}`, String(value)]));
  const form = useForm({ name: entity?.name ?? "", description: entity?.description ?? "", given: known as Given }, {
    send: ({ given, ...connection }) => {
      const at = `/v2/connections/${before?.metadata.asset_id}`;
      if (before) return patch<Connection>(at, changes(before, connection, sent(properties, given)), { space_id: space });
      const body = { ...connection, datasource_type: type?.name ?? "", properties: sent(properties, given) };
      return send<Connection>("POST", "/v2/connections", { space_id: space, test: active && tests.current }, body);
    },
    below: "/v2/",
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
    <Page title={before ? "Edit connection" : "New connection"} crumbs={crumbs}>
      <Problem error={types.error} title="The types cannot be shown" />
      <SendForm
        of={{ ...form, submit: () => submit(true) }}
        action={before ? "Save changes" : active ? "Test and create" : "Create"}
        button={{ disabled: !type || form.pending }}
        problem={before ? "The connection is as it was" : "The connection was not made"}
        cancel={before ? paths.connection(space, before.metadata.asset_id) : paths.assets(space)}
        more={active && !before && <Button kind="tertiary" disabled={form.pending} onClick={() => submit(false)}>Create without a test</Button>}
      >
        {before ? <p className="muted">Secrets are not shown; those that are left empty stay as they are.</p> : <Choice
          id="datasource_type"
          labelText="Leads to"
          value={type?.name ?? ""}
          onChange={({ target }) => choose(target.value)}
          options={options.map(({ name, label }) => [name, label])}
        />}
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

type Values = Record<string, string | number | boolean>;

/** What is other than before; a property that is shown and was emptied goes, a secret that is not typed stays. */
function changes({ entity }: Connection, named: { name: string; description: string }, given: Values): Record<string, unknown> {
  const kept: Record<string, unknown> = Object.fromEntries(Object.keys(entity.properties).map((name) => [name, given[name] ?? null]));
  const other = Object.entries({ ...given, ...kept }).filter(([name, value]) => value !== entity.properties[name]);
  return { ...Object.fromEntries(Object.entries(named).map(([name, value]) => [`/${name}`, value])),
    ...Object.fromEntries(other.map(([name, value]) => [`/properties/${name}`, value])) };
}

/** What is sent of what was typed: the type's own properties, numbers as numbers, nothing that is empty. */
function sent(properties: Property[], given: Given): Values {
  const values = properties.flatMap(({ name, type }): [string, string | number | boolean][] => {
    const value = given[`properties.${name}`];
    if (!value) return [];
    if (type === "boolean") return [[name, value === "true"]];
    return [[name, type === "integer" && /^\d+$/.test(value) ? Number(value) : value]];
  });
  return Object.fromEntries(values);
}
