import { Button, Modal } from "@carbon/react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";
import { deleteJob, type Job, pauseJob } from "../../api/job";
import { Problem } from "../../kit/Problem";
import { paths } from "../../paths";
import { StartRun } from "./StartRun";

/** What can be done with the job. */
export function JobActions({ space, id, job }: { space: string; id: string; job: Job }) {
  const client = useQueryClient();
  const [, go] = useLocation();
  const [sure, setSure] = useState(false);
  const { paused, schedule_id: schedule } = job.entity.job;
  const pause = useMutation({
    mutationFn: () => pauseJob(id, !paused),
    onSuccess: () => client.invalidateQueries({ queryKey: ["job", id] }),
  });
  const remove = useMutation({
    mutationFn: () => deleteJob(id),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["jobs", space] });
      go(paths.jobs(space));
    },
  });
  return (
    <>
      <StartRun space={space} job={id} />
      {(schedule || paused) && (
        <Button kind="tertiary" disabled={pause.isPending} onClick={() => pause.mutate()}>
          {paused ? "Resume" : "Pause"}
        </Button>
      )}
      <Button kind="danger--ghost" onClick={() => setSure(true)}>
        Delete
      </Button>
      <Problem error={pause.error} />
      {sure && (
        <Modal
          open
          danger
          modalHeading={`Delete ${job.metadata.name}?`}
          primaryButtonText="Delete the job and its runs"
          secondaryButtonText="Keep it"
          onRequestClose={() => setSure(false)}
          onRequestSubmit={() => remove.mutate()}
        >
          <p>Its runs, their logs and their files go with it; runs at work are stopped. Data assets that they made stay.</p>
          <Problem error={remove.error} />
        </Modal>
      )}
    </>
  );
}
