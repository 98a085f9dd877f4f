import { Checkbox, PasswordInput, Tag, TextInput } from "@carbon/react";
import { useState } from "react";
import { type Schemas, send, useChange, type User, useRead } from "../../api";
import { type Column, Consent, List, Problem, SendForm, SmallButton, useForm, useParams, wrong } from "../../kit";

const USERS = "/v1/users";

export function Users() {
  const list = useRead(USERS, { limit: 50, ...useParams("start") });
  return <><NewUser /><List label="Users" of={list} columns={COLUMNS} /></>;
}

const NOBODY = { name: "", email: "", password: "", administrator: false };

function NewUser() {
  const form = useForm(NOBODY, {
    send: ({ email, password, ...user }) => send("POST", USERS, {}, { ...user, email: email || null, password: password || null }),
    below: USERS,
    clears: NOBODY,
  });
  return (
    <div className="section">
      <h2>New user</h2>
      <SendForm inline of={form} action="Add user" problem="The user was not added">
        <TextInput {...form.field("name")} labelText="User name" />
        <TextInput {...form.field("email")} labelText="E-mail (optional)" />
        <PasswordInput {...form.field("password")} labelText="Password (optional)" autoComplete="new-password" />
        <Checkbox
          id="administrator"
          labelText="Administrator"
          checked={form.values.administrator}
          onChange={(_, { checked }) => form.set({ administrator: checked })}
        />
      </SendForm>
    </div>
  );
}

const COLUMNS: Column<User>[] = [
  {
    header: "Name",
    cell: (user) => (
      <>
        {user.name} {user.administrator && <Tag size="sm">Administrator</Tag>} {user.disabled && <Tag size="sm">Disabled</Tag>}
        <small>{[user.display_name, user.email].filter((each) => each && each !== user.name).join(", ")}</small>
      </>
    ),
  },
  { header: "Actions", cell: (user) => <Actions user={user} /> },
];

function Actions({ user: { id, name, administrator, disabled } }: { user: User }) {
  const [resets, setResets] = useState(false);
  const { mutate: change, error } = useChange((wanted: Schemas["UserChange"]) => send("PATCH", `${USERS}/${id}`, {}, wanted), USERS);
  const out = useChange(() => send("DELETE", `${USERS}/${id}`), USERS);
  return (
    <>
      <Problem error={error ?? out.error} title="The user is as before" />
      <div className="buttons">
        <SmallButton about={name} onClick={() => change({ administrator: !administrator })}>
          {administrator ? "Make no administrator" : "Make administrator"}
        </SmallButton>
        <SmallButton about={name} onClick={() => change({ disabled: !disabled })}>{disabled ? "Enable" : "Disable"}</SmallButton>
        <SmallButton about={name} onClick={() => setResets(!resets)}>Reset password</SmallButton>
        <Consent
          label="Delete"
          about={name}
          question="Its keys, credential and memberships go with it, and its schedules stop."
          onConsent={out.mutate}
        />
      </div>
      {resets && <ResetPassword id={id} name={name} done={() => setResets(false)} />}
    </>
  );
}

function ResetPassword({ id, name, done }: { id: string; name: string; done: () => void }) {
  const form = useForm({ password: "" }, { send: (body) => send("PATCH", `${USERS}/${id}`, {}, body), below: USERS, done });
  const own = `password-${id}`;
  return (
    <SendForm inline of={form} action="Set password" button={{ size: "sm" }}>
      <PasswordInput
        {...form.field("password")}
        {...wrong(own, form.error?.message ?? null)}
        id={own}
        size="sm"
        labelText={`New password of ${name}`}
        autoComplete="new-password"
      />
    </SendForm>
  );
}
