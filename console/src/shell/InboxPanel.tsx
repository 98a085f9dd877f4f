import { Button } from "@carbon/react";
import { Notification as Bell } from "@carbon/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "wouter";
import { inboxQuery, type Notification, readAll } from "../api/inbox";
import { Time } from "../kit/Time";
import { paths } from "../paths";
import { Drawer } from "./Drawer";
import type { PanelProps } from "./Shell";

/** The bell with the number of what is unread, and the newest notifications. */
export function InboxPanel(panel: PanelProps) {
  const { data } = useQuery(inboxQuery);
  const client = useQueryClient();
  const read = useMutation({ mutationFn: readAll, onSuccess: () => client.invalidateQueries(inboxQuery) });
  const unread = data?.unread_count ?? 0;
  return (
    <Drawer
      label={unread ? `Notifications, ${unread} unread` : "Notifications"}
      title="Notifications"
      icon={<BellWithCount unread={unread} />}
      {...panel}
    >
      {data?.results.length === 0 && <p className="muted">Nothing yet. A job tells you here when you ask it to.</p>}
      <ul>
        {data?.results.map((entry) => (
          <Entry key={entry.event_id} entry={entry} close={panel.close} />
        ))}
      </ul>
      {unread > 0 && (
        <Button kind="ghost" size="sm" disabled={read.isPending} onClick={() => read.mutate()}>
          Mark all as read
        </Button>
      )}
      <Link href={paths.inbox} onClick={panel.close}>
        All notifications
      </Link>
    </Drawer>
  );
}

function BellWithCount({ unread }: { unread: number }) {
  return (
    <>
      <Bell size={20} />
      {unread > 0 && <span className="bell-count">{unread > 99 ? "99+" : unread}</span>}
    </>
  );
}

function Entry({ entry, close }: { entry: Notification; close: () => void }) {
  const to = addressOf(entry);
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

/** Where a notification leads: to its run or job; nowhere where it is about neither. */
export function addressOf({ space_id: space, job_id: job, run_id: run }: Notification): string | null {
  if (!space || !job) return null;
  return run ? paths.run(space, job, run) : paths.job(space, job);
}
