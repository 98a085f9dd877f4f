import { Button } from "@carbon/react";
import { Download } from "@carbon/icons-react";
import { useMutation } from "@tanstack/react-query";
import { Link } from "wouter";
import { type Asset, contentOf, fieldsOf, isDeployable, isSelfContained, send, useChange, useRead, wordOf } from "../../api";
import { bytes, ConfirmDelete, Copy, Facts, Page, Problem, Section, SmallButton, Time, useSpaceCrumbs } from "../../kit";
import { paths } from "../../paths";
import { MadeBy, Preview, Schema, Uses, UsesSection, useUses } from "./parts";

/** An asset: what is in it, what uses it, and what can be made of it. */
export default function AssetPage({ space, asset: id }: { space: string; asset: string }) {
  const { data: asset, error } = useRead("/v2/assets/{asset_id}", { asset_id: id, space_id: space });
  const name = asset?.metadata.name;
  const crumbs = useSpaceCrumbs(space, paths.assets(space));
  return (
    <Page key={name} title={name ?? "Asset"} crumbs={crumbs} actions={asset && <Actions space={space} id={id} asset={asset} />}>
      <Problem error={error} title="The asset cannot be shown" />
      {asset && <Known space={space} id={id} asset={asset} />}
    </Page>
  );
}

type Properties = { space: string; id: string; asset: Asset };

function Known({ space, id, asset: { metadata, entity, attachments } }: Properties) {
  const made = useUses(space, id)?.made_by;
  const { asset_type: type, description, size, created_at: at } = metadata;
  const own = entity[type];
  return (
    <>
      {description && <p className="lead">{description}</p>}
      <Facts
        facts={[
          ["Kind", wordOf(type)],
          ["Type", own?.type],
          ["Size", size > 0 && bytes(size)],
          ["Software specification", own?.software_spec?.name],
          ["Made", <Time at={at} full />],
          ["By run", made && <MadeBy space={space} maker={made} />],
          ["Behind a connection", attachments?.find((each) => each.connection_id)?.connection_path],
          ["Id", <Copy text={id} what="the asset's id" />],
        ]}
      />
      {type === "data_asset" && <Preview space={space} id={id} />}
      <Schema fields={fieldsOf(own)} />
      <UsesSection space={space} id={id} />
      <Revisions space={space} id={id} />
    </>
  );
}

function Actions({ space, id, asset }: Properties) {
  const uses = useUses(space, id);
  const { asset_type: type, name, size } = asset.metadata;
  const fetched = useMutation({ mutationFn: () => contentOf(space, id, asset), onSuccess: (link) => link && location.assign(link) });
  const deployed = !uses || uses.deployments.length > 0;
  const gone = { at: `/v2/assets/${id}?space_id=${space}`, list: "/v2/asset_summaries", to: paths.assets(space) };
  return (
    <>
      <Problem error={fetched.error} title="It cannot be downloaded" />
      <ConfirmDelete what={name} {...gone} blocked={deployed}>
        {uses && deployed && <p>It is deployed. Delete its deployments first:</p>}
        {!deployed && <p>It goes to the trash, from where it can be restored. {uses.jobs.length > 0 && "Next runs of these jobs fail:"}</p>}
        {uses && <Uses space={space} uses={uses} quiet />}
      </ConfirmDelete>
      {size > 0 && (
        <Button kind="tertiary" renderIcon={Download} disabled={fetched.isPending} onClick={() => fetched.mutate()}>Download</Button>
      )}
      {isDeployable(type) && (
        <Button kind={isSelfContained(type) ? "tertiary" : "primary"} as={Link} href={paths.newDeployment(space, id)}>
          Create deployment
        </Button>
      )}
      {isSelfContained(type) && <Button as={Link} href={paths.newJob(space, { asset: id })}>New job</Button>}
    </>
  );
}

/** What was frozen of an asset, and a button that freezes it as it is now. */
function Revisions({ space, id }: Omit<Properties, "asset">) {
  const { data, error } = useRead("/v2/assets/{asset_id}/revisions", { asset_id: id, space_id: space, limit: 100 });
  const at = `/v2/assets/${id}`;
  const freeze = useChange(() => send("POST", `${at}/revisions`, { space_id: space }, {}), at);
  const button = <SmallButton disabled={freeze.isPending} onClick={() => freeze.mutate()}>Freeze a revision</SmallButton>;
  return (
    <Section title="Revisions" actions={button} error={error ?? freeze.error} problem="Revisions cannot be shown or made">
      {data?.results.length === 0 && <p className="muted">None is frozen: deployments follow the asset as it is.</p>}
      <ul>
        {data?.results.map(({ metadata: { revision_id: revision, size, commit_info: frozen } }) => (
          <li key={revision}>Revision {revision}, {bytes(size)}, frozen {frozen && <Time at={frozen.committed_at} />}</li>
        ))}
      </ul>
    </Section>
  );
}
