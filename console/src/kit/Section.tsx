import { type ReactNode, useId } from "react";

type Properties = { title: string; about?: ReactNode; actions?: ReactNode; children: ReactNode };

/** A part of a page under a heading of its own, with a sentence on what it is for. */
export function Section({ title, about, actions, children }: Properties) {
  const id = useId();
  return (
    <section className="section" aria-labelledby={id}>
      <div className="section-head">
        <h2 id={id}>{title}</h2>
        {actions}
      </div>
      {about && <p className="muted">{about}</p>}
      {children}
    </section>
  );
}
