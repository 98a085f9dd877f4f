import { queryOptions } from "@tanstack/react-query";
import { get } from "./client";
import type { components } from "./schema";

export type ModelTypes = components["schemas"]["ModelTypes"];

interface Specification {
  metadata: { asset_id: string; name: string; description?: string };
}

interface Specifications<T extends Specification> {
  resources: T[];
}

/** A software specification: an interpreter and packages. */
export type Software = Specification & {
  entity: { software_specification: { software_configuration: { platform: { name: string; version: string } } } };
};

const HOUR_MS = 3_600_000;

export const softwareQuery = (space: string) =>
  queryOptions({
    queryKey: ["software", space],
    queryFn: ({ signal }) => get<Specifications<Software>>("/v2/software_specifications", { space_id: space }, signal),
    select: ({ resources }) => [...resources].sort((one, other) => own(other) - own(one)),
    staleTime: 60_000,
  });

export const hardwareQuery = (space: string) =>
  queryOptions({
    queryKey: ["hardware", space],
    queryFn: ({ signal }) => get<Specifications<Specification>>("/v2/hardware_specifications", { space_id: space }, signal),
    staleTime: 60_000,
  });

export const modelTypesQuery = (space: string, software: string) =>
  queryOptions({
    queryKey: ["model-types", space, software],
    queryFn: ({ signal }) =>
      get<ModelTypes>("/v2/model_types", { space_id: space, software_specification_id: software }, signal),
    enabled: software !== "",
    staleTime: HOUR_MS,
  });

/** The environment of the server itself comes first: it is there without being built. */
const own = ({ metadata }: Specification) => Number(metadata.name.startsWith("gristmill-py"));
