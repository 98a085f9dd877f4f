import { Button, HeaderGlobalAction, HeaderPanel } from "@carbon/react";
import { Notification as Bell } from "@carbon/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "wouter";
import { inboxQuery, type Notification, readAll } from "../api/inbox";
import { Time } from "../kit/Time";
import { paths } from "../paths";
import type { PanelProps } from "./Shell";

/** The bell with the number of what is unread, and the newest notifications. */
export function InboxPanel({ open, toggle, close }: PanelProps) {
  const { data } = useQuery(inboxQuery);
  const client = useQueryClient();
  const read = useMutation({ mutationFn: readAll, onSuccess: () => client.invalidateQueries(inboxQuery) });
  const unread = data?.unread_count ?? 0;
  const label = unread ? `Notifications, ${unread} unread` : "Notifications";
  return (
    <>
      <HeaderGlobalAction aria-label={label} aria-expanded={open} isActive={open} onClick={toggle}>
        <Bell size={20} />
        {unread > 0 && <span className="bell-count">{unread > 99 ? "99+" : unread}</span>}
      </HeaderGlobalAction>
      <HeaderPanel expanded={open} aria-label="Notifications">
        {open && (
          <div className="panel">
            <h2>Notifications</h2>
            {data?.results.length === 0 && <p className="muted">Nothing yet. A job tells you here when you ask it to.</p>}
            <ul>{data?.results.map((each) => <Entry key={each.event_id} entry={each} close={close} />)}</ul>
            {unread > 0 && (
              <Button kind="ghost" size="sm" disabled={read.isPending} onClick={() => read.mutate()}>
                Mark all as read
              </Button>
            )}
          </div>
        )}
      </HeaderPanel>
    </>
  );
}

function Entry({ entry, close }: { entry: Notification; close: () => void }) {
  const { space_id: space, job_id: job, run_id: run } = entry;
  const to = space && job ? (run ? paths.run(space, job, run) : paths.job(space, job)) : null;
  return (
    <li className={entry.read ? "read" : "unread"}>
      {to ? (
        <Link href={to} onClick={close}>
          {entry.title}
        </Link>
      ) : (
        entry.title
      )}
      <small>
        <Time at={entry.created_at} />
      </small>
    </li>
  );
}
