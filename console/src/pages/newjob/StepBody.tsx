import type { Field, Target } from "../../api/jobTargets";
import { ConfigureStep } from "./ConfigureStep";
import { DataStep } from "./DataStep";
import { DetailsStep } from "./DetailsStep";
import type { Draft } from "./draft";
import { NotifyStep } from "./NotifyStep";
import { ReviewStep } from "./ReviewStep";
import { ScheduleStep } from "./ScheduleStep";
import type { Step } from "./steps";

/** What every step is given. */
export interface StepProps {
  space: string;
  target: Target | undefined;
  draft: Draft;
  set: (changes: Partial<Draft>) => void;
  fields: Field[];
  error: Error | null;
  go: (index: number) => void;
}

const BODIES: Record<Step, (props: StepProps) => React.ReactNode> = {
  details: DetailsStep,
  configure: ConfigureStep,
  schedule: ScheduleStep,
  notify: NotifyStep,
  data: DataStep,
  review: ReviewStep,
};

export function StepBody({ step, ...props }: StepProps & { step: Step }) {
  const Body = BODIES[step];
  return <Body {...props} />;
}
