import { InlineNotification } from "@carbon/react";
import { Refusal } from "../api/client";

/** What went wrong and the way out, in the server's own words. Nothing where nothing did. */
export function Problem({ error, title = "That did not work" }: { error: Error | null; title?: string }) {
  if (!error) return null;
  return (
    <InlineNotification kind="error" lowContrast hideCloseButton title={title} subtitle={error.message} role="alert" />
  );
}

/** What a form's field needs to show a refusal that names it. */
export function invalid(error: Error | null, ...fields: string[]): { invalid: boolean; invalidText: string } {
  const names = error instanceof Refusal && error.field !== null && fields.includes(error.field);
  return { invalid: names, invalidText: names ? error.message : "" };
}
