import { type ComponentType, lazy, Suspense } from "react";
import { Redirect, Route, Switch } from "wouter";
import { NotFoundPage } from "./kit";
import { paths } from "./paths";

/** Every page by the path that opens it; the parts of the path are the page's properties. The first that fits is taken. */
const PAGES: [path: string, page: ComponentType<Record<string, string>>][] = [
  ["/", lazyPage(() => import("./pages/spaces/SpacesPage"))],
  ["/profile", lazyPage(() => import("./pages/profile/ProfilePage"))],
  ["/inbox", lazyPage(() => import("./pages/inbox/InboxPage"))],
  ["/administration/:tab", lazyPage(() => import("./pages/administration/AdministrationPage"))],
  ["/spaces/new", lazyPage(() => import("./pages/spaces/NewSpacePage"))],
  ["/spaces/:space/jobs/:job/runs/:run", lazyPage(() => import("./pages/run/RunPage"))],
  ["/spaces/:space/jobs/:job/edit", lazyPage(() => import("./pages/job/EditJobPage"))],
  ["/spaces/:space/jobs/:job", lazyPage(() => import("./pages/job/JobPage"))],
  ["/spaces/:space/new-asset", lazyPage(() => import("./pages/newasset/NewAssetPage"))],
  ["/spaces/:space/assets/:asset", lazyPage(() => import("./pages/asset/AssetPage"))],
  ["/spaces/:space/new-connection", lazyPage(() => import("./pages/newconnection/NewConnectionPage"))],
  ["/spaces/:space/connections/:connection/edit", lazyPage(() => import("./pages/newconnection/NewConnectionPage"))],
  ["/spaces/:space/connections/:connection", lazyPage(() => import("./pages/connection/ConnectionPage"))],
  ["/spaces/:space/new-deployment", lazyPage(() => import("./pages/newdeployment/NewDeploymentPage"))],
  ["/spaces/:space/deployments/:deployment", lazyPage(() => import("./pages/deployment/DeploymentPage"))],
  ["/spaces/:space/new-job", lazyPage(() => import("./pages/newjob/NewJobPage"))],
  ["/spaces/:space/:tab", lazyPage(() => import("./pages/space/SpacePage"))],
];

export function Routes() {
  return (
    <Suspense>
      <Switch>
        {PAGES.map(([path, Page]) => <Route key={path} path={path}>{(params) => <Page {...(params as Record<string, string>)} />}</Route>)}
        <Route path="/spaces/:space">{({ space }) => <Redirect replace to={paths.jobs(space)} />}</Route>
        <Route><NotFoundPage /></Route>
      </Switch>
    </Suspense>
  );
}

/** Loads a page when it is opened; a page declares which parts of its path it needs. */
function lazyPage<P extends Record<string, string>>(
  load: () => Promise<{ default: ComponentType<P> }>,
): ComponentType<Record<string, string>> {
  return lazy(load) as unknown as ComponentType<Record<string, string>>;
}
