import { Button, Form, InlineNotification, Select, SelectItem, Stack } from "@carbon/react";
import { type ComponentProps, type FormEvent, type ReactNode, useEffect, useReducer } from "react";
import { Link } from "wouter";
import { Refusal, useChange } from "../api";

type NoticeProps = Pick<ComponentProps<typeof InlineNotification>, "kind" | "role" | "title" | "subtitle">;

export const Notice = (props: NoticeProps) => <InlineNotification lowContrast hideCloseButton {...props} />;

/** What went wrong and the way out, in the server's own words. Nothing where nothing did. */
export const Problem = ({ error, title = "That did not work" }: { error: Error | null; title?: string | undefined }) =>
  error && <Notice kind="error" title={title} subtitle={error.message} role="alert" />;

/**
 * What a form's field needs to show a refusal that names it. The field's id is the name by which the API knows it;
 * other names may follow, where the API calls it differently.
 */
export function invalid(error: Error | null, id: string, ...names: string[]) {
  if (!(error instanceof Refusal) || ![id, ...names].includes(error.about.field ?? "")) return wrong(id, null);
  return wrong(id, error.message);
}

/** What a field needs to show that something is wrong with it. */
export const wrong = (id: string, message: string | null) => ({
  invalid: message !== null,
  invalidText: message ?? "",
  // Carbon names the message as an error message only, which few screen readers read.
  ...(message === null ? {} : { "aria-describedby": `${id}-error-msg` }),
});

/** Takes the keyboard to the first field that a refusal is about. */
export function useFocusOnInvalid(error: Error | null): void {
  useEffect(() => {
    if (error) document.querySelector<HTMLElement>('main [aria-invalid="true"]')?.focus();
  }, [error]);
}

type Typed = { target: { value: string } };

/** What a text field needs of a form; its id is the name by which the API knows it, and `names` are others of it. */
export type FieldOf<V> = (name: keyof V & string, ...names: string[]) => ReturnType<typeof fieldIn>;

/** Text fields over some values: what they show, what changes them, and the refusal that is about each. */
export const fieldsOver = <V extends object>(values: V, set: (change: Partial<V>) => void, error: Error | null): FieldOf<V> =>
  (name, ...names) => fieldIn(name, String(values[name]), (value) => set({ [name]: value } as Partial<V>), invalid(error, name, ...names));

const fieldIn = (id: string, value: string, change: (value: string) => void, wrong: ReturnType<typeof invalid>) => ({
  id, value, onChange: ({ target }: Typed) => change(target.value), ...wrong,
});

interface Sends<V, R> {
  send: (values: V) => Promise<R>;
  /** The addresses that are read again, by their beginning. */
  below: string;
  done?: (made: R) => void;
  /** Which fields begin anew afterwards. */
  clears?: Partial<V>;
}

/** A form: what is typed into it, and what sends it. */
export function useForm<V extends object, R>(empty: V, { send, below, done, clears }: Sends<V, R>) {
  const [values, set] = useReducer((before: V, change: Partial<V>): V => ({ ...before, ...change }), empty);
  const { mutate, error, isPending: pending, data } = useChange(() => send(values), below, (made: R) => {
    done?.(made);
    if (clears) set(clears);
  });
  useFocusOnInvalid(error);
  return { values, set, error, pending, data, submit: () => mutate(), field: fieldsOver(values, set, error) };
}

interface SendFormProps {
  of: { submit: () => void; pending: boolean; error: Error | null };
  action: string;
  button?: Omit<ComponentProps<typeof Button<"button">>, "children">;
  problem?: string;
  cancel?: string;
  more?: ReactNode;
  inline?: boolean;
  /** Whether the browser asks for what is required before anything is sent. */
  asks?: boolean;
  children: ReactNode;
}

/** The frame of a form: what was refused, the fields, what sends it; `inline` in one line, where there is room. */
export function SendForm({ of, action, button, problem, cancel, more, inline = false, asks = false, children }: SendFormProps) {
  const told = problem && <Problem error={of.error} title={problem} />;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    of.submit();
  };
  const send = <Button type="submit" size={inline ? "md" : "lg"} disabled={of.pending} {...button}>{action}</Button>;
  if (inline)
    return <>{told}<Form noValidate className="inline-form" onSubmit={submit}>{children}{send}</Form></>;
  return (
    <Form noValidate={!asks} className="narrow" onSubmit={submit}>
      <Stack gap={6}>
        {told}
        {children}
        <div className="buttons">
          {cancel && <Button kind="secondary" as={Link} href={cancel}>Cancel</Button>}
          {more}
          {send}
        </div>
      </Stack>
    </Form>
  );
}

type ChoiceProps = ComponentProps<typeof Select> & { options: readonly (readonly [value: string, text: string])[] };

export const Choice = ({ options, ...select }: ChoiceProps) => (
  <Select {...select}>{options.map(([value, text]) => <SelectItem key={value} value={value} text={text} />)}</Select>
);
