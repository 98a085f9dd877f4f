import { type ComponentType, lazy } from "react";

/** What every tab of a space is given. */
export interface TabProps {
  space: string;
}

interface Tab {
  key: string;
  label: string;
  page: ComponentType<TabProps>;
}

export const DEFAULT_TAB = "jobs";

/** The tabs of a space, in their order; each is a route, `/spaces/:space/<key>`, and a module that is loaded with it. */
export const TABS: Tab[] = [
  { key: "assets", label: "Assets", page: lazy(() => import("./assets/AssetsTab")) },
  { key: "deployments", label: "Deployments", page: lazy(() => import("./deployments/DeploymentsTab")) },
  { key: "jobs", label: "Jobs", page: lazy(() => import("./jobs/JobsTab")) },
  { key: "manage", label: "Manage", page: lazy(() => import("./manage/ManageTab")) },
];
