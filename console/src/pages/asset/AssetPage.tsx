import { Button } from "@carbon/react";
import { Download } from "@carbon/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { type Asset, assetQuery, contentOf, deleteAsset, fieldsOf, usesQuery } from "../../api/assets";
import { isDeployable, isSelfContained, wordOf } from "../../api/assetKinds";
import { bytes } from "../../kit/bytes";
import { ConfirmDelete } from "../../kit/ConfirmDelete";
import { Copy } from "../../kit/Copy";
import { Facts } from "../../kit/Facts";
import { Page } from "../../kit/Page";
import { Problem } from "../../kit/Problem";
import { Schema } from "../../kit/Schema";
import { Section } from "../../kit/Section";
import { useLeave, useSpaceCrumbs } from "../../kit/spacePage";
import { Time } from "../../kit/Time";
import { paths } from "../../paths";
import { Preview } from "./Preview";
import { Revisions } from "./Revisions";
import { MadeBy, Uses } from "./Uses";

/** An asset: what is in it, what uses it, and what can be made of it. */
export default function AssetPage({ space, asset: id }: { space: string; asset: string }) {
  const { data: asset, error } = useQuery(assetQuery(space, id));
  const { data: uses } = useQuery(usesQuery(space, id));
  const crumbs = useSpaceCrumbs(space, paths.assets(space));
  return (
    <Page key={asset?.metadata.name} title={asset?.metadata.name ?? "Asset"} crumbs={crumbs} actions={asset && <Actions space={space} id={id} asset={asset} />}>
      <Problem error={error} title="The asset cannot be shown" />
      {asset && (
        <>
          {asset.metadata.description && <p className="lead">{asset.metadata.description}</p>}
          <Facts
            facts={[
              ["Kind", wordOf(asset.metadata.asset_type)],
              ["Type", asset.entity[asset.metadata.asset_type]?.type],
              ["Size", asset.metadata.size ? bytes(asset.metadata.size) : null],
              ["Software specification", asset.entity[asset.metadata.asset_type]?.software_spec?.name],
              ["Made", <Time at={asset.metadata.created_at} full />],
              ["By run", uses?.made_by && <MadeBy space={space} maker={uses.made_by} />],
              ["Behind a connection", asset.attachments?.find((each) => each.connection_id)?.connection_path],
              ["Id", <Copy text={id} what="the asset's id" />],
            ]}
          />
          {asset.metadata.asset_type === "data_asset" && <Preview space={space} id={id} />}
          <Schema fields={fieldsOf(asset)} />
          {uses && (
            <Section title="Where it is used">
              <Uses space={space} uses={uses} />
            </Section>
          )}
          <Revisions space={space} id={id} />
        </>
      )}
    </Page>
  );
}

function Actions({ space, id, asset }: { space: string; id: string; asset: Asset }) {
  const { data: uses } = useQuery(usesQuery(space, id));
  const leave = useLeave("assets", space);
  const type = asset.metadata.asset_type;
  const fetched = useMutation({ mutationFn: () => contentOf(space, id, asset), onSuccess: (link) => link && location.assign(link) });
  return (
    <>
      <Problem error={fetched.error} title="It cannot be downloaded" />
      <ConfirmDelete what={asset.metadata.name} remove={() => deleteAsset(space, id)} done={() => leave(paths.assets(space))} blocked={!uses || uses.deployments.length > 0}>
        {uses && uses.deployments.length > 0 && <p>It is deployed. Delete its deployments first:</p>}
        {uses && uses.deployments.length === 0 && <p>It goes to the trash, from where it can be restored. {uses.jobs.length > 0 && "Next runs of these jobs fail:"}</p>}
        {uses && <Uses space={space} uses={uses} quiet />}
      </ConfirmDelete>
      {asset.metadata.size > 0 && (
        <Button kind="tertiary" renderIcon={Download} disabled={fetched.isPending} onClick={() => fetched.mutate()}>
          Download
        </Button>
      )}
      {isDeployable(type) && (
        <Button kind={isSelfContained(type) ? "tertiary" : "primary"} as={Link} href={paths.newDeployment(space, id)}>
          Create deployment
        </Button>
      )}
      {isSelfContained(type) && (
        <Button as={Link} href={paths.newJob(space, { asset: id })}>
          New job
        </Button>
      )}
    </>
  );
}
