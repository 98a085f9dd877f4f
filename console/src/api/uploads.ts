import { post, Refusal, refusal, remove, url } from "./client";

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
export async function storeAsset(space: string, wanted: NewAsset, told: Told): Promise<string> {
  const { file, type } = wanted;
  if (!file) throw new Refusal("Choose a file.", { status: 400, code: "no_file", field: "file" });
  const id = await (type in ML_PATHS ? makeMl(space, wanted) : make(space, wanted, file));
  try {
    await (type in ML_PATHS ? sendMl(space, id, type, file, told) : send(space, id, type, file, told));
    return id;
  } catch (error) {
    await remove(`/v2/assets/${id}`, { space_id: space, purge_on_delete: true }).catch(() => undefined);
    throw atFile(error);
  }
}

/** Makes a data asset of what lies behind a connection; returns its id. */
export async function storeConnected(space: string, data: { name: string; connection: string; path: string }): Promise<string> {
  const metadata = { name: data.name, asset_type: "data_asset" };
  const body = { metadata, entity: { data_asset: { mime_type: "application/octet-stream" } } };
  const { asset_id: id } = await post<{ asset_id: string }>("/v2/assets", body, { space_id: space });
  const behind = { asset_type: "data_asset", name: data.name, is_remote: true };
  const remote = { ...behind, connection_id: data.connection, connection_path: data.path };
  await post(`/v2/assets/${id}/attachments`, remote, { space_id: space });
  return id;
}

const ML_PATHS: Record<string, string> = { wml_model: "models", wml_function: "functions" };

async function makeMl(space: string, { type, name, description, software, modelType, columns }: NewAsset): Promise<string> {
  const kind = type === "wml_model" ? { type: modelType, ...schema(columns) } : {};
  const body = { name, description, space_id: space, software_spec: { id: software }, ...kind };
  return (await post<{ metadata: { id: string } }>(`/ml/v4/${ML_PATHS[type]}`, body)).metadata.id;
}

function schema(columns: string): object {
  const lines = columns.split("\n").map((line) => line.trim()).filter(Boolean);
  const fields = lines.map((line) => {
    const [, name, type] = /^(.+?)(?:\s+(\S+))?$/.exec(line) ?? [];
    return { name, type: type ?? "other" };
  });
  return fields.length > 0 ? { schemas: { input: [{ id: "input", type: "struct", fields }] } } : {};
}

async function sendMl(space: string, id: string, type: string, file: File, told: Told): Promise<void> {
  if (type === "wml_model") return put(url(`/ml/v4/models/${id}/content`, { space_id: space }), file, told);
  const packed = file.name.endsWith(".gz") ? file : await gzipped(file);
  return put(url(`/ml/v4/functions/${id}/code`, { space_id: space }), packed, told);
}

async function make(space: string, { type, name, description, software }: NewAsset, file: File): Promise<string> {
  const language = type === "script" ? { language: { name: /\.r$/i.test(file.name) ? "R" : "python3" } } : {};
  const data = { mime_type: file.type || "application/octet-stream" };
  const entity = { [type]: type === "data_asset" ? data : { ...language, software_spec: { id: software } } };
  const body = { metadata: { name, description, asset_type: type }, entity };
  return (await post<{ asset_id: string }>("/v2/assets", body, { space_id: space })).asset_id;
}

async function send(space: string, id: string, type: string, file: File, told: Told): Promise<void> {
  const place = `/v2/assets/${id}/attachments`;
  const body = { asset_type: type, name: file.name, mime: file.type || "application/octet-stream" };
  const made = await post<{ attachment_id: string; url1: string }>(place, body, { space_id: space });
  await put(made.url1, file, told);
  await post(`${place}/${made.attachment_id}/complete`, {}, { space_id: space });
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
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.send(body);
  });
}

const gzipped = (file: File) => new Response(file.stream().pipeThrough(new CompressionStream("gzip"))).blob();

/** What is wrong with the content stands at the file, whatever the server calls it. */
function atFile(error: unknown): unknown {
  if (!(error instanceof Refusal) || error.status === 0 || error.status >= 500) return error;
  return new Refusal(error.message, { status: error.status, code: error.code, field: "file" });
}
