import { useQuery } from "@tanstack/react-query";
import { Suspense } from "react";
import { Link } from "wouter";
import { spaceQuery } from "../../api/spaces";
import { Page } from "../../kit/Page";
import { Problem } from "../../kit/Problem";
import { paths } from "../../paths";
import { NotFoundPage } from "../notfound/NotFoundPage";
import { TABS } from "./tabs";

/** A space: its name, its tabs, and the one that is open. */
export default function SpacePage({ space, tab }: { space: string; tab: string }) {
  const { data, error } = useQuery(spaceQuery(space));
  const open = TABS.find(({ key }) => key === tab);
  if (!open) return <NotFoundPage />;
  const name = data?.entity.name ?? "Space";
  return (
    <Page title={name} windowTitle={`${open.label} - ${name}`} crumbs={[{ text: "Deployment spaces", to: paths.spaces }]}>
      <Problem error={error} title="The space cannot be shown" />
      <nav className="tabs" aria-label="Space">
        {TABS.map(({ key, label }) => (
          <Link key={key} href={paths.tab(space, key)} aria-current={key === tab ? "page" : undefined}>
            {label}
          </Link>
        ))}
      </nav>
      {!error && (
        <Suspense>
          <open.page space={space} />
        </Suspense>
      )}
    </Page>
  );
}
