import { Button, Form, Select, SelectItem, TextInput } from "@carbon/react";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { addMember, changeRole, type Member, membersQuery, removeMember, ROLES } from "../../../api/manage";
import { Consent } from "../../../kit/Consent";
import { type Column, CursorTable } from "../../../kit/CursorTable";
import { invalid, Problem, useFocusOnInvalid } from "../../../kit/Problem";
import { Section } from "../../../kit/Section";
import { useChange } from "../../../kit/useChange";

export function Members({ space }: { space: string }) {
  const { data, error } = useQuery(membersQuery(space));
  const key = ["manage", space, "members"];
  const change = useChange(({ user, role }: { user: string; role: string }) => changeRole(space, user, role), key);
  const out = useChange((user: string) => removeMember(space, user), key);
  const columns = columnsOf((user, role) => change.mutate({ user, role }), (user) => out.mutate(user));
  return (
    <Section title="Members" about="Viewers look, job operators run jobs, editors change what is here, admins manage the space.">
      <Problem error={error ?? change.error ?? out.error} title="The members are as they were" />
      <Add space={space} />
      {data && <CursorTable label="Members" columns={columns} rows={data.resources} rowKey={(member) => member.id} next={null} />}
    </Section>
  );
}

function Add({ space }: { space: string }) {
  const [id, setId] = useState("");
  const [role, setRole] = useState("viewer");
  const add = useChange(() => addMember(space, { id, role }), ["manage", space, "members"], () => setId(""));
  useFocusOnInvalid(add.error);
  const wrong = invalid(add.error, "id", "members.id");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    add.mutate();
  };
  return (
    <>
      <Problem error={wrong.invalid ? null : add.error} title="The member was not added" />
      <Form noValidate className="inline-form" onSubmit={submit}>
        <TextInput id="id" labelText="User name" required value={id} {...wrong} onChange={(event) => setId(event.target.value)} />
        <Select id="role" labelText="Role" value={role} onChange={(event) => setRole(event.target.value)}>
          {roleItems()}
        </Select>
        <Button size="md" type="submit" disabled={add.isPending}>
          Add member
        </Button>
      </Form>
    </>
  );
}

const roleItems = () => ROLES.map((role) => <SelectItem key={role} value={role} text={role.replace("_", " ")} />);

const columnsOf = (change: (user: string, role: string) => void, out: (user: string) => void): Column<Member>[] => [
  { header: "Name", cell: (member) => member.name },
  {
    header: "Role",
    cell: (member) => (
      <Select
        id={`role-${member.id}`}
        size="sm"
        hideLabel
        labelText={`Role of ${member.name}`}
        value={member.role}
        onChange={(event) => change(member.id, event.target.value)}
      >
        {roleItems()}
      </Select>
    ),
  },
  {
    header: "Actions",
    cell: (member) => (
      <Consent
        label="Remove"
        about={member.name}
        question={`${member.name} sees this space no more, and schedules that act for ${member.name} here stop.`}
        onConsent={() => out(member.id)}
      />
    ),
  },
];
