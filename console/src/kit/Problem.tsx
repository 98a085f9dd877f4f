import { InlineNotification } from "@carbon/react";
import { useEffect } from "react";
import { Refusal } from "../api/client";

/** What went wrong and the way out, in the server's own words. Nothing where nothing did. */
export function Problem({ error, title = "That did not work" }: { error: Error | null; title?: string }) {
  if (!error) return null;
  return (
    <InlineNotification kind="error" lowContrast hideCloseButton title={title} subtitle={error.message} role="alert" />
  );
}

interface Invalid {
  invalid: boolean;
  invalidText: string;
  "aria-describedby"?: string;
}

/**
 * What a form's field needs to show a refusal that names it. The field's id is the name by which the API knows it;
 * other names may follow, where the API calls it differently.
 */
export function invalid(error: Error | null, id: string, ...names: string[]): Invalid {
  if (!(error instanceof Refusal) || error.field === null || ![id, ...names].includes(error.field))
    return { invalid: false, invalidText: "" };
  // Carbon names the message as an error message only, which few screen readers read.
  return { invalid: true, invalidText: error.message, "aria-describedby": `${id}-error-msg` };
}

/** Takes the keyboard to the first field that a refusal is about. */
export function useFocusOnInvalid(error: Error | null): void {
  useEffect(() => {
    if (error) document.querySelector<HTMLElement>('main [aria-invalid="true"]')?.focus();
  }, [error]);
}
