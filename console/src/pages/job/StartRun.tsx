import { Button, Form, Modal, Stack, TextArea } from "@carbon/react";
import { useState } from "react";
import { startRun } from "../../api/runs";
import { invalid, Problem, useFocusOnInvalid } from "../../kit/Problem";
import { useNewRun } from "../run/useNewRun";

const NAME = "configuration.env_variables";

/** Starts a run as the job is, or, in a dialog, with variables of its own. */
export function StartRun({ space, job }: { space: string; job: string }) {
  const [open, setOpen] = useState(false);
  const [variables, setVariables] = useState("");
  const start = useNewRun(space, () => startRun(job, open && variables.trim() ? { env_variables: lines(variables) } : {}));
  useFocusOnInvalid(start.error);
  return (
    <>
      <Button disabled={start.isPending} onClick={() => start.mutate()}>
        Run now
      </Button>
      <Button kind="tertiary" onClick={() => setOpen(true)}>
        Run with changes
      </Button>
      {!open && <Problem error={start.error} title="The run was not started" />}
      {open && (
        <Modal open modalHeading="Run with changes" primaryButtonText="Run" secondaryButtonText="Cancel" onRequestClose={() => setOpen(false)} onRequestSubmit={() => start.mutate()}>
          <Form onSubmit={(event) => event.preventDefault()}>
            <Stack gap={5}>
              <Problem error={start.error} title="The run was not started" />
              <TextArea
                id={NAME}
                labelText="Environment variables of this run"
                helperText="One a line, NAME=value; they win over the job's."
                rows={4}
                value={variables}
                {...invalid(start.error, NAME, ...lines(variables).map((_, index) => `${NAME}[${index}]`))}
                onChange={(event) => setVariables(event.target.value)}
              />
            </Stack>
          </Form>
        </Modal>
      )}
    </>
  );
}

const lines = (text: string) => text.split("\n").map((line) => line.trim()).filter(Boolean);
