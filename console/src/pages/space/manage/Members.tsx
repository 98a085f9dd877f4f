import { TextInput } from "@carbon/react";
import { type Member, patch, send, useChange, useRead } from "../../../api";
import { Choice, type Column, Consent, List, Problem, Section, SendForm, useForm, words } from "../../../kit";

const ROLES = ["admin", "editor", "job_operator", "viewer"].map((role) => [role, words(role)] as const);

export function Members({ space }: { space: string }) {
  const at = `/v2/spaces/${space}/members`;
  const list = useRead("/v2/spaces/{space_id}/members", { space_id: space, limit: 1000 });
  const change = useChange(({ id, role }: Omit<Member, "name">) => patch(`${at}/{id}`, { "/role": role }, { id }), at);
  const out = useChange((id: string) => send("DELETE", `${at}/{id}`, { id }), at);
  const form = useForm({ id: "", role: "viewer" }, { send: (member) => send("POST", at, {}, { members: [member] }), below: at, clears: { id: "" } });
  const name = form.field("id", "members.id");
  return (
    <Section title="Members" about="Viewers look, job operators run jobs, editors change what is here, admins manage the space.">
      <Problem error={change.error ?? out.error} title="The members are as they were" />
      <Problem error={name.invalid ? null : form.error} title="The member was not added" />
      <SendForm inline of={form} action="Add member">
        <TextInput {...name} labelText="User name" required />
        <Choice {...form.field("role")} labelText="Role" options={ROLES} />
      </SendForm>
      <List label="Members" of={list} columns={columns((id, role) => change.mutate({ id, role }), out.mutate)} />
    </Section>
  );
}

const columns = (change: (id: string, role: string) => void, out: (id: string) => void): Column<Member>[] => [
  { header: "Name", cell: ({ name }) => name },
  {
    header: "Role",
    cell: ({ id, name, role }) => (
      <Choice
        id={`role-${id}`}
        size="sm"
        hideLabel
        labelText={`Role of ${name}`}
        value={role}
        onChange={({ target }) => change(id, target.value)}
        options={ROLES}
      />
    ),
  },
  {
    header: "Actions",
    cell: ({ id, name }) => (
      <Consent
        label="Remove"
        about={name}
        question={`${name} sees this space no more, and schedules that act for ${name} here stop.`}
        onConsent={() => out(id)}
      />
    ),
  },
];
