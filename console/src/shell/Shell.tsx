import { Header, HeaderGlobalBar, HeaderName, SkipToContent } from "@carbon/react";
import { type ReactNode, useState } from "react";
import { Link, useLocation } from "wouter";
import type { SessionUser } from "../api/session";
import { paths } from "../paths";
import { InboxPanel } from "./InboxPanel";
import { PageBoundary } from "./PageBoundary";
import { SpacesPanel } from "./SpacesPanel";
import { UserPanel } from "./UserPanel";

export type PanelName = "spaces" | "inbox" | "user";

/** What a panel of the header needs to know. */
export interface PanelProps {
  open: boolean;
  toggle: () => void;
  close: () => void;
}

/** The header with its panels, of which one is open at most, and the page below. */
export function Shell({ user, children }: { user: SessionUser; children: ReactNode }) {
  const [open, setOpen] = useState<PanelName | null>(null);
  const [location] = useLocation();
  const panel = (name: PanelName): PanelProps => ({
    open: open === name,
    toggle: () => setOpen(open === name ? null : name),
    close: () => setOpen(null),
  });
  return (
    <div onKeyDown={(event) => event.key === "Escape" && setOpen(null)}>
      <Header aria-label="Gristmill">
        <SkipToContent />
        <HeaderName as={Link} href={paths.spaces} prefix="">
          Gristmill
        </HeaderName>
        <HeaderGlobalBar>
          <SpacesPanel {...panel("spaces")} />
          <InboxPanel {...panel("inbox")} />
          <UserPanel user={user} {...panel("user")} />
        </HeaderGlobalBar>
      </Header>
      <main id="main-content" onClick={() => open && setOpen(null)}>
        <PageBoundary key={location}>{children}</PageBoundary>
      </main>
    </div>
  );
}
