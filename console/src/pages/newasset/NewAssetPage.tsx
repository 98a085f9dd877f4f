import { ProgressBar, TextArea, TextInput } from "@carbon/react";
import { type DragEvent, useEffect, useState } from "react";
import { useLocation } from "wouter";
import { ASSET_KINDS, kindOf, type NewAsset, storeAsset, useRead } from "../../api";
import { bytes, Choice, type FieldOf, invalid, Page, Problem, SendForm, useForm, useParam, useSpaceCrumbs } from "../../kit";
import { paths } from "../../paths";

const EMPTY = { name: "", description: "", file: null as File | null, software_spec: "", type: "", schemas: "" };
type Form = typeof EMPTY;

const KINDS = ASSET_KINDS.map(({ type, word }) => [type, word] as const);

/** Brings a file to a space, as data or as something that runs; what kind it is stands in the address. */
export default function NewAssetPage({ space }: { space: string }) {
  const [chosen, choose] = useParam("type");
  const kind = kindOf(chosen ?? "data_asset") ?? ASSET_KINDS[0]!;
  const [share, setShare] = useState(0);
  const [, go] = useLocation();
  const crumbs = useSpaceCrumbs(space, paths.assets(space));
  const form = useForm(EMPTY, {
    send: ({ software_spec: software, type: modelType, schemas: columns, ...form }) => {
      setShare(0);
      return storeAsset(space, { ...form, software, modelType, columns, type: kind.type } satisfies NewAsset, setShare);
    },
    below: "/v2/asset_summaries",
    done: (id) => go(paths.asset(space, id)),
  });
  const { values, set, field, error } = form;
  const take = (file: File | null) => set({ file, ...(file && !values.name ? { name: nameOf(file, kind.type) } : {}) });
  // Until the server's lists are there, nobody could have chosen from them.
  const listed = kind.type === "data_asset" || (values.software_spec !== "" && (kind.type !== "wml_model" || values.type !== ""));
  return (
    <Page title="Upload" crumbs={crumbs}>
      <SendForm of={form} button={{ disabled: form.pending || !listed }} action="Upload" problem="It was not uploaded" cancel={paths.assets(space)}>
        <Choice id="kind" labelText="Kind" value={kind.type} onChange={({ target }) => choose(target.value)} options={KINDS} />
        <DropFile label={kind.file} file={values.file} take={take} error={error} />
        <TextInput {...field("name", "metadata.name")} labelText="Name" required />
        {kind.type !== "data_asset" && <SoftwareFields space={space} kind={kind.type} form={values} set={set} field={field} />}
        <TextArea {...field("description")} labelText="Description (optional)" rows={2} />
        {form.pending && (
          <ProgressBar label="Upload" helperText={share < 1 ? `${Math.round(100 * share)} %` : "The server looks at it"} value={100 * share} />
        )}
      </SendForm>
    </Page>
  );
}

/** Files are called by their whole name, and what is made of one by its first part. */
const nameOf = (file: File, type: string) =>
  type === "wml_model" || type === "wml_function" ? file.name.replace(/\..*$/, "") : file.name;

type DropFileProps = { label: string; file: File | null; take: (file: File | null) => void; error: Error | null };

/** Takes a file from a dialog, or one that is dropped on it. */
function DropFile({ label, file, take, error }: DropFileProps) {
  const [over, setOver] = useState(false);
  const { invalid: wrong, invalidText } = invalid(error, "file");
  const drag = (inside: boolean) => (event: DragEvent) => {
    event.preventDefault();
    setOver(inside);
    if (event.type === "drop") take(event.dataTransfer.files[0] ?? null);
  };
  return (
    <div className="drop" data-over={over || undefined} onDragOver={drag(true)} onDragLeave={drag(false)} onDrop={drag(false)}>
      <label className="cds--label" htmlFor="file">{label}</label>
      <input id="file" type="file" aria-invalid={wrong} aria-describedby="file-said" onChange={({ target }) => take(target.files?.[0] ?? null)} />
      <p id="file-said" className={wrong ? "cause" : "muted"}>
        {wrong ? invalidText : file ? `${file.name}, ${bytes(file.size)}` : "Or drop it here."}
      </p>
    </div>
  );
}

type SoftwareFieldsProps = { space: string; kind: string; form: Form; set: (change: Partial<Form>) => void; field: FieldOf<Form> };

/** With what it runs, and of a model which type it is; both from the server's lists. */
function SoftwareFields({ space, kind, form: { software_spec: chosen, type }, set, field }: SoftwareFieldsProps) {
  const software = useRead("/v2/software_specifications", { space_id: space }, { staleTime: 60_000 });
  const types = useRead(
    "/v2/model_types",
    { space_id: space, software_specification_id: chosen },
    { enabled: kind === "wml_model" && chosen !== "", staleTime: 3_600_000 },
  );
  // The environment of the server itself comes first: it is there without being built.
  const own = (name: string) => Number(name.startsWith("gristmill-py"));
  const listed = [...(software.data?.resources ?? [])].sort((one, other) => own(other.metadata.name) - own(one.metadata.name));
  const first = listed[0]?.metadata.asset_id ?? "";
  const models = types.data?.results;
  useEffect(() => {
    if (!chosen && first) set({ software_spec: first });
    // Another software specification has other versions: the type stays of its kind.
    const same = models?.find(({ name }) => name.split("_")[0] === type.split("_")[0]) ?? models?.[0];
    if (same && same.name !== type) set({ type: same.name });
  }, [first, chosen, type, models, set]);
  return (
    <>
      <Problem error={software.error ?? types.error} title="The server's lists cannot be shown" />
      <Choice
        {...field("software_spec", `entity.${kind}.software_spec`, "entity.script.language.name")}
        labelText="Software specification"
        options={listed.map(({ metadata: { asset_id: id, name }, entity }) => {
          const { platform } = entity.software_specification.software_configuration;
          return [id, `${name} (${platform.name === "r" ? "R" : "Python"} ${platform.version})`];
        })}
      />
      {kind === "wml_model" && (
        <>
          <Choice
            {...field("type")}
            labelText="Type of model"
            options={models?.map(({ name, runnable }) => [name, runnable ? name : `${name} (stored only, not run)`]) ?? []}
          />
          <TextArea
            {...field("schemas", "schemas.input", "schemas.input[0].fields")}
            rows={3}
            labelText="Columns of the input (optional)"
            helperText="A column a line, with its type: AGE integer. Rows that do not fit are refused when they are submitted."
          />
        </>
      )}
    </>
  );
}
