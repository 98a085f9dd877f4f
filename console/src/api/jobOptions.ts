import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { get, post } from "./client";
import type { components } from "./schema";

export type SchedulePlan = Partial<components["schemas"]["SchedulePlan"]>;
export type SchedulePreview = components["schemas"]["SchedulePreview"];

interface Hardware {
  metadata: { asset_id: string; name: string };
  entity: { hardware_specification: { nodes: { cpu?: { units: string }; mem?: { size: string } } } };
}

export const hardwareQuery = (space: string) =>
  queryOptions({
    queryKey: ["hardware", space],
    queryFn: ({ signal }) =>
      get<{ resources: Hardware[] }>("/v2/hardware_specifications", { space_id: space, limit: 200 }, signal),
    select: ({ resources }) =>
      resources.map(({ metadata, entity }) => {
        const { cpu, mem } = entity.hardware_specification.nodes;
        const size = [cpu && `${cpu.units} CPU`, mem && mem.size].filter(Boolean).join(", ");
        return { id: metadata.asset_id, name: metadata.name, text: size ? `${metadata.name}: ${size}` : metadata.name };
      }),
  });

interface Channel {
  id: string;
  name: string;
  type: string;
}

export const channelsQuery = (space: string) =>
  queryOptions({
    queryKey: ["channels", space],
    queryFn: ({ signal }) =>
      get<{ results: Channel[] }>("/v2/notification_channels", { space_id: space, limit: 200 }, signal),
  });

/** What a schedule that is not kept anywhere would do; a refusal names the field that is wrong. */
export const scheduleQuery = (plan: SchedulePlan) =>
  queryOptions({
    queryKey: ["schedule", plan],
    queryFn: () => post<SchedulePreview>("/v2/schedule_previews", plan),
    placeholderData: keepPreviousData,
    staleTime: 30_000,
  });
