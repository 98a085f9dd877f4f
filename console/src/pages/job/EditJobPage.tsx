import { TextArea, TextInput } from "@carbon/react";
import { useState } from "react";
import { useLocation } from "wouter";
import { DEPLOYMENT, FIXED, type Job, type JobBody, patch, queryClient, type Target, useRead } from "../../api";
import { Page, Problem, Section, SendForm, useForm, useSpaceCrumbs } from "../../kit";
import { paths } from "../../paths";
import { jobBody, plan } from "../newjob/body";
import { ConfigureStep } from "../newjob/ConfigureStep";
import { type Draft, EMPTY } from "../newjob/draft";
import { NotifyStep } from "../newjob/NotifyStep";
import { ScheduleStep, scheduleQuery } from "../newjob/ScheduleStep";

/** Changes a job: all but what it runs and works on. */
export default function EditJobPage({ space, job: job_id }: { space: string; job: string }) {
  const { data, error } = useRead("/v2/jobs/{job_id}", { job_id }, { ...FIXED, of: "edit" });
  return (
    <Page title="Edit job" crumbs={useSpaceCrumbs(space, paths.jobs(space))}>
      <Problem error={error} title="The job cannot be shown" />
      {data && <EditForm space={space} job={data} />}
    </Page>
  );
}

function EditForm({ space, job }: { space: string; job: Job }) {
  const [, go] = useLocation();
  const [before] = useState(() => draftOf(job));
  const to = paths.job(space, job.metadata.asset_id);
  const target = targetOf(job);
  const form = useForm(before, {
    below: "/v2/job",
    send: async (draft: Draft) => patch(`/v2/jobs/${job.metadata.asset_id}`, await changes(before, draft, target)),
    done: () => go(to),
  });
  const { values: draft, set, field, error } = form;
  const props = { space, target, draft, set, field, error, fields: [] };
  return (
    <SendForm of={form} action="Save changes" problem="The job is as it was" cancel={to}>
      <TextInput {...field("name", "job.name")} labelText="Name" required />
      <TextArea {...field("description", "job.description")} labelText="Description (optional)" rows={3} />
      <Section title="Configure" about="Secrets stay as they are; those that are typed here take the place of all of them.">
        <ConfigureStep {...props} />
      </Section>
      <Section title="Schedule"><ScheduleStep {...props} /></Section>
      <Section title="Notify"><NotifyStep {...props} /></Section>
    </SendForm>
  );
}

const targetOf = ({ entity: { job: { asset_ref: id, asset_ref_type: type } } }: Job): Target => ({
  kind: type === DEPLOYMENT ? "deployment" : "asset", id, name: "", type,
});

/** The job as the steps of the wizard show it. */
function draftOf({ metadata: { name, description }, entity: { job } }: Job): Draft {
  const { configuration, retention_policy: kept, notification_types: types = {} } = job;
  const events = Object.keys(types).filter((event) => types[event]);
  return {
    ...EMPTY,
    name,
    description,
    hardware_spec: configuration.hardware_spec?.id ?? "",
    variables: (configuration.env_variables ?? []).map(variable),
    ...(kept?.amount || kept?.days ? { keepBy: kept.amount ? "amount" : "days", keep: String(kept.amount ?? kept.days) } : {}),
    ...(job.schedule_id ? scheduleOf(job) : {}),
    ...(events.length > 0 ? { notified: true, events } : {}),
    channels: job.notification_channels ?? [],
    long_running_minutes: String(job.long_running_minutes ?? ""),
    not_started_minutes: String(job.not_started_minutes ?? ""),
  };
}

function variable(line: string) {
  const at = line.indexOf("=");
  return { name: line.slice(0, at), value: line.slice(at + 1), secret: false };
}

function scheduleOf({ schedule, schedule_info: info = {} }: Job["entity"]["job"]): Partial<Draft> {
  const { cron, every, excluded_weekdays: excluded = [], schedule: _, ...policies } = info.rule ?? {};
  const zone = info.timezone ?? "UTC";
  // The Swedish way to write a moment is nearly that of a form.
  const local = (at?: number) => (at === undefined ? "" : new Date(at).toLocaleString("sv-SE", { timeZone: zone }).slice(0, 16).replace(" ", "T"));
  return {
    scheduled: true,
    repetition: info.repeat === false ? "once" : every ? "every" : "cron",
    cron: cron ?? (schedule || EMPTY.cron),
    ...(every ? { number: String(every.number), unit: every.unit } : {}),
    zone,
    start: local(info.startOn),
    end: local(info.endOn),
    excluded,
    policies,
  };
}

/** What is other than before, by the paths of the API's patch; null is taken away. */
async function changes(before: Draft, draft: Draft, target: Target): Promise<Record<string, unknown>> {
  const [was, is] = [before, draft].map((each) => members(jobBody(each, target, "notify", null))) as [Members, Members];
  const told = (value: unknown) => JSON.stringify(value) ?? "";
  const other = [...new Set([...Object.keys(was), ...Object.keys(is)])].filter((path) => told(was[path]) !== told(is[path]));
  return { ...Object.fromEntries(other.map((path) => [path, is[path] ?? null])), ...(await schedule(before, draft)) };
}

type Members = Record<string, unknown>;

const members = ({ configuration, ...job }: JobBody): Members =>
  ({ ...below("/entity/job", job), ...below("/entity/job/configuration", configuration) });

const below = (place: string, document: object): Members =>
  Object.fromEntries(Object.entries(document).map(([name, value]) => [`${place}/${name}`, value]));

async function schedule(before: Draft, draft: Draft): Promise<Members> {
  const [was, is] = [before, draft].map((each) => JSON.stringify(each.scheduled ? plan(each) : null));
  if (was === is) return {};
  const made = draft.scheduled ? await queryClient.fetchQuery({ ...scheduleQuery(plan(draft)), staleTime: 0 }) : null;
  return below("/entity/job", { schedule: made?.schedule ?? "", schedule_info: made?.schedule_info ?? {} });
}
