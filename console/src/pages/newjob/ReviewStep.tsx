import { StructuredListBody, StructuredListCell, StructuredListRow, StructuredListWrapper } from "@carbon/react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { counted, useAddress } from "../../kit";
import { plan, tables } from "./body";
import type { StepProps } from "./choices";
import { useHardware } from "./ConfigureStep";
import { targetText } from "./DetailsStep";
import type { Draft } from "./draft";
import { EVENTS } from "./NotifyStep";
import { scheduleQuery } from "./ScheduleStep";
import type { Step } from "./steps";

/** Everything that was said, each with a way back to it. */
export function ReviewStep({ space, target, draft }: StepProps) {
  const hardware = new Map(useHardware(space));
  const { data: schedule } = useQuery({ ...scheduleQuery(plan(draft)), enabled: draft.scheduled });
  const words = schedule ? `${schedule.words} (${schedule.zone})` : "";
  const lines: [label: string, text: string, step: Step][] = [
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
  const address = useAddress();
  return (
    <StructuredListWrapper isCondensed aria-label="Review">
      <StructuredListBody>
        {lines.map(([label, text, step]) => (
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
  if (deployed && source === "json") return counted(tables(json).reduce((sum, { values }) => sum + (values?.length ?? 0), 0), "row");
  return inputs.map(({ name }) => name).join(", ") || "None";
}
