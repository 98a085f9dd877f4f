import { CopyButton } from "@carbon/react";

/** An id or a snippet in the open, with a button that copies it. */
export function Copy({ text, what }: { text: string; what: string }) {
  return (
    <span className="copy">
      <code>{text}</code>
      <CopyButton
        align="left"
        iconDescription={`Copy ${what}`}
        feedback="Copied"
        onClick={() => void navigator.clipboard?.writeText(text)}
      />
    </span>
  );
}
