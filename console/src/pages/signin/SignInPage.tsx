import { Button, Form, PasswordInput, Stack, TextInput } from "@carbon/react";
import { ArrowRight } from "@carbon/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Refusal } from "../../api/client";
import { sessionQuery, signIn } from "../../api/session";
import { useTitle } from "../../kit/Page";
import { Problem } from "../../kit/Problem";

/** Shown in place of any page to whoever is not signed in, so that it goes on there. */
export function SignInPage() {
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const client = useQueryClient();
  const enter = useMutation({
    mutationFn: signIn,
    onSuccess: (session) => client.setQueryData(sessionQuery.queryKey, session),
  });
  useTitle("Sign in");

  const submit = (event: FormEvent) => {
    event.preventDefault();
    enter.mutate({ username, password });
  };
  return (
    <main className="sign-in" id="main-content">
      <h1>Sign in to Gristmill</h1>
      <Form onSubmit={submit}>
        <Stack gap={6}>
          <Problem error={told(enter.error)} title="You are not signed in" />
          <TextInput
            id="username"
            labelText="User name"
            autoComplete="username"
            autoFocus
            required
            value={username}
            onChange={(event) => setUsername(event.target.value)}
          />
          <PasswordInput
            id="password"
            labelText="Password or API key"
            autoComplete="current-password"
            helperText="The first administrator signs in as admin, with the API key that the server printed."
            required
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
          <Button type="submit" renderIcon={ArrowRight} disabled={enter.isPending}>
            Sign in
          </Button>
        </Stack>
      </Form>
    </main>
  );
}

/** A lock-out is told in the reader's own time. */
function told(error: Error | null): Error | null {
  if (!(error instanceof Refusal) || error.retrySeconds === null) return error;
  const until = new Date(Date.now() + error.retrySeconds * 1000).toLocaleTimeString("en-GB");
  return new Error(`There were too many wrong passwords for this user name. Try again after ${until}.`);
}
