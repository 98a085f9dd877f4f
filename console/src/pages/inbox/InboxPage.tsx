import { Button } from "@carbon/react";
import { useQuery } from "@tanstack/react-query";
import { Link, useSearchParams } from "wouter";
import { type Inbox, inboxPageQuery, type Notification, readAll, readOne } from "../../api/inbox";
import { type Column, CursorTable } from "../../kit/CursorTable";
import { Empty } from "../../kit/Empty";
import { type Chip, FilterChips } from "../../kit/FilterChips";
import { Page } from "../../kit/Page";
import { Problem } from "../../kit/Problem";
import { Time } from "../../kit/Time";
import { useChange } from "../../kit/useChange";
import { addressOf } from "../../shell/InboxPanel";

/** What somebody was told, all of it or what is unread; each leads to its run or job. */
export default function InboxPage() {
  const [search] = useSearchParams();
  const unread = search.get("filter") === "unread";
  const { data, error } = useQuery(inboxPageQuery(unread, search.get("start")));
  const one = useChange(readOne, ["inbox"]);
  const all = useChange(readAll, ["inbox"]);
  return (
    <Page title="Notifications" actions={data && data.unread_count > 0 && <ReadAll read={() => all.mutate()} />}>
      <Problem error={error ?? one.error ?? all.error} title="The notifications cannot be shown" />
      {data && <FilterChips chips={chips(data, unread)} />}
      {data?.results.length === 0 && (
        <Empty title={unread ? "You have read everything" : "Nothing yet"}>A job tells you here when you ask it to.</Empty>
      )}
      {data && data.results.length > 0 && (
        <CursorTable
          label="Notifications"
          columns={columns((id) => one.mutate(id))}
          rows={data.results}
          rowKey={(entry) => entry.event_id}
          next={data.next?.start ?? null}
        />
      )}
    </Page>
  );
}

const ReadAll = ({ read }: { read: () => void }) => (
  <Button kind="tertiary" size="md" onClick={read}>
    Mark all as read
  </Button>
);

function chips(data: Inbox & { total_rows?: number }, unread: boolean): Chip[] {
  const all = unread ? [] : [data.total_rows ?? data.results.length];
  return [
    { value: null, label: "All", ...(all[0] === undefined ? {} : { count: all[0] }) },
    { value: "unread", label: "Unread", count: data.unread_count },
  ];
}

const columns = (read: (id: string) => void): Column<Notification>[] => [
  { header: "When", cell: (entry) => <Time at={entry.created_at} /> },
  {
    header: "What",
    cell: (entry) => {
      const to = addressOf(entry);
      const title = entry.read ? entry.title : <strong>{entry.title}</strong>;
      return (
        <>
          {to ? <Link href={to}>{title}</Link> : title}
          <small className="pre">{entry.text}</small>
        </>
      );
    },
  },
  {
    header: "Read",
    cell: (entry) =>
      entry.read ? (
        <span className="muted">Read</span>
      ) : (
        <Button kind="ghost" size="sm" aria-label={`Mark as read: ${entry.title}`} onClick={() => read(entry.event_id)}>
          Mark as read
        </Button>
      ),
  },
];
