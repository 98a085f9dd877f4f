import { Button, FormGroup, TextInput } from "@carbon/react";
import { Add } from "@carbon/icons-react";
import type { ClipboardEvent } from "react";
import { Choice, invalid, SmallButton, wrong } from "../../kit";
import { isBoolean, isNumber, table, written } from "./body";
import type { StepProps } from "./choices";

/** More rows are easier to read as JSON. */
const MOST_ROWS = 50;
const TRUTHS = [["", "Missing"], ["true", "true"], ["false", "false"]] as const;

/** A field for each column that the model's schema names, and that for each row. */
export function SchemaForm({ draft: { rows }, set, fields, error }: StepProps) {
  const refused = cellOf(error);
  const edit = (at: number, name: string, value: string) =>
    set({ rows: rows.map((row, index) => (index === at ? { ...row, [name]: value } : row)) });
  const paste = (event: ClipboardEvent, at: number, place: number) => {
    const found = pasted(event.clipboardData.getData("text/plain"), fields.map(({ name }) => name), place);
    if (!found) return;
    event.preventDefault();
    const all = [...rows.slice(0, at), ...found.map((row, index) => ({ ...rows[at + index], ...row })), ...rows.slice(at + found.length)];
    set(all.length > MOST_ROWS ? { source: "json", json: written([table(all, fields)]) } : { rows: all });
  };
  const remove = (at: number) => set({ rows: rows.filter((_, index) => index !== at) });
  return (
    <>
      <p className="muted">Cells that you copied from a spreadsheet can be pasted into any field; a first row of column names is understood.</p>
      {rows.map((row, at) => (
        <FormGroup key={at} legendText={`Row ${at + 1}`}>
          <div className="side-by-side">
            {fields.map((field, place) => {
              const { name, type } = field;
              const id = place === 0 ? `row-${at}` : `row-${at}-${name}`;
              const isIt = refused?.row === at && refused.name === name;
              const shown = isIt ? wrong(id, refused.message) : invalid(error, id);
              const onChange = ({ target }: { target: { value: string } }) => edit(at, name, target.value);
              const onPaste = (event: ClipboardEvent) => paste(event, at, place);
              const common = { id, labelText: name, value: row[name] ?? "", onChange, onPaste, ...shown };
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

/** Cells of a spreadsheet as rows, from the column on into which they are pasted; null where it is one plain value. */
function pasted(text: string, names: string[], place: number): Record<string, string>[] | null {
  const lines = text.replace(/\r?\n$/, "").split(/\r?\n/).map((line) => line.split("\t"));
  if (lines.length === 1 && lines[0]?.length === 1) return null;
  const headed = lines[0]?.every((cell) => names.includes(cell));
  const heads = headed ? lines.shift()! : names.slice(place);
  return lines.map((cells) => Object.fromEntries(heads.map((name, at) => [name, (cells[at] ?? "").trim()])));
}

/** Which cell a refusal of rows is about: it names the row and the column. */
function cellOf(error: Error | null): { row: number; name: string; message: string } | null {
  const found = /row (\d+), column (['"])(.*?)\2 (holds .*)/.exec(error?.message ?? "");
  return found ? { row: Number(found[1]) - 1, name: found[3] ?? "", message: `It ${found[4]}` } : null;
}
