import { Asleep, Light, Logout, Notification as Bell, Switcher, UserAvatar } from "@carbon/icons-react";
import { Button, HeaderGlobalAction } from "@carbon/react";
import { useMutation } from "@tanstack/react-query";
import { type ReactNode, useEffect, useState } from "react";
import { Link } from "wouter";
import { LISTED, type Notification, queryClient, type Schemas, send, SESSION, useChange, useRead } from "../api";
import { SmallButton, Time } from "../kit";
import { paths } from "../paths";

/** What a panel of the header needs to know. */
export type PanelProps = { open: boolean; toggle: () => void; close: () => void };

interface DrawerProps extends PanelProps {
  label: string;
  title: string;
  icon: ReactNode;
  last?: boolean;
  children: ReactNode;
}

/** A button of the header, and what it opens below the header at the side. */
function Drawer({ label, title, icon, last = false, open, toggle, children }: DrawerProps) {
  const tooltip = last ? { tooltipAlignment: "end" as const } : {};
  return (
    <>
      <HeaderGlobalAction aria-label={label} aria-expanded={open} isActive={open} onClick={toggle} {...tooltip}>{icon}</HeaderGlobalAction>
      {open && <section className="drawer" aria-label={title}><h2>{title}</h2>{children}</section>}
    </>
  );
}

/** A way from a panel, which closes it. */
const Way = ({ to, panel, children }: { to: string; panel: PanelProps; children: ReactNode }) => (
  <li><Link href={to} onClick={panel.close}>{children}</Link></li>
);

/** Goes from one space to another. */
export function SpacesPanel(panel: PanelProps) {
  const { data } = useRead("/v2/space_summaries", {}, { ...LISTED, enabled: panel.open });
  return (
    <Drawer label="Switch space" title="Spaces" icon={<Switcher size={20} />} {...panel}>
      <ul>
        <Way to={paths.spaces} panel={panel}>All spaces</Way>
        {data?.results.map(({ id, name }) => <Way key={id} to={paths.space(id)} panel={panel}>{name}</Way>)}
      </ul>
    </Drawer>
  );
}

export const INBOX = "/v2/notifications";
export const ASKED_AGAIN = { refetchInterval: 15_000 };

export const useReadAll = () => useChange(() => send("POST", `${INBOX}/read_all`), INBOX);

/** The bell with the number of what is unread, and the newest notifications. */
export function InboxPanel(panel: PanelProps) {
  const { data } = useRead(INBOX, { limit: 10 }, ASKED_AGAIN);
  const readAll = useReadAll();
  const unread = data?.unread_count ?? 0;
  const bell = <><Bell size={20} />{unread > 0 && <span className="bell-count">{unread > 99 ? "99+" : unread}</span>}</>;
  return (
    <Drawer label={unread ? `Notifications, ${unread} unread` : "Notifications"} title="Notifications" icon={bell} {...panel}>
      {data?.results.length === 0 && <p className="muted">Nothing yet. A job tells you here when you ask it to.</p>}
      <ul>
        {data?.results.map((entry) => (
          <li key={entry.event_id} className={entry.read ? "read" : "unread"}>
            <Subject entry={entry} onClick={panel.close} />
            <small><Time at={entry.created_at} /></small>
          </li>
        ))}
      </ul>
      {unread > 0 && <SmallButton disabled={readAll.isPending} onClick={() => readAll.mutate()}>Mark all as read</SmallButton>}
      <Link href={paths.inbox} onClick={panel.close}>All notifications</Link>
    </Drawer>
  );
}

/** What a notification is about, with the way to its run or job, where it is about one. */
export function Subject({ entry, onClick }: { entry: Notification; onClick?: () => void }) {
  const { space_id: space, job_id: job, run_id: run, title } = entry;
  if (!space || !job) return <>{title}</>;
  return <Link href={run ? paths.run(space, job, run) : paths.job(space, job)} onClick={onClick}>{title}</Link>;
}

/** Who is signed in, the theme, and signing out. */
export function UserPanel({ user, ...panel }: PanelProps & { user: Schemas["SessionUser"] }) {
  const [theme, toggle] = useTheme();
  const leave = useMutation({
    mutationFn: () => send("DELETE", SESSION),
    onSuccess: async () => {
      await queryClient.refetchQueries({ queryKey: [SESSION] });
      // Whatever else was read belongs to whoever was signed in.
      queryClient.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== SESSION });
    },
  });
  const light = theme === "white";
  return (
    <Drawer label={`User ${user.name}`} title={user.display_name} icon={<UserAvatar size={20} />} last {...panel}>
      <p className="muted">{user.administrator ? `${user.name}, administrator` : user.name}</p>
      <ul>
        <Way to={paths.profile} panel={panel}>Profile</Way>
        {user.administrator && <Way to={paths.administration("users")} panel={panel}>Administration</Way>}
      </ul>
      <Button kind="ghost" renderIcon={light ? Asleep : Light} onClick={toggle}>{light ? "Dark theme" : "Light theme"}</Button>
      <Button kind="ghost" renderIcon={Logout} disabled={leave.isPending} onClick={() => leave.mutate()}>Sign out</Button>
    </Drawer>
  );
}

/** The key that public/theme.js reads before the first paint. */
const KEPT = "gristmill-theme";

/** The theme that public/theme.js set before the first paint, and what changes and keeps it. */
function useTheme(): [theme: string, toggle: () => void] {
  const [theme, setTheme] = useState(() => (document.documentElement.classList.contains("cds--g100") ? "g100" : "white"));
  useEffect(() => {
    document.documentElement.className = `cds--${theme}`;
  }, [theme]);
  const toggle = () => {
    const other = theme === "white" ? "g100" : "white";
    localStorage.setItem(KEPT, other);
    setTheme(other);
  };
  return [theme, toggle];
}
