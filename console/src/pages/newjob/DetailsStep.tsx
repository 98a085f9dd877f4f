import { Select, SelectItem, TextArea, TextInput } from "@carbon/react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useLocation } from "wouter";
import { type Target, targetQuery, targetsQuery } from "../../api/jobTargets";
import { useAddress } from "../../kit/address";
import { invalid, Problem } from "../../kit/Problem";
import type { StepProps } from "./StepBody";

/** What the job is called and what it runs. */
export function DetailsStep({ space, target, draft, set, error }: StepProps) {
  return (
    <>
      <TextInput
        id="name"
        labelText="Name"
        required
        value={draft.name}
        {...invalid(error, "name", "job.name")}
        onChange={(event) => set({ name: event.target.value })}
      />
      <TextArea
        id="description"
        labelText="Description (optional)"
        rows={3}
        value={draft.description}
        {...invalid(error, "description", "job.description")}
        onChange={(event) => set({ description: event.target.value })}
      />
      <WhatItRuns {...{ space, target, error }} />
    </>
  );
}

const WORDS: Record<string, string> = {
  model: "deployed model",
  function: "deployed function",
  py_script: "deployed script",
  code_package: "code package",
  orchestration_flow: "flow",
};

export const targetText = ({ name, type }: Target) => `${name} (${WORDS[type] ?? type})`;

function WhatItRuns({ space, target, error }: Pick<StepProps, "space" | "target" | "error">) {
  const { data = [], error: problem } = useQuery(targetsQuery(space));
  const [, navigate] = useLocation();
  const address = useAddress();
  const client = useQueryClient();
  const listed = target && !data.some(({ id }) => id === target.id) ? [target, ...data] : data;
  const choose = (id: string) => {
    const found = listed.find((each) => each.id === id);
    // Known at once, so that the form stays as it is.
    if (found) client.setQueryData(targetQuery(space, found.kind, id).queryKey, found);
    navigate(address({ deployment: null, asset: null, ...(found ? { [found.kind]: id } : {}) }), { replace: true });
  };
  return (
    <>
      <Problem error={problem} title="What can be run is not known" />
      <Select
        id="asset_ref"
        labelText="What it runs"
        helperText="A deployment, or a script, notebook, code package or flow of this space."
        value={target?.id ?? ""}
        {...invalid(error, "asset_ref")}
        onChange={(event) => choose(event.target.value)}
      >
        <SelectItem value="" text="Choose" />
        {listed.map((each) => (
          <SelectItem key={each.id} value={each.id} text={targetText(each)} />
        ))}
      </Select>
    </>
  );
}
