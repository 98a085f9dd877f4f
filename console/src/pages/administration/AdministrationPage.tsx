import { useQuery } from "@tanstack/react-query";
import type { ComponentType } from "react";
import { Link } from "wouter";
import { sessionQuery } from "../../api/session";
import { Empty } from "../../kit/Empty";
import { Page } from "../../kit/Page";
import { paths } from "../../paths";
import { NotFoundPage } from "../notfound/NotFoundPage";
import { Audit } from "./Audit";
import { Queue } from "./Queue";
import { Storage } from "./Storage";
import { Users } from "./Users";
import { Workers } from "./Workers";

const TABS: Record<string, [label: string, tab: ComponentType]> = {
  users: ["Users", Users],
  workers: ["Workers", Workers],
  queue: ["Queue", Queue],
  storage: ["Storage", Storage],
  audit: ["Audit log", Audit],
};

/** What administrators keep and look at. */
export default function AdministrationPage({ tab }: { tab: string }) {
  const { data } = useQuery(sessionQuery);
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
      <nav className="tabs" aria-label="Administration">
        {Object.entries(TABS).map(([key, [text]]) => (
          <Link key={key} href={paths.administration(key)} aria-current={key === tab ? "page" : undefined}>
            {text}
          </Link>
        ))}
      </nav>
      <Tab />
    </Page>
  );
}
