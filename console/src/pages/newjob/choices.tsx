import { Checkbox, CheckboxGroup, RadioButton, RadioButtonGroup, Toggle } from "@carbon/react";
import type { ReactNode } from "react";
import type { Field, Target } from "../../api";
import type { FieldOf, invalid } from "../../kit";
import type { Draft } from "./draft";

/** What every step is given. */
export interface StepProps {
  space: string;
  target: Target | undefined;
  draft: Draft;
  set: (changes: Partial<Draft>) => void;
  field: FieldOf<Draft>;
  /** The columns that the target wants. */
  fields: Field[];
  error: Error | null;
}

interface RadiosProps<T> {
  legend: string;
  name: string;
  value: T;
  options: [id: string, value: T, label: string][];
  choose: (value: T) => void;
}

export const Radios = <T extends string>({ legend, name, value, options, choose }: RadiosProps<T>) => (
  <RadioButtonGroup orientation="vertical" legendText={legend} name={name} valueSelected={value} onChange={(to) => choose(to as T)}>
    {options.map(([id, each, label]) => <RadioButton key={id} id={id} labelText={label} value={each} />)}
  </RadioButtonGroup>
);

interface ChecksProps {
  legend: string;
  of: string;
  options: readonly (readonly [value: string, label: string])[];
  chosen: string[];
  choose: (chosen: string[]) => void;
  wrong?: ReturnType<typeof invalid>;
  horizontal?: boolean;
  children?: ReactNode;
}

/** Some of several, in the order of the list. */
export function Checks({ legend, of, options, chosen, choose, wrong, horizontal = false, children }: ChecksProps) {
  const { invalid = false, invalidText = "" } = wrong ?? {};
  const withOrWithout = (one: string, there: boolean) =>
    options.map(([value]) => value).filter((value) => (value === one ? there : chosen.includes(value)));
  return (
    <CheckboxGroup legendText={legend} orientation={horizontal ? "horizontal" : "vertical"} invalid={invalid} invalidText={invalidText}>
      {options.map(([value, label]) => (
        <Checkbox
          key={value}
          id={`${of}-${value}`}
          labelText={label}
          checked={chosen.includes(value)}
          onChange={(_, { checked }) => choose(withOrWithout(value, checked))}
        />
      ))}
      {children}
    </CheckboxGroup>
  );
}

type SwitchProps = { id: string; label: string; no?: string; on: boolean; turn: (on: boolean) => void };

export const Switch = ({ id, label, no = "No", on, turn }: SwitchProps) => (
  <Toggle id={id} labelText={label} labelA={no} labelB="Yes" toggled={on} onToggle={turn} />
);
