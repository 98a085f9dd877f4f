import { Button, Form, ProgressIndicator, ProgressStep, Stack } from "@carbon/react";
import { ArrowRight } from "@carbon/icons-react";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, type KeyboardEvent, type ReactNode, useEffect, useReducer, useRef } from "react";
import { Link } from "wouter";
import { fieldsOf, type Target, targetQuery, useRead } from "../../api";
import { fieldsOver, Page, Problem, useFocusOnInvalid, useParams, useSpaceCrumbs, useTitle } from "../../kit";
import { paths } from "../../paths";
import type { StepProps } from "./choices";
import { ConfigureStep } from "./ConfigureStep";
import { DataStep } from "./DataStep";
import { DetailsStep } from "./DetailsStep";
import { change, type Draft, keep, kept } from "./draft";
import { NotifyStep } from "./NotifyStep";
import { ReviewStep, Summary } from "./ReviewStep";
import { ScheduleStep } from "./ScheduleStep";
import { furthest, type Step, STEPS } from "./steps";
import { useSteps } from "./useSteps";

const BODIES: Record<Step, (props: StepProps) => ReactNode> = {
  details: DetailsStep, configure: ConfigureStep, schedule: ScheduleStep, notify: NotifyStep, data: DataStep, review: ReviewStep,
};

/** Makes a job in six steps; what it runs and which step is open are in the address. */
export default function NewJobPage({ space }: { space: string }) {
  const { deployment, asset } = useParams("deployment", "asset");
  const chosen = deployment ?? asset ?? "";
  const target = targetQuery(space, deployment ? "deployment" : "asset", chosen);
  const { data, error } = useQuery({ ...target, enabled: chosen !== "" });
  return (
    <Page title="New job" crumbs={useSpaceCrumbs(space, paths.jobs(space))}>
      <Problem error={error} title="What the job should run is not there" />
      {(data || !chosen) && <Wizard space={space} target={data} />}
    </Page>
  );
}

/** The steps at the left, the one that is open beside them; a step opens only when those before it are complete. */
function Wizard({ space, target }: { space: string; target: Target | undefined }) {
  const { step } = useParams("step");
  const [draft, set] = useReducer(change, undefined, () => kept(space, target?.id ?? ""));
  useEffect(() => keep(space, target?.id ?? "", draft), [space, target, draft]);
  const fields = useFields(space, target, draft, set);
  const wanted = Math.max(0, STEPS.findIndex(({ key }) => key === step));
  const index = Math.min(wanted, furthest(draft, target));
  const { key, label } = STEPS[index] ?? STEPS[0]!;
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
  const last = key === "review";
  const submit = (event: FormEvent) => {
    event.preventDefault();
    // A button that is disabled would lose the focus.
    if (!pending) (last ? () => create(true) : next)();
  };
  const Body = BODIES[key];
  const props: StepProps = { space, target, draft, set, field: fieldsOver(draft, set, error), fields, error };
  return (
    <div className="wizard">
      <ProgressIndicator vertical currentIndex={index} onChange={(at) => at < index && go(at)}>
        {STEPS.map((each) => <ProgressStep key={each.key} label={each.label} />)}
      </ProgressIndicator>
      <Form className="narrow" noValidate aria-label={label} onSubmit={submit} onKeyDown={submitOnCtrlEnter}>
        <Stack gap={6}>
          <StepHeading key={key} focus={() => moves.current > 0}>{label}</StepHeading>
          <Problem error={error} title={last ? "The job was not created" : "This step is not complete"} />
          <Body {...props} />
          <div className="buttons">
            {index > 0 && <Button kind="secondary" onClick={() => go(index - 1)}>Back</Button>}
            {index === 0 && <Button kind="secondary" as={Link} href={paths.jobs(space)}>Cancel</Button>}
            {made && <Button as={Link} href={paths.job(space, made)}>Open the job</Button>}
            {last && !made && <Button kind="tertiary" onClick={() => pending || create(false)}>Create</Button>}
            {!made && <Button type="submit" renderIcon={ArrowRight}>{last ? "Create and run" : "Next"}</Button>}
          </div>
        </Stack>
      </Form>
      {!last && <Summary {...props} open={key} />}
    </div>
  );
}

/** The columns that a deployed model wants, where it says; a target without them has no form to type rows into. */
function useFields(space: string, target: Target | undefined, { source }: Draft, set: StepProps["set"]) {
  const given = { asset_id: target?.asset ?? "", space_id: space };
  const { data: model } = useRead("/ml/v4/models/{asset_id}", given, { enabled: target?.type === "model", staleTime: 60_000 });
  const fields = fieldsOf(model?.entity);
  const formless = target?.kind === "deployment" && (target.type !== "model" || (model && fields.length === 0));
  useEffect(() => {
    if (formless && source === "form") set({ source: target.type === "py_script" ? "assets" : "json" });
  }, [formless, target, source, set]);
  return fields;
}

/** Takes the focus when its step opens, so that a keyboard or a screen reader goes on from there. */
function StepHeading({ children, focus }: { children: string; focus: () => boolean }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (focus()) heading.current?.focus();
  }, []);
  return <h2 ref={heading} tabIndex={-1} className="step-title">{children}</h2>;
}

function submitOnCtrlEnter(event: KeyboardEvent<HTMLFormElement>) {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.currentTarget.requestSubmit();
}
