import { Button, Checkbox, FormGroup, TextArea, TextInput } from "@carbon/react";
import { Add, TrashCan } from "@carbon/icons-react";
import { useState } from "react";
import { useRead } from "../../api";
import { Choice, counted, invalid, SmallButton } from "../../kit";
import { variableField } from "./body";
import { Radios, type StepProps } from "./choices";
import { type Draft, readEnv, type Variable } from "./draft";

const KEEP_BY: [id: string, value: Draft["keepBy"], label: string][] = [
  ["keep-default", "default", "As the installation does"],
  ["keep-amount", "amount", "By amount"],
  ["keep-days", "days", "By duration"],
];
const DEFAULT = ["", "Default: that of the deployment, or of the installation"] as const;

/** The hardware that there is, with how much of it each has. */
export function useHardware(space: string): [id: string, text: string][] {
  const { data } = useRead("/v2/hardware_specifications", { space_id: space, limit: 200 });
  return (data?.resources ?? []).map(({ metadata: { asset_id: id, name }, entity }) => {
    const { cpu, mem } = entity.hardware_specification.nodes;
    const size = [cpu && `${cpu.units} CPU`, mem?.size].filter(Boolean).join(", ");
    return [id, size ? `${name}: ${size}` : name];
  });
}

/** On which hardware it runs, with which variables, and how long its runs are kept. */
export function ConfigureStep({ space, draft: { variables, keepBy, keep }, set, field, error }: StepProps) {
  const amount = keepBy === "amount";
  const means = amount
    ? `The newest ${keep || "…"} runs that have ended stay; older ones go.`
    : `Runs go ${keep || "…"} days after they ended. Pinned runs stay.`;
  return (
    <>
      <Choice
        {...field("hardware_spec", "configuration.hardware_spec")}
        labelText="Hardware specification"
        options={[DEFAULT, ...useHardware(space)]}
      />
      <Variables variables={variables} change={(to) => set({ variables: to })} error={error} />
      <Radios legend="Keep runs" name="keep-by" value={keepBy} options={KEEP_BY} choose={(to) => set({ keepBy: to })} />
      {keepBy !== "default" && (
        <TextInput
          {...field("keep", `retention_policy.${keepBy}`, "retention_policy")}
          className="short"
          inputMode="numeric"
          labelText={amount ? "Runs to keep" : "Days to keep"}
          helperText={means}
        />
      )}
    </>
  );
}

type VariablesProps = { variables: Variable[]; change: (variables: Variable[]) => void; error: Error | null };

/** Environment variables as rows; a secret is typed blind, stored encrypted and never shown again. */
const Variables = ({ variables, change, error }: VariablesProps) => (
  <FormGroup legendText="Environment variables">
    <p className="muted">
      Secrets are stored encrypted and never shown again. They are not kept with the draft: after a reload, type them anew.
    </p>
    {variables.map((variable, at) => (
      <Row
        key={at}
        at={at}
        variable={variable}
        edit={(changes) => change(variables.map((each, index) => (index === at ? { ...each, ...changes } : each)))}
        remove={() => change(variables.filter((_, index) => index !== at))}
        error={error}
        wire={variableField(variables, at)}
      />
    ))}
    <Button kind="ghost" size="sm" renderIcon={Add} onClick={() => change([...variables, { name: "", value: "", secret: false }])}>
      Add a variable
    </Button>
    <PasteEnv add={(found) => change([...variables, ...found])} />
  </FormGroup>
);

interface RowProps {
  at: number;
  variable: Variable;
  edit: (changes: Partial<Variable>) => void;
  remove: () => void;
  error: Error | null;
  /** The variable by its name in the API. */
  wire: string;
}

function Row({ at, variable, edit, remove, error, wire }: RowProps) {
  const { secret } = variable;
  const text = (id: string, member: "name" | "value", label: string, ...names: string[]) => ({
    id: `${id}-${at}`,
    labelText: `${label} ${at + 1}`,
    value: variable[member],
    onChange: ({ target }: { target: { value: string } }) => edit({ [member]: target.value }),
    ...invalid(error, `${id}-${at}`, ...names),
  });
  const trash = { hasIconOnly: true, renderIcon: TrashCan, iconDescription: `Remove variable ${at + 1}`, tooltipAlignment: "end" } as const;
  return (
    <div className="variable">
      <TextInput {...text("variable", "name", "Name", wire)} size="md" />
      <TextInput {...text("value", "value", "Value")} size="md" type={secret ? "password" : "text"} autoComplete="off" />
      <Checkbox id={`secret-${at}`} labelText="Secret" checked={secret} onChange={(_, { checked }) => edit({ secret: checked })} />
      <Button kind="ghost" size="md" {...trash} onClick={remove} />
    </div>
  );
}

function PasteEnv({ add }: { add: (found: Variable[]) => void }) {
  const [text, setText] = useState<string | null>(null);
  if (text === null) return <SmallButton onClick={() => setText("")}>Paste a .env file</SmallButton>;
  const found = readEnv(text);
  const take = () => {
    add(found);
    setText(null);
  };
  return (
    <div className="apart">
      <TextArea
        id="env-file"
        labelText="Content of a .env file"
        placeholder="NAME=value"
        rows={4}
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <SmallButton kind="tertiary" disabled={found.length === 0} onClick={take}>{`Add ${counted(found.length, "variable")}`}</SmallButton>
    </div>
  );
}
