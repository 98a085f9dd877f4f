import { Button, Form, Stack, TextArea, TextInput } from "@carbon/react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Link, useLocation } from "wouter";
import { createSpace } from "../../api/spaces";
import { Page } from "../../kit/Page";
import { invalid, Problem, useFocusOnInvalid } from "../../kit/Problem";
import { paths } from "../../paths";

export default function NewSpacePage() {
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [, go] = useLocation();
  const client = useQueryClient();
  const create = useMutation({
    mutationFn: createSpace,
    onSuccess: async (space) => {
      await client.invalidateQueries({ queryKey: ["spaces"] });
      go(paths.space(space.metadata.id));
    },
  });
  useFocusOnInvalid(create.error);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate({ name, description });
  };
  return (
    <Page title="New space" crumbs={[{ text: "Deployment spaces", to: paths.spaces }]}>
      <Form className="narrow" noValidate onSubmit={submit}>
        <Stack gap={6}>
          <Problem error={create.error} title="The space was not created" />
          <TextInput
            id="name"
            labelText="Name"
            required
            value={name}
            {...invalid(create.error, "name")}
            onChange={(event) => setName(event.target.value)}
          />
          <TextArea
            id="description"
            labelText="Description (optional)"
            rows={3}
            value={description}
            {...invalid(create.error, "description")}
            onChange={(event) => setDescription(event.target.value)}
          />
          <div className="buttons">
            <Button kind="secondary" as={Link} href={paths.spaces}>
              Cancel
            </Button>
            <Button type="submit" disabled={create.isPending}>
              Create
            </Button>
          </div>
        </Stack>
      </Form>
    </Page>
  );
}
