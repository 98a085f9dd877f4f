import { Checkbox, CheckboxGroup, Search } from "@carbon/react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { columnsQuery, type DataAsset, dataAssetsQuery, type Field } from "../../api/jobTargets";
import { invalid } from "../../kit/Problem";
import type { StepProps } from "./StepBody";

/** Data assets to choose from, found by their names; of those that are chosen, whether their columns fit. */
export function AssetInput({ space, draft, set, fields, error, label }: StepProps & { label: string }) {
  const [text, setText] = useState("");
  const { data = [], isSuccess } = useQuery(dataAssetsQuery(space, text));
  const { inputs } = draft;
  const { invalid: isInvalid, invalidText } = invalid(error, "inputs");
  const chosen = (asset: DataAsset) => inputs.some(({ id }) => id === asset.id);
  const toggle = (asset: DataAsset, there: boolean) =>
    set({ inputs: there ? [...inputs, asset] : inputs.filter(({ id }) => id !== asset.id) });
  return (
    <>
      <Search
        size="md"
        labelText="Find a data asset"
        placeholder="Find a data asset"
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <CheckboxGroup legendText={label} invalid={isInvalid} invalidText={invalidText}>
        {[...inputs, ...data.filter((asset) => !chosen(asset))].map((asset) => (
          <Checkbox
            key={asset.id}
            id={`asset-${asset.id}`}
            labelText={asset.name}
            checked={chosen(asset)}
            onChange={(_, { checked }) => toggle(asset, checked)}
          />
        ))}
        {isSuccess && data.length === 0 && <p className="muted">No data asset of this space has such a name.</p>}
      </CheckboxGroup>
      {fields.length > 0 && inputs.map((asset) => <Columns key={asset.id} {...{ space, asset, fields }} />)}
    </>
  );
}

function Columns({ space, asset, fields }: { space: string; asset: DataAsset; fields: Field[] }) {
  const { data, error } = useQuery({ ...columnsQuery(space, asset.id), retry: false });
  if (error) return <p className="muted">{`${asset.name} cannot be looked at: ${error.message}`}</p>;
  if (!data) return null;
  const there = data.columns.map(({ name }) => name);
  const wanted = fields.map(({ name }) => name);
  const missing = wanted.filter((name) => !there.includes(name));
  const extra = there.filter((name) => !wanted.includes(name));
  return (
    <div className={missing.length ? "match missing" : "match"}>
      <h3>{`Columns of ${asset.name}`}</h3>
      <p>{`✓ ${wanted.length - missing.length} of ${wanted.length} columns of the model are there.`}</p>
      {missing.length > 0 && <p>{`✗ Missing: ${missing.join(", ")}`}</p>}
      {extra.length > 0 && <p className="muted">{`Not used: ${extra.join(", ")}`}</p>}
    </div>
  );
}
