import { InlineLoading, Search, TextArea, TextInput } from "@carbon/react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { type DataAsset, dataAssetsQuery, type Field, previewRun, type Target, useRead } from "../../api";
import { Grid, invalid, Problem, shown, SmallButton } from "../../kit";
import { SchemaForm } from "./SchemaForm";
import { formRows, scoring, table, written } from "./body";
import { Checks, Radios, type StepProps } from "./choices";
import type { Draft } from "./draft";
import { missing } from "./steps";

/** What the job works on: rows of a form or of JSON, which are one value, or data assets. */
export function DataStep(props: StepProps) {
  const { target, draft, set, fields } = props;
  if (target?.kind !== "deployment") return <References {...props} optional />;
  const source = draft.source === "form" && fields.length === 0 ? "json" : draft.source;
  const choose = (to: Draft["source"]) => {
    const rows = to === "form" ? formRows(draft.json, fields) : null;
    const typed = to === "json" && draft.source === "form" && draft.rows.some((row) => Object.keys(row).length);
    set({ source: to, ...(rows ? { rows } : {}), ...(typed ? { json: written([table(draft.rows, fields)]) } : {}) });
  };
  const byForm: [string, Draft["source"], string] = ["by-form", "form", "Rows typed into a form"];
  return (
    <>
      <Radios
        legend="Input"
        name="source"
        value={source}
        options={[
          ...(fields.length > 0 ? [byForm] : []),
          ["by-json", "json", "Rows as JSON"],
          ["by-assets", "assets", "Data assets of the space"],
        ]}
        choose={choose}
      />
      {source === "form" && <SchemaForm {...props} />}
      {source === "json" && <Json {...props} />}
      {source === "assets" && <References {...props} />}
      {target.type === "model" && <PreviewRun {...props} target={target} />}
    </>
  );
}

function Json({ field, set, fields }: StepProps) {
  const example = written([{ fields: fields.map(({ name }) => name), values: [fields.map(() => null)] }]);
  const names = ["values", "fields"].map((part) => `scoring.input_data[0].${part}`);
  return (
    <>
      <TextArea {...field("json", ...names)} className="code" labelText="Input data" rows={12} placeholder={example} />
      <SmallButton onClick={() => set({ json: example })}>Fill with an example</SmallButton>
    </>
  );
}

const References = ({ optional = false, ...props }: StepProps & { optional?: boolean }) => (
  <>
    <AssetInput {...props} label={optional ? "Input data (optional)" : "Input data"} />
    <TextInput
      {...props.field("output_name", "configuration.scoring.output_data_reference")}
      labelText={optional ? "Name of the data asset for its output (optional)" : "Name of the data asset for the results"}
      helperText="Such as scores.csv; what it ends with says its format."
    />
  </>
);

const FIND = "Find a data asset";

/** Data assets to choose from, found by their names; of those that are chosen, whether their columns fit. */
function AssetInput({ space, draft: { inputs }, set, fields, error, label }: StepProps & { label: string }) {
  const [text, setText] = useState("");
  const { data = [], isSuccess } = useQuery(dataAssetsQuery(space, text));
  const chosen = inputs.map(({ id }) => id);
  const listed = [...inputs, ...data.filter(({ id }) => !chosen.includes(id))];
  return (
    <>
      <Search size="md" labelText={FIND} placeholder={FIND} value={text} onChange={({ target }) => setText(target.value)} />
      <Checks
        legend={label}
        of="asset"
        options={listed.map(({ id, name }) => [id, name])}
        chosen={chosen}
        choose={(ids) => set({ inputs: listed.filter(({ id }) => ids.includes(id)) })}
        wrong={invalid(error, "inputs")}
      >
        {isSuccess && data.length === 0 && <p className="muted">No data asset of this space has such a name.</p>}
      </Checks>
      {fields.length > 0 && inputs.map((asset) => <Columns key={asset.id} space={space} asset={asset} fields={fields} />)}
    </>
  );
}

function Columns({ space, asset, fields }: { space: string; asset: DataAsset; fields: Field[] }) {
  const how = { staleTime: 60_000, retry: false };
  const { data, error } = useRead("/v2/assets/{asset_id}/preview", { asset_id: asset.id, space_id: space, rows: 5 }, how);
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

const SHOWN = 10;
const NAME = "Predictions of the first rows";

/** Scores the first rows now, in the model's real environment, before there is a job. */
function PreviewRun({ space, target, draft, fields }: StepProps & { target: Target }) {
  const left = useRef(new AbortController());
  useEffect(() => {
    left.current = new AbortController();
    return () => left.current.abort();
  }, []);
  const run = useMutation({
    mutationFn: async () => {
      const lacking = missing("data", draft, target);
      if (lacking && !/^output/.test(lacking.about.field ?? "")) throw lacking;
      return previewRun(space, target.id, scoring(draft, target, fields), left.current.signal);
    },
  });
  const { data } = run;
  const rows = data?.tables.flatMap(({ values }) => values).slice(0, SHOWN) ?? [];
  return (
    <section className="apart" aria-label="Preview run" aria-live="polite">
      <SmallButton kind="tertiary" onClick={() => run.isPending || run.mutate()}>Try the first rows</SmallButton>
      {run.isPending && <InlineLoading description="The first rows are being scored" />}
      <Problem error={run.error} title="The first rows were not scored" />
      {data && (
        <>
          <p>{data.told}</p>
          <Grid label="Predictions" name={NAME} heads={data.tables[0]?.fields ?? []} rows={rows.map((row) => row.map(shown))} />
        </>
      )}
    </section>
  );
}
