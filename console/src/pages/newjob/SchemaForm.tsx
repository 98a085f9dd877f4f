import { Button, FormGroup, Select, SelectItem, TextInput } from "@carbon/react";
import { Add } from "@carbon/icons-react";
import type { Field } from "../../api/jobTargets";
import { invalid } from "../../kit/Problem";
import { isBoolean, isNumber } from "./body";
import type { StepProps } from "./StepBody";

/** A field for each column that the model's schema names, and that for each row. */
export function SchemaForm({ draft, set, fields, error }: StepProps) {
  const { rows } = draft;
  const wrong = cellOf(error);
  const edit = (at: number, name: string, value: string) =>
    set({ rows: rows.map((row, index) => (index === at ? { ...row, [name]: value } : row)) });
  return (
    <>
      {rows.map((row, at) => (
        <FormGroup key={at} legendText={`Row ${at + 1}`}>
          <div className="columns">
            {fields.map((field, place) => (
              <Cell
                key={field.name}
                id={place === 0 ? `row-${at}` : `row-${at}-${field.name}`}
                field={field}
                value={row[field.name] ?? ""}
                error={wrong && wrong.row === at && wrong.name === field.name ? wrong.message : null}
                refusal={error}
                change={(value) => edit(at, field.name, value)}
              />
            ))}
          </div>
          {rows.length > 1 && (
            <Button kind="ghost" size="sm" onClick={() => set({ rows: rows.filter((_, index) => index !== at) })}>
              {`Remove row ${at + 1}`}
            </Button>
          )}
        </FormGroup>
      ))}
      <Button kind="ghost" size="sm" renderIcon={Add} onClick={() => set({ rows: [...rows, {}] })}>
        Add a row
      </Button>
    </>
  );
}

interface CellProps {
  id: string;
  field: Field;
  value: string;
  error: string | null;
  refusal: Error | null;
  change: (value: string) => void;
}

function Cell({ id, field, value, error, refusal, change }: CellProps) {
  const shown = error
    ? { invalid: true, invalidText: error, "aria-describedby": `${id}-error-msg` }
    : invalid(refusal, id);
  if (isBoolean(field))
    return (
      <Select id={id} labelText={field.name} value={value} {...shown} onChange={(event) => change(event.target.value)}>
        <SelectItem value="" text="Missing" />
        <SelectItem value="true" text="true" />
        <SelectItem value="false" text="false" />
      </Select>
    );
  return (
    <TextInput
      id={id}
      labelText={field.name}
      helperText={field.type}
      {...(isNumber(field) ? { inputMode: "decimal" as const } : {})}
      value={value}
      {...shown}
      onChange={(event) => change(event.target.value)}
    />
  );
}

/** Which cell a refusal of rows is about: it names the row and the column. */
function cellOf(error: Error | null): { row: number; name: string; message: string } | null {
  const found = /row (\d+), column (['"])(.*?)\2 (holds .*)/.exec(error?.message ?? "");
  return found ? { row: Number(found[1]) - 1, name: found[3] ?? "", message: `It ${found[4]}` } : null;
}
