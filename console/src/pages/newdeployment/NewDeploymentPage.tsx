import { Button, Form, Select, SelectItem, Stack, TextArea, TextInput } from "@carbon/react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useReducer } from "react";
import { Link, useSearchParams } from "wouter";
import { assetQuery, assetsQuery } from "../../api/assets";
import { isDeployable, wordOf } from "../../api/assetKinds";
import { createDeployment, type NewDeployment } from "../../api/deployments";
import { hardwareQuery } from "../../api/specifications";
import { Page } from "../../kit/Page";
import { invalid, Problem, useFocusOnInvalid } from "../../kit/Problem";
import { useLeave, useSpaceCrumbs } from "../../kit/spacePage";
import { paths } from "../../paths";

const EMPTY: NewDeployment = { name: "", description: "", asset: "", hardware: "", max_running: 2 };

const merge = (form: NewDeployment, change: Partial<NewDeployment>): NewDeployment => ({ ...form, ...change });

/** Makes an asset ready for jobs; which one stands in the address. */
export default function NewDeploymentPage({ space }: { space: string }) {
  const [search, setSearch] = useSearchParams();
  const asset = search.get("asset") ?? "";
  const [form, set] = useReducer(merge, EMPTY);
  const crumbs = useSpaceCrumbs(space, paths.tab(space, "deployments"));
  const leave = useLeave("deployments", space);
  const hardware = useQuery(hardwareQuery(space));
  const chosen = form.hardware || (hardware.data?.resources.find(({ metadata }) => metadata.name === "S")?.metadata.asset_id ?? "");
  const create = useMutation({
    mutationFn: () => createDeployment(space, { ...form, asset, hardware: chosen }),
    onSuccess: ({ metadata }) => leave(paths.deployment(space, metadata.id)),
  });
  useFocusOnInvalid(create.error);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <Page title="New deployment" crumbs={crumbs}>
      <Form className="narrow" noValidate onSubmit={submit}>
        <Stack gap={6}>
          <Problem error={create.error ?? hardware.error} title="The deployment was not made" />
          <AssetSelect space={space} chosen={asset} error={create.error} choose={(id) => setSearch({ asset: id }, { replace: true })} />
          <TextInput id="name" labelText="Name" required value={form.name} {...invalid(create.error, "name")} onChange={(event) => set({ name: event.target.value })} />
          <Select id="hardware_spec" labelText="Hardware of each run" value={chosen} {...invalid(create.error, "hardware_spec")} onChange={(event) => set({ hardware: event.target.value })}>
            {hardware.data?.resources.map(({ metadata: { asset_id: id, name, description } }) => (
              <SelectItem key={id} value={id} text={description ? `${name}: ${description}` : name} />
            ))}
          </Select>
          <TextInput
            id="batch.max_running"
            type="number"
            labelText="Runs at the same time"
            helperText="More of them wait, in their order."
            value={String(form.max_running)}
            {...invalid(create.error, "batch.max_running")}
            onChange={(event) => set({ max_running: Number(event.target.value) })}
          />
          <TextArea id="description" labelText="Description (optional)" rows={2} value={form.description} onChange={(event) => set({ description: event.target.value })} />
          <div className="buttons">
            <Button kind="secondary" as={Link} href={paths.tab(space, "deployments")}>
              Cancel
            </Button>
            <Button type="submit" disabled={create.isPending}>
              Create deployment
            </Button>
          </div>
        </Stack>
      </Form>
    </Page>
  );
}

interface AssetSelectProps {
  space: string;
  chosen: string;
  error: Error | null;
  choose: (id: string) => void;
}

/** The newest assets that can be deployed, and the one that the address names, however old. */
function AssetSelect({ space, chosen, error, choose }: AssetSelectProps) {
  const options = ["wml_model", "wml_function", "script"].map((type) => assetsQuery(space, { asset_type: type, limit: 100 }));
  const lists = [useQuery(options[0]!), useQuery(options[1]!), useQuery(options[2]!)];
  const { data: named } = useQuery({ ...assetQuery(space, chosen), enabled: chosen !== "" });
  const found = lists.flatMap(({ data }) => data?.results ?? []).filter(({ asset_type: type }) => isDeployable(type));
  const missing = named && !found.some(({ id }) => id === chosen);
  return (
    <Select id="asset.id" labelText="Asset" value={chosen} {...invalid(error, "asset.id", "asset")} onChange={(event) => choose(event.target.value)}>
      <SelectItem value="" text={found.length > 0 ? "Choose one" : "There is no model, function or script yet"} />
      {missing ? <SelectItem value={chosen} text={named.metadata.name} /> : null}
      {found.map(({ id, name, asset_type: type }) => (
        <SelectItem key={id} value={id} text={`${name} (${wordOf(type).toLowerCase()})`} />
      ))}
    </Select>
  );
}
