import { Button, Form, PasswordInput } from "@carbon/react";
import { type FormEvent, useState } from "react";
import { changeUser, type User } from "../../api/administration";
import { useChange } from "../../kit/useChange";

export function ResetPassword({ user, done }: { user: User; done: () => void }) {
  const [password, setPassword] = useState("");
  const id = `password-${user.id}`;
  const reset = useChange(() => changeUser(user.id, { password }), ["administration", "users"], done);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    reset.mutate();
  };
  return (
    <Form noValidate className="inline-form" onSubmit={submit}>
      <PasswordInput
        id={id}
        size="sm"
        labelText={`New password of ${user.name}`}
        autoComplete="new-password"
        value={password}
        invalid={reset.isError}
        invalidText={reset.error?.message ?? ""}
        {...(reset.isError ? { "aria-describedby": `${id}-error-msg` } : {})}
        onChange={(event) => setPassword(event.target.value)}
      />
      <Button size="sm" type="submit" disabled={reset.isPending}>
        Set password
      </Button>
    </Form>
  );
}
