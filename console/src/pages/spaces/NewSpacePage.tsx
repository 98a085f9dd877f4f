import { TextArea, TextInput } from "@carbon/react";
import { useLocation } from "wouter";
import { send, type Space } from "../../api";
import { Page, SendForm, TOP, useForm } from "../../kit";
import { paths } from "../../paths";

export default function NewSpacePage() {
  const [, go] = useLocation();
  const form = useForm({ name: "", description: "" }, {
    send: (body) => send<Space>("POST", "/v2/spaces", {}, body),
    below: "/v2/space_summaries",
    done: ({ metadata }) => go(paths.space(metadata.id)),
  });
  return (
    <Page title="New space" crumbs={[TOP]}>
      <SendForm of={form} action="Create" problem="The space was not created" cancel={paths.spaces}>
        <TextInput {...form.field("name")} labelText="Name" required />
        <TextArea {...form.field("description")} labelText="Description (optional)" rows={3} />
      </SendForm>
    </Page>
  );
}
