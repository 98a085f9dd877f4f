import { Button, Form, Select, SelectItem, Stack, TextInput } from "@carbon/react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useReducer } from "react";
import { Link, useSearchParams } from "wouter";
import { createConnection, type DatasourceType, typesQuery } from "../../api/connections";
import { Page } from "../../kit/Page";
import { invalid, Problem, useFocusOnInvalid } from "../../kit/Problem";
import { useLeave, useSpaceCrumbs } from "../../kit/spacePage";
import { paths } from "../../paths";
import { PropertyField, type Given, propertiesOf } from "./PropertyField";

interface Draft {
  name: string;
  description: string;
  given: Given;
}

const merge = (form: Draft, change: Partial<Draft>): Draft => ({ ...form, ...change });

/** A form for each type of data source, made of what the server says of its properties. */
export default function NewConnectionPage({ space }: { space: string }) {
  const [search, setSearch] = useSearchParams();
  const types = useQuery(typesQuery);
  const type = types.data?.resources.find(({ entity }) => entity.name === (search.get("type") ?? "postgresql"));
  const [form, set] = useReducer(merge, { name: "", description: "", given: {} });
  const crumbs = useSpaceCrumbs(space, paths.assets(space));
  const leave = useLeave("assets", space);
  const create = useMutation({
    mutationFn: (test: boolean) => createConnection(space, { ...form, datasource_type: type?.entity.name ?? "", properties: propertiesOf(type, form.given) }, test),
    onSuccess: ({ metadata }) => leave(paths.connection(space, metadata.asset_id)),
  });
  useFocusOnInvalid(create.error);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate(type?.entity.status === "active");
  };
  return (
    <Page title="New connection" crumbs={crumbs}>
      <Form className="narrow" noValidate onSubmit={submit}>
        <Stack gap={6}>
          <Problem error={types.error ?? create.error} title="The connection was not made" />
          <Select id="datasource_type" labelText="Leads to" value={type?.entity.name ?? ""} onChange={(event) => setSearch({ type: event.target.value }, { replace: true })}>
            {sorted(types.data?.resources).map(({ entity: { name, label } }) => (
              <SelectItem key={name} value={name} text={label} />
            ))}
          </Select>
          <TextInput id="name" labelText="Name" required value={form.name} {...invalid(create.error, "name")} onChange={(event) => set({ name: event.target.value })} />
          <TextInput id="description" labelText="Description (optional)" value={form.description} onChange={(event) => set({ description: event.target.value })} />
          {type?.entity.properties?.connection.map((property) => (
            <PropertyField
              key={`${type.entity.name} ${property.name}`}
              property={property}
              value={form.given[property.name]}
              error={create.error}
              change={(value) => set({ given: { ...form.given, [property.name]: value } })}
            />
          ))}
          <div className="buttons">
            <Button kind="secondary" as={Link} href={paths.assets(space)}>
              Cancel
            </Button>
            {type?.entity.status === "active" && (
              <Button kind="tertiary" disabled={create.isPending} onClick={() => create.mutate(false)}>
                Create without a test
              </Button>
            )}
            <Button type="submit" disabled={!type || create.isPending}>
              {type?.entity.status === "active" ? "Test and create" : "Create"}
            </Button>
          </div>
        </Stack>
      </Form>
    </Page>
  );
}

/** Those that can be used here come first. */
const sorted = (types: DatasourceType[] = []) =>
  [...types].sort((one, other) => Number(other.entity.status === "active") - Number(one.entity.status === "active"));
