import { Button, Checkbox, FormGroup, TextArea, TextInput } from "@carbon/react";
import { Add, TrashCan } from "@carbon/icons-react";
import { useState } from "react";
import { invalid } from "../../kit/Problem";
import { variableField } from "./body";
import { readEnv, type Variable } from "./draft";

interface VariablesProps {
  variables: Variable[];
  change: (variables: Variable[]) => void;
  error: Error | null;
}

/** Environment variables as rows; a secret is typed blind, stored encrypted and never shown again. */
export function Variables({ variables, change, error }: VariablesProps) {
  const edit = (at: number, changes: Partial<Variable>) =>
    change(variables.map((each, index) => (index === at ? { ...each, ...changes } : each)));
  return (
    <FormGroup legendText="Environment variables">
      <p className="muted">
        Secrets are stored encrypted and never shown again. They are not kept with the draft: after a reload, type them anew.
      </p>
      {variables.map((variable, at) => (
        <div className="variable" key={at}>
          <TextInput
            id={`variable-${at}`}
            size="md"
            labelText={`Name ${at + 1}`}
            value={variable.name}
            {...invalid(error, `variable-${at}`, variableField(variables, at))}
            onChange={(event) => edit(at, { name: event.target.value })}
          />
          <TextInput
            id={`value-${at}`}
            size="md"
            type={variable.secret ? "password" : "text"}
            autoComplete="off"
            labelText={`Value ${at + 1}`}
            value={variable.value}
            {...invalid(error, `value-${at}`)}
            onChange={(event) => edit(at, { value: event.target.value })}
          />
          <Checkbox
            id={`secret-${at}`}
            labelText="Secret"
            checked={variable.secret}
            onChange={(_, { checked }) => edit(at, { secret: checked })}
          />
          <Button
            kind="ghost"
            size="md"
            hasIconOnly
            renderIcon={TrashCan}
            iconDescription={`Remove variable ${at + 1}`}
            tooltipAlignment="end"
            onClick={() => change(variables.filter((_, index) => index !== at))}
          />
        </div>
      ))}
      <Button
        kind="ghost"
        size="sm"
        renderIcon={Add}
        onClick={() => change([...variables, { name: "", value: "", secret: false }])}
      >
        Add a variable
      </Button>
      <PasteEnv add={(found) => change([...variables, ...found])} />
    </FormGroup>
  );
}

function PasteEnv({ add }: { add: (found: Variable[]) => void }) {
  const [text, setText] = useState<string | null>(null);
  if (text === null)
    return (
      <Button kind="ghost" size="sm" onClick={() => setText("")}>
        Paste a .env file
      </Button>
    );
  const found = readEnv(text);
  const take = () => {
    add(found);
    setText(null);
  };
  return (
    <div className="paste">
      <TextArea
        id="env-file"
        labelText="Content of a .env file"
        placeholder="NAME=value"
        rows={4}
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <Button kind="tertiary" size="sm" disabled={found.length === 0} onClick={take}>
        {found.length === 1 ? "Add 1 variable" : `Add ${found.length} variables`}
      </Button>
    </div>
  );
}
