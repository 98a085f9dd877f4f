import { type ReactNode, useId } from "react";

/** A part of a page under its own heading, with a sentence on what it is for. */
export function Section({ title, about, children }: { title: string; about?: ReactNode; children: ReactNode }) {
  const id = useId();
  return (
    <section className="section" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {about && <p className="muted">{about}</p>}
      {children}
    </section>
  );
}
