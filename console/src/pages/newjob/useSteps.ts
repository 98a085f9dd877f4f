import { useMutation } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useLocation } from "wouter";
import { again, checkJob, fieldsOf, makeJob, queryClient, read, Refusal, startJob, type Target } from "../../api";
import { useAddress } from "../../kit";
import { paths } from "../../paths";
import { jobBody, plan, scoring } from "./body";
import { type Draft, forget } from "./draft";
import { scheduleQuery } from "./ScheduleStep";
import { missing, order, type Step, STEPS } from "./steps";

type Given = { space: string; target: Target | undefined; draft: Draft; index: number };

/** From step to step: each is judged by the server before the next opens, and the last makes the job. */
export function useSteps({ space, target, draft, index }: Given) {
  const [, navigate] = useLocation();
  const address = useAddress();
  const [made, setMade] = useState<string | null>(null);
  const step = STEPS[index]?.key ?? "details";
  const go = (to: number, replace = false) => navigate(address({ step: STEPS[to]?.key ?? null }), { replace });

  const asked = async (until: Step) => {
    const lacking = missing(until, draft, target);
    if (lacking || !target) throw lacking ?? new Error("Choose what the job runs.");
    const scheduled = draft.scheduled && order(until) >= order("schedule");
    const schedule = scheduled ? await queryClient.fetchQuery({ ...scheduleQuery(plan(draft)), staleTime: 0 }) : null;
    const job = jobBody(draft, target, until, schedule);
    if (order(until) < order("data")) return { job, work: {} };
    const model = read("/ml/v4/models/{asset_id}", { asset_id: target.asset ?? "", space_id: space });
    const fields = target.type === "model" ? fieldsOf((await queryClient.fetchQuery({ ...model, staleTime: 60_000 })).entity) : [];
    return { job, work: scoring(draft, target, fields) };
  };
  const check = useMutation({
    mutationFn: async (of: Step) => {
      const { job, work } = await asked(of);
      await checkJob(space, job, work);
    },
    onSuccess: () => go(index + 1),
  });
  const making = useMutation({
    mutationFn: async (run: boolean) => {
      const { job, work } = await asked("review");
      const id = await makeJob(space, job, work);
      forget(space);
      setMade(id);
      return run ? paths.run(space, id, await started(id)) : paths.job(space, id);
    },
    onSuccess: (to) => navigate(to),
    onError: (error) => {
      const place = STEPS.findIndex(({ asks }) => error instanceof Refusal && asks?.test(error.about.field ?? ""));
      if (place >= 0 && place < index) go(place);
    },
    onSettled: () => again("/v2/job_summaries"),
  });
  // A refusal is about one step, also where the review brought it back there.
  useEffect(() => check.reset(), [step]);
  const next = () => {
    making.reset();
    check.mutate(step);
  };
  // The check of the step before is not over yet when the next one takes the focus, and must not hold that up.
  const pending = (check.isPending && check.variables === step) || making.isPending;
  return { go, next, create: making.mutate, error: told(check.error ?? making.error), pending, made: making.isSuccess ? null : made };
}

async function started(job: string): Promise<string> {
  try {
    return await startJob(job);
  } catch (error) {
    throw new Error(`The job is made, but does not run: ${(error as Error).message}`);
  }
}

function told(error: Error | null): Error | null {
  if (!(error instanceof Refusal) || error.about.status !== 0) return error;
  return new Error(`${error.message} Whether the job was made is not known; trying again looks for it first.`);
}
