import { Button, Form, Modal, Stack, TextArea } from "@carbon/react";
import { useState } from "react";
import { Link, useLocation } from "wouter";
import { FINAL, type Job, LISTED, LIVE, patch, type Run, type Schemas, send, useChange, useNewRun, useRead } from "../../api";
import {
  ConfirmDelete, count, type Fact, Facts, invalid, Page, Problem, Section, shown, Status, Time, useFocusOnInvalid, useSpaceCrumbs,
} from "../../kit";
import { paths } from "../../paths";
import { JobFacts, useTicks } from "./JobFacts";
import { JobRuns } from "./JobRuns";
import { RunChart } from "./RunChart";

const CHARTED = 50;

/** One job: is it well, what comes next, and everything that it has done. */
export default function JobPage({ space, job: job_id }: { space: string; job: string }) {
  const { data: job, error } = useRead("/v2/jobs/{job_id}", { job_id }, LIVE);
  const crumbs = useSpaceCrumbs(space, paths.jobs(space));
  return (
    <Page title={job?.metadata.name ?? "Job"} crumbs={crumbs} actions={job && <Actions space={space} job={job} />}>
      <Problem error={error} title="The job cannot be shown" />
      {job && <Known space={space} job={job} />}
    </Page>
  );
}

type JobProps = { space: string; job: Job };

function Known({ space, job }: JobProps) {
  const [, go] = useLocation();
  const id = job.metadata.asset_id;
  const runs = useRead("/v2/jobs/{job_id}/runs", { job_id: id, limit: CHARTED }, LISTED).data?.results ?? [];
  return (
    <>
      <Glance space={space} job={job} runs={runs} />
      <RunChart runs={runs} open={(run) => go(paths.run(space, id, run.metadata.asset_id))} />
      <div className="columns">
        <div><JobRuns space={space} job={id} /><Changes job={id} /></div>
        <JobFacts job={job} />
      </div>
    </>
  );
}

/** Is it well, what comes next: each fact leads to where it is from. */
function Glance({ space, job, runs }: JobProps & { runs: Run[] }) {
  const { paused, schedule_info: info } = job.entity.job;
  const next = useTicks(job)?.[0]?.at;
  const over = runs.map(({ entity }) => entity.job_run).filter(({ state }) => FINAL.includes(state));
  const good = over.filter(({ state }) => state.startsWith("Completed")).length;
  const bad = over.reduce((sum, { rows }) => sum + (rows?.rejected ?? 0), 0);
  const [last] = runs;
  const facts: Fact[] = [
    ["Last run", last ? <Last key="last" to={paths.run(space, job.metadata.asset_id, last.metadata.asset_id)} run={last} /> : "Never"],
    ["Next run", paused ? "Paused" : next ? <><Time at={next} zone={info?.timezone} /><small>{info?.timezone}</small></> : "Not scheduled"],
    [`Success of the last ${over.length}`, over.length === 0 ? "-" : `${Math.round((100 * good) / over.length)} % (${good})`],
    ["Bad rows among them", count(bad)],
  ];
  return <Facts className="glance" facts={facts} />;
}

const Last = ({ to, run }: { to: string; run: Run }) => (
  <><Status state={run.entity.job_run.state} /> <Link href={to}><Time at={run.metadata.created_at} /></Link></>
);

/** What can be done with the job. */
function Actions({ space, job: { metadata: { asset_id: id, name }, entity: { job: { paused, schedule_id: schedule } } } }: JobProps) {
  const at = `/v2/jobs/${id}`;
  const pause = useChange(() => patch(at, { "/entity/job/paused": !paused }), at);
  const gone = { at, list: "/v2/job_summaries", to: paths.jobs(space), words: ["Delete the job and its runs", "Keep it"] as [string, string] };
  return (
    <>
      <StartRun space={space} at={`${at}/runs`} />
      {(schedule || paused) && (
        <Button kind="tertiary" disabled={pause.isPending} onClick={() => pause.mutate()}>{paused ? "Resume" : "Pause"}</Button>
      )}
      <Button kind="tertiary" as={Link} href={paths.editJob(space, id)}>Edit</Button>
      <ConfirmDelete what={name} {...gone}>
        <p>Its runs, their logs and their files go with it; runs at work are stopped. Data assets that they made stay.</p>
      </ConfirmDelete>
      <Problem error={pause.error} />
    </>
  );
}

const NAME = "configuration.env_variables";

/** Starts a run as the job is, or, in a dialog, with variables of its own. */
function StartRun({ space, at }: { space: string; at: string }) {
  const [open, setOpen] = useState(false);
  const [text, setText] = useState("");
  const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
  const configuration = open && lines.length > 0 ? { env_variables: lines } : {};
  const start = useNewRun(space, () => send<Run>("POST", at, {}, { job_run: { configuration } }));
  useFocusOnInvalid(start.error);
  const problem = <Problem error={start.error} title="The run was not started" />;
  const dialog = { onRequestClose: () => setOpen(false), onRequestSubmit: () => start.mutate() };
  return (
    <>
      <Button disabled={start.isPending} onClick={() => start.mutate()}>Run now</Button>
      <Button kind="tertiary" onClick={() => setOpen(true)}>Run with changes</Button>
      {!open && problem}
      {open && (
        <Modal open modalHeading="Run with changes" primaryButtonText="Run" secondaryButtonText="Cancel" {...dialog}>
          <Form onSubmit={(event) => event.preventDefault()}>
            <Stack gap={5}>
              {problem}
              <TextArea
                id={NAME}
                labelText="Environment variables of this run"
                helperText="One a line, NAME=value; they win over the job's."
                rows={4}
                value={text}
                {...invalid(start.error, NAME, ...lines.map((_, index) => `${NAME}[${index}]`))}
                onChange={({ target }) => setText(target.value)}
              />
            </Stack>
          </Form>
        </Modal>
      )}
    </>
  );
}

/** What was changed of the job, the newest first. */
function Changes({ job: job_id }: { job: string }) {
  const { data } = useRead("/v2/jobs/{job_id}/changes", { job_id, limit: 50 });
  if (!data) return null;
  return (
    <Section title="Changes">
      {data.results.length === 0 && <p className="muted">None has been noted yet.</p>}
      <ol className="lined">
        {data.results.map(({ version, at, actor_name: who, changes }) => (
          <li key={version}>
            <Time at={at} full /> by {who ?? "somebody who is gone"}
            {changes.length === 0 ? ": made" : <ul>{changes.map(changed)}</ul>}
          </li>
        ))}
      </ol>
    </Section>
  );
}

const changed = ({ field, before, after }: Schemas["JobChangeDocument"]["changes"][number]) => (
  <li key={field} className="breaks">{field}: <del>{shown(before) || "nothing"}</del> → <ins>{shown(after) || "nothing"}</ins></li>
);
