import { StructuredListBody, StructuredListCell, StructuredListRow, StructuredListWrapper } from "@carbon/react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { counted, type Fact, Facts, useAddress, useSettled } from "../../kit";
import { plan, rowsOf } from "./body";
import type { StepProps } from "./choices";
import { useHardware } from "./ConfigureStep";
import { targetText } from "./DetailsStep";
import type { Draft } from "./draft";
import { EVENTS } from "./NotifyStep";
import { scheduleQuery } from "./ScheduleStep";
import { order, type Step } from "./steps";

type Line = [label: string, text: string, step: Step];

/** Everything that was said so far. */
function useLines({ space, target, draft }: StepProps): Line[] {
  const hardware = new Map(useHardware(space));
  const asked = { ...scheduleQuery(useSettled(plan(draft))), enabled: draft.scheduled, retry: false };
  const { data: schedule, error } = useQuery(asked);
  const words = schedule && !error ? `${schedule.words} (${schedule.zone})` : "";
  return [
    ["Name", draft.name, "details"],
    ["Runs", target ? targetText(target) : "", "details"],
    ["Hardware", hardware.get(draft.hardware_spec) ?? "Default", "configure"],
    ["Variables", draft.variables.map(({ name, secret }) => (secret ? `${name} (secret)` : name)).join(", ") || "None", "configure"],
    ["Runs kept", draft.keepBy === "default" ? "As the installation does" : `${draft.keep} ${KEPT[draft.keepBy]}`, "configure"],
    ["Schedule", draft.scheduled ? words : "None: it is started by hand", "schedule"],
    ["Notifications", draft.notified ? notices(draft) : "None", "notify"],
    ["Input", input(draft, target?.kind === "deployment"), "data"],
    ["Output", draft.output_name.trim() || (target?.kind === "asset" ? "None" : "Rows, kept with each run"), "data"],
  ];
}

/** Beside the steps, as it grows: what has been said up to the step that is open. */
export function Summary({ open, ...props }: StepProps & { open: Step }) {
  const facts = useLines(props).filter(([, , step]) => order(step) <= order(open));
  return <aside className="summary" aria-label="Summary"><Facts facts={facts.map(([label, text]): Fact => [label, text])} /></aside>;
}

/** All of it, each with a way back to it. */
export function ReviewStep(props: StepProps) {
  const address = useAddress();
  return (
    <StructuredListWrapper isCondensed aria-label="Review">
      <StructuredListBody>
        {useLines(props).map(([label, text, step]) => (
          <StructuredListRow key={label}>
            <StructuredListCell noWrap>{label}</StructuredListCell>
            <StructuredListCell>{text}</StructuredListCell>
            <StructuredListCell><Link href={address({ step })} aria-label={`Edit ${label.toLowerCase()}`}>Edit</Link></StructuredListCell>
          </StructuredListRow>
        ))}
      </StructuredListBody>
    </StructuredListWrapper>
  );
}

const KEPT = { amount: "runs", days: "days" };

function notices({ events, channels }: Draft): string {
  const told = EVENTS.filter(([name]) => events.includes(name)).map(([, label]) => label);
  return [...told, ...(channels.length > 0 ? [`to ${counted(channels.length, "channel")}`] : [])].join("; ");
}

function input({ source, rows, json, inputs }: Draft, deployed: boolean): string {
  if (deployed && source === "form") return counted(rows.length, "row");
  if (deployed && source === "json") return counted(rowsOf(json), "row");
  return inputs.map(({ name }) => name).join(", ") || "None";
}
