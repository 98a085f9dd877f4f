import { TextInput } from "@carbon/react";
import { keepPreviousData } from "@tanstack/react-query";
import type { ComponentType } from "react";
import { type Schemas, SESSION, useRead } from "../../api";
import { type Column, Empty, List, NotFoundPage, Page, Tabs, Time, UrlSearch, useParam, useParams } from "../../kit";
import { Queue, Storage, Workers } from "./Machines";
import { Users } from "./Users";
import { paths } from "../../paths";

const TABS: Record<string, [label: string, tab: ComponentType]> = {
  users: ["Users", Users],
  workers: ["Workers", Workers],
  queue: ["Queue", Queue],
  storage: ["Storage", Storage],
  audit: ["Audit log", Audit],
};

/** What administrators keep and look at. */
export default function AdministrationPage({ tab }: { tab: string }) {
  const { data } = useRead(SESSION);
  const open = TABS[tab];
  if (!open) return <NotFoundPage />;
  if (!data?.user?.administrator)
    return (
      <Page title="Administration">
        <Empty title="This is for administrators">Ask one of yours to make you an administrator too.</Empty>
      </Page>
    );
  const [label, Tab] = open;
  return (
    <Page title="Administration" windowTitle={`${label} - Administration`}>
      <Tabs label="Administration" tabs={Object.entries(TABS).map(([key, [text]]) => [key, text, paths.administration(key)])} open={tab} />
      <Tab />
    </Page>
  );
}

/** Who did what, the newest first; user, action and times are in the address. */
function Audit() {
  const { since, until, ...asked } = useParams("user", "action", "start", "since", "until");
  const given = { ...asked, since: beginOf(since), until: beginOf(until), limit: 50 };
  const list = useRead("/v1/audit_events", given, { placeholderData: keepPreviousData });
  return (
    <>
      <div className="inline-form">
        <UrlSearch name="user" label="User name" />
        <UrlSearch name="action" label="Action, such as user or run.start" />
        <Day name="since" label="Since" />
        <Day name="until" label="Until before" />
      </div>
      <List label="Audit log" of={list} columns={COLUMNS} empty={<Empty title="Nothing like that was done" />} />
    </>
  );
}

const beginOf = (day: string | null) => day && new Date(`${day}T00:00`).toISOString();

function Day({ name, label }: { name: string; label: string }) {
  const [day, setDay] = useParam(name);
  return <TextInput id={name} type="date" labelText={label} value={day ?? ""} onChange={({ target }) => setDay(target.value)} />;
}

const COLUMNS: Column<Schemas["AuditLine"]>[] = [
  { header: "When", cell: ({ at }) => <Time at={at} /> },
  { header: "Who", cell: ({ actor_name: name, address }) => <>{name || "Nobody known"}{address && <small>from {address}</small>}</> },
  { header: "Action", cell: ({ action, outcome }) => <>{action}{outcome === "refused" && <span className="bad"> refused</span>}</> },
  {
    header: "What",
    cell: ({ target_name: name, target_id: id, details }) => (
      <>
        {name}
        {id && <small className="breaks">{id}</small>}
        {details.length > 0 && <small className="breaks">{details.join(", ")}</small>}
      </>
    ),
  },
];
