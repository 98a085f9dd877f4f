import { Search } from "@carbon/icons-react";
import { Button, Header, HeaderGlobalAction, HeaderGlobalBar, HeaderName, SkipToContent } from "@carbon/react";
import { Component, type ReactNode, useEffect, useState } from "react";
import { Link, useLocation } from "wouter";
import { type Schemas, useRead } from "../api";
import { Page, Problem, Time } from "../kit";
import { paths } from "../paths";
import { Find, isTyped, Keys } from "./Find";
import { InboxPanel, type PanelProps, SpacesPanel, UserPanel } from "./panels";

type PanelName = "spaces" | "inbox" | "user" | "find" | "keys";

/** The header with its panels, of which one is open at most, and the page below. */
export function Shell({ user, children }: { user: Schemas["SessionUser"]; children: ReactNode }) {
  const [open, setOpen] = useState<PanelName | null>(null);
  const [location] = useLocation();
  useKeys(setOpen);
  const close = () => setOpen(null);
  const panel = (name: PanelName): PanelProps => ({ open: open === name, toggle: () => setOpen(open === name ? null : name), close });
  const find = panel("find");
  return (
    <div onKeyDown={(event) => event.key === "Escape" && close()}>
      <Header aria-label="Gristmill">
        <SkipToContent />
        <HeaderName as={Link} href={paths.spaces} prefix="">Gristmill</HeaderName>
        <HeaderGlobalBar>
          <HeaderGlobalAction aria-label="Find" aria-expanded={find.open} isActive={find.open} onClick={find.toggle}>
            <Search size={20} />
          </HeaderGlobalAction>
          <SpacesPanel {...panel("spaces")} />
          <InboxPanel {...panel("inbox")} />
          <UserPanel user={user} {...panel("user")} />
        </HeaderGlobalBar>
      </Header>
      {find.open && <Find close={close} />}
      {open === "keys" && <Keys />}
      <main id="main-content" onClick={() => open && close()}>
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

const MEANS: Record<string, [who: string, means: string]> = {
  scheduler: ["The scheduler is silent", "schedules start nothing"],
  workers: ["All workers are silent", "nothing that waits will start"],
};

/** Says so when nobody is at work: nothing is worse than a calm page over a dead scheduler. */
function SilenceBanner() {
  const { data } = useRead("/v1/health", {}, { refetchInterval: 10_000 });
  if (!data || data.silent.length === 0) return null;
  const seen: Record<string, string | null> = { scheduler: data.scheduler_seen_at, workers: data.workers_seen_at };
  return (
    <div className="silence" role="alert">
      {data.silent.map((name) => (
        <p key={name}>
          <strong>{MEANS[name]?.[0] ?? name}</strong>: {MEANS[name]?.[1]}.{" "}
          {seen[name] ? <>Last heard of <Time at={seen[name]} />.</> : "Not heard of yet."}
        </p>
      ))}
    </div>
  );
}

const KEPT = "gristmill-reloaded-at";
const ONCE_MS = 60_000;

type State = { error: Error | null };

/** Holds back what breaks on a page: the header stays, and the page says so. Given the address as its key, it mends itself. */
export class PageBoundary extends Component<{ children: ReactNode }, State> {
  override state: State = { error: null };

  static getDerivedStateFromError = (error: Error): State => ({ error });

  override componentDidCatch(error: Error): void {
    // A part of the console is gone, as after an upgrade under an open window.
    if (/dynamically imported module|module script|preload CSS/i.test(error.message)) reloadOnce();
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <Page title="This page broke">
        <Problem error={error} title="Something went wrong here" />
        <Button onClick={() => location.reload()}>Load it again</Button>
      </Page>
    );
  }
}

/** Loads the page anew, but not again and again. */
function reloadOnce(): void {
  if (Date.now() - Number(sessionStorage.getItem(KEPT)) < ONCE_MS) return;
  sessionStorage.setItem(KEPT, String(Date.now()));
  location.reload();
}
