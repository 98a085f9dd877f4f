import { Button, Form, PasswordInput, Stack } from "@carbon/react";
import { type FormEvent, useState } from "react";
import { changePassword } from "../../api/profile";
import { invalid, Problem, useFocusOnInvalid } from "../../kit/Problem";
import { Section } from "../../kit/Section";
import { useChange } from "../../kit/useChange";

export function Password() {
  const [current, setCurrent] = useState("");
  const [password, setPassword] = useState("");
  const change = useChange(changePassword, ["session"]);
  useFocusOnInvalid(change.error);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate({ current, password });
  };
  return (
    <Section title="Password" about="Where you signed in with the old one you are signed out, here too.">
      <Form noValidate className="narrow" onSubmit={submit}>
        <Stack gap={5}>
          <Problem error={change.error} title="The password was not changed" />
          <PasswordInput
            id="current"
            labelText="Password so far, or one of your API keys"
            autoComplete="current-password"
            value={current}
            {...invalid(change.error, "current")}
            onChange={(event) => setCurrent(event.target.value)}
          />
          <PasswordInput
            id="password"
            labelText="New password"
            helperText="Eight characters or more."
            autoComplete="new-password"
            value={password}
            {...invalid(change.error, "password")}
            onChange={(event) => setPassword(event.target.value)}
          />
          <Button size="md" type="submit" disabled={change.isPending}>
            Change password
          </Button>
        </Stack>
      </Form>
    </Section>
  );
}
