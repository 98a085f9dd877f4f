import { type ReactNode, useEffect, useRef } from "react";
import { type Crumb, Crumbs } from "./Crumbs";

interface PageProps {
  title: string;
  /** What the window is named after, where that is more than the heading. */
  windowTitle?: string;
  crumbs?: Crumb[];
  actions?: ReactNode;
  children: ReactNode;
}

let opened = false;

/** The frame of every page: crumbs, one heading, what can be done here. The heading takes the focus after navigation. */
export function Page({ title, windowTitle = title, crumbs = [], actions, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    // Not on the first page: there the keyboard begins at the skip link.
    if (opened) heading.current?.focus({ preventScroll: true });
    opened = true;
  }, []);
  useTitle(windowTitle);
  return (
    <>
      {crumbs.length > 0 && <Crumbs items={[...crumbs, { text: title }]} />}
      <div className="page-head">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {actions && <div className="page-actions">{actions}</div>}
      </div>
      {children}
    </>
  );
}

/** Names the window after the page. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} - Gristmill`;
  }, [title]);
}
