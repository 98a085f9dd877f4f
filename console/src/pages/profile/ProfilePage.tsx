import { Button, PasswordInput, TextInput } from "@carbon/react";
import { type ApiKey, send, SESSION, useChange, useRead } from "../../api";
import { type Column, Consent, Empty, List, Muted, Page, Secret, Section, SendForm, Time, useForm } from "../../kit";

const CREDENTIALS = "/v1/task_credentials";
const SESSIONS = "/v1/me/sessions";

/** What proves who somebody is: the task credential, API keys, the password, and where the user is signed in. */
export default function ProfilePage() {
  const user = useRead(SESSION).data?.user;
  return (
    <Page title="Profile">
      {user && <p className="section">{user.display_name} <code>{user.name}</code></p>}
      <Credential />
      <Keys />
      <Password />
      <Sessions />
    </Page>
  );
}

/** Makes a key that nobody is shown, and keeps it for this user's runs. */
async function generateCredential(): Promise<void> {
  const { api_key } = await createKey({ name: "Task credential" });
  await send("POST", CREDENTIALS, {}, { name: "Task credential", secret: { api_key } });
}

function Credential() {
  const { data, error } = useRead(CREDENTIALS);
  const generate = useChange(generateCredential, "/v1");
  const revoke = useChange((id: string) => send("DELETE", `${CREDENTIALS}/${id}`), "/v1");
  const credential = data?.credentials[0];
  const wrong = error ?? generate.error ?? revoke.error;
  return (
    <Section title="Task credential" about="Your runs and schedules act by it. Without it none of them starts." error={wrong}>
      {data && !credential && <Button size="md" disabled={generate.isPending} onClick={() => generate.mutate()}>Generate</Button>}
      {credential && (
        <div className="line">
          <span>{credential.name}, made <Time at={credential.created_at} /></span>
          <Consent
            label="Revoke"
            about="the task credential"
            question="Your schedules stop, and no run of yours starts, until you generate another."
            pending={revoke.isPending}
            onConsent={() => revoke.mutate(credential.id)}
          />
        </div>
      )}
    </Section>
  );
}

function Password() {
  const form = useForm({ current: "", password: "" }, { send: (body) => send("POST", "/v1/me/password", {}, body), below: SESSION });
  return (
    <Section title="Password" about="Where you signed in with the old one you are signed out, here too.">
      <SendForm of={form} action="Change password" button={{ size: "md" }} problem="The password was not changed">
        <PasswordInput {...form.field("current")} labelText="Password so far, or one of your API keys" autoComplete="current-password" />
        <PasswordInput {...form.field("password")} labelText="New password" helperText="Eight characters or more." autoComplete="new-password" />
      </SendForm>
    </Section>
  );
}

function Sessions() {
  const { data, error } = useRead(SESSIONS);
  const end = useChange(() => send("DELETE", SESSIONS), SESSION);
  return (
    <Section title="Signed in" error={error ?? end.error}>
      <ul>
        {data?.results.map(({ current, created_at: since, expires_at: until }) => (
          <li key={since}>{current ? "This browser" : "Another browser"}, since <Time at={since} />, until <Time at={until} /></li>
        ))}
      </ul>
      <Consent
        label="Sign out everywhere"
        about="of all browsers"
        question="Every browser is signed out, this one too."
        pending={end.isPending}
        onConsent={end.mutate}
      />
    </Section>
  );
}

const KEYS = "/v1/api_keys";

const createKey = (body: { name: string }) => send<ApiKey & { api_key: string }>("POST", KEYS, {}, body);

function Keys() {
  const list = useRead(KEYS, { limit: 200 });
  const form = useForm({ name: "" }, { send: createKey, below: "/v1", clears: { name: "" } });
  const revoke = useChange((id: string) => send("DELETE", `${KEYS}/${id}`), "/v1");
  return (
    <Section title="API keys" about="What your programs sign in with. A key is shown once, when it is made." error={revoke.error}>
      <SendForm inline of={form} action="Generate key">
        <TextInput {...form.field("name")} labelText="What the key is for" required />
      </SendForm>
      {form.data && <Secret text={form.data.api_key} what="the API key">{`The key “${form.data.name}”.`}</Secret>}
      <List label="API keys" of={list} columns={columns(revoke.mutate)} empty={<Empty title="You have no API key" />} />
    </Section>
  );
}

const columns = (revoke: (id: string) => void): Column<ApiKey>[] => [
  { header: "Name", cell: ({ name }) => name },
  { header: "Begins with", cell: ({ hint }) => <code>{hint ?? ""}</code> },
  { header: "Made", cell: ({ created_at: at }) => <Time at={at} /> },
  { header: "Last used", cell: ({ last_used_at: at }) => (at ? <Time at={at} /> : <Muted>Never</Muted>) },
  {
    header: "Actions",
    cell: ({ id, name }) => (
      <Consent
        label="Revoke"
        about={name}
        question="Programs that use it are signed out at once. So are you, and your task credential goes, if they stand on it."
        onConsent={() => revoke(id)}
      />
    ),
  },
];
