import { Button, Form, ProgressIndicator, ProgressStep, Stack } from "@carbon/react";
import { ArrowRight } from "@carbon/icons-react";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useEffect, useReducer, useRef } from "react";
import { Link, useSearchParams } from "wouter";
import { schemaQuery, type Target } from "../../api/jobTargets";
import { Problem, useFocusOnInvalid } from "../../kit/Problem";
import { useTitle } from "../../kit/Page";
import { paths } from "../../paths";
import { change, keep, kept } from "./draft";
import { StepBody } from "./StepBody";
import { StepHeading } from "./StepHeading";
import { furthest, STEPS } from "./steps";
import { useSteps } from "./useSteps";

/** The steps at the left, the one that is open beside them; a step opens only when those before it are complete. */
export function Wizard({ space, target }: { space: string; target: Target | undefined }) {
  const [search] = useSearchParams();
  const [draft, set] = useReducer(change, undefined, () => kept(space, target?.id ?? ""));
  useEffect(() => keep(space, target?.id ?? "", draft), [space, target, draft]);
  const schema = useQuery({ ...schemaQuery(space, target ?? NOTHING), enabled: target?.type === "model" });
  const fields = schema.data ?? [];
  useEffect(() => {
    const formless = target?.kind === "deployment" && (target.type !== "model" || schema.data?.length === 0);
    if (formless && draft.source === "form") set({ source: target.type === "py_script" ? "assets" : "json" });
  }, [target, schema.data, draft.source]);
  const wanted = Math.max(0, STEPS.findIndex(({ key }) => key === search.get("step")));
  const index = Math.min(wanted, furthest(draft, target));
  const { key, label } = STEPS[index] ?? STEPS[0];
  const { go, next, create, error, pending, made } = useSteps({ space, target, draft, index });
  // Where the page has just opened, its own heading has the focus.
  const moves = useRef(0);
  useEffect(() => {
    moves.current += 1;
  }, [key]);
  useTitle(`${label} - New job`);
  useFocusOnInvalid(error);
  useEffect(() => {
    if (wanted !== index) go(index, true);
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    // A button that is disabled would lose the focus.
    if (pending) return;
    if (key === "review") create(true);
    else next();
  };
  return (
    <div className="wizard">
      <ProgressIndicator vertical currentIndex={index} onChange={(at) => at < index && go(at)}>
        {STEPS.map((step) => (
          <ProgressStep key={step.key} label={step.label} />
        ))}
      </ProgressIndicator>
      <Form className="narrow" noValidate aria-label={label} onSubmit={submit} onKeyDown={submitOnCtrlEnter}>
        <Stack gap={6}>
          <StepHeading key={key} focus={() => moves.current > 0}>
            {label}
          </StepHeading>
          <Problem error={error} title={key === "review" ? "The job was not created" : "This step is not complete"} />
          <StepBody step={key} {...{ space, target, draft, set, fields, error, go }} />
          <div className="buttons">
            {index > 0 ? (
              <Button kind="secondary" onClick={() => go(index - 1)}>
                Back
              </Button>
            ) : (
              <Button kind="secondary" as={Link} href={paths.jobs(space)}>
                Cancel
              </Button>
            )}
            {made && (
              <Button as={Link} href={paths.job(space, made)}>
                Open the job
              </Button>
            )}
            {key === "review" && !made && (
              <Button kind="tertiary" onClick={() => pending || create(false)}>
                Create
              </Button>
            )}
            {!made && (
              <Button type="submit" renderIcon={ArrowRight}>
                {key === "review" ? "Create and run" : "Next"}
              </Button>
            )}
          </div>
        </Stack>
      </Form>
    </div>
  );
}

const NOTHING: Target = { kind: "asset", id: "", name: "", type: "" };

function submitOnCtrlEnter(event: React.KeyboardEvent<HTMLFormElement>) {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.currentTarget.requestSubmit();
}
