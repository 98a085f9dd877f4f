import type { Asset } from "./answers";
import { Refusal, refusal, send, url } from "./client";

/** `many` is how many are called, `file` what its file is. */
type AssetKind = { type: string; word: string; many: string; file: string; can: "deploy" | "run" | null };

/** What people bring to a space, by the wire's type. */
export const ASSET_KINDS: AssetKind[] = [
  { type: "data_asset", word: "Data", many: "Data", file: "CSV, Parquet, JSON lines, or any other file", can: null },
  { type: "wml_model", word: "Model", many: "Models", file: "The model's file, or an archive of it", can: "deploy" },
  { type: "wml_function", word: "Function", many: "Functions", file: "A Python file that defines score", can: "deploy" },
  { type: "script", word: "Script", many: "Scripts", file: "A script in Python (.py) or R (.R)", can: "run" },
  { type: "notebook", word: "Notebook", many: "Notebooks", file: "A Jupyter notebook (.ipynb)", can: "run" },
  { type: "code_package", word: "Code package", many: "Code packages", file: "A zip of scripts, notebooks and modules", can: "run" },
  { type: "flow", word: "Flow", many: "Flows", file: "A pipeline document, or a zip of one with its files", can: "run" },
];

export const kindOf = (type: string): AssetKind | undefined => ASSET_KINDS.find((kind) => kind.type === type);

/** Whether a deployment can be made of an asset; a script can be deployed, too. */
export const isDeployable = (type: string) => type === "script" || kindOf(type)?.can === "deploy";
export const isSelfContained = (type: string) => kindOf(type)?.can === "run" || type === "orchestration_flow";

const OTHERS: Record<string, string> = { connection: "Connection", orchestration_flow: "Flow", parameter_set: "Parameter set" };

export const wordOf = (type: string): string => kindOf(type)?.word ?? OTHERS[type] ?? type.replaceAll("_", " ");

export interface NewAsset {
  type: string;
  name: string;
  description: string;
  file: File | null;
  software: string;
  modelType: string;
  /** A model's input, a column a line, each with its type behind it. */
  columns: string;
}

type Told = (share: number) => void;

/** Makes an asset and sends its content; where that is refused, there is no asset. Returns its id. */
export async function storeAsset(space_id: string, wanted: NewAsset, told: Told): Promise<string> {
  const { file, type } = wanted;
  if (!file) throw new Refusal("Choose a file.", { status: 400, code: "no_file", field: "file" });
  const id = await (ML_PATHS[type] ? makeMl(space_id, wanted) : make(space_id, wanted, file));
  try {
    await (ML_PATHS[type] ? sendMl(space_id, id, type, file, told) : attach(space_id, id, type, file, told));
    return id;
  } catch (error) {
    await send("DELETE", `/v2/assets/${id}`, { space_id, purge_on_delete: true }).catch(() => undefined);
    throw atFile(error);
  }
}

const ANY_CONTENT = "application/octet-stream";
const store = async (space_id: string, metadata: object, entity: object) =>
  (await send<{ asset_id: string }>("POST", "/v2/assets", { space_id }, { metadata, entity })).asset_id;

/** Makes a data asset of what lies behind a connection; returns its id. */
export async function storeConnected(space_id: string, name: string, behind: { connection_id: string; connection_path: string }): Promise<string> {
  const type = { asset_type: "data_asset", name };
  const id = await store(space_id, type, { data_asset: { mime_type: ANY_CONTENT } });
  await send("POST", `/v2/assets/${id}/attachments`, { space_id }, { ...type, is_remote: true, ...behind });
  return id;
}

const ML_PATHS: Record<string, string> = { wml_model: "models", wml_function: "functions" };

async function makeMl(space_id: string, { type, name, description, software, modelType, columns }: NewAsset): Promise<string> {
  const kind = type === "wml_model" ? { type: modelType, ...schema(columns) } : {};
  const body = { name, description, space_id, software_spec: { id: software }, ...kind };
  return (await send<{ metadata: { id: string } }>("POST", `/ml/v4/${ML_PATHS[type]}`, {}, body)).metadata.id;
}

function schema(columns: string): object {
  const lines = columns.split("\n").map((line) => line.trim()).filter(Boolean);
  const fields = lines.map((line) => {
    const [, name, type = "other"] = /^(.+?)(?:\s+(\S+))?$/.exec(line) ?? [];
    return { name, type };
  });
  return fields.length > 0 ? { schemas: { input: [{ id: "input", type: "struct", fields }] } } : {};
}

async function sendMl(space_id: string, id: string, type: string, file: File, told: Told): Promise<void> {
  if (type === "wml_model") return put(url(`/ml/v4/models/${id}/content`, { space_id }), file, told);
  const packed = file.name.endsWith(".gz") ? file : await gzipped(file);
  return put(url(`/ml/v4/functions/${id}/code`, { space_id }), packed, told);
}

const make = (space_id: string, { type, name, description, software }: NewAsset, file: File) => {
  const language = type === "script" ? { name: /\.r$/i.test(file.name) ? "R" : "python3" } : undefined;
  const entity = type === "data_asset" ? { mime_type: file.type || ANY_CONTENT } : { language, software_spec: { id: software } };
  return store(space_id, { name, description, asset_type: type }, { [type]: entity });
};

async function attach(space_id: string, id: string, type: string, file: File, told: Told): Promise<void> {
  const place = `/v2/assets/${id}/attachments`;
  const body = { asset_type: type, name: file.name, mime: file.type || ANY_CONTENT };
  const made = await send<{ attachment_id: string; url1: string }>("POST", place, { space_id }, body);
  await put(made.url1, file, told);
  await send("POST", `${place}/${made.attachment_id}/complete`, { space_id }, {});
}

/** Sends a body by XMLHttpRequest: fetch does not tell how far it is. */
function put(address: string, body: Blob, told: Told): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.upload.onprogress = ({ loaded, total }) => told(total ? loaded / total : 1);
    request.onerror = () => reject(new Refusal("The upload broke off. Try it again.", { status: 0, code: "no_answer" }));
    request.onload = () => {
      if (request.status < 400) resolve();
      else refusal(new Response(request.responseText, { status: request.status })).then(reject, reject);
    };
    request.open("PUT", address);
    request.setRequestHeader("Content-Type", ANY_CONTENT);
    request.send(body);
  });
}

const gzipped = (file: File) => new Response(file.stream().pipeThrough(new CompressionStream("gzip"))).blob();

/** What is wrong with the content stands at the file, whatever the server calls it. */
function atFile(error: unknown): unknown {
  if (!(error instanceof Refusal) || error.about.status === 0 || error.about.status >= 500) return error;
  return new Refusal(error.message, { ...error.about, field: "file" });
}

/** Where the content of an asset is to be had; null where it has none of its own. */
export async function contentOf(space: string, id: string, { metadata, attachments }: Asset): Promise<string | null> {
  const scope = { space_id: space };
  if (metadata.asset_type === "wml_model") return url(`/ml/v4/models/${id}/content`, scope);
  if (metadata.asset_type === "wml_function") return url(`/ml/v4/functions/${id}/code`, scope);
  const attachment = attachments?.find((each) => !each.connection_id);
  if (!attachment) return null;
  return (await send<{ url?: string }>("GET", `/v2/assets/${id}/attachments/${attachment.id}`, scope)).url ?? null;
}
