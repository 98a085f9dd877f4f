import { useQuery } from "@tanstack/react-query";
import { useSearchParams } from "wouter";
import { type Target, targetQuery } from "../../api/jobTargets";
import { spaceQuery } from "../../api/spaces";
import { Page } from "../../kit/Page";
import { Problem } from "../../kit/Problem";
import { paths } from "../../paths";
import { Wizard } from "./Wizard";
import "./newjob.css";

/** Makes a job in six steps; what it runs and which step is open are in the address. */
export default function NewJobPage({ space }: { space: string }) {
  const [search] = useSearchParams();
  const deployment = search.get("deployment");
  const chosen = deployment ?? search.get("asset");
  const kind: Target["kind"] = deployment ? "deployment" : "asset";
  const { data: about } = useQuery(spaceQuery(space));
  const { data, error } = useQuery({ ...targetQuery(space, kind, chosen ?? ""), enabled: Boolean(chosen) });
  const crumbs = [
    { text: "Deployment spaces", to: paths.spaces },
    { text: about?.entity.name ?? "Space", to: paths.jobs(space) },
  ];
  return (
    <Page title="New job" crumbs={crumbs}>
      <Problem error={error} title="What the job should run is not there" />
      {(data || !chosen) && <Wizard space={space} target={data} />}
    </Page>
  );
}
