import { type DragEvent, useState } from "react";
import { bytes } from "../../kit/bytes";

interface DropFileProps {
  id: string;
  label: string;
  file: File | null;
  take: (file: File | null) => void;
  invalid: boolean;
  invalidText: string;
}

/** Takes a file from a dialog, or one that is dropped on it. */
export function DropFile({ id, label, file, take, invalid, invalidText }: DropFileProps) {
  const [over, setOver] = useState(false);
  const drag = (event: DragEvent, inside: boolean) => {
    event.preventDefault();
    setOver(inside);
  };
  const drop = (event: DragEvent) => {
    drag(event, false);
    take(event.dataTransfer.files[0] ?? null);
  };
  return (
    <div className="drop" data-over={over || undefined} onDragOver={(event) => drag(event, true)} onDragLeave={(event) => drag(event, false)} onDrop={drop}>
      <label className="cds--label" htmlFor={id}>
        {label}
      </label>
      <input
        id={id}
        type="file"
        aria-invalid={invalid}
        aria-describedby={`${id}-said`}
        onChange={(event) => take(event.target.files?.[0] ?? null)}
      />
      <p id={`${id}-said`} className={invalid ? "drop-error" : "muted"}>
        {invalid ? invalidText : file ? `${file.name}, ${bytes(file.size)}` : "Or drop it here."}
      </p>
    </div>
  );
}
