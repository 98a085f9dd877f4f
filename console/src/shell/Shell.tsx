import { Search } from "@carbon/icons-react";
import { Header, HeaderGlobalAction, HeaderGlobalBar, HeaderName, SkipToContent } from "@carbon/react";
import { type ReactNode, useEffect, useState } from "react";
import { Link, useLocation } from "wouter";
import type { SessionUser } from "../api/session";
import { paths } from "../paths";
import { Find } from "./Find";
import { InboxPanel } from "./InboxPanel";
import { isTyped, Keys } from "./Keys";
import { PageBoundary } from "./PageBoundary";
import { SilenceBanner } from "./SilenceBanner";
import { SpacesPanel } from "./SpacesPanel";
import { UserPanel } from "./UserPanel";

export type PanelName = "spaces" | "inbox" | "user" | "find" | "keys";

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
  useKeys(setOpen);
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
          <HeaderGlobalAction aria-label="Find" aria-expanded={open === "find"} isActive={open === "find"} onClick={panel("find").toggle}>
            <Search size={20} />
          </HeaderGlobalAction>
          <SpacesPanel {...panel("spaces")} />
          <InboxPanel {...panel("inbox")} />
          <UserPanel user={user} {...panel("user")} />
        </HeaderGlobalBar>
      </Header>
      {open === "find" && <Find close={() => setOpen(null)} />}
      {open === "keys" && <Keys />}
      <main id="main-content" onClick={() => open && setOpen(null)}>
        <SilenceBanner />
        <PageBoundary key={location}>{children}</PageBoundary>
      </main>
    </div>
  );
}

/** `/` finds, `?` tells the keys, wherever nobody is typing. */
function useKeys(open: (panel: PanelName | null) => void): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.key === "Escape") open(null);
      const panel = event.key === "/" ? "find" : event.key === "?" ? "keys" : null;
      if (!panel || isTyped(event)) return;
      event.preventDefault();
      open(panel);
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, [open]);
}
