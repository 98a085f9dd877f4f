import { TextArea, TextInput } from "@carbon/react";
import { useLocation } from "wouter";
import { type Deployment, LISTED, send, useRead, wordOf } from "../../api";
import { Choice, invalid, Page, Problem, SendForm, useForm, useParam, useSpaceCrumbs } from "../../kit";
import { paths } from "../../paths";

const MOST = "batch.max_running";
/** What runs get where nothing else is chosen; sent by its name, because somebody may be faster than the list is here. */
const USUAL = "S";

/** Makes an asset ready for jobs; which one stands in the address. */
export default function NewDeploymentPage({ space }: { space: string }) {
  const [asset, choose] = useParam("asset");
  const [, go] = useLocation();
  const crumbs = useSpaceCrumbs(space, paths.tab(space, "deployments"));
  const { data: hardware, error } = useRead("/v2/hardware_specifications", { space_id: space }, { staleTime: 60_000 });
  const usual = hardware?.resources.find(({ metadata }) => metadata.name === USUAL)?.metadata.asset_id ?? "";
  const form = useForm({ name: "", description: "", hardware_spec: "", [MOST]: "2" }, {
    send: ({ hardware_spec: id, [MOST]: most, ...named }) => {
      const runs = { asset: { id: asset ?? "" }, batch: { max_running: Number(most) }, hardware_spec: id ? { id } : { name: USUAL } };
      return send<Deployment>("POST", "/ml/v4/deployments", {}, { ...named, space_id: space, ...runs });
    },
    below: "/v2/deployment_summaries",
    done: ({ metadata }) => go(paths.deployment(space, metadata.id)),
  });
  const chosen = form.field("hardware_spec");
  return (
    <Page title="New deployment" crumbs={crumbs}>
      <Problem error={error} title="The hardware cannot be shown" />
      <SendForm of={form} action="Create deployment" problem="The deployment was not made" cancel={paths.tab(space, "deployments")}>
        <AssetChoice space={space} chosen={asset ?? ""} error={form.error} choose={choose} />
        <TextInput {...form.field("name")} labelText="Name" required />
        <Choice
          {...chosen}
          labelText="Hardware of each run"
          value={chosen.value || usual}
          options={hardware?.resources.map(({ metadata: each }) => [each.asset_id, [each.name, each.description].filter(Boolean).join(": ")]) ?? []}
        />
        <TextInput {...form.field(MOST)} type="number" labelText="Runs at the same time" helperText="More of them wait, in their order." />
        <TextArea {...form.field("description")} labelText="Description (optional)" rows={2} />
      </SendForm>
    </Page>
  );
}

type AssetChoiceProps = { space: string; chosen: string; error: Error | null; choose: (id: string) => void };

/** The newest assets that can be deployed, and the one that the address names, however old. */
function AssetChoice({ space, chosen, error, choose }: AssetChoiceProps) {
  const useNewest = (asset_type: string) =>
    useRead("/v2/asset_summaries", { space_id: space, asset_type, limit: 100 }, LISTED).data?.results ?? [];
  const found = [...useNewest("wml_model"), ...useNewest("wml_function"), ...useNewest("script")];
  const { data: named } = useRead("/v2/assets/{asset_id}", { asset_id: chosen, space_id: space }, { enabled: chosen !== "" });
  const missing = named && !found.some(({ id }) => id === chosen);
  return (
    <Choice
      id="asset.id"
      labelText="Asset"
      value={chosen}
      {...invalid(error, "asset.id", "asset")}
      onChange={({ target }) => choose(target.value)}
      options={[
        ["", found.length > 0 ? "Choose one" : "There is no model, function or script yet"],
        ...(missing ? [[chosen, named.metadata.name] as const] : []),
        ...found.map(({ id, name, asset_type: type }) => [id, `${name} (${wordOf(type).toLowerCase()})`] as const),
      ]}
    />
  );
}
