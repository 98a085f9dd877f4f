import { Button } from "@carbon/react";
import { type Notification, send, useChange, useRead } from "../../api";
import { type Column, Empty, FilterChips, List, Muted, Page, Problem, SmallButton, Time, useParams } from "../../kit";
import { ASKED_AGAIN, INBOX, Subject, useReadAll } from "../../shell/panels";

/** What somebody was told, all of it or what is unread; each leads to its run or job. */
export default function InboxPage() {
  const { filter, start } = useParams("filter", "start");
  const unread = filter === "unread";
  // The mark of a page is the whole object `next`, sent back as JSON.
  const list = useRead(INBOX, { limit: 50, unread, next: start && JSON.stringify({ start }) }, ASKED_AGAIN);
  const one = useChange((event: string) => send("POST", `${INBOX}/${event}/read`), INBOX);
  const readAll = useReadAll();
  const { data } = list;
  const all = data?.total_rows ?? data?.results.length;
  const button = <Button kind="tertiary" size="md" onClick={() => readAll.mutate()}>Mark all as read</Button>;
  return (
    <Page title="Notifications" actions={data && data.unread_count > 0 && button}>
      <Problem error={one.error ?? readAll.error} title="The notifications are as they were" />
      {data && <FilterChips chips={[[null, "All", unread ? undefined : all], ["unread", "Unread", data.unread_count]]} />}
      <List
        label="Notifications"
        of={list}
        problem="The notifications cannot be shown"
        columns={columns(one.mutate)}
        rowKey={(entry) => entry.event_id}
        empty={<Empty title={unread ? "You have read everything" : "Nothing yet"}>A job tells you here when you ask it to.</Empty>}
      />
    </Page>
  );
}

const columns = (read: (event: string) => void): Column<Notification>[] => [
  { header: "When", cell: ({ created_at: at }) => <Time at={at} /> },
  {
    header: "What",
    cell: (entry) => (
      <>
        <span className={entry.read ? "" : "unread"}><Subject entry={entry} /></span>
        <small className="pre">{entry.text}</small>
      </>
    ),
  },
  {
    header: "Read",
    cell: ({ read: done, title, event_id: event }) =>
      done ? <Muted>Read</Muted> : <SmallButton about={title} onClick={() => read(event)}>Mark as read</SmallButton>,
  },
];
