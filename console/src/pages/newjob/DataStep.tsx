import { Button, RadioButton, RadioButtonGroup, TextArea, TextInput } from "@carbon/react";
import { invalid } from "../../kit/Problem";
import { AssetInput } from "./AssetInput";
import { formRows, table, written } from "./body";
import type { Draft } from "./draft";
import { PreviewRun } from "./PreviewRun";
import { SchemaForm } from "./SchemaForm";
import type { StepProps } from "./StepBody";

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
  return (
    <>
      <RadioButtonGroup
        legendText="Input"
        name="source"
        orientation="vertical"
        valueSelected={source}
        onChange={(value) => choose(value as Draft["source"])}
      >
        {fields.length > 0 ? <RadioButton id="by-form" labelText="Rows typed into a form" value="form" /> : <></>}
        <RadioButton id="by-json" labelText="Rows as JSON" value="json" />
        <RadioButton id="by-assets" labelText="Data assets of the space" value="assets" />
      </RadioButtonGroup>
      {source === "form" && <SchemaForm {...props} />}
      {source === "json" && <Json {...props} />}
      {source === "assets" && <References {...props} />}
      {target.type === "model" && <PreviewRun {...props} target={target} />}
    </>
  );
}

function Json({ draft, set, fields, error }: StepProps) {
  const example = written([{ fields: fields.map(({ name }) => name), values: [fields.map(() => null)] }]);
  const names = ["values", "fields"].map((part) => `scoring.input_data[0].${part}`);
  return (
    <>
      <TextArea
        id="json"
        className="code"
        labelText="Input data"
        rows={12}
        placeholder={example}
        value={draft.json}
        {...invalid(error, "json", ...names)}
        onChange={(event) => set({ json: event.target.value })}
      />
      <Button kind="ghost" size="sm" onClick={() => set({ json: example })}>
        Fill with an example
      </Button>
    </>
  );
}

function References({ optional = false, ...props }: StepProps & { optional?: boolean }) {
  const { draft, set, error } = props;
  return (
    <>
      <AssetInput {...props} label={optional ? "Input data (optional)" : "Input data"} />
      <TextInput
        id="output_name"
        labelText={optional ? "Name of the data asset for its output (optional)" : "Name of the data asset for the results"}
        helperText="Such as scores.csv; what it ends with says its format."
        value={draft.output}
        {...invalid(error, "output_name", "configuration.scoring.output_data_reference")}
        onChange={(event) => set({ output: event.target.value })}
      />
    </>
  );
}
