import { queryOptions } from "@tanstack/react-query";
import { get, post, remove } from "./client";

/** A property of a type of connection; one that is masked is a secret, which the server never gives out again. */
export interface Property {
  name: string;
  type: string;
  required: boolean;
  masked: boolean;
}

export interface DatasourceType {
  metadata: { asset_id: string };
  entity: { name: string; label: string; status: string; properties?: { connection: Property[] } };
}

export interface Connection {
  metadata: { asset_id: string; create_time: string };
  entity: { name: string; description: string; datasource_type: string; properties: Record<string, unknown> };
}

export interface Entry {
  name: string;
  type: string;
  path: string;
  details: { size?: number; rows?: number; modified?: string };
}

/** What is behind a connection at a path. */
export interface Browsed {
  assets: Entry[];
  next?: { href: string };
}

export interface Tried {
  ok: boolean;
  message: string;
  seconds: number;
}

export const typesQuery = queryOptions({
  queryKey: ["datasource-types"],
  queryFn: ({ signal }) =>
    get<{ resources: DatasourceType[] }>("/v2/datasource_types", { connection_properties: true }, signal),
  staleTime: Number.POSITIVE_INFINITY,
});

export const connectionQuery = (space: string, id: string) =>
  queryOptions({
    queryKey: ["connection", space, id],
    queryFn: ({ signal }) => get<Connection>(`/v2/connections/${id}`, { space_id: space }, signal),
  });

export const browseQuery = (space: string, id: string, path: string, offset: number) =>
  queryOptions({
    queryKey: ["connection", space, id, "browse", path, offset],
    queryFn: ({ signal }) => get<Browsed>(`/v2/connections/${id}/assets`, { space_id: space, path, offset }, signal),
    retry: false,
  });

export interface NewConnection {
  name: string;
  description: string;
  datasource_type: string;
  properties: Record<string, string | number | boolean>;
}

export const createConnection = (space: string, wanted: NewConnection, test: boolean) =>
  post<Connection>("/v2/connections", wanted, { space_id: space, test });

export const tryConnection = (space: string, id: string) =>
  post<Tried>(`/v2/connections/${id}/test`, undefined, { space_id: space });

export const deleteConnection = (space: string, id: string) => remove(`/v2/connections/${id}`, { space_id: space });
