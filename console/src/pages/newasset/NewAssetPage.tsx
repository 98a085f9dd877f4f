import { Button, Form, ProgressBar, Select, SelectItem, Stack, TextArea, TextInput } from "@carbon/react";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useReducer, useState } from "react";
import { Link, useSearchParams } from "wouter";
import { ASSET_KINDS, kindOf } from "../../api/assetKinds";
import { type NewAsset, storeAsset } from "../../api/uploads";
import { Page } from "../../kit/Page";
import { invalid, Problem, useFocusOnInvalid } from "../../kit/Problem";
import { useLeave, useSpaceCrumbs } from "../../kit/spacePage";
import { paths } from "../../paths";
import { DropFile } from "./DropFile";
import { SoftwareFields } from "./SoftwareFields";

const EMPTY: NewAsset = { type: "data_asset", name: "", description: "", file: null, software: "", modelType: "", columns: "" };

const merge = (form: NewAsset, change: Partial<NewAsset>): NewAsset => ({ ...form, ...change });

/** Brings a file to a space, as data or as something that runs; what kind it is stands in the address. */
export default function NewAssetPage({ space }: { space: string }) {
  const [search, setSearch] = useSearchParams();
  const kind = kindOf(search.get("type") ?? "data_asset") ?? ASSET_KINDS[0]!;
  const [form, set] = useReducer(merge, EMPTY);
  const [share, setShare] = useState(0);
  const crumbs = useSpaceCrumbs(space, paths.assets(space));
  const leave = useLeave("assets", space);
  const store = useMutation({
    mutationFn: () => storeAsset(space, { ...form, type: kind.type }, setShare),
    onSuccess: (id) => leave(paths.asset(space, id)),
  });
  useFocusOnInvalid(store.error);
  const take = (file: File | null) => set({ file, ...(file && !form.name ? { name: nameOf(file, kind.type) } : {}) });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setShare(0);
    store.mutate();
  };
  return (
    <Page title="Upload" crumbs={crumbs}>
      <Form className="narrow" noValidate onSubmit={submit}>
        <Stack gap={6}>
          <Problem error={store.error} title="It was not uploaded" />
          <Select id="kind" labelText="Kind" value={kind.type} onChange={(event) => setSearch({ type: event.target.value }, { replace: true })}>
            {ASSET_KINDS.map(({ type, word }) => (
              <SelectItem key={type} value={type} text={word} />
            ))}
          </Select>
          <DropFile id="file" label={kind.file} file={form.file} take={take} {...invalid(store.error, "file")} />
          <TextInput id="name" labelText="Name" required value={form.name} {...invalid(store.error, "name", "metadata.name")} onChange={(event) => set({ name: event.target.value })} />
          {kind.type !== "data_asset" && <SoftwareFields space={space} type={kind.type} form={form} set={set} error={store.error} />}
          <TextArea id="description" labelText="Description (optional)" rows={2} value={form.description} onChange={(event) => set({ description: event.target.value })} />
          {store.isPending && <ProgressBar label="Upload" helperText={share < 1 ? `${Math.round(100 * share)} %` : "The server looks at it"} value={100 * share} />}
          <div className="buttons">
            <Button kind="secondary" as={Link} href={paths.assets(space)}>
              Cancel
            </Button>
            <Button type="submit" disabled={store.isPending}>
              Upload
            </Button>
          </div>
        </Stack>
      </Form>
    </Page>
  );
}

/** Files are called by their whole name, and what is made of one by its first part. */
const nameOf = (file: File, type: string) =>
  type === "wml_model" || type === "wml_function" ? file.name.replace(/\..*$/, "") : file.name;
