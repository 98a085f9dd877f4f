import { StructuredListBody, StructuredListCell, StructuredListRow, StructuredListWrapper } from "@carbon/react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { hardwareQuery, scheduleQuery } from "../../api/jobOptions";
import { useAddress } from "../../kit/address";
import { plan, tables } from "./body";
import { targetText } from "./DetailsStep";
import type { Draft } from "./draft";
import { EVENTS } from "./NotifyStep";
import type { StepProps } from "./StepBody";
import type { Step } from "./steps";

/** Everything that was said, each with a way back to it. */
export function ReviewStep({ space, target, draft }: StepProps) {
  const { data: hardware = [] } = useQuery(hardwareQuery(space));
  const { data: schedule } = useQuery({ ...scheduleQuery(plan(draft)), enabled: draft.scheduled });
  const words = schedule ? `${schedule.words} (${schedule.zone})` : "";
  const lines: [label: string, text: string, step: Step][] = [
    ["Name", draft.name, "details"],
    ["Runs", target ? targetText(target) : "", "details"],
    ["Hardware", hardware.find(({ id }) => id === draft.hardware)?.text ?? "Default", "configure"],
    ["Variables", variables(draft), "configure"],
    ["Runs kept", draft.keepBy === "default" ? "As the installation does" : `${draft.keep} ${KEPT[draft.keepBy]}`, "configure"],
    ["Schedule", draft.scheduled ? words : "None: it is started by hand", "schedule"],
    ["Notifications", draft.notified ? notices(draft) : "None", "notify"],
    ["Input", input(draft, target?.kind === "deployment"), "data"],
    ["Output", draft.output.trim() || (target?.kind === "asset" ? "None" : "Rows, kept with each run"), "data"],
  ];
  const address = useAddress();
  return (
    <StructuredListWrapper isCondensed aria-label="Review">
      <StructuredListBody>
        {lines.map(([label, text, step]) => (
          <StructuredListRow key={label}>
            <StructuredListCell noWrap>{label}</StructuredListCell>
            <StructuredListCell>{text}</StructuredListCell>
            <StructuredListCell>
              <Link href={address({ step })} aria-label={`Edit ${label.toLowerCase()}`}>
                Edit
              </Link>
            </StructuredListCell>
          </StructuredListRow>
        ))}
      </StructuredListBody>
    </StructuredListWrapper>
  );
}

const KEPT = { amount: "runs", days: "days" };

function variables({ variables: given }: Draft): string {
  if (given.length === 0) return "None";
  return given.map(({ name, secret }) => (secret ? `${name} (secret)` : name)).join(", ");
}

const notices = ({ events, channels }: Draft) =>
  EVENTS.filter(([name]) => events.includes(name))
    .map(([, label]) => label)
    .join("; ") + (channels.length ? `; to ${channels.length} ${channels.length === 1 ? "channel" : "channels"}` : "");

function input({ source, rows, json, inputs }: Draft, deployed: boolean): string {
  if (deployed && source === "form") return count(rows.length);
  if (deployed && source === "json") return count(tables(json).reduce((sum, { values }) => sum + (values?.length ?? 0), 0));
  return inputs.map(({ name }) => name).join(", ") || "None";
}

const count = (rows: number) => (rows === 1 ? "1 row" : `${rows} rows`);
