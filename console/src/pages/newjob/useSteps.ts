import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useLocation } from "wouter";
import { Refusal } from "../../api/client";
import { checkJob, makeJob, startJob } from "../../api/jobMaking";
import { scheduleQuery } from "../../api/jobOptions";
import { schemaQuery, type Target } from "../../api/jobTargets";
import { useAddress } from "../../kit/address";
import { paths } from "../../paths";
import { jobBody, plan, scoring } from "./body";
import { type Draft, forget } from "./draft";
import { missing, type Step, STEPS, stepOf } from "./steps";

interface Given {
  space: string;
  target: Target | undefined;
  draft: Draft;
  index: number;
}

/** From step to step: each is judged by the server before the next opens, and the last makes the job. */
export function useSteps({ space, target, draft, index }: Given) {
  const [, navigate] = useLocation();
  const address = useAddress();
  const client = useQueryClient();
  const [made, setMade] = useState<string | null>(null);
  const step: Step = STEPS[index]?.key ?? "details";
  const go = (to: number, replace = false) => navigate(address({ step: STEPS[to]?.key ?? null }), { replace });

  const asked = async (until: Step) => {
    const lacking = missing(until, draft, target);
    if (lacking || !target) throw lacking ?? new Error("Choose what the job runs.");
    const scheduled = draft.scheduled && STEPS.findIndex(({ key }) => key === until) >= 2;
    const schedule = scheduled ? await client.fetchQuery({ ...scheduleQuery(plan(draft)), staleTime: 0 }) : null;
    if (until !== "data" && until !== "review") return { job: jobBody(draft, target, until, schedule), work: {} };
    const fields = target.type === "model" ? await client.fetchQuery(schemaQuery(space, target)) : [];
    const work = scoring(draft, target, fields);
    return { job: jobBody(draft, target, until, schedule), work };
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
      const place = STEPS.findIndex(({ key }) => error instanceof Refusal && key === stepOf(error.field));
      if (place >= 0 && place < index) go(place);
    },
    onSettled: () => client.invalidateQueries({ queryKey: ["jobs", space] }),
  });
  // A refusal is about one step, also where the review brought it back there.
  useEffect(() => check.reset(), [step]);
  return {
    go,
    next: () => {
      making.reset();
      check.mutate(step);
    },
    create: (run: boolean) => making.mutate(run),
    error: told(check.error ?? making.error),
    // The check of the step before is not over yet when the next one takes the focus, and must not hold that up.
    pending: (check.isPending && check.variables === step) || making.isPending,
    made: making.isSuccess ? null : made,
  };
}

async function started(job: string): Promise<string> {
  try {
    return await startJob(job);
  } catch (error) {
    throw new Error(`The job is made, but does not run: ${(error as Error).message}`);
  }
}

function told(error: Error | null): Error | null {
  if (!(error instanceof Refusal) || error.status !== 0) return error;
  return new Error(`${error.message} Whether the job was made is not known; trying again looks for it first.`);
}
