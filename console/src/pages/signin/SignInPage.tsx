import { PasswordInput, TextInput } from "@carbon/react";
import { ArrowRight } from "@carbon/icons-react";
import { Refusal, type Schemas, send, SESSION } from "../../api";
import { SendForm, useForm, useTitle } from "../../kit";

/** Shown in place of any page to whoever is not signed in, so that it goes on there. */
export function SignInPage() {
  const form = useForm({ username: "", password: "" }, {
    send: (body) => send<Schemas["SessionDocument"]>("POST", SESSION, {}, body),
    below: SESSION,
  });
  useTitle("Sign in");
  return (
    <main className="sign-in" id="main-content">
      <h1>Sign in to Gristmill</h1>
      <SendForm asks of={{ ...form, error: told(form.error) }} action="Sign in" button={{ renderIcon: ArrowRight }} problem="You are not signed in">
        <TextInput {...form.field("username")} labelText="User name" autoComplete="username" autoFocus required />
        <PasswordInput
          {...form.field("password")}
          labelText="Password or API key"
          autoComplete="current-password"
          helperText="The first administrator signs in as admin, with the API key that the server printed."
          required
        />
      </SendForm>
    </main>
  );
}

/** A lock-out is told in the reader's own time. */
function told(error: Error | null): Error | null {
  if (!(error instanceof Refusal) || !error.about.retrySeconds) return error;
  const until = new Date(Date.now() + error.about.retrySeconds * 1000).toLocaleTimeString("en-GB");
  return new Error(`There were too many wrong passwords for this user name. Try again after ${until}.`);
}
