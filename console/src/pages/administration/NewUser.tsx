import { Button, Checkbox, Form, PasswordInput, TextInput } from "@carbon/react";
import { type FormEvent, useReducer } from "react";
import { createUser } from "../../api/administration";
import { invalid, Problem, useFocusOnInvalid } from "../../kit/Problem";
import { useChange } from "../../kit/useChange";

const NOTHING = { name: "", email: "", password: "", administrator: false };
type Fields = typeof NOTHING;

export function NewUser() {
  const [fields, set] = useReducer((before: Fields, change: Partial<Fields>) => ({ ...before, ...change }), NOTHING);
  const { name, email, password, administrator } = fields;
  const create = useChange(
    () => createUser({ name, administrator, email: email || null, password: password || null }),
    ["administration", "users"],
    () => set(NOTHING),
  );
  useFocusOnInvalid(create.error);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <div className="section">
      <h2>New user</h2>
      <Problem error={create.error} title="The user was not added" />
      <Form noValidate className="inline-form" onSubmit={submit}>
        <TextInput id="name" labelText="User name" value={name} {...invalid(create.error, "name")} onChange={(event) => set({ name: event.target.value })} />
        <TextInput id="email" labelText="E-mail (optional)" value={email} {...invalid(create.error, "email")} onChange={(event) => set({ email: event.target.value })} />
        <PasswordInput
          id="password"
          labelText="Password (optional)"
          autoComplete="new-password"
          value={password}
          {...invalid(create.error, "password")}
          onChange={(event) => set({ password: event.target.value })}
        />
        <Checkbox id="administrator" labelText="Administrator" checked={administrator} onChange={(_, { checked }) => set({ administrator: checked })} />
        <Button size="md" type="submit" disabled={create.isPending}>
          Add user
        </Button>
      </Form>
    </div>
  );
}
