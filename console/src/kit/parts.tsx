import { Button, CopyButton, type ButtonKind } from "@carbon/react";
import { Download } from "@carbon/icons-react";
import { type ReactNode, useId } from "react";
import { Link } from "wouter";
import { Problem } from "./form";

interface SectionProps {
  title: string;
  about?: ReactNode;
  actions?: ReactNode;
  error?: Error | null;
  problem?: string;
  children: ReactNode;
}

/** A part of a page under a heading of its own, with a sentence on what it is for. */
export function Section({ title, about, actions, error = null, problem, children }: SectionProps) {
  const id = useId();
  return (
    <section className="section" aria-labelledby={id}>
      <div className="section-head"><h2 id={id}>{title}</h2>{actions}</div>
      {about && <p className="muted">{about}</p>}
      <Problem error={error} title={problem} />
      {children}
    </section>
  );
}

export type Fact = [name: string, value: ReactNode];

/** Names and what they are; what is null or empty is left out. */
export const Facts = ({ facts, className = "facts" }: { facts: Fact[]; className?: string }) => (
  <dl className={className}>
    {facts.filter(([, value]) => value || value === 0).map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}
  </dl>
);

/** An empty list teaches: what would be here, and one thing to do about it. */
export const Empty = ({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) => (
  <div className="empty">
    <p className="empty-title">{title}</p>
    {children && <p>{children}</p>}
    {action}
  </div>
);

export const CopyThat = ({ text, what }: { text: string; what: string }) => (
  <CopyButton align="left" iconDescription={`Copy ${what}`} feedback="Copied" onClick={() => void navigator.clipboard?.writeText(text)} />
);

/** An id or a snippet in the open, with a button that copies it. */
export const Copy = ({ text, what }: { text: string; what: string }) => (
  <span className="copy"><code>{text}</code><CopyThat text={text} what={what} /></span>
);

export const Secret = ({ text, what, children }: { text: string; what: string; children: string }) => (
  <div role="status" className="attention">
    <p>{children} Copy it now: it is not shown again.</p>
    <Copy text={text} what={what} />
  </div>
);

/** Fetches a file of the API by its address there, under a name. */
export const DownloadLink = ({ href, name, children }: { href: string; name: string; children: string }) => (
  <Button as="a" size="sm" kind="ghost" renderIcon={Download} href={href} download={name}>{children}</Button>
);

interface SmallButtonProps {
  children: string;
  /** What it is about, for those who hear the page. */
  about?: string;
  kind?: ButtonKind;
  disabled?: boolean;
  onClick: () => void;
}

export const SmallButton = ({ children, about, kind = "ghost", ...button }: SmallButtonProps) => (
  <Button kind={kind} size="sm" {...(about ? { "aria-label": `${children}: ${about}` } : {})} {...button}>{children}</Button>
);

export const Muted = ({ children }: { children: ReactNode }) => <span className="muted">{children}</span>;

/** A line of a list by its name, with what there is to say of it below. */
export const Named = ({ to, name, about, children }: { to: string; name: string; about?: ReactNode; children?: ReactNode }) => (
  <><Link href={to}>{name}</Link> {children}{about && <small>{about}</small>}</>
);
