import { type ComponentType, lazy, Suspense } from "react";
import { NotFoundPage, Page, Problem, Tabs, TOP, useSpace } from "../../kit";
import { paths } from "../../paths";

/** What every tab of a space is given. */
export type TabProps = { space: string };

/** The tabs of a space, in their order; each is a route, `/spaces/:space/<key>`, and a module that is loaded with it. */
const TABS: [key: string, label: string, page: ComponentType<TabProps>][] = [
  ["assets", "Assets", lazy(() => import("./AssetsTab"))],
  ["deployments", "Deployments", lazy(() => import("./DeploymentsTab"))],
  ["jobs", "Jobs", lazy(() => import("./JobsTab"))],
  ["manage", "Manage", lazy(() => import("./manage/ManageTab"))],
];

/** A space: its name, its tabs, and the one that is open. */
export default function SpacePage({ space, tab }: { space: string; tab: string }) {
  const { data, error } = useSpace(space);
  const open = TABS.find(([key]) => key === tab);
  if (!open) return <NotFoundPage />;
  const name = data?.entity.name ?? "Space";
  const [key, label, Tab] = open;
  return (
    <Page title={name} windowTitle={`${label} - ${name}`} crumbs={[TOP]}>
      <Problem error={error} title="The space cannot be shown" />
      <Tabs label="Space" tabs={TABS.map(([each, text]) => [each, text, paths.tab(space, each)])} open={key} />
      {!error && <Suspense><Tab space={space} /></Suspense>}
    </Page>
  );
}
