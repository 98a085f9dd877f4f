import { Button, FormGroup, TextInput } from "@carbon/react";
import { Add } from "@carbon/icons-react";
import { Choice, invalid, SmallButton, wrong } from "../../kit";
import { isBoolean, isNumber } from "./body";
import type { StepProps } from "./choices";

const TRUTHS = [["", "Missing"], ["true", "true"], ["false", "false"]] as const;

/** A field for each column that the model's schema names, and that for each row. */
export function SchemaForm({ draft: { rows }, set, fields, error }: StepProps) {
  const refused = cellOf(error);
  const edit = (at: number, name: string, value: string) =>
    set({ rows: rows.map((row, index) => (index === at ? { ...row, [name]: value } : row)) });
  const remove = (at: number) => set({ rows: rows.filter((_, index) => index !== at) });
  return (
    <>
      {rows.map((row, at) => (
        <FormGroup key={at} legendText={`Row ${at + 1}`}>
          <div className="side-by-side">
            {fields.map((field, place) => {
              const { name, type } = field;
              const id = place === 0 ? `row-${at}` : `row-${at}-${name}`;
              const isIt = refused?.row === at && refused.name === name;
              const shown = isIt ? wrong(id, refused.message) : invalid(error, id);
              const onChange = ({ target }: { target: { value: string } }) => edit(at, name, target.value);
              const common = { id, labelText: name, value: row[name] ?? "", onChange, ...shown };
              if (isBoolean(field)) return <Choice key={name} {...common} options={TRUTHS} />;
              return <TextInput key={name} {...common} helperText={type} inputMode={isNumber(field) ? "decimal" : "text"} />;
            })}
          </div>
          {rows.length > 1 && <SmallButton onClick={() => remove(at)}>{`Remove row ${at + 1}`}</SmallButton>}
        </FormGroup>
      ))}
      <Button kind="ghost" size="sm" renderIcon={Add} onClick={() => set({ rows: [...rows, {}] })}>Add a row</Button>
    </>
  );
}

/** Which cell a refusal of rows is about: it names the row and the column. */
function cellOf(error: Error | null): { row: number; name: string; message: string } | null {
  const found = /row (\d+), column (['"])(.*?)\2 (holds .*)/.exec(error?.message ?? "");
  return found ? { row: Number(found[1]) - 1, name: found[3] ?? "", message: `It ${found[4]}` } : null;
}
