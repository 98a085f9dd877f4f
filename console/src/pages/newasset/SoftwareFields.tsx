import { Select, SelectItem, TextArea } from "@carbon/react";
import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { modelTypesQuery, softwareQuery } from "../../api/specifications";
import type { NewAsset } from "../../api/uploads";
import { invalid, Problem } from "../../kit/Problem";

interface SoftwareFieldsProps {
  space: string;
  type: string;
  form: NewAsset;
  set: (change: Partial<NewAsset>) => void;
  error: Error | null;
}

/** With what it runs, and of a model which type it is; both from the server's lists. */
export function SoftwareFields({ space, type, form, set, error }: SoftwareFieldsProps) {
  const software = useQuery(softwareQuery(space));
  const types = useQuery({ ...modelTypesQuery(space, form.software), enabled: type === "wml_model" && form.software !== "" });
  const first = software.data?.[0]?.metadata.asset_id ?? "";
  const firstType = types.data?.results[0]?.name ?? "";
  useEffect(() => {
    if (!form.software && first) set({ software: first });
    // Another software specification has other versions: the type stays of its kind.
    const same = types.data?.results.find(({ name }) => name.split("_")[0] === form.modelType.split("_")[0]);
    if (firstType && same?.name !== form.modelType) set({ modelType: same?.name ?? firstType });
  }, [first, firstType, form.software, form.modelType, types.data, set]);
  return (
    <>
      <Problem error={software.error ?? types.error} title="The server's lists cannot be shown" />
      <Select
        id="software_spec"
        labelText="Software specification"
        value={form.software}
        {...invalid(error, "software_spec", `entity.${type}.software_spec`, "entity.script.language.name")}
        onChange={(event) => set({ software: event.target.value })}
      >
        {software.data?.map(({ metadata, entity }) => (
          <SelectItem key={metadata.asset_id} value={metadata.asset_id} text={`${metadata.name} (${platform(entity)})`} />
        ))}
      </Select>
      {type === "wml_model" && (
        <>
          <Select id="type" labelText="Type of model" value={form.modelType} {...invalid(error, "type")} onChange={(event) => set({ modelType: event.target.value })}>
            {types.data?.results.map(({ name, runnable }) => (
              <SelectItem key={name} value={name} text={runnable ? name : `${name} (stored only, not run)`} />
            ))}
          </Select>
          <TextArea
            id="schemas"
            rows={3}
            labelText="Columns of the input (optional)"
            helperText="A column a line, with its type: AGE integer. Rows that do not fit are refused when they are submitted."
            value={form.columns}
            {...invalid(error, "schemas", "schemas.input", "schemas.input[0].fields")}
            onChange={(event) => set({ columns: event.target.value })}
          />
        </>
      )}
    </>
  );
}

function platform({ software_specification: { software_configuration: { platform } } }: {
  software_specification: { software_configuration: { platform: { name: string; version: string } } };
}): string {
  return `${platform.name === "r" ? "R" : "Python"} ${platform.version}`;
}
