import { RadioButton, RadioButtonGroup, Select, SelectItem, TextInput } from "@carbon/react";
import { useQuery } from "@tanstack/react-query";
import { hardwareQuery } from "../../api/jobOptions";
import { invalid } from "../../kit/Problem";
import type { Draft } from "./draft";
import type { StepProps } from "./StepBody";
import { Variables } from "./Variables";

/** On which hardware it runs, with which variables, and how long its runs are kept. */
export function ConfigureStep({ space, draft, set, error }: StepProps) {
  const { data = [] } = useQuery(hardwareQuery(space));
  return (
    <>
      <Select
        id="hardware_spec"
        labelText="Hardware specification"
        value={draft.hardware}
        {...invalid(error, "hardware_spec", "configuration.hardware_spec")}
        onChange={(event) => set({ hardware: event.target.value })}
      >
        <SelectItem value="" text="Default: that of the deployment, or of the installation" />
        {data.map(({ id, text }) => (
          <SelectItem key={id} value={id} text={text} />
        ))}
      </Select>
      <Variables variables={draft.variables} change={(variables) => set({ variables })} error={error} />
      <Retention {...{ draft, set, error }} />
    </>
  );
}

function Retention({ draft, set, error }: Pick<StepProps, "draft" | "set" | "error">) {
  const { keepBy, keep } = draft;
  return (
    <>
      <RadioButtonGroup
        orientation="vertical"
        legendText="Keep runs"
        name="keep-by"
        valueSelected={keepBy}
        onChange={(value) => set({ keepBy: value as Draft["keepBy"] })}
      >
        <RadioButton id="keep-default" labelText="As the installation does" value="default" />
        <RadioButton id="keep-amount" labelText="By amount" value="amount" />
        <RadioButton id="keep-days" labelText="By duration" value="days" />
      </RadioButtonGroup>
      {keepBy !== "default" && (
        <TextInput
          id="keep"
          className="short"
          inputMode="numeric"
          labelText={keepBy === "amount" ? "Runs to keep" : "Days to keep"}
          helperText={
            keepBy === "amount"
              ? `The newest ${keep || "…"} runs that have ended stay; older ones go.`
              : `Runs go ${keep || "…"} days after they ended. Pinned runs stay.`
          }
          value={keep}
          {...invalid(error, "keep", `retention_policy.${keepBy}`, "retention_policy")}
          onChange={(event) => set({ keep: event.target.value })}
        />
      )}
    </>
  );
}
