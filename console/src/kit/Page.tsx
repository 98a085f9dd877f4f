import { Breadcrumb, BreadcrumbItem } from "@carbon/react";
import { type ReactNode, useEffect, useRef } from "react";
import { Link } from "wouter";
import { useRead } from "../api";
import { Empty } from "./parts";
import { paths } from "../paths";

type Crumb = [text: string, to: string];

interface PageProps {
  title: string;
  /** What the window is named after, where that is more than the heading. */
  windowTitle?: string;
  crumbs?: Crumb[];
  actions?: ReactNode;
  children: ReactNode;
}

export const TOP: Crumb = ["Deployment spaces", paths.spaces];

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
      {crumbs.length > 0 && (
        <Breadcrumb noTrailingSlash aria-label="Breadcrumbs">
          {crumbs.map(([text, to]) => <BreadcrumbItem key={to}><Link href={to}>{text}</Link></BreadcrumbItem>)}
          <BreadcrumbItem isCurrentPage><span>{title}</span></BreadcrumbItem>
        </Breadcrumb>
      )}
      <div className="page-head">
        <h1 ref={heading} tabIndex={-1}>{title}</h1>
        {actions && <div className="buttons">{actions}</div>}
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

export const useSpace = (space_id: string) => useRead("/v2/spaces/{space_id}", { space_id }, { staleTime: 30_000 });

/** The crumbs of a page below a space, of which `to` is the list that it belongs to. */
export const useSpaceCrumbs = (space: string, to: string): Crumb[] => [TOP, [useSpace(space).data?.entity.name ?? "Space", to]];

/** Pages of one thing, of which the address chooses one. */
export const Tabs = ({ label, tabs, open }: { label: string; tabs: [key: string, text: string, to: string][]; open: string }) => (
  <nav className="tabs" aria-label={label}>
    {tabs.map(([key, text, to]) => <Link key={key} href={to} aria-current={key === open ? "page" : undefined}>{text}</Link>)}
  </nav>
);

export const NotFoundPage = () => (
  <Page title="There is no such page">
    <Empty title="Nothing is at this address" action={<Link href={paths.spaces}>All spaces</Link>}>
      It may have been deleted, or the link is incomplete.
    </Empty>
  </Page>
);
