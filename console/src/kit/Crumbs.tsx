import { Breadcrumb, BreadcrumbItem } from "@carbon/react";
import { Link } from "wouter";

export interface Crumb {
  text: string;
  to?: string;
}

/** The way here from the list of spaces; the last crumb is this page, and no link. */
export function Crumbs({ items }: { items: Crumb[] }) {
  return (
    <Breadcrumb noTrailingSlash aria-label="Breadcrumbs">
      {items.map(({ text, to }) => (
        <BreadcrumbItem key={to ?? text} isCurrentPage={!to}>
          {to ? <Link href={to}>{text}</Link> : <span>{text}</span>}
        </BreadcrumbItem>
      ))}
    </Breadcrumb>
  );
}
