import type { Field } from "../api/assets";
import { counted } from "./bytes";
import { Section } from "./Section";

/** The columns that a model takes; nothing where it does not say. */
export function Schema({ fields }: { fields: Field[] }) {
  if (fields.length === 0) return null;
  return (
    <Section title={`Schema of the input: ${counted(fields.length, "column")}`}>
      <div className="sideways" tabIndex={0} role="region" aria-label="Columns of the input">
        <table>
          <thead>
            <tr>
              <th scope="col">Column</th>
              <th scope="col">Type</th>
            </tr>
          </thead>
          <tbody>
            {fields.map(({ name, type }) => (
              <tr key={name}>
                <td>{name}</td>
                <td>{type}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Section>
  );
}
