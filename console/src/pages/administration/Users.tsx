import { Button, Tag } from "@carbon/react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useSearchParams } from "wouter";
import { changeUser, deleteUser, type User, usersQuery } from "../../api/administration";
import { Consent } from "../../kit/Consent";
import { type Column, CursorTable } from "../../kit/CursorTable";
import { Problem } from "../../kit/Problem";
import { useChange } from "../../kit/useChange";
import { NewUser } from "./NewUser";
import { ResetPassword } from "./ResetPassword";

const KEY = ["administration", "users"];

export function Users() {
  const [search] = useSearchParams();
  const { data, error } = useQuery(usersQuery(search.get("start")));
  const change = useChange(({ id, ...wanted }: { id: string } & Parameters<typeof changeUser>[1]) => changeUser(id, wanted), KEY);
  const out = useChange(deleteUser, KEY);
  const next = data?.next ? new URL(data.next.href).searchParams.get("start") : null;
  return (
    <>
      <NewUser />
      <Problem error={error ?? change.error ?? out.error} title="The users are as they were" />
      {data && (
        <CursorTable
          label="Users"
          columns={columns((id, wanted) => change.mutate({ id, ...wanted }), (id) => out.mutate(id))}
          rows={data.resources}
          rowKey={(user) => user.id}
          next={next}
        />
      )}
    </>
  );
}

type Change = (id: string, wanted: { disabled?: boolean; administrator?: boolean }) => void;

const columns = (change: Change, out: (id: string) => void): Column<User>[] => [
  {
    header: "Name",
    cell: (user) => (
      <>
        {user.name} {user.administrator && <Tag size="sm">Administrator</Tag>} {user.disabled && <Tag size="sm">Disabled</Tag>}
        <small>{[user.display_name, user.email].filter((each) => each && each !== user.name).join(", ")}</small>
      </>
    ),
  },
  { header: "Actions", cell: (user) => <Actions user={user} change={change} out={out} /> },
];

function Actions({ user, change, out }: { user: User; change: Change; out: (id: string) => void }) {
  const [resets, setResets] = useState(false);
  const button = (text: string, does: () => void) => (
    <Button kind="ghost" size="sm" aria-label={`${text}: ${user.name}`} onClick={does}>
      {text}
    </Button>
  );
  return (
    <>
      <div className="buttons">
        {button(user.administrator ? "Make no administrator" : "Make administrator", () => change(user.id, { administrator: !user.administrator }))}
        {button(user.disabled ? "Enable" : "Disable", () => change(user.id, { disabled: !user.disabled }))}
        {button("Reset password", () => setResets(!resets))}
        <Consent
          label="Delete"
          about={user.name}
          question="Its keys, credential and memberships go with it, and its schedules stop."
          onConsent={() => out(user.id)}
        />
      </div>
      {resets && <ResetPassword user={user} done={() => setResets(false)} />}
    </>
  );
}
