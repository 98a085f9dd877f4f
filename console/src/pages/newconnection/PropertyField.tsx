import { PasswordInput, Select, SelectItem, TextArea, TextInput } from "@carbon/react";
import type { DatasourceType, NewConnection, Property } from "../../api/connections";
import { invalid } from "../../kit/Problem";

/** What was typed, by property. */
export type Given = Record<string, string | undefined>;

interface PropertyFieldProps {
  property: Property;
  value: string | undefined;
  error: Error | null;
  change: (value: string) => void;
}

/** The field of a property: secrets are hidden as they are typed, and cannot be read again. */
export function PropertyField({ property: { name, type, required, masked }, value, error, change }: PropertyFieldProps) {
  const id = `properties.${name}`;
  const words = name.replaceAll("_", " ");
  const label = `${words[0]?.toUpperCase()}${words.slice(1)}${required ? "" : " (optional)"}`;
  const common = { id, labelText: label, value: value ?? "", ...invalid(error, id) };
  if (type === "boolean")
    return (
      <Select {...common} onChange={(event) => change(event.target.value)}>
        <SelectItem value="" text="As it is by default" />
        <SelectItem value="true" text="Yes" />
        <SelectItem value="false" text="No" />
      </Select>
    );
  if (name.endsWith("certificate") || name === "credentials")
    return <TextArea rows={3} {...common} onChange={(event) => change(event.target.value)} />;
  if (masked) return <PasswordInput autoComplete="new-password" {...common} onChange={(event) => change(event.target.value)} />;
  return <TextInput required={required} {...(type === "integer" ? { inputMode: "numeric" as const } : {})} {...common} onChange={(event) => change(event.target.value)} />;
}

/** What is sent of what was typed: the type's own properties, numbers as numbers, nothing that is empty. */
export function propertiesOf(type: DatasourceType | undefined, given: Given): NewConnection["properties"] {
  const known = type?.entity.properties?.connection ?? [];
  const sent = known.flatMap(({ name, type: kind }): [string, string | number | boolean][] => {
    const value = given[name];
    if (!value) return [];
    if (kind === "boolean") return [[name, value === "true"]];
    return [[name, kind === "integer" && /^\d+$/.test(value) ? Number(value) : value]];
  });
  return Object.fromEntries(sent);
}
